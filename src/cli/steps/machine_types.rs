//! What the machine types of guests stand for, as their QEMU says it.

use crate::cli::exit::Failure;
use crate::cli::io::definitions::Definition;
use crate::cli::io::emulator::emulator;
use crate::cli::io::virsh::Virsh;
use crate::libvirt::{Domain, HostEmulator, host_emulators};
use crate::qemu::{Arch, MachineType};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::str::FromStr;
use thiserror::Error;

/// The machine type that guests shall have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedMachine {
    /// The newest of their family that their QEMU has.
    Newest,
    /// This one.
    Type(MachineType),
}

/// What is neither `newest` nor a machine type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "write `newest`, or a machine type with its version, such as pc-q35-7.2, virt-7.2 or pseries-7.2"
)]
pub struct NoMachineType;

impl FromStr for WantedMachine {
    type Err = NoMachineType;

    fn from_str(text: &str) -> Result<Self, NoMachineType> {
        if text == "newest" {
            return Ok(Self::Newest);
        }
        let known = |arch: Arch| MachineType::parse(arch, text).ok();
        let found = Arch::ALL.into_iter().find_map(known);
        found.map(Self::Type).ok_or(NoMachineType)
    }
}

/// What becomes of a guest that shall have another machine type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// It has it.
    Has,
    /// It gets this one; whether its QEMU has it may not be known.
    To {
        /// The machine type.
        machine: MachineType,
        /// Whether its QEMU said that it has it.
        is_checked: bool,
    },
    /// It cannot: what was found, and what is required.
    Cannot(String, String),
}

/// Machine types of the QEMUs that were asked.
#[derive(Debug)]
pub struct Machines<'a> {
    command: Option<String>,
    connect: Option<&'a str>,
    asked: BTreeMap<(String, Arch), Option<Known>>,
    of_libvirt: Option<Vec<HostEmulator>>,
}

/// What one QEMU says of its machine types of an architecture.
#[derive(Debug, Clone)]
struct Known {
    aliases: BTreeMap<String, MachineType>,
    /// The newest first.
    machines: Vec<MachineType>,
}

impl<'a> Machines<'a> {
    /// Asks the QEMU that is named, if one is. Guests of a libvirt are looked up
    /// there.
    ///
    /// # Errors
    /// A [`Failure`] where it does not answer.
    pub fn new(command: Option<&str>, connect: Option<&'a str>) -> Result<Self, Failure> {
        if let Some(command) = command {
            emulator(Arch::X86_64, command)?;
        }
        Ok(Self {
            command: command.map(str::to_owned),
            connect,
            asked: BTreeMap::new(),
            of_libvirt: None,
        })
    }

    /// What is known of the QEMU that runs a guest: the one that was named, if
    /// it is of the guest's architecture, else the guest's own.
    fn of(&mut self, definition: &Definition, domain: &Domain<'_>) -> Option<Known> {
        let arch: Arch = domain.arch.as_deref()?.parse().ok()?;
        if let Some(command) = self.command.clone()
            && let Some(known) = self.ask(arch, command)
        {
            return Some(known);
        }
        let own = domain.emulator.as_deref();
        if let Some(uri) = self.connect.filter(|_| definition.is_of_libvirt) {
            let listed = self.of_libvirt.get_or_insert_with(|| {
                let text = Virsh { uri }.capabilities().unwrap_or_default();
                host_emulators(&text).unwrap_or_default()
            });
            let is_own = |one: &&HostEmulator| {
                one.arch == arch.name() && own.is_none_or(|own| own == one.path)
            };
            if let Some(emulator) = listed.iter().find(is_own) {
                return Some(Known::of_libvirt(arch, emulator));
            }
            if !is_local(uri) {
                return None;
            }
        }
        let own = own.filter(|own| may_be_run(Path::new(own)))?;
        self.ask(arch, shell_words::quote(own).into_owned())
    }

    fn ask(&mut self, arch: Arch, command: String) -> Option<Known> {
        let asked = self.asked.entry((command, arch));
        let (command, _) = asked.key();
        let command = command.clone();
        let known = asked.or_insert_with(|| {
            let emulator = emulator(arch, &command).ok()?;
            let named = |(alias, name): (String, String)| {
                Some((alias, MachineType::parse(arch, &name).ok()?))
            };
            // A QEMU of another architecture has none of these.
            (!emulator.machines.is_empty()).then(|| Known {
                aliases: emulator.aliases.into_iter().filter_map(named).collect(),
                machines: emulator.machines,
            })
        });
        known.clone()
    }

