//! Real ROMs, and romheaders as the judge of what is read in them.

use crate::images::{open_firmware, pa_risc, rom};
use crate::properties::{checksum_bytes, rejoined, retargeted};
use romcompat::finding::{Code, Severity};
use romcompat::rom::edit::{ImageSelection, PadSize, fix, pad_image};
use romcompat::rom::{CodeType, Image, LintContext, PciIds, Rom, RomFault, SIGNATURE, lint};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};
use tempfile::TempDir;

/// A ROM file of a fetched package.
struct Fetched {
    path: PathBuf,
    /// Its suite and its name, such as `trixie/efi-virtio.rom`.
    name: String,
    bytes: Vec<u8>,
}

/// Every ROM in the packages that scripts/fetch-roms brought.
static ROMS: LazyLock<(TempDir, Vec<Fetched>)> = LazyLock::new(|| {
    let folder = env::var_os("ROMCOMPAT_ROMS")
        .expect("ROMCOMPAT_ROMS names the folder of fetched packages; scripts/test sets it");
    let root = TempDir::new().unwrap();
    for deb in files(Path::new(&folder)) {
        let suite = deb.parent().unwrap().file_name().unwrap();
        let status = Command::new("dpkg-deb")
            .arg("-x")
            .args([&deb, &root.path().join(suite)])
            .status();
        assert!(status.unwrap().success(), "{}", deb.display());
    }
    let roms = files(root.path()).into_iter().filter_map(|path| {
        let bytes = fs::read(&path).unwrap();
        let relative = path.strip_prefix(root.path()).unwrap();
        let suite = relative.components().next().unwrap().as_os_str();
        let name = Path::new(suite).join(path.file_name().unwrap());
        bytes.starts_with(&SIGNATURE).then(|| Fetched {
            name: name.to_str().unwrap().to_owned(),
            path,
            bytes,
        })
    });
    let roms: Vec<_> = roms.collect();
    assert!(roms.len() > 80, "{} ROMs were found", roms.len());
    (root, roms)
});

/// All files below a folder, sorted; links are not followed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files(&entry.path())),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found.sort();
    found
}

fn roms() -> &'static [Fetched] {
    &ROMS.1
}

/// The fields of one image as romheaders names them, with their numbers.
type Fields = Vec<(String, String)>;

const UNIQUE: &str = "CPU unique data";

/// What romheaders prints: name and first number of each field, per image; of
/// the CPU unique data, which take two lines, every number.
fn by_romheaders(path: &Path) -> Vec<Fields> {
    let output = Command::new("romheaders").arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut images: Vec<Fields> = Vec::new();
    for line in text.lines() {
        if line.starts_with("Image ") {
            images.push(Vec::new());
            continue;
        }
        let Some(fields) = images.last_mut() else {
            continue;
        };
        match line.split_once(": ") {
            Some((name, value)) if name.trim() == UNIQUE => {
                fields.push((UNIQUE.to_owned(), value.trim().to_owned()));
            }
            Some((name, value)) => {
                let number = value.split_whitespace().next().unwrap_or_default();
                fields.push((name.trim().to_owned(), number.to_owned()));
            }
            None => {
                if let Some((_, value)) = fields.last_mut().filter(|(name, _)| name == UNIQUE) {
                    *value = format!("{value} {}", line.trim());
                }
            }
        }
    }
    images
}

