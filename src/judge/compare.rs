//! The ROMs of two releases, paired by name: each device that loads one is a
//! guest of its own, and goes from a host with the one to a host with the other.

use super::{Answer, Cause, judge_block};
use crate::finding::{Code, Finding};
use crate::guest::{Block, MappedDevices, RomChoice};
use crate::host::{Baseline, Files, Found, Host};
use crate::qemu::{DEVICES, Device, Family, QemuVersion};
use crate::rom::{BarSize, CodeType};
use crate::romset::{RomFile, RomSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a ROM's BAR changes from the old release to the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The same BAR.
    Same,
    /// A larger BAR.
    Grows,
    /// A smaller BAR.
    Shrinks,
    /// Only the new release has the ROM.
    Appears,
    /// Only the old release has the ROM.
    Disappears,
}

/// A ROM as one release has it.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Size of the file, in bytes.
    pub size: u64,
    /// The BAR that QEMU gives it.
    pub bar: BarSize,
    /// The file itself; a baseline has none.
    pub file: Option<&'a RomFile>,
}

impl<'a> From<&'a RomFile> for Side<'a> {
    fn from(file: &'a RomFile) -> Self {
        Self {
            size: file.size(),
            bar: file.bar(),
            file: Some(file),
        }
    }
}

/// One ROM in the old release, the new one, or both.
#[derive(Debug, Clone)]
pub struct Pair<'a> {
    /// The file name by which QEMU loads it, in the old release if it has it.
    pub name: &'a str,
    /// The releases that have it.
    sides: Sides<'a>,
    /// Devices that the user maps to it.
    mapped: &'a [String],
}

