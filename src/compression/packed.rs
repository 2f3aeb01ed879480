//! Packed data on its way into a decoder, with a budget for what gives nothing.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// Packed bytes that may come before anything is unpacked, and beyond what was:
/// 1 MiB. The largest block that a packer fills first has 900 kB.
const IDLE_BYTES: u64 = 1 << 20;
/// Unpacked bytes that allow one more packed byte than they have themselves.
/// No packer makes data longer by more than a hundredth.
const BYTES_OF_AN_IDLE_ONE: u64 = 64;
/// A decoder gets no more than this at once, in bytes, so that the budget is
/// looked at in between.
const PART: usize = 32 << 10;

/// How much went into a decoder, and how much came out.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Bytes that the decoder took.
    pub(super) taken: Cell<u64>,
    /// Bytes that it gave.
    pub(super) given: Cell<u64>,
}

impl Meter {
    /// Counts unpacked bytes.
    pub(super) fn give(&self, count: usize) {
        add(&self.given, count);
    }

    fn check(&self) -> io::Result<()> {
        let given = self.given.get();
        let spare = IDLE_BYTES.saturating_add(given / BYTES_OF_AN_IDLE_ONE);
        if self.taken.get() > given.saturating_add(spare) {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!(
                    "{} packed bytes gave only {given}, and at most {spare} may be more than what they give; pack it again as one stream",
                    self.taken.get()
                ),
            ));
        }
        Ok(())
    }
}

fn add(to: &Cell<u64>, count: usize) {
    to.set(to.get().saturating_add(count as u64));
}

/// Packed data that counts the bytes that a decoder takes.
#[derive(Debug)]
pub(super) struct Packed<R> {
    reader: R,
    /// What was looked at before its turn.
    ahead: Vec<u8>,
    meter: Rc<Meter>,
}

impl<R: BufRead> Packed<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            ahead: Vec::new(),
            meter: Rc::default(),
        }
    }

    /// The count of what is taken, which is told what is given.
    pub(super) fn meter(&self) -> Rc<Meter> {
        Rc::clone(&self.meter)
    }

    /// The next bytes, fewer than `count` only at the end.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.ahead.len() < count {
            let part = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                part => part?,
            };
            let wanted = count.saturating_sub(self.ahead.len());
            let Some(part) = part.get(..wanted.min(part.len())).filter(|p| !p.is_empty()) else {
                break;
            };
            let length = part.len();
            self.ahead.extend_from_slice(part);
            self.reader.consume(length);
        }
        Ok(self.ahead.get(..count).unwrap_or(&self.ahead))
    }

    /// Passes over zeros, which are no work of a decoder; how many.
    pub(super) fn skip_zeros(&mut self) -> io::Result<u64> {
        let mut zeros = 0_u64;
        loop {
            let part = self.part()?;
            let length = part.iter().take_while(|byte| **byte == 0).count();
            if length == 0 {
                return Ok(zeros);
            }
            self.pass(length);
            zeros = zeros.saturating_add(length as u64);
        }
    }

    fn part(&mut self) -> io::Result<&[u8]> {
        if !self.ahead.is_empty() {
            return Ok(&self.ahead);
        }
        let part = self.reader.fill_buf()?;
        Ok(part.get(..PART).unwrap_or(part))
    }

    fn pass(&mut self, count: usize) {
        if self.ahead.is_empty() {
            self.reader.consume(count);
        } else {
            self.ahead.drain(..count.min(self.ahead.len()));
        }
    }
}

impl<R: BufRead> BufRead for Packed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.meter.check()?;
        self.part()
    }

    fn consume(&mut self, count: usize) {
        self.pass(count);
        add(&self.meter.taken, count);
    }
}

impl<R: BufRead> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_read_again() {
        let mut packed = Packed::new(io::BufReader::with_capacity(2, &b"abcdef"[..]));
        assert_eq!(packed.peek(3).unwrap(), b"abc");
        assert_eq!(packed.peek(2).unwrap(), b"ab");
        let mut text = String::new();
        packed.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcdef");
        assert_eq!(packed.meter().taken.get(), 6);
        assert_eq!(packed.peek(1).unwrap(), b"");
    }

    #[test]
    fn zeros_are_passed_over_up_to_what_follows() {
        let data = [&[0; 70_000][..], b"x"].concat();
        let mut packed = Packed::new(&*data);
        packed.peek(5).unwrap();
        assert_eq!(packed.skip_zeros().unwrap(), 70_000);
        assert_eq!(packed.peek(2).unwrap(), b"x");
        assert_eq!(packed.skip_zeros().unwrap(), 0);
        assert_eq!(packed.meter().taken.get(), 0);
    }

    #[test]
    fn a_mebibyte_and_a_64th_of_what_came_out_may_give_nothing() {
        for given in [0, 64 << 20] {
            let meter = Meter::default();
            meter.given.set(given);
            let most = given + given / 64 + (1 << 20);
            meter.taken.set(most);
            meter.check().unwrap();
            meter.taken.set(most + 1);
            let error = meter.check().unwrap_err().to_string();
            let spare = most - given;
            assert_eq!(
                error,
                format!(
                    "{} packed bytes gave only {given}, and at most {spare} may be more than what they give; pack it again as one stream",
                    most + 1
                )
            );
        }
    }

    #[test]
    fn a_decoder_gets_parts_so_that_the_budget_is_seen() {
        let data = vec![1; (1 << 20) + (1 << 16)];
        let mut packed = Packed::new(&*data);
        let mut taken = 0;
        let error = loop {
            match packed.fill_buf() {
                Ok(part) => {
                    assert_eq!(part.len(), PART);
                    packed.consume(PART);
                    taken += PART;
                }
                Err(error) => break error,
            }
        };
        assert_eq!(taken, (1 << 20) + PART);
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
