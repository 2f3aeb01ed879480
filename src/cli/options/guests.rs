//! By which ROMs guests are judged, and what is changed of them.

use crate::advise::{Pins, WantedChange, WantedMachine};
use clap::Args;
use std::path::PathBuf;

/// The ROMs that guests have, and those that they get.
#[derive(Debug, Args)]
pub struct Sides {
    /// The ROMs that the guests were started with
    #[arg(long, value_name = "INPUT", conflicts_with = "mapping")]
    pub old: Option<PathBuf>,
    /// In place of OLD: the manifest.json of the compat package
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// The ROMs of the host that the guests go to
    #[arg(long, value_name = "INPUT")]
    pub new: Option<PathBuf>,
}

/// What is changed of guests, and where that goes.
#[derive(Debug, Args)]
pub struct Changes {
    /// Pin each card that would break to its compat ROM
    #[arg(long)]
    pub pin: bool,
    /// Take away what --pin added
    #[arg(long, conflicts_with = "pin")]
    pub unpin: bool,
    /// Give guests this newer machine type of their family, or the `newest` that
    /// their QEMU has
    #[arg(long, value_name = "TYPE")]
    pub upgrade_machine: Option<WantedMachine>,
    /// Write the changed definitions to this folder
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Have libvirt take each changed definition, after its former one was
    /// written to the folder
    #[arg(long, requires_all = ["connect", "out"])]
    pub apply: bool,
    /// Change nothing, only say what would change (the default without --out)
    #[arg(long, conflicts_with = "apply")]
    pub dry_run: bool,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

impl Changes {
    /// What shall become of definitions.
    pub const fn wanted(&self) -> WantedChange {
        WantedChange {
            pins: match (self.pin, self.unpin) {
                (true, _) => Pins::Add,
                (_, true) => Pins::Remove,
                _ => Pins::Keep,
            },
            machine: self.upgrade_machine,
        }
    }

    /// Whether definitions are to be changed.
    pub const fn are_any(&self) -> bool {
        self.pin || self.unpin || self.upgrade_machine.is_some()
    }
}