/// The releases that have a ROM: one or both.
#[derive(Debug, Clone, Copy)]
enum Sides<'a> {
    Old(Side<'a>),
    New(Side<'a>),
    Both { old: Side<'a>, new: Side<'a> },
}

impl<'a> Pair<'a> {
    const fn of(name: &'a str, sides: Sides<'a>) -> Self {
        Self {
            name,
            sides,
            mapped: &[],
        }
    }

    /// A ROM of the old release, and of the new one if that has it.
    #[must_use]
    pub const fn of_old(name: &'a str, old: Side<'a>, new: Option<Side<'a>>) -> Self {
        Self::of(
            name,
            match new {
                Some(new) => Sides::Both { old, new },
                None => Sides::Old(old),
            },
        )
    }

    /// A ROM that only the new release has.
    #[must_use]
    pub const fn of_new(name: &'a str, new: Side<'a>) -> Self {
        Self::of(name, Sides::New(new))
    }

    /// The ROM of the old release.
    #[must_use]
    pub const fn old(&self) -> Option<Side<'a>> {
        match self.sides {
            Sides::Old(old) | Sides::Both { old, .. } => Some(old),
            Sides::New(_) => None,
        }
    }

    /// The ROM of the new release.
    #[must_use]
    #[expect(clippy::new_ret_no_self, reason = "the one of the new release")]
    pub const fn new(&self) -> Option<Side<'a>> {
        match self.sides {
            Sides::New(new) | Sides::Both { new, .. } => Some(new),
            Sides::Old(_) => None,
        }
    }

    /// The names of the ROM in either release.
    fn names(&self) -> Vec<&'a str> {
        let files = [self.old(), self.new()].into_iter().flatten();
        let links = files
            .filter_map(|side| side.file)
            .flat_map(|file| file.other_names().iter().map(String::as_str));
        std::iter::once(self.name).chain(links).collect()
    }

    /// The same with the devices that the user maps to one of its names.
    #[must_use]
    pub fn with_devices(self, devices: &'a MappedDevices) -> Self {
        let mapped = self.names().into_iter().find_map(|name| devices.get(name));
        Self {
            mapped: mapped.map_or(&[], Vec::as_slice),
            ..self
        }
    }

    /// The card of each device that loads this ROM, by default or by the user's
    /// word, in the first free slot of an i440fx machine.
    #[must_use]
    pub fn cards(&self) -> Vec<Block> {
        let known: Vec<&'static Device> = self.devices().collect();
        let is_new = |name: &&String| known.iter().all(|device| device.name != **name);
        let mapped = self.mapped.iter().filter(is_new).map(String::as_str);
        let names = known.iter().map(|device| device.name).chain(mapped);
        names.map(|name| self.card(name)).collect()
    }

    fn card(&self, device: &str) -> Block {
        let rom = RomChoice::Default(self.name.to_owned());
        Block::of_device(device, &Family::I440fx.block_address(2), rom)
    }

    /// The devices that load this ROM by default, by any of its names.
    pub fn devices(&self) -> impl Iterator<Item = &'static Device> {
        let names = self.names();
        DEVICES
            .iter()
            .filter(move |device| names.contains(&device.romfile))
    }

    /// How the BAR changes.
    #[must_use]
    pub fn change(&self) -> Change {
        match self.sides {
            Sides::Old(_) => Change::Disappears,
            Sides::New(_) => Change::Appears,
            Sides::Both { old, new } => match old.bar.cmp(&new.bar) {
                std::cmp::Ordering::Less => Change::Grows,
                std::cmp::Ordering::Equal => Change::Same,
                std::cmp::Ordering::Greater => Change::Shrinks,
            },
        }
    }

    /// Whether a guest of the old release could not go to the new one.
    #[must_use]
    pub fn breaks(&self) -> bool {
        self.forward(&self.example_card()).is_refused()
    }

    /// What the new release says to a card of the old one.
    #[must_use]
    pub fn forward(&self, card: &Block) -> Answer {
        judge_between(card, self.old().into(), self.new().into())
    }

    /// What the old release says to a card of the new one.
    #[must_use]
    pub fn backward(&self, card: &Block) -> Answer {
        judge_between(card, self.new().into(), self.old().into())
    }

    /// The card of the first device that loads the ROM. `DEVICE` stands for the
    /// unknown one of a guest that names the ROM itself.
    #[must_use]
    pub fn example_card(&self) -> Block {
        let mut cards = self.cards().into_iter();
        cards.next().unwrap_or_else(|| self.card("DEVICE"))
    }

    /// A finding where a guest of the old release is refused.
    #[must_use]
    pub fn breaking_finding(&self) -> Option<Finding> {
        let Answer::Refused(refused) = self.forward(&self.example_card()) else {
            return None;
        };
        let (code, required) = match (refused.cause, self.old(), self.new()) {
            (Cause::SizeMismatch, Some(old), Some(new)) => (
                Code::WouldBreak,
                format!(
                    "the BAR must stay {}, and the new ROM ({} bytes) has {}",
                    old.bar, new.size, new.bar
                ),
            ),
            _ => (
                Code::RomDisappears,
                "the new release must have the ROM, or guests must name another".to_owned(),
            ),
        };
        let found = format!("QEMU will say `{}`", refused.line);
        Some(self.finding(code, found, required))
    }

    /// Findings about what the new ROM lacks of the old one's images.
    #[must_use]
    pub fn content_findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let file = |side: Option<Side<'a>>| side.and_then(|side| side.file);
        if let (Some(old), Some(new)) = (file(self.old()), file(self.new())) {
            self.compare_contents(old, new, &mut findings);
        }
        findings
    }

    /// A finding where the new ROM leaves less of its BAR free than `percent`.
    /// Padding after the last image counts as free.
    #[must_use]
    pub fn headroom_finding(&self, percent: u8) -> Option<Finding> {
        let new = self.new()?;
        let used = new.file.map_or(new.size, |file| file.rom().used() as u64);
        let free = new.bar.room_left(used);
        let limit = new.bar.bytes().saturating_mul(u64::from(percent)) / 100;
        (free < limit).then(|| {
            self.finding(
                Code::LittleHeadroom,
                format!("{used} bytes leave {free} of the BAR of {} free", new.bar),
                format!("{percent}% ({limit} bytes) are asked for"),
            )
        })
    }

    fn compare_contents(&self, old: &RomFile, new: &RomFile, findings: &mut Vec<Finding>) {
        let (old, new) = (Contents::of(old), Contents::of(new));
        if old.has_x86 && !new.has_x86 {
            findings.push(self.finding(
                Code::X86ImageMissing,
                format!(
                    "the old ROM has an x86 image, the new one has {}",
                    new.kinds
                ),
                "guests with legacy BIOS firmware boot from the network by it",
            ));
        }
        if !old.efi_machines.is_empty() && new.efi_machines.is_empty() {
            findings.push(self.finding(
                Code::EfiImageMissing,
                format!(
                    "the old ROM has an EFI image, the new one has {}",
                    new.kinds
                ),
                "guests with UEFI firmware boot from the network by it",
            ));
        } else if !old.efi_machines.is_subset(&new.efi_machines) {
            findings.push(self.finding(
                Code::EfiMachineDiffers,
                format!(
                    "the EFI images are for {}, they were for {}",
                    list(&new.efi_machines),
                    list(&old.efi_machines)
                ),
                "firmware runs images of its own machine type only",
            ));
        }
    }

    fn finding(&self, code: Code, found: String, required: impl Into<String>) -> Finding {
        Finding::new(code, self.name, found, required)
    }
}

