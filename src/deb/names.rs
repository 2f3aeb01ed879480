//! Names and versions of packages, and why a control file is refused.

use super::paragraph::ParagraphError;
use thiserror::Error;

/// Why a control file or a value for one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    /// Not one paragraph of fields.
    #[error(transparent)]
    Syntax(#[from] ParagraphError),
    /// A field that every package has.
    #[error("the control file lacks the field {0}")]
    Missing(&'static str),
    /// A field that dpkg or Policy does not allow so.
    #[error("the field {field} of the control file: {why}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What is wrong with its value.
        why: String,
    },
    /// A package name that Policy forbids.
    #[error(
        "`{0}` is no package name: it has at least two characters, lower case letters, digits and `+-.`, and starts with a letter or digit (Debian Policy 5.6.7)"
    )]
    PackageName(String),
    /// A version that Policy forbids.
    #[error(
        "`{0}` is no version: it is [epoch:]upstream[-revision], starts with a digit, and has letters, digits and `.+-~`; an epoch is at most 2147483647 (Debian Policy 5.6.12)"
    )]
    Version(String),
    /// A maintainer that Policy forbids.
    #[error("`{0}` is no maintainer: write `Name <address@domain>` (Debian Policy 5.6.2)")]
    Maintainer(String),
}

/// The name of a package as dpkg takes it, which Policy narrows.
pub(super) fn is_dpkg_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-+._".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_allowed)
}

/// Checks a package name (Debian Policy 5.6.7).
///
/// # Errors
/// [`ControlError::PackageName`].
pub fn check_package_name(name: &str) -> Result<(), ControlError> {
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if name.len() >= 2 && starts_well && name.chars().all(allowed) {
        return Ok(());
    }
    Err(ControlError::PackageName(name.to_owned()))
}

/// Checks a version (Debian Policy 5.6.12).
///
/// # Errors
/// [`ControlError::Version`].
pub fn check_version(version: &str) -> Result<(), ControlError> {
    let error = || ControlError::Version(version.to_owned());
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    let allowed = |extra: &'static str| {
        move |c: char| c.is_ascii_alphanumeric() || ".+~".contains(c) || extra.contains(c)
    };
    // dpkg keeps an epoch in an int.
    let sound = epoch.chars().all(|c| c.is_ascii_digit())
        && epoch.parse::<i32>().is_ok()
        && upstream.starts_with(|c: char| c.is_ascii_digit())
        && upstream.chars().all(allowed("-:"))
        && !revision.is_empty()
        && revision.chars().all(allowed(""));
    sound.then_some(()).ok_or_else(error)
}

/// A version without its epoch, as it stands in file names (Debian Policy
/// 5.6.12).
#[must_use]
pub fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

/// The upstream part of a version (Debian Policy 5.6.12).
#[must_use]
pub fn upstream_version(version: &str) -> &str {
    let version = without_epoch(version);
    version.rsplit_once('-').map_or(version, |(rest, _)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_follow_policy() {
        for name in ["a", "Aa", "-aa", "a_b", "", "a b", "a/b"] {
            assert!(check_package_name(name).is_err(), "{name}");
        }
        for version in [
            "",
            "a1",
            "1 2",
            "1/2",
            "1_2",
            "-1",
            "1-",
            "x:1",
            ":1",
            "1:",
            "2147483648:1",
        ] {
            assert!(check_version(version).is_err(), "{version}");
        }
        assert_eq!(check_package_name("aa"), Ok(()));
        assert_eq!(check_package_name("ipxe-qemu-256k-compat-efi-roms"), Ok(()));
        assert_eq!(
            check_version("1:1.0.0+git-20190125.36a4c85-5.1+compat1"),
            Ok(())
        );
        assert_eq!(check_version("2147483647:1"), Ok(()));
    }
}
