//! The PCI Data Structure: ids, length and kind of an image.

use crate::bytes::{OutOfBounds, array_at, byte, field, le16};
use crate::rom::ImageLength;
use serde::{Deserialize, Serialize, de::Error as _};
use std::fmt;

/// The first four bytes of a PCI Data Structure.
pub const PCIR_SIGNATURE: [u8; 4] = *b"PCIR";

/// The PCI Data Structure, 24 bytes in revision 0 and 28 in revision 3.
///
/// PCI Firmware Specification 3.3, section 5.1.2. Fields of revision 3 are
/// there only where revision and length cover them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PciDataStructure<'a> {
    base: &'a [u8; 0x18],
    revision_3: Option<&'a [u8; 4]>,
}

impl<'a> PciDataStructure<'a> {
    /// Size of revision 0, in bytes.
    pub const SIZE: usize = 0x18;
    /// Size of revision 3, in bytes.
    pub const SIZE_REVISION_3: usize = 0x1c;

    /// Borrows the structure at offset `at`.
    ///
    /// # Errors
    /// [`OutOfBounds`] when the data ends before or inside it.
    pub fn at(data: &'a [u8], at: usize) -> Result<Self, OutOfBounds> {
        let base = array_at(data, at, "PCI Data Structure")?;
        let mut structure = Self {
            base,
            revision_3: None,
        };
        let covers = usize::from(structure.length()) >= Self::SIZE_REVISION_3;
        if structure.revision() >= 3 && covers {
            let after = at.saturating_add(Self::SIZE);
            structure.revision_3 = Some(array_at(data, after, "PCI Data Structure")?);
        }
        Ok(structure)
    }

    /// The signature, [`PCIR_SIGNATURE`] where right.
    #[must_use]
    pub const fn signature(self) -> [u8; 4] {
        field::<0, 4, _>(self.base)
    }

    /// Vendor and device id that the image is for.
    #[must_use]
    pub const fn ids(self) -> PciIds {
        PciIds {
            vendor: le16::<4, _>(self.base),
            device: le16::<6, _>(self.base),
        }
    }

    /// Offset of the device list from this structure, in bytes; 0 for none.
    /// In revision 0 the field pointed to Vital Product Data.
    #[must_use]
    pub const fn device_list_offset(self) -> u16 {
        le16::<8, _>(self.base)
    }

    /// Whether the image has a device list: revision 3, and a pointer to one.
    #[must_use]
    pub const fn has_device_list(self) -> bool {
        self.revision() >= 3 && self.device_list_offset() != 0
    }

    /// Length of this structure as it says itself, in bytes.
    #[must_use]
    pub const fn length(self) -> u16 {
        le16::<0x0a, _>(self.base)
    }

    /// Revision of this structure: 0 or 3.
    #[must_use]
    pub const fn revision(self) -> u8 {
        byte::<0x0c, _>(self.base)
    }

    /// Class code: base class, sub-class, interface.
    #[must_use]
    pub const fn class_code(self) -> [u8; 3] {
        let [interface, sub_class, base_class] = field::<0x0d, 3, _>(self.base);
        [base_class, sub_class, interface]
    }

    /// Length of the image.
    #[must_use]
    pub const fn image_length(self) -> ImageLength {
        ImageLength::from_units(le16::<0x10, _>(self.base))
    }

    /// Revision level of the vendor's code.
    #[must_use]
    pub const fn vendor_revision(self) -> u16 {
        le16::<0x12, _>(self.base)
    }

    /// Code type of the image.
    #[must_use]
    pub const fn code_type(self) -> CodeType {
        CodeType::from_byte(byte::<0x14, _>(self.base))
    }

    /// Whether the indicator marks this image as the last one (bit 7).
    #[must_use]
    pub const fn is_last_image(self) -> bool {
        byte::<0x15, _>(self.base) & 0x80 != 0
    }

    /// The reserved word of revision 0, where revision 3 has
    /// [`Self::maximum_runtime_length`].
    #[must_use]
    pub const fn reserved(self) -> u16 {
        le16::<0x16, _>(self.base)
    }

    /// Maximum run-time image length; revision 3.
    #[must_use]
    pub fn maximum_runtime_length(self) -> Option<ImageLength> {
        // The field is the last of the common 24 bytes; revision 0 reserves it.
        (self.revision() >= 3).then(|| ImageLength::from_units(le16::<0x16, _>(self.base)))
    }

    /// Offset of the configuration utility code header, in bytes; revision 3.
    #[must_use]
    pub fn configuration_utility_offset(self) -> Option<u16> {
        self.revision_3.map(le16::<0, _>)
    }

