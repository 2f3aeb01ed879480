//! `romcompat split`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::io::output::Outputs;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::editing::{
    Refused, answer, faults, file_name, is_refused_for, refused, words, written,
};
use crate::rom::Tail;
use crate::rom::edit;
use clap::Args;
use std::path::PathBuf;

/// Write each image of a ROM to a file
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Split {
    /// The ROM
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// Write the executables of the EFI images, decompressed
    #[arg(long)]
    pub efi: bool,
    /// The folder to write to
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

/// Writes each image of one ROM, or each EFI executable, to a file.
pub fn run(command: &Split, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input, terminal.inputs())?;
    let [rom] = &*set.roms else {
        return Err(Failure::file(
            &set.label,
            format!("it has {} ROMs, and `split` takes one", set.roms.len()),
        ));
    };
    let fail = |error: edit::SplitError| refused(&set, rom, &words(error));
    let parts = if command.efi {
        edit::split_executables(rom.bytes()).map_err(fail)?
    } else {
        (1..).zip(edit::split(rom.bytes()).map_err(fail)?).collect()
    };
    if parts.is_empty() {
        let why = Refused {
            why: "it has no EFI image".to_owned(),
            next: "Use `split` without `--efi`.".to_owned(),
        };
        return Err(refused(&set, rom, &why));
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
    let mut outputs = Outputs::new(terminal.inputs(), command.force);
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
