//! What was collected from one host: its ROMs, and what its guests need.

use crate::finding::Code;
use crate::guest::{Block, Held, RomChoice};
use crate::host::{Bar, Files, Host, HostRoms, RecordError, read_document};
use crate::judge::Presence;
use serde::Deserialize;
use std::collections::BTreeSet;

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

/// What a card needs of a host: the ROM that it loads, and the block that this
/// makes on the host of its guest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The block of this ROM.
    Rom(RomChoice, Presence),
    /// It is not known what, for this reason.
    Unknown(String),
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

impl HostRecord {
    /// Reads the answers of `inspect --format json` and `guests --format json`
    /// of a host.
    ///
    /// # Errors
    /// [`RecordError`] for what are no such answers.
    pub fn read(name: &str, schema: u32, roms: &[u8], guests: &[u8]) -> Result<Self, RecordError> {
        let roms = HostRoms::read(schema, roms)?;
        let version = |document: &GuestsDocument| document.schema_version;
        let guests = read_document("guests.json", schema, guests, version)?;
        let files: [&dyn Files; 1] = [&roms];
        let host = Host::new(&files);
        let record = |guest: GuestEntry| GuestRecord {
            name: guest.name,
            uuid: guest.uuid,
            needs: guest
                .cards
                .into_iter()
                .filter_map(|card| card.need(&host))
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

impl CardEntry {
    /// What it needs of a host; nothing where it has no ROM.
    fn need(self, host: &Host<'_>) -> Option<Need> {
        let Some(rom) = self.rom else {
            if self.accepted.is_some() {
                return None;
            }
            return Some(Need::Unknown(match self.model {
                Some(model) => format!("the model `{model}` is not known"),
                None => "a card has no model".to_owned(),
            }));
        };
        let held = self.old.map_or(Held::ByFile, |Bar(bar)| Held::Bar(bar));
        let block = Block {
            held,
            ..Block::of_rom(RomChoice::File(rom))
        };
        let source = Presence::at_source(&block, host);
        Some(Need::Rom(block.rom, source))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_are_cut_or_of_another_release_are_refused() {
        let good = br#"{"schema_version": 1, "roms": [], "guests": []}"#;
        let read = |roms: &[u8], guests: &[u8]| {
            HostRecord::read("a", 1, roms, guests)
                .unwrap_err()
                .to_string()
        };
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
            let error = error.to_string();
            let wanted = format!("roms.json: {bytes} is no size of a ROM BAR");
            assert!(error.starts_with(&wanted), "{error}");
            assert!(error.contains("at line 2 column"), "{error}");
        }
        let guests = br#"{"schema_version": 1, "guests": [{"name": "a", "cards": [{"old": 3}]}]}"#;
        let error = HostRecord::read("a", 1, good, guests).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("guests.json: 3 is no size"), "{error}");
    }
}
