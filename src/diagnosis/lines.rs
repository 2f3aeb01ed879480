//! Lines that are known, looked for in a text.

use super::cause::Cause;
use super::rules::{Rule, rules};
use regex_lite::Regex;
use std::sync::LazyLock;

/// A log repeats itself: of one rule's lines, this many are looked at.
const MAX_OCCURRENCES: usize = 32;
/// Bytes before and behind a rule's words that belong to its line.
const AROUND: usize = 400;

/// The rules, ready to be used.
static COMPILED: LazyLock<Vec<(&'static Rule, Regex)>> = LazyLock::new(|| {
    let compiled = rules().filter_map(|rule| Some((rule, Regex::new(rule.pattern).ok()?)));
    compiled.collect()
});

/// Every line that is known, with what it means, in the order of the text.
pub(super) fn matches(text: &str) -> Vec<(String, Cause)> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<(usize, String, Cause)> = Vec::new();
    for (rule, pattern) in COMPILED.iter() {
        let mut read = 0;
        for (at, _) in lower.match_indices(rule.words).take(MAX_OCCURRENCES) {
            if at < read {
                continue;
            }
            let start = boundary(text, at.saturating_sub(AROUND)).max(read);
            let end = boundary(text, at.saturating_add(AROUND));
            let Some(captures) = text.get(start..end).and_then(|near| pattern.captures(near))
            else {
                continue;
            };
            let Some(whole) = captures.get(0) else {
                continue;
            };
            read = start.saturating_add(whole.end());
            if let Some(cause) = (rule.meaning)(&captures) {
                let place = start.saturating_add(whole.start());
                let is_known = |(other, line, _): &(usize, String, Cause)| {
                    *other <= place && place < other.saturating_add(line.len())
                };
                if cause.decides()
                    && found
                        .iter()
                        .any(|known| is_known(known) && known.2.decides())
                {
                    continue;
                }
                found.push((place, whole.as_str().to_owned(), cause));
            }
        }
    }
    found.sort_by_key(|(place, _, _)| *place);
    found
        .into_iter()
        .map(|(_, line, cause)| (line, cause))
        .collect()
}

/// The nearest boundary of characters at or before this offset.
fn boundary(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

#[cfg(test)]
#[test]
fn every_pattern_compiles() {
    assert_eq!(COMPILED.len(), rules().count());
    for rule in rules() {
        assert_eq!(rule.words, rule.words.to_lowercase());
    }
}
