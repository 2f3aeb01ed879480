//! Exit statuses, and failures that end the program.

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

/// Why the program ends without an answer.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub exit: Exit,
    /// What is wrong with what, and what to do.
    pub message: String,
}

impl Failure {
    /// An input or output that failed, named by `subject`.
    pub fn file(subject: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self {
            exit: Exit::InputOutput,
            message: format!("{subject}: {problem}"),
        }
    }

    /// A command line or configuration that asks for what cannot be.
    pub fn usage(problem: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            message: problem.to_string(),
        }
    }
}
