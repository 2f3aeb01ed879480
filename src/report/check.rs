//! What a change of ROMs does to migrations: a row a ROM, and QEMU's lines.

use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, Text};
use crate::advise::{Cure, Works};
use crate::finding::{Finding, Severity, counted};
use crate::guest::Block;
use crate::judge::{Answer, Change, Comparison, Pair, Side};
use crate::rom::BarSize;
use serde::Serialize;

/// The answer of `check`.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The old release or baseline, as the user named it.
    pub old: String,
    /// The new release, as the user named it.
    pub new: String,
    /// Whether a guest of the old release would fail to reach the new one.
    pub breaks: bool,
    /// The ROMs of either.
    pub roms: Vec<ComparedRom>,
    /// Ways to keep guests migratable, the best first.
    pub cures: Vec<Cure>,
    /// What the changes mean.
    pub findings: Vec<Finding>,
}

/// One ROM in both releases.
#[derive(Debug, Serialize)]
pub struct ComparedRom {
    /// The file's name.
    pub name: String,
    /// Size and BAR in the old release.
    pub old: Option<Sizes>,
    /// Size and BAR in the new release.
    pub new: Option<Sizes>,
    /// How the BAR changes.
    pub change: Change,
    /// From the old release to the new one.
    pub forward: Direction,
    /// From the new release back.
    pub backward: Direction,
    /// The devices that load the ROM by default or by the user's word, with the lines that QEMU
    /// prints for them.
    pub devices: Vec<ComparedDevice>,
}

/// Size of a file and of its BAR, in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sizes {
    /// The file.
    pub size: u64,
    /// The BAR.
    pub bar: BarSize,
}

/// Whether a migration in one direction is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It is.
    Accepted,
    /// QEMU refuses it.
    Refused,
    /// No guest can have this ROM at the source.
    Impossible,
}

/// A device that loads the ROM.
#[derive(Debug, Serialize)]
pub struct ComparedDevice {
    /// Its name for `-device`.
    pub name: String,
    /// What QEMU prints from the old release to the new one.
    pub forward_line: Option<String>,
    /// What QEMU prints from the new release back.
    pub backward_line: Option<String>,
}

impl From<Side<'_>> for Sizes {
    fn from(side: Side<'_>) -> Self {
        Self {
            size: side.size,
            bar: side.bar,
        }
    }
}

impl From<&Answer> for Direction {
    fn from(answer: &Answer) -> Self {
        match answer {
            Answer::Accepted => Self::Accepted,
            Answer::Refused(_) => Self::Refused,
            Answer::NotJudged(_) => Self::Impossible,
        }
    }
}

impl ComparedRom {
    fn of(pair: &Pair<'_>) -> Self {
        let line = |answer: &Answer| answer.line().map(str::to_owned);
        let device = |card: Block| ComparedDevice {
            forward_line: line(&pair.forward(&card)),
            backward_line: line(&pair.backward(&card)),
            name: card.model.unwrap_or_default(),
        };
        let example = pair.example_card();
        Self {
            name: pair.name.to_owned(),
            old: pair.old().map(Sizes::from),
            new: pair.new().map(Sizes::from),
            change: pair.change(),
            forward: Direction::from(&pair.forward(&example)),
            backward: Direction::from(&pair.backward(&example)),
            devices: pair.cards().into_iter().map(device).collect(),
        }
    }

    /// The first device, and how many more there are.
    fn device_words(&self) -> String {
        match &*self.devices {
            [] => "none by default".to_owned(),
            [only] => only.name.clone(),
            [first, rest @ ..] => format!("{} and {} more", first.name, rest.len()),
        }
    }
}

