//! Guests of libvirt on their way from an old host to a new one: what the new
//! one says to them, and which compat ROM cures which card.

use crate::finding::{Code, Finding, counted};
use crate::guest::{Block, Guest, Held, Holder, MappedDevices, RomChoice, guest_of_domain};
use crate::host::{Files, Host, MachineTypes};
use crate::judge::{Answer, Judged, Reason, judge_block};
use crate::libvirt::{Domain, pin};
use crate::plan::{Manifest, Naming};
use crate::qemu::{Arch, MachineType, is_display_rom};
use crate::romset::{RomFile, RomSet};
use std::collections::{BTreeMap, BTreeSet};

/// The hosts that guests come from and go to.
#[derive(Debug)]
pub struct Sides {
    /// The ROMs of the old host.
    pub old: Option<RomSet>,
    /// In place of them, the compat package that has its ROMs.
    pub mapping: Option<Manifest>,
    /// The ROMs of the new host.
    pub new: Option<RomSet>,
    /// Names and place of compat ROMs where no package says them.
    pub naming: Naming,
    /// The devices that the user maps to ROMs.
    pub devices: MappedDevices,
}

/// A guest with what the new host says to it.
#[derive(Debug, Clone)]
pub struct JudgedGuest {
    /// The guest.
    pub guest: Guest,
    /// What the new host says to each of its blocks.
    pub judged: Vec<Judged>,
    /// For each block the compat ROM that has the new host take it, if its card
    /// is told that one.
    pub cures: Vec<Option<String>>,
    /// The cards that are told a compat ROM already, counted from 0.
    pub pins: Vec<usize>,
    /// Whether its video cards are left out, since both sides were given without
    /// a ROM for any.
    are_displays_left_out: bool,
}

impl Sides {
    /// Whether anything can be judged: both an old and a new side were given.
    #[must_use]
    pub const fn are_both_given(&self) -> bool {
        self.new.is_some() && (self.old.is_some() || self.mapping.is_some())
    }

    /// Whether a ROM of a video card is among those of either host.
    fn has_displays(&self) -> bool {
        let sets = [&self.old, &self.new].into_iter().flatten();
        let names = |rom: &RomFile| {
            let mut names = rom.other_names().iter().map(String::as_str);
            is_display_rom(rom.name()) || names.any(is_display_rom)
        };
        let mut shipped = self.mapping.iter().flat_map(|package| &package.roms);
        sets.flat_map(|set| &set.roms).any(names) || shipped.any(|rom| is_display_rom(&rom.origin))
    }

    /// Judges the guest that is defined so at `origin`. Where no version of its
    /// machine type is known, that of new machine types is assumed.
    #[must_use]
    pub fn judge(
        &self,
        domain: &Domain<'_>,
        origin: &str,
        machine: Option<MachineType>,
    ) -> JudgedGuest {
        let mut guest = guest_of_domain(domain, origin, machine, &self.devices);
        if let Some(mapping) = &self.mapping {
            for block in &mut guest.blocks {
                hold(block, mapping, machine);
            }
        }
        let new = self.new.as_ref().map(|set| set as &dyn Files);
        let package = self.mapping.as_ref().map(|package| package as &dyn Files);
        let there: Vec<&dyn Files> = new.into_iter().chain(package).collect();
        let destination = Host::new(&there);
        let old = self.old.as_ref().map(|set| set as &dyn Files);
        // What the package does not ship did not break. That can only be said
        // where the version decides which ROMs it ships.
        let has_version = machine.is_some_and(|machine| machine.version.is_some());
        let unchanged = new.filter(|_| self.mapping.is_some() && has_version);
        let judge_one = |block: &Block| {
            let unchanged = unchanged.filter(|_| !block.is_pinned());
            let here: Vec<&dyn Files> = old.or(unchanged).into_iter().collect();
            judge_block(block, &Host::new(&here), &destination)
        };
        let judged: Vec<Judged> = guest.blocks.iter().map(judge_one).collect();
        let both = guest.blocks.iter().zip(&judged);
        let cures = both.map(|(block, judged)| self.cure(block, judged, machine));
        let mut cures: Vec<Option<String>> = cures.collect();
        self.keep_possible(&mut cures, domain, &guest);
        let pinned = guest
            .blocks
            .iter()
            .filter(|block| self.is_pin(block, machine));
        let number = |block: &Block| block.holder.number().checked_sub(1);
        JudgedGuest {
            pins: pinned.filter_map(number).collect(),
            guest,
            judged,
            cures,
            are_displays_left_out: self.are_both_given() && !self.has_displays(),
        }
    }

