//! Which QEMU is at hand.

use super::exit::{Exit, Failure};
use super::supervise::Workplace;
use crate::plan::QemuPair;
use crate::prove::Emulator;
use crate::qemu::{Arch, QemuVersion};
use clap::Args;
use std::ffi::OsString;
use std::time::Duration;

/// The QEMU at both ends of a migration.
#[derive(Debug, Args)]
pub struct QemuVersions {
    /// Release of QEMU that guests come from, such as 7.2
    #[arg(long, value_name = "VERSION")]
    pub source_qemu_version: Option<QemuVersion>,
    /// Release of QEMU that they go to
    #[arg(long, value_name = "VERSION")]
    pub dest_qemu_version: Option<QemuVersion>,
    /// Ask this QEMU, with arguments if need be, for --source-qemu-version
    #[arg(long, value_name = "COMMAND", conflicts_with = "source_qemu_version")]
    pub source_qemu: Option<String>,
    /// Ask this QEMU, with arguments if need be, for --dest-qemu-version
    #[arg(
        long,
        value_name = "COMMAND",
        conflicts_with = "dest_qemu_version",
        alias = "qemu"
    )]
    pub dest_qemu: Option<String>,
}

/// How long a QEMU may take to say its version.
const LIMIT: Duration = Duration::from_secs(30);

impl QemuVersions {
    /// Whether anything was said.
    pub fn are_given(&self) -> bool {
        let versions = [self.source_qemu_version, self.dest_qemu_version];
        let commands = [&self.source_qemu, &self.dest_qemu];
        versions.iter().any(Option::is_some) || commands.iter().any(|command| command.is_some())
    }

    /// What was said, after asking a QEMU if one was named.
    ///
    /// # Errors
    /// A [`Failure`] for a QEMU that does not run or says something else.
    pub fn settle(&self) -> Result<QemuPair, Failure> {
        let version = |said: Option<QemuVersion>, command: &Option<String>| match command {
            Some(command) => Ok(Some(emulator(Arch::X86_64, command)?.version)),
            None => Ok(said),
        };
        Ok(QemuPair {
            source: version(self.source_qemu_version, &self.source_qemu)?,
            dest: version(self.dest_qemu_version, &self.dest_qemu)?,
        })
    }
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
    Emulator::ask(arch, words, workplace.launcher(), folder, LIMIT).map_err(|error| Failure {
        exit: Exit::InputOutput,
        message: error.0,
    })
}
