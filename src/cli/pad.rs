//! `romcompat pad`.

use super::args::Pad;
use super::exit::{Exit, Failure};
use super::input;
use super::output::Outputs;
use super::terminal::Terminal;
use crate::finding::{Finding, has_errors};
use crate::report::{PadReport, PaddedRom};
use crate::rom::edit::{PadError, pad};
use crate::rom::{BarSize, RomFault};
use crate::romset::RomFile;
use std::path::{Path, PathBuf};

/// Pads the ROMs of an input, each into a new file.
pub fn run(command: &Pad, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input)?;
    let is_selected = |rom: &&RomFile| {
        let globs = &command.select;
        globs.is_empty() || globs.iter().any(|glob| glob.matches(rom.name()))
    };
    let roms: Vec<&RomFile> = set.roms.iter().filter(is_selected).collect();
    if roms.is_empty() {
        return Err(Failure::file(&set.label, "no ROM in it matches `--select`"));
    }
    let findings = terminal.judge(roms.iter().flat_map(|rom| faults(rom)).collect());
    terminal.findings(&findings);
    if has_errors(&findings) {
        return Ok(Exit::No);
    }
    let into_folder = roms.len() > 1 || names_folder(&command.out);
    let mut outputs = Outputs::new(command.force);
    if into_folder {
        outputs.folder(&command.out)?;
    }
    let mut padded = Vec::new();
    for rom in roms {
        let bytes = pad(rom.bytes(), command.size, command.fill)
            .map_err(|error| refused(rom, &set.label, &error))?;
        let path = if into_folder {
            command.out.join(rom.name())
        } else {
            command.out.clone()
        };
        padded.push(PaddedRom {
            path: path.display().to_string(),
            size: rom.size(),
            bar: rom.bar(),
            padded: BarSize::of_rom(bytes.len() as u64).unwrap_or_else(|| rom.bar()),
        });
        outputs.add(path, &bytes)?;
    }
    outputs.finish()?;
    let report = PadReport::new(padded);
    terminal.answer(&report, |colour| report.text(colour))?;
    Ok(Exit::Clean)
}

fn faults(rom: &RomFile) -> Vec<Finding> {
    let parsed = rom.rom();
    let finding = |fault: &RomFault| fault.finding(rom.name());
    parsed.faults().iter().map(finding).collect()
}

fn refused(rom: &RomFile, label: &str, error: &PadError) -> Failure {
    let subject = if rom.path() == rom.name() {
        label.to_owned()
    } else {
        format!("{label}: {}", rom.path())
    };
    Failure {
        exit: Exit::No,
        message: format!("{subject}: {error}"),
    }
}

/// A folder that is there, or a path that ends in a slash.
fn names_folder(path: &Path) -> bool {
    let text: PathBuf = path.components().collect();
    path.is_dir() || text.as_os_str().len() < path.as_os_str().len()
}
