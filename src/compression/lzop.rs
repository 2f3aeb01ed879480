//! The container of lzop (src/p_lzo.c of lzop 1.04): a header, and blocks that
//! are compressed by LZO1X one by one. Numbers are big-endian. A file may have
//! several parts, each with a header of its own.

use super::packed::Packed;
use super::streams::{Stream, follows_or_zeros};
use std::io::{self, BufRead, Read};

/// The first bytes.
const MAGIC: [u8; 9] = *b"\x89LZO\0\r\n\x1a\n";

/// Larger blocks are not read, in bytes; lzop makes them of 256 KiB.
const MAX_BLOCK: u32 = 1 << 20;
/// A longer extra field is not read, in bytes; lzop writes none.
const MAX_EXTRA: u32 = 64 << 10;
/// The versions that write this format, as `lzop` numbers itself.
const VERSIONS: std::ops::RangeInclusive<u16> = 0x0940..=0x1040;

const ADLER32_DATA: u32 = 0x1;
const ADLER32_PACKED: u32 = 0x2;
const EXTRA_FIELD: u32 = 0x40;
const CRC32_DATA: u32 = 0x100;
const CRC32_PACKED: u32 = 0x200;
const FILTER: u32 = 0x800;
const CRC32_HEADER: u32 = 0x1000;
/// Bits that lzop 1.04 has no meaning for.
const RESERVED: u32 = 0x000f_c000;

/// The kinds of LZO1X that lzop writes: -3 to -6, -1, and -7 to -9.
const METHODS: std::ops::RangeInclusive<u8> = 1..=3;
/// Distances of the filter.
const FILTERS: std::ops::RangeInclusive<u32> = 1..=16;

/// Unpacks block by block.
#[derive(Debug)]
pub(super) struct LzopDecoder<R> {
    reader: R,
    flags: u32,
    /// Distance of the bytes whose differences are packed, if they are.
    filter: Option<usize>,
    packed: Vec<u8>,
    block: Vec<u8>,
    position: usize,
    is_at_end: bool,
}

/// A header as it is read, for its sum.
struct Header<'a, R> {
    reader: &'a mut R,
    bytes: Vec<u8>,
}

