//! Name, version, maintainer and the like: what the user wishes, else what
//! the old package says, else sound defaults.

use crate::deb::changelog;
use crate::deb::control::{self, ControlError};
use crate::plan::{CompatPlan, CompatRom};
use crate::romset::RomSet;
use thiserror::Error;

/// What a user may set; everything else has a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Name of the package (Debian Policy 5.6.7).
    pub package: Option<String>,
    /// Version of the package (Debian Policy 5.6.12).
    pub version: Option<String>,
    /// Maintainer, `Name <address>` (Debian Policy 5.6.2).
    pub maintainer: Option<String>,
    /// Section of the archive (Debian Policy 2.4).
    pub section: Option<String>,
    /// Distribution in the changelog.
    pub distribution: Option<String>,
    /// First line of the description (Debian Policy 5.6.13).
    pub synopsis: Option<String>,
    /// The rest of the description: paragraphs with blank lines between.
    pub description: Option<String>,
    /// Where the source package is kept (Debian Policy 5.6.26).
    pub vcs_git: Option<String>,
    /// Where it can be looked at.
    pub vcs_browser: Option<String>,
}

/// All that a package says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Name of the package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its maintainer.
    pub maintainer: String,
    /// Its section.
    pub section: String,
    /// Distribution in the changelog.
    pub distribution: String,
    /// First line of its description.
    pub synopsis: String,
    /// The rest of the description; the template's text if the user set none.
    pub description: Option<String>,
    /// Homepage of the old package.
    pub homepage: Option<String>,
    /// The source package of the ROMs, `name (= version)`, which an archive
    /// must keep as long as the ROMs (Debian Policy 7.8).
    pub built_using: Option<String>,
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
    /// A text that has more than one line.
    #[error("the {what} has a line break; it is one line of a control file")]
    LineBreak {
        /// Which text.
        what: &'static str,
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
        format!("{}-libvirt", self.package)
    }

    /// Settles every value. `epoch` and `copyright` are the user's, `author`
    /// is the user's maintainer identity where OLD has no maintainer.
    ///
    /// # Errors
    /// [`DetailsError`] for what nobody says or Policy forbids.
    pub fn settle(
        wishes: &Wishes,
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
        let maintainer = wishes
            .maintainer
            .clone()
            .or_else(|| origin.map(|origin| origin.control.maintainer().to_owned()))
            .or(author)
            .ok_or(DetailsError::NoMaintainer)?;
        control::check_maintainer(&maintainer)?;
        let epoch = match (epoch, origin.and_then(|o| o.changelog.as_deref())) {
            (Some(epoch), _) => epoch,
            (None, Some(changelog)) => changelog::newest_date(changelog)?,
            (None, None) => return Err(DetailsError::NoDate),
        };
        changelog::date_line(epoch).map_err(DetailsError::Date)?;
        let copyright = copyright
            .or_else(|| copyright_of(plan))
            .ok_or(DetailsError::NoCopyright)?;
        let old_release = plan.release();
        let details = Self {
            package,
            version,
            maintainer,
            section: wishes
                .section
                .clone()
                .or_else(|| origin.and_then(|o| o.control.section()).map(str::to_owned))
                .unwrap_or_else(|| "admin".to_owned()),
            distribution: wishes
                .distribution
                .clone()
                .unwrap_or_else(|| "unstable".to_owned()),
            synopsis: wishes
                .synopsis
                .clone()
                .unwrap_or_else(|| default_synopsis(plan)),
            description: wishes.description.clone(),
            homepage: origin
                .and_then(|origin| origin.control.homepage())
                .map(str::to_owned),
            built_using: origin.map(|origin| {
                let (source, version) = origin.control.source();
                format!("{source} (= {version})")
            }),
            vcs_git: wishes.vcs_git.clone(),
            vcs_browser: wishes.vcs_browser.clone(),
            old_release,
            copyright,
            epoch,
        };
        let none = String::new();
        for (what, text) in [
            ("section", &details.section),
            ("distribution", &details.distribution),
            ("synopsis", &details.synopsis),
            (
                "place of the source",
                details.vcs_git.as_ref().unwrap_or(&none),
            ),
            (
                "page of the source",
                details.vcs_browser.as_ref().unwrap_or(&none),
            ),
        ] {
            if text.contains(['\n', '\r']) {
                return Err(DetailsError::LineBreak { what });
            }
        }
        Ok(details)
    }
}

