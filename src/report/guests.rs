//! Guests, their cards and ROMs, and which of them a new host refuses.

use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, Text};
use crate::advise::{ChangedGuest, JudgedGuest};
use crate::finding::{Code, Finding, counted};
use crate::guest::{Block, Slot};
use crate::judge::{Answer, Judged, Presence};
use crate::rom::BarSize;
use serde::Serialize;
use std::collections::BTreeMap;

/// The answer of `guests`.
#[derive(Debug, Serialize)]
pub struct GuestsReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The guests.
    pub guests: Vec<GuestRow>,
    /// How many of them the new host refuses.
    pub breaking: usize,
    /// Of how many more it is not known whether it takes them.
    pub not_judged: usize,
    /// How many guests each change of a ROM breaks.
    pub reasons: BTreeMap<String, usize>,
    /// The definitions that were changed, or would be.
    pub changes: Vec<ChangedGuest>,
    /// Codes of the findings with which nothing was written.
    pub blocked_by: Vec<Code>,
    /// What is wrong or noteworthy.
    pub findings: Vec<Finding>,
}

/// A guest.
#[derive(Debug, Clone, Serialize)]
pub struct GuestRow {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: Option<String>,
    /// Where its definition stands.
    pub definition: String,
    /// Its machine type, as the definition says it.
    pub machine: Option<String>,
    /// The machine type that an alias stands for.
    pub resolved_machine: Option<String>,
    /// Its network cards, and its video cards after them.
    pub cards: Vec<CardRow>,
}

/// A card of a guest.
#[derive(Debug, Clone, Serialize)]
pub struct CardRow {
    /// Its kind: `network` or `video`.
    pub kind: &'static str,
    /// Its number among those of its kind, counted from 1.
    pub number: usize,
    /// Its MAC address.
    pub mac: Option<String>,
    /// Its model, as libvirt names it.
    pub model: Option<String>,
    /// The device that it becomes.
    pub device: Option<&'static str>,
    /// Where it is plugged in.
    pub slot: Slot,
    /// Name of the ROM file that it loads, or the path that the guest names.
    pub rom: Option<String>,
    /// Whether the guest names it.
    pub is_pinned: bool,
    /// The BAR that it has, in bytes.
    pub old: Option<u64>,
    /// The BAR that it would get on the new host, in bytes.
    pub new: Option<u64>,
    /// Whether the new host takes it; none where that is not known.
    pub accepted: Option<bool>,
    /// What QEMU says where it does not.
    pub line: Option<String>,
    /// The ROM that makes the guest migratable, if it is pinned to it.
    pub cure: Option<String>,
}

impl CardRow {
    fn new(block: &Block, judged: &Judged, cure: Option<&str>) -> Self {
        let bytes = |presence: &Presence| presence.bar().map(BarSize::bytes);
        Self {
            kind: block.holder.kind(),
            number: block.holder.number(),
            mac: block.mac.clone(),
            model: block.model.clone(),
            device: block.device().map(|device| device.name),
            slot: block.slot,
            rom: block.file().map(str::to_owned),
            is_pinned: block.is_pinned(),
            old: bytes(&judged.source),
            new: bytes(&judged.destination),
            accepted: match &judged.answer {
                Answer::Accepted => Some(true),
                answer if answer.is_refused() => Some(false),
                _ => None,
            },
            line: judged.answer.line().map(str::to_owned),
            cure: cure.map(str::to_owned),
        }
    }

    fn reason(&self) -> String {
        let rom = self.rom.as_deref().unwrap_or("ROM");
        format!("{rom} {} to {}", bar(self.old), bar(self.new))
    }
}

impl From<&JudgedGuest> for GuestRow {
    fn from(judged: &JudgedGuest) -> Self {
        let guest = &judged.guest;
        let machine = guest.machine.map(|machine| machine.to_string());
        let blocks = judged.blocks();
        Self {
            name: judged.name().to_owned(),
            uuid: guest.uuid.clone(),
            definition: guest.origin.clone(),
            resolved_machine: machine.filter(|name| Some(name) != guest.machine_name.as_ref()),
            machine: guest.machine_name.clone(),
            cards: blocks
                .map(|(block, judged, cure)| CardRow::new(block, judged, cure))
                .collect(),
        }
    }
}

