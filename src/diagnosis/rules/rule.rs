//! A kind of line, and how its parts are read.

use crate::diagnosis::cause::Cause;
use regex_lite::Captures;

/// A kind of line.
pub(in crate::diagnosis) struct Rule {
    /// Words that are in every such line, in lower case.
    pub(in crate::diagnosis) words: &'static str,
    /// The line, from its first word to its last.
    pub(in crate::diagnosis) pattern: &'static str,
    /// What it means; `None` where it turns out to be another line.
    pub(in crate::diagnosis) meaning: fn(&Captures<'_>) -> Option<Cause>,
}

pub(super) const fn rule(
    words: &'static str,
    pattern: &'static str,
    meaning: fn(&Captures<'_>) -> Option<Cause>,
) -> Rule {
    Rule {
        words,
        pattern,
        meaning,
    }
}

pub(super) fn text(found: &Captures<'_>, name: &str) -> String {
    found
        .name(name)
        .map(|group| group.as_str().to_owned())
        .unwrap_or_default()
}

pub(super) fn hex(found: &Captures<'_>, name: &str) -> Option<u64> {
    u64::from_str_radix(found.name(name)?.as_str(), 16).ok()
}

pub(super) fn decimal(found: &Captures<'_>, name: &str) -> Option<u64> {
    found.name(name)?.as_str().parse().ok()
}
