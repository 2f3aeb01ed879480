//! `romcompat emit`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::io::opened::Inputs;
use crate::cli::io::output::Outputs;
use crate::cli::options::generation::GenerationInput;
use crate::cli::session::settings::Settings;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::releases;
use crate::emit::{
    ArrayForm, CompatArray, Patch, SOURCE_FILES, SourceTree, compat_array, globals, libvirt, patch,
    readconfig,
};
use crate::finding::has_errors;
use crate::package::PackageSettings;
use crate::plan::{self, CompatPlan, NamePattern, Source};
use crate::report::{EmitReport, Text};
use crate::romset::RomSet;
use clap::{Args, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Print the mapping from devices to compat ROMs for one's own QEMU or
/// libvirt
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Emit {
    /// The form of the mapping.
    #[command(subcommand)]
    pub form: Form,
}

/// Forms of a mapping.
#[derive(Debug, Subcommand)]
pub enum Form {
    /// `-global` options for QEMU's command line
    #[command(after_help = exit::TABLE)]
    Globals(Mapping),
    /// A file for QEMU's `-readconfig`
    #[command(after_help = exit::TABLE)]
    Readconfig(Mapping),
    /// Entries for QEMU's compat arrays, or a patch for its source
    #[command(after_help = exit::TABLE)]
    CompatArray(Arrays),
    /// `<rom>` elements for the interfaces of libvirt guests, and the commands
    /// of virt-xml that set them
    #[command(after_help = exit::TABLE)]
    Libvirt(Mapping),
}

/// What is mapped, and where the mapping goes.
#[derive(Debug, Args)]
pub struct Mapping {
    /// OLD, the ROMs that guests were started with, and NEW, those of the hosts
    /// that they go to; without NEW, all of OLD is mapped
    #[arg(num_args = 0..=2, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Write to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Map the ROMs that do not break, too
    #[arg(long)]
    pub all: bool,
    /// Map only ROMs whose names match
    #[arg(long, value_name = "GLOB")]
    pub select: Vec<glob::Pattern>,
    /// How compat names are made [default: compat-{size}-{name}]
    #[arg(long, value_name = "PATTERN")]
    pub name_pattern: Option<NamePattern>,
    /// Where the compat ROMs are [default: /usr/share/qemu]
    #[arg(long, value_name = "FOLDER")]
    pub install_dir: Option<String>,
}

/// What stands in which compat arrays.
#[derive(Debug, Args)]
#[command(override_usage = "\
romcompat emit compat-array [OPTIONS] --up-to <TYPE> OLD [NEW]
       romcompat emit compat-array [OPTIONS] --generation <VERSION=INPUT>... [NEW]")]
pub struct Arrays {
    /// The newest machine type that needs the old ROMs; older ones need
    /// nothing more. Where the newest pc-i440fx and pc-q35 differ, give both
    #[arg(long, value_name = "TYPE", required_unless_present = "generation")]
    pub up_to: Vec<String>,
    /// In place of OLD: the ROMs that machine types up to this version used,
    /// such as 2.11=bionic.deb; several from the oldest to the newest
    #[arg(long, value_name = "VERSION=INPUT", conflicts_with_all = ["up_to", "pc_only"])]
    pub generation: Vec<GenerationInput>,
    /// Reach only pc-i440fx and pc-q35, and no other architecture
    #[arg(long)]
    pub pc_only: bool,
    /// How QEMU writes its compat properties: as arrays, or up to 3.1 as
    /// macros
    #[arg(long, value_enum, default_value_t = Style::Array, conflicts_with = "qemu_source")]
    pub style: Style,
    /// Write a patch for the source of QEMU in this folder
    #[arg(long, value_name = "FOLDER")]
    pub qemu_source: Option<PathBuf>,
    /// What is mapped.
    #[command(flatten)]
    pub mapping: Mapping,
}

/// How QEMU writes its compat properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// hw_compat_X_Y[]
    Array,
    /// HW_COMPAT_X_Y
    Macro,
}

/// Prints or writes the mapping of a plan.
pub fn run(command: &Emit, terminal: &Terminal) -> Result<Exit, Failure> {
    match &command.form {
        Form::Globals(wish) => emit(wish, "globals", |plan| Ok(each(plan, globals)), terminal),
        Form::Readconfig(wish) => {
            let text = |plan: &CompatPlan<'_>| Ok(each(plan, readconfig));
            emit(wish, "readconfig", text, terminal)
        }
        Form::Libvirt(wish) => {
            let text = |plan: &CompatPlan<'_>| Ok(each(plan, libvirt));
            emit(wish, "libvirt", text, terminal)
        }
        Form::CompatArray(wish) if !wish.generation.is_empty() => generation_arrays(wish, terminal),
        Form::CompatArray(wish) => {
            let text = |plan: &CompatPlan<'_>| arrays(wish, plan, terminal);
            emit(&wish.mapping, "compat-array", text, terminal)
        }
    }
}

/// Each mapping of a plan in one form.
fn each(plan: &CompatPlan<'_>, form: fn(&plan::Mapping) -> String) -> String {
    plan.mappings().iter().map(form).collect()
}

