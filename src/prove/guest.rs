//! A machine with one card, as it is started for a proof.

use super::Emulator;
use crate::qemu::{Device, Family, MachineType, is_about_the_rom};
use std::ffi::OsString;
use std::path::PathBuf;

/// Where the card of a guest has its ROM from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RomSource {
    /// The default file, from the guest's folder.
    Default,
    /// A file named by `-global`.
    Global(String),
    /// A file named by one of the options of a mapping.
    Globals {
        /// What each `-global` is given.
        options: Vec<String>,
        /// What that of the card says.
        romfile: String,
    },
    /// A file named by a mapping for `-readconfig`.
    Readconfig {
        /// The mapping.
        file: PathBuf,
        /// What it says to the card.
        romfile: String,
    },
    /// No ROM.
    None,
}

/// The slot of a guest's card on the root bus: free on every machine.
pub const SLOT: u8 = 4;

/// A machine with one card.
#[derive(Debug, Clone)]
pub struct Guest<'a> {
    /// The QEMU that runs it.
    pub emulator: &'a Emulator,
    /// Its machine type.
    pub machine: MachineType,
    /// Its card.
    pub device: &'static Device,
    /// Where the card has its ROM from.
    pub rom: RomSource,
    /// The current folder of QEMU, in which it searches for ROMs first.
    pub folder: PathBuf,
}

impl Guest<'_> {
    /// Whole name of the RAM block of the card's ROM.
    #[must_use]
    pub fn ram_block(&self) -> String {
        let address = self.machine.family.block_address(SLOT);
        format!("{address}/{}", self.device.ram_block)
    }

    /// Whether what QEMU said is about the ROM of the card.
    #[must_use]
    pub fn is_about_its_rom(&self, said: &str) -> bool {
        let romfile = match &self.rom {
            RomSource::Default => self.device.romfile_on(Some(self.machine)),
            RomSource::Global(romfile)
            | RomSource::Globals { romfile, .. }
            | RomSource::Readconfig { romfile, .. } => Some(&**romfile),
            RomSource::None => None,
        };
        is_about_the_rom(said, &self.ram_block(), romfile.unwrap_or_default())
    }

    /// The command line that starts it stopped, with a monitor on standard
    /// input and output.
    pub(super) fn command(&self, incoming: bool) -> Vec<OsString> {
        let mut command = self.emulator.command.clone();
        let mut add = |words: &[&str]| command.extend(words.iter().map(OsString::from));
        add(&["-machine", &format!("{},accel=tcg", self.machine)]);
        let family = self.machine.family;
        // The firmware of pseries wants more than 80 MiB, others nothing.
        let memory = if family == Family::Pseries {
            "256"
        } else {
            "16"
        };
        add(&["-m", memory, "-S", "-nodefaults", "-display", "none"]);
        add(&["-qmp", "stdio"]);
        if family == Family::RiscvVirt {
            add(&["-bios", "none"]);
        }
        let name = self.device.name;
        match &self.rom {
            RomSource::Default => {}
            RomSource::Global(file) => add(&["-global", &format!("{name}.romfile={file}")]),
            RomSource::Globals { options, .. } => {
                options.iter().for_each(|option| add(&["-global", option]));
            }
            RomSource::Readconfig { file, .. } => add(&["-readconfig", &file.to_string_lossy()]),
            RomSource::None => add(&["-global", &format!("{name}.romfile=")]),
        }
        let bus = family.root_bus();
        add(&["-device", &format!("{name},bus={bus},addr={SLOT:#x}")]);
        if incoming {
            add(&["-incoming", "defer"]);
        }
        command
    }
}
