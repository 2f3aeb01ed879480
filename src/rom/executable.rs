//! The executable in an EFI image.

use super::compression::{CompressionError, decompress};
use super::{EfiHeader, PeError, PeExecutable};
use crate::bytes::OutOfBounds;
use std::borrow::Cow;
use thiserror::Error;

/// The executable of an EFI image, decompressed where it was compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EfiExecutable<'a>(Cow<'a, [u8]>);

/// Why an EFI image's executable cannot be had. Offsets are in bytes from the
/// start of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExecutableError {
    /// It starts outside the image.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// A compression that the UEFI Specification does not have.
    #[error("compression type {0:#x} is reserved; 0 is none and 1 the UEFI compression algorithm")]
    UnknownCompression(u16),
    /// The compressed data cannot be decompressed.
    #[error(transparent)]
    Compression(#[from] CompressionError),
}

impl<'a> EfiExecutable<'a> {
    /// The executable of an image with its EFI header.
    pub(super) fn of_image(
        image: &'a [u8],
        header: EfiHeader<'a>,
    ) -> Result<Self, ExecutableError> {
        let at = usize::from(header.efi_image_offset());
        let data = image.get(at..).unwrap_or_default();
        if data.is_empty() {
            return Err(ExecutableError::OutOfBounds(OutOfBounds {
                what: "EFI executable",
                at,
                needed: 1,
                available: 0,
            }));
        }
        match header.compression_type() {
            0 => Ok(Self(Cow::Borrowed(data))),
            1 => Ok(Self(Cow::Owned(decompress(data)?))),
            other => Err(ExecutableError::UnknownCompression(other)),
        }
    }

    /// The bytes of the executable. Where the image is not compressed, they
    /// go to the end of the image, padding included.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Facts of the PE executable.
    ///
    /// # Errors
    /// [`PeError`] when the bytes are no PE that can be read.
    pub fn pe(&self) -> Result<PeExecutable, PeError> {
        PeExecutable::parse(&self.0)
    }

    /// The bytes of the executable without the image's padding, as far as the
    /// PE's headers tell its size.
    #[must_use]
    pub fn into_file(self) -> Vec<u8> {
        let size = self.pe().map_or(usize::MAX, |pe| pe.size);
        let mut file = self.0.into_owned();
        file.truncate(size);
        file
    }
}
