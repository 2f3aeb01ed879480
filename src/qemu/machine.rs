//! Machine types.

use super::QemuVersion;
use super::distribution::{self, Naming};
use super::family::{Arch, Family};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// A machine type: a family and the release of QEMU whose hardware it keeps,
/// under QEMU's own name or a distribution's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineType {
    /// Its family.
    pub family: Family,
    /// The version of QEMU's own machine type whose hardware it has; `virt` of
    /// RISC-V has none.
    pub version: Option<QemuVersion>,
    /// How it is called.
    naming: Naming,
}

/// The newest machine type of PCs that does not name itself in a saved state
/// (`pc_compat_2_3` in hw/i386/pc.c; seen with 7.2).
pub const NEWEST_UNNAMED: QemuVersion = QemuVersion::new(2, 3);

/// A name of no machine type that romcompat knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no known machine type of {1}; write it like {example}, with its version",
    example = example(*.1)
)]
pub struct UnknownMachineType(String, Arch);

const fn example(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "pc-i440fx-7.2 or pc-q35-7.2",
        Arch::Aarch64 => "virt-7.2",
        Arch::Riscv64 => "virt (which has none)",
        Arch::Ppc64 => "pseries-7.2",
    }
}

impl MachineType {
    /// QEMU's own machine type of a family and version.
    #[must_use]
    pub const fn upstream(family: Family, version: Option<QemuVersion>) -> Self {
        Self {
            family,
            version,
            naming: Naming::Upstream,
        }
    }

    /// The machine type of this name on an architecture: QEMU's own, or one of
    /// Ubuntu, Red Hat or Proxmox.
    ///
    /// # Errors
    /// [`UnknownMachineType`] for aliases such as `pc`, releases of distributions
    /// that are not in the tables, and whatever has no PCI.
    pub fn parse(arch: Arch, name: &str) -> Result<Self, UnknownMachineType> {
        let of_family = |family: &Family| {
            if *family == Family::RiscvVirt {
                return (name == family.stem()).then_some(Self::upstream(*family, None));
            }
            let (naming, version) = Naming::parse(*family, name)?;
            Some(Self {
                family: *family,
                version: Some(version),
                naming,
            })
        };
        let found = arch.families().iter().find_map(of_family);
        found.ok_or_else(|| UnknownMachineType(name.to_owned(), arch))
    }

    /// The newest version of QEMU's machine types whose hardware one of this
    /// release of Ubuntu has, as in `bionic`.
    #[must_use]
    pub fn version_of_ubuntu(series: &str) -> Option<QemuVersion> {
        distribution::version_of_ubuntu(series)
    }

    /// Whether a guest of this type may be raised to another one: of the same
    /// family and the same maker, and newer.
    #[must_use]
    pub fn is_older_than(self, other: Self) -> bool {
        self.is_comparable_with(other) && self.version < other.version
    }

    /// Whether both are of one family, and of one maker's releases.
    #[must_use]
    pub fn is_comparable_with(self, other: Self) -> bool {
        self.family == other.family && self.naming.is_of_the_same_maker(other.naming)
    }

    /// The compat array that decides for one of Red Hat's and all before it,
    /// beside those of QEMU (hw/core/machine.c of its packages, read).
    #[must_use]
    pub fn red_hat_array(self) -> Option<String> {
        let Naming::RedHat { release, .. } = self.naming else {
            return None;
        };
        let mut numbers = release.split('.');
        let (major, minor) = (numbers.next()?, numbers.next()?);
        Some(format!("hw_compat_rhel_{major}_{minor}"))
    }

    /// Whether it is one of Red Hat's.
    #[must_use]
    pub const fn is_of_red_hat(self) -> bool {
        matches!(self.naming, Naming::RedHat { .. })
    }

    /// The other names of machine types in the answer of `-machine help`, each
    /// with the machine type's whole name.
    #[must_use]
    pub fn aliases_of_help(text: &str) -> BTreeMap<String, String> {
        let alias = |line: &str| {
            let (_, of) = line.split_once("(alias of ")?;
            let name = line.split_whitespace().next()?;
            Some((name.to_owned(), of.split(')').next()?.to_owned()))
        };
        text.lines().filter_map(alias).collect()
    }

    /// The machine types of an architecture in the answer of
    /// `qemu-system-ARCH -machine help`, in its order.
    #[must_use]
    pub fn of_help(arch: Arch, text: &str) -> Vec<Self> {
        let names = text
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        names
            .filter_map(|name| Self::parse(arch, name).ok())
            .collect()
    }
}

impl fmt::Display for MachineType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => self.naming.write(self.family, version, f),
            None => f.write_str(self.family.stem()),
        }
    }
}

