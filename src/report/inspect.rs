//! What is in ROMs: a row for each, and every image's fields.

use super::efi::InspectedEfi;
use super::fields::{Field, class, fields};
use super::map::{self, Stretch};
use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, Text};
use crate::finding::{Finding, counted};
use crate::rom::{BarSize, CodeType, DeviceList, Image, PciIds, RomFault, Tail};
use crate::romset::RomFile;
use serde::Serialize;

/// The answer of `inspect`.
#[derive(Debug, Serialize)]
pub struct InspectReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The ROMs, input by input.
    pub roms: Vec<InspectedRom>,
    /// Files of the inputs that are no option ROM.
    pub left_out: usize,
    /// What of them may be or seem an option ROM.
    pub findings: Vec<Finding>,
}

/// One ROM.
#[derive(Debug, Serialize)]
pub struct InspectedRom {
    /// The file's name.
    pub name: String,
    /// Names of links to it.
    pub other_names: Vec<String>,
    /// The input that it comes from.
    pub input: String,
    /// Its path in that input.
    pub path: String,
    /// The package that it comes from, as `name version`.
    pub package: Option<String>,
    /// SHA-256, in hex, where it was asked for.
    pub sha256: Option<String>,
    /// Size of the file, in bytes.
    pub size: u64,
    /// The BAR that QEMU gives it, in bytes.
    pub bar: BarSize,
    /// Bytes of the BAR that the images leave free, padding included.
    pub room_left: u64,
    /// What follows the last image.
    pub tail: Tail,
    /// The images.
    pub images: Vec<InspectedImage>,
    /// What is wrong or noteworthy.
    pub findings: Vec<Finding>,
}

/// One image.
#[derive(Debug, Serialize)]
pub struct InspectedImage {
    /// Number, from 1.
    pub number: usize,
    /// Offset in the ROM, in bytes.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
    /// `x86`, `EFI X64`, `ISA` and the like.
    pub kind: String,
    /// Its code type.
    pub code_type: CodeType,
    /// Ids that it is for.
    pub ids: Option<PciIds>,
    /// Sum of an x86 image, 0 where right.
    pub checksum: Option<u8>,
    /// Class code in hex, where details were asked for; an ISA ROM has none.
    pub class: Option<String>,
    /// Ids of further devices in hex, where details were asked for.
    pub device_list: Vec<String>,
    /// What an EFI image is, where details were asked for.
    pub efi: Option<InspectedEfi>,
    /// Every field, where details were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

impl InspectedImage {
    fn of(image: &Image<'_>, detail: Detail) -> Self {
        let mut inspected = Self {
            number: image.number(),
            offset: image.offset(),
            length: image.bytes().len(),
            kind: image.kind(),
            code_type: image.code_type(),
            ids: image.ids(),
            checksum: image.checksum(),
            class: None,
            device_list: Vec::new(),
            efi: None,
            fields: Vec::new(),
        };
        if detail == Detail::Everything {
            inspected.look_closer(image);
        }
        inspected
    }

    fn look_closer(&mut self, image: &Image<'_>) {
        let executable = image.efi_executable();
        let readable = executable.as_ref().and_then(|found| found.as_ref().ok());
        self.class = image.pcir().map(|pcir| class(pcir.class_code()));
        let list = image.device_list().into_iter().flat_map(DeviceList::ids);
        self.device_list = list.map(|id| format!("{id:04x}")).collect();
        self.efi = image.efi().map(|header| InspectedEfi::of(header, readable));
        self.fields = fields(image, executable.as_ref());
    }

    fn describe(&self, text: &mut Text) {
        text.line(format_args!(
            "  image {} at {:#x}, {} bytes: {}",
            self.number, self.offset, self.length, self.kind
        ));
        let mut structure = "";
        for field in &self.fields {
            if field.structure != structure {
                structure = field.structure;
                text.line(format_args!("    {structure}"));
            }
            let offset = field
                .offset
                .map_or(String::new(), |at| format!("{at:#07x}"));
            text.line(format_args!(
                "      {offset:<9}{:<24} {}",
                field.name, field.value
            ));
        }
    }
}

impl Tail {
    /// What follows the last image, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Ones => "0xff",
            Self::Zeros => "0x00",
            Self::Data => "data",
            Self::Copies => "copies of the ROM",
        }
    }
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What a row of the table needs.
    Row,
    /// Every field, executables decompressed, and the SHA-256.
    Everything,
}

impl InspectedRom {
    /// Looks into a ROM file of an input.
    #[must_use]
    pub fn of(file: &RomFile, input: &str, package: Option<&str>, detail: Detail) -> Self {
        let rom = file.rom();
        let finding = |fault: &RomFault| fault.finding(file.name());
        Self {
            name: file.name().to_owned(),
            other_names: file.other_names().to_vec(),
            input: input.to_owned(),
            path: file.path().to_owned(),
            package: package.map(str::to_owned),
            sha256: (detail == Detail::Everything).then(|| file.sha256()),
            size: file.size(),
            bar: file.bar(),
            room_left: file.bar().room_left(rom.used() as u64),
            tail: rom.tail(),
            images: rom
                .images()
                .iter()
                .map(|image| InspectedImage::of(image, detail))
                .collect(),
            findings: rom.faults().iter().map(finding).collect(),
        }
    }

    fn kinds(&self) -> String {
        let kinds: Vec<_> = self.images.iter().map(|i| i.kind.as_str()).collect();
        if kinds.is_empty() {
            return "none".to_owned();
        }
        kinds.join(" + ")
    }

    /// The ids of the images; those that differ are all named.
    fn ids(&self) -> String {
        let mut ids: Vec<_> = self.images.iter().filter_map(|image| image.ids).collect();
        ids.dedup();
        let ids: Vec<_> = ids.iter().map(PciIds::to_string).collect();
        ids.join(", ")
    }

