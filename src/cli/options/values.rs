//! Values in the forms that people write.

use crate::rom::{BarSizeError, parse_bytes};
use std::num::ParseIntError;
use thiserror::Error;

/// A value in a form that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Misspelt {
    /// No share in percent.
    #[error("write a whole number from 0 to 100, such as 10%")]
    Percent,
    /// No id.
    #[error("write an id as hex digits, such as 1af4")]
    Id,
    /// No class code.
    #[error("write a class code as six hex digits, such as 020000")]
    Class,
    /// No byte.
    #[error("write a byte, such as 0xff or 0")]
    Byte,
}

/// A share in percent.
pub fn percent(text: &str) -> Result<u8, Misspelt> {
    text.trim_end_matches('%')
        .parse()
        .ok()
        .filter(|percent| *percent <= 100)
        .ok_or(Misspelt::Percent)
}

/// A number of bytes such as 4K.
pub fn bytes(text: &str) -> Result<u64, BarSizeError> {
    parse_bytes(text)
}

/// A vendor or device id of PCI, in hex.
pub fn pci_id(text: &str) -> Result<u16, Misspelt> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u16::from_str_radix(digits, 16).map_err(|_| Misspelt::Id)
}

/// A byte, in decimal or with `0x` in hex.
pub fn fill_byte(text: &str) -> Result<u8, Misspelt> {
    match text.strip_prefix("0x") {
        Some(hex) => u8::from_str_radix(hex, 16),
        None => text.parse(),
    }
    .map_err(|_| Misspelt::Byte)
}

/// A number of bytes, in decimal or with `0x` in hex.
///
/// # Errors
/// Those of the number.
pub fn offset(text: &str) -> Result<u64, ParseIntError> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_the_forms_that_people_write() {
        assert_eq!(percent("10%"), Ok(10));
        assert_eq!(percent("10"), Ok(10));
        assert!(percent("101").is_err());
        assert_eq!(fill_byte("0xff"), Ok(255));
        assert_eq!(fill_byte("0"), Ok(0));
        assert!(fill_byte("256").is_err());
        assert_eq!(pci_id("0x1af4"), Ok(0x1af4));
        assert_eq!(pci_id("1000"), Ok(0x1000));
        assert!(pci_id("10000").is_err());
    }
}
