//! Checksums, set right.

use super::checksum::{balance, checksum_byte};
use super::{BrokenRom, NoChecksumByte, ReadsDifferently, image_in, whole};
use crate::bytes::sum8;
use crate::finding::Code;
use crate::rom::{
    CodeType, FaultKind, Image, ImageFault, ImageLength, IpxeHeader, PCIR_SIGNATURE, PnpHeader,
    Rom, RomFault, UndiRomId,
};
use thiserror::Error;

/// Why checksums were not set right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FixError {
    /// The input is no ROM, or its images cannot be told apart.
    #[error(transparent)]
    Broken(#[from] BrokenRom),
    /// No byte holds the checksum of an image.
    #[error(transparent)]
    NoChecksumByte(#[from] NoChecksumByte),
    /// One byte cannot make both lengths sum to 0.
    #[error(
        "image {number} sums wrong, and its initialization size is {} bytes, its image length {}: firmware sums by either",
        initialization.bytes(), length.bytes()
    )]
    LengthsDiffer {
        /// The image.
        number: usize,
        /// Its initialization size.
        initialization: ImageLength,
        /// Its image length.
        length: ImageLength,
    },
    /// The result does not read as it should.
    #[error(transparent)]
    ReadsDifferently(#[from] ReadsDifferently),
}

/// Sets the checksums of a ROM right: of every x86 image over its own length,
/// and before that of its PnP, UNDI and iPXE structures. A ROM whose sums are
/// right is given back as it is.
///
/// An image's checksum goes to byte 6, where an entry point that jumps over it
/// shows that it is no code, else to the last byte after padding. A ROM
/// without PCI Data Structure is taken for an ISA ROM only where its pointer
/// leads nowhere and the four letters PCIR stand nowhere in it.
///
/// # Errors
/// [`FixError`] when one cannot tell what to sum, or which byte to change.
pub fn fix(input: &[u8]) -> Result<Vec<u8>, FixError> {
    let rom = match whole(input) {
        Ok(rom) => rom,
        Err(broken) => isa_rom(input).ok_or(broken)?,
    };
    let mut fixed = input.to_vec();
    for image in rom.images() {
        if image.code_type() == CodeType::X86 {
            fix_image(image, image_in(&mut fixed, image))?;
        }
    }
    check(&rom, &fixed)?;
    Ok(fixed)
}

/// A ROM without PCI Data Structure whose sum is wrong reads like a broken
/// one; it is an ISA ROM if nothing in it says that it is for PCI.
fn isa_rom(input: &[u8]) -> Option<Rom<'_>> {
    let rom = Rom::parse(input).ok()?;
    let [image] = rom.images() else { return None };
    let length = image.header().initialization_size();
    let is_whole = length.units() > 0 && image.bytes().len() == length.bytes();
    let pointer = usize::from(image.header().pcir_offset());
    let mut words = input.windows(PCIR_SIGNATURE.len());
    let names_pci =
        (1..image.end()).contains(&pointer) || words.any(|word| *word == PCIR_SIGNATURE);
    (image.pcir().is_none() && is_whole && !names_pci && rom.used() == image.end()).then_some(rom)
}

fn fix_image(image: &Image<'_>, bytes: &mut [u8]) -> Result<(), FixError> {
    for header in image.pnp_headers().filter_map(Result::ok) {
        if header.length() >= PnpHeader::SIZE {
            fix_structure(bytes, header.offset(), 9, header.sum());
        }
    }
    if let Some(undi) = image.undi()
        && usize::from(undi.length()) >= UndiRomId::SIZE
    {
        fix_structure(bytes, undi.offset(), 5, undi.sum());
    }
    if let Some(header) = image.ipxe()
        && usize::from(header.length()) >= IpxeHeader::SIZE
    {
        fix_structure(bytes, header.offset(), 5, header.sum());
    }
    if sum8(bytes) == 0 {
        return Ok(());
    }
    let initialization = image.header().initialization_size();
    let length = image.pcir().map(|pcir| pcir.image_length());
    if let Some(length) = length.filter(|length| *length != initialization) {
        return Err(FixError::LengthsDiffer {
            number: image.number(),
            initialization,
            length,
        });
    }
    balance(bytes, checksum_byte(image)?, 0);
    Ok(())
}

/// Changes the checksum byte, `field` bytes into the structure at `at`.
fn fix_structure(image: &mut [u8], at: usize, field: usize, sum: u8) {
    let at = at.saturating_add(field);
    let checksum = image.get_mut(at);
    debug_assert!(checksum.is_some(), "{at:#x} is in no structure");
    if let Some(checksum) = checksum {
        *checksum = checksum.wrapping_sub(sum);
    }
}

/// The result has the same images and no other faults, and all its sums are
/// right.
fn check(before: &Rom<'_>, fixed: &[u8]) -> Result<(), ReadsDifferently> {
    let differs = |what| Err(ReadsDifferently { what });
    let Ok(after) = whole(fixed) else {
        return differs("its images cannot be told apart");
    };
    let sums = |fault: &RomFault| {
        matches!(
            fault.kind,
            FaultKind::Image(ImageFault::Checksum { .. } | ImageFault::StructureChecksum { .. })
        )
    };
    if after.faults().iter().any(sums) {
        return differs("a sum is still wrong");
    }
    let spans = |rom: &Rom<'_>| -> Vec<_> {
        let images = rom.images().iter();
        images
            .map(|image| (image.offset(), image.end(), image.kind()))
            .collect()
    };
    if spans(before) != spans(&after) {
        return differs("its images");
    }
    let added = |fault: &RomFault| {
        let code = fault.code();
        let is_known = before.faults().iter().any(|known| known.code() == code);
        !is_known && code != Code::NoPcir
    };
    if after.faults().iter().any(added) {
        return differs("it has a fault that the input does not have");
    }
    Ok(())
}
