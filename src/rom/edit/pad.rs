//! Padding after the last image, up to a BAR size.

use crate::rom::{BarSize, NotAnOptionRom, Rom};
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
    /// QEMU refuses a ROM of this size.
    #[error("{0} bytes are more than the 2 GiB that QEMU accepts for a ROM")]
    TooLarge(u64),
    /// The padded ROM does not read as the input does.
    #[error(
        "the padded ROM reads differently from the input: it has {found} images, the input has {expected}; the input's chain of images is broken, see `inspect -v`"
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
    let total = usize::try_from(wanted.bytes()).map_err(|_| PadError::TooLarge(length))?;
    if input.len() > total {
        return Err(PadError::DoesNotFit {
            size: length,
            wanted,
        });
    }
    Ok(total)
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
    fn what_is_no_rom_is_refused() {
        let error = pad(b"hello", PadSize::Next, 0xff);
        assert!(matches!(error, Err(PadError::NotAnOptionRom(_))));
    }
}
