//! How packages are compressed.

use std::io::{self, Write};
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