    /// Offset of the DMTF CLP entry point, in bytes; revision 3.
    #[must_use]
    pub fn clp_entry_offset(self) -> Option<u16> {
        self.revision_3.map(le16::<2, _>)
    }
}

/// A PCI vendor and device id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciIds {
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
}

impl PciIds {
    /// These two ids.
    #[must_use]
    pub const fn new(vendor: u16, device: u16) -> Self {
        Self { vendor, device }
    }
}

impl fmt::Display for PciIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.device)
    }
}

impl Serialize for PciIds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PciIds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_id = |digits: &&str| {
            digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        let id = |digits: &str| u16::from_str_radix(Some(digits).filter(is_id)?, 16).ok();
        let ids = text.split_once(':').and_then(|(vendor, device)| {
            Some(Self {
                vendor: id(vendor)?,
                device: id(device)?,
            })
        });
        ids.ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is not a vendor and a device id; they are written like 8086:100e"
            ))
        })
    }
}

/// Code type of an image; lossless both ways.
///
/// PCI Firmware Specification 3.3, section 5.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeType {
    /// 0: x86 code for a PC-AT compatible firmware.
    X86,
    /// 1: Open Firmware (FCode).
    OpenFirmware,
    /// 2: Hewlett-Packard PA-RISC.
    PaRisc,
    /// 3: an EFI image.
    Efi,
    /// Any other value.
    Other(u8),
}

impl CodeType {
    /// The code type of a byte in the PCI Data Structure.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::X86,
            1 => Self::OpenFirmware,
            2 => Self::PaRisc,
            3 => Self::Efi,
            other => Self::Other(other),
        }
    }

    /// The byte in the PCI Data Structure.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::X86 => 0,
            Self::OpenFirmware => 1,
            Self::PaRisc => 2,
            Self::Efi => 3,
            Self::Other(other) => other,
        }
    }
}

impl fmt::Display for CodeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X86 => f.write_str("x86"),
            Self::OpenFirmware => f.write_str("Open Firmware"),
            Self::PaRisc => f.write_str("PA-RISC"),
            Self::Efi => f.write_str("EFI"),
            Self::Other(byte) => write!(f, "code type {byte:#04x}"),
        }
    }
}

impl Serialize for CodeType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision_3() -> Vec<u8> {
        let mut data = b"PCIR\xf4\x1a\x41\x10\xbf\x04\x1c\0\x03\0\0\x02\x94\0\x01\0\0\x80".to_vec();
        data.extend([0x94, 0, 0x10, 0, 0x20, 0]);
        data
    }

    #[test]
    fn fields_stand_where_the_specification_puts_them() {
        let data = revision_3();
        let pcir = PciDataStructure::at(&data, 0).unwrap();
        assert_eq!(pcir.signature(), PCIR_SIGNATURE);
        assert_eq!(pcir.ids().to_string(), "1af4:1041");
        assert_eq!(pcir.device_list_offset(), 0x4bf);
        assert_eq!(pcir.length(), 0x1c);
        assert_eq!(pcir.revision(), 3);
        assert_eq!(pcir.class_code(), [2, 0, 0]);
        assert_eq!(pcir.image_length().units(), 0x94);
        assert_eq!(pcir.vendor_revision(), 1);
        assert_eq!(pcir.code_type(), CodeType::X86);
        assert!(pcir.is_last_image());
        assert_eq!(
            pcir.maximum_runtime_length(),
            Some(ImageLength::from_units(0x94))
        );
        assert_eq!(pcir.configuration_utility_offset(), Some(0x10));
        assert_eq!(pcir.clp_entry_offset(), Some(0x20));
    }

    #[test]
    fn revision_0_has_no_field_of_revision_3() {
        let mut data = revision_3();
        data[0x0a] = 0x18;
        data[0x0c] = 0;
        data.truncate(0x18);
        let pcir = PciDataStructure::at(&data, 0).unwrap();
        assert_eq!(pcir.maximum_runtime_length(), None);
        assert_eq!(pcir.configuration_utility_offset(), None);
    }

    #[test]
    fn a_revision_3_that_is_cut_is_out_of_bounds() {
        let mut data = revision_3();
        data.truncate(0x1b);
        assert!(PciDataStructure::at(&data, 0).is_err());
    }

    #[test]
    fn code_types_are_lossless() {
        for byte in 0..=255 {
            assert_eq!(CodeType::from_byte(byte).to_byte(), byte);
        }
    }
}
