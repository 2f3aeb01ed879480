//! `romcompat hook`: the filter that libvirt runs on guests that come in.
//!
//! It ends with status 0 and prints the definition whatever happens: a guest
//! that would have worked without the hook works with it.

use super::exit::Exit;
use super::terminal::complain;
use crate::libvirt::Domain;
use crate::package::{HookMapping, Host};
use crate::qemu::QemuVersion;
use clap::Args;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// What `hook --help` ends with.
pub const HELP: &str = "\
It reads the definition from standard input and prints it, with compat ROMs added
(or taken away) for `migrate begin` and `restore begin`, else as it is. The exit
status is always 0; what it leaves alone and why goes to the system's log.";

/// `hook`.
#[derive(Debug, Args)]
pub struct Hook {
    /// The manifest.json of the compat package
    #[arg(long, value_name = "FILE")]
    pub mapping: PathBuf,
    /// Look for the host's own ROMs here [default: where Debian's QEMU does]
    #[arg(long, value_name = "FOLDER")]
    pub roms: Vec<PathBuf>,
    /// What libvirt gives a hook: guest, operation, sub-operation, and more
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true)]
    pub arguments: Vec<OsString>,
}

/// A longer definition goes through unread: 16 MiB.
const LONGEST: u64 = 16 << 20;

/// The socket of the system's log (syslog(3)).
const LOG_SOCKET: &str = "/dev/log";

/// `daemon` and `notice` (RFC 3164, section 4.1.1).
const PRIORITY: u8 = 3 * 8 + 5;

/// Reads a definition from standard input and prints what libvirt shall use.
pub fn run(command: &Hook) -> Exit {
    let mut input = Vec::new();
    let mut stdin = io::stdin().lock();
    let read = stdin.by_ref().take(LONGEST).read_to_end(&mut input);
    let mut out = io::stdout().lock();
    let is_whole = read.is_ok() && (input.len() as u64) < LONGEST;
    let incoming = matches!(
        &*command.arguments,
        [_, operation, sub, ..] if (operation == "migrate" || operation == "restore") && sub == "begin"
    );
    let filtered = if !is_whole {
        log(
            command,
            "left alone: the definition cannot be read, or has no end",
        );
        None
    } else if command.arguments.len() < 3 {
        log(
            command,
            "left alone: libvirt gives a hook the guest, an operation and a sub-operation",
        );
        None
    } else if incoming {
        filter(command, &input)
    } else {
        None
    };
    let printed = match filtered {
        Some(text) => out.write_all(text.as_bytes()),
        None => out
            .write_all(&input)
            .and_then(|()| io::copy(&mut stdin, &mut out).map(drop)),
    };
    if let Err(error) = printed.and_then(|()| out.flush()) {
        log(command, &format!("standard output: {error}"));
    }
    Exit::Clean
}

/// The definition as the mapping wants it; none where anything is in doubt.
fn filter(command: &Hook, input: &[u8]) -> Option<String> {
    let doubt = |why: String| {
        log(command, &format!("left alone: {why}"));
        None
    };
    let path = &command.mapping;
    let mapping = match fs::read_to_string(path) {
        Ok(text) => match HookMapping::parse(&text) {
            Ok(mapping) => mapping,
            Err(error) => return doubt(format!("{}: {error}", path.display())),
        },
        Err(error) => return doubt(format!("{}: {error}", path.display())),
    };
    let domain = match Domain::parse(input) {
        Ok(domain) => domain,
        Err(error) => return doubt(format!("the definition: {error}")),
    };
    let host = ThisHost {
        folders: &command.roms,
    };
    let filtered = mapping.filter(&domain, &host);
    for remark in &filtered.remarks {
        log(command, remark);
    }
    // What is printed is what libvirt believes; it must be a definition still.
    match Domain::parse(filtered.text.as_bytes()) {
        Ok(_) => Some(filtered.text),
        Err(error) => doubt(format!("the changed definition: {error}")),
    }
}

/// The files of the host that the hook runs on.
struct ThisHost<'a> {
    folders: &'a [PathBuf],
}

impl Host for ThisHost<'_> {
    fn has_file(&self, path: &str) -> bool {
        Path::new(path).is_file()
    }

    fn rom_size(&self, romfile: &str) -> Option<u64> {
        let size = |folder: &Path| fs::metadata(folder.join(romfile)).ok();
        let found = if self.folders.is_empty() {
            let folders = QemuVersion::new(10, 0).search_path();
            folders.iter().find_map(|folder| size(Path::new(folder)))
        } else {
            self.folders.iter().find_map(|folder| size(folder))
        };
        found.filter(fs::Metadata::is_file).map(|file| file.len())
    }
}

/// To standard error, of which libvirt keeps little, and to the system's log.
fn log(command: &Hook, what: &str) {
    let guest = command.arguments.first();
    let guest = guest.map_or("?".into(), |guest| guest.to_string_lossy());
    let line = format!("romcompat hook: guest {guest}: {what}");
    complain(&format!("{line}\n"));
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.set_nonblocking(true);
        let _ = socket.send_to(format!("<{PRIORITY}>{line}").as_bytes(), LOG_SOCKET);
    }
}
