//! A header of an RPM package: an index of tags, and their data. What is wrong
//! for rpm is wrong here, before any of it is used.

use crate::bytes::hex;
use thiserror::Error;

/// The first bytes of a header, with its version.
pub(super) const HEADER_MAGIC: &[u8] = &[0x8e, 0xad, 0xe8, 0x01];
/// Length of a header's start: magic, reserved bytes, entries, bytes of data.
const START: usize = 16;
/// Length of an entry of the index: tag, type, offset and count.
const ENTRY: usize = 16;
/// The largest number of entries of a header, as in rpm.
pub const MAX_ENTRIES: u32 = 65_535;
/// The largest number of entries of a signature header, as in rpm.
pub const MAX_SIGNATURE_ENTRIES: u32 = 32;

/// Types of entries (the header format of RPM).
const INT16: u32 = 3;
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BIN: u32 = 7;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;
/// Length of a region's trailer.
const REGION: u32 = 16;
/// The tag of a region of a whole header (`RPMTAG_HEADERIMAGE`).
const HEADER_IMAGE: u32 = 61;

/// Why a header cannot be read. Offsets are in bytes, of the package.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// A header that is none.
    #[error("at {offset:#x} the {which} starts with {}, and it must be 8e ad e8 01", hex(.found))]
    Magic {
        /// Offset in the package.
        offset: usize,
        /// Which header.
        which: &'static str,
        /// The bytes that stand there.
        found: Vec<u8>,
    },
    /// A header that is longer than what is left of the file.
    #[error(
        "at {offset:#x} the {which} claims {entries} entries and {data} bytes of data, and {left} bytes are left of the file; fetch it again"
    )]
    Length {
        /// Offset in the package.
        offset: usize,
        /// Which header.
        which: &'static str,
        /// Entries that it claims.
        entries: u32,
        /// Bytes of data that it claims.
        data: u32,
        /// Bytes that are left of the file.
        left: usize,
    },
    /// More entries than rpm reads.
    #[error("at {offset:#x} the {which} claims {entries} entries, and the limit is {limit}")]
    TooManyEntries {
        /// Offset in the package.
        offset: usize,
        /// Which header.
        which: &'static str,
        /// Entries that it claims.
        entries: u32,
        /// The most that are read.
        limit: u32,
    },
    /// An entry whose data is not where it can be.
    #[error(
        "at {offset:#x} an entry of the {which}, tag {tag} of type {kind}, claims {count} values at {at:#x} of its data, and they are not there; the package is damaged"
    )]
    Entry {
        /// Offset of the entry in the package.
        offset: usize,
        /// Which header.
        which: &'static str,
        /// Its tag.
        tag: u32,
        /// Its type.
        kind: u32,
        /// The number of its values.
        count: u32,
        /// Where its values begin.
        at: u32,
    },
    /// A text with control characters, or that is no UTF-8.
    #[error("the {what} of the package in its header is no plain text: `{found}`")]
    Text {
        /// What it says.
        what: &'static str,
        /// Its start, shown safely.
        found: String,
    },
}

/// A header whose entries are known to lie in it.
#[derive(Debug)]
pub(super) struct Header<'a> {
    entries: Vec<Entry<'a>>,
    /// Offset of its end in the package.
    pub end: usize,
}

#[derive(Debug)]
struct Entry<'a> {
    tag: u32,
    kind: u32,
    count: usize,
    data: &'a [u8],
}

/// Which of the two headers, with its limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Which {
    pub name: &'static str,
    pub limit: u32,
    /// The tag of its first entry, if it is a region.
    pub region: u32,
}

impl<'a> Header<'a> {
    pub(super) fn read(bytes: &'a [u8], offset: usize, which: Which) -> Result<Self, HeaderError> {
        let rest = bytes.get(offset..).unwrap_or_default();
        if !rest.starts_with(HEADER_MAGIC) {
            return Err(HeaderError::Magic {
                offset,
                which: which.name,
                found: rest.iter().take(HEADER_MAGIC.len()).copied().collect(),
            });
        }
        let entries = be32(rest, 8).unwrap_or(0);
        let data = be32(rest, 12).unwrap_or(0);
        if entries > which.limit {
            return Err(HeaderError::TooManyEntries {
                offset,
                which: which.name,
                entries,
                limit: which.limit,
            });
        }
        let parts = || {
            let index_length = usize::try_from(entries).ok()?.checked_mul(ENTRY)?;
            let index_end = START.checked_add(index_length)?;
            let end = index_end.checked_add(usize::try_from(data).ok()?)?;
            let index = rest.get(START..index_end)?;
            Some((index, rest.get(index_end..end)?, offset.checked_add(end)?))
        };
        let (index, data, end) = parts().ok_or(HeaderError::Length {
            offset,
            which: which.name,
            entries,
            data,
            left: rest.len(),
        })?;
        let first = offset.saturating_add(START);
        Ok(Self {
            entries: entries_of(index, data, which).map_err(|(number, entry)| {
                let [tag, kind, at, count] = entry;
                HeaderError::Entry {
                    offset: first.saturating_add(number.saturating_mul(ENTRY)),
                    which: which.name,
                    tag,
                    kind,
                    count,
                    at,
                }
            })?,
            end,
        })
    }

