//! The chain of images in a ROM, and what follows the last one.

use super::check::check_image;
use super::{
    ChainFault, CodeType, EFI_SIGNATURE, EfiHeader, ExpansionRomHeader, Image, ImageLength,
    PCIR_SIGNATURE, PciDataStructure, PcirFault, RomFault, SIGNATURE,
};
use crate::bytes::sum8;
use serde::Serialize;
use thiserror::Error;

/// More images than this are a fault; no known ROM has more than four.
pub const MAX_IMAGES: usize = 64;

/// An option ROM: its images, what follows them, and all its faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rom<'a> {
    bytes: &'a [u8],
    images: Vec<Image<'a>>,
    tail: Tail,
    faults: Vec<RomFault>,
}

/// Bytes that are no option ROM at all, and what they seem to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotAnOptionRom {
    /// Nothing to read.
    #[error("the file is empty; an option ROM starts with 55 aa")]
    Empty,
    /// Other first bytes than the signature.
    #[error("{seems} starts with {}; an option ROM starts with 55 aa", HexBytes(.start))]
    Signature {
        /// The first bytes, padded with zeros.
        start: [u8; 2],
        /// What files that start this way are.
        seems: &'static str,
    },
}

struct HexBytes<'a>(&'a [u8; 2]);

impl std::fmt::Display for HexBytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [first, second] = self.0;
        write!(f, "{first:02x} {second:02x}")
    }
}

impl NotAnOptionRom {
    /// Says what the bytes are instead.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let start = match *bytes {
            [] => return Self::Empty,
            [only] => [only, 0],
            [first, second, ..] => [first, second],
        };
        let printable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
        let seems = match bytes {
            [0x7f, b'E', b'L', b'F', ..] => "an ELF file",
            [b'M', b'Z', ..] => "a PE executable",
            [0xed, 0xab, 0xee, 0xdb, ..] => "an RPM package",
            [b'P', b'K', 3, 4, ..] => "a ZIP archive",
            [b'Q', b'F', b'I', 0xfb, ..] => "a qcow2 image",
            _ if bytes.iter().take(512).all(|byte| *byte == 0) => "a file of zeros",
            _ if bytes.iter().take(512).all(printable) => "a text file",
            _ => "the file",
        };
        Self::Signature { start, seems }
    }
}

/// What follows the last image, up to the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tail {
    /// Nothing.
    None,
    /// Bytes of 0xFF.
    Ones,
    /// Bytes of 0x00.
    Zeros,
    /// The ROM again, as a device shows it whose BAR is larger than its chip;
    /// the last copy may be cut.
    Copies,
    /// Something else.
    Data,
}

impl Tail {
    fn of(tail: &[u8]) -> Self {
        match tail {
            [] => Self::None,
            _ if tail.iter().all(|byte| *byte == 0xff) => Self::Ones,
            _ if tail.iter().all(|byte| *byte == 0) => Self::Zeros,
            _ => Self::Data,
        }
    }
}

