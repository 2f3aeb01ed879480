//! The binary package format of RPM, read only: two headers and a compressed
//! cpio archive.
//!
//! <https://rpm-software-management.github.io/rpm/manual/format_v4.html>

mod cpio;
mod error;
mod header;

pub use cpio::{File, FileKind, for_each_file};
pub use error::{CpioError, RpmError};
pub use header::{MAGIC, Rpm};
