//! Lines that QEMU prints when a ROM is in the way.

use super::RamBlockSize;

/// The line with which a destination refuses a ROM of another size
/// (`parse_ramblock` in migration/ram.c; seen with 5.2, 7.2, 10.0 and 11.1).
///
/// `ram_block` is the block's whole name, with the device's address.
#[must_use]
pub fn size_mismatch(ram_block: &str, source: RamBlockSize, destination: RamBlockSize) -> String {
    format!("Size mismatch: {ram_block}: {source} != {destination}: Invalid argument")
}

/// The line with which a destination refuses a ROM for which it has no block:
/// its device has none, by `romfile=` or `rombar=0` (`ram_block_from_stream`
/// in migration/ram.c; seen with 5.2 to 11.1).
#[must_use]
pub fn unknown_ram_block(ram_block: &str) -> String {
    format!("Unknown ramblock \"{ram_block}\", cannot accept migration")
}

/// The line with which QEMU refuses to start when a device's ROM file is not
/// found (`pci_add_option_rom` in hw/pci/pci.c).
#[must_use]
pub fn missing_romfile(romfile: &str) -> String {
    format!("failed to find romfile \"{romfile}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_mismatch_names_the_source_first() {
        let block = |size: &str| RamBlockSize::of_bar(size.parse().unwrap());
        assert_eq!(
            size_mismatch("0000:00:02.0/ne2000.rom", block("256K"), block("512K")),
            "Size mismatch: 0000:00:02.0/ne2000.rom: 0x40000 != 0x80000: Invalid argument"
        );
    }
}
