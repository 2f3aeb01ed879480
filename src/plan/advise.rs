//! The same ROMs over several releases: how they grow, and the size that the
//! coming ones will fit into.

use super::Pair;
use crate::qemu::Device;
use crate::rom::{BarSize, Tail};
use crate::romset::{RomFile, RomSet};
use serde::Serialize;

/// One ROM in one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseSize {
    /// The release.
    pub release: String,
    /// Bytes up to the end of the last image, without padding.
    pub content: u64,
    /// Bytes more than in the release before that has the ROM.
    pub growth: Option<i64>,
    /// Size of the file, in bytes.
    pub file: u64,
    /// The BAR that QEMU gives it, in bytes.
    pub bar: BarSize,
    /// Bytes of the BAR that the content leaves.
    pub left: u64,
}

/// What to do with one ROM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RomAdvice {
    /// Its name.
    pub name: String,
    /// The devices that load it by default.
    pub devices: Vec<&'static str>,
    /// The releases that have it, in the order given.
    pub releases: Vec<ReleaseSize>,
    /// The largest growth from one release to the next, in bytes; 0 where it
    /// never grew.
    pub largest_growth: u64,
    /// Content of the newest release and the growth of those to come, in bytes.
    pub needed: u64,
    /// The size to pad to: the smallest BAR that holds this, and never less
    /// than the newest release has.
    pub size: BarSize,
    /// BAR space that it takes in addition, in each guest with such a card.
    pub more_bar: u64,
    /// Bytes that padding adds to the newest release's file.
    pub more_file: u64,
    /// Releases whose BAR is another: their guests need a compat ROM.
    pub compat_for: Vec<ReleaseBar>,
}

/// The BAR of a ROM in one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseBar {
    /// The release.
    pub release: String,
    /// Its BAR.
    pub bar: BarSize,
}

/// Advice on every ROM of the newest release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// How many releases to come are reckoned with.
    pub coming: u32,
    /// The ROMs of the newest release, by name.
    pub roms: Vec<RomAdvice>,
    /// ROMs that earlier releases have and the newest one lacks.
    pub gone: Vec<String>,
}

/// Bytes of a ROM without the padding after its last image.
fn content(file: &RomFile) -> u64 {
    let rom = file.rom();
    match rom.tail() {
        Tail::Data => file.size(),
        _ if rom.used() == 0 => file.size(),
        _ => rom.used() as u64,
    }
}

impl Advice {
    /// Advice from releases in their order, the newest last.
    #[must_use]
    pub fn new(releases: &[RomSet], coming: u32) -> Self {
        let Some((newest, before)) = releases.split_last() else {
            return Self {
                coming,
                roms: Vec::new(),
                gone: Vec::new(),
            };
        };
        let roms = newest.roms.iter().map(|file| {
            let of_release = |set| Some((set, RomSet::find(set, file.name())?));
            let found = before.iter().filter_map(of_release);
            RomAdvice::new(found, (newest, file), coming)
        });
        let roms = roms.collect();
        let all = before.iter().flat_map(|set| &set.roms);
        let gone = all
            .map(RomFile::name)
            .filter(|name| newest.find(name).is_none());
        let mut gone: Vec<String> = gone.map(str::to_owned).collect();
        gone.sort_unstable();
        gone.dedup();
        Self { coming, roms, gone }
    }
}

