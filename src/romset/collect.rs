//! Files and links of a directory, package or archive, gathered into a set.

use super::links::{Links, MAX_STEPS};
use super::{Omission, PackageOrigin, RomFile, RomSet, is_rom_name};
use std::collections::{BTreeMap, HashMap, HashSet, btree_map::Entry};
use thiserror::Error;

/// More bytes of ROMs than this in one input are refused.
const MAX_TOTAL: u64 = 64 << 20;
/// More files and links than this in one input are refused.
pub const MAX_FILES: usize = 1 << 18;
/// More bytes than this in the names of one input's files and links, and in the
/// targets of the links, are refused.
const MAX_NAMES: usize = 32 << 20;

/// Why files do not make a set of ROMs. The messages are about an input whose
/// name the caller adds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CollectError {
    /// Nothing in it is an option ROM.
    #[error(
        "no option ROM is in it ({left_out} other files were left out); an option ROM starts with 55 aa"
    )]
    NoRoms {
        /// Files that are something else.
        left_out: usize,
    },
    /// Nothing in it is an option ROM, and something may seem so.
    #[error("no option ROM is in it: {0}")]
    NothingBut(String),
    /// QEMU finds a ROM by its name, so two of one name cannot be told apart.
    #[error(
        "two different ROMs have the name {name}: {first} and {second}; give an input that has one of them"
    )]
    TwoRomsOfOneName {
        /// The name.
        name: String,
        /// Path of the one.
        first: String,
        /// Path of the other.
        second: String,
    },
    /// An archive that holds a path twice.
    #[error(
        "{0} is in it twice; which of the two is meant cannot be known, so make the archive again"
    )]
    PathTwice(String),
    /// More ROM data than is ever shipped.
    #[error(
        "its ROMs have more than {} MiB in all; give a directory or package with option ROMs only",
        MAX_TOTAL >> 20
    )]
    TooMuch,
    /// More files than any package of ROMs has.
    #[error(
        "it has more than {MAX_FILES} files and links, which is the limit here; give one with the ROMs only"
    )]
    TooManyFiles,
    /// More names than any package of ROMs has.
    #[error(
        "its files and links have names of more than {} MiB in all, which is the limit here; give one with the ROMs only",
        MAX_NAMES >> 20
    )]
    TooManyNames,
    /// Links that take too long to follow.
    #[error(
        "its links take paths of more than {} MiB to follow, which is the limit here; give one with the ROMs only",
        MAX_STEPS >> 20
    )]
    TooManyLinks,
}

/// Gathers files and links by their paths inside one input.
#[derive(Debug, Default)]
pub struct RomCollector {
    by_name: BTreeMap<String, RomFile>,
    /// The names of the ROMs by all their paths.
    rom_paths: HashMap<String, String>,
    /// Paths of files that are no ROM.
    other_paths: HashSet<String>,
    links: HashMap<String, String>,
    /// Names of files that have not come yet.
    hard_links: Vec<(String, String)>,
    omissions: Vec<Omission>,
    /// Other packages that the input needs.
    requires: Vec<String>,
    left_out: usize,
    /// Bytes of ROMs.
    total: u64,
    files: usize,
    /// Bytes of names.
    names: usize,
}

impl RomCollector {
    /// Counts a file that is no option ROM.
    pub const fn leave_out(&mut self) {
        self.left_out = self.left_out.saturating_add(1);
    }

    /// Takes a file that is no option ROM, by its path.
    ///
    /// # Errors
    /// [`CollectError`] where a ROM had this path, and for too many names.
    pub fn add_other(&mut self, path: &str) -> Result<(), CollectError> {
        self.leave_out();
        self.take_path(path)
    }

    /// Notes what the set lacks.
    pub fn omit(&mut self, omission: Omission) {
        self.omissions.push(omission);
    }

