//! Where a state is read from: a file, or a stream that goes one way.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

/// A state that is read from its start, of which parts are passed over.
pub trait Input: Read {
    /// Passes over `length` bytes.
    ///
    /// # Errors
    /// Those of the reader; the end of the state may go unseen until the next
    /// read.
    fn skip(&mut self, length: u64) -> io::Result<()>;

    /// Goes to `offset` bytes from the start of the file.
    ///
    /// # Errors
    /// Those of the reader, and always of a stream.
    fn seek_to(&mut self, offset: u64) -> io::Result<()>;

    /// How many records without content may have been read so far.
    fn most_records(&self) -> u64 {
        u64::MAX
    }
}

/// A state in a file, of which what is passed over is not read.
#[derive(Debug)]
pub struct Seekable<F>(BufReader<F>);

impl<F: Read + Seek> Seekable<F> {
    /// The state in `file`, from where it stands.
    pub fn new(file: F) -> Self {
        Self(BufReader::with_capacity(64 << 10, file))
    }
}

impl<F: Read> Read for Seekable<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<F: Read + Seek> Input for Seekable<F> {
    fn skip(&mut self, length: u64) -> io::Result<()> {
        let length = i64::try_from(length).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        self.0.seek_relative(length)
    }

    fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset)).map(|_| ())
    }
}

/// The records that each packed byte may hold. Those of zero pages, 9 bytes
/// each, take a fifth of a byte where xz packs them best.
const RECORDS_OF_A_BYTE: u64 = 16;
/// Records that the first bytes may hold, which packers fill before they give
/// anything out.
const FIRST_RECORDS: u64 = 1 << 20;

/// Packed data that counts its bytes as a decoder takes them.
#[derive(Debug)]
pub struct Packed<R> {
    reader: R,
    taken: Rc<Cell<u64>>,
}

impl<R: BufRead> Packed<R> {
    /// What `reader` has.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            taken: Rc::default(),
        }
    }

    /// The state that `decode` makes of it.
    ///
    /// # Errors
    /// Those of `decode`.
    pub fn decoded<D>(self, decode: impl FnOnce(Self) -> io::Result<D>) -> io::Result<Streamed<D>> {
        let taken = Rc::clone(&self.taken);
        Ok(Streamed {
            reader: decode(self)?,
            taken,
        })
    }
}

impl<R: BufRead> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.taken
            .set(self.taken.get().saturating_add(count as u64));
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Packed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken
            .set(self.taken.get().saturating_add(count as u64));
        self.reader.consume(count);
    }
}

/// A state that comes out of a decoder or a pipe, of which everything has to
/// be read.
#[derive(Debug)]
pub struct Streamed<R> {
    reader: R,
    taken: Rc<Cell<u64>>,
}

impl<R: Read> Read for Streamed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl<R: Read> Input for Streamed<R> {
    fn skip(&mut self, length: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.reader.by_ref().take(length), &mut io::sink())?;
        if skipped < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn seek_to(&mut self, _offset: u64) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "pages at fixed places (mapped-ram) are read only in a file that is not compressed",
        ))
    }

    fn most_records(&self) -> u64 {
        let taken = self.taken.get();
        taken
            .saturating_mul(RECORDS_OF_A_BYTE)
            .saturating_add(FIRST_RECORDS)
    }
}
