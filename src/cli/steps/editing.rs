//! What the commands that edit ROMs have in common.

use crate::cli::exit::{Exit, Failure, Kind};
use crate::cli::io::output::Outputs;
use crate::cli::options::placement::Placement;
use crate::cli::session::terminal::Terminal;
use crate::finding::{Finding, Severity, has_errors};
use crate::report::{EditReport, WrittenFile};
use crate::rom::edit::Refusal;
use crate::rom::{BarSize, SIGNATURE};
use crate::romset::{RomFile, RomSet};
use std::path::{Path, PathBuf};

/// The ROMs of a set that an edit is for.
pub fn selected<'a>(set: &'a RomSet, placement: &Placement) -> Result<Vec<&'a RomFile>, Failure> {
    let globs = &placement.select;
    let is_selected =
        |rom: &&RomFile| globs.is_empty() || globs.iter().any(|glob| glob.matches(rom.name()));
    let roms: Vec<&RomFile> = set.roms.iter().filter(is_selected).collect();
    if roms.is_empty() {
        return Err(Failure::file(&set.label, "no ROM in it matches `--select`"));
    }
    Ok(roms)
}

/// Edits each ROM.
pub fn edit_each<'a>(
    set: &RomSet,
    roms: Vec<&'a RomFile>,
    edit: impl Fn(&[u8]) -> Result<Vec<u8>, Refused>,
) -> Result<Vec<(&'a RomFile, Vec<u8>)>, Failure> {
    let edited = |rom: &'a RomFile| match edit(rom.bytes()) {
        Ok(bytes) => Ok((rom, bytes)),
        Err(error) => Err(self::refused(set, rom, &error)),
    };
    roms.into_iter().map(edited).collect()
}

/// Writes edited ROMs into a folder, or one to the file that is named.
pub fn write(
    edited: Vec<(&RomFile, Vec<u8>)>,
    placement: &Placement,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let into_folder = edited.len() > 1 || names_folder(&placement.out);
    let mut outputs = Outputs::new(terminal.inputs(), placement.force);
    if into_folder {
        outputs.folder(&placement.out)?;
    }
    let mut files = Vec::new();
    for (rom, bytes) in edited {
        let path = if into_folder {
            placement.out.join(file_name(rom))
        } else {
            placement.out.clone()
        };
        files.push(written(&path, &bytes, Some(rom)));
        outputs.add(path, &bytes)?;
    }
    outputs.finish()?;
    answer(files, terminal)
}

/// The name of a file that is made of a ROM.
pub fn file_name(rom: &RomFile) -> &str {
    match rom.name() {
        "-" => "standard-input.rom",
        name => name,
    }
}

/// Prints what is wrong with ROMs and stays so after an edit. It is no reason
/// to refuse the edit, unless the user made it one.
pub fn is_refused_for(mut findings: Vec<Finding>, terminal: &Terminal) -> bool {
    for finding in &mut findings {
        finding.severity = finding.severity.min(Severity::Warning);
    }
    let findings = terminal.judge(findings);
    terminal.findings(&findings);
    has_errors(&findings)
}

pub fn answer(files: Vec<WrittenFile>, terminal: &Terminal) -> Result<Exit, Failure> {
    let report = EditReport::new(files);
    terminal.answer(&report, |colour| report.text(colour))?;
    Ok(Exit::Clean)
}

pub fn written(path: &Path, bytes: &[u8], before: Option<&RomFile>) -> WrittenFile {
    let size = bytes.len() as u64;
    WrittenFile {
        path: path.display().to_string(),
        before: before.map(|rom| (rom.size(), rom.bar())),
        size,
        bar: BarSize::of_rom(size).filter(|_| bytes.starts_with(&SIGNATURE)),
        changed: before.is_none_or(|rom| rom.bytes() != bytes),
    }
}

pub fn faults(set: &RomSet, roms: &[&RomFile]) -> Vec<Finding> {
    let subjects: Vec<String> = roms.iter().map(|rom| set.subject(rom)).collect();
    let findings = set.findings().into_iter();
    findings
        .filter(|finding| subjects.contains(&finding.subject))
        .collect()
}

/// Why an edit is refused.
#[derive(Debug)]
pub struct Refused {
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub next: String,
}

impl Refused {
    /// The answer to an edit that would do harm is no.
    pub fn failure(&self, subject: Option<String>) -> Failure {
        let why = self.why.clone();
        let failure = match subject {
            Some(subject) => Failure::of(Kind::Refused, subject, why),
            None => Failure::new(Kind::Refused, why),
        };
        failure.with_line(format_args!("  next: {}", self.next))
    }
}

/// Why an edit was refused, and what to do.
pub fn words(error: impl Refusal) -> Refused {
    Refused {
        why: error.to_string(),
        next: error.next_step().to_owned(),
    }
}

/// What is said of a ROM whose edit is refused.
pub fn refused(set: &RomSet, rom: &RomFile, refused: &Refused) -> Failure {
    refused.failure(Some(set.subject(rom)))
}

/// A folder that is there, or a path that ends in a slash.
fn names_folder(path: &Path) -> bool {
    let text: PathBuf = path.components().collect();
    path.is_dir() || text.as_os_str().len() < path.as_os_str().len()
}
