//! Aligned columns for a terminal.

use super::{Colour, Text};
use crate::printable::on_one_line;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

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
    table: Table,
    right_aligned: Vec<bool>,
}

impl Columns {
    /// A table with these headings; one that starts with `>` heads a column
    /// that is aligned to the right.
    pub(super) fn new(headings: &[&str], colour: Colour) -> Self {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        match colour {
            Colour::Always => table.enforce_styling(),
            Colour::Never => table.force_no_tty(),
        };
        table.style_text_only();
        let right_aligned: Vec<bool> = headings.iter().map(|h| h.starts_with('>')).collect();
        table.set_header(headings.iter().zip(&right_aligned).map(|(heading, right)| {
            align(
                Cell::new(heading.trim_start_matches('>')).add_attribute(Attribute::Bold),
                *right,
            )
        }));
        Self {
            table,
            right_aligned,
        }
    }

    /// Appends a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = (String, Tone)>) {
        let cells = cells
            .into_iter()
            .zip(&self.right_aligned)
            .map(|((text, tone), right)| {
                let cell = align(Cell::new(on_one_line(&text)), *right);
                match tone {
                    Tone::Plain => cell,
                    Tone::Good => cell.fg(Color::Green),
                    Tone::Bad => cell.fg(Color::Red),
                }
            });
        self.table.add_row(cells);
    }

    /// The lines, without spaces at their ends.
    pub(super) fn text(mut self) -> Text {
        if let Some(first) = self.table.column_mut(0) {
            first.set_padding((0, 1));
        }
        let mut text = Text::new();
        for line in self.table.lines() {
            text.add_laid_out(line.trim_end());
        }
        text
    }
}

fn align(cell: Cell, right: bool) -> Cell {
    cell.set_alignment(if right {
        CellAlignment::Right
    } else {
        CellAlignment::Left
    })
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
