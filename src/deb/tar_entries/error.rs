//! Limits of tar archives, and why one cannot be read.

use std::io;
use thiserror::Error;

/// Longer names than this are refused, in bytes.
pub const MAX_NAME: u64 = 64 << 10;
/// A larger extended header than this is refused, in bytes: enough for the
/// attributes of a file, and for the map of the largest sparse ROM.
pub const MAX_EXTENDED: u64 = 4 << 20;
/// An archive of more headers than this is refused.
pub const MAX_HEADERS: usize = 1 << 18;

/// Why a tar archive cannot be read. Offsets are those of a header in the
/// unpacked archive, in bytes.
#[derive(Debug, Error)]
pub enum TarError {
    /// Its decoder stops.
    #[error("the tar archive cannot be read at {offset:#x}: {source}")]
    Read {
        /// Offset of the last entry's header.
        offset: u64,
        /// What the reader says.
        source: io::Error,
    },
    /// It ends where it cannot.
    #[error(
        "the tar archive ends inside the entry at {offset:#x}: it was cut, or goes on in another volume; make or fetch it again as one file"
    )]
    Cut {
        /// Offset of the entry's header.
        offset: u64,
    },
    /// Something else where a header must be.
    #[error("the tar archive is damaged at {offset:#x}: {problem}; make or fetch it again")]
    Damaged {
        /// Offset of the header.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// A name that leaves the archive's root.
    #[error("the entry \"{0}\" of the tar archive leads out of it; names are without `..`")]
    Escapes(String),
    /// A name that is none, or is longer than any path.
    #[error("an entry of the tar archive at {offset:#x} has no name, or one of more than 64 KiB")]
    Name {
        /// Offset of the entry's header.
        offset: u64,
    },
    /// A volume of several.
    #[error(
        "the tar archive is one of several volumes (the entry \"{0}\" began in another); unpack them with `tar --multi-volume` and give the directory"
    )]
    Volume(String),
    /// A sparse file that cannot be put together.
    #[error(
        "the entry \"{path}\" of the tar archive is a sparse file, and {problem}; make the archive again, or unpack it and give the directory"
    )]
    Sparse {
        /// Path of the entry.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// More headers than any archive of ROMs has.
    #[error(
        "the tar archive has more than {MAX_HEADERS} headers, which is the limit here; give one with the ROMs only"
    )]
    TooMany,
}
