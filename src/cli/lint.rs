//! `romcompat lint`.

use super::args::{Format, Lint};
use super::exit::{Exit, Failure};
use super::input;
use super::terminal::Terminal;
use crate::finding::has_errors;
use crate::qemu::ids_of_romfile;
use crate::report::LintReport;
use crate::rom::{LintContext, lint};

/// Checks the ROMs of all inputs against every rule.
pub fn run(command: &Lint, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut findings = Vec::new();
    let mut count = 0_usize;
    for path in &command.inputs {
        let label = path.display().to_string();
        let (roms, _) = input::look_at_each(path, |file, package| {
            let subject = match (package, path.is_dir()) {
                (None, false) => label.clone(),
                _ => format!("{label}/{}", file.path()),
            };
            let expected_ids = ids_of_romfile(file.name());
            let context = LintContext {
                expected_ids: &expected_ids,
                minimum_room: command.room.unwrap_or_default(),
            };
            let faults = lint(&file.rom(), &context);
            terminal.judge(faults.iter().map(|fault| fault.finding(&subject)).collect())
        })?;
        count = count.saturating_add(roms.len());
        findings.extend(roms.into_iter().flatten());
    }
    let report = LintReport::new(count, findings);
    if terminal.format() == Format::Sarif {
        terminal.answer(&report.sarif(), |_| String::new())?;
    } else {
        terminal.answer(&report, |colour| report.text(colour))?;
    }
    Ok(if has_errors(&report.findings) {
        Exit::No
    } else {
        Exit::Clean
    })
}
