//! Faults of a ROM as data, and the words for them.

use super::{ExpansionRomHeader, ImageLength, MAX_IMAGES};
use crate::bytes::OutOfBounds;
use crate::finding::{Code, Finding, Place};

/// One fault or noteworthy fact of a ROM. Offsets are in bytes from the start
/// of the file; images are numbered from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RomFault {
    /// The file ends inside an expansion ROM header.
    HeaderOutOfBounds {
        /// The image.
        number: usize,
        /// Where, and by how much.
        bounds: OutOfBounds,
    },
    /// No PCI Data Structure, in a ROM that is right for ISA.
    NoPcir {
        /// What stands where the pointer would be.
        pointer: u16,
    },
    /// The PCI Data Structure does not fit into the file.
    PcirOutOfBounds {
        /// The image.
        number: usize,
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// Where, and by how much.
        bounds: OutOfBounds,
    },
    /// Another signature than PCIR where the pointer leads.
    PcirSignature {
        /// The image.
        number: usize,
        /// Where the structure should stand.
        offset: usize,
        /// What stands there.
        found: [u8; 4],
    },
    /// A PCI Data Structure that is shorter than its revision.
    PcirLength {
        /// The image.
        number: usize,
        /// Offset of the length field.
        offset: usize,
        /// The length it says, in bytes.
        length: u16,
        /// The revision it says.
        revision: u8,
        /// The length that this revision has, in bytes.
        required: usize,
    },
    /// An image of 0 bytes.
    ImageLengthZero {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
    },
    /// An image that is longer than the rest of the file.
    ImageLengthBeyondFile {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
        /// Its length.
        length: ImageLength,
        /// Bytes from its offset to the end of the file.
        available: usize,
    },
    /// No image where the one before says that another follows.
    LastImageMissing {
        /// The image that says so.
        number: usize,
        /// Where the next should start.
        offset: usize,
        /// What stands there; nothing at the end of the file.
        found: Option<[u8; 2]>,
    },
    /// Something other than padding after the last image.
    DataAfterLastImage {
        /// Where it starts.
        offset: usize,
        /// Its length, in bytes.
        length: usize,
    },
    /// An x86 image that does not sum to 0.
    ImageChecksum {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
        /// The bytes that were summed.
        length: usize,
        /// Their sum.
        sum: u8,
    },
    /// An x86 image whose initialization size is not its image length.
    InitLength {
        /// The image.
        number: usize,
        /// Offset of the initialization size.
        offset: usize,
        /// The initialization size.
        initialization: ImageLength,
        /// The image length.
        length: ImageLength,
    },
    /// More than [`MAX_IMAGES`] images.
    TooManyImages {
        /// Where the next would start.
        offset: usize,
    },
    /// A file size that is not a multiple of 512 bytes.
    SizeNotInUnits {
        /// The size, in bytes.
        size: usize,
    },
}

