//! A plan and the templates give every path, mode and byte of a package.

mod assemble;
mod built_using;
mod copyright;
mod details;
mod error;
mod installed;
mod mapping_files;
mod previous;
mod settings;
mod source;
mod template_check;
mod template_error;
mod templates;
mod values;

pub use assemble::{CompatPackage, HookPackage, assemble, assemble_hook};
pub use details::{Details, DetailsError};
pub use error::PackageError;
pub use installed::{InstalledError, InstalledPackage};
pub use mapping_files::MappingFile;
pub use previous::{Previous, PreviousError};
pub use settings::PackageSettings;
pub use source::{IpxeSource, assemble_source};
pub use template_check::check_templates;
pub use template_error::{TemplateError, TemplateProblem};
pub use templates::{NotReplaced, Templates};
