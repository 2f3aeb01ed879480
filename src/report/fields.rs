//! Every field of an image, with its offset.

use crate::rom::{
    EfiExecutable, Image, IpxeHeader, PciDataStructure, PnpHeader, UndiRomId, text_at,
};
use serde::Serialize;

/// One field of an image, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Offset in bytes from the start of the ROM; none for what is in a
    /// decompressed executable.
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

    fn inside(&mut self, name: &'static str, value: String) {
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

fn class([base, sub, interface]: [u8; 3]) -> String {
    format!("{base:02x}{sub:02x}{interface:02x}")
}

/// Every field of an image, in the order of its structures.
pub(super) fn fields(image: &Image<'_>) -> Vec<Field> {
    let mut fields = Fields {
        base: 0,
        structure: "",
        found: Vec::new(),
    };
    fields.enter("expansion ROM header", image, 0);
    if let Some(sum) = image.checksum() {
        fields.at(0, "checksum", super::inspect::checksum_words(sum));
        let size = image.header().initialization_size().bytes();
        fields.at(2, "initialization size", format!("{size} bytes"));
    }
    fields.at(
        0x18,
        "PCI Data Structure",
        hex(image.header().pcir_offset()),
    );
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
    if let Some(executable) = image.efi_executable() {
        fields.structure = "EFI executable";
        match executable {
            Ok(executable) => efi_executable(&executable, &mut fields),
            Err(error) => fields.inside("unreadable", error.to_string()),
        }
    }
    fields.found
}

fn efi_header(image: &Image<'_>, fields: &mut Fields) {
    let Some(efi) = image.efi() else { return };
    fields.enter("EFI header", image, 0);
    let size = usize::from(efi.initialization_size()).saturating_mul(512);
    fields.at(2, "initialization size", format!("{size} bytes"));
    fields.at(8, "subsystem", efi.subsystem().to_string());
    fields.at(0x0a, "machine", efi.machine().to_string());
    let compression = match efi.compression_type() {
        0 => "none".to_owned(),
        1 => "UEFI compression algorithm".to_owned(),
        other => hex(other),
    };
    fields.at(0x0c, "compression", compression);
    fields.at(0x16, "EFI image offset", hex(efi.efi_image_offset()));
}

fn pci_data_structure(image: &Image<'_>, pcir: PciDataStructure<'_>, fields: &mut Fields) {
    let offset = usize::from(image.header().pcir_offset());
    fields.enter("PCI Data Structure", image, offset);
    fields.at(4, "vendor and device id", pcir.ids().to_string());
    if let Some(list) = image.device_list() {
        let ids: Vec<_> = list.ids().map(|id| format!("{id:04x}")).collect();
        fields.at(8, "device list", ids.join(" "));
    } else {
        fields.at(8, "device list", "none".to_owned());
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
    fields.at(4, "revision", hex(header.revision()));
    fields.at(5, "length", format!("{} bytes", header.length()));
    fields.at(6, "next header", hex(header.next_offset()));
    fields.at(9, "checksum", super::inspect::checksum_words(header.sum()));
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
    fields.at(
        0x1e,
        "static resource vector",
        hex(header.static_resource_vector()),
    );
}

fn undi_rom_id(image: &Image<'_>, undi: UndiRomId<'_>, fields: &mut Fields) {
    fields.enter("UNDI ROM ID", image, undi.offset());
    fields.at(4, "length", hex(undi.length()));
    fields.at(5, "checksum", super::inspect::checksum_words(undi.sum()));
    fields.at(6, "revision", undi.revision().to_string());
    let [major, minor, revision] = undi.undi_version();
    fields.at(7, "UNDI version", format!("{major}.{minor}.{revision}"));
    fields.at(0x0a, "loader", hex(undi.loader_offset()));
    fields.at(0x0c, "stack size", format!("{} bytes", undi.stack_size()));
    fields.at(0x0e, "data size", format!("{} bytes", undi.data_size()));
    fields.at(0x10, "code size", format!("{} bytes", undi.code_size()));
    let bus = undi.bus_type().escape_ascii().to_string();
    fields.at(0x12, "bus type", format!("\"{bus}\""));
}

fn ipxe_header(image: &Image<'_>, header: IpxeHeader<'_>, fields: &mut Fields) {
    fields.enter("iPXE header", image, header.offset());
    fields.at(4, "length", hex(header.length()));
    fields.at(5, "checksum", super::inspect::checksum_words(header.sum()));
    let shrunk = header.shrunk_length().bytes();
    fields.at(6, "shrunk length", format!("{shrunk} bytes"));
    fields.at(8, "build id", format!("{:08x}", header.build_id()));
}

fn efi_executable(executable: &EfiExecutable<'_>, fields: &mut Fields) {
    fields.inside("size", format!("{} bytes", executable.bytes().len()));
    let pe = match executable.pe() {
        Ok(pe) => pe,
        Err(error) => return fields.inside("unreadable", error.to_string()),
    };
    fields.inside("machine", pe.machine.to_string());
    fields.inside("subsystem", pe.subsystem.to_string());
    fields.inside("entry point", hex(pe.entry_point));
    for section in &pe.sections {
        let (name, offset) = (&section.name, section.offset);
        let (size, memory) = (section.size, section.virtual_size);
        let value = format!("{name} at {offset:#x}, {size} bytes, {memory} in memory");
        fields.inside("section", value);
    }
    if let Some(path) = &pe.debug_path {
        fields.inside("debug path", path.escape_debug().to_string());
    }
    let signed = if pe.is_signed { "yes" } else { "no" };
    fields.inside("Authenticode signature", signed.to_owned());
}
