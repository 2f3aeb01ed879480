//! `romcompat state`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::io::output::Outputs;
use crate::cli::options::values::offset;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::saved::{self, Wanted};
use crate::emit::{saved_globals, saved_libvirt};
use crate::finding::has_errors;
use crate::plan::{ExtractedRoms, NamePattern, SavedMapping};
use crate::qemu::{Arch, MachineType, UnknownMachineType};
use crate::report::{StateReport, StateRow, Text};
use crate::romset::RomSet;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Say which ROM sizes saved guests need, and what makes them resume
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct State {
    /// Saved guests: streams of QEMU, libvirt save files, qcow2 images with
    /// snapshots; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The ROMs of the host that shall resume them; several in the order in
    /// which its QEMU searches them
    #[arg(long, value_name = "INPUT")]
    pub roms: Vec<PathBuf>,
    /// Only the snapshot of this name or id
    #[arg(long, value_name = "NAME")]
    pub snapshot: Option<String>,
    /// Where the stream of QEMU starts in the file, in bytes, such as 4096 or
    /// 0x1000
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = offset)]
    pub offset: u64,
    /// The machine type of guests whose states do not name it (up to 2.3)
    #[arg(long, value_name = "TYPE", value_parser = machine_type)]
    pub machine: Option<MachineType>,
    /// Print what makes the guests resume with compat ROMs, in this form
    #[arg(long, value_name = "FORM")]
    pub emit: Option<Form>,
    /// Write the ROMs that are in the states to this folder
    #[arg(long, value_name = "FOLDER")]
    pub extract_roms: Option<PathBuf>,
    /// Overwrite files
    #[arg(long, requires = "extract_roms")]
    pub force: bool,
}

/// Form of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// `-global` options for QEMU's command line
    Globals,
    /// `<rom>` elements for libvirt guests
    Libvirt,
}

fn machine_type(name: &str) -> Result<MachineType, UnknownMachineType> {
    MachineType::parse(Arch::X86_64, name)
}

/// Reads states, and says what they need.
pub fn run(command: &State, terminal: &Terminal) -> Result<Exit, Failure> {
    let roms: Vec<RomSet> = command
        .roms
        .iter()
        .map(|path| input::read(path, terminal.inputs()))
        .collect::<Result<_, _>>()?;
    let wanted = Wanted {
        offset: command.offset,
        snapshot: command.snapshot.as_deref(),
        contents: command.extract_roms.is_some(),
    };
    let machine = command.machine.map(|machine| machine.to_string());
    let mut rows = Vec::new();
    let mut extracted = ExtractedRoms::default();
    let mut of_files = Vec::new();
    for path in &command.files {
        let label = path.display().to_string();
        for found in saved::read(wanted, path, terminal.inputs())? {
            let mut row = found.judged(&label, machine.as_deref(), &roms);
            saved::extract(&found, &mut row, &mut extracted)?;
            rows.push(row);
            of_files.extend(found.findings);
        }
    }
    let mut report = StateReport::new(&roms, rows);
    report.findings.extend(of_files);
    let omitted = roms.iter().flat_map(|roms| roms.omitted(None));
    report.findings.extend(omitted);
    if command.emit.is_some() {
        let roms = report.states.iter().flat_map(StateRow::named_roms);
        let mapping = SavedMapping::new(roms, &NamePattern::default());
        report.findings.extend_from_slice(mapping.unknown());
        report.findings.extend(mapping.findings());
        report.mapping = Some(mapping);
    }
    let faults = terminal.judge(extracted.findings().collect());
    let is_sound = !has_errors(&faults);
    report.findings = terminal.judge(report.findings);
    report.findings.extend(faults);
    match &command.extract_roms {
        Some(folder) if is_sound => {
            let outputs = Outputs::new(terminal.inputs(), command.force);
            write(folder, outputs, &extracted, &mut report)?;
        }
        _ => {}
    }
    terminal.findings(&report.findings);
    match (command.emit, &report.mapping) {
        (Some(form), Some(mapping)) => {
            terminal.answer(&report, |_| Text::for_programs(text(form, mapping)))?
        }
        _ => terminal.answer(&report, |colour| report.text(colour))?,
    }
    Ok(if has_errors(&report.findings) {
        Exit::No
    } else {
        Exit::Clean
    })
}

fn text(form: Form, mapping: &SavedMapping) -> String {
    match form {
        Form::Globals => saved_globals(mapping),
        Form::Libvirt => saved_libvirt(mapping),
    }
}

fn write(
    folder: &Path,
    mut outputs: Outputs<'_>,
    extracted: &ExtractedRoms,
    report: &mut StateReport,
) -> Result<(), Failure> {
    outputs.folder(folder)?;
    for rom in extracted.roms() {
        let file = folder.join(&rom.name);
        outputs.add(file.clone(), &rom.bytes)?;
        report.files.push(file.display().to_string());
    }
    outputs.finish()
}
