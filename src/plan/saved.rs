//! The ROMs of a saved guest, and whether a host gives it ROMs of their sizes.

use crate::finding::{Code, Finding};
use crate::libvirt::{Domain, Interface};
use crate::qemu::{
    Arch, DEVICES, Device, MachineType, NEWEST_UNNAMED, RamBlockSize, RomAt, Verdict,
    missing_romfile, verdict,
};
use crate::rom::BarSize;
use crate::romset::RomSet;
use crate::vmstate::{RamBlock, SavedState};
use serde::Serialize;
use std::collections::BTreeMap;

/// One ROM of a saved guest.
#[derive(Debug, Clone, Serialize)]
pub struct SavedRom {
    /// Whole name of the RAM block.
    pub name: String,
    /// The devices that name a block so.
    #[serde(serialize_with = "names")]
    pub devices: Vec<&'static Device>,
    /// Its size in bytes, which a host must give it, too.
    pub size: u64,
    /// The ROM file that the guest's definition names for the card.
    pub file: Option<String>,
    /// Whether the host does; none where no ROMs were given, no device is
    /// known, or the device's ROM is not among them.
    pub resumes: Option<bool>,
    /// What QEMU says where it does not.
    pub line: Option<String>,
    /// The file that its content was written to.
    pub extracted: Option<String>,
    #[serde(skip)]
    is_judged: bool,
    /// What becomes of it for each file that the card may load on the host.
    #[serde(skip)]
    answers: Vec<(String, Answer)>,
}

/// What becomes of a saved ROM.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Resumes,
    Refused(String),
    Missing(String),
}

impl Answer {
    fn line(&self) -> Option<&str> {
        match self {
            Self::Resumes => None,
            Self::Refused(line) | Self::Missing(line) => Some(line),
        }
    }
}

fn names<S: serde::Serializer>(
    devices: &[&'static Device],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(devices.iter().map(|device| device.name))
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
    let judged = |block: &RamBlock| {
        let mut rom = SavedRom::of(block)?;
        rom.file = path_in(&rom.name).and_then(|path| files.get(path).cloned());
        if !roms.is_empty() {
            rom.judge(roms, machine);
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

/// The ROM files that a definition names, by the ways to the cards.
fn named_files(domain: &Domain<'_>) -> BTreeMap<String, String> {
    let buses = domain.buses();
    let named = |interface: &Interface| {
        let file = interface.rom.as_ref()?.file.as_ref()?;
        let path = buses.path(interface.address?)?;
        Some((path, file.value.clone()))
    };
    domain.interfaces.iter().filter_map(named).collect()
}

/// The way from the root bus to the card with this RAM block.
fn path_in(block: &str) -> Option<&str> {
    let (address, _) = block.rsplit_once('/')?;
    let mut roots = Arch::ALL.into_iter().map(Arch::pci_root);
    roots.find_map(|root| address.strip_prefix(root))
}

/// The ROM files that a device may load by default. A machine type that is not
/// named is one of a PC up to [`NEWEST_UNNAMED`].
fn default_files(device: &Device, machine: Option<&str>) -> Vec<&'static str> {
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
    let mut files: Vec<&str> = files.into_iter().flatten().collect();
    files.dedup();
    files
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
            resumes: None,
            line: None,
            extracted: None,
            is_judged: false,
            answers: Vec::new(),
        })
    }

    /// The BAR that it keeps.
    #[must_use]
    pub fn bar(&self) -> Option<BarSize> {
        BarSize::of_rom(self.size).filter(|bar| bar.bytes() == self.size)
    }

    /// Whether the ROM file that its card loads is not among those of the host.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        self.resumes.is_none() && self.line.is_some()
    }

    /// Whether the host's ROMs were given, and do not say what becomes of it.
    #[must_use]
    pub const fn is_undecided(&self) -> bool {
        self.is_judged && self.resumes.is_none() && self.line.is_none()
    }

    fn judge(&mut self, roms: &[RomSet], machine: Option<&str>) {
        self.is_judged = true;
        let Some(bar) = self.bar() else { return };
        let files = match (&self.file, self.devices.first()) {
            (Some(file), _) => vec![file.as_str()],
            (None, Some(device)) => default_files(device, machine),
            (None, None) => return,
        };
        let answers = files
            .into_iter()
            .map(|file| (file.to_owned(), self.answer(bar, file, roms)))
            .collect();
        self.answers = answers;
        let mut answers = self.answers.iter().map(|(_, answer)| answer);
        let Some(first) = answers.next() else { return };
        if answers.all(|answer| answer == first) {
            self.line = first.line().map(str::to_owned);
        }
        let all = |is: fn(&Answer) -> bool| self.answers.iter().all(|(_, answer)| is(answer));
        if all(|answer| *answer == Answer::Resumes) {
            self.resumes = Some(true);
        } else if all(|answer| matches!(answer, Answer::Refused(_))) {
            self.resumes = Some(false);
        }
    }

    fn answer(&self, bar: BarSize, file: &str, roms: &[RomSet]) -> Answer {
        let name = file.rsplit('/').next().unwrap_or(file);
        let Some(rom) = roms.iter().find_map(|set| set.find(name)) else {
            return Answer::Missing(missing_romfile(file));
        };
        let block = |bar| RomAt::Block(RamBlockSize::of_bar(bar));
        match verdict(block(bar), block(rom.bar())) {
            Verdict::Refused(refusal) => Answer::Refused(refusal.line(&self.name)),
            _ => Answer::Resumes,
        }
    }

    /// A finding where the host refuses it, or may.
    #[must_use]
    pub fn finding(&self, file: &str) -> Option<Finding> {
        if !self.is_judged || self.resumes == Some(true) {
            return None;
        }
        if self.answers.is_empty() {
            return Some(self.unknown_device(file));
        }
        let code = match (self.resumes, &self.line) {
            (Some(_), _) => Code::StateNotResumed,
            (None, Some(_)) => Code::StateRomMissing,
            (None, None) => Code::StateRomUnknown,
        };
        let found = match &self.line {
            Some(line) => format!("QEMU will say `{line}`"),
            None => {
                let cases = self.answers.iter().map(|(file, answer)| {
                    let said = answer.line().map(|line| format!("QEMU will say `{line}`"));
                    let said = said.unwrap_or_else(|| format!("{} resumes", self.name));
                    format!("loaded from {file}, {said}")
                });
                cases.collect::<Vec<_>>().join("; ")
            }
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
