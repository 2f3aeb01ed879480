//! `romcompat prove`.

use crate::cli::exit::{self, Exit, Failure, Kind};
use crate::cli::io::emulator::command_line;
use crate::cli::io::input;
use crate::cli::io::output::Outputs;
use crate::cli::io::supervise;
use crate::cli::options::devices::named_device;
use crate::cli::session::settings::Settings;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::releases;
use crate::finding::{Code, Severity};
use crate::judge::Comparison;
use crate::package::InstalledPackage;
use crate::plan::{Manifest, Mapping, Source};
use crate::prove::{
    Boot, CannotRun, CompatRoms, Emulator, Emulators, Hosts, Migrator, OVMF_CODE, Partition,
    Scenario, boot, prove,
};
use crate::qemu::{Arch, DEVICES, Device, MachineType};
use crate::report::{ProveReport, ProveSubject};
use crate::romset::RomSet;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Prove with real QEMU that guests are refused without the package and
/// taken with it
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Prove {
    /// The ROMs that guests were started with
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The ROMs of the hosts that they go to
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Use the compat ROMs and the mapping of this package [default: those
    /// that `build` would make]
    #[arg(long, value_name = "DEB")]
    pub package: Option<PathBuf>,
    /// Try this device [default: all whose ROMs break]
    #[arg(long, value_name = "DEVICE")]
    pub device: Vec<String>,
    /// Try this machine type [default: the newest of each family that both
    /// QEMU have]
    #[arg(long, value_name = "TYPE")]
    pub machine: Vec<String>,
    /// Architecture of the guests
    #[arg(long, value_name = "ARCH", default_value = "x86_64")]
    pub arch: Arch,
    /// QEMU of the old host, with arguments if need be
    /// [default: qemu-system-ARCH]
    #[arg(long, value_name = "COMMAND")]
    pub source_qemu: Option<String>,
    /// QEMU of the new host, with arguments if need be
    /// [default: qemu-system-ARCH]
    #[arg(long, value_name = "COMMAND")]
    pub dest_qemu: Option<String>,
    /// Start machines with the compat ROMs, too, until network boot is reached
    #[arg(long)]
    pub boot: bool,
    /// How many to try side by side [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Try a share only, such as 2/8 for the second of eight
    #[arg(long, value_name = "N/OF")]
    pub partition: Option<Partition>,
    /// How long to wait for an answer of QEMU, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..))]
    pub timeout: u16,
    /// Write command lines and what QEMU said to this folder
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
    /// Write the outcomes to this file as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

/// Runs QEMU and compares what it does with the plan.
pub fn run(command: &Prove, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = terminal.configured();
    let (old, new) = input::read_both(&command.old, &command.new, terminal.inputs())?;
    let compat = compat_roms(command, terminal, &old, &new)?;
    let devices = devices(command, settings, &old, &new)?;
    let workplace = supervise::Workplace::new()?;
    let (source, dest) = emulators(command, &workplace)?;
    let emulators = Emulators {
        old: &source,
        new: &dest,
    };
    let machines = machines(command, emulators)?;
    let hosts = Hosts::write(workplace.folder(), &old, &new, &compat).map_err(no_proof)?;

    let mut scenarios = Vec::new();
    let mut boots = Vec::new();
    let mut left_out = compat.unknown_devices();
    let ovmf = OVMF_CODE.iter().map(Path::new).find(|path| path.exists());
    for device in &devices {
        for machine in &machines {
            let (tried, without) = Scenario::of_device(&hosts, emulators, *machine, device);
            scenarios.extend(tried);
            left_out.extend(without);
            if command.boot {
                let (tried, without) = Boot::of_device(&compat, &dest, *machine, device, ovmf);
                boots.extend(tried);
                left_out.extend(without);
            }
        }
    }
    let is_nothing = scenarios.is_empty() || (command.boot && boots.is_empty());
    if let Some(partition) = command.partition {
        scenarios = partition.of(scenarios);
        boots = partition.of(boots);
    }
    let mut outputs = Outputs::new(terminal.inputs(), command.force);
    let names = scenarios.iter().map(Scenario::name);
    place_outputs(
        command,
        &mut outputs,
        names.chain(boots.iter().map(Boot::name)),
    )?;

    let jobs = jobs(command.jobs);
    let limit = Duration::from_secs(command.timeout.into());
    let progress = progress(scenarios.len().saturating_add(boots.len()));
    let done = || progress.inc(1);
    let launcher = workplace.launcher();
    let migrator = Migrator::new(launcher.clone(), workplace.folder().to_owned(), limit);
    let proofs = prove(&scenarios, &migrator, jobs, &done);
    let started = boot(&boots, &hosts, launcher, jobs, limit, &done);
    progress.finish_and_clear();

    let package = command.package.as_ref();
    let subject = ProveSubject {
        old: old.label.clone(),
        new: new.label.clone(),
        package: package.map(|path| path.display().to_string()),
    };
    let mut report = ProveReport::new(subject, emulators, &proofs, &started, left_out);
    report.findings.extend(RomSet::omitted_of(&old, Some(&new)));
    if is_nothing {
        report.tells_nothing(command.boot);
    }
    drop(workplace);
    report.findings = terminal.judge(report.findings);
    terminal.findings(&report.findings);
    terminal.answer(&report, |colour| report.text(colour))?;
    write(command, outputs, &report)?;
    let errors = report
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Error);
    let is_open = |code| matches!(code, Code::ProofCouldNotRun | Code::RefusedForAnotherReason);
    let (open, wrong): (Vec<_>, Vec<_>) = errors.partition(|finding| is_open(finding.code));
    Ok(match (wrong.is_empty(), open.is_empty()) {
        (false, _) => Exit::No,
        (true, false) => Exit::NoProof,
        (true, true) => Exit::Clean,
    })
}

fn no_proof(error: CannotRun) -> Failure {
    Failure::new(Kind::Proof, error)
}

fn compat_roms(
    command: &Prove,
    terminal: &Terminal,
    old: &RomSet,
    new: &RomSet,
) -> Result<CompatRoms, Failure> {
    match &command.package {
        None => {
            let plan = releases::plan(
                terminal.configured(),
                false,
                Source::Release(old),
                Some(new),
            )?;
            Ok(CompatRoms::of(&plan))
        }
        Some(path) => {
            let bytes = input::read_bytes(path, terminal.inputs())?;
            let package = InstalledPackage::read(&bytes)
                .map_err(|error| Failure::file(path.display(), error))?;
            Ok(CompatRoms {
                mapping: of_machines(&package.manifest, command, path)?,
                files: package.files,
            })
        }
    }
}

/// The mapping of a package for the machine types that are tried. A package of
/// several generations has one for each range of them.
fn of_machines(manifest: &Manifest, command: &Prove, path: &Path) -> Result<Mapping, Failure> {
    let refuse = |problem: &str| {
        let ends = manifest.ranges.iter().map(|range| range.up_to.to_string());
        Failure::usage(format!(
            "{}: it has mappings for machine types up to {}; {problem}",
            path.display(),
            ends.collect::<Vec<_>>().join(", ")
        ))
    };
    let mut wanted = None;
    let names = command.machine.iter();
    for name in names.filter(|_| !manifest.ranges.is_empty()) {
        let machine = MachineType::parse(command.arch, name).map_err(Failure::usage)?;
        let range = machine
            .version
            .and_then(|version| manifest.range_of(version));
        let range = range.ok_or_else(|| refuse(&format!("{name} needs none of them")))?;
        if wanted.is_some_and(|other| other != range) {
            return Err(refuse("try the machine types of one range at a time"));
        }
        wanted = Some(range);
    }
    let mut mappings = manifest.mappings().into_iter();
    mappings
        .find(|mapping| mapping.range.as_ref() == wanted)
        .ok_or_else(|| refuse("name machine types of one range with --machine"))
}

/// The devices that were asked for, else those whose ROMs break, else all that
/// the old host has a ROM for.
fn devices(
    command: &Prove,
    settings: &Settings,
    old: &RomSet,
    new: &RomSet,
) -> Result<Vec<&'static Device>, Failure> {
    let has_rom = |device: &Device| device.romfiles().any(|name| old.find(name).is_some());
    if !command.device.is_empty() {
        let named = without_repetition(&command.device).map(|name| {
            let device = named_device(name)?;
            if has_rom(device) {
                Ok(device)
            } else {
                Err(Failure::usage(format!(
                    "{} has no {}, the ROM of {name}",
                    old.label, device.romfile
                )))
            }
        });
        return named.collect();
    }
    let comparison = Comparison::new(old, new);
    let breaking: Vec<_> = comparison
        .breaking()
        .flat_map(|pair| pair.devices())
        .collect();
    let chosen: Vec<&'static Device> = DEVICES
        .iter()
        .filter(|device| has_rom(device) && (breaking.is_empty() || breaking.contains(device)))
        .collect();
    if chosen.is_empty() {
        let mapped = if settings.devices.is_empty() {
            ""
        } else {
            "; of the devices that romcompat.toml maps, how they are started and what their RAM blocks are called is not known, so that they cannot be tried"
        };
        return Err(Failure::usage(format!(
            "{} has no ROM that a device of QEMU loads by default, so there is nothing to prove{mapped}",
            old.label
        )));
    }
    Ok(chosen)
}

