//! A ROM for each image of a ROM.

use super::checksum::{balance, checksum_byte};
use super::{BrokenRom, NoChecksumByte, whole};
use crate::rom::{CodeType, ExecutableError, Image};
use thiserror::Error;

/// Why a ROM was not split.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SplitError {
    /// The input is no ROM, or its images cannot be told apart.
    #[error(transparent)]
    Broken(#[from] BrokenRom),
    /// No byte holds the checksum of an image that becomes the last.
    #[error(transparent)]
    NoChecksumByte(#[from] NoChecksumByte),
    /// The executable of an EFI image cannot be had.
    #[error("image {number}: {error}")]
    Executable {
        /// The image.
        number: usize,
        /// Why.
        error: ExecutableError,
    },
}

/// A ROM for each image, in order: its bytes, marked as the last image. The
/// sum of an x86 image stays what it is. What follows the last image is in
/// none of them. [`super::join()`] puts them together again.
///
/// # Errors
/// [`SplitError`] when the images cannot be told apart, or no byte holds the
/// checksum of one that has to change.
pub fn split(input: &[u8]) -> Result<Vec<Vec<u8>>, SplitError> {
    let rom = whole(input)?;
    let roms = rom.images().iter().map(|image| marked(image, true));
    Ok(roms.collect::<Result<_, _>>()?)
}

/// The executables of the EFI images with the images' numbers, decompressed
/// and without padding.
///
/// # Errors
/// [`SplitError`] when the images cannot be told apart, or an executable
/// cannot be had.
pub fn split_executables(input: &[u8]) -> Result<Vec<(usize, Vec<u8>)>, SplitError> {
    let rom = whole(input)?;
    let images = rom.images().iter();
    images
        .filter_map(|image| Some((image.number(), image.efi_executable()?)))
        .map(|(number, executable)| match executable {
            Ok(executable) => Ok((number, executable.into_file())),
            Err(error) => Err(SplitError::Executable { number, error }),
        })
        .collect()
}

/// An image's bytes, marked as the last of its ROM or not, with the sum that
/// it has.
pub(super) fn marked(image: &Image<'_>, is_last: bool) -> Result<Vec<u8>, NoChecksumByte> {
    let mut bytes = image.bytes().to_vec();
    let Some(pcir) = image.pcir() else {
        return Ok(bytes);
    };
    if pcir.is_last_image() == is_last {
        return Ok(bytes);
    }
    let at = usize::from(image.header().pcir_offset()).saturating_add(0x15);
    let indicator = bytes.get_mut(at);
    debug_assert!(
        indicator.is_some(),
        "the PCI Data Structure is in the image"
    );
    if let Some(indicator) = indicator {
        *indicator ^= 0x80;
    }
    if image.code_type() == CodeType::X86 {
        let sum = image.checksum().unwrap_or_default();
        balance(&mut bytes, checksum_byte(image)?, sum);
    }
    Ok(bytes)
}
