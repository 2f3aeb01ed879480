//! The binary package format of RPM, read only: two headers and a compressed
//! archive of files, of formats 3, 4 and 6.
//!
//! <https://rpm-software-management.github.io/rpm/manual/format_v4.html>,
//! <https://rpm-software-management.github.io/rpm/manual/format_v6.html>

mod archive;
mod digest;
mod error;
mod files;
mod header;
mod package;

pub use archive::{File, FileKind};
pub use digest::DigestError;
pub use error::{ArchiveError, RpmError};
pub use files::{FilesError, MAX_FILES, MAX_PATHS};
pub use header::{HeaderError, MAX_ENTRIES, MAX_SIGNATURE_ENTRIES};
pub use package::{MAGIC, Rpm};
