//! Checked reads of fixed-size structures out of untrusted bytes.
//!
//! A structure's bounds are proved once, by [`array_at`]; the field readers
//! then work on an array whose length is part of its type, so that a field
//! outside its structure does not compile.

use thiserror::Error;

/// Bytes as people write them: `8e ad e8 01`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

/// A structure that does not fit where it is said to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} needs {needed} bytes at offset {at:#x}, and {available} are there")]
pub struct OutOfBounds {
    /// Name of the structure in its specification's words.
    pub what: &'static str,
    /// Offset of the structure, in bytes from the start of the data.
    pub at: usize,
    /// Size of the structure, in bytes.
    pub needed: usize,
    /// Bytes that stand at the offset.
    pub available: usize,
}

/// Borrows the `N` bytes at offset `at`.
///
/// # Errors
/// [`OutOfBounds`] when fewer than `N` bytes stand there.
pub fn array_at<'a, const N: usize>(
    data: &'a [u8],
    at: usize,
    what: &'static str,
) -> Result<&'a [u8; N], OutOfBounds> {
    let rest = data.get(at..).unwrap_or_default();
    rest.first_chunk().ok_or(OutOfBounds {
        what,
        at,
        needed: N,
        available: rest.len(),
    })
}

/// The name of a file as text. In a part of a path that is not UTF-8, bytes that
/// are not become `\\xNN`, and backslashes are doubled: no name is lost, and the
/// name of a path's part is the same wherever it stands.
#[must_use]
pub fn name_text(name: &[u8]) -> String {
    let parts = name
        .split(|byte| *byte == b'/')
        .map(|part| match std::str::from_utf8(part) {
            Ok(part) => part.to_owned(),
            Err(_) => part.utf8_chunks().fold(String::new(), |text, chunk| {
                let invalid = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
                text + &chunk.valid().replace('\\', "\\\\") + &invalid.collect::<String>()
            }),
        });
    parts.collect::<Vec<_>>().join("/")
}

/// Little-endian 16-bit field at `OFFSET`.
#[must_use]
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "proved at compile time"
)]
pub const fn le16<const OFFSET: usize, const N: usize>(bytes: &[u8; N]) -> u16 {
    const { assert!(OFFSET + 2 <= N, "field outside its structure") };
    u16::from_le_bytes([bytes[OFFSET], bytes[OFFSET + 1]])
}

/// Little-endian 32-bit field at `OFFSET`.
#[must_use]
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "proved at compile time"
)]
pub const fn le32<const OFFSET: usize, const N: usize>(bytes: &[u8; N]) -> u32 {
    const { assert!(OFFSET + 4 <= N, "field outside its structure") };
    u32::from_le_bytes([
        bytes[OFFSET],
        bytes[OFFSET + 1],
        bytes[OFFSET + 2],
        bytes[OFFSET + 3],
    ])
}

/// Single byte at `OFFSET`.
#[must_use]
#[expect(clippy::indexing_slicing, reason = "proved at compile time")]
pub const fn byte<const OFFSET: usize, const N: usize>(bytes: &[u8; N]) -> u8 {
    const { assert!(OFFSET < N, "field outside its structure") };
    bytes[OFFSET]
}

/// The `LEN` bytes at `OFFSET`, as a signature or a smaller structure.
#[must_use]
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "proved at compile time"
)]
pub const fn field<const OFFSET: usize, const LEN: usize, const N: usize>(
    bytes: &[u8; N],
) -> [u8; LEN] {
    const { assert!(OFFSET + LEN <= N, "field outside its structure") };
    let mut out = [0; LEN];
    let mut i = 0;
    while i < LEN {
        out[i] = bytes[OFFSET + i];
        i += 1;
    }
    out
}

/// Sum of all bytes modulo 256: the checksum of the PC world, 0 where right.
#[must_use]
pub fn sum8(data: &[u8]) -> u8 {
    data.iter()
        .fold(0, |sum, &byte| u8::wrapping_add(sum, byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_that_fits_is_borrowed() {
        assert_eq!(array_at::<2>(&[1, 2, 3], 1, "pair"), Ok(&[2, 3]));
    }

    #[test]
    fn a_structure_that_does_not_fit_says_by_how_much() {
        let error = array_at::<4>(&[1, 2, 3], 1, "header").unwrap_err();
        assert_eq!(
            error.to_string(),
            "header needs 4 bytes at offset 0x1, and 2 are there"
        );
        assert_eq!(
            array_at::<1>(&[], usize::MAX, "header")
                .unwrap_err()
                .available,
            0
        );
    }

    #[test]
    fn fields_are_little_endian() {
        let bytes = [0x55, 0xaa, 0x34, 0x12, 0x78, 0x56];
        assert_eq!(le16::<2, _>(&bytes), 0x1234);
        assert_eq!(le32::<2, _>(&bytes), 0x5678_1234);
        assert_eq!(byte::<1, _>(&bytes), 0xaa);
        assert_eq!(field::<0, 2, _>(&bytes), [0x55, 0xaa]);
    }

    #[test]
    fn the_sum_wraps_at_256() {
        assert_eq!(sum8(&[0xff, 0x02]), 1);
        assert_eq!(sum8(&[]), 0);
    }
}
