//! `romcompat explain`.

use super::args::Explain;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::report::ExplainReport;

/// Explains codes: those that are named, or all.
pub fn run(command: &Explain, terminal: &Terminal) -> Result<Exit, Failure> {
    let report = ExplainReport::of(&command.codes);
    terminal.answer(&report, |colour| report.text(colour))?;
    Ok(Exit::Clean)
}
