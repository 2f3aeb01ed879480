//! Guests, their cards and ROMs, and which of them a new host refuses.

use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, counted, printable};
use crate::finding::{Code, Finding};
use crate::plan::{CardRom, GuestCard, Slot};
use crate::qemu::Verdict;
use crate::rom::BarSize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

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
    /// Its network cards.
    pub cards: Vec<CardRow>,
}

/// A network card of a guest.
#[derive(Debug, Clone, Serialize)]
pub struct CardRow {
    /// Its number among the interfaces, counted from 1.
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

/// A definition that was changed, or would be.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedGuest {
    /// The guest.
    pub name: String,
    /// What changes for it.
    pub what: Vec<String>,
    /// The ROMs that its cards have after the next start, where they are others.
    pub cards: Vec<CardChange>,
    /// The file that has the new definition, if one was written.
    pub file: Option<String>,
    /// Whether libvirt has taken it.
    pub is_applied: bool,
}

/// Another ROM for a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardChange {
    /// The card's number among the interfaces, counted from 1.
    pub number: usize,
    /// Its model, as libvirt names it.
    pub model: Option<String>,
    /// The ROM that it has now, if it has one.
    pub rom_before: Option<String>,
    /// The BAR of that, in bytes, where it is known.
    pub bar_before: Option<u64>,
    /// The ROM that it gets, if it gets one.
    pub rom_after: Option<String>,
    /// The BAR of that on the new host, in bytes, where it is known.
    pub bar_after: Option<u64>,
}

impl CardChange {
    /// Whether the ROM or its size becomes another.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.rom_before != self.rom_after
            || matches!((self.bar_before, self.bar_after), (Some(before), Some(after)) if before != after)
    }
}

impl fmt::Display for CardChange {
    /// `card 1 (vmxnet3): no ROM before, efi-vmxnet3.rom (512K) after`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.model.as_deref().unwrap_or("no model");
        let rom = |rom: &Option<String>, bytes: Option<u64>| match (rom, bytes) {
            (None, _) => "no ROM".to_owned(),
            (Some(rom), None) => rom.clone(),
            (Some(rom), bytes) => format!("{rom} ({})", bar(bytes)),
        };
        write!(
            f,
            "card {} ({model}): {} before, {} after",
            self.number,
            rom(&self.rom_before, self.bar_before),
            rom(&self.rom_after, self.bar_after)
        )
    }
}

impl CardRow {
    /// A card with its BARs in bytes.
    #[must_use]
    pub fn new(
        card: &GuestCard,
        old: Option<u64>,
        new: Option<u64>,
        verdict: Option<Verdict<'_>>,
    ) -> Self {
        let (rom, is_pinned) = match &card.rom {
            CardRom::Off | CardRom::Unknown => (None, false),
            CardRom::Default(name) => (Some((*name).to_owned()), false),
            CardRom::File(path) => (Some(path.clone()), true),
        };
        Self {
            number: card.number.saturating_add(1),
            mac: card.mac.clone(),
            model: card.model.clone(),
            device: card.device.map(|device| device.name),
            slot: card.slot,
            rom,
            is_pinned,
            old,
            new,
            accepted: match verdict {
                None | Some(Verdict::Impossible) => None,
                Some(Verdict::Accepted) => Some(true),
                Some(Verdict::Refused(_)) => Some(false),
            },
            line: match verdict {
                Some(Verdict::Refused(refusal)) => Some(refusal.line(&card.ram_block())),
                _ => None,
            },
            cure: None,
        }
    }

    /// What to do where the card would break and `--pin` leaves it alone.
    const fn by_hand(&self) -> Option<&'static str> {
        match (&self.cure, self.is_pinned) {
            (Some(_), _) => None,
            (None, true) => Some(
                "Give the file the same size on both hosts (`pad`), or take it out of the definition; `--pin` leaves files alone that a guest names itself.",
            ),
            (None, false) => Some(
                "The `<rom>` of the card stands in the way of `--pin`: leave one `<rom>` without a file in the definition, or none, and pin the guest then.",
            ),
        }
    }

    fn reason(&self) -> String {
        let rom = self.rom.as_deref().unwrap_or("ROM");
        format!("{rom} {} to {}", bar(self.old), bar(self.new))
    }
}

impl GuestRow {
    /// Whether the new host refuses the guest.
    #[must_use]
    pub fn breaks(&self) -> bool {
        self.cards.iter().any(|card| card.accepted == Some(false))
    }

    /// Whether it is not known what the new host says to the guest.
    #[must_use]
    pub fn is_not_judged(&self) -> bool {
        !self.breaks() && self.cards.iter().any(|card| card.accepted.is_none())
    }

