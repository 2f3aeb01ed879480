//! The ROMs of a saved guest, and whether a host gives it ROMs of their sizes.

use super::{Answer, Cause, Reason, judge_block};
use crate::finding::{Code, Finding};
use crate::guest::{Block, Held, MappedDevices, RomChoice, guest_of_domain, machine_of};
use crate::host::{Files, Host};
use crate::libvirt::Domain;
use crate::qemu::{Arch, DEVICES, Device, MachineType, NEWEST_UNNAMED};
use crate::rom::BarSize;
use crate::romset::RomSet;
use crate::vmstate::{RamBlock, SavedState};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// One ROM of a saved guest.
#[derive(Debug, Clone)]
pub struct SavedRom {
    /// Whole name of the RAM block.
    pub name: String,
    /// The devices that name a block so.
    pub devices: Vec<&'static Device>,
    /// Its size in bytes, which a host must give it, too.
    pub size: u64,
    /// The ROM file that the guest's definition names for the card.
    pub file: Option<String>,
    /// What the host says to it, if one was given.
    pub answer: Option<Answer>,
    /// The file that its content was written to.
    pub extracted: Option<String>,
}

impl Serialize for SavedRom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let resumes = match &self.answer {
            Some(Answer::Accepted) => Some(true),
            _ => self.is_refused().then_some(false),
        };
        let devices: Vec<&str> = self.devices.iter().map(|device| device.name).collect();
        let mut fields = serializer.serialize_struct("SavedRom", 7)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("devices", &devices)?;
        fields.serialize_field("size", &self.size)?;
        fields.serialize_field("file", &self.file)?;
        fields.serialize_field("resumes", &resumes)?;
        fields.serialize_field("line", &self.answer.as_ref().and_then(Answer::line))?;
        fields.serialize_field("extracted", &self.extracted)?;
        fields.end()
    }
}

/// The ROMs among a saved guest's RAM blocks, judged by those of a host.
///
/// The guest's definition, where there is one, says which cards are told a ROM
/// file; which file they load otherwise may depend on the machine type. A file
/// is taken from the first of `roms` that has it, as QEMU searches its folders.
#[must_use]
pub fn saved_roms(
    state: &SavedState,
    definition: Option<&Domain<'_>>,
    machine: Option<&str>,
    roms: &[RomSet],
) -> Vec<SavedRom> {
    let files = definition.map(named_files).unwrap_or_default();
    let sets: Vec<&dyn Files> = roms.iter().map(|set| set as &dyn Files).collect();
    let host = Host::new(&sets);
    let judged = |block: &RamBlock| {
        let mut rom = SavedRom::of(block)?;
        let (address, _) = rom.name.rsplit_once('/')?;
        rom.file = files.get(address).cloned();
        if !roms.is_empty() {
            let answer = judge_block(&rom.block(machine), &Host::UNKNOWN, &host).answer;
            rom.answer = Some(answer);
        }
        Some(rom)
    };
    state.blocks.iter().filter_map(judged).collect()
}

/// The machine type of a saved guest: the state itself, the guest's definition
/// and the user's word count in this order.
#[must_use]
pub fn machine_of_state<'a>(
    state: &'a SavedState,
    definition: Option<&'a Domain<'_>>,
    said: Option<&'a str>,
) -> Option<&'a str> {
    let defined = || Some(&*definition?.machine.as_ref()?.value);
    state.machine.as_deref().or_else(defined).or(said)
}

/// The ROM files that a definition names, by the addresses of the cards.
fn named_files(domain: &Domain<'_>) -> BTreeMap<String, String> {
    let guest = guest_of_domain(domain, "", machine_of(domain), &MappedDevices::new());
    let named = |block: Block| match block.rom {
        RomChoice::File(file) => {
            let (address, _) = block.name.rsplit_once('/').unwrap_or((&block.name, ""));
            Some((address.to_owned(), file))
        }
        _ => None,
    };
    guest.blocks.into_iter().filter_map(named).collect()
}

/// The ROM that a device may load by default. A machine type that is not named
/// is one of a PC up to [`NEWEST_UNNAMED`].
fn default_rom(device: &Device, machine: Option<&str>) -> RomChoice {
    let files = match machine {
        Some(name) => {
            let machine = MachineType::parse(Arch::X86_64, name).ok();
            [device.romfile_on(machine), None]
        }
        None => {
            let [oldest, _] = Device::DEFAULTS_CHANGED_AFTER;
            [device.romfile_in(oldest), device.romfile_in(NEWEST_UNNAMED)]
        }
    };
    let mut files: Vec<String> = files.into_iter().flatten().map(str::to_owned).collect();
    files.dedup();
    match files.len() {
        0 => RomChoice::Off,
        1 => RomChoice::Default(files.swap_remove(0)),
        _ => RomChoice::OneOf(files),
    }
}

