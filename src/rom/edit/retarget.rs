//! Another device for a ROM.

use super::checksum::{balance, checksum_byte};
use super::{BrokenRom, NoChecksumByte, ReadsDifferently, image_in, put, whole};
use crate::rom::{CodeType, Image, PciIds, Rom};
use thiserror::Error;

/// Which images of a ROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageSelection {
    /// All of them.
    All,
    /// The one with this number, counted from 1.
    Number(usize),
}

/// What to retarget, and to which device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retarget<'a> {
    /// The images to change.
    pub images: ImageSelection,
    /// The ids that they get.
    pub ids: PciIds,
    /// The device list that they get; `None` leaves the one they have. It is
    /// written where the old one stands, so it may not have more ids.
    pub device_list: Option<&'a [u16]>,
}

/// Why a ROM was not retargeted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RetargetError {
    /// The input is no ROM, or its images cannot be told apart.
    #[error(transparent)]
    Broken(#[from] BrokenRom),
    /// No image has that number.
    #[error("there is no image {number}; the ROM has {images}")]
    NoSuchImage {
        /// The number.
        number: usize,
        /// How many there are.
        images: usize,
    },
    /// An image that is for no PCI device.
    #[error("image {number} has no PCI Data Structure, so there are no ids in it")]
    NoPcir {
        /// The image.
        number: usize,
    },
    /// A device list for images without one.
    #[error("no selected image has a device list that could be changed")]
    NoDeviceList,
    /// A device list for an image whose own has no end.
    #[error("the device list of image {number} has no end, so its room is not known")]
    DeviceListUnterminated {
        /// The image.
        number: usize,
    },
    /// More ids than the list that stands there.
    #[error("{wanted} device ids do not fit into the device list of image {number}: it has {room}")]
    DeviceListTooLong {
        /// The image.
        number: usize,
        /// How many are wanted.
        wanted: usize,
        /// How many stand there.
        room: usize,
    },
    /// The id that ends a list.
    #[error("device id 0000 ends a device list and cannot be in it")]
    DeviceZero,
    /// No byte holds the checksum of an image.
    #[error(transparent)]
    NoChecksumByte(#[from] NoChecksumByte),
    /// The result does not read as it should.
    #[error(transparent)]
    ReadsDifferently(#[from] ReadsDifferently),
}

/// Gives images of a ROM other ids. The sum of an x86 image stays what it is,
/// right or wrong, as QEMU keeps it when it patches a default ROM
/// (`pci_patch_ids` in hw/pci/pci.c); [`super::fix()`] sets sums right.
///
/// # Errors
/// [`RetargetError`] when an image has no ids, a device list no room, or no
/// byte holds a checksum.
pub fn retarget(input: &[u8], wish: &Retarget<'_>) -> Result<Vec<u8>, RetargetError> {
    let rom = whole(input)?;
    let selected = select(&rom, wish.images)?;
    if let Some(list) = wish.device_list {
        if list.contains(&0) {
            return Err(RetargetError::DeviceZero);
        }
        if !selected.iter().any(|image| image.device_list().is_some()) {
            return Err(RetargetError::NoDeviceList);
        }
    }
    let mut result = input.to_vec();
    for image in selected {
        retarget_image(image, wish, image_in(&mut result, image))?;
    }
    check(&rom, wish, &result)?;
    Ok(result)
}

fn select<'r, 'a>(
    rom: &'r Rom<'a>,
    selection: ImageSelection,
) -> Result<&'r [Image<'a>], RetargetError> {
    let images = rom.images();
    let selected = match selection {
        ImageSelection::All => images,
        ImageSelection::Number(number) => {
            let found = images.iter().position(|image| image.number() == number);
            found
                .and_then(|at| images.get(at..=at))
                .ok_or(RetargetError::NoSuchImage {
                    number,
                    images: images.len(),
                })?
        }
    };
    match selected.iter().find(|image| image.pcir().is_none()) {
        Some(image) => Err(RetargetError::NoPcir {
            number: image.number(),
        }),
        None => Ok(selected),
    }
}

fn retarget_image(
    image: &Image<'_>,
    wish: &Retarget<'_>,
    bytes: &mut [u8],
) -> Result<(), RetargetError> {
    let number = image.number();
    let pcir = usize::from(image.header().pcir_offset());
    put(
        bytes,
        pcir.saturating_add(4),
        &wish.ids.vendor.to_le_bytes(),
    );
    put(
        bytes,
        pcir.saturating_add(6),
        &wish.ids.device.to_le_bytes(),
    );
    if let (Some(wanted), Some(list)) = (wish.device_list, image.device_list()) {
        if !list.is_terminated() {
            return Err(RetargetError::DeviceListUnterminated { number });
        }
        let room = list.ids().count();
        if wanted.len() > room {
            return Err(RetargetError::DeviceListTooLong {
                number,
                wanted: wanted.len(),
                room,
            });
        }
        let ids = wanted.iter().chain(std::iter::repeat(&0)).take(room);
        let words: Vec<u8> = ids.flat_map(|id| id.to_le_bytes()).collect();
        put(bytes, list.offset(), &words);
    }
    if image.code_type() == CodeType::X86 && bytes != image.bytes() {
        let sum = image.checksum().unwrap_or_default();
        balance(bytes, checksum_byte(image)?, sum);
    }
    Ok(())
}

/// The result has the faults of the input and no others, and the ids that
/// were meant.
fn check(before: &Rom<'_>, wish: &Retarget<'_>, result: &[u8]) -> Result<(), ReadsDifferently> {
    let differs = |what| Err(ReadsDifferently { what });
    let Ok(after) = Rom::parse(result) else {
        return differs("it is no ROM");
    };
    if before.faults() != after.faults() {
        return differs("its faults");
    }
    let is_meant = |image: &Image<'_>, old: &Image<'_>| {
        let number = image.number();
        let ids = match wish.images {
            ImageSelection::All => Some(wish.ids),
            ImageSelection::Number(selected) if selected == number => Some(wish.ids),
            ImageSelection::Number(_) => old.ids(),
        };
        image.ids() == ids
            && image.checksum() == old.checksum()
            && (image.offset(), image.end()) == (old.offset(), old.end())
    };
    let pairs = || after.images().iter().zip(before.images());
    if after.images().len() != before.images().len()
        || !pairs().all(|(new, old)| is_meant(new, old))
    {
        return differs("its images");
    }
    Ok(())
}
