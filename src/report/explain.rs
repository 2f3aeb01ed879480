//! What codes mean, why they matter and what to do.

use super::{Colour, SCHEMA_VERSION, Text};
use crate::finding::{Code, Severity};
use serde::Serialize;

/// The answer of `explain`.
#[derive(Debug, Serialize)]
pub struct ExplainReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The codes.
    pub codes: Vec<ExplainedCode>,
}

/// One code.
#[derive(Debug, Serialize)]
pub struct ExplainedCode {
    /// The code, such as `RC104`.
    pub code: Code,
    /// Its name.
    pub name: &'static str,
    /// Its severity where nobody has set another.
    pub severity: Severity,
    /// What was found.
    pub what: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl ExplainReport {
    /// Explains these codes, or all where none is named.
    #[must_use]
    pub fn of(codes: &[Code]) -> Self {
        let codes = if codes.is_empty() { Code::ALL } else { codes };
        let explained = codes.iter().map(|code| {
            let explanation = code.explanation();
            ExplainedCode {
                code: *code,
                name: code.name(),
                severity: code.default_severity(),
                what: explanation.what,
                why: explanation.why,
                remedy: explanation.remedy,
            }
        });
        Self {
            schema_version: SCHEMA_VERSION,
            codes: explained.collect(),
        }
    }

    /// A paragraph a code; a line a code where there are many.
    #[must_use]
    pub fn text(&self, colour: Colour) -> Text {
        let mut text = Text::new();
        for code in &self.codes {
            let (number, name, severity) = (code.code, code.name, code.severity);
            if self.codes.len() > 5 {
                let row = format_args!("  {name:<26} {severity:<8} {}", code.what);
                text.heading(number, colour, row);
                continue;
            }
            let heading = format_args!("{number} {name}");
            text.heading(heading, colour, format_args!(" ({severity})"));
            text.line(format_args!("  {}", code.what));
            text.blank();
            text.line(format_args!("  Why it matters: {}", code.why));
            text.blank();
            text.line(format_args!("  What to do: {}", code.remedy));
            text.blank();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_code_is_a_paragraph_and_all_are_a_list() {
        let one = ExplainReport::of(&[Code::PcirOutOfBounds]).text(Colour::Never);
        assert!(
            one.starts_with("RC104 pcir-out-of-bounds (error)\n"),
            "{one}"
        );
        assert!(one.contains("What to do: "));
        let all = ExplainReport::of(&[]).text(Colour::Never);
        assert_eq!(all.lines().count(), Code::ALL.len());
    }
}
