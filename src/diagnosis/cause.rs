//! What lines mean.

use super::BlockOwner;
use super::block::devices_of;
use crate::qemu::Device;
use serde::Serialize;
use std::fmt;

/// What a line is about, as a product sorts the failures of its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// An option ROM has another size than at the source.
    OptionRomSize,
    /// A ROM or firmware file is not where QEMU or libvirt looks.
    RomMissing,
    /// Firmware has a size that the machine or the guest does not take.
    FirmwareSize,
    /// A display adapter's ROM or memory has another size.
    VideoMemory,
    /// The guest's memory has another size.
    GuestRam,
    /// QEMU's ACPI tables have outgrown their block.
    AcpiTables,
    /// Devices, or what they keep, differ.
    OtherDeviceState,
    /// The processor differs.
    Cpu,
    /// The machine type differs, or is not there.
    MachineType,
    /// Something else.
    NotASizeMatter,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OptionRomSize => "option ROM size",
            Self::RomMissing => "ROM missing",
            Self::FirmwareSize => "firmware size",
            Self::VideoMemory => "video memory",
            Self::GuestRam => "guest RAM",
            Self::AcpiTables => "ACPI tables",
            Self::OtherDeviceState => "other device state",
            Self::Cpu => "CPU",
            Self::MachineType => "machine type",
            Self::NotASizeMatter => "not a size matter",
        })
    }
}

/// A program around QEMU whose words name no cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrapper {
    /// libvirt, on either host.
    Libvirt,
    /// Proxmox.
    Proxmox,
    /// `OpenStack`'s Nova.
    Nova,
    /// `KubeVirt`.
    Kubevirt,
    /// LXD or Incus.
    Lxd,
    /// Multipass.
    Multipass,
}

/// What a line means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// Both sides have the block, in different sizes.
    BlockSize {
        /// The block's whole name.
        block: String,
        /// Who decides about it.
        owner: BlockOwner,
        /// Bytes at the source, or in the saved guest.
        source: Option<u64>,
        /// Bytes at the destination.
        destination: Option<u64>,
    },
    /// A block that may grow has more than the destination's limit.
    BlockTooLarge {
        /// The block's whole name.
        block: String,
        /// Who decides about it.
        owner: BlockOwner,
        /// Bytes that arrive.
        source: u64,
        /// Bytes that it may have.
        limit: u64,
    },
    /// The guest that arrives has a block that the destination lacks.
    UnknownBlock {
        /// The block's whole name.
        block: String,
        /// Who decides about it.
        owner: BlockOwner,
    },
    /// A device's ROM file is not found.
    RomfileMissing {
        /// The file.
        file: String,
    },
    /// A ROM that is not a device's is not found, and QEMU goes on without.
    OptionRomMissing {
        /// The file.
        file: String,
    },
    /// The ROM file has more bytes than `romsize` says, or `romsize` is not a
    /// power of two.
    RomsizeTooSmall {
        /// The file, where it is named.
        file: Option<String>,
        /// Its bytes, where they are named.
        bytes: Option<u64>,
        /// What `romsize` says.
        romsize: u64,
    },
    /// Firmware is not found, by QEMU or by libvirt.
    FirmwareMissing {
        /// What is looked for.
        what: String,
    },
    /// A flash device wants a file of exactly its size.
    FlashSize {
        /// Bytes that the device has.
        device: Option<u64>,
        /// Bytes of the file.
        file: Option<u64>,
    },
    /// A flash file whose size is not a multiple of 4096, or the flash files
    /// together are too large for a PC.
    FlashOfPc {
        /// Bytes of the file, or the limit of all.
        bytes: u64,
        /// Whether the number is the limit of all files together.
        is_sum: bool,
    },
    /// A byte of a device's PCI configuration differs that must not.
    PciConfig {
        /// The byte's offset.
        offset: u64,
    },
    /// A device, or a part of it, is in the guest and not at the destination.
    UnknownSection {
        /// Its name in the state.
        section: String,
    },
    /// What a device keeps cannot be read by the destination.
    DeviceState {
        /// The device or section, where it is named.
        device: Option<String>,
    },
    /// A virtio device has features that the destination does not offer.
    VirtioFeatures,
    /// The queues of a virtio device differ.
    VirtioQueues {
        /// Whether the destination allows fewer entries than the source has.
        is_too_large: bool,
    },
    /// The TPM's state is not taken.
    Tpm,
    /// The machine types of both sides differ.
    MachineTypesDiffer {
        /// That of the guest.
        source: String,
        /// That of the destination.
        destination: String,
    },
    /// The destination's QEMU has no such machine type.
    MachineTypeUnknown {
        /// Its name.
        machine: String,
    },
    /// The processor of the destination lacks what the guest has.
    Cpu {
        /// Features that are missing, where they are named.
        missing: Vec<String>,
    },
    /// The time stamp counters differ in frequency.
    TscFrequency,
    /// A device or share of the guest cannot be migrated.
    Blocked,
    /// The program of the definition is not on the host.
    EmulatorMissing {
        /// Its path.
        path: String,
    },
    /// Disks, not memory, differ in size.
    DiskSize,
    /// The old migration of disks met one that it does not take.
    BlockMigration,
    /// The stream ended early: the source broke off, or a file was cut.
    StreamEnds,
    /// A line that follows from another one, above it.
    FollowsRam,
    /// A line that follows from another one, above it, and names nothing.
    Follows,
    /// The words of a program around QEMU.
    Wrapped {
        /// The program.
        by: Wrapper,
    },
}

