//! Which QEMU is at hand.

use crate::advise::QemuPair;
use crate::cli::exit::{Failure, Kind};
use crate::cli::io::supervise::Workplace;
use crate::cli::options::qemu::QemuVersions;
use crate::prove::Emulator;
use crate::qemu::{Arch, QemuVersion};
use std::ffi::OsString;
use std::time::Duration;

/// How long a QEMU may take to say its version.
const LIMIT: Duration = Duration::from_secs(30);

/// What was said, after asking a QEMU if one was named.
///
/// # Errors
/// A [`Failure`] for a QEMU that does not run or says something else.
pub fn settle(wanted: &QemuVersions) -> Result<QemuPair, Failure> {
    let version = |said: Option<QemuVersion>, command: &Option<String>| match command {
        Some(command) => Ok(Some(emulator(Arch::X86_64, command)?.version)),
        None => Ok(said),
    };
    Ok(QemuPair {
        source: version(wanted.source_qemu_version, &wanted.source_qemu)?,
        dest: version(wanted.dest_qemu_version, &wanted.dest_qemu)?,
    })
}

/// The words of a command line that starts a QEMU. One that is named by a path is
/// found from any current folder.
///
/// # Errors
/// A [`Failure`] for words that are quoted wrongly, and for none.
pub fn command_line(text: &str) -> Result<Vec<OsString>, Failure> {
    let words = shell_words::split(text)
        .map_err(|error| Failure::usage(format!("`{text}` is no command line: {error}")))?;
    let mut words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    match words.first_mut() {
        Some(program) if !program.is_empty() => {
            if program.to_string_lossy().contains('/')
                && let Ok(path) = std::path::absolute(&*program)
            {
                *program = path.into_os_string();
            }
            Ok(words)
        }
        _ => Err(Failure::usage(
            "an empty command line names no QEMU; leave the option out for the host's own",
        )),
    }
}

/// Asks the QEMU that a command line starts what it is.
///
/// # Errors
/// A [`Failure`] for a QEMU that does not run or says something else.
pub fn emulator(arch: Arch, command: &str) -> Result<Emulator, Failure> {
    let words = command_line(command)?;
    let workplace = Workplace::new()?;
    let folder = workplace.folder();
    Emulator::ask(arch, words, workplace.launcher(), folder, LIMIT)
        .map_err(|error| Failure::new(Kind::File, error))
}
