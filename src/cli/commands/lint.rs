//! `romcompat lint`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::options::common::Format;
use crate::cli::options::devices::named_device;
use crate::cli::options::values::bytes;
use crate::cli::session::settings::Settings;
use crate::cli::session::terminal::Terminal;
use crate::finding::has_errors;
use crate::qemu::{Device, device_by_name, devices_of_romfile};
use crate::report::{LintReport, Text};
use crate::rom::{LintContext, PciIds, lint};
use clap::Args;
use std::path::PathBuf;

/// Check ROMs against every rule
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Lint {
    /// What to check
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Warn where a ROM leaves less of its BAR free
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub room: Option<u64>,
    /// A device of QEMU that loads the ROMs; without any, their names and
    /// romcompat.toml say which
    #[arg(long, value_name = "NAME")]
    pub device: Vec<String>,
}

/// Checks the ROMs of all inputs against every rule.
pub fn run(command: &Lint, terminal: &Terminal) -> Result<Exit, Failure> {
    let named = command.device.iter().map(|name| named_device(name));
    let named: Vec<&'static Device> = named.collect::<Result<_, _>>()?;
    let mut findings = Vec::new();
    let mut count = 0_usize;
    for path in &command.inputs {
        let label = path.display().to_string();
        let looked = input::look_at_each(path, terminal.inputs(), |file, package| {
            let subject = match (package, path.is_dir()) {
                (None, false) => label.clone(),
                _ => format!("{label}/{}", file.path()),
            };
            let devices = match named.as_slice() {
                [] => devices_of(file.name(), terminal.configured()),
                named => named.to_vec(),
            };
            let expected_ids: Vec<PciIds> = devices.into_iter().flat_map(Device::all_ids).collect();
            let context = LintContext {
                expected_ids: &expected_ids,
                minimum_room: command.room.unwrap_or_default(),
            };
            let faults = lint(&file.rom(), &context);
            terminal.judge(faults.iter().map(|fault| fault.finding(&subject)).collect())
        })?;
        count = count.saturating_add(looked.answers.len());
        findings.extend(looked.answers.into_iter().flatten());
        findings.extend(terminal.judge(looked.omitted));
    }
    let report = LintReport::new(count, findings);
    if terminal.format() == Format::Sarif {
        terminal.answer(&report.sarif(), |_| Text::new())?;
    } else {
        terminal.answer(&report, |colour| report.text(colour))?;
    }
    Ok(if has_errors(&report.findings) {
        Exit::No
    } else {
        Exit::Clean
    })
}

/// The devices that a ROM file, or the old one in a compat name, is for.
fn devices_of(file: &str, settings: &Settings) -> Vec<&'static Device> {
    let pattern = settings.package.name_pattern.clone().unwrap_or_default();
    let name = pattern.old_name(file).unwrap_or(file);
    let configured = settings.devices.get(name).into_iter().flatten();
    configured
        .filter_map(|device| device_by_name(device))
        .chain(devices_of_romfile(name))
        .collect()
}
