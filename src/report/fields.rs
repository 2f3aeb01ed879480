//! Every field of an image, with its offset.

use crate::rom::{
    CodeType, EfiExecutable, ExecutableError, FcodeHeader, IPXE_SIGNATURE, Image, IpxeHeader,
    PNP_SIGNATURE, PciDataStructure, PnpHeader, UNDI_SIGNATURE, UndiRomId, text_at,
};
use serde::Serialize;

/// The name of bytes whose meaning depends on the code type. With iPXE a
/// checksum is among them.
pub(super) const PROCESSOR_UNIQUE: &str = "processor unique data";

/// One field of an image, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Offset in bytes from the start of the ROM; none for what stands nowhere
    /// in it: a sum, and what is in an executable.
    pub offset: Option<usize>,
    /// The structure that it belongs to.
    pub structure: &'static str,
    /// Its name in the specification's words.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// Collects the fields of one image.
struct Fields {
    base: usize,
    structure: &'static str,
    found: Vec<Field>,
}

impl Fields {
    /// Goes on with a structure at `offset` of the image at `image`.
    fn enter(&mut self, structure: &'static str, image: &Image<'_>, offset: usize) {
        self.structure = structure;
        self.base = image.offset().saturating_add(offset);
    }

    fn at(&mut self, offset: usize, name: &'static str, value: String) {
        self.found.push(Field {
            offset: Some(self.base.saturating_add(offset)),
            structure: self.structure,
            name,
            value,
        });
    }

    fn nowhere(&mut self, name: &'static str, value: String) {
        self.found.push(Field {
            offset: None,
            structure: self.structure,
            name,
            value,
        });
    }
}

fn hex(value: impl Into<u32>) -> String {
    format!("{:#x}", value.into())
}

pub(super) fn class([base, sub, interface]: [u8; 3]) -> String {
    format!("{base:02x}{sub:02x}{interface:02x}")
}

