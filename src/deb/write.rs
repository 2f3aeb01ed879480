//! Writing a `.deb`, the same bytes for the same contents.

use super::checksums::hex;
use super::contents::{PackageContents, PackageFile};
use super::read_back;
use super::xz::{self, encoder};
use md5::{Digest, Md5};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

/// The value of `Installed-Size` for these files, in KiB: each file rounded
/// up, 1 for each directory (dpkg-gencontrol(1)).
#[must_use]
pub fn installed_size(files: &[PackageFile<'_>]) -> u64 {
    let sizes = files
        .iter()
        .map(|file| (file.bytes.len() as u64).div_ceil(1024));
    let directories = directories(files).len() as u64;
    sizes.fold(directories, u64::saturating_add)
}

/// Name and bytes of a member of an ar archive.
type Member<'a> = (&'a str, &'a [u8]);

/// The steps of writing a package; tests put faulty ones in their place.
struct Steps {
    tar: fn(&[PackageFile<'_>], u64) -> io::Result<Vec<u8>>,
    compress: read_back::Compress,
    archive: fn(&[Member<'_>], u64) -> io::Result<Vec<u8>>,
}

const STEPS: Steps = Steps {
    tar: tar_archive,
    compress: xz::compress,
    archive: ar_archive,
};

/// Writes a package in format 2 of deb(5), members and entries in the order
/// of dpkg-deb, compressed with xz, and reads it back.
///
/// # Errors
/// A path that is too long for a tar header, an xz encoder that cannot start,
/// a control file that dpkg would refuse, or a package that reads differently
/// from what was meant.
pub fn write_package(contents: &PackageContents<'_>) -> io::Result<Vec<u8>> {
    write_with(contents, &STEPS)
}

fn write_with(contents: &PackageContents<'_>, steps: &Steps) -> io::Result<Vec<u8>> {
    let mut control = vec![
        PackageFile::new("control", contents.control.as_bytes()),
        PackageFile::new("md5sums", md5sums(&contents.files).into_bytes()),
    ];
    let conffiles = conffiles(&contents.files);
    if !conffiles.is_empty() {
        control.push(PackageFile::new("conffiles", conffiles.into_bytes()));
    }
    let packed = |files: &[PackageFile<'_>]| {
        let tar = (steps.tar)(files, contents.epoch)?;
        read_back::tar_holds(&tar, files)?;
        read_back::compress_and_compare(&tar, steps.compress)
    };
    let data = packed(&contents.files)?;
    let members: [Member<'_>; 3] = [
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", &packed(&control)?),
        ("data.tar.xz", &data),
    ];
    let package = (steps.archive)(&members, contents.epoch)?;
    read_back::package_holds(&package, &data, &contents.control)?;
    Ok(package)
}

/// An ar archive of these members.
fn ar_archive(members: &[Member<'_>], epoch: u64) -> io::Result<Vec<u8>> {
    let mut archive = ar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = ar::Header::new((*name).into(), bytes.len() as u64);
        header.set_mtime(epoch);
        header.set_mode(0o100_644);
        archive.append(&header, *bytes)?;
    }
    archive.into_inner()
}

/// Bytes that these files take in a package, compressed.
///
/// # Errors
/// As for [`write_package`].
pub fn packed_size(files: &[PackageFile<'_>]) -> io::Result<u64> {
    let data = tar_archive(files, 0)?;
    let mut encoder = encoder(data.len(), Vec::new())?;
    encoder.write_all(&data)?;
    Ok(encoder.finish()?.len() as u64)
}

/// The files that belong to the administrator once they are installed: all
/// below `/etc` (Debian Policy 10.7.2).
fn conffiles(files: &[PackageFile<'_>]) -> String {
    let mut paths: Vec<&str> = files.iter().map(|file| &*file.path).collect();
    paths.retain(|path| path.starts_with("etc/"));
    paths.sort_unstable();
    paths.iter().map(|path| format!("/{path}\n")).collect()
}

/// `md5sums` of the control archive: sum, two spaces, path (deb(5)).
fn md5sums(files: &[PackageFile<'_>]) -> String {
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let mut text = String::new();
    for file in sorted {
        let _ = writeln!(text, "{}  {}", hex(&Md5::digest(&file.bytes)), file.path);
    }
    text
}

/// The root and every folder above a file, sorted.
fn directories<'a>(files: &'a [PackageFile<'_>]) -> BTreeSet<&'a str> {
    let mut directories = BTreeSet::from([""]);
    for file in files {
        let parents = file.path.match_indices('/');
        directories.extend(parents.filter_map(|(end, _)| file.path.get(..end)));
    }
    directories
}

/// A tar archive in GNU format: each folder before what is in it, in the
/// order of names.
pub(super) fn tar_archive(files: &[PackageFile<'_>], epoch: u64) -> io::Result<Vec<u8>> {
    let mut entries: Vec<(&str, Option<&PackageFile<'_>>)> = directories(files)
        .into_iter()
        .map(|path| (path, None))
        .chain(files.iter().map(|file| (&*file.path, Some(file))))
        .collect();
    // By components, as dpkg-deb walks: `a/b` stands before `a-c`.
    entries.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
    // A header and at most 511 bytes of padding each, and the end mark.
    let sizes = files.iter().map(|file| file.bytes.len());
    let headers = entries.len().saturating_mul(1024).saturating_add(1024);
    let capacity = sizes.fold(headers, usize::saturating_add);
    let mut builder = tar::Builder::new(Vec::with_capacity(capacity));
    for (path, file) in entries {
        let bytes = file.map(|file| &*file.bytes);
        let mut header = tar::Header::new_gnu();
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        header.set_username("root")?;
        header.set_groupname("root")?;
        header.set_size(bytes.map_or(0, |bytes| bytes.len() as u64));
        let name = match file {
            Some(file) => {
                header.set_mode(if file.is_executable { 0o755 } else { 0o644 });
                format!("./{path}")
            }
            None => {
                header.set_mode(0o755);
                header.set_entry_type(tar::EntryType::Directory);
                if path.is_empty() {
                    "./".to_owned()
                } else {
                    format!("./{path}/")
                }
            }
        };
        set_name(&mut header, &name)?;
        header.set_cksum();
        builder.append(&header, bytes.unwrap_or_default())?;
    }
    builder.into_inner()
}

/// Writes a name as it is: `Header::set_path` drops the `./` of dpkg's names.
fn set_name(header: &mut tar::Header, name: &str) -> io::Result<()> {
    let field = header.as_gnu_mut().map(|gnu| &mut gnu.name);
    let field = field.and_then(|field| field.get_mut(..name.len()));
    let field = field.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidFilename,
            format!(
                "{name} has {} bytes, and a path in a package has at most 100",
                name.len()
            ),
        )
    })?;
    field.copy_from_slice(name.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb::BinaryPackage;
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn contents(files: &[(&str, &[u8])]) -> PackageContents<'static> {
        PackageContents {
            control: "Package: aa\nVersion: 1\nMaintainer: A <a@b>\n".to_owned(),
            files: files
                .iter()
                .map(|(path, bytes)| PackageFile::new(*path, bytes.to_vec()))
                .collect(),
            epoch: 1_600_000_000,
        }
    }

    fn paths(deb: &[u8]) -> Vec<String> {
        let mut paths = Vec::new();
        let package = BinaryPackage::read(deb).unwrap();
        package
            .for_each_entry(|entry, _| {
                paths.push(entry.path.clone());
                Ok::<_, Infallible>(())
            })
            .unwrap();
        paths
    }

    #[test]
    fn folders_stand_once_before_their_files_in_the_order_of_components() {
        let deb = write_package(&contents(&[
            ("usr/a-c", b""),
            ("usr/a/b", b"x"),
            ("usr/a/a", b""),
        ]));
        assert_eq!(
            paths(&deb.unwrap()),
            ["", "usr", "usr/a", "usr/a/a", "usr/a/b", "usr/a-c"]
        );
    }

    #[test]
    fn the_order_in_which_files_are_given_does_not_show() {
        let one = write_package(&contents(&[("a", b"1"), ("b", b"2")])).unwrap();
        let other = write_package(&contents(&[("b", b"2"), ("a", b"1")])).unwrap();
        assert_eq!(one, other);
    }

    #[test]
    fn the_installed_size_rounds_each_file_up_and_counts_folders() {
        let files = contents(&[("usr/a", &[0; 1025]), ("usr/b", &[0; 1])]).files;
        assert_eq!(installed_size(&files), 2 + 1 + 2);
    }

    #[test]
    fn files_below_etc_belong_to_the_administrator() {
        let of = |files: &[(&str, &[u8])]| conffiles(&contents(files).files);
        assert_eq!(
            of(&[("usr/etc/a", b""), ("etcetera", b""), ("opt/etc", b"")]),
            ""
        );
        let files: [(&str, &[u8]); 3] = [("etc/b", b""), ("usr/c", b""), ("etc/a/z", b"")];
        assert_eq!(of(&files), "/etc/a/z\n/etc/b\n");
    }

    /// The files of a package's control archive.
    fn control_files(deb: &[u8]) -> Vec<(String, String)> {
        let mut archive = ar::Archive::new(deb);
        archive.next_entry().unwrap().unwrap();
        let member = archive.next_entry().unwrap().unwrap();
        assert_eq!(member.header().identifier(), b"control.tar.xz");
        let mut files = Vec::new();
        crate::deb::tar_entries::for_each_entry(
            xz2::read::XzDecoder::new(member),
            |entry, content| {
                let mut text = String::new();
                content.read_to_string(&mut text)?;
                files.push((entry.path.clone(), text));
                Ok::<_, io::Error>(())
            },
        )
        .unwrap();
        files
    }

    #[test]
    fn the_control_archive_lists_sums_and_the_files_of_the_administrator() {
        let sums =
            "202cb962ac59075b964b07152d234b70  etc/hook\n900150983cd24fb0d6963f7d28e17f72  usr/a\n";
        let deb = write_package(&contents(&[("usr/a", b"abc"), ("etc/hook", b"123")])).unwrap();
        let files = control_files(&deb);
        let text = |name: &str| {
            files
                .iter()
                .find(|file| file.0 == name)
                .map(|file| &*file.1)
        };
        assert_eq!(text("md5sums"), Some(sums));
        assert_eq!(text("conffiles"), Some("/etc/hook\n"));
        assert_eq!(text("control"), Some(&*contents(&[]).control));
        let without = control_files(&write_package(&contents(&[("usr/a", b"abc")])).unwrap());
        assert!(
            without.iter().all(|(name, _)| name != "conffiles"),
            "{without:?}"
        );
    }

    #[test]
    fn a_fault_in_any_step_is_found_by_reading_back() {
        let contents = contents(&[("usr/a", b"abc")]);
        let error = |steps: Steps| write_with(&contents, &steps).unwrap_err().to_string();
        assert!(write_with(&contents, &STEPS).is_ok());
        let tar: fn(&[PackageFile<'_>], u64) -> io::Result<Vec<u8>> = |files, epoch| {
            let mut tar = tar_archive(files, epoch)?;
            let at = tar.windows(3).position(|three| three == b"abc");
            at.into_iter().for_each(|at| tar[at] = b'x');
            Ok(tar)
        };
        assert!(error(Steps { tar, ..STEPS }).starts_with("usr/a reads differently"));
        let tar: fn(&[PackageFile<'_>], u64) -> io::Result<Vec<u8>> = |files, epoch| {
            let is_control = files.iter().any(|file| file.path == "control");
            tar_archive(if is_control { &files[..1] } else { files }, epoch)
        };
        assert!(error(Steps { tar, ..STEPS }).starts_with("md5sums reads differently"));
        let compress: read_back::Compress = |data, sender| xz::compress(&data[512..], sender);
        assert!(error(Steps { compress, ..STEPS }).starts_with("a compressed member reads"));
        let archive: fn(&[Member<'_>], u64) -> io::Result<Vec<u8>> = |members, epoch| {
            let mut data = members[2].1.to_vec();
            data.push(0);
            ar_archive(&[members[0], members[1], (members[2].0, &data)], epoch)
        };
        assert!(error(Steps { archive, ..STEPS }).starts_with("data.tar.xz reads differently"));
        let archive: fn(&[Member<'_>], u64) -> io::Result<Vec<u8>> = |members, epoch| {
            let text = PackageFile::new("control", &b"Package: bb\nVersion: 1\n"[..]);
            let (sender, _receiver) = std::sync::mpsc::channel();
            let other = xz::compress(&tar_archive(&[text], epoch)?, sender)?;
            ar_archive(&[members[0], (members[1].0, &other), members[2]], epoch)
        };
        assert!(error(Steps { archive, ..STEPS }).starts_with("control reads differently"));
        let archive: fn(&[Member<'_>], u64) -> io::Result<Vec<u8>> =
            |members, epoch| ar_archive(&[members[0], members[2], members[1]], epoch);
        assert!(error(Steps { archive, ..STEPS }).contains("member 2 is `data.tar.xz`"));
    }

    #[test]
    fn a_path_that_no_header_holds_is_refused() {
        // With `./` before it.
        assert!(write_package(&contents(&[(&"x".repeat(98), b"")])).is_ok());
        let error = write_package(&contents(&[(&"x".repeat(99), b"")])).unwrap_err();
        assert!(error.to_string().ends_with("has at most 100"));
    }

    #[test]
    fn a_package_that_is_cut_anywhere_is_an_error() {
        let deb = write_package(&contents(&[("usr/a", &[1; 600])])).unwrap();
        for end in 0..deb.len() {
            let result = BinaryPackage::read(&deb[..end]).map(|package| {
                package
                    .for_each_entry(|_, content| io::copy(content, &mut io::sink()).map(drop))
                    .is_ok()
            });
            assert!(!result.unwrap_or(false), "{end}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_written_is_read_again(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let deb = write_package(&contents(&[("usr/share/qemu/x.rom", &bytes)])).unwrap();
            let mut found = None;
            BinaryPackage::read(&deb).unwrap().for_each_entry(|entry, content| {
                if entry.path.ends_with("x.rom") {
                    let mut read = Vec::new();
                    content.read_to_end(&mut read)?;
                    found = Some(read);
                }
                Ok::<_, io::Error>(())
            }).unwrap();
            prop_assert_eq!(found, Some(bytes));
        }

        #[test]
        fn a_damaged_package_is_read_without_a_panic(at in 0_usize..400, value: u8) {
            let mut deb = write_package(&contents(&[("usr/a", &[1; 600])])).unwrap();
            if let Some(byte) = deb.get_mut(at) {
                *byte = value;
            }
            if let Ok(package) = BinaryPackage::read(&deb) {
                let _ = package.for_each_entry(|_, content| io::copy(content, &mut io::sink()).map(drop));
            }
        }
    }
}
