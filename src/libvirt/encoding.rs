//! The encoding of a definition: libvirt writes UTF-8.

use super::DomainError;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Names of UTF-8, and of the part of it that is ASCII (IANA, Character Sets).
const UTF_8: [&str; 2] = ["utf-8", "utf8"];
const ASCII: [&str; 2] = ["us-ascii", "ascii"];

fn is_one_of(encoding: &str, names: &[&str]) -> bool {
    names.iter().any(|name| encoding.eq_ignore_ascii_case(name))
}

/// Whether a text may say this encoding.
pub(super) fn is_of(encoding: &str, text: &str) -> bool {
    is_one_of(encoding, &UTF_8) || (is_one_of(encoding, &ASCII) && text.is_ascii())
}

/// The text in these bytes; where there is none, the error has the encoding
/// that they say, or the place.
pub(super) fn text(bytes: &[u8]) -> Result<&str, DomainError> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let offset = error.valid_up_to();
    let valid = bytes.get(..offset).unwrap_or_default();
    let start = std::str::from_utf8(valid).unwrap_or_default();
    if let Ok(Event::Decl(declaration)) = Reader::from_str(start).read_event()
        && let Some(Ok(encoding)) = declaration.encoding()
        && !is_one_of(&encoding, &UTF_8)
    {
        return Err(DomainError::Encoding(encoding.into_owned()));
    }
    Err(DomainError::NotUtf8 { offset })
}

#[cfg(test)]
mod tests {
    use crate::libvirt::Domain;

    fn read(encoding: &str, name: &[u8]) -> Result<(), String> {
        let head = format!("<?xml version='1.0' encoding='{encoding}'?>\n<domain><name>");
        let bytes = [head.as_bytes(), name, b"</name></domain>"].concat();
        let read = Domain::parse(&bytes).map(|_| ());
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn every_name_of_utf_8_and_of_its_part_is_read() {
        for encoding in ["UTF-8", "utf8", "UTF8", "US-ASCII", "ascii"] {
            assert_eq!(read(encoding, b"one"), Ok(()), "{encoding}");
        }
        assert_eq!(read("utf8", "zw\u{f6}lf".as_bytes()), Ok(()));
    }

    #[test]
    fn another_encoding_is_refused_by_its_name() {
        for (encoding, name) in [
            ("ISO-8859-1", &b"one"[..]),
            ("ISO-8859-1", b"zw\xf6lf"),
            ("US-ASCII", "zw\u{f6}lf".as_bytes()),
        ] {
            let error = read(encoding, name).unwrap_err();
            assert!(error.contains(&format!("`{encoding}`")), "{error}");
        }
        let error = read("UTF-8", b"zw\xf6lf").unwrap_err();
        assert!(error.contains("it is not UTF-8"), "{error}");
    }
}
