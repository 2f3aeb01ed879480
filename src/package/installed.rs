//! What a compat package puts on a host: its ROMs and how devices reach them.

use crate::deb::{BinaryPackage, DebError, VisitError};
use crate::qemu::QemuVersion;
use crate::romset::{self, InputError};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{self, Read};
use thiserror::Error;

/// The ROMs of a compat package, and what tells devices to load them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledMapping {
    /// The folder in which the ROMs are installed.
    pub install_dir: String,
    /// File name and content of each ROM.
    pub files: Vec<(String, Vec<u8>)>,
    /// Each device with the name of its ROM.
    pub devices: Vec<(String, String)>,
    /// The file for `-readconfig`; empty where ranges have their own.
    pub readconfig: String,
    /// The mappings of ranges of machine types; empty where all have the same.
    pub ranges: Vec<InstalledRange>,
}

/// The mapping of a range of machine types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledRange {
    /// The newest version that does not belong to it, if any is older.
    pub after: Option<QemuVersion>,
    /// The newest version that belongs to it.
    pub up_to: QemuVersion,
    /// Each device with the name of its ROM.
    pub devices: Vec<(String, String)>,
    /// The file for `-readconfig`.
    pub readconfig: String,
}

impl InstalledRange {
    /// Whether machine types of this version belong to it.
    #[must_use]
    pub fn contains(&self, version: QemuVersion) -> bool {
        version <= self.up_to && self.after.is_none_or(|after| version > after)
    }
}

/// Why a package is no compat package.
#[derive(Debug, Error)]
pub enum InstalledError {
    /// It cannot be read.
    #[error(transparent)]
    Package(#[from] DebError),
    /// Its ROMs cannot be read.
    #[error(transparent)]
    Roms(#[from] InputError),
    /// A text in it cannot be read.
    #[error("{path}: {source}")]
    Text {
        /// The path in the package.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It has no manifest.
    #[error("it has no {0}, so it is no package that `romcompat build` made")]
    NoManifest(String),
    /// Its manifest cannot be understood.
    #[error("{path}: {source}")]
    Manifest {
        /// The path in the package.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// What is read of `manifest.json`.
#[derive(Debug, Deserialize)]
struct ReadManifest {
    install_dir: String,
    roms: Vec<ReadRom>,
    #[serde(default)]
    ranges: Vec<ReadRange>,
}

#[derive(Debug, Deserialize)]
struct ReadRange {
    after: Option<QemuVersion>,
    up_to: QemuVersion,
    readconfig: Option<String>,
    devices: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct ReadRom {
    name: String,
    devices: Vec<String>,
}

/// How many mappings are read: more than there are versions of machine types.
const MOST_READCONFIGS: usize = 100;

/// The longest manifest or mapping that is read, in bytes.
const LONGEST_TEXT: u64 = 1 << 20;

impl InstalledMapping {
    /// Reads a package that `build` made.
    ///
    /// # Errors
    /// [`InstalledError`] for any other package.
    pub fn of_package(bytes: &[u8]) -> Result<Self, InstalledError> {
        let package = BinaryPackage::read(bytes)?;
        let share = format!("usr/share/{}", package.control().package());
        let manifest_path = format!("{share}/manifest.json");
        let folder = format!("{share}/");
        let mut manifest = None;
        let mut readconfigs: BTreeMap<String, String> = BTreeMap::new();
        let visit = |entry: &crate::deb::tar_entries::Entry, content: &mut dyn Read| {
            let fail = |source| InstalledError::Text {
                path: entry.path.clone(),
                source,
            };
            let Some(name) = entry.path.strip_prefix(&folder) else {
                return Ok(());
            };
            let is_readconfig = name.ends_with(".cfg") && readconfigs.len() < MOST_READCONFIGS;
            if entry.path != manifest_path && !is_readconfig {
                return Ok(());
            }
            let mut text = String::new();
            content
                .take(LONGEST_TEXT)
                .read_to_string(&mut text)
                .map_err(fail)?;
            if is_readconfig {
                readconfigs.insert(name.to_owned(), text);
            } else {
                manifest = Some(text);
            }
            Ok(())
        };
        package
            .for_each_entry(visit)
            .map_err(|error: VisitError<InstalledError>| match error {
                VisitError::Deb(error) => error.into(),
                VisitError::Visitor(error) => error,
            })?;
        let manifest = manifest.ok_or_else(|| InstalledError::NoManifest(manifest_path.clone()))?;
        let manifest: ReadManifest =
            serde_json::from_str(&manifest).map_err(|source| InstalledError::Manifest {
                path: manifest_path,
                source,
            })?;
        let roms = romset::read("package", bytes.to_vec())?.roms;
        let devices = manifest.roms.into_iter().flat_map(|rom| {
            let name = rom.name;
            rom.devices
                .into_iter()
                .map(move |device| (device, name.clone()))
        });
        Ok(Self {
            install_dir: manifest.install_dir,
            files: roms
                .iter()
                .map(|rom| (rom.name().to_owned(), rom.bytes().to_vec()))
                .collect(),
            devices: devices.collect(),
            readconfig: readconfigs.get("romfiles.cfg").cloned().unwrap_or_default(),
            ranges: manifest
                .ranges
                .into_iter()
                .map(|range| InstalledRange {
                    after: range.after,
                    up_to: range.up_to,
                    devices: range.devices.into_iter().collect(),
                    readconfig: range
                        .readconfig
                        .and_then(|name| readconfigs.get(&name).cloned())
                        .unwrap_or_default(),
                })
                .collect(),
        })
    }
}
