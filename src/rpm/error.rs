//! Why a package cannot be read.

use std::io;
use thiserror::Error;

/// Why an RPM package cannot be read.
#[derive(Debug, Error)]
pub enum RpmError {
    /// A header that is none.
    #[error("at {offset:#x} the {which} starts with {found:02x?}, and it must be 8e ad e8 01")]
    Magic {
        /// Offset in the package.
        offset: usize,
        /// Which header.
        which: &'static str,
        /// The bytes that stand there.
        found: Vec<u8>,
    },
    /// A header that is longer than what is left of the file.
    #[error(
        "at {offset:#x} the {which} claims {entries} entries and {data} bytes of data, and {left} bytes are left of the file; fetch it again"
    )]
    Length {
        /// Offset in the package.
        offset: usize,
        /// Which header.
        which: &'static str,
        /// Entries that it claims.
        entries: u32,
        /// Bytes of data that it claims.
        data: u32,
        /// Bytes that are left of the file.
        left: usize,
    },
    /// A header without a text that every package has.
    #[error("the header names no {0} of the package")]
    NoText(&'static str),
    /// A header or payload that is not the one that was packed.
    #[error(
        "the SHA-256 of the {which} at {offset:#x} is {found}, and it must be {required}; the package is damaged, fetch it again"
    )]
    Digest {
        /// Offset in the package.
        offset: usize,
        /// What was summed.
        which: &'static str,
        /// Its digest, in hex.
        found: String,
        /// The digest that the package says, in hex.
        required: String,
    },
    /// An archive that cannot be read.
    #[error(transparent)]
    Cpio(#[from] CpioError),
}

/// Why an archive cannot be read.
#[derive(Debug, Error)]
pub enum CpioError {
    /// It is cut, or its decoder stops.
    #[error("the cpio archive cannot be read at {offset:#x}: {source}")]
    Read {
        /// Offset in the unpacked archive.
        offset: u64,
        /// What the reader says.
        source: io::Error,
    },
    /// A header that is none.
    #[error(
        "the cpio archive has no header of an entry at {offset:#x}; it must start with 070701 or 070702"
    )]
    Header {
        /// Offset in the unpacked archive.
        offset: u64,
    },
    /// A name that is no path in the archive.
    #[error(
        "an entry of the cpio archive at {offset:#x} has a name that is no relative path of at most 4096 bytes"
    )]
    Name {
        /// Offset in the unpacked archive.
        offset: u64,
    },
}
