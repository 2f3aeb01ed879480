//! The package formats of Debian: the binary package (deb(5)) and its control
//! data, both ways; source packages and uploads, written.

pub mod changelog;
mod changes;
mod checksums;
mod contents;
pub mod control;
pub mod file_name;
mod members;
mod names;
mod paragraph;
mod person;
mod read;
mod read_back;
pub mod relation;
mod source;
pub mod tar_entries;
pub mod values;
pub mod version;
mod write;
mod xz;

pub use changes::{BuildPlace, Upload};
pub use checksums::{ListedFile, hex};
pub use contents::{PackageContents, PackageFile};
pub use members::{AR_MAGIC, MAX_MEMBERS, MemberError};
pub use paragraph::{MAX_CONTROL, MAX_FIELDS, ParagraphError};
pub use person::Maintainer;
pub use read::{BinaryPackage, DebError, VisitError};
pub use source::{SourceContents, Upstream, is_native, source_format, write_source};
pub use write::{installed_size, packed_size, write_package};
