//! The FCode program of an Open Firmware image.

use crate::bytes::{OutOfBounds, array_at, byte, field};

/// The header of an FCode program, 8 bytes; the word at 2 of the image points
/// to it. Its numbers are big-endian.
///
/// IEEE 1275-1994, section 5.2.2.5 (FCode programs), and its PCI Bus Binding
/// (expansion ROMs).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FcodeHeader<'a>(&'a [u8; 8]);

impl<'a> FcodeHeader<'a> {
    /// Size of the header, in bytes.
    pub const SIZE: usize = 8;

    /// Borrows the header at offset `at` of an image.
    ///
    /// # Errors
    /// [`OutOfBounds`] when the image ends before or inside the header.
    pub(super) fn at(image: &'a [u8], at: u16) -> Result<Self, OutOfBounds> {
        array_at(image, usize::from(at), "FCode program").map(Self)
    }

    /// The start code: 0xF1 is `start1`, 0xFD `version1`.
    #[must_use]
    pub const fn start_code(self) -> u8 {
        byte::<0, _>(self.0)
    }

    /// Format of the program; 8 for IEEE 1275.
    #[must_use]
    pub const fn format(self) -> u8 {
        byte::<1, _>(self.0)
    }

    /// Checksum of the program's bytes after its header.
    #[must_use]
    pub const fn checksum(self) -> u16 {
        u16::from_be_bytes(field::<2, 2, _>(self.0))
    }

    /// Length of the program with its header, in bytes.
    #[must_use]
    pub const fn length(self) -> u32 {
        u32::from_be_bytes(field::<4, 4, _>(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_standard_puts_them() {
        let image = b"..\xf1\x08\x12\x34\x00\x01\x02\x03";
        let header = FcodeHeader::at(image, 2).unwrap();
        assert_eq!((header.start_code(), header.format()), (0xf1, 8));
        assert_eq!((header.checksum(), header.length()), (0x1234, 0x0001_0203));
        assert_eq!(FcodeHeader::at(image, 3).unwrap_err().available, 7);
    }
}
