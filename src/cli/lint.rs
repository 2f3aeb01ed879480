//! `romcompat lint`.

use super::args::{Format, Lint};
use super::config::Settings;
use super::devices::named_device;
use super::exit::{Exit, Failure};
use super::input;
use super::terminal::Terminal;
use crate::finding::has_errors;
use crate::qemu::{Device, device_by_name, devices_of_romfile};
use crate::report::LintReport;
use crate::rom::{LintContext, PciIds, lint};

/// Checks the ROMs of all inputs against every rule.
pub fn run(command: &Lint, terminal: &Terminal) -> Result<Exit, Failure> {
    let named = command.device.iter().map(|name| named_device(name));
    let named: Vec<&'static Device> = named.collect::<Result<_, _>>()?;
    let mut findings = Vec::new();
    let mut count = 0_usize;
    for path in &command.inputs {
        let label = path.display().to_string();
        let (roms, _) = input::look_at_each(path, |file, package| {
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

/// The devices that a ROM file, or the old one in a compat name, is for.
fn devices_of(file: &str, settings: &Settings) -> Vec<&'static Device> {
    let pattern = settings.name_pattern.clone().unwrap_or_default();
    let name = pattern.old_name(file).unwrap_or(file);
    let configured = settings.devices.get(name).into_iter().flatten();
    configured
        .filter_map(|device| device_by_name(device))
        .chain(devices_of_romfile(name))
        .collect()
}
