//! The growth of ROMs over releases, and the size to pad them to, with the
//! numbers that it follows from.

use super::table::{Columns, plain};
use super::{Colour, SCHEMA_VERSION, Text};
use crate::advise::{Advice, Packed, RomAdvice};
use crate::finding::counted;
use serde::Serialize;

/// The answer of `advise`.
#[derive(Debug, Serialize)]
pub struct AdviseReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The advice.
    #[serde(flatten)]
    pub advice: Advice,
    /// What the newest release takes in a package; none where nothing is to be
    /// padded.
    pub packed: Option<Packed>,
}

impl AdviseReport {
    /// A report of an advice.
    #[must_use]
    pub const fn new(advice: Advice, packed: Option<Packed>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            advice,
            packed,
        }
    }

    /// A table for each ROM, with what follows from it, and the costs of all.
    #[must_use]
    pub fn text(&self, colour: Colour) -> Text {
        let mut text = Text::new();
        for rom in &self.advice.roms {
            self.add_rom(rom, &mut text, colour);
        }
        let moved = || self.advice.roms.iter().filter(|rom| rom.more_bar > 0);
        let bytes: u64 = moved().map(|rom| rom.more_file).sum();
        let names: Vec<&str> = moved().map(|rom| &*rom.name).collect();
        let roms = counted(self.advice.roms.len(), "ROM");
        if names.is_empty() {
            text.line(format_args!(
                "In all: {roms}, and every one may stay in its size class."
            ));
        } else {
            text.line(format_args!(
                "In all: {} of {} to be padded to a larger size: {}.",
                counted(names.len(), "ROM"),
                self.advice.roms.len(),
                names.join(", ")
            ));
            let grows = format!("The package grows by {bytes} bytes before compression");
            match self.packed {
                None => text.line(format_args!("{grows}.")),
                Some(packed) => {
                    text.line(format_args!("{grows},"));
                    text.line(format_args!(
                        "and by {} after it ({} - {}).",
                        packed.padded.saturating_sub(packed.now),
                        packed.padded,
                        packed.now
                    ));
                }
            }
        }
        if !self.advice.gone.is_empty() {
            text.line(format_args!(
                "Not in the newest release: {}.",
                self.advice.gone.join(", ")
            ));
        }
        text
    }

    fn add_rom(&self, rom: &RomAdvice, text: &mut Text, colour: Colour) {
        let devices = match &*rom.devices {
            [] => "no device by default".to_owned(),
            devices => devices.join(", "),
        };
        text.heading(&rom.name, colour, format_args!(", loaded by {devices}"));
        text.blank();

        let headings = ["Release", ">Content", ">Growth", ">File", ">BAR", ">Left"];
        let mut columns = Columns::new(&headings, colour);
        for release in &rom.releases {
            let growth = release
                .growth
                .map_or("-".to_owned(), |bytes| format!("{bytes:+}"));
            columns.row([
                plain(&release.release),
                plain(release.content),
                plain(growth),
                plain(release.file),
                plain(release.bar),
                plain(release.left),
            ]);
        }
        text.add(columns.text());
        text.blank();
        let (content, bar) = rom
            .releases
            .last()
            .map_or((0, rom.size), |newest| (newest.content, newest.bar));
        if rom.is_growth_known {
            text.line(format_args!(
                "Largest growth {}; {} to come: {content} + {} x {} = {} bytes.",
                rom.largest_growth,
                counted(self.advice.coming as usize, "release"),
                self.advice.coming,
                rom.largest_growth,
                rom.needed
            ));
        } else {
            text.line(
                "One release alone has it, so that its growth is not known: the size is for its",
            );
            text.line(format_args!("{content} bytes and nothing to come."));
        }
        let size = rom.size;
        let guest = match &*rom.devices {
            [] => "guest that loads it",
            _ => "guest with the card",
        };
        match (rom.more_bar, rom.is_growth_known) {
            (0, true) => text.line(format_args!("They fit into {size}, which it has.")),
            (0, false) => text.line(format_args!("They fit into {size}, which it has, for now.")),
            (more, _) => {
                text.line(format_args!(
                    "Pad it to {size}: the smallest power of two that holds them."
                ));
                text.line(format_args!(
                    "Each {guest} has {more} bytes more of BAR space ({} - {}),",
                    size.bytes(),
                    bar.bytes()
                ));
                text.line(format_args!(
                    "the file {} bytes more ({} - {}).",
                    rom.more_file,
                    size.bytes(),
                    size.bytes().saturating_sub(rom.more_file)
                ));
            }
        }
        if !rom.compat_for.is_empty() {
            text.line(format_args!(
                "Machine types of these releases need a compat ROM of their size:"
            ));
            for release in &rom.compat_for {
                let machines = release.machines.as_ref();
                let machines = machines.map_or(String::new(), |text| format!(", {text}"));
                text.line(format_args!(
                    "  {}{machines} ({})",
                    release.release, release.bar
                ));
            }
        }
        text.blank();
    }
}
