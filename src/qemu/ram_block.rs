//! The RAM block in which QEMU keeps and migrates a device's ROM.

use crate::rom::BarSize;
use std::fmt;

/// Size of a ROM's RAM block in bytes: the BAR size, and at least one page.
///
/// `qemu_ram_alloc_internal` in system/physmem.c rounds up to the page; runs
/// of QEMU 7.2 take a 1 KiB ROM for a 2 KiB one and refuse 2 KiB for 8 KiB
/// with `0x1000 != 0x2000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RamBlockSize(u64);

impl RamBlockSize {
    /// The smallest page of the guests that QEMU emulates with PCI, in bytes.
    const PAGE: u64 = 4096;

    /// The block of a ROM with this BAR.
    #[must_use]
    pub const fn of_bar(bar: BarSize) -> Self {
        let bytes = bar.bytes();
        Self(if bytes < Self::PAGE {
            Self::PAGE
        } else {
            bytes
        })
    }

    /// The size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for RamBlockSize {
    /// In hex with `0x`, as QEMU prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_at_least_one_page() {
        let block = |size: &str| RamBlockSize::of_bar(size.parse().unwrap()).to_string();
        assert_eq!(block("1K"), "0x1000");
        assert_eq!(block("2K"), block("4K"));
        assert_eq!(block("256K"), "0x40000");
    }
}
