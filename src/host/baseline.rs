//! The baseline: the BAR sizes that a ROM package promises to keep, as a
//! small text file that it carries in its own source.

use crate::rom::{BarSize, BarSizeError};
use crate::romset::RomSet;
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

const FORMAT: &str = "# romcompat baseline 1";

/// ROM names with their BAR sizes, sorted by name.
///
/// The text has a first line that names the format and its version, then a
/// line a ROM: name, white space, BAR size in bytes. Lines that start with `#`
/// and empty lines are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline(BTreeMap<String, BarSize>);

/// Why a text is no baseline.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BaselineError {
    /// Another first line.
    #[error(
        "line 1 must be `{FORMAT}`, and it is `{0}`; write the file with `check --write-baseline`"
    )]
    Format(String),
    /// A line that is not a name and a size.
    #[error("line {line}: `{text}` is not a ROM's name and its BAR size in bytes")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What it says.
        text: String,
    },
    /// A size that no BAR has.
    #[error("line {line}: {source}")]
    Size {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with the size.
        source: BarSizeError,
    },
    /// A name that stands there twice.
    #[error("line {line}: {name} is listed twice")]
    Twice {
        /// The line of the second, counted from 1.
        line: usize,
        /// The ROM.
        name: String,
    },
    /// A name that a line cannot hold.
    #[error(
        "the ROM `{0}` cannot be listed: a line is a name and a size with white space between, and one that starts with # is skipped; rename the ROM"
    )]
    Name(String),
    /// No ROM at all: it would guard nothing.
    #[error("it lists no ROM; write the file with `check --write-baseline`")]
    Empty,
}

impl Baseline {
    /// The baseline that a set of ROMs keeps.
    #[must_use]
    pub fn of(roms: &RomSet) -> Self {
        let entries = roms.roms.iter();
        Self(
            entries
                .map(|rom| (rom.name().to_owned(), rom.bar()))
                .collect(),
        )
    }

    /// The text form, which reads as this baseline.
    ///
    /// # Errors
    /// [`BaselineError::Name`] for a name that would read as something else.
    pub fn written(&self) -> Result<String, BaselineError> {
        let reads_alone = |name: &str, bar: BarSize| {
            let alone = Self([(name.to_owned(), bar)].into());
            Self::parse(&alone.to_string()).as_ref() == Ok(&alone)
        };
        match self.entries().find(|(name, bar)| !reads_alone(name, *bar)) {
            Some((name, _)) => Err(BaselineError::Name(name.to_owned())),
            None => Ok(self.to_string()),
        }
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`BaselineError`] with the line.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let mut lines = text.lines().enumerate();
        let first = lines.next().map_or("", |(_, line)| line).trim_end();
        if first != FORMAT {
            let start: String = first.chars().take(60).collect();
            return Err(BaselineError::Format(start));
        }
        let mut entries = BTreeMap::new();
        for (index, text) in lines {
            let line = index.saturating_add(1);
            let mut words = text.split_whitespace();
            let (name, size) = match (words.next(), words.next(), words.next()) {
                (None, ..) => continue,
                (Some(word), ..) if word.starts_with('#') => continue,
                (Some(name), Some(size), None) => (name, size),
                _ => {
                    return Err(BaselineError::Line {
                        line,
                        text: text.chars().take(60).collect(),
                    });
                }
            };
            let bar = size
                .parse()
                .map_err(|source| BaselineError::Size { line, source })?;
            if entries.insert(name.to_owned(), bar).is_some() {
                return Err(BaselineError::Twice {
                    line,
                    name: name.to_owned(),
                });
            }
        }
        if entries.is_empty() {
            return Err(BaselineError::Empty);
        }
        Ok(Self(entries))
    }

    /// The names with their BAR sizes, sorted by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, BarSize)> {
        self.0.iter().map(|(name, bar)| (name.as_str(), *bar))
    }

    /// Whether the baseline guards this ROM.
    #[must_use]
    pub fn lists(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FORMAT}")?;
        writeln!(
            f,
            "# ROM file, size of its BAR in bytes. A guest cannot migrate to a host where"
        )?;
        writeln!(
            f,
            "# this size differs; `romcompat check --baseline THIS-FILE NEW` fails then."
        )?;
        let width = self.0.keys().map(|name| name.len()).max().unwrap_or(0);
        for (name, bar) in self.entries() {
            writeln!(f, "{name:width$}  {}", bar.bytes())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Change, Comparison};
    use crate::plan::tests::rom_set;

    #[test]
    fn what_is_written_is_read_again() {
        let baseline = Baseline::of(&rom_set(&[("a.rom", 1000), ("longer.rom", 5000)]));
        let text = baseline.to_string();
        assert!(
            text.ends_with("a.rom       1024\nlonger.rom  8192\n"),
            "{text}"
        );
        assert_eq!(baseline.written().as_ref(), Ok(&text));
        assert_eq!(Baseline::parse(&text), Ok(baseline));
    }

    #[test]
    fn a_name_that_would_read_as_something_else_is_not_written() {
        for name in [
            "a b.rom",
            "#a.rom",
            "a\n.rom",
            "a\u{2003}.rom",
            " a.rom",
            "",
        ] {
            let baseline = Baseline([(name.to_owned(), BarSize::of_rom(512).unwrap())].into());
            assert_eq!(
                baseline.written(),
                Err(BaselineError::Name(name.to_owned())),
                "{name:?}"
            );
        }
        for name in ["a#.rom", "ü\u{200b}.rom", "2"] {
            let baseline = Baseline([(name.to_owned(), BarSize::of_rom(512).unwrap())].into());
            assert_eq!(Baseline::parse(&baseline.written().unwrap()), Ok(baseline));
        }
    }

    #[test]
    fn a_rom_that_leaves_its_class_or_is_gone_breaks() {
        let baseline = Baseline::of(&rom_set(&[("a", 8192), ("b", 8192), ("c", 8192)]));
        let new = rom_set(&[("a", 8192), ("b", 16384), ("d", 512)]);
        let comparison = Comparison::with_baseline(&baseline, &new);
        let changes: Vec<_> = comparison.pairs.iter().map(|p| p.change()).collect();
        assert_eq!(changes, [Change::Same, Change::Grows, Change::Disappears]);
        assert_eq!(comparison.breaking().count(), 2);
        assert!(!baseline.lists("d"));
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let error = |rest: &str| Baseline::parse(&format!("{FORMAT}\n\n{rest}")).unwrap_err();
        assert_eq!(
            error("a.rom 1000").to_string(),
            "line 3: 1000 is 1000 bytes, and a ROM BAR is a power of two; the next ones are 512 and 1K"
        );
        assert!(matches!(
            error("a.rom"),
            BaselineError::Line { line: 3, .. }
        ));
        assert!(matches!(
            error("a.rom 1K x"),
            BaselineError::Line { line: 3, .. }
        ));
        assert!(matches!(
            error("a 1K\na 1K"),
            BaselineError::Twice { line: 4, .. }
        ));
        assert_eq!(error("# none"), BaselineError::Empty);
        assert!(matches!(
            Baseline::parse("").unwrap_err(),
            BaselineError::Format(_)
        ));
    }
}