    /// The compat ROM that a network card can be told so that the new host
    /// takes it. libvirt tells video cards none.
    fn cure(&self, block: &Block, judged: &Judged, machine: Option<MachineType>) -> Option<String> {
        let (Holder::Card(_), RomChoice::Default(name)) = (block.holder, &block.rom) else {
            return None;
        };
        if !judged.answer.is_refused() {
            return None;
        }
        let mapped = || {
            let mapping = self.mapping.as_ref()?;
            let rom = mapping.rom_for(block.device()?.name, machine)?;
            Some(mapping.path(rom))
        };
        let named = || Some(self.naming.path(judged.source.bar()?, name));
        mapped().or_else(named)
    }

    /// Takes away the cures for which a `<rom>` that the guest has stands in the
    /// way.
    fn keep_possible(&self, cures: &mut [Option<String>], domain: &Domain<'_>, guest: &Guest) {
        let wanted: Vec<(usize, String)> = cures
            .iter()
            .enumerate()
            .filter_map(|(number, cure)| Some((number, cure.clone()?)))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let text = pin(domain, &wanted);
        let pinned = Domain::parse(text.as_bytes()).ok();
        let pinned = pinned
            .map(|domain| guest_of_domain(&domain, &guest.origin, guest.machine, &self.devices));
        for (number, cure) in cures.iter_mut().enumerate() {
            let block = pinned.as_ref().and_then(|guest| guest.blocks.get(number));
            let is_told = |path: &String| matches!(block.map(|block| &block.rom), Some(RomChoice::File(file)) if file == path);
            *cure = cure.take().filter(is_told);
        }
    }

    /// Whether the guest names the ROM for a card that cures it.
    fn is_pin(&self, block: &Block, machine: Option<MachineType>) -> bool {
        let RomChoice::File(path) = &block.rom else {
            return false;
        };
        if let Some(mapping) = &self.mapping {
            return mapping.rom_at(path).is_some();
        }
        let romfile = match (block.device(), &block.model) {
            (Some(device), _) => device.romfile_on(machine),
            (None, Some(model)) => mapped_rom(&self.devices, model),
            (None, None) => None,
        };
        let rom = romfile.and_then(|name| self.old.as_ref()?.find(name));
        rom.is_some_and(|rom| self.naming.path(rom.bar(), rom.name()) == *path)
    }
}

/// The ROM that the user maps a model to.
fn mapped_rom<'d>(devices: &'d MappedDevices, model: &str) -> Option<&'d str> {
    let is_of = |names: &Vec<String>| names.iter().any(|name| name == model);
    let (rom, _) = devices.iter().find(|(_, names)| is_of(names))?;
    Some(rom)
}

/// Notes the size that a compat package says of a card's ROM.
fn hold(block: &mut Block, mapping: &Manifest, machine: Option<MachineType>) {
    let rom = match (&block.rom, block.device()) {
        (RomChoice::File(path), _) => mapping.rom_at(path),
        (RomChoice::Default(_), Some(device)) => mapping.rom_for(device.name, machine),
        _ => None,
    };
    if let Some(rom) = rom {
        block.held = Held::Bar(rom.bar);
    }
}

impl JudgedGuest {
    /// The guest's blocks, each with what the new host says to it, and what
    /// cures it.
    pub fn blocks(&self) -> impl Iterator<Item = (&Block, &Judged, Option<&str>)> {
        let blocks = self.guest.blocks.iter().zip(&self.judged).zip(&self.cures);
        blocks.map(|((block, judged), cure)| (block, judged, cure.as_deref()))
    }

