//! The ROMs that are in saved guests, taken out of them.

use super::SavedMapping;
use crate::finding::Finding;
use crate::judge::SavedRom;
use crate::qemu::RamBlockSize;
use crate::rom::{BarSize, NotAnOptionRom, Rom};
use crate::romset::{CollectError, RomCollector, RomSet};
use thiserror::Error;

/// The ROMs of saved guests, each content once.
#[derive(Debug, Clone, Default)]
pub struct ExtractedRoms {
    roms: Vec<ExtractedRom>,
}

/// A ROM as it was in a saved guest.
#[derive(Debug, Clone)]
pub struct ExtractedRom {
    /// The name of a file for it, unlike those of the others.
    pub name: String,
    /// Its bytes, without the zeros that fill its RAM block.
    pub bytes: Vec<u8>,
    /// The file that the device loads by default, else the name of the block.
    romfile: String,
    bar: BarSize,
    /// State and RAM block that it was found in first.
    origin: String,
}

/// Why a ROM cannot be taken out of a state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExtractError {
    /// The content of the block is none.
    #[error("{block}: {source}")]
    NotAnOptionRom {
        /// The RAM block.
        block: String,
        /// What is wrong with it.
        source: NotAnOptionRom,
    },
    /// A size that no ROM has.
    #[error("{block} has {size} bytes; the ROM of a device has a power of two")]
    Size {
        /// The RAM block.
        block: String,
        /// Its size in bytes.
        size: u64,
    },
}

impl ExtractedRoms {
    /// Takes a ROM out of the content of its RAM block, and gives the name of
    /// its file. `state` is what findings call the state.
    ///
    /// # Errors
    /// [`ExtractError`] where the block holds no option ROM.
    pub fn add(&mut self, state: &str, rom: &SavedRom, block: &[u8]) -> Result<&str, ExtractError> {
        let bar = rom.bar().ok_or_else(|| ExtractError::Size {
            block: rom.name.clone(),
            size: rom.size,
        })?;
        let bytes = without_filling(block, bar).map_err(|source| ExtractError::NotAnOptionRom {
            block: rom.name.clone(),
            source,
        })?;
        let (_, suffix) = rom.name.rsplit_once('/').unwrap_or(("", &rom.name));
        let romfile = rom.devices.first().map_or(suffix, |device| device.romfile);
        let is_same = |other: &ExtractedRom| {
            (&*other.romfile, other.bar, &*other.bytes) == (romfile, bar, bytes)
        };
        let index = match self.roms.iter().position(is_same) {
            Some(index) => index,
            None => {
                self.roms.push(ExtractedRom {
                    name: self.free_name(romfile, bar),
                    bytes: bytes.to_vec(),
                    romfile: romfile.to_owned(),
                    bar,
                    origin: format!("{state}, {}", rom.name),
                });
                self.roms.len().saturating_sub(1)
            }
        };
        Ok(self.roms.get(index).map_or("", |rom| &rom.name))
    }

    /// The ROM file's own name, then with the size class before it, then also
    /// with a number.
    fn free_name(&self, romfile: &str, bar: BarSize) -> String {
        let label = bar.label();
        let numbered = (2_usize..).map(|number| format!("{label}-{number}-{romfile}"));
        let is_free = |name: &String| self.roms.iter().all(|rom| rom.name != *name);
        let has_class = self
            .roms
            .iter()
            .any(|rom| (&*rom.romfile, rom.bar) == (romfile, bar));
        let plain = [romfile.to_owned(), format!("{label}-{romfile}")];
        let plain = plain.into_iter().filter(|_| !has_class);
        plain.chain(numbered).find(is_free).unwrap_or_default()
    }

    /// The ROMs.
    pub fn roms(&self) -> impl Iterator<Item = &ExtractedRom> {
        self.roms.iter()
    }

    /// What is wrong or noteworthy with each ROM.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.roms.iter().flat_map(|extracted| {
            let rom = Rom::parse(&extracted.bytes);
            let faults = rom.map_or_else(|_| Vec::new(), |rom| rom.faults().to_vec());
            let of = |fault: crate::rom::RomFault| fault.finding(&extracted.origin);
            faults.into_iter().map(of).collect::<Vec<_>>()
        })
    }

    /// The ROMs as releases: of each ROM file every size class once, for the
    /// content comes with the guest. Each is as large as its BAR was, as far
    /// as the RAM block tells.
    ///
    /// # Errors
    /// [`CollectError`] where there are none, or too many.
    pub fn release(self, label: &str, mapping: SavedMapping) -> Result<SavedRelease, CollectError> {
        let mut layers: Vec<RomCollector> = vec![RomCollector::default()];
        let mut taken: Vec<(String, BarSize)> = Vec::new();
        for rom in self.roms {
            let class = (rom.romfile, rom.bar);
            if taken.contains(&class) {
                continue;
            }
            let depth = taken.iter().filter(|(name, _)| *name == class.0).count();
            if depth >= layers.len() {
                layers.push(RomCollector::default());
            }
            let mut bytes = rom.bytes;
            let is_whole = BarSize::of_rom(bytes.len() as u64) == Some(rom.bar);
            if let (false, Ok(size)) = (is_whole, usize::try_from(rom.bar.bytes())) {
                bytes.resize(size, 0);
            }
            if let Some(layer) = layers.get_mut(depth) {
                layer.add_file(&class.0, bytes)?;
            }
            taken.push(class);
        }
        let mut sets = layers.into_iter().map(|layer| layer.finish(label, None));
        let first = sets
            .next()
            .unwrap_or(Err(CollectError::NoRoms { left_out: 0 }))?;
        Ok(SavedRelease {
            first,
            others: sets.collect::<Result<_, _>>()?,
            mapping,
        })
    }
}

/// The ROM in a block that QEMU filled up with zeros.
fn without_filling(block: &[u8], bar: BarSize) -> Result<&[u8], NotAnOptionRom> {
    let parsed = Rom::parse(block)?;
    let written = block.iter().rposition(|byte| *byte != 0);
    let length = written.map_or(0, |last| last.saturating_add(1));
    let length = length.max(parsed.images_end()).next_multiple_of(512);
    let class = BarSize::of_rom(length as u64).map(RamBlockSize::of_bar);
    // Without its zeros a ROM could seem to be of a smaller class.
    let keeps_class = class == Some(RamBlockSize::of_bar(bar));
    Ok(block.get(..length).filter(|_| keeps_class).unwrap_or(block))
}

/// What saved guests were started with.
#[derive(Debug, Clone)]
pub struct SavedRelease {
    /// The ROMs.
    pub first: RomSet,
    /// ROMs of the same names in further size classes.
    pub others: Vec<RomSet>,
    /// Which of them the kinds of devices are told.
    pub mapping: SavedMapping,
}

impl SavedRelease {
    /// The ROMs with what is wrong with them, and the cards that no mapping
    /// of their kind serves.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let others = self.others.iter().flat_map(RomSet::findings);
        let roms = self.first.findings().into_iter().chain(others);
        roms.chain(self.mapping.findings()).collect()
    }
}
