//! What was collected from one host: its ROMs, and what its guests need.

use crate::finding::Code;
use crate::rom::BarSize;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

/// What was collected from one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRecord {
    /// Its name.
    pub name: String,
    /// Its ROMs.
    pub roms: HostRoms,
    /// Its guests, and its definitions that cannot be read.
    pub guests: Vec<GuestRecord>,
    /// What `guests` found that keeps a guest from being judged.
    pub findings: Vec<CarriedFinding>,
}

/// A guest of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestRecord {
    /// Its name; of a definition that cannot be read, where it stands.
    pub name: String,
    /// Its UUID.
    pub uuid: Option<String>,
    /// What its cards need.
    pub needs: Needs,
}

/// What a guest needs of a host.
pub type Needs = BTreeSet<Need>;

/// What a card needs of a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A ROM with this BAR, where that is known.
    Rom(RomFileName, Option<BarSize>),
    /// It is not known what, for this reason.
    Unknown(String),
}

/// A ROM as QEMU is told it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RomFileName {
    /// A file that QEMU searches for.
    Searched(String),
    /// An absolute path.
    Path(String),
}

/// A finding of `guests` about a guest of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedFinding {
    /// Its code.
    pub code: Code,
    /// The guest, or its definition.
    pub subject: String,
    /// What was found.
    pub found: String,
    /// What is required.
    pub required: String,
}

/// The ROMs of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRoms {
    names: BTreeMap<String, BarSize>,
    paths: BTreeMap<String, BarSize>,
    folders: BTreeSet<String>,
}

/// What a host has in the place of a ROM file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A ROM with this BAR.
    Bar(BarSize),
    /// Nothing.
    Missing,
    /// It was not looked at.
    NotKnown,
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

/// What is read of the answer of `guests`.
#[derive(Deserialize)]
struct GuestsDocument {
    schema_version: u32,
    guests: Vec<GuestEntry>,
    #[serde(default)]
    findings: Vec<FindingEntry>,
}

#[derive(Deserialize)]
struct GuestEntry {
    name: String,
    uuid: Option<String>,
    cards: Vec<CardEntry>,
}

#[derive(Deserialize)]
struct CardEntry {
    model: Option<String>,
    rom: Option<String>,
    old: Option<Bar>,
    accepted: Option<bool>,
}

#[derive(Deserialize)]
struct FindingEntry {
    code: String,
    subject: String,
    found: String,
    required: String,
}

/// The size of a BAR as a document says it, in bytes.
struct Bar(BarSize);

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

impl HostRecord {
    /// Reads the answers of `inspect --format json` and `guests --format json`
    /// of a host. Of ROMs with one name the first counts, for QEMU takes the one
    /// from the folder that it searches first.
    ///
    /// # Errors
    /// What is wrong with them, in words: the document and the place in it.
    pub fn read(name: &str, schema: u32, roms: &[u8], guests: &[u8]) -> Result<Self, String> {
        let roms: RomsDocument = document("roms.json", roms)?;
        let guests: GuestsDocument = document("guests.json", guests)?;
        for (file, found) in [
            ("roms.json", roms.schema_version),
            ("guests.json", guests.schema_version),
        ] {
            if found != schema {
                return Err(format!(
                    "{file} has schema_version {found}, and this release reads {schema}"
                ));
            }
        }
        let roms = HostRoms::of(roms.roms);
        let record = |guest: GuestEntry| GuestRecord {
            name: guest.name,
            uuid: guest.uuid,
            needs: guest
                .cards
                .into_iter()
                .filter_map(|card| card.need(&roms))
                .collect(),
        };
        let mut records: Vec<GuestRecord> = guests.guests.into_iter().map(record).collect();
        let findings: Vec<CarriedFinding> = guests
            .findings
            .into_iter()
            .filter_map(FindingEntry::carried)
            .collect();
        let unreadable = findings
            .iter()
            .filter(|one| one.code == Code::GuestUnreadable);
        records.extend(unreadable.map(|one| GuestRecord {
            name: one.subject.clone(),
            uuid: None,
            needs: Needs::from([Need::Unknown("a definition cannot be read".to_owned())]),
        }));
        Ok(Self {
            name: name.to_owned(),
            roms,
            guests: records,
            findings,
        })
    }
}

fn document<'a, T: Deserialize<'a>>(file: &str, text: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| format!("{file}: {error}"))
}

