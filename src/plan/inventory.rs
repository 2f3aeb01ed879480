//! Guests and ROMs of many hosts: which guests can go where.
//!
//! Hosts with the same ROMs are one class, and so are guests that need the same
//! ROMs: each pair of classes is judged once.

use crate::qemu::{RamBlockSize, RomAt, Verdict, verdict};
use crate::rom::BarSize;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What was collected from one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRecord {
    /// Its name.
    pub name: String,
    /// The BAR of each ROM by its names, in bytes.
    pub roms: BTreeMap<String, u64>,
    /// Its guests.
    pub guests: Vec<GuestRecord>,
}

/// A guest of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestRecord {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: Option<String>,
    /// The ROMs that its cards load, with their BARs in bytes where those are
    /// known.
    pub needs: Needs,
}

/// ROM files, each with the BAR that a host must give it.
pub type Needs = BTreeSet<(String, Option<u64>)>;

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
    bar: u64,
}

/// What is read of the answer of `guests`.
#[derive(Deserialize)]
struct GuestsDocument {
    schema_version: u32,
    guests: Vec<GuestEntry>,
}

#[derive(Deserialize)]
struct GuestEntry {
    name: String,
    uuid: Option<String>,
    cards: Vec<CardEntry>,
}

#[derive(Deserialize)]
struct CardEntry {
    rom: Option<String>,
    old: Option<u64>,
}

impl HostRecord {
    /// Reads the answers of `inspect --format json` and `guests --format json`
    /// of a host.
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
        let mut bars = BTreeMap::new();
        for rom in roms.roms {
            for name in rom.other_names.into_iter().chain([rom.name]) {
                bars.insert(name, rom.bar);
            }
        }
        let record = |guest: GuestEntry| {
            let need = |card: CardEntry| {
                let rom = file_name(&card.rom?).to_owned();
                let bar = card.old.or_else(|| bars.get(&rom).copied());
                Some((rom, bar))
            };
            GuestRecord {
                name: guest.name,
                uuid: guest.uuid,
                needs: guest.cards.into_iter().filter_map(need).collect(),
            }
        };
        let guests = guests.guests.into_iter().map(record).collect();
        Ok(Self {
            name: name.to_owned(),
            roms: bars,
            guests,
        })
    }
}

fn document<'a, T: Deserialize<'a>>(file: &str, text: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| format!("{file}: {error}"))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Which guests can go where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fleet {
    /// Hosts with the same ROMs.
    pub classes: Vec<HostClass>,
    /// For each pair of classes, in order, what becomes of the guests.
    pub moves: Vec<Move>,
    /// The guests that some class refuses.
    pub refused: Vec<RefusedGuest>,
    /// How many guests there are.
    pub guests: usize,
}

/// Hosts with the same ROMs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostClass {
    /// Its number, counted from 1.
    pub number: usize,
    /// The hosts.
    pub hosts: Vec<String>,
    /// How many guests they have.
    pub guests: usize,
}

/// The guests of one class of hosts on their way to another, or to another host
/// of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Number of the class that they come from.
    pub from: usize,
    /// Number of the class that they go to.
    pub to: usize,
    /// How many they are.
    pub guests: usize,
    /// How many are refused.
    pub refused: usize,
    /// How many of them for which reason.
    pub reasons: BTreeMap<String, usize>,
}

/// A guest that cannot go everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedGuest {
    /// Its host.
    pub host: String,
    /// Its name.
    pub guest: String,
    /// Numbers of the classes that refuse it.
    pub refused_by: Vec<usize>,
}

