//! What a package is made with, beside its plan.

use super::args::PlanInputs;
use super::config::Settings;
use super::exit::Failure;
use super::input;
use super::opened;
use crate::deb::file_name::other_version;
use crate::package::{Details, Previous, Templates};
use crate::plan::CompatPlan;
use std::path::Path;
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
    ) -> Result<Self, Failure> {
        let mut details = details(settings, plan)?;
        let previous = match &command.previous {
            Some(path) => Some(previous(path, &mut details)?),
            None => None,
        };
        refuse_other_version(&command.out, &details)?;
        let templates = match &settings.templates {
            Some(folder) => templates(folder)?,
            None => Templates::default(),
        };
        Ok(Self {
            details,
            previous,
            templates,
        })
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
fn previous(path: &Path, details: &mut Details) -> Result<Previous, Failure> {
    let fail = |error| Failure::file(path.display(), error);
    let previous = Previous::of_package(&input::read_bytes(path)?).map_err(fail)?;
    if epoch()?.is_none() {
        details.epoch = details.epoch.max(previous.epoch.saturating_add(1));
    }
    previous
        .comes_before(&details.version, details.epoch)
        .map_err(fail)?;
    Ok(previous)
}

/// The built-in templates, with those of a folder in place of them.
fn templates(folder: &Path) -> Result<Templates, Failure> {
    let mut templates = Templates::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        let fail = |error: std::io::Error| Failure::file(below.display(), error);
        for entry in fs::read_dir(&below).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path);
            let text = opened::read_to_string(&path)
                .map_err(|error| Failure::file(path.display(), error))?;
            templates
                .replace(&name.to_string_lossy(), text)
                .map_err(|error| Failure::file(path.display(), error))?;
        }
    }
    Ok(templates)
}

fn details(settings: &Settings, plan: &CompatPlan<'_>) -> Result<Details, Failure> {
    let copyright = match &settings.copyright {
        Some(path) => {
            Some(opened::read(path).map_err(|error| Failure::file(path.display(), error))?)
        }
        None => None,
    };
    Details::settle(&settings.wishes(), plan, epoch()?, copyright, author()).map_err(Failure::usage)
}

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
    // Dates of 32 bits, such as gzip's, end there.
    if epoch > u64::from(u32::MAX) {
        return Err(Failure::usage(format!(
            "SOURCE_DATE_EPOCH is {epoch}, a date after February 2106; write it in seconds, for example `$(date +%s)`"
        )));
    }
    Ok(Some(epoch))
}

/// The user as Debian's tools know them (debchange(1)).
fn author() -> Option<String> {
    let name = env::var("DEBFULLNAME").ok()?;
    let address = env::var("DEBEMAIL").ok()?;
    Some(format!("{name} <{address}>"))
}
