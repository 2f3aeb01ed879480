//! Exit statuses, and failures that end the program.

use crate::report::{Colour, Text};
use std::error::Error;
use std::fmt;
use std::process::{ExitCode, Termination};

/// What the exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, and the answer is yes.
    Clean = 0,
    /// The answer is no: findings, or migrations that would break.
    No = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// An input cannot be read, or an output cannot be written.
    InputOutput = 3,
    /// A proof could not run.
    NoProof = 4,
}

/// The exit statuses, as help and manual show them.
pub const TABLE: &str = "\
Exit status:
  0  clean: done, and nothing is wrong
  1  the answer is no: a finding is an error, or a migration would break
  2  the command line cannot be understood, or asks for what cannot be
  3  an input cannot be read, or an output cannot be written
  4  a proof could not run";

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for would do harm.
    Refused,
    /// A command line or configuration asks for what cannot be.
    Usage,
    /// An input cannot be read, or an output cannot be written.
    File,
    /// No QEMU gives a verdict.
    Proof,
}

impl Kind {
    /// The exit status that says so.
    pub const fn exit(self) -> Exit {
        match self {
            Self::Refused => Exit::No,
            Self::Usage => Exit::Usage,
            Self::File => Exit::InputOutput,
            Self::Proof => Exit::NoProof,
        }
    }
}

/// Why the program ends without an answer.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: Kind,
    subject: Option<String>,
    source: Source,
    /// Lines that stand below.
    more: Vec<String>,
}

/// An error of any type, or a text.
type Source = Box<dyn Error + Send + Sync>;

impl Failure {
    /// A failure of something that is named.
    pub fn of(kind: Kind, subject: impl fmt::Display, source: impl Into<Source>) -> Self {
        Self {
            subject: Some(subject.to_string()),
            ..Self::new(kind, source)
        }
    }

    /// A failure that says itself what it is about.
    pub fn new(kind: Kind, source: impl Into<Source>) -> Self {
        Self {
            kind,
            subject: None,
            source: source.into(),
            more: Vec::new(),
        }
    }

    /// An input or output that failed, named by `subject`.
    pub fn file(subject: impl fmt::Display, source: impl Into<Source>) -> Self {
        Self::of(Kind::File, subject, source)
    }

    /// A command line or configuration that asks for what cannot be.
    pub fn usage(source: impl Into<Source>) -> Self {
        Self::new(Kind::Usage, source)
    }

    /// The same with one line more, such as the next step.
    pub fn with_line(mut self, line: impl fmt::Display) -> Self {
        self.more.push(line.to_string());
        self
    }

    /// What is printed of it.
    pub fn text(&self, colour: Colour) -> Text {
        let mut text = Text::new();
        text.error(colour, format_args!(": {self}"));
        for line in &self.more {
            text.line(line);
        }
        if self.kind == Kind::Usage {
            text.line("For help, try `romcompat --help`.");
        }
        text
    }
}

impl fmt::Display for Failure {
    /// What is wrong with what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(subject) = &self.subject {
            write!(f, "{subject}: ")?;
        }
        self.source.fmt(f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
