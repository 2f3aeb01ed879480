//! Guests and ROMs of many hosts: which guests can go where.
//!
//! Hosts that give the guests of the fleet the same ROMs are one class, and so
//! are guests that need the same ROMs: each pair of classes is judged once.

mod findings;
mod record;

pub use findings::{fleet_findings, host_incomplete, numbers};
pub use record::{CarriedFinding, GuestRecord, HostRecord, Need, Needs};

use crate::guest::{Block, RomChoice};
use crate::host::{Files, Found, Host, HostRoms};
use crate::judge::{Answer, Cause, Judged, Reason, judge_from};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which guests can go where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fleet {
    /// Hosts with the same ROMs, as far as guests need them.
    pub classes: Vec<HostClass>,
    /// The ways on which guests are refused, or may be.
    pub moves: Vec<Move>,
    /// The guests that some class refuses, or may refuse.
    pub held: Vec<HeldGuests>,
    /// How many guests there are.
    pub guests: usize,
    /// How many of them some class refuses.
    pub refused: usize,
    /// Of how many more it is not known whether every class takes them.
    pub not_known: usize,
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

/// The guests of one class of hosts on their way to others, or to another host
/// of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Number of the class that they come from.
    pub from: usize,
    /// Numbers of the classes that all say this to them.
    pub to: Vec<usize>,
    /// What they say.
    #[serde(flatten)]
    pub answer: MoveAnswer,
}

/// What a class of hosts says to the guests of another.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MoveAnswer {
    /// How many guests there are.
    pub guests: usize,
    /// How many are refused.
    pub refused: usize,
    /// Of how many more it is not known.
    pub not_known: usize,
    /// How many of them for which reason.
    pub reasons: BTreeMap<String, usize>,
}

/// Guests of one class that need the same, and cannot or may not go everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldGuests {
    /// Number of the class that they are on.
    pub from: usize,
    /// The guests.
    pub guests: Vec<HeldGuest>,
    /// Numbers of the classes that refuse them.
    pub refused_by: Vec<usize>,
    /// Numbers of the classes of which it is not known.
    pub not_known_by: Vec<usize>,
}

/// A guest and its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldGuest {
    /// Its host.
    pub host: String,
    /// Its name.
    pub guest: String,
}

/// What a class of hosts has of the ROMs that guests need; what is not there is
/// as for a host without ROMs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ClassRoms<'a>(BTreeMap<&'a str, Found>);

impl Files for ClassRoms<'_> {
    fn find(&self, file: &str) -> Found {
        let found = self.0.get(file).copied();
        found.unwrap_or_else(|| without_roms(file))
    }
}

/// What a class says to a guest: why it refuses it, else why it is not known.
#[derive(Debug, Default)]
struct ClassAnswer {
    refused: Vec<String>,
    not_known: Vec<String>,
}

impl Fleet {
    /// Judges every guest against every class of hosts.
    #[must_use]
    pub fn of(hosts: &[HostRecord]) -> Self {
        let mut needed: BTreeSet<&str> = BTreeSet::new();
        for need in hosts
            .iter()
            .flat_map(|host| &host.guests)
            .flat_map(|guest| &guest.needs)
        {
            if let Need::Rom(RomChoice::File(file), _) = need {
                needed.insert(file);
            }
        }
        let mut by_roms: BTreeMap<ClassRoms<'_>, Vec<&HostRecord>> = BTreeMap::new();
        for host in hosts {
            by_roms
                .entry(class_roms(&host.roms, &needed))
                .or_default()
                .push(host);
        }
        let mut classes: Vec<_> = by_roms.into_iter().collect();
        classes.sort_by_key(|(_, hosts)| hosts.first().map(|host| &host.name));
        let mut fleet = Self {
            classes: Vec::new(),
            moves: Vec::new(),
            held: Vec::new(),
            guests: 0,
            refused: 0,
            not_known: 0,
        };
        // Each set of needs with what each class says to it.
        let mut answers: BTreeMap<&Needs, Vec<ClassAnswer>> = BTreeMap::new();
        for ((_, hosts), number) in classes.iter().zip(1..) {
            let mut by_needs: BTreeMap<&Needs, Vec<HeldGuest>> = BTreeMap::new();
            for host in hosts {
                for guest in &host.guests {
                    by_needs.entry(&guest.needs).or_default().push(HeldGuest {
                        host: host.name.clone(),
                        guest: guest.name.clone(),
                    });
                }
            }
            let guests = by_needs.values().map(Vec::len).sum();
            fleet.classes.push(HostClass {
                number,
                hosts: hosts.iter().map(|host| host.name.clone()).collect(),
                guests,
            });
            fleet.guests = fleet.guests.saturating_add(guests);
            let mut to_each: Vec<MoveAnswer> =
                classes.iter().map(|_| MoveAnswer::of(guests)).collect();
            for (needs, guests) in by_needs {
                let of_needs = answers.entry(needs).or_insert_with(|| {
                    classes
                        .iter()
                        .map(|(roms, _)| ClassAnswer::to(needs, roms))
                        .collect()
                });
                fleet.hold(number, guests, of_needs, &mut to_each);
            }
            let mut grouped: BTreeMap<MoveAnswer, Vec<usize>> = BTreeMap::new();
            for (answer, to) in to_each.into_iter().zip(1..) {
                if answer.refused > 0 || answer.not_known > 0 {
                    grouped.entry(answer).or_default().push(to);
                }
            }
            let mut moves: Vec<Move> = grouped
                .into_iter()
                .map(|(answer, to)| Move {
                    from: number,
                    to,
                    answer,
                })
                .collect();
            moves.sort_by(|one, other| one.to.cmp(&other.to));
            fleet.moves.extend(moves);
        }
        fleet
    }

