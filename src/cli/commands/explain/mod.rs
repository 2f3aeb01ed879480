//! `romcompat explain`.

mod advice;

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::session::terminal::Terminal;
use crate::diagnosis::{MAX_PASTE, diagnose};
use crate::finding::Code;
use crate::report::{DiagnosisReport, ExplainReport};
use clap::Args;
use std::io::Read as _;

/// Say what a line of QEMU or libvirt means, or a code of romcompat
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Explain {
    /// A line that QEMU or libvirt printed, in quotes; `-` for a whole log on
    /// standard input; or codes such as RC104, or their names. Without any,
    /// all codes are listed
    #[arg(value_name = "LINE|CODE")]
    pub what: Vec<String>,
}

/// Explains a pasted text, or codes: those that are named, or all.
pub fn run(command: &Explain, terminal: &Terminal) -> Result<Exit, Failure> {
    let codes: Result<Vec<Code>, _> = command.what.iter().map(|text| text.parse()).collect();
    match (codes, &*command.what) {
        (Ok(codes), _) => {
            let report = ExplainReport::of(&codes);
            terminal.answer(&report, |colour| report.text(colour))?;
            Ok(Exit::Clean)
        }
        (Err(_), [dash]) if dash == "-" => {
            let mut bytes = Vec::new();
            let limit = (MAX_PASTE as u64).saturating_add(1);
            let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
            read.map_err(|error| Failure::file("standard input", error))?;
            explain("standard input", &String::from_utf8_lossy(&bytes), terminal)
        }
        (Err(error), words) => {
            let is_a_code = |word: &String| !word.contains(char::is_whitespace);
            if words.iter().all(is_a_code) && words.iter().any(|word| word.starts_with("RC")) {
                return Err(Failure::usage(error));
            }
            explain("the line", &words.join(" "), terminal)
        }
    }
}

fn explain(subject: &str, pasted: &str, terminal: &Terminal) -> Result<Exit, Failure> {
    let found = diagnose(pasted).map_err(|error| Failure::file(subject, error))?;
    let Some(diagnosis) = found else {
        return Err(Failure::usage(format!(
            "{subject}: nothing in it is a line of QEMU or libvirt that romcompat knows; give the lines of the destination's log, such as /var/log/libvirt/qemu/GUEST.log, as they are: romcompat explain - <GUEST.log"
        )));
    };
    let advice = advice::advice(&diagnosis.cause);
    let report = DiagnosisReport::new(diagnosis, advice);
    terminal.answer(&report, |colour| report.text(colour))?;
    Ok(Exit::Clean)
}