/// Each word once, in the order of the first time.
fn without_repetition(words: &[String]) -> impl Iterator<Item = &String> {
    let mut seen = BTreeSet::new();
    words.iter().filter(move |word| seen.insert(*word))
}

fn emulators(
    command: &Prove,
    workplace: &supervise::Workplace,
) -> Result<(Emulator, Emulator), Failure> {
    let arch = command.arch;
    let ask = |typed: &Option<String>| {
        let words = match typed {
            None => vec![OsString::from(arch.emulator())],
            Some(text) => command_line(text)?,
        };
        let limit = Duration::from_secs(command.timeout.into());
        Emulator::ask(arch, words, workplace.launcher(), workplace.folder(), limit)
            .map_err(no_proof)
    };
    let source = ask(&command.source_qemu)?;
    if command.dest_qemu == command.source_qemu {
        return Ok((source.clone(), source));
    }
    Ok((source, ask(&command.dest_qemu)?))
}

fn machines(command: &Prove, emulators: Emulators<'_>) -> Result<Vec<MachineType>, Failure> {
    let has = |emulator: &Emulator, machine: &MachineType| emulator.machines.contains(machine);
    if command.machine.is_empty() {
        let newest = |family: &_| {
            let mut machines = emulators.old.machines.iter();
            machines.find(|m| m.family == *family && has(emulators.new, m))
        };
        let families = command.arch.families().iter();
        let found: Vec<MachineType> = families.filter_map(newest).copied().collect();
        if found.is_empty() {
            return Err(no_proof(CannotRun(format!(
                "QEMU {} and QEMU {} have no machine type of {} in common",
                emulators.old.version, emulators.new.version, command.arch
            ))));
        }
        return Ok(found);
    }
    let named = without_repetition(&command.machine).map(|name| {
        let machine = MachineType::parse(command.arch, name).map_err(Failure::usage)?;
        for emulator in [emulators.old, emulators.new] {
            if !has(emulator, &machine) {
                return Err(no_proof(CannotRun(format!(
                    "QEMU {} has no machine type {machine}",
                    emulator.version
                ))));
            }
        }
        Ok(machine)
    });
    named.collect()
}

fn jobs(typed: Option<u16>) -> usize {
    let processors = || thread::available_parallelism().map_or(1, Into::into);
    typed.map_or_else(processors, usize::from)
}

fn progress(total: usize) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(total as u64), target);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} with QEMU, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Makes sure before a long proof that its outputs have a place after it.
fn place_outputs(
    command: &Prove,
    outputs: &mut Outputs,
    names: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    if let Some(folder) = &command.keep {
        outputs.folder(folder)?;
        for name in names {
            outputs.check(&folder.join(name))?;
        }
    }
    command
        .junit
        .as_ref()
        .map_or(Ok(()), |file| outputs.check(file))
}

fn write(command: &Prove, mut outputs: Outputs, report: &ProveReport) -> Result<(), Failure> {
    let records = report.records();
    if let Some(folder) = &command.keep {
        for (name, text) in &records {
            outputs.add(folder.join(name), text.as_bytes())?;
        }
    }
    if let Some(file) = &command.junit {
        outputs.add(file.clone(), report.junit().as_bytes())?;
    }
    outputs.finish()
}