    /// A finding about the guest.
    #[must_use]
    pub fn finding(&self, code: Code, found: String, required: String) -> Finding {
        guest_finding(code, &self.name, found, required)
    }

    /// Findings about its cards, where the ROMs of both hosts were given or not.
    #[must_use]
    pub fn findings(&self, has_both_sides: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.cards.is_empty() {
            findings.push(self.finding(
                Code::GuestWithoutCard,
                format!("{} has no interface", self.definition),
                "only cards have ROMs that migrations depend on here".to_owned(),
            ));
        }
        for card in &self.cards {
            let number = card.number;
            let model = card.model.as_deref().unwrap_or("no model");
            if let Some(line) = &card.line {
                let required = match &card.cure {
                    Some(path) => format!("card {number} ({model}) must load {path} there"),
                    None => format!("card {number} ({model}) must have the same BAR there"),
                };
                let found = format!("QEMU will say `{line}`");
                let mut finding = self.finding(Code::GuestWouldBreak, found, required);
                if let Some(next_step) = card.by_hand() {
                    next_step.clone_into(&mut finding.next_step);
                }
                findings.push(finding);
            } else if card.accepted.is_none() && card.device.is_none() && card.rom.is_none() {
                findings.push(self.finding(
                    Code::GuestCardUnknown,
                    format!("card {number} has {}", model_words(card.model.as_deref())),
                    "a model whose ROM is known, or a <rom> element".to_owned(),
                ));
            } else if card.is_pinned && card.accepted.is_none() {
                findings.push(self.finding(
                    Code::GuestRomElsewhere,
                    format!(
                        "card {number} names {}, which is in no set of ROMs that was given",
                        card.rom.as_deref().unwrap_or_default()
                    ),
                    "the file must be on both hosts, with one size".to_owned(),
                ));
            } else if has_both_sides
                && card.accepted.is_none()
                && let Some(rom) = &card.rom
            {
                findings.push(self.finding(
                    Code::GuestRomNotGiven,
                    format!("card {number} ({model}) loads {rom}, whose old size is not known"),
                    "the ROM that the guest was started with decides".to_owned(),
                ));
            }
        }
        findings
    }
}

fn model_words(model: Option<&str>) -> String {
    model.map_or("no model".to_owned(), |model| {
        format!("the model `{model}`, which is not known")
    })
}

/// A finding about a guest, or about a file that should be one.
#[must_use]
pub fn guest_finding(code: Code, subject: &str, found: String, required: String) -> Finding {
    Finding::new(code, subject, found, required)
}

impl GuestsReport {
    /// A report of these guests.
    #[must_use]
    pub fn new(
        guests: Vec<GuestRow>,
        changes: Vec<ChangedGuest>,
        blocked_by: Vec<Code>,
        findings: Vec<Finding>,
    ) -> Self {
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
            not_judged: guests.iter().filter(|guest| guest.is_not_judged()).count(),
            guests,
            reasons,
            changes,
            blocked_by,
            findings,
        }
    }

    /// The cards in a table, a summary, and what was changed.
    #[must_use]
    pub fn text(&self, colour: Colour) -> String {
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
        let mut text = String::new();
        if self.guests.iter().any(|guest| !guest.cards.is_empty()) {
            text.push_str(&columns.text());
            text.push('\n');
        }
        let _ = write!(
            text,
            "{}, {} would break",
            counted(self.guests.len(), "guest"),
            self.breaking
        );
        let _ = match self.not_judged {
            0 => writeln!(text),
            count => writeln!(text, ", {count} not judged"),
        };
        for (reason, count) in &self.reasons {
            let _ = writeln!(text, "  {count} by {reason}");
        }
        for change in &self.changes {
            let _ = write!(text, "\n{}: ", printable(&change.name));
            let _ = match (&change.file, change.is_applied) {
                (_, true) => writeln!(text, "changed in libvirt"),
                (Some(file), false) => writeln!(text, "written to {file}"),
                (None, false) if self.blocked_by.is_empty() => {
                    writeln!(text, "would be changed (--out FOLDER writes it)")
                }
                (None, false) => writeln!(text, "would be changed"),
            };
            for what in &change.what {
                let _ = writeln!(text, "  {}", printable(what));
            }
        }
        if !self.blocked_by.is_empty() {
            let codes: Vec<String> = self.blocked_by.iter().map(Code::to_string).collect();
            let _ = writeln!(
                text,
                "\nnothing was written because of {}",
                codes.join(", ")
            );
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
