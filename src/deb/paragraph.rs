//! The one paragraph of a control file, by the grammar of dpkg's parser
//! (deb822(5)): what it refuses is refused here.

use std::collections::HashSet;
use thiserror::Error;

/// The longest control file, in bytes: 1 MiB.
pub const MAX_CONTROL: u64 = 1 << 20;
/// More fields than this are refused.
pub const MAX_FIELDS: usize = 1024;

/// Why a text is no control file. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParagraphError {
    /// Nothing but blank lines.
    #[error("the control file has no fields")]
    Empty,
    /// More than [`MAX_CONTROL`].
    #[error("the control file has more than {} KiB, the limit", MAX_CONTROL >> 10)]
    TooLong,
    /// More than [`MAX_FIELDS`].
    #[error("the control file has more than {MAX_FIELDS} fields, the limit")]
    TooManyFields,
    /// A line that starts no field.
    #[error("line {line} of the control file: `{text}` is no field; write `Name: value`")]
    NoField {
        /// The line.
        line: usize,
        /// Its start.
        text: String,
    },
    /// A name that fields must not have.
    #[error(
        "line {line} of the control file: `{name}` is no name of a field: it has at least two characters and no `-` first"
    )]
    Name {
        /// The line.
        line: usize,
        /// The name.
        name: String,
    },
    /// A field that is there twice.
    #[error("line {line} of the control file: the field {name} is there twice")]
    Twice {
        /// The line of the second one.
        line: usize,
        /// Its name.
        name: String,
    },
    /// A blank line that is continued.
    #[error(
        "line {line} of the control file: the field {name} has a blank line; write ` .` in its place"
    )]
    BlankLine {
        /// The line.
        line: usize,
        /// The field.
        name: String,
    },
    /// A last field whose value does not come.
    #[error("line {line} of the control file: the last field, {name}, has no value")]
    NoValue {
        /// The line.
        line: usize,
        /// The field.
        name: String,
    },
    /// A last line without an end.
    #[error("line {line} of the control file has no line end; the file was cut")]
    NoLineEnd {
        /// The line.
        line: usize,
    },
    /// A second paragraph.
    #[error("line {line} of the control file starts a second paragraph, and a package has one")]
    SecondParagraph {
        /// The line.
        line: usize,
    },
}

/// A field: its name as written, and its value without blanks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub name: String,
    pub value: Vec<u8>,
}

/// What C's `isspace` says.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| is_space(*byte))
}

/// The fields of a control file in their order.
pub(super) fn fields(text: &[u8]) -> Result<Vec<Field>, ParagraphError> {
    if text.len() as u64 > MAX_CONTROL {
        return Err(ParagraphError::TooLong);
    }
    let mut fields: Vec<Field> = Vec::new();
    let mut names = HashSet::new();
    let mut ended = false;
    let mut last_line = 0;
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index.saturating_add(1);
        if line == b"\n" {
            ended = !fields.is_empty();
            continue;
        }
        if ended {
            return Err(ParagraphError::SecondParagraph { line: number });
        }
        if !line.ends_with(b"\n") {
            return Err(ParagraphError::NoLineEnd { line: number });
        }
        if line.first().copied().is_some_and(is_space) {
            let Some(field) = fields.last_mut() else {
                return Err(no_field(number, line));
            };
            if is_blank(line) {
                return Err(ParagraphError::BlankLine {
                    line: number,
                    name: field.name.clone(),
                });
            }
            field.value.extend(line);
            continue;
        }
        let field = start_of_field(number, line)?;
        if !names.insert(field.name.to_ascii_lowercase()) {
            return Err(ParagraphError::Twice {
                line: number,
                name: field.name,
            });
        }
        if fields.len() >= MAX_FIELDS {
            return Err(ParagraphError::TooManyFields);
        }
        fields.push(field);
        last_line = number;
    }
    if let Some(last) = fields.last().filter(|last| last.value == b"\n" && !ended) {
        return Err(ParagraphError::NoValue {
            line: last_line,
            name: last.name.clone(),
        });
    }
    for field in &mut fields {
        let end = field.value.iter().rposition(|byte| !is_space(*byte));
        field
            .value
            .truncate(end.map_or(0, |end| end.saturating_add(1)));
    }
    if fields.is_empty() {
        return Err(ParagraphError::Empty);
    }
    Ok(fields)
}

