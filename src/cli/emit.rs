//! `romcompat emit`.

use super::args::BuildSettings;
use super::build;
use super::config::Settings;
use super::exit::{self, Exit, Failure};
use super::input;
use super::output::Outputs;
use super::terminal::Terminal;
use crate::emit::{globals, libvirt, mapping, readconfig};
use crate::finding::has_errors;
use crate::plan::{CompatPlan, NamePattern};
use crate::report::EmitReport;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `emit`.
#[derive(Debug, Args)]
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
    /// `<rom>` elements for the interfaces of libvirt guests, and the commands
    /// of virt-xml that set them
    #[command(after_help = exit::TABLE)]
    Libvirt(Mapping),
}

/// What is mapped, and where the mapping goes.
#[derive(Debug, Args)]
pub struct Mapping {
    /// The ROMs that guests were started with
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The ROMs of the hosts that they go to; without, all of OLD is mapped
    #[arg(value_name = "NEW")]
    pub new: Option<PathBuf>,
    /// Write to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Map the ROMs that do not break, too
    #[arg(long)]
    pub all: bool,
    /// Read settings from this file [default: romcompat.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
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

/// Prints or writes the mapping of a plan.
pub fn run(command: &Emit, terminal: &Terminal) -> Result<Exit, Failure> {
    match &command.form {
        Form::Globals(wish) => emit(wish, "globals", globals, terminal),
        Form::Readconfig(wish) => emit(wish, "readconfig", readconfig, terminal),
        Form::Libvirt(wish) => {
            let text = |plan: &CompatPlan<'_>| libvirt(&mapping(plan), &plan.install_dir);
            emit(wish, "libvirt", text, terminal)
        }
    }
}

fn emit(
    wish: &Mapping,
    form: &'static str,
    text: impl Fn(&CompatPlan<'_>) -> String,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let typed = BuildSettings {
        select: wish.select.clone(),
        name_pattern: wish.name_pattern.clone(),
        install_dir: wish.install_dir.clone(),
        ..BuildSettings::default()
    };
    let settings = Settings::load(wish.config.as_deref(), &typed)?;
    let (old, new) = input::read_some(&wish.old, wish.new.as_deref())?;
    let plan = build::plan(&settings, wish.all, &old, new.as_ref())?;
    let findings = terminal.judge(plan.unmapped_findings().collect());
    terminal.findings(&findings);
    if has_errors(&findings) {
        return Ok(Exit::No);
    }
    let mapping = mapping(&plan);
    let text = if mapping.is_empty() {
        terminal.remark(if plan.roms.is_empty() {
            "Nothing breaks, so there is nothing to map; `--all` maps the old ROMs anyway."
        } else {
            "No device is known that loads these ROMs, so there is nothing to map."
        });
        String::new()
    } else {
        text(&plan)
    };
    let labels = (&*old.label, new.as_ref().map(|new| &*new.label));
    let report = EmitReport::new(form, labels, &mapping, text, findings);
    match &wish.out {
        Some(file) if !report.text.is_empty() => {
            let mut outputs = Outputs::new(wish.force);
            outputs.add(file.clone(), report.text.as_bytes())?;
            outputs.finish()?;
            terminal.answer(&report, |_| String::new())?;
        }
        _ => terminal.answer(&report, |_| report.text.clone())?,
    }
    Ok(Exit::Clean)
}
