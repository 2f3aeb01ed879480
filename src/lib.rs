//! romcompat: when the option ROMs on a host change, which virtual machines
//! can still be migrated or resumed there, and what makes the rest work?
//!
//! ARCHITECTURE.md in the repository says how the modules are laid out and
//! which of them may use which.

pub mod bytes;
pub mod cli;
pub mod compression;
pub mod deb;
pub mod emit;
pub mod finding;
pub mod json;
pub mod libvirt;
pub mod package;
pub mod plan;
pub mod prove;
pub mod qemu;
pub mod report;
pub mod rom;
pub mod romset;
pub mod rpm;
pub mod vmstate;
