//! Which devices are told which compat ROMs: a value, which is rendered in the
//! form of whoever reads it.

use super::naming::QEMU_SHARE;
use super::ranges::MachineRange;
use crate::qemu::{DEVICES, Device, MachineType, device_by_name};
use serde::{Serialize, Serializer};
use std::fmt;

/// A compat ROM on a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Romfile {
    /// The folder that it is installed in.
    pub folder: String,
    /// Its file name.
    pub name: String,
}

impl Romfile {
    /// A ROM in the folder that every QEMU searches.
    #[must_use]
    pub fn shared(name: String) -> Self {
        Self {
            folder: QEMU_SHARE.to_owned(),
            name,
        }
    }

    /// Its absolute path.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }
}

impl fmt::Display for Romfile {
    /// What the property `romfile` of a device must say: the name where every
    /// QEMU searches the folder, else the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.folder != QEMU_SHARE {
            write!(f, "{}/", self.folder)?;
        }
        f.write_str(&self.name)
    }
}

impl Serialize for Romfile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A device with the compat ROM that it is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MappedDevice {
    /// Its class, which is also its name for `-device`.
    pub device: String,
    /// The compat ROM.
    pub romfile: Romfile,
}

impl MappedDevice {
    /// Whether it is a display adapter: of an option for one, QEMU warns where
    /// a guest lacks it, so that such an option stands in a comment.
    #[must_use]
    pub fn is_display(&self) -> bool {
        device_by_name(&self.device).is_some_and(Device::is_display)
    }
}

/// The devices that are told compat ROMs in some machine types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The machine types that it is for; without a range, those in which a
    /// device has today's default ROM.
    pub range: Option<MachineRange>,
    /// The devices.
    pub devices: Vec<MappedDevice>,
}

impl Mapping {
    /// The mappings of a package: of each range one, else one for all.
    pub(super) fn all(
        of_roms: Vec<MappedDevice>,
        ranges: &[MachineRange],
        folder: &str,
    ) -> Vec<Self> {
        if ranges.is_empty() {
            return vec![Self {
                range: None,
                devices: of_roms,
            }];
        }
        let of_range = |range: &MachineRange| {
            let place = |name: &str| DEVICES.iter().position(|device| device.name == name);
            let devices = range.devices.iter();
            let mut devices: Vec<MappedDevice> = devices
                .map(|(device, rom)| mapped(device, folder, rom))
                .collect();
            devices.sort_by_key(|mapped| place(&mapped.device).unwrap_or(usize::MAX));
            Self {
                range: Some(range.clone()),
                devices,
            }
        };
        ranges.iter().map(of_range).collect()
    }

    /// The name of its file for `-readconfig`; none where no device is told
    /// anything.
    #[must_use]
    pub fn readconfig(&self) -> Option<&str> {
        match &self.range {
            Some(range) => range.readconfig.as_deref(),
            None => (!self.devices.is_empty()).then_some("romfiles.cfg"),
        }
    }

    /// What a device of this machine type is told.
    #[must_use]
    pub fn of_device(&self, device: &Device, machine: MachineType) -> Option<&MappedDevice> {
        let is_for = match &self.range {
            Some(range) => machine.version.is_some_and(|v| range.contains(v)),
            None => device.romfile_on(Some(machine)) == Some(device.romfile),
        };
        let mut devices = self.devices.iter().filter(|_| is_for);
        devices.find(|mapped| mapped.device == device.name)
    }

    /// The same with the ROMs in another folder, as far as they are not found
    /// by their names.
    #[must_use]
    pub fn moved_to(&self, folder: &str) -> Self {
        let mut moved = self.clone();
        let devices = moved.devices.iter_mut();
        for mapped in devices.filter(|mapped| mapped.romfile.folder != QEMU_SHARE) {
            folder.clone_into(&mut mapped.romfile.folder);
        }
        moved
    }
}

/// A device that is told a ROM in a folder.
pub(super) fn mapped(device: &str, folder: &str, rom: &str) -> MappedDevice {
    MappedDevice {
        device: device.to_owned(),
        romfile: Romfile {
            folder: folder.to_owned(),
            name: rom.to_owned(),
        },
    }
}