/// A host, as far as one ROM goes.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// The ROM, if the host has it.
    pub rom: Option<Side<'a>>,
    /// The release of its QEMU, where that is known.
    pub qemu: Option<QemuVersion>,
}

impl<'a> From<Option<Side<'a>>> for End<'a> {
    fn from(rom: Option<Side<'a>>) -> Self {
        Self { rom, qemu: None }
    }
}

/// What one host says to a card that comes from another.
#[must_use]
pub fn judge_between(card: &Block, source: End<'_>, destination: End<'_>) -> Answer {
    let (here, there): ([&dyn Files; 1], [&dyn Files; 1]) = ([&source.rom], [&destination.rom]);
    let source = Host::new(&here).with_qemu(source.qemu);
    let destination = Host::new(&there).with_qemu(destination.qemu);
    judge_block(card, &source, &destination).answer
}

impl Files for Option<Side<'_>> {
    /// The pair's ROM, whatever its name is in the other release.
    fn find(&self, _: &str) -> Found {
        self.map_or(Found::Missing, |side| Found::Rom(side.size, side.bar))
    }
}

/// What a guest's firmware finds in a ROM.
struct Contents {
    has_x86: bool,
    efi_machines: BTreeSet<String>,
    kinds: String,
}

impl Contents {
    fn of(file: &RomFile) -> Self {
        let rom = file.rom();
        let images = rom.images();
        let kinds: Vec<_> = images.iter().map(|image| image.kind()).collect();
        Self {
            has_x86: images
                .iter()
                .any(|image| image.code_type() == CodeType::X86),
            efi_machines: images
                .iter()
                .filter_map(|image| image.efi())
                .map(|efi| efi.machine().to_string())
                .collect(),
            kinds: if kinds.is_empty() {
                "no image".to_owned()
            } else {
                kinds.join(" + ")
            },
        }
    }
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// All ROMs of two releases, by name.
#[derive(Debug, Clone)]
pub struct Comparison<'a> {
    /// Every ROM of either, sorted by name.
    pub pairs: Vec<Pair<'a>>,
}

