//! The commands that edit ROMs: `pad`, `fix`, `retarget`, `split`, `join`.

use super::args::{Fix, Join, Pad, PadMode, Placement, Retarget, Split};
use super::exit::{Exit, Failure};
use super::input;
use super::output::Outputs;
use super::terminal::Terminal;
use crate::finding::{Finding, Severity, has_errors};
use crate::report::{EditReport, WrittenFile};
use crate::rom::edit::{self, ImageSelection, JoinOptions, Refusal};
use crate::rom::{BarSize, Image, PciIds, Rom, SIGNATURE, Tail};
use crate::romset::{RomFile, RomSet};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Pads the ROMs of an input. Broken ROMs are refused with their findings.
pub fn pad(command: &Pad, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input)?;
    let roms = selected(&set, &command.placement)?;
    let findings = terminal.judge(faults(&set, &roms));
    terminal.findings(&findings);
    if has_errors(&findings) {
        return Ok(Exit::No);
    }
    let (size, fill) = (command.size, command.fill);
    let edited = edit_each(&set, roms, |rom| match command.mode {
        PadMode::Tail => edit::pad(rom, size, fill).map_err(words),
        PadMode::Image => edit::pad_image(rom, size, fill).map_err(words),
    })?;
    write(edited, &command.placement, terminal)
}

/// Sets the checksums of the ROMs of an input right.
pub fn fix(command: &Fix, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input)?;
    let roms = selected(&set, &command.placement)?;
    let edited = edit_each(&set, roms, |rom| edit::fix(rom).map_err(words))?;
    write(edited, &command.placement, terminal)
}

/// Gives the ROMs of an input other ids.
pub fn retarget(command: &Retarget, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input)?;
    let roms = selected(&set, &command.placement)?;
    let wish = edit::Retarget {
        images: command
            .image
            .map_or(ImageSelection::All, ImageSelection::Number),
        ids: PciIds {
            vendor: command.vendor,
            device: command.device,
        },
        device_list: (!command.device_list.is_empty()).then_some(&*command.device_list),
    };
    let findings = faults(&set, &roms);
    let edited = edit_each(&set, roms, |rom| edit::retarget(rom, &wish).map_err(words))?;
    if is_refused_for(findings, terminal) {
        return Ok(Exit::No);
    }
    write(edited, &command.placement, terminal)
}

/// Writes each image of one ROM, or each EFI executable, to a file.
pub fn split(command: &Split, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input)?;
    let [rom] = &*set.roms else {
        return Err(Failure::file(
            &set.label,
            format!("it has {} ROMs, and `split` takes one", set.roms.len()),
        ));
    };
    let fail = |error: edit::SplitError| refused(&set, rom, words(error));
    let parts = if command.efi {
        edit::split_executables(rom.bytes()).map_err(fail)?
    } else {
        (1..).zip(edit::split(rom.bytes()).map_err(fail)?).collect()
    };
    if parts.is_empty() {
        let why = "it has no EFI image\n  next: Use `split` without `--efi`.";
        return Err(refused(&set, rom, why));
    }
    if is_refused_for(faults(&set, &[rom]), terminal) {
        return Ok(Exit::No);
    }
    if !command.efi && rom.rom().tail() == Tail::Data {
        let subject = set.subject(rom);
        terminal.remark(&format!(
            "What follows the last image of {subject} is in none of the files."
        ));
    }
    let name = file_name(rom);
    let stem = name.strip_suffix(".rom").unwrap_or(name);
    let ending = if command.efi { "efi" } else { "rom" };
    let mut outputs = Outputs::new(command.force);
    outputs.folder(&command.out)?;
    let mut files = Vec::new();
    for (number, bytes) in parts {
        let path = command.out.join(format!("{stem}.{number}.{ending}"));
        files.push(written(&path, &bytes, None));
        outputs.add(path, &bytes)?;
    }
    outputs.finish()?;
    answer(files, terminal)
}

