//! Values as JSON documents.

use serde::Serialize;

/// A value as one JSON document over several lines, with a final line feed.
#[must_use]
pub fn document(value: &impl Serialize) -> String {
    // What is written here are structs with string keys, which serialise.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
