//! What is tried: migrations between an old and a new host.

use super::guest::SLOT;
use super::{Emulator, Guest, Hosts, LeftOut, Migrated, Migration, NotTried, RomSource};
use crate::guest::{Block, RomChoice};
use crate::host::{Files, Found, Host};
use crate::judge::{Answer, Presence, judge_from};
use crate::qemu::{Device, MachineType, says};
use serde::Serialize;
use std::fmt;

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
    /// From the new host with the compat ROM, named by `-global`, back to the
    /// old one.
    CompatToOld,
    /// The same, where `-readconfig` names the compat ROM.
    CompatToOldByReadconfig,
    /// To a ROM of the same size with another content.
    OtherContent,
    /// To a new host that names a compat ROM and does not have it.
    CompatMissing,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::OldToOld,
        Self::OldToNew,
        Self::NewToOld,
        Self::CompatByGlobals,
        Self::CompatByReadconfig,
        Self::CompatToOld,
        Self::CompatToOldByReadconfig,
        Self::OtherContent,
        Self::CompatMissing,
    ];

    /// The hosts at source and destination, in whose folders of ROMs QEMU runs.
    #[must_use]
    pub const fn hosts(self) -> [&'static str; 2] {
        match self {
            Self::OldToOld => ["old", "old"],
            Self::NewToOld | Self::CompatToOld | Self::CompatToOldByReadconfig => ["new", "old"],
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
            Self::CompatToOldByReadconfig => "compat-to-old-by-readconfig",
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

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("the guest is taken"),
            Self::Refused(line) => write!(f, "the guest is refused with `{line}`"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("as expected"),
            Self::Failed(why) => write!(f, "not as expected: {why}"),
            Self::OtherReason(why) => write!(f, "refused for another reason: {why}"),
            Self::CouldNotRun(why) => write!(f, "no verdict: {why}"),
        }
    }
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

/// A card on one host, with what is there in the place of its ROM file.
#[derive(Debug, Clone)]
struct Start<'a> {
    guest: Guest<'a>,
    card: Block,
    found: Found,
}

/// A host with this in the place of the only file that is asked for.
#[derive(Debug)]
struct Only(Found);

impl Files for Only {
    fn find(&self, _: &str) -> Found {
        self.0
    }
}

impl<'a> Start<'a> {
    /// A guest whose card loads a file of this name.
    fn new(guest: Guest<'a>, file: &str, found: Found) -> Self {
        let address = guest.machine.family.block_address(SLOT);
        let rom = RomChoice::File(file.to_owned());
        Self {
            card: Block::of_device(guest.device.name, &address, rom),
            guest,
            found,
        }
    }

    /// What another host says to the guest.
    fn to(&self, destination: &Self) -> Answer {
        let (here, there) = (Only(self.found), Only(destination.found));
        let (here, there): ([&dyn Files; 1], [&dyn Files; 1]) = ([&here], [&there]);
        let source = Presence::at_source(&self.card, &Host::new(&here));
        judge_from(source, &destination.card, &Host::new(&there)).answer
    }
}

