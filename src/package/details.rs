//! Name, version, maintainer and the like: what the user wishes, else what
//! the old package says, else sound defaults.

use super::built_using::BuiltUsing;
use super::copyright;
use super::settings::PackageSettings;
use crate::deb::Maintainer;
use crate::deb::changelog;
use crate::deb::control::{self, ControlError};
use crate::deb::values::{self, ValueError};
use crate::plan::{CompatPlan, CompatRom};
use crate::romset::PackageOrigin;
use thiserror::Error;

/// All that a package says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Name of the package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its maintainer.
    pub maintainer: Maintainer,
    /// Who made it: the changelog's entry is theirs (Debian Policy 4.4).
    pub author: Maintainer,
    /// Its section.
    pub section: String,
    /// Distribution in the changelog.
    pub distribution: String,
    /// First line of its description.
    pub synopsis: String,
    /// The rest of the description; the template's text if the user set none.
    pub description: Option<String>,
    /// Homepage of what is packaged.
    pub homepage: Option<String>,
    /// The source packages of the ROMs, each `name (= version)`, which an
    /// archive must keep as long as the ROMs (Debian Policy 7.8).
    pub built_using: Option<String>,
    /// Those that were linked into the ROMs (deb-control(5)).
    pub static_built_using: Option<String>,
    /// Where the source package is kept.
    pub vcs_git: Option<String>,
    /// Where it can be looked at.
    pub vcs_browser: Option<String>,
    /// The release that the ROMs come from, for people.
    pub old_release: String,
    /// The copyright file, verbatim.
    pub copyright: Vec<u8>,
    /// Seconds since 1970-01-01 UTC: the date of every file.
    pub epoch: u64,
}