/// The same fields as this library reads them.
///
/// What romheaders names or prints otherwise:
/// - "Vital Product Data" is the device list since revision 3; the number is
///   the same;
/// - "Reserved" is the maximum run-time image length since revision 3, and it
///   prints its bytes in the order in which they stand;
/// - the entry point is a jump, of which it prints the target;
/// - of "CPU unique data" it prints 16 bytes, and the header has 22.
fn by_us(image: &Image<'_>, rom: &[u8]) -> Fields {
    let pcir = image.pcir().unwrap();
    let header = image.header();
    let [base_class, sub_class, interface] = pcir.class_code();
    let reserved = image.offset() + usize::from(header.pcir_offset()) + 0x16;
    let reserved = u16::from_be_bytes([rom[reserved], rom[reserved + 1]]);
    if let Some(runtime) = pcir.maximum_runtime_length() {
        assert_eq!(runtime.units(), reserved.swap_bytes());
    }
    let size = header.initialization_size().units();
    let unique = header.processor_unique_data();
    let unique: Vec<_> = unique[..16]
        .iter()
        .map(|byte| format!("{byte:#04x}"))
        .collect();
    let mut fields = vec![
        ("Signature", "0x55aa".to_owned()),
        (UNIQUE, unique.join(" ")),
        (
            "Pointer to PCI Data Structure",
            format!("{:#06x}", header.pcir_offset()),
        ),
        (
            "Signature",
            format!("{:#010x}", u32::from_be_bytes(pcir.signature())),
        ),
        ("Vendor ID", format!("{:#06x}", pcir.ids().vendor)),
        ("Device ID", format!("{:#06x}", pcir.ids().device)),
        (
            "Vital Product Data",
            format!("{:#06x}", pcir.device_list_offset()),
        ),
        (
            "PCI Data Structure Length",
            format!("{:#06x}", pcir.length()),
        ),
        (
            "PCI Data Structure Revision",
            format!("{:#04x}", pcir.revision()),
        ),
        (
            "Class Code",
            format!("0x{base_class:02x}{sub_class:02x}{interface:02x}"),
        ),
        (
            "Image Length",
            format!("{:#06x}", pcir.image_length().units()),
        ),
        (
            "Revision Level of Code/Data",
            format!("{:#06x}", pcir.vendor_revision()),
        ),
        ("Code Type", format!("{:#04x}", pcir.code_type().to_byte())),
        (
            "Last-Image Flag",
            if pcir.is_last_image() { "0x80" } else { "0x00" }.to_owned(),
        ),
        ("Reserved", format!("{reserved:#06x}")),
    ];
    if pcir.code_type() == CodeType::X86 {
        let [jump, low, high] = header.entry_point();
        assert_eq!(jump, 0xe9);
        let target = u16::from_le_bytes([low, high]).wrapping_add(6);
        fields.push(("Initialization Size", format!("{size:#04x}")));
        fields.push(("Entry point for INIT function", format!("{target:#x}")));
    }
    if pcir.code_type() == CodeType::OpenFirmware {
        let pointer = format!("{:#06x}", header.fcode_offset());
        fields.push(("Pointer to FCode program", pointer));
    }
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// ROMs without PCI Data Structure: romheaders prints what stands at the
/// pointer, and that it is wrong. They are right for fw_cfg and ISA.
const ISA_ROMS: &[&str] = &[
    "bookworm/kvmvapic.bin",
    "bookworm/linuxboot.bin",
    "bookworm/linuxboot_dma.bin",
    "bookworm/multiboot.bin",
    "bookworm/multiboot_dma.bin",
    "bookworm/pvh.bin",
    "bookworm/sgabios.bin",
    "bookworm/vgabios-isavga.bin",
    "bookworm/vgabios-ramfb.bin",
    "trixie/kvmvapic.bin",
    "trixie/linuxboot.bin",
    "trixie/linuxboot_dma.bin",
    "trixie/multiboot.bin",
    "trixie/multiboot_dma.bin",
    "trixie/pvh.bin",
    "trixie/vgabios-isavga.bin",
    "trixie/vgabios-ramfb.bin",
];

#[test]
#[ignore = "needs fetched ROMs and romheaders"]
fn every_field_that_romheaders_prints_is_ours() {
    for rom in roms() {
        let parsed = Rom::parse(&rom.bytes).unwrap();
        if ISA_ROMS.contains(&rom.name.as_str()) {
            assert_eq!(parsed.images()[0].kind(), "ISA", "{}", rom.name);
            continue;
        }
        let ours = parsed.images().iter().map(|image| by_us(image, &rom.bytes));
        let ours: Vec<_> = ours.collect();
        assert_eq!(by_romheaders(&rom.path), ours, "{}", rom.name);
    }
}

#[test]
#[ignore = "needs romheaders"]
fn images_for_open_firmware_and_pa_risc_read_as_romheaders_reads_them() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.rom");
    let bytes = rom(&[open_firmware(), pa_risc()]);
    fs::write(&path, &bytes).unwrap();
    let parsed = Rom::parse(&bytes).unwrap();
    let ours = parsed.images().iter().map(|image| by_us(image, &bytes));
    assert_eq!(by_romheaders(&path), ours.collect::<Vec<_>>());
}

/// Warnings about shipped ROMs, with the reason why each is right.
fn is_known(name: &str, code: Code) -> bool {
    let file = name.rsplit('/').next().unwrap();
    match code {
        // QEMU patches the ids when it loads the ROM by default, and the two
        // images of bullseye's and bookworm's have different wrong ones.
        Code::IdsOfNoDevice => file.ends_with("-ne2k_pci.rom"),
        Code::IdsDiffer => {
            ["bullseye/efi-ne2k_pci.rom", "bookworm/efi-ne2k_pci.rom"].contains(&name)
        }
        // The headers have a checksum of 0, which no firmware minds that QEMU
        // starts.
        Code::PnpChecksum => ["linuxboot", "multiboot", "pvh"]
            .iter()
            .any(|prefix| file.starts_with(prefix)),
        _ => false,
    }
}

#[test]
#[ignore = "needs fetched ROMs"]
fn no_shipped_rom_has_an_error_and_every_warning_is_known() {
    for rom in roms() {
        let parsed = Rom::parse(&rom.bytes).unwrap();
        for fault in lint(&parsed, &LintContext::default()) {
            let finding = fault.finding(&rom.name);
            let is_fine = match finding.severity {
                Severity::Note => true,
                Severity::Warning => is_known(&rom.name, finding.code),
                Severity::Error => false,
            };
            assert!(is_fine, "{finding}");
        }
    }
}

