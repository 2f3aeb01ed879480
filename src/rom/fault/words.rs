//! The words of every fault: what was found, what is required.

use super::RomFault;
use crate::rom::{
    EFI_SIGNATURE, ExpansionRomHeader, MAX_EXECUTABLE, MAX_IMAGES, MAX_PNP_HEADERS, Structure,
};

impl RomFault {
    /// What was found, what is required.
    pub(super) fn words(&self) -> (String, String) {
        match self {
            Self::HeaderOutOfBounds { bounds, .. } => (
                format!(
                    "the file ends after {} bytes of the expansion ROM header",
                    bounds.available
                ),
                format!("the header has {} bytes", ExpansionRomHeader::SIZE),
            ),
            Self::NoPcir { pointer } => (
                format!(
                    "pointer {pointer:#06x} leads to no PCI Data Structure, and the bytes sum to 0"
                ),
                "a ROM for a PCI device needs one, an ISA ROM does not".to_owned(),
            ),
            Self::PcirOutOfBounds {
                pointer, bounds, ..
            } => (
                format!(
                    "pointer {pointer:#06x} leads to {} bytes before the end of the file",
                    bounds.available
                ),
                format!("the PCI Data Structure has {} bytes", bounds.needed),
            ),
            Self::PcirSignature { found, .. } => (
                format!(
                    "\"{}\" stands where the PCI Data Structure should start",
                    found.escape_ascii()
                ),
                "the signature is \"PCIR\"".to_owned(),
            ),
            Self::PcirLength {
                length,
                revision,
                required,
                ..
            } => (
                format!(
                    "the PCI Data Structure of revision {revision} says that it has {length:#x} bytes"
                ),
                format!("this revision has {required:#x}"),
            ),
            Self::ImageLengthZero { .. } => (
                "the image length is 0".to_owned(),
                "an image has at least one unit of 512 bytes".to_owned(),
            ),
            Self::ImageLengthBeyondFile {
                length, available, ..
            } => (
                format!(
                    "the image length is {} bytes ({:#x} units)",
                    length.bytes(),
                    length.units()
                ),
                format!("the file has {available} bytes from there"),
            ),
            Self::LastImageMissing { found, .. } => (
                match found {
                    Some([first, second]) => format!(
                        "the image is not marked as the last, and {first:02x} {second:02x} follows it"
                    ),
                    None => {
                        "the image is not marked as the last, and the file ends after it".to_owned()
                    }
                },
                "another image starts with 55 aa".to_owned(),
            ),
            Self::DataAfterLastImage { length, .. } => (
                format!("{length} bytes of data follow the last image"),
                "padding is all 0xff or all 0x00".to_owned(),
            ),
            Self::RomRepeats { offset, length } => (
                format!("the last {length} bytes are the first {offset} again"),
                "a file has the ROM once".to_owned(),
            ),
            Self::ImageChecksum { length, sum, .. } => (
                format!("the {length} bytes of the x86 image sum to {sum:#04x}"),
                "they must sum to 0x00".to_owned(),
            ),
            Self::InitLength {
                initialization,
                length,
                ..
            }
            | Self::EfiInitLength {
                initialization,
                length,
                ..
            } => (
                format!(
                    "the initialization size is {} bytes",
                    initialization.bytes()
                ),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::TooManyImages { .. } => (
                format!("another image follows image {MAX_IMAGES}"),
                format!("a ROM has at most {MAX_IMAGES} images here"),
            ),
            Self::SizeNotInUnits { size } => (
                format!("the file has {size} bytes"),
                "a ROM is a multiple of 512 bytes".to_owned(),
            ),
            Self::PcirOutsideImage {
                pointer, length, ..
            } => (
                format!("pointer {pointer:#06x} leads out of the image, to another PCIR"),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::PcirUnaligned { pointer, .. } => (
                format!("pointer {pointer:#06x} leads to the PCI Data Structure"),
                "the structure stands at a multiple of 4 bytes".to_owned(),
            ),
            Self::PcirInHeader { pointer, .. } => (
                format!("pointer {pointer:#06x} leads to the PCI Data Structure"),
                format!(
                    "it stands after the {} bytes of the expansion ROM header",
                    ExpansionRomHeader::SIZE
                ),
            ),
            Self::PcirBeyondImage {
                length, available, ..
            } => (
                format!("the PCI Data Structure says that it has {length:#x} bytes"),
                format!("the image has {available:#x} bytes from there"),
            ),
            Self::ConfigurationUtilityOutOfBounds {
                pointer, length, ..
            } => (
                format!("pointer {pointer:#06x} leads to no configuration utility in the image"),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::ClpEntryOutOfBounds {
                pointer, length, ..
            } => (
                format!("pointer {pointer:#06x} leads to no DMTF CLP entry point in the image"),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::PcirRevision { revision, .. } => (
                format!("the PCI Data Structure has revision {revision:#04x}"),
                "there are revision 0 and revision 3".to_owned(),
            ),
            Self::UnknownCodeType { code_type, .. } => (
                format!("the image has {code_type}"),
                "0x00 is x86, 0x01 Open Firmware, 0x02 PA-RISC, 0x03 EFI".to_owned(),
            ),
            Self::RuntimeLength {
                runtime, length, ..
            } => (
                format!(
                    "the maximum run-time image length is {} bytes",
                    runtime.bytes()
                ),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::FcodeOutOfBounds { bounds, .. } => (
                format!(
                    "pointer {:#06x} leads to {} bytes before the end of the image",
                    bounds.at, bounds.available
                ),
                format!("the header of an FCode program has {} bytes", bounds.needed),
            ),
            Self::EfiSignature { found, .. } => (
                format!("{found:#010x} stands where the EFI signature should be"),
                format!("the EFI signature is {EFI_SIGNATURE:#010x}"),
            ),
            Self::StructureOutOfBounds {
                structure, bounds, ..
            } => (
                format!(
                    "the {structure} starts {} bytes before the end of the image",
                    bounds.available
                ),
                format!("it has {} bytes", bounds.needed),
            ),
            Self::StructureLength {
                structure,
                length,
                required,
                ..
            } => (
                format!("the {structure} says that it has {length} bytes"),
                format!("its fields take {required}"),
            ),
            Self::StructureChecksum {
                structure,
                length,
                sum,
                ..
            } => (
                format!("the {length} bytes of the {structure} sum to {sum:#04x}"),
                "they must sum to 0x00".to_owned(),
            ),
            Self::PnpSignature { pointer, found, .. } => (
                signature_words(Structure::Pnp, *pointer, *found),
                "the signature is \"$PnP\", and a pointer of 0 says that there is none".to_owned(),
            ),
            Self::UndiSignature { pointer, found, .. } => (
                signature_words(Structure::Undi, *pointer, *found),
                "the signature is \"UNDI\", and a pointer of 0 says that there is none".to_owned(),
            ),
            Self::PnpEndless { .. } => (
                format!("another PnP expansion header follows the first {MAX_PNP_HEADERS}"),
                "the chain ends with a pointer of 0".to_owned(),
            ),
            Self::DeviceListOutOfBounds { pointer, .. } => (
                format!("pointer {pointer:#06x} leads to no device list in the image"),
                "it counts from the PCI Data Structure and stays in the image".to_owned(),
            ),
            Self::DeviceListUnterminated { .. } => (
                "the device list goes to the end of the image".to_owned(),
                "a word of 0 ends it".to_owned(),
            ),
            Self::IdsOfNoDevice { ids, .. } => (
                format!("the image is for {ids}"),
                "no PCI device has vendor id 0000 or ffff".to_owned(),
            ),
            Self::IdsDiffer { ids, first, .. } => (
                format!("the image is for {ids}"),
                format!("the first image is for {first}"),
            ),
            Self::UnexpectedIds { ids, expected, .. } => {
                let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
                (
                    format!("the image is for {ids}"),
                    format!("the device is {}", expected.join(" or ")),
                )
            }
            Self::EfiExecutableOutOfBounds { bounds, .. } => (
                format!("the EFI executable starts at {:#x} of the image", bounds.at),
                "it lies in the image".to_owned(),
            ),
            Self::UnknownCompression { compression, .. } => (
                format!("the compression type is {compression:#x}"),
                "0x0 is none, 0x1 the UEFI compression algorithm".to_owned(),
            ),
            Self::DecompressionFailed { error, .. } => (
                error.to_string(),
                format!("the UEFI compression algorithm, up to {MAX_EXECUTABLE} bytes"),
            ),
            Self::PeUnreadable { error, .. } => (
                error.to_string(),
                "an EFI image holds a PE executable".to_owned(),
            ),
            Self::EfiMachineMismatch {
                header, executable, ..
            } => (
                format!("the EFI header says {header}"),
                format!("the executable is for {executable}"),
            ),
            Self::EfiSubsystemMismatch {
                header, executable, ..
            } => (
                format!("the EFI header says {header}"),
                format!("the executable says {executable}"),
            ),
            Self::EfiNotADriver { subsystem, .. } => (
                format!("the EFI header says {subsystem}"),
                "firmware starts boot service drivers and runtime drivers".to_owned(),
            ),
            Self::NoX86Image => (
                "the ROM has no x86 image".to_owned(),
                "legacy firmware such as SeaBIOS starts no other".to_owned(),
            ),
            Self::NoEfiImage => (
                "the ROM has no EFI image".to_owned(),
                "UEFI firmware such as OVMF starts no other".to_owned(),
            ),
            Self::X86ImageTooLarge { length, .. } => (
                format!("the x86 image has {} bytes", length.bytes()),
                "legacy firmware loads at most 130560 (255 units)".to_owned(),
            ),
            Self::UnusualPadding { length, zeros, .. } => (
                if *zeros {
                    format!("{length} bytes of 0x00 follow the last image")
                } else {
                    format!("{length} bytes of 0x00 and 0xff follow the last image")
                },
                "padding is 0xff by custom, as erased flash memory is".to_owned(),
            ),
            Self::LittleRoom {
                used,
                room,
                minimum,
            } => (
                format!("{used} bytes leave {room} free in the BAR"),
                format!("{minimum} should be free"),
            ),
        }
    }
}

/// What stands where a pointer says that a structure does.
fn signature_words(structure: Structure, pointer: u16, found: Option<[u8; 4]>) -> String {
    match found {
        Some(found) => format!(
            "pointer {pointer:#06x} leads to \"{}\", no {structure}",
            found.escape_ascii()
        ),
        None => format!("pointer {pointer:#06x} leads to no {structure} in the image"),
    }
}
