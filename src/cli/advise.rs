//! `romcompat advise`.

use super::exit::{Exit, Failure};
use super::input;
use super::terminal::Terminal;
use crate::plan::Advice;
use crate::report::AdviseReport;
use crate::romset::RomSet;
use clap::Args;
use std::path::PathBuf;

/// `advise`.
#[derive(Debug, Args)]
pub struct Advise {
    /// The same ROMs in two or more releases, the newest last
    #[arg(required = true, num_args = 2.., value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// How many releases to come are to fit
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub coming: u32,
    /// Advise only on ROMs whose names match
    #[arg(long, value_name = "GLOB")]
    pub select: Vec<glob::Pattern>,
}

/// Reads each release and reckons.
pub fn run(command: &Advise, terminal: &Terminal) -> Result<Exit, Failure> {
    for (before, after) in command.inputs.iter().zip(command.inputs.iter().skip(1)) {
        input::refuse_same(before, after)?;
    }
    let mut releases: Vec<RomSet> = command
        .inputs
        .iter()
        .map(|path| input::read(path))
        .collect::<Result<_, _>>()?;
    if !command.select.is_empty() {
        let matches = |name: &str| command.select.iter().any(|p| p.matches(name));
        for release in &mut releases {
            release.roms.retain(|rom| matches(rom.name()));
        }
        if releases.last().is_some_and(|newest| newest.roms.is_empty()) {
            return Err(Failure::usage(
                "no ROM of the newest release has a name that --select takes",
            ));
        }
    }
    let report = AdviseReport::new(Advice::new(&releases, command.coming));
    terminal.answer(&report, |colour| report.text(colour))?;
    Ok(Exit::Clean)
}
