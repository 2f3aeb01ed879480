//! `romcompat hook`: the filter that libvirt runs on guests that come in.
//!
//! It ends with status 0 and prints the definition whatever happens: a guest
//! that would have worked without the hook works with it.

use crate::cli::exit::Exit;
use crate::cli::io::complaint::complain;
use crate::cli::io::open_state::open_state;
use crate::hook::{Filtered, NoState, ReceivingHost};
use crate::host::{Files, Found};
use crate::libvirt::{Domain, DomainError};
use crate::plan::{Manifest, ManifestError};
use crate::qemu::QemuVersion;
use crate::report::Text;
use crate::vmstate::SavedState;
use clap::Args;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use thiserror::Error;

/// What `hook --help` ends with.
pub const HELP: &str = "\
It reads the definition from standard input and prints it, with compat ROMs added
(or taken away) for `migrate begin` and `restore begin`, else as it is. The exit
status is always 0; what it leaves alone and why goes to the system's log. So it
leaves a guest alone whose files it cannot read within its budget of time.";

/// Filter the definition of a guest that comes to this host, as a hook of
/// libvirt
#[derive(Debug, Clone, Args)]
#[command(after_help = HELP)]
pub struct Hook {
    /// The manifest.json of the compat package
    #[arg(long, value_name = "FILE")]
    pub mapping: PathBuf,
    /// Look for the host's own ROMs here [default: where Debian's QEMU does]
    #[arg(long, value_name = "FOLDER")]
    pub roms: Vec<PathBuf>,
    /// Let the guest through unchanged where it takes longer than this
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 100)]
    pub budget: u64,
    /// What libvirt gives a hook: guest, operation, sub-operation, and more
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true)]
    pub arguments: Vec<OsString>,
}

/// Why a guest is left alone.
#[derive(Debug, Error)]
enum LeftAlone {
    #[error("it took longer than {0} ms")]
    Late(u64),
    #[error("standard input: {0}")]
    Input(io::Error),
    #[error("{}: {problem}", file.display())]
    Mapping {
        file: PathBuf,
        problem: MappingProblem,
    },
    #[error("the definition: {0}")]
    Definition(DomainError),
    #[error("the changed definition: {0}")]
    Changed(DomainError),
}

