//! Which guests of a fleet can go where.

use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, counted, guest_finding};
use crate::finding::{Code, Finding};
use crate::plan::{Fleet, HostRecord};
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

/// Findings about a fleet: guests that two hosts have, and moves that fail.
#[must_use]
pub fn fleet_findings(hosts: &[HostRecord], fleet: &Fleet) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for host in hosts {
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
    for one in fleet.moves.iter().filter(|one| one.refused > 0) {
        let reasons: Vec<String> = one
            .reasons
            .iter()
            .map(|(reason, count)| format!("{reason} ({count})"))
            .collect();
        findings.push(guest_finding(
            Code::GuestCannotGo,
            &format!("hosts of class {} to class {}", one.from, one.to),
            format!(
                "{} of {} refused: {}",
                one.refused,
                counted(one.guests, "guest"),
                reasons.join(", ")
            ),
            "each ROM must have the same BAR there".to_owned(),
        ));
    }
    findings
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

    /// The classes, and a row for each pair of them.
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
        let headings = ["From", "To", ">Guests", ">Refused", "Because of"];
        let mut moves = Columns::new(&headings, colour);
        for one in &fleet.moves {
            let reasons: Vec<&str> = one.reasons.keys().map(String::as_str).collect();
            moves.row([
                plain(one.from),
                plain(one.to),
                plain(one.guests),
                match one.refused {
                    0 => ("0".to_owned(), Tone::Good),
                    refused => (refused.to_string(), Tone::Bad),
                },
                plain(reasons.join(", ")),
            ]);
        }
        let mut text = format!("{}\n{}\n", classes.text(), moves.text());
        let hosts = fleet.classes.iter().map(|class| class.hosts.len()).sum();
        let _ = writeln!(
            text,
            "{}, {}, {} cannot go everywhere",
            counted(hosts, "host"),
            counted(fleet.guests, "guest"),
            fleet.refused.len()
        );
        text
    }
}
