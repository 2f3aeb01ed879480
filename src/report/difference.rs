//! What changed between two ROMs, in words.

use super::fields::{Field, PROCESSOR_UNIQUE};
use super::inspect::{InspectedImage, InspectedRom};
use super::{Colour, SCHEMA_VERSION, Text};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

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
    pub fn text(&self, colour: Colour) -> Text {
        let mut text = Text::new();
        for rom in &self.roms {
            text.heading(&rom.name, colour, "");
            for change in &rom.changes {
                text.line(format_args!("  {change}"));
            }
        }
        text.line(format_args!(
            "{} differ, {} are the same",
            self.roms.len(),
            self.same
        ));
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
    let pairing = Pairing::of(&old.images, &new.images);
    for image in &pairing.gone {
        changes.push(format!("the {} is gone", pairing.name(image)));
    }
    for image in &pairing.appeared {
        let name = pairing.name(image);
        changes.push(format!("there is an {name} that was not there"));
    }
    if let Some(change) = pairing.change_of_order() {
        changes.push(change);
    }
    for (old, new) in &pairing.pairs {
        compare_fields(&pairing.name_of_both(old, new), old, new, &mut changes);
    }
    if changes.is_empty() {
        changes.push("code or data differ, no field does".to_owned());
    }
    changes
}

/// Which image of the new ROM stands for which of the old one.
struct Pairing<'a> {
    old: &'a [InspectedImage],
    new: &'a [InspectedImage],
    /// In the order of the old ROM.
    pairs: Vec<(&'a InspectedImage, &'a InspectedImage)>,
    gone: Vec<&'a InspectedImage>,
    appeared: Vec<&'a InspectedImage>,
}

/// What images that are the same one have in common, the surest first.
const ALIKE: [fn(&InspectedImage, &InspectedImage) -> bool; 3] = [
    |old, new| (old.code_type, &old.kind, old.ids) == (new.code_type, &new.kind, new.ids),
    |old, new| (old.code_type, &old.kind) == (new.code_type, &new.kind),
    |old, new| old.code_type == new.code_type,
];

impl<'a> Pairing<'a> {
    /// Pairs those first that have most in common; of several, the first.
    fn of(old: &'a [InspectedImage], new: &'a [InspectedImage]) -> Self {
        let mut gone: Vec<&InspectedImage> = old.iter().collect();
        let mut appeared: Vec<&InspectedImage> = new.iter().collect();
        let mut pairs = Vec::new();
        for is_alike in ALIKE {
            gone.retain(|image| {
                let found = appeared.iter().position(|other| is_alike(image, other));
                pairs.extend(found.map(|index| (*image, appeared.remove(index))));
                found.is_none()
            });
        }
        pairs.sort_by_key(|(image, _)| image.number);
        Self {
            old,
            new,
            pairs,
            gone,
            appeared,
        }
    }

    /// An image in words, with its number where another is of its kind.
    fn name(&self, image: &InspectedImage) -> String {
        let has_several = |images: &[InspectedImage]| {
            let of_kind = images.iter().filter(|other| other.kind == image.kind);
            of_kind.count() > 1
        };
        if has_several(self.old) || has_several(self.new) {
            format!("{} image {}", image.kind, image.number)
        } else {
            format!("{} image", image.kind)
        }
    }

    fn name_of_both(&self, old: &InspectedImage, new: &InspectedImage) -> String {
        let name = self.name(new);
        if name.ends_with("image") || old.number == new.number {
            name
        } else {
            format!("{name} (it was image {})", old.number)
        }
    }

    /// A change where images that are in both ROMs stand in another order.
    fn change_of_order(&self) -> Option<String> {
        if self.pairs.is_sorted_by_key(|(_, new)| new.number) {
            return None;
        }
        let mut order = self.pairs.clone();
        let words = |order: &[(&InspectedImage, &InspectedImage)]| {
            let names: Vec<_> = order
                .iter()
                .map(|(old, new)| self.name_of_both(old, new))
                .collect();
            names.join(", ")
        };
        let before = words(&order);
        order.sort_by_key(|(_, new)| new.number);
        let after = words(&order);
        Some(format!("the order was {before}, it is {after}"))
    }
}

