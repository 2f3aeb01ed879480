//! Padding after the last image, up to a BAR size.

use crate::rom::{BarSize, MAX_ROM, NotAnOptionRom, Rom};
use thiserror::Error;

/// The size to pad a ROM to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PadSize {
    /// The BAR that the ROM has already: the next power of two.
    Next,
    /// This size.
    Exactly(BarSize),
}

/// Why a ROM was not padded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PadError {
    /// The input is no ROM.
    #[error(transparent)]
    NotAnOptionRom(#[from] NotAnOptionRom),
    /// The ROM is larger than the size asked for.
    #[error("{size} bytes do not fit into {wanted} ({} bytes); {} is the smallest that holds them",
        wanted.bytes(), BarSize::of_rom(*size).map_or_else(|| "nothing".to_owned(), |bar| bar.to_string()))]
    DoesNotFit {
        /// Size of the ROM, in bytes.
        size: u64,
        /// The size asked for.
        wanted: BarSize,
    },
    /// No PCI device has a ROM of this size.
    #[error(
        "{0} bytes are more than the 16 MiB of the largest expansion ROM BAR (PCI Local Bus Specification, section 6.2.5.2)"
    )]
    TooLarge(u64),
    /// The padded ROM does not read as the input does.
    #[error(
        "the padded ROM reads differently from the input: it has {found} images, the input has {expected}; the input's chain of images is broken"
    )]
    ReadsDifferently {
        /// Images in the input.
        expected: usize,
        /// Images in the result.
        found: usize,
    },
}

/// Appends `fill` to a ROM until it has the wanted size. Every byte of the
/// input stays; headers and checksums are not touched.
///
/// # Errors
/// [`PadError`] when the input is no ROM, does not fit, or would read
/// differently afterwards.
pub fn pad(input: &[u8], size: PadSize, fill: u8) -> Result<Vec<u8>, PadError> {
    let before = Rom::parse(input)?;
    let total = padded_size(input, size)?;
    let mut padded = Vec::with_capacity(total);
    padded.extend_from_slice(input);
    padded.resize(total, fill);
    let after = Rom::parse(&padded)?;
    if before.images() != after.images() {
        return Err(PadError::ReadsDifferently {
            expected: before.images().len(),
            found: after.images().len(),
        });
    }
    Ok(padded)
}

/// The size that a ROM gets, in bytes.
pub(super) fn padded_size(input: &[u8], size: PadSize) -> Result<usize, PadError> {
    let length = input.len() as u64;
    let wanted = match size {
        PadSize::Exactly(wanted) => wanted,
        PadSize::Next => BarSize::of_rom(length).ok_or(PadError::TooLarge(length))?,
    };
    let total = room(wanted.bytes())?;
    if input.len() > total {
        return Err(PadError::DoesNotFit {
            size: length,
            wanted,
        });
    }
    Ok(total)
}

/// The size of a ROM that is to be made, before memory is taken for it.
pub(super) fn room(bytes: u64) -> Result<usize, PadError> {
    let too_large = || PadError::TooLarge(bytes);
    if bytes > MAX_ROM {
        return Err(too_large());
    }
    usize::try_from(bytes).map_err(|_| too_large())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rom::tests::legacy_image;

    #[test]
    fn the_input_stays_as_it_is_and_the_rest_is_fill() {
        let rom = legacy_image(3);
        let padded = pad(&rom, PadSize::Exactly("4K".parse().unwrap()), 0xff).unwrap();
        assert_eq!(padded.len(), 4096);
        assert!(padded.starts_with(&rom));
        assert!(padded[rom.len()..].iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn next_is_the_bar_that_the_rom_has_already() {
        let rom = legacy_image(3);
        assert_eq!(pad(&rom, PadSize::Next, 0).unwrap().len(), 2048);
        let exact = legacy_image(4);
        assert_eq!(pad(&exact, PadSize::Next, 0).unwrap(), exact);
    }

    #[test]
    fn a_rom_that_does_not_fit_is_refused_with_the_size_that_would() {
        let error = pad(
            &legacy_image(3),
            PadSize::Exactly("1K".parse().unwrap()),
            0xff,
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "1536 bytes do not fit into 1K (1024 bytes); 2K is the smallest that holds them"
        );
    }

    #[test]
    fn a_rom_that_would_read_differently_is_refused() {
        let mut cut = legacy_image(3);
        cut.truncate(1024);
        let error = pad(&cut, PadSize::Exactly("2K".parse().unwrap()), 0xff);
        assert!(matches!(error, Err(PadError::ReadsDifferently { .. })));
    }

    #[test]
    fn a_size_that_no_device_has_is_refused() {
        let rom = legacy_image(1);
        let exactly = |size: &str| pad(&rom, PadSize::Exactly(size.parse().unwrap()), 0xff);
        assert_eq!(exactly("16M").unwrap().len(), 16 << 20);
        assert_eq!(
            exactly("32M").unwrap_err().to_string(),
            "33554432 bytes are more than the 16 MiB of the largest expansion ROM BAR (PCI Local Bus Specification, section 6.2.5.2)"
        );
        assert_eq!(exactly("2G"), Err(PadError::TooLarge(2 << 30)));
    }

    #[test]
    fn what_is_no_rom_is_refused() {
        let error = pad(b"hello", PadSize::Next, 0xff);
        assert!(matches!(error, Err(PadError::NotAnOptionRom(_))));
    }
}