    /// Takes a file: a ROM is kept, anything else is counted.
    ///
    /// # Errors
    /// [`CollectError`] for another file of this path, a different ROM of
    /// this name, and too much data.
    pub fn add_file(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), CollectError> {
        let rom = match RomFile::new(path, bytes) {
            Ok(rom) => rom,
            Err(_) => return self.add_other(path),
        };
        self.total = self.total.saturating_add(rom.size());
        if self.total > MAX_TOTAL {
            return Err(CollectError::TooMuch);
        }
        if self.other_paths.contains(path) || self.links.contains_key(path) {
            return Err(CollectError::PathTwice(path.to_owned()));
        }
        self.count_names(path, "")?;
        self.rom_paths.insert(path.to_owned(), rom.name.clone());
        match self.by_name.entry(rom.name.clone()) {
            Entry::Vacant(free) => {
                free.insert(rom);
            }
            Entry::Occupied(taken) if taken.get().bytes == rom.bytes => {}
            Entry::Occupied(taken) if taken.get().path == rom.path => {
                return Err(CollectError::PathTwice(rom.path));
            }
            Entry::Occupied(taken) => {
                return Err(CollectError::TwoRomsOfOneName {
                    name: rom.name,
                    first: taken.get().path.clone(),
                    second: rom.path,
                });
            }
        }
        Ok(())
    }

    /// Takes a symbolic link, to be followed once all files are there.
    ///
    /// # Errors
    /// [`CollectError`] where a ROM had this path, and for too many names.
    pub fn add_link(&mut self, path: &str, target: &str) -> Result<(), CollectError> {
        self.count_names(path, target)?;
        if self.rom_paths.contains_key(path) {
            return Err(CollectError::PathTwice(path.to_owned()));
        }
        self.links.insert(path.to_owned(), target.to_owned());
        Ok(())
    }

    /// Takes another name of a file, both as paths from the input's root. It is
    /// a file like the other, as it would be once unpacked.
    ///
    /// # Errors
    /// As [`RomCollector::add_file`].
    pub fn add_hard_link(&mut self, path: &str, target: &str) -> Result<(), CollectError> {
        self.count_names(path, target)?;
        if !self.link_to_file(path, target)? {
            self.hard_links.push((path.to_owned(), target.to_owned()));
        }
        Ok(())
    }

