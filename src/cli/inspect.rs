//! `romcompat inspect`.

use super::args::{Format, Inspect};
use super::exit::{Exit, Failure};
use super::input;
use super::terminal::Terminal;
use crate::finding::{Finding, has_errors};
use crate::report::{InspectReport, InspectedRom};

/// Shows what is in the ROMs of all inputs.
pub fn run(command: &Inspect, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut roms = Vec::new();
    let mut left_out = 0_usize;
    for path in &command.inputs {
        let label = path.display().to_string();
        let (looked_at, no_rom) = input::look_at_each(path, |file, package| {
            let mut rom =
                InspectedRom::of(file, &label, package, terminal.format() == Format::Json);
            rom.findings = terminal.judge(rom.findings);
            rom
        })?;
        roms.extend(looked_at);
        left_out = left_out.saturating_add(no_rom);
    }
    let report = InspectReport::new(roms, left_out);
    terminal.answer(&report, |colour| report.text(terminal.verbose(), colour))?;
    let findings: Vec<Finding> = report
        .roms
        .into_iter()
        .flat_map(|rom| rom.findings)
        .collect();
    terminal.findings(&findings);
    Ok(if has_errors(&findings) {
        Exit::No
    } else {
        Exit::Clean
    })
}
