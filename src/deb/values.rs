//! What Debian Policy allows in the values that a user may set.

use thiserror::Error;

/// A value that Policy forbids.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ValueError {
    /// A section of another form.
    #[error("`{0}` is no section: write one such as admin or contrib/admin (Debian Policy 2.4)")]
    Section(String),
    /// A distribution of another form.
    #[error("`{0}` is no distribution: write one name such as unstable (Debian Policy 5.6.14)")]
    Distribution(String),
    /// No synopsis, or more than a line.
    #[error("the synopsis must be one line, and not an empty one (Debian Policy 3.4)")]
    Synopsis,
    /// What no browser or git takes for an address.
    #[error("`{0}` is no address: write one without blanks such as https://example.org/roms")]
    Address(String),
}

/// Checks a section, with its area if it is not in main (Debian Policy 2.4).
///
/// # Errors
/// [`ValueError::Section`].
pub fn check_section(section: &str) -> Result<(), ValueError> {
    let is_name = |part: &str| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        !part.is_empty() && part.chars().all(allowed)
    };
    let sound = section.splitn(2, '/').all(is_name);
    sound
        .then_some(())
        .ok_or_else(|| ValueError::Section(section.to_owned()))
}

/// Checks the distribution of a changelog entry (Debian Policy 5.6.14).
///
/// # Errors
/// [`ValueError::Distribution`].
pub fn check_distribution(distribution: &str) -> Result<(), ValueError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+-.~/_".contains(c);
    let sound = !distribution.is_empty() && distribution.chars().all(allowed);
    sound
        .then_some(())
        .ok_or_else(|| ValueError::Distribution(distribution.to_owned()))
}

/// Checks the first line of a description (Debian Policy 3.4.1).
///
/// # Errors
/// [`ValueError::Synopsis`].
pub fn check_synopsis(synopsis: &str) -> Result<(), ValueError> {
    let sound = !synopsis.trim().is_empty() && !synopsis.contains(['\n', '\r']);
    sound.then_some(()).ok_or(ValueError::Synopsis)
}

/// Checks an address (Debian Policy 5.6.23).
///
/// # Errors
/// [`ValueError::Address`].
pub fn check_address(address: &str) -> Result<(), ValueError> {
    let rest = address.split_once("://").map(|(_, rest)| rest);
    let sound = rest.is_some_and(|rest| !rest.is_empty())
        && !address.starts_with("://")
        && address
            .chars()
            .all(|c| !c.is_whitespace() && !c.is_control());
    sound
        .then_some(())
        .ok_or_else(|| ValueError::Address(address.to_owned()))
}

/// Checks where git finds a source: an address, then ` -b BRANCH` and
/// ` [FOLDER]` if need be (Debian Policy 5.6.26).
///
/// # Errors
/// [`ValueError::Address`].
pub fn check_vcs_git(vcs: &str) -> Result<(), ValueError> {
    let error = |_| ValueError::Address(vcs.to_owned());
    let mut words = vcs.split(' ');
    check_address(words.next().unwrap_or_default()).map_err(error)?;
    let more: Vec<&str> = words.collect();
    let is_word = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
    let is_folder = |word: &str| word.starts_with('[') && word.ends_with(']') && is_word(word);
    let sound = match &*more {
        [] => true,
        [folder] => is_folder(folder),
        ["-b", branch] => is_word(branch),
        ["-b", branch, folder] => is_word(branch) && is_folder(folder),
        _ => false,
    };
    sound
        .then_some(())
        .ok_or_else(|| ValueError::Address(vcs.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_policy() {
        for section in ["admin", "contrib/admin", "non-free-firmware/misc"] {
            assert_eq!(check_section(section), Ok(()), "{section}");
        }
        for section in ["", "/admin", "admin/", "a b", "Admin", "a/b/c", "a\nb"] {
            assert!(check_section(section).is_err(), "{section}");
        }
        for distribution in ["unstable", "bookworm-backports", "UNRELEASED"] {
            assert_eq!(check_distribution(distribution), Ok(()), "{distribution}");
        }
        for distribution in ["", "stable unstable", "a;b", "a\n"] {
            assert!(check_distribution(distribution).is_err(), "{distribution}");
        }
        for synopsis in ["", " ", "two\nlines", "a\r"] {
            assert!(check_synopsis(synopsis).is_err(), "{synopsis}");
        }
    }

    #[test]
    fn an_address_has_no_blank_and_git_may_be_told_a_branch_and_a_folder() {
        let address = "https://example.org/roms.git";
        assert_eq!(check_address(address), Ok(()));
        for wrong in [
            "",
            "example.org",
            "https://",
            "://x",
            "https://a b",
            "https://a\nb",
        ] {
            assert!(check_address(wrong).is_err(), "{wrong}");
            assert!(check_vcs_git(wrong).is_err(), "{wrong}");
        }
        for more in ["", " -b debian/main", " [roms]", " -b main [roms]"] {
            assert_eq!(check_vcs_git(&format!("{address}{more}")), Ok(()), "{more}");
        }
        for more in [
            " ",
            " main",
            " -b",
            " -b ",
            " [roms] -b main",
            " -b a\tb",
            "\n-b a",
        ] {
            assert!(
                check_vcs_git(&format!("{address}{more}")).is_err(),
                "{more}"
            );
        }
    }
}
