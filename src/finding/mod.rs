//! Findings: what is wrong or noteworthy, where, and what to do next.
//!
//! A [`Finding`] is a value. Its [`Code`] never changes meaning; the words of
//! each code's explanation stand in [`catalogue`].

pub mod catalogue;

pub use catalogue::Code;

use serde::Serialize;
use std::fmt;

/// How much a finding weighs. An error means that the answer is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing needs to be done.
    Note,
    /// Works today; likely to hurt later or elsewhere.
    Warning,
    /// Broken, or would break a guest.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Where in a file a finding stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Number of the image in its ROM, counted from 1.
    pub image: Option<usize>,
    /// Offset in bytes from the start of the file.
    pub offset: Option<u64>,
}

/// One thing found in one subject, said in the words of its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of finding this is.
    pub code: Code,
    /// Its weight, after any override.
    pub severity: Severity,
    /// The file, ROM or device that it is about.
    pub subject: String,
    /// Where in the subject.
    #[serde(flatten)]
    pub place: Place,
    /// What was found there.
    pub found: String,
    /// What is required instead.
    pub required: String,
    /// What to do next.
    pub next_step: String,
}

impl Finding {
    /// A finding about the whole of its subject, with the weight and the next
    /// step of its code.
    #[must_use]
    pub fn new(
        code: Code,
        subject: impl Into<String>,
        found: impl Into<String>,
        required: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: code.default_severity(),
            subject: subject.into(),
            place: Place::default(),
            found: found.into(),
            required: required.into(),
            next_step: code.explanation().remedy.to_owned(),
        }
    }

    /// The same at a place in its subject.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// The same with another next step.
    #[must_use]
    pub fn with_next_step(self, next_step: impl Into<String>) -> Self {
        Self {
            next_step: next_step.into(),
            ..self
        }
    }
}

impl fmt::Display for Finding {
    /// One line for people: severity, code, subject, place, found, required.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity, self.code, self.subject)?;
        if let Some(image) = self.place.image {
            write!(f, ", image {image}")?;
        }
        if let Some(offset) = self.place.offset {
            write!(f, ", at {offset:#x}")?;
        }
        write!(f, ": {}; {}", self.found, self.required)
    }
}

/// Severities that a user has set for codes; the others keep their default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeverityOverrides(Vec<(Code, Option<Severity>)>);

impl SeverityOverrides {
    /// Sets a code's severity, or silences it with `None`. The last one wins.
    pub fn set(&mut self, code: Code, severity: Option<Severity>) {
        self.0.push((code, severity));
    }

    /// Gives each finding its severity and leaves out what is silenced.
    #[must_use]
    pub fn apply(&self, findings: Vec<Finding>) -> Vec<Finding> {
        findings
            .into_iter()
            .filter_map(|mut finding| {
                let set = self.0.iter().rev().find(|(code, _)| *code == finding.code);
                if let Some((_, severity)) = set {
                    finding.severity = (*severity)?;
                }
                Some(finding)
            })
            .collect()
    }
}

/// `1 ROM`, `2 ROMs`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Whether any of the findings says no.
#[must_use]
pub fn has_errors(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: Code) -> Finding {
        let place = Place {
            image: Some(2),
            offset: Some(0x1c),
        };
        Finding::new(code, "a.rom", "found this", "that is required").at(place)
    }

    #[test]
    fn a_finding_names_subject_image_and_offset_in_hex() {
        assert_eq!(
            finding(Code::PcirOutOfBounds).to_string(),
            "error[RC104]: a.rom, image 2, at 0x1c: found this; that is required"
        );
    }

    #[test]
    fn the_last_override_of_a_code_wins() {
        let mut overrides = SeverityOverrides::default();
        overrides.set(Code::PcirOutOfBounds, None);
        overrides.set(Code::PcirOutOfBounds, Some(Severity::Note));
        let left = overrides.apply(vec![finding(Code::PcirOutOfBounds)]);
        assert_eq!(left[0].severity, Severity::Note);
        assert!(!has_errors(&left));
    }

    #[test]
    fn a_silenced_code_is_left_out_and_others_stay() {
        let mut overrides = SeverityOverrides::default();
        overrides.set(Code::PcirOutOfBounds, None);
        let left = overrides.apply(vec![
            finding(Code::PcirOutOfBounds),
            finding(Code::ImageChecksum),
        ]);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].code, Code::ImageChecksum);
    }
}
