//! Arguments that several commands share.

pub mod common;
pub mod devices;
pub mod generation;
pub mod guests;
pub mod placement;
pub mod plan;
pub mod qemu;
pub mod values;