fn hex_bytes(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

fn quoted(signature: [u8; 4]) -> String {
    format!("\"{}\"", signature.escape_ascii())
}

/// Every field of an image, in the order of its structures.
pub(super) fn fields(
    image: &Image<'_>,
    executable: Option<&Result<EfiExecutable<'_>, ExecutableError>>,
) -> Vec<Field> {
    let mut fields = Fields {
        base: 0,
        structure: "",
        found: Vec::new(),
    };
    expansion_rom_header(image, &mut fields);
    efi_header(image, &mut fields);
    if let Some(pcir) = image.pcir() {
        pci_data_structure(image, pcir, &mut fields);
    }
    for header in image.pnp_headers().flatten() {
        pnp_header(image, header, &mut fields);
    }
    if let Some(undi) = image.undi() {
        undi_rom_id(image, undi, &mut fields);
    }
    if let Some(header) = image.ipxe() {
        ipxe_header(image, header, &mut fields);
    }
    if let Some(header) = image.fcode() {
        fcode_header(image, header, &mut fields);
    }
    if let Some(executable) = executable {
        fields.structure = "EFI executable";
        match executable {
            Ok(executable) => efi_executable(executable, &mut fields),
            Err(error) => fields.nowhere("unreadable", error.to_string()),
        }
    }
    fields.found
}

fn expansion_rom_header(image: &Image<'_>, fields: &mut Fields) {
    let header = image.header();
    fields.enter("expansion ROM header", image, 0);
    if let Some(sum) = image.checksum() {
        fields.nowhere("checksum", checksum_words(sum));
    }
    fields.at(0, "signature", hex_bytes(&header.signature()));
    let unique = header.processor_unique_data();
    let rest = |from: usize| {
        let bytes = unique.get(from.saturating_sub(2)..);
        hex_bytes(bytes.unwrap_or_default())
    };
    match (image.code_type(), image.efi()) {
        (CodeType::X86, _) => {
            let size = header.initialization_size().bytes();
            fields.at(2, "initialization size", format!("{size} bytes"));
            fields.at(3, "entry point", entry_point(header.entry_point()));
            fields.at(6, PROCESSOR_UNIQUE, rest(6));
            fields.at(0x16, "UNDI ROM ID", hex(image.undi_offset()));
        }
        (CodeType::OpenFirmware, _) => {
            fields.at(2, "FCode program", hex(header.fcode_offset()));
            fields.at(4, PROCESSOR_UNIQUE, rest(4));
        }
        (_, Some(_)) => {}
        (_, None) => fields.at(2, PROCESSOR_UNIQUE, rest(2)),
    }
    fields.at(0x18, "PCI Data Structure", hex(header.pcir_offset()));
    if image.code_type() == CodeType::X86 {
        fields.at(0x1a, "PnP expansion header", hex(image.pnp_offset()));
    }
}

/// The instruction at an entry point, and where it goes if it is a jump.
fn entry_point(instruction: [u8; 3]) -> String {
    let bytes = hex_bytes(&instruction);
    let target = match instruction {
        [0xe9, low, high] => u16::from_le_bytes([low, high]).wrapping_add(6),
        [0xeb, distance, _] => 5_u16.wrapping_add_signed(i16::from(distance.cast_signed())),
        _ => return bytes,
    };
    format!("{bytes}, a jump to {target:#x}")
}

fn efi_header(image: &Image<'_>, fields: &mut Fields) {
    let Some(efi) = image.efi() else { return };
    fields.enter("EFI header", image, 0);
    let size = usize::from(efi.initialization_size()).saturating_mul(512);
    fields.at(2, "initialization size", format!("{size} bytes"));
    fields.at(4, "EFI signature", format!("{:#06x}", efi.efi_signature()));
    fields.at(8, "subsystem", efi.subsystem().to_string());
    fields.at(0x0a, "machine", efi.machine().to_string());
    let compression = match efi.compression_type() {
        0 => "none".to_owned(),
        1 => "UEFI compression algorithm".to_owned(),
        other => hex(other),
    };
    fields.at(0x0c, "compression", compression);
    fields.at(0x0e, "reserved", hex_bytes(&efi.reserved()));
    fields.at(0x16, "EFI image offset", hex(efi.efi_image_offset()));
}

fn pci_data_structure(image: &Image<'_>, pcir: PciDataStructure<'_>, fields: &mut Fields) {
    let offset = usize::from(image.header().pcir_offset());
    fields.enter("PCI Data Structure", image, offset);
    fields.at(0, "signature", quoted(pcir.signature()));
    fields.at(4, "vendor and device id", pcir.ids().to_string());
    let pointer = match pcir.revision() {
        0..=2 => "Vital Product Data",
        _ => "device list pointer",
    };
    fields.at(8, pointer, hex(pcir.device_list_offset()));
    if let Some(list) = image.device_list() {
        let ids: Vec<_> = list.ids().map(|id| format!("{id:04x}")).collect();
        let at = list.offset().saturating_sub(offset);
        fields.at(at, "device list", ids.join(" "));
    }
    fields.at(0x0a, "length", hex(pcir.length()));
    fields.at(0x0c, "revision", pcir.revision().to_string());
    fields.at(0x0d, "class code", class(pcir.class_code()));
    let length = pcir.image_length().bytes();
    fields.at(0x10, "image length", format!("{length} bytes"));
    fields.at(0x12, "vendor revision", hex(pcir.vendor_revision()));
    fields.at(0x14, "code type", pcir.code_type().to_string());
    let last = if pcir.is_last_image() { "yes" } else { "no" };
    fields.at(0x15, "last image", last.to_owned());
    if let Some(runtime) = pcir.maximum_runtime_length() {
        let bytes = runtime.bytes();
        fields.at(0x16, "maximum run-time length", format!("{bytes} bytes"));
    } else {
        fields.at(0x16, "reserved", hex(pcir.reserved()));
    }
    if let Some(offset) = pcir.configuration_utility_offset() {
        fields.at(0x18, "configuration utility", hex(offset));
    }
    if let Some(offset) = pcir.clp_entry_offset() {
        fields.at(0x1a, "DMTF CLP entry point", hex(offset));
    }
}

fn pnp_header(image: &Image<'_>, header: PnpHeader<'_>, fields: &mut Fields) {
    fields.enter("PnP expansion header", image, header.offset());
    fields.at(0, "signature", quoted(PNP_SIGNATURE));
    fields.at(4, "revision", hex(header.revision()));
    fields.at(5, "length", format!("{} bytes", header.length()));
    fields.at(6, "next header", hex(header.next_offset()));
    let (reserved_byte, reserved_word) = header.reserved();
    fields.at(8, "reserved byte", hex(reserved_byte));
    fields.at(9, "checksum", checksum_words(header.sum()));
    let identifier = hex_bytes(&header.device_identifier());
    fields.at(0x0a, "device identifier", identifier);
    let text = |offset| match text_at(image.bytes(), offset) {
        Some(text) => format!("\"{text}\""),
        None => "none".to_owned(),
    };
    fields.at(0x0e, "manufacturer", text(header.manufacturer_offset()));
    fields.at(0x10, "product", text(header.product_offset()));
    fields.at(0x12, "device type", class(header.device_type()));
    fields.at(0x15, "device indicators", hex(header.device_indicators()));
    fields.at(
        0x16,
        "boot connection vector",
        hex(header.boot_connection_vector()),
    );
    fields.at(0x18, "disconnect vector", hex(header.disconnect_vector()));
    fields.at(
        0x1a,
        "bootstrap entry vector",
        hex(header.bootstrap_entry_vector()),
    );
    fields.at(0x1c, "reserved word", hex(reserved_word));
    fields.at(
        0x1e,
        "static resource vector",
        hex(header.static_resource_vector()),
    );
}

fn undi_rom_id(image: &Image<'_>, undi: UndiRomId<'_>, fields: &mut Fields) {
    fields.enter("UNDI ROM ID", image, undi.offset());
    fields.at(0, "signature", quoted(UNDI_SIGNATURE));
    fields.at(4, "length", hex(undi.length()));
    fields.at(5, "checksum", checksum_words(undi.sum()));
    fields.at(6, "revision", undi.revision().to_string());
    let [major, minor, revision] = undi.undi_version();
    fields.at(7, "UNDI version", format!("{major}.{minor}.{revision}"));
    fields.at(0x0a, "loader", hex(undi.loader_offset()));
    fields.at(0x0c, "stack size", format!("{} bytes", undi.stack_size()));
    fields.at(0x0e, "data size", format!("{} bytes", undi.data_size()));
    fields.at(0x10, "code size", format!("{} bytes", undi.code_size()));
    fields.at(0x12, "bus type", quoted(undi.bus_type()));
}

fn ipxe_header(image: &Image<'_>, header: IpxeHeader<'_>, fields: &mut Fields) {
    fields.enter("iPXE header", image, header.offset());
    fields.at(0, "signature", quoted(IPXE_SIGNATURE));
    fields.at(4, "length", hex(header.length()));
    fields.at(5, "checksum", checksum_words(header.sum()));
    let shrunk = header.shrunk_length().bytes();
    fields.at(6, "shrunk length", format!("{shrunk} bytes"));
    fields.at(7, "reserved", hex(header.reserved()));
    fields.at(8, "build id", format!("{:08x}", header.build_id()));
}

fn fcode_header(image: &Image<'_>, header: FcodeHeader<'_>, fields: &mut Fields) {
    fields.enter(
        "FCode program",
        image,
        usize::from(image.header().fcode_offset()),
    );
    fields.at(0, "start code", hex(header.start_code()));
    fields.at(1, "format", hex(header.format()));
    fields.at(2, "checksum", hex(header.checksum()));
    fields.at(4, "length", format!("{} bytes", header.length()));
}

fn efi_executable(executable: &EfiExecutable<'_>, fields: &mut Fields) {
    fields.nowhere("size", format!("{} bytes", executable.bytes().len()));
    let pe = match executable.pe() {
        Ok(pe) => pe,
        Err(error) => return fields.nowhere("unreadable", error.to_string()),
    };
    fields.nowhere("machine", pe.machine.to_string());
    fields.nowhere("subsystem", pe.subsystem.to_string());
    fields.nowhere("entry point", hex(pe.entry_point));
    for section in &pe.sections {
        let (name, offset) = (&section.name, section.offset);
        let (size, memory) = (section.size, section.virtual_size);
        let value = format!("{name} at {offset:#x}, {size} bytes, {memory} in memory");
        fields.nowhere("section", value);
    }
    if let Some(path) = &pe.debug_path {
        fields.nowhere("debug path", path.escape_debug().to_string());
    }
    let signed = if pe.is_signed { "yes" } else { "no" };
    fields.nowhere("Authenticode signature", signed.to_owned());
}

pub(super) fn checksum_words(sum: u8) -> String {
    match sum {
        0 => "right".to_owned(),
        sum => format!("wrong, the bytes sum to {sum:#04x}"),
    }
}
