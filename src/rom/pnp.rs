//! Plug and Play expansion headers of an x86 image.

use super::summed::Summed;
use crate::bytes::{OutOfBounds, byte, field, le16};
use std::fmt;

/// The first four bytes of a Plug and Play expansion header.
pub const PNP_SIGNATURE: [u8; 4] = *b"$PnP";

/// More headers than this are taken for a loop.
pub const MAX_PNP_HEADERS: usize = 16;

/// A Plug and Play expansion header, 32 bytes.
///
/// Plug and Play BIOS Specification 1.0a, section 3.2. Offsets and vectors are
/// in bytes from the start of the image, 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PnpHeader<'a>(Summed<'a, 0x20>);

impl<'a> PnpHeader<'a> {
    /// Size of the header, in bytes.
    pub const SIZE: usize = 0x20;

    fn find(image: &'a [u8], at: usize) -> Option<Result<Self, OutOfBounds>> {
        let length = |fields: &[u8; 0x20]| usize::from(byte::<5, _>(fields)) << 4;
        let found = Summed::find(image, at, PNP_SIGNATURE, "PnP expansion header", length);
        found.map(|structure| structure.map(Self))
    }

    /// Offset of the header from the start of the image, in bytes.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.0.at
    }

    /// Revision of the header: 1.
    #[must_use]
    pub const fn revision(self) -> u8 {
        byte::<4, _>(self.0.fields)
    }

    /// Length as the header says itself, in bytes; it counts 16-byte units.
    #[must_use]
    pub const fn length(self) -> usize {
        (byte::<5, _>(self.0.fields) as usize) << 4
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

    /// Offset of the next expansion header.
    #[must_use]
    pub const fn next_offset(self) -> u16 {
        le16::<6, _>(self.0.fields)
    }

    /// Device identifier, an EISA product identifier as it stands.
    #[must_use]
    pub const fn device_identifier(self) -> [u8; 4] {
        field::<0x0a, 4, _>(self.0.fields)
    }

    /// Offset of the manufacturer's name.
    #[must_use]
    pub const fn manufacturer_offset(self) -> u16 {
        le16::<0x0e, _>(self.0.fields)
    }

    /// Offset of the product's name.
    #[must_use]
    pub const fn product_offset(self) -> u16 {
        le16::<0x10, _>(self.0.fields)
    }

    /// Device type code: base type, sub-type, interface.
    #[must_use]
    pub const fn device_type(self) -> [u8; 3] {
        field::<0x12, 3, _>(self.0.fields)
    }

    /// Device indicators, a bit field.
    #[must_use]
    pub const fn device_indicators(self) -> u8 {
        byte::<0x15, _>(self.0.fields)
    }

    /// Boot connection vector.
    #[must_use]
    pub const fn boot_connection_vector(self) -> u16 {
        le16::<0x16, _>(self.0.fields)
    }

    /// Disconnect vector.
    #[must_use]
    pub const fn disconnect_vector(self) -> u16 {
        le16::<0x18, _>(self.0.fields)
    }

    /// Bootstrap entry vector: where network boot starts.
    #[must_use]
    pub const fn bootstrap_entry_vector(self) -> u16 {
        le16::<0x1a, _>(self.0.fields)
    }

    /// The reserved byte, and the reserved word.
    #[must_use]
    pub const fn reserved(self) -> (u8, u16) {
        (byte::<8, _>(self.0.fields), le16::<0x1c, _>(self.0.fields))
    }

    /// Static resource information vector.
    #[must_use]
    pub const fn static_resource_vector(self) -> u16 {
        le16::<0x1e, _>(self.0.fields)
    }
}

/// The text at `offset` of an image, up to its NUL or the image's end; `None`
/// for offset 0 or one outside the image.
#[must_use]
pub fn text_at(image: &[u8], offset: u16) -> Option<Text<'_>> {
    let rest = image.get(usize::from(offset)..)?;
    let text = rest.split(|byte| *byte == 0).next()?;
    (offset != 0).then_some(Text(text.get(..256).unwrap_or(text)))
}

/// A text of a ROM, shown with escapes for what is not printable ASCII; at
/// most 256 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a>(pub &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

/// Why a chain of Plug and Play headers cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PnpFault {
    /// A header that does not fit into the image.
    OutOfBounds(OutOfBounds),
    /// More than [`MAX_PNP_HEADERS`]: the pointers form a loop.
    Endless {
        /// Where the next would stand, from the start of the image.
        at: usize,
    },
}

