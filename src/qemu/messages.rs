//! Lines that QEMU prints when a ROM is in the way.

use super::RamBlockSize;
use crate::rom::BarSize;

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

/// The line with which QEMU refuses to start when a device's ROM file has more
/// bytes than its `romsize` (`pci_add_option_rom` in hw/pci/pci.c; seen with
/// 7.2 and 10.0).
#[must_use]
pub fn romfile_too_large(romfile: &str, bytes: u64, romsize: BarSize) -> String {
    format!(
        "romfile \"{romfile}\" ({bytes} bytes) is too large for ROM size {}",
        romsize.bytes()
    )
}

/// Whether what QEMU said is this line. QEMU 2.x writes a size mismatch as
/// `Length mismatch: … 0x40000 in != 0x80000` (read in its source, not seen).
#[must_use]
pub fn says(said: &str, line: &str) -> bool {
    let today = said
        .replace("Length mismatch", "Size mismatch")
        .replace(" in != ", " != ");
    today.contains(line)
}

/// Whether a refusal is about the option ROM of a device, whose RAM block has
/// this whole name and whose file this name, and not about another part of the
/// guest. A ROM that does not fit `romsize` is refused with its file's name, or
/// as `ROM size … is not a power of two` (`pci_add_option_rom` in hw/pci/pci.c).
#[must_use]
pub fn is_about_the_rom(said: &str, ram_block: &str, romfile: &str) -> bool {
    [
        format!("Size mismatch: {ram_block}: "),
        format!("Length mismatch: {ram_block}: "),
        format!("Unknown ramblock \"{ram_block}\""),
        format!("romfile \"{romfile}\""),
        "ROM size ".to_owned(),
    ]
    .iter()
    .any(|words| said.contains(words))
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

    #[test]
    fn old_and_new_words_for_a_mismatch_are_the_same() {
        let line = "Size mismatch: a/b.rom: 0x40000 != 0x80000: Invalid argument";
        assert!(says(&format!("qemu-system-x86_64: {line}"), line));
        let old = "Length mismatch: a/b.rom: 0x40000 in != 0x80000: Invalid argument";
        assert!(says(old, line));
        assert!(!says("VQ 0 vring.num 1024 exceeds allocated max 256", line));
    }

    #[test]
    fn a_line_is_about_the_rom_of_one_device_and_of_no_other() {
        let is_about = |said| is_about_the_rom(said, "0000:00:04.0/e1000.rom", "efi-e1000.rom");
        for said in [
            "qemu: Size mismatch: 0000:00:04.0/e1000.rom: 0x40000 != 0x80000: Invalid argument",
            "qemu: Length mismatch: 0000:00:04.0/e1000.rom: 0x40000 in != 0x80000",
            "qemu: Unknown ramblock \"0000:00:04.0/e1000.rom\", cannot accept migration",
            "qemu: -device e1000: failed to find romfile \"efi-e1000.rom\"",
        ] {
            assert!(is_about(said), "{said}");
        }
        for said in [
            "qemu: Size mismatch: vga.vram: 0x1000000 != 0x800000: Invalid argument",
            "qemu: Size mismatch: 0000:00:05.0/e1000.rom: 0x40000 != 0x80000: Invalid argument",
            "qemu: Unknown ramblock \"vga.vram\", cannot accept migration",
            "qemu: failed to find romfile \"vgabios-stdvga.bin\"",
            "qemu: VQ 0 vring.num 1024 exceeds allocated max 256",
        ] {
            assert!(!is_about(said), "{said}");
        }
    }
}
