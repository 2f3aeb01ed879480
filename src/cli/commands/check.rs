//! `romcompat check`.

use crate::advise::cures;
use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::emulator;
use crate::cli::io::input;
use crate::cli::io::output::Outputs;
use crate::cli::options::qemu::QemuVersions;
use crate::cli::options::values::percent;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::inventory;
use crate::finding::{Code, Finding, has_errors};
use crate::host::Baseline;
use crate::judge::{Comparison, Pair};
use crate::report::CheckReport;
use crate::romset::RomSet;
use clap::Args;
use std::path::{Path, PathBuf};

/// Say whether migrations between two sets of ROMs would break
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
#[command(override_usage = "\
romcompat check [OPTIONS] OLD NEW
       romcompat check [OPTIONS] --baseline FILE NEW
       romcompat check [OPTIONS] --write-baseline FILE OLD
       romcompat check [OPTIONS] --inventory FOLDER")]
pub struct Check {
    /// OLD and NEW, or the one that goes with a baseline
    #[arg(required_unless_present = "inventory", num_args = 1..=2, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Say which guests of many hosts can go where: of each host the answers of
    /// `inspect` and `guests` in HOST/roms.json and HOST/guests.json
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["inputs", "baseline", "write_baseline"])]
    pub inventory: Option<PathBuf>,
    /// Compare NEW with the sizes in this file
    #[arg(long, value_name = "FILE", conflicts_with = "write_baseline")]
    pub baseline: Option<PathBuf>,
    /// Write the sizes of OLD to this file
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// Warn where less than this share of a BAR is free
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub headroom: Option<u8>,
    /// Overwrite the file of --write-baseline
    #[arg(long, requires = "write_baseline")]
    pub force: bool,
    /// The QEMU that the next step is for.
    #[command(flatten)]
    pub qemu: QemuVersions,
}

/// Compares two sets of ROMs, or one with a baseline, or writes a baseline.
pub fn run(command: &Check, terminal: &Terminal) -> Result<Exit, Failure> {
    if let Some(folder) = &command.inventory {
        return inventory::run(folder, terminal);
    }
    match (&command.write_baseline, &command.baseline, &*command.inputs) {
        (Some(file), _, [old]) => write_baseline(file, old, command.force, terminal),
        (None, Some(file), [new]) => against_baseline(command, file, new, terminal),
        (None, None, [old, new]) => compare(command, old, new, terminal),
        (None, None, _) => Err(Failure::usage(
            "`check` needs OLD and NEW, or one of them and a baseline file",
        )),
        (_, _, _) => Err(Failure::usage(
            "with a baseline file, `check` takes one set of ROMs",
        )),
    }
}

fn write_baseline(
    file: &Path,
    old: &Path,
    force: bool,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let set = input::read(old, terminal.inputs())?;
    let omitted = terminal.judge(set.omitted(None));
    terminal.findings(&omitted);
    if has_errors(&omitted) {
        return Ok(Exit::No);
    }
    let text = Baseline::of(&set).written();
    let text = text.map_err(|error| Failure::file(old.display(), error))?;
    let mut outputs = Outputs::new(terminal.inputs(), force);
    outputs.add(file.to_owned(), text.as_bytes())?;
    outputs.finish()?;
    Ok(Exit::Clean)
}

fn against_baseline(
    command: &Check,
    file: &Path,
    new: &Path,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let text = terminal
        .inputs()
        .read(file)
        .map_err(|error| Failure::file(file.display(), error))?;
    let baseline = Baseline::parse(&String::from_utf8_lossy(&text))
        .map_err(|error| Failure::file(file.display(), error))?;
    let new = input::read(new, terminal.inputs())?;
    let mut findings = new.findings();
    for rom in new.roms.iter().filter(|rom| !baseline.lists(rom.name())) {
        findings.push(not_listed(rom.name(), file));
    }
    let settings = terminal.configured();
    let comparison = Comparison::with_baseline(&baseline, &new).with_devices(&settings.devices);
    let old = file.display().to_string();
    answer(command, &comparison, &old, &new, findings, terminal)
}

/// A step as a finding says it.
fn sentence(step: &str) -> String {
    let mut letters = step.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

fn not_listed(name: &str, file: &Path) -> Finding {
    Finding::new(
        Code::NotInBaseline,
        name,
        format!("{} does not list it", file.display()),
        "a baseline lists every ROM that is shipped",
    )
}

fn compare(command: &Check, old: &Path, new: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let (old, new) = input::read_both(old, new, terminal.inputs())?;
    let settings = terminal.configured();
    let comparison = Comparison::new(&old, &new).with_devices(&settings.devices);
    let findings = [
        old.findings_beside(Some(&new)),
        new.findings_beside(Some(&old)),
    ]
    .concat();
    answer(command, &comparison, &old.label, &new, findings, terminal)
}

fn answer(
    command: &Check,
    comparison: &Comparison<'_>,
    old: &str,
    new: &RomSet,
    mut findings: Vec<Finding>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let pairs = &comparison.pairs;
    let cures = cures(comparison, emulator::settle(&command.qemu)?);
    let step = cures.first().and_then(|best| best.way.step());
    findings.extend(pairs.iter().filter_map(|pair| {
        let finding = pair.breaking_finding()?;
        let next_step = step.map_or(finding.next_step, sentence);
        Some(Finding {
            next_step,
            ..finding
        })
    }));
    findings.extend(pairs.iter().flat_map(Pair::content_findings));
    if let Some(percent) = command.headroom {
        findings.extend(
            pairs
                .iter()
                .filter_map(|pair| pair.headroom_finding(percent)),
        );
    }
    let findings = terminal.judge(findings);
    let report = CheckReport::new(old, &new.label, comparison, cures, findings);
    let every_cure = terminal.verbose() || command.qemu.are_given();
    terminal.answer(&report, |colour| report.text(colour, every_cure))?;
    terminal.findings(&report.findings);
    Ok(if has_errors(&report.findings) {
        Exit::No
    } else {
        Exit::Clean
    })
}
