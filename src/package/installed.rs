//! What a compat package puts on a host: its ROMs and how devices reach them.

use crate::deb::tar_entries::Entry;
use crate::deb::{BinaryPackage, DebError, VisitError};
use crate::emit;
use crate::plan::{Manifest, ManifestError};
use crate::romset::{self, InputError};
use std::collections::BTreeMap;
use std::io::{self, Read};
use thiserror::Error;

/// A compat package that `build` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPackage {
    /// What it says of itself.
    pub manifest: Manifest,
    /// File name and content of each ROM.
    pub files: Vec<(String, Vec<u8>)>,
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
    /// Its manifest is wrong.
    #[error("{path}: {source}")]
    Manifest {
        /// The path in the package.
        path: String,
        /// Why.
        source: ManifestError,
    },
    /// A file for `-readconfig` that its manifest does not stand for.
    #[error("{path} does not say what manifest.json says; build the package again")]
    OtherMapping {
        /// The path in the package.
        path: String,
    },
}

impl InstalledPackage {
    /// Reads a package that `build` made.
    ///
    /// # Errors
    /// [`InstalledError`] for any other package.
    pub fn read(bytes: &[u8]) -> Result<Self, InstalledError> {
        let package = BinaryPackage::read(bytes)?;
        let folder = format!("usr/share/{}/", package.control().package());
        let mut texts = texts_in(&package, &folder)?;
        let path = format!("{folder}manifest.json");
        let Some(text) = texts.remove("manifest.json") else {
            return Err(InstalledError::NoManifest(path));
        };
        let manifest =
            Manifest::parse(&text).map_err(|source| InstalledError::Manifest { path, source })?;
        for mapping in manifest.mappings() {
            let Some(name) = mapping.readconfig() else {
                continue;
            };
            let written = texts.get(name).map_or("", String::as_str);
            if !sections(written).eq(sections(&emit::readconfig(&mapping))) {
                let path = format!("{folder}{name}");
                return Err(InstalledError::OtherMapping { path });
            }
        }
        let roms = romset::read("package", bytes.to_vec())?.roms;
        Ok(Self {
            manifest,
            files: roms
                .iter()
                .map(|rom| (rom.name().to_owned(), rom.bytes().to_vec()))
                .collect(),
        })
    }
}

/// The manifest and the files for `-readconfig` in a folder, by their names.
fn texts_in(
    package: &BinaryPackage<'_>,
    folder: &str,
) -> Result<BTreeMap<String, String>, InstalledError> {
    let mut texts = BTreeMap::new();
    let visit = |entry: &Entry, content: &mut dyn Read| {
        let Some(name) = entry.path.strip_prefix(folder) else {
            return Ok(());
        };
        let is_ours = name == "manifest.json" || name.ends_with(".cfg");
        if !is_ours || texts.len() >= MOST_TEXTS {
            return Ok(());
        }
        let mut text = String::new();
        let read = content.take(Manifest::LONGEST).read_to_string(&mut text);
        read.map_err(|source| InstalledError::Text {
            path: entry.path.clone(),
            source,
        })?;
        texts.insert(name.to_owned(), text);
        Ok(())
    };
    package
        .for_each_entry(visit)
        .map_err(|error: VisitError<InstalledError>| match error {
            VisitError::Deb(error) => error.into(),
            VisitError::Visitor(error) => error,
        })?;
    Ok(texts)
}

/// How many texts are read: more than there are versions of machine types.
const MOST_TEXTS: usize = 100;

/// The lines of a file for `-readconfig` that say something.
fn sections(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}
