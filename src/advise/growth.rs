//! The same ROMs over several releases: how they grow, and the size that the
//! coming ones will fit into.

use crate::deb::version::compare;
use crate::deb::{self, PackageFile};
use crate::guest::MappedDevices;
use crate::judge::Pair;
use crate::plan::{GenerationError, check_order};
use crate::qemu::{QemuVersion, RamBlockSize};
use crate::rom::{BarSize, Tail};
use crate::romset::{RomFile, RomSet};
use serde::Serialize;
use std::cmp::Ordering;
use std::io;

/// A release of ROMs, with the machine types that used it as far as is said.
#[derive(Debug, Clone)]
pub struct Release {
    /// The newest version of machine types that used these ROMs.
    pub version: Option<QemuVersion>,
    /// The ROMs.
    pub set: RomSet,
}

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
    /// The devices that load it, by default or by the user's word.
    pub devices: Vec<String>,
    /// The releases that have it, in the order given.
    pub releases: Vec<ReleaseSize>,
    /// Whether more than one release has it, so that a growth is known.
    pub is_growth_known: bool,
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
    /// Releases whose RAM block is another: their guests need a compat ROM.
    pub compat_for: Vec<ReleaseBar>,
}

/// The BAR of a ROM in one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseBar {
    /// The release.
    pub release: String,
    /// Its BAR.
    pub bar: BarSize,
    /// The machine types that used it, where that was said.
    pub machines: Option<String>,
}

/// What the ROMs of the newest release take in a package, in bytes of its
/// compressed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Packed {
    /// As they are.
    pub now: u64,
    /// Padded as advised.
    pub padded: u64,
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
    /// What is odd about the releases, in words.
    pub notes: Vec<String>,
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
    /// Advice from releases in their order, the newest last. `devices` are
    /// those that the user maps to ROMs.
    ///
    /// # Errors
    /// [`GenerationError`] for versions of machine types that do not follow
    /// each other.
    pub fn new(
        releases: &[Release],
        coming: u32,
        devices: &MappedDevices,
    ) -> Result<Self, GenerationError> {
        check_order(releases.iter().filter_map(|one| one.version.as_ref()))?;
        let (labels, notes) = labels(releases);
        let mut advice = Self {
            coming,
            roms: Vec::new(),
            gone: Vec::new(),
            notes,
        };
        let Some((newest, before)) = releases.split_last() else {
            return Ok(advice);
        };
        let before = before.iter().flat_map(|one| &one.set.roms);
        let gone = before
            .map(RomFile::name)
            .filter(|name| newest.set.find(name).is_none());
        advice.gone = gone.map(str::to_owned).collect();
        advice.gone.sort_unstable();
        advice.gone.dedup();
        let of_rom = |file: &RomFile| {
            let of_release = |(index, one): (usize, &Release)| {
                let label = labels.get(index).cloned().unwrap_or_default();
                Some((
                    label,
                    machines(releases, index),
                    one.set.find(file.name())?.clone(),
                ))
            };
            let found = releases.iter().enumerate().filter_map(of_release);
            RomAdvice::new(&found.collect::<Vec<_>>(), file, coming, devices)
        };
        advice.roms = newest.set.roms.iter().map(of_rom).collect();
        Ok(advice)
    }

    /// What the newest release takes in a package, now and padded as advised;
    /// none where nothing is to be padded.
    ///
    /// # Errors
    /// An encoder that does not start.
    pub fn packed(&self, newest: &RomSet) -> io::Result<Option<Packed>> {
        if self.roms.iter().all(|rom| rom.more_bar == 0) {
            return Ok(None);
        }
        let size = |padded: bool| {
            let files = newest.roms.iter().map(|file| {
                let mut bytes = file.bytes().to_vec();
                let advice = self.roms.iter().find(|rom| rom.name == file.name());
                if let Some(rom) = advice.filter(|rom| padded && rom.more_bar > 0) {
                    let more = usize::try_from(rom.more_file).unwrap_or_default();
                    bytes.resize(bytes.len().saturating_add(more), 0xff);
                }
                PackageFile::new(format!("usr/share/qemu/{}", file.name()), bytes)
            });
            deb::packed_size(&files.collect::<Vec<_>>())
        };
        Ok(Some(Packed {
            now: size(false)?,
            padded: size(true)?,
        }))
    }
}