/// What tells a field from the others of an image: its structure, which one of
/// several, its name, the section that it is about, and which one of several.
type Key<'a> = (&'static str, usize, &'static str, &'a str, usize);

/// The name of a section, which stands at the start of its field's value.
fn section(field: &Field) -> &str {
    match field.value.split_once(" at ") {
        Some((name, _)) if field.name == "section" => name,
        _ => "",
    }
}

/// The fields of an image with their keys. A structure begins with the field
/// that was the first of its kind. Bytes that are no field are left out: a
/// checksum is among them, so that they differ wherever anything does.
fn keyed(fields: &[Field]) -> Vec<(Key<'_>, &str)> {
    let mut first_names = HashMap::new();
    let mut structures: HashMap<_, usize> = HashMap::new();
    let mut names: HashMap<_, usize> = HashMap::new();
    let mut keyed = Vec::new();
    for field in fields.iter().filter(|field| field.name != PROCESSOR_UNIQUE) {
        let (structure, name) = (field.structure, field.name);
        let structures = structures.entry(structure).or_default();
        if *first_names.entry(structure).or_insert(name) == name {
            *structures = structures.saturating_add(1);
        }
        let section = section(field);
        let names = names.entry((structure, *structures, name, section));
        let number = names.or_default();
        *number = number.saturating_add(1);
        let key = (structure, *structures, name, section, *number);
        keyed.push((key, field.value.as_str()));
    }
    keyed
}

