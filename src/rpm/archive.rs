//! The archive of an RPM package's files: cpio in the `newc` format (cpio(5)),
//! or entries that are a number in the header's list (format 6, and format 4
//! for files above 4 GiB).

use super::digest::Summed;
use super::error::{ArchiveError, RpmError};
use super::files::{DIRECTORY, Files, Listed, REGULAR, SYMLINK, split};
use std::collections::HashMap;
use std::io::{self, Read};

/// Length of a magic.
const MAGIC: usize = 6;
/// Length of 13 numbers of 8 hex digits behind the magic of `newc`.
const NEWC: usize = 104;
/// The magic of an entry that is a number of a file, of 8 hex digits.
const STRIPPED_MAGIC: &[u8] = b"07070X";
const STRIPPED: usize = 8;
/// Longer names than this are refused, in bytes (`PATH_MAX`).
const MAX_NAME: u64 = 4096;
/// The name of the entry that ends the archive.
const END: &[u8] = b"TRAILER!!!";

/// A file of the archive, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path from the root, without `./` before.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: u32,
    /// Size of its content, in bytes.
    pub size: u64,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link with its target as written.
    Symlink(String),
    /// Another name of the regular file at this path.
    HardLink(String),
    /// A device or another thing that no package of ROMs has.
    Other,
}

/// Hands each file to `visit` with its content as a stream. Of a file with
/// several names, the last one has the content; the others are hard links to
/// it. Every entry must be one that is listed, and every listed file an entry,
/// as rpm asks.
pub(super) fn for_each_file<E: From<RpmError>>(
    archive: impl Read,
    files: &Files<'_>,
    mut visit: impl FnMut(&File, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let mut archive = Archive {
        stream: archive,
        offset: 0,
    };
    let by_name: HashMap<_, _> = (0..files.len())
        .filter_map(|number| Some((key(files.get(number)?), number)))
        .collect();
    let mut found = vec![false; files.len()];
    loop {
        let offset = archive.offset;
        let failed = |error: ArchiveError| E::from(RpmError::Archive(error));
        let entry = archive.next_entry().map_err(failed)?;
        let (number, size) = match &entry {
            Next::End => break,
            Next::Number(number) => (usize::try_from(*number).ok(), None),
            Next::Named { name, size } => (by_name.get(&split(name)).copied(), Some(*size)),
        };
        let listed = number.and_then(|number| Some((number, files.get(number)?)));
        let Some((number, listed)) = listed.filter(|(_, listed)| !listed.is_ghost()) else {
            return Err(failed(ArchiveError::NotListed {
                offset,
                what: entry.to_string(),
            }));
        };
        let path = path_of(listed).ok_or_else(|| failed(ArchiveError::Name { offset }))?;
        let first_time = found
            .get_mut(number)
            .is_some_and(|found| !std::mem::replace(found, true));
        if !first_time {
            return Err(failed(ArchiveError::Twice { offset, path }));
        }
        let expected = match listed.kind() {
            REGULAR if listed.content_at == number => listed.size,
            SYMLINK => listed.size,
            _ => 0,
        };
        if let Some(found) = size.filter(|size| *size != expected) {
            return Err(failed(ArchiveError::Size {
                offset,
                path,
                found,
                listed: expected,
            }));
        }
        let file = File {
            kind: kind(listed, number, files),
            mode: listed.mode & 0o7777,
            size: expected,
            path,
        };
        archive.content(expected, &file, listed, files, &mut visit)?;
    }
    let is_missing = |(listed, found): &(&Listed<'_>, bool)| !found && !listed.is_ghost();
    match files.iter().zip(found).find(is_missing) {
        Some((listed, _)) => {
            let path = path_of(listed).unwrap_or_default();
            Err(RpmError::Archive(ArchiveError::Missing(path)).into())
        }
        None => Ok(()),
    }
}

fn kind(listed: &Listed<'_>, number: usize, files: &Files<'_>) -> FileKind {
    match listed.kind() {
        REGULAR if listed.content_at == number => FileKind::Regular,
        REGULAR => {
            let last = files.get(listed.content_at).and_then(path_of);
            FileKind::HardLink(last.unwrap_or_default())
        }
        DIRECTORY => FileKind::Directory,
        SYMLINK => FileKind::Symlink(String::from_utf8_lossy(listed.link).into_owned()),
        _ => FileKind::Other,
    }
}

/// The header of an entry.
enum Next {
    End,
    Number(u32),
    Named { name: Vec<u8>, size: u64 },
}

impl std::fmt::Display for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End => f.write_str("its end"),
            Self::Number(number) => write!(f, "file {number}"),
            Self::Named { name, .. } => f.write_str(&String::from_utf8_lossy(name)),
        }
    }
}