/// Joins ROMs and EFI executables into one ROM.
pub fn join(command: &Join, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut parts = Vec::new();
    for path in &command.inputs {
        parts.push(input::read_bytes(path)?);
    }
    let borrowed: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let ids = command.vendor.zip(command.device);
    let options = JoinOptions {
        ids: ids.map(|(vendor, device)| PciIds { vendor, device }),
        class: command.class,
        size: command.size,
        fill: command.fill,
    };
    let joined = edit::join(&borrowed, &options).map_err(|error| {
        let index = error.input().and_then(|input| input.checked_sub(1));
        let path = index.and_then(|index| command.inputs.get(index));
        Failure {
            exit: Exit::No,
            message: match path {
                Some(path) => format!("{}: {}", path.display(), words(error)),
                None => words(error),
            },
        }
    })?;
    let mut findings = Vec::new();
    for (path, bytes) in command.inputs.iter().zip(&parts) {
        let subject = path.display().to_string();
        let rom = Rom::parse(bytes).ok();
        let faults = rom.iter().flat_map(Rom::faults);
        findings.extend(faults.map(|fault| fault.finding(&subject)));
    }
    if is_refused_for(findings, terminal) {
        return Ok(Exit::No);
    }
    if command.class.is_none() {
        remark_on_class(&joined, terminal);
    }
    let mut outputs = Outputs::new(command.force);
    let files = vec![written(&command.out, &joined, None)];
    outputs.add(command.out.clone(), &joined)?;
    outputs.finish()?;
    answer(files, terminal)
}

/// Says where no input told what kind of device an executable is for.
fn remark_on_class(joined: &[u8], terminal: &Terminal) {
    let Ok(rom) = Rom::parse(joined) else { return };
    let has_none = |image: &&Image<'_>| image.pcir().is_some_and(|it| it.class_code() == [0; 3]);
    if let Some(image) = rom.images().iter().find(has_none) {
        terminal.remark(&format!(
            "The class code of image {} is 000000, since no input says another; `--class 020000` makes it that of an Ethernet controller.",
            image.number()
        ));
    }
}

/// The ROMs of a set that an edit is for.
fn selected<'a>(set: &'a RomSet, placement: &Placement) -> Result<Vec<&'a RomFile>, Failure> {
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
fn edit_each<'a>(
    set: &RomSet,
    roms: Vec<&'a RomFile>,
    edit: impl Fn(&[u8]) -> Result<Vec<u8>, String>,
) -> Result<Vec<(&'a RomFile, Vec<u8>)>, Failure> {
    let edited = |rom: &'a RomFile| match edit(rom.bytes()) {
        Ok(bytes) => Ok((rom, bytes)),
        Err(error) => Err(refused(set, rom, error)),
    };
    roms.into_iter().map(edited).collect()
}

/// Writes edited ROMs into a folder, or one to the file that is named.
fn write(
    edited: Vec<(&RomFile, Vec<u8>)>,
    placement: &Placement,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let into_folder = edited.len() > 1 || names_folder(&placement.out);
    let mut outputs = Outputs::new(placement.force);
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
fn file_name(rom: &RomFile) -> &str {
    match rom.name() {
        "-" => "standard-input.rom",
        name => name,
    }
}

/// Prints what is wrong with ROMs and stays so after an edit. It is no reason
/// to refuse the edit, unless the user made it one.
fn is_refused_for(mut findings: Vec<Finding>, terminal: &Terminal) -> bool {
    for finding in &mut findings {
        finding.severity = finding.severity.min(Severity::Warning);
    }
    let findings = terminal.judge(findings);
    terminal.findings(&findings);
    has_errors(&findings)
}

fn answer(files: Vec<WrittenFile>, terminal: &Terminal) -> Result<Exit, Failure> {
    let report = EditReport::new(files);
    terminal.answer(&report, |colour| report.text(colour))?;
    Ok(Exit::Clean)
}

fn written(path: &Path, bytes: &[u8], before: Option<&RomFile>) -> WrittenFile {
    let size = bytes.len() as u64;
    WrittenFile {
        path: path.display().to_string(),
        before: before.map(|rom| (rom.size(), rom.bar())),
        size,
        bar: BarSize::of_rom(size).filter(|_| bytes.starts_with(&SIGNATURE)),
        changed: before.is_none_or(|rom| rom.bytes() != bytes),
    }
}

fn faults(set: &RomSet, roms: &[&RomFile]) -> Vec<Finding> {
    let subjects: Vec<String> = roms.iter().map(|rom| set.subject(rom)).collect();
    let findings = set.findings().into_iter();
    findings
        .filter(|finding| subjects.contains(&finding.subject))
        .collect()
}

/// Why an edit was refused, and what to do.
fn words(error: impl Refusal) -> String {
    format!("{error}\n  next: {}", error.next_step())
}

/// The answer to an edit that would do harm is no.
fn refused(set: &RomSet, rom: &RomFile, error: impl Display) -> Failure {
    Failure {
        exit: Exit::No,
        message: format!("{}: {error}", set.subject(rom)),
    }
}

/// A folder that is there, or a path that ends in a slash.
fn names_folder(path: &Path) -> bool {
    let text: PathBuf = path.components().collect();
    path.is_dir() || text.as_os_str().len() < path.as_os_str().len()
}