impl<R: Read> Header<'_, R> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let bytes = array(self.reader)?;
        self.bytes.extend(bytes);
        Ok(bytes)
    }

    fn word(&mut self) -> io::Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn rest(&mut self, length: u32) -> io::Result<()> {
        let part = self.reader.by_ref().take(length.into());
        match { part }.read_to_end(&mut self.bytes)? {
            count if count == length as usize => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Checks what was read by the sum that follows it.
    fn check(&mut self, flags: u32) -> io::Result<()> {
        let sum = if flags & CRC32_HEADER == 0 {
            adler32(&self.bytes)
        } else {
            crc32(&self.bytes)
        };
        self.bytes.clear();
        compare("header", sum, u32::from_be_bytes(array(self.reader)?))
    }
}

impl<R: Read> LzopDecoder<R> {
    /// Reads the header.
    fn new(mut reader: R) -> io::Result<Self> {
        if array(&mut reader)? != MAGIC {
            return Err(wrong("a part does not start as lzop does"));
        }
        let mut header = Header {
            reader: &mut reader,
            bytes: Vec::new(),
        };
        let [version, _of_library, needed]: [u16; 3] = [
            u16::from_be_bytes(header.array()?),
            u16::from_be_bytes(header.array()?),
            u16::from_be_bytes(header.array()?),
        ];
        if version < *VERSIONS.start() || !VERSIONS.contains(&needed) {
            return Err(wrong(&format!(
                "version {version:x} of lzop wrote it, and {needed:x} is needed; 0.94 to 1.04 are read"
            )));
        }
        let [method, _level] = header.array()?;
        if !METHODS.contains(&method) {
            return Err(wrong(&format!("its method is {method}; LZO1X is 1 to 3")));
        }
        let flags = header.word()?;
        if flags & RESERVED != 0 {
            return Err(wrong(&format!("its flags {flags:#x} have unknown ones")));
        }
        let filter = if flags & FILTER == 0 {
            None
        } else {
            let distance = header.word()?;
            if !FILTERS.contains(&distance) {
                return Err(wrong(&format!(
                    "its filter is {distance}; 1 to 16 are read"
                )));
            }
            Some(distance as usize)
        };
        // Mode and time.
        header.array::<12>()?;
        let [name_length] = header.array()?;
        header.rest(name_length.into())?;
        header.check(flags)?;
        if flags & EXTRA_FIELD != 0 {
            let length = header.word()?;
            if length > MAX_EXTRA {
                return Err(wrong(&format!(
                    "its extra field has {length} bytes; up to {MAX_EXTRA} are read"
                )));
            }
            header.rest(length)?;
            header.check(flags)?;
        }
        Ok(Self {
            reader,
            flags,
            filter,
            packed: Vec::new(),
            block: Vec::new(),
            position: 0,
            is_at_end: false,
        })
    }

    fn word(&mut self) -> io::Result<u32> {
        array(&mut self.reader).map(u32::from_be_bytes)
    }

    /// The sums of a block, where the header says that there are any.
    fn sums(&mut self, adler32: u32, crc32: u32) -> io::Result<Sums> {
        let mut sum = |flag| (self.flags & flag != 0).then(|| self.word()).transpose();
        Ok(Sums {
            adler32: sum(adler32)?,
            crc32: sum(crc32)?,
        })
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
        if size > MAX_BLOCK {
            return Err(wrong(&format!(
                "a block has {size} bytes; up to {MAX_BLOCK} are read, and lzop makes them of 262144"
            )));
        }
        if packed_size > size || packed_size == 0 {
            return Err(wrong(&format!(
                "a block of {size} bytes is packed to {packed_size}"
            )));
        }
        let sums = self.sums(ADLER32_DATA, CRC32_DATA)?;
        let is_packed = packed_size < size;
        let sums_of_packed = if is_packed {
            self.sums(ADLER32_PACKED, CRC32_PACKED)?
        } else {
            Sums::default()
        };
        self.packed.resize(packed_size as usize, 0);
        self.reader.read_exact(&mut self.packed)?;
        if is_packed {
            sums_of_packed.check("packed block", &self.packed)?;
            self.block.resize(size as usize, 0);
            let unpacked = lzokay::decompress::decompress(&self.packed, &mut self.block);
            if unpacked != Ok(size as usize) {
                return Err(wrong("a block is no LZO1X"));
            }
        } else {
            std::mem::swap(&mut self.packed, &mut self.block);
        }
        if let Some(distance) = self.filter {
            add_differences(&mut self.block, distance);
        }
        sums.check("block", &self.block)
    }
}

/// Each byte is the difference to the one that stands `distance` before it.
fn add_differences(block: &mut [u8], distance: usize) {
    let mut before = [0_u8; 16];
    let Some(before) = before.get_mut(..distance) else {
        return;
    };
    for bytes in block.chunks_mut(distance) {
        for (byte, before) in bytes.iter_mut().zip(&mut *before) {
            *before = before.wrapping_add(*byte);
            *byte = *before;
        }
    }
}

#[derive(Default)]
struct Sums {
    adler32: Option<u32>,
    crc32: Option<u32>,
}

impl Sums {
    fn check(&self, what: &str, bytes: &[u8]) -> io::Result<()> {
        if let Some(required) = self.adler32 {
            compare(what, adler32(bytes), required)?;
        }
        if let Some(required) = self.crc32 {
            compare(what, crc32(bytes), required)?;
        }
        Ok(())
    }
}

fn adler32(bytes: &[u8]) -> u32 {
    simd_adler32::adler32(&bytes)
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn compare(what: &str, found: u32, required: u32) -> io::Result<()> {
    if found == required {
        return Ok(());
    }
    Err(wrong(&format!(
        "the sum of a {what} is {found:08x}, and it must be {required:08x}"
    )))
}

fn array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
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

impl<R: BufRead> Stream for LzopDecoder<Packed<R>> {
    type Reader = R;
    const FREE: u64 = 4096;
    const BYTES_OF_ONE: u64 = 1 << 10;

    fn start(packed: Packed<R>) -> io::Result<Self> {
        Self::new(packed)
    }

    fn into_packed(self) -> Packed<R> {
        self.reader
    }

    fn follows(packed: &mut Packed<R>) -> io::Result<bool> {
        follows_or_zeros(packed, 0x89)
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Made {
        flags: u32,
        filter: u32,
        extra: Vec<u8>,
        version: [u8; 6],
        method: u8,
    }

    const LZOP: Made = Made {
        flags: 0,
        filter: 0,
        extra: Vec::new(),
        version: [0x10, 0x40, 0x20, 0xa0, 0x09, 0x40],
        method: 1,
    };

    impl Made {
        fn with(flags: u32, blocks: &[u8]) -> Vec<u8> {
            Self { flags, ..LZOP }.before(blocks)
        }

        fn before(&self, blocks: &[u8]) -> Vec<u8> {
            let sum = |bytes: &[u8]| match self.flags & CRC32_HEADER {
                0 => adler32(bytes),
                _ => crc32(bytes),
            };
            let mut head = [&self.version[..], &[self.method, 5]].concat();
            head.extend(self.flags.to_be_bytes());
            if self.flags & FILTER != 0 {
                head.extend(self.filter.to_be_bytes());
            }
            head.extend([&[0; 12][..], &[3], b"abc"].concat());
            head.extend(sum(&head).to_be_bytes());
            if self.flags & EXTRA_FIELD != 0 {
                let mut extra = u32::try_from(self.extra.len())
                    .unwrap()
                    .to_be_bytes()
                    .to_vec();
                extra.extend(&self.extra);
                head.extend(&extra);
                head.extend(sum(&extra).to_be_bytes());
            }
            [&MAGIC, &*head, blocks].concat()
        }
    }

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        crate::compression::Decoder::new(bytes, 1 << 30)?.read_to_end(&mut data)?;
        Ok(data)
    }

    fn error(bytes: &[u8]) -> String {
        unpacked(bytes).unwrap_err().to_string()
    }

    /// A block of 512 zeros.
    const ZEROS: [u8; 10] = [0x12, 0, 0x20, 0, 0xdf, 0, 0, 0x11, 0, 0];

    /// A packed and a stored block with all sums of these flags, and the end.
    fn blocks(flags: u32) -> Vec<u8> {
        let sums = |flag_of_adler32, flag_of_crc32, bytes: &[u8]| {
            let mut sums = Vec::new();
            if flags & flag_of_adler32 != 0 {
                sums.extend(adler32(bytes).to_be_bytes());
            }
            if flags & flag_of_crc32 != 0 {
                sums.extend(crc32(bytes).to_be_bytes());
            }
            sums
        };
        [
            &[0, 0, 2, 0, 0, 0, 0, 10][..],
            &sums(ADLER32_DATA, CRC32_DATA, &[0; 512]),
            &sums(ADLER32_PACKED, CRC32_PACKED, &ZEROS),
            &ZEROS,
            &[0, 0, 0, 2, 0, 0, 0, 2],
            &sums(ADLER32_DATA, CRC32_DATA, b"lz"),
            b"lz",
            &[0; 4],
        ]
        .concat()
    }

    const SUMS: [u32; 4] = [ADLER32_DATA, ADLER32_PACKED, CRC32_DATA, CRC32_PACKED];

    #[test]
    fn packed_and_stored_blocks_are_read_with_every_set_of_sums() {
        let wanted = [&[0; 512][..], b"lz"].concat();
        for chosen in 0..1 << SUMS.len() {
            let flags = SUMS.iter().enumerate();
            let flags = flags.filter(|(bit, _)| chosen & 1 << bit != 0);
            let flags = flags.fold(0, |all, (_, flag)| all | flag);
            for flags in [flags, flags | CRC32_HEADER, flags | EXTRA_FIELD] {
                let file = Made::with(flags, &blocks(flags));
                assert_eq!(unpacked(&file).unwrap(), wanted, "{flags:#x}");
            }
        }
    }

    #[test]
    fn every_bit_behind_the_magic_is_under_a_sum() {
        for flags in [ADLER32_DATA, CRC32_DATA | CRC32_HEADER | EXTRA_FIELD] {
            let file = Made::with(flags, &blocks(flags));
            let wanted = unpacked(&file).unwrap();
            for bit in MAGIC.len() * 8..file.len() * 8 {
                let mut changed = file.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                if let Ok(found) = unpacked(&changed) {
                    assert_eq!(found, wanted, "{bit}");
                }
            }
        }
    }

    #[test]
    fn a_wrong_sum_is_named_with_both_values() {
        for (flag, what) in SUMS
            .into_iter()
            .zip(["block", "packed block", "block", "packed block"])
        {
            let mut file = Made::with(flag, &blocks(flag));
            let at = file.len() - blocks(flag).len() + 8;
            let required = u32::from_be_bytes(*file[at..].first_chunk().unwrap());
            file[at + 3] ^= 1;
            let changed = required ^ 1;
            assert_eq!(
                error(&file).split_once(": ").unwrap().1,
                format!("the sum of a {what} is {required:08x}, and it must be {changed:08x}"),
            );
        }
        let mut file = Made::with(0, &blocks(0));
        file[9 + 6 + 2 + 4] ^= 1;
        assert!(error(&file).contains("the sum of a header is"));
        let mut file = Made::with(EXTRA_FIELD, &blocks(0));
        let at = file.len() - blocks(0).len() - 1;
        file[at] ^= 1;
        assert!(error(&file).contains("the sum of a header is"));
    }

    #[test]
    fn filtered_bytes_are_sums_of_those_before_them() {
        for (filter, wanted) in [
            (1, [1, 3, 6, 10, 15]),
            (2, [1, 2, 4, 6, 9]),
            (16, [1, 2, 3, 4, 5]),
        ] {
            let mut block = [1, 2, 3, 4, 5];
            add_differences(&mut block, filter);
            assert_eq!(block, wanted);
        }
        let mut block = [1; 40];
        add_differences(&mut block, 16);
        assert_eq!(block[..16], [1; 16]);
        assert_eq!(block[16..32], [2; 16]);
        assert_eq!(block[32..], [3; 8]);
        for (filter, is_read) in [(0, false), (1, true), (16, true), (17, false)] {
            let file = Made {
                flags: FILTER,
                filter,
                ..LZOP
            }
            .before(&blocks(0));
            assert_eq!(unpacked(&file).is_ok(), is_read, "{filter}");
        }
    }

    #[test]
    fn versions_methods_and_flags_that_lzop_does_not_write_are_named() {
        let end = [0; 4];
        for (version, needed, is_read) in [
            (0x0940, 0x0940, true),
            (0x093f, 0x0940, false),
            (0x0940, 0x093f, false),
            (0x2000, 0x1040, true),
            (0x2000, 0x1041, false),
        ] {
            let [high, low] = u16::to_be_bytes(version);
            let [needed_high, needed_low] = u16::to_be_bytes(needed);
            let version = [high, low, 0x20, 0xa0, needed_high, needed_low];
            let file = Made { version, ..LZOP }.before(&end);
            assert_eq!(unpacked(&file).is_ok(), is_read, "{version:x?}");
        }
        for (method, is_read) in [(0, false), (1, true), (3, true), (4, false)] {
            let file = Made { method, ..LZOP }.before(&end);
            assert_eq!(unpacked(&file).is_ok(), is_read, "{method}");
        }
        assert!(error(&Made::with(0x4000, &end)).contains("its flags 0x4000 have unknown ones"));
    }

    #[test]
    fn blocks_and_extra_fields_are_read_up_to_their_limits() {
        let most = MAX_BLOCK as usize;
        let stored = |size: usize| {
            let word = u32::try_from(size).unwrap().to_be_bytes();
            Made::with(0, &[&word[..], &word, &vec![1; size], &[0; 4]].concat())
        };
        assert_eq!(unpacked(&stored(most)).unwrap().len(), most);
        assert!(error(&stored(most + 1)).contains("a block has 1048577 bytes; up to 1048576"));
        let with_extra = |size: u32| {
            let extra = vec![1; size as usize];
            Made {
                flags: EXTRA_FIELD,
                extra,
                ..LZOP
            }
            .before(&[0; 4])
        };
        unpacked(&with_extra(MAX_EXTRA)).unwrap();
        let error = error(&with_extra(MAX_EXTRA + 1));
        assert!(
            error.contains("its extra field has 65537 bytes; up to 65536"),
            "{error}"
        );
    }

    #[test]
    fn parts_follow_each_other_and_zeros_the_last() {
        let part = Made::with(0, &blocks(0));
        let both = unpacked(&[&*part, &*part].concat()).unwrap();
        assert_eq!(both, unpacked(&part).unwrap().repeat(2));
        assert_eq!(unpacked(&[&*part, &[0; 9]].concat()).unwrap().len(), 514);
        for wrong in [&b"x"[..], b"\0x", b"\x89LZO", &[&[0], &*part].concat()] {
            error(&[&*part, wrong].concat());
        }
    }

    #[test]
    fn what_is_wrong_or_cut_is_an_error() {
        let whole = Made::with(0, &blocks(0));
        for end in 6..whole.len() {
            assert!(unpacked(&whole[..end]).is_err(), "{end}");
        }
        for blocks in [
            &[0x7f, 0, 0, 0, 0, 0, 0, 1, 0][..],
            &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0],
            &[0, 0, 0, 1, 0, 0, 0, 0],
            &[0, 0, 2, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff],
        ] {
            assert!(unpacked(&Made::with(0, blocks)).is_err(), "{blocks:?}");
        }
    }
}