fn compare_fields(
    image: &str,
    old: &InspectedImage,
    new: &InspectedImage,
    changes: &mut Vec<String>,
) {
    let (old, new) = (keyed(&old.fields), keyed(&new.fields));
    let chained = |structure: &str| {
        let mut all = old.iter().chain(&new);
        all.any(|((other, number, ..), _)| *other == structure && *number > 1)
    };
    let place = |(structure, number, ..): &Key<'_>| match chained(structure) {
        true => format!("{image}, {structure} {number}"),
        false => format!("{image}, {structure}"),
    };
    let values: HashMap<&Key<'_>, &str> = new.iter().map(|(key, value)| (key, *value)).collect();
    for (key, was) in &old {
        let (place, name) = (place(key), key.2);
        match values.get(key) {
            Some(is) if is == was => {}
            Some(is) => changes.push(format!("{place}: {name} was {was}, it is {is}")),
            None => changes.push(format!("{place}: {name} is gone, it was {was}")),
        }
    }
    let known: HashSet<&Key<'_>> = old.iter().map(|(key, _)| key).collect();
    for (key, is) in new.iter().filter(|(key, _)| !known.contains(key)) {
        changes.push(format!("{}: {} is new, {is}", place(key), key.2));
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

    /// An EFI image for this machine, not the last.
    fn efi(machine: [u8; 2]) -> Vec<u8> {
        let mut bytes = image(1, CodeType::Efi);
        bytes[0x0a..0x0c].copy_from_slice(&machine);
        bytes
    }

    const X64: [u8; 2] = [0x64, 0x86];
    const AA64: [u8; 2] = [0x64, 0xaa];

    /// What changed from images to images, the last ones marked as such.
    fn changed(old: &[Vec<u8>], new: &[Vec<u8>]) -> Vec<String> {
        let rom = |images: &[Vec<u8>]| {
            let (end, others) = images.split_last().unwrap();
            inspected([others.concat(), last(end.clone())].concat())
        };
        changes(&rom(old), &rom(new))
    }

    #[test]
    fn an_image_is_compared_with_the_one_for_its_machine() {
        let said = changed(&[efi(X64), efi(AA64)], &[efi(AA64)]);
        assert!(
            said.contains(&"the EFI X64 image is gone".to_owned()),
            "{said:?}"
        );
        assert!(
            !said.iter().any(|change| change.contains("machine")),
            "{said:?}"
        );
        let said = changed(&[efi(AA64), efi(X64)], &[efi(X64), efi(AA64)]);
        let order =
            "the order was EFI AA64 image, EFI X64 image, it is EFI X64 image, EFI AA64 image";
        assert_eq!(
            said,
            [
                order,
                "EFI AA64 image, PCI Data Structure: last image was no, it is yes",
                "EFI X64 image, PCI Data Structure: last image was yes, it is no",
            ]
        );
    }

    #[test]
    fn images_of_one_kind_are_told_apart_by_ids_and_number() {
        let mut other = image(1, CodeType::X86);
        other[0x1c + 6] = 0;
        let mut newer = other.clone();
        newer[0x1c + 0x12] = 7;
        let first = image(1, CodeType::X86);
        let third = efi(X64);
        let said = changed(
            &[first.clone(), other.clone(), third.clone()],
            &[first, newer.clone(), third.clone()],
        );
        assert_eq!(
            said,
            [
                "x86 image 2, expansion ROM header: checksum was wrong, the bytes sum to 0xbf, it is wrong, the bytes sum to 0xc5",
                "x86 image 2, PCI Data Structure: vendor revision was 0x1, it is 0x7",
            ]
        );
        let said = changed(
            &[image(1, CodeType::X86), other, third.clone()],
            &[newer, third],
        );
        assert!(
            said.contains(&"the x86 image 1 is gone".to_owned()),
            "{said:?}"
        );
        let place = "x86 image 1 (it was image 2), PCI Data Structure: vendor revision was 0x1";
        assert!(
            said.iter().any(|change| change.starts_with(place)),
            "{said:?}"
        );
    }

    fn field(structure: &'static str, name: &'static str, value: &str) -> Field {
        let value = value.to_owned();
        Field {
            offset: None,
            structure,
            name,
            value,
        }
    }

    fn compared(old: &[Field], new: &[Field]) -> Vec<String> {
        let with = |fields: &[Field]| {
            let mut images = inspected(last(image(1, CodeType::X86))).images;
            images[0].fields = fields.to_vec();
            images.remove(0)
        };
        let mut changes = Vec::new();
        compare_fields("x86 image", &with(old), &with(new), &mut changes);
        changes
    }

    #[test]
    fn a_header_further_on_in_a_chain_is_compared_with_its_like() {
        let headers = |vector| {
            [
                field("PnP expansion header", "next header", "0x60"),
                field("PnP expansion header", "bootstrap entry vector", "0x100"),
                field("PnP expansion header", "next header", "0x0"),
                field("PnP expansion header", "bootstrap entry vector", vector),
            ]
        };
        assert_eq!(
            compared(&headers("0x200"), &headers("0x300")),
            ["x86 image, PnP expansion header 2: bootstrap entry vector was 0x200, it is 0x300"]
        );
        assert_eq!(
            compared(&headers("0x200"), &headers("0x200")[..2]),
            [
                "x86 image, PnP expansion header 2: next header is gone, it was 0x0",
                "x86 image, PnP expansion header 2: bootstrap entry vector is gone, it was 0x200",
            ]
        );
    }

    #[test]
    fn a_section_is_compared_with_the_one_of_its_name() {
        let sections = |values: &[&str]| {
            let mut fields = vec![field("EFI executable", "size", "512 bytes")];
            let section = |value: &&str| field("EFI executable", "section", value);
            fields.extend(values.iter().map(section));
            fields
        };
        assert_eq!(
            compared(
                &sections(&[".text at 0x200", ".data at 0x400", ".reloc at 0x600"]),
                &sections(&[".text at 0x200", ".atad at 0x400", ".reloc at 0x800"])
            ),
            [
                "x86 image, EFI executable: section is gone, it was .data at 0x400",
                "x86 image, EFI executable: section was .reloc at 0x600, it is .reloc at 0x800",
                "x86 image, EFI executable: section is new, .atad at 0x400",
            ]
        );
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
