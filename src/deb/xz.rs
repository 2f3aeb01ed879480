//! How packages are compressed.

use std::io::{self, Write};
use std::sync::mpsc::Sender;
use xz2::stream::{Check, Filters, LzmaOptions, MatchFinder, Mode, Stream};
use xz2::write::XzEncoder;

/// An xz encoder with one thread. The ROMs of one release share code, so the
/// dictionary must reach over most of the data; one that reaches further only
/// makes the match finder's tables outgrow the processor's caches.
pub(super) fn encoder<W: Write>(length: usize, output: W) -> io::Result<XzEncoder<W>> {
    const SMALLEST: u32 = 64 << 10;
    const LARGEST: u32 = 8 << 20;
    let length = u32::try_from(length).unwrap_or(LARGEST);
    let power_of_two = 1_u32 << length.checked_ilog2().unwrap_or(0);
    let mut options = LzmaOptions::new_preset(2)?;
    options
        .dict_size(power_of_two.clamp(SMALLEST, LARGEST))
        .mode(Mode::Fast)
        .match_finder(MatchFinder::HashChain4)
        .nice_len(32)
        .depth(2)
        .position_bits(0);
    let stream = Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc64)?;
    Ok(XzEncoder::new_stream(output, stream))
}

/// Compresses data, and sends what comes out as it does.
pub(super) fn compress(data: &[u8], sender: Sender<Vec<u8>>) -> io::Result<Vec<u8>> {
    let copies = Copies {
        all: Vec::new(),
        sender,
    };
    let mut encoder = encoder(data.len(), copies)?;
    encoder.write_all(data)?;
    Ok(encoder.finish()?.all)
}

/// Keeps what is written, and sends a copy of it.
struct Copies {
    all: Vec<u8>,
    sender: Sender<Vec<u8>>,
}

impl Write for Copies {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.all.extend_from_slice(bytes);
        // One who compares and has seen enough says so himself.
        let _ = self.sender.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
