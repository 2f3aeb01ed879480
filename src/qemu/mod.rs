//! What QEMU does, written once: devices with their default ROM files and ids,
//! machine types, what each release can, the sizes of RAM blocks, and when and
//! with which lines a migration is refused for a ROM.

mod devices;
mod distribution;
mod family;
mod machine;
mod messages;
mod migration;
mod ram_block;
mod version;

pub use devices::{
    DEVICES, Device, device_as_typed, device_by_name, devices_of_romfile, is_card_without_rom,
    is_display_rom, ram_block_of_class,
};
pub use family::{Arch, Family, UnknownArch};
pub use machine::{MachineType, NEWEST_UNNAMED, UnknownMachineType};
pub use messages::{
    is_about_the_rom, missing_romfile, romfile_too_large, says, size_mismatch, unknown_ram_block,
};
pub use migration::{Refusal, RomAt, Verdict, verdict};
pub use ram_block::RamBlockSize;
pub use version::{NotAQemuVersion, QemuVersion};
