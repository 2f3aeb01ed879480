//! What is printed, where, and in which form.

use crate::cli::exit::Failure;
use crate::cli::io::complaint::complain;
use crate::cli::io::opened::Inputs;
use crate::cli::options::common::{Common, Format};
use crate::cli::session::settings::Settings;
use crate::finding::{Finding, Severity, SeverityOverrides};
use crate::json;
use crate::package::PackageSettings;
use crate::report::{Colour, Text, findings_text};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// The streams of the process, with what the user wants to see, and the files
/// that were read.
#[derive(Debug)]
pub struct Terminal {
    format: Format,
    quiet: bool,
    verbose: bool,
    out: Colour,
    err: Colour,
    overrides: SeverityOverrides,
    settings: Settings,
    inputs: Inputs,
}

impl Terminal {
    /// The streams as these arguments and the environment want them.
    pub fn new(common: &Common, settings: Settings, inputs: Inputs) -> Self {
        // https://no-color.org: any value that is not empty.
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = |is_terminal: bool| {
            if is_terminal && !no_color {
                Colour::Always
            } else {
                Colour::Never
            }
        };
        let mut overrides = SeverityOverrides::default();
        let file = &settings.findings;
        let lists = [
            (&file.warn, Some(Severity::Warning)),
            (&file.deny, Some(Severity::Error)),
            (&file.allow, None),
            (&common.warn, Some(Severity::Warning)),
            (&common.deny, Some(Severity::Error)),
            (&common.allow, None),
        ];
        for (codes, severity) in lists {
            for code in codes {
                overrides.set(*code, severity);
            }
        }
        Self {
            format: common.format,
            quiet: common.quiet,
            verbose: common.verbose,
            out: colour(io::stdout().is_terminal()),
            err: colour(io::stderr().is_terminal()),
            overrides,
            settings,
            inputs,
        }
    }

    /// The settings of `romcompat.toml`, with what was typed laid over them.
    pub fn settings(&self, typed: &PackageSettings) -> Settings {
        let mut settings = self.settings.clone();
        settings.package = typed.clone().over(&settings.package);
        settings
    }

    /// The settings of `romcompat.toml`.
    pub const fn configured(&self) -> &Settings {
        &self.settings
    }

    /// What was read, over which nothing is written.
    pub const fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Whether the user asks for every detail.
    pub const fn verbose(&self) -> bool {
        self.verbose
    }

    /// The form of the answer.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Gives findings the severities that the user set.
    pub fn judge(&self, findings: Vec<Finding>) -> Vec<Finding> {
        self.overrides.apply(findings)
    }

    /// Prints the answer on standard output.
    ///
    /// # Errors
    /// A [`Failure`] where standard output cannot be written; a closed pipe is
    /// none.
    pub fn answer(
        &self,
        value: &impl Serialize,
        text: impl FnOnce(Colour) -> Text,
    ) -> Result<(), Failure> {
        let text = match self.format {
            Format::Json | Format::Sarif => json::document(value),
            Format::Text if self.quiet => return Ok(()),
            Format::Text => text(self.out).to_string(),
        };
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::file("standard output", error))
            }
            _ => Ok(()),
        }
    }

    /// Prints findings on standard error; notes only where asked for details.
    pub fn findings(&self, findings: &[Finding]) {
        let shown: Vec<Finding> = findings
            .iter()
            .filter(|finding| match finding.severity {
                Severity::Error => true,
                Severity::Warning => !self.quiet,
                Severity::Note => self.verbose,
            })
            .cloned()
            .collect();
        complain(&findings_text(&shown, self.err));
    }

    /// Prints a remark on standard error, unless the user wants quiet.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            let mut line = Text::new();
            line.line(text);
            complain(&line);
        }
    }

    /// Prints why the program ends.
    pub fn failure(&self, failure: &Failure) {
        complain(&failure.text(self.err));
    }
}
