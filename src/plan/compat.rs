//! Which old ROMs to ship under which names, padded to which size.

use super::naming::{is_device_name, is_file_name};
use crate::finding::{Code, Finding};
use crate::plan::{
    BootIdChange, BootIds, BootableRom, Change, Comparison, LostBoot, MachineRange, Naming, Pair,
    SharedWith,
};
use crate::qemu::{DEVICES, Device, device_by_name};
use crate::rom::BarSize;
use crate::rom::edit::{PadError, PadSize, pad};
use crate::romset::{RomFile, RomSet};
use std::collections::BTreeMap;
use thiserror::Error;

/// Which ROMs of the old release to ship.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Ship those that do not break, too.
    pub all: bool,
    /// Ship only ROMs whose names match one of these; all if there is none.
    pub patterns: Vec<glob::Pattern>,
}

impl Selection {
    fn takes(&self, pair: &Pair<'_>) -> bool {
        (self.all || pair.breaks()) && self.takes_name(pair.name)
    }

    /// Whether its patterns take a ROM of this name.
    pub(super) fn takes_name(&self, name: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|p| p.matches(name))
    }
}

/// Devices that the user maps: by the name of an old ROM those that load it.
pub type MappedDevices = BTreeMap<String, Vec<String>>;

/// Refuses what QEMU would not read as the name of a device, a ROM that no old
/// release has, and a second ROM for one device.
pub(super) fn check_devices(devices: &MappedDevices, sets: &[&RomSet]) -> Result<(), PlanError> {
    let has = |name: &str| sets.iter().any(|set| set.find(name).is_some());
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (rom, names) in devices {
        if !has(rom) {
            let labels: Vec<&str> = sets.iter().map(|set| &*set.label).collect();
            return Err(PlanError::MapsNoRom {
                name: rom.clone(),
                set: labels.join(", "),
            });
        }
        for device in names {
            let (rom, device) = (rom.clone(), device.clone());
            if !is_device_name(&device) {
                return Err(PlanError::NoDevice { rom, device });
            }
            if let Some(class) = class_of_block(&device) {
                return Err(PlanError::NoClass { rom, device, class });
            }
            let is_another = |default: &&str| {
                sets.iter().any(|set| {
                    let files = set.find(&rom).zip(set.find(default));
                    files.is_some_and(|(one, other)| one.name() != other.name())
                })
            };
            let default = device_by_name(&device).map(|known| known.romfile);
            if let Some(default) = default.filter(is_another) {
                return Err(PlanError::NotItsDefault {
                    rom,
                    device,
                    default,
                });
            }
        }
        for device in names {
            if let Some(other) = seen.insert(device, rom) {
                return Err(PlanError::MappedTwice {
                    rom: rom.clone(),
                    device: device.clone(),
                    other: other.to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// The class of the card whose RAM block is called after something else, if
/// this is that other name: `ne2k_pci` for `ne2000`.
fn class_of_block(name: &str) -> Option<&'static str> {
    let is_called = |device: &&Device| {
        !device.is_display() && device.ram_block.strip_suffix(".rom") == Some(name)
    };
    let device = DEVICES.iter().find(is_called)?;
    (device_by_name(name).is_none()).then_some(device.name)
}

/// One ROM of the old release as it is shipped.
#[derive(Debug, Clone)]
pub struct CompatRom<'a> {
    /// Its compat name.
    pub name: String,
    /// The old ROM.
    pub origin: &'a RomFile,
    /// The old ROM's bytes, but for `boot_ids`, then 0xFF up to the BAR.
    pub bytes: Vec<u8>,
    /// What differs from the old ROM, so that firmware finds its image.
    pub boot_ids: Vec<BootIdChange>,
    /// Images that devices need, and the ROM lacks.
    pub lost_boot: Vec<LostBoot>,
    /// The BAR that it keeps.
    pub bar: BarSize,
    /// What would happen to it otherwise; nothing is known without new ROMs.
    pub change: Option<Change>,
    /// The devices that load the old ROM by default.
    pub devices: Vec<&'static Device>,
    /// Further devices that the user maps to it.
    pub mapped: Vec<String>,
    /// The release that it comes from.
    pub release: String,
    /// Earlier releases whose guests use it, too.
    pub shared_with: Vec<SharedWith>,
}

/// What is known of a ROM before it is made ready: how its BAR would change,
/// and the devices that load it.
type Known = (Option<Change>, Vec<&'static Device>);

impl<'a> CompatRom<'a> {
    /// Makes an old ROM ready to be shipped beside the ROMs of `sets`, with a
    /// finding about what it cannot do.
    pub(super) fn new(
        origin: &'a RomFile,
        (change, devices): Known,
        sets: &[&RomSet],
        (naming, size, boot_ids): (&Naming, Option<BarSize>, BootIds),
    ) -> Result<(Self, Option<Finding>), PlanError> {
        let bar = origin.bar();
        if let Some(wanted) = size.filter(|wanted| *wanted != bar) {
            return Err(PlanError::OtherSize {
                name: origin.name().to_owned(),
                bar,
                wanted,
            });
        }
        let name = naming.pattern.compat_name(bar, origin.name());
        if !is_file_name(&name) {
            return Err(PlanError::Unmappable(name));
        }
        if let Some(set) = sets.iter().find(|set| set.find(&name).is_some()) {
            return Err(PlanError::NameTaken {
                name,
                set: set.label.clone(),
            });
        }
        let bootable = BootableRom::new(origin, &devices, boot_ids);
        let finding = bootable.finding(&name, bar);
        let bytes =
            pad(&bootable.bytes, PadSize::Exactly(bar), 0xff).map_err(|source| PlanError::Pad {
                name: origin.name().to_owned(),
                source,
            })?;
        let rom = Self {
            name,
            origin,
            bytes,
            boot_ids: bootable.changes,
            lost_boot: bootable.lost,
            bar,
            change,
            devices,
            mapped: Vec::new(),
            release: String::new(),
            shared_with: Vec::new(),
        };
        Ok((rom, finding))
    }
}

impl CompatRom<'_> {
    /// The names of all devices that are to load it.
    pub fn device_names(&self) -> impl Iterator<Item = &str> {
        let known = self.devices.iter().map(|device| device.name);
        known.chain(self.mapped.iter().map(String::as_str))
    }
}

/// What to ship so that guests of the old release go to the new one.
#[derive(Debug, Clone)]
pub struct CompatPlan<'a> {
    /// The old release; of several, the newest.
    pub old: &'a RomSet,
    /// The releases before it, if the plan is for several.
    pub earlier: Vec<&'a RomSet>,
    /// The folder in which the ROMs are installed.
    pub install_dir: String,
    /// The ROMs to ship, in order of their old names.
    pub roms: Vec<CompatRom<'a>>,
    /// Which machine types use which of them, from the oldest to the newest;
    /// empty where the ROMs are of one release, for all machine types.
    pub ranges: Vec<MachineRange>,
    /// What the ROMs cannot do for their guests.
    pub findings: Vec<Finding>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The compat name is the name of another ROM.
    #[error(
        "the compat name {name} is the name of a ROM in {set}; choose another with `--name-pattern`"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// The set that has it.
        set: String,
    },
    /// A ROM of another size class than the one asked for.
    #[error(
        "{name} has a BAR of {bar}, and {wanted} is asked for; a compat ROM of another size does not migrate, so leave the size out or select other ROMs"
    )]
    OtherSize {
        /// The ROM.
        name: String,
        /// Its BAR.
        bar: BarSize,
        /// The size asked for.
        wanted: BarSize,
    },
    /// A ROM that a user maps a device to, and the old release lacks.
    #[error(
        "devices are mapped to {name}, and {set} has no ROM of this name; see `romcompat inspect`"
    )]
    MapsNoRom {
        /// The ROM.
        name: String,
        /// The old release.
        set: String,
    },
    /// A text that QEMU would not read as the name of a device.
    #[error(
        "`{device}` is no name of a device; it is made of letters, digits, `-` and `_`, as `qemu-system-x86_64 -device help` prints it"
    )]
    NoDevice {
        /// The ROM that it is mapped to.
        rom: String,
        /// The text.
        device: String,
    },
    /// A name by which QEMU knows no PCI device.
    #[error("`{device}` is no PCI device of QEMU; the card's name is {class}")]
    NoClass {
        /// The ROM that it is mapped to.
        rom: String,
        /// The name.
        device: String,
        /// What is meant.
        class: &'static str,
    },
    /// A device that loads another ROM of the release by default.
    #[error(
        "{device} is mapped to {rom}, and loads {default} by default; a device has one ROM, so leave it out here"
    )]
    NotItsDefault {
        /// The ROM that it is mapped to.
        rom: String,
        /// The device.
        device: String,
        /// Its default.
        default: &'static str,
    },
    /// A device that is mapped twice.
    #[error("{device} is mapped to {other} and again to {rom}; map each device once, to one ROM")]
    MappedTwice {
        /// The second ROM that it is mapped to.
        rom: String,
        /// The device.
        device: String,
        /// The first one.
        other: String,
    },
    /// A name with characters that the files of QEMU and libvirt cannot have.
    #[error(
        "{0:?} is no name that a device can be told; rename the file, it must be made of letters, digits and `+-._`"
    )]
    Unmappable(String),
    /// A compat name that two ROMs would get.
    #[error(
        "two ROMs would have the compat name {0}; let `--name-pattern` have {{size}} in it, which tells them apart"
    )]
    NameTwice(String),
    /// The old ROM cannot be padded.
    #[error("{name}: {source}")]
    Pad {
        /// The ROM.
        name: String,
        /// Why not.
        source: PadError,
    },
}

