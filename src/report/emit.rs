//! A mapping that was printed or written.

use super::SCHEMA_VERSION;
use crate::finding::Finding;
use crate::plan::MappedDevice;
use serde::Serialize;

/// The answer of `emit`.
#[derive(Debug, Serialize)]
pub struct EmitReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The form of the mapping.
    pub form: &'static str,
    /// The old release, as the user named it.
    pub old: String,
    /// The new release, as the user named it.
    pub new: Option<String>,
    /// Each device with its compat ROM.
    pub devices: Vec<MappedDevice>,
    /// The mapping, as it is printed or written; empty where there is none.
    pub text: String,
    /// What the mapping leaves out.
    pub findings: Vec<Finding>,
}

impl EmitReport {
    /// A report of a mapping in one form.
    #[must_use]
    pub fn new(
        form: &'static str,
        (old, new): (&str, Option<&str>),
        devices: Vec<MappedDevice>,
        text: String,
        findings: Vec<Finding>,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            form,
            old: old.to_owned(),
            new: new.map(str::to_owned),
            devices,
            text,
            findings,
        }
    }
}
