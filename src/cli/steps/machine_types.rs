//! What the machine types of guests stand for, as their QEMU says it.

use crate::cli::exit::Failure;
use crate::cli::io::definitions::Definition;
use crate::cli::io::emulator::emulator;
use crate::cli::io::virsh::Virsh;
use crate::host::MachineTypes;
use crate::libvirt::{Domain, HostEmulator, host_emulators};
use crate::qemu::Arch;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;

/// Machine types of the QEMUs that were asked.
#[derive(Debug)]
pub struct Machines<'a> {
    command: Option<String>,
    connect: Option<&'a str>,
    asked: BTreeMap<(String, Arch), Option<Rc<MachineTypes>>>,
    of_libvirt: Option<Vec<HostEmulator>>,
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
    pub fn of(&mut self, definition: &Definition, domain: &Domain<'_>) -> Option<Rc<MachineTypes>> {
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
                return Some(Rc::new(MachineTypes::of_libvirt(arch, emulator)));
            }
            if !is_local(uri) {
                return None;
            }
        }
        let own = own.filter(|own| may_be_run(Path::new(own)))?;
        self.ask(arch, shell_words::quote(own).into_owned())
    }

    fn ask(&mut self, arch: Arch, command: String) -> Option<Rc<MachineTypes>> {
        let asked = self.asked.entry((command, arch));
        let (command, _) = asked.key();
        let command = command.clone();
        let known = asked.or_insert_with(|| {
            let emulator = emulator(arch, &command).ok()?;
            let known = MachineTypes::new(arch, emulator.aliases, emulator.machines);
            // A QEMU of another architecture has none of these.
            (!known.is_empty()).then(|| Rc::new(known))
        });
        known.clone()
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
    fn a_libvirt_is_local_where_its_address_names_no_host() {
        assert!(is_local("qemu:///system"));
        assert!(is_local("qemu+unix:///system?socket=/run/x"));
        assert!(!is_local("qemu+ssh://root@host/system"));
        assert!(!is_local("qemu"));
    }
}
