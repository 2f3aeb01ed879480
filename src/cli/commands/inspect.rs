//! `romcompat inspect`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::options::common::Format;
use crate::cli::session::terminal::Terminal;
use crate::finding::{Finding, has_errors};
use crate::judge::{Comparison, Side};
use crate::report::{Detail, DifferenceReport, InspectReport, InspectedRom};
use crate::romset::RomSet;
use clap::Args;
use std::path::{Path, PathBuf};

/// Show what is in ROMs: images, ids, sizes, checksums
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Inspect {
    /// What to look into
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Say what changed from the first of two inputs to the second; the exit
    /// status is 1 where something did
    #[arg(long)]
    pub diff: bool,
}

/// Shows what is in the ROMs of all inputs, or what differs between two.
pub fn run(command: &Inspect, terminal: &Terminal) -> Result<Exit, Failure> {
    match (command.diff, &*command.inputs) {
        (false, _) => show(command, terminal),
        (true, [old, new]) => difference(old, new, terminal),
        (true, _) => Err(Failure::usage("`inspect --diff` needs two inputs")),
    }
}

fn difference(old: &Path, new: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let (old, new) = input::read_both(old, new, terminal.inputs())?;
    let look = |side: Option<Side<'_>>, set: &RomSet| {
        let file = side.and_then(|side| side.file)?;
        let package = set.package_release();
        let (package, detail) = (package.as_deref(), Detail::Everything);
        Some(InspectedRom::of(file, &set.label, package, detail))
    };
    let pairs: Vec<_> = Comparison::new(&old, &new)
        .pairs
        .iter()
        .map(|pair| (pair.name, look(pair.old(), &old), look(pair.new(), &new)))
        .collect();
    let report = DifferenceReport::new(&old.label, &new.label, &pairs);
    terminal.answer(&report, |colour| report.text(colour))?;
    Ok(if report.roms.is_empty() {
        Exit::Clean
    } else {
        Exit::No
    })
}

fn show(command: &Inspect, terminal: &Terminal) -> Result<Exit, Failure> {
    let detail = match terminal.format() {
        Format::Text if !terminal.verbose() => Detail::Row,
        _ => Detail::Everything,
    };
    let mut roms = Vec::new();
    let mut left_out = 0_usize;
    let mut omitted = Vec::new();
    for path in &command.inputs {
        let label = path.display().to_string();
        let looked = input::look_at_each(path, terminal.inputs(), |file, package| {
            let mut rom = InspectedRom::of(file, &label, package, detail);
            rom.findings = terminal.judge(rom.findings);
            rom
        })?;
        roms.extend(looked.answers);
        left_out = left_out.saturating_add(looked.left_out);
        omitted.extend(terminal.judge(looked.omitted));
    }
    let report = InspectReport::new(roms, left_out, omitted);
    terminal.answer(&report, |colour| report.text(terminal.verbose(), colour))?;
    let findings: Vec<Finding> = report
        .roms
        .into_iter()
        .flat_map(|rom| rom.findings)
        .chain(report.findings)
        .collect();
    terminal.findings(&findings);
    Ok(if has_errors(&findings) {
        Exit::No
    } else {
        Exit::Clean
    })
}
