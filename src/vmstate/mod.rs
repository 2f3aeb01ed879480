//! The saved state of a guest: which RAM blocks it needs, and what is in them.
//!
//! A state is a stream of QEMU (`QEVM`), alone or in a libvirt save file. It
//! is read from its start as far as is needed, and no length in it is trusted.

mod contents;
mod error;
mod fields;
mod libvirt_save;
mod qcow2;
mod stream;

pub use error::StateError;
pub use libvirt_save::{LibvirtSave, SaveCompression, is_libvirt_save};
pub use qcow2::{MAGIC as QCOW2_MAGIC, Qcow2, Snapshot, SnapshotState};
pub use stream::{MAGIC, RamBlock, SavedState, StateReader};

use std::io::{self, Read, Seek, SeekFrom};

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
}

/// A state in a file, of which what is passed over is not read.
#[derive(Debug)]
pub struct Seekable<F>(pub F);

impl<F: Read> Read for Seekable<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<F: Read + Seek> Input for Seekable<F> {
    fn skip(&mut self, length: u64) -> io::Result<()> {
        let length = i64::try_from(length).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        self.0.seek(SeekFrom::Current(length)).map(|_| ())
    }

    fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset)).map(|_| ())
    }
}

/// A state that comes out of a decoder, of which everything has to be read.
#[derive(Debug)]
pub struct Streamed<R>(pub R);

impl<R: Read> Read for Streamed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Input for Streamed<R> {
    fn skip(&mut self, length: u64) -> io::Result<()> {
        io::copy(&mut self.0.by_ref().take(length), &mut io::sink()).map(|_| ())
    }

    fn seek_to(&mut self, _offset: u64) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "pages at fixed places of the file cannot stand in compressed data",
        ))
    }
}