impl<'a> Rom<'a> {
    /// Reads a ROM. What is wrong with it is in [`Rom::faults`].
    ///
    /// # Errors
    /// [`NotAnOptionRom`] where the first two bytes are not 55 AA.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotAnOptionRom> {
        if !bytes.starts_with(&SIGNATURE) {
            return Err(NotAnOptionRom::of(bytes));
        }
        Ok(Self::parse_signed(bytes))
    }

    /// Reads a ROM whose signature has been checked already.
    pub(crate) fn parse_signed(bytes: &'a [u8]) -> Self {
        let mut rom = Self {
            bytes,
            images: Vec::new(),
            tail: Tail::None,
            faults: Vec::new(),
        };
        rom.read_chain();
        rom.tail = Tail::of(bytes.get(rom.images_end()..).unwrap_or_default());
        if rom.tail == Tail::Data && !rom.ends_in_fault() {
            rom.check_data();
        }
        rom.check_size();
        rom
    }

    /// The whole file.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The images, in order.
    #[must_use]
    pub fn images(&self) -> &[Image<'a>] {
        &self.images
    }

    /// Everything that is wrong or noteworthy.
    #[must_use]
    pub fn faults(&self) -> &[RomFault] {
        &self.faults
    }

    /// Bytes from the start of the ROM to the end of its last image.
    #[must_use]
    pub fn images_end(&self) -> usize {
        self.images.last().map_or(0, Image::end)
    }

    /// What follows the last image.
    #[must_use]
    pub const fn tail(&self) -> Tail {
        self.tail
    }

    /// Bytes that the ROM needs: the file's size without the padding after
    /// its last image.
    #[must_use]
    pub fn used(&self) -> usize {
        match self.tail {
            Tail::Ones | Tail::Zeros | Tail::Copies if !self.images.is_empty() => self.images_end(),
            _ => self.bytes.len(),
        }
    }

    fn read_chain(&mut self) {
        let mut offset = 0;
        for number in 1..=MAX_IMAGES {
            match self.read_image(number, offset) {
                Some(next) => offset = next,
                None => return,
            }
        }
        self.faults.push(RomFault::in_image(
            MAX_IMAGES,
            offset,
            ChainFault::TooManyImages,
        ));
    }

    /// Reads the image at `offset`; gives the offset of the one that follows.
    fn read_image(&mut self, number: usize, offset: usize) -> Option<usize> {
        debug_assert!(offset <= self.bytes.len(), "an image ends in its file");
        let rest = self.bytes.get(offset..).unwrap_or_default();
        if number > 1 && !rest.starts_with(&SIGNATURE) {
            self.faults.push(RomFault::in_image(
                number.saturating_sub(1),
                offset,
                ChainFault::LastImageMissing {
                    found: rest.first_chunk().copied(),
                },
            ));
            return None;
        }
        let header = match ExpansionRomHeader::at(self.bytes, offset) {
            Ok(header) => header,
            Err(bounds) => {
                self.faults.push(RomFault::in_image(
                    number,
                    bounds.at,
                    ChainFault::HeaderOutOfBounds { bounds },
                ));
                return None;
            }
        };
        let Some(pcir) = self.read_pcir(number, offset, header) else {
            self.push_image(number, offset, header, None, header.initialization_size());
            return None;
        };
        let length = pcir.image_length();
        if length.units() == 0 {
            self.faults.push(RomFault::in_image(
                number,
                offset,
                ChainFault::ImageLengthZero,
            ));
        }
        if length.bytes() > rest.len() {
            self.faults.push(RomFault::in_image(
                number,
                offset,
                ChainFault::ImageLengthBeyondFile {
                    length,
                    available: rest.len(),
                },
            ));
        }
        self.push_image(number, offset, header, Some(pcir), length);
        let ends = pcir.is_last_image() || length.units() == 0 || length.bytes() > rest.len();
        (!ends).then(|| offset.saturating_add(length.bytes()))
    }

    /// Finds the PCI Data Structure of an image, or says why there is none.
    fn read_pcir(
        &mut self,
        number: usize,
        offset: usize,
        header: ExpansionRomHeader<'a>,
    ) -> Option<PciDataStructure<'a>> {
        let pointer = header.pcir_offset();
        let at = offset.saturating_add(usize::from(pointer));
        let structure = PciDataStructure::at(self.bytes, at);
        let fault = match structure {
            Ok(pcir) if pcir.signature() == PCIR_SIGNATURE => {
                return Some(pcir);
            }
            // The fault of an ISA ROM is at most the sum over its own length.
            _ if number == 1 && self.is_isa(header) => {
                RomFault::in_image(1, 0x18, ChainFault::NoPcir { pointer })
            }
            Ok(pcir) => RomFault::in_image(
                number,
                at,
                PcirFault::Signature {
                    found: pcir.signature(),
                },
            ),
            Err(bounds) => RomFault::in_image(
                number,
                bounds.at,
                PcirFault::OutOfBounds { pointer, bounds },
            ),
        };
        self.faults.push(fault);
        None
    }

    /// A ROM without PCI Data Structure that legacy firmware accepts as it is.
    fn is_isa(&self, header: ExpansionRomHeader<'a>) -> bool {
        let length = header.initialization_size();
        let image = self.bytes.get(..length.bytes());
        image.is_some_and(|image| !image.is_empty() && sum8(image) == 0)
    }

    fn push_image(
        &mut self,
        number: usize,
        offset: usize,
        header: ExpansionRomHeader<'a>,
        pcir: Option<PciDataStructure<'a>>,
        length: ImageLength,
    ) {
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let bytes = rest.get(..length.bytes()).unwrap_or(rest);
        let is_efi = pcir.is_some_and(|pcir| pcir.code_type() == CodeType::Efi);
        let mut image = Image {
            number,
            offset,
            bytes,
            header,
            pcir,
            efi: EfiHeader::of_image(bytes)
                .ok()
                .filter(|efi| is_efi && efi.efi_signature() == EFI_SIGNATURE),
            sum: 0,
        };
        if image.code_type() == CodeType::X86 {
            image.sum = sum8(bytes);
        }
        debug_assert!(image.end() <= self.bytes.len(), "an image ends in its file");
        check_image(&image, length.bytes() <= rest.len(), &mut self.faults);
        self.images.push(image);
    }

    fn check_data(&mut self) {
        let rest = |offset| self.bytes.len().saturating_sub(offset);
        let offset = self.images_end();
        let fault = if let Some(offset) = self.second_copy() {
            self.tail = Tail::Copies;
            RomFault::at(
                offset,
                ChainFault::RomRepeats {
                    length: rest(offset),
                    first: offset,
                },
            )
        } else if offset > 0 {
            RomFault::at(
                offset,
                ChainFault::DataAfterLastImage {
                    length: rest(offset),
                },
            )
        } else {
            return;
        };
        self.faults.push(fault);
    }

    /// Where the ROM starts again, if it goes on like that to the end of the
    /// file. A chip has a power of two of bytes, and the address lines above
    /// them do not count.
    fn second_copy(&self) -> Option<usize> {
        let end = self.images_end();
        let chip_sizes = (0..usize::BITS).filter_map(|shift| 1_usize.checked_shl(shift));
        chip_sizes
            .skip_while(|size| *size < end.max(ExpansionRomHeader::SIZE))
            .take_while(|size| *size < self.bytes.len())
            .find(|size| {
                let whole = self.bytes.len().saturating_sub(*size);
                let padding = Tail::of(self.bytes.get(end..*size).unwrap_or_default());
                padding != Tail::Data && self.bytes.get(*size..) == self.bytes.get(..whole)
            })
    }

    fn check_size(&mut self) {
        if !self.bytes.len().is_multiple_of(ImageLength::UNIT) {
            self.faults
                .push(RomFault::of_rom(ChainFault::SizeNotInUnits {
                    size: self.bytes.len(),
                }));
        }
    }

    /// Whether the chain stopped at a fault, so that what follows the last
    /// image that could be read is that fault's matter.
    fn ends_in_fault(&self) -> bool {
        self.faults.iter().any(RomFault::breaks_chain)
    }
}
