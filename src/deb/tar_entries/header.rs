//! The header of an entry: a block of 512 bytes, in one of the layouts that
//! tar programs have written since 1979 (tar(5), star(5)).

/// Size of a header, and what contents are padded to, in bytes.
pub(super) const BLOCK: usize = 512;
/// Room for a number in a header, in bytes.
const NUMBER: usize = 12;
/// Where the checksum stands; it is summed up as eight spaces.
const SUM: std::ops::Range<usize> = 148..156;

/// What the bytes of the checksum's field add while it is reckoned.
const SPACES: u64 = (SUM.end - SUM.start) as u64 * b' ' as u64;

/// A header whose checksum is right.
#[derive(Debug, Clone)]
pub(super) struct Header([u8; BLOCK]);

/// What a block is where a header may stand.
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack")]
pub(super) enum Found {
    Header(Header),
    /// Zeros: the archive's end.
    Zeros,
    Nothing,
}

impl Found {
    pub(super) fn at(block: [u8; BLOCK]) -> Self {
        if block.iter().all(|byte| *byte == 0) {
            return Self::Zeros;
        }
        let header = Header(block);
        if header.sum_is_right() {
            Self::Header(header)
        } else {
            Self::Nothing
        }
    }
}

/// Whether the data starts with a header of a tar archive.
pub(super) fn starts_archive(data: &[u8]) -> bool {
    let Some(block) = data.first_chunk::<BLOCK>() else {
        return false;
    };
    matches!(Found::at(*block), Found::Header(_))
}

impl Header {
    fn field(&self, range: std::ops::Range<usize>) -> &[u8] {
        self.0.get(range).unwrap_or_default()
    }

    /// A field of text, which ends at a NUL.
    fn text(&self, range: std::ops::Range<usize>) -> &[u8] {
        until_nul(self.field(range))
    }

    /// Whether the checksum is that of the bytes, the field itself as spaces.
    fn sum_is_right(&self) -> bool {
        let Some(recorded) = number(self.field(SUM)) else {
            return false;
        };
        let unsigned = sum(self.field(0..SUM.start))
            .saturating_add(SPACES)
            .saturating_add(sum(self.field(SUM.end..BLOCK)));
        recorded == unsigned || recorded == self.signed_sum(unsigned)
    }

    /// The sum of the bytes as signed numbers, which old programs made.
    fn signed_sum(&self, unsigned: u64) -> u64 {
        let high = |part: &[u8]| part.iter().filter(|byte| **byte > 127).count() as u64;
        let count = high(&self.0).saturating_sub(high(self.field(SUM)));
        unsigned.wrapping_sub(count.saturating_mul(256))
    }

    /// The letter of what the entry is.
    pub(super) fn kind(&self) -> u8 {
        self.0.get(156).copied().unwrap_or_default()
    }

    /// Size of what stands behind the header; `None` where that is no number.
    pub(super) fn size(&self) -> Option<u64> {
        number(self.field(124..136))
    }

    pub(super) fn mode(&self) -> u32 {
        let mode = number(self.field(100..108)).unwrap_or_default();
        u32::try_from(mode & 0o7777).unwrap_or_default()
    }

    pub(super) fn link(&self) -> &[u8] {
        self.text(157..257)
    }

    fn is_posix(&self) -> bool {
        self.field(257..263) == b"ustar\0"
    }

    fn is_gnu(&self) -> bool {
        self.field(257..265) == b"ustar  \0"
    }

    /// star's mark; with `ustar` before it, times stand in the prefix's end.
    fn is_star(&self) -> bool {
        self.field(508..512) == b"tar\0"
    }

