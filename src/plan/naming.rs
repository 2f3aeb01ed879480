//! Names of compat ROMs, and where they are installed.

use crate::rom::BarSize;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// How a compat ROM's name is made of the size class and the old name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern(String);

/// The folder for option ROMs in which every QEMU of every release searches.
pub const QEMU_SHARE: &str = "/usr/share/qemu";

/// Names and place of the compat ROMs.
#[derive(Debug, Clone)]
pub struct Naming {
    pub(super) pattern: NamePattern,
    pub(super) install_dir: String,
}

impl Default for Naming {
    fn default() -> Self {
        Self {
            pattern: NamePattern::default(),
            install_dir: QEMU_SHARE.to_owned(),
        }
    }
}

impl Naming {
    /// ROMs with names like `pattern`, installed in the folder `install_dir`.
    ///
    /// # Errors
    /// [`InstallDirError`] for what is no absolute path, has a part `.` or
    /// `..`, an empty one, or characters that QEMU or libvirt might read
    /// otherwise.
    pub fn new(pattern: NamePattern, install_dir: &str) -> Result<Self, InstallDirError> {
        let trimmed = install_dir.trim_end_matches('/');
        match trimmed.strip_prefix('/') {
            Some(rest) if rest.split('/').all(is_file_name) => Ok(Self {
                pattern,
                install_dir: trimmed.to_owned(),
            }),
            _ => Err(InstallDirError(install_dir.to_owned())),
        }
    }

    /// The absolute path of the compat ROM for an old ROM of this name and BAR.
    #[must_use]
    pub fn path(&self, bar: BarSize, name: &str) -> String {
        format!(
            "{}/{}",
            self.install_dir,
            self.pattern.compat_name(bar, name)
        )
    }
}

/// A text that is no folder to install to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no folder to install to; give an absolute path such as {QEMU_SHARE}")]
pub struct InstallDirError(pub String);

/// Why a text is no name pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NamePatternError {
    /// Without the old name, compat names would collide.
    #[error("the name pattern `{0}` lacks {{name}}; it must be like `compat-{{size}}-{{name}}`")]
    NoName(String),
    /// A name that is none: with a slash, white space or another placeholder.
    #[error(
        "the name pattern `{pattern}` has `{character}`; file names here are made of letters, digits and `+-._`, and of {{size}} and {{name}}"
    )]
    Character {
        /// The pattern.
        pattern: String,
        /// What may not stand in it.
        character: char,
    },
}

/// A character that every reader of a mapping takes as it is.
pub(super) fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "+-._".contains(character)
}

/// Whether this is the name of a file in a mapping, and no path.
pub(super) fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.chars().all(is_plain)
}

/// Whether QEMU would read this as the name of a device.
pub(super) fn is_device_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    !name.is_empty() && name.chars().all(is_part)
}

impl Default for NamePattern {
    /// Ubuntu's names: `compat-256k-efi-virtio.rom`.
    fn default() -> Self {
        Self("compat-{size}-{name}".to_owned())
    }
}

impl TryFrom<String> for NamePattern {
    type Error = NamePatternError;

    fn try_from(pattern: String) -> Result<Self, NamePatternError> {
        if !pattern.contains("{name}") {
            return Err(NamePatternError::NoName(pattern));
        }
        let rest = pattern.replace("{name}", "").replace("{size}", "");
        match rest.chars().find(|c| !is_plain(*c)) {
            Some(character) => Err(NamePatternError::Character { pattern, character }),
            None => Ok(Self(pattern)),
        }
    }
}

impl std::str::FromStr for NamePattern {
    type Err = NamePatternError;

    fn from_str(text: &str) -> Result<Self, NamePatternError> {
        text.to_owned().try_into()
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NamePattern {
    /// The compat name of a ROM with this BAR and name.
    #[must_use]
    pub fn compat_name(&self, bar: BarSize, name: &str) -> String {
        self.0
            .replace("{size}", &bar.label())
            .replace("{name}", name)
    }

    /// The old name in a compat name, of any size class.
    #[must_use]
    pub fn old_name<'n>(&self, compat: &'n str) -> Option<&'n str> {
        BarSize::all().find_map(|bar| {
            let named = self.0.replace("{size}", &bar.label());
            let (before, after) = named.split_once("{name}")?;
            compat.strip_prefix(before)?.strip_suffix(after)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_to_install_to_is_absolute_and_plain() {
        let naming = |folder| Naming::new(NamePattern::default(), folder);
        let romfile = |folder| {
            let name = "a".to_owned();
            let folder = naming(folder).unwrap().install_dir;
            crate::plan::Romfile { folder, name }.to_string()
        };
        assert_eq!(romfile("/usr/share/qemu/"), "a");
        assert_eq!(romfile("/usr/lib/qemu"), "/usr/lib/qemu/a");
        for wrong in [
            "",
            "/",
            "usr/share",
            "/usr//share",
            "/usr/../etc",
            "/usr/a b",
            "/usr/a,b",
        ] {
            assert_eq!(
                naming(wrong).unwrap_err(),
                InstallDirError(wrong.to_owned())
            );
        }
    }

    #[test]
    fn a_compat_name_tells_the_old_one() {
        let old_name = |pattern: &str, compat| {
            let pattern: NamePattern = pattern.parse().unwrap();
            pattern.old_name(compat).map(str::to_owned)
        };
        let usual = "compat-{size}-{name}";
        for compat in ["compat-256k-efi-a.rom", "compat-1m-efi-a.rom"] {
            assert_eq!(old_name(usual, compat).as_deref(), Some("efi-a.rom"));
        }
        assert_eq!(
            old_name("{name}.{size}", "a.rom.512").as_deref(),
            Some("a.rom")
        );
        for other in ["efi-a.rom", "compat-300k-efi-a.rom", "compat-efi-a.rom"] {
            assert_eq!(old_name(usual, other), None, "{other}");
        }
    }

    #[test]
    fn name_patterns_need_the_old_name_and_plain_characters() {
        let error = |text: &str| text.parse::<NamePattern>().unwrap_err().to_string();
        assert!(error("compat-{size}").contains("lacks {name}"));
        assert!(error("../{name}").contains("has `/`"));
        assert!(error("{class}-{name}").contains("has `{`"));
    }
}
