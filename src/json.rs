//! Values as JSON documents.

use crate::printable::is_unprintable;
use serde::Serialize;

/// A value as one JSON document over several lines, with a final line feed.
/// Strings in it have escapes for what does something to a terminal.
#[must_use]
pub fn document(value: &impl Serialize) -> String {
    // What is written here are structs with string keys, which serialise.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    let is_escaped = |character: char| character != '\n' && is_unprintable(character);
    if !text.contains(is_escaped) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_escaped(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_does_nothing_to_a_terminal_and_reads_as_it_is() {
        let name = "a\u{1b}\n\u{9b}\u{2028}\u{202e}\u{e0041}ü";
        let text = document(&[name]);
        assert_eq!(text.lines().count(), 3);
        assert!(
            text.chars().all(|c| c == '\n' || !is_unprintable(c)),
            "{text}"
        );
        let read: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, [name]);
    }
}
