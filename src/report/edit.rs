//! Which ROMs were written, and whether they differ from the input.

use super::table::{Columns, plain};
use super::{Colour, SCHEMA_VERSION, Text};
use crate::rom::BarSize;
use serde::Serialize;

/// The answer of a command that edits ROMs.
#[derive(Debug, Serialize)]
pub struct EditReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The files that were written.
    pub files: Vec<WrittenFile>,
}

/// One file that was written.
#[derive(Debug, Serialize)]
pub struct WrittenFile {
    /// Where.
    pub path: String,
    /// Size and BAR of the ROM that it is an edit of; none for a part of one, and
    /// for one made of several.
    pub before: Option<(u64, BarSize)>,
    /// Its size, in bytes.
    pub size: u64,
    /// The BAR that QEMU gives it; none for what is no ROM.
    pub bar: Option<BarSize>,
    /// Whether it differs from the input.
    pub changed: bool,
}

impl EditReport {
    /// A report of these files.
    #[must_use]
    pub const fn new(files: Vec<WrittenFile>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            files,
        }
    }

    /// A row a file; what it was before, where it is an edit of one ROM.
    #[must_use]
    pub fn text(&self, colour: Colour) -> Text {
        if self.files.iter().all(|file| file.before.is_none()) {
            return self.text_of_new_files(colour);
        }
        let headings = ["Written", ">Old size", ">BAR", ">Size", ">BAR", "Content"];
        let mut columns = Columns::new(&headings, colour);
        for file in &self.files {
            let before = |value: Option<String>| plain(value.unwrap_or_else(|| "-".to_owned()));
            columns.row([
                plain(&file.path),
                before(file.before.map(|(size, _)| size.to_string())),
                before(file.before.map(|(_, bar)| bar.to_string())),
                plain(file.size),
                before(file.bar.map(|bar| bar.to_string())),
                plain(if file.changed { "changed" } else { "as it was" }),
            ]);
        }
        columns.text()
    }

    fn text_of_new_files(&self, colour: Colour) -> Text {
        let mut columns = Columns::new(&["Written", ">Size", ">BAR"], colour);
        for file in &self.files {
            let bar = file.bar.map_or("-".to_owned(), |bar| bar.to_string());
            columns.row([plain(&file.path), plain(file.size), plain(bar)]);
        }
        columns.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_made_of_several_was_nothing_before() {
        let report = EditReport::new(vec![WrittenFile {
            path: "out.rom".to_owned(),
            before: None,
            size: 1536,
            bar: BarSize::of_rom(1536),
            changed: true,
        }]);
        let text = "Written  Size  BAR\nout.rom  1536   2K\n";
        assert_eq!(report.text(Colour::Never), text);
    }

    #[test]
    fn each_file_has_a_row() {
        let bar = BarSize::of_rom(512);
        let report = EditReport::new(vec![WrittenFile {
            path: "out.rom".to_owned(),
            before: bar.map(|bar| (512, bar)),
            size: 512,
            bar,
            changed: false,
        }]);
        assert_eq!(
            report.text(Colour::Never),
            "Written  Old size  BAR  Size  BAR  Content\nout.rom       512  512   512  512  as it was\n"
        );
    }
}
