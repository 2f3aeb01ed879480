//! A plan and the templates give every path, mode and byte of a package.

mod assemble;
mod details;
mod installed;
mod manifest;
mod previous;
mod source;
mod templates;
mod values;

pub use assemble::{CompatPackage, MappingFile, PackageError, assemble};
pub use details::{Details, DetailsError, Wishes};
pub use installed::{InstalledError, InstalledMapping, InstalledRange};
pub use manifest::{Manifest, ManifestRange, ManifestRom};
pub use previous::{Previous, PreviousError};
pub use source::{IpxeSource, assemble_source};
pub use templates::{TemplateError, Templates, UnknownTemplate};
