//! Which ROMs the cards of guests have on the old and on the new host, and what
//! the new one says to them.

use crate::cli::exit::Failure;
use crate::cli::io::definitions::Definition;
use crate::cli::io::input;
use crate::cli::io::opened;
use crate::cli::options::guests::Sides;
use crate::cli::steps::machine_types::Machines;
use crate::finding::{Code, Finding};
use crate::libvirt::{Domain, pin};
use crate::plan::{CardRom, GuestCard, Manifest, MappedDevices, Naming, guest_cards, machine_of};
use crate::qemu::{Arch, MachineType, RamBlockSize, RomAt};
use crate::report::{CardRow, GuestRow};
use crate::rom::BarSize;
use crate::romset::RomSet;
use std::collections::BTreeMap;

/// What ROMs are judged by.
pub struct Judge {
    old: Option<RomSet>,
    mapping: Option<Manifest>,
    new: Option<RomSet>,
    naming: Naming,
    devices: MappedDevices,
}

/// A guest that was read.
pub struct Guest<'a> {
    /// Where it was read.
    pub definition: &'a Definition,
    /// What it says.
    pub domain: Domain<'a>,
    /// What is reported of it.
    pub row: GuestRow,
    /// Its machine type, if its version is known.
    pub machine: Option<MachineType>,
    /// The cards that are pinned to a ROM as `--pin` does it, counted from 0.
    pub pins: Vec<usize>,
}

impl Judge {
    /// Reads what a command names.
    ///
    /// # Errors
    /// A [`Failure`] that names what cannot be read.
    pub fn read(sides: &Sides, naming: Naming, devices: MappedDevices) -> Result<Self, Failure> {
        let mapping = match &sides.mapping {
            Some(path) => {
                let fail = |error: String| Failure::file(path.display(), error);
                let text = opened::read_to_string(path).map_err(|error| fail(error.to_string()))?;
                Some(Manifest::parse(&text).map_err(|error| fail(error.to_string()))?)
            }
            None => None,
        };
        let (old, new) = match (&sides.old, &sides.new) {
            (Some(old), new) => {
                let (old, new) = input::read_some(old, new.as_deref())?;
                (Some(old), new)
            }
            (None, new) => (None, new.as_deref().map(input::read).transpose()?),
        };
        Ok(Self {
            old,
            mapping,
            new,
            naming,
            devices,
        })
    }

    /// What the sets of ROMs left out.
    pub fn omitted(&self) -> Vec<Finding> {
        let of = |set: &Option<RomSet>, other: &Option<RomSet>| {
            let omitted = set.as_ref().map(|set| set.omitted(other.as_ref()));
            omitted.unwrap_or_default()
        };
        [of(&self.old, &self.new), of(&self.new, &self.old)].concat()
    }

    /// Whether anything can be judged: both an old and a new side were given.
    pub const fn has_both_sides(&self) -> bool {
        self.new.is_some() && (self.old.is_some() || self.mapping.is_some())
    }