#[test]
#[ignore = "needs fetched ROMs"]
fn every_efi_image_holds_the_pe_that_its_header_says() {
    let mut compressed = 0;
    for rom in roms() {
        let parsed = Rom::parse(&rom.bytes).unwrap();
        for image in parsed.images() {
            let Some(header) = image.efi() else { continue };
            let executable = image.efi_executable().unwrap().unwrap();
            let pe = executable.pe().unwrap();
            assert_eq!(pe.machine, header.machine(), "{}", rom.name);
            assert_eq!(pe.subsystem, header.subsystem(), "{}", rom.name);
            assert!(!pe.is_signed && pe.sections.len() >= 5, "{}", rom.name);
            if header.compression_type() == 1 {
                compressed += 1;
                let at = usize::from(header.efi_image_offset());
                let size = &image.bytes()[at + 4..at + 8];
                let size = u32::from_le_bytes(size.try_into().unwrap());
                assert_eq!(executable.bytes().len(), size as usize);
                assert_eq!(pe.size, executable.bytes().len(), "{}", rom.name);
            } else {
                assert!(pe.debug_path.unwrap().ends_with(".efidrv"));
            }
        }
    }
    assert!(compressed >= 8, "{compressed}");
}

#[test]
#[ignore = "needs fetched ROMs"]
fn every_ipxe_image_has_its_three_structures() {
    for rom in roms() {
        let is_ipxe = rom.name.contains("/efi-") || rom.name.contains("/pxe-");
        let parsed = Rom::parse(&rom.bytes).unwrap();
        let image = &parsed.images()[0];
        let pnp = image.pnp_headers().count();
        if is_ipxe {
            let undi = image.undi().unwrap();
            assert_eq!((pnp, undi.undi_version()), (1, [2, 1, 0]), "{}", rom.name);
            assert!(image.ipxe().is_some() && image.device_list().is_some());
        } else if rom.name.contains("vgabios") {
            assert!(pnp == 0 && image.undi().is_none() && image.ipxe().is_none());
        }
    }
}

#[test]
#[ignore = "needs fetched ROMs"]
fn the_parts_of_every_rom_make_the_rom_again() {
    for rom in roms() {
        assert!(rejoined(&rom.bytes) == rom.bytes, "{}", rom.name);
    }
}

#[test]
#[ignore = "needs fetched ROMs"]
fn a_damaged_checksum_of_every_rom_comes_back() {
    for rom in roms() {
        let fixed = fix(&rom.bytes).unwrap();
        let parsed = Rom::parse(&rom.bytes).unwrap();
        let pnp = |fault: &RomFault| fault.code() == Code::PnpChecksum;
        let was_right = !parsed.faults().iter().any(pnp);
        assert_eq!(fixed == rom.bytes, was_right, "{}", rom.name);
        for at in checksum_bytes(&fixed) {
            let mut damaged = fixed.clone();
            damaged[at] ^= 0x5a;
            let again = fix(&damaged).unwrap_or_else(|e| panic!("{}, {at:#x}: {e}", rom.name));
            assert!(again == fixed, "{}, {at:#x}", rom.name);
        }
    }
}

#[test]
#[ignore = "needs fetched ROMs"]
fn every_rom_that_is_retargeted_there_and_back_is_the_rom_again() {
    for rom in roms() {
        let parsed = Rom::parse(&rom.bytes).unwrap();
        for image in parsed.images() {
            let Some(ids) = image.ids() else { continue };
            let only = ImageSelection::Number(image.number());
            let there = PciIds {
                device: 0x1000,
                ..ids
            };
            let result = retargeted(&rom.bytes, only, there);
            assert_eq!(Rom::parse(&result).unwrap().faults(), parsed.faults());
            assert!(retargeted(&result, only, ids) == rom.bytes, "{}", rom.name);
        }
    }
}

#[test]
#[ignore = "needs fetched ROMs and romheaders"]
fn a_grown_rom_reads_well_for_romheaders() {
    let folder = TempDir::new().unwrap();
    for rom in roms() {
        let Ok(grown) = pad_image(&rom.bytes, PadSize::Next, 0xff) else {
            let parsed = Rom::parse(&rom.bytes).unwrap();
            let last = parsed.images().last().unwrap();
            assert_eq!(last.code_type(), CodeType::X86, "{}", rom.name);
            continue;
        };
        let path = folder.path().join("grown.rom");
        fs::write(&path, &grown).unwrap();
        let parsed = Rom::parse(&grown).unwrap();
        assert_eq!(parsed.images_end(), grown.len(), "{}", rom.name);
        if parsed.images()[0].pcir().is_some() {
            let ours = parsed.images().iter().map(|image| by_us(image, &grown));
            assert_eq!(by_romheaders(&path), ours.collect::<Vec<_>>());
        }
    }
}
