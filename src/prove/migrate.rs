//! One migration between two QEMU, judged by the destination.

use super::process::{Ended, Process, Reading, deadline};
use super::qmp::{Monitor, QmpError};
use super::{CannotRun, Guest, Launcher, words};
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// What a destination did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Migration {
    /// It took the guest.
    Accepted,
    /// It refused the guest, with this line, the first that is no warning.
    Refused(String),
}

/// A migration with what it was made of.
#[derive(Debug, Clone)]
pub struct Migrated {
    /// What the destination did.
    pub result: Result<Migration, CannotRun>,
    /// The command lines of source and destination.
    pub commands: Vec<String>,
    /// All that both wrote to standard error.
    pub said: String,
}

/// Runs migrations in a folder of its own. A guest that was saved once serves
/// every migration from it.
#[derive(Debug)]
pub struct Migrator {
    launcher: Launcher,
    folder: PathBuf,
    limit: Duration,
    next: AtomicUsize,
    saved: Mutex<HashMap<String, Arc<OnceLock<Saved>>>>,
    /// How often the QEMU of a command line did not answer or end in time.
    hung: Mutex<HashMap<String, u32>>,
}

/// How often a QEMU may hang before it is no longer asked.
const PATIENCE: u32 = 2;

/// A saved guest, or why there is none; with what QEMU said.
type Saved = (Result<PathBuf, CannotRun>, String);

impl Migrator {
    /// Runs in `folder`, which it fills and leaves to its owner. Each answer
    /// of a QEMU is waited for up to `limit`.
    #[must_use]
    pub fn new(launcher: Launcher, folder: PathBuf, limit: Duration) -> Self {
        Self {
            launcher,
            folder,
            limit,
            next: AtomicUsize::new(0),
            saved: Mutex::default(),
            hung: Mutex::default(),
        }
    }

    /// Migrates a guest.
    #[must_use]
    pub fn migrate(&self, source: &Guest<'_>, destination: &Guest<'_>) -> Migrated {
        let commands = vec![
            words(&source.command(false)),
            words(&destination.command(true)),
        ];
        let (saved, mut said) = self.save(source);
        let result = saved.and_then(|state| {
            let (result, more) = self.load(destination, &state);
            said.push_str(&more);
            result
        });
        Migrated {
            result,
            commands,
            said,
        }
    }

    fn save(&self, source: &Guest<'_>) -> Saved {
        let key = format!(
            "{} in {}",
            words(&source.command(false)),
            source.folder.display()
        );
        let cell = {
            let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(saved.entry(key).or_default())
        };
        cell.get_or_init(|| {
            let monitor = match self.start(source, false) {
                Ok(monitor) => monitor,
                Err((why, ended)) => return (Err(ended.without_verdict(&why)), ended.said),
            };
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let state = self.folder.join(format!("state-{number}"));
            let (result, said) = self.save_to(source, monitor, &state);
            (result.map(|()| state), said)
        })
        .clone()
    }

    /// Saves a guest and ends its QEMU.
    fn save_to(
        &self,
        source: &Guest<'_>,
        mut monitor: Monitor,
        state: &Path,
    ) -> (Result<(), CannotRun>, String) {
        // Only what was written to its end gets the name.
        let part = quoted(&state.with_extension("part"));
        let command = format!("exec:cat > {part} && exec mv {part} {}", quoted(state));
        let migrated = monitor
            .send("migrate", json!({"uri": command}))
            .and_then(|()| monitor.migration_end("migrate"));
        let _ = monitor.send("quit", json!({}));
        // The name is given by a program that it started, and that is waited for.
        let ended = self.end(source, monitor, migrated.as_ref().err());
        let result = match migrated {
            Ok(true) if state.exists() => Ok(()),
            Ok(_) => Err(ended.without_verdict("the guest cannot be saved")),
            Err(error) => Err(ended.without_verdict(&error.to_string())),
        };
        (result, ended.said)
    }

    fn load(
        &self,
        destination: &Guest<'_>,
        state: &Path,
    ) -> (Result<Migration, CannotRun>, String) {
        let mut monitor = match self.start(destination, true) {
            Ok(monitor) => monitor,
            Err((why, ended)) => {
                // QEMU that ends at its start because of a ROM refuses the guest.
                let line = ended.refusal();
                let refused = line.filter(|line| destination.is_about_its_rom(line));
                return (verdict(refused, &ended, &why), ended.said);
            }
        };
        let uri = json!({"uri": format!("exec:cat {}", quoted(state))});
        let status = monitor
            .send("migrate-incoming", uri)
            .and_then(|()| monitor.migration_end("migrate-incoming"))
            .and_then(|is_complete| match is_complete {
                true => monitor.execute("query-status", json!({})).map(Some),
                false => Ok(None),
            });
        let status = match status {
            Ok(Some(status)) => {
                let said = monitor.into_process().end().said;
                let status = status.get("status").and_then(|status| status.as_str());
                let result = match status {
                    Some("prelaunch" | "paused" | "running") => Ok(Migration::Accepted),
                    status => Err(CannotRun(format!(
                        "the guest's status is {}",
                        status.unwrap_or("unknown")
                    ))),
                };
                return (result, said);
            }
            status => status,
        };
        // It says why after the event, and ends.
        let ended = self.end(destination, monitor, status.as_ref().err());
        let why = status.map_or_else(
            |error| error.to_string(),
            |_| "the migration failed, and QEMU does not say why".to_owned(),
        );
        (verdict(ended.refusal(), &ended, &why), ended.said)
    }

    /// Starts a guest; else why not, and how its QEMU ended.
    fn start(&self, guest: &Guest<'_>, incoming: bool) -> Result<Monitor, (String, Ended)> {
        let name = words(&guest.emulator.command);
        if self.has_hung(&name) {
            let why = format!("not tried, since `{name}` has hung {PATIENCE} times");
            return Err((why, Ended::default()));
        }
        let command = guest.command(incoming);
        let process = Process::start(&self.launcher, &command, &guest.folder, Reading::Lines)
            .map_err(|error| {
                let why = format!("`{name}` does not start: {error}");
                (why, Ended::default())
            })?;
        let mut monitor = Monitor::new(process, self.limit);
        match monitor.greet() {
            Ok(()) => Ok(monitor),
            Err(error) => Err((error.to_string(), self.end(guest, monitor, Some(&error)))),
        }
    }

    /// Ends a QEMU. One that has closed its monitor, or has come to its end
    /// without an error, ends by itself; if it does not, it has hung.
    fn end(&self, guest: &Guest<'_>, monitor: Monitor, error: Option<&QmpError>) -> Ended {
        let process = monitor.into_process();
        let (ended, has_hung) = match error {
            None | Some(QmpError::Closed(_)) => {
                let ended = process.wait(deadline(self.limit));
                let has_hung = ended.status.is_none();
                (ended, has_hung)
            }
            Some(error) => {
                let has_hung = matches!(error, QmpError::TimeOver(..));
                (process.end(), has_hung)
            }
        };
        if has_hung {
            let mut hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
            let times = hung.entry(words(&guest.emulator.command)).or_default();
            *times = times.saturating_add(1);
        }
        ended
    }

    fn has_hung(&self, name: &str) -> bool {
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        hung.get(name).is_some_and(|times| *times >= PATIENCE)
    }
}

fn verdict(refused: Option<&str>, ended: &Ended, why: &str) -> Result<Migration, CannotRun> {
    refused
        .map(|line| Migration::Refused(line.to_owned()))
        .ok_or_else(|| ended.without_verdict(why))
}

/// A path as a word of a shell command, which `exec:` is.
fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}
