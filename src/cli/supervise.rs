//! No QEMU and no temporary folder outlives the program, however it ends.
//!
//! A killed process cannot clean up. So every QEMU is started by this program
//! itself, which asks the kernel to be killed with its parent and then becomes
//! QEMU; and a second process of this program waits until the first is gone
//! and removes its folder.

use super::exit::{Exit, Failure};
use crate::prove::Launcher;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};
use tempfile::TempDir;

/// First argument of a process that dies with its parent.
const DIE_WITH: &str = "--die-with";
/// First argument of a process that removes a folder in the end.
const REMOVE: &str = "--remove-at-end-of-input";

/// Does what another process of this program asks for, if it does.
pub fn serve() -> Option<Exit> {
    let mut arguments = env::args_os().skip(1);
    let first = arguments.next()?;
    if first == DIE_WITH {
        let parent = arguments.next()?.to_str()?.parse().ok()?;
        return Some(die_with(parent, arguments.collect()));
    }
    if first == REMOVE {
        return Some(remove_at_end_of_input(Path::new(&arguments.next()?)));
    }
    None
}

/// Becomes another program that is killed when this one's parent is gone.
fn die_with(parent: i32, command: Vec<OsString>) -> Exit {
    let mut words = command.into_iter();
    let is_set = set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
    // The parent may have gone before that.
    let parent_lives = getppid() == Pid::from_raw(parent);
    if let (true, true, Some(program)) = (is_set, parent_lives, words.next()) {
        let error = Command::new(&program).args(words).exec();
        let message = format!("{}: {error}", program.display());
        super::terminal::complain(&format!("error: {message}\n"));
    }
    Exit::NoProof
}

/// Removes a folder once nobody holds the other end of standard input.
fn remove_at_end_of_input(folder: &Path) -> Exit {
    let _ = io::stdin().lock().read_to_end(&mut Vec::new());
    // Processes that are being killed may still be writing.
    for _ in 0..50 {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                thread::sleep(Duration::from_millis(20));
            }
            _ => break,
        }
    }
    Exit::Clean
}

/// A private folder, and how processes are started that work in it.
#[derive(Debug)]
pub struct Workplace {
    folder: PathBuf,
    launcher: Launcher,
    remover: Child,
}

impl Workplace {
    /// Makes a folder where the system keeps temporary files.
    ///
    /// # Errors
    /// A [`Failure`] where it cannot be made.
    pub fn new() -> Result<Self, Failure> {
        let temporary = env::temp_dir();
        let fail = |error: io::Error| Failure {
            exit: Exit::NoProof,
            message: format!("{}: {error}", temporary.display()),
        };
        let this = env::current_exe().map_err(fail)?;
        let folder = TempDir::with_prefix("romcompat-").map_err(fail)?;
        let remover = Command::new(&this)
            .arg(REMOVE)
            .arg(folder.path())
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(fail)?;
        let parent = std::process::id().to_string();
        Ok(Self {
            folder: folder.keep(),
            launcher: Launcher(vec![this.into(), DIE_WITH.into(), parent.into()]),
            remover,
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
        drop(self.remover.stdin.take());
        let _ = self.remover.wait();
    }
}
