//! Edits of one ROM, each giving a new ROM.
//!
//! Every edit reads its result and compares it with what was meant before it
//! gives it away, and refuses what it cannot do without harm.

mod checksum;
mod fix;
mod join;
mod next_step;
mod pad;
mod pad_image;
mod retarget;
mod split;

pub use fix::{FixError, fix};
pub use join::{JoinError, JoinOptions, join};
pub use next_step::Refusal;
pub use pad::{PadError, PadSize, pad};
pub use pad_image::{PadImageError, pad_image};
pub use retarget::{ImageSelection, Retarget, RetargetError, retarget};
pub use split::{SplitError, split, split_executables};

use super::{Image, NotAnOptionRom, Rom, RomFault};
use crate::finding::Code;
use thiserror::Error;

/// Why a ROM cannot be edited: one does not know what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BrokenRom {
    /// The input is no ROM.
    #[error(transparent)]
    NotAnOptionRom(#[from] NotAnOptionRom),
    /// Its images cannot be told apart.
    #[error("its images cannot be told apart, so it is not edited: {}", place_and_words(.0))]
    Chain(Box<RomFault>),
}

fn place_and_words(fault: &RomFault) -> String {
    let finding = fault.finding("");
    let place = finding.place;
    let image = place.image.map(|number| format!(" in image {number}"));
    let offset = place.offset.map(|offset| format!(" at {offset:#x}"));
    format!(
        "{}{}{}: {}; {}",
        finding.code,
        image.unwrap_or_default(),
        offset.unwrap_or_default(),
        finding.found,
        finding.required
    )
}

/// An x86 image whose sum must change, and no byte that may be changed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "image {number} has no byte that is known to hold its checksum: byte 6 may be code or data, and the last byte follows no padding"
)]
pub struct NoChecksumByte {
    /// The image.
    pub number: usize,
}

/// A result that does not read as it should.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the result reads differently from what was meant: {what}; nothing was written")]
pub struct ReadsDifferently {
    /// What differs.
    pub what: &'static str,
}

/// Reads a ROM whose images can be told apart.
fn whole(input: &[u8]) -> Result<Rom<'_>, BrokenRom> {
    let rom = Rom::parse(input)?;
    let broken = |fault: &&RomFault| fault.breaks_chain() || fault.code() == Code::PcirOutsideImage;
    match rom.faults().iter().find(broken) {
        Some(fault) => Err(BrokenRom::Chain(Box::new(fault.clone()))),
        None => Ok(rom),
    }
}

/// Puts `value` at `at`. Offsets come from structures whose bounds are proved.
fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    let rest = bytes.get_mut(at..);
    let room = rest.and_then(|rest| rest.get_mut(..value.len()));
    debug_assert!(room.is_some(), "{at:#x} is in no structure");
    if let Some(room) = room {
        room.copy_from_slice(value);
    }
}

/// An image in a copy of its ROM.
fn image_in<'b>(rom: &'b mut [u8], image: &Image<'_>) -> &'b mut [u8] {
    let bytes = rom.get_mut(image.offset()..image.end());
    debug_assert!(bytes.is_some(), "the copy is shorter than the ROM");
    bytes.unwrap_or_default()
}