/// The machine types that used a release, in words.
fn machines(releases: &[Release], index: usize) -> Option<String> {
    let version = releases.get(index)?.version?;
    let before = index.checked_sub(1).and_then(|index| releases.get(index));
    Some(match before.and_then(|before| before.version) {
        Some(after) => format!("after {after}, up to {version}"),
        None => format!("up to {version}"),
    })
}

/// What each release is called, so that no two are called the same, and what
/// is odd about their order.
fn labels(releases: &[Release]) -> (Vec<String>, Vec<String>) {
    let names: Vec<String> = releases.iter().map(|one| one.set.release()).collect();
    let mut notes = Vec::new();
    let of = |index: usize| names.get(index).map_or("", String::as_str);
    let mut labels = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let number = index.saturating_add(1);
        let is_twice = names.iter().filter(|other| *other == name).count() > 1;
        labels.push(if is_twice {
            format!("{name} (input {number})")
        } else {
            name.clone()
        });
        if let Some(earlier) = names.iter().take(index).position(|other| other == name) {
            notes.push(format!(
                "{name} is given twice, as input {} and {number}: where the content is the same, that growth of 0 is none between releases",
                earlier.saturating_add(1)
            ));
        }
        let version =
            |index: usize| Some(releases.get(index)?.set.package.as_ref()?.control.version());
        let next = version(index).zip(version(number));
        if next.is_some_and(|(one, next)| compare(one, next) == Ordering::Greater) {
            notes.push(format!(
                "{name} stands before {}, which sorts before it; give releases from the oldest to the newest",
                of(number)
            ));
        }
    }
    (labels, notes)
}

/// A release, the machine types that used it, and its file of a ROM.
type InRelease = (String, Option<String>, RomFile);

