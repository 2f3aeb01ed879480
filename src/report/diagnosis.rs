//! What a pasted line means, and what to do.

use super::{Colour, SCHEMA_VERSION, Text};
use crate::diagnosis::{Cause, Class, Diagnosis};
use serde::Serialize;

/// Columns that an answer has at the most.
const WIDTH: usize = 80;

/// What is said of a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What happened.
    pub happened: String,
    /// What became of the guest.
    pub kept: &'static str,
    /// What to do, by the way one came here.
    pub steps: Vec<Step>,
}

/// What to do in one situation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The situation.
    pub when: &'static str,
    /// What to type, or to change, in this order.
    pub what: Vec<String>,
    /// Whether something is lost by it.
    pub loses: bool,
}

/// The answer of `explain` for a pasted text.
#[derive(Debug, Serialize)]
pub struct DiagnosisReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What it is about.
    pub class: Class,
    /// The piece of the text that decides.
    pub line: String,
    /// What it means.
    pub cause: Cause,
    /// What to do.
    #[serde(flatten)]
    pub advice: Advice,
    /// What else was in the text.
    pub others: Vec<Cause>,
}

impl DiagnosisReport {
    /// The report of a diagnosis, with what is advised.
    #[must_use]
    pub fn new(diagnosis: Diagnosis, advice: Advice) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            class: diagnosis.cause.class(),
            line: diagnosis.line,
            cause: diagnosis.cause,
            advice,
            others: diagnosis.others,
        }
    }

    /// What happened, what is kept, and what to do, as paragraphs.
    #[must_use]
    pub fn text(&self, colour: Colour) -> Text {
        let mut text = Text::new();
        text.heading(self.class, colour, "");
        text.blank();
        text.line(format_args!("  {}", self.line));
        text.blank();
        for line in filled(&self.advice.happened, 0) {
            text.line(line);
        }
        for line in filled(self.advice.kept, 0) {
            text.line(line);
        }
        for step in &self.advice.steps {
            let mark = if step.loses { " (last resort)" } else { "" };
            text.blank();
            text.heading(format_args!("{}{mark}", step.when), colour, "");
            for line in step.what.iter().flat_map(|what| filled(what, 2)) {
                text.line(format_args!("  {line}"));
            }
        }
        if self.advice.steps.is_empty() {
            return text;
        }
        let decides = self.others.iter().filter(|other| other.decides()).count();
        if decides > 0 {
            let lines = if decides == 1 { "line" } else { "lines" };
            text.blank();
            text.line(format_args!(
                "{decides} more {lines} of the text name a cause: explain {} alone, too.",
                if decides == 1 { "it" } else { "each" }
            ));
        }
        text
    }
}

/// Text in lines of at most [`WIDTH`] columns, of which the indent takes some. A
/// line that begins with a space stays whole: it is to be typed.
fn filled(text: &str, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with(' ') {
            lines.push(line.to_owned());
            continue;
        }
        let mut filled = String::new();
        for word in line.split(' ') {
            let length = filled.chars().count().saturating_add(word.chars().count());
            if !filled.is_empty() && length.saturating_add(indent) >= WIDTH {
                lines.push(std::mem::take(&mut filled));
            }
            if !filled.is_empty() {
                filled.push(' ');
            }
            filled.push_str(word);
        }
        lines.push(filled);
    }
    lines
}
