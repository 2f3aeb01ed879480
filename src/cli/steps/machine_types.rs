//! What the machine types of guests stand for, as their QEMU says it.

use crate::cli::exit::Failure;
use crate::cli::io::definitions::Definition;
use crate::cli::io::emulator::emulator;
use crate::cli::io::virsh::Virsh;
use crate::host::MachineTypes;
use crate::libvirt::{Domain, HostEmulator, host_emulators};
use crate::qemu::Arch;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Machine types of the QEMUs that were asked.
#[derive(Debug)]
pub struct Machines<'a> {
    commands: &'a [String],
    connect: Option<&'a str>,
    asked: BTreeMap<(&'a str, Arch), Option<Rc<MachineTypes>>>,
    of_libvirt: Option<Vec<HostEmulator>>,
}

impl<'a> Machines<'a> {
    /// Asks the QEMUs that the user names. Guests of a libvirt are looked up
    /// there. No other program is asked: what a definition names, a stranger may
    /// have written.
    ///
    /// # Errors
    /// A [`Failure`] where one does not answer.
    pub fn new(commands: &'a [String], connect: Option<&'a str>) -> Result<Self, Failure> {
        for command in commands {
            emulator(Arch::X86_64, command)?;
        }
        Ok(Self {
            commands,
            connect,
            asked: BTreeMap::new(),
            of_libvirt: None,
        })
    }

    /// What is known of the QEMU that runs a guest: the first that the user names
    /// of the guest's architecture, else what its libvirt says of the guest's own.
    pub fn of(&mut self, definition: &Definition, domain: &Domain<'_>) -> Option<Rc<MachineTypes>> {
        let arch: Arch = domain.arch.as_deref()?.parse().ok()?;
        for command in self.commands {
            if let Some(known) = self.ask(arch, command) {
                return Some(known);
            }
        }
        let uri = self.connect.filter(|_| definition.is_of_libvirt)?;
        let listed = self.of_libvirt.get_or_insert_with(|| {
            let text = Virsh { uri }.capabilities().unwrap_or_default();
            host_emulators(&text).unwrap_or_default()
        });
        MachineTypes::of_guest(arch, domain.emulator.as_deref(), listed).map(Rc::new)
    }

    fn ask(&mut self, arch: Arch, command: &'a str) -> Option<Rc<MachineTypes>> {
        let asked = self.asked.entry((command, arch));
        let known = asked.or_insert_with(|| {
            let emulator = emulator(arch, command).ok()?;
            let known = MachineTypes::new(arch, emulator.aliases, emulator.machines);
            // A QEMU of another architecture has none of these.
            (!known.is_empty()).then(|| Rc::new(known))
        });
        known.clone()
    }
}
