//! The container of lzop (src/p_lzo.c of lzop 1.04): a header, and blocks that
//! are compressed by LZO1X one by one. Numbers are big-endian.
//!
//! Checksums are passed over: what is read here is checked by its reader.

use std::io::{self, Read};

/// The first bytes.
pub(super) const MAGIC: [u8; 9] = *b"\x89LZO\0\r\n\x1a\n";

/// Larger blocks are not read, in bytes; lzop makes them of 256 KiB.
const MAX_BLOCK: u32 = 1 << 20;

const ADLER32_DATA: u32 = 0x1;
const ADLER32_PACKED: u32 = 0x2;
const EXTRA_FIELD: u32 = 0x40;
const CRC32_DATA: u32 = 0x100;
const CRC32_PACKED: u32 = 0x200;
const FILTER: u32 = 0x800;

/// Unpacks block by block.
#[derive(Debug)]
pub(super) struct LzopDecoder<R> {
    reader: R,
    flags: u32,
    packed: Vec<u8>,
    block: Vec<u8>,
    position: usize,
    is_at_end: bool,
}

impl<R: Read> LzopDecoder<R> {
    /// Reads the header.
    pub(super) fn new(reader: R) -> io::Result<Self> {
        let mut decoder = Self {
            reader,
            flags: 0,
            packed: Vec::new(),
            block: Vec::new(),
            position: 0,
            is_at_end: false,
        };
        if decoder.array()? != MAGIC {
            return Err(wrong("it does not start as lzop does"));
        }
        let version = u16::from_be_bytes(decoder.array()?);
        if version < 0x0940 {
            return Err(wrong("it is of a version of lzop before 0.94"));
        }
        // Versions of the library, and which is needed; method and level.
        decoder.array::<6>()?;
        decoder.flags = decoder.word()?;
        if decoder.flags & FILTER != 0 {
            return Err(wrong("it is filtered"));
        }
        // Mode and time.
        decoder.array::<12>()?;
        let [name_length] = decoder.array()?;
        decoder.pass_over(u32::from(name_length).saturating_add(4))?;
        if decoder.flags & EXTRA_FIELD != 0 {
            let length = decoder.word()?;
            decoder.pass_over(length.saturating_add(4))?;
        }
        Ok(decoder)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn word(&mut self) -> io::Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn pass_over(&mut self, length: u32) -> io::Result<()> {
        let mut passed = self.reader.by_ref().take(length.into());
        match io::copy(&mut passed, &mut io::sink())? {
            count if count == u64::from(length) => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn next_block(&mut self) -> io::Result<()> {
        self.position = 0;
        self.block.clear();
        let size = self.word()?;
        if size == 0 {
            self.is_at_end = true;
            return Ok(());
        }
        let packed_size = self.word()?;
        if size > MAX_BLOCK || packed_size > size {
            return Err(wrong("a block is larger than those of lzop"));
        }
        let is_packed = packed_size < size;
        let mut sums = self.flags & (ADLER32_DATA | CRC32_DATA);
        if is_packed {
            sums |= self.flags & (ADLER32_PACKED | CRC32_PACKED);
        }
        self.pass_over(sums.count_ones().saturating_mul(4))?;
        self.packed.resize(packed_size as usize, 0);
        self.reader.read_exact(&mut self.packed)?;
        if is_packed {
            self.block.resize(size as usize, 0);
            let unpacked = lzokay::decompress::decompress(&self.packed, &mut self.block);
            if unpacked != Ok(size as usize) {
                return Err(wrong("a block is no LZO1X"));
            }
        } else {
            std::mem::swap(&mut self.packed, &mut self.block);
        }
        Ok(())
    }
}

impl<R: Read> Read for LzopDecoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position >= self.block.len() && !self.is_at_end {
            self.next_block()?;
        }
        let left = self.block.get(self.position..).unwrap_or_default();
        let count = left.len().min(buffer.len());
        if let (Some(target), Some(source)) = (buffer.get_mut(..count), left.get(..count)) {
            target.copy_from_slice(source);
        }
        self.position = self.position.saturating_add(count);
        Ok(count)
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("lzop: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(flags: u32, blocks: &[u8]) -> Vec<u8> {
        let head = [
            &MAGIC[..],
            &[0x10, 0x40, 0x20, 0xa0, 0x09, 0x40, 1, 5],
            &flags.to_be_bytes(),
            &[0; 12],
            &[3],
            b"abc",
            &[0; 4],
        ];
        [&head.concat(), blocks].concat()
    }

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        LzopDecoder::new(bytes)?.read_to_end(&mut data)?;
        Ok(data)
    }

    /// A block of 512 zeros.
    const ZEROS: [u8; 10] = [0x12, 0, 0x20, 0, 0xdf, 0, 0, 0x11, 0, 0];

    #[test]
    fn packed_and_stored_blocks_are_read() {
        let head = [0, 0, 2, 0, 0, 0, 0, 10];
        let stored = [0, 0, 0, 2, 0, 0, 0, 2];
        let sum = [7; 4];
        let blocks = [&head[..], &sum, &sum, &ZEROS, &stored, &sum, b"lz", &[0; 4]].concat();
        let wanted = [&[0; 512][..], b"lz"].concat();
        assert_eq!(
            unpacked(&packed(CRC32_DATA | ADLER32_PACKED, &blocks)).unwrap(),
            wanted
        );
    }

    #[test]
    fn what_is_wrong_or_cut_is_an_error() {
        let whole = packed(
            0,
            &[&[0, 0, 2, 0, 0, 0, 0, 10], &ZEROS[..], &[0; 4]].concat(),
        );
        assert_eq!(unpacked(&whole).unwrap(), [0; 512]);
        for end in 0..whole.len() {
            assert!(unpacked(&whole[..end]).is_err(), "{end}");
        }
        for blocks in [
            &[0x7f, 0, 0, 0, 0, 0, 0, 1, 0][..],
            &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0],
            &[0, 0, 2, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff],
        ] {
            assert!(unpacked(&packed(0, blocks)).is_err(), "{blocks:?}");
        }
        assert!(unpacked(&packed(FILTER, &[0; 4])).is_err());
    }
}
