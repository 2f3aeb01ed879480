//! Templates of the user, tried before any of them is needed.

use super::Details;
use super::error::PackageError;
use super::previous::Previous;
use super::source::SourceValues;
use super::template_error::TemplateProblem;
use super::templates::Templates;
use super::values::TemplateValues;
use crate::deb::changelog::newest_date;
use crate::deb::control::Control;
use crate::plan::{CompatPlan, Manifest};
use deb822_fast::Paragraph;

/// Templates that may give nothing: their files are left out then.
const OPTIONAL: [&str; 7] = [
    "NEWS",
    "lintian-overrides",
    "source/gbp.conf",
    "source/lintian-overrides",
    "source/salsa-ci.yml",
    "source/tests/control",
    "source/tests/migration",
];

/// Renders every template that the user put in the place of a built-in one, for
/// this command or another, and checks what comes out.
///
/// # Errors
/// [`PackageError::Template`] for one that cannot be rendered, or whose text a
/// package cannot have.
pub fn check_templates(
    plan: &CompatPlan<'_>,
    details: &Details,
    previous: Option<&Previous>,
    templates: &Templates,
) -> Result<(), PackageError> {
    let manifest = Manifest::of(plan, &details.old_release);
    let values = TemplateValues::new(&manifest, details, previous, templates)?;
    let values = SourceValues::new(&values, details, false);
    for name in templates.replaced() {
        let text = templates.render(name, &values)?;
        check(name, &text, details).map_err(|problem| problem.of(name, 1))?;
    }
    Ok(())
}

fn check(name: &str, text: &str, details: &Details) -> Result<(), TemplateProblem> {
    if text.trim().is_empty() {
        return match OPTIONAL.contains(&name) {
            true => Ok(()),
            false => Err(TemplateProblem::Empty),
        };
    }
    match name {
        "changelog" | "NEWS" => check_entry(text, details),
        "control" => check_control(text, &details.package),
        "hook/control" => check_control(text, &details.hook_package()),
        "source/control" => check_source_control(text, &details.package),
        "source/copyright" => check_fields(text, &["Format"]).map(|_| ()),
        "hook/script"
        | "source/pad-rom"
        | "source/rules"
        | "source/rules-from-ipxe"
        | "source/tests/migration" => match text.starts_with("#!") {
            true => Ok(()),
            false => Err(TemplateProblem::NotAProgram),
        },
        _ => Ok(()),
    }
}

/// An entry of a changelog (Debian Policy 4.4).
fn check_entry(text: &str, details: &Details) -> Result<(), TemplateProblem> {
    let heading = format!("{} ({}) ", details.package, details.version);
    let first = text.lines().next().unwrap_or_default();
    if !first.starts_with(&heading) || !first.contains("; urgency=") {
        return Err(TemplateProblem::Heading {
            required: format!("{heading}{}", details.distribution),
            found: first.to_owned(),
        });
    }
    newest_date(text.as_bytes())?;
    Ok(())
}

/// The control file of a binary package (Debian Policy 5.3).
fn check_control(text: &str, package: &str) -> Result<(), TemplateProblem> {
    Control::parse(text.as_bytes())?;
    let wanted = [
        "Package",
        "Version",
        "Maintainer",
        "Architecture",
        "Description",
    ];
    let fields = check_fields(text, &wanted)?;
    is_called(&fields, "Package", package)
}

/// The control file of a source package (Debian Policy 5.2).
fn check_source_control(text: &str, package: &str) -> Result<(), TemplateProblem> {
    let mut paragraphs = text.split("\n\n").filter(|text| !text.trim().is_empty());
    let source = paragraphs.next().unwrap_or_default();
    let source = check_fields(source, &["Source", "Maintainer", "Standards-Version"])?;
    is_called(&source, "Source", package)?;
    let binary = paragraphs.next().ok_or(TemplateProblem::NoBinary)?;
    let binary = check_fields(binary, &["Package", "Architecture", "Description"])?;
    is_called(&binary, "Package", package)
}

fn is_called(fields: &Paragraph, field: &'static str, name: &str) -> Result<(), TemplateProblem> {
    match fields.get(field) {
        Some(found) if found != name => Err(TemplateProblem::OtherName {
            field,
            found: found.to_owned(),
            required: name.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The first paragraph of a text, if it has these fields.
fn check_fields(text: &str, wanted: &[&'static str]) -> Result<Paragraph, TemplateProblem> {
    let first = text.trim_start().split("\n\n").next().unwrap_or_default();
    let fields: Paragraph = first.parse()?;
    let lacks = |field: &&&str| {
        fields
            .get(field)
            .is_none_or(|value| value.trim().is_empty())
    };
    match wanted.iter().find(lacks) {
        Some(field) => Err(TemplateProblem::LacksField(field)),
        None => Ok(fields),
    }
}
