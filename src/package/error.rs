//! Why a package cannot be made.

use super::template_error::TemplateError;
use crate::deb::changelog::ChangelogError;
use std::io;
use thiserror::Error;

/// Why a package was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackageError {
    /// A text that cannot be rendered.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A date that cannot be written.
    #[error(transparent)]
    Date(#[from] ChangelogError),
    /// A ROM that the source of iPXE does not make.
    #[error("{rom}: {why}, so iPXE's source does not make it; leave it out with `--select`")]
    NotOfIpxe {
        /// The old ROM.
        rom: String,
        /// Why.
        why: String,
    },
    /// The package cannot be written.
    #[error("the package cannot be written: {0}")]
    Write(#[from] io::Error),
}
