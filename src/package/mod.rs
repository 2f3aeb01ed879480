//! A plan and the templates give every path, mode and byte of a package.

mod assemble;
mod built_using;
mod copyright;
mod details;
mod hook;
mod installed;
mod manifest;
mod previous;
mod source;
mod template_check;
mod templates;
mod values;

pub use assemble::{
    CompatPackage, HookPackage, MappingFile, PackageError, assemble, assemble_hook,
};
pub use details::{Details, DetailsError, Wishes};
pub use hook::{Filtered, HookMapping, Host};
pub use installed::{InstalledError, InstalledMapping, InstalledRange};
pub use manifest::{Manifest, ManifestRange, ManifestRom};
pub use previous::{Previous, PreviousError};
pub use source::{IpxeSource, assemble_source};
pub use template_check::check_templates;
pub use templates::{NotReplaced, TemplateError, Templates};
