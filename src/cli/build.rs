//! `romcompat build`: the main job.

use super::args::Build;
use super::config::Settings;
use super::exit::{Exit, Failure};
use super::generations;
use super::input;
use super::output::Outputs;
use super::state;
use super::terminal::Terminal;
use crate::finding::{Finding, has_errors};
use crate::json;
use crate::package::{CompatPackage, Details, assemble};
use crate::plan::{
    Comparison, CompatPlan, Generation, GenerationOptions, Naming, Pair, PlanError, QEMU_SHARE,
    Selection,
};
use crate::report::{BuildReport, BuiltPackage};
use crate::romset::{RomSet, sha256_hex};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Plans, makes the package and writes it with the mapping beside it.
pub fn run(command: &Build, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = terminal.settings(&command.settings);
    if let Some(file) = &command.from_state {
        return from_state(command, &settings, file, terminal);
    }
    match (command.generation.is_empty(), &*command.inputs) {
        (true, [old, rest @ ..]) => {
            let (old, new) = input::read_some(old, rest.first().map(PathBuf::as_path))?;
            let found = judged(findings(&old, new.as_ref()), terminal);
            let plan = || plan(&settings, command.all, &old, new.as_ref());
            build(command, &settings, found, plan, new.as_ref(), terminal)
        }
        (true, []) => Err(Failure::usage(
            "`build` needs OLD, the ROMs that guests were started with, or generations of them",
        )),
        (false, [_, _, ..]) => Err(Failure::usage(
            "with --generation, `build` takes NEW alone; OLD is the newest generation",
        )),
        (false, new) => {
            let generations = generations::read(&command.generation)?;
            let new = match new.first() {
                Some(new) => Some(input::read(new)?),
                None => None,
            };
            let of_each = generations
                .iter()
                .flat_map(|generation| generation.set.findings());
            let found = judged(of_each.collect(), terminal);
            let plan = || of_generations(&settings, command.all, &generations, new.as_ref());
            build(command, &settings, found, plan, new.as_ref(), terminal)
        }
    }
}

/// The old ROMs are those in a saved guest.
fn from_state(
    command: &Build,
    settings: &Settings,
    file: &Path,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let new = match &*command.inputs {
        [] => None,
        [new] => Some(input::read(new)?),
        _ => {
            return Err(Failure::usage(
                "with --from-state, `build` takes NEW alone; OLD is the state",
            ));
        }
    };
    let old = state::roms_of(file)?;
    let found = judged(findings(&old, new.as_ref()), terminal);
    let plan = || plan(settings, command.all, &old, new.as_ref());
    build(command, settings, found, plan, new.as_ref(), terminal)
}

/// Findings as the user wants them to weigh, printed.
fn judged(findings: Vec<Finding>, terminal: &Terminal) -> Vec<Finding> {
    let findings = terminal.judge(findings);
    terminal.findings(&findings);
    findings
}

fn build<'a>(
    command: &Build,
    settings: &Settings,
    mut findings: Vec<Finding>,
    plan: impl FnOnce() -> Result<CompatPlan<'a>, Failure>,
    new: Option<&RomSet>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    if has_errors(&findings) {
        return Ok(Exit::No);
    }
    let plan = plan()?;
    let plan_findings = judged(plan.findings.clone(), terminal);
    if has_errors(&plan_findings) {
        return Ok(Exit::No);
    }
    findings.extend(plan_findings);
    let mut report = BuildReport::new(&plan, new.map(|new| new.label.as_str()), findings);
    let folder = command.out.display().to_string();
    if !plan.roms.is_empty() {
        let details = details(settings, &plan)?;
        let package = assemble(&plan, &details).map_err(|error| Failure::file(&folder, error))?;
        report.package = Some(BuiltPackage {
            name: details.package,
            version: details.version,
            size: package.deb.len(),
        });
        report.roms.clone_from(&package.manifest.roms);
        report.ranges.clone_from(&package.manifest.ranges);
        write(command, &package, &mut report)?;
    }
    terminal.answer(&report, |colour| report.text(&folder, colour))?;
    Ok(Exit::Clean)
}

