//! Why there is no plan.

use crate::qemu::QemuVersion;
use crate::rom::edit::PadError;
use crate::rom::{BarSize, PciIds};
use thiserror::Error;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The compat name is the name of another ROM.
    #[error(
        "the compat name {name} is the name of a ROM in {set}; choose another with `--name-pattern`"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// The set that has it.
        set: String,
    },
    /// A ROM of another size class than the one asked for.
    #[error(
        "{name} has a BAR of {bar}, and {wanted} is asked for; a compat ROM of another size does not migrate, so leave the size out or select other ROMs"
    )]
    OtherSize {
        /// The ROM.
        name: String,
        /// Its BAR.
        bar: BarSize,
        /// The size asked for.
        wanted: BarSize,
    },
    /// A ROM that a user maps a device to, and the old release lacks.
    #[error(
        "devices are mapped to {name}, and {set} has no ROM of this name; see `romcompat inspect`"
    )]
    MapsNoRom {
        /// The ROM.
        name: String,
        /// The old release.
        set: String,
    },
    /// A text that QEMU would not read as the name of a device.
    #[error(
        "`{device}` is no name of a device; it is made of letters, digits, `-` and `_`, as `qemu-system-x86_64 -device help` prints it"
    )]
    NoDevice {
        /// The ROM that it is mapped to.
        rom: String,
        /// The text.
        device: String,
    },
    /// A name by which QEMU knows no PCI device.
    #[error("`{device}` is no PCI device of QEMU; the card's name is {class}")]
    NoClass {
        /// The ROM that it is mapped to.
        rom: String,
        /// The name.
        device: String,
        /// What is meant.
        class: &'static str,
    },
    /// A device that loads another ROM of the release by default.
    #[error(
        "{device} is mapped to {rom}, and loads {default} by default; a device has one ROM, so leave it out here"
    )]
    NotItsDefault {
        /// The ROM that it is mapped to.
        rom: String,
        /// The device.
        device: String,
        /// Its default.
        default: &'static str,
    },
    /// A device that is mapped twice.
    #[error("{device} is mapped to {other} and again to {rom}; map each device once, to one ROM")]
    MappedTwice {
        /// The second ROM that it is mapped to.
        rom: String,
        /// The device.
        device: String,
        /// The first one.
        other: String,
    },
    /// A name with characters that the files of QEMU and libvirt cannot have.
    #[error(
        "{0:?} is no name that a device can be told; rename the file, it must be made of letters, digits and `+-._`"
    )]
    Unmappable(String),
    /// A compat name that two ROMs would get.
    #[error(
        "two ROMs would have the compat name {0}; let `--name-pattern` have {{size}} in it, which tells them apart"
    )]
    NameTwice(String),
    /// Generations that do not go together.
    #[error(transparent)]
    Generations(#[from] GenerationError),
    /// The old ROM cannot be padded.
    #[error("{name}: {source}")]
    Pad {
        /// The ROM.
        name: String,
        /// Why not.
        source: PadError,
    },
}

impl PlanError {
    /// What the user maps, if that is the cause: a ROM, and one of its devices
    /// where only that is wrong.
    #[must_use]
    pub fn mapped(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::MapsNoRom { name, .. } => Some((name, None)),
            Self::NoDevice { rom, device }
            | Self::NoClass { rom, device, .. }
            | Self::NotItsDefault { rom, device, .. }
            | Self::MappedTwice { rom, device, .. } => Some((rom, Some(device))),
            _ => None,
        }
    }
}

/// Why generations cannot be shipped together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GenerationError {
    /// No generation at all.
    #[error("there is no generation of ROMs to ship")]
    None,
    /// A version that no machine type carries.
    #[error(
        "{0} is no version of machine types: no release of QEMU has this number; give the newest one that used the ROMs, such as 2.5 or 2.11"
    )]
    NoMachineType(QemuVersion),
    /// A version that was given twice.
    #[error(
        "the generation {0} is given twice; each version of machine types used one release of ROMs"
    )]
    Twice(QemuVersion),
    /// A version that stands after a newer one.
    #[error("the generation {0} stands after {1}; give generations from the oldest to the newest")]
    OutOfOrder(QemuVersion, QemuVersion),
    /// ROMs of one name and size that are for different devices.
    #[error(
        "{name}: the ROM of {one} is for {one_ids} and that of {other} for {other_ids}, with the same BAR of {bar}; they are different devices, and one compat ROM cannot serve both. Leave one out with --select, or build a package for each"
    )]
    OtherDevice {
        /// The ROM.
        name: String,
        /// Its size class.
        bar: BarSize,
        /// A release.
        one: String,
        /// The ids of its ROM.
        one_ids: PciIds,
        /// Another release.
        other: String,
        /// The ids of its ROM.
        other_ids: PciIds,
    },
}
