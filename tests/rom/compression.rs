//! The UEFI compression algorithm.

use crate::images::{bomb, stored};
use proptest::prelude::*;
use romcompat::rom::{CompressionError, MAX_EXECUTABLE, decompress};

#[test]
fn stored_data_comes_out_as_it_went_in() {
    let data: Vec<u8> = (0..200_000_u32)
        .map(|i| (i.wrapping_mul(i) >> 5) as u8)
        .collect();
    assert_eq!(decompress(&stored(&data)).unwrap(), data);
    assert_eq!(decompress(&stored(&[7])).unwrap(), [7]);
}

#[test]
fn padding_after_the_stream_is_left_alone() {
    let mut data = stored(b"MZ and more");
    data.resize(512, 0);
    assert_eq!(decompress(&data).unwrap(), b"MZ and more");
}

#[test]
fn a_claim_of_more_than_the_image_has_is_refused() {
    let mut data = stored(b"MZ");
    data.pop();
    let error = decompress(&data).unwrap_err();
    assert!(matches!(error, CompressionError::OutOfBounds(bounds) if bounds.at == 8));
    assert_eq!(
        decompress(&data[..7]).unwrap_err().to_string(),
        "size header of the compressed executable needs 8 bytes at offset 0x0, and 7 are there"
    );
}

#[test]
fn a_claim_of_more_than_the_limit_is_refused() {
    let refused = |size: u32| {
        let mut data = stored(b"MZ");
        data[4..8].copy_from_slice(&size.to_le_bytes());
        decompress(&data).unwrap_err()
    };
    assert_eq!(refused(0), CompressionError::Size(0));
    assert_eq!(refused(u32::MAX), CompressionError::Size(u32::MAX));
    let limit = u32::try_from(MAX_EXECUTABLE).unwrap();
    assert_eq!(refused(limit + 1), CompressionError::Size(limit + 1));
    let (done, size) = (0, MAX_EXECUTABLE);
    assert_eq!(refused(limit), CompressionError::Damaged { done, size });
}

#[test]
fn a_few_bytes_become_the_limit_and_no_more() {
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
