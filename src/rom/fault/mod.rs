//! Faults of a ROM as data, and the words for them.

mod chain;
mod efi;
mod image;
mod pcir;

pub use chain::ChainFault;
pub use efi::EfiFault;
pub use image::ImageFault;
pub use pcir::PcirFault;

use crate::finding::{Code, Finding, Place};

/// One fault or noteworthy fact of a ROM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RomFault {
    /// Where: the number of the image, from 1, and the offset in the file.
    pub place: Place,
    /// What.
    pub kind: FaultKind,
}

/// What is wrong, by the part of a ROM that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The chain of images, or the ROM as a whole.
    Chain(ChainFault),
    /// A PCI Data Structure.
    Pcir(PcirFault),
    /// An image that legacy or Open Firmware runs.
    Image(ImageFault),
    /// An EFI image.
    Efi(EfiFault),
}

impl From<ChainFault> for FaultKind {
    fn from(fault: ChainFault) -> Self {
        Self::Chain(fault)
    }
}

impl From<PcirFault> for FaultKind {
    fn from(fault: PcirFault) -> Self {
        Self::Pcir(fault)
    }
}

impl From<ImageFault> for FaultKind {
    fn from(fault: ImageFault) -> Self {
        Self::Image(fault)
    }
}

impl From<EfiFault> for FaultKind {
    fn from(fault: EfiFault) -> Self {
        Self::Efi(fault)
    }
}

impl RomFault {
    /// A fault at an offset of the file, in the image of this number.
    pub(crate) fn in_image(number: usize, offset: usize, kind: impl Into<FaultKind>) -> Self {
        Self {
            place: Place {
                image: Some(number),
                offset: Some(offset as u64),
            },
            kind: kind.into(),
        }
    }

    /// A fault at an offset of the file, in no image.
    pub(crate) fn at(offset: usize, kind: impl Into<FaultKind>) -> Self {
        Self {
            place: Place {
                image: None,
                offset: Some(offset as u64),
            },
            kind: kind.into(),
        }
    }

    /// A fault of the whole file.
    pub(crate) fn of_rom(kind: impl Into<FaultKind>) -> Self {
        Self {
            place: Place::default(),
            kind: kind.into(),
        }
    }

    /// The code of the fault.
    #[must_use]
    pub const fn code(&self) -> Code {
        match &self.kind {
            FaultKind::Chain(fault) => fault.code(),
            FaultKind::Pcir(fault) => fault.code(),
            FaultKind::Image(fault) => fault.code(),
            FaultKind::Efi(fault) => fault.code(),
        }
    }

    /// What was found, what is required.
    fn words(&self) -> (String, String) {
        match &self.kind {
            FaultKind::Chain(fault) => fault.words(),
            FaultKind::Pcir(fault) => fault.words(),
            FaultKind::Image(fault) => fault.words(),
            FaultKind::Efi(fault) => fault.words(),
        }
    }

    /// Whether nothing tells where the next image starts, or whether the ROM
    /// has one: what follows cannot be judged.
    #[must_use]
    pub const fn breaks_chain(&self) -> bool {
        matches!(
            &self.kind,
            FaultKind::Chain(
                ChainFault::HeaderOutOfBounds { .. }
                    | ChainFault::ImageLengthZero
                    | ChainFault::ImageLengthBeyondFile { .. }
                    | ChainFault::LastImageMissing { .. }
                    | ChainFault::TooManyImages
            ) | FaultKind::Pcir(PcirFault::OutOfBounds { .. } | PcirFault::Signature { .. })
        )
    }

    /// The finding about the ROM named `subject`: the only place for its words.
    #[must_use]
    pub fn finding(&self, subject: &str) -> Finding {
        let (found, required) = self.words();
        Finding::new(self.code(), subject, found, required).at(self.place)
    }
}
