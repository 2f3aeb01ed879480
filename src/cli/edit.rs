//! The commands that edit ROMs: `pad`, `fix`, `retarget`, `split`, `join`.

use super::args::{Fix, Join, Pad, PadMode, Placement, Retarget, Split};
use super::exit::{Exit, Failure};
use super::input;
use super::output::Outputs;
use super::terminal::Terminal;
use crate::finding::{Finding, has_errors};
use crate::report::{EditReport, WrittenFile};
use crate::rom::edit::{self, ImageSelection, JoinOptions};
use crate::rom::{BarSize, PciIds, SIGNATURE};
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
    edit_each(
        &set,
        &roms,
        &command.placement,
        terminal,
        |rom| match command.mode {
            PadMode::Tail => edit::pad(rom, size, fill).map_err(|error| error.to_string()),
            PadMode::Image => edit::pad_image(rom, size, fill).map_err(|error| error.to_string()),
        },
    )
}

/// Sets the checksums of the ROMs of an input right.
pub fn fix(command: &Fix, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input)?;
    let roms = selected(&set, &command.placement)?;
    edit_each(&set, &roms, &command.placement, terminal, |rom| {
        edit::fix(rom).map_err(|error| error.to_string())
    })
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
    edit_each(&set, &roms, &command.placement, terminal, |rom| {
        edit::retarget(rom, &wish).map_err(|error| error.to_string())
    })
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
    let fail = |error: edit::SplitError| refused(&set, rom, error);
    let parts = if command.efi {
        edit::split_executables(rom.bytes()).map_err(fail)?
    } else {
        (1..).zip(edit::split(rom.bytes()).map_err(fail)?).collect()
    };
    if parts.is_empty() {
        return Err(refused(&set, rom, "it has no EFI image"));
    }
    let stem = rom.name().strip_suffix(".rom").unwrap_or(rom.name());
    let ending = if command.efi { "efi" } else { "rom" };
    let mut outputs = Outputs::new(command.force);
    outputs.folder(&command.out)?;
    let mut files = Vec::new();
    for (number, bytes) in parts {
        let path = command.out.join(format!("{stem}.{number}.{ending}"));
        files.push(written(&path, &bytes, Some(rom)));
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
        size: command.size,
        fill: command.fill,
    };
    let joined = edit::join(&borrowed, &options).map_err(|error| {
        let index = error.input().and_then(|input| input.checked_sub(1));
        let path = index.and_then(|index| command.inputs.get(index));
        Failure {
            exit: Exit::No,
            message: match path {
                Some(path) => format!("{}: {error}", path.display()),
                None => error.to_string(),
            },
        }
    })?;
    let mut outputs = Outputs::new(command.force);
    let files = vec![written(&command.out, &joined, None)];
    outputs.add(command.out.clone(), &joined)?;
    outputs.finish()?;
    answer(files, terminal)
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

/// Edits each ROM into a new file: into a folder, or the one that is named.
fn edit_each(
    set: &RomSet,
    roms: &[&RomFile],
    placement: &Placement,
    terminal: &Terminal,
    edit: impl Fn(&[u8]) -> Result<Vec<u8>, String>,
) -> Result<Exit, Failure> {
    let into_folder = roms.len() > 1 || names_folder(&placement.out);
    let mut edited = Vec::new();
    for rom in roms {
        let bytes = edit(rom.bytes()).map_err(|error| refused(set, rom, error))?;
        let path = if into_folder {
            placement.out.join(rom.name())
        } else {
            placement.out.clone()
        };
        edited.push((path, bytes, *rom));
    }
    let mut outputs = Outputs::new(placement.force);
    if into_folder {
        outputs.folder(&placement.out)?;
    }
    let mut files = Vec::new();
    for (path, bytes, rom) in edited {
        files.push(written(&path, &bytes, Some(rom)));
        outputs.add(path, &bytes)?;
    }
    outputs.finish()?;
    answer(files, terminal)
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
