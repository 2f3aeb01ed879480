//! What is wrong with the chain of images, and with the ROM as a whole.

use crate::bytes::OutOfBounds;
use crate::finding::Code;
use crate::rom::*;

/// What is wrong with the chain of images, and with the ROM as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainFault {
    /// The file ends inside an expansion ROM header.
    HeaderOutOfBounds {
        /// Where, and by how much.
        bounds: OutOfBounds,
    },
    /// No PCI Data Structure, in a ROM that is right for ISA.
    NoPcir {
        /// What stands where the pointer would be.
        pointer: u16,
    },
    /// An image of 0 bytes.
    ImageLengthZero,
    /// An image that is longer than the rest of the file.
    ImageLengthBeyondFile {
        /// Its length.
        length: ImageLength,
        /// Bytes from its offset to the end of the file.
        available: usize,
    },
    /// No image where the one before says that another follows.
    LastImageMissing {
        /// What stands there; nothing at the end of the file.
        found: Option<[u8; 2]>,
    },
    /// Something other than padding after the last image.
    DataAfterLastImage {
        /// Its length, in bytes.
        length: usize,
    },
    /// A ROM that starts again behind its last image, up to the end of the file.
    RomRepeats {
        /// Bytes of the first copy.
        first: usize,
        /// Bytes from there to the end of the file.
        length: usize,
    },
    /// More than [`MAX_IMAGES`] images.
    TooManyImages,
    /// A file size that is not a multiple of 512 bytes.
    SizeNotInUnits {
        /// The size, in bytes.
        size: usize,
    },
    /// No x86 image in a ROM for a PCI device.
    NoX86Image,
    /// No EFI image in a ROM for a PCI device.
    NoEfiImage,
    /// Padding of zeros, or of zeros and 0xFF.
    UnusualPadding {
        /// Its length, in bytes.
        length: usize,
        /// Whether it is all zeros.
        zeros: bool,
    },
    /// Less room in the BAR than was asked for.
    LittleRoom {
        /// Bytes that the ROM needs, padding not counted.
        used: u64,
        /// Bytes of the BAR that are free.
        room: u64,
        /// Bytes that should be free.
        minimum: u64,
    },
}

impl ChainFault {
    /// The code of the fault.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::HeaderOutOfBounds { .. } => Code::HeaderOutOfBounds,
            Self::NoPcir { .. } => Code::NoPcir,
            Self::ImageLengthZero => Code::ImageLengthZero,
            Self::ImageLengthBeyondFile { .. } => Code::ImageLengthBeyondFile,
            Self::LastImageMissing { .. } => Code::LastImageMissing,
            Self::DataAfterLastImage { .. } => Code::DataAfterLastImage,
            Self::RomRepeats { .. } => Code::RomRepeats,
            Self::TooManyImages => Code::TooManyImages,
            Self::SizeNotInUnits { .. } => Code::SizeNotInUnits,
            Self::NoX86Image => Code::NoX86Image,
            Self::NoEfiImage => Code::NoEfiImage,
            Self::UnusualPadding { .. } => Code::UnusualPadding,
            Self::LittleRoom { .. } => Code::LittleRoom,
        }
    }

    /// What was found, what is required.
    pub(super) fn words(&self) -> (String, String) {
        match self {
            Self::HeaderOutOfBounds { bounds } => (
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
            Self::ImageLengthZero => (
                "the image length is 0".to_owned(),
                "an image has at least one unit of 512 bytes".to_owned(),
            ),
            Self::ImageLengthBeyondFile { length, available } => (
                format!(
                    "the image length is {} bytes ({:#x} units)",
                    length.bytes(),
                    length.units()
                ),
                format!("the file has {available} bytes from there"),
            ),
            Self::LastImageMissing { found } => (
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
            Self::DataAfterLastImage { length } => (
                format!("{length} bytes of data follow the last image"),
                "padding is all 0xff or all 0x00".to_owned(),
            ),
            Self::RomRepeats { length, first } => (
                format!("the last {length} bytes are the first {first} again"),
                "a file has the ROM once".to_owned(),
            ),
            Self::TooManyImages => (
                format!("another image follows image {MAX_IMAGES}"),
                format!("a ROM has at most {MAX_IMAGES} images here"),
            ),
            Self::SizeNotInUnits { size } => (
                format!("the file has {size} bytes"),
                "a ROM is a multiple of 512 bytes".to_owned(),
            ),
            Self::NoX86Image => (
                "the ROM has no x86 image".to_owned(),
                "legacy firmware such as SeaBIOS starts no other".to_owned(),
            ),
            Self::NoEfiImage => (
                "the ROM has no EFI image".to_owned(),
                "UEFI firmware such as OVMF starts no other".to_owned(),
            ),
            Self::UnusualPadding { length, zeros } => (
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