impl Fleet {
    /// Judges every guest against every class of hosts.
    #[must_use]
    pub fn of(hosts: &[HostRecord]) -> Self {
        let mut by_roms: BTreeMap<&BTreeMap<String, u64>, Vec<&HostRecord>> = BTreeMap::new();
        for host in hosts {
            by_roms.entry(&host.roms).or_default().push(host);
        }
        let mut classes: Vec<_> = by_roms.into_iter().collect();
        classes.sort_by_key(|(_, hosts)| hosts.first().map(|host| &host.name));
        let rows: Vec<HostClass> = classes
            .iter()
            .zip(1..)
            .map(|((_, hosts), number)| HostClass {
                number,
                hosts: hosts.iter().map(|host| host.name.clone()).collect(),
                guests: hosts.iter().map(|host| host.guests.len()).sum(),
            })
            .collect();
        let roms: Vec<_> = classes.iter().map(|(roms, _)| *roms).collect();
        // Each set of needs with what each class says to it.
        let mut answers: BTreeMap<&Needs, Vec<Vec<String>>> = BTreeMap::new();
        let mut moves = Vec::new();
        let mut refused = Vec::new();
        for ((_, hosts), from) in classes.iter().zip(1..) {
            let guests = hosts.iter().flat_map(|host| {
                let of_host = host.guests.iter();
                of_host.map(move |guest| (&host.name, guest))
            });
            let mut to_each: Vec<Move> = (1..=roms.len())
                .map(|to| Move {
                    from,
                    to,
                    guests: 0,
                    refused: 0,
                    reasons: BTreeMap::new(),
                })
                .collect();
            for (host, guest) in guests {
                let of_needs = answers.entry(&guest.needs).or_insert_with(|| {
                    let roms = roms.iter();
                    roms.map(|roms| reasons(&guest.needs, roms)).collect()
                });
                let mut refused_by = Vec::new();
                for (row, reasons) in to_each.iter_mut().zip(&*of_needs) {
                    row.guests = row.guests.saturating_add(1);
                    if reasons.is_empty() {
                        continue;
                    }
                    refused_by.push(row.to);
                    row.refused = row.refused.saturating_add(1);
                    for reason in reasons {
                        let count = row.reasons.entry(reason.clone()).or_default();
                        *count = count.saturating_add(1);
                    }
                }
                if !refused_by.is_empty() {
                    refused.push(RefusedGuest {
                        host: host.clone(),
                        guest: guest.name.clone(),
                        refused_by,
                    });
                }
            }
            moves.extend(to_each);
        }
        Self {
            guests: rows.iter().map(|class| class.guests).sum(),
            classes: rows,
            moves,
            refused,
        }
    }
}

/// Why hosts with these ROMs refuse a guest; nothing where they take it.
fn reasons(needs: &Needs, roms: &BTreeMap<String, u64>) -> Vec<String> {
    let block = |bytes: u64| BarSize::of_rom(bytes).map(RamBlockSize::of_bar);
    let mut reasons = Vec::new();
    for (rom, bar) in needs {
        let there = roms.get(rom);
        let Some(bar) = bar else {
            if there.is_none() {
                reasons.push(format!("{rom} is missing"));
            }
            continue;
        };
        let destination = match there.and_then(|bar| block(*bar)) {
            Some(size) => RomAt::Block(size),
            None => RomAt::Missing(rom),
        };
        let Some(source) = block(*bar) else { continue };
        let label = |bytes: u64| {
            BarSize::of_rom(bytes).map_or_else(|| bytes.to_string(), |bar| bar.to_string())
        };
        if let Verdict::Refused(_) = verdict(RomAt::Block(source), destination) {
            reasons.push(match there {
                Some(other) => format!("{rom} {} to {}", label(*bar), label(*other)),
                None => format!("{rom} is missing"),
            });
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, bar: u64, guests: &str) -> HostRecord {
        let roms = format!(
            r#"{{"schema_version": 1, "roms": [{{"name": "efi-virtio.rom", "other_names": [], "bar": {bar}, "more": 1}}]}}"#
        );
        let guests = format!(r#"{{"schema_version": 1, "guests": [{guests}]}}"#);
        HostRecord::read(name, 1, roms.as_bytes(), guests.as_bytes()).unwrap()
    }

    const VIRTIO: &str =
        r#"{"name": "web", "uuid": null, "cards": [{"rom": "efi-virtio.rom", "old": null}]}"#;
    const PINNED: &str =
        r#"{"name": "own", "uuid": null, "cards": [{"rom": "/x/own.rom", "old": null}]}"#;
    const NONE: &str = r#"{"name": "bare", "uuid": null, "cards": []}"#;

    #[test]
    fn guests_go_where_the_sizes_are_the_same() {
        let guests = format!("{VIRTIO},{NONE}");
        let fleet = Fleet::of(&[
            host("a", 262_144, &guests),
            host("b", 524_288, NONE),
            host("c", 262_144, VIRTIO),
        ]);
        let hosts: Vec<_> = fleet.classes.iter().map(|class| &*class.hosts).collect();
        assert_eq!(hosts, [&["a", "c"][..], &["b"]]);
        let moves: Vec<_> = fleet
            .moves
            .iter()
            .map(|one| (one.from, one.to, one.guests, one.refused))
            .collect();
        assert_eq!(
            moves,
            [(1, 1, 3, 0), (1, 2, 3, 2), (2, 1, 1, 0), (2, 2, 1, 0)]
        );
        assert_eq!(fleet.moves[1].reasons["efi-virtio.rom 256K to 512K"], 2);
        assert_eq!(fleet.refused.len(), 2);
        assert_eq!(fleet.refused[0].refused_by, [2]);
    }

    #[test]
    fn a_file_of_the_guests_own_must_be_there() {
        let fleet = Fleet::of(&[host("a", 262_144, PINNED)]);
        assert_eq!(fleet.moves[0].reasons["own.rom is missing"], 1);
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
}
