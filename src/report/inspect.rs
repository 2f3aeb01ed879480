//! What is in ROMs: a row for each, and every image's fields.

use super::map::{self, Stretch};
use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, counted};
use crate::finding::Finding;
use crate::rom::{BarSize, CodeType, EfiMachine, Image, PciIds, RomFault, Tail};
use crate::romset::{PackageOrigin, RomFile};
use serde::Serialize;
use std::fmt::Write as _;

/// The answer of `inspect`.
#[derive(Debug, Serialize)]
pub struct InspectReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The ROMs, input by input.
    pub roms: Vec<InspectedRom>,
    /// Files of the inputs that are no option ROM.
    pub left_out: usize,
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
    /// The Debian package that it comes from, as `name version`.
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
    /// Ids that it is for.
    pub ids: Option<PciIds>,
    /// Class code: base class, sub-class, interface.
    pub class_code: Option<[u8; 3]>,
    /// Revision of the PCI Data Structure.
    pub pcir_revision: Option<u8>,
    /// Offset of the PCI Data Structure in the image, in bytes.
    pub pcir_offset: u16,
    /// Revision level of the vendor's code.
    pub vendor_revision: Option<u16>,
    /// Whether it is marked as the last one.
    pub last: Option<bool>,
    /// Initialization size of an x86 image, in bytes.
    pub initialization_size: Option<usize>,
    /// Sum of an x86 image, 0 where right.
    pub checksum: Option<u8>,
    /// Machine type of an EFI image.
    pub efi_machine: Option<EfiMachine>,
    /// PE subsystem of an EFI image.
    pub efi_subsystem: Option<u16>,
    /// Compression type of an EFI image.
    pub efi_compression: Option<u16>,
}

impl InspectedImage {
    fn of(image: &Image<'_>) -> Self {
        let pcir = image.pcir();
        let efi = image.efi();
        let x86 = image.code_type() == CodeType::X86;
        Self {
            number: image.number(),
            offset: image.offset(),
            length: image.bytes().len(),
            kind: image.kind(),
            ids: image.ids(),
            class_code: pcir.map(|pcir| pcir.class_code()),
            pcir_revision: pcir.map(|pcir| pcir.revision()),
            pcir_offset: image.header().pcir_offset(),
            vendor_revision: pcir.map(|pcir| pcir.vendor_revision()),
            last: pcir.map(|pcir| pcir.is_last_image()),
            initialization_size: x86.then(|| image.header().initialization_size().bytes()),
            checksum: image.checksum(),
            efi_machine: efi.map(|efi| efi.machine()),
            efi_subsystem: efi.map(|efi| efi.subsystem().0),
            efi_compression: efi.map(|efi| efi.compression_type()),
        }
    }

    /// The fields that the image has, named and in words.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let class = |[base, sub, interface]: [u8; 3]| format!("{base:02x}{sub:02x}{interface:02x}");
        let fields = [
            ("ids", self.ids.map(|ids| ids.to_string())),
            ("class code", self.class_code.map(class)),
            (
                "PCI Data Structure",
                self.pcir_revision
                    .map(|revision| format!("revision {revision} at {:#x}", self.pcir_offset)),
            ),
            (
                "vendor revision",
                self.vendor_revision
                    .map(|revision| format!("{revision:#x}")),
            ),
            (
                "initialization size",
                self.initialization_size.map(|size| format!("{size} bytes")),
            ),
            ("checksum", self.checksum.map(checksum_words)),
            (
                "EFI subsystem",
                self.efi_subsystem.map(|value| format!("{value:#x}")),
            ),
            (
                "EFI compression",
                self.efi_compression.map(compression_words),
            ),
            (
                "last image",
                self.last.map(|last| if last { "yes" } else { "no" }.into()),
            ),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    fn describe(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "  image {} at {:#x}, {} bytes: {}",
            self.number, self.offset, self.length, self.kind
        );
        for (name, value) in self.fields() {
            let _ = writeln!(text, "    {name:<20} {value}");
        }
    }
}

fn checksum_words(sum: u8) -> String {
    match sum {
        0 => "right".to_owned(),
        sum => format!("wrong, the bytes sum to {sum:#04x}"),
    }
}

fn compression_words(compression: u16) -> String {
    match compression {
        0 => "none".to_owned(),
        1 => "UEFI".to_owned(),
        other => format!("type {other:#x}"),
    }
}

impl InspectedRom {
    /// Looks into a ROM file of an input.
    #[must_use]
    pub fn of(
        file: &RomFile,
        input: &str,
        package: Option<&PackageOrigin>,
        with_sha256: bool,
    ) -> Self {
        let rom = file.rom();
        let finding = |fault: &RomFault| fault.finding(file.name());
        Self {
            name: file.name().to_owned(),
            other_names: file.other_names().to_vec(),
            input: input.to_owned(),
            path: file.path().to_owned(),
            package: package.map(PackageOrigin::to_string),
            sha256: with_sha256.then(|| file.sha256()),
            size: file.size(),
            bar: file.bar(),
            room_left: file.bar().room_left(rom.used() as u64),
            tail: rom.tail(),
            images: rom.images().iter().map(InspectedImage::of).collect(),
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

    fn describe(&self, text: &mut String) {
        let _ = writeln!(text, "{} ({} of {})", self.name, self.path, self.input);
        for image in &self.images {
            image.describe(text);
        }
        let last = self.images.last();
        let end = last.map_or(0, |image| image.offset.saturating_add(image.length));
        let rest = self.size.saturating_sub(end as u64);
        let what = match self.tail {
            Tail::None => None,
            Tail::Ones => Some("0xff"),
            Tail::Zeros => Some("0x00"),
            Tail::Data => Some("data"),
        };
        if let Some(what) = what {
            let _ = writeln!(text, "  {rest} bytes of {what} at {end:#x}");
        }
        let _ = writeln!(text, "  {}", self.map());
        let (bar, left) = (self.bar, self.room_left);
        let _ = writeln!(
            text,
            "  BAR {bar} ({:#x}), {left} bytes left\n",
            bar.bytes()
        );
    }
}

impl InspectReport {
    /// A report of these ROMs.
    #[must_use]
    pub const fn new(roms: Vec<InspectedRom>, left_out: usize) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            roms,
            left_out,
        }
    }

    /// A table, or with `verbose` every field of every image.
    #[must_use]
    pub fn text(&self, verbose: bool, colour: Colour) -> String {
        let mut text = if verbose {
            let mut text = String::new();
            for rom in &self.roms {
                rom.describe(&mut text);
            }
            text
        } else {
            self.table(colour)
        };
        if self.roms.len() > 1 || self.left_out > 0 {
            if !verbose {
                text.push('\n');
            }
            text.push_str(&counted(self.roms.len(), "ROM"));
            if self.left_out > 0 {
                let files = counted(self.left_out, "file");
                let _ = write!(text, "; {files} left out, no option ROM");
            }
            text.push('\n');
        }
        text
    }

    fn table(&self, colour: Colour) -> String {
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
            InspectedRom::of(&file, "input", None, true)
        });
        InspectReport::new(roms.collect(), 2)
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
            "revision 3 at 0x1c",
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
