//! What the machine types of guests stand for, as their QEMU says it.

use super::exit::Failure;
use super::qemu_version::emulator;
use crate::libvirt::Domain;
use crate::qemu::{Arch, MachineType};
use std::collections::BTreeMap;
use std::path::Path;

/// Machine types of the QEMUs that were asked.
#[derive(Debug)]
pub struct Machines {
    command: Option<String>,
    asked: BTreeMap<String, Option<Known>>,
}

/// What one QEMU says of its machine types.
#[derive(Debug)]
struct Known {
    aliases: BTreeMap<String, String>,
    machines: Vec<MachineType>,
}

impl Machines {
    /// Asks the QEMU that is named, if one is.
    ///
    /// # Errors
    /// A [`Failure`] where it does not answer.
    pub fn new(command: Option<&str>) -> Result<Self, Failure> {
        let mut machines = Self {
            command: command.map(str::to_owned),
            asked: BTreeMap::new(),
        };
        if let Some(command) = command {
            let known = ask(Arch::X86_64, command)?;
            machines.asked.insert(command.to_owned(), Some(known));
        }
        Ok(machines)
    }

    /// What is known of the QEMU that runs a guest.
    fn of(&mut self, domain: &Domain<'_>) -> Option<&Known> {
        let command = match (&self.command, &domain.emulator) {
            (Some(command), _) => command.clone(),
            (None, Some(emulator)) if Path::new(emulator).is_file() => {
                shell_words::quote(emulator).into_owned()
            }
            _ => return None,
        };
        let arch = domain.arch.as_deref().and_then(|arch| arch.parse().ok());
        let asked = self.asked.entry(command.clone());
        asked
            .or_insert_with(|| ask(arch.unwrap_or(Arch::X86_64), &command).ok())
            .as_ref()
    }

    /// The machine type that an alias stands for.
    pub fn resolve(&mut self, domain: &Domain<'_>) -> Option<MachineType> {
        let alias = domain.machine.as_ref()?.value.clone();
        let arch: Arch = domain.arch.as_deref()?.parse().ok()?;
        let name = self.of(domain)?.aliases.get(&alias)?;
        MachineType::parse(arch, name).ok()
    }

    /// Whether the QEMU that was named does not have a machine type.
    pub fn lacks(&self, machine: MachineType) -> bool {
        let named = self.command.as_ref();
        let known = named.and_then(|command| self.asked.get(command)?.as_ref());
        known.is_some_and(|known| !known.machines.contains(&machine))
    }

    /// The machine type that a guest shall have; none where it has it.
    ///
    /// # Errors
    /// A [`Failure`] where no QEMU can be asked which is the newest.
    pub fn upgrade(
        &mut self,
        domain: &Domain<'_>,
        machine: Option<MachineType>,
        wanted: &str,
    ) -> Result<Option<String>, Failure> {
        let present = domain.machine.as_ref().map_or("", |machine| &machine.value);
        let machine = if wanted == "newest" {
            let Some(machine) = machine else {
                return Ok(None);
            };
            let Some(known) = self.of(domain) else {
                return Err(Failure::usage(format!(
                    "which machine type is the newest for {}, only a QEMU can say; name one by `--qemu`",
                    domain.name.as_deref().unwrap_or("a guest")
                )));
            };
            let mut of_family = known.machines.iter();
            let newest = of_family
                .find(|other| other.family == machine.family)
                .filter(|newest| newest.version > machine.version);
            match newest {
                Some(newest) => newest.to_string(),
                None => return Ok(None),
            }
        } else {
            wanted.to_owned()
        };
        Ok((machine != present).then_some(machine))
    }
}

fn ask(arch: Arch, command: &str) -> Result<Known, Failure> {
    let emulator = emulator(arch, command)?;
    Ok(Known {
        aliases: emulator.aliases,
        machines: emulator.machines,
    })
}