/// The chain of Plug and Play headers of an image, in order. It ends after a
/// fault, and at an expansion header of another kind.
#[derive(Debug, Clone)]
pub struct PnpHeaders<'a> {
    image: &'a [u8],
    next: Option<u16>,
    seen: usize,
}

impl<'a> PnpHeaders<'a> {
    pub(super) const fn new(image: &'a [u8], first: u16) -> Self {
        Self {
            image,
            next: Some(first),
            seen: 0,
        }
    }
}

impl<'a> Iterator for PnpHeaders<'a> {
    type Item = Result<PnpHeader<'a>, PnpFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = usize::from(self.next.take().filter(|next| *next != 0)?);
        let found = PnpHeader::find(self.image, at)?;
        if self.seen == MAX_PNP_HEADERS {
            return Some(Err(PnpFault::Endless { at }));
        }
        self.seen = self.seen.saturating_add(1);
        self.next = found.ok().map(PnpHeader::next_offset);
        Some(found.map_err(PnpFault::OutOfBounds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Vec<u8> {
        let mut image = vec![0; 0x100];
        image[0x20..0x40].copy_from_slice(
            b"$PnP\x01\x02\x50\0\0\xfb\x11\x22\x33\x44\x80\0\x90\0\x02\x01\0\xf4\x01\0\x02\0\x03\x04\0\0\x05\0",
        );
        image[0x50..0x56].copy_from_slice(b"$PnP\x01\x02");
        image[0x80..0x84].copy_from_slice(b"Acme");
        image
    }

    #[test]
    fn fields_stand_where_the_specification_puts_them() {
        let image = image();
        let header = PnpHeaders::new(&image, 0x20).next().unwrap().unwrap();
        assert_eq!((header.offset(), header.revision()), (0x20, 1));
        assert_eq!((header.length(), header.bytes().len()), (0x20, 0x20));
        assert_eq!(header.next_offset(), 0x50);
        assert_eq!(header.device_identifier(), [0x11, 0x22, 0x33, 0x44]);
        assert_eq!(header.manufacturer_offset(), 0x80);
        assert_eq!(header.product_offset(), 0x90);
        assert_eq!(header.device_type(), [2, 1, 0]);
        assert_eq!(header.device_indicators(), 0xf4);
        assert_eq!(header.boot_connection_vector(), 1);
        assert_eq!(header.disconnect_vector(), 2);
        assert_eq!(header.bootstrap_entry_vector(), 0x403);
        assert_eq!(header.static_resource_vector(), 5);
        let name = text_at(&image, header.manufacturer_offset()).unwrap();
        assert_eq!(name.to_string(), "Acme");
        assert_eq!(text_at(&image, 0), None);
        assert_eq!(text_at(&image, 0x101), None);
    }

    #[test]
    fn a_chain_is_followed_to_its_end() {
        let image = image();
        let offsets: Vec<_> = PnpHeaders::new(&image, 0x20)
            .map(|header| header.unwrap().offset())
            .collect();
        assert_eq!(offsets, [0x20, 0x50]);
    }

    #[test]
    fn bytes_that_are_no_header_are_no_fault() {
        let image = image();
        assert_eq!(PnpHeaders::new(&image, 0x4942).next(), None);
        assert_eq!(PnpHeaders::new(&image, 0x21).next(), None);
        assert_eq!(PnpHeaders::new(&image, 0).next(), None);
    }

    #[test]
    fn a_chain_that_leads_back_ends_in_a_fault() {
        let mut image = image();
        image[0x56] = 0x20;
        let headers: Vec<_> = PnpHeaders::new(&image, 0x20).collect();
        assert_eq!(headers.len(), MAX_PNP_HEADERS + 1);
        assert_eq!(headers[16], Err(PnpFault::Endless { at: 0x20 }));
    }

    #[test]
    fn a_header_that_is_cut_ends_the_chain_with_a_fault() {
        let image = image();
        let headers: Vec<_> = PnpHeaders::new(&image[..0x60], 0x20).collect();
        assert!(matches!(
            headers[1],
            Err(PnpFault::OutOfBounds(bounds)) if bounds.at == 0x50 && bounds.available == 0x10
        ));
        assert_eq!(headers.len(), 2);
    }
}
