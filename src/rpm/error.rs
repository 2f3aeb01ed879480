//! Why an RPM package cannot be read.

use super::digest::DigestError;
use super::files::FilesError;
use super::header::HeaderError;
use std::io;
use thiserror::Error;

/// Why an RPM package cannot be read.
#[derive(Debug, Error)]
pub enum RpmError {
    /// Other first bytes.
    #[error("it does not start with ed ab ee db, as an RPM package does")]
    Magic,
    /// A header that cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A list of files that cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A header without a text that every package has.
    #[error("the header names no {0} of the package")]
    NoText(&'static str),
    /// A header, payload or file that is not the one that was packed.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// An archive that cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// An archive that cannot be unpacked to its end.
    #[error("the archive of its files cannot be unpacked: {0}")]
    Unpack(io::Error),
}

/// Why an archive cannot be read. Offsets are in the unpacked archive.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// It is cut, or its decoder stops.
    #[error("the archive of its files cannot be read at {offset:#x}: {source}")]
    Read {
        /// The offset.
        offset: u64,
        /// What the reader says.
        source: io::Error,
    },
    /// A header that is none.
    #[error(
        "the archive of its files has no header of an entry at {offset:#x}; it must start with 070701, 070702 or 07070X"
    )]
    Header {
        /// The offset.
        offset: u64,
    },
    /// A name that is no path in the archive.
    #[error(
        "an entry of the archive at {offset:#x} has a name that is no relative path of at most 4096 bytes"
    )]
    Name {
        /// The offset.
        offset: u64,
    },
    /// An entry that the header of the package does not list, or lists as one
    /// that is not in the archive.
    #[error(
        "the entry of the archive at {offset:#x}, {what}, is no file that the header of the package lists"
    )]
    NotListed {
        /// The offset.
        offset: u64,
        /// Its name or number.
        what: String,
    },
    /// An entry that was there before.
    #[error("the archive has {path} twice, at {offset:#x} again")]
    Twice {
        /// The offset.
        offset: u64,
        /// The file.
        path: String,
    },
    /// An entry of another size than the header of the package says.
    #[error(
        "{path} in the archive has {found} bytes at {offset:#x}, and the header of the package says {listed}"
    )]
    Size {
        /// The offset.
        offset: u64,
        /// The file.
        path: String,
        /// Its size in the archive.
        found: u64,
        /// Its size in the header.
        listed: u64,
    },
    /// A file that the header lists and the archive has not.
    #[error("the header of the package lists {0}, and the archive ends without it")]
    Missing(String),
}
