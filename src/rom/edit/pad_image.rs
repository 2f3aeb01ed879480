//! Padding inside the last image, which grows up to a BAR size.

use super::checksum::{balance, checksum_byte};
use super::pad::{PadError, PadSize, padded_size};
use super::{BrokenRom, NoChecksumByte, ReadsDifferently, put, whole};
use crate::rom::{CodeType, Image, ImageLength, Rom, RomFault, Tail};
use thiserror::Error;

/// Why the last image of a ROM did not grow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PadImageError {
    /// The input is no ROM, or its images cannot be told apart.
    #[error(transparent)]
    Broken(#[from] BrokenRom),
    /// The ROM does not fit the size.
    #[error(transparent)]
    Pad(#[from] PadError),
    /// Data that would become part of an image.
    #[error("data follows the last image at {offset:#x}, and would become part of it")]
    DataAfterLastImage {
        /// Where the data starts.
        offset: usize,
    },
    /// A length that the image's headers cannot tell.
    #[error(
        "the {kind} image {number} would have {bytes} bytes, and its headers can tell {}",
        limit.bytes()
    )]
    ImageTooLong {
        /// The image.
        number: usize,
        /// What kind of image it is.
        kind: String,
        /// The length that it would have, in bytes.
        bytes: usize,
        /// The largest that it can have.
        limit: ImageLength,
    },
    /// No byte holds the checksum of the image.
    #[error(transparent)]
    NoChecksumByte(#[from] NoChecksumByte),
    /// The result does not read as it should.
    #[error(transparent)]
    ReadsDifferently(#[from] ReadsDifferently),
}

/// Grows the last image of a ROM with `fill` until the ROM has the wanted
/// size: for loaders that want file and headers to agree. The image length
/// and the initialization size follow, the sum of an x86 image stays what it
/// is, and no other image changes.
///
/// # Errors
/// [`PadImageError`] when the ROM does not fit, or the headers of its last
/// image cannot tell the length.
pub fn pad_image(input: &[u8], size: PadSize, fill: u8) -> Result<Vec<u8>, PadImageError> {
    let rom = whole(input)?;
    let total = padded_size(input, size)?;
    let offset = rom.images_end();
    if matches!(rom.tail(), Tail::Data | Tail::Copies) {
        return Err(PadImageError::DataAfterLastImage { offset });
    }
    let Some(image) = rom.images().last().filter(|image| image.end() < total) else {
        return Ok(input.to_vec());
    };
    let length = grown_length(image, total)?;
    let mut padded = input.to_vec();
    padded.resize(total, fill);
    let bytes = padded.get_mut(image.offset()..).unwrap_or_default();
    grow(image, length, bytes)?;
    check(&rom, length, &padded)?;
    Ok(padded)
}

/// The length that the last image gets.
fn grown_length(image: &Image<'_>, total: usize) -> Result<ImageLength, PadImageError> {
    let limit = match image.code_type() {
        CodeType::X86 => ImageLength::from_units(u16::from(u8::MAX)),
        _ => ImageLength::from_units(u16::MAX),
    };
    let bytes = total.saturating_sub(image.offset());
    u16::try_from(bytes.div_ceil(ImageLength::UNIT))
        .ok()
        .map(ImageLength::from_units)
        .filter(|length| *length <= limit)
        .ok_or_else(|| PadImageError::ImageTooLong {
            number: image.number(),
            kind: image.kind(),
            bytes,
            limit,
        })
}

fn grow(image: &Image<'_>, length: ImageLength, bytes: &mut [u8]) -> Result<(), NoChecksumByte> {
    let [low, high] = length.units().to_le_bytes();
    if image.pcir().is_some() {
        let pcir = usize::from(image.header().pcir_offset());
        put(bytes, pcir.saturating_add(0x10), &[low, high]);
    }
    match image.code_type() {
        CodeType::X86 => {
            put(bytes, 2, &[low]);
            // A checksum in the last byte moves to the new last byte.
            let at = checksum_byte(image)?;
            let was_last = at.saturating_add(1) == image.bytes().len();
            let last = bytes.len().saturating_sub(1);
            let sum = image.checksum().unwrap_or_default();
            balance(bytes, if was_last { last } else { at }, sum);
        }
        CodeType::Efi if image.efi().is_some() => put(bytes, 2, &[low, high]),
        _ => {}
    }
    Ok(())
}

/// The result ends with its last image, and has no fault that is new.
fn check(before: &Rom<'_>, length: ImageLength, padded: &[u8]) -> Result<(), ReadsDifferently> {
    let differs = |what| Err(ReadsDifferently { what });
    let Ok(after) = whole(padded) else {
        return differs("its images cannot be told apart");
    };
    let grown = after.images().last().map(|image| image.bytes().len());
    if grown != Some(length.bytes()) || after.images_end() != padded.len() {
        return differs("the length of its last image");
    }
    let sums = |rom: &Rom<'_>| -> Vec<_> {
        let images = rom.images().iter();
        images
            .map(|image| (image.offset(), image.ids(), image.kind(), image.checksum()))
            .collect()
    };
    if sums(before) != sums(&after) {
        return differs("its images");
    }
    let added = |fault: &RomFault| {
        let code = fault.code();
        !before.faults().iter().any(|known| known.code() == code)
    };
    if after.faults().iter().any(added) {
        return differs("it has a fault that the input does not have");
    }
    Ok(())
}