    /// A guest with what the new host says to its cards.
    pub fn guest<'a>(
        &self,
        definition: &'a Definition,
        domain: Domain<'a>,
        machines: &mut Machines<'_>,
        findings: &mut Vec<Finding>,
    ) -> Guest<'a> {
        let named = machine_of(&domain);
        let machine = named.or_else(|| machines.resolve(definition, &domain));
        let cards = guest_cards(&domain, machine);
        let row = GuestRow {
            name: domain.name.clone().unwrap_or_else(|| "?".to_owned()),
            uuid: domain.uuid.clone(),
            definition: definition.label.clone(),
            machine: domain.machine.as_ref().map(|machine| machine.value.clone()),
            resolved_machine: machine
                .filter(|_| named.is_none())
                .map(|machine| machine.to_string()),
            cards: self.rows(&domain, &cards, machine),
        };
        findings.extend(row.findings(self.has_both_sides()));
        match machine {
            None if !cards.is_empty() => findings.push(row.finding(
                Code::GuestMachineUnknown,
                machine_words(&domain),
                "a machine type with a version of QEMU, or a QEMU that says which it is".to_owned(),
            )),
            Some(machine) if machines.lacks(definition, &domain, machine) => {
                findings.push(row.finding(
                    Code::GuestMachineUnknown,
                    format!("its QEMU has no machine type `{machine}`"),
                    "a machine type of the QEMU that runs the guest".to_owned(),
                ));
            }
            _ => {}
        }
        let pins = cards
            .iter()
            .filter(|card| self.is_pin(card, machine))
            .map(|card| card.number)
            .collect();
        Guest {
            definition,
            domain,
            row,
            machine,
            pins,
        }
    }

    /// The cards of a definition with their ROMs on both hosts.
    pub fn rows(
        &self,
        domain: &Domain<'_>,
        cards: &[GuestCard],
        machine: Option<MachineType>,
    ) -> Vec<CardRow> {
        let mut rows: Vec<CardRow> = cards.iter().map(|card| self.card(card, machine)).collect();
        let wanted: Vec<(usize, String)> = cards
            .iter()
            .zip(&rows)
            .filter_map(|(card, row)| Some((card.number, row.cure.clone()?)))
            .collect();
        if wanted.is_empty() {
            return rows;
        }
        // A `<rom>` that the guest has may stand in the way.
        let text = pin(domain, &wanted);
        let pinned = Domain::parse(text.as_bytes()).ok();
        let pinned = pinned
            .map(|domain| guest_cards(&domain, machine))
            .unwrap_or_default();
        for (number, row) in rows.iter_mut().enumerate() {
            let names = |path: &String| {
                let rom = pinned.get(number).map(|card| &card.rom);
                matches!(rom, Some(CardRom::File(file)) if file == path)
            };
            row.cure = row.cure.take().filter(names);
        }
        rows
    }

    fn card(&self, card: &GuestCard, machine: Option<MachineType>) -> CardRow {
        let mapped = || {
            let device = card.device?.name;
            let mapping = self.mapping.as_ref()?;
            let rom = mapping.rom_for(device, machine)?;
            Some((mapping.path(rom), rom.bar.bytes()))
        };
        let in_set = |set: &Option<RomSet>, name: &str| {
            let rom = set.as_ref()?.find(name)?;
            Some(rom.bar().bytes())
        };
        let of_user = card.mapped_rom(&self.devices);
        let (old, new, name) = match &card.rom {
            CardRom::Unknown if of_user.is_some() => {
                let size = |set| in_set(set, of_user?);
                (size(&self.old), size(&self.new), of_user)
            }
            CardRom::Off | CardRom::Unknown => (None, None, None),
            CardRom::Default(name) => {
                let of_mapping = mapped().map(|(_, size)| size);
                // What the package does not ship did not break. That can only be
                // said where the version decides which ROMs it ships.
                let has_version = machine.is_some_and(|machine| machine.version.is_some());
                let unchanged = || {
                    self.mapping.as_ref().filter(|_| has_version)?;
                    in_set(&self.new, name)
                };
                let old = in_set(&self.old, name).or(of_mapping).or_else(unchanged);
                (old, in_set(&self.new, name), Some(*name))
            }
            CardRom::File(path) => {
                let base = path.rsplit('/').next().unwrap_or(path);
                let of_mapping = self.mapping.as_ref().and_then(|map| map.rom_at(path));
                let of_mapping = of_mapping.map(|rom| rom.bar.bytes());
                let size = |set| in_set(set, base).or(of_mapping);
                (size(&self.old), size(&self.new), None)
            }
        };
        let at = |bytes: Option<u64>| {
            let bar = bytes.and_then(BarSize::of_rom)?;
            Some(RomAt::Block(RamBlockSize::of_bar(bar)))
        };
        let missing = name.filter(|_| self.new.is_some()).map(RomAt::Missing);
        let verdict = card.verdict(at(old), at(new).or(missing));
        let mut row = CardRow::new(card, old, new, verdict);
        row.rom = row.rom.or_else(|| name.map(str::to_owned));
        if row.accepted == Some(false)
            && let Some(name) = name
        {
            let default = || Some(self.naming.path(BarSize::of_rom(old?)?, name));
            row.cure = mapped().map(|(path, _)| path).or_else(default);
        }
        row
    }

    /// Whether the guest names the ROM for its card that `--pin` would name.
    fn is_pin(&self, card: &GuestCard, machine: Option<MachineType>) -> bool {
        let CardRom::File(path) = &card.rom else {
            return false;
        };
        if let Some(mapping) = &self.mapping {
            return mapping.rom_at(path).is_some();
        }
        let romfile = match card.device {
            Some(device) => device.romfile_on(machine),
            None => card.mapped_rom(&self.devices),
        };
        let rom = romfile.and_then(|name| self.old.as_ref()?.find(name));
        rom.is_some_and(|rom| self.naming.path(rom.bar(), rom.name()) == *path)
    }
}

/// The machine type of a guest of which no version is known.
fn machine_words(domain: &Domain<'_>) -> String {
    let name = domain
        .machine
        .as_ref()
        .map_or("none", |machine| &machine.value);
    let Some(arch) = &domain.arch else {
        return format!("its machine type is `{name}`, of no architecture that is named");
    };
    match arch.parse::<Arch>() {
        Ok(arch) => format!("its machine type is `{name}` of {arch}"),
        Err(_) => format!(
            "its machine type is `{name}` of {arch}, an architecture whose machine types are not known"
        ),
    }
}

/// Two definitions with one name.
pub fn twice(guests: &[Guest<'_>]) -> Vec<Finding> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for guest in guests {
        let row = &guest.row;
        if let Some(first) = seen.insert(&row.name, &row.definition) {
            findings.push(row.finding(
                Code::GuestTwice,
                format!("{first} and {} define it", row.definition),
                "each name stands for one guest".to_owned(),
            ));
        }
    }
    findings
}
