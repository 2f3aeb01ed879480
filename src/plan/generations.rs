//! The ROMs of several releases in one plan: each size class of a ROM once,
//! and which machine types use which.

use super::CompatPlan;
use super::compat::{Chosen, SharedWith};
use super::error::{GenerationError, PlanError};
use super::options::{PlanOptions, check_devices};
use super::ranges::{Generation, MachineRange, merge, spans};
use crate::guest::MappedDevices;
use crate::judge::Pair;
use crate::qemu::{DEVICES, Device, QemuVersion};
use crate::rom::{BarSize, PciIds};
use crate::romset::{RomFile, RomSet};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// A ROM to ship, of the newest generation that has its size class.
struct Shipped<'a, 'o> {
    origin: &'a RomFile,
    release: String,
    breaks_from: Pair<'a>,
    loaders: BTreeSet<Loader<'o>>,
    shared_with: Vec<SharedWith>,
}

/// The ROMs of one name and BAR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Class<'a> {
    name: &'a str,
    bar: BarSize,
}

/// A device that loads a ROM: one that is known, or one of the user's.
#[derive(Debug, Clone, Copy)]
enum Loader<'a> {
    Known(&'static Device),
    Mapped(&'a str),
}

impl<'a> Loader<'a> {
    /// Whether it loads in machine types of this version what it loads today.
    fn is_usual(self, version: QemuVersion) -> bool {
        match self {
            Self::Known(device) => device.is_default_usual_in(version),
            Self::Mapped(_) => true,
        }
    }

    const fn name(self) -> &'a str {
        match self {
            Self::Known(device) => device.name,
            Self::Mapped(name) => name,
        }
    }

    /// Known devices come first, in the order of their table.
    fn place(self) -> (usize, &'a str) {
        let same = |device: &Device| device.name == self.name();
        match self {
            Self::Known(_) => (DEVICES.iter().position(same).unwrap_or(usize::MAX), ""),
            Self::Mapped(name) => (usize::MAX, name),
        }
    }
}

impl Ord for Loader<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Loader<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Loader<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Loader<'_> {}

impl<'a> CompatPlan<'a> {
    /// Plans what to ship of several generations, from the oldest to the newest.
    pub(super) fn of_generations(
        generations: &'a [Generation],
        new: Option<&'a RomSet>,
        options: &PlanOptions,
    ) -> Result<Self, PlanError> {
        check_order(generations.iter().map(|one| &one.version))?;
        let (newest, before) = generations.split_last().ok_or(GenerationError::None)?;
        let sets: Vec<&RomSet> = generations.iter().map(|one| &one.set).collect();
        check_devices(&options.devices, &sets)?;
        let mut shipped: BTreeMap<Class<'_>, Shipped<'_, '_>> = BTreeMap::new();
        let mut mappings: Vec<Vec<(Loader<'_>, Class<'_>)>> = Vec::new();
        let mut covered: BTreeSet<Loader<'_>> = BTreeSet::new();
        let mut spans = spans(generations);
        for (version, generation) in spans.iter().rev() {
            let mut mapping = Vec::new();
            let files = generation.set.roms.iter();
            for file in files.filter(|file| options.selection.takes_name(file.name())) {
                let found = new.and_then(|new| new.find(file.name()));
                let pair = Pair::of_old(file.name(), file.into(), found.map(Into::into));
                let breaks = new.is_none() || options.selection.all || pair.breaks();
                // An old machine type has the entries of every newer compat
                // array, so that a device which a newer one maps has to be
                // mapped here, too, unless QEMU itself gives it another ROM.
                let inherits =
                    |loader: &Loader<'_>| covered.contains(loader) && loader.is_usual(*version);
                let loaders: Vec<Loader<'_>> = loaders(file, *version, &options.devices)
                    .filter(|loader| breaks || inherits(loader))
                    .collect();
                if breaks || !loaders.is_empty() {
                    ship(&mut shipped, generation, pair, file, &loaders)?;
                }
                let class = Class::of(file);
                mapping.extend(loaders.into_iter().map(|loader| (loader, class)));
            }
            covered.extend(mapping.iter().map(|(loader, _)| *loader));
            mapping.sort();
            mappings.insert(0, mapping);
        }
        merge(&mut spans, &mut mappings);
        let sets: Vec<&RomSet> = sets.into_iter().chain(new).collect();
        let earlier = before.iter().map(|generation| &generation.set).collect();
        let mut plan = Self::empty(&newest.set, earlier, options);
        let mut names: BTreeMap<Class<'_>, String> = BTreeMap::new();
        for (class, shipped) in shipped {
            let (mut devices, mut mapped) = (Vec::new(), Vec::new());
            for loader in shipped.loaders {
                match loader {
                    Loader::Known(device) => devices.push(device),
                    Loader::Mapped(name) => mapped.push(name.to_owned()),
                }
            }
            let chosen = Chosen {
                origin: shipped.origin,
                change: new.map(|_| shipped.breaks_from.change()),
                devices,
                mapped,
                release: shipped.release,
                shared_with: shipped.shared_with,
            };
            names.insert(class, plan.ship(chosen, &sets, options)?);
        }
        let mut after = None;
        for ((version, generation), mapping) in spans.into_iter().zip(mappings) {
            let named = |(loader, class): (Loader<'_>, Class<'_>)| {
                Some((loader.name().to_owned(), names.get(&class)?.clone()))
            };
            plan.ranges.push(MachineRange::new(
                after,
                version,
                generation.set.release(),
                mapping.into_iter().filter_map(named).collect(),
            ));
            after = Some(version);
        }
        Ok(plan)
    }
}

