//! The folders of an old and a new host, as QEMU finds its ROMs in them.

use super::{CannotRun, LeftOut, NotTried};
use crate::plan::CompatPlan;
use crate::qemu::{DEVICES, Device, MachineType, RamBlockSize, RomAt, device_by_name};
use crate::rom::BarSize;
use crate::romset::RomSet;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The compat ROMs that a new host has, and which device is told which.
#[derive(Debug, Clone)]
pub struct CompatRoms {
    /// File name and content of each.
    pub files: Vec<(String, Vec<u8>)>,
    /// Each device with the file name that it is told.
    pub mapping: BTreeMap<String, String>,
    /// Options that tell it to all of them, one a line, where a path stands as
    /// [`CompatRoms::INSTALL_DIR`].
    pub globals: String,
    /// A file for `-readconfig` that tells it to all of them, where a path
    /// stands as [`CompatRoms::INSTALL_DIR`].
    pub readconfig: String,
    /// Whether the mapping is for a range of machine types. Others are for the
    /// machine types in which a device has today's default ROM.
    pub is_of_range: bool,
}

impl CompatRoms {
    /// Stands for the folder of the ROMs in a mapping.
    pub const INSTALL_DIR: &'static str = "@install-dir@";

    /// What a plan ships.
    #[must_use]
    pub fn of(plan: &CompatPlan<'_>, readconfig: &str, globals: &str) -> Self {
        let files = plan.roms.iter();
        let mapping = plan.roms.iter().flat_map(|rom| {
            let devices = rom.devices.iter();
            devices.map(|device| (device.name.to_owned(), rom.name.clone()))
        });
        let installed = format!("{}/", plan.install_dir);
        let placed = format!("{}/", Self::INSTALL_DIR);
        Self {
            files: files
                .map(|rom| (rom.name.clone(), rom.bytes.clone()))
                .collect(),
            mapping: mapping.collect(),
            globals: globals.replace(&installed, &placed),
            readconfig: readconfig.replace(&installed, &placed),
            is_of_range: false,
        }
    }

    /// The file that a device of a machine is told, with its content.
    #[must_use]
    pub fn of_device(&self, device: &Device, machine: MachineType) -> Option<(&str, &[u8])> {
        if !self.is_of_range && device.romfile_on(Some(machine)) != Some(device.romfile) {
            return None;
        }
        let wanted = self.mapping.get(device.name)?;
        let found = self.files.iter().find(|(name, _)| name == wanted)?;
        Some((&found.0, &found.1))
    }

    /// The devices of the mapping with which nothing can be tried.
    #[must_use]
    pub fn unknown_devices(&self) -> Vec<LeftOut> {
        let names = self.mapping.keys();
        names
            .filter(|name| device_by_name(name).is_none())
            .map(|name| LeftOut {
                what: NotTried::Migrations,
                device: name.clone(),
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
        write_file(&self.readconfig(), readconfig.as_bytes())
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

    /// The mapping of the new host, as words of a command line for a guest with
    /// this device: the options of other display adapters stay comments.
    #[must_use]
    pub fn globals(&self, device: &Device) -> Vec<String> {
        let folder = self.new_folder();
        let in_comment = format!("# -global {}.romfile=", device.name);
        let lines = self.compat.globals.lines().map(|line| {
            let own = line.strip_prefix("# ");
            own.filter(|_| line.starts_with(&in_comment))
                .unwrap_or(line)
        });
        let options = lines
            .filter(|line| line.starts_with('-'))
            .filter_map(|line| line.split_once(' '));
        options
            .flat_map(|(option, value)| {
                let value = value.replace(CompatRoms::INSTALL_DIR, &folder.to_string_lossy());
                [option.to_owned(), value]
            })
            .collect()
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

/// A ROM of this BAR on one side of a migration.
pub(super) fn block(bar: BarSize) -> RomAt<'static> {
    RomAt::Block(RamBlockSize::of_bar(bar))
}

fn default_romfiles() -> BTreeSet<&'static str> {
    DEVICES.iter().flat_map(Device::romfiles).collect()
}
