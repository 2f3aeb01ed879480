//! The texts that go into a package, from `debian-templates/`.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use thiserror::Error;

/// The templates, by file name.
const TEMPLATES: &[(&str, &str)] = &[
    (
        "README.Debian",
        include_str!("../../debian-templates/README.Debian"),
    ),
    (
        "changelog",
        include_str!("../../debian-templates/changelog"),
    ),
    ("control", include_str!("../../debian-templates/control")),
    (
        "description",
        include_str!("../../debian-templates/description"),
    ),
];

/// A template that cannot be rendered.
#[derive(Debug, Error)]
#[error("template {name}, line {line}: {message}")]
pub struct TemplateError {
    name: String,
    line: usize,
    message: String,
}

impl TemplateError {
    fn of(name: &str, error: &minijinja::Error) -> Self {
        let message = match error.kind() {
            ErrorKind::UndefinedError => "a variable that does not exist".to_owned(),
            _ => error.to_string(),
        };
        Self {
            name: error.name().unwrap_or(name).to_owned(),
            line: error.line().unwrap_or(0),
            message,
        }
    }
}

/// Renders the template of this name.
///
/// # Errors
/// [`TemplateError`] with the template's name and line.
pub(super) fn render(name: &str, values: &impl Serialize) -> Result<String, TemplateError> {
    let fail = |error: minijinja::Error| TemplateError::of(name, &error);
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(fail)?);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text).map_err(fail)?;
    }
    let template = environment.get_template(name).map_err(fail)?;
    template.render(Serde(values)).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_an_error_with_name_and_line() {
        let error = render("changelog", &()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("template changelog, line 1: "),
            "{error}"
        );
    }
}
