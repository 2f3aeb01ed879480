//! Lines that QEMU prints when a ROM is in the way.

use super::RamBlockSize;

/// The line with which a destination refuses a ROM of another size
/// (`parse_ramblock` in migration/ram.c; seen with 5.2, 7.2, 10.0 and 11.1).
///
/// `ram_block` is what follows the address in the block's name. The PCI address is that of the first free slot on a `pc` machine; a
/// guest's own stands in its place.
#[must_use]
pub fn size_mismatch(ram_block: &str, source: RamBlockSize, destination: RamBlockSize) -> String {
    format!("Size mismatch: 0000:00:02.0/{ram_block}: {source} != {destination}: Invalid argument")
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
            size_mismatch("ne2000.rom", block("256K"), block("512K")),
            "Size mismatch: 0000:00:02.0/ne2000.rom: 0x40000 != 0x80000: Invalid argument"
        );
    }
}
