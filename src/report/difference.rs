//! What changed between two ROMs, in words.

use super::fields::Field;
use super::inspect::{InspectedImage, InspectedRom};
use super::{Colour, SCHEMA_VERSION};
use serde::Serialize;
use std::fmt::Write as _;

/// The answer of `inspect --diff`.
#[derive(Debug, Serialize)]
pub struct DifferenceReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The first input, as the user named it.
    pub old: String,
    /// The second input, as the user named it.
    pub new: String,
    /// The ROMs that differ.
    pub roms: Vec<ChangedRom>,
    /// How many ROMs are the same in both.
    pub same: usize,
}

/// One ROM that differs.
#[derive(Debug, Serialize)]
pub struct ChangedRom {
    /// Its name.
    pub name: String,
    /// Each change, as a sentence.
    pub changes: Vec<String>,
}

impl DifferenceReport {
    /// A report of pairs of ROMs with their names; a ROM that only one input
    /// has stands alone.
    #[must_use]
    pub fn new(
        old: &str,
        new: &str,
        pairs: &[(&str, Option<InspectedRom>, Option<InspectedRom>)],
    ) -> Self {
        let mut roms = Vec::new();
        for (name, old, new) in pairs {
            let changes = match (old, new) {
                (Some(old), Some(new)) => changes(old, new),
                (Some(_), None) => vec!["the ROM is gone".to_owned()],
                (None, _) => vec!["the ROM is new".to_owned()],
            };
            if !changes.is_empty() {
                roms.push(ChangedRom {
                    name: (*name).to_owned(),
                    changes,
                });
            }
        }
        Self {
            schema_version: SCHEMA_VERSION,
            old: old.to_owned(),
            new: new.to_owned(),
            same: pairs.len().saturating_sub(roms.len()),
            roms,
        }
    }

    /// A paragraph for each ROM that differs.
    #[must_use]
    pub fn text(&self, colour: Colour) -> String {
        let bold = colour.bold();
        let mut text = String::new();
        for rom in &self.roms {
            let _ = writeln!(text, "{bold}{}{bold:#}", rom.name);
            for change in &rom.changes {
                let _ = writeln!(text, "  {change}");
            }
        }
        let _ = writeln!(
            text,
            "{} differ, {} are the same",
            self.roms.len(),
            self.same
        );
        text
    }
}

fn changes(old: &InspectedRom, new: &InspectedRom) -> Vec<String> {
    let mut changes = Vec::new();
    if old.sha256 == new.sha256 {
        return changes;
    }
    if old.size != new.size {
        changes.push(format!(
            "the file had {} bytes, it has {}",
            old.size, new.size
        ));
    }
    if old.bar != new.bar {
        changes.push(format!("the BAR was {}, it is {}", old.bar, new.bar));
    }
    let used = |rom: &InspectedRom| rom.bar.bytes().saturating_sub(rom.room_left);
    if used(old) != used(new) {
        let (before, after) = (used(old), used(new));
        changes.push(format!("the images took {before} bytes, they take {after}"));
    }
    if old.tail != new.tail {
        let (before, after) = (old.tail.words(), new.tail.words());
        changes.push(format!(
            "{before} followed the last image, {after} follows it"
        ));
    }
    let mut left: Vec<&InspectedImage> = new.images.iter().collect();
    for image in &old.images {
        let of_kind = |other: &&InspectedImage| other.code_type == image.code_type;
        match left.iter().position(of_kind) {
            Some(index) => compare_images(image, left.remove(index), &mut changes),
            None => changes.push(format!("the {} image is gone", image.kind)),
        }
    }
    for image in left {
        changes.push(format!(
            "there is an {} image that was not there",
            image.kind
        ));
    }
    if changes.is_empty() {
        changes.push("code or data differ, no field does".to_owned());
    }
    changes
}

fn compare_images(old: &InspectedImage, new: &InspectedImage, changes: &mut Vec<String>) {
    let sections = |field: &&Field| field.name != "section";
    let key = |field: &Field| (field.structure, field.name);
    let kind = &new.kind;
    for field in old.fields.iter().filter(sections) {
        let (structure, name) = key(field);
        match new.fields.iter().find(|other| key(other) == key(field)) {
            Some(other) if other.value == field.value => {}
            Some(other) => changes.push(format!(
                "{kind} image, {structure}: {name} was {}, it is {}",
                field.value, other.value
            )),
            None => changes.push(format!("{kind} image, {structure}: {name} is gone")),
        }
    }
    for field in new.fields.iter().filter(sections) {
        let (structure, name) = key(field);
        if !old.fields.iter().any(|other| key(other) == key(field)) {
            let value = &field.value;
            changes.push(format!("{kind} image, {structure}: {name} is new, {value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Detail;
    use crate::rom::CodeType;
    use crate::rom::tests::{image, last};
    use crate::romset::RomFile;

    fn inspected(bytes: Vec<u8>) -> InspectedRom {
        let file = RomFile::new("a.rom", bytes).unwrap();
        InspectedRom::of(&file, "input", None, Detail::Everything)
    }

    #[test]
    fn a_lost_image_another_size_and_another_machine_are_named() {
        let mut both = image(1, CodeType::X86);
        both.extend(last(image(1, CodeType::Efi)));
        let mut arm = last(image(3, CodeType::Efi));
        arm[0x0a..0x0c].copy_from_slice(&[0x64, 0xaa]);
        let changes = changes(&inspected(both), &inspected(arm));
        for wanted in [
            "the file had 1024 bytes, it has 1536",
            "the BAR was 1K, it is 2K",
            "the x86 image is gone",
            "EFI AA64 image, EFI header: machine was X64, it is AA64",
        ] {
            assert!(
                changes.iter().any(|change| change == wanted),
                "{wanted}: {changes:?}"
            );
        }
    }

    #[test]
    fn the_same_rom_has_no_change_and_other_code_is_said() {
        let rom = last(image(1, CodeType::Efi));
        assert_eq!(
            changes(&inspected(rom.clone()), &inspected(rom.clone())),
            [""; 0]
        );
        let mut other = rom.clone();
        other[0x100] = 1;
        let said = changes(&inspected(rom), &inspected(other));
        assert_eq!(said, ["code or data differ, no field does"]);
    }
}