    /// Whether the new host refuses the guest.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let mut answers = self.judged.iter().map(|judged| &judged.answer);
        answers.any(Answer::is_refused)
    }

    /// Whether the new host may refuse the guest, as far as what was given goes.
    #[must_use]
    pub fn is_not_judged(&self) -> bool {
        let is_open = |(block, judged, _): (&Block, &Judged, Option<&str>)| {
            judged.answer != Answer::Accepted && !self.is_left_out(block)
        };
        !self.is_refused() && self.blocks().any(is_open)
    }

    /// Whether a block is one of a video card that loads a ROM, and nothing that
    /// was given is for one.
    fn is_left_out(&self, block: &Block) -> bool {
        let is_display = matches!(block.holder, Holder::Video(_));
        let has_rom = matches!(block.rom, RomChoice::Default(_));
        self.are_displays_left_out && is_display && has_rom
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        self.guest.name.as_deref().unwrap_or("?")
    }

    /// A finding about the guest.
    #[must_use]
    pub fn finding(
        &self,
        code: Code,
        found: impl Into<String>,
        required: impl Into<String>,
    ) -> Finding {
        Finding::new(code, self.name(), found, required)
    }

    /// Findings about its cards, where the ROMs of both hosts were given or not.
    #[must_use]
    pub fn findings(&self, has_both_sides: bool) -> Vec<Finding> {
        if self.guest.blocks.is_empty() {
            return vec![self.finding(
                Code::GuestWithoutCard,
                format!("{} has no interface", self.guest.origin),
                "only cards have ROMs that migrations depend on here",
            )];
        }
        let of_block = |(block, judged, cure): (&Block, &Judged, Option<&str>)| {
            self.block_finding(block, judged, cure, has_both_sides)
        };
        self.blocks().filter_map(of_block).collect()
    }

    fn block_finding(
        &self,
        block: &Block,
        judged: &Judged,
        cure: Option<&str>,
        has_both_sides: bool,
    ) -> Option<Finding> {
        let holder = block.holder;
        let model = block.model.as_deref().unwrap_or("no model");
        let why = match &judged.answer {
            Answer::Accepted => return None,
            Answer::NotJudged(_) if self.is_left_out(block) => return None,
            Answer::Refused(refused) => {
                let required = match cure {
                    Some(path) => format!("{holder} ({model}) must load {path} there"),
                    None => format!("{holder} ({model}) must have the same BAR there"),
                };
                let found = format!("QEMU will say `{}`", refused.line);
                let finding = self.finding(Code::GuestWouldBreak, found, required);
                return Some(match by_hand(block).filter(|_| cure.is_none()) {
                    Some(next_step) => finding.with_next_step(next_step),
                    None => finding,
                });
            }
            Answer::NotJudged(why) => why,
        };
        match (why, &block.rom) {
            (Reason::RomNotKnown, _) => Some(self.finding(
                Code::GuestCardUnknown,
                format!("{holder} has {}", model_words(block.model.as_deref())),
                "a model whose ROM is known, or a <rom> element",
            )),
            (_, RomChoice::File(path)) => Some(self.finding(
                Code::GuestRomElsewhere,
                format!("{holder} names {path}, which is in no set of ROMs that was given"),
                "the file must be on both hosts, with one size",
            )),
            (Reason::NeitherHas(_), _) => None,
            (_, RomChoice::Default(rom)) if has_both_sides => Some(self.finding(
                Code::GuestRomNotGiven,
                format!("{holder} ({model}) loads {rom}, whose old size is not known"),
                "the ROM that the guest was started with decides",
            )),
            _ => None,
        }
    }

    /// A finding where no version is known of its machine type, although its
    /// cards' ROMs may depend on it, or where its QEMU is known to lack it.
    #[must_use]
    pub fn machine_finding(
        &self,
        domain: &Domain<'_>,
        known: Option<&MachineTypes>,
    ) -> Option<Finding> {
        let (found, required) = match self.guest.machine {
            None if self.guest.blocks.is_empty() => return None,
            None => (
                machine_words(domain),
                format!(
                    "a machine type with a version of QEMU, or the QEMU that runs the guest: `--qemu {}`",
                    emulator_of(domain)
                ),
            ),
            Some(machine) if known.is_some_and(|known| !known.has(machine)) => (
                format!("its QEMU has no machine type `{machine}`"),
                "a machine type of the QEMU that runs the guest".to_owned(),
            ),
            Some(_) => return None,
        };
        Some(self.finding(Code::GuestMachineUnknown, found, required))
    }
}

