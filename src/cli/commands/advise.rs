//! `romcompat advise`.

use crate::advise::{Advice, Release};
use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::options::generation::GenerationInput;
use crate::cli::session::terminal::Terminal;
use crate::qemu::QemuVersion;
use crate::report::AdviseReport;
use clap::Args;
use std::path::{Path, PathBuf};

/// Show how ROMs grow over releases, and the size that the coming ones
/// will fit into
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Advise {
    /// The same ROMs in two or more releases, the newest last; each may say the
    /// newest version of machine types that used it, such as 2.11=bionic.deb
    #[arg(required = true, num_args = 2.., value_name = "[VERSION=]INPUT")]
    pub inputs: Vec<PathBuf>,
    /// How many releases to come are to fit
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub coming: u32,
    /// Advise only on ROMs whose names match
    #[arg(long, value_name = "GLOB")]
    pub select: Vec<glob::Pattern>,
}

/// A release as it is typed: with a version of machine types, or without.
fn typed(text: &Path) -> (Option<QemuVersion>, PathBuf) {
    let generation = text.to_str().and_then(|text| text.parse().ok());
    match generation {
        Some(GenerationInput { version, path }) if !text.exists() => (Some(version), path),
        _ => (None, text.to_owned()),
    }
}

/// Reads each release and reckons.
pub fn run(command: &Advise, terminal: &Terminal) -> Result<Exit, Failure> {
    let typed: Vec<_> = command.inputs.iter().map(|input| typed(input)).collect();
    for ((_, before), (_, after)) in typed.iter().zip(typed.iter().skip(1)) {
        input::refuse_same(before, after)?;
    }
    let mut releases: Vec<Release> = Vec::new();
    for (version, path) in typed {
        let mut set = input::read(&path, terminal.inputs())?;
        terminal.findings(&terminal.judge(set.omitted(None)));
        if !command.select.is_empty() {
            let matches = |name: &str| command.select.iter().any(|p| p.matches(name));
            set.roms.retain(|rom| matches(rom.name()));
        }
        releases.push(Release { version, set });
    }
    let newest = releases.last().map(|newest| &newest.set);
    if !command.select.is_empty() && newest.is_some_and(|newest| newest.roms.is_empty()) {
        return Err(Failure::usage(
            "no ROM of the newest release has a name that --select takes",
        ));
    }
    let settings = terminal.configured();
    let advice =
        Advice::new(&releases, command.coming, &settings.devices).map_err(Failure::usage)?;
    let packed = match newest {
        Some(newest) => advice.packed(newest),
        None => Ok(None),
    };
    let packed = packed.map_err(|error| Failure::file("the ROMs to be compressed", error))?;
    for note in &advice.notes {
        terminal.remark(&format!("note: {note}"));
    }
    let report = AdviseReport::new(advice, packed);
    terminal.answer(&report, |colour| report.text(colour))?;
    Ok(Exit::Clean)
}