impl<'a> Comparison<'a> {
    /// Pairs the ROMs of two releases by file name and link name. Two inputs
    /// of one ROM each are compared whatever their names are.
    #[must_use]
    pub fn new(old: &'a RomSet, new: &'a RomSet) -> Self {
        let mut pairs: Vec<Pair<'a>> = match (&*old.roms, &*new.roms) {
            ([only_old], [only_new]) => vec![Pair::of_old(
                only_old.name(),
                only_old.into(),
                Some(only_new.into()),
            )],
            _ => {
                let from_old = old.roms.iter().map(|rom| {
                    let in_new = new.find(rom.name()).map(Side::from);
                    Pair::of_old(rom.name(), rom.into(), in_new)
                });
                let only_new = new.roms.iter().filter(|rom| old.find(rom.name()).is_none());
                let from_new = only_new.map(|rom| Pair::of_new(rom.name(), rom.into()));
                from_old.chain(from_new).collect()
            }
        };
        pairs.sort_by_key(|pair| pair.name);
        Self { pairs }
    }

    /// Pairs the entries of a baseline with the ROMs of a new release. A ROM
    /// that the baseline does not list is not compared.
    #[must_use]
    pub fn with_baseline(baseline: &'a Baseline, new: &'a RomSet) -> Self {
        let pairs = baseline.entries().map(|(name, bar)| {
            let old = Side {
                size: bar.bytes(),
                bar,
                file: None,
            };
            Pair::of_old(name, old, new.find(name).map(Side::from))
        });
        Self {
            pairs: pairs.collect(),
        }
    }

    /// The same with the devices that the user maps to ROMs.
    #[must_use]
    pub fn with_devices(self, devices: &'a MappedDevices) -> Self {
        let pairs = self.pairs.into_iter();
        Self {
            pairs: pairs.map(|pair| pair.with_devices(devices)).collect(),
        }
    }

    /// The ROMs for which a guest of the old release could not go to the new.
    pub fn breaking(&self) -> impl Iterator<Item = &Pair<'a>> {
        self.pairs.iter().filter(|pair| pair.breaks())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{rom_set, rom_with};

    fn verdicts(old: &[(&str, usize)], new: &[(&str, usize)]) -> Vec<(String, Change, bool)> {
        let (old, new) = (rom_set(old), rom_set(new));
        Comparison::new(&old, &new)
            .pairs
            .iter()
            .map(|pair| (pair.name.to_owned(), pair.change(), pair.breaks()))
            .collect()
    }

    #[test]
    fn a_device_that_the_user_maps_is_one_of_those_that_load_the_rom() {
        let old = rom_set(&[("efi-other.rom", 4096), ("x", 512)]);
        let new = rom_set(&[("efi-other.rom", 8192), ("x", 512)]);
        let own = ["my-nic".to_owned()].to_vec();
        let devices = MappedDevices::from([("efi-other.rom".to_owned(), own)]);
        let comparison = Comparison::new(&old, &new);
        let before = comparison.pairs[0].clone();
        assert_eq!(before.example_card().name, "0000:00:02.0/DEVICE.rom");
        let pair = &comparison.with_devices(&devices).pairs[0];
        let cards = pair.cards();
        assert_eq!(cards.len(), 1);
        assert_eq!(cards[0].model.as_deref(), Some("my-nic"));
        assert_eq!(cards[0].name, "0000:00:02.0/my-nic.rom");
        let finding = pair.breaking_finding().unwrap();
        assert!(
            finding
                .found
                .contains("0000:00:02.0/my-nic.rom: 0x1000 != 0x2000")
        );
    }

    #[test]
    fn each_change_has_its_verdict() {
        let old = [
            ("gone", 4096),
            ("grown", 4096),
            ("same", 4096),
            ("shrunk", 8192),
        ];
        let new = [
            ("extra", 512),
            ("grown", 8192),
            ("same", 3072),
            ("shrunk", 4096),
        ];
        assert_eq!(
            verdicts(&old, &new),
            [
                ("extra".into(), Change::Appears, false),
                ("gone".into(), Change::Disappears, true),
                ("grown".into(), Change::Grows, true),
                ("same".into(), Change::Same, false),
                ("shrunk".into(), Change::Shrinks, true),
            ]
        );
    }

    #[test]
    fn both_directions_are_refused_with_the_source_size_first() {
        let old = rom_set(&[("efi-e1000.rom", 4096)]);
        let new = rom_set(&[("efi-e1000.rom", 8192)]);
        let comparison = Comparison::new(&old, &new);
        let line =
            |sizes| format!("Size mismatch: 0000:00:02.0/e1000.rom: {sizes}: Invalid argument");
        let pair = &comparison.pairs[0];
        let card = pair.example_card();
        let refused = |answer: Answer| match answer {
            Answer::Refused(refused) => refused.line,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(pair.forward(&card)), line("0x1000 != 0x2000"));
        assert_eq!(refused(pair.backward(&card)), line("0x2000 != 0x1000"));
    }

    #[test]
    fn a_rom_below_the_page_size_may_grow_up_to_it() {
        let result = verdicts(&[("a", 1024)], &[("a", 4096)]);
        assert_eq!(result, [("a".into(), Change::Grows, false)]);
    }

    #[test]
    fn two_single_roms_are_compared_whatever_their_names_are() {
        let result = verdicts(&[("a", 4096)], &[("b", 8192)]);
        assert_eq!(result, [("a".into(), Change::Grows, true)]);
    }

    #[test]
    fn a_lost_image_is_a_finding() {
        let old = rom_with("a", &[CodeType::X86, CodeType::Efi]);
        let codes = |new| {
            let comparison = Comparison::new(&old, &new);
            let findings = comparison.pairs[0].content_findings();
            findings
                .iter()
                .map(|finding| finding.code)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            codes(rom_with("a", &[CodeType::Efi])),
            [Code::X86ImageMissing]
        );
        assert_eq!(
            codes(rom_with("a", &[CodeType::X86])),
            [Code::EfiImageMissing]
        );
        assert_eq!(codes(old.clone()), []);
    }
}
