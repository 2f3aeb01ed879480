//! What is wrong with a template, or with the text that it gives.

use crate::deb::changelog::ChangelogError;
use crate::deb::control::ControlError;
use thiserror::Error;

/// A template that cannot be rendered, or whose text cannot be used.
#[derive(Debug, Error)]
#[error("template {name}, line {line}: {problem}")]
pub struct TemplateError {
    /// Name of the template.
    pub name: String,
    /// Line of the template, counted from 1.
    pub line: usize,
    /// What is wrong.
    #[source]
    pub problem: TemplateProblem,
}

/// What is wrong with a template.
#[derive(Debug, Error)]
pub enum TemplateProblem {
    /// No template has its name.
    #[error("there is no template of this name")]
    Unknown,
    /// It names a variable that does not exist.
    #[error("there is no variable `{name}`; there are {}", .known.join(", "))]
    NoVariable {
        /// The variable.
        name: String,
        /// Those that there are, with their fields.
        known: Vec<String>,
    },
    /// It cannot be read as a template, in the words of its reader.
    #[error("{0}")]
    Syntax(String),
    /// It gives nothing.
    #[error("it gives an empty text, and the package needs one")]
    Empty,
    /// It does not begin as a program does.
    #[error("it is a program, and its first line must begin with `#!`")]
    NotAProgram,
    /// An entry of a changelog with another first line.
    #[error("its first line must be `{required}; urgency=medium`, and is `{found}`")]
    Heading {
        /// What must stand before the urgency.
        required: String,
        /// What stands there.
        found: String,
    },
    /// An entry of a changelog without a date.
    #[error(transparent)]
    Date(#[from] ChangelogError),
    /// A control file that no package can have.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A text without fields.
    #[error("it is no paragraph of `Field: value` lines: {0}")]
    NotAParagraph(#[from] deb822_fast::Error),
    /// A control file without a field.
    #[error("it lacks the field {0}")]
    LacksField(&'static str),
    /// A control file of another package.
    #[error("its {field} is {found}, and must be {required}")]
    OtherName {
        /// The field.
        field: &'static str,
        /// What it says.
        found: String,
        /// The name of the package.
        required: String,
    },
    /// A control file of a source that builds nothing.
    #[error("after the paragraph of the source, that of a binary package is missing")]
    NoBinary,
}

impl TemplateProblem {
    /// The same of a template, at a line of it.
    pub(super) fn of(self, name: &str, line: usize) -> TemplateError {
        TemplateError {
            name: name.to_owned(),
            line,
            problem: self,
        }
    }
}
