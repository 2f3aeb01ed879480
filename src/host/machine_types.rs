//! The machine types that the QEMU of a host has, as it says itself.

use crate::libvirt::HostEmulator;
use crate::qemu::{Arch, MachineType};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What a QEMU says of its machine types of one architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineTypes {
    aliases: BTreeMap<String, MachineType>,
    /// The newest first.
    machines: Vec<MachineType>,
}

impl MachineTypes {
    /// Machine types, the newest first, and what other names stand for them.
    #[must_use]
    pub fn new(arch: Arch, aliases: BTreeMap<String, String>, machines: Vec<MachineType>) -> Self {
        let named =
            |(alias, name): (String, String)| Some((alias, MachineType::parse(arch, &name).ok()?));
        Self {
            aliases: aliases.into_iter().filter_map(named).collect(),
            machines,
        }
    }

    /// What a libvirt says of a QEMU of its host.
    fn of_libvirt(arch: Arch, emulator: &HostEmulator) -> Self {
        let (mut aliases, mut machines) = (BTreeMap::new(), Vec::new());
        for (name, canonical) in &emulator.machines {
            let whole = canonical.as_ref().unwrap_or(name);
            let Ok(machine) = MachineType::parse(arch, whole) else {
                continue;
            };
            machines.push(machine);
            if canonical.is_some() {
                aliases.insert(name.clone(), machine);
            }
        }
        machines.sort_by_key(|machine| Reverse(machine.version));
        Self { aliases, machines }
    }

    /// What a libvirt says of the QEMU that runs a guest of this architecture, by
    /// the path that the guest names; where it names none, of the first.
    #[must_use]
    pub fn of_guest(arch: Arch, own: Option<&str>, listed: &[HostEmulator]) -> Option<Self> {
        let is_own =
            |one: &&HostEmulator| one.arch == arch.name() && own.is_none_or(|own| own == one.path);
        let emulator = listed.iter().find(is_own)?;
        Some(Self::of_libvirt(arch, emulator))
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.machines.is_empty()
    }

    /// Whether it has this one.
    #[must_use]
    pub fn has(&self, machine: MachineType) -> bool {
        self.machines.contains(&machine)
    }

    /// The machine type that an alias stands for.
    #[must_use]
    pub fn resolve(&self, alias: &str) -> Option<MachineType> {
        self.aliases.get(alias).copied()
    }

    /// The newest that a guest of this one may be raised to.
    #[must_use]
    pub fn newest_for(&self, machine: MachineType) -> Option<MachineType> {
        let mut machines = self.machines.iter().copied();
        machines.find(|other| machine.is_older_than(*other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_has_the_machine_types_of_the_qemu_that_it_names() {
        let qemu = |arch: &str, path: &str, version: &str| HostEmulator {
            arch: arch.to_owned(),
            path: path.to_owned(),
            machines: vec![
                (format!("pc-q35-{version}"), None),
                ("q35".to_owned(), Some(format!("pc-q35-{version}"))),
            ],
        };
        let listed = [
            qemu("aarch64", "/arm", "6.2"),
            qemu("x86_64", "/one", "7.2"),
            qemu("x86_64", "/other", "9.2"),
        ];
        let q35 = |own| {
            let known = MachineTypes::of_guest(Arch::X86_64, own, &listed)?;
            Some(known.resolve("q35")?.to_string())
        };
        assert_eq!(q35(None).as_deref(), Some("pc-q35-7.2"));
        assert_eq!(q35(Some("/other")).as_deref(), Some("pc-q35-9.2"));
        assert_eq!(q35(Some("/arm")), None, "of another architecture");
        assert_eq!(q35(Some("/none")), None);
    }
}