/// What is missing or forbidden.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DetailsError {
    /// No maintainer anywhere.
    #[error(
        "a package needs a maintainer, and OLD is no package that names one; give `--maintainer 'Name <address>'` or set DEBFULLNAME and DEBEMAIL"
    )]
    NoMaintainer,
    /// No version anywhere.
    #[error(
        "a package needs a version, and OLD is no package that has one; give `--package-version`"
    )]
    NoVersion,
    /// No date anywhere.
    #[error(
        "every file of a package needs one date, and no old ROMs come with a changelog to take it from; set SOURCE_DATE_EPOCH, for example to `$(date +%s)`"
    )]
    NoDate,
    /// No terms of distribution anywhere.
    #[error(
        "a package needs a copyright file (Debian Policy 12.5), and OLD has none; give `--copyright FILE` with the terms of the ROMs"
    )]
    NoCopyright,
    /// A value that Debian Policy forbids.
    #[error(transparent)]
    Forbidden(#[from] ControlError),
    /// Another value that Debian Policy forbids.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A field of OLD, or of another release that ships a ROM, that Policy
    /// forbids.
    #[error("{release}: {source}; {instead}")]
    OfRelease {
        /// Name and version of the package.
        release: String,
        /// What is wrong with it.
        source: ControlError,
        /// What to do.
        instead: &'static str,
    },
    /// A field of OLD whose value Policy forbids.
    #[error("{release}: its field {field}: {source}; give `{option}`")]
    ValueOfRelease {
        /// Name and version of the package.
        release: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: ValueError,
        /// The option that sets it.
        option: &'static str,
    },
    /// A changelog whose date cannot be read.
    #[error("the changelog of OLD: {0}; set SOURCE_DATE_EPOCH")]
    Changelog(#[from] changelog::ChangelogError),
    /// A date that no changelog can have.
    #[error("SOURCE_DATE_EPOCH: {0}")]
    Date(changelog::ChangelogError),
}

impl Details {
    /// Name of the package with the hook for libvirt.
    #[must_use]
    pub fn hook_package(&self) -> String {
        hook_package(&self.package)
    }

    /// Settles every value. `epoch` and `copyright` are the user's, `author` is
    /// the user, who is also the maintainer where OLD has none.
    ///
    /// # Errors
    /// [`DetailsError`] for what nobody says or Policy forbids.
    pub fn settle(
        wishes: &PackageSettings,
        plan: &CompatPlan<'_>,
        epoch: Option<u64>,
        copyright: Option<Vec<u8>>,
        author: Option<String>,
    ) -> Result<Self, DetailsError> {
        let old = plan.old;
        let origin = old.package.as_ref();
        let package = wishes.package.clone().unwrap_or_else(|| default_name(plan));
        control::check_package_name(&package)?;
        let version = match (&wishes.version, origin) {
            (Some(version), _) => version.clone(),
            (None, Some(origin)) => default_version(origin.control.version()),
            (None, None) => return Err(DetailsError::NoVersion),
        };
        control::check_version(&version)?;
        let author = author.map(|author| author.parse()).transpose()?;
        let maintainer = match &wishes.maintainer {
            Some(maintainer) => Some(maintainer.parse()?),
            None => origin.map(maintainer_of).transpose()?.flatten(),
        };
        let maintainer: Maintainer = maintainer
            .or_else(|| author.clone())
            .ok_or(DetailsError::NoMaintainer)?;
        let author = author.unwrap_or_else(|| maintainer.clone());
        let epoch = match (epoch, origin.and_then(|o| o.changelog.as_deref())) {
            (Some(epoch), _) => epoch,
            (None, Some(changelog)) => changelog::newest_date(changelog)?,
            (None, None) => return Err(DetailsError::NoDate),
        };
        changelog::date_line(epoch).map_err(DetailsError::Date)?;
        let copyright = copyright
            .or_else(|| copyright::of_plan(plan))
            .ok_or(DetailsError::NoCopyright)?;
        let old_release = plan.release();
        let built_using = BuiltUsing::of(plan).map_err(|fault| DetailsError::OfRelease {
            release: fault.release,
            source: fault.source,
            instead: "correct it there, or unpack the package and give the folder of its ROMs",
        })?;
        let section = origin.and_then(|origin| Some((origin, origin.control.section()?)));
        let homepage = origin.and_then(|origin| Some((origin, origin.control.homepage()?)));
        let section = match (&wishes.section, section) {
            (Some(section), _) => section.clone(),
            (None, Some((origin, section))) => {
                let checked = values::check_section(section);
                checked.map_err(|source| of_origin(origin, "Section", source))?;
                section.to_owned()
            }
            (None, None) => "admin".to_owned(),
        };
        let homepage = match (&wishes.homepage, homepage) {
            (Some(homepage), _) => Some(homepage.clone()),
            (None, Some((origin, homepage))) => {
                let checked = values::check_address(homepage);
                checked.map_err(|source| of_origin(origin, "Homepage", source))?;
                Some(homepage.to_owned())
            }
            (None, None) => None,
        };
        for rom in &plan.roms {
            values::check_release(&rom.release)?;
        }
        let details = Self {
            package,
            version,
            maintainer,
            author,
            section,
            distribution: wishes
                .distribution
                .clone()
                .unwrap_or_else(|| "unstable".to_owned()),
            synopsis: wishes
                .synopsis
                .clone()
                .unwrap_or_else(|| default_synopsis(plan)),
            description: wishes.description.clone(),
            homepage,
            built_using: built_using.sources,
            static_built_using: built_using.static_sources,
            vcs_git: wishes.vcs_git.clone(),
            vcs_browser: wishes.vcs_browser.clone(),
            old_release,
            copyright,
            epoch,
        };
        details.check()?;
        Ok(details)
    }

    /// What of it stands in one line of a control file.
    fn check(&self) -> Result<(), ValueError> {
        values::check_section(&self.section)?;
        values::check_distribution(&self.distribution)?;
        values::check_synopsis(&self.synopsis)?;
        values::check_release(&self.old_release)?;
        self.description
            .iter()
            .try_for_each(|text| values::check_description(text))?;
        let addresses = [&self.homepage, &self.vcs_browser];
        addresses
            .into_iter()
            .flatten()
            .try_for_each(|address| values::check_address(address))?;
        self.vcs_git
            .iter()
            .try_for_each(|vcs| values::check_vcs_git(vcs))
    }
}

fn maintainer_of(origin: &PackageOrigin) -> Result<Option<Maintainer>, DetailsError> {
    let maintainer = origin.control.maintainer();
    maintainer.map_err(|source| DetailsError::OfRelease {
        release: origin.to_string(),
        source,
        instead: "give `--maintainer 'Name <address>'`",
    })
}

fn of_origin(origin: &PackageOrigin, field: &'static str, source: ValueError) -> DetailsError {
    DetailsError::ValueOfRelease {
        release: origin.to_string(),
        field,
        source,
        option: match field {
            "Section" => "--section SECTION",
            _ => "--homepage ADDRESS",
        },
    }
}

/// Name of the package with the hook of this package.
pub(super) fn hook_package(package: &str) -> String {
    format!("{package}-libvirt")
}

/// Ubuntu's way of naming: `ipxe-qemu-256k-compat-efi-roms`.
fn default_name(plan: &CompatPlan<'_>) -> String {
    let base = match &plan.old.package {
        Some(origin) => origin.control.package(),
        None => "qemu",
    };
    let class = match &*plan.roms {
        [first, rest @ ..] if rest.iter().all(|rom| rom.bar == first.bar) => {
            format!("-{}", first.bar.label())
        }
        _ => String::new(),
    };
    let is_efi = |rom: &CompatRom<'_>| rom.origin.name().starts_with("efi-");
    let kind = if plan.roms.iter().all(is_efi) {
        "efi-roms"
    } else {
        "roms"
    };
    format!("{base}{class}-compat-{kind}")
}

/// The version of the ROMs without what does not sort and would make the names
/// of files longer than lintian likes: the name of a commit, and `dfsg` alone.
/// A revision of exactly 1 marks the first upload of a source, which lintian
/// wants to close a bug; a suffix keeps it apart.
fn default_version(old: &str) -> String {
    let (upstream, revision) = match old.rsplit_once('-') {
        Some((upstream, revision)) => (upstream, Some(revision)),
        None => (old, None),
    };
    let mut version = String::new();
    for part in upstream.split_inclusive(['.', '+', '~', '-']) {
        let word = part.trim_end_matches(['.', '+', '~', '-']);
        if !version.is_empty() && (is_commit(word) || word == "dfsg") {
            // The separator before it goes, and the one after it stays.
            version.truncate(version.len().saturating_sub(1));
            version.push_str(part.strip_prefix(word).unwrap_or_default());
        } else {
            version.push_str(part);
        }
    }
    match revision {
        Some("1") => format!("{version}-1c1"),
        Some(revision) => format!("{version}-{revision}"),
        None => version,
    }
}

/// Whether a part of a version is the name of a commit: at least 7 hex digits,
/// not all of them decimal, as those of a date are.
fn is_commit(part: &str) -> bool {
    let digits = part.strip_prefix('g').unwrap_or(part);
    digits.len() >= 7
        && digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
        && digits.contains(|c: char| c.is_ascii_alphabetic())
}

fn default_synopsis(plan: &CompatPlan<'_>) -> String {
    let of = match &plan.old.package {
        Some(origin) => format!(" of {}", origin.control.package()),
        None => String::new(),
    };
    format!("former option ROMs{of} for QEMU guest migration")
}

#[cfg(test)]
mod tests;
