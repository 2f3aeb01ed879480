//! Which old ROMs to ship under which names, padded to which size.

use super::error::PlanError;
use super::mapping::{MappedDevice, Mapping, mapped};
use super::naming::is_file_name;
use super::options::{PlanOptions, Source, check_devices};
use crate::finding::{Code, Finding};
use crate::guest::MappedDevices;
use crate::judge::{Change, Comparison, Pair};
use crate::plan::{BootIdChange, BootableRom, LostBoot, MachineRange, SavedRelease};
use crate::qemu::Device;
use crate::rom::BarSize;
use crate::rom::edit::{PadSize, pad};
use crate::romset::{RomFile, RomSet};
use serde::{Deserialize, Serialize};

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

/// An earlier release whose guests use a ROM of a later one: the size is the
/// same, and the content comes with the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedWith {
    /// The release.
    pub release: String,
    /// Whether its own ROM has another content.
    pub differs: bool,
}

/// An old ROM that is to be shipped, before it is made ready.
pub(super) struct Chosen<'a> {
    pub origin: &'a RomFile,
    pub change: Option<Change>,
    pub devices: Vec<&'static Device>,
    pub mapped: Vec<String>,
    pub release: String,
    pub shared_with: Vec<SharedWith>,
}

impl<'a> CompatRom<'a> {
    /// Makes an old ROM ready to be shipped beside the ROMs of `sets`, with a
    /// finding about what it cannot do.
    fn new(
        chosen: Chosen<'a>,
        sets: &[&RomSet],
        options: &PlanOptions,
    ) -> Result<(Self, Option<Finding>), PlanError> {
        let origin = chosen.origin;
        let bar = origin.bar();
        if let Some(wanted) = options.size.filter(|wanted| *wanted != bar) {
            return Err(PlanError::OtherSize {
                name: origin.name().to_owned(),
                bar,
                wanted,
            });
        }
        let name = options.naming.pattern.compat_name(bar, origin.name());
        if !is_file_name(&name) {
            return Err(PlanError::Unmappable(name));
        }
        if let Some(set) = sets.iter().find(|set| set.find(&name).is_some()) {
            return Err(PlanError::NameTaken {
                name,
                set: set.label.clone(),
            });
        }
        let bootable = BootableRom::new(origin, &chosen.devices, options.boot_ids);
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
            change: chosen.change,
            devices: chosen.devices,
            mapped: chosen.mapped,
            release: chosen.release,
            shared_with: chosen.shared_with,
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

impl<'a> CompatPlan<'a> {
    /// Plans what to ship for hosts that have `new`; without `new`, everything
    /// that the selection's patterns take.
    ///
    /// # Errors
    /// [`PlanError`] for what one package cannot have.
    pub fn new(
        source: Source<'a>,
        new: Option<&'a RomSet>,
        options: &PlanOptions,
    ) -> Result<Self, PlanError> {
        let mut plan = match source {
            Source::Generations(generations) => {
                return Self::of_generations(generations, new, options);
            }
            Source::Release(old) => Self::of_release(old, new, options)?,
            Source::Saved(saved) => Self::of_saved(saved, new, options)?,
        };
        plan.map_devices(&options.devices)?;
        Ok(plan)
    }

    /// A plan that ships nothing yet.
    pub(super) fn empty(old: &'a RomSet, earlier: Vec<&'a RomSet>, options: &PlanOptions) -> Self {
        Self {
            old,
            earlier,
            install_dir: options.naming.install_dir.clone(),
            roms: Vec::new(),
            ranges: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn of_release(
        old: &'a RomSet,
        new: Option<&'a RomSet>,
        options: &PlanOptions,
    ) -> Result<Self, PlanError> {
        let pairs = match new {
            Some(new) => Comparison::new(old, new).pairs,
            None => {
                let files = old.roms.iter();
                files
                    .map(|file| Pair::of_old(file.name(), file.into(), None))
                    .collect()
            }
        };
        let mut plan = Self::empty(old, Vec::new(), options);
        let sets: Vec<&RomSet> = [Some(old), new].into_iter().flatten().collect();
        for pair in pairs.iter().filter(|pair| options.selection.takes(pair)) {
            let Some(origin) = pair.old().and_then(|side| side.file) else {
                continue;
            };
            let chosen = Chosen {
                origin,
                change: new.map(|_| pair.change()),
                devices: pair.devices().collect(),
                mapped: Vec::new(),
                release: old.release(),
                shared_with: Vec::new(),
            };
            plan.ship(chosen, &sets, options)?;
        }
        Ok(plan)
    }

    /// Plans what to ship of the ROMs in saved guests, as of releases. Each kind
    /// of device is told one of its size classes.
    fn of_saved(
        saved: &'a SavedRelease,
        new: Option<&'a RomSet>,
        options: &PlanOptions,
    ) -> Result<Self, PlanError> {
        let mut plan = Self::of_release(&saved.first, new, options)?;
        for set in &saved.others {
            let other = Self::of_release(set, new, options)?;
            plan.earlier.push(set);
            plan.findings.extend(other.findings);
            for rom in other.roms {
                plan.add(rom)?;
            }
        }
        for rom in &mut plan.roms {
            let bar = rom.bar;
            rom.devices
                .retain(|device| saved.mapping.takes(device.name, bar));
        }
        Ok(plan)
    }

    /// Makes a ROM ready, takes it into the plan, and gives its compat name.
    pub(super) fn ship(
        &mut self,
        chosen: Chosen<'a>,
        sets: &[&RomSet],
        options: &PlanOptions,
    ) -> Result<String, PlanError> {
        let (rom, finding) = CompatRom::new(chosen, sets, options)?;
        let name = rom.name.clone();
        self.add(rom)?;
        self.findings.extend(finding);
        Ok(name)
    }

    fn add(&mut self, rom: CompatRom<'a>) -> Result<(), PlanError> {
        if self.roms.iter().any(|other| other.name == rom.name) {
            return Err(PlanError::NameTwice(rom.name));
        }
        self.roms.push(rom);
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
    fn map_devices(&mut self, devices: &MappedDevices) -> Result<(), PlanError> {
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

impl CompatPlan<'_> {
    /// Each device with each of its ROMs, for whichever machine types.
    #[must_use]
    pub fn mapped_devices(&self) -> Vec<MappedDevice> {
        let of_rom = |rom: &CompatRom<'_>| {
            let devices = rom.device_names();
            devices
                .map(|device| mapped(device, &self.install_dir, &rom.name))
                .collect::<Vec<_>>()
        };
        self.roms.iter().flat_map(of_rom).collect()
    }

    /// What its package tells devices: of each range of machine types one
    /// mapping, else one for all.
    #[must_use]
    pub fn mappings(&self) -> Vec<Mapping> {
        Mapping::all(self.mapped_devices(), &self.ranges, &self.install_dir)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::plan::BootIds;
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

    /// Everything without other ids.
    pub(crate) fn as_it_is() -> PlanOptions {
        PlanOptions {
            boot_ids: BootIds::Keep,
            ..PlanOptions::default()
        }
    }

    fn of<'a>(
        old: &'a RomSet,
        new: Option<&'a RomSet>,
        options: &PlanOptions,
    ) -> Result<CompatPlan<'a>, PlanError> {
        CompatPlan::new(Source::Release(old), new, options)
    }

    /// Hands over the plan that ships all of these ROMs.
    pub(crate) fn with_plan(roms: &[(&str, usize)], check: impl FnOnce(&CompatPlan<'_>)) {
        let old = rom_set(roms);
        check(&of(&old, None, &as_it_is()).unwrap());
    }

    fn names(plan: &CompatPlan<'_>) -> Vec<String> {
        plan.roms.iter().map(|rom| rom.name.clone()).collect()
    }

    #[test]
    fn a_rom_that_breaks_is_shipped_padded_under_its_class_name() {
        let old = rom_set(&[("efi-virtio.rom", 249_344), ("pxe-virtio.rom", 75_776)]);
        let new = rom_set(&[("efi-virtio.rom", 300_032), ("pxe-virtio.rom", 80_896)]);
        let plan = of(&old, Some(&new), &as_it_is()).unwrap();
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
        let mut options = as_it_is();
        options.selection.all = true;
        let names = |options: &PlanOptions| names(&of(&old, Some(&old), options).unwrap());
        assert_eq!(names(&options).len(), 2);
        options.selection.patterns.push("efi-*".parse().unwrap());
        assert_eq!(names(&options), ["compat-512-efi-virtio.rom"]);
        options.selection.all = false;
        assert_eq!(names(&options), [""; 0]);
    }

    #[test]
    fn without_new_roms_everything_is_shipped() {
        let old = rom_set(&[("a.rom", 512), ("b.rom", 512)]);
        let plan = of(&old, None, &as_it_is()).unwrap();
        assert_eq!(plan.roms.len(), 2);
        assert_eq!(plan.roms[0].change, None);
    }

    #[test]
    fn a_name_that_is_taken_and_another_size_are_refused() {
        let old = rom_set(&[("a.rom", 512)]);
        let mut options = as_it_is();
        options.naming.pattern = "{name}".parse().unwrap();
        let error = of(&old, None, &options).unwrap_err();
        assert!(matches!(error, PlanError::NameTaken { .. }));
        let options = PlanOptions {
            size: "256K".parse().ok(),
            ..as_it_is()
        };
        let error = of(&old, None, &options).unwrap_err();
        assert!(matches!(error, PlanError::OtherSize { .. }));
    }

    #[test]
    fn a_folder_that_qemu_does_not_search_is_named_in_the_romfile() {
        let old = rom_set(&[("a.rom", 512)]);
        let mut options = as_it_is();
        options.naming.install_dir = "/usr/lib/ipxe/qemu".to_owned();
        let own = vec!["own".to_owned()];
        options.devices.insert("a.rom".to_owned(), own);
        let plan = of(&old, None, &options).unwrap();
        let told = plan.mapped_devices().remove(0).romfile.to_string();
        assert_eq!(told, "/usr/lib/ipxe/qemu/compat-512-a.rom");
    }
}
