//! The UEFI compression algorithm, decompression only.

use crate::bytes::{OutOfBounds, array_at, le32};
use delharc::decode::{Decoder, Lh5Decoder};
use thiserror::Error;

/// An executable larger than this is refused: 16 MiB, the largest option ROM
/// that a PCI expansion ROM BAR can have.
pub const MAX_EXECUTABLE: usize = 16 << 20;

/// Output is made in pieces of this size, so that a wrong claim about it is
/// found out before memory is taken for all of it.
const PIECE: usize = 64 << 10;

/// Why a compressed executable could not be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CompressionError {
    /// No room for the size header, or for the bytes that it claims.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// A claim of no bytes, or of more than [`MAX_EXECUTABLE`].
    #[error(
        "the size header says {0} bytes after decompression; an executable has 1 to {MAX_EXECUTABLE}"
    )]
    Size(u32),
    /// Data that is no stream of the algorithm.
    #[error("the compressed data is damaged after {done} of {size} bytes")]
    Damaged {
        /// Bytes that came out.
        done: usize,
        /// Bytes that the size header says.
        size: usize,
    },
}

/// Decompresses data with its 8-byte size header.
///
/// UEFI Specification 2.10, section 19 (compression algorithm): the sizes
/// before and after, then blocks of LZ77 matches under Huffman codes, with
/// position sets of 4 bits as LHA's method LH5 has them.
///
/// # Errors
/// [`CompressionError`] when a size is out of bounds or the data is damaged.
pub fn decompress(data: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let header: &[u8; 8] = array_at(data, 0, "size header of the compressed executable")?;
    let (compressed, original) = (le32::<0, _>(header), le32::<4, _>(header));
    let stream = data.get(8..).unwrap_or_default();
    let needed = usize::try_from(compressed).unwrap_or(usize::MAX);
    let stream = stream.get(..needed).ok_or(OutOfBounds {
        what: "compressed executable",
        at: 8,
        needed,
        available: stream.len(),
    })?;
    let size = usize::try_from(original).unwrap_or(usize::MAX);
    if !(1..=MAX_EXECUTABLE).contains(&size) {
        return Err(CompressionError::Size(original));
    }
    let mut decoder = Lh5Decoder::new(stream);
    let mut executable = Vec::new();
    while executable.len() < size {
        let done = executable.len();
        executable.resize(done.saturating_add(PIECE).min(size), 0);
        let piece = executable.get_mut(done..).unwrap_or_default();
        decoder
            .fill_buffer(piece)
            .map_err(|_| CompressionError::Damaged { done, size })?;
    }
    Ok(executable)
}