impl<'a> Class<'a> {
    fn of(file: &'a RomFile) -> Self {
        Self {
            name: file.name(),
            bar: file.bar(),
        }
    }
}

/// Refuses versions that do not follow each other, or that no machine type has.
pub(crate) fn check_order<'v>(
    versions: impl Iterator<Item = &'v QemuVersion>,
) -> Result<(), GenerationError> {
    let mut before: Vec<QemuVersion> = Vec::new();
    for version in versions {
        if !version.has_machine_types() {
            return Err(GenerationError::NoMachineType(*version));
        }
        if before.contains(version) {
            return Err(GenerationError::Twice(*version));
        }
        if let Some(last) = before.last().filter(|last| *last > version) {
            return Err(GenerationError::OutOfOrder(*version, *last));
        }
        before.push(*version);
    }
    Ok(())
}

/// The devices that load a ROM by default in machine types of this version, or
/// by the user's word.
fn loaders<'a>(
    file: &RomFile,
    version: QemuVersion,
    devices: &'a MappedDevices,
) -> impl Iterator<Item = Loader<'a>> {
    let is_named = |name: &str| file.name() == name || file.other_names().iter().any(|n| n == name);
    let known = DEVICES
        .iter()
        .filter(|device| device.romfile_in(version).is_some_and(is_named))
        .map(Loader::Known);
    let mapped = devices.iter().filter(|(name, _)| is_named(name));
    let mapped = mapped.flat_map(|(_, devices)| devices.iter().map(|name| Loader::Mapped(name)));
    let all: BTreeSet<Loader<'_>> = known.chain(mapped).collect();
    all.into_iter()
}

