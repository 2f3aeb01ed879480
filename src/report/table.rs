//! Aligned columns for a terminal.

use super::{Colour, Text};
use crate::printable::on_one_line;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

/// How a cell is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
}

/// A table that grows row by row; columns are as wide as their content.
#[derive(Debug)]
pub(super) struct Columns {
    colour: Colour,
    right_aligned: Vec<bool>,
    rows: Vec<Vec<(String, Style)>>,
}

impl Columns {
    /// A table with these headings; one that starts with `>` heads a column
    /// that is aligned to the right.
    pub(super) fn new(headings: &[&str], colour: Colour) -> Self {
        let names = headings.iter().map(|name| name.trim_start_matches('>'));
        Self {
            colour,
            right_aligned: headings.iter().map(|h| h.starts_with('>')).collect(),
            rows: vec![names.map(|name| (name.to_owned(), colour.bold())).collect()],
        }
    }

    /// Appends a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = (String, Tone)>) {
        let style = |tone| match (self.colour, tone) {
            (Colour::Never, _) | (_, Tone::Plain) => Style::new(),
            (Colour::Always, Tone::Good) => AnsiColor::Green.on_default(),
            (Colour::Always, Tone::Bad) => AnsiColor::Red.on_default(),
        };
        let cells = cells.into_iter();
        let row = cells.map(|(text, tone)| (on_one_line(&text).into_owned(), style(tone)));
        self.rows.push(row.collect());
    }

    /// The lines, without spaces at their ends.
    pub(super) fn text(self) -> Text {
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|(text, _)| text.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.right_aligned.len()).map(widest).collect();
        let line = |row: &Vec<(String, Style)>| {
            let shapes = widths.iter().zip(&self.right_aligned);
            let cells = row
                .iter()
                .zip(shapes)
                .map(|((text, style), (width, right))| {
                    let space = " ".repeat(width.saturating_sub(text.width()));
                    match right {
                        true => format!("{space}{style}{text}{style:#}"),
                        false => format!("{style}{text}{style:#}{space}"),
                    }
                });
            cells.collect::<Vec<_>>().join("  ")
        };
        let mut text = Text::new();
        for row in &self.rows {
            text.add_laid_out(line(row).trim_end());
        }
        text
    }
}

/// A cell without a tone.
pub(super) fn plain(text: impl ToString) -> (String, Tone) {
    (text.to_string(), Tone::Plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_lines_have_no_spaces_at_their_ends() {
        let mut columns = Columns::new(&["ROM", ">Size", "Sum"], Colour::Never);
        columns.row([plain("a"), plain(512), ("ok".into(), Tone::Good)]);
        columns.row([plain("long.rom"), plain(65536), plain("")]);
        assert_eq!(
            columns.text(),
            "ROM        Size  Sum\na           512  ok\nlong.rom  65536\n"
        );
    }

    #[test]
    fn colour_changes_no_column() {
        let text = |colour| {
            let mut columns = Columns::new(&["ROM", ">Size", "Sum"], colour);
            columns.row([plain("long.rom"), plain(512), ("right".into(), Tone::Good)]);
            columns.row([plain("a"), plain(65536), ("wrong".into(), Tone::Bad)]);
            columns.text()
        };
        let coloured = text(Colour::Always);
        assert!(coloured.contains("\u{1b}["));
        let stripped = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(text(Colour::Never), &*stripped);
    }
}
