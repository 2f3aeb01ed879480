//! The binary package format of RPM, read only: two headers and a compressed
//! cpio archive.
//!
//! <https://rpm-software-management.github.io/rpm/manual/format_v4.html>

mod cpio;
mod header;

pub use cpio::{CpioError, File, FileKind, for_each_file};
pub use header::{MAGIC, Rpm, RpmError};
