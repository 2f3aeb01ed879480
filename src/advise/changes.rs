//! New definitions of guests: with compat ROMs named or no longer named, with a
//! newer machine type, and judged again.

use super::{JudgedGuest, Sides, Upgrade, WantedMachine};
use crate::finding::{Code, Finding};
use crate::guest::{Block, machine_of};
use crate::host::MachineTypes;
use crate::judge::Judged;
use crate::libvirt::{Domain, DomainError, pin, set_machine, unpin};
use crate::qemu::MachineType;
use crate::rom::BarSize;
use serde::Serialize;
use std::fmt;

/// What shall become of definitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WantedChange {
    /// What becomes of the compat ROMs that are named.
    pub pins: Pins,
    /// The machine type that guests shall have.
    pub machine: Option<WantedMachine>,
}

/// What becomes of the compat ROMs that definitions name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pins {
    /// They stay.
    #[default]
    Keep,
    /// Each card that would break is told its own.
    Add,
    /// They go.
    Remove,
}

/// The definition that takes the place of a guest's.
#[derive(Debug, Clone)]
pub struct NewDefinition {
    /// The definition.
    pub text: String,
    /// How many cards would break and no longer do.
    pub cured: usize,
    /// What is reported of it.
    pub row: ChangedGuest,
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
    /// The card's kind: `network` or `video`.
    pub kind: &'static str,
    /// Its number among those of its kind, counted from 1.
    pub number: usize,
    /// What it is called.
    #[serde(skip)]
    card: String,
    /// Its model, as libvirt names it.
    pub model: Option<String>,
    /// The ROM that it has now, if it has one.
    pub rom_before: Option<String>,
    /// The BAR of that, where it is known.
    pub bar_before: Option<BarSize>,
    /// The ROM that it gets, if it gets one.
    pub rom_after: Option<String>,
    /// The BAR of that on the new host, where it is known.
    pub bar_after: Option<BarSize>,
}

impl CardChange {
    /// What the next start on the new host changes for a card. A compat ROM has
    /// the BAR that the card had.
    fn new(
        block: &Block,
        judged: &Judged,
        after: &Block,
        judged_after: &Judged,
        is_cured: bool,
    ) -> Self {
        let bar_before = judged.source.bar();
        let bar_after = match is_cured {
            true => bar_before,
            false => judged_after.destination.bar(),
        };
        Self {
            kind: block.holder.kind(),
            number: block.holder.number(),
            card: format!(
                "{} ({})",
                block.holder,
                block.model.as_deref().unwrap_or("no model")
            ),
            model: block.model.clone(),
            rom_before: block.file().map(str::to_owned),
            bar_before,
            rom_after: after.file().map(str::to_owned),
            bar_after,
        }
    }

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
        let rom = |rom: &Option<String>, bar: Option<BarSize>| match (rom, bar) {
            (None, _) => "no ROM".to_owned(),
            (Some(rom), None) => rom.clone(),
            (Some(rom), Some(bar)) => format!("{rom} ({bar})"),
        };
        write!(
            f,
            "{}: {} before, {} after",
            self.card,
            rom(&self.rom_before, self.bar_before),
            rom(&self.rom_after, self.bar_after)
        )
    }
}

impl NewDefinition {
    /// The changed definition of a guest, where it changes. Of the machine types
    /// of its QEMU those are known. A guest that cannot be given the machine
    /// type that is wanted is a finding.
    ///
    /// # Errors
    /// [`DomainError`] where the new definition cannot be read any more.
    pub fn of(
        guest: &JudgedGuest,
        domain: &Domain<'_>,
        sides: &Sides,
        known: Option<&MachineTypes>,
        wanted: WantedChange,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Self>, DomainError> {
        let mut text = match wanted.pins {
            Pins::Keep => domain.text.to_owned(),
            Pins::Add => {
                let cures = guest.cures.iter().enumerate();
                let cures = cures.filter_map(|(number, cure)| Some((number, cure.clone()?)));
                pin(domain, &cures.collect::<Vec<_>>())
            }
            Pins::Remove => unpin(domain, &guest.pins),
        };
        let mut what = Vec::new();
        let upgraded = wanted
            .machine
            .and_then(|wanted| upgraded(guest, known, wanted, &mut what, findings));
        if let Some(machine) = upgraded {
            text = set_machine(&Domain::parse(text.as_bytes())?, &machine.to_string());
        }
        if text == domain.text {
            return Ok(None);
        }
        let domain = Domain::parse(text.as_bytes())?;
        let machine = machine_of(&domain).or(guest.guest.machine);
        let after = sides.judge(&domain, &guest.guest.origin, machine);
        let (mut cards, mut cured) = (Vec::new(), 0_usize);
        for ((block, judged, cure), (after, judged_after, _)) in guest.blocks().zip(after.blocks())
        {
            let is_cured = cure.is_some() && cure == after.file();
            cured = cured.saturating_add(usize::from(is_cured));
            let change = CardChange::new(block, judged, after, judged_after, is_cured);
            if change.is_one() && (upgraded.is_some() || block.file() != after.file()) {
                what.push(change.to_string());
                cards.push(change);
            }
        }
        let row = ChangedGuest {
            name: guest.name().to_owned(),
            what,
            cards,
            file: None,
            is_applied: false,
        };
        drop(domain);
        Ok(Some(Self { text, cured, row }))
    }
}

/// The machine type that a guest gets, with what that means, or a finding where
/// it cannot.
fn upgraded(
    guest: &JudgedGuest,
    known: Option<&MachineTypes>,
    wanted: WantedMachine,
    what: &mut Vec<String>,
    findings: &mut Vec<Finding>,
) -> Option<MachineType> {
    let (machine, is_checked) = match Upgrade::of(guest.guest.machine, known, wanted) {
        Upgrade::Has => return None,
        Upgrade::Cannot { found, required } => {
            findings.push(guest.finding(Code::GuestNotUpgraded, found, required));
            return None;
        }
        Upgrade::To {
            machine,
            is_checked,
        } => (machine, is_checked),
    };
    let from = guest.guest.machine_name.as_deref().unwrap_or("?");
    what.push(format!(
        "{from} becomes {machine} at the next start: the guest sees the hardware of that release, and saved states and snapshots with memory no longer resume"
    ));
    if !is_checked {
        what.push(format!(
            "whether its QEMU has {machine} could not be asked; `--qemu` names one"
        ));
    }
    Some(machine)
}
