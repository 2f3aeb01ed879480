//! The binary package format of Debian (deb(5)) and its control data, both
//! ways.

pub mod changelog;
pub mod control;
mod members;
mod read;
mod read_back;
pub mod tar_entries;
mod write;

pub use members::{AR_MAGIC, MemberError};
pub use read::{BinaryPackage, DebError, VisitError};
pub use write::{PackageContents, PackageFile, installed_size, write_package};
