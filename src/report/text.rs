//! Text for people, made of lines.

use super::Colour;
use crate::printable::on_one_line;
use anstyle::{AnsiColor, Style};
use std::fmt::Display;
use std::ops::Deref;

/// Lines for a person to read. Whatever a file says in one of them, it neither
/// ends the line nor commands the terminal: a line is escaped as it is added,
/// and only then styled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// No line.
    #[must_use]
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// What another program reads, as it is.
    #[must_use]
    pub const fn for_programs(text: String) -> Self {
        Self(text)
    }

    /// Appends a line.
    pub fn line(&mut self, line: impl Display) {
        self.styled("", Style::new(), line);
    }

    /// Appends a line that begins with a part in this style.
    pub fn styled(&mut self, begins: impl Display, style: Style, goes_on: impl Display) {
        let (begins, goes_on) = (begins.to_string(), goes_on.to_string());
        if !begins.is_empty() {
            let begins = on_one_line(&begins);
            self.0.push_str(&format!("{style}{begins}{style:#}"));
        }
        self.0.push_str(&on_one_line(&goes_on));
        self.0.push('\n');
    }

    /// Appends a line that begins with a heading.
    pub fn heading(&mut self, heading: impl Display, colour: Colour, goes_on: impl Display) {
        self.styled(heading, colour.bold(), goes_on);
    }

    /// Appends a line that begins with the word for an error.
    pub fn error(&mut self, colour: Colour, goes_on: impl Display) {
        let style = match colour {
            Colour::Always => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
            Colour::Never => Style::new(),
        };
        self.styled("error", style, goes_on);
    }

    /// Appends an empty line.
    pub fn blank(&mut self) {
        self.0.push('\n');
    }

    /// Appends lines.
    pub fn add(&mut self, lines: Self) {
        self.0.push_str(&lines.0);
    }

    /// Appends lines that were laid out, each escaped already.
    pub(super) fn add_laid_out(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_and_only_our_own_style_is_left() {
        let name = "a\u{1b}[31m\nerror: b\u{202e}";
        let mut text = Text::new();
        text.line(format_args!("{name} is a ROM"));
        text.heading(name, Colour::Always, "");
        text.blank();
        let shown = "a\\u{1b}[31m\\nerror: b\\u{202e}";
        assert_eq!(
            text,
            &*format!("{shown} is a ROM\n\u{1b}[1m{shown}\u{1b}[0m\n\n")
        );
    }
}
