//! What an input holds and a set of ROMs lacks: named, never left out in silence.

use super::file_name;
use crate::finding::{Code, Finding};
use crate::rom::{MAX_ROM, NotAnOptionRom};

/// Something in an input that is no ROM of its set although it may seem so, or
/// that the set has in another form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Omission {
    /// A file that starts as an option ROM and is above 16 MiB.
    TooLarge {
        /// Its path.
        path: String,
        /// Its size, in bytes.
        size: u64,
    },
    /// A file that is named as an option ROM and is not one.
    NotARom {
        /// Its path.
        path: String,
        /// What it is instead.
        why: NotAnOptionRom,
    },
    /// A link that leads to no file of the input.
    Dangling {
        /// Its path.
        path: String,
        /// Its target as written.
        target: String,
        /// Where that is, from the root, if it does not lead out or in circles.
        end: Option<String>,
    },
    /// A ROM whose name is not UTF-8.
    NameNotText {
        /// Its path, as it is shown.
        path: String,
    },
    /// Another tar archive behind the end of the first.
    BehindEnd {
        /// Its offset in the unpacked data.
        offset: u64,
    },
}

/// Firmware that QEMU brings under the name of a ROM: a machine of the type
/// microvm starts from it (pc-bios/ of 5.2 to 11.1).
const FIRMWARE: &str = "qboot.rom";

/// Whether files of this name are meant to be option ROMs.
#[must_use]
pub fn is_rom_name(path: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    let has_ending = |ending| name.len() > 4 && name.ends_with(ending);
    if name == FIRMWARE {
        return false;
    }
    has_ending(".rom") || (name.starts_with("vgabios") && has_ending(".bin"))
}

impl Omission {
    /// A file of this path that is not an option ROM, if its name says that it
    /// is one.
    #[must_use]
    pub fn of_file(path: &str, start: &[u8]) -> Option<Self> {
        is_rom_name(path).then(|| Self::NotARom {
            path: path.to_owned(),
            why: NotAnOptionRom::of(start),
        })
    }

    /// The finding about it, in an input of this name that needs these packages. A link is one only where
    /// `is_rom` says that its name, or its target, is that of a ROM.
    #[must_use]
    pub fn finding(
        &self,
        input: &str,
        requires: &[String],
        is_rom: impl Fn(&str) -> bool,
    ) -> Option<Finding> {
        let input = input.trim_end_matches('/');
        let finding = |code: Code, path: &str, found: String, required: String| {
            let subject = match path {
                "" => input.to_owned(),
                path => format!("{input}/{path}"),
            };
            Finding::new(code, subject, found, required)
        };
        Some(match self {
            Self::TooLarge { path, size } => finding(
                Code::RomTooLarge,
                path,
                format!(
                    "the file starts as an option ROM and has {size} bytes, so it was left out"
                ),
                format!("an option ROM has at most {MAX_ROM} bytes, the largest BAR of one"),
            ),
            Self::NotARom { path, why } => finding(
                Code::RomNameOnly,
                path,
                format!("{}, so it was left out", first_part(&why.to_string())),
                "a file of this name is an option ROM, which starts with 55 aa".to_owned(),
            ),
            Self::Dangling { path, target, end } => {
                let is_rom = |path: &str| is_rom(file_name(path));
                if !is_rom(path) && !end.as_ref().is_some_and(|end| is_rom(end)) {
                    return None;
                }
                let mut finding = finding(
                    Code::RomLinkDangling,
                    path,
                    format!(
                        "the link leads to {target}, which is not in the input, so no ROM was read"
                    ),
                    "a link with the name of a ROM needs the file that it leads to".to_owned(),
                );
                if let Some(end) = end {
                    finding.next_step = format!(
                        "Find the package that has /{end} (`dpkg -S /{end}`, or `rpm -q --whatprovides /{end}`), unpack both into one folder and give the folder.{}",
                        needs(requires)
                    );
                }
                finding
            }
            Self::NameNotText { path } => finding(
                Code::RomNameNotText,
                path,
                "the ROM's name is not UTF-8; bytes that are not are shown as \\xNN".to_owned(),
                "a name that a definition and a command line can hold".to_owned(),
            ),
            Self::BehindEnd { offset } => finding(
                Code::ArchiveBehindArchive,
                "",
                format!(
                    "another tar archive starts behind its end, at {offset:#x} unpacked, and was left out"
                ),
                "an input is one archive, behind which tar does not read".to_owned(),
            ),
        })
    }
}

/// The words before the requirement, which a finding has in a place of its own.
fn first_part(words: &str) -> &str {
    words.split(';').next().unwrap_or(words)
}

/// More packages than this are not named.
const MAX_NAMED: usize = 8;

/// The packages that an input needs, one of which may have a link's target.
fn needs(requires: &[String]) -> String {
    let named = requires.iter().filter(|name| !name.starts_with('/'));
    let named: Vec<&str> = named.take(MAX_NAMED).map(String::as_str).collect();
    match &*named {
        [] => String::new(),
        named => format!(" The input needs {}.", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_roms_are_those_that_qemu_gives_its_own() {
        for name in [
            "a/efi-virtio.rom",
            "PXE.ROM",
            "vgabios-qxl.bin",
            "vgabios.bin",
        ] {
            assert!(is_rom_name(name), "{name}");
        }
        for name in [".rom", "rom", "bios.bin", "vgabios-qxl", "a.rom/readme"] {
            assert!(!is_rom_name(name), "{name}");
        }
        for (name, is_rom) in [("usr/share/qemu/qboot.rom", false), ("my-qboot.rom", true)] {
            assert_eq!(is_rom_name(name), is_rom, "{name}");
        }
    }

    #[test]
    fn a_link_is_worth_a_finding_where_it_or_its_target_has_the_name_of_a_rom() {
        let link = |path: &str, end: &str| {
            let omission = Omission::Dangling {
                path: path.to_owned(),
                target: format!("/{end}"),
                end: Some(end.to_owned()),
            };
            let requires = ["/bin/sh", "seabios", "other"].map(str::to_owned);
            omission.finding("x.rpm", &requires, is_rom_name)
        };
        assert_eq!(link("usr/a", "etc/passwd"), None);
        assert!(link("usr/a", "usr/b.rom").is_some());
        let finding = link("usr/a.rom", "usr/b").unwrap();
        assert_eq!(finding.subject, "x.rpm/usr/a.rom");
        assert!(finding.found.contains("/usr/b"));
        assert!(finding.next_step.contains("dpkg -S /usr/b"));
        assert!(
            finding
                .next_step
                .ends_with(" The input needs seabios, other.")
        );
    }
}
