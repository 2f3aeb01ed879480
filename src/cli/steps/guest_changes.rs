//! New definitions of guests: made, judged again, written, and handed to
//! libvirt.

use crate::cli::exit::Failure;
use crate::cli::io::output::Outputs;
use crate::cli::io::virsh::Virsh;
use crate::cli::options::guests::Changes;
use crate::cli::steps::guest_judge::{Guest, Judge};
use crate::cli::steps::machine_types::{Machines, Upgrade};
use crate::finding::{Code, Finding};
use crate::libvirt::{Domain, pin, set_machine, unpin};
use crate::plan::{guest_cards, machine_of};
use crate::qemu::MachineType;
use crate::report::{CardChange, CardRow, ChangedGuest, guest_finding};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The definition that takes the place of a guest's.
pub struct NewDefinition {
    /// The guest, counted from 0.
    pub guest: usize,
    /// The definition.
    pub text: String,
    /// The cards that would break and no longer do, counted from 1.
    pub cured: Vec<usize>,
    /// What is reported of it.
    pub row: ChangedGuest,
}

/// The definitions that a command changes.
///
/// # Errors
/// A [`Failure`] where a new definition can no longer be read.
pub fn changed(
    command: &Changes,
    judge: &Judge,
    guests: &[Guest<'_>],
    machines: &mut Machines<'_>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<NewDefinition>, Failure> {
    let mut all = Vec::new();
    for (number, guest) in guests.iter().enumerate() {
        let fail = |error| Failure::file(&guest.definition.label, error);
        let mut what = Vec::new();
        let mut text = guest.domain.text.to_owned();
        if command.pin {
            let cards = guest.row.cards.iter();
            let wanted: Vec<(usize, String)> = cards
                .filter_map(|card| Some((card.number.checked_sub(1)?, card.cure.clone()?)))
                .collect();
            text = pin(&guest.domain, &wanted);
        }
        if command.unpin {
            text = unpin(&guest.domain, &guest.pins);
        }
        let upgraded = upgraded(command, guest, machines, &mut what, findings);
        if let Some(machine) = upgraded {
            let domain = Domain::parse(text.as_bytes()).map_err(fail)?;
            let name = machine.to_string();
            text = set_machine(&domain, &name);
        }
        if text == guest.domain.text {
            continue;
        }
        let domain = Domain::parse(text.as_bytes()).map_err(fail)?;
        let machine = machine_of(&domain).or(guest.machine);
        let after = judge.rows(&domain, &guest_cards(&domain, machine), machine);
        let (mut cards, mut cured) = (Vec::new(), Vec::new());
        for (before, after) in guest.row.cards.iter().zip(&after) {
            let is_cured = before.cure.is_some() && before.cure == after.rom;
            if is_cured {
                cured.push(before.number);
            }
            let change = card_change(before, after, is_cured);
            if change.is_one() && (upgraded.is_some() || before.rom != after.rom) {
                what.push(change.to_string());
                cards.push(change);
            }
        }
        if guest.definition.is_running {
            what.push("it runs, and stays as it is until it is started anew".to_owned());
        }
        all.push(NewDefinition {
            guest: number,
            text,
            cured,
            row: ChangedGuest {
                name: guest.row.name.clone(),
                what,
                cards,
                file: None,
                is_applied: false,
            },
        });
    }
    Ok(all)
}

/// The machine type that a guest gets, with what that means, or a finding where
/// it cannot.
fn upgraded(
    command: &Changes,
    guest: &Guest<'_>,
    machines: &mut Machines<'_>,
    what: &mut Vec<String>,
    findings: &mut Vec<Finding>,
) -> Option<MachineType> {
    let wanted = command.upgrade_machine?;
    let (machine, is_checked) =
        match machines.upgrade(guest.definition, &guest.domain, guest.machine, wanted) {
            Upgrade::Has => return None,
            Upgrade::Cannot(found, required) => {
                let name = &guest.row.name;
                findings.push(guest_finding(Code::GuestNotUpgraded, name, found, required));
                return None;
            }
            Upgrade::To {
                machine,
                is_checked,
            } => (machine, is_checked),
        };
    let from = guest.row.machine.as_deref().unwrap_or("?");
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

/// What the next start on the new host changes for a card. A compat ROM has the
/// BAR that the card had.
fn card_change(before: &CardRow, after: &CardRow, is_cured: bool) -> CardChange {
    CardChange {
        number: before.number,
        model: before.model.clone(),
        rom_before: before.rom.clone(),
        bar_before: before.old,
        rom_after: after.rom.clone(),
        bar_after: if is_cured { before.old } else { after.new },
    }
}

/// Writes the new definitions, and has libvirt take them if asked to.
///
/// # Errors
/// A [`Failure`] for a file that cannot be written, and for a definition that
/// libvirt does not take.
pub fn write(
    command: &Changes,
    connect: Option<&str>,
    folder: &Path,
    guests: &[Guest<'_>],
    changed: &mut [NewDefinition],
) -> Result<(), Failure> {
    // Definitions may have passwords in them. What an earlier run with --apply
    // wrote before libvirt refused a guest is written again.
    let mut outputs = Outputs::new(command.force).private();
    if command.apply {
        outputs = outputs.again();
    }
    outputs.folder(folder)?;
    let mut files = Vec::new();
    for new in changed.iter_mut() {
        let name = file_name(&new.row.name);
        let path = folder.join(format!("{name}.xml"));
        outputs.add(path.clone(), new.text.as_bytes())?;
        if command.apply
            && let Some(guest) = guests.get(new.guest)
        {
            let before = folder.join(format!("{name}.before.xml"));
            outputs.add(before, guest.domain.text.as_bytes())?;
        }
        let path = path.display().to_string();
        new.row.file = Some(path.clone());
        files.push(path);
    }
    outputs.finish()?;
    if let (true, Some(uri)) = (command.apply, connect) {
        let virsh = Virsh { uri };
        for number in 0..changed.len() {
            let (Some(file), Some(new)) = (files.get(number), changed.get_mut(number)) else {
                break;
            };
            if let Err(failure) = virsh.define(file) {
                return Err(refused(failure, number, changed, folder));
            }
            new.row.is_applied = true;
        }
    }
    Ok(())
}

/// Why libvirt did not take the guest of this number, what it has taken so far,
/// and how to go on.
fn refused(failure: Failure, number: usize, changed: &[NewDefinition], folder: &Path) -> Failure {
    let names = |part: Option<&[NewDefinition]>| {
        let names = part.unwrap_or_default().iter().map(|new| &*new.row.name);
        let names: Vec<&str> = names.collect();
        match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        }
    };
    Failure::new(
        failure.kind,
        NotAllTaken {
            taken: names(changed.get(..number)),
            left: names(changed.get(number..)),
            folder: folder.to_owned(),
            source: failure,
        },
    )
}

/// That libvirt does not take a definition, and how to go on.
#[derive(Debug, Error)]
#[error(
    "{source}\nlibvirt has taken: {taken}\nnot taken: {left}\nThe former definitions are {folder}/*.before.xml. Mend what libvirt says, and give the same command again: it goes on with those that are left.",
    folder = folder.display()
)]
struct NotAllTaken {
    source: Failure,
    taken: String,
    left: String,
    folder: PathBuf,
}

/// A guest's name as a file name, another for each name: libvirt forbids
/// slashes, but a file may have one, and a name may start with a dot.
fn file_name(guest: &str) -> String {
    let mut name = String::new();
    for (index, character) in guest.chars().enumerate() {
        match character {
            '/' | '%' => name.push_str(&format!("%{:02x}", u32::from(character))),
            '.' if index == 0 => name.push_str("%2e"),
            c if c.is_control() => name.push_str(&format!("%{:02x}", u32::from(c))),
            c => name.push(c),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_of_two_names_have_two_files() {
        let names = ["a/b", "a_b", "a%2fb", ".a", "%2ea", "a\nb", "ü b"];
        let mut files: Vec<String> = names.iter().map(|name| file_name(name)).collect();
        assert_eq!(files[0], "a%2fb");
        assert_eq!(files[6], "ü b");
        files.sort();
        files.dedup();
        assert_eq!(files.len(), names.len());
        assert!(
            files
                .iter()
                .all(|file| !file.contains('/') && !file.starts_with('.'))
        );
    }
}
