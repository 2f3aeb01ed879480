//! What is wrong with a PCI Data Structure, and with what it says of the image.

use crate::bytes::OutOfBounds;
use crate::finding::Code;
use crate::rom::*;

/// What is wrong with a PCI Data Structure, and with what it says of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PcirFault {
    /// The PCI Data Structure does not fit into the file.
    OutOfBounds {
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// Where, and by how much.
        bounds: OutOfBounds,
    },
    /// Another signature than PCIR where the pointer leads.
    Signature {
        /// What stands there.
        found: [u8; 4],
    },
    /// A PCI Data Structure that is shorter than its revision.
    Length {
        /// The length it says, in bytes.
        length: u16,
        /// The revision it says.
        revision: u8,
        /// The length that this revision has, in bytes.
        required: usize,
    },
    /// A PCI Data Structure that stands in the file, but not in its image.
    OutsideImage {
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// The image length.
        length: ImageLength,
    },
    /// A PCI Data Structure that is not aligned to 4 bytes.
    Unaligned {
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
    },
    /// A PCI Data Structure that overlaps the expansion ROM header.
    InHeader {
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
    },
    /// A PCI Data Structure that starts in its image and says it ends after it.
    BeyondImage {
        /// The length it says, in bytes.
        length: u16,
        /// Bytes from the structure to the end of the image.
        available: usize,
    },
    /// A configuration utility code header outside of its image.
    ConfigurationUtilityOutOfBounds {
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// The image length.
        length: ImageLength,
    },
    /// A DMTF CLP entry point outside of its image.
    ClpEntryOutOfBounds {
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// The image length.
        length: ImageLength,
    },
    /// A PCI Data Structure of a revision that the specification does not have.
    Revision {
        /// The revision.
        revision: u8,
    },
    /// A code type that is reserved.
    UnknownCodeType {
        /// The code type.
        code_type: CodeType,
    },
    /// An image with more run-time than image.
    RuntimeLength {
        /// The maximum run-time image length.
        runtime: ImageLength,
        /// The image length.
        length: ImageLength,
    },
    /// A device list outside of its image.
    DeviceListOutOfBounds {
        /// The pointer, in bytes from the PCI Data Structure.
        pointer: u16,
    },
    /// A device list that no word of 0 ends.
    DeviceListUnterminated,
    /// A vendor id that no device has.
    IdsOfNoDevice {
        /// The ids.
        ids: PciIds,
    },
    /// Images that are for different devices.
    IdsDiffer {
        /// Its ids.
        ids: PciIds,
        /// The ids of the first image.
        first: PciIds,
    },
    /// An image that is for none of the devices that the ROM is for.
    UnexpectedIds {
        /// Its ids.
        ids: PciIds,
        /// The ids that were expected.
        expected: Vec<PciIds>,
    },
}

impl PcirFault {
    /// The code of the fault.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::OutOfBounds { .. } => Code::PcirOutOfBounds,
            Self::Signature { .. } => Code::PcirSignature,
            Self::Length { .. } => Code::PcirLength,
            Self::OutsideImage { .. } => Code::PcirOutsideImage,
            Self::Unaligned { .. } => Code::PcirUnaligned,
            Self::InHeader { .. } => Code::PcirInHeader,
            Self::BeyondImage { .. } => Code::PcirBeyondImage,
            Self::ConfigurationUtilityOutOfBounds { .. } => Code::ConfigurationUtilityOutOfBounds,
            Self::ClpEntryOutOfBounds { .. } => Code::ClpEntryOutOfBounds,
            Self::Revision { .. } => Code::PcirRevision,
            Self::UnknownCodeType { .. } => Code::UnknownCodeType,
            Self::RuntimeLength { .. } => Code::RuntimeLength,
            Self::DeviceListOutOfBounds { .. } => Code::DeviceListOutOfBounds,
            Self::DeviceListUnterminated => Code::DeviceListUnterminated,
            Self::IdsOfNoDevice { .. } => Code::IdsOfNoDevice,
            Self::IdsDiffer { .. } => Code::IdsDiffer,
            Self::UnexpectedIds { .. } => Code::UnexpectedIds,
        }
    }

    /// What was found, what is required.
    pub(super) fn words(&self) -> (String, String) {
        match self {
            Self::OutOfBounds { pointer, bounds } => (
                format!(
                    "pointer {pointer:#06x} leads to {} bytes before the end of the file",
                    bounds.available
                ),
                format!("the PCI Data Structure has {} bytes", bounds.needed),
            ),
            Self::Signature { found } => (
                format!(
                    "\"{}\" stands where the PCI Data Structure should start",
                    found.escape_ascii()
                ),
                "the signature is \"PCIR\"".to_owned(),
            ),
            Self::Length {
                length,
                revision,
                required,
            } => (
                format!(
                    "the PCI Data Structure of revision {revision} says that it has {length:#x} bytes"
                ),
                format!("this revision has {required:#x}"),
            ),
            Self::OutsideImage { pointer, length } => (
                format!("pointer {pointer:#06x} leads out of the image, to another PCIR"),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::Unaligned { pointer } => (
                format!("pointer {pointer:#06x} leads to the PCI Data Structure"),
                "the structure stands at a multiple of 4 bytes".to_owned(),
            ),
            Self::InHeader { pointer } => (
                format!("pointer {pointer:#06x} leads to the PCI Data Structure"),
                format!(
                    "it stands after the {} bytes of the expansion ROM header",
                    ExpansionRomHeader::SIZE
                ),
            ),
            Self::BeyondImage { length, available } => (
                format!("the PCI Data Structure says that it has {length:#x} bytes"),
                format!("the image has {available:#x} bytes from there"),
            ),
            Self::ConfigurationUtilityOutOfBounds { pointer, length } => (
                format!("pointer {pointer:#06x} leads to no configuration utility in the image"),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::ClpEntryOutOfBounds { pointer, length } => (
                format!("pointer {pointer:#06x} leads to no DMTF CLP entry point in the image"),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::Revision { revision } => (
                format!("the PCI Data Structure has revision {revision:#04x}"),
                "there are revision 0 and revision 3".to_owned(),
            ),
            Self::UnknownCodeType { code_type } => (
                format!("the image has {code_type}"),
                "0x00 is x86, 0x01 Open Firmware, 0x02 PA-RISC, 0x03 EFI".to_owned(),
            ),
            Self::RuntimeLength { runtime, length } => (
                format!(
                    "the maximum run-time image length is {} bytes",
                    runtime.bytes()
                ),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::DeviceListOutOfBounds { pointer } => (
                format!("pointer {pointer:#06x} leads to no device list in the image"),
                "it counts from the PCI Data Structure and stays in the image".to_owned(),
            ),
            Self::DeviceListUnterminated => (
                "the device list goes to the end of the image".to_owned(),
                "a word of 0 ends it".to_owned(),
            ),
            Self::IdsOfNoDevice { ids } => (
                format!("the image is for {ids}"),
                "no PCI device has vendor id 0000 or ffff".to_owned(),
            ),
            Self::IdsDiffer { ids, first } => (
                format!("the image is for {ids}"),
                format!("the first image is for {first}"),
            ),
            Self::UnexpectedIds { ids, expected } => {
                let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
                (
                    format!("the image is for {ids}"),
                    format!("the device is {}", expected.join(" or ")),
                )
            }
        }
    }
}
