//! Which guests of a fleet can go where.

use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, counted, guest_finding};
use crate::finding::{Code, Finding};
use crate::plan::{Fleet, HostRecord, Move};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The answer of `check --inventory`.
#[derive(Debug, Serialize)]
pub struct InventoryReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Classes of hosts, and what becomes of guests between them.
    #[serde(flatten)]
    pub fleet: Fleet,
    /// What is wrong or noteworthy.
    pub findings: Vec<Finding>,
}

/// Findings about a fleet: what is not known of guests, guests that two hosts
/// have, and moves that fail or may fail.
#[must_use]
pub fn fleet_findings(hosts: &[HostRecord], fleet: &Fleet) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for host in hosts {
        for one in &host.findings {
            let subject = format!("{}, {}", host.name, one.subject);
            let (found, required) = (one.found.clone(), one.required.clone());
            findings.push(guest_finding(one.code, &subject, found, required));
        }
        for guest in &host.guests {
            let Some(uuid) = &guest.uuid else { continue };
            if let Some(first) = seen.insert(uuid, &host.name) {
                findings.push(guest_finding(
                    Code::GuestTwice,
                    &guest.name,
                    format!("{first} and {} define the guest {uuid}", host.name),
                    "a guest belongs to one host".to_owned(),
                ));
            }
        }
    }
    for one in &fleet.moves {
        findings.extend(move_findings(one));
    }
    findings
}

fn move_findings(one: &Move) -> Vec<Finding> {
    let answer = &one.answer;
    let reasons: Vec<String> = answer
        .reasons
        .iter()
        .map(|(reason, count)| format!("{reason} ({count})"))
        .collect();
    let subject = format!("hosts of class {} to class {}", one.from, numbers(&one.to));
    let finding = |code, count: usize, what: &str, required: &str| {
        let guests = counted(answer.guests, "guest");
        let found = format!("{count} of {guests} {what}: {}", reasons.join(", "));
        guest_finding(code, &subject, found, required.to_owned())
    };
    let mut findings = Vec::new();
    if answer.refused > 0 {
        let required = "each ROM must have the same BAR there";
        findings.push(finding(
            Code::GuestCannotGo,
            answer.refused,
            "refused",
            required,
        ));
    }
    if answer.not_known > 0 {
        let required = "each ROM of a guest must be known on both hosts";
        findings.push(finding(
            Code::GuestWayNotKnown,
            answer.not_known,
            "not known",
            required,
        ));
    }
    findings
}

/// Numbers that rise, with the runs among them: `1, 3-5`.
fn numbers(numbers: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.saturating_add(1) == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let words = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

impl InventoryReport {
    /// A report of a fleet.
    #[must_use]
    pub const fn new(fleet: Fleet, findings: Vec<Finding>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            fleet,
            findings,
        }
    }

    /// The classes, and a row for each way that some guests cannot or may not go.
    #[must_use]
    pub fn text(&self, colour: Colour) -> String {
        let fleet = &self.fleet;
        let mut classes = Columns::new(&["Class", ">Hosts", ">Guests", "Such as"], colour);
        for class in &fleet.classes {
            classes.row([
                plain(class.number),
                plain(class.hosts.len()),
                plain(class.guests),
                plain(class.hosts.first().map_or("", String::as_str)),
            ]);
        }
        let mut text = format!("{}\n", classes.text());
        let headings = [
            "From",
            "To",
            ">Guests",
            ">Refused",
            ">Not known",
            "Because of",
        ];
        let mut moves = Columns::new(&headings, colour);
        for one in &fleet.moves {
            let answer = &one.answer;
            let reasons: Vec<&str> = answer.reasons.keys().map(String::as_str).collect();
            let count = |count: usize| match count {
                0 => plain("0"),
                count => (count.to_string(), Tone::Bad),
            };
            moves.row([
                plain(one.from),
                plain(numbers(&one.to)),
                plain(answer.guests),
                count(answer.refused),
                count(answer.not_known),
                plain(reasons.join(", ")),
            ]);
        }
        if !fleet.moves.is_empty() {
            let _ = writeln!(text, "{}", moves.text());
        }
        let hosts = fleet.classes.iter().map(|class| class.hosts.len()).sum();
        let _ = write!(
            text,
            "{}, {}, {} cannot go everywhere",
            counted(hosts, "host"),
            counted(fleet.guests, "guest"),
            fleet.refused
        );
        let _ = match fleet.not_known {
            0 => writeln!(text),
            count => writeln!(text, ", of {count} it is not known"),
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_a_run() {
        assert_eq!(numbers(&[]), "");
        assert_eq!(numbers(&[1, 3, 4, 5, 7, 8]), "1, 3-5, 7-8");
    }
}