/// What is wrong with the old ROMs, and what the new ones lack.
fn findings(old: &RomSet, new: Option<&RomSet>) -> Vec<Finding> {
    let mut findings = old.findings();
    if let Some(new) = new {
        let comparison = Comparison::new(old, new);
        findings.extend(comparison.pairs.iter().flat_map(Pair::content_findings));
    }
    findings
}

pub(super) fn plan<'a>(
    settings: &Settings,
    all: bool,
    old: &'a RomSet,
    new: Option<&'a RomSet>,
) -> Result<CompatPlan<'a>, Failure> {
    let (naming, selection) = wishes(settings, all)?;
    let boot_ids = settings.boot_ids.unwrap_or_default();
    let fail = |error: PlanError| Failure::file(&old.label, error);
    let mut plan =
        CompatPlan::new(old, new, &selection, &naming, settings.size, boot_ids).map_err(fail)?;
    plan.map_devices(&settings.devices).map_err(fail)?;
    Ok(plan)
}

pub(super) fn of_generations<'a>(
    settings: &Settings,
    all: bool,
    generations: &'a [Generation],
    new: Option<&'a RomSet>,
) -> Result<CompatPlan<'a>, Failure> {
    let (naming, selection) = wishes(settings, all)?;
    let options = GenerationOptions {
        selection: &selection,
        naming: &naming,
        size: settings.size,
        boot_ids: settings.boot_ids.unwrap_or_default(),
        devices: &settings.devices,
    };
    CompatPlan::of_generations(generations, new, options).map_err(Failure::usage)
}

fn wishes(settings: &Settings, all: bool) -> Result<(Naming, Selection), Failure> {
    let install_dir = settings.install_dir.as_deref().unwrap_or(QEMU_SHARE);
    let naming = Naming {
        pattern: settings.name_pattern.clone().unwrap_or_default(),
        install_dir: install_folder(install_dir)?,
    };
    let selection = Selection {
        all,
        patterns: settings.select.clone(),
    };
    Ok((naming, selection))
}

/// An absolute path without `.`, `..`, double or final slashes.
fn install_folder(text: &str) -> Result<String, Failure> {
    let trimmed = text.trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(is_plain);
    match trimmed.strip_prefix('/') {
        Some(rest) if rest.split('/').all(is_part) => Ok(trimmed.to_owned()),
        _ => Err(Failure::usage(format!(
            "`{text}` is no folder to install to; give an absolute path such as {QEMU_SHARE}"
        ))),
    }
}

fn details(settings: &Settings, plan: &CompatPlan<'_>) -> Result<Details, Failure> {
    let copyright = match &settings.copyright {
        Some(path) => Some(fs::read(path).map_err(|error| Failure::file(path.display(), error))?),
        None => None,
    };
    Details::settle(&settings.wishes(), plan, epoch()?, copyright, author()).map_err(Failure::usage)
}

/// SOURCE_DATE_EPOCH, the date of everything that is built
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn epoch() -> Result<Option<u64>, Failure> {
    let Some(value) = env::var_os("SOURCE_DATE_EPOCH") else {
        return Ok(None);
    };
    let text = value.to_string_lossy();
    text.parse().map(Some).map_err(|_| {
        Failure::usage(format!(
            "SOURCE_DATE_EPOCH is `{text}`, and it must be the seconds since 1970 as a whole number"
        ))
    })
}

/// The user as Debian's tools know them (debchange(1)).
fn author() -> Option<String> {
    let name = env::var("DEBFULLNAME").ok()?;
    let address = env::var("DEBEMAIL").ok()?;
    Some(format!("{name} <{address}>"))
}

fn write(
    command: &Build,
    package: &CompatPackage,
    report: &mut BuildReport,
) -> Result<(), Failure> {
    let mut files: Vec<(&str, &[u8])> = vec![(&package.file_name, &package.deb)];
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
    let folder: &Path = &command.out;
    let mut outputs = Outputs::new(command.force);
    outputs.folder(folder)?;
    for (name, bytes) in files {
        outputs.add(folder.join(name), bytes)?;
    }
    outputs.finish()
}
