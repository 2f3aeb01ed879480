//! The UNDI ROM ID structure of a network card's x86 image.

use super::summed::Summed;
use crate::bytes::{OutOfBounds, byte, field, le16};

/// The first four bytes of an UNDI ROM ID structure.
pub const UNDI_SIGNATURE: [u8; 4] = *b"UNDI";

/// The UNDI ROM ID structure, 22 bytes; the word at 0x16 of the image points
/// to it.
///
/// Preboot Execution Environment (PXE) Specification 2.1, "UNDI ROM ID
/// Structure".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndiRomId<'a>(Summed<'a, 0x16>);

impl<'a> UndiRomId<'a> {
    /// Size of the structure, in bytes.
    pub const SIZE: usize = 0x16;

    pub(super) fn find(image: &'a [u8], at: u16) -> Option<Result<Self, OutOfBounds>> {
        let length = |fields: &[u8; 0x16]| usize::from(byte::<4, _>(fields));
        let what = "UNDI ROM ID structure";
        let found = Summed::find(image, usize::from(at), UNDI_SIGNATURE, what, length);
        found.map(|structure| structure.map(Self))
    }

    /// Offset of the structure from the start of the image, in bytes.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.0.at
    }

    /// Length as the structure says itself, in bytes.
    #[must_use]
    pub const fn length(self) -> u8 {
        byte::<4, _>(self.0.fields)
    }

    /// The bytes that the checksum covers.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.0.bytes
    }

    /// Sum of the structure's bytes, 0 where right.
    #[must_use]
    pub fn sum(self) -> u8 {
        self.0.sum()
    }

    /// Revision of the structure: 0.
    #[must_use]
    pub const fn revision(self) -> u8 {
        byte::<6, _>(self.0.fields)
    }

    /// Version of UNDI, most significant number first: 2, 1, 0.
    #[must_use]
    pub const fn undi_version(self) -> [u8; 3] {
        let [build, minor, major] = field::<7, 3, _>(self.0.fields);
        [major, minor, build]
    }

    /// Offset of the loader from the start of the image, in bytes.
    #[must_use]
    pub const fn loader_offset(self) -> u16 {
        le16::<0x0a, _>(self.0.fields)
    }

    /// Size of the stack segment, in bytes.
    #[must_use]
    pub const fn stack_size(self) -> u16 {
        le16::<0x0c, _>(self.0.fields)
    }

    /// Size of the data segment, in bytes.
    #[must_use]
    pub const fn data_size(self) -> u16 {
        le16::<0x0e, _>(self.0.fields)
    }

    /// Size of the code segment, in bytes.
    #[must_use]
    pub const fn code_size(self) -> u16 {
        le16::<0x10, _>(self.0.fields)
    }

    /// Type of the bus: `PCIR`, `$PnP`, `EISA`, `USBR` or another.
    #[must_use]
    pub const fn bus_type(self) -> [u8; 4] {
        field::<0x12, 4, _>(self.0.fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRUCTURE: &[u8] = b"UNDI\x16\x8a\0\0\x01\x02\x34\x12\x11\x11\x22\x22\x33\x33PCIR";

    #[test]
    fn fields_stand_where_the_specification_puts_them() {
        let undi = UndiRomId::find(STRUCTURE, 0).unwrap().unwrap();
        assert_eq!((undi.offset(), undi.length(), undi.revision()), (0, 22, 0));
        assert_eq!(undi.bytes().len(), 22);
        assert_eq!(undi.undi_version(), [2, 1, 0]);
        assert_eq!(undi.loader_offset(), 0x1234);
        assert_eq!(undi.stack_size(), 0x1111);
        assert_eq!(undi.data_size(), 0x2222);
        assert_eq!(undi.code_size(), 0x3333);
        assert_eq!(&undi.bus_type(), b"PCIR");
    }

    #[test]
    fn a_structure_that_claims_more_than_the_image_has_is_out_of_bounds() {
        let mut image = STRUCTURE.to_vec();
        image[4] = 0x17;
        let bounds = UndiRomId::find(&image, 0).unwrap().unwrap_err();
        assert_eq!((bounds.needed, bounds.available), (0x17, 0x16));
    }

    #[test]
    fn another_signature_is_no_structure() {
        assert_eq!(UndiRomId::find(STRUCTURE, 1), None);
        assert_eq!(UndiRomId::find(STRUCTURE, 0x100), None);
    }
}
