//! The texts that go into a package, from `debian-templates/`.

use super::template_error::{TemplateError, TemplateProblem};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

macro_rules! built_in {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../debian-templates/", $name)))),*]
    };
}

/// The templates, by their paths below `debian-templates/`. Those of the guard
/// are for the source of a package of ROMs, and go there as they are.
const BUILT_IN: &[(&str, &str)] = &built_in![
    "NEWS"
    "README.Debian"
    "changelog"
    "control"
    "description"
    "guard/romcompat-baseline"
    "guard/rules"
    "hook/README.Debian"
    "hook/control"
    "hook/description"
    "hook/script"
    "lintian-overrides"
    "source/control"
    "source/copyright"
    "source/gbp.conf"
    "source/hook-install"
    "source/install"
    "source/lintian-overrides"
    "source/pad-rom"
    "source/rules"
    "source/rules-from-ipxe"
    "source/salsa-ci.yml"
    "source/tests/control"
    "source/tests/migration"
];

/// Every text, built in or put in its place by the user.
#[derive(Debug, Clone)]
pub struct Templates(BTreeMap<&'static str, Cow<'static, str>>);

/// A text that takes no template's place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotReplaced {
    /// No template has its name.
    #[error(
        "there is no template of this name; rename it, or take it out of the folder; the templates are {}",
        names().join(", ")
    )]
    Unknown,
    /// It differs from a text that goes into no package.
    #[error(
        "it goes into no package that is made here, so a change of it would have no effect; put it into your own source, and take it out of the folder"
    )]
    Unused,
}

/// The folder of templates that are for other sources.
const GUARD: &str = "guard/";

fn names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).collect()
}

impl Default for Templates {
    /// The built-in ones.
    fn default() -> Self {
        let texts = BUILT_IN.iter().map(|(name, text)| (*name, (*text).into()));
        Self(texts.collect())
    }
}

impl Templates {
    /// Puts a text in the place of the template of this name.
    ///
    /// # Errors
    /// [`NotReplaced`], so that no text is left without effect.
    pub fn replace(&mut self, name: &str, text: String) -> Result<(), NotReplaced> {
        let place = self.0.get_mut(name).ok_or(NotReplaced::Unknown)?;
        if name.starts_with(GUARD) && *place != text {
            return Err(NotReplaced::Unused);
        }
        *place = text.into();
        Ok(())
    }

    /// Whether there is a template of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names of those that were put in the place of built-in ones and go
    /// into packages.
    pub(super) fn replaced(&self) -> impl Iterator<Item = &str> {
        let replaced = self
            .0
            .iter()
            .filter(|(name, text)| matches!(text, Cow::Owned(_)) && !name.starts_with(GUARD));
        replaced.map(|(name, _)| *name)
    }

    /// Each template's name and text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (*name, &**text))
    }

    /// Renders the template of this name.
    ///
    /// # Errors
    /// [`TemplateError`] with the template's name and line.
    pub(super) fn render(
        &self,
        name: &str,
        values: &impl Serialize,
    ) -> Result<String, TemplateError> {
        let known = variables(values);
        let text = self.0.get(name).map(|text| &**text);
        let text = text.ok_or_else(|| TemplateProblem::Unknown.of(name, 1))?;
        let fail = |error: minijinja::Error| failure(name, text, &known, &error);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(fail)?);
        environment.add_template(name, text).map_err(fail)?;
        let template = environment.get_template(name).map_err(fail)?;
        // One that stands where it is not looked at now is a mistake, too.
        let asked = template.undeclared_variables(false);
        let functions: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
        let mut unknown: Vec<&String> = asked
            .iter()
            .filter(|name| !known.contains_key(*name) && !functions.contains(&***name))
            .collect();
        unknown.sort();
        if let Some(variable) = unknown.first() {
            let line = line_with(text, variable);
            return Err(no_variable(variable, &known).of(name, line));
        }
        template.render(Serde(values)).map_err(fail)
    }
}

/// The variables that a template may use, each with its fields.
type Variables = BTreeMap<String, BTreeSet<String>>;

fn variables(values: &impl Serialize) -> Variables {
    let fields = |value: &Value| -> BTreeSet<String> {
        let first = match value {
            Value::Array(items) => items.first(),
            value => Some(value),
        };
        let object = first.and_then(Value::as_object);
        object
            .into_iter()
            .flat_map(|object| object.keys().cloned())
            .collect()
    };
    match serde_json::to_value(values) {
        Ok(Value::Object(object)) => object
            .iter()
            .map(|(name, value)| (name.clone(), fields(value)))
            .collect(),
        _ => Variables::new(),
    }
}

fn no_variable(name: &str, known: &Variables) -> TemplateProblem {
    let known = known
        .iter()
        .map(|(name, fields)| match fields.is_empty() {
            true => name.clone(),
            false => {
                let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
                format!("{name} (each with {})", fields.join(", "))
            }
        })
        .collect();
    TemplateProblem::NoVariable {
        name: name.to_owned(),
        known,
    }
}

fn failure(name: &str, text: &str, known: &Variables, error: &minijinja::Error) -> TemplateError {
    let expression = error.range().and_then(|range| text.get(range));
    let problem = match (error.kind(), expression) {
        (ErrorKind::UndefinedError, Some(expression)) => no_variable(expression.trim(), known),
        (kind, _) => {
            let detail = error.detail();
            TemplateProblem::Syntax(detail.map_or_else(|| kind.to_string(), str::to_owned))
        }
    };
    problem.of(name, error.line().unwrap_or(1))
}

/// The first line that has this word, counted from 1.
fn line_with(text: &str, word: &str) -> usize {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let has_word = |line: &str| line.split(|c| !is_part(c)).any(|part| part == word);
    let before = text.lines().take_while(|line| !has_word(line)).count();
    before.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered(text: &str) -> Result<String, String> {
        let mut templates = Templates::default();
        templates.replace("changelog", text.to_owned()).unwrap();
        let values = json!({"package": "aa", "roms": [{"name": "x.rom"}]});
        templates
            .render("changelog", &values)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_variable_that_does_not_exist_is_named_with_its_line_and_those_that_do() {
        let known = "there are package, roms (each with name)";
        assert_eq!(
            rendered("{{ package }}\n{% if false %}{{ pakage }}{% endif %}\n"),
            Err(format!(
                "template changelog, line 2: there is no variable `pakage`; {known}"
            ))
        );
        assert_eq!(
            rendered("{% for rom in roms %}\n{{ rom.nmae }}{% endfor %}"),
            Err(format!(
                "template changelog, line 2: there is no variable `rom.nmae`; {known}"
            ))
        );
    }

    #[test]
    fn a_template_that_does_not_parse_is_an_error_with_its_line() {
        let error = rendered("one\n{% if package %}\n").unwrap_err();
        assert!(error.starts_with("template changelog, line "), "{error}");
        let error = rendered("{{ package").unwrap_err();
        assert!(error.starts_with("template changelog, line 1: "), "{error}");
    }

    #[test]
    fn a_template_that_does_not_exist_is_no_empty_text() {
        let error = Templates::default().render("chnagelog", &json!({}));
        let problem = error.unwrap_err().problem;
        assert!(matches!(problem, TemplateProblem::Unknown), "{problem}");
    }

    #[test]
    fn a_template_that_nobody_renders_is_refused() {
        let mut templates = Templates::default();
        let error = templates.replace("chnagelog", String::new()).unwrap_err();
        assert!(error.to_string().contains("changelog, control"), "{error}");
    }
}
