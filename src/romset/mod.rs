//! Any input becomes a [`RomSet`]: the ROM files of one release with their
//! origin. An input is recognised by its content, never by its name.

mod collect;
mod input;
mod links;
mod omission;

pub use collect::{CollectError, MAX_FILES, RomCollector, no_roms};
pub use input::{InputError, MAX_INPUT, START, check_start, read};
pub use omission::{Omission, is_rom_name};

use crate::deb::control::Control;
use crate::deb::hex;
use crate::finding::Finding;
pub use crate::rom::MAX_ROM;
use crate::rom::{BarSize, NotAnOptionRom, Rom, SIGNATURE};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashSet};
use std::fmt;

/// The ROM files of one release, in order of their names.
#[derive(Debug, Clone)]
pub struct RomSet {
    /// The input as the user named it.
    pub label: String,
    /// The package that the ROMs come from, if it is one.
    pub package: Option<PackageOrigin>,
    /// The RPM package that the ROMs come from, if it is one: name, version and
    /// release.
    pub rpm: Option<String>,
    /// Other packages that this one needs, by their names.
    pub requires: Vec<String>,
    /// The ROMs, sorted by name; names are unique.
    pub roms: Vec<RomFile>,
    /// Files that are no option ROM and were left out.
    pub left_out: usize,
    /// What the input has and the set lacks, although it may be or seem a ROM.
    pub omissions: Vec<Omission>,
}

impl RomSet {
    /// How findings name a ROM of the set: its path in the input, or the input
    /// itself where that is the ROM.
    #[must_use]
    pub fn subject(&self, file: &RomFile) -> String {
        let is_the_input = self.package.is_none() && file_name(&self.label) == file.path;
        if is_the_input {
            self.label.clone()
        } else {
            format!("{}/{}", self.label.trim_end_matches('/'), file.path)
        }
    }

    /// What is wrong or noteworthy with each ROM, as far as its headers tell,
    /// and what was left out.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.findings_beside(None)
    }

    /// The findings where the ROMs of another release, too, tell which names are
    /// those of ROMs.
    #[must_use]
    pub fn findings_beside(&self, other: Option<&Self>) -> Vec<Finding> {
        let of = |file: &RomFile| {
            let subject = self.subject(file);
            let faults = file.rom().faults().to_vec();
            faults.into_iter().map(move |fault| fault.finding(&subject))
        };
        let faults = self.roms.iter().flat_map(of);
        faults.chain(self.omitted(other)).collect()
    }

    /// What was left out, as [`RomSet::findings_beside`] has it.
    #[must_use]
    pub fn omitted(&self, other: Option<&Self>) -> Vec<Finding> {
        let names: HashSet<&str> = other.map_or_else(HashSet::new, |other| {
            other.roms.iter().flat_map(RomFile::names).collect()
        });
        let is_rom = |name: &str| is_rom_name(name) || names.contains(name);
        self.omissions
            .iter()
            .filter_map(|omission| omission.finding(&self.label, &self.requires, is_rom))
            .collect()
    }

    /// What was left out of two releases.
    #[must_use]
    pub fn omitted_of(old: &Self, new: Option<&Self>) -> Vec<Finding> {
        let of_new = new.iter().flat_map(|new| new.omitted(Some(old)));
        old.omitted(new).into_iter().chain(of_new).collect()
    }

    /// Name and version of the package that the ROMs come from, of either kind.
    #[must_use]
    pub fn package_release(&self) -> Option<String> {
        let debian = self.package.as_ref().map(PackageOrigin::to_string);
        debian.or_else(|| self.rpm.clone())
    }

    /// The release in words: package and version, else the last part of the
    /// input's path, so that no folder shows.
    #[must_use]
    pub fn release(&self) -> String {
        let name = file_name(self.label.trim_end_matches('/'));
        match self.package_release() {
            Some(release) => release,
            None if matches!(name, "" | "-") => "an earlier release".to_owned(),
            None => name.to_owned(),
        }
    }

    /// The ROM that has this name or link name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&RomFile> {
        self.roms
            .iter()
            .find(|rom| rom.name == name || rom.other_names.iter().any(|other| other == name))
    }
}

/// The Debian package that a set of ROMs comes from.
#[derive(Debug, Clone)]
pub struct PackageOrigin {
    /// Its control file.
    pub control: Control,
    /// Its copyright file, verbatim.
    pub copyright: Option<Vec<u8>>,
    /// Its Debian changelog, decompressed.
    pub changelog: Option<Vec<u8>>,
}

impl fmt::Display for PackageOrigin {
    /// Name and version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.control.package(), self.control.version())
    }
}

/// One ROM file: bytes that start with 55 AA, with a size that QEMU accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RomFile {
    name: String,
    other_names: Vec<String>,
    path: String,
    bytes: Vec<u8>,
    bar: BarSize,
}

impl RomFile {
    /// A ROM file at `path` of its input; its name is the last part.
    ///
    /// # Errors
    /// [`NotAnOptionRom`] where the bytes do not start with 55 AA.
    pub fn new(path: &str, bytes: Vec<u8>) -> Result<Self, NotAnOptionRom> {
        let bar = match BarSize::of_rom(bytes.len() as u64) {
            Some(bar) if bytes.starts_with(&SIGNATURE) => bar,
            _ => return Err(NotAnOptionRom::of(&bytes)),
        };
        Ok(Self {
            name: file_name(path).to_owned(),
            other_names: Vec::new(),
            path: path.to_owned(),
            bytes,
            bar,
        })
    }

    /// Notes links to the file, by their paths.
    pub fn add_links<'a>(&mut self, paths: impl IntoIterator<Item = &'a str>) {
        let before = std::mem::take(&mut self.other_names);
        let names = paths.into_iter().map(|path| file_name(path).to_owned());
        let names: BTreeSet<String> = before.into_iter().chain(names).collect();
        self.other_names = names
            .into_iter()
            .filter(|name| *name != self.name)
            .collect();
    }

    /// The file's name and those of links to it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let others = self.other_names.iter().map(String::as_str);
        others.chain([self.name()])
    }

    /// The file's name, by which QEMU looks it up.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of links to the file.
    #[must_use]
    pub fn other_names(&self) -> &[String] {
        &self.other_names
    }

    /// Where the file stands in its input.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The file's content.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file's size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The BAR that QEMU gives the file.
    #[must_use]
    pub const fn bar(&self) -> BarSize {
        self.bar
    }

    /// The parsed ROM.
    #[must_use]
    pub fn rom(&self) -> Rom<'_> {
        Rom::parse_signed(&self.bytes)
    }

    /// SHA-256 of the content, in hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256_hex(&self.bytes)
    }
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The part of a path after its last slash.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
