//! Which guests of a fleet can go where.

use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, Text};
use crate::finding::{Finding, counted};
use crate::fleet::{Fleet, numbers};
use serde::Serialize;

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
    pub fn text(&self, colour: Colour) -> Text {
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
        let mut text = classes.text();
        text.blank();
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
            text.add(moves.text());
            text.blank();
        }
        let hosts = fleet.classes.iter().map(|class| class.hosts.len()).sum();
        let not_known = match fleet.not_known {
            0 => String::new(),
            count => format!(", of {count} it is not known"),
        };
        text.line(format_args!(
            "{}, {}, {} cannot go everywhere{not_known}",
            counted(hosts, "host"),
            counted(fleet.guests, "guest"),
            fleet.refused
        ));
        text
    }
}
