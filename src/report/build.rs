//! What a compat package was built of, and what was written.

use super::table::{Columns, plain};
use super::{Colour, SCHEMA_VERSION, Text};
use crate::finding::{Finding, counted};
use crate::judge::Change;
use crate::plan::{CompatPlan, MachineRange, ManifestRom};
use serde::Serialize;

/// The answer of `build`.
#[derive(Debug, Serialize)]
pub struct BuildReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The old release, as the user named it.
    pub old: String,
    /// The new release, as the user named it.
    pub new: Option<String>,
    /// The package, if there is one to build.
    pub package: Option<BuiltPackage>,
    /// The ROMs in it.
    pub roms: Vec<ManifestRom>,
    /// Which machine types use which; empty where all use the same.
    pub ranges: Vec<MachineRange>,
    /// The files that were written, beside this report.
    pub files: Vec<String>,
    /// What the inputs and the change gave rise to.
    pub findings: Vec<Finding>,
}

/// The package that was built.
#[derive(Debug, Clone, Serialize)]
pub struct BuiltPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Size of the `.deb`, in bytes.
    pub size: usize,
}

impl BuildReport {
    /// A report of a plan, before the package is made of it.
    #[must_use]
    pub fn new(plan: &CompatPlan<'_>, new: Option<&str>, findings: Vec<Finding>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            old: if plan.ranges.is_empty() {
                plan.old.label.clone()
            } else {
                plan.release()
            },
            new: new.map(str::to_owned),
            package: None,
            roms: Vec::new(),
            ranges: Vec::new(),
            files: Vec::new(),
            findings,
        }
    }

    /// The ROMs in a table, and the files that were written below `folder`.
    #[must_use]
    pub fn text(&self, folder: &str, colour: Colour) -> Text {
        let Some(package) = &self.package else {
            let mut text = Text::new();
            text.line(
                "Nothing breaks, so there is nothing to ship; `--all` ships the old ROMs anyway.",
            );
            return text;
        };
        let headings = [
            "ROM in the package",
            ">BAR",
            "Made of",
            ">Size",
            "Without it",
        ];
        let mut columns = Columns::new(&headings, colour);
        for rom in &self.roms {
            columns.row([
                plain(&rom.name),
                plain(rom.bar),
                plain(&rom.origin),
                plain(rom.origin_size),
                plain(change_words(rom.change)),
            ]);
        }
        let mut text = columns.text();
        let mut about = Vec::new();
        for rom in &self.roms {
            for change in &rom.boot_ids {
                about.push(format!("{}: {change}", rom.name));
            }
            for other in &rom.shared_with {
                let content = if other.differs {
                    "another content, which comes with its guests"
                } else {
                    "the same content"
                };
                about.push(format!(
                    "{}: also for {}, {content}",
                    rom.name, other.release
                ));
            }
        }
        for range in &self.ranges {
            let release = &range.release;
            let needs = range.readconfig.as_deref().unwrap_or("need nothing");
            about.push(format!("machine types {range} ({release}): {needs}"));
        }
        text.blank();
        for line in about {
            text.line(line);
        }
        text.line(format_args!(
            "{} {}: {}, {} bytes",
            package.name,
            package.version,
            counted(self.roms.len(), "ROM"),
            package.size
        ));
        text.blank();
        text.line(format_args!("Written to {folder}:"));

        for file in &self.files {
            text.line(format_args!("  {file}"));
        }
        text
    }
}

const fn change_words(change: Option<Change>) -> &'static str {
    match change {
        None => "not compared",
        Some(Change::Same) => "the same BAR",
        Some(Change::Grows) => "a larger BAR",
        Some(Change::Shrinks) => "a smaller BAR",
        Some(Change::Appears | Change::Disappears) => "no ROM",
    }
}
