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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bits, most significant first.
    #[derive(Default)]
    struct Bits(Vec<bool>);

    impl Bits {
        fn put(&mut self, value: u32, count: u32) {
            self.0
                .extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        }

        fn bytes(&self) -> Vec<u8> {
            let byte = |bits: &[bool]| {
                let places = bits.iter().zip((0..8).rev());
                places.fold(0, |byte, (bit, place)| byte | u8::from(*bit) << place)
            };
            self.0.chunks(8).map(byte).collect()
        }
    }

    /// Compresses by storing: one block per 65,535 bytes whose 256 literals
    /// all have codes of 8 bits.
    pub(crate) fn store(data: &[u8]) -> Vec<u8> {
        let mut bits = Bits::default();
        for block in data.chunks(0xffff) {
            bits.put(u32::try_from(block.len()).unwrap(), 16);
            // The code-length alphabet is the single symbol 10: length 8.
            bits.put(0, 5);
            bits.put(10, 5);
            bits.put(256, 9);
            bits.put(0, 4);
            bits.put(0, 4);
            for byte in block {
                bits.put(u32::from(*byte), 8);
            }
        }
        let stream = bits.bytes();
        let mut out = u32::try_from(stream.len()).unwrap().to_le_bytes().to_vec();
        out.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        out.extend(stream);
        out
    }

    /// One block of matches alone, which takes 9 bytes for as many bytes of
    /// spaces as one asks for, up to 16 MiB.
    pub(crate) fn bomb(size: u32) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.put(0xffff, 16);
        bits.put(0, 5);
        bits.put(0, 5);
        bits.put(0, 9);
        bits.put(509, 9);
        bits.put(0, 4);
        bits.put(0, 4);
        let stream = bits.bytes();
        let mut out = u32::try_from(stream.len()).unwrap().to_le_bytes().to_vec();
        out.extend(size.to_le_bytes());
        out.extend(stream);
        out
    }

    #[test]
    fn stored_data_comes_out_as_it_went_in() {
        let data: Vec<u8> = (0..200_000_u32)
            .map(|i| (i.wrapping_mul(i) >> 5) as u8)
            .collect();
        assert_eq!(decompress(&store(&data)).unwrap(), data);
        assert_eq!(decompress(&store(&[7])).unwrap(), [7]);
    }

    #[test]
    fn padding_after_the_stream_is_left_alone() {
        let mut data = store(b"MZ and more");
        data.resize(512, 0);
        assert_eq!(decompress(&data).unwrap(), b"MZ and more");
    }

    #[test]
    fn a_claim_of_more_than_the_image_has_is_refused() {
        let mut data = store(b"MZ");
        data.pop();
        let error = decompress(&data).unwrap_err();
        assert!(matches!(error, CompressionError::OutOfBounds(bounds) if bounds.at == 8));
        assert!(matches!(
            decompress(&data[..7]),
            Err(CompressionError::OutOfBounds(bounds)) if bounds.available == 7
        ));
    }

    #[test]
    fn a_claim_of_more_than_the_limit_is_refused() {
        let refused = |size: u32| {
            let mut data = store(b"MZ");
            data[4..8].copy_from_slice(&size.to_le_bytes());
            decompress(&data).unwrap_err()
        };
        assert_eq!(refused(0), CompressionError::Size(0));
        assert_eq!(
            refused((16 << 20) + 1),
            CompressionError::Size((16 << 20) + 1)
        );
        assert_eq!(refused(u32::MAX), CompressionError::Size(u32::MAX));
        let (done, size) = (0, 16 << 20);
        assert_eq!(refused(16 << 20), CompressionError::Damaged { done, size });
    }

    #[test]
    fn a_few_bytes_may_become_the_limit_and_no_more() {
        assert_eq!(decompress(&bomb(16_000_000)).unwrap().len(), 16_000_000);
    }

    proptest! {
        #[test]
        fn any_data_is_decompressed_or_refused(
            stream in proptest::collection::vec(any::<u8>(), 0..256),
            size in 1_u32..100_000,
        ) {
            let mut data = u32::try_from(stream.len()).unwrap().to_le_bytes().to_vec();
            data.extend(size.to_le_bytes());
            data.extend(stream);
            if let Ok(executable) = decompress(&data) {
                prop_assert_eq!(executable.len(), size as usize);
            }
        }
    }
}