impl RomAdvice {
    fn new<'a>(
        before: impl Iterator<Item = (&'a RomSet, &'a RomFile)>,
        newest: (&'a RomSet, &'a RomFile),
        coming: u32,
    ) -> Self {
        let mut releases: Vec<ReleaseSize> = Vec::new();
        let mut largest_growth = 0_u64;
        for (set, file) in before.chain([newest]) {
            let content = content(file);
            let last = releases.last().map(|last| last.content);
            largest_growth =
                largest_growth.max(last.map_or(0, |last| content.saturating_sub(last)));
            releases.push(ReleaseSize {
                release: set.release(),
                content,
                growth: last.map(|last| content.cast_signed().saturating_sub(last.cast_signed())),
                file: file.size(),
                bar: file.bar(),
                left: file.bar().room_left(content),
            });
        }
        let file = newest.1;
        let needed = content(file).saturating_add(largest_growth.saturating_mul(u64::from(coming)));
        let size = BarSize::of_rom(needed)
            .unwrap_or(BarSize::MAX)
            .max(file.bar());
        let differs = |release: &&ReleaseSize| release.bar != size;
        let pair = Pair {
            name: file.name(),
            old: None,
            new: Some(file.into()),
        };
        Self {
            name: file.name().to_owned(),
            devices: pair.devices().map(|device: &Device| device.name).collect(),
            largest_growth,
            needed,
            size,
            more_bar: size.room_left(file.bar().bytes()),
            more_file: if size == file.bar() {
                0
            } else {
                size.room_left(file.size())
            },
            compat_for: releases
                .iter()
                .filter(differs)
                .map(|release| ReleaseBar {
                    release: release.release.clone(),
                    bar: release.bar,
                })
                .collect(),
            releases,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{rom_set, rom_with};
    use crate::rom::CodeType;

    /// Advice on one ROM whose file has this many bytes in each release, all
    /// of which count.
    fn advice(sizes: &[usize], coming: u32) -> RomAdvice {
        let releases: Vec<RomSet> = sizes
            .iter()
            .map(|size| {
                let mut set = rom_set(&[("efi-e1000.rom", *size)]);
                let mut bytes = set.roms[0].bytes().to_vec();
                *bytes.last_mut().unwrap() = 1;
                set.roms[0] = RomFile::new("efi-e1000.rom", bytes).unwrap();
                set
            })
            .collect();
        Advice::new(&releases, coming).roms.remove(0)
    }

    #[test]
    fn the_largest_growth_goes_on_and_the_size_holds_what_comes() {
        let advice = advice(&[4000, 5000, 7000], 3);
        let growth: Vec<_> = advice.releases.iter().map(|r| r.growth).collect();
        assert_eq!(growth, [None, Some(1000), Some(2000)]);
        assert_eq!((advice.largest_growth, advice.needed), (2000, 13_000));
        assert_eq!(advice.size.bytes(), 16384);
        assert_eq!((advice.more_bar, advice.more_file), (8192, 9384));
        assert_eq!(advice.compat_for.len(), 3);
    }

    #[test]
    fn a_rom_that_does_not_grow_keeps_its_size_and_costs_nothing() {
        let advice = advice(&[9000, 8000, 7000], 3);
        assert_eq!((advice.largest_growth, advice.needed), (0, 7000));
        assert_eq!(advice.size.bytes(), 8192);
        assert_eq!((advice.more_bar, advice.more_file), (0, 0));
        assert_eq!(advice.compat_for.len(), 1, "the first had 16K");
    }

    #[test]
    fn padding_does_not_count_and_no_rom_leaves_its_class_downwards() {
        let mut padded = rom_with("a", &[CodeType::X86, CodeType::Efi]);
        let content = content(&padded.roms[0]);
        let mut bytes = padded.roms[0].bytes().to_vec();
        bytes.resize(65536, 0xff);
        padded.roms[0] = RomFile::new("a", bytes).unwrap();
        let advice = Advice::new(&[padded], 3).roms.remove(0);
        assert_eq!(advice.releases[0].content, content);
        assert_eq!(advice.releases[0].left, 65536 - content);
        assert_eq!(advice.size.bytes(), 65536);
    }

    #[test]
    fn roms_that_are_gone_are_named() {
        let (old, new) = (rom_set(&[("a", 512), ("b", 512)]), rom_set(&[("b", 512)]));
        assert_eq!(Advice::new(&[old, new], 3).gone, ["a"]);
    }
}
