//! The saved state of a guest: which RAM blocks it needs, and what is in them.
//!
//! A state is a stream of QEMU (`QEVM`), alone or in a libvirt save file. It
//! is read from its start as far as is needed, and no length in it is trusted.

mod contents;
mod error;
mod fields;
mod input;
mod libvirt_save;
mod qcow2;
mod sections;
mod stream;

pub use error::StateError;
pub use input::{Input, Packed, Seekable, Streamed};
pub use libvirt_save::{LibvirtSave, SaveCompression, is_libvirt_save};
pub use qcow2::{MAGIC as QCOW2_MAGIC, Qcow2, Snapshot, SnapshotState};
pub use stream::{MAGIC, RamBlock, SavedState, StateReader};