impl<'a> Scenario<'a> {
    /// Every migration of a device on a machine that says something about the
    /// change of its ROM, and what is left out.
    #[must_use]
    pub fn of_device(
        hosts: &'a Hosts<'_>,
        emulators: Emulators<'a>,
        machine: MachineType,
        device: &'static Device,
    ) -> (Vec<Self>, Option<LeftOut>) {
        let left_out = |what, why| LeftOut {
            what,
            device: device.name.to_owned(),
            machine: Some(machine),
            why,
        };
        let none = |why| (Vec::new(), Some(left_out(NotTried::Migrations, why)));
        if let Some(needed) = device.needs {
            return none(format!("QEMU starts it only with {needed}"));
        }
        let Some(romfile) = device.romfile_on(Some(machine)) else {
            return none("this machine type gives it no ROM".to_owned());
        };
        let Some(old_rom) = hosts.old.find(romfile) else {
            return none(format!("the old host has no {romfile}"));
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
        let absent_rom = absent(romfile);
        let old_guest = guest(emulators.old, hosts.old_folder(), RomSource::Default);
        let old_found = Found::file(old_rom.size());
        let old = Start::new(old_guest, romfile, old_found);
        let new = match hosts.new.find(romfile) {
            Some(rom) => Start::new(on_new(RomSource::Default), romfile, Found::file(rom.size())),
            None => Start::new(on_new(global(&absent_rom)), &absent_rom, Found::Missing),
        };
        let other_file = Hosts::other_content(romfile);
        let other = Start::new(on_new(global(&other_file)), &other_file, old_found);
        let mut tries = vec![
            (Kind::OldToOld, old.clone(), old.clone()),
            (Kind::OldToNew, old.clone(), new.clone()),
            (Kind::NewToOld, new.clone(), old.clone()),
            (Kind::OtherContent, old.clone(), other),
        ];
        let compat = hosts.told(device, machine);
        let absent_compat = absent(compat.map_or("", |told| &told.romfile.name));
        if let Some(told) = compat {
            let romfile = told.romfile.to_string();
            let globals = RomSource::Globals {
                options: hosts.globals(device),
                romfile: romfile.clone(),
            };
            let readconfig = RomSource::Readconfig {
                file: hosts.readconfig(),
                romfile,
            };
            // That it has the size of the old ROM is what is to be proved.
            let name = &told.romfile.name;
            let by_global = Start::new(on_new(globals), name, old_found);
            let by_file = Start::new(on_new(readconfig), name, old_found);
            let missing = on_new(global(&absent_compat));
            let missing = Start::new(missing, &absent_compat, Found::Missing);
            // A file for any guest has the sections of display adapters in comments.
            if !device.is_display() {
                tries.extend([
                    (Kind::CompatByReadconfig, old.clone(), by_file.clone()),
                    (Kind::CompatToOldByReadconfig, by_file, old.clone()),
                ]);
            }
            tries.extend([
                (Kind::CompatByGlobals, old.clone(), by_global.clone()),
                (Kind::CompatToOld, by_global, old.clone()),
                (Kind::CompatMissing, old.clone(), missing),
            ]);
        }
        let breaks = old.to(&new) != Answer::Accepted;
        let without = (breaks && compat.is_none()).then(|| {
            let why = format!("its {romfile} breaks, and it is told no compat ROM");
            left_out(NotTried::NeededCompatRom, why)
        });
        let tries = tries.into_iter();
        let tried = tries.filter_map(|(kind, source, dest)| Self::new(kind, source, dest));
        (tried.collect(), without)
    }

    /// A name for its record, unlike that of any other.
    #[must_use]
    pub fn name(&self) -> String {
        let (device, machine) = (self.source.device.name, self.source.machine);
        format!("{device}-{machine}-{}.txt", self.kind.name())
    }

    fn new(kind: Kind, source: Start<'a>, destination: Start<'a>) -> Option<Self> {
        let expected = match source.to(&destination) {
            Answer::Accepted => Expected::Accepted,
            Answer::Refused(refused) => Expected::Refused(refused.line),
            Answer::NotJudged(_) => return None,
        };
        Some(Self {
            kind,
            source: source.guest,
            destination: destination.guest,
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
            (Ok(Migration::Refused(said)), _) if self.destination.is_about_its_rom(said) => {
                Outcome::Failed(said.clone())
            }
            (Ok(Migration::Refused(said)), _) => Outcome::OtherReason(said.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{as_it_is, rom_set};
    use crate::plan::{CompatPlan, Source};
    use crate::prove::{CannotRun, CompatRoms};
    use crate::qemu::{QemuVersion, device_by_name};
    use std::collections::BTreeMap;

    fn emulator() -> Emulator {
        Emulator {
            command: vec!["qemu".into()],
            version: QemuVersion::new(7, 2),
            machines: Vec::new(),
            aliases: BTreeMap::new(),
        }
    }

    /// Hands over the scenarios of an e1000 whose ROM grows from 8K to 16K.
    fn with_scenarios(check: impl FnOnce(&[Scenario<'_>])) {
        let old = rom_set(&[("efi-e1000.rom", 5000)]);
        let new = rom_set(&[("efi-e1000.rom", 9000)]);
        let plan = CompatPlan::new(Source::Release(&old), Some(&new), &as_it_is()).unwrap();
        let compat = CompatRoms::of(&plan);
        let folder = tempfile::tempdir().unwrap();
        let hosts = Hosts::write(folder.path(), &old, &new, &compat).unwrap();
        let emulator = emulator();
        let emulators = Emulators {
            old: &emulator,
            new: &emulator,
        };
        let machine = MachineType::parse(crate::qemu::Arch::X86_64, "pc-i440fx-7.2").unwrap();
        let device = device_by_name("e1000").unwrap();
        check(&Scenario::of_device(&hosts, emulators, machine, device).0);
    }

    fn migrated(result: Result<Migration, CannotRun>) -> Migrated {
        Migrated {
            result,
            commands: Vec::new(),
            said: String::new(),
        }
    }

    fn refused(line: &str) -> Migrated {
        migrated(Ok(Migration::Refused(format!("qemu: {line}"))))
    }

    #[test]
    fn a_rom_that_grows_is_refused_and_its_compat_rom_accepted() {
        with_scenarios(|scenarios| {
            let expected: BTreeMap<_, _> = scenarios
                .iter()
                .map(|scenario| (scenario.kind, scenario.expected.clone()))
                .collect();
            assert_eq!(expected.len(), Kind::ALL.len());
            let mismatch =
                "Size mismatch: 0000:00:04.0/e1000.rom: 0x2000 != 0x4000: Invalid argument";
            assert_eq!(
                expected[&Kind::OldToNew],
                Expected::Refused(mismatch.to_owned())
            );
            for kind in [Kind::CompatByGlobals, Kind::CompatToOld, Kind::OtherContent] {
                assert_eq!(expected[&kind], Expected::Accepted, "{kind:?}");
            }
            let missing = "failed to find romfile \"absent/compat-8k-efi-e1000.rom\"";
            assert_eq!(
                expected[&Kind::CompatMissing],
                Expected::Refused(missing.to_owned())
            );
        });
    }

    #[test]
    fn an_outcome_tells_a_rom_from_another_reason_and_from_none() {
        with_scenarios(|scenarios| {
            let of = |kind| scenarios.iter().find(|s| s.kind == kind).unwrap();
            let (grown, compat) = (of(Kind::OldToNew), of(Kind::CompatByGlobals));
            let Expected::Refused(line) = &grown.expected else {
                panic!("accepted");
            };
            let accepted = migrated(Ok(Migration::Accepted));
            let vring = refused("VQ 0 vring.num 1024 exceeds allocated max 256");
            let cannot = migrated(Err(CannotRun("no answer".to_owned())));
            assert_eq!(grown.judge(&refused(line)), Outcome::Passed);
            assert_eq!(compat.judge(&accepted), Outcome::Passed);
            assert!(matches!(grown.judge(&accepted), Outcome::Failed(_)));
            assert!(matches!(compat.judge(&refused(line)), Outcome::Failed(_)));
            assert!(matches!(
                grown.judge(&refused("failed to find romfile \"efi-e1000.rom\"")),
                Outcome::Failed(_)
            ));
            let vram = refused("Size mismatch: vga.vram: 0x1000 != 0x2000: Invalid argument");
            for other in [&vring, &vram] {
                assert!(matches!(compat.judge(other), Outcome::OtherReason(_)));
                assert!(matches!(grown.judge(other), Outcome::OtherReason(_)));
            }
            assert!(matches!(compat.judge(&cannot), Outcome::CouldNotRun(_)));
        });
    }
}
