//! What is to be said of a fleet.

use super::{Fleet, HostRecord, Move};
use crate::finding::{Code, Finding, counted};
use std::collections::BTreeMap;

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
            findings.push(Finding::new(one.code, subject, found, required));
        }
        for guest in &host.guests {
            let Some(uuid) = &guest.uuid else { continue };
            if let Some(first) = seen.insert(uuid, &host.name) {
                findings.push(Finding::new(
                    Code::GuestTwice,
                    guest.name.clone(),
                    format!("{first} and {} define the guest {uuid}", host.name),
                    "a guest belongs to one host",
                ));
            }
        }
    }
    for one in &fleet.moves {
        findings.extend(move_findings(one));
    }
    findings
}

/// A host that is left out of a fleet, because its record cannot be read.
#[must_use]
pub fn host_incomplete(name: &str, why: String) -> Finding {
    let required = "roms.json by `inspect --format json` and guests.json by `guests --format json`";
    Finding::new(Code::HostIncomplete, name, why, required)
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
        Finding::new(code, &*subject, found, required)
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
#[must_use]
pub fn numbers(numbers: &[usize]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_a_run() {
        assert_eq!(numbers(&[]), "");
        assert_eq!(numbers(&[1, 3, 4, 5, 7, 8]), "1, 3-5, 7-8");
    }
}
