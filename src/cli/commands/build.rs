//! `romcompat build`: the main job.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::output::Outputs;
use crate::cli::options::plan::PlanInputs;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::making::Making;
use crate::cli::steps::releases::Releases;
use crate::cli::steps::upload;
use crate::json;
use crate::package::{CompatPackage, assemble, assemble_hook};
use crate::report::{BuildReport, BuiltPackage};
use crate::romset::sha256_hex;
use clap::Args;
use std::path::Path;

/// Build the Debian package of compat ROMs, and the mapping to it
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
#[command(override_usage = "\
romcompat build [OPTIONS] --out <FOLDER> OLD [NEW]
       romcompat build [OPTIONS] --out <FOLDER> --generation <VERSION=INPUT>... [NEW]
       romcompat build [OPTIONS] --out <FOLDER> --from-state <FILE> [NEW]")]
pub struct Build {
    /// What the package is planned of.
    #[command(flatten)]
    pub plan: PlanInputs,
    /// Build a second package, NAME-libvirt, with a hook that gives the ROMs to
    /// guests as they come to a host
    #[arg(long)]
    pub libvirt_hook: bool,
    /// Write the .changes and .buildinfo that an archive takes, too
    #[arg(long)]
    pub changes: bool,
    /// Sign both with this key of gpg
    #[arg(long, value_name = "KEY", requires = "changes")]
    pub sign: Option<String>,
}

/// Plans, makes the package and writes it with the mapping beside it.
pub fn run(command: &Build, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = terminal.settings(&command.plan.settings);
    let releases = Releases::read(&command.plan, terminal.inputs())?;
    let Some((plan, findings)) = releases.plan(&settings, command.plan.all, terminal)? else {
        return Ok(Exit::No);
    };
    let mut report = BuildReport::new(&plan, releases.new_label(), findings);
    let folder = command.plan.out.display().to_string();
    if !plan.roms.is_empty() {
        let making = Making::settle(&command.plan, &settings, &plan, terminal.inputs())?;
        let package = assemble(
            &plan,
            &making.details,
            making.previous.as_ref(),
            &making.templates,
        )
        .map_err(|error| making.failure(&command.plan.out, error))?;
        let hook = match command.libvirt_hook {
            true => Some(
                assemble_hook(
                    &package,
                    &making.details,
                    making.previous.as_ref(),
                    &making.templates,
                )
                .map_err(|error| making.failure(&command.plan.out, error))?,
            ),
            false => None,
        };
        let key = command.sign.as_deref();
        let mut beside = match command.changes {
            true => upload::files(&package, hook.as_ref(), &making.details, key)?,
            false => Vec::new(),
        };
        beside.extend(hook.map(|hook| (hook.file_name, hook.deb)));
        report.package = Some(BuiltPackage {
            name: making.details.package,
            version: making.details.version,
            size: package.deb.len(),
        });
        report.roms.clone_from(&package.manifest.roms);
        report.ranges.clone_from(&package.manifest.ranges);
        let outputs = Outputs::new(terminal.inputs(), command.plan.force);
        write(command, &package, &beside, outputs, &mut report)?;
    }
    terminal.answer(&report, |colour| report.text(&folder, colour))?;
    Ok(Exit::Clean)
}

fn write(
    command: &Build,
    package: &CompatPackage,
    beside: &[(String, Vec<u8>)],
    mut outputs: Outputs<'_>,
    report: &mut BuildReport,
) -> Result<(), Failure> {
    let mut files: Vec<(&str, &[u8])> = vec![(&package.file_name, &package.deb)];
    files.extend(beside.iter().map(|(name, bytes)| (&**name, &**bytes)));
    let mapping = package.mapping.iter();
    files.extend(mapping.map(|file| (&*file.name, file.text.as_bytes())));
    report.files = files.iter().map(|(name, _)| (*name).to_owned()).collect();
    report
        .files
        .extend(["report.json", "SHA256SUMS"].map(str::to_owned));
    let document = json::document(report);
    files.push(("report.json", document.as_bytes()));
    let sums: String = files
        .iter()
        .map(|(name, bytes)| format!("{}  {name}\n", sha256_hex(bytes)))
        .collect();
    files.push(("SHA256SUMS", sums.as_bytes()));
    let folder: &Path = &command.plan.out;
    outputs.folder(folder)?;
    for (name, bytes) in files {
        outputs.add(folder.join(name), bytes)?;
    }
    outputs.finish()
}
