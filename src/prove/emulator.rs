//! A QEMU that a proof runs.

use super::kept::Kept;
use super::process::{NoLine, Process, Reading, deadline};
use super::{CannotRun, Launcher};
use crate::qemu::{Arch, MachineType, QemuVersion};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// One QEMU: how it is started, and what it says of itself.
#[derive(Debug, Clone)]
pub struct Emulator {
    /// The program and the arguments that come before all others.
    pub command: Vec<OsString>,
    /// Its release.
    pub version: QemuVersion,
    /// The machine types of the architecture that it has, newest first.
    pub machines: Vec<MachineType>,
    /// Other names of machine types, such as `pc`, and what they stand for.
    pub aliases: BTreeMap<String, String>,
}

impl Emulator {
    /// Asks a QEMU for its version and machine types.
    ///
    /// # Errors
    /// [`CannotRun`] where it does not start, does not end within `limit`, or
    /// says something else.
    pub fn ask(
        arch: Arch,
        command: Vec<OsString>,
        launcher: &Launcher,
        folder: &Path,
        limit: Duration,
    ) -> Result<Self, CannotRun> {
        let answer = |option: &[&str]| {
            let mut whole = command.clone();
            whole.extend(option.iter().map(OsString::from));
            answer(&whole, launcher, folder, limit)
        };
        let text = answer(&["--version"])?;
        let version = QemuVersion::of_version_output(&text).ok_or_else(|| {
            let name = words(&command);
            CannotRun(format!(
                "`{name} --version` prints no version of QEMU: {}",
                text.lines().next().unwrap_or("nothing")
            ))
        })?;
        let help = answer(&["-machine", "help"])?;
        let mut machines = MachineType::of_help(arch, &help);
        machines.sort_by_key(|machine| std::cmp::Reverse(machine.version));
        Ok(Self {
            command,
            version,
            machines,
            aliases: MachineType::aliases_of_help(&help),
        })
    }
}

/// What a program that ends by itself prints.
fn answer(
    command: &[OsString],
    launcher: &Launcher,
    folder: &Path,
    limit: Duration,
) -> Result<String, CannotRun> {
    let cannot = |why: &str| CannotRun(format!("`{}` {why}", words(command)));
    let mut process = Process::start(launcher, command, folder, Reading::Pieces)
        .map_err(|error| cannot(&format!("does not start: {error}")))?;
    let deadline = deadline(limit);
    let mut text = Kept::default();
    loop {
        match process.line(deadline) {
            Ok(piece) => text.push(piece.as_bytes()),
            Err(NoLine::TimeOver) => {
                return Err(cannot(&format!(
                    "does not end within {} s",
                    limit.as_secs()
                )));
            }
            Err(NoLine::Closed) => break,
        }
    }
    let text = text.text();
    if text.is_empty() {
        let ended = process.wait(deadline);
        return Err(ended.without_verdict(&format!("`{}` prints nothing", words(command))));
    }
    Ok(text)
}

/// A command line as one would type it.
#[must_use]
pub fn words(command: &[OsString]) -> String {
    let words = command.iter().map(|word| word.to_string_lossy());
    shell_words::join(words)
}