/// The QEMU of a guest's architecture, as one types it.
fn emulator_of(domain: &Domain<'_>) -> String {
    let arch = domain.arch.as_deref().and_then(|arch| arch.parse().ok());
    arch.unwrap_or(Arch::X86_64).emulator()
}

/// What to do where a block would break and no cure can be written into the
/// definition.
const fn by_hand(block: &Block) -> Option<&'static str> {
    match (block.holder, block.is_pinned()) {
        (Holder::Video(_), _) => Some(
            "libvirt has no element for the ROM of a video card, so `--pin` cannot name one. Pad the new host's file to the old size if it fits (`pad`); else build the compat package, and tell it to QEMU by a compat array (`emit compat-array`) or by `-global` in the guest's <qemu:commandline> (`emit globals`).",
        ),
        (Holder::Card(_), true) => Some(
            "Give the file the same size on both hosts (`pad`), or take it out of the definition; `--pin` leaves files alone that a guest names itself.",
        ),
        (Holder::Card(_), false) => Some(
            "The `<rom>` of the card stands in the way of `--pin`: leave one `<rom>` without a file in the definition, or none, and pin the guest then.",
        ),
    }
}

fn model_words(model: Option<&str>) -> String {
    model.map_or("no model".to_owned(), |model| {
        format!("the model `{model}`, which is not known")
    })
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

/// A finding for each ROM file that cards load and neither host has: what was
/// given is a part of what the hosts have.
#[must_use]
pub fn in_neither<'g>(guests: impl Iterator<Item = &'g JudgedGuest>) -> Vec<Finding> {
    let mut files: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    for guest in guests {
        let mut seen: Vec<&str> = Vec::new();
        for (block, judged, _) in guest.blocks() {
            let Answer::NotJudged(Reason::NeitherHas(file)) = &judged.answer else {
                continue;
            };
            if block.is_pinned() || guest.is_left_out(block) || seen.contains(&&**file) {
                continue;
            }
            seen.push(file);
            let example = || format!("{} of {}", block.holder, guest.name());
            let (count, _) = files.entry(file).or_insert_with(|| (0, example()));
            *count = count.saturating_add(1);
        }
    }
    let finding = |(file, (count, example)): (&str, (usize, String))| {
        let guests = counted(count, "guest");
        Finding::new(
            Code::GuestRomNotGiven,
            file,
            format!("neither OLD nor NEW has it, and {guests} load it, such as {example}"),
            "the ROM on either host decides",
        )
    };
    files.into_iter().map(finding).collect()
}

/// A note where video cards are left out: how many ROMs of how many guests.
#[must_use]
pub fn displays_left_out<'g>(guests: impl Iterator<Item = &'g JudgedGuest>) -> Option<Finding> {
    let (mut files, mut count) = (BTreeSet::new(), 0_usize);
    for guest in guests {
        let blocks = guest.guest.blocks.iter();
        let left_out: Vec<&str> = blocks
            .filter(|block| guest.is_left_out(block))
            .filter_map(Block::file)
            .collect();
        count = count.saturating_add(usize::from(!left_out.is_empty()));
        files.extend(left_out);
    }
    let names: Vec<&str> = files.iter().copied().collect();
    (count > 0).then(|| {
        let found = format!(
            "{} of {} not compared: {}",
            counted(names.len(), "display ROM"),
            counted(count, "guest"),
            names.join(", ")
        );
        let required = "the ROMs of video cards on both hosts decide, too";
        Finding::new(
            Code::GuestDisplaysNotCompared,
            "video cards",
            found,
            required,
        )
    })
}

/// Guests with one name.
#[must_use]
pub fn twice<'g>(guests: impl Iterator<Item = &'g JudgedGuest>) -> Vec<Finding> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for guest in guests {
        let origin = &guest.guest.origin;
        if let Some(first) = seen.insert(guest.name(), origin) {
            findings.push(guest.finding(
                Code::GuestTwice,
                format!("{first} and {origin} define it"),
                "each name stands for one guest",
            ));
        }
    }
    findings
}