    fn checksum(&self) -> (String, Tone) {
        let sums = || self.images.iter().filter_map(|image| image.checksum);
        match (sums().next(), sums().all(|sum| sum == 0)) {
            (None, _) => plain("none"),
            (_, true) => ("right".to_owned(), Tone::Good),
            (_, false) => ("wrong".to_owned(), Tone::Bad),
        }
    }

    /// The ROM on one line: x86 images `#`, other images `=`, what follows them
    /// `.` or, where it is data, `?`, and the free rest of the BAR.
    fn map(&self) -> String {
        let mut stretches = Vec::new();
        let mut end = 0_u64;
        for image in &self.images {
            let length = image.length as u64;
            end = end.saturating_add(length);
            stretches.push(Stretch {
                label: image.kind.clone(),
                length,
                fill: if image.checksum.is_some() { '#' } else { '=' },
            });
        }
        let (label, fill) = match self.tail {
            Tail::Data => ("data", '?'),
            Tail::Copies => ("copies", '?'),
            _ => ("padding", '.'),
        };
        stretches.push(Stretch {
            label: label.to_owned(),
            length: self.size.saturating_sub(end),
            fill,
        });
        stretches.push(Stretch {
            label: "free".to_owned(),
            length: self.bar.room_left(self.size),
            fill: ' ',
        });
        map::draw(&stretches)
    }

    fn describe(&self, text: &mut Text) {
        text.line(format_args!(
            "{} ({} of {})",
            self.name, self.path, self.input
        ));
        for image in &self.images {
            image.describe(text);
        }
        let last = self.images.last();
        let end = last.map_or(0, |image| image.offset.saturating_add(image.length));
        let rest = self.size.saturating_sub(end as u64);
        if self.tail != Tail::None {
            text.line(format_args!(
                "  {rest} bytes of {} at {end:#x}",
                self.tail.words()
            ));
        }
        text.line(format_args!("  {}", self.map()));
        let (bar, left) = (self.bar, self.room_left);
        text.line(format_args!(
            "  BAR {bar} ({:#x}), {left} bytes left",
            bar.bytes()
        ));
        text.blank();
    }
}

impl InspectReport {
    /// A report of these ROMs.
    #[must_use]
    pub const fn new(roms: Vec<InspectedRom>, left_out: usize, findings: Vec<Finding>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            roms,
            left_out,
            findings,
        }
    }

    /// A table, or with `verbose` every field of every image.
    #[must_use]
    pub fn text(&self, verbose: bool, colour: Colour) -> Text {
        let mut text = if verbose {
            let mut text = Text::new();
            for rom in &self.roms {
                rom.describe(&mut text);
            }
            text
        } else {
            self.table(colour)
        };
        if self.roms.len() > 1 || self.left_out > 0 {
            if !verbose {
                text.blank();
            }
            let roms = counted(self.roms.len(), "ROM");
            let left_out = match self.left_out {
                0 => String::new(),
                count => format!("; {} left out, no option ROM", counted(count, "file")),
            };
            text.line(format_args!("{roms}{left_out}"));
        }
        text
    }

    fn table(&self, colour: Colour) -> Text {
        let headings = ["ROM", "Images", "Ids", ">Size", ">BAR", ">Left", "Checksum"];
        let mut columns = Columns::new(&headings, colour);
        for rom in &self.roms {
            columns.row([
                plain(&rom.name),
                plain(rom.kinds()),
                plain(rom.ids()),
                plain(rom.size),
                plain(rom.bar),
                plain(rom.room_left),
                rom.checksum(),
            ]);
        }
        columns.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rom::tests::{image, last, legacy_image};

    fn report(roms: &[(&str, Vec<u8>)]) -> InspectReport {
        let roms = roms.iter().map(|(name, bytes)| {
            let file = RomFile::new(name, bytes.clone()).unwrap();
            InspectedRom::of(&file, "input", None, Detail::Everything)
        });
        InspectReport::new(roms.collect(), 2, Vec::new())
    }

    #[test]
    fn the_table_has_a_row_a_rom() {
        let mut both = image(2, CodeType::X86);
        both.extend(last(image(3, CodeType::Efi)));
        both.resize(4096, 0xff);
        let mut wrong = legacy_image(1);
        wrong[0x100] = 1;
        let text = report(&[("efi-a.rom", both), ("pxe-a.rom", wrong)]).text(false, Colour::Never);
        assert_eq!(
            text,
            "ROM        Images         Ids        Size  BAR  Left  Checksum\n\
             efi-a.rom  x86 + EFI X64  1af4:1041  4096   4K  1536  right\n\
             pxe-a.rom  x86            1af4:1041   512  512     0  wrong\n\
             \n2 ROMs; 2 files left out, no option ROM\n"
        );
    }

    #[test]
    fn verbose_text_names_every_field_with_its_place() {
        let text = report(&[("a.rom", legacy_image(1))]).text(true, Colour::Never);
        for words in [
            "image 1 at 0x0, 512 bytes: x86",
            "0x00028  revision                 3",
            "BAR 512 (0x200), 0 bytes left",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
    }

    #[test]
    fn json_has_the_schema_version_and_sizes_in_bytes() {
        let value = serde_json::to_value(report(&[("a.rom", legacy_image(1))])).unwrap();
        assert_eq!(value["schema_version"], 1);
        assert_eq!(value["roms"][0]["bar"], 512);
        assert_eq!(value["roms"][0]["images"][0]["ids"], "1af4:1041");
        assert_eq!(value["roms"][0]["sha256"].as_str().unwrap().len(), 64);
    }
}