impl PlanError {
    /// What the user maps, if that is the cause: a ROM, and one of its devices
    /// where only that is wrong.
    #[must_use]
    pub fn mapped(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::MapsNoRom { name, .. } => Some((name, None)),
            Self::NoDevice { rom, device }
            | Self::NoClass { rom, device, .. }
            | Self::NotItsDefault { rom, device, .. }
            | Self::MappedTwice { rom, device, .. } => Some((rom, Some(device))),
            _ => None,
        }
    }
}

impl<'a> CompatPlan<'a> {
    /// Plans what to ship of `old` for hosts that have `new`; without `new`,
    /// everything that the selection's patterns take.
    ///
    /// # Errors
    /// [`PlanError`] for a name that is taken, a ROM of another size than
    /// `size`, and a ROM that cannot be padded.
    pub fn new(
        old: &'a RomSet,
        new: Option<&'a RomSet>,
        selection: &Selection,
        naming: &Naming,
        size: Option<BarSize>,
        boot_ids: BootIds,
    ) -> Result<Self, PlanError> {
        let selected: Vec<(&RomFile, Option<Change>, Vec<&'static Device>)> = match new {
            Some(new) => Comparison::new(old, new)
                .pairs
                .iter()
                .filter(|pair| selection.takes(pair))
                .filter_map(|pair| {
                    let file = pair.old?.file?;
                    Some((file, Some(pair.change()), pair.devices().collect()))
                })
                .collect(),
            None => old
                .roms
                .iter()
                .map(|file| Pair::new(file.name(), Some(file.into()), None))
                .filter(|pair| selection.takes(pair))
                .filter_map(|pair| Some((pair.old?.file?, None, pair.devices().collect())))
                .collect(),
        };
        let mut plan = Self {
            old,
            earlier: Vec::new(),
            install_dir: naming.install_dir.clone(),
            roms: Vec::with_capacity(selected.len()),
            ranges: Vec::new(),
            findings: Vec::new(),
        };
        let sets: Vec<&RomSet> = [Some(old), new].into_iter().flatten().collect();
        for (origin, change, devices) in selected {
            let (rom, finding) =
                CompatRom::new(origin, (change, devices), &sets, (naming, size, boot_ids))?;
            plan.add(rom, finding)?;
        }
        Ok(plan)
    }

