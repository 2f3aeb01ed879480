//! What is wrong inside an image that legacy or Open Firmware runs.

use crate::bytes::OutOfBounds;
use crate::finding::Code;
use crate::rom::*;

/// What is wrong inside an image that legacy or Open Firmware runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageFault {
    /// An x86 image that does not sum to 0.
    Checksum {
        /// The bytes that were summed.
        length: usize,
        /// Their sum.
        sum: u8,
    },
    /// An x86 image whose initialization size is not its image length.
    InitLength {
        /// The initialization size.
        initialization: ImageLength,
        /// The image length.
        length: ImageLength,
    },
    /// An FCode program whose header does not fit into its image.
    FcodeOutOfBounds {
        /// Where from the start of the image, and by how much.
        bounds: OutOfBounds,
    },
    /// A structure that does not fit into its image.
    StructureOutOfBounds {
        /// The structure.
        structure: Structure,
        /// Where, and by how much.
        bounds: OutOfBounds,
    },
    /// A structure that says it is shorter than its fields.
    StructureLength {
        /// The structure.
        structure: Structure,
        /// The length it says, in bytes.
        length: usize,
        /// The length of its fields, in bytes.
        required: usize,
    },
    /// A structure that does not sum to 0.
    StructureChecksum {
        /// The structure.
        structure: Structure,
        /// The bytes that were summed.
        length: usize,
        /// Their sum.
        sum: u8,
    },
    /// No Plug and Play header where the image points.
    PnpSignature {
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// What stands there; nothing outside of the image.
        found: Option<[u8; 4]>,
    },
    /// No UNDI ROM ID structure where the image points.
    UndiSignature {
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// What stands there; nothing outside of the image.
        found: Option<[u8; 4]>,
    },
    /// Plug and Play headers whose pointers form a loop.
    PnpEndless,
    /// An x86 image that its initialization size cannot tell.
    TooLarge {
        /// Its length.
        length: ImageLength,
    },
}

impl ImageFault {
    /// The code of the fault.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::Checksum { .. } => Code::ImageChecksum,
            Self::InitLength { .. } => Code::InitLength,
            Self::FcodeOutOfBounds { .. } => Code::FcodeOutOfBounds,
            Self::StructureOutOfBounds { structure, .. } => match structure {
                Structure::Pnp => Code::PnpOutOfBounds,
                Structure::Undi => Code::UndiOutOfBounds,
                Structure::Ipxe => Code::IpxeOutOfBounds,
            },
            Self::StructureLength { structure, .. } => match structure {
                Structure::Pnp => Code::PnpLength,
                Structure::Undi => Code::UndiLength,
                Structure::Ipxe => Code::IpxeLength,
            },
            Self::StructureChecksum { structure, .. } => match structure {
                Structure::Pnp => Code::PnpChecksum,
                Structure::Undi => Code::UndiChecksum,
                Structure::Ipxe => Code::IpxeChecksum,
            },
            Self::PnpSignature { .. } => Code::PnpSignature,
            Self::UndiSignature { .. } => Code::UndiSignature,
            Self::PnpEndless => Code::PnpEndless,
            Self::TooLarge { .. } => Code::X86ImageTooLarge,
        }
    }

    /// What was found, what is required.
    pub(super) fn words(&self) -> (String, String) {
        match self {
            Self::Checksum { length, sum } => (
                format!("the {length} bytes of the x86 image sum to {sum:#04x}"),
                "they must sum to 0x00".to_owned(),
            ),
            Self::InitLength {
                initialization,
                length,
            } => (
                format!(
                    "the initialization size is {} bytes",
                    initialization.bytes()
                ),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::FcodeOutOfBounds { bounds } => (
                format!(
                    "pointer {:#06x} leads to {} bytes before the end of the image",
                    bounds.at, bounds.available
                ),
                format!("the header of an FCode program has {} bytes", bounds.needed),
            ),
            Self::StructureOutOfBounds { structure, bounds } => (
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
            } => (
                format!("the {structure} says that it has {length} bytes"),
                format!("its fields take {required}"),
            ),
            Self::StructureChecksum {
                structure,
                length,
                sum,
            } => (
                format!("the {length} bytes of the {structure} sum to {sum:#04x}"),
                "they must sum to 0x00".to_owned(),
            ),
            Self::PnpSignature { pointer, found } => (
                signature_words(Structure::Pnp, *pointer, *found),
                "the signature is \"$PnP\", and a pointer of 0 says that there is none".to_owned(),
            ),
            Self::UndiSignature { pointer, found } => (
                signature_words(Structure::Undi, *pointer, *found),
                "the signature is \"UNDI\", and a pointer of 0 says that there is none".to_owned(),
            ),
            Self::PnpEndless => (
                format!("another PnP expansion header follows the first {MAX_PNP_HEADERS}"),
                "the chain ends with a pointer of 0".to_owned(),
            ),
            Self::TooLarge { length } => (
                format!("the x86 image has {} bytes", length.bytes()),
                "legacy firmware loads at most 130560 (255 units)".to_owned(),
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