impl Cause {
    /// What it is about.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::BlockSize { owner, .. } | Self::BlockTooLarge { owner, .. } => match owner {
                BlockOwner::OptionRom => Class::OptionRomSize,
                BlockOwner::VideoRom | BlockOwner::VideoMemory => Class::VideoMemory,
                BlockOwner::Firmware => Class::FirmwareSize,
                BlockOwner::GuestRam => Class::GuestRam,
                BlockOwner::AcpiTables => Class::AcpiTables,
                BlockOwner::Other => Class::OtherDeviceState,
            },
            Self::UnknownBlock { owner, .. } => match owner {
                BlockOwner::GuestRam => Class::GuestRam,
                _ => Class::OtherDeviceState,
            },
            Self::RomsizeTooSmall { .. } => Class::OptionRomSize,
            Self::RomfileMissing { .. }
            | Self::OptionRomMissing { .. }
            | Self::FirmwareMissing { .. } => Class::RomMissing,
            Self::FlashSize { .. } | Self::FlashOfPc { .. } => Class::FirmwareSize,
            Self::PciConfig { .. } if self.is_rom_bar() => Class::OptionRomSize,
            Self::PciConfig { .. }
            | Self::UnknownSection { .. }
            | Self::DeviceState { .. }
            | Self::VirtioFeatures
            | Self::VirtioQueues { .. }
            | Self::StreamEnds
            | Self::Tpm => Class::OtherDeviceState,
            Self::MachineTypesDiffer { .. } | Self::MachineTypeUnknown { .. } => Class::MachineType,
            Self::Cpu { .. } | Self::TscFrequency => Class::Cpu,
            Self::Blocked
            | Self::EmulatorMissing { .. }
            | Self::DiskSize
            | Self::BlockMigration
            | Self::FollowsRam
            | Self::Follows
            | Self::Wrapped { .. } => Class::NotASizeMatter,
        }
    }

    /// Whether it is the ROM BAR of an endpoint that differs (bytes 0x30 to
    /// 0x33 of the PCI configuration header, type 0).
    #[must_use]
    pub fn is_rom_bar(&self) -> bool {
        matches!(self, Self::PciConfig { offset } if (0x30..=0x33).contains(offset))
    }

    /// Whether it names a cause, and not only that there is one.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.rank() <= 1
    }

    /// How near it is to the cause: 0 is the cause, the last is only a program
    /// that says that something failed.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::DeviceState { .. }
            | Self::OptionRomMissing { .. }
            | Self::BlockSize { source: None, .. } => 1,
            Self::StreamEnds | Self::FollowsRam => 2,
            Self::Follows => 3,
            Self::Wrapped { .. } => 4,
            _ => 0,
        }
    }

    /// The devices whose ROM the block is that it names.
    pub fn devices(&self) -> impl Iterator<Item = &'static Device> {
        let block = match self {
            Self::BlockSize { block, .. } | Self::UnknownBlock { block, .. } => block,
            _ => "",
        };
        devices_of(block.rsplit('/').next().unwrap_or(block))
    }
}
