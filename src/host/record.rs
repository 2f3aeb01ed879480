//! The files of a host as they were collected from it: the answer of `inspect`.

use super::{Files, Found, base_name};
use crate::rom::BarSize;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// The ROMs of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRoms {
    names: BTreeMap<String, BarSize>,
    paths: BTreeMap<String, BarSize>,
    folders: BTreeSet<String>,
}

/// Why a document is no record of a host.
#[derive(Debug, Error)]
pub enum RecordError {
    /// It is damaged, or of another kind.
    #[error("{document}: {source}")]
    Json {
        /// The document.
        document: &'static str,
        /// What is wrong with it, and where.
        source: serde_json::Error,
    },
    /// It is of another schema.
    #[error("{document} has schema_version {found}, and this release reads {read}")]
    Schema {
        /// The document.
        document: &'static str,
        /// The version that it has.
        found: u32,
        /// The version that is read.
        read: u32,
    },
}

/// Reads a document whose schema has this version.
///
/// # Errors
/// [`RecordError`] for any other text.
pub fn read_document<'a, T: Deserialize<'a>>(
    document: &'static str,
    read: u32,
    text: &'a [u8],
    version: impl Fn(&T) -> u32,
) -> Result<T, RecordError> {
    let value =
        serde_json::from_slice(text).map_err(|source| RecordError::Json { document, source })?;
    match version(&value) {
        found if found == read => Ok(value),
        found => Err(RecordError::Schema {
            document,
            found,
            read,
        }),
    }
}

/// What is read of the answer of `inspect`.
#[derive(Deserialize)]
struct RomsDocument {
    schema_version: u32,
    roms: Vec<RomEntry>,
}

#[derive(Deserialize)]
struct RomEntry {
    name: String,
    #[serde(default)]
    other_names: Vec<String>,
    #[serde(default)]
    input: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    package: Option<String>,
    bar: Bar,
}

/// The size of a BAR as a document says it, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Bar(pub BarSize);

impl<'de> Deserialize<'de> for Bar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = u64::deserialize(deserializer)?;
        let bar = BarSize::of_rom(bytes).filter(|bar| bar.bytes() == bytes);
        bar.map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{bytes} is no size of a ROM BAR, a power of two up to 2 GiB"
            ))
        })
    }
}

impl HostRoms {
    /// Reads the answer of `inspect --format json` of a host. Of ROMs with one
    /// name the first counts, for QEMU takes the one from the folder that it
    /// searches first.
    ///
    /// # Errors
    /// [`RecordError`] for what is no such answer.
    pub fn read(schema: u32, text: &[u8]) -> Result<Self, RecordError> {
        let version = |document: &RomsDocument| document.schema_version;
        let document = read_document("roms.json", schema, text, version)?;
        Ok(Self::of(document.roms))
    }

    fn of(entries: Vec<RomEntry>) -> Self {
        let mut roms = Self::default();
        // QEMU does not look into the folders below those that it searches.
        let mut inputs: Vec<String> = Vec::new();
        let mut order = Vec::new();
        for entry in entries {
            let known = inputs.iter().position(|input| *input == entry.input);
            let input = known.unwrap_or(inputs.len());
            if known.is_none() {
                inputs.push(entry.input.clone());
            }
            order.push(((input, entry.path.matches('/').count()), entry));
        }
        order.sort_by_key(|(place, _)| *place);
        for (_, entry) in order {
            let Bar(bar) = entry.bar;
            let base = entry.input.rsplit('/').next();
            if entry.package.is_some() {
                let path = entry.path.trim_start_matches("./").trim_start_matches('/');
                roms.paths.entry(format!("/{path}")).or_insert(bar);
            } else if entry.input.starts_with('/') && base == Some(&entry.path) {
                roms.paths.entry(entry.input).or_insert(bar);
            } else if entry.input.starts_with('/') {
                let folder = entry.input.trim_end_matches('/');
                let path = format!("{folder}/{}", entry.path);
                roms.paths.entry(path).or_insert(bar);
                roms.folders.insert(format!("{folder}/"));
            }
            for name in entry.other_names.into_iter().chain([entry.name]) {
                roms.names.entry(name).or_insert(bar);
            }
        }
        roms
    }
}

impl Files for HostRoms {
    /// A path that is in no folder that was looked into is not known, nor one
    /// that may be a link.
    fn find(&self, file: &str) -> Found {
        let rom = |bar: &BarSize| Found::Rom(bar.bytes(), *bar);
        if !file.starts_with('/') {
            return self.names.get(file).map_or(Found::Missing, rom);
        }
        if let Some(bar) = self.paths.get(file) {
            return rom(bar);
        }
        let was_looked_into = self.folders.iter().any(|folder| file.starts_with(folder));
        match was_looked_into && !self.names.contains_key(base_name(file)) {
            true => Found::Missing,
            false => Found::NotKnown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(bytes: u64) -> Found {
        Found::Rom(bytes, BarSize::of_rom(bytes).unwrap())
    }

    fn roms(entries: &[(&str, &str, u64)]) -> HostRoms {
        let entry = |(input, path, bar): &(&str, &str, u64)| {
            let name = path.rsplit('/').next().unwrap();
            format!(r#"{{"name": "{name}", "input": "{input}", "path": "{path}", "bar": {bar}}}"#)
        };
        let entries: Vec<String> = entries.iter().map(entry).collect();
        let text = format!(
            r#"{{"schema_version": 1, "roms": [{}]}}"#,
            entries.join(",")
        );
        HostRoms::read(1, text.as_bytes()).unwrap()
    }

    #[test]
    fn the_folder_that_qemu_searches_first_counts() {
        let roms = roms(&[
            ("/one", "a/x.rom", 1024),
            ("/one", "x.rom", 2048),
            ("/two", "x.rom", 4096),
        ]);
        assert_eq!(roms.find("x.rom"), bar(2048));
        assert_eq!(roms.find("/two/x.rom"), bar(4096));
        assert_eq!(roms.find("y.rom"), Found::Missing);
    }

    #[test]
    fn a_path_is_another_file_than_one_of_its_name() {
        let roms = roms(&[("/one", "x.rom", 1024), ("/srv/y.rom", "y.rom", 2048)]);
        assert_eq!(roms.find("/srv/x.rom"), Found::NotKnown);
        assert_eq!(roms.find("/one/z.rom"), Found::Missing);
        assert_eq!(roms.find("/srv/y.rom"), bar(2048));
        assert_eq!(
            roms.find("/one/sub/x.rom"),
            Found::NotKnown,
            "it may be a link"
        );
    }
}
