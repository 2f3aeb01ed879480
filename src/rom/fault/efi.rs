//! What is wrong inside an EFI image.

use crate::bytes::OutOfBounds;
use crate::finding::Code;
use crate::rom::*;

/// What is wrong inside an EFI image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EfiFault {
    /// An EFI image without the EFI signature.
    Signature {
        /// What stands there.
        found: u32,
    },
    /// An EFI image whose initialization size is not its image length.
    InitLength {
        /// The initialization size.
        initialization: ImageLength,
        /// The image length.
        length: ImageLength,
    },
    /// An EFI executable that starts outside of its image.
    ExecutableOutOfBounds {
        /// Where from the start of the image, and by how much.
        bounds: OutOfBounds,
    },
    /// A compression type that is reserved.
    UnknownCompression {
        /// The compression type.
        compression: u16,
    },
    /// An EFI executable that cannot be decompressed.
    DecompressionFailed {
        /// Why.
        error: CompressionError,
    },
    /// An EFI executable that is no PE, or a damaged one.
    PeUnreadable {
        /// Why.
        error: PeError,
    },
    /// An EFI header that names another machine than its executable.
    MachineMismatch {
        /// Machine in the EFI header.
        header: EfiMachine,
        /// Machine in the PE.
        executable: EfiMachine,
    },
    /// An EFI header that names another subsystem than its executable.
    SubsystemMismatch {
        /// Subsystem in the EFI header.
        header: EfiSubsystem,
        /// Subsystem in the PE.
        executable: EfiSubsystem,
    },
    /// An EFI image that is no driver.
    NotADriver {
        /// The subsystem.
        subsystem: EfiSubsystem,
    },
}

impl EfiFault {
    /// The code of the fault.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::Signature { .. } => Code::EfiSignature,
            Self::InitLength { .. } => Code::EfiInitLength,
            Self::ExecutableOutOfBounds { .. } => Code::EfiExecutableOutOfBounds,
            Self::UnknownCompression { .. } => Code::UnknownCompression,
            Self::DecompressionFailed { .. } => Code::DecompressionFailed,
            Self::PeUnreadable { .. } => Code::PeUnreadable,
            Self::MachineMismatch { .. } => Code::EfiMachineMismatch,
            Self::SubsystemMismatch { .. } => Code::EfiSubsystemMismatch,
            Self::NotADriver { .. } => Code::EfiNotADriver,
        }
    }

    /// What was found, what is required.
    pub(super) fn words(&self) -> (String, String) {
        match self {
            Self::Signature { found } => (
                format!("{found:#010x} stands where the EFI signature should be"),
                format!("the EFI signature is {EFI_SIGNATURE:#010x}"),
            ),
            Self::InitLength {
                initialization,
                length,
            } => (
                format!(
                    "the initialization size is {} bytes",
                    initialization.bytes()
                ),
                format!("the image length is {} bytes", length.bytes()),
            ),
            Self::ExecutableOutOfBounds { bounds } => (
                format!("the EFI executable starts at {:#x} of the image", bounds.at),
                "it lies in the image".to_owned(),
            ),
            Self::UnknownCompression { compression } => (
                format!("the compression type is {compression:#x}"),
                "0x0 is none, 0x1 the UEFI compression algorithm".to_owned(),
            ),
            Self::DecompressionFailed { error } => (
                error.to_string(),
                format!("the UEFI compression algorithm, up to {MAX_EXECUTABLE} bytes"),
            ),
            Self::PeUnreadable { error } => (
                error.to_string(),
                "an EFI image holds a PE executable".to_owned(),
            ),
            Self::MachineMismatch { header, executable } => (
                format!("the EFI header says {header}"),
                format!("the executable is for {executable}"),
            ),
            Self::SubsystemMismatch { header, executable } => (
                format!("the EFI header says {header}"),
                format!("the executable says {executable}"),
            ),
            Self::NotADriver { subsystem } => (
                format!("the EFI header says {subsystem}"),
                "firmware starts boot service drivers and runtime drivers".to_owned(),
            ),
        }
    }
}