    /// Gives a file another name; whether it is there.
    fn link_to_file(&mut self, path: &str, target: &str) -> Result<bool, CollectError> {
        if let Some(name) = self.rom_paths.get(target) {
            let rom = self.by_name.get(name).map(|rom| rom.bytes.clone());
            self.add_file(path, rom.unwrap_or_default())?;
        } else if let Some(target) = self.links.get(target).cloned() {
            self.add_link(path, &target)?;
        } else if self.other_paths.contains(target) {
            self.add_other(path)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn take_path(&mut self, path: &str) -> Result<(), CollectError> {
        if self.rom_paths.contains_key(path) {
            return Err(CollectError::PathTwice(path.to_owned()));
        }
        self.count_names(path, "")?;
        self.other_paths.insert(path.to_owned());
        Ok(())
    }

    fn count_names(&mut self, path: &str, target: &str) -> Result<(), CollectError> {
        self.files = self.files.saturating_add(1);
        if self.files > MAX_FILES {
            return Err(CollectError::TooManyFiles);
        }
        let length = path.len().saturating_add(target.len());
        self.names = self.names.saturating_add(length);
        if self.names > MAX_NAMES {
            return Err(CollectError::TooManyNames);
        }
        Ok(())
    }

    /// Notes the packages that the input needs: one may have the target of a
    /// link.
    pub fn needs(&mut self, packages: Vec<String>) {
        self.requires = packages;
    }

    /// The set of what was taken.
    ///
    /// # Errors
    /// [`CollectError`] where there is no ROM, or links take too long to
    /// follow; for hard links as for files.
    pub fn finish(
        mut self,
        label: &str,
        package: Option<PackageOrigin>,
    ) -> Result<RomSet, CollectError> {
        for (path, target) in std::mem::take(&mut self.hard_links) {
            if !self.link_to_file(&path, &target)? {
                let end = Some(target.clone());
                self.omit(Omission::Dangling { path, target, end });
            }
        }
        self.resolve_links()?;
        if self.by_name.is_empty() {
            let requires = &self.requires;
            return Err(no_roms(label, &self.omissions, requires, self.left_out));
        }
        Ok(RomSet {
            requires: self.requires,
            label: label.to_owned(),
            package,
            rpm: None,
            roms: self.by_name.into_values().collect(),
            left_out: self.left_out,
            omissions: self.omissions,
        })
    }

    fn resolve_links(&mut self) -> Result<(), CollectError> {
        let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut links = Links::new(&self.links);
        let mut sorted: Vec<_> = self.links.iter().collect();
        sorted.sort_unstable();
        for (path, target) in sorted {
            let end = links.end(path).map_err(|_| CollectError::TooManyLinks)?;
            let rom = end.as_ref().and_then(|end| self.rom_paths.get(end));
            match (rom, end) {
                (Some(rom), _) => names.entry(rom).or_default().push(path),
                (None, Some(end)) if self.other_paths.contains(&end) => {}
                (None, end) => self.omissions.push(Omission::Dangling {
                    path: path.clone(),
                    target: target.clone(),
                    end,
                }),
            }
        }
        for (rom, paths) in names {
            if let Some(rom) = self.by_name.get_mut(rom) {
                rom.add_links(paths);
            }
        }
        Ok(())
    }
}

/// Why an input has no ROMs, in the words of the first thing that may seem one.
#[must_use]
pub fn no_roms(
    label: &str,
    omissions: &[Omission],
    requires: &[String],
    left_out: usize,
) -> CollectError {
    let finding = omissions
        .iter()
        .find_map(|omission| omission.finding(label, requires, is_rom_name));
    match finding {
        Some(finding) => CollectError::NothingBut(format!(
            "{}: {}; required: {}\n  next: {}",
            finding.subject, finding.found, finding.required, finding.next_step
        )),
        None => CollectError::NoRoms { left_out },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Code;
    use crate::rom::tests::legacy_image;

    fn collector() -> RomCollector {
        let mut collector = RomCollector::default();
        collector
            .add_file("usr/lib/ipxe/qemu/pxe-virtio.rom", legacy_image(1))
            .unwrap();
        collector
    }

    fn dangling(set: &RomSet) -> Vec<&str> {
        let mut paths = Vec::new();
        for omission in &set.omissions {
            if let Omission::Dangling { path, .. } = omission {
                paths.push(&**path);
            }
        }
        paths
    }

    #[test]
    fn a_link_to_a_rom_is_another_name_of_it() {
        let mut collector = collector();
        for (path, target) in [
            ("usr/lib/ipxe/virtio-net.rom", "qemu/pxe-virtio.rom"),
            ("usr/share/qemu/a.rom", "/usr/lib/ipxe/virtio-net.rom"),
            (
                "usr/share/qemu/pxe-virtio.rom",
                "../../lib/ipxe/qemu/pxe-virtio.rom",
            ),
            ("lib", "usr/lib"),
            ("b.rom", "lib/ipxe/virtio-net.rom"),
        ] {
            collector.add_link(path, target).unwrap();
        }
        let set = collector.finish("x.deb", None).unwrap();
        assert_eq!(set.roms.len(), 1);
        assert_eq!(
            set.roms[0].other_names(),
            ["a.rom", "b.rom", "virtio-net.rom"]
        );
        assert!(set.find("a.rom").is_some());
        assert_eq!(dangling(&set), ["lib"]);
        assert_eq!(set.findings().len(), set.roms[0].rom().faults().len());
    }

    #[test]
    fn a_hard_link_to_a_rom_is_a_rom_of_its_own() {
        let mut collector = collector();
        let rom = "usr/lib/ipxe/qemu/pxe-virtio.rom";
        for (path, target) in [
            ("usr/share/a.rom", rom),
            ("usr/share/c.rom", "usr/share/a.rom"),
            ("usr/share/late.rom", "usr/share/d.rom"),
            ("usr/share/readme", "usr/share/other"),
            ("usr/share/lost.rom", "usr/share/away.rom"),
        ] {
            collector.add_hard_link(path, target).unwrap();
        }
        collector
            .add_file("usr/share/d.rom", legacy_image(1))
            .unwrap();
        collector.add_link("usr/share/b.rom", "a.rom").unwrap();
        collector
            .add_hard_link("usr/share/e.rom", "usr/share/b.rom")
            .unwrap();
        let set = collector.finish("x.deb", None).unwrap();
        let names: Vec<_> = set.roms.iter().map(RomFile::name).collect();
        let all = ["a.rom", "c.rom", "d.rom", "late.rom", "pxe-virtio.rom"];
        assert_eq!(names, all);
        assert_eq!(set.roms[0].bytes(), set.roms[1].bytes());
        assert_eq!(set.roms[0].other_names(), ["b.rom", "e.rom"]);
        assert_eq!(dangling(&set), ["usr/share/readme", "usr/share/lost.rom"]);
        let findings = set.findings();
        let lost = findings.iter().find(|f| f.code == Code::RomLinkDangling);
        assert_eq!(lost.unwrap().subject, "x.deb/usr/share/lost.rom");
    }

    #[test]
    fn links_that_lead_out_end_nowhere_or_go_in_circles_are_named() {
        let mut collector = collector();
        for (path, target) in [
            ("a", "b"),
            ("b", "a"),
            ("c", "/not/in/it"),
            ("usr/x.rom", "../../../etc/passwd"),
        ] {
            collector.add_link(path, target).unwrap();
        }
        let set = collector.finish("x.deb", None).unwrap();
        assert_eq!(dangling(&set), ["a", "b", "c", "usr/x.rom"]);
        let findings = set.findings_beside(Some(&set));
        let links = findings.iter().filter(|f| f.code == Code::RomLinkDangling);
        let subjects: Vec<_> = links.map(|finding| &*finding.subject).collect();
        assert_eq!(subjects, ["x.deb/usr/x.rom"]);
    }

    #[test]
    fn a_link_with_the_name_of_a_rom_of_the_other_release_is_named() {
        let mut new = collector();
        new.add_link("usr/share/linuxboot.bin", "/opt/x").unwrap();
        let new = new.finish("new", None).unwrap();
        let mut old = RomCollector::default();
        old.add_file("linuxboot.bin", legacy_image(1)).unwrap();
        let old = old.finish("old", None).unwrap();
        let count = |other| {
            let findings = new.findings_beside(other);
            findings
                .iter()
                .filter(|f| f.code == Code::RomLinkDangling)
                .count()
        };
        assert_eq!((count(None), count(Some(&old))), (0, 1));
    }

    #[test]
    fn an_input_of_nothing_but_links_to_other_packages_names_the_first() {
        let mut collector = RomCollector::default();
        collector
            .add_link("usr/share/qemu/efi-virtio.rom", "../ipxe/efi-virtio.rom")
            .unwrap();
        let error = collector.finish("qemu.rpm", None).unwrap_err().to_string();
        assert!(
            error.contains("the link leads to ../ipxe/efi-virtio.rom"),
            "{error}"
        );
        assert!(
            error.contains("dpkg -S /usr/share/ipxe/efi-virtio.rom"),
            "{error}"
        );
    }

    #[test]
    fn two_different_roms_of_one_name_are_refused_and_equal_ones_are_one() {
        let path = "usr/lib/ipxe/qemu/pxe-virtio.rom";
        let mut same = collector();
        same.add_file("other/pxe-virtio.rom", legacy_image(1))
            .unwrap();
        same.add_file(path, legacy_image(1)).unwrap();
        same.add_link("x.rom", "other/pxe-virtio.rom").unwrap();
        let same = same.finish("x", None).unwrap();
        assert_eq!(same.roms.len(), 1);
        assert_eq!(same.roms[0].path(), path);
        assert_eq!(same.roms[0].other_names(), ["x.rom"]);
        let error = collector().add_file("other/pxe-virtio.rom", legacy_image(2));
        assert!(matches!(error, Err(CollectError::TwoRomsOfOneName { .. })));
        let error = collector().add_file(path, legacy_image(2));
        assert!(matches!(error, Err(CollectError::PathTwice(_))));
    }

    #[test]
    fn a_path_that_is_a_rom_and_something_else_is_refused() {
        let path = "usr/lib/ipxe/qemu/pxe-virtio.rom";
        let twice = Err(CollectError::PathTwice(path.to_owned()));
        assert_eq!(collector().add_file(path, b"text".to_vec()), twice);
        assert_eq!(collector().add_other(path), twice);
        assert_eq!(collector().add_link(path, "x"), twice);
        let mut other = RomCollector::default();
        other.add_other(path).unwrap();
        other.add_other(path).unwrap();
        assert_eq!(other.add_file(path, legacy_image(1)), twice);
        let mut link = RomCollector::default();
        link.add_link(path, "x").unwrap();
        assert_eq!(link.add_file(path, legacy_image(1)), twice);
    }

    /// A ROM of this size, the number of which stands in it.
    fn rom(number: u8, size: u64) -> Vec<u8> {
        let mut rom = vec![0xff; usize::try_from(size).unwrap()];
        rom[..3].copy_from_slice(&[0x55, 0xaa, number]);
        rom
    }

    #[test]
    fn four_roms_of_the_largest_size_are_taken_and_no_byte_more() {
        let mut collector = RomCollector::default();
        let largest = MAX_TOTAL / 4;
        for number in 0..4 {
            collector
                .add_file(&format!("{number}.rom"), rom(number, largest))
                .unwrap();
        }
        let error = collector.add_file("small.rom", rom(9, 3)).unwrap_err();
        assert_eq!(error, CollectError::TooMuch);
        let mut linked = RomCollector::default();
        linked.add_file("a.rom", rom(1, largest)).unwrap();
        for name in ["b.rom", "c.rom", "d.rom"] {
            linked.add_hard_link(name, "a.rom").unwrap();
        }
        let error = linked.add_hard_link("e.rom", "a.rom").unwrap_err();
        assert_eq!(error, CollectError::TooMuch);
    }

    #[test]
    fn names_of_32_mib_are_taken_and_no_byte_more() {
        let mut collector = RomCollector::default();
        let half = "n".repeat(MAX_NAMES / 2);
        collector.add_other(&half).unwrap();
        collector.add_link(&half[1..], "x").unwrap();
        let error = Err(CollectError::TooManyNames);
        assert_eq!(collector.add_other("y"), error);
        assert_eq!(collector.add_link("y", ""), error);
        assert_eq!(collector.add_hard_link("y", ""), error);
        assert_eq!(collector.add_file("y", legacy_image(1)), error);
    }

    #[test]
    fn as_many_files_as_the_limit_are_taken_and_not_one_more() {
        let mut collector = RomCollector::default();
        for number in 0..MAX_FILES {
            collector.add_other(&format!("{number:x}")).unwrap();
        }
        assert_eq!(collector.add_other("y"), Err(CollectError::TooManyFiles));
        assert_eq!(
            collector.add_link("y", "x"),
            Err(CollectError::TooManyFiles)
        );
    }

    #[test]
    fn an_input_without_roms_is_refused_with_a_count() {
        let mut collector = RomCollector::default();
        collector.add_file("readme", b"hello".to_vec()).unwrap();
        collector.leave_out();
        assert_eq!(
            collector.finish("x", None).unwrap_err(),
            CollectError::NoRoms { left_out: 2 }
        );
    }
}
