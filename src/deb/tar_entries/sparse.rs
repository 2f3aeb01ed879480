//! Sparse files: the regions that have data, and the zeros between them.

use super::pax::decimal;
use std::io::{self, Read};

/// More regions than this are refused: twice what the largest ROM has where
/// every other block is a hole, and enough for disks that go into an archive.
pub(super) const MAX_REGIONS: usize = 1 << 18;

/// The regions of a file that have data, and its size with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    regions: Vec<(u64, u64)>,
    real_size: u64,
}

impl Map {
    /// A map of a file that has `stored` bytes in the archive; what is wrong
    /// with it.
    pub(super) fn new(
        regions: Vec<(u64, u64)>,
        real_size: u64,
        stored: u64,
    ) -> Result<Self, &'static str> {
        const BEYOND: &str = "its map has a region beyond its end";
        let (mut end, mut sum) = (0, 0_u64);
        for (offset, length) in &regions {
            if *offset < end {
                return Err("the regions of its map are not in order");
            }
            end = offset.checked_add(*length).ok_or(BEYOND)?;
            sum = sum.saturating_add(*length);
        }
        if end > real_size {
            return Err(BEYOND);
        }
        if sum != stored {
            return Err("its map has more or fewer bytes than the archive has of it");
        }
        Ok(Self { regions, real_size })
    }

    pub(super) const fn real_size(&self) -> u64 {
        self.real_size
    }

    /// The file's content, of which `data` has what is stored.
    pub(super) fn expand<R: Read>(self, data: R) -> Expanded<R> {
        Expanded {
            data,
            regions: self.regions.into_iter(),
            region: None,
            at: 0,
            real_size: self.real_size,
        }
    }
}

/// The content of a sparse file.
pub(super) struct Expanded<R> {
    data: R,
    regions: std::vec::IntoIter<(u64, u64)>,
    /// The region that is read or comes next: its start and what is left of it.
    region: Option<(u64, u64)>,
    at: u64,
    real_size: u64,
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.region.is_none_or(|(_, left)| left == 0) {
            match self.regions.next() {
                Some(region) => self.region = Some(region),
                None => break,
            }
        }
        let room = buffer.len() as u64;
        let (start, left) = self
            .region
            .filter(|(_, left)| *left > 0)
            .unwrap_or((self.real_size, 0));
        let hole = start.saturating_sub(self.at);
        let count = if hole > 0 {
            let part = part(buffer, hole.min(room));
            part.fill(0);
            part.len()
        } else {
            let count = self.data.read(part(buffer, left.min(room)))?;
            let end = start.saturating_add(count as u64);
            self.region = Some((end, left.saturating_sub(count as u64)));
            count
        };
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

fn part(buffer: &mut [u8], length: u64) -> &mut [u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    buffer.get_mut(..length).unwrap_or_default()
}

/// The map of version 1.0 as numbers, one a line: how many regions, then their
/// offsets and lengths. It is read line by line from the blocks before the data.
#[derive(Debug, Default)]
pub(super) struct MapReader {
    digits: Vec<u8>,
    count: Option<u64>,
    offset: Option<u64>,
    pub(super) regions: Vec<(u64, u64)>,
}

impl MapReader {
    /// Takes a block; whether the map ends in it.
    pub(super) fn take(&mut self, block: &[u8]) -> Result<bool, &'static str> {
        const NO_NUMBER: &str = "its map has a line that is no number";
        for byte in block {
            if *byte != b'\n' {
                if self.digits.len() == 20 {
                    return Err(NO_NUMBER);
                }
                self.digits.push(*byte);
                continue;
            }
            let number = decimal(&self.digits).ok_or(NO_NUMBER)?;
            self.digits.clear();
            match (self.count, self.offset.take()) {
                (None, _) if number > MAX_REGIONS as u64 => return Err(TOO_MANY),
                (None, _) => self.count = Some(number),
                (Some(_), None) => self.offset = Some(number),
                (Some(_), Some(offset)) => self.regions.push((offset, number)),
            }
            if self.count == Some(self.regions.len() as u64) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What is wrong with a map of more than [`MAX_REGIONS`].
pub(super) const TOO_MANY: &str = "its map has more than 262144 regions, which is the limit here";

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(regions: &[(u64, u64)], real_size: u64, data: &[u8]) -> Vec<u8> {
        let map = Map::new(regions.to_vec(), real_size, data.len() as u64).unwrap();
        let mut content = Vec::new();
        map.expand(data).read_to_end(&mut content).unwrap();
        content
    }

    #[test]
    fn holes_are_zeros_before_between_and_behind() {
        assert_eq!(expanded(&[(0, 2), (4, 1)], 6, b"abc"), b"ab\0\0c\0");
        assert_eq!(expanded(&[(1, 2), (3, 1)], 4, b"abc"), b"\0abc");
        assert_eq!(
            expanded(&[(0, 1), (2, 0), (3, 1), (4, 0)], 4, b"ab"),
            b"a\0\0b"
        );
        assert_eq!(expanded(&[], 3, b""), b"\0\0\0");
        assert_eq!(expanded(&[(0, 0)], 0, b""), b"");
    }

    #[test]
    fn maps_that_cannot_be_are_refused() {
        let new = |regions: &[(u64, u64)], size, stored| Map::new(regions.to_vec(), size, stored);
        assert!(new(&[(0, 2), (2, 1)], 3, 3).is_ok());
        assert!(
            new(&[(0, 2), (1, 1)], 3, 3)
                .unwrap_err()
                .contains("in order")
        );
        assert!(new(&[(0, 2), (2, 1)], 2, 3).unwrap_err().contains("beyond"));
        assert!(new(&[(u64::MAX, 1)], 9, 1).unwrap_err().contains("beyond"));
        assert!(new(&[(0, 2)], 2, 1).unwrap_err().contains("more or fewer"));
        assert!(new(&[(0, 2)], 2, 3).unwrap_err().contains("more or fewer"));
    }

    #[test]
    fn a_map_before_the_data_has_a_number_a_line() {
        let mut reader = MapReader::default();
        assert_eq!(reader.take(b"2\n0\n51"), Ok(false));
        assert_eq!(reader.take(b"2\n1024\n7\n\0\0"), Ok(true));
        assert_eq!(reader.regions, [(0, 512), (1024, 7)]);
        assert_eq!(MapReader::default().take(b"0\n"), Ok(true));
        assert!(MapReader::default().take(b"x\n").is_err());
        assert!(MapReader::default().take(&[b'1'; 21]).is_err());
        assert_eq!(MapReader::default().take(b"262144\n"), Ok(false));
        assert_eq!(MapReader::default().take(b"262145\n"), Err(TOO_MANY));
        assert!(TOO_MANY.contains(&MAX_REGIONS.to_string()));
    }
}
