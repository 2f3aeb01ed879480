//! Files and links of a directory, package or archive, gathered into a set.

use super::{PackageOrigin, RomFile, RomSet};
use std::collections::{BTreeMap, HashMap, btree_map::Entry};
use thiserror::Error;

/// More bytes of ROMs than this in one input are refused.
const MAX_TOTAL: u64 = 64 << 20;
/// A longer chain of links is a loop.
const MAX_LINKS: usize = 40;

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
    /// A link that climbs out of the input's root.
    #[error(
        "the symbolic link {path} leads out of the package to {target}; links are followed inside a package only"
    )]
    LinkLeadsOut {
        /// The link.
        path: String,
        /// Its target as written.
        target: String,
    },
    /// More ROM data than is ever shipped.
    #[error(
        "its ROMs have more than {} MiB in all; give a directory or package with option ROMs only",
        MAX_TOTAL >> 20
    )]
    TooMuch,
}

/// Gathers files and links by their paths inside one input.
#[derive(Debug, Default)]
pub struct RomCollector {
    by_name: BTreeMap<String, RomFile>,
    links: BTreeMap<String, String>,
    hard_links: BTreeMap<String, String>,
    left_out: usize,
    total: u64,
}

impl RomCollector {
    /// Counts a file that is no option ROM.
    pub const fn leave_out(&mut self) {
        self.left_out = self.left_out.saturating_add(1);
    }

    /// Takes a file: a ROM is kept, anything else is counted.
    ///
    /// # Errors
    /// [`CollectError`] for a second file of this path, a different ROM of
    /// this name, and too much data.
    pub fn add_file(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), CollectError> {
        let Ok(rom) = RomFile::new(path, bytes) else {
            self.leave_out();
            return Ok(());
        };
        self.total = self.total.saturating_add(rom.size());
        if self.total > MAX_TOTAL {
            return Err(CollectError::TooMuch);
        }
        match self.by_name.entry(rom.name.clone()) {
            Entry::Vacant(free) => {
                free.insert(rom);
            }
            Entry::Occupied(taken) if taken.get().path == rom.path => {
                return Err(CollectError::PathTwice(rom.path));
            }
            Entry::Occupied(taken) if taken.get().bytes != rom.bytes => {
                return Err(CollectError::TwoRomsOfOneName {
                    name: rom.name,
                    first: taken.get().path.clone(),
                    second: rom.path,
                });
            }
            Entry::Occupied(_) => {}
        }
        Ok(())
    }

    /// Takes a symbolic link, to be followed once all files are there.
    pub fn add_link(&mut self, path: &str, target: &str) {
        self.links.insert(path.to_owned(), target.to_owned());
    }

    /// Takes another name of a file, both as paths from the input's root. It is
    /// a file like the other, as it would be once unpacked.
    pub fn add_hard_link(&mut self, path: &str, target: &str) {
        self.hard_links.insert(path.to_owned(), target.to_owned());
    }

    /// The set of what was taken.
    ///
    /// # Errors
    /// [`CollectError`] where there is no ROM, or a link leads out of the
    /// input; for hard links as for files.
    pub fn finish(
        mut self,
        label: &str,
        package: Option<PackageOrigin>,
    ) -> Result<RomSet, CollectError> {
        let mut dangling_links = self.resolve_hard_links()?;
        let names_by_path = self.names_by_path();
        for (path, target) in &self.links {
            let end = self.follow(path, target)?;
            let rom = names_by_path
                .get(&end)
                .and_then(|name| self.by_name.get_mut(name));
            match rom {
                Some(rom) => rom.add_link(path),
                None => dangling_links.push(path.clone()),
            }
        }
        if self.by_name.is_empty() {
            return Err(CollectError::NoRoms {
                left_out: self.left_out,
            });
        }
        Ok(RomSet {
            label: label.to_owned(),
            package,
            rpm: None,
            roms: self.by_name.into_values().collect(),
            left_out: self.left_out,
            dangling_links,
        })
    }

    fn names_by_path(&self) -> HashMap<String, String> {
        let roms = self.by_name.values();
        roms.map(|rom| (rom.path.clone(), rom.name.clone()))
            .collect()
    }

