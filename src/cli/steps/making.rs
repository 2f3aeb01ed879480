//! What a package is made with, beside its plan.

use crate::cli::exit::Failure;
use crate::cli::io::input;
use crate::cli::io::opened::Inputs;
use crate::cli::options::plan::PlanInputs;
use crate::cli::session::settings::Settings;
use crate::deb::file_name::other_version;
use crate::package::{Details, NotReplaced, PackageError, Previous, Templates, check_templates};
use crate::plan::CompatPlan;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

/// Everything but the plan.
#[derive(Debug)]
pub struct Making {
    /// What the package says of itself.
    pub details: Details,
    /// The package before it.
    pub previous: Option<Previous>,
    /// Its texts.
    pub templates: Templates,
    /// The folder that some of them come from.
    folder: Option<PathBuf>,
}

impl Making {
    /// Settles what a package of this plan is made with.
    ///
    /// # Errors
    /// A [`Failure`] for what nobody says or Policy forbids, for templates or a
    /// package before it that cannot be read, and for an output folder that has
    /// files of another version.
    pub fn settle(
        command: &PlanInputs,
        settings: &Settings,
        plan: &CompatPlan<'_>,
        inputs: &Inputs,
    ) -> Result<Self, Failure> {
        let mut details = details(settings, plan, inputs)?;
        let previous = match &command.previous {
            Some(path) => Some(previous(path, &mut details, inputs)?),
            None => None,
        };
        refuse_other_version(&command.out, &details)?;
        let templates = match &settings.package.templates {
            Some(folder) => templates(folder, inputs)?,
            None => Templates::default(),
        };
        let making = Self {
            details,
            previous,
            templates,
            folder: settings.package.templates.clone(),
        };
        let previous = making.previous.as_ref();
        check_templates(plan, &making.details, previous, &making.templates)
            .map_err(|error| making.failure(&command.out, error))?;
        Ok(making)
    }

    /// What a package fails on: a file of the templates, else where it was to
    /// be written.
    pub fn failure(&self, out: &Path, error: PackageError) -> Failure {
        let error = match (error, &self.folder) {
            (PackageError::Template(error), Some(folder)) => {
                let path = folder.join(&error.name);
                if path.is_file() {
                    let place = format!("{}, line {}", path.display(), error.line);
                    return Failure::file(place, error.problem);
                }
                PackageError::Template(error)
            }
            (error, _) => error,
        };
        Failure::file(out.display(), error)
    }
}

/// Refuses a folder that has files of another version of the package or its
/// hook: an archive would take both, and SHA256SUMS would list one.
fn refuse_other_version(folder: &Path, details: &Details) -> Result<(), Failure> {
    // What else is wrong with the folder, writing to it says.
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    for package in [details.package.clone(), details.hook_package()] {
        let other = |name: &String| {
            let version = other_version(name, &package, &details.version)?;
            Some((name.clone(), version.to_owned()))
        };
        if let Some((name, version)) = names.iter().find_map(other) {
            return Err(Failure::file(
                folder.display(),
                format!(
                    "it has {name}, of version {version}, and {} would stand beside it; choose another folder",
                    details.version
                ),
            ));
        }
    }
    Ok(())
}

/// The package before, which is older: by a second, where nobody says by how
/// much.
fn previous(path: &Path, details: &mut Details, inputs: &Inputs) -> Result<Previous, Failure> {
    let fail = |error| Failure::file(path.display(), error);
    let previous = Previous::of_package(&input::read_bytes(path, inputs)?).map_err(fail)?;
    if epoch()?.is_none() {
        details.epoch = details.epoch.max(previous.epoch.saturating_add(1));
    }
    previous
        .comes_before(&details.version, details.epoch)
        .map_err(fail)?;
    Ok(previous)
}

