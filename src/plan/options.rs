//! What is planned: of which ROMs, with which names and devices.

use super::error::PlanError;
use super::naming::is_device_name;
use super::{BootIds, Generation, Naming, SavedRelease};
use crate::guest::MappedDevices;
use crate::judge::Pair;
use crate::qemu::{DEVICES, Device, device_by_name};
use crate::rom::BarSize;
use crate::romset::RomSet;
use std::collections::BTreeMap;

/// Which ROMs of the old release to ship.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Ship those that do not break, too.
    pub all: bool,
    /// Ship only ROMs whose names match one of these; all if there is none.
    pub patterns: Vec<glob::Pattern>,
}

impl Selection {
    pub(super) fn takes(&self, pair: &Pair<'_>) -> bool {
        (self.all || pair.breaks()) && self.takes_name(pair.name)
    }

    /// Whether its patterns take a ROM of this name.
    pub(super) fn takes_name(&self, name: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|p| p.matches(name))
    }
}

/// What guests were started with.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// One release, whichever their machine types are.
    Release(&'a RomSet),
    /// Several, from the oldest to the newest, each with its machine types.
    Generations(&'a [Generation]),
    /// What is in saved guests.
    Saved(&'a SavedRelease),
}

/// What is shipped, and how.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Which ROMs.
    pub selection: Selection,
    /// Their names and place.
    pub naming: Naming,
    /// The BAR that every one must have.
    pub size: Option<BarSize>,
    /// What is done about ids.
    pub boot_ids: BootIds,
    /// Further devices, by the name of the old ROM that they load.
    pub devices: MappedDevices,
}

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
