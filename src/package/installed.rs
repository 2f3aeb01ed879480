//! What a compat package puts on a host: its ROMs and how devices reach them.

use crate::deb::{BinaryPackage, DebError, VisitError};
use crate::romset::{self, InputError};
use serde::Deserialize;
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
    /// The file for `-readconfig`.
    pub readconfig: String,
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
}

#[derive(Debug, Deserialize)]
struct ReadRom {
    name: String,
    devices: Vec<String>,
}

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
        let readconfig_path = format!("{share}/romfiles.cfg");
        let mut manifest = None;
        let mut readconfig = String::new();
        let visit = |entry: &crate::deb::tar_entries::Entry, content: &mut dyn Read| {
            let fail = |source| InstalledError::Text {
                path: entry.path.clone(),
                source,
            };
            let mut text = String::new();
            if entry.path == manifest_path || entry.path == readconfig_path {
                content
                    .take(LONGEST_TEXT)
                    .read_to_string(&mut text)
                    .map_err(fail)?;
            }
            if entry.path == manifest_path {
                manifest = Some(text);
            } else if entry.path == readconfig_path {
                readconfig = text;
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
            readconfig,
        })
    }
}
