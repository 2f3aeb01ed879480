//! A tar archive as it streams by: headers, names and contents in blocks.

use super::header::{BLOCK, Found, Header, until_nul};
use super::pax::Records;
use super::{MAX_EXTENDED, MAX_NAME, TarError};
use std::io::{self, Read};

/// An archive with the place that it was read to.
pub(super) struct Reader<R> {
    tar: R,
    /// Bytes that were read.
    at: u64,
    /// Offset of the last header.
    pub(super) header_at: u64,
    /// A block that was looked at, and how much of it is still to be read.
    ahead: [u8; BLOCK],
    ahead_left: usize,
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.ahead.len().saturating_sub(self.ahead_left);
        let ahead = self.ahead.get(ahead..).unwrap_or_default();
        let count = if ahead.is_empty() {
            self.tar.read(buffer)?
        } else {
            io::Cursor::new(ahead).read(buffer)?
        };
        self.ahead_left = self.ahead_left.saturating_sub(count);
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

impl<R: Read> Reader<R> {
    pub(super) const fn new(tar: R) -> Self {
        Self {
            tar,
            at: 0,
            header_at: 0,
            ahead: [0; BLOCK],
            ahead_left: 0,
        }
    }

    pub(super) const fn damaged(&self, problem: &'static str) -> TarError {
        TarError::Damaged {
            offset: self.header_at,
            problem,
        }
    }

    pub(super) const fn cut(&self) -> TarError {
        TarError::Cut {
            offset: self.header_at,
        }
    }

    fn failed(&self, source: io::Error) -> TarError {
        TarError::Read {
            offset: self.header_at,
            source,
        }
    }

    /// The next block; `None` at the end, before which there may be some zeros.
    pub(super) fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut bytes = Vec::with_capacity(BLOCK);
        let read = self.by_ref().take(BLOCK as u64).read_to_end(&mut bytes);
        read.map_err(|error| self.failed(error))?;
        match bytes.first_chunk() {
            Some(block) => Ok(Some(*block)),
            None if bytes.iter().all(|byte| *byte == 0) => Ok(None),
            None => Err(self.cut()),
        }
    }

    /// The next header; `None` at the archive's end.
    pub(super) fn header(&mut self) -> Result<Option<Header>, TarError> {
        self.header_at = self.at;
        match self.block()?.map(Found::at) {
            Some(Found::Header(header)) => Ok(Some(header)),
            Some(Found::Zeros) | None => Ok(None),
            Some(Found::Nothing) => {
                Err(self.damaged("there is no header of an entry, or its checksum is wrong"))
            }
        }
    }

    /// Whether content comes next, and not a header or the end: old programs
    /// gave sizes to links, folders and devices, which have no content.
    pub(super) fn content_follows(&mut self) -> Result<bool, TarError> {
        let Some(block) = self.block()? else {
            return Ok(false);
        };
        self.ahead = block;
        self.ahead_left = BLOCK;
        self.at = self.at.saturating_sub(BLOCK as u64);
        Ok(matches!(Found::at(block), Found::Nothing))
    }

    /// Reads all of a content, which the archive pads to a block.
    fn content(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        let mut bytes = Vec::new();
        let read = self.by_ref().take(size).read_to_end(&mut bytes);
        read.map_err(|error| self.failed(error))?;
        self.skip(
            size.saturating_sub(bytes.len() as u64)
                .saturating_add(padding(size)),
        )?;
        Ok(bytes)
    }

    pub(super) fn skip_content(&mut self, size: u64) -> Result<(), TarError> {
        self.skip(size.saturating_add(padding(size)))
    }

    pub(super) fn skip(&mut self, length: u64) -> Result<(), TarError> {
        let skipped = io::copy(&mut self.by_ref().take(length), &mut io::sink());
        if skipped.map_err(|error| self.failed(error))? < length {
            return Err(self.cut());
        }
        Ok(())
    }

    pub(super) fn name(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > MAX_NAME {
            return Err(TarError::Name {
                offset: self.header_at,
            });
        }
        Ok(until_nul(&self.content(size)?).to_vec())
    }

    pub(super) fn records(
        &mut self,
        size: u64,
        to: &mut Records,
        is_global: bool,
    ) -> Result<(), TarError> {
        if size > MAX_EXTENDED {
            return Err(self.damaged("an extended header has more than 4 MiB, the limit here"));
        }
        let records = self.content(size)?;
        to.take(&records, is_global)
            .map_err(|problem| self.damaged(problem))
    }

    /// Reads to the end of the data, and gives the offset of the first header of
    /// another archive. Other data there is nothing to tar programs, either.
    pub(super) fn behind_end(&mut self) -> Result<Option<u64>, TarError> {
        let mut block = Vec::with_capacity(BLOCK);
        let mut found = None;
        loop {
            let start = self.at;
            block.clear();
            let read = self.by_ref().take(BLOCK as u64).read_to_end(&mut block);
            read.map_err(|error| self.failed(error))?;
            let Some(block) = block.first_chunk() else {
                return Ok(found);
            };
            if found.is_none() && matches!(Found::at(*block), Found::Header(_)) {
                found = Some(start);
            }
        }
    }
}

/// What is stored of an entry's content.
pub(super) struct Content<'a, R> {
    pub(super) reader: &'a mut Reader<R>,
    pub(super) left: u64,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.by_ref().take(self.left).read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            let error = "the tar archive ends inside it: it was cut, or goes on in another volume";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, error));
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

/// Bytes from the end of a content to the next block.
pub(super) const fn padding(size: u64) -> u64 {
    const LAST: u64 = BLOCK as u64 - 1;
    size.wrapping_neg() & LAST
}
