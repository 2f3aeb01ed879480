//! `romcompat explain`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::session::terminal::Terminal;
use crate::finding::Code;
use crate::report::ExplainReport;
use clap::Args;

/// Say what codes mean, why they matter and what to do
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Explain {
    /// Codes such as RC104, or their names; without any, all are listed
    #[arg(value_name = "CODE")]
    pub codes: Vec<Code>,
}

/// Explains codes: those that are named, or all.
pub fn run(command: &Explain, terminal: &Terminal) -> Result<Exit, Failure> {
    let report = ExplainReport::of(&command.codes);
    terminal.answer(&report, |colour| report.text(colour))?;
    Ok(Exit::Clean)
}
