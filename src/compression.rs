//! Compressed data, recognised by content and decoded up to a limit.

mod lzop;

use lzop::LzopDecoder;
use std::io::{self, BufRead, Read};

/// More bytes than this are not unpacked from one input: 256 MiB.
pub const UNPACKED_LIMIT: u64 = 256 << 20;
/// Memory that an xz decoder may use, in bytes: enough for every preset.
const XZ_MEMORY: u64 = 96 << 20;
/// The largest window of a zstd stream, as a power of two: 64 MiB.
const ZSTD_WINDOW_LOG: u32 = 26;

/// How data is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all, or in a way that is not known here.
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// xz.
    Xz,
    /// Zstandard (RFC 8878).
    Zstd,
    /// bzip2.
    Bzip2,
    /// lzop.
    Lzop,
    /// The lzma format that came before xz, which is not decoded.
    Lzma,
}

impl Compression {
    /// Recognises a compression by the first bytes.
    #[must_use]
    pub const fn of(data: &[u8]) -> Self {
        match data {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            [0x89, b'L', b'Z', b'O', 0, ..] => Self::Lzop,
            [0x5d, 0, 0, ..] => Self::Lzma,
            _ => Self::None,
        }
    }
}

/// Decodes data as a stream that ends with an error at a limit.
pub struct Decoder<'a> {
    stream: Box<dyn Read + 'a>,
    left: u64,
    limit: u64,
}

impl std::fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl<'a> Decoder<'a> {
    /// Decodes `data`, of at most `limit` bytes.
    ///
    /// # Errors
    /// An unsupported compression, and a zstd decoder that cannot start.
    pub fn new(data: &'a [u8], limit: u64) -> io::Result<Self> {
        Self::of_stream(data, limit)
    }

    /// Decodes a stream, of at most `limit` bytes.
    ///
    /// # Errors
    /// As for [`Decoder::new`], and those of the stream.
    pub fn of_stream(mut data: impl BufRead + 'a, limit: u64) -> io::Result<Self> {
        let stream: Box<dyn Read + 'a> = match Compression::of(data.fill_buf()?) {
            Compression::None => Box::new(data),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(data)),
            Compression::Xz => {
                let stream =
                    xz2::stream::Stream::new_stream_decoder(XZ_MEMORY, xz2::stream::CONCATENATED)?;
                Box::new(xz2::bufread::XzDecoder::new_stream(data, stream))
            }
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(data)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(data)),
            Compression::Lzop => Box::new(LzopDecoder::new(data)?),
            Compression::Lzma => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "lzma is not read; xz, zstd, bzip2, gzip and none are",
                ));
            }
        };
        Ok(Self {
            stream,
            left: limit,
            limit,
        })
    }

    /// Reads what is left, within the limit, since the sums that say whether
    /// the data is whole stand at its end. The reader of an archive stops at
    /// the last entry.
    ///
    /// # Errors
    /// Data that is cut or changed, and more than the limit.
    pub fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self, &mut io::sink()).map(|_| ())
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!(
                    "it unpacks to more than {} MiB; unpack it yourself and give the directory",
                    self.limit >> 20
                ),
            )
        })?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn decoded(data: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Decoder::new(data, limit)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn packed(data: &[u8]) -> [Vec<u8>; 5] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(data).unwrap();
        let mut xz = xz2::write::XzEncoder::new(Vec::new(), 0);
        xz.write_all(data).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(data).unwrap();
        [
            data.to_vec(),
            bzip2.finish().unwrap(),
            gzip.finish().unwrap(),
            xz.finish().unwrap(),
            zstd::encode_all(data, 0).unwrap(),
        ]
    }

    #[test]
    fn each_compression_is_recognised_by_content() {
        for data in packed(b"55 aa and so on") {
            assert_eq!(decoded(&data, 100).unwrap(), b"55 aa and so on");
        }
    }

    #[test]
    fn what_unpacks_beyond_the_limit_is_an_error() {
        for data in packed(&[0; 4096]) {
            let error = decoded(&data, 4095).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        }
    }

    #[test]
    fn data_that_is_cut_is_an_error() {
        for data in &packed(&[7; 4096])[1..] {
            for end in 6..data.len() {
                assert!(decoded(&data[..end], 1 << 20).is_err(), "{end}");
            }
        }
    }

    #[test]
    fn what_is_cut_or_changed_behind_the_last_byte_read_is_seen_at_the_end() {
        for data in &packed(&[7; 4096])[1..] {
            let finished = |data: &[u8]| {
                let mut decoder = Decoder::new(data, 1 << 20)?;
                decoder.read_exact(&mut [0; 10])?;
                decoder.finish()
            };
            finished(data).unwrap();
            finished(&data[..data.len() - 1]).unwrap_err();
            let (last, rest) = data.split_last().unwrap();
            finished(&[rest, &[last ^ 1]].concat()).unwrap_err();
        }
    }

    #[test]
    fn lzma_is_refused_by_name() {
        let error = decoded(b"\x5d\0\0\x80\0", 100).unwrap_err();
        assert!(error.to_string().starts_with("lzma is not read"));
    }
}
