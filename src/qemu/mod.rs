//! What QEMU does, written once: devices with their default ROM files, the
//! sizes of RAM blocks, and the lines that QEMU prints.

mod devices;
mod messages;
mod ram_block;

pub use devices::{DEVICES, Device};
pub use messages::{missing_romfile, size_mismatch};
pub use ram_block::RamBlockSize;
