//! What a host gives its guests: the files of its folders in the order in which
//! its QEMU searches them, and what that QEMU is. It is made of sets of ROMs,
//! of a record that was collected, or of the host that the program runs on.

mod baseline;
mod machine_types;
mod record;

pub use baseline::{Baseline, BaselineError};
pub use machine_types::MachineTypes;
pub use record::{Bar, HostRoms, RecordError, read_document};

use crate::qemu::QemuVersion;
use crate::rom::BarSize;
use crate::romset::RomSet;
use std::fmt;

/// A host, as far as its guests' ROMs depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Host<'a> {
    files: &'a [&'a dyn Files],
    /// The release of its QEMU, where that is known.
    pub qemu: Option<QemuVersion>,
}

/// Where a host has files from.
pub trait Files: fmt::Debug {
    /// What is there in the place of a file: a name that QEMU searches for, or
    /// an absolute path.
    fn find(&self, file: &str) -> Found;
}

/// What is in the place of a ROM file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A file of so many bytes, and the BAR that QEMU gives it.
    Rom(u64, BarSize),
    /// A file of so many bytes, which QEMU takes for no ROM.
    NotARom(u64),
    /// Nothing.
    Missing,
    /// It was not looked at.
    NotKnown,
}

impl Found {
    /// A file of so many bytes.
    #[must_use]
    pub fn file(bytes: u64) -> Self {
        BarSize::of_rom(bytes).map_or(Self::NotARom(bytes), |bar| Self::Rom(bytes, bar))
    }
}

impl<'a> Host<'a> {
    /// A host of which nothing is known.
    pub const UNKNOWN: Host<'static> = Host {
        files: &[],
        qemu: None,
    };

    /// A host with files from these, in the order in which they are searched.
    #[must_use]
    pub const fn new(files: &'a [&'a dyn Files]) -> Self {
        Self { files, qemu: None }
    }

    /// The same with a QEMU of this release.
    #[must_use]
    pub const fn with_qemu(self, qemu: Option<QemuVersion>) -> Self {
        Self { qemu, ..self }
    }

    /// What the host has in the place of a file.
    #[must_use]
    pub fn find(&self, file: &str) -> Found {
        let mut found = Found::NotKnown;
        for files in self.files {
            match files.find(file) {
                Found::NotKnown => {}
                Found::Missing => found = Found::Missing,
                rom => return rom,
            }
        }
        found
    }
}

/// What stands after the last slash of a path.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Files for RomSet {
    /// A path is taken for the file of its name, since a set may be of a host
    /// that is elsewhere. One that is not in the set may be outside of it.
    fn find(&self, file: &str) -> Found {
        match self.find(base_name(file)) {
            Some(rom) => Found::Rom(rom.size(), rom.bar()),
            None if file.starts_with('/') && !is_below(file, &self.label) => Found::NotKnown,
            None => Found::Missing,
        }
    }
}

/// Whether a path leads into a folder.
fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/') && !folder.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of 512 bytes with these names.
    #[derive(Debug)]
    struct Folder(&'static [&'static str]);

    impl Files for Folder {
        fn find(&self, file: &str) -> Found {
            match self.0.contains(&file) {
                true => Found::file(512),
                false if file.starts_with('/') => Found::NotKnown,
                false => Found::Missing,
            }
        }
    }

    #[test]
    fn the_first_of_the_folders_that_has_a_file_counts() {
        let folders: [&dyn Files; 2] = [&Folder(&["a"]), &Folder(&["b", "/c"])];
        let host = Host::new(&folders);
        assert_eq!(host.find("b"), Found::file(512));
        assert_eq!(host.find("c"), Found::Missing);
        assert_eq!(host.find("/c"), Found::file(512));
        assert_eq!(host.find("/d"), Found::NotKnown);
        assert_eq!(Host::UNKNOWN.find("a"), Found::NotKnown);
        assert_eq!(Found::file(0), Found::NotARom(0));
    }

    #[test]
    fn a_path_is_below_a_folder_only_by_whole_names() {
        assert!(is_below("/usr/share/qemu/a", "/usr/share/qemu/"));
        assert!(!is_below("/usr/share/qemu-more/a", "/usr/share/qemu"));
        assert!(!is_below("/usr/a", "/"));
    }
}
