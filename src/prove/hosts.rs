//! The folders of an old and a new host, as QEMU finds its ROMs in them.

use super::{CannotRun, LeftOut, NotTried};
use crate::emit;
use crate::plan::{CompatPlan, MappedDevice, Mapping};
use crate::qemu::{DEVICES, Device, MachineType, device_by_name};
use crate::romset::RomSet;
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The compat ROMs that a new host has, and which device is told which.
#[derive(Debug, Clone)]
pub struct CompatRoms {
    /// File name and content of each.
    pub files: Vec<(String, Vec<u8>)>,
    /// What devices are told.
    pub mapping: Mapping,
}

impl CompatRoms {
    /// What a plan for one release ships.
    #[must_use]
    pub fn of(plan: &CompatPlan<'_>) -> Self {
        let files = plan.roms.iter();
        Self {
            files: files
                .map(|rom| (rom.name.clone(), rom.bytes.clone()))
                .collect(),
            mapping: Mapping {
                range: None,
                devices: plan.mapped_devices(),
            },
        }
    }

    /// What a device of a machine is told, with the content of the file.
    #[must_use]
    pub fn of_device(
        &self,
        device: &Device,
        machine: MachineType,
    ) -> Option<(&MappedDevice, &[u8])> {
        let mapped = self.mapping.of_device(device, machine)?;
        let mut files = self.files.iter();
        let (_, bytes) = files.find(|(name, _)| *name == mapped.romfile.name)?;
        Some((mapped, bytes))
    }

    /// The devices of the mapping with which nothing can be tried.
    #[must_use]
    pub fn unknown_devices(&self) -> Vec<LeftOut> {
        let devices = self.mapping.devices.iter();
        let mut names: Vec<&str> = devices.map(|mapped| &*mapped.device).collect();
        names.sort_unstable();
        names.dedup();
        let unknown = names
            .into_iter()
            .filter(|name| device_by_name(name).is_none());
        unknown
            .map(|name| LeftOut {
                what: NotTried::Migrations,
                device: name.to_owned(),
                machine: None,
                why: "it is no device with a default ROM".to_owned(),
            })
            .collect()
    }
}

/// Both hosts: their ROMs, and the folders in which QEMU runs.
#[derive(Debug)]
pub struct Hosts<'a> {
    /// ROMs of the old host.
    pub old: &'a RomSet,
    /// ROMs of the new host.
    pub new: &'a RomSet,
    /// Compat ROMs of the new host.
    pub compat: &'a CompatRoms,
    /// What devices are told, with the ROMs in the new host's folder.
    mapping: Mapping,
    folder: PathBuf,
}

/// The folder of the new host.
const NEW: &str = "new";
/// File name of the mapping in it.
const READCONFIG: &str = "romfiles.cfg";
/// What a ROM of the same size and other content is called.
const OTHER_CONTENT: &str = "other-content.";

impl<'a> Hosts<'a> {
    /// Writes the ROMs of both hosts below `folder`.
    ///
    /// # Errors
    /// [`CannotRun`] where a file cannot be written.
    pub fn write(
        folder: &Path,
        old: &'a RomSet,
        new: &'a RomSet,
        compat: &'a CompatRoms,
    ) -> Result<Self, CannotRun> {
        let new_folder = folder.join(NEW);
        let hosts = Self {
            old,
            new,
            compat,
            mapping: compat.mapping.moved_to(&new_folder.to_string_lossy()),
            folder: folder.to_owned(),
        };
        hosts
            .write_all()
            .map_err(|error| CannotRun(format!("{}: {error}", folder.display())))?;
        Ok(hosts)
    }

    fn write_all(&self) -> io::Result<()> {
        for (set, folder) in [(self.old, self.old_folder()), (self.new, self.new_folder())] {
            make_folder(&folder)?;
            for name in default_romfiles() {
                if let Some(file) = set.find(name) {
                    write_file(&folder.join(name), file.bytes())?;
                }
            }
        }
        let new = self.new_folder();
        for (name, bytes) in &self.compat.files {
            write_file(&new.join(name), bytes)?;
        }
        for name in default_romfiles() {
            if let Some(file) = self.old.find(name) {
                let mut bytes = file.bytes().to_vec();
                bytes.iter_mut().skip(64).for_each(|byte| *byte = !*byte);
                write_file(&new.join(format!("{OTHER_CONTENT}{name}")), &bytes)?;
            }
        }
        write_file(
            &self.readconfig(),
            emit::readconfig(&self.mapping).as_bytes(),
        )
    }

    /// QEMU's current folder on the old host.
    #[must_use]
    pub fn old_folder(&self) -> PathBuf {
        self.folder.join("old")
    }

    /// QEMU's current folder on the new host.
    #[must_use]
    pub fn new_folder(&self) -> PathBuf {
        self.folder.join(NEW)
    }

    /// The mapping of the new host, for `-readconfig`.
    #[must_use]
    pub fn readconfig(&self) -> PathBuf {
        self.new_folder().join(READCONFIG)
    }

    /// What `-global` is given on a command line for a guest with this device:
    /// options of other display adapters are left out.
    #[must_use]
    pub fn globals(&self, device: &Device) -> Vec<String> {
        let devices = self.mapping.devices.iter();
        let is_wanted =
            |mapped: &&MappedDevice| !mapped.is_display() || mapped.device == device.name;
        devices.filter(is_wanted).map(emit::property).collect()
    }

    /// What a device of a machine is told on the new host.
    #[must_use]
    pub fn told(&self, device: &Device, machine: MachineType) -> Option<&MappedDevice> {
        self.compat.of_device(device, machine)?;
        self.mapping.of_device(device, machine)
    }

    /// A ROM on the new host with the size of this ROM on the old one.
    #[must_use]
    pub fn other_content(romfile: &str) -> String {
        format!("{OTHER_CONTENT}{romfile}")
    }
}

/// Makes a folder that its owner can work in, whatever the umask is.
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// Writes a file that its owner can read, whatever the umask is.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.set_permissions(Permissions::from_mode(0o600))
}

fn default_romfiles() -> BTreeSet<&'static str> {
    DEVICES.iter().flat_map(Device::romfiles).collect()
}
