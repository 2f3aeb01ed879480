//! Compressed streams that stand one behind the other in a file, as `cat` of
//! several files gives them, and packers that work in parallel.

use super::packed::{Meter, Packed};
use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// A decoder of one stream.
pub(super) trait Stream: Read + Sized {
    /// Where the packed data comes from.
    type Reader: BufRead;
    /// Streams that may stand in a file, however little they unpack to.
    const FREE: u64;
    /// Unpacked bytes that allow one more.
    const BYTES_OF_ONE: u64;

    /// Starts with the first byte of a stream.
    fn start(packed: Packed<Self::Reader>) -> io::Result<Self>;

    /// The data behind the stream, which came to its end.
    fn into_packed(self) -> Packed<Self::Reader>;

    /// Whether another stream follows.
    fn follows(packed: &mut Packed<Self::Reader>) -> io::Result<bool>;
}

/// All streams of a file, as one.
#[derive(Debug)]
pub(super) struct Streams<S> {
    /// The one that is being read; none behind the last.
    current: Option<S>,
    /// Streams so far.
    count: u64,
    meter: Rc<Meter>,
}

impl<S: Stream> Streams<S> {
    pub(super) fn start(packed: Packed<S::Reader>) -> io::Result<Self> {
        Ok(Self {
            count: 1,
            meter: packed.meter(),
            current: Some(S::start(packed)?),
        })
    }

    fn next(&mut self, mut packed: Packed<S::Reader>) -> io::Result<Option<S>> {
        if !S::follows(&mut packed)? {
            return Ok(None);
        }
        self.count = self.count.saturating_add(1);
        let given = self.meter.given.get();
        let most = S::FREE.saturating_add(given.checked_div(S::BYTES_OF_ONE).unwrap_or(0));
        if self.count > most {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!(
                    "more than {most} streams stand in it, the most for the {given} bytes that they unpack to; pack it again as one stream"
                ),
            ));
        }
        S::start(packed).map(Some)
    }
}

impl<S: Stream> Read for Streams<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(stream) = &mut self.current {
            let count = stream.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if let Some(ended) = self.current.take() {
                self.current = self.next(ended.into_packed())?;
            }
        }
        Ok(0)
    }
}

/// Refuses what is no stream and stands behind one.
fn garbage<T>() -> io::Result<T> {
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "other data stands behind the last stream; cut it off",
    ))
}

/// Whether a stream with this first byte follows. Zeros may stand at the end
/// of the file, as on a tape.
pub(super) fn follows_or_zeros<R: BufRead>(packed: &mut Packed<R>, first: u8) -> io::Result<bool> {
    packed.skip_zeros().and_then(|zeros| match packed.peek(1)? {
        [] => Ok(false),
        [byte] if *byte == first && zeros == 0 => Ok(true),
        _ => garbage(),
    })
}

impl<R: BufRead> Stream for GzDecoder<Packed<R>> {
    type Reader = R;
    const FREE: u64 = 4096;
    const BYTES_OF_ONE: u64 = 1 << 10;

    fn start(packed: Packed<R>) -> io::Result<Self> {
        Ok(Self::new(packed))
    }

    fn into_packed(self) -> Packed<R> {
        self.into_inner()
    }

    fn follows(packed: &mut Packed<R>) -> io::Result<bool> {
        follows_or_zeros(packed, 0x1f)
    }
}

/// What stands behind the four bytes `BZh9` of a stream: a block, or its end.
const BZIP2_MARKS: [[u8; 6]; 2] = [
    [0x31, 0x41, 0x59, 0x26, 0x53, 0x59],
    [0x17, 0x72, 0x45, 0x38, 0x50, 0x90],
];

/// bzip2 passes over what is no stream, and so does this, unless it is one
/// whose first bytes were changed.
impl<R: BufRead> Stream for BzDecoder<Packed<R>> {
    type Reader = R;
    /// Each stream costs a table of up to 3.6 MB.
    const FREE: u64 = 256;
    const BYTES_OF_ONE: u64 = 64 << 10;

    fn start(packed: Packed<R>) -> io::Result<Self> {
        Ok(Self::new(packed))
    }

    fn into_packed(self) -> Packed<R> {
        self.into_inner()
    }

    fn follows(packed: &mut Packed<R>) -> io::Result<bool> {
        match packed.peek(10)? {
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Ok(true),
            [_, _, _, _, mark @ ..] if BZIP2_MARKS.iter().any(|known| mark == known) => garbage(),
            // The end of a stream's first bytes, perhaps.
            [b'B'] | [b'B', b'Z'] | [b'B', b'Z', b'h'] => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(false),
        }
    }
}
