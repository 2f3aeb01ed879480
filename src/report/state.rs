//! Which ROM sizes saved guests need, and whether a host has them.

use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, Text};
use crate::finding::{Finding, counted};
use crate::judge::SavedRom;
use crate::plan::SavedMapping;
use crate::romset::RomSet;
use serde::Serialize;

/// The answer of `state`.
#[derive(Debug, Serialize)]
pub struct StateReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The ROMs of the host that the states were judged by, if any.
    pub roms: Vec<String>,
    /// The states.
    pub states: Vec<StateRow>,
    /// What makes the guests resume, if that was asked for.
    pub mapping: Option<SavedMapping>,
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
    /// Its ROMs, each with the file of the state.
    pub fn named_roms(&self) -> impl Iterator<Item = (&str, &SavedRom)> + Clone {
        self.blocks.iter().map(|rom| (&*self.file, rom))
    }
}

impl StateReport {
    /// A report of these states.
    #[must_use]
    pub fn new(roms: &[RomSet], states: Vec<StateRow>) -> Self {
        let findings = states.iter().flat_map(|state| {
            let file = &state.file;
            state.blocks.iter().filter_map(|rom| rom.finding(file))
        });
        Self {
            schema_version: SCHEMA_VERSION,
            roms: roms.iter().map(|roms| roms.label.clone()).collect(),
            findings: findings.collect(),
            states,
            mapping: None,
            files: Vec::new(),
        }
    }

    /// A table for each state, and the answer.
    #[must_use]
    pub fn text(&self, colour: Colour) -> Text {
        let mut text = Text::new();
        for state in &self.states {
            let machine = state.machine.as_deref().unwrap_or("not named");
            text.line(format_args!(
                "{}: {}, machine type {machine}, {} and {}",
                state.file,
                state.format,
                counted(state.blocks.len(), "ROM"),
                counted(state.other_blocks, "other RAM block")
            ));
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
                    match () {
                        () if rom.is_undecided() => plain("not known"),
                        () if rom.is_missing() => ("no such ROM".to_owned(), Tone::Bad),
                        () if rom.is_refused() => ("refused".to_owned(), Tone::Bad),
                        () if rom.resumes() => ("resumes".to_owned(), Tone::Good),
                        () => plain("-"),
                    },
                ]);
            }
            if !state.blocks.is_empty() {
                text.add(columns.text());
            }
            text.blank();
        }
        if !self.roms.is_empty() {
            text.line(self.answer());
        }
        if !self.files.is_empty() {
            text.line(format_args!("Written:"));
            for file in &self.files {
                text.line(format_args!("  {file}"));
            }
        }
        text
    }

    /// How many states resume on the host, in a sentence.
    fn answer(&self) -> String {
        let states = |is: fn(&SavedRom) -> bool| {
            let has = |state: &&StateRow| state.blocks.iter().any(is);
            self.states.iter().filter(has).count()
        };
        let counts = [
            (states(SavedRom::is_refused), "refused"),
            (
                states(SavedRom::is_missing),
                "lacking a ROM that QEMU must find",
            ),
            (states(SavedRom::is_undecided), "not to be judged"),
        ];
        let parts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let of = counted(self.states.len(), "state");
        let roms = self.roms.join(", ");
        if parts.is_empty() {
            format!("With the ROMs of {roms}, nothing is refused for its ROM.")
        } else {
            format!("With the ROMs of {roms}, of {of}: {}.", parts.join(", "))
        }
    }
}