impl RomFault {
    /// The code of the fault.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::HeaderOutOfBounds { .. } => Code::HeaderOutOfBounds,
            Self::NoPcir { .. } => Code::NoPcir,
            Self::PcirOutOfBounds { .. } => Code::PcirOutOfBounds,
            Self::PcirSignature { .. } => Code::PcirSignature,
            Self::PcirLength { .. } => Code::PcirLength,
            Self::ImageLengthZero { .. } => Code::ImageLengthZero,
            Self::ImageLengthBeyondFile { .. } => Code::ImageLengthBeyondFile,
            Self::LastImageMissing { .. } => Code::LastImageMissing,
            Self::DataAfterLastImage { .. } => Code::DataAfterLastImage,
            Self::ImageChecksum { .. } => Code::ImageChecksum,
            Self::InitLength { .. } => Code::InitLength,
            Self::TooManyImages { .. } => Code::TooManyImages,
            Self::SizeNotInUnits { .. } => Code::SizeNotInUnits,
        }
    }

    /// Whether nothing tells where the next image starts, or whether the ROM
    /// has one: what follows cannot be judged.
    #[must_use]
    pub const fn breaks_chain(&self) -> bool {
        matches!(
            self,
            Self::HeaderOutOfBounds { .. }
                | Self::PcirOutOfBounds { .. }
                | Self::PcirSignature { .. }
                | Self::ImageLengthZero { .. }
                | Self::ImageLengthBeyondFile { .. }
                | Self::LastImageMissing { .. }
                | Self::TooManyImages { .. }
        )
    }

    /// The finding about the ROM named `subject`: the only place for its words.
    #[must_use]
    pub fn finding(&self, subject: &str) -> Finding {
        let (image, offset, found, required) = self.words();
        let code = self.code();
        Finding {
            code,
            severity: code.default_severity(),
            subject: subject.to_owned(),
            place: Place {
                image,
                offset: offset.map(|offset| offset as u64),
            },
            found,
            required,
            next_step: code.explanation().remedy.to_owned(),
        }
    }

    /// Image number, offset, what was found, what is required.
    fn words(&self) -> (Option<usize>, Option<usize>, String, String) {
        match self {
            Self::HeaderOutOfBounds { number, bounds } => (
                Some(*number),
                Some(bounds.at),
                format!(
                    "the file ends after {} bytes of the expansion ROM header",
                    bounds.available
                ),
                format!("the header has {} bytes", ExpansionRomHeader::SIZE),
            ),
            Self::NoPcir { pointer } => (
                Some(1),
                Some(0x18),
                format!(
                    "pointer {pointer:#06x} leads to no PCI Data Structure, and the bytes sum to 0"
                ),
                "a ROM for a PCI device needs one, an ISA ROM does not".to_owned(),
            ),
            Self::PcirOutOfBounds {
                number,
                pointer,
                bounds,
            } => (
                Some(*number),
                Some(bounds.at),
                format!(
                    "pointer {pointer:#06x} leads to {} bytes before the end of the file",
                    bounds.available
                ),
                format!("the PCI Data Structure has {} bytes", bounds.needed),
            ),
            Self::PcirSignature {
                number,
                offset,
                found,
            } => (
                Some(*number),
                Some(*offset),
                format!(
                    "\"{}\" stands where the PCI Data Structure should start",
                    found.escape_ascii()
                ),
                "the signature is \"PCIR\"".to_owned(),
            ),
            Self::PcirLength {
                number,
                offset,
                length,
                revision,
                required,
            } => (
                Some(*number),
                Some(*offset),
                format!(
                    "the PCI Data Structure of revision {revision} says that it has {length:#x} bytes"
                ),
                format!("this revision has {required:#x}"),
            ),
            Self::ImageLengthZero { number, offset } => (
                Some(*number),
                Some(*offset),
                "the image length is 0".to_owned(),
                "an image has at least one unit of 512 bytes".to_owned(),
            ),
            Self::ImageLengthBeyondFile {
                number,
                offset,
                length,
                available,
            } => (
                Some(*number),
                Some(*offset),
                format!(
                    "the image length is {} bytes ({:#x} units)",
                    length.bytes(),
                    length.units()
                ),
                format!("the file has {available} bytes from there"),
            ),
            Self::LastImageMissing {
                number,
                offset,
                found,
            } => (
                Some(*number),
                Some(*offset),
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
            Self::DataAfterLastImage { offset, length } => (
                None,
                Some(*offset),
                format!("{length} bytes of data follow the last image"),
                "padding is all 0xff or all 0x00".to_owned(),
            ),
            Self::ImageChecksum {
                number,
                offset,
                length,
                sum,
            } => (
                Some(*number),
                Some(*offset),
                format!("the {length} bytes of the x86 image sum to {sum:#04x}"),
                "they must sum to 0x00".to_owned(),
            ),
            Self::InitLength {
                number,
                offset,
                initialization,
                length,
            } => (
                Some(*number),
                Some(*offset),
                format!(
                    "the initialization size is {} bytes",
                    initialization.bytes()
                ),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::TooManyImages { offset } => (
                Some(MAX_IMAGES),
                Some(*offset),
                format!("another image follows image {MAX_IMAGES}"),
                format!("a ROM has at most {MAX_IMAGES} images here"),
            ),
            Self::SizeNotInUnits { size } => (
                None,
                None,
                format!("the file has {size} bytes"),
                "a ROM is a multiple of 512 bytes".to_owned(),
            ),
        }
    }
}
