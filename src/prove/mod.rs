//! A plan is a claim about QEMU. This module runs QEMU and shows it.

mod emulator;
mod guest;
mod migrate;
mod process;
mod qmp;

pub use emulator::{Emulator, words};
pub use guest::{Guest, RomSource, SLOT};
pub use migrate::{Migrated, Migration, Migrator};

use std::ffi::OsString;
use thiserror::Error;

/// Words to put before the command line of every child process: a program
/// that makes sure that the child dies with its parent, and becomes it.
#[derive(Debug, Clone, Default)]
pub struct Launcher(pub Vec<OsString>);

/// Why something could not be proved, neither one way nor the other.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct CannotRun(pub String);
