//! Releases of QEMU, and what each can do with option ROMs.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A release of QEMU: major and minor number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QemuVersion {
    /// Major number.
    pub major: u16,
    /// Minor number.
    pub minor: u16,
}

/// A text that names no release of QEMU.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no version of QEMU; write it like 7.2")]
pub struct NotAQemuVersion(String);

impl QemuVersion {
    /// This release.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// The release that the first line of `qemu-system-x86_64 --version`
    /// names (`version` in system/vl.c); none where no release stands there.
    #[must_use]
    pub fn of_version_output(text: &str) -> Option<Self> {
        let (_, rest) = text.lines().next()?.split_once("version ")?;
        rest.split([' ', '(']).next()?.parse().ok()
    }

    /// Whether machine types carry this version: that of a release, and there
    /// were 0.10 to 0.15, 1.0 to 1.7, 2.0 to 2.12, 3.0, 3.1, and three of each
    /// major number since (`git tag` of QEMU).
    #[must_use]
    pub const fn has_machine_types(self) -> bool {
        match self.major {
            0 => 10 <= self.minor && self.minor <= 15,
            1 => self.minor <= 7,
            2 => self.minor <= 12,
            3 => self.minor <= 1,
            _ => self.minor <= 2,
        }
    }

    /// Whether PCI devices have the property `romsize`: since 6.0. Version 5.2
    /// says that there is no such property (seen in runs).
    #[must_use]
    pub fn has_romsize(self) -> bool {
        self >= Self::new(6, 0)
    }

    /// Whether a destination that is told a `romsize` leaves the ROM file
    /// alone, since its content comes from the source: since 8.1
    /// (`pci_add_option_rom` in hw/pci/pci.c). Version 7.2 reads the file and
    /// refuses to start where it is too large, 10.0 does not (seen in runs).
    #[must_use]
    pub fn skips_rom_file_on_incoming(self) -> bool {
        self >= Self::new(8, 1)
    }

    /// The folders in which Debian's QEMU searches for ROMs after the current
    /// one and each `-L` (`qemu-system-x86_64 -L help` of 5.2, 7.2, 10.0 and
    /// 11.1). Releases between those of Debian count as the one before.
    #[must_use]
    pub fn search_path(self) -> &'static [&'static str] {
        const ALL: &[&str] = &[
            "/usr/share/qemu",
            "/usr/share/seabios",
            "/usr/lib/ipxe/qemu",
        ];
        if self >= Self::new(11, 0) {
            ALL.split_at(2).0
        } else {
            ALL
        }
    }
}

impl FromStr for QemuVersion {
    type Err = NotAQemuVersion;

    /// Takes `7.2` and longer forms such as `7.2.22` and `1:7.2+dfsg-7`.
    fn from_str(text: &str) -> Result<Self, NotAQemuVersion> {
        let error = || NotAQemuVersion(text.to_owned());
        let (_, upstream) = text.split_once(':').unwrap_or(("", text));
        let mut numbers = upstream.split(|c: char| !c.is_ascii_digit());
        let mut number = || numbers.next().and_then(|digits| digits.parse().ok());
        let major = number().ok_or_else(error)?;
        let is_dotted = upstream.contains('.');
        let minor = number().filter(|_| is_dotted).ok_or_else(error)?;
        Ok(Self { major, minor })
    }
}

impl fmt::Display for QemuVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl<'de> Deserialize<'de> for QemuVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Serialize for QemuVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_qemu_prints_and_from_packages() {
        let line = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright";
        let version = QemuVersion::of_version_output(line);
        assert_eq!(version, Some(QemuVersion::new(7, 2)));
        assert_eq!("1:10.0.13+ds-0".parse(), Ok(QemuVersion::new(10, 0)));
        assert_eq!(QemuVersion::new(10, 0).to_string(), "10.0");
        for text in ["", "7", "seven", "7.x", "-1.2"] {
            assert!(text.parse::<QemuVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn machine_types_carry_the_versions_of_releases() {
        let has = |text: &str| text.parse::<QemuVersion>().unwrap().has_machine_types();
        assert!(has("0.15") && has("1.7") && has("2.12") && has("3.1") && has("11.2"));
        assert!(!has("0.9") && !has("1.8") && !has("2.13") && !has("3.2") && !has("4.3"));
    }

    #[test]
    fn abilities_came_with_their_releases() {
        let version = |text: &str| text.parse::<QemuVersion>().unwrap();
        assert!(!version("5.2").has_romsize() && version("6.0").has_romsize());
        assert!(!version("7.2").skips_rom_file_on_incoming());
        assert!(version("10.0").skips_rom_file_on_incoming());
        assert_eq!(version("11.1").search_path().len(), 2);
        assert!(
            version("10.0")
                .search_path()
                .contains(&"/usr/lib/ipxe/qemu")
        );
    }
}