impl SavedRom {
    /// The ROM in a RAM block, if it is one.
    #[must_use]
    pub fn of(block: &RamBlock) -> Option<Self> {
        let (_, suffix) = block.name.rsplit_once('/')?;
        let devices: Vec<&'static Device> = DEVICES
            .iter()
            .filter(|device| device.ram_block == suffix)
            .collect();
        let is_file = block.name.starts_with('/');
        if devices.is_empty() && (is_file || !suffix.ends_with(".rom")) {
            return None;
        }
        Some(Self {
            name: block.name.clone(),
            devices,
            size: block.size,
            file: None,
            answer: None,
            extracted: None,
        })
    }

    /// The BAR that it keeps.
    #[must_use]
    pub fn bar(&self) -> Option<BarSize> {
        BarSize::of_rom(self.size).filter(|bar| bar.bytes() == self.size)
    }

    /// The block as a guest of this machine type has it.
    fn block(&self, machine: Option<&str>) -> Block {
        let rom = match (&self.file, self.devices.first()) {
            (Some(file), _) => RomChoice::File(file.clone()),
            (None, Some(device)) => default_rom(device, machine),
            (None, None) => RomChoice::Unknown,
        };
        Block {
            name: self.name.clone(),
            devices: self.devices.clone(),
            held: Held::of_block(self.size),
            ..Block::of_rom(rom)
        }
    }

    /// Whether the host gives it a ROM of its size.
    #[must_use]
    pub fn resumes(&self) -> bool {
        self.answer == Some(Answer::Accepted)
    }

    /// Whether the host has its ROM in another size.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.is_missing() && self.answer.as_ref().is_some_and(Answer::is_refused)
    }

    /// Whether the ROM file that its card loads is not among those of the host.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        match &self.answer {
            Some(Answer::Refused(refused)) => matches!(refused.cause, Cause::MissingRomfile),
            Some(Answer::NotJudged(why)) => matches!(why, Reason::FileNotKnown(_)),
            Some(Answer::Accepted) | None => false,
        }
    }

    /// Whether the host's ROMs were given, and do not say what becomes of it.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        let is_open = matches!(self.answer, Some(Answer::NotJudged(_)));
        is_open && !self.is_missing() && !self.is_refused()
    }

    /// A finding where the host refuses it, or may.
    #[must_use]
    pub fn finding(&self, file: &str) -> Option<Finding> {
        let said = |line: &str| format!("QEMU will say `{line}`");
        let found = match self.answer.as_ref()? {
            Answer::Accepted => return None,
            Answer::Refused(refused) => said(&refused.line),
            Answer::NotJudged(Reason::FileNotKnown(path)) => {
                format!("its card loads {path}, which is in none of the ROMs that were given")
            }
            Answer::NotJudged(Reason::Depends(cases)) => {
                let cases = cases.iter().map(|(file, answer)| {
                    let said = answer.line().map(said);
                    let said = said.unwrap_or_else(|| format!("{} resumes", self.name));
                    format!("loaded from {file}, {said}")
                });
                cases.collect::<Vec<_>>().join("; ")
            }
            Answer::NotJudged(_) => return Some(self.unknown_device(file)),
        };
        let code = match (self.is_missing(), self.is_refused()) {
            (true, _) => Code::StateRomMissing,
            (_, true) => Code::StateNotResumed,
            _ => Code::StateRomUnknown,
        };
        Some(self.of_code(code, file, found))
    }

    /// That nothing can be said of it.
    #[must_use]
    pub fn unknown_device(&self, file: &str) -> Finding {
        let found = if self.bar().is_none() {
            format!(
                "{} has {} bytes, which no ROM of QEMU has",
                self.name, self.size
            )
        } else {
            format!("no device is known whose RAM block is {}", self.name)
        };
        self.of_code(Code::StateDeviceUnknown, file, found)
    }

    fn of_code(&self, code: Code, file: &str, found: String) -> Finding {
        let required = format!(
            "the host must give {} a ROM of {} bytes",
            self.name, self.size
        );
        Finding::new(code, file, found, required)
    }
}