struct Archive<R> {
    stream: R,
    offset: u64,
}

impl<R: Read> Archive<R> {
    /// The next header; the end without an entry.
    fn next_entry(&mut self) -> Result<Next, ArchiveError> {
        let offset = self.offset;
        let magic: [u8; MAGIC] = self.exactly()?;
        if magic == STRIPPED_MAGIC {
            let digits: [u8; STRIPPED] = self.exactly()?;
            let number = hex(&digits).ok_or(ArchiveError::Header { offset })?;
            self.pad()?;
            return Ok(Next::Number(number));
        }
        if !matches!(&magic, b"070701" | b"070702") {
            return Err(ArchiveError::Header { offset });
        }
        let numbers: [u8; NEWC] = self.exactly()?;
        let number = |index: usize| {
            let at = index.saturating_mul(8);
            hex(numbers.get(at..)?.first_chunk::<8>()?)
        };
        let (Some(size), Some(length)) = (number(6), number(11)) else {
            return Err(ArchiveError::Header { offset });
        };
        let length = u64::from(length);
        if length == 0 || length > MAX_NAME {
            return Err(ArchiveError::Name { offset });
        }
        let mut name = Vec::new();
        let read = (&mut self.stream).take(length).read_to_end(&mut name);
        read.map_err(|source| ArchiveError::Read { offset, source })?;
        if name.len() as u64 != length {
            let source = io::ErrorKind::UnexpectedEof.into();
            return Err(ArchiveError::Read { offset, source });
        }
        self.offset = self.offset.saturating_add(length);
        self.pad()?;
        if name.pop() != Some(0) {
            return Err(ArchiveError::Name { offset });
        }
        if name == END {
            return Ok(Next::End);
        }
        // rpm writes `./` before the paths of binary packages.
        let name = name
            .strip_prefix(b".")
            .filter(|rest| rest.starts_with(b"/"))
            .unwrap_or(&name);
        Ok(Next::Named {
            name: name.strip_prefix(b"/").unwrap_or(name).to_vec(),
            size: size.into(),
        })
    }

    /// Visits a file and reads its content to the end, which must have the
    /// digest that the header says.
    fn content<E: From<RpmError>>(
        &mut self,
        size: u64,
        file: &File,
        listed: &Listed<'_>,
        files: &Files<'_>,
        visit: &mut impl FnMut(&File, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let offset = self.offset;
        let read = |source| E::from(RpmError::Archive(ArchiveError::Read { offset, source }));
        let mut content = (&mut self.stream).take(size);
        let digest = match file.kind {
            FileKind::Regular => files.digest(listed, &file.path),
            _ => None,
        };
        let mut summed = Summed::new(&mut content, digest.into_iter().collect());
        visit(file, &mut summed)?;
        summed.finish().map_err(read)?.map_err(RpmError::from)?;
        if content.limit() > 0 {
            return Err(read(io::ErrorKind::UnexpectedEof.into()));
        }
        self.offset = offset.saturating_add(size);
        self.pad().map_err(|error| RpmError::Archive(error).into())
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], ArchiveError> {
        let mut bytes = [0; N];
        let offset = self.offset;
        let read = self.stream.read_exact(&mut bytes);
        read.map_err(|source| ArchiveError::Read { offset, source })?;
        self.offset = offset.saturating_add(N as u64);
        Ok(bytes)
    }

    /// Entries and contents start at multiples of four.
    fn pad(&mut self) -> Result<(), ArchiveError> {
        while !self.offset.is_multiple_of(4) {
            self.exactly::<1>()?;
        }
        Ok(())
    }
}

fn hex(digits: &[u8; 8]) -> Option<u32> {
    // `from_str_radix` takes a sign.
    let digits = std::str::from_utf8(digits).ok()?;
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_plain)
}

/// Folder and name as an entry of the archive has them.
fn key<'a>(listed: &Listed<'a>) -> (&'a [u8], &'a [u8]) {
    let folder = listed.folder.strip_prefix(b"/").unwrap_or(listed.folder);
    (folder, listed.name)
}