fn start_of_field(number: usize, line: &[u8]) -> Result<Field, ParagraphError> {
    let end = line
        .iter()
        .position(|byte| is_space(*byte) || *byte == b':');
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    let colon = rest.iter().position(|byte| !is_space(*byte));
    let value = colon.and_then(|at| rest.get(at..)?.strip_prefix(b":"));
    let name = std::str::from_utf8(name).ok().filter(|name| {
        let is_plain = |c: char| c.is_ascii_graphic();
        !name.is_empty() && name.chars().all(is_plain)
    });
    let (Some(name), Some(value)) = (name, value) else {
        return Err(no_field(number, line));
    };
    if name.len() < 2 || name.starts_with('-') {
        return Err(ParagraphError::Name {
            line: number,
            name: name.to_owned(),
        });
    }
    let is_gap = |byte: &&u8| is_space(**byte) && **byte != b'\n';
    let blanks = value.iter().take_while(is_gap).count();
    Ok(Field {
        name: name.to_owned(),
        value: value.get(blanks..).unwrap_or_default().to_vec(),
    })
}

fn no_field(line: usize, text: &[u8]) -> ParagraphError {
    let text = String::from_utf8_lossy(text.trim_ascii_end());
    ParagraphError::NoField {
        line,
        text: text.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        fields(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn fields_keep_their_lines_and_lose_blanks_around_their_values() {
        let found = fields(b"\n\nAa :  x \r\nBb:\n y\n\t z \nCc:\n\n\n").unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|field| (&*field.name, std::str::from_utf8(&field.value).unwrap()))
            .collect();
        assert_eq!(found, [("Aa", "x"), ("Bb", "\n y\n\t z"), ("Cc", "")]);
    }

    #[test]
    fn what_dpkg_refuses_is_refused_with_its_line() {
        for (text, said) in [
            ("", "the control file has no fields"),
            ("\n\n", "the control file has no fields"),
            (
                "Aa: b\nBb\n",
                "line 2 of the control file: `Bb` is no field",
            ),
            (
                "Aa: b\n# c\n",
                "line 2 of the control file: `# c` is no field",
            ),
            (
                " Aa: b\n",
                "line 1 of the control file: ` Aa: b` is no field",
            ),
            (": b\n", "line 1 of the control file: `: b` is no field"),
            (
                "A\x1bb: b\n",
                "line 1 of the control file: `A\x1bb: b` is no field",
            ),
            ("A: b\n", "line 1 of the control file: `A` is no name"),
            ("-A: b\n", "line 1 of the control file: `-A` is no name"),
            (
                "Aa: b\naA: c\n",
                "line 2 of the control file: the field aA is there twice",
            ),
            (
                "Aa: b\n \n c\n",
                "line 2 of the control file: the field Aa has a blank line",
            ),
            (
                "Aa: b\nBb:\n",
                "line 2 of the control file: the last field, Bb, has no value",
            ),
            (
                "Aa: b\nBb:\n",
                "line 2 of the control file: the last field, Bb, has no value",
            ),
            ("Aa: b", "line 1 of the control file has no line end"),
            ("Aa: b\n c", "line 2 of the control file has no line end"),
            (
                "Aa: b\n\nBb: c\n",
                "line 3 of the control file starts a second paragraph",
            ),
        ] {
            assert!(error(text).starts_with(said), "{text:?}: {}", error(text));
        }
    }

    #[test]
    fn as_many_fields_and_bytes_as_the_limits_are_read_and_no_more() {
        let many = |count: usize| (0..count).map(|n| format!("F{n}: x\n")).collect::<String>();
        assert_eq!(
            fields(many(MAX_FIELDS).as_bytes()).unwrap().len(),
            MAX_FIELDS
        );
        assert_eq!(
            error(&many(MAX_FIELDS + 1)),
            "the control file has more than 1024 fields, the limit"
        );
        let limit = usize::try_from(MAX_CONTROL).unwrap();
        let long = |length: usize| format!("Aa: {}\n", "x".repeat(length - 5));
        assert!(fields(long(limit).as_bytes()).is_ok());
        assert_eq!(
            error(&long(limit + 1)),
            "the control file has more than 1024 KiB, the limit"
        );
    }
}
