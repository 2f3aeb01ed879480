//! What a source package consists of, and which templates were written.

use super::{SCHEMA_VERSION, Text};
use crate::finding::Finding;
use serde::Serialize;

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
    pub fn text(&self, folder: &str) -> Text {
        let mut text = Text::new();
        let (Some(source), Some(version)) = (&self.source, &self.version) else {
            text.line(
                "Nothing breaks, so there is nothing to ship; `--all` ships the old ROMs anyway.",
            );
            return text;
        };
        text.line(format_args!("{source} {version}"));
        text.blank();
        text.add(written(folder, &self.files));
        if let Some(dsc) = self.files.first() {
            text.blank();
            let dsc = format!("{folder}/{dsc}");
            let dsc = shell_words::quote(&dsc);
            text.line(format_args!(
                "`dpkg-source -x {dsc}` unpacks it, `dpkg-buildpackage -us -uc` in its folder builds it."
            ));
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
    pub fn text(&self, folder: &str) -> Text {
        written(folder, &self.files)
    }
}

fn written(folder: &str, files: &[String]) -> Text {
    let mut text = Text::new();
    text.line(format_args!("Written to {folder}:"));
    for file in files {
        text.line(format_args!("  {file}"));
    }
    text
}
