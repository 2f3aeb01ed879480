//! Rules that need a look into executables, at the whole ROM, or knowledge of
//! what the ROM is for.

use super::{
    BarSize, ChainFault, CodeType, EfiFault, ExecutableError, Image, ImageFault, ImageLength,
    PciIds, PcirFault, Rom, RomFault, Tail,
};

/// What one knows of a ROM beside its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LintContext<'a> {
    /// Ids that the device may show; none where that is not known. An image
    /// is for the device if one of them is its own or in its device list.
    pub expected_ids: &'a [PciIds],
    /// Bytes that should be free in the BAR after the last image.
    pub minimum_room: u64,
}

/// The longest x86 image that an initialization size of one byte can tell.
const MAX_X86: ImageLength = ImageLength::from_units(255);

/// Everything that is wrong or noteworthy with a ROM: [`Rom::faults`], and
/// what shows only in decompressed executables, in the ROM as a whole, or
/// against its context.
#[must_use]
pub fn lint(rom: &Rom<'_>, context: &LintContext<'_>) -> Vec<RomFault> {
    let mut faults = rom.faults().to_vec();
    for image in rom.images() {
        check_ids(image, rom, context, &mut faults);
        check_x86_length(image, &mut faults);
        check_executable(image, &mut faults);
    }
    check_kinds(rom, &mut faults);
    check_padding(rom, &mut faults);
    check_room(rom, context, &mut faults);
    faults
}

fn check_ids(
    image: &Image<'_>,
    rom: &Rom<'_>,
    context: &LintContext<'_>,
    faults: &mut Vec<RomFault>,
) {
    let Some(ids) = image.ids() else { return };
    let number = image.number();
    let offset = image.pcir_position().saturating_add(4);
    if matches!(ids.vendor, 0 | 0xffff) {
        faults.push(RomFault::in_image(
            number,
            offset,
            PcirFault::IdsOfNoDevice { ids },
        ));
    }
    let first = rom.images().iter().find_map(Image::ids);
    if let Some(first) = first.filter(|first| *first != ids) {
        faults.push(RomFault::in_image(
            number,
            offset,
            PcirFault::IdsDiffer { ids, first },
        ));
    }
    let expected = context.expected_ids;
    if !expected.is_empty() && !expected.iter().any(|ids| image.is_for(*ids)) {
        faults.push(RomFault::in_image(
            number,
            offset,
            PcirFault::UnexpectedIds {
                ids,
                expected: expected.to_vec(),
            },
        ));
    }
}

fn check_x86_length(image: &Image<'_>, faults: &mut Vec<RomFault>) {
    let Some(pcir) = image.pcir() else { return };
    if pcir.code_type() == CodeType::X86 && pcir.image_length() > MAX_X86 {
        faults.push(RomFault::in_image(
            image.number(),
            image.offset(),
            ImageFault::TooLarge {
                length: pcir.image_length(),
            },
        ));
    }
}

fn check_executable(image: &Image<'_>, faults: &mut Vec<RomFault>) {
    let (Some(header), Some(executable)) = (image.efi(), image.efi_executable()) else {
        return;
    };
    let (number, offset) = (image.number(), image.offset());
    if !header.subsystem().is_driver() {
        faults.push(RomFault::in_image(
            number,
            offset.saturating_add(8),
            EfiFault::NotADriver {
                subsystem: header.subsystem(),
            },
        ));
    }
    let pe = match executable {
        Ok(executable) => executable.pe(),
        Err(error) => {
            faults.push(match error {
                ExecutableError::OutOfBounds(bounds) => {
                    RomFault::in_image(number, offset, EfiFault::ExecutableOutOfBounds { bounds })
                }
                ExecutableError::UnknownCompression(compression) => RomFault::in_image(
                    number,
                    offset.saturating_add(0x0c),
                    EfiFault::UnknownCompression { compression },
                ),
                ExecutableError::Compression(error) => {
                    RomFault::in_image(number, offset, EfiFault::DecompressionFailed { error })
                }
            });
            return;
        }
    };
    match pe {
        Ok(pe) => {
            if pe.machine != header.machine() {
                faults.push(RomFault::in_image(
                    number,
                    offset.saturating_add(0x0a),
                    EfiFault::MachineMismatch {
                        header: header.machine(),
                        executable: pe.machine,
                    },
                ));
            }
            if pe.subsystem != header.subsystem() {
                faults.push(RomFault::in_image(
                    number,
                    offset.saturating_add(8),
                    EfiFault::SubsystemMismatch {
                        header: header.subsystem(),
                        executable: pe.subsystem,
                    },
                ));
            }
        }
        Err(error) => faults.push(RomFault::in_image(
            number,
            offset,
            EfiFault::PeUnreadable { error },
        )),
    }
}

/// An ISA ROM, or one whose chain is broken, may have what is not seen.
fn check_kinds(rom: &Rom<'_>, faults: &mut Vec<RomFault>) {
    let is_pci = rom.images().iter().any(|image| image.pcir().is_some());
    if !is_pci || faults.iter().any(RomFault::breaks_chain) {
        return;
    }
    let has = |kind| rom.images().iter().any(|image| image.code_type() == kind);
    if !has(CodeType::X86) {
        faults.push(RomFault::of_rom(ChainFault::NoX86Image));
    }
    if !has(CodeType::Efi) {
        faults.push(RomFault::of_rom(ChainFault::NoEfiImage));
    }
}

fn check_padding(rom: &Rom<'_>, faults: &mut Vec<RomFault>) {
    if faults.iter().any(RomFault::breaks_chain) {
        return;
    }
    let offset = rom.images_end();
    let padding = rom.bytes().get(offset..).unwrap_or_default();
    let mixed = || padding.iter().all(|byte| matches!(byte, 0 | 0xff));
    let zeros = match rom.tail() {
        Tail::Zeros => true,
        Tail::Data if mixed() => false,
        _ => return,
    };
    faults.push(RomFault::at(
        offset,
        ChainFault::UnusualPadding {
            length: padding.len(),
            zeros,
        },
    ));
}

fn check_room(rom: &Rom<'_>, context: &LintContext<'_>, faults: &mut Vec<RomFault>) {
    let used = rom.used() as u64;
    let Some(bar) = BarSize::of_rom(rom.bytes().len() as u64) else {
        return;
    };
    let room = bar.room_left(used);
    if room < context.minimum_room {
        faults.push(RomFault::of_rom(ChainFault::LittleRoom {
            used,
            room,
            minimum: context.minimum_room,
        }));
    }
}
