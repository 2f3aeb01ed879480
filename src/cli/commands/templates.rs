//! `romcompat templates`: the texts that go into packages.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::output::Outputs;
use crate::cli::session::terminal::Terminal;
use crate::package;
use crate::report::ExportedTemplates;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// The texts that go into packages
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Templates {
    /// What to do with them
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with templates.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Write the built-in templates to a folder, to change them for --templates
    #[command(after_help = exit::TABLE)]
    Export {
        /// The folder to write to
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Overwrite files
        #[arg(long)]
        force: bool,
    },
}

/// Writes the built-in templates.
pub fn run(command: &Templates, terminal: &Terminal) -> Result<Exit, Failure> {
    let Action::Export { folder, force } = &command.action;
    let mut outputs = Outputs::new(terminal.inputs(), *force);
    outputs.folder(folder)?;
    let templates = package::Templates::default();
    let mut names = Vec::new();
    for (name, text) in templates.iter() {
        let path = folder.join(name);
        outputs.folder(path.parent().unwrap_or(Path::new(".")))?;
        outputs.add(path, text.as_bytes())?;
        names.push(name.to_owned());
    }
    outputs.finish()?;
    let report = ExportedTemplates::new(names);
    let folder = folder.display().to_string();
    terminal.answer(&report, |_| report.text(&folder))?;
    Ok(Exit::Clean)
}
