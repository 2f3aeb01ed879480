//! The code of every fault.

use super::RomFault;
use crate::finding::Code;
use crate::rom::Structure;

impl RomFault {
    /// The code of the fault.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::HeaderOutOfBounds { .. } => Code::HeaderOutOfBounds,
            Self::NoPcir { .. } => Code::NoPcir,
            Self::PcirOutOfBounds { .. } => Code::PcirOutOfBounds,
            Self::PcirSignature { .. } => Code::PcirSignature,
            Self::PcirLength { .. } => Code::PcirLength,
            Self::ImageLengthZero { .. } => Code::ImageLengthZero,
            Self::ImageLengthBeyondFile { .. } => Code::ImageLengthBeyondFile,
            Self::LastImageMissing { .. } => Code::LastImageMissing,
            Self::DataAfterLastImage { .. } => Code::DataAfterLastImage,
            Self::RomRepeats { .. } => Code::RomRepeats,
            Self::ImageChecksum { .. } => Code::ImageChecksum,
            Self::InitLength { .. } => Code::InitLength,
            Self::TooManyImages { .. } => Code::TooManyImages,
            Self::SizeNotInUnits { .. } => Code::SizeNotInUnits,
            Self::PcirOutsideImage { .. } => Code::PcirOutsideImage,
            Self::PcirUnaligned { .. } => Code::PcirUnaligned,
            Self::PcirInHeader { .. } => Code::PcirInHeader,
            Self::PcirBeyondImage { .. } => Code::PcirBeyondImage,
            Self::ConfigurationUtilityOutOfBounds { .. } => Code::ConfigurationUtilityOutOfBounds,
            Self::ClpEntryOutOfBounds { .. } => Code::ClpEntryOutOfBounds,
            Self::PcirRevision { .. } => Code::PcirRevision,
            Self::UnknownCodeType { .. } => Code::UnknownCodeType,
            Self::RuntimeLength { .. } => Code::RuntimeLength,
            Self::FcodeOutOfBounds { .. } => Code::FcodeOutOfBounds,
            Self::EfiSignature { .. } => Code::EfiSignature,
            Self::EfiInitLength { .. } => Code::EfiInitLength,
            Self::StructureOutOfBounds { structure, .. } => match structure {
                Structure::Pnp => Code::PnpOutOfBounds,
                Structure::Undi => Code::UndiOutOfBounds,
                Structure::Ipxe => Code::IpxeOutOfBounds,
            },
            Self::StructureLength { structure, .. } => match structure {
                Structure::Pnp => Code::PnpLength,
                Structure::Undi => Code::UndiLength,
                Structure::Ipxe => Code::IpxeLength,
            },
            Self::StructureChecksum { structure, .. } => match structure {
                Structure::Pnp => Code::PnpChecksum,
                Structure::Undi => Code::UndiChecksum,
                Structure::Ipxe => Code::IpxeChecksum,
            },
            Self::PnpSignature { .. } => Code::PnpSignature,
            Self::UndiSignature { .. } => Code::UndiSignature,
            Self::PnpEndless { .. } => Code::PnpEndless,
            Self::DeviceListOutOfBounds { .. } => Code::DeviceListOutOfBounds,
            Self::DeviceListUnterminated { .. } => Code::DeviceListUnterminated,
            Self::IdsOfNoDevice { .. } => Code::IdsOfNoDevice,
            Self::IdsDiffer { .. } => Code::IdsDiffer,
            Self::UnexpectedIds { .. } => Code::UnexpectedIds,
            Self::EfiExecutableOutOfBounds { .. } => Code::EfiExecutableOutOfBounds,
            Self::UnknownCompression { .. } => Code::UnknownCompression,
            Self::DecompressionFailed { .. } => Code::DecompressionFailed,
            Self::PeUnreadable { .. } => Code::PeUnreadable,
            Self::EfiMachineMismatch { .. } => Code::EfiMachineMismatch,
            Self::EfiSubsystemMismatch { .. } => Code::EfiSubsystemMismatch,
            Self::EfiNotADriver { .. } => Code::EfiNotADriver,
            Self::NoX86Image => Code::NoX86Image,
            Self::NoEfiImage => Code::NoEfiImage,
            Self::X86ImageTooLarge { .. } => Code::X86ImageTooLarge,
            Self::UnusualPadding { .. } => Code::UnusualPadding,
            Self::LittleRoom { .. } => Code::LittleRoom,
        }
    }
}
