//! Which ROM sizes saved guests need, and whether a host has them.

use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, counted};
use crate::finding::{Code, Finding, Place};
use crate::qemu::{DEVICES, Device, RamBlockSize, RomAt, Verdict, missing_romfile, verdict};
use crate::rom::BarSize;
use crate::romset::RomSet;
use crate::vmstate::{RamBlock, SavedState};
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
    /// The machine type, if the state names it.
    pub machine: Option<String>,
    /// Its RAM blocks that are no ROMs.
    pub other_blocks: usize,
    /// Its ROMs.
    pub blocks: Vec<StateRom>,
}

/// One ROM of a saved guest.
#[derive(Debug, Clone, Serialize)]
pub struct StateRom {
    /// Whole name of the RAM block.
    pub name: String,
    /// The devices that name a block so.
    #[serde(serialize_with = "names")]
    pub devices: Vec<&'static Device>,
    /// Its size in bytes, which a host must give it, too.
    pub size: u64,
    /// Whether the host does; none where no ROMs were given, no device is
    /// known, or the device's ROM is not among them.
    pub resumes: Option<bool>,
    /// What QEMU says where it does not.
    pub line: Option<String>,
}

fn names<S: serde::Serializer>(
    devices: &[&'static Device],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(devices.iter().map(|device| device.name))
}

impl StateRom {
    /// The ROM in a RAM block, if it is one; judged by the ROMs of a host.
    #[must_use]
    pub fn of(block: &RamBlock, roms: Option<&RomSet>) -> Option<Self> {
        let (_, suffix) = block.name.rsplit_once('/')?;
        let devices: Vec<&'static Device> = DEVICES
            .iter()
            .filter(|device| device.ram_block == suffix)
            .collect();
        let is_file = block.name.starts_with('/');
        if devices.is_empty() && (is_file || !suffix.ends_with(".rom")) {
            return None;
        }
        let mut rom = Self {
            name: block.name.clone(),
            devices,
            size: block.size,
            resumes: None,
            line: None,
        };
        if let (Some(roms), Some(device)) = (roms, rom.devices.first()) {
            rom.judge(roms, device);
        }
        Some(rom)
    }

    /// The BAR that it keeps.
    #[must_use]
    pub fn bar(&self) -> Option<BarSize> {
        BarSize::of_rom(self.size).filter(|bar| bar.bytes() == self.size)
    }

    fn judge(&mut self, roms: &RomSet, device: &Device) {
        let Some(bar) = self.bar() else { return };
        let source = RomAt::Block(RamBlockSize::of_bar(bar));
        let Some(file) = roms.find(device.romfile) else {
            self.line = Some(missing_romfile(device.romfile));
            return;
        };
        let destination = RomAt::Block(RamBlockSize::of_bar(file.bar()));
        match verdict(source, destination) {
            Verdict::Refused(refusal) => {
                self.resumes = Some(false);
                self.line = Some(refusal.line(&self.name));
            }
            _ => self.resumes = Some(true),
        }
    }

    /// A finding where the host refuses it.
    fn finding(&self, file: &str) -> Option<Finding> {
        let line = self.line.as_ref()?;
        let code = if self.resumes.is_some() {
            Code::StateNotResumed
        } else {
            Code::StateRomMissing
        };
        Some(Finding {
            code,
            severity: code.default_severity(),
            subject: file.to_owned(),
            place: Place::default(),
            found: format!("QEMU will say `{line}`"),
            required: format!(
                "the host must give {} a ROM of {} bytes",
                self.name, self.size
            ),
            next_step: code.explanation().remedy.to_owned(),
        })
    }
}

impl StateRow {
    /// A state, with each ROM judged by those of a host.
    #[must_use]
    pub fn new(file: &str, format: String, state: &SavedState, roms: Option<&RomSet>) -> Self {
        let blocks: Vec<StateRom> = state
            .blocks
            .iter()
            .filter_map(|block| StateRom::of(block, roms))
            .collect();
        Self {
            file: file.to_owned(),
            format,
            machine: state.machine.clone(),
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
