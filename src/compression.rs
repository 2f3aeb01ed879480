//! Compressed data, recognised by content and decoded up to a limit.

mod lzop;
mod packed;
mod streams;

use lzop::LzopDecoder;
use packed::{Meter, Packed};
use std::io::{self, BufRead, Read};
use std::rc::Rc;
use streams::Streams;

/// More bytes than this are not unpacked from one input: 256 MiB.
pub const UNPACKED_LIMIT: u64 = 256 << 20;
/// Memory that an xz decoder may use, in bytes: enough for every preset.
const XZ_MEMORY: u64 = 96 << 20;
/// The largest window of a zstd stream, as a power of two: 128 MiB, which is
/// what `zstd -d` takes without an option.
const ZSTD_WINDOW_LOG: u32 = 27;
/// Bytes from the start that tell a compression.
const START: usize = 6;
/// What libzstd says of a larger one.
const ZSTD_WINDOW: &str = "Frame requires too much memory for decoding";

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
            // A frame, or one that is passed over (RFC 8878, section 3.1.2).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            [0x89, b'L', b'Z', b'O', 0, ..] => Self::Lzop,
            [0x5d, 0, 0, ..] => Self::Lzma,
            _ => Self::None,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Lzop => "lzop",
            Self::Lzma => "lzma",
        }
    }
}

/// Decodes data as a stream that ends with an error at a limit.
pub struct Decoder<'a> {
    stream: Box<dyn Read + 'a>,
    compression: Compression,
    left: u64,
    limit: u64,
    meter: Rc<Meter>,
}

