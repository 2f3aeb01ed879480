//! A plan is a claim about QEMU. This module runs QEMU and shows it.

mod boot;
mod emulator;
mod guest;
mod hosts;
mod kept;
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

use crate::qemu::MachineType;
use serde::Serialize;
use std::ffi::OsString;
use thiserror::Error;

/// What a proof leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What is not tried.
    pub what: NotTried,
    /// The card.
    pub device: String,
    /// The machine type, where it is about one.
    pub machine: Option<MachineType>,
    /// Why.
    pub why: String,
}

/// What is not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotTried {
    /// Any migration.
    Migrations,
    /// A migration to a compat ROM, which the guest needs.
    NeededCompatRom,
    /// A cold start.
    NetworkBoot,
    /// A cold start under OVMF.
    NetworkBootUnderOvmf,
}

impl NotTried {
    /// Its name, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Migrations => "migrations",
            Self::NeededCompatRom => "migrations to a compat ROM",
            Self::NetworkBoot => "network boot",
            Self::NetworkBootUnderOvmf => "network boot under OVMF",
        }
    }
}

/// Words to put before the command line of every child process: a program
/// that makes sure that the child dies with its parent, and becomes it.
#[derive(Debug, Clone, Default)]
pub struct Launcher(pub Vec<OsString>);

/// Why something could not be proved, neither one way nor the other.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct CannotRun(pub String);
