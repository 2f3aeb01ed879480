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
    /// Text with control characters.
    #[error(
        "{what} has the control character U+{found:04X}, which a package must not have in its fields"
    )]
    Control {
        /// What has it.
        what: &'static str,
        /// The character.
        found: u32,
    },
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
    // As dpkg-parsechangelog reads them.
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
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
    if synopsis.trim().is_empty() || synopsis.contains(['\n', '\r']) {
        return Err(ValueError::Synopsis);
    }
    check_plain("the synopsis", synopsis, "")
}

/// Checks the rest of a description: lines of text (Debian Policy 5.6.13).
///
/// # Errors
/// [`ValueError::Control`].
pub fn check_description(description: &str) -> Result<(), ValueError> {
    check_plain("the description", description, "\n\t")
}

/// Checks the name of a release, which stands in a line of its own.
///
/// # Errors
/// [`ValueError::Control`].
pub fn check_release(release: &str) -> Result<(), ValueError> {
    check_plain("the name of the old release", release, "")
}

/// Refuses control characters and separators of lines but for these.
fn check_plain(what: &'static str, text: &str, allowed: &str) -> Result<(), ValueError> {
    let is_wrong = |c: &char| {
        (c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) && !allowed.contains(*c)
    };
    match text.chars().find(is_wrong) {
        Some(found) => Err(ValueError::Control {
            what,
            found: u32::from(found),
        }),
        None => Ok(()),
    }
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
        for distribution in ["", "stable unstable", "a;b", "a\n", "a/b", "a_b", "a~b"] {
            assert!(check_distribution(distribution).is_err(), "{distribution}");
        }
        for synopsis in ["", " ", "two\nlines", "a\r"] {
            assert!(check_synopsis(synopsis).is_err(), "{synopsis}");
        }
    }

    #[test]
    fn texts_have_no_control_characters() {
        let error = |result: Result<(), ValueError>| result.unwrap_err().to_string();
        assert_eq!(
            error(check_synopsis("a\x1b[2J")),
            "the synopsis has the control character U+001B, which a package must not have in its fields"
        );
        assert_eq!(check_description("a\tb\n\nc"), Ok(()));
        for text in ["a\rb", "a\u{9b}", "a\u{2028}b", "a\u{2029}", "a\0"] {
            assert!(check_description(text).is_err(), "{text:?}");
            assert!(check_release(text).is_err(), "{text:?}");
        }
        assert!(error(check_release("a\nb")).contains("the old release has the control"));
        assert_eq!(check_release("ipxe-qemu 1.0"), Ok(()));
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
