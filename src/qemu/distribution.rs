//! How distributions name machine types, and which release of QEMU each keeps
//! the hardware of.

use super::QemuVersion;
use super::family::Family;
use std::fmt;

/// Who gave a machine type its name, and what stands behind the family's stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Naming {
    /// QEMU itself: the version.
    Upstream,
    /// QEMU up to 1.3, whose only PCs are called `pc-1.3` and so on.
    BeforeFamilies,
    /// QEMU's corrected `pc-q35-4.0.1`, with options of its own in
    /// hw/i386/pc_q35.c.
    Corrected,
    /// Ubuntu: the name of a release, and what was changed in it later.
    Ubuntu {
        /// The release.
        series: &'static str,
        /// As in `jammy-hpb`, with its hyphen; or nothing.
        change: UbuntuChange,
    },
    /// Red Hat, `CentOS` and those who build from their sources.
    RedHat {
        /// As in `rhel9.4.0`, without `rhel`.
        release: &'static str,
        /// POWER's `-sxxm`, with workarounds for Spectre and Meltdown.
        has_workarounds: bool,
    },
    /// Proxmox: QEMU's name, and a number of changes behind `+pve`.
    Proxmox(u16),
}

/// What stands behind a release's name in Ubuntu's machine types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum UbuntuChange {
    /// Nothing.
    Original,
    /// A suffix that changes nothing but the processor or its number.
    Suffix(&'static str),
    /// `-v2` and further ones.
    Version(u8),
}

/// Suffixes of Ubuntu's types (its `define-ubuntu-machine-types.patch` of 18.04
/// to 24.04, and `-machine help` of 24.04): the processor's physical bits, more
/// processors, and POWER's workarounds.
const UBUNTU_SUFFIXES: [&str; 4] = ["-hpb-maxcpus", "-hpb", "-maxcpus", "-sxxm"];

/// Ubuntu's releases with the machine type of QEMU whose options theirs take.
///
/// Read in `define-ubuntu-machine-types.patch` of 20.04 and 24.04; utopic and
/// vivid had the QEMU that is named, and those after noble have types of their
/// release of QEMU (release notes of 25.04 to 26.04). [`ubuntu_base`] has those
/// types that differ from their release.
const UBUNTU: &[(&str, QemuVersion)] = &[
    ("trusty", QemuVersion::new(2, 0)),
    ("utopic", QemuVersion::new(2, 1)),
    ("vivid", QemuVersion::new(2, 2)),
    ("wily", QemuVersion::new(2, 3)),
    ("xenial", QemuVersion::new(2, 5)),
    ("yakkety", QemuVersion::new(2, 6)),
    ("zesty", QemuVersion::new(2, 8)),
    ("artful", QemuVersion::new(2, 10)),
    ("bionic", QemuVersion::new(2, 11)),
    ("cosmic", QemuVersion::new(2, 12)),
    ("disco", QemuVersion::new(3, 1)),
    ("eoan", QemuVersion::new(4, 0)),
    ("focal", QemuVersion::new(4, 2)),
    ("groovy", QemuVersion::new(5, 0)),
    ("hirsute", QemuVersion::new(5, 2)),
    ("impish", QemuVersion::new(6, 0)),
    ("jammy", QemuVersion::new(6, 2)),
    ("kinetic", QemuVersion::new(7, 0)),
    ("lunar", QemuVersion::new(7, 2)),
    ("mantic", QemuVersion::new(8, 0)),
    ("noble", QemuVersion::new(8, 2)),
    ("oracular", QemuVersion::new(9, 0)),
    ("plucky", QemuVersion::new(9, 2)),
    ("questing", QemuVersion::new(10, 1)),
    ("resolute", QemuVersion::new(10, 2)),
];

/// Red Hat's releases with the release of QEMU from whose compat arrays theirs
/// are made.
///
/// Read in the comments of `hw_compat_rhel_*` and `pc_rhel_*_compat` of RHEL
/// 8.9 and 9.3 (each entry says from which upstream array it comes); 9.4 and
/// later are the QEMU of that release (`qemu-kvm.spec` of 9.4, 9.6 and 10.2).
const RED_HAT: &[(&str, QemuVersion)] = &[
    ("7.0.0", QemuVersion::new(1, 5)),
    ("7.1.0", QemuVersion::new(2, 1)),
    ("7.2.0", QemuVersion::new(2, 3)),
    ("7.3.0", QemuVersion::new(2, 6)),
    ("7.4.0", QemuVersion::new(2, 9)),
    ("7.5.0", QemuVersion::new(2, 10)),
    ("7.6.0", QemuVersion::new(2, 12)),
    ("8.0.0", QemuVersion::new(3, 1)),
    ("8.1.0", QemuVersion::new(4, 1)),
    ("8.2.0", QemuVersion::new(4, 2)),
    ("8.3.0", QemuVersion::new(5, 1)),
    ("8.4.0", QemuVersion::new(5, 2)),
    ("8.5.0", QemuVersion::new(6, 0)),
    ("8.6.0", QemuVersion::new(6, 2)),
    ("9.0.0", QemuVersion::new(6, 2)),
    ("9.2.0", QemuVersion::new(7, 2)),
    ("9.4.0", QemuVersion::new(8, 2)),
    ("9.6.0", QemuVersion::new(9, 1)),
    ("9.8.0", QemuVersion::new(10, 1)),
    ("10.0.0", QemuVersion::new(9, 1)),
    ("10.2.0", QemuVersion::new(10, 1)),
];