impl GuestRow {
    fn breaks(&self) -> bool {
        self.cards.iter().any(|card| card.accepted == Some(false))
    }
}

impl GuestsReport {
    /// A report of these guests.
    #[must_use]
    pub fn new(
        guests: &[&JudgedGuest],
        changes: Vec<ChangedGuest>,
        blocked_by: Vec<Code>,
        findings: Vec<Finding>,
    ) -> Self {
        let not_judged = guests.iter().filter(|guest| guest.is_not_judged()).count();
        let guests: Vec<GuestRow> = guests.iter().map(|guest| GuestRow::from(*guest)).collect();
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for guest in &guests {
            let mut of_guest: Vec<String> = guest
                .cards
                .iter()
                .filter(|card| card.accepted == Some(false))
                .map(CardRow::reason)
                .collect();
            of_guest.sort();
            of_guest.dedup();
            for reason in of_guest {
                let count = reasons.entry(reason).or_default();
                *count = count.saturating_add(1);
            }
        }
        Self {
            schema_version: SCHEMA_VERSION,
            breaking: guests.iter().filter(|guest| guest.breaks()).count(),
            not_judged,
            guests,
            reasons,
            changes,
            blocked_by,
            findings,
        }
    }

    /// The cards in a table, a summary, and what was changed.
    #[must_use]
    pub fn text(&self, colour: Colour) -> Text {
        let headings = [
            "Guest", "Machine", "Card", "Slot", "ROM", ">Old", ">New", "Verdict",
        ];
        let mut columns = Columns::new(&headings, colour);
        for guest in &self.guests {
            let machine = match (&guest.machine, &guest.resolved_machine) {
                (Some(alias), Some(machine)) => format!("{alias} = {machine}"),
                (machine, _) => machine.clone().unwrap_or_default(),
            };
            for card in &guest.cards {
                columns.row([
                    plain(&guest.name),
                    plain(&machine),
                    plain(card.model.as_deref().unwrap_or("-")),
                    plain(slot_words(card.slot)),
                    plain(card.rom.as_deref().unwrap_or("-")),
                    plain(bar(card.old)),
                    plain(bar(card.new)),
                    match card.accepted {
                        None => plain("-"),
                        Some(true) => ("accepted".to_owned(), Tone::Good),
                        Some(false) => ("refused".to_owned(), Tone::Bad),
                    },
                ]);
            }
        }
        let mut text = Text::new();
        if self.guests.iter().any(|guest| !guest.cards.is_empty()) {
            text.add(columns.text());
            text.blank();
        }
        let not_judged = match self.not_judged {
            0 => String::new(),
            count => format!(", {count} not judged"),
        };
        text.line(format_args!(
            "{}, {} would break{not_judged}",
            counted(self.guests.len(), "guest"),
            self.breaking
        ));
        for (reason, count) in &self.reasons {
            text.line(format_args!("  {count} by {reason}"));
        }
        for change in &self.changes {
            let done = match (&change.file, change.is_applied) {
                (_, true) => "changed in libvirt".to_owned(),
                (Some(file), false) => format!("written to {file}"),
                (None, false) if self.blocked_by.is_empty() => {
                    "would be changed (--out FOLDER writes it)".to_owned()
                }
                (None, false) => "would be changed".to_owned(),
            };
            text.blank();
            text.line(format_args!("{}: {done}", change.name));
            for what in &change.what {
                text.line(format_args!("  {}", what));
            }
        }
        if !self.blocked_by.is_empty() {
            let codes: Vec<String> = self.blocked_by.iter().map(Code::to_string).collect();
            text.blank();
            text.line(format_args!(
                "nothing was written because of {}",
                codes.join(", ")
            ));
        }
        text
    }
}

fn bar(bytes: Option<u64>) -> String {
    let bar = bytes.and_then(BarSize::of_rom);
    bar.map_or("-".to_owned(), |bar| bar.to_string())
}

const fn slot_words(slot: Slot) -> &'static str {
    match slot {
        Slot::Pci => "pci.0",
        Slot::PcieRoot => "pcie.0",
        Slot::PciePort => "port",
        Slot::PciBridge => "bridge",
        Slot::NotPci => "no PCI",
        Slot::Unknown => "-",
    }
}
