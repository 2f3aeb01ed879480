//! Numbers and texts of a stream, with the offset at which each one stands.

use super::{Input, StateError};
use std::io::{self, Read as _};

/// Reads big-endian fields one after the other.
#[derive(Debug)]
pub(super) struct Fields<I> {
    input: I,
    /// Where the next field stands, in bytes from the start of the file.
    pub(super) offset: u64,
    records: u64,
}

impl<I: Input> Fields<I> {
    pub(super) const fn new(input: I, offset: u64) -> Self {
        Self {
            input,
            offset,
            records: 0,
        }
    }

    /// Counts a record that may have no content of its own, so that a few
    /// packed bytes do not give work without end.
    pub(super) fn count_record(&mut self) -> Result<(), StateError> {
        self.records = self.records.saturating_add(1);
        if self.records > self.input.most_records() {
            return Err(StateError::TooManyRecords {
                offset: self.offset,
            });
        }
        Ok(())
    }

    /// Checks a version that was read at `offset`.
    pub(super) fn check_version(
        &self,
        what: &'static str,
        found: u32,
        known: u32,
        offset: u64,
    ) -> Result<(), StateError> {
        if found == known {
            Ok(())
        } else {
            Err(StateError::Version {
                offset,
                what,
                found,
                known,
            })
        }
    }

    /// A text of printable ASCII characters, at least one.
    pub(super) fn text(&mut self, length: u8, what: &'static str) -> Result<String, StateError> {
        let offset = self.offset;
        let mut bytes = vec![0; length.into()];
        self.exact(&mut bytes)?;
        let is_plain = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
        match String::from_utf8(bytes) {
            Ok(text) if is_plain && !text.is_empty() => Ok(text),
            Ok(text) => Err(StateError::NoText {
                offset,
                what,
                found: text.into_bytes(),
            }),
            Err(error) => Err(StateError::NoText {
                offset,
                what,
                found: error.into_bytes(),
            }),
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, StateError> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    pub(super) fn be32(&mut self) -> Result<u32, StateError> {
        self.bytes().map(u32::from_be_bytes)
    }

    pub(super) fn be64(&mut self) -> Result<u64, StateError> {
        self.bytes().map(u64::from_be_bytes)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let mut bytes = [0; N];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn exact(&mut self, bytes: &mut [u8]) -> Result<(), StateError> {
        let offset = self.offset;
        self.input
            .read_exact(bytes)
            .map_err(|source| StateError::Read { offset, source })?;
        self.offset = offset.saturating_add(bytes.len() as u64);
        Ok(())
    }

    pub(super) fn seek_to(&mut self, offset: u64) -> Result<(), StateError> {
        self.input
            .seek_to(offset)
            .map_err(|source| StateError::Read { offset, source })?;
        self.offset = offset;
        Ok(())
    }

    /// Reads what is left, up to `limit` bytes; whether the end was reached.
    pub(super) fn reaches_end(&mut self, limit: u64) -> Result<bool, StateError> {
        let offset = self.offset;
        let mut rest = (&mut self.input).take(limit.saturating_add(1));
        let passed = io::copy(&mut rest, &mut io::sink())
            .map_err(|source| StateError::Read { offset, source })?;
        self.offset = offset.saturating_add(passed);
        Ok(passed <= limit)
    }

    pub(super) fn skip(&mut self, length: u64) -> Result<(), StateError> {
        let offset = self.offset;
        self.input
            .skip(length)
            .map_err(|source| StateError::Read { offset, source })?;
        self.offset = offset.saturating_add(length);
        Ok(())
    }
}
