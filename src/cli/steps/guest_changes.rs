//! New definitions of guests, written and handed to libvirt.

use crate::advise::{JudgedGuest, NewDefinition};
use crate::cli::exit::Failure;
use crate::cli::io::definitions::Definition;
use crate::cli::io::opened::Inputs;
use crate::cli::io::output::Outputs;
use crate::cli::io::virsh::Virsh;
use crate::cli::options::guests::Changes;
use crate::host::MachineTypes;
use crate::libvirt::Domain;
use crate::romset::sha256_hex;
use std::path::Path;
use std::rc::Rc;

/// A guest that was read.
pub struct ReadGuest<'a> {
    /// Where it was read.
    pub definition: &'a Definition,
    /// What it says.
    pub domain: Domain<'a>,
    /// The machine types of its QEMU, where they are known.
    pub known: Option<Rc<MachineTypes>>,
    /// What the new host says to it.
    pub judged: JudgedGuest,
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
    changed: &mut [(&ReadGuest<'_>, NewDefinition)],
    inputs: &Inputs,
) -> Result<(), Failure> {
    // Definitions may have passwords in them. What an earlier run with --apply
    // wrote before libvirt refused a guest is written again.
    let mut outputs = Outputs::new(inputs, command.force).private();
    if command.apply {
        outputs = outputs.again();
    }
    outputs.folder(folder)?;
    let former = folder.join(FORMER);
    if command.apply {
        outputs.folder(&former)?;
    }
    let mut files = Vec::new();
    for (guest, new) in changed.iter_mut() {
        let name = file_name(&new.row.name);
        let path = folder.join(format!("{name}.xml"));
        outputs.add(path.clone(), new.text.as_bytes())?;
        if command.apply {
            outputs.add(
                former.join(format!("{name}.xml")),
                guest.domain.text.as_bytes(),
            )?;
        }
        let path = path.display().to_string();
        new.row.file = Some(path.clone());
        files.push(path);
    }
    outputs.finish()?;
    if let (true, Some(uri)) = (command.apply, connect) {
        let virsh = Virsh { uri };
        for number in 0..changed.len() {
            let (Some(file), Some((_, new))) = (files.get(number), changed.get_mut(number)) else {
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
fn refused(
    failure: Failure,
    number: usize,
    changed: &[(&ReadGuest<'_>, NewDefinition)],
    folder: &Path,
) -> Failure {
    let names = |part: Option<&[(&ReadGuest<'_>, NewDefinition)]>| {
        let names = part
            .unwrap_or_default()
            .iter()
            .map(|(_, new)| &*new.row.name);
        let names: Vec<&str> = names.collect();
        match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        }
    };
    failure
        .with_line(format_args!(
            "libvirt has taken: {}",
            names(changed.get(..number))
        ))
        .with_line(format_args!(
            "not taken: {}",
            names(changed.get(number..))
        ))
        .with_line(format_args!(
            "The former definitions are in {}. Mend what libvirt says, and give the same command again: it goes on with those that are left.",
            folder.join(FORMER).display()
        ))
}

/// The folder, in that of the new definitions, of those which they replace.
const FORMER: &str = "former";

/// The longest name of a file without `.xml`, in bytes (NAME_MAX).
const LONGEST_NAME: usize = 255 - 4;

/// A guest's name as a file name, another for each name: libvirt forbids
/// slashes, but a file may have one, and a name may start with a dot. Of a
/// longer name than a file can have there is the start, and a sum of it all.
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
    if name.len() > LONGEST_NAME {
        let sum = format!("%~{}", sha256_hex(guest.as_bytes()));
        name.truncate(name.floor_char_boundary(LONGEST_NAME.saturating_sub(sum.len())));
        name.push_str(&sum);
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

    #[test]
    fn a_long_name_has_a_file_too_and_another_for_each() {
        assert_eq!(file_name(&"a".repeat(251)), "a".repeat(251));
        let long = [
            "a".repeat(252),
            "a".repeat(253),
            "/".repeat(100),
            "ü".repeat(126),
        ];
        let mut files: Vec<String> = long.iter().map(|name| file_name(name)).collect();
        assert!(files.iter().all(|file| file.len() <= 251), "{files:?}");
        assert!(files[0].starts_with("aaa") && files[0].contains("%~"));
        files.sort();
        files.dedup();
        assert_eq!(files.len(), long.len());
    }
}
