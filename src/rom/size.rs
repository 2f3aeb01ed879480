//! The two sizes of an option ROM: of its BAR and of its images.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// The largest ROM that is read or made, in bytes: 16 MiB, the largest
/// expansion ROM BAR of the PCI Local Bus Specification (section 6.2.5.2).
pub const MAX_ROM: u64 = 16 << 20;

/// Size of a ROM BAR in bytes, always a power of two.
///
/// QEMU rounds the size of a ROM file up to it (`pci_add_option_rom` in
/// hw/pci/pci.c); the PCI Local Bus Specification, section 6.2.5.2, has only
/// powers of two for an expansion ROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BarSize(u64);

impl BarSize {
    /// The largest that QEMU accepts for a ROM file: 2 GiB.
    pub const MAX: Self = Self(1 << 31);

    /// The BAR that QEMU gives a ROM file of `bytes` bytes, or `None` where
    /// QEMU refuses the file: an empty one, or one above 2 GiB.
    #[must_use]
    pub fn of_rom(bytes: u64) -> Option<Self> {
        (1..=Self::MAX.0)
            .contains(&bytes)
            .then(|| Self(bytes.next_power_of_two()))
    }

    /// The size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Bytes of the BAR that a ROM of `bytes` bytes leaves free.
    #[must_use]
    pub const fn room_left(self, bytes: u64) -> u64 {
        self.0.saturating_sub(bytes)
    }

    /// Every size, from 512 bytes on.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (9..=31).map(|shift| Self(1 << shift))
    }

    /// The label in compat names, such as `256k` or `1m`.
    #[must_use]
    pub fn label(self) -> String {
        self.to_string().to_ascii_lowercase()
    }
}

impl fmt::Display for BarSize {
    /// The size with a binary unit, such as `256K`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            bytes if bytes >= 1 << 30 => format!("{}G", bytes >> 30),
            bytes if bytes >= 1 << 20 => format!("{}M", bytes >> 20),
            bytes if bytes >= 1 << 10 => format!("{}K", bytes >> 10),
            bytes => bytes.to_string(),
        };
        f.pad(&text)
    }
}

impl Serialize for BarSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for BarSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = u64::deserialize(deserializer)?;
        bytes.to_string().parse().map_err(D::Error::custom)
    }
}

/// A text that is no size of a ROM BAR.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BarSizeError {
    /// Not a whole number with an optional unit.
    #[error("`{0}` is no size; write bytes or a unit, such as 262144, 0x40000, 256K or 1M")]
    NotASize(String),
    /// A size that no BAR can have.
    #[error(
        "{text} is {bytes} bytes, and a ROM BAR is a power of two; the next ones are {below} and {above}"
    )]
    NotAPowerOfTwo {
        /// What was written.
        text: String,
        /// Its value in bytes.
        bytes: u64,
        /// The next smaller BAR size.
        below: BarSize,
        /// The next larger BAR size.
        above: BarSize,
    },
    /// Above what QEMU accepts.
    #[error("{0} is not between 512 bytes and 2 GiB, the limits of a ROM BAR")]
    OutOfRange(String),
}

/// Reads a number of bytes: decimal or hex, with or without a binary unit, such
/// as 16384, 0x4000, 16K or 16KiB.
///
/// # Errors
/// [`BarSizeError::NotASize`] for any other text.
pub fn parse_bytes(text: &str) -> Result<u64, BarSizeError> {
    let not_a_size = || BarSizeError::NotASize(text.to_owned());
    let upper = text.trim().to_ascii_uppercase();
    let number = upper.strip_suffix("IB").unwrap_or(&upper);
    let (digits, shift) = [('K', 10), ('M', 20), ('G', 30)]
        .into_iter()
        .find_map(|(unit, shift)| Some((number.strip_suffix(unit)?, shift)))
        .unwrap_or((number, 0));
    let value = match digits.strip_prefix("0X") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    }
    .map_err(|_| not_a_size())?;
    value.checked_mul(1 << shift).ok_or_else(not_a_size)
}

impl FromStr for BarSize {
    type Err = BarSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = parse_bytes(text)?;
        if !(512..=Self::MAX.0).contains(&bytes) {
            return Err(BarSizeError::OutOfRange(text.to_owned()));
        }
        let above = Self(bytes.next_power_of_two());
        if above.0 == bytes {
            return Ok(above);
        }
        Err(BarSizeError::NotAPowerOfTwo {
            text: text.to_owned(),
            bytes,
            below: Self(above.0 >> 1),
            above,
        })
    }
}

/// Length of an image in units of 512 bytes, as headers hold it.
///
/// PCI Firmware Specification 3.3, section 5.1.2 (image length) and 5.1.1
/// (initialization size).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageLength(u16);

impl ImageLength {
    /// Bytes in a unit.
    pub const UNIT: usize = 512;

    /// A length of `units` units of 512 bytes.
    #[must_use]
    pub const fn from_units(units: u16) -> Self {
        Self(units)
    }

    /// The number of 512-byte units.
    #[must_use]
    pub const fn units(self) -> u16 {
        self.0
    }

    /// The length in bytes, at most 33,553,920.
    #[must_use]
    pub const fn bytes(self) -> usize {
        (self.0 as usize).saturating_mul(Self::UNIT)
    }
}

impl Serialize for ImageLength {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.bytes() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rom_gets_the_next_power_of_two() {
        let bar = |bytes| BarSize::of_rom(bytes).map(BarSize::bytes);
        assert_eq!(bar(249_344), Some(0x40000));
        assert_eq!(bar(262_144), Some(0x40000));
        assert_eq!(bar(262_145), Some(0x80000));
        assert_eq!(bar(0), None);
        assert_eq!(bar((1 << 31) + 1), None);
    }

    #[test]
    fn sizes_are_read_with_units_and_in_hex() {
        let bytes = |text: &str| text.parse::<BarSize>().map(BarSize::bytes);
        assert_eq!(bytes("256K"), Ok(0x40000));
        assert_eq!(bytes("256k"), Ok(0x40000));
        assert_eq!(bytes("256KiB"), Ok(0x40000));
        assert_eq!(bytes("0x40000"), Ok(0x40000));
        assert_eq!(bytes("262144"), Ok(0x40000));
        assert_eq!(bytes("1M"), Ok(1 << 20));
    }

    #[test]
    fn a_size_that_no_bar_has_names_its_neighbours() {
        let error = "300000".parse::<BarSize>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "300000 is 300000 bytes, and a ROM BAR is a power of two; the next ones are 256K and 512K"
        );
        for text in ["", "K", "-1", "12Q", "0x", "99999999999999999999G", "12KK"] {
            assert!(
                matches!(text.parse::<BarSize>(), Err(BarSizeError::NotASize(_))),
                "{text}"
            );
        }
        for text in ["0", "256", "4G"] {
            assert!(
                matches!(text.parse::<BarSize>(), Err(BarSizeError::OutOfRange(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn sizes_print_with_the_largest_unit_that_fits() {
        let text = |bytes| BarSize::of_rom(bytes).unwrap().to_string();
        assert_eq!(text(512), "512");
        assert_eq!(text(0x40000), "256K");
        assert_eq!(text(1 << 20), "1M");
        assert_eq!(BarSize::of_rom(0x40000).unwrap().label(), "256k");
    }

    #[test]
    fn image_lengths_count_512_byte_units() {
        assert_eq!(ImageLength::from_units(0x94).bytes(), 75_776);
    }
}