    /// Takes each hard link to a ROM as a file; the paths of the others.
    fn resolve_hard_links(&mut self) -> Result<Vec<String>, CollectError> {
        let names_by_path = self.names_by_path();
        let mut others = Vec::new();
        for (path, target) in std::mem::take(&mut self.hard_links) {
            let name = names_by_path.get(&target);
            match name.and_then(|name| self.by_name.get(name)) {
                Some(rom) => self.add_file(&path, rom.bytes.clone())?,
                None => others.push(path),
            }
        }
        Ok(others)
    }

    /// The path at the end of a chain of links.
    fn follow(&self, path: &str, target: &str) -> Result<String, CollectError> {
        let mut end = resolve(path, target)?;
        for _ in 0..MAX_LINKS {
            let Some(target) = self.links.get(&end) else {
                break;
            };
            end = resolve(&end, target)?;
        }
        Ok(end)
    }
}

/// The target of a link as a path from the input's root.
fn resolve(path: &str, target: &str) -> Result<String, CollectError> {
    let mut parts: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        path.split('/').collect()
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| CollectError::LinkLeadsOut {
                    path: path.to_owned(),
                    target: target.to_owned(),
                })?;
            }
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rom::tests::legacy_image;

    fn collector() -> RomCollector {
        let mut collector = RomCollector::default();
        collector
            .add_file("usr/lib/ipxe/qemu/pxe-virtio.rom", legacy_image(1))
            .unwrap();
        collector
    }

    #[test]
    fn a_link_to_a_rom_is_another_name_of_it() {
        let mut collector = collector();
        collector.add_link("usr/lib/ipxe/virtio-net.rom", "qemu/pxe-virtio.rom");
        collector.add_link("usr/share/qemu/a.rom", "/usr/lib/ipxe/virtio-net.rom");
        collector.add_link(
            "usr/share/qemu/pxe-virtio.rom",
            "../../lib/ipxe/qemu/pxe-virtio.rom",
        );
        let set = collector.finish("x.deb", None).unwrap();
        assert_eq!(set.roms.len(), 1);
        assert_eq!(set.roms[0].other_names(), ["a.rom", "virtio-net.rom"]);
        assert!(set.find("a.rom").is_some());
    }

    #[test]
    fn a_hard_link_to_a_rom_is_a_rom_of_its_own() {
        let mut collector = collector();
        collector.add_hard_link("usr/share/a.rom", "usr/lib/ipxe/qemu/pxe-virtio.rom");
        collector.add_hard_link("usr/share/readme", "usr/share/other");
        collector.add_link("usr/share/b.rom", "a.rom");
        let set = collector.finish("x.deb", None).unwrap();
        let names: Vec<_> = set.roms.iter().map(RomFile::name).collect();
        assert_eq!(names, ["a.rom", "pxe-virtio.rom"]);
        assert_eq!(set.roms[0].bytes(), set.roms[1].bytes());
        assert_eq!(set.roms[0].other_names(), ["b.rom"]);
        assert_eq!(set.dangling_links, ["usr/share/readme"]);
    }

    #[test]
    fn a_link_that_climbs_out_of_the_root_is_refused() {
        let mut collector = collector();
        collector.add_link("usr/x.rom", "../../../etc/passwd");
        let error = collector.finish("x.deb", None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the symbolic link usr/x.rom leads out of the package to ../../../etc/passwd; links are followed inside a package only"
        );
    }

    #[test]
    fn links_that_end_nowhere_or_go_in_circles_are_named() {
        let mut collector = collector();
        collector.add_link("a", "b");
        collector.add_link("b", "a");
        collector.add_link("c", "/not/in/it");
        let set = collector.finish("x.deb", None).unwrap();
        assert_eq!(set.dangling_links, ["a", "b", "c"]);
    }

    #[test]
    fn two_different_roms_of_one_name_are_refused_and_equal_ones_are_one() {
        let mut same = collector();
        same.add_file("other/pxe-virtio.rom", legacy_image(1))
            .unwrap();
        assert_eq!(same.finish("x", None).unwrap().roms.len(), 1);
        let error = collector().add_file("other/pxe-virtio.rom", legacy_image(2));
        assert!(matches!(error, Err(CollectError::TwoRomsOfOneName { .. })));
        let error = collector().add_file("usr/lib/ipxe/qemu/pxe-virtio.rom", legacy_image(1));
        assert!(matches!(error, Err(CollectError::PathTwice(_))));
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
