//! What is tried: migrations between an old and a new host.

use super::hosts::{block, default_rom};
use super::{Emulator, Guest, Hosts, Migrated, Migration, RomSource};
use crate::qemu::{Device, MachineType, RomAt, Verdict, is_about_a_rom, says, verdict};
use crate::rom::BarSize;
use serde::Serialize;

/// Kinds of migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Between two old hosts.
    OldToOld,
    /// From the old host to the new one, as it is.
    OldToNew,
    /// From the new host, as it is, to the old one.
    NewToOld,
    /// To the new host with the compat ROM, named by `-global`.
    CompatByGlobals,
    /// To the new host with the compat ROM, named by `-readconfig`.
    CompatByReadconfig,
    /// From the new host with the compat ROM back to the old one.
    CompatToOld,
    /// To a ROM of the same size with another content.
    OtherContent,
    /// To a new host that names a compat ROM and does not have it.
    CompatMissing,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::OldToOld,
        Self::OldToNew,
        Self::NewToOld,
        Self::CompatByGlobals,
        Self::CompatByReadconfig,
        Self::CompatToOld,
        Self::OtherContent,
        Self::CompatMissing,
    ];

    /// The hosts at source and destination, in whose folders of ROMs QEMU runs.
    #[must_use]
    pub const fn hosts(self) -> [&'static str; 2] {
        match self {
            Self::OldToOld => ["old", "old"],
            Self::NewToOld | Self::CompatToOld => ["new", "old"],
            Self::OldToNew
            | Self::CompatByGlobals
            | Self::CompatByReadconfig
            | Self::OtherContent
            | Self::CompatMissing => ["old", "new"],
        }
    }

    /// Its name, for tables and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OldToOld => "old-to-old",
            Self::OldToNew => "old-to-new",
            Self::NewToOld => "new-to-old",
            Self::CompatByGlobals => "compat-by-globals",
            Self::CompatByReadconfig => "compat-by-readconfig",
            Self::CompatToOld => "compat-to-old",
            Self::OtherContent => "other-content",
            Self::CompatMissing => "compat-missing",
        }
    }
}

/// What the plan says of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "line", rename_all = "lowercase")]
pub enum Expected {
    /// The destination takes the guest.
    Accepted,
    /// It refuses it with this line.
    Refused(String),
}

/// How a migration went, against what the plan says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "kebab-case")]
pub enum Outcome {
    /// As the plan says.
    Passed,
    /// Not as the plan says: what QEMU did.
    Failed(String),
    /// Refused with a line that is not about a ROM.
    OtherReason(String),
    /// There is no verdict: why.
    CouldNotRun(String),
}

/// One migration to try.
#[derive(Debug, Clone)]
pub struct Scenario<'a> {
    /// What is tried.
    pub kind: Kind,
    /// The guest at the source.
    pub source: Guest<'a>,
    /// The guest at the destination.
    pub destination: Guest<'a>,
    /// What the plan says.
    pub expected: Expected,
}

/// The QEMU of both hosts.
#[derive(Debug, Clone, Copy)]
pub struct Emulators<'a> {
    /// That of the old host.
    pub old: &'a Emulator,
    /// That of the new host.
    pub new: &'a Emulator,
}

/// A card on one host, with what its ROM is there.
type Start<'a, 'r> = (Guest<'a>, RomAt<'r>);

impl<'a> Scenario<'a> {
    /// Every migration of a device on a machine that says something about the
    /// change of its ROM; none where the old host does not have the ROM.
    #[must_use]
    pub fn of_device(
        hosts: &'a Hosts<'_>,
        emulators: Emulators<'a>,
        machine: MachineType,
        device: &'static Device,
    ) -> Vec<Self> {
        let Some(old_rom) = default_rom(hosts.old, device) else {
            return Vec::new();
        };
        let guest = |emulator, folder, rom| Guest {
            emulator,
            machine,
            device,
            rom,
            folder,
        };
        let on_new = |rom| guest(emulators.new, hosts.new_folder(), rom);
        let global = |name: &str| RomSource::Global(name.to_owned());
        // QEMU might find a missing file elsewhere on this machine, so that it
        // is looked for in a folder that no machine has.
        let absent = |name: &str| format!("absent/{name}");
        let absent_rom = absent(device.romfile);
        let old: Start<'_, '_> = (
            guest(emulators.old, hosts.old_folder(), RomSource::Default),
            block(old_rom.bar()),
        );
        let new: Start<'_, '_> = match default_rom(hosts.new, device) {
            Some(rom) => (on_new(RomSource::Default), block(rom.bar())),
            None => (on_new(global(&absent_rom)), RomAt::Missing(&absent_rom)),
        };
        let other = (
            on_new(RomSource::Global(Hosts::other_content(device))),
            block(old_rom.bar()),
        );
        let mut tries = vec![
            (Kind::OldToOld, old.clone(), old.clone()),
            (Kind::OldToNew, old.clone(), new.clone()),
            (Kind::NewToOld, new, old.clone()),
            (Kind::OtherContent, old.clone(), other),
        ];
        let compat = hosts.compat.of_device(device);
        let absent_compat = absent(compat.map_or("", |(name, _)| name));
        if let Some((name, bytes)) = compat
            && let Some(bar) = BarSize::of_rom(bytes.len() as u64)
        {
            let by_global = (on_new(global(name)), block(bar));
            let by_file = (
                on_new(RomSource::Readconfig(hosts.readconfig())),
                block(bar),
            );
            tries.extend([
                (Kind::CompatByGlobals, old.clone(), by_global.clone()),
                (Kind::CompatByReadconfig, old.clone(), by_file),
                (Kind::CompatToOld, by_global, old.clone()),
                (
                    Kind::CompatMissing,
                    old,
                    (
                        on_new(global(&absent_compat)),
                        RomAt::Missing(&absent_compat),
                    ),
                ),
            ]);
        }
        tries
            .into_iter()
            .filter_map(|(kind, source, destination)| Self::new(kind, source, destination))
            .collect()
    }

    fn new(kind: Kind, source: Start<'a, '_>, destination: Start<'a, '_>) -> Option<Self> {
        let expected = match verdict(source.1, destination.1) {
            Verdict::Accepted => Expected::Accepted,
            Verdict::Refused(refusal) => {
                Expected::Refused(refusal.line(&destination.0.ram_block()))
            }
            Verdict::Impossible => return None,
        };
        Some(Self {
            kind,
            source: source.0,
            destination: destination.0,
            expected,
        })
    }

    /// How a migration went, against what is expected.
    #[must_use]
    pub fn judge(&self, migrated: &Migrated) -> Outcome {
        match (&migrated.result, &self.expected) {
            (Err(why), _) => Outcome::CouldNotRun(why.0.clone()),
            (Ok(Migration::Accepted), Expected::Accepted) => Outcome::Passed,
            (Ok(Migration::Accepted), Expected::Refused(_)) => {
                Outcome::Failed("QEMU took the guest".to_owned())
            }
            (Ok(Migration::Refused(said)), Expected::Refused(line)) if says(said, line) => {
                Outcome::Passed
            }
            (Ok(Migration::Refused(said)), _) if is_about_a_rom(said) => {
                Outcome::Failed(said.clone())
            }
            (Ok(Migration::Refused(said)), _) => Outcome::OtherReason(said.clone()),
        }
    }
}
