//! One ROM of several ROMs and EFI executables.

use super::pad::{PadError, PadSize, pad, room};
use super::split::marked;
use super::{BrokenRom, NoChecksumByte, ReadsDifferently, put, whole};
use crate::rom::{
    BarSize, EFI_SIGNATURE, EfiSubsystem, Image, ImageLength, MAX_IMAGES, PciIds, PeError,
    PeExecutable, Rom, SIGNATURE, Tail,
};
use thiserror::Error;

/// What a joined ROM is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinOptions {
    /// Ids for images that are made of executables; those of the first image
    /// of the first ROM where it is `None`.
    pub ids: Option<PciIds>,
    /// Class code (base class, sub-class, interface) for such images; that of
    /// the first image of the first ROM, else 0, where it is `None`.
    pub class: Option<[u8; 3]>,
    /// The size to pad to, if any.
    pub size: Option<BarSize>,
    /// The byte to pad with.
    pub fill: u8,
}

/// Why inputs were not joined. Inputs are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JoinError {
    /// Nothing to join.
    #[error("there is nothing to join")]
    Nothing,
    /// An input is no ROM and no executable, or its images cannot be told
    /// apart.
    #[error("input {input}: {error}")]
    Broken {
        /// The input.
        input: usize,
        /// Why.
        error: BrokenRom,
    },
    /// An input whose data after the last image would be lost.
    #[error(
        "input {input}: {length} bytes of data follow the last image at {offset:#x}, and would be lost"
    )]
    DataAfterLastImage {
        /// The input.
        input: usize,
        /// Where the data starts.
        offset: usize,
        /// Its length, in bytes.
        length: usize,
    },
    /// An ISA ROM among others: nothing in it can say that images follow.
    #[error("input {input} is an ISA ROM without PCI Data Structure; it cannot stand with others")]
    IsaRom {
        /// The input.
        input: usize,
    },
    /// An executable that cannot be read.
    #[error("input {input}: {error}")]
    Executable {
        /// The input.
        input: usize,
        /// Why.
        error: PeError,
    },
    /// An executable that firmware does not start from a ROM.
    #[error(
        "the subsystem of input {input} is {subsystem}; firmware starts only drivers from a ROM"
    )]
    NotADriver {
        /// The input.
        input: usize,
        /// What it is.
        subsystem: EfiSubsystem,
    },
    /// An executable that an image cannot hold.
    #[error("input {input} has {size} bytes; an image holds at most 33553864 of an executable")]
    ExecutableTooLarge {
        /// The input.
        input: usize,
        /// Its size, in bytes.
        size: usize,
    },
    /// An executable, and no ids for its image.
    #[error("input {input} is an executable, and there is no ROM to take its ids from")]
    IdsNeeded {
        /// The input.
        input: usize,
    },
    /// More images than a ROM may have.
    #[error("the ROM would have {0} images, and {MAX_IMAGES} are the limit")]
    TooManyImages(usize),
    /// No byte holds the checksum of an image that is the last no more, or
    /// becomes it.
    #[error("input {input}: {error}")]
    NoChecksumByte {
        /// The input.
        input: usize,
        /// Which image of it.
        error: NoChecksumByte,
    },
    /// The result does not fit the size.
    #[error(transparent)]
    Pad(#[from] PadError),
    /// The result does not read as it should.
    #[error(transparent)]
    ReadsDifferently(#[from] ReadsDifferently),
}

impl JoinError {
    /// The input that is at fault, counted from 1; none where it is the whole.
    #[must_use]
    pub const fn input(&self) -> Option<usize> {
        match self {
            Self::Broken { input, .. }
            | Self::DataAfterLastImage { input, .. }
            | Self::IsaRom { input }
            | Self::Executable { input, .. }
            | Self::NotADriver { input, .. }
            | Self::ExecutableTooLarge { input, .. }
            | Self::IdsNeeded { input }
            | Self::NoChecksumByte { input, .. } => Some(*input),
            Self::Nothing | Self::TooManyImages(_) | Self::Pad(_) | Self::ReadsDifferently(_) => {
                None
            }
        }
    }
}

/// An input of a join.
enum Part<'a> {
    Rom(Rom<'a>),
    Executable(&'a [u8], PeExecutable),
}

/// Offset of the PCI Data Structure in an image made of an executable.
const PCIR_AT: u8 = 0x1c;
/// Offset of the executable in such an image.
const EXECUTABLE_AT: u8 = 0x38;

/// Joins ROMs and EFI executables, in their order, into one ROM: padding is
/// left out, an executable becomes an uncompressed EFI image, only the last
/// image is marked as such, and at last the ROM is padded. The sum of an x86
/// image stays what it is.
///
/// # Errors
/// [`JoinError`] when an input cannot be read, would lose data, or does not
/// fit.
pub fn join(inputs: &[&[u8]], options: &JoinOptions) -> Result<Vec<u8>, JoinError> {
    let parts: Vec<Part<'_>> = (1..)
        .zip(inputs)
        .map(|(input, bytes)| read(input, bytes))
        .collect::<Result<_, _>>()?;
    let roms = || {
        parts.iter().filter_map(|part| match part {
            Part::Rom(rom) => Some(rom),
            Part::Executable(..) => None,
        })
    };
    let neighbour = roms().flat_map(|rom| rom.images()).find_map(Image::pcir);
    let ids = options.ids.or(neighbour.map(|pcir| pcir.ids()));
    let class = options.class.or(neighbour.map(|pcir| pcir.class_code()));
    let in_roms = roms().map(|rom| rom.images().len());
    let executables = parts.len().saturating_sub(roms().count());
    let total = in_roms.fold(executables, usize::saturating_add);
    if total > MAX_IMAGES {
        return Err(JoinError::TooManyImages(total));
    }
    let mut joined = Vec::new();
    let mut count = 0_usize;
    for (input, part) in (1..).zip(&parts) {
        match part {
            Part::Rom(rom) => {
                for image in rom.images() {
                    count = count.saturating_add(1);
                    if image.pcir().is_none() && total > 1 {
                        return Err(JoinError::IsaRom { input });
                    }
                    let bytes = marked(image, count == total)
                        .map_err(|error| JoinError::NoChecksumByte { input, error })?;
                    joined.extend(bytes);
                }
            }
            Part::Executable(bytes, pe) => {
                count = count.saturating_add(1);
                let ids = ids.ok_or(JoinError::IdsNeeded { input })?;
                let image = efi_image(bytes, pe, ids, class.unwrap_or_default(), count == total)
                    .ok_or(JoinError::ExecutableTooLarge {
                        input,
                        size: bytes.len(),
                    })?;
                joined.extend(image);
            }
        }
    }
    room(joined.len() as u64)?;
    check(&parts, total, &joined)?;
    match options.size {
        Some(size) => Ok(pad(&joined, PadSize::Exactly(size), options.fill)?),
        None => Ok(joined),
    }
}

fn read(input: usize, bytes: &[u8]) -> Result<Part<'_>, JoinError> {
    if bytes.starts_with(b"MZ") {
        let pe = PeExecutable::parse(bytes);
        let pe = pe.map_err(|error| JoinError::Executable { input, error })?;
        if !pe.subsystem.is_driver() {
            let subsystem = pe.subsystem;
            return Err(JoinError::NotADriver { input, subsystem });
        }
        return Ok(Part::Executable(bytes, pe));
    }
    let rom = whole(bytes).map_err(|error| JoinError::Broken { input, error })?;
    if rom.tail() == Tail::Data {
        let offset = rom.images_end();
        return Err(JoinError::DataAfterLastImage {
            input,
            offset,
            length: bytes.len().saturating_sub(offset),
        });
    }
    Ok(Part::Rom(rom))
}

/// An uncompressed EFI image with an executable, or `None` where it is too
/// large: header, PCI Data Structure of revision 0, executable, zeros up to a
/// multiple of 512 bytes.
fn efi_image(
    executable: &[u8],
    pe: &PeExecutable,
    ids: PciIds,
    class: [u8; 3],
    is_last: bool,
) -> Option<Vec<u8>> {
    let size = executable.len().checked_add(usize::from(EXECUTABLE_AT))?;
    let units = u16::try_from(size.div_ceil(ImageLength::UNIT)).ok()?;
    let mut image = vec![0; ImageLength::from_units(units).bytes()];
    let units = units.to_le_bytes();
    let [base_class, sub_class, interface] = class;
    let pcir = usize::from(PCIR_AT);
    let mut field = |at: usize, value: &[u8]| put(&mut image, at, value);
    field(0, &SIGNATURE);
    field(2, &units);
    field(4, &EFI_SIGNATURE.to_le_bytes());
    field(8, &pe.subsystem.0.to_le_bytes());
    field(0x0a, &pe.machine.0.to_le_bytes());
    field(0x16, &[EXECUTABLE_AT, 0]);
    field(0x18, &[PCIR_AT, 0]);
    field(pcir, b"PCIR");
    field(pcir.saturating_add(4), &ids.vendor.to_le_bytes());
    field(pcir.saturating_add(6), &ids.device.to_le_bytes());
    field(pcir.saturating_add(0x0a), &[0x18, 0]);
    field(
        pcir.saturating_add(0x0d),
        &[interface, sub_class, base_class],
    );
    field(pcir.saturating_add(0x10), &units);
    field(
        pcir.saturating_add(0x14),
        &[3, if is_last { 0x80 } else { 0 }],
    );
    field(usize::from(EXECUTABLE_AT), executable);
    Some(image)
}

/// The result has the images of the inputs in their order, and executables
/// come out of it as they went in.
fn check(parts: &[Part<'_>], total: usize, joined: &[u8]) -> Result<(), JoinError> {
    let differs = |what| Err(ReadsDifferently { what }.into());
    if total == 0 {
        return Err(JoinError::Nothing);
    }
    let Ok(after) = whole(joined) else {
        return differs("its images cannot be told apart");
    };
    if after.images().len() != total || after.images_end() != joined.len() {
        return differs("its number of images");
    }
    let mut images = after.images().iter();
    for part in parts {
        let same = match part {
            Part::Rom(rom) => rom.images().iter().all(|old| {
                images.next().is_some_and(|new| {
                    (new.ids(), new.kind(), new.checksum(), new.bytes().len())
                        == (old.ids(), old.kind(), old.checksum(), old.bytes().len())
                })
            }),
            Part::Executable(bytes, _) => images
                .next()
                .and_then(|image| image.efi_executable()?.ok())
                .is_some_and(|executable| executable.bytes().starts_with(bytes)),
        };
        if !same {
            return differs("an image");
        }
    }
    Ok(())
}
