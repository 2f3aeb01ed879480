//! What a source package consists of, and which templates were written.

use super::SCHEMA_VERSION;
use crate::finding::Finding;
use serde::Serialize;
use std::fmt::Write as _;

/// The answer of `source`.
#[derive(Debug, Serialize)]
pub struct SourceReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The source package, if there is one to write.
    pub source: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The files that were written, the `.dsc` first.
    pub files: Vec<String>,
    /// What the inputs and the change gave rise to.
    pub findings: Vec<Finding>,
}

impl SourceReport {
    /// A report before anything is written.
    #[must_use]
    pub const fn new(findings: Vec<Finding>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            source: None,
            version: None,
            files: Vec::new(),
            findings,
        }
    }

    /// What was written, and what makes a package of it.
    #[must_use]
    pub fn text(&self, folder: &str) -> String {
        let (Some(source), Some(version)) = (&self.source, &self.version) else {
            return "Nothing breaks, so there is nothing to ship; `--all` ships the old ROMs anyway.\n"
                .to_owned();
        };
        let mut text = format!("{source} {version}\n\n");
        text.push_str(&written(folder, &self.files));
        if let Some(dsc) = self.files.first() {
            let _ = write!(
                text,
                "\n`dpkg-source -x {folder}/{dsc}` unpacks it, `dpkg-buildpackage -us -uc` in its folder builds it.\n"
            );
        }
        text
    }
}

/// The answer of `templates export`.
#[derive(Debug, Serialize)]
pub struct ExportedTemplates {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The files that were written.
    pub files: Vec<String>,
}

impl ExportedTemplates {
    /// A report of these files.
    #[must_use]
    pub const fn new(files: Vec<String>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            files,
        }
    }

    /// What was written.
    #[must_use]
    pub fn text(&self, folder: &str) -> String {
        written(folder, &self.files)
    }
}

fn written(folder: &str, files: &[String]) -> String {
    let mut text = format!("Written to {folder}:\n");
    for file in files {
        let _ = writeln!(text, "  {file}");
    }
    text
}