impl CheckReport {
    /// A report of a comparison with its findings.
    #[must_use]
    pub fn new(
        old: &str,
        new: &str,
        comparison: &Comparison<'_>,
        cures: Vec<Cure>,
        findings: Vec<Finding>,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            old: old.to_owned(),
            new: new.to_owned(),
            breaks: comparison.breaking().next().is_some(),
            roms: comparison.pairs.iter().map(ComparedRom::of).collect(),
            cures,
            findings,
        }
    }

    /// A table, QEMU's line for every device that breaks, the answer, and the
    /// best cure or every one.
    #[must_use]
    pub fn text(&self, colour: Colour, every_cure: bool) -> Text {
        let mut text = self.table(colour);
        let refused: Vec<_> = self
            .roms
            .iter()
            .flat_map(|rom| &rom.devices)
            .filter_map(|device| Some((&device.name, device.forward_line.as_deref()?)))
            .collect();
        if !refused.is_empty() {
            text.blank();
            text.line("What QEMU on the new host prints, where a guest's own PCI address stands");
            text.line("for 0000:00:02.0; on the way back the two sizes change places:");
            let width = refused.iter().map(|(name, _)| name.len()).max();
            let width = width.unwrap_or_default();
            for (name, line) in refused {
                text.line(format_args!("  {name:width$}  {line}"));
            }
        }
        let breaking = self
            .roms
            .iter()
            .filter(|rom| rom.forward == Direction::Refused);
        let unread = self.findings.iter().filter(|finding| {
            finding.severity == Severity::Error && finding.code.is_of_what_was_not_read()
        });
        text.blank();
        text.line(match (breaking.count(), unread.count()) {
            (0, unread @ 1..) => format!(
                "Not known: {} compared, none breaks, but {} of the inputs could not be read as a ROM.",
                counted(self.roms.len(), "ROM"),
                counted(unread, "file or link").replace("file or links", "files or links"),
            ),
            (0, 0) => format!(
                "Safe: {} compared, no guest of the old release is refused.",
                counted(self.roms.len(), "ROM")
            ),
            (count, _) => format!(
                "Would break: {} of {} compared.",
                counted(count, "ROM"),
                self.roms.len()
            ),
        });
        if self.breaks {
            self.add_cures(&mut text, every_cure);
        }
        text
    }

    fn add_cures(&self, text: &mut Text, every_cure: bool) {
        if every_cure {
            text.blank();
            text.line("What can be done, best first:");
            for cure in &self.cures {
                let works = match cure.works {
                    Works::Yes => "works",
                    Works::Unknown => "may work",
                    Works::FromNowOn => "for new guests",
                    Works::No => "does not work",
                };
                let (way, reason) = (cure.way.words(), &cure.reason);
                text.line(format_args!("  {way}"));
                text.line(format_args!("      {works}: {reason}"));

                if cure.works != Works::No {
                    for option in &cure.options {
                        text.line(format_args!("      {option}"));
                    }
                }
            }
        }
        if let Some(step) = self.cures.first().and_then(|best| best.way.step()) {
            text.blank();
            text.line(format_args!("Next: {step}."));
        }
    }

    fn table(&self, colour: Colour) -> Text {
        let headings = [
            "ROM",
            ">Old size",
            ">BAR",
            ">New size",
            ">BAR",
            "Old to new",
            "New to old",
            "Device",
        ];
        let mut columns = Columns::new(&headings, colour);
        for rom in &self.roms {
            let size =
                |sizes: Option<Sizes>| plain(sizes.map_or("-".into(), |s| s.size.to_string()));
            let bar = |sizes: Option<Sizes>| plain(sizes.map_or("-".into(), |s| s.bar.to_string()));
            columns.row([
                plain(&rom.name),
                size(rom.old),
                bar(rom.old),
                size(rom.new),
                bar(rom.new),
                direction(rom.forward),
                direction(rom.backward),
                plain(rom.device_words()),
            ]);
        }
        columns.text()
    }
}

fn direction(direction: Direction) -> (String, Tone) {
    match direction {
        Direction::Accepted => ("accepted".to_owned(), Tone::Good),
        Direction::Refused => ("refused".to_owned(), Tone::Bad),
        Direction::Impossible => plain("-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::{QemuPair, cures};
    use crate::plan::tests::rom_set;

    #[test]
    fn a_break_shows_sizes_both_directions_and_the_line_of_every_device() {
        let old = rom_set(&[("efi-e1000.rom", 5000), ("pxe-x.rom", 600)]);
        let new = rom_set(&[("efi-e1000.rom", 9000), ("pxe-x.rom", 700)]);
        let comparison = Comparison::new(&old, &new);
        let cures = cures(&comparison, QemuPair::default());
        let report = CheckReport::new("old", "new", &comparison, cures, Vec::new());
        assert_eq!(
            report.text(Colour::Never, false),
            "ROM            Old size  BAR  New size  BAR  Old to new  New to old  Device\n\
             efi-e1000.rom      5000   8K      9000  16K  refused     refused     e1000 and 2 more\n\
             pxe-x.rom           600   1K       700   1K  accepted    accepted    none by default\n\
             \n\
             What QEMU on the new host prints, where a guest's own PCI address stands\n\
             for 0000:00:02.0; on the way back the two sizes change places:\n\
             \u{20} e1000          Size mismatch: 0000:00:02.0/e1000.rom: 0x2000 != 0x4000: Invalid argument\n\
             \u{20} e1000-82544gc  Size mismatch: 0000:00:02.0/e1000.rom: 0x2000 != 0x4000: Invalid argument\n\
             \u{20} e1000-82545em  Size mismatch: 0000:00:02.0/e1000.rom: 0x2000 != 0x4000: Invalid argument\n\
             \n\
             Would break: 1 ROM of 2 compared.\n\
             \n\
             Next: build the compat package (`romcompat build OLD NEW --out FOLDER`) and map old machine types to it (`romcompat emit`).\n"
        );
    }

    #[test]
    fn json_answers_by_device_and_direction() {
        let old = rom_set(&[("efi-pcnet.rom", 5000), ("other", 1)]);
        let new = rom_set(&[("efi-pcnet.rom", 9000), ("other", 1)]);
        let comparison = Comparison::new(&old, &new);
        let cures = cures(&comparison, QemuPair::default());
        let report = CheckReport::new("old", "new", &comparison, cures, Vec::new());
        let value = serde_json::to_value(report).unwrap();
        assert_eq!(value["breaks"], true);
        let rom = &value["roms"][0];
        assert_eq!(rom["old"]["bar"], 8192);
        assert_eq!(rom["backward"], "refused");
        assert_eq!(
            rom["devices"][0]["backward_line"],
            "Size mismatch: 0000:00:02.0/pcnet.rom: 0x4000 != 0x2000: Invalid argument"
        );
    }
}
