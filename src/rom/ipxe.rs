//! iPXE's header in its x86 images.

use super::ImageLength;
use super::summed::Summed;
use crate::bytes::{OutOfBounds, byte, le32};

/// The first four bytes of iPXE's header.
pub const IPXE_SIGNATURE: [u8; 4] = *b"iPXE";

/// iPXE's header, 12 bytes; the word at 0x10 of the image points to it.
///
/// No standard: read in the ROMs that Debian ships, and in iPXE's
/// src/arch/x86/prefix/romprefix.S.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpxeHeader<'a>(Summed<'a, 0x0c>);

impl<'a> IpxeHeader<'a> {
    /// Size of the header, in bytes.
    pub const SIZE: usize = 0x0c;

    pub(super) fn find(image: &'a [u8], at: u16) -> Option<Result<Self, OutOfBounds>> {
        let length = |fields: &[u8; 0x0c]| usize::from(byte::<4, _>(fields));
        let what = "iPXE header";
        let found = Summed::find(image, usize::from(at), IPXE_SIGNATURE, what, length);
        found.map(|structure| structure.map(Self))
    }

    /// Offset of the header from the start of the image, in bytes.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.0.at
    }

    /// Length as the header says itself, in bytes.
    #[must_use]
    pub const fn length(self) -> u8 {
        byte::<4, _>(self.0.fields)
    }

    /// The bytes that the checksum covers.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.0.bytes
    }

    /// Sum of the header's bytes, 0 where right.
    #[must_use]
    pub fn sum(self) -> u8 {
        self.0.sum()
    }

    /// Length to which the image shrinks once it has copied itself away.
    #[must_use]
    pub const fn shrunk_length(self) -> ImageLength {
        ImageLength::from_units(byte::<6, _>(self.0.fields) as u16)
    }

    /// The reserved byte.
    #[must_use]
    pub const fn reserved(self) -> u8 {
        byte::<7, _>(self.0.fields)
    }

    /// Number of the build, by which an image knows its own copy in memory.
    #[must_use]
    pub const fn build_id(self) -> u32 {
        le32::<8, _>(self.0.fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_ipxe_puts_them() {
        let image = b"....iPXE\x0c\x23\x07\0\x78\x56\x34\x12";
        let header = IpxeHeader::find(image, 4).unwrap().unwrap();
        assert_eq!((header.offset(), header.length()), (4, 12));
        assert_eq!(header.bytes().len(), 12);
        assert_eq!(header.shrunk_length().units(), 7);
        assert_eq!(header.build_id(), 0x1234_5678);
        assert_eq!(header.sum(), 0xa0);
    }

    #[test]
    fn a_header_that_is_cut_is_out_of_bounds() {
        let bounds = IpxeHeader::find(b"iPXE\x0c", 0).unwrap().unwrap_err();
        assert_eq!((bounds.needed, bounds.available), (12, 5));
    }
}
