//! The expansion ROM header, at the start of every image.

use crate::bytes::{OutOfBounds, array_at, byte, field, le16};
use crate::rom::ImageLength;

/// The first two bytes of every image: 55 AA.
pub const SIGNATURE: [u8; 2] = [0x55, 0xaa];

/// The expansion ROM header, 26 bytes.
///
/// PCI Firmware Specification 3.3, section 5.1.1; bytes 2 to 0x17 depend on
/// the code type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpansionRomHeader<'a>(&'a [u8; 0x1a]);

impl<'a> ExpansionRomHeader<'a> {
    /// Size of the header, in bytes.
    pub const SIZE: usize = 0x1a;

    /// Borrows the header of the image at offset `at`.
    ///
    /// # Errors
    /// [`OutOfBounds`] when the data ends before or inside the header.
    pub fn at(data: &'a [u8], at: usize) -> Result<Self, OutOfBounds> {
        array_at(data, at, "expansion ROM header").map(Self)
    }

    /// The signature, [`SIGNATURE`] where right.
    #[must_use]
    pub const fn signature(self) -> [u8; 2] {
        field::<0, 2, _>(self.0)
    }

    /// Initialization size of an x86 image (byte 2), in 512-byte units: what
    /// legacy firmware copies and sums.
    #[must_use]
    pub const fn initialization_size(self) -> ImageLength {
        ImageLength::from_units(byte::<2, _>(self.0) as u16)
    }

    /// The instruction at the entry point of an x86 image's INIT function
    /// (bytes 3 to 5), mostly a jump.
    #[must_use]
    pub const fn entry_point(self) -> [u8; 3] {
        field::<3, 3, _>(self.0)
    }

    /// Bytes 2 to 0x17, whose meaning depends on the code type. That of
    /// PA-RISC is in no public specification.
    #[must_use]
    pub const fn processor_unique_data(self) -> [u8; 0x16] {
        field::<2, 0x16, _>(self.0)
    }

    /// Offset of the FCode program in an Open Firmware image, in bytes.
    #[must_use]
    pub const fn fcode_offset(self) -> u16 {
        le16::<2, _>(self.0)
    }

    /// Offset of iPXE's header in an x86 image made by iPXE, in bytes.
    #[must_use]
    pub const fn ipxe_offset(self) -> u16 {
        le16::<0x10, _>(self.0)
    }

    /// Offset of the UNDI ROM ID structure in an x86 image that has one, in
    /// bytes (PXE Specification 2.1).
    #[must_use]
    pub const fn undi_offset(self) -> u16 {
        le16::<0x16, _>(self.0)
    }

    /// Offset of the PCI Data Structure from the start of the image, in bytes.
    #[must_use]
    pub const fn pcir_offset(self) -> u16 {
        le16::<0x18, _>(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_specification_puts_them() {
        let mut data = [0; 0x20];
        data[..6].copy_from_slice(&[0x55, 0xaa, 0x94, 0xe9, 0xa2, 0]);
        data[0x10] = 0x9c;
        data[0x16] = 0x84;
        data[0x18] = 0x1c;
        let header = ExpansionRomHeader::at(&data, 0).unwrap();
        assert_eq!(header.signature(), SIGNATURE);
        assert_eq!(header.initialization_size().bytes(), 75_776);
        assert_eq!(header.entry_point(), [0xe9, 0xa2, 0]);
        assert_eq!(header.ipxe_offset(), 0x9c);
        assert_eq!(header.undi_offset(), 0x84);
        assert_eq!(header.pcir_offset(), 0x1c);
    }

    #[test]
    fn a_header_that_is_cut_is_out_of_bounds() {
        let error = ExpansionRomHeader::at(&[0x55, 0xaa, 1], 0).unwrap_err();
        assert_eq!((error.needed, error.available), (26, 3));
    }
}
