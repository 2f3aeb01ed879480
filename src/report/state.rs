//! Which ROM sizes saved guests need, and whether a host has them.

use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, counted};
use crate::finding::Finding;
use crate::libvirt::Domain;
use crate::plan::{SavedRom, saved_roms};
use crate::romset::RomSet;
use crate::vmstate::SavedState;
use serde::Serialize;
use std::fmt::Write as _;

/// The answer of `state`.
#[derive(Debug, Serialize)]
pub struct StateReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The ROMs of the host that the states were judged by, if any.
    pub roms: Option<String>,
    /// The states.
    pub states: Vec<StateRow>,
    /// Files that were written.
    pub files: Vec<String>,
    /// What stands in the way of a resume.
    pub findings: Vec<Finding>,
}

/// One saved guest.
#[derive(Debug, Serialize)]
pub struct StateRow {
    /// The file as it was typed.
    pub file: String,
    /// What it is, in words.
    pub format: String,
    /// The machine type, if it is known.
    pub machine: Option<String>,
    /// Its RAM blocks that are no ROMs.
    pub other_blocks: usize,
    /// Its ROMs.
    pub blocks: Vec<SavedRom>,
}

impl StateRow {
    /// A state, with each ROM judged by those of a host. Of the machine type the
    /// state itself, the guest's definition and the user's word count in this
    /// order.
    #[must_use]
    pub fn new(
        (file, format): (&str, String),
        state: &SavedState,
        definition: Option<&Domain<'_>>,
        machine: Option<&str>,
        roms: Option<&RomSet>,
    ) -> Self {
        let defined = || Some(&*definition?.machine.as_ref()?.value);
        let machine = state.machine.as_deref().or_else(defined).or(machine);
        let blocks = saved_roms(state, definition, machine, roms);
        Self {
            file: file.to_owned(),
            format,
            machine: machine.map(str::to_owned),
            other_blocks: state.blocks.len().saturating_sub(blocks.len()),
            blocks,
        }
    }
}

impl StateReport {
    /// A report of these states.
    #[must_use]
    pub fn new(roms: Option<&RomSet>, states: Vec<StateRow>) -> Self {
        let findings = states.iter().flat_map(|state| {
            let file = &state.file;
            state.blocks.iter().filter_map(|rom| rom.finding(file))
        });
        Self {
            schema_version: SCHEMA_VERSION,
            roms: roms.map(|roms| roms.label.clone()),
            findings: findings.collect(),
            states,
            files: Vec::new(),
        }
    }

    /// A table for each state, and the answer.
    #[must_use]
    pub fn text(&self, colour: Colour) -> String {
        let mut text = String::new();
        for state in &self.states {
            let machine = state.machine.as_deref().unwrap_or("not named");
            let _ = writeln!(
                text,
                "{}: {}, machine type {machine}, {} and {}",
                state.file,
                state.format,
                counted(state.blocks.len(), "ROM"),
                counted(state.other_blocks, "other RAM block")
            );
            let mut columns =
                Columns::new(&["RAM block", ">Size", "Device", "On this host"], colour);
            for rom in &state.blocks {
                let devices: Vec<&str> = rom.devices.iter().map(|device| device.name).collect();
                let size = rom
                    .bar()
                    .map_or_else(|| rom.size.to_string(), |bar| bar.to_string());
                columns.row([
                    plain(&rom.name),
                    plain(size),
                    plain(match &*devices {
                        [] => "not known".to_owned(),
                        names => names.join(", "),
                    }),
                    match rom.resumes {
                        None if rom.is_undecided() => plain("not known"),
                        None if rom.line.is_some() => plain("no such ROM"),
                        None => plain("-"),
                        Some(true) => ("resumes".to_owned(), Tone::Good),
                        Some(false) => ("refused".to_owned(), Tone::Bad),
                    },
                ]);
            }
            if !state.blocks.is_empty() {
                text.push_str(&columns.text());
            }
            text.push('\n');
        }
        if let Some(roms) = &self.roms {
            let refused = self
                .states
                .iter()
                .filter(|state| state.blocks.iter().any(|rom| rom.resumes == Some(false)));
            let _ = match refused.count() {
                0 => writeln!(
                    text,
                    "With the ROMs of {roms}, nothing is refused for its ROM."
                ),
                count => writeln!(
                    text,
                    "With the ROMs of {roms}, {} of {} refused.",
                    count,
                    counted(self.states.len(), "state")
                ),
            };
        }
        if !self.files.is_empty() {
            let _ = writeln!(text, "Written:");
            for file in &self.files {
                let _ = writeln!(text, "  {file}");
            }
        }
        text
    }
}
