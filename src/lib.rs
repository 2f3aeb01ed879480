//! romcompat: when the option ROMs on a host change, which virtual machines
//! can still be migrated or resumed there, and what makes the rest work?
//!
//! ARCHITECTURE.md in the repository says how the modules are laid out and
//! which of them may use which.

pub mod advise;
pub mod bytes;
mod cli;
pub mod compression;
pub mod deb;
pub mod diagnosis;
pub mod emit;
pub mod finding;
pub mod fleet;
pub mod guest;
pub mod hook;
pub mod host;
pub mod json;
pub mod judge;
pub mod libvirt;
pub mod package;
pub mod parallel;
pub mod plan;
pub mod printable;
pub mod prove;
pub mod qemu;
pub mod report;
pub mod rom;
pub mod romset;
pub mod rpm;
mod text;
pub mod vmstate;

/// The program: what `main.rs` runs, and what manuals are made of. It is no
/// part of the library.
#[doc(hidden)]
pub mod program {
    pub use crate::cli::{command, run};
}