/// The built-in templates, with those of a folder in place of them.
fn templates(folder: &Path, inputs: &Inputs) -> Result<Templates, Failure> {
    let mut templates = Templates::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        let fail = |error: std::io::Error| Failure::file(below.display(), error);
        for entry in fs::read_dir(&below).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let path = entry.path();
            if entry.file_type().map_err(fail)?.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy();
            let named = path.display();
            if !templates.has(&name) {
                return Err(Failure::file(named, NotReplaced::Unknown));
            }
            let text = inputs
                .read(&path)
                .map_err(|error| Failure::file(&named, error))?;
            let text = String::from_utf8(text)
                .map_err(|_| Failure::file(&named, "it is no text in UTF-8"))?;
            templates
                .replace(&name, text)
                .map_err(|error| Failure::file(&named, error))?;
        }
    }
    Ok(templates)
}

fn details(
    settings: &Settings,
    plan: &CompatPlan<'_>,
    inputs: &Inputs,
) -> Result<Details, Failure> {
    let copyright = match &settings.package.copyright {
        Some(path) => Some(
            inputs
                .read(path)
                .map_err(|error| Failure::file(path.display(), error))?,
        ),
        None => None,
    };
    Details::settle(&settings.package, plan, epoch()?, copyright, author()?).map_err(Failure::usage)
}

/// In seconds.
const TEN_YEARS: u64 = 10 * 366 * 24 * 60 * 60;

/// SOURCE_DATE_EPOCH, the date of everything that is built
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn epoch() -> Result<Option<u64>, Failure> {
    let Some(value) = env::var_os("SOURCE_DATE_EPOCH") else {
        return Ok(None);
    };
    let text = value.to_string_lossy();
    let epoch: u64 = text.parse().map_err(|_| {
        Failure::usage(format!(
            "SOURCE_DATE_EPOCH is `{text}`, and it must be the seconds since 1970 as a whole number"
        ))
    })?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let latest = now.map_or(0, |now| now.as_secs()).saturating_add(TEN_YEARS);
    if epoch > latest {
        return Err(Failure::usage(format!(
            "SOURCE_DATE_EPOCH is {epoch}, a date more than ten years ahead; write it in seconds, for example `$(date +%s)`"
        )));
    }
    Ok(Some(epoch))
}

/// The user as Debian's tools know them (debchange(1)): DEBEMAIL may have the
/// name in it, which DEBFULLNAME overrides.
fn author() -> Result<Option<String>, Failure> {
    let said = |variable| env::var(variable).ok().filter(|text| !text.is_empty());
    let Some(email) = said("DEBEMAIL") else {
        return Ok(None);
    };
    author_of(said("DEBFULLNAME").as_deref(), &email).map(Some)
}

fn author_of(full_name: Option<&str>, email: &str) -> Result<String, Failure> {
    let (name, address) = match email.strip_suffix('>').and_then(|e| e.split_once('<')) {
        Some((name, address)) => (full_name.unwrap_or(name.trim()), address),
        None => (full_name.unwrap_or_default(), email),
    };
    if name.is_empty() {
        return Err(Failure::usage(format!(
            "DEBEMAIL is `{email}`, and nobody says the name of the user; set DEBFULLNAME, too, or DEBEMAIL to `Name <address>`"
        )));
    }
    Ok(format!("{name} <{address}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_known_by_name_and_address_in_one_variable_or_two() {
        let author = |name, email| author_of(name, email).map_err(|failure| failure.to_string());
        assert_eq!(
            author(Some("Me"), "me@x.org").as_deref(),
            Ok("Me <me@x.org>")
        );
        assert_eq!(
            author(None, "Me <me@x.org>").as_deref(),
            Ok("Me <me@x.org>")
        );
        assert_eq!(
            author(Some("I"), "Me <me@x.org>").as_deref(),
            Ok("I <me@x.org>")
        );
        for email in ["me@x.org", "<me@x.org>"] {
            let error = author(None, email).unwrap_err();
            assert!(error.contains("set DEBFULLNAME, too"), "{error}");
        }
    }
}
