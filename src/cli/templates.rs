//! `romcompat templates`: the texts that go into packages.

use super::args::{TemplatesAction, TemplatesCommand};
use super::exit::{Exit, Failure};
use super::output::Outputs;
use super::terminal::Terminal;
use crate::package::Templates;
use crate::report::ExportedTemplates;
use std::path::Path;

/// Writes the built-in templates.
pub fn run(command: &TemplatesCommand, terminal: &Terminal) -> Result<Exit, Failure> {
    let TemplatesAction::Export { folder, force } = &command.action;
    let mut outputs = Outputs::new(*force);
    outputs.folder(folder)?;
    let templates = Templates::default();
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