impl RomAdvice {
    fn new(found: &[InRelease], file: &RomFile, coming: u32, devices: &MappedDevices) -> Self {
        let mut releases: Vec<ReleaseSize> = Vec::new();
        let mut largest_growth = 0_u64;
        for (release, _, file) in found {
            let content = content(file);
            let last = releases.last().map(|last| last.content);
            largest_growth =
                largest_growth.max(last.map_or(0, |last| content.saturating_sub(last)));
            releases.push(ReleaseSize {
                release: release.clone(),
                content,
                growth: last.map(|last| content.cast_signed().saturating_sub(last.cast_signed())),
                file: file.size(),
                bar: file.bar(),
                left: file.bar().room_left(content),
            });
        }
        let needed = content(file).saturating_add(largest_growth.saturating_mul(u64::from(coming)));
        let size = BarSize::of_rom(needed)
            .unwrap_or(BarSize::MAX)
            .max(file.bar());
        let pair = Pair::of_new(file.name(), file.into()).with_devices(devices);
        let cards = pair.cards().into_iter();
        // QEMU compares RAM blocks, and those of the smallest BARs are one page.
        let block = RamBlockSize::of_bar(size);
        let differs = found
            .iter()
            .filter(|(_, _, file)| RamBlockSize::of_bar(file.bar()) != block);
        Self {
            name: file.name().to_owned(),
            devices: cards.filter_map(|card| card.model).collect(),
            is_growth_known: releases.len() > 1,
            largest_growth,
            needed,
            size,
            more_bar: size.room_left(file.bar().bytes()),
            more_file: if size == file.bar() {
                0
            } else {
                size.room_left(file.size())
            },
            compat_for: differs
                .map(|(release, machines, file)| ReleaseBar {
                    release: release.clone(),
                    bar: file.bar(),
                    machines: machines.clone(),
                })
                .collect(),
            releases,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb::control::Control;
    use crate::plan::tests::{rom_set, rom_with};
    use crate::rom::CodeType;
    use crate::romset::PackageOrigin;

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
        advise(releases, coming).roms.remove(0)
    }

    fn advise(sets: Vec<RomSet>, coming: u32) -> Advice {
        let release = |set| Release { version: None, set };
        let releases: Vec<Release> = sets.into_iter().map(release).collect();
        Advice::new(&releases, coming, &MappedDevices::new()).unwrap()
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
        let advice = advise(vec![padded], 3).roms.remove(0);
        assert!(!advice.is_growth_known, "one release");
        assert_eq!(advice.releases[0].content, content);
        assert_eq!(advice.releases[0].left, 65536 - content);
        assert_eq!(advice.size.bytes(), 65536);
    }

    #[test]
    fn roms_that_are_gone_are_named() {
        let (old, new) = (rom_set(&[("a", 512), ("b", 512)]), rom_set(&[("b", 512)]));
        assert_eq!(advise(vec![old, new], 3).gone, ["a"]);
    }

    #[test]
    fn machine_types_that_need_a_compat_rom_are_named_where_they_are_known() {
        let release = |version: &str, size| Release {
            version: version.parse().ok(),
            set: rom_set(&[("a", size)]),
        };
        let of = |releases: &[Release]| {
            let advice = Advice::new(releases, 0, &MappedDevices::new())?;
            let compat = advice.roms[0].compat_for.iter();
            Ok(compat.map(|one| one.machines.clone()).collect::<Vec<_>>())
        };
        let up_to = |text: &str| Some(text.to_owned());
        let releases = [
            release("2.5", 4096),
            release("2.11", 8192),
            release("", 16384),
        ];
        assert_eq!(
            of(&releases),
            Ok(vec![up_to("up to 2.5"), up_to("after 2.5, up to 2.11")])
        );
        let wrong = [release("2.11", 512), release("2.5", 512)];
        assert!(matches!(of(&wrong), Err(GenerationError::OutOfOrder(..))));
    }

    #[test]
    fn a_rom_that_grows_within_a_page_needs_no_compat_rom() {
        let within = advise(vec![rom_set(&[("a", 512)]), rom_set(&[("a", 1024)])], 0);
        assert_eq!(within.roms[0].compat_for, []);
        let beyond = advise(vec![rom_set(&[("a", 512)]), rom_set(&[("a", 4097)])], 0);
        assert_eq!(beyond.roms[0].compat_for.len(), 1);
    }

    #[test]
    fn releases_of_one_name_are_told_apart_and_said() {
        let advice = advise(vec![rom_set(&[("a", 512)]), rom_set(&[("a", 512)])], 3);
        let names: Vec<&str> = advice.roms[0]
            .releases
            .iter()
            .map(|r| &*r.release)
            .collect();
        assert_eq!(names, ["test (input 1)", "test (input 2)"]);
        assert!(advice.notes[0].starts_with("test is given twice, as input 1 and 2"));
    }

    #[test]
    fn a_package_that_is_given_before_an_older_one_is_said() {
        let of_version = |version: &str| {
            let mut set = rom_set(&[("a", 512)]);
            let control = format!("Package: roms\nVersion: {version}\nMaintainer: A <a@b>\n");
            set.package = Some(PackageOrigin {
                control: Control::parse(control.as_bytes()).unwrap(),
                copyright: None,
                changelog: None,
            });
            set
        };
        let notes = advise(vec![of_version("1.10-1"), of_version("1.9-1")], 3).notes;
        assert_eq!(
            notes,
            [
                "roms 1.10-1 stands before roms 1.9-1, which sorts before it; give releases from the oldest to the newest"
            ]
        );
        assert!(
            advise(vec![of_version("1.9-1"), of_version("1.10-1")], 3)
                .notes
                .is_empty()
        );
    }
}