/// The terms of the old release, and below them those of earlier ones that
/// differ.
fn copyright_of(plan: &CompatPlan<'_>) -> Option<Vec<u8>> {
    let of = |set: &RomSet| set.package.as_ref()?.copyright.clone();
    let mut text = of(plan.old)?;
    let mut had = vec![text.clone()];
    for set in &plan.earlier {
        if let Some(other) = of(set).filter(|other| !had.contains(other)) {
            let heading = format!("\n\nThe copyright file of {}:\n\n", set.release());
            text.extend(heading.as_bytes());
            text.extend(&other);
            had.push(other);
        }
    }
    Some(text)
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

/// The version of the ROMs. A revision of exactly 1 marks the first upload of
/// a source, which lintian wants to close a bug; a suffix keeps it apart.
fn default_version(old: &str) -> String {
    let suffix = if old.ends_with("-1") { "compat1" } else { "" };
    format!("{old}{suffix}")
}

fn default_synopsis(plan: &CompatPlan<'_>) -> String {
    let of = match &plan.old.package {
        Some(origin) => format!(" of {}", origin.control.package()),
        None => String::new(),
    };
    format!("former option ROMs{of} for QEMU guest migration")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{rom_set, with_plan};

    fn settle(
        wishes: &Wishes,
        plan: &CompatPlan<'_>,
        author: Option<&str>,
    ) -> Result<Details, DetailsError> {
        let author = author.map(str::to_owned);
        Details::settle(wishes, plan, Some(1), Some(b"terms".to_vec()), author)
    }

    fn version(version: &str) -> Wishes {
        Wishes {
            version: Some(version.to_owned()),
            ..Wishes::default()
        }
    }

    #[test]
    fn the_name_says_the_size_class_and_whether_all_roms_are_efi() {
        let name = |roms: &[(&str, usize)]| {
            let mut name = String::new();
            with_plan(roms, |plan| {
                name = settle(&version("1"), plan, Some("A <a@b>"))
                    .unwrap()
                    .package;
            });
            name
        };
        assert_eq!(name(&[("efi-a.rom", 5000)]), "qemu-8k-compat-efi-roms");
        assert_eq!(
            name(&[("efi-a.rom", 5000), ("pxe-a.rom", 5000)]),
            "qemu-8k-compat-roms"
        );
        assert_eq!(
            name(&[("efi-a.rom", 5000), ("efi-b.rom", 600)]),
            "qemu-compat-efi-roms"
        );
    }

    #[test]
    fn what_nobody_says_is_asked_for() {
        with_plan(&[("a.rom", 512)], |plan| {
            let error = settle(&Wishes::default(), plan, None).unwrap_err();
            assert!(matches!(error, DetailsError::NoVersion));
            let error = settle(&version("1"), plan, None).unwrap_err();
            assert!(matches!(error, DetailsError::NoMaintainer));
            let author = Some("A".to_owned());
            let error = Details::settle(&version("1"), plan, None, None, author).unwrap_err();
            assert!(matches!(error, DetailsError::Forbidden(_)), "{error}");
        });
    }

    #[test]
    fn a_first_revision_gets_a_suffix() {
        assert_eq!(default_version("1.0-1"), "1.0-1compat1");
        assert_eq!(default_version("1.0-5.1"), "1.0-5.1");
    }

    #[test]
    fn a_release_that_is_no_package_is_named_without_its_folder() {
        let mut set = rom_set(&[("a.rom", 512)]);
        for (label, release) in [
            ("/home/me/old-roms/", "old-roms"),
            ("-", "an earlier release"),
        ] {
            set.label = label.to_owned();
            assert_eq!(set.release(), release);
        }
    }
}