    /// Counts guests that need the same, and keeps those that some class does
    /// not take.
    fn hold(
        &mut self,
        from: usize,
        guests: Vec<HeldGuest>,
        answers: &[ClassAnswer],
        to_each: &mut [MoveAnswer],
    ) {
        let count = guests.len();
        let (mut refused_by, mut not_known_by) = (Vec::new(), Vec::new());
        for ((answer, row), to) in answers.iter().zip(to_each).zip(1..) {
            let (by, rows, reasons) = if !answer.refused.is_empty() {
                (&mut refused_by, &mut row.refused, &answer.refused)
            } else if !answer.not_known.is_empty() {
                (&mut not_known_by, &mut row.not_known, &answer.not_known)
            } else {
                continue;
            };
            by.push(to);
            *rows = rows.saturating_add(count);
            for reason in reasons {
                let sum = row.reasons.entry(reason.clone()).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        if !refused_by.is_empty() {
            self.refused = self.refused.saturating_add(count);
        } else if !not_known_by.is_empty() {
            self.not_known = self.not_known.saturating_add(count);
        } else {
            return;
        }
        self.held.push(HeldGuests {
            from,
            guests,
            refused_by,
            not_known_by,
        });
    }
}

impl MoveAnswer {
    fn of(guests: usize) -> Self {
        Self {
            guests,
            ..Self::default()
        }
    }
}

fn class_roms<'a>(roms: &HostRoms, needed: &BTreeSet<&'a str>) -> ClassRoms<'a> {
    let found = needed.iter().map(|file| (*file, roms.find(file)));
    ClassRoms(
        found
            .filter(|(file, found)| *found != without_roms(file))
            .collect(),
    )
}

/// What is said of a host of which no ROM is known.
fn without_roms(file: &str) -> Found {
    match file.starts_with('/') {
        true => Found::NotKnown,
        false => Found::Missing,
    }
}

impl ClassAnswer {
    /// What hosts with these ROMs say to a guest.
    fn to(needs: &Needs, roms: &ClassRoms<'_>) -> Self {
        let files: [&dyn Files; 1] = [roms];
        let host = Host::new(&files);
        let mut answer = Self::default();
        for need in needs {
            let (rom, source) = match need {
                Need::Unknown(why) => {
                    answer.not_known.push(why.clone());
                    continue;
                }
                Need::Rom(rom, source) => (rom, source),
            };
            let block = Block::of_rom(rom.clone());
            let judged = judge_from(source.clone(), &block, &host);
            let name = block.file().unwrap_or_default();
            match &judged.answer {
                Answer::Accepted => {}
                Answer::Refused(refused) => {
                    answer.refused.push(reason(name, refused.cause, &judged));
                }
                Answer::NotJudged(why) => answer.not_known.push(why_not(name, why)),
            }
        }
        answer
    }
}

fn reason(name: &str, cause: Cause, judged: &Judged) -> String {
    match (cause, judged.source.bar(), judged.destination.bar()) {
        (Cause::SizeMismatch, Some(from), Some(to)) => format!("{name} {from} to {to}"),
        _ => format!("{name} is missing"),
    }
}

