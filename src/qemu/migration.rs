//! When a destination takes a guest's ROM.

use super::{RamBlockSize, missing_romfile, size_mismatch, unknown_ram_block};

/// What QEMU says to a migration in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// The destination takes the guest.
    Accepted,
    /// The destination refuses it.
    Refused(Refusal<'a>),
    /// No guest can have this ROM at the source.
    Impossible,
}

/// Why QEMU refuses a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// The RAM blocks of the ROM differ in size.
    SizeMismatch {
        /// The block at the source.
        source: RamBlockSize,
        /// The block at the destination.
        destination: RamBlockSize,
    },
    /// The destination's device has no ROM, and the source's has.
    UnknownRamBlock,
    /// The destination does not have the ROM file of this name.
    MissingRomfile(&'a str),
}

impl Refusal<'_> {
    /// The line that QEMU prints for a ROM whose RAM block has this whole name.
    #[must_use]
    pub fn line(&self, ram_block: &str) -> String {
        match self {
            Self::SizeMismatch {
                source,
                destination,
            } => size_mismatch(ram_block, *source, *destination),
            Self::UnknownRamBlock => unknown_ram_block(ram_block),
            Self::MissingRomfile(name) => missing_romfile(name),
        }
    }
}

/// A device's ROM on one side of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RomAt<'a> {
    /// The device has none, by `romfile=` or `rombar=0`.
    None,
    /// The file of this name is not found: QEMU does not start.
    Missing(&'a str),
    /// A ROM with a block of this size.
    Block(RamBlockSize),
}

/// What a destination says to a guest as far as one ROM decides it (seen in
/// runs of 5.2, 7.2, 10.0 and 11.1). The content does not matter: it comes
/// from the source.
#[must_use]
pub fn verdict<'a>(source: RomAt<'_>, destination: RomAt<'a>) -> Verdict<'a> {
    match (source, destination) {
        (RomAt::Missing(_), _) => Verdict::Impossible,
        (_, RomAt::Missing(name)) => Verdict::Refused(Refusal::MissingRomfile(name)),
        (RomAt::None, _) => Verdict::Accepted,
        (RomAt::Block(_), RomAt::None) => Verdict::Refused(Refusal::UnknownRamBlock),
        (RomAt::Block(source), RomAt::Block(destination)) if source == destination => {
            Verdict::Accepted
        }
        (RomAt::Block(source), RomAt::Block(destination)) => {
            Verdict::Refused(Refusal::SizeMismatch {
                source,
                destination,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_without_a_rom_is_taken_and_one_with_a_rom_needs_its_block() {
        let block = |size: &str| RomAt::Block(RamBlockSize::of_bar(size.parse().unwrap()));
        assert_eq!(verdict(RomAt::None, block("256K")), Verdict::Accepted);
        assert_eq!(
            verdict(block("256K"), RomAt::None),
            Verdict::Refused(Refusal::UnknownRamBlock)
        );
        assert_eq!(verdict(block("2K"), block("4K")), Verdict::Accepted);
        let missing = RomAt::Missing("a.rom");
        assert_eq!(
            verdict(RomAt::None, missing),
            Verdict::Refused(Refusal::MissingRomfile("a.rom"))
        );
        assert_eq!(verdict(missing, RomAt::None), Verdict::Impossible);
        let Verdict::Refused(refusal) = verdict(block("256K"), block("512K")) else {
            panic!("accepted");
        };
        assert!(refusal.line("e1000.rom").contains("0x40000 != 0x80000"));
    }
}
