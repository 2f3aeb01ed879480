//! The EFI PCI expansion ROM header, at the start of an EFI image.

use crate::bytes::{OutOfBounds, array_at, field, le16, le32};
use serde::Serialize;
use std::fmt;

/// The EFI signature of an EFI image's header.
pub const EFI_SIGNATURE: u32 = 0x0ef1;

/// The EFI PCI expansion ROM header, 26 bytes, in place of the x86 fields.
///
/// UEFI Specification 2.10, section 14.4.2 (table "Recommended PCI Device
/// Driver Layout" and `EFI_PCI_EXPANSION_ROM_HEADER`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EfiHeader<'a>(&'a [u8; 0x1a]);

impl<'a> EfiHeader<'a> {
    /// Borrows the header of an EFI image.
    ///
    /// # Errors
    /// [`OutOfBounds`] when the image is shorter than the header.
    pub fn of_image(image: &'a [u8]) -> Result<Self, OutOfBounds> {
        array_at(image, 0, "EFI PCI expansion ROM header").map(Self)
    }

    /// Initialization size, in 512-byte units.
    #[must_use]
    pub const fn initialization_size(self) -> u16 {
        le16::<2, _>(self.0)
    }

    /// The EFI signature, [`EFI_SIGNATURE`] where right.
    #[must_use]
    pub const fn efi_signature(self) -> u32 {
        le32::<4, _>(self.0)
    }

    /// PE subsystem of the EFI image.
    #[must_use]
    pub const fn subsystem(self) -> EfiSubsystem {
        EfiSubsystem(le16::<8, _>(self.0))
    }

    /// PE machine type of the EFI image.
    #[must_use]
    pub const fn machine(self) -> EfiMachine {
        EfiMachine(le16::<0x0a, _>(self.0))
    }

    /// Compression: 0 for none, 1 for the UEFI compression algorithm; other
    /// values are reserved.
    #[must_use]
    pub const fn compression_type(self) -> u16 {
        le16::<0x0c, _>(self.0)
    }

    /// Eight reserved bytes.
    #[must_use]
    pub const fn reserved(self) -> [u8; 8] {
        field::<0x0e, 8, _>(self.0)
    }

    /// Offset of the EFI executable from the start of the image, in bytes.
    #[must_use]
    pub const fn efi_image_offset(self) -> u16 {
        le16::<0x16, _>(self.0)
    }
}

/// A PE subsystem: what kind of EFI executable it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EfiSubsystem(pub u16);

impl EfiSubsystem {
    /// Whether it is one of the two kinds of driver, the only ones that UEFI
    /// firmware starts from an option ROM.
    #[must_use]
    pub const fn is_driver(self) -> bool {
        matches!(self.0, 0x0b | 0x0c)
    }
}

impl fmt::Display for EfiSubsystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0a => f.write_str("EFI application"),
            0x0b => f.write_str("EFI boot service driver"),
            0x0c => f.write_str("EFI runtime driver"),
            0x0d => f.write_str("EFI ROM"),
            other => write!(f, "subsystem {other:#06x}"),
        }
    }
}

impl Serialize for EfiSubsystem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A PE machine type, by the UEFI Specification's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EfiMachine(pub u16);

impl fmt::Display for EfiMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x014c => f.write_str("IA32"),
            0x0200 => f.write_str("IA64"),
            0x0ebc => f.write_str("EBC"),
            0x8664 => f.write_str("X64"),
            0x01c2 => f.write_str("ARM"),
            0xaa64 => f.write_str("AA64"),
            0x5032 => f.write_str("RISCV32"),
            0x5064 => f.write_str("RISCV64"),
            0x5128 => f.write_str("RISCV128"),
            0x6232 => f.write_str("LOONGARCH32"),
            0x6264 => f.write_str("LOONGARCH64"),
            other => write!(f, "machine {other:#06x}"),
        }
    }
}

impl Serialize for EfiMachine {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_specification_puts_them() {
        let mut image = [0; 0x40];
        image[..14].copy_from_slice(&[
            0x55, 0xaa, 0x53, 1, 0xf1, 0x0e, 0, 0, 0x0b, 0, 0x64, 0x86, 1, 0,
        ]);
        image[0x16] = 0x40;
        let header = EfiHeader::of_image(&image).unwrap();
        assert_eq!(header.initialization_size(), 0x153);
        assert_eq!(header.efi_signature(), EFI_SIGNATURE);
        assert_eq!(header.subsystem(), EfiSubsystem(0xb));
        assert!(header.subsystem().is_driver());
        assert_eq!(header.machine().to_string(), "X64");
        assert_eq!(header.compression_type(), 1);
        assert_eq!(header.efi_image_offset(), 0x40);
    }

    #[test]
    fn an_unknown_machine_shows_its_number() {
        assert_eq!(EfiMachine(0x1234).to_string(), "machine 0x1234");
    }
}