impl Serialize for MachineType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_types_are_read_and_written() {
        for (arch, name) in [
            (Arch::X86_64, "pc-i440fx-2.11"),
            (Arch::X86_64, "pc-q35-10.0"),
            (Arch::Aarch64, "virt-7.2"),
            (Arch::Riscv64, "virt"),
            (Arch::Ppc64, "pseries-5.2"),
        ] {
            let machine = MachineType::parse(arch, name).unwrap();
            assert_eq!(machine.to_string(), name);
            assert_eq!(machine.family.arch(), arch);
        }
    }

    #[test]
    fn names_of_distributions_keep_the_hardware_of_a_release_of_qemu() {
        for (arch, name, version) in [
            (Arch::X86_64, "pc-i440fx-bionic", "2.11"),
            (Arch::X86_64, "pc-i440fx-bionic-hpb", "2.11"),
            (Arch::X86_64, "pc-q35-noble-v2", "8.2"),
            (Arch::X86_64, "pc-q35-mantic-hpb-maxcpus", "8.0"),
            (Arch::X86_64, "pc-i440fx-trusty", "2.0"),
            (Arch::X86_64, "pc-i440fx-focal", "4.0"),
            (Arch::X86_64, "pc-q35-focal", "4.2"),
            (Arch::X86_64, "pc-q35-cosmic", "2.11"),
            (Arch::X86_64, "pc-q35-cosmic-hpb", "2.12"),
            (Arch::X86_64, "pc-i440fx-hirsute", "5.2"),
            (Arch::X86_64, "pc-i440fx-hirsute-hpb", "5.1"),
            (Arch::Aarch64, "virt-noble", "8.2"),
            (Arch::Ppc64, "pseries-bionic-sxxm", "2.11"),
            (Arch::Ppc64, "pseries-kinetic", "6.2"),
            (Arch::X86_64, "pc-i440fx-rhel7.0.0", "1.5"),
            (Arch::X86_64, "pc-i440fx-rhel7.6.0", "2.12"),
            (Arch::X86_64, "pc-q35-rhel9.4.0", "8.2"),
            (Arch::X86_64, "pc-i440fx-rhel10.0.0", "9.1"),
            (Arch::Aarch64, "virt-rhel9.2.0", "7.2"),
            (Arch::Ppc64, "pseries-rhel7.6.0-sxxm", "2.12"),
            (Arch::X86_64, "pc-i440fx-9.2+pve1", "9.2"),
            (Arch::X86_64, "pc-q35-8.1+pve0", "8.1"),
            (Arch::Aarch64, "virt-10.0+pve12", "10.0"),
            (Arch::X86_64, "pc-0.10", "0.10"),
            (Arch::X86_64, "pc-1.3", "1.3"),
            (Arch::X86_64, "pc-q35-4.0.1", "4.0"),
        ] {
            let machine = MachineType::parse(arch, name).unwrap();
            assert_eq!(machine.to_string(), name);
            assert_eq!(machine.version.unwrap().to_string(), version, "{name}");
        }
    }

    #[test]
    fn aliases_and_names_that_nobody_gives_are_not_known() {
        for name in [
            "pc",
            "q35",
            "ubuntu",
            "pc-1.4",
            "pc-q35-nobler",
            "pc-q35-noble-v1",
            "pc-q35-noble-v02",
            "pc-q35-noble-x",
            "pc-q35-rhel9.3.0",
            "pc-q35-rhel9.4.0-sxxm",
            "pc-i440fx-4.0.1",
            "pc-q35-4.1.1",
            "pc-q35-7.2-x",
            "pc-q35-7.2+pve",
            "pc-q35-7.2+pve01",
            "pc-q35-jammy+pve1",
        ] {
            let error = MachineType::parse(Arch::X86_64, name).unwrap_err();
            assert!(error.to_string().contains("pc-q35-7.2"), "{error}");
        }
        assert!(MachineType::parse(Arch::Aarch64, "virt").is_err());
    }

    #[test]
    fn a_guest_is_raised_within_the_names_of_one_maker() {
        let may = |from: &str, to: &str| {
            let parse = |name| MachineType::parse(Arch::X86_64, name).unwrap();
            parse(from).is_older_than(parse(to))
        };
        assert!(may("pc-i440fx-2.11", "pc-i440fx-7.2"));
        assert!(may("pc-1.0", "pc-i440fx-1.4"));
        assert!(may("pc-q35-4.0.1", "pc-q35-4.1"));
        assert!(may("pc-q35-jammy", "pc-q35-noble-v2"));
        assert!(may("pc-q35-focal-hpb", "pc-q35-jammy-hpb"));
        assert!(may("pc-q35-rhel8.6.0", "pc-q35-rhel9.4.0"));
        assert!(may("pc-i440fx-8.1+pve0", "pc-i440fx-9.2+pve1"));
        for (from, to) in [
            ("pc-i440fx-7.2", "pc-i440fx-7.2"),
            ("pc-i440fx-7.2", "pc-i440fx-2.11"),
            ("pc-i440fx-2.11", "pc-q35-7.2"),
            ("pc-i440fx-bionic", "pc-i440fx-7.2"),
            ("pc-q35-focal-hpb", "pc-q35-jammy"),
            ("pc-q35-7.2", "pc-q35-rhel9.4.0"),
            ("pc-q35-7.2", "pc-q35-9.2+pve1"),
        ] {
            assert!(!may(from, to), "{from} {to}");
        }
    }

    #[test]
    fn the_answer_of_qemu_gives_the_types_in_its_order() {
        let help = "Supported machines are:\n\
            pc                   Standard PC (alias of pc-i440fx-7.2)\n\
            pc-i440fx-7.2        Standard PC (default)\n\
            pc-q35-4.0.1         Standard PC\n\
            pc-q35-2.11          Standard PC\n\
            isapc                ISA-only PC\n";
        let types = MachineType::of_help(Arch::X86_64, help);
        let names: Vec<_> = types.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["pc-i440fx-7.2", "pc-q35-4.0.1", "pc-q35-2.11"]);
        let aliases = MachineType::aliases_of_help(help);
        assert_eq!(aliases["pc"], "pc-i440fx-7.2");
        assert_eq!(aliases.len(), 1);
    }

    #[test]
    fn block_addresses_are_those_of_the_architecture() {
        assert_eq!(Family::Q35.block_address(4), "0000:00:04.0");
        assert_eq!(
            Family::Pseries.block_address(0x10),
            "pci@800000020000000:10.0"
        );
    }
}
