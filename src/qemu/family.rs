//! Machines that have PCI and migrate: architectures, and families of machine
//! types.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// An architecture of guests. On s390x no guest with a PCI card migrates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit Arm.
    Aarch64,
    /// 64-bit RISC-V.
    Riscv64,
    /// 64-bit POWER.
    Ppc64,
}

impl Arch {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::X86_64, Self::Aarch64, Self::Riscv64, Self::Ppc64];

    /// Its name as QEMU writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
            Self::Ppc64 => "ppc64",
        }
    }

    /// The program that emulates it.
    #[must_use]
    pub fn emulator(self) -> String {
        format!("qemu-system-{}", self.name())
    }

    /// What stands before the way to a PCI card in the name of its RAM block:
    /// the root bus (`get_dev_path` of the bus; seen with 7.2).
    #[must_use]
    pub const fn pci_root(self) -> &'static str {
        match self {
            Self::Ppc64 => "pci@800000020000000:",
            _ => "0000:00:",
        }
    }

    /// The families of machine types that romcompat knows of it.
    #[must_use]
    pub const fn families(self) -> &'static [Family] {
        match self {
            Self::X86_64 => &[Family::I440fx, Family::Q35],
            Self::Aarch64 => &[Family::ArmVirt],
            Self::Riscv64 => &[Family::RiscvVirt],
            Self::Ppc64 => &[Family::Pseries],
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Arch {
    type Err = UnknownArch;

    fn from_str(text: &str) -> Result<Self, UnknownArch> {
        let found = Self::ALL.into_iter().find(|arch| arch.name() == text);
        found.ok_or_else(|| UnknownArch(text.to_owned()))
    }
}

/// An architecture that romcompat knows no machines of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no known architecture; there are x86_64, aarch64, riscv64 and ppc64")]
pub struct UnknownArch(String);

/// Machine types that differ only in their version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `pc-i440fx-X.Y`, with conventional PCI.
    I440fx,
    /// `pc-q35-X.Y`, with PCI Express.
    Q35,
    /// `virt-X.Y` of Arm, with PCI Express.
    ArmVirt,
    /// `virt` of RISC-V, which has no versions.
    RiscvVirt,
    /// `pseries-X.Y`, with conventional PCI.
    Pseries,
}

impl Family {
    /// Its architecture.
    #[must_use]
    pub const fn arch(self) -> Arch {
        match self {
            Self::I440fx | Self::Q35 => Arch::X86_64,
            Self::ArmVirt => Arch::Aarch64,
            Self::RiscvVirt => Arch::Riscv64,
            Self::Pseries => Arch::Ppc64,
        }
    }

    /// What stands before the version in a machine type's name.
    #[must_use]
    pub const fn stem(self) -> &'static str {
        match self {
            Self::I440fx => "pc-i440fx",
            Self::Q35 => "pc-q35",
            Self::ArmVirt | Self::RiscvVirt => "virt",
            Self::Pseries => "pseries",
        }
    }

    /// The bus of cards that are plugged into the machine itself.
    #[must_use]
    pub const fn root_bus(self) -> &'static str {
        match self {
            Self::I440fx | Self::Pseries => "pci.0",
            Self::Q35 | Self::ArmVirt | Self::RiscvVirt => "pcie.0",
        }
    }

    /// Whether that bus takes PCI Express ports, and cards behind them.
    #[must_use]
    pub const fn is_express(self) -> bool {
        matches!(self, Self::Q35 | Self::ArmVirt | Self::RiscvVirt)
    }

    /// The address of a card in this slot of the root bus as it stands in the
    /// name of its RAM block.
    #[must_use]
    pub fn block_address(self, slot: u8) -> String {
        format!("{}{slot:02x}.0", self.arch().pci_root())
    }
}

impl Serialize for Family {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.stem())
    }
}