fn emit(
    wish: &Mapping,
    form: &'static str,
    text: impl Fn(&CompatPlan<'_>) -> Result<String, Failure>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let [old, rest @ ..] = &*wish.inputs else {
        return Err(Failure::usage(
            "`emit` needs OLD, the ROMs that guests were started with",
        ));
    };
    let (old, new) = input::read_some(old, rest.first().map(PathBuf::as_path), terminal.inputs())?;
    let omitted = terminal.judge(RomSet::omitted_of(&old, new.as_ref()));
    terminal.findings(&omitted);
    if has_errors(&omitted) {
        return Ok(Exit::No);
    }
    let settings = settings(wish, terminal);
    let plan = releases::plan(&settings, wish.all, Source::Release(&old), new.as_ref())?;
    let labels = (&*old.label, new.as_ref().map(|new| &*new.label));
    finish(wish, form, &plan, labels, text, terminal)
}

/// Arrays for the machine types of several generations.
fn generation_arrays(wish: &Arrays, terminal: &Terminal) -> Result<Exit, Failure> {
    let mapping = &wish.mapping;
    let new = match &*mapping.inputs {
        [] => None,
        [new] => Some(input::read(new, terminal.inputs())?),
        _ => {
            return Err(Failure::usage(
                "with --generation, `emit` takes NEW alone; OLD is the newest generation",
            ));
        }
    };
    let generations = releases::read_generations(&wish.generation, terminal.inputs())?;
    let settings = settings(mapping, terminal);
    let source = Source::Generations(&generations);
    let plan = releases::plan(&settings, mapping.all, source, new.as_ref())?;
    let old = plan.release();
    let labels = (&*old, new.as_ref().map(|new| &*new.label));
    let text =
        |plan: &CompatPlan<'_>| written(wish, &CompatArray::of_ranges(&plan.mappings()), terminal);
    finish(mapping, "compat-array", &plan, labels, text, terminal)
}

fn settings(wish: &Mapping, terminal: &Terminal) -> Settings {
    terminal.settings(&PackageSettings {
        select: wish.select.clone(),
        name_pattern: wish.name_pattern.clone(),
        install_dir: wish.install_dir.clone(),
        ..PackageSettings::default()
    })
}

/// Prints or writes a plan's mapping in one form.
fn finish(
    wish: &Mapping,
    form: &'static str,
    plan: &CompatPlan<'_>,
    labels: (&str, Option<&str>),
    text: impl Fn(&CompatPlan<'_>) -> Result<String, Failure>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let findings = terminal.judge(plan.unmapped_findings().collect());
    terminal.findings(&findings);
    if has_errors(&findings) {
        return Ok(Exit::No);
    }
    let devices = plan.mapped_devices();
    let text = if devices.is_empty() {
        terminal.remark(if plan.roms.is_empty() {
            "Nothing breaks, so there is nothing to map; `--all` maps the old ROMs anyway."
        } else {
            "No device is known that loads these ROMs, so there is nothing to map."
        });
        String::new()
    } else {
        text(plan)?
    };
    let report = EmitReport::new(form, labels, devices, text, findings);
    match &wish.out {
        Some(file) if !report.text.is_empty() => {
            let mut outputs = Outputs::new(terminal.inputs(), wish.force);
            outputs.add(file.clone(), report.text.as_bytes())?;
            outputs.finish()?;
            terminal.answer(&report, |_| Text::new())?;
        }
        _ => terminal.answer(&report, |_| Text::for_programs(report.text.clone()))?,
    }
    Ok(Exit::Clean)
}

fn arrays(wish: &Arrays, plan: &CompatPlan<'_>, terminal: &Terminal) -> Result<String, Failure> {
    let arrays = CompatArray::up_to(&wish.up_to, wish.pc_only, &plan.mapped_devices())
        .map_err(Failure::usage)?;
    written(wish, &arrays, terminal)
}

/// The arrays as text, or as a patch for a source tree.
fn written(wish: &Arrays, arrays: &[CompatArray], terminal: &Terminal) -> Result<String, Failure> {
    let Some(folder) = &wish.qemu_source else {
        let form = match wish.style {
            Style::Array => ArrayForm::Array,
            Style::Macro => ArrayForm::Macro,
        };
        for array in arrays {
            array.check_form(form).map_err(Failure::usage)?;
        }
        return Ok(compat_array(arrays, form));
    };
    let tree = source_tree(folder, terminal.inputs())?;
    match patch(&tree, arrays).map_err(|error| Failure::file(folder.display(), error))? {
        Patch::Diff(text) => Ok(text),
        Patch::Applied => {
            terminal.remark(
                "The source of QEMU has every entry already, so there is nothing to change.",
            );
            Ok(String::new())
        }
    }
}

/// No file of QEMU's source with compat arrays is as long as this, in bytes.
const LONGEST_SOURCE: u64 = 4 << 20;

fn source_tree(folder: &Path, inputs: &Inputs) -> Result<SourceTree, Failure> {
    let metadata = fs::metadata(folder).map_err(|error| Failure::file(folder.display(), error))?;
    if !metadata.is_dir() {
        return Err(Failure::file(
            folder.display(),
            "it is a file; give the folder with the source of QEMU",
        ));
    }
    let mut tree = SourceTree::default();
    for name in SOURCE_FILES {
        let path = folder.join(name);
        let fail = |error: io::Error| Failure::file(path.display(), error);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(fail(error)),
            Ok(metadata) if !metadata.is_file() || metadata.len() > LONGEST_SOURCE => {
                return Err(Failure::file(
                    path.display(),
                    "it is no source file of QEMU",
                ));
            }
            Ok(_) => {}
        }
        let bytes = inputs.read(&path).map_err(fail)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        tree.files.insert(name, text);
    }
    Ok(tree)
}
