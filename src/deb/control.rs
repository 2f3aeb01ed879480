//! The control paragraph of a binary package, and what Debian Policy allows
//! in its fields.

use deb822_fast::Paragraph;
use thiserror::Error;

/// Why a control file or a value for one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    /// Not one paragraph of fields.
    #[error("the control file is not one paragraph of `Field: value` lines: {0}")]
    Syntax(String),
    /// A field that every package has.
    #[error("the control file lacks the field {0}")]
    Missing(&'static str),
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

/// The control paragraph of a binary package (deb-control(5)).
#[derive(Debug, Clone)]
pub struct Control(Paragraph);

impl Control {
    /// Reads the text of a control file.
    ///
    /// # Errors
    /// [`ControlError`] for a wrong syntax, missing `Package`, `Version` or
    /// `Maintainer`, and a name or version that Policy forbids.
    pub fn parse(text: &str) -> Result<Self, ControlError> {
        let paragraph: Paragraph = text
            .parse()
            .map_err(|error: deb822_fast::Error| ControlError::Syntax(error.to_string()))?;
        for field in ["Package", "Version", "Maintainer"] {
            paragraph.get(field).ok_or(ControlError::Missing(field))?;
        }
        let control = Self(paragraph);
        check_package_name(control.package())?;
        check_version(control.version())?;
        Ok(control)
    }

    /// The value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// Name of the package.
    #[must_use]
    pub fn package(&self) -> &str {
        self.0.get("Package").unwrap_or_default()
    }

    /// Version of the package.
    #[must_use]
    pub fn version(&self) -> &str {
        self.0.get("Version").unwrap_or_default()
    }

    /// Maintainer of the package.
    #[must_use]
    pub fn maintainer(&self) -> &str {
        self.0.get("Maintainer").unwrap_or_default()
    }

    /// Name and version of the source package, as `Built-Using` writes it
    /// (Debian Policy 5.6.1, 7.8).
    #[must_use]
    pub fn source(&self) -> (&str, &str) {
        let source = self.0.get("Source").unwrap_or_else(|| self.package());
        match source.split_once(" (") {
            Some((name, version)) => (name, version.trim_end_matches(')')),
            None => (source, self.version()),
        }
    }

    /// Section of the archive.
    #[must_use]
    pub fn section(&self) -> Option<&str> {
        self.field("Section")
    }

    /// Homepage of what is packaged.
    #[must_use]
    pub fn homepage(&self) -> Option<&str> {
        self.field("Homepage")
    }
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

/// Checks a maintainer: a name and an address (Debian Policy 5.6.2).
///
/// # Errors
/// [`ControlError::Maintainer`].
pub fn check_maintainer(maintainer: &str) -> Result<(), ControlError> {
    let parts = maintainer
        .strip_suffix('>')
        .and_then(|rest| rest.split_once(" <"));
    let sound = parts.is_some_and(|(name, address)| {
        let domain = address.split_once('@').map(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        !name.trim().is_empty()
            && domain == Some(true)
            && !maintainer.contains(['\n', '\r'])
            && !address.contains([' ', '<', '>'])
    });
    sound
        .then_some(())
        .ok_or_else(|| ControlError::Maintainer(maintainer.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str =
        "Package: ipxe-qemu\nVersion: 1.0-5.1\nMaintainer: A B <a@b.c>\nDescription: x\n y\n";

    #[test]
    fn fields_are_read_from_a_paragraph() {
        let control = Control::parse(TEXT).unwrap();
        assert_eq!(control.package(), "ipxe-qemu");
        assert_eq!(control.version(), "1.0-5.1");
        assert_eq!(control.section(), None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let error = |text: &str| Control::parse(text).unwrap_err();
        assert_eq!(error("Package: aa\n"), ControlError::Missing("Version"));
        assert!(matches!(error(""), ControlError::Syntax(_)));
        assert!(matches!(error("no colon"), ControlError::Syntax(_)));
        let upper = TEXT.replace("ipxe-qemu", "IPXE");
        assert!(matches!(error(&upper), ControlError::PackageName(_)));
    }

    #[test]
    fn names_versions_and_maintainers_follow_policy() {
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
            "x:1",
            ":1",
            "2147483648:1",
        ] {
            assert!(check_version(version).is_err(), "{version}");
        }
        for maintainer in [
            "",
            "A B",
            "<a@b>",
            "A <a>",
            "A <a@>",
            "A <a@b> x",
            "A <a b@c>",
        ] {
            assert!(check_maintainer(maintainer).is_err(), "{maintainer}");
        }
        assert_eq!(check_package_name("ipxe-qemu-256k-compat-efi-roms"), Ok(()));
        assert_eq!(
            check_version("1:1.0.0+git-20190125.36a4c85-5.1+compat1"),
            Ok(())
        );
        assert_eq!(check_version("2147483647:1"), Ok(()));
        assert_eq!(check_maintainer("Miao Wang <a.b@c.d>"), Ok(()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,200}|([A-Z]{1,3}:? ?[a-z\n #]{0,5}\n?){0,8}") {
            let _ = Control::parse(&text);
            let _ = check_version(&text);
            let _ = check_maintainer(&text);
        }
    }
}