    /// The entry of a tag, the first one if there are several.
    fn entry(&self, tag: u32, kinds: &[u32]) -> Option<&Entry<'a>> {
        let entry = self.entries.iter().find(|entry| entry.tag == tag)?;
        kinds.contains(&entry.kind).then_some(entry)
    }

    /// Whether there is an entry of this tag, of any type.
    pub(super) fn has(&self, tag: u32) -> bool {
        self.entries.iter().any(|entry| entry.tag == tag)
    }

    /// The first number of a tag.
    pub(super) fn number(&self, tag: u32) -> Option<u64> {
        self.numbers(tag).next()
    }

    /// All numbers of a tag, of 16, 32 or 64 bits.
    pub(super) fn numbers(&self, tag: u32) -> impl Iterator<Item = u64> + use<'a> {
        let entry = self.entry(tag, &[INT16, INT32, INT64]);
        let (width, data) = match entry {
            Some(entry) => (width(entry.kind), entry.data),
            None => (1, &[][..]),
        };
        let value = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        data.chunks_exact(width)
            .map(move |number| number.iter().fold(0, value))
    }

    /// All texts of a tag, without their ends.
    pub(super) fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let entry = self.entry(tag, &[STRING, STRING_ARRAY, I18N_STRING]);
        let (data, count) = entry.map_or((&[][..], 0), |entry| (entry.data, entry.count));
        data.split(|byte| *byte == 0).take(count)
    }

    /// The first text of a tag, as one for people.
    pub(super) fn text(
        &self,
        tag: u32,
        what: &'static str,
    ) -> Result<Option<&'a str>, HeaderError> {
        let Some(bytes) = self.texts(tag).next() else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes).ok();
        let is_wrong = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let text = text.filter(|text| !text.contains(is_wrong));
        Ok(Some(text.ok_or_else(|| {
            HeaderError::Text {
                what,
                found: bytes
                    .iter()
                    .take(60)
                    .copied()
                    .map(std::ascii::escape_default)
                    .map(|c| c.to_string())
                    .collect(),
            }
        })?))
    }

    /// The bytes of a tag.
    pub(super) fn binary(&self, tag: u32) -> Option<&'a [u8]> {
        Some(self.entry(tag, &[BIN])?.data)
    }
}

/// Bytes of one value; values of text are as long as they are.
const fn width(kind: u32) -> usize {
    match kind {
        INT16 => 2,
        INT32 => 4,
        INT64 => 8,
        _ => 1,
    }
}

/// The entries of an index, else the number and the four numbers of one that
/// rpm refuses: they stand in the order of their data and do not overlap.
fn entries_of<'a>(
    index: &'a [u8],
    data: &'a [u8],
    which: Which,
) -> Result<Vec<Entry<'a>>, (usize, [u32; 4])> {
    let mut entries = Vec::new();
    let mut end = 0;
    for (number, entry) in index.chunks_exact(ENTRY).enumerate() {
        let numbers = [0, 4, 8, 12].map(|at| be32(entry, at).unwrap_or(0));
        let [tag, kind, at, count] = numbers;
        // The first entry of a region stands for the others.
        if number == 0 && tag == which.region && kind == BIN {
            if count != REGION || !is_trailer(data, at, tag, index.len()) {
                return Err((number, numbers));
            }
            continue;
        }
        let found = value_bytes(data, end, kind, at, count);
        let (count, bytes, next) = found.ok_or((number, numbers))?;
        end = next;
        entries.push(Entry {
            tag,
            kind,
            count,
            data: bytes,
        });
    }
    Ok(entries)
}

/// Whether the data of a region's entry is its trailer: like an entry, but for
/// the bytes of its index, which it counts backwards.
fn is_trailer(data: &[u8], at: u32, tag: u32, index: usize) -> bool {
    let trailer = usize::try_from(at).ok().and_then(|at| data.get(at..));
    let trailer = trailer.and_then(|rest| rest.first_chunk::<ENTRY>());
    let Some(trailer) = trailer else {
        return false;
    };
    let number = |offset| be32(trailer, offset).unwrap_or(0);
    let length = usize::try_from(number(8).wrapping_neg()).unwrap_or(usize::MAX);
    // rpm wrote the tag of whole headers into signatures once.
    let is_tag = number(0) == tag || (tag == 62 && number(0) == HEADER_IMAGE);
    is_tag
        && number(4) == BIN
        && number(12) == REGION
        && length.is_multiple_of(ENTRY)
        && (ENTRY..=index).contains(&length)
}

/// The number of values of an entry, their bytes, and where these end.
fn value_bytes(
    data: &[u8],
    earliest: usize,
    kind: u32,
    at: u32,
    count: u32,
) -> Option<(usize, &[u8], usize)> {
    let at = usize::try_from(at).ok()?;
    let count = usize::try_from(count).ok()?;
    let is_sound = kind <= I18N_STRING
        && count > 0
        && at >= earliest
        && at.is_multiple_of(width(kind))
        && (kind != STRING || count == 1);
    let rest = data.get(at..).filter(|_| is_sound)?;
    let length = match kind {
        STRING | STRING_ARRAY | I18N_STRING => {
            let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == 0);
            let last = ends.map(|(end, _)| end).nth(count.checked_sub(1)?)?;
            last.checked_add(1)?
        }
        _ => count.checked_mul(width(kind))?,
    };
    Some((count, rest.get(..length)?, at.checked_add(length)?))
}

fn be32(bytes: &[u8], offset: usize) -> Option<u32> {
    let four = bytes.get(offset..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*four))
}

#[cfg(test)]
pub(super) mod tests;
