//! One migration between two QEMU, judged by the destination.

use super::process::{Process, Reading, deadline};
use super::qmp::Monitor;
use super::{CannotRun, Guest, Launcher, words};
use serde_json::json;
use std::collections::HashMap;
use std::fs;
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

impl Migration {
    fn refused(said: &str) -> Self {
        let mut lines = said.lines();
        let line = lines.find(|line| !line.contains(": warning: "));
        Self::Refused(line.unwrap_or("nothing was said").to_owned())
    }
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
}

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
                Err((error, said)) => return (Err(error), said),
            };
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let state = self.folder.join(format!("state-{number}"));
            let (result, said) = save_to(monitor, &state, self.limit);
            (
                result.map_err(|why| cannot(&why, &said)).map(|()| state),
                said,
            )
        })
        .clone()
    }

    fn load(
        &self,
        destination: &Guest<'_>,
        state: &Path,
    ) -> (Result<Migration, CannotRun>, String) {
        let mut monitor = match self.start(destination, true) {
            Ok(monitor) => monitor,
            // QEMU that ends at its start because of a ROM refuses the guest.
            Err((_, said)) if said.contains("romfile") => {
                return (Ok(Migration::refused(&said)), said);
            }
            Err((error, said)) => return (Err(error), said),
        };
        let uri = json!({"uri": format!("exec:cat {}", quoted(state))});
        let ended = monitor
            .send("migrate-incoming", uri)
            .and_then(|()| monitor.migration_end("migrate-incoming"));
        let status = match ended {
            Ok(true) => monitor.execute("query-status", json!({})).map(|status| {
                status
                    .get("status")
                    .and_then(|s| s.as_str())
                    .map(str::to_owned)
            }),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        let process = monitor.into_process();
        let said = match status {
            // It says why after the event, and ends.
            Ok(None) => process.wait(deadline(self.limit)),
            _ => process.end(),
        };
        let result = match status {
            Ok(Some(status)) if matches!(&*status, "prelaunch" | "paused" | "running") => {
                Ok(Migration::Accepted)
            }
            Ok(Some(status)) => Err(cannot(&format!("the guest's status is {status}"), &said)),
            Ok(None) => Ok(Migration::refused(&said)),
            Err(error) => Err(cannot(&error.to_string(), &said)),
        };
        (result, said)
    }

    fn start(&self, guest: &Guest<'_>, incoming: bool) -> Result<Monitor, (CannotRun, String)> {
        let command = guest.command(incoming);
        let process = Process::start(&self.launcher, &command, &guest.folder, Reading::Lines)
            .map_err(|error| {
                let program = command.first().map(|word| word.to_string_lossy());
                let name = program.unwrap_or_default();
                (
                    CannotRun(format!("`{name}` does not start: {error}")),
                    String::new(),
                )
            })?;
        Monitor::greet(process, self.limit).map_err(|(error, process)| {
            let said = process.end();
            (cannot(&error.to_string(), &said), said)
        })
    }
}

/// Saves a guest and ends its QEMU: whether it was saved, and what was said.
fn save_to(mut monitor: Monitor, state: &Path, limit: Duration) -> (Result<(), String>, String) {
    let uri = json!({"uri": format!("exec:cat > {}", quoted(state))});
    let ended = monitor
        .send("migrate", uri)
        .and_then(|()| monitor.migration_end("migrate"));
    let _ = monitor.send("quit", json!({}));
    let process = monitor.into_process();
    // The state is whole once the program that writes it has ended, too.
    let said = match ended {
        Ok(true) => process.wait(deadline(limit)),
        _ => process.end(),
    };
    let result = match ended {
        Ok(true) => match fs::metadata(state) {
            Ok(metadata) if metadata.len() > 0 => Ok(()),
            _ => Err("the saved guest is empty; is the disk full?".to_owned()),
        },
        Ok(false) => Err("the guest cannot be saved".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    (result, said)
}

fn cannot(why: &str, said: &str) -> CannotRun {
    match said.trim() {
        "" => CannotRun(why.to_owned()),
        said => CannotRun(format!(
            "{why}: {}",
            said.lines().next().unwrap_or_default()
        )),
    }
}

/// A path as a word of a shell command, which `exec:` is.
fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}