    /// The machine type that an alias stands for.
    pub fn resolve(&mut self, definition: &Definition, domain: &Domain<'_>) -> Option<MachineType> {
        let alias = &domain.machine.as_ref()?.value;
        self.of(definition, domain)?.aliases.get(alias).copied()
    }

    /// Whether the guest's QEMU is known not to have a machine type.
    pub fn lacks(
        &mut self,
        definition: &Definition,
        domain: &Domain<'_>,
        machine: MachineType,
    ) -> bool {
        let known = self.of(definition, domain);
        known.is_some_and(|known| !known.machines.contains(&machine))
    }

    /// What becomes of a guest with this machine type.
    pub fn upgrade(
        &mut self,
        definition: &Definition,
        domain: &Domain<'_>,
        machine: Option<MachineType>,
        wanted: WantedMachine,
    ) -> Upgrade {
        let Some(machine) = machine else {
            return Upgrade::Cannot(
                "which version its machine type has is not known".to_owned(),
                "what is newer can be said of a machine type with a version, or of an alias that its QEMU knows (`--qemu`)"
                    .to_owned(),
            );
        };
        let known = self.of(definition, domain);
        let wanted = match (wanted, &known) {
            (WantedMachine::Newest, None) => {
                return Upgrade::Cannot(
                    "which machine type is the newest, only its QEMU can say".to_owned(),
                    "name a QEMU by `--qemu`, or the machine type".to_owned(),
                );
            }
            (WantedMachine::Newest, Some(known)) => {
                let is_newer = |other: &&MachineType| machine.is_older_than(**other);
                match known.machines.iter().find(is_newer) {
                    Some(newest) => *newest,
                    None => return Upgrade::Has,
                }
            }
            (WantedMachine::Type(wanted), _) => wanted,
        };
        if wanted == machine {
            return Upgrade::Has;
        }
        let found = format!("{machine} of {}", machine.family.arch());
        if !wanted.is_comparable_with(machine) {
            return Upgrade::Cannot(
                format!("its machine type is {found}, and {wanted} is another machine"),
                format!("only a newer {} takes its place", machine.family.stem()),
            );
        }
        if !machine.is_older_than(wanted) {
            return Upgrade::Cannot(
                format!("its machine type is {found}, and {wanted} is older"),
                "hardware that a guest has must not go away".to_owned(),
            );
        }
        if known
            .as_ref()
            .is_some_and(|known| !known.machines.contains(&wanted))
        {
            return Upgrade::Cannot(
                format!("its QEMU has no machine type {wanted}"),
                "a machine type of the QEMU that runs the guest".to_owned(),
            );
        }
        Upgrade::To {
            machine: wanted,
            is_checked: known.is_some(),
        }
    }
}

impl Known {
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
}

/// Whether a libvirt runs on this host: its address names none
/// (`uri.html`, remote URIs).
fn is_local(uri: &str) -> bool {
    uri.split_once("://")
        .is_some_and(|(_, rest)| rest.starts_with('/'))
}

/// Whether a program that a definition names may be run to be asked: a
/// definition may come from anybody, so the program must be root's or one's own,
/// and nobody else's to change.
fn may_be_run(program: &Path) -> bool {
    let own = fs::metadata("/proc/self").map(|process| process.uid());
    fs::metadata(program).is_ok_and(|file| {
        let is_of_us = file.uid() == 0 || own.is_ok_and(|own| file.uid() == own);
        file.is_file() && is_of_us && file.mode() & 0o022 == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_type_is_one_of_qemu_or_newest() {
        assert_eq!("newest".parse(), Ok(WantedMachine::Newest));
        for good in ["pc-q35-10.0", "virt-7.2", "pseries-5.2"] {
            assert!(good.parse::<WantedMachine>().is_ok(), "{good}");
        }
        for bad in ["", "pc", "q35", "foo bar'>", "pc-q35-7"] {
            assert!(bad.parse::<WantedMachine>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_libvirt_is_local_where_its_address_names_no_host() {
        assert!(is_local("qemu:///system"));
        assert!(is_local("qemu+unix:///system?socket=/run/x"));
        assert!(!is_local("qemu+ssh://root@host/system"));
        assert!(!is_local("qemu"));
    }
}
