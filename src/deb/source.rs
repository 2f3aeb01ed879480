//! A source package (Debian Policy 5.4, dsc(5), dpkg-source(1)): its tar
//! archives and its `.dsc`.

use super::checksums::{ListedFile, checksums, sha_fields};
use super::control::{upstream_version, without_epoch};
use super::write::tar_archive;
use super::{PackageFile, read_back, xz};
use std::fmt::Write as _;
use std::io;

/// All that a source package consists of.
#[derive(Debug, Clone)]
pub struct SourceContents<'a> {
    /// Name of the source package.
    pub source: &'a str,
    /// Its version; one with a revision has an upstream archive (format 3.0
    /// quilt), another is native.
    pub version: &'a str,
    /// Names of the binary packages that it builds.
    pub binaries: Vec<String>,
    /// The fields of the `.dsc` between `Binary` and the sums, each with its
    /// line end.
    pub fields: String,
    /// What is upstream's: files of ours, or an archive as it was published.
    pub upstream: Upstream<'a>,
    /// The files below `debian/`, with that folder in their paths.
    pub debian: Vec<PackageFile<'a>>,
    /// Seconds since 1970-01-01 UTC: the date of every file.
    pub epoch: u64,
}

/// The part of a source package that is not `debian/`.
#[derive(Debug, Clone)]
pub enum Upstream<'a> {
    /// These files.
    Files(Vec<PackageFile<'a>>),
    /// An archive, byte for byte; its version has a revision.
    Archive {
        /// The end of its name: `tar.xz`, `tar.gz` or `tar.bz2`.
        extension: &'static str,
        /// Its content.
        bytes: &'a [u8],
    },
}

/// Whether a version stands for a native package.
#[must_use]
pub fn is_native(version: &str) -> bool {
    !without_epoch(version).contains('-')
}

/// The line in `debian/source/format`.
#[must_use]
pub fn source_format(version: &str) -> &'static str {
    if is_native(version) {
        "3.0 (native)"
    } else {
        "3.0 (quilt)"
    }
}

/// Writes the files of a source package, the `.dsc` first: the same bytes for
/// the same contents.
///
/// # Errors
/// A path that is too long for a tar header, or an archive that reads
/// differently from what was meant.
pub fn write_source(contents: &SourceContents<'_>) -> io::Result<Vec<(String, Vec<u8>)>> {
    let SourceContents {
        source, version, ..
    } = contents;
    let whole = without_epoch(version);
    let upstream = upstream_version(version);
    let top = format!("{source}-{upstream}");
    let archive = |files: &[PackageFile<'_>]| {
        let tar = tar_archive(files, contents.epoch)?;
        read_back::tar_holds(&tar, files)?;
        read_back::compress_and_compare(&tar, xz::compress)
    };
    let below = |files: &[PackageFile<'_>]| -> Vec<PackageFile<'_>> {
        let moved = files.iter().map(|file| PackageFile {
            path: format!("{top}/{}", file.path),
            ..file.clone()
        });
        moved.map(owned).collect()
    };
    let mut archives = Vec::new();
    match &contents.upstream {
        Upstream::Files(files) if is_native(version) => {
            let all = [below(files), below(&contents.debian)].concat();
            archives.push((format!("{source}_{whole}.tar.xz"), archive(&all)?));
        }
        upstream_files => {
            let (extension, bytes) = match upstream_files {
                Upstream::Files(files) => ("tar.xz", archive(&below(files))?),
                Upstream::Archive { extension, bytes } => (*extension, bytes.to_vec()),
            };
            archives.push((format!("{source}_{upstream}.orig.{extension}"), bytes));
            archives.push((
                format!("{source}_{whole}.debian.tar.xz"),
                archive(&contents.debian)?,
            ));
        }
    }
    let listed: Vec<ListedFile> = archives
        .iter()
        .map(|(name, bytes)| ListedFile::of(name, bytes))
        .collect();
    let mut dsc = String::new();
    let _ = write!(
        dsc,
        "Format: {}\nSource: {source}\nBinary: {}\nArchitecture: all\nVersion: {version}\n",
        source_format(version),
        contents.binaries.join(", ")
    );
    dsc.push_str(&contents.fields);
    dsc.push_str(&sha_fields(&listed));
    dsc.push_str(&checksums("Files", &listed, |file| &file.md5));
    let dsc = (format!("{source}_{whole}.dsc"), dsc.into_bytes());
    Ok([vec![dsc], archives].concat())
}

fn owned(file: PackageFile<'_>) -> PackageFile<'static> {
    PackageFile {
        path: file.path,
        bytes: file.bytes.into_owned().into(),
        is_executable: file.is_executable,
    }
}
