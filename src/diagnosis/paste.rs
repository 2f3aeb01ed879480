//! Pasted text, freed of what mail, chat, logs and JSON put around it.

use thiserror::Error;

/// The longest text that is read, in bytes: 1 MiB.
pub const MAX_PASTE: usize = 1 << 20;

/// A text of more than [`MAX_PASTE`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "it has {0} bytes, and at most {MAX_PASTE} are read; give the last lines before the failure"
)]
pub struct PasteTooLong(usize);

/// A pasted text in the two forms in which lines are looked for.
#[derive(Debug)]
pub(super) struct Paste {
    /// Every run of white space is one space.
    pub(super) on_one_line: String,
    /// As before, but line breaks are gone: for text that was cut at a width.
    pub(super) without_breaks: String,
}

impl Paste {
    pub(super) fn new(text: &str) -> Result<Self, PasteTooLong> {
        if text.len() > MAX_PASTE {
            return Err(PasteTooLong(text.len()));
        }
        let decoded = if has_quoted_printable(text) {
            from_quoted_printable(text)
        } else {
            text.to_owned()
        };
        let plain = straight_quotes(&without_entities(&without_escapes(&decoded)));
        let lines: Vec<&str> = plain.lines().map(without_quote_marks).collect();
        Ok(Self {
            on_one_line: collapsed(&lines.join(" ")),
            without_breaks: collapsed(&lines.concat()),
        })
    }
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line without the `> ` that mail and trackers put before quoted text.
fn without_quote_marks(line: &str) -> &str {
    let mut rest = line;
    while let Some(inner) = rest.trim_start().strip_prefix('>') {
        rest = inner;
    }
    if rest.len() == line.len() {
        line
    } else {
        rest.trim_start()
    }
}

/// Whether the text has what RFC 2045 writes for `=`.
fn has_quoted_printable(text: &str) -> bool {
    text.contains("=3D") || text.contains("=3d")
}

fn from_quoted_printable(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'=' {
            bytes.push(first);
            continue;
        }
        if let Some(behind) = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n")) {
            rest = behind;
            continue;
        }
        let digits = rest.split_at_checked(2).and_then(|(digits, behind)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, behind))
        });
        match digits {
            Some((byte, behind)) => {
                bytes.push(byte);
                rest = behind;
            }
            None => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Text without the backslashes of JSON strings and Python's `repr`.
fn without_escapes(text: &str) -> String {
    [
        ("\\r", " "),
        ("\\n", "\n"),
        ("\\t", " "),
        ("\\u003d", "="),
        ("\\u003e", ">"),
        ("\\u0027", "'"),
        ("\\u0022", "\""),
        ("\\\"", "\""),
        ("\\'", "'"),
        ("\\/", "/"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn without_entities(text: &str) -> String {
    [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn straight_quotes(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' | '`' => Some('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => Some('"'),
            '\u{2260}' => Some('≠'),
            '\u{200b}' | '\u{feff}' => None,
            other => Some(other),
        })
        .collect::<String>()
        .replace('≠', "!=")
}