    /// The name, with the prefix that POSIX and star put before it.
    pub(super) fn name(&self) -> Vec<u8> {
        let prefix = if self.is_posix() && self.has_star_times() {
            self.text(345..476)
        } else if self.is_posix() || (self.is_star() && !self.is_gnu()) {
            self.text(345..500)
        } else {
            &[]
        };
        let name = self.text(0..100);
        // star's sparse entries have their map where the prefix would be.
        if prefix.is_empty() || self.sparse_map().is_some() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    /// What tells star's layout from POSIX's, as GNU tar has it.
    fn has_star_times(&self) -> bool {
        let is_time = |time: &[u8]| {
            time.first()
                .is_some_and(|digit| (b'0'..=b'7').contains(digit))
                && time.last() == Some(&b' ')
        };
        self.field(475..476) == b"\0"
            && is_time(self.field(476..488))
            && is_time(self.field(488..500))
    }

    /// The first part of a sparse file's map, where the header has one.
    pub(super) fn sparse_map(&self) -> Option<SparseMap<'_>> {
        if self.kind() != b'S' {
            None
        } else if self.is_posix() && self.has_star_times() {
            Some(SparseMap {
                regions: self.field(356..452),
                goes_on: self.field(355..356) != b"\0",
                real_size: number(self.field(452..464))?,
            })
        } else if self.is_posix() {
            None
        } else {
            Some(SparseMap {
                regions: self.field(386..482),
                goes_on: self.field(482..483) != b"\0",
                real_size: number(self.field(483..495))?,
            })
        }
    }
}

/// The part of a sparse file's map that stands in a header.
pub(super) struct SparseMap<'a> {
    /// Pairs of offset and length, as [`regions`] takes them apart.
    pub(super) regions: &'a [u8],
    /// Whether more of the map stands in the next block.
    pub(super) goes_on: bool,
    /// Size of the file with its holes.
    pub(super) real_size: u64,
}

/// The regions of a part of a map, up to the first that is empty; `None` where
/// a number is none.
pub(super) fn regions(part: &[u8]) -> Option<Vec<(u64, u64)>> {
    let pairs = part.chunks_exact(2 * NUMBER);
    let used = pairs.take_while(|pair| pair.get(NUMBER).is_some_and(|first| *first != 0));
    used.map(|pair| {
        let (offset, length) = pair.split_first_chunk::<NUMBER>()?;
        Some((number(offset)?, number(length)?))
    })
    .collect()
}

/// The further part of a map in a block of its own, and whether it goes on.
pub(super) fn more_regions(block: &[u8; BLOCK]) -> Option<(Vec<(u64, u64)>, bool)> {
    let (part, rest) = block.split_first_chunk::<504>()?;
    Some((regions(part)?, rest.first() != Some(&0)))
}

/// A number: octal digits, or two's complement of 256 where the first bit is
/// set. `None` where it is neither, negative, or above 63 bits.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((0x80, rest)) = field.split_first() {
        let number = rest.iter().try_fold(0_u64, |number, byte| {
            Some(number.checked_mul(256)? | u64::from(*byte))
        })?;
        return (i64::try_from(number).is_ok()).then_some(number);
    }
    let text = until_nul(field).trim_ascii();
    let digits = text.iter().map(|digit| match digit {
        b'0'..=b'7' => Some(u64::from(digit & 7)),
        _ => None,
    });
    digits.into_iter().try_fold(0_u64, |number, digit| {
        let digit = digit?;
        (number >> 60 == 0).then_some((number << 3) | digit)
    })
}

fn sum(bytes: &[u8]) -> u64 {
    let mut sum = 0_u64;
    for byte in bytes {
        sum = sum.wrapping_add(u64::from(*byte));
    }
    sum
}

/// The bytes before the first NUL.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_of_base_256() {
        for (field, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"777777777777", Some(0o777_777_777_777)),
            (b"\0\0\0\0", Some(0)),
            (b"    ", Some(0)),
            (b"12\0junk", Some(0o12)),
            (b"\x80\0\0\0\0\0\0\0\0\0\x02\x01", Some(0x201)),
            (
                b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
                Some(u64::MAX >> 1),
            ),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\x80\0\x01\0\0\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"8", None),
            (b"1x", None),
            (b"-1", None),
            (b"777777777777777777777", Some(u64::MAX >> 1)),
            (b"1777777777777777777777", None),
        ] {
            assert_eq!(number(field), value, "{field:?}");
        }
    }

    #[test]
    fn a_map_ends_at_the_first_region_without_a_length() {
        let mut part = [0; 96];
        part[..24].copy_from_slice(b"00000001000\x0000000000010\0");
        part[48..72].copy_from_slice(b"00000003000\x0000000000010\0");
        assert_eq!(regions(&part), Some(vec![(0o1000, 8)]));
        part[0] = b'x';
        assert_eq!(regions(&part), None);
    }
}
