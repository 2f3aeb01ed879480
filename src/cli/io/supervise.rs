//! No QEMU and no temporary folder outlives the program, however it ends.
//!
//! A killed process cannot clean up. So every QEMU is started by this program
//! itself, which asks the kernel to be killed with its parent and then becomes
//! QEMU; and a second process of this program makes the folder, waits until the
//! first is gone, kills what is left, such as a QEMU that a script had started,
//! and removes the folder. What belongs to it is known by its environment.

use crate::cli::exit::{Exit, Failure, Kind};
use crate::cli::io::complaint::complain;
use crate::prove::Launcher;
use crate::report::Colour;
use rustix::fs::Mode;
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal, umask};
use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};
use tempfile::TempDir;

/// First argument of a process that dies with its parent.
const DIE_WITH: &str = "--die-with";
/// First argument of a process that makes a folder, writes its path and a NUL,
/// or else the reason, and removes it in the end.
const KEEP_FOLDER: &str = "--folder-until-end-of-input";
/// The variable that names the folder to everything that is started for it.
const WORKPLACE: &str = "ROMCOMPAT_WORKPLACE";
/// How often the remover tries, and how long it rests in between.
const TRIES: u32 = 50;
const REST: Duration = Duration::from_millis(20);

/// Does what another process of this program asks for, if it does.
pub fn serve() -> Option<Exit> {
    let mut arguments = env::args_os().skip(1);
    let first = arguments.next()?;
    if first == DIE_WITH {
        let parent = arguments.next()?.to_str()?.parse().ok()?;
        let folder = arguments.next()?;
        return Some(die_with(parent, &folder, arguments.collect()));
    }
    if first == KEEP_FOLDER {
        return Some(keep_folder(&mut io::stdout()));
    }
    None
}

/// Becomes another program that is killed when this one's parent is gone.
fn die_with(parent: i32, folder: &OsStr, command: Vec<OsString>) -> Exit {
    let mut words = command.into_iter();
    let is_set = set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
    // The parent may have gone before that.
    let parent_lives = getppid() == Pid::from_raw(parent);
    // What it writes, it must be able to read, and nobody else.
    umask(Mode::RWXG | Mode::RWXO);
    if let (true, true, Some(program)) = (is_set, parent_lives, words.next()) {
        let error = Command::new(&program)
            .args(words)
            .env(WORKPLACE, folder)
            .exec();
        let failure = Failure::file(program.display(), error);
        complain(&failure.text(Colour::Never));
    }
    Exit::NoProof
}

/// Makes a folder, says where, and removes it with what works in it once nobody
/// holds the other end of standard input.
fn keep_folder(out: &mut impl io::Write) -> Exit {
    let folder = match private_folder() {
        Ok(folder) => folder.keep(),
        Err(error) => {
            let _ = out.write_all(error.to_string().as_bytes());
            return Exit::NoProof;
        }
    };
    let path = [folder.as_os_str().as_bytes(), &[0]].concat();
    let _ = out.write_all(&path).and_then(|()| out.flush());
    // No file system is to be kept from being unmounted.
    let _ = env::set_current_dir("/");
    let _ = io::stdin().lock().read_to_end(&mut Vec::new());
    remove(&folder);
    Exit::Clean
}

/// A folder that only its owner may enter, under every umask.
fn private_folder() -> io::Result<TempDir> {
    let private = Permissions::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    let folder = builder.prefix("romcompat-").permissions(private.clone());
    let folder = folder.tempdir()?;
    fs::set_permissions(&folder, private)?;
    Ok(folder)
}

fn remove(folder: &Path) {
    // Processes that are being killed may still start others, and write.
    for _ in 0..TRIES {
        let workers = processes_of(folder);
        for process in &workers {
            let _ = kill_process(*process, Signal::KILL);
        }
        let is_removed = match fs::remove_dir_all(folder) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_removed && workers.is_empty() {
            break;
        }
        thread::sleep(REST);
    }
}

/// The processes that were started for a folder, as far as this user may know.
fn processes_of(folder: &Path) -> Vec<Pid> {
    let mut wanted = OsString::from(format!("{WORKPLACE}="));
    wanted.push(folder);
    let is_started_for = |process: &Path| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| variable == wanted.as_bytes())
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let pid = Pid::from_raw(pid)?;
            is_started_for(&entry.path()).then_some(pid)
        })
        .collect()
}

/// A private folder, and how processes are started that work in it.
#[derive(Debug)]
pub struct Workplace {
    folder: PathBuf,
    launcher: Launcher,
    keeper: Child,
}

impl Workplace {
    /// Makes a folder where the system keeps temporary files.
    ///
    /// # Errors
    /// A [`Failure`] where it cannot be made.
    pub fn new() -> Result<Self, Failure> {
        let temporary = env::temp_dir();
        let fail = |error: io::Error| Failure::of(Kind::Proof, temporary.display(), error);
        let this = env::current_exe().map_err(fail)?;
        let mut keeper = Command::new(&this)
            .arg(KEEP_FOLDER)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(fail)?;
        let mut said = Vec::new();
        if let Some(output) = keeper.stdout.take() {
            BufReader::new(output)
                .read_until(0, &mut said)
                .map_err(fail)?;
        }
        let Some((0, path)) = said.split_last() else {
            return Err(fail(io::Error::other(String::from_utf8_lossy(&said))));
        };
        let folder = PathBuf::from(OsStr::from_bytes(path));
        let parent = std::process::id().to_string();
        let words = [
            this.as_os_str(),
            DIE_WITH.as_ref(),
            parent.as_ref(),
            folder.as_ref(),
        ];
        Ok(Self {
            launcher: Launcher(words.map(OsStr::to_owned).to_vec()),
            folder,
            keeper,
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What to put before the command lines of processes.
    pub const fn launcher(&self) -> &Launcher {
        &self.launcher
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
