//! `romcompat fix`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::options::placement::Placement;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::editing::{edit_each, selected, words, write};
use crate::finding::has_errors;
use crate::rom::{LintContext, Rom, edit, lint};
use clap::Args;
use std::path::PathBuf;

/// Set checksums right: of images, and of PnP, UNDI and iPXE structures
///
/// What else is wrong with a ROM stays, is said, and makes the status 1.
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Fix {
    /// The ROM or set of ROMs
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// Where the result goes.
    #[command(flatten)]
    pub placement: Placement,
}

/// Sets the checksums of the ROMs of an input right.
pub fn run(command: &Fix, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input, terminal.inputs())?;
    let roms = selected(&set, &command.placement)?;
    let edited = edit_each(&set, roms, |rom| edit::fix(rom).map_err(words))?;
    let left = edited.iter().flat_map(|(rom, bytes)| {
        let subject = set.subject(rom);
        let rom = Rom::parse(bytes).ok();
        let faults = rom.map(|rom| lint(&rom, &LintContext::default()));
        let faults = faults.unwrap_or_default().into_iter();
        faults.map(move |fault| fault.finding(&subject))
    });
    let left = terminal.judge(left.collect());
    let written = write(edited, &command.placement, terminal)?;
    terminal.findings(&left);
    Ok(if has_errors(&left) { Exit::No } else { written })
}