/// Why a mapping cannot be read.
#[derive(Debug, Error)]
enum MappingProblem {
    #[error(transparent)]
    Unread(#[from] io::Error),
    #[error("it is no file of a mapping")]
    NotAFile,
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// The socket of the system's log (syslog(3)).
const LOG_SOCKET: &str = "/dev/log";

/// `daemon` and `notice` (RFC 3164, section 4.1.1).
const PRIORITY: u8 = 3 * 8 + 5;

/// Has a definition go through unchanged, for arguments that cannot be
/// understood.
pub fn pass(error: &clap::Error) -> Exit {
    let message = error.to_string();
    let said: Vec<&str> = message
        .lines()
        .take_while(|line| !line.is_empty())
        .collect();
    log("?", &format!("left alone: {}", said.join(" ")));
    print("?", &[])
}

/// Reads a definition from standard input and prints what libvirt shall use.
pub fn run(command: &Hook) -> Exit {
    let begin = Instant::now();
    let guest = command.arguments.first();
    let guest = guest.map_or("?".into(), |guest| guest.to_string_lossy());
    let resumes = match &*command.arguments {
        [_, operation, sub, ..] if operation == "restore" && sub == "begin" => true,
        [_, operation, sub, ..] if operation == "migrate" && sub == "begin" => false,
        [_, _, _, ..] => return print(&guest, &[]),
        _ => {
            log(
                &guest,
                "left alone: libvirt gives a hook the guest, an operation and a sub-operation",
            );
            return print(&guest, &[]);
        }
    };
    let mut input = Vec::new();
    // One byte more says that it is too long.
    let longest = (Domain::LONGEST as u64).saturating_add(1);
    let read = io::stdin().lock().take(longest).read_to_end(&mut input);
    let budget_ms = command.budget;
    let budget = Duration::from_millis(budget_ms);
    let filtered = match read {
        Ok(_) => {
            let (command, input) = (command.clone(), input.clone());
            let work = move || filter(&command, resumes, &input);
            let filtered = in_time(work, |answer| {
                let left = budget.checked_sub(begin.elapsed())?;
                answer.recv_timeout(left).ok()
            });
            filtered.unwrap_or(Err(LeftAlone::Late(budget_ms)))
        }
        Err(error) => Err(LeftAlone::Input(error)),
    };
    match filtered {
        Ok(Filtered { text, remarks }) => {
            for remark in remarks {
                log(&guest, &remark);
            }
            print(&guest, text.as_bytes())
        }
        Err(why) => {
            log(&guest, &format!("left alone: {why}"));
            print(&guest, &input)
        }
    }
}

/// What some work gives, where it is there before the wait for it ends. Work that
/// is not done then goes on until the program ends, which nothing holds up.
fn in_time<T: Send + 'static>(
    work: impl Fn() -> T + Send + Sync + 'static,
    wait: impl FnOnce(&Receiver<T>) -> Option<T>,
) -> Option<T> {
    let (sender, receiver) = sync_channel(1);
    let work = Arc::new(work);
    let worker = Arc::clone(&work);
    let started = thread::Builder::new().spawn(move || {
        let _ = sender.send(worker());
    });
    match started {
        Ok(_) => wait(&receiver),
        Err(_) => Some(work()),
    }
}

/// Prints this, and what is left of standard input.
fn print(guest: &str, start: &[u8]) -> Exit {
    let mut out = io::stdout().lock();
    let printed = out
        .write_all(start)
        .and_then(|()| io::copy(&mut io::stdin().lock(), &mut out))
        .and_then(|_| out.flush());
    if let Err(error) = printed {
        log(guest, &format!("standard output: {error}"));
    }
    Exit::Clean
}

/// The definition as the mapping wants it; an error where anything is in doubt.
fn filter(command: &Hook, resumes: bool, input: &[u8]) -> Result<Filtered, LeftAlone> {
    let of_mapping = |problem| LeftAlone::Mapping {
        file: command.mapping.clone(),
        problem,
    };
    let mapping = read_mapping(&command.mapping).map_err(of_mapping)?;
    let domain = Domain::parse(input).map_err(LeftAlone::Definition)?;
    let host = ThisHost {
        folders: &command.roms,
        resumes,
    };
    let filtered = mapping.filter(&domain, &host);
    // What is printed is what libvirt believes; it must be a definition still.
    Domain::parse(filtered.text.as_bytes()).map_err(LeftAlone::Changed)?;
    Ok(filtered)
}

fn read_mapping(path: &Path) -> Result<Manifest, MappingProblem> {
    let file = fs::metadata(path)?;
    // Others may never come to an end.
    if !file.is_file() || file.len() > Manifest::LONGEST {
        return Err(MappingProblem::NotAFile);
    }
    let text = fs::read_to_string(path)?;
    Ok(Manifest::parse(&text)?)
}

/// The host that the hook runs on.
#[derive(Debug)]
struct ThisHost<'a> {
    folders: &'a [PathBuf],
    /// Whether the guest resumes from a saved state.
    resumes: bool,
}

impl Files for ThisHost<'_> {
    fn find(&self, file: &str) -> Found {
        let metadata = |folder: &Path| fs::metadata(folder.join(file)).ok();
        let found = if file.starts_with('/') {
            fs::metadata(file).ok()
        } else if self.folders.is_empty() {
            let folders = QemuVersion::new(10, 0).search_path();
            folders
                .iter()
                .find_map(|folder| metadata(Path::new(folder)))
        } else {
            self.folders.iter().find_map(|folder| metadata(folder))
        };
        let file = found.filter(fs::Metadata::is_file);
        file.map_or(Found::Missing, |file| Found::file(file.len()))
    }
}

impl ReceivingHost for ThisHost<'_> {
    fn saved_state(&self, domain: &Domain<'_>) -> Result<Option<SavedState>, NoState> {
        self.resumes.then(|| open_state(domain)).transpose()
    }
}

/// To standard error, of which libvirt keeps little, and to the system's log.
fn log(guest: &str, what: &str) {
    let mut text = Text::new();
    text.line(format_args!("romcompat hook: guest {guest}: {what}"));
    complain(&text);
    let line = text.trim_end();
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.set_nonblocking(true);
        let _ = socket.send_to(format!("<{PRIORITY}>{line}").as_bytes(), LOG_SOCKET);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_where_it_is_done_before_the_wait_for_it_ends() {
        let done = in_time(|| "filtered", |answer| answer.recv().ok());
        assert_eq!(done, Some("filtered"));
        let (end, ends) = sync_channel::<()>(0);
        let ends = std::sync::Mutex::new(ends);
        let hangs = move || {
            let _ = ends.lock().map(|ends| ends.recv());
        };
        assert_eq!(in_time(hangs, |answer| answer.try_recv().ok()), None);
        drop(end);
    }
}
