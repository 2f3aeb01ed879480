//! What to do about an edit that was refused.

use super::{
    BrokenRom, FixError, JoinError, NoChecksumByte, PadError, PadImageError, ReadsDifferently,
    RetargetError, SplitError,
};
use crate::rom::RomFault;
use std::error::Error;

/// An edit that was refused.
pub trait Refusal: Error {
    /// What to do next, as a sentence.
    fn next_step(&self) -> String;
}

impl Refusal for BrokenRom {
    fn next_step(&self) -> String {
        match self {
            Self::NotAnOptionRom(_) => "Give an option ROM.".to_owned(),
            Self::Chain(fault) => remedy(fault),
        }
    }
}

fn remedy(fault: &RomFault) -> String {
    fault.code().explanation().remedy.to_owned()
}

impl Refusal for NoChecksumByte {
    fn next_step(&self) -> String {
        "Build the image with byte 6 free behind a jump at its entry point, or with padding at its end."
            .to_owned()
    }
}

impl Refusal for ReadsDifferently {
    fn next_step(&self) -> String {
        "Report this with the ROM: it should not happen.".to_owned()
    }
}

impl Refusal for PadError {
    fn next_step(&self) -> String {
        match self {
            Self::NotAnOptionRom(_) => "Give an option ROM.",
            Self::DoesNotFit { .. } => "Give a `--size` that holds it.",
            Self::TooLarge(_) => "Give a size of at most 16M.",
            Self::ReadsDifferently { .. } => "See `inspect -v`, and build or fetch the ROM again.",
        }
        .to_owned()
    }
}

impl Refusal for PadImageError {
    fn next_step(&self) -> String {
        match self {
            Self::Broken(error) => error.next_step(),
            Self::Pad(error) => error.next_step(),
            Self::DataAfterLastImage { .. } | Self::ImageTooLong { .. } => {
                "Use `pad --mode tail`, which leaves the image as it is.".to_owned()
            }
            Self::NoChecksumByte(error) => error.next_step(),
            Self::ReadsDifferently(error) => error.next_step(),
        }
    }
}

impl Refusal for FixError {
    fn next_step(&self) -> String {
        match self {
            Self::Broken(error) => error.next_step(),
            Self::NoChecksumByte(error) => error.next_step(),
            Self::LengthsDiffer { .. } => {
                "Set byte 2 of the image to its image length in units of 512 bytes, then use `fix` again."
                    .to_owned()
            }
            Self::ReadsDifferently(error) => error.next_step(),
        }
    }
}

impl Refusal for RetargetError {
    fn next_step(&self) -> String {
        match self {
            Self::Broken(error) => error.next_step(),
            Self::NoSuchImage { images, .. } => {
                format!("Give an `--image` from 1 to {images}; `inspect -v` shows them.")
            }
            Self::NoPcir { .. } => {
                "Select an image with ids by `--image`, if there is one.".to_owned()
            }
            Self::NoDeviceList | Self::DeviceListUnterminated { .. } => {
                "Leave out `--device-list`.".to_owned()
            }
            Self::DeviceListTooLong { room, .. } => {
                format!("Give at most {room} ids to `--device-list`.")
            }
            Self::DeviceZero => "Leave 0000 out of `--device-list`.".to_owned(),
            Self::NoChecksumByte(error) => error.next_step(),
            Self::ReadsDifferently(error) => error.next_step(),
        }
    }
}

impl Refusal for SplitError {
    fn next_step(&self) -> String {
        match self {
            Self::Broken(error) => error.next_step(),
            Self::NoChecksumByte(error) => error.next_step(),
            Self::Executable { .. } => {
                "Use `split` without `--efi`, which writes the image as it is.".to_owned()
            }
        }
    }
}

impl Refusal for JoinError {
    fn next_step(&self) -> String {
        match self {
            Self::Broken {
                error: BrokenRom::NotAnOptionRom(_),
                ..
            }
            | Self::Nothing => "Give option ROMs and EFI executables.".to_owned(),
            Self::Broken { error, .. } => error.next_step(),
            Self::NoChecksumByte { error, .. } => error.next_step(),
            Self::Pad(error) => error.next_step(),
            Self::ReadsDifferently(error) => error.next_step(),
            Self::DataAfterLastImage { .. } => {
                "Use `split`, which leaves the data out, and join the parts.".to_owned()
            }
            Self::IsaRom { .. } => "Leave it out, or join it alone.".to_owned(),
            Self::Executable { .. } => "Build or fetch the executable again.".to_owned(),
            Self::NotADriver { .. } => "Give a boot service driver or a runtime driver.".to_owned(),
            Self::ExecutableTooLarge { .. } => "Build a smaller executable.".to_owned(),
            Self::IdsNeeded { .. } => {
                "Give `--vendor` and `--device`, or a ROM for the device.".to_owned()
            }
            Self::TooManyImages(_) => "Leave inputs out.".to_owned(),
        }
    }
}
