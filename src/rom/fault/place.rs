//! Where in the file every fault is.

use super::RomFault;
use crate::finding::Place;
use crate::rom::MAX_IMAGES;

impl RomFault {
    /// Where in the file.
    pub(super) fn place(&self) -> Place {
        let (image, offset) = match self {
            Self::NoPcir { .. } => (Some(1), Some(0x18)),
            Self::HeaderOutOfBounds { number, bounds }
            | Self::PcirOutOfBounds { number, bounds, .. }
            | Self::StructureOutOfBounds { number, bounds, .. } => (Some(*number), Some(bounds.at)),
            Self::PcirSignature { number, offset, .. }
            | Self::PcirLength { number, offset, .. }
            | Self::ImageLengthZero { number, offset, .. }
            | Self::ImageLengthBeyondFile { number, offset, .. }
            | Self::LastImageMissing { number, offset, .. }
            | Self::ImageChecksum { number, offset, .. }
            | Self::InitLength { number, offset, .. }
            | Self::PcirOutsideImage { number, offset, .. }
            | Self::PcirUnaligned { number, offset, .. }
            | Self::PcirInHeader { number, offset, .. }
            | Self::PcirBeyondImage { number, offset, .. }
            | Self::ConfigurationUtilityOutOfBounds { number, offset, .. }
            | Self::ClpEntryOutOfBounds { number, offset, .. }
            | Self::PcirRevision { number, offset, .. }
            | Self::UnknownCodeType { number, offset, .. }
            | Self::RuntimeLength { number, offset, .. }
            | Self::FcodeOutOfBounds { number, offset, .. }
            | Self::EfiSignature { number, offset, .. }
            | Self::EfiInitLength { number, offset, .. }
            | Self::StructureLength { number, offset, .. }
            | Self::StructureChecksum { number, offset, .. }
            | Self::PnpSignature { number, offset, .. }
            | Self::UndiSignature { number, offset, .. }
            | Self::PnpEndless { number, offset, .. }
            | Self::DeviceListOutOfBounds { number, offset, .. }
            | Self::DeviceListUnterminated { number, offset, .. }
            | Self::IdsOfNoDevice { number, offset, .. }
            | Self::IdsDiffer { number, offset, .. }
            | Self::UnexpectedIds { number, offset, .. }
            | Self::EfiExecutableOutOfBounds { number, offset, .. }
            | Self::UnknownCompression { number, offset, .. }
            | Self::DecompressionFailed { number, offset, .. }
            | Self::PeUnreadable { number, offset, .. }
            | Self::EfiMachineMismatch { number, offset, .. }
            | Self::EfiSubsystemMismatch { number, offset, .. }
            | Self::EfiNotADriver { number, offset, .. }
            | Self::X86ImageTooLarge { number, offset, .. } => (Some(*number), Some(*offset)),
            Self::TooManyImages { offset } => (Some(MAX_IMAGES), Some(*offset)),
            Self::DataAfterLastImage { offset, .. }
            | Self::RomRepeats { offset, .. }
            | Self::UnusualPadding { offset, .. } => (None, Some(*offset)),
            Self::SizeNotInUnits { .. }
            | Self::NoX86Image
            | Self::NoEfiImage
            | Self::LittleRoom { .. } => (None, None),
        };
        Place {
            image,
            offset: offset.map(|offset| offset as u64),
        }
    }
}