fn why_not(name: &str, why: &Reason) -> String {
    match why {
        Reason::SourceLacks(_) => {
            format!("the size of {name} on the guest's host is not known")
        }
        Reason::NeitherHas(_) => format!("{name} is on neither host"),
        _ => format!("{name} was not inspected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, bar: u64, guests: &str) -> HostRecord {
        let roms = format!(
            r#"{{"schema_version": 1, "roms": [
            {{"name": "efi-virtio.rom", "other_names": [], "input": "/usr/share/qemu", "path": "efi-virtio.rom", "bar": {bar}, "more": 1}},
            {{"name": "only-{name}.rom", "input": "/usr/share/qemu", "path": "only-{name}.rom", "bar": 512}}]}}"#
        );
        let guests = format!(r#"{{"schema_version": 1, "guests": [{guests}]}}"#);
        HostRecord::read(name, 1, roms.as_bytes(), guests.as_bytes()).unwrap()
    }

    const VIRTIO: &str =
        r#"{"name": "web", "uuid": null, "cards": [{"rom": "efi-virtio.rom", "old": null}]}"#;
    const NONE: &str = r#"{"name": "bare", "uuid": null, "cards": []}"#;

    fn with_card(card: &str) -> String {
        format!(r#"{{"name": "own", "uuid": null, "cards": [{card}]}}"#)
    }

    fn moves(fleet: &Fleet) -> Vec<(usize, &[usize], usize, usize)> {
        let moves = fleet.moves.iter();
        moves
            .map(|one| (one.from, &*one.to, one.answer.refused, one.answer.not_known))
            .collect()
    }

    #[test]
    fn guests_go_where_the_sizes_are_the_same() {
        let guests = format!("{VIRTIO},{NONE}");
        let fleet = Fleet::of(&[
            host("a", 262_144, &guests),
            host("b", 524_288, NONE),
            host("c", 262_144, VIRTIO),
            host("d", 1_048_576, NONE),
        ]);
        // The ROMs that no guest needs make no class.
        let hosts: Vec<_> = fleet.classes.iter().map(|class| &*class.hosts).collect();
        assert_eq!(hosts, [&["a", "c"][..], &["b"], &["d"]]);
        assert_eq!(moves(&fleet), [(1, &[2][..], 2, 0), (1, &[3], 2, 0)]);
        let reasons = &fleet.moves[0].answer.reasons;
        assert_eq!(reasons["efi-virtio.rom 256K to 512K"], 2);
        assert_eq!((fleet.guests, fleet.refused, fleet.not_known), (5, 2, 0));
        assert_eq!(fleet.held.len(), 1);
        assert_eq!(fleet.held[0].guests.len(), 2);
        assert_eq!(fleet.held[0].refused_by, [2, 3]);
    }

    #[test]
    fn classes_that_say_the_same_are_one_move() {
        let small = with_card(r#"{"rom": "efi-virtio.rom", "old": 131072}"#);
        let other = with_card(r#"{"rom": "/usr/share/qemu/only-c.rom", "old": 512}"#);
        let fleet = Fleet::of(&[
            host("a", 131_072, &small),
            host("b", 262_144, NONE),
            host("c", 262_144, &other),
        ]);
        assert_eq!(fleet.classes.len(), 3);
        assert_eq!(moves(&fleet)[0], (1, &[2, 3][..], 1, 0));
    }

    #[test]
    fn a_file_of_the_guests_own_is_not_the_one_of_its_name() {
        let own = with_card(r#"{"rom": "/srv/own/efi-virtio.rom", "old": 262144}"#);
        let fleet = Fleet::of(&[host("a", 262_144, &own)]);
        assert_eq!(moves(&fleet), [(1, &[1][..], 0, 1)]);
        let reasons = &fleet.moves[0].answer.reasons;
        assert_eq!(reasons["/srv/own/efi-virtio.rom was not inspected"], 1);
        let ours = with_card(r#"{"rom": "/usr/share/qemu/compat.rom", "old": 262144}"#);
        let fleet = Fleet::of(&[host("a", 262_144, &ours)]);
        assert_eq!(moves(&fleet), [(1, &[1][..], 1, 0)]);
        let reasons = &fleet.moves[0].answer.reasons;
        assert_eq!(reasons["/usr/share/qemu/compat.rom is missing"], 1);
    }

    #[test]
    fn what_is_not_known_of_a_guest_is_no_yes() {
        let unknown = with_card(r#"{"model": "made-up", "rom": null, "accepted": null}"#);
        let off = with_card(r#"{"model": "igb", "rom": null, "accepted": true}"#);
        let fleet = Fleet::of(&[host("a", 262_144, &format!("{unknown},{off}"))]);
        assert_eq!(moves(&fleet), [(1, &[1][..], 0, 1)]);
        assert_eq!((fleet.refused, fleet.not_known), (0, 1));

        let guests = br#"{"schema_version": 1, "guests": [], "findings": [
            {"code": "RC537", "subject": "/x.xml", "found": "cut", "required": "all of it"},
            {"code": "RC536", "subject": "a", "found": "no card", "required": "one"}]}"#;
        let roms = br#"{"schema_version": 1, "roms": []}"#;
        let host = HostRecord::read("a", 1, roms, guests).unwrap();
        assert_eq!(host.findings.len(), 1);
        let fleet = Fleet::of(&[host]);
        assert_eq!((fleet.guests, fleet.not_known), (1, 1));
        assert_eq!(fleet.held[0].guests[0].guest, "/x.xml");
    }
}