impl std::fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("compression", &self.compression)
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
    pub fn of_stream(data: impl BufRead + 'a, limit: u64) -> io::Result<Self> {
        let mut packed = Packed::new(data);
        let meter = packed.meter();
        let compression = Compression::of(packed.peek(START)?);
        let stream: Box<dyn Read + 'a> = match compression {
            Compression::None => Box::new(packed),
            Compression::Gzip => Box::new(Streams::<flate2::bufread::GzDecoder<_>>::start(packed)?),
            Compression::Xz => {
                // What no sum of a known kind protects is refused, as xz does.
                let flags = xz2::stream::CONCATENATED | xz2::stream::TELL_UNSUPPORTED_CHECK;
                let stream = xz2::stream::Stream::new_stream_decoder(XZ_MEMORY, flags)?;
                Box::new(xz2::bufread::XzDecoder::new_stream(packed, stream))
            }
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
            Compression::Bzip2 => Box::new(Streams::<bzip2::bufread::BzDecoder<_>>::start(packed)?),
            Compression::Lzop => Box::new(Streams::<LzopDecoder<_>>::start(packed)?),
            Compression::Lzma => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "lzma is not read; xz, zstd, bzip2, gzip and none are",
                ));
            }
        };
        Ok(Self {
            stream,
            compression,
            left: limit,
            limit,
            meter,
        })
    }

    /// How the data is compressed.
    #[must_use]
    pub const fn compression(&self) -> Compression {
        self.compression
    }

    /// An error of the decoder, with the compression and the place.
    fn named(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        if self.compression == Compression::None || kind == io::ErrorKind::Interrupted {
            return error;
        }
        let what = match (limit_of(&error), kind) {
            (Some(limit), _) => format!("{limit}; unpack it yourself"),
            (None, io::ErrorKind::UnexpectedEof) => "it ends there; it was cut".to_owned(),
            (None, _) => error.to_string(),
        };
        let name = self.compression.name();
        let taken = self.meter.taken.get();
        io::Error::new(kind, format!("{name}, at {taken:#x}: {what}"))
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

/// What the decoders of libraries say of a limit, and of which.
fn limit_of(error: &io::Error) -> Option<String> {
    let source = error.get_ref()?;
    match source.downcast_ref::<xz2::stream::Error>() {
        Some(xz2::stream::Error::MemLimit) => Some(format!(
            "its decoder needs more than {} MiB of memory",
            XZ_MEMORY >> 20
        )),
        None if source.to_string() == ZSTD_WINDOW => Some(format!(
            "its window is larger than {} MiB",
            1_u64.checked_shl(ZSTD_WINDOW_LOG)? >> 20
        )),
        _ => None,
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self
            .stream
            .read(buffer)
            .map_err(|error| self.named(error))?;
        self.meter.give(count);
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
        let mut zstd = zstd::Encoder::new(Vec::new(), 0).unwrap();
        zstd.include_checksum(true).unwrap();
        zstd.write_all(data).unwrap();
        [
            data.to_vec(),
            bzip2.finish().unwrap(),
            gzip.finish().unwrap(),
            xz.finish().unwrap(),
            zstd.finish().unwrap(),
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

    fn lzop(stored: &[u8]) -> Vec<u8> {
        let head = [0x10, 0x40, 0x20, 0xa0, 9, 0x40, 1, 5];
        let header = [&head[..], &[0, 0, 0, 1], &[0; 13]].concat();
        let sum = simd_adler32::adler32(&&*header).to_be_bytes();
        let size = u32::try_from(stored.len()).unwrap().to_be_bytes();
        let block = match stored {
            [] => Vec::new(),
            stored => {
                let sum = simd_adler32::adler32(&stored).to_be_bytes();
                [&size[..], &size, &sum, stored].concat()
            }
        };
        [b"\x89LZO\0\r\n\x1a\n", &*header, &sum, &block, &[0; 4]].concat()
    }

    /// Data that is no tar archive, packed in each way that is read.
    fn every_way(data: &[u8]) -> [(Compression, Vec<u8>); 5] {
        let [_, bzip2, gzip, xz, zstd] = packed(data);
        [
            (Compression::Bzip2, bzip2),
            (Compression::Gzip, gzip),
            (Compression::Xz, xz),
            (Compression::Zstd, zstd),
            (Compression::Lzop, lzop(data)),
        ]
    }

    #[test]
    fn streams_behind_each_other_are_one() {
        for (compression, one) in every_way(b"abc") {
            assert_eq!(Compression::of(&one), compression);
            assert_eq!(decoded(&one.repeat(3), 9).unwrap(), b"abcabcabc");
            let decoder = Decoder::new(&one, 9).unwrap();
            assert_eq!(decoder.compression(), compression);
        }
    }

    /// What may stand behind the last stream is what the programs of each
    /// compression take with status 0.
    #[test]
    fn behind_the_last_stream_stands_what_its_own_program_takes() {
        use Compression::{Bzip2, Gzip, Lzop, Xz};
        let behind: [(&[u8], &[Compression]); 7] = [
            (&[0; 3], &[Gzip, Lzop, Bzip2]),
            (&[0; 40_000], &[Gzip, Lzop, Bzip2, Xz]),
            (b"garbage", &[Bzip2]),
            (b"\0\0\0\0x", &[Bzip2]),
            (b"Bx", &[Bzip2]),
            (b"BZh0garbage", &[Bzip2]),
            (b"BZ", &[]),
        ];
        for (compression, one) in every_way(b"abc") {
            for (data, takers) in behind {
                let found = decoded(&[&one, data].concat(), 3);
                let is_taken = takers.contains(&compression);
                assert_eq!(found.is_ok(), is_taken, "{compression:?} {data:.9?}");
            }
            let apart = decoded(&[&*one, &[0; 4], &one].concat(), 6);
            let wanted: &[u8] = match compression {
                Xz => b"abcabc",
                Bzip2 => b"abc",
                _ => {
                    apart.unwrap_err();
                    continue;
                }
            };
            assert_eq!(apart.unwrap(), wanted);
        }
    }

    /// bzip2 would leave out all that follows a bit that is wrong.
    #[test]
    fn no_bit_of_a_second_stream_can_change_unseen() {
        for (compression, one) in every_way(b"abc") {
            for bit in 0..one.len() * 8 {
                let mut second = one.clone();
                second[bit / 8] ^= 1 << (bit % 8);
                if let Ok(found) = decoded(&[&one, &*second].concat(), 100) {
                    assert_eq!(found, b"abcabc", "{compression:?} {bit}");
                }
            }
        }
    }

    #[test]
    fn frames_that_zstd_passes_over_stand_anywhere() {
        let frame = zstd::encode_all(&b"abc"[..], 0).unwrap();
        for nibble in [0x50, 0x5f] {
            let passed = [nibble, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, b'l', b'i', b's', b't'];
            let file = [&passed, &*frame, &passed, &frame, &passed].concat();
            assert_eq!(decoded(&file, 6).unwrap(), b"abcabc");
            decoded(&file[..file.len() - 1], 6).unwrap_err();
        }
        assert_eq!(
            Compression::of(&[0x60, 0x2a, 0x4d, 0x18]),
            Compression::None
        );
    }

    /// Streams that unpack to nothing, up to the number that is read.
    #[test]
    fn a_file_has_as_many_streams_as_their_limit() {
        for (compression, one) in every_way(b"") {
            let most = match compression {
                Compression::Bzip2 => 256,
                Compression::Gzip | Compression::Lzop => 4096,
                _ => continue,
            };
            assert_eq!(decoded(&one.repeat(most), 9).unwrap(), b"");
            let error = decoded(&one.repeat(most + 1), 9).unwrap_err();
            assert!(
                error.to_string().contains(&format!(
                    "more than {most} streams stand in it, the most for the 0 bytes that they unpack to"
                )),
                "{error}"
            );
        }
    }

    #[test]
    fn what_streams_unpack_to_allows_more_of_them() {
        for (compression, bytes, most) in [
            (Compression::Bzip2, 64 << 10, 256),
            (Compression::Gzip, 1 << 10, 4096),
            (Compression::Lzop, 1 << 10, 4096),
        ] {
            let of = |data: &[u8]| {
                let mut all = every_way(data).into_iter();
                all.find(|(found, _)| *found == compression).unwrap().1
            };
            let (first, empty) = (of(&vec![0; bytes]), of(b""));
            let file = |others: usize| [&*first, &empty.repeat(others)].concat();
            decoded(&file(most), u64::MAX).unwrap();
            decoded(&file(most + 1), u64::MAX).unwrap_err();
            let first = of(&vec![0; bytes - 1]);
            decoded(&[&*first, &empty.repeat(most)].concat(), u64::MAX).unwrap_err();
        }
    }

    /// Empty frames and streams of xz and zstd, which their libraries pass
    /// over, and what they cost.
    #[test]
    fn packed_data_that_gives_nothing_ends_at_a_mebibyte() {
        for (compression, one) in every_way(b"") {
            if !matches!(compression, Compression::Xz | Compression::Zstd) {
                continue;
            }
            let few = (1 << 20) / one.len();
            assert_eq!(decoded(&one.repeat(few), 9).unwrap(), b"");
            // The budget is looked at every 32 KiB.
            let many = ((1 << 20) + (64 << 10)) / one.len();
            let error = decoded(&one.repeat(many), 9).unwrap_err().to_string();
            assert!(error.contains("and at most 1048576 may be more"), "{error}");
        }
    }

    #[test]
    fn windows_and_dictionaries_are_read_up_to_their_limits() {
        let zstd = |log: u8| {
            // No single segment, no size, no sum; then an empty last block.
            let window = (log - 10) << 3;
            [0x28, 0xb5, 0x2f, 0xfd, 0, window, 1, 0, 0]
        };
        assert_eq!(decoded(&zstd(27), 9).unwrap(), b"");
        assert_eq!(
            decoded(&zstd(28), 9).unwrap_err().to_string(),
            "zstd, at 0x0: its window is larger than 128 MiB; unpack it yourself"
        );
        let xz = |dictionary: u32| {
            let mut options = xz2::stream::LzmaOptions::new_preset(0).unwrap();
            options.dict_size(dictionary);
            let mut filters = xz2::stream::Filters::new();
            filters.lzma2(&options);
            let check = xz2::stream::Check::Crc32;
            let stream = xz2::stream::Stream::new_stream_encoder(&filters, check).unwrap();
            let mut encoder = xz2::write::XzEncoder::new_stream(Vec::new(), stream);
            encoder.write_all(b"abc").unwrap();
            encoder.finish().unwrap()
        };
        // The largest preset has 64 MiB, and sizes are 2^n or 2^n + 2^(n-1).
        assert_eq!(decoded(&xz(64 << 20), 9).unwrap(), b"abc");
        let error = decoded(&xz(96 << 20), 9).unwrap_err().to_string();
        assert!(
            error.ends_with("its decoder needs more than 96 MiB of memory; unpack it yourself"),
            "{error}"
        );
    }

    #[test]
    fn a_compression_is_seen_through_a_pipe_that_gives_single_bytes() {
        for (compression, one) in every_way(b"abc") {
            let pipe = io::BufReader::with_capacity(1, &*one);
            let mut decoder = Decoder::of_stream(pipe, 9).unwrap();
            let mut text = String::new();
            decoder.read_to_string(&mut text).unwrap();
            assert_eq!((decoder.compression(), &*text), (compression, "abc"));
        }
    }

    #[test]
    fn lzma_is_refused_by_name() {
        let error = decoded(b"\x5d\0\0\x80\0", 100).unwrap_err();
        assert!(error.to_string().starts_with("lzma is not read"));
    }
}