fn ship<'a, 'o>(
    shipped: &mut BTreeMap<Class<'a>, Shipped<'a, 'o>>,
    generation: &Generation,
    pair: Pair<'a>,
    file: &'a RomFile,
    loaders: &[Loader<'o>],
) -> Result<(), GenerationError> {
    let release = generation.set.release();
    let shipped = shipped.entry(Class::of(file)).or_insert_with(|| Shipped {
        origin: file,
        release: release.clone(),
        breaks_from: pair,
        loaders: BTreeSet::new(),
        shared_with: Vec::new(),
    });
    shipped.loaders.extend(loaders);
    let origin = shipped.origin;
    if std::ptr::eq(origin, file) {
        return Ok(());
    }
    if let (Some(one_ids), Some(other_ids)) = (first_ids(origin), first_ids(file))
        && !are_of_one_device(file, one_ids, other_ids)
    {
        return Err(GenerationError::OtherDevice {
            name: file.name().to_owned(),
            bar: file.bar(),
            one: shipped.release.clone(),
            one_ids,
            other: release,
            other_ids,
        });
    }
    let shared = SharedWith {
        release,
        differs: origin.bytes() != file.bytes(),
    };
    if !shipped.shared_with.contains(&shared) {
        shipped.shared_with.push(shared);
    }
    Ok(())
}

fn first_ids(file: &RomFile) -> Option<PciIds> {
    let rom = file.rom();
    rom.images().iter().find_map(|image| image.ids())
}

/// Whether a ROM may have these two ids and be for one device: releases of
/// iPXE disagree, for one, on the id of virtio devices.
fn are_of_one_device(file: &RomFile, one: PciIds, other: PciIds) -> bool {
    let stem = |name: &str| {
        let name = name.strip_prefix("efi-").or(name.strip_prefix("pxe-"));
        name.map(str::to_owned)
    };
    let loads = |device: &&Device| {
        device.romfile == file.name()
            || stem(device.romfile).is_some_and(|own| stem(file.name()) == Some(own))
    };
    let has = |ids| {
        move |device: &Device| device.romfile_ids == ids || device.all_ids().any(|own| own == ids)
    };
    let devices = || DEVICES.iter().filter(loads);
    one == other || (devices().any(has(one)) && devices().any(has(other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Source;
    use crate::plan::tests::{as_it_is, rom_set};

    fn generation(version: &str, roms: &[(&str, usize)]) -> Generation {
        let mut set = rom_set(roms);
        set.label = format!("release-{version}");
        Generation {
            version: version.parse().unwrap(),
            set,
        }
    }

    fn plan<'a>(
        generations: &'a [Generation],
        new: Option<&'a RomSet>,
    ) -> Result<CompatPlan<'a>, PlanError> {
        CompatPlan::new(Source::Generations(generations), new, &as_it_is())
    }

    fn names(plan: &CompatPlan<'_>) -> Vec<String> {
        plan.roms.iter().map(|rom| rom.name.clone()).collect()
    }

    fn romfile(plan: &CompatPlan<'_>, up_to: &str, device: &str) -> Option<String> {
        let range = plan.ranges.iter().find(|r| r.up_to.to_string() == up_to)?;
        range.devices.get(device).cloned()
    }

    #[test]
    fn each_size_class_is_shipped_once_and_each_range_finds_its_own() {
        let generations = [
            generation("1.4", &[("pxe-virtio.rom", 60_000)]),
            generation(
                "2.5",
                &[("efi-virtio.rom", 200_000), ("pxe-virtio.rom", 60_500)],
            ),
            generation(
                "2.11",
                &[("efi-virtio.rom", 249_000), ("pxe-virtio.rom", 70_000)],
            ),
            generation(
                "5.2",
                &[("efi-virtio.rom", 300_000), ("pxe-virtio.rom", 70_000)],
            ),
        ];
        let new = rom_set(&[("efi-virtio.rom", 600_000), ("pxe-virtio.rom", 70_000)]);
        let plan = plan(&generations, Some(&new)).unwrap();
        assert_eq!(
            names(&plan),
            [
                "compat-256k-efi-virtio.rom",
                "compat-512k-efi-virtio.rom",
                "compat-64k-pxe-virtio.rom",
            ]
        );
        let of = |up_to| romfile(&plan, up_to, "virtio-net-pci");
        assert_eq!(of("1.4").unwrap(), "compat-64k-pxe-virtio.rom");
        assert_eq!(of("2.5").unwrap(), "compat-256k-efi-virtio.rom");
        assert_eq!(of("2.11").unwrap(), "compat-256k-efi-virtio.rom");
        assert_eq!(of("5.2").unwrap(), "compat-512k-efi-virtio.rom");
        let after: Vec<_> = plan.ranges.iter().map(|r| r.after).collect();
        assert_eq!(after[0], None);
        assert_eq!(after[1], Some(QemuVersion::new(1, 4)));
        let shared = &plan.roms[0];
        assert_eq!(shared.release, "release-2.11", "the newest content");
        assert_eq!(
            shared.shared_with,
            [SharedWith {
                release: "release-2.5".to_owned(),
                differs: true
            }]
        );
    }

    #[test]
    fn a_range_with_the_size_of_today_is_mapped_where_a_newer_one_is() {
        let generations = [
            generation("2.5", &[("efi-pcnet.rom", 5000)]),
            generation("2.11", &[("efi-pcnet.rom", 9000)]),
        ];
        let new = rom_set(&[("efi-pcnet.rom", 6000)]);
        let two = plan(&generations, Some(&new)).unwrap();
        let of = |up_to| romfile(&two, up_to, "pcnet");
        assert_eq!(of("2.11").unwrap(), "compat-16k-efi-pcnet.rom");
        assert_eq!(of("2.5").unwrap(), "compat-8k-efi-pcnet.rom");
        let one = plan(&generations[..1], Some(&new)).unwrap();
        assert!(one.roms.is_empty() && one.ranges[0].devices.is_empty());
        assert_eq!(one.ranges.len(), 1);
    }

    #[test]
    fn a_range_ends_where_qemu_changes_its_defaults() {
        let roms = [("efi-vmxnet3.rom", 5000), ("efi-e1000e.rom", 5000)];
        let generations = [generation("1.3", &roms), generation("2.12", &roms)];
        let new = rom_set(&[("efi-vmxnet3.rom", 9000), ("efi-e1000e.rom", 9000)]);
        let plan = plan(&generations, Some(&new)).unwrap();
        let ranges: Vec<_> = plan
            .ranges
            .iter()
            .map(|range| (range.to_string(), range.devices.len()))
            .collect();
        let own = |text: &str, count| (text.to_owned(), count);
        assert_eq!(
            ranges,
            [
                own("up to 1.3", 1),
                own("after 1.3, up to 2.6", 1),
                own("after 2.6, up to 2.12", 2)
            ]
        );
        assert_eq!(romfile(&plan, "2.6", "vmxnet3"), None);
    }

    #[test]
    fn generations_that_do_not_follow_each_other_are_refused() {
        let of = |versions: &[&str]| {
            let generations: Vec<_> = versions
                .iter()
                .map(|version| generation(version, &[("efi-pcnet.rom", 5000)]))
                .collect();
            plan(&generations, None).unwrap_err()
        };
        let version = QemuVersion::new;
        assert_eq!(
            of(&["2.5", "2.5"]),
            GenerationError::Twice(version(2, 5)).into()
        );
        assert_eq!(
            of(&["2.11", "2.5"]),
            GenerationError::OutOfOrder(version(2, 5), version(2, 11)).into()
        );
        assert_eq!(
            of(&["2.13"]),
            GenerationError::NoMachineType(version(2, 13)).into()
        );
        assert_eq!(of(&[]), GenerationError::None.into());
    }

    #[test]
    fn roms_of_one_class_for_different_devices_are_refused() {
        let with_ids = |version: &str, name: &str, ids: [u8; 4]| {
            let mut generation = generation(version, &[(name, 5000)]);
            let mut bytes = generation.set.roms[0].bytes().to_vec();
            let pcir = usize::from(u16::from_le_bytes([bytes[0x18], bytes[0x19]]));
            bytes[pcir + 4..pcir + 8].copy_from_slice(&ids);
            generation.set.roms[0] = RomFile::new(name, bytes).unwrap();
            generation
        };
        let (virtio, older) = ([0xf4, 0x1a, 0x41, 0x10], [0xf4, 0x1a, 0, 0x10]);
        let intel = [0x86, 0x80, 0x0e, 0x10];
        let of = |name: &str, one, other| {
            let generations = [with_ids("2.5", name, one), with_ids("2.11", name, other)];
            plan(&generations, None).map(|plan| plan.roms.len())
        };
        assert_eq!(of("efi-virtio.rom", older, virtio), Ok(1));
        assert_eq!(of("pxe-virtio.rom", older, virtio), Ok(1));
        let error = of("efi-virtio.rom", intel, virtio).unwrap_err();
        assert!(
            error.to_string().contains(
                "the ROM of release-2.11 is for 1af4:1041 and that of release-2.5 for 8086:100e"
            ),
            "{error}"
        );
        assert!(of("own.rom", older, virtio).is_err());
    }

    #[test]
    fn a_pattern_without_the_size_class_is_refused_where_names_collide() {
        let generations = [
            generation("2.5", &[("efi-pcnet.rom", 5000)]),
            generation("2.11", &[("efi-pcnet.rom", 9000)]),
        ];
        let mut options = as_it_is();
        options.naming.pattern = "old-{name}".parse().unwrap();
        let error = CompatPlan::new(Source::Generations(&generations), None, &options).unwrap_err();
        let name = "old-efi-pcnet.rom".to_owned();
        assert_eq!(error, PlanError::NameTwice(name));
    }
}