    /// Takes a ROM into the plan.
    pub(super) fn add(
        &mut self,
        mut rom: CompatRom<'a>,
        finding: Option<Finding>,
    ) -> Result<(), PlanError> {
        if self.roms.iter().any(|other| other.name == rom.name) {
            return Err(PlanError::NameTwice(rom.name));
        }
        if rom.release.is_empty() {
            rom.release = self.old.release();
        }
        self.roms.push(rom);
        self.findings.extend(finding);
        Ok(())
    }

    /// The releases that the ROMs come from, in words.
    #[must_use]
    pub fn release(&self) -> String {
        let mut releases: Vec<&str> = Vec::new();
        for range in &self.ranges {
            if !releases.contains(&&*range.release) {
                releases.push(&range.release);
            }
        }
        if releases.is_empty() {
            return self.old.release();
        }
        releases.join(", ")
    }

    /// Maps further devices to compat ROMs: each key is the name of an old
    /// ROM, with the devices that load it.
    ///
    /// # Errors
    /// [`PlanError`] for a ROM that the old release does not have, what is no
    /// name of a device, and a device that would get two ROMs.
    pub fn map_devices(&mut self, devices: &MappedDevices) -> Result<(), PlanError> {
        check_devices(devices, &[self.old])?;
        for (name, devices) in devices {
            let of_file = |rom: &&mut CompatRom<'_>| {
                let others = rom.origin.other_names();
                rom.origin.name() == name || others.contains(name)
            };
            for rom in self.roms.iter_mut().filter(of_file) {
                let known: Vec<&str> = rom.device_names().collect();
                let new = devices
                    .iter()
                    .filter(|name| !known.contains(&name.as_str()));
                let new: Vec<String> = new.cloned().collect();
                rom.mapped.extend(new);
            }
        }
        Ok(())
    }

    /// A finding for each ROM that no device is told to load.
    pub fn unmapped_findings(&self) -> impl Iterator<Item = Finding> {
        let unmapped = self
            .roms
            .iter()
            .filter(|rom| rom.device_names().next().is_none());
        unmapped.map(|rom| {
            let name = rom.origin.name();
            Finding::new(
                Code::NoDeviceKnown,
                name,
                format!("no device of QEMU loads it by default, so nothing maps to {}", rom.name),
                format!(
                    "a device whose guests name it stands in romcompat.toml: under [devices], \"{name}\" = [\"DEVICE\"]"
                ),
            )
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rom::CodeType;
    use crate::rom::tests::{image, last, legacy_image};
    use crate::romset::RomCollector;

    /// ROMs of these names and file sizes, in bytes.
    pub(crate) fn rom_set(roms: &[(&str, usize)]) -> RomSet {
        let mut collector = RomCollector::default();
        for (name, size) in roms {
            let mut bytes = legacy_image(1);
            bytes.resize(*size, 0xff);
            collector.add_file(name, bytes).unwrap();
        }
        collector.finish("test", None).unwrap()
    }

    /// One ROM with images of these code types.
    pub(crate) fn rom_with(name: &str, code_types: &[CodeType]) -> RomSet {
        let mut bytes = Vec::new();
        let (end, rest) = code_types.split_last().unwrap();
        for code_type in rest {
            bytes.extend(image(1, *code_type));
        }
        bytes.extend(last(image(1, *end)));
        let mut collector = RomCollector::default();
        collector.add_file(name, bytes).unwrap();
        collector.finish("test", None).unwrap()
    }

    fn plan<'a>(old: &'a RomSet, new: &'a RomSet, selection: &Selection) -> CompatPlan<'a> {
        CompatPlan::new(
            old,
            Some(new),
            selection,
            &Naming::default(),
            None,
            BootIds::Keep,
        )
        .unwrap()
    }

    /// Hands over the plan that ships all of these ROMs.
    pub(crate) fn with_plan(roms: &[(&str, usize)], check: impl FnOnce(&CompatPlan<'_>)) {
        let old = rom_set(roms);
        let naming = Naming::default();
        check(
            &CompatPlan::new(
                &old,
                None,
                &Selection::default(),
                &naming,
                None,
                BootIds::Keep,
            )
            .unwrap(),
        );
    }

    fn names(plan: &CompatPlan<'_>) -> Vec<String> {
        plan.roms.iter().map(|rom| rom.name.clone()).collect()
    }

    #[test]
    fn a_rom_that_breaks_is_shipped_padded_under_its_class_name() {
        let old = rom_set(&[("efi-virtio.rom", 249_344), ("pxe-virtio.rom", 75_776)]);
        let new = rom_set(&[("efi-virtio.rom", 300_032), ("pxe-virtio.rom", 80_896)]);
        let plan = plan(&old, &new, &Selection::default());
        assert_eq!(names(&plan), ["compat-256k-efi-virtio.rom"]);
        let rom = &plan.roms[0];
        assert_eq!(rom.bytes.len(), 0x40000);
        assert!(rom.bytes.starts_with(old.roms[0].bytes()));
        assert_eq!(rom.change, Some(Change::Grows));
        assert_eq!(rom.devices.len(), 3);
    }

    #[test]
    fn all_ships_those_that_do_not_break_and_patterns_narrow_it() {
        let old = rom_set(&[("efi-virtio.rom", 512), ("pxe-virtio.rom", 512)]);
        let mut selection = Selection {
            all: true,
            patterns: Vec::new(),
        };
        assert_eq!(plan(&old, &old, &selection).roms.len(), 2);
        selection.patterns.push("efi-*".parse().unwrap());
        assert_eq!(
            names(&plan(&old, &old, &selection)),
            ["compat-512-efi-virtio.rom"]
        );
        selection.all = false;
        assert!(plan(&old, &old, &selection).roms.is_empty());
    }

    #[test]
    fn without_new_roms_everything_is_shipped() {
        let old = rom_set(&[("a.rom", 512), ("b.rom", 512)]);
        let naming = Naming::default();
        let plan = CompatPlan::new(
            &old,
            None,
            &Selection::default(),
            &naming,
            None,
            BootIds::Keep,
        )
        .unwrap();
        assert_eq!(plan.roms.len(), 2);
        assert_eq!(plan.roms[0].change, None);
    }

    #[test]
    fn a_name_that_is_taken_and_another_size_are_refused() {
        let old = rom_set(&[("a.rom", 512)]);
        let all = Selection {
            all: true,
            patterns: Vec::new(),
        };
        let same = Naming {
            pattern: "{name}".parse().unwrap(),
            ..Naming::default()
        };
        let error = CompatPlan::new(&old, None, &all, &same, None, BootIds::Keep).unwrap_err();
        assert!(matches!(error, PlanError::NameTaken { .. }));
        let size = "256K".parse().ok();
        let error =
            CompatPlan::new(&old, None, &all, &Naming::default(), size, BootIds::Keep).unwrap_err();
        assert!(matches!(error, PlanError::OtherSize { .. }));
    }

    #[test]
    fn a_folder_that_qemu_does_not_search_is_named_in_the_romfile() {
        let old = rom_set(&[("a.rom", 512)]);
        let naming = Naming {
            install_dir: "/usr/lib/ipxe/qemu".to_owned(),
            ..Naming::default()
        };
        let plan = CompatPlan::new(
            &old,
            None,
            &Selection::default(),
            &naming,
            None,
            BootIds::Keep,
        )
        .unwrap();
        let own = MappedDevices::from([("a.rom".to_owned(), vec!["own".to_owned()])]);
        let mut plan = plan;
        plan.map_devices(&own).unwrap();
        let told = plan.mapped_devices().remove(0).romfile.to_string();
        assert_eq!(told, "/usr/lib/ipxe/qemu/compat-512-a.rom");
    }
}