impl CardEntry {
    /// What it needs of a host; nothing where it has no ROM.
    fn need(self, roms: &HostRoms) -> Option<Need> {
        let Some(rom) = self.rom else {
            if self.accepted.is_some() {
                return None;
            }
            return Some(Need::Unknown(match self.model {
                Some(model) => format!("the model `{model}` is not known"),
                None => "a card has no model".to_owned(),
            }));
        };
        let rom = match rom.starts_with('/') {
            true => RomFileName::Path(rom),
            false => RomFileName::Searched(rom),
        };
        let bar = match (self.old, roms.find(&rom)) {
            (Some(Bar(bar)), _) | (None, Found::Bar(bar)) => Some(bar),
            _ => None,
        };
        Some(Need::Rom(rom, bar))
    }
}

impl FindingEntry {
    fn carried(self) -> Option<CarriedFinding> {
        let code: Code = self.code.parse().ok()?;
        let keeps = matches!(
            code,
            Code::GuestCardUnknown | Code::GuestMachineUnknown | Code::GuestUnreadable
        );
        keeps.then_some(CarriedFinding {
            code,
            subject: self.subject,
            found: self.found,
            required: self.required,
        })
    }
}

impl HostRoms {
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

    /// What the host has in the place of a ROM file. A path that is in no folder
    /// that was looked into is not known, nor one that may be a link.
    #[must_use]
    pub fn find(&self, rom: &RomFileName) -> Found {
        match rom {
            RomFileName::Searched(name) => match self.names.get(name) {
                Some(bar) => Found::Bar(*bar),
                None => Found::Missing,
            },
            RomFileName::Path(path) => {
                if let Some(bar) = self.paths.get(path) {
                    return Found::Bar(*bar);
                }
                let base = path.rsplit('/').next().unwrap_or(path);
                let was_looked_into = self.folders.iter().any(|folder| path.starts_with(folder));
                match was_looked_into && !self.names.contains_key(base) {
                    true => Found::Missing,
                    false => Found::NotKnown,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(bytes: u64) -> Found {
        Found::Bar(BarSize::of_rom(bytes).unwrap())
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
        let guests = br#"{"schema_version": 1, "guests": []}"#;
        HostRecord::read("a", 1, text.as_bytes(), guests)
            .unwrap()
            .roms
    }

    #[test]
    fn the_folder_that_qemu_searches_first_counts() {
        let roms = roms(&[
            ("/one", "a/x.rom", 1024),
            ("/one", "x.rom", 2048),
            ("/two", "x.rom", 4096),
        ]);
        assert_eq!(
            roms.find(&RomFileName::Searched("x.rom".to_owned())),
            bar(2048)
        );
        assert_eq!(
            roms.find(&RomFileName::Path("/two/x.rom".to_owned())),
            bar(4096)
        );
    }

    #[test]
    fn a_path_is_another_file_than_one_of_its_name() {
        let roms = roms(&[("/one", "x.rom", 1024), ("/srv/y.rom", "y.rom", 2048)]);
        let find = |path: &str| roms.find(&RomFileName::Path(path.to_owned()));
        assert_eq!(find("/srv/x.rom"), Found::NotKnown);
        assert_eq!(find("/one/z.rom"), Found::Missing);
        assert_eq!(find("/srv/y.rom"), bar(2048));
        assert_eq!(find("/one/sub/x.rom"), Found::NotKnown, "it may be a link");
    }

    #[test]
    fn documents_that_are_cut_or_of_another_release_are_refused() {
        let good = br#"{"schema_version": 1, "roms": [], "guests": []}"#;
        let read = |roms: &[u8], guests: &[u8]| HostRecord::read("a", 1, roms, guests).unwrap_err();
        assert!(read(&good[..20], good).starts_with("roms.json: EOF while parsing"));
        let newer = br#"{"schema_version": 2, "guests": []}"#;
        assert_eq!(
            read(good, newer),
            "guests.json has schema_version 2, and this release reads 1"
        );
    }

    #[test]
    fn sizes_that_no_bar_has_are_refused_with_their_place() {
        let good = br#"{"schema_version": 1, "roms": [], "guests": []}"#;
        for bytes in [0, 300_000, u64::MAX] {
            let text = format!(
                "{{\"schema_version\": 1, \"roms\": [\n{{\"name\": \"a\", \"bar\": {bytes}}}]}}"
            );
            let error = HostRecord::read("a", 1, text.as_bytes(), good).unwrap_err();
            let wanted = format!("roms.json: {bytes} is no size of a ROM BAR");
            assert!(error.starts_with(&wanted), "{error}");
            assert!(error.contains("at line 2 column"), "{error}");
        }
        let guests = br#"{"schema_version": 1, "guests": [{"name": "a", "cards": [{"old": 3}]}]}"#;
        let error = HostRecord::read("a", 1, good, guests).unwrap_err();
        assert!(error.starts_with("guests.json: 3 is no size"), "{error}");
    }
}