/// The newest version of PCs that are called `pc-VERSION`.
const LAST_BEFORE_FAMILIES: QemuVersion = QemuVersion::new(1, 3);
/// The only version that QEMU has corrected under a name of its own.
const CORRECTED: QemuVersion = QemuVersion::new(4, 0);

impl Naming {
    /// What a name of this family says: who gave it, and the version of QEMU
    /// whose hardware it keeps.
    pub(super) fn parse(family: Family, name: &str) -> Option<(Self, QemuVersion)> {
        if family == Family::I440fx
            && let Some(version) = name.strip_prefix("pc-").and_then(version)
        {
            let is_one = version <= LAST_BEFORE_FAMILIES;
            return is_one.then_some((Self::BeforeFamilies, version));
        }
        let behind = name.strip_prefix(family.stem())?.strip_prefix('-')?;
        if let Some(version) = version(behind) {
            return Some((Self::Upstream, version));
        }
        if family == Family::Q35 && behind == format!("{CORRECTED}.1") {
            return Some((Self::Corrected, CORRECTED));
        }
        if let Some((upstream, changes)) = behind.split_once("+pve") {
            let number = changes.parse().ok()?;
            let is_plain = changes == format!("{number}");
            return is_plain.then_some((Self::Proxmox(number), version(upstream)?));
        }
        if let Some(rest) = behind.strip_prefix("rhel") {
            let (release, suffix) = rest.split_once('-').unwrap_or((rest, ""));
            let has_workarounds = suffix == "sxxm" && family == Family::Pseries;
            if rest.contains('-') && !has_workarounds {
                return None;
            }
            let (release, version) = *RED_HAT.iter().find(|(known, _)| *known == release)?;
            let naming = Self::RedHat {
                release,
                has_workarounds,
            };
            return Some((naming, version));
        }
        let (series, version) = UBUNTU.iter().find(|(series, _)| {
            let rest = behind.strip_prefix(series);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })?;
        let change = UbuntuChange::parse(behind.strip_prefix(series)?)?;
        let version = ubuntu_base(family, series, change).unwrap_or(*version);
        Some((Self::Ubuntu { series, change }, version))
    }

    /// Whether another type of the family is in the same series of releases, so
    /// that a guest may be raised from one to the other.
    pub(super) fn is_of_the_same_maker(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Upstream | Self::BeforeFamilies | Self::Corrected,
                Self::Upstream | Self::BeforeFamilies | Self::Corrected,
            )
            | (Self::RedHat { .. }, Self::RedHat { .. })
            | (Self::Proxmox(_), Self::Proxmox(_)) => true,
            (Self::Ubuntu { change: one, .. }, Self::Ubuntu { change: two, .. }) => {
                one.suffix() == two.suffix()
            }
            _ => false,
        }
    }

    /// Writes the whole name.
    pub(super) fn write(
        self,
        family: Family,
        version: QemuVersion,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let stem = family.stem();
        match self {
            Self::Upstream => write!(f, "{stem}-{version}"),
            Self::BeforeFamilies => write!(f, "pc-{version}"),
            Self::Corrected => write!(f, "{stem}-{version}.1"),
            Self::Proxmox(changes) => write!(f, "{stem}-{version}+pve{changes}"),
            Self::RedHat {
                release,
                has_workarounds,
            } => {
                let suffix = if has_workarounds { "-sxxm" } else { "" };
                write!(f, "{stem}-rhel{release}{suffix}")
            }
            Self::Ubuntu { series, change } => {
                write!(f, "{stem}-{series}{}", change.suffix())?;
                match change {
                    UbuntuChange::Version(number) => write!(f, "-v{number}"),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl UbuntuChange {
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Original);
        }
        if let Some(number) = text.strip_prefix("-v") {
            let number: u8 = number.parse().ok()?;
            return (number >= 2 && text == format!("-v{number}")).then_some(Self::Version(number));
        }
        let suffix = UBUNTU_SUFFIXES.iter().find(|suffix| **suffix == text)?;
        Some(Self::Suffix(suffix))
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Suffix(suffix) => suffix,
            Self::Original | Self::Version(_) => "",
        }
    }
}

/// The version of a release of Ubuntu, by its name alone.
pub(super) fn version_of_ubuntu(name: &str) -> Option<QemuVersion> {
    let (_, version) = UBUNTU.iter().find(|(series, _)| *series == name)?;
    Some(*version)
}

/// The types of Ubuntu that take the options of another version than their
/// release's (the patch calls one of them wrong, but kept for compatibility).
fn ubuntu_base(family: Family, series: &str, change: UbuntuChange) -> Option<QemuVersion> {
    let has_host_bits = change.suffix().starts_with("-hpb");
    let (major, minor) = match (family, series) {
        (Family::I440fx, "focal") => (4, 0),
        (Family::I440fx, "hirsute") if has_host_bits => (5, 1),
        (Family::Q35, "cosmic") if !has_host_bits => (2, 11),
        (Family::Pseries, "kinetic") => (6, 2),
        _ => return None,
    };
    Some(QemuVersion::new(major, minor))
}

/// A version as names of machine types spell it: two numbers, and no more.
fn version(text: &str) -> Option<QemuVersion> {
    let version: QemuVersion = text.parse().ok()?;
    (version.to_string() == text).then_some(version)
}
