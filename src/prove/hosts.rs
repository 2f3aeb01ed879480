//! The folders of an old and a new host, as QEMU finds its ROMs in them.

use super::CannotRun;
use crate::plan::{CompatPlan, x86_ids};
use crate::qemu::{DEVICES, Device, RamBlockSize, RomAt};
use crate::rom::{BarSize, PciIds};
use crate::romset::{RomFile, RomSet};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The compat ROMs that a new host has, and which device is told which.
#[derive(Debug, Clone)]
pub struct CompatRoms {
    /// File name and content of each.
    pub files: Vec<(String, Vec<u8>)>,
    /// Each device with the file name that it is told.
    pub mapping: BTreeMap<&'static str, String>,
    /// A file for `-readconfig` that tells it to all of them, where a path
    /// stands as [`CompatRoms::INSTALL_DIR`].
    pub readconfig: String,
}

impl CompatRoms {
    /// Stands for the folder of the ROMs in [`CompatRoms::readconfig`].
    pub const INSTALL_DIR: &'static str = "@install-dir@";

    /// What a plan ships.
    #[must_use]
    pub fn of(plan: &CompatPlan<'_>, readconfig: &str) -> Self {
        let files = plan.roms.iter();
        let mapping = plan.roms.iter().flat_map(|rom| {
            let devices = rom.devices.iter();
            devices.map(|device| (device.name, rom.name.clone()))
        });
        let installed = format!("{}/", plan.install_dir);
        Self {
            files: files
                .map(|rom| (rom.name.clone(), rom.bytes.clone()))
                .collect(),
            mapping: mapping.collect(),
            readconfig: readconfig.replace(&installed, &format!("{}/", Self::INSTALL_DIR)),
        }
    }

    /// The file that a device is told, with its content.
    #[must_use]
    pub fn of_device(&self, device: &Device) -> Option<(&str, &[u8])> {
        let wanted = self.mapping.get(device.name)?;
        let found = self.files.iter().find(|(name, _)| name == wanted)?;
        Some((&found.0, &found.1))
    }

    /// The ids for which legacy BIOS firmware finds an image in the file that
    /// a device is told.
    #[must_use]
    pub fn boot_ids(&self, device: &Device) -> Vec<PciIds> {
        let file = self.of_device(device);
        let rom = file.and_then(|(_, bytes)| crate::rom::Rom::parse(bytes).ok());
        rom.map(|rom| x86_ids(&rom).collect()).unwrap_or_default()
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
    folder: PathBuf,
}

/// File name of the mapping in the new host's folder.
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
        let hosts = Self {
            old,
            new,
            compat,
            folder: folder.to_owned(),
        };
        let readconfig = compat.readconfig.replace(
            CompatRoms::INSTALL_DIR,
            &hosts.new_folder().to_string_lossy(),
        );
        hosts
            .write_all(&readconfig)
            .map_err(|error| CannotRun(format!("{}: {error}", folder.display())))?;
        Ok(hosts)
    }

    fn write_all(&self, readconfig: &str) -> io::Result<()> {
        for (set, folder) in [(self.old, self.old_folder()), (self.new, self.new_folder())] {
            fs::create_dir(&folder)?;
            for name in default_romfiles() {
                if let Some(file) = set.find(name) {
                    fs::write(folder.join(name), file.bytes())?;
                }
            }
        }
        let new = self.new_folder();
        for (name, bytes) in &self.compat.files {
            fs::write(new.join(name), bytes)?;
        }
        for name in default_romfiles() {
            if let Some(file) = self.old.find(name) {
                let mut bytes = file.bytes().to_vec();
                bytes.iter_mut().skip(64).for_each(|byte| *byte = !*byte);
                fs::write(new.join(format!("{OTHER_CONTENT}{name}")), bytes)?;
            }
        }
        fs::write(self.readconfig(), readconfig)
    }

    /// QEMU's current folder on the old host.
    #[must_use]
    pub fn old_folder(&self) -> PathBuf {
        self.folder.join("old")
    }

    /// QEMU's current folder on the new host.
    #[must_use]
    pub fn new_folder(&self) -> PathBuf {
        self.folder.join("new")
    }

    /// The mapping of the new host, for `-readconfig`.
    #[must_use]
    pub fn readconfig(&self) -> PathBuf {
        self.new_folder().join(READCONFIG)
    }

    /// A ROM on the new host with the size of a device's old ROM.
    #[must_use]
    pub fn other_content(device: &Device) -> String {
        format!("{OTHER_CONTENT}{}", device.romfile)
    }
}

/// A device's default ROM in a set.
pub(super) fn default_rom<'a>(set: &'a RomSet, device: &Device) -> Option<&'a RomFile> {
    set.find(device.romfile)
}

/// A ROM of this BAR on one side of a migration.
pub(super) fn block(bar: BarSize) -> RomAt<'static> {
    RomAt::Block(RamBlockSize::of_bar(bar))
}

fn default_romfiles() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&str> = DEVICES.iter().map(|device| device.romfile).collect();
    names.dedup();
    names.into_iter()
}
