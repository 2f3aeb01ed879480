//! `romcompat pad`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::options::placement::Placement;
use crate::cli::options::values::fill_byte;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::editing::{edit_each, faults, selected, words, write};
use crate::finding::has_errors;
use crate::rom::BarSizeError;
use crate::rom::edit::{self, PadSize};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Pad ROMs to a BAR size
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Pad {
    /// The ROM or set of ROMs
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// The size to reach: a power of two such as 256K, or `next` for the BAR
    /// that each ROM has already
    #[arg(long, value_name = "SIZE", value_parser = pad_size)]
    pub size: PadSize,
    /// Where the padding goes
    #[arg(long, value_enum, default_value_t = PadMode::Tail)]
    pub mode: PadMode,
    /// The byte to pad with
    #[arg(long, value_name = "BYTE", default_value = "0xff", value_parser = fill_byte)]
    pub fill: u8,
    /// Where the result goes.
    #[command(flatten)]
    pub placement: Placement,
}

/// Where padding goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PadMode {
    /// After the last image, which stays as it is
    Tail,
    /// Into the last image, whose lengths and checksum follow
    Image,
}

fn pad_size(text: &str) -> Result<PadSize, BarSizeError> {
    if text == "next" {
        return Ok(PadSize::Next);
    }
    text.parse().map(PadSize::Exactly)
}

/// Pads the ROMs of an input. Broken ROMs are refused with their findings.
pub fn run(command: &Pad, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input, terminal.inputs())?;
    let roms = selected(&set, &command.placement)?;
    let findings = terminal.judge(faults(&set, &roms));
    terminal.findings(&findings);
    if has_errors(&findings) {
        return Ok(Exit::No);
    }
    let (size, fill) = (command.size, command.fill);
    let edited = edit_each(&set, roms, |rom| match command.mode {
        PadMode::Tail => edit::pad(rom, size, fill).map_err(words),
        PadMode::Image => edit::pad_image(rom, size, fill).map_err(words),
    })?;
    write(edited, &command.placement, terminal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_power_of_two_or_next() {
        assert!(matches!(pad_size("next"), Ok(PadSize::Next)));
        assert!(pad_size("300000").is_err());
    }
}
