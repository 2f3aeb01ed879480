//! A plan is a claim about QEMU. This module runs QEMU and shows it.

mod boot;
mod emulator;
mod guest;
mod hosts;
mod migrate;
mod process;
mod qmp;
mod run;
mod scenario;

pub use boot::{Boot, BootOutcome, BootProof, Firmware, OVMF_CODE, Place, boot};
pub use emulator::{Emulator, words};
pub use guest::{Guest, RomSource, SLOT};
pub use hosts::{CompatRoms, Hosts};
pub use migrate::{Migrated, Migration, Migrator};
pub use run::{NotAPartition, Partition, Proof, prove};
pub use scenario::{Emulators, Expected, Kind, Outcome, Scenario};

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
