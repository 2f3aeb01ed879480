//! One value per command, rendered as text for people or JSON for machines.
//!
//! Reports return text; writing it is the caller's matter.

mod advise;
mod build;
mod check;
mod diagnosis;
mod difference;
mod edit;
mod efi;
mod emit;
mod explain;
mod fields;
mod findings;
mod guests;
mod inspect;
mod inventory;
mod junit;
mod lint;
mod map;
mod prove;
mod source;
mod state;
mod table;
mod text;

pub use advise::AdviseReport;
pub use build::{BuildReport, BuiltPackage};
pub use check::{CheckReport, ComparedRom};
pub use diagnosis::{Advice, DiagnosisReport, Step};
pub use difference::{ChangedRom, DifferenceReport};
pub use edit::{EditReport, WrittenFile};
pub use efi::{InspectedEfi, InspectedExecutable, InspectedSection};
pub use emit::EmitReport;
pub use explain::{ExplainReport, ExplainedCode};
pub use fields::Field;
pub use findings::findings_text;
pub use guests::{CardRow, GuestRow, GuestsReport};
pub use inspect::{Detail, InspectReport, InspectedImage, InspectedRom};
pub use inventory::InventoryReport;
pub use lint::LintReport;
pub use prove::{ProveReport, ProveSubject, ProvedBoot, ProvedMigration, ProvedQemu};
pub use source::{ExportedTemplates, SourceReport};
pub use state::{StateReport, StateRow};
pub use text::Text;

use anstyle::Style;

/// Version of the JSON reports; it changes when a field changes its meaning
/// or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Whether text may carry colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// With ANSI escape sequences.
    Always,
}

impl Colour {
    /// The style of a heading.
    const fn bold(self) -> Style {
        match self {
            Self::Always => Style::new().bold(),
            Self::Never => Style::new(),
        }
    }
}