/// The path from the root; none where it leads out of it or is too long.
fn path_of(listed: &Listed<'_>) -> Option<String> {
    let length = listed.folder.len().saturating_add(listed.name.len());
    if length as u64 > MAX_NAME {
        return None;
    }
    let whole = [listed.folder, listed.name].concat();
    let whole = String::from_utf8_lossy(&whole);
    let mut parts = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            part => parts.push(part),
        }
    }
    (!whole.contains('\0')).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::header::tests::{Values, header_of};
    use super::super::package::tests::{
        FILES, archive, entry, files_of, joined, package, packed, tags_of, trailer,
    };

    /// What is wrong with a package whose archive was changed.
    fn error(stripped: bool, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
        let bytes = package(&FILES, stripped, &change(archive(&FILES, stripped)));
        files_of(&bytes).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_entry_is_refused_with_its_offset() {
        let put = |at: usize, text: &'static [u8]| {
            move |mut archive: Vec<u8>| {
                archive[at..at + text.len()].copy_from_slice(text);
                archive
            }
        };
        assert!(error(false, put(0, b"x")).contains("no header of an entry at 0x0"));
        assert!(error(true, put(5, b"Y")).contains("no header of an entry at 0x0"));
        assert!(error(true, put(6, b"+")).contains("no header of an entry at 0x0"));
        assert!(error(true, put(24, b"x")).contains("no header of an entry at 0x18"));
        for length in [b"00000000", b"00001001", b"ffffffff"] {
            let said = error(false, put(6 + 11 * 8, length));
            assert!(
                said.contains("at 0x0 has a name that is no relative path"),
                "{said}"
            );
        }
        // The longest name ends behind the archive.
        assert!(error(false, put(6 + 11 * 8, b"00001000")).contains("cannot be read at 0x0"));
    }

    #[test]
    fn entries_and_the_list_of_the_header_are_the_same_files() {
        let other = packed("/usr/x.rom", 0o100_644, b"1", 9);
        let added = |number| {
            let other = &other;
            move |archive: Vec<u8>| [entry(number, other, b"1"), archive].concat()
        };
        assert!(
            error(false, added(None)).contains("at 0x0, usr/x.rom, is no file that the header")
        );
        for number in [5, 0x7fff_ffff, 0xffff_ffff] {
            let said = error(true, added(Some(number)));
            let wanted = format!("at 0x0, file {number}, is no file that the header");
            assert!(said.contains(&wanted), "{said}");
        }
        let twice = |archive: Vec<u8>| [&archive[..24], &archive].concat();
        assert_eq!(
            error(true, twice),
            "the archive has usr/a.rom twice, at 0x18 again"
        );
        let without = |archive: Vec<u8>| archive[24..].to_vec();
        assert_eq!(
            error(true, without),
            "the header of the package lists usr/a.rom, and the archive ends without it"
        );
        let longer = |archive: Vec<u8>| [entry(None, &FILES[0], b"123456"), archive].concat();
        assert_eq!(
            error(false, longer),
            "usr/a.rom in the archive has 6 bytes at 0x0, and the header of the package says 5"
        );
    }

    #[test]
    fn a_path_that_leads_out_or_is_too_long_is_refused() {
        let named = |path: &'static str, stripped| {
            let files = [packed(path, 0o100_644, b"1", 1)];
            files_of(&package(&files, stripped, &archive(&files, stripped)))
        };
        for stripped in [false, true] {
            for path in ["/../etc/passwd", "/usr/../../x", "/.."] {
                let error = named(path, stripped).unwrap_err().to_string();
                assert!(
                    error.contains("at 0x0 has a name that is no relative path"),
                    "{error}"
                );
            }
            assert_eq!(named("/usr//a", stripped).unwrap()[0].0, "usr/a");
        }
        // In `newc` two more bytes are needed for `./` and the end.
        let long =
            |length: usize| -> &'static str { format!("/{}", "x".repeat(length - 1)).leak() };
        assert!(named(long(4096), true).is_ok());
        assert!(named(long(4097), true).is_err());
        assert!(named(long(4094), false).is_ok());
        assert!(named(long(4095), false).is_err());
    }

    #[test]
    fn a_ghost_is_listed_and_not_in_the_archive() {
        let with = |ghost: bool, payload: &[u8]| {
            let files = [
                packed("/a", 0o100_644, b"1", 1),
                packed("/b", 0o100_644, b"2", 2),
            ];
            let mut tags = tags_of(&files, true);
            let flags = vec![0, if ghost { 64 } else { 128 }];
            tags.push((1037, Values::Numbers32(flags)));
            let bytes = joined(&header_of(&[]), &header_of(&tags), payload);
            files_of(&bytes).map(|files| files.len())
        };
        let file = packed("/a", 0o100_644, b"1", 1);
        let first = entry(Some(0), &file, b"1");
        let second = entry(Some(1), &file, b"2");
        assert_eq!(with(true, &[&*first, &trailer()].concat()).unwrap(), 1);
        assert!(with(false, &[&*first, &trailer()].concat()).is_err());
        assert!(with(true, &[&*first, &second, &trailer()].concat()).is_err());
        assert_eq!(
            with(false, &[&*first, &second, &trailer()].concat()).unwrap(),
            2
        );
    }
}
