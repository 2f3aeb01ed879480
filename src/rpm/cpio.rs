//! The cpio archive of an RPM package, in the `newc` format (cpio(5)).

use super::error::{CpioError, RpmError};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Length of an entry's header: a magic and 13 numbers of 8 hex digits.
const HEADER: usize = 110;
/// Longer names than this are refused, in bytes (`PATH_MAX`).
const MAX_NAME: u64 = 4096;
/// The name of the entry that ends the archive.
const END: &str = "TRAILER!!!";

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
    /// A symbolic link, whose content is its target.
    Symlink,
    /// Another name of the regular file at this path.
    HardLink(String),
    /// A device or another thing that no package of ROMs has.
    Other,
}

/// Hands each file to `visit` with its content as a stream. Of a file with
/// several names, which has its content with one of them, the others are
/// handed over as hard links to that one.
///
/// # Errors
/// [`CpioError`], as `E`, and whatever `visit` fails with.
pub fn for_each_file<E: From<RpmError>>(
    mut archive: impl Read,
    mut visit: impl FnMut(&File, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let mut offset = 0_u64;
    let mut names = Names::default();
    loop {
        let failed = |error: CpioError| E::from(RpmError::Cpio(error));
        let read = |source| failed(CpioError::Read { offset, source });
        let mut header = [0; HEADER];
        archive.read_exact(&mut header).map_err(read)?;
        let numbers = numbers(&header).ok_or_else(|| failed(CpioError::Header { offset }))?;
        let no_name = || failed(CpioError::Name { offset });
        if numbers.name_length > MAX_NAME {
            return Err(no_name());
        }
        let mut name = Vec::new();
        take(&mut archive, numbers.name_length, &mut |part| {
            part.read_to_end(&mut name).map(|_| ())
        })
        .map_err(read)?;
        skip(
            &mut archive,
            padding(numbers.name_length.saturating_add(HEADER as u64)),
        )
        .map_err(read)?;
        name.pop();
        let path = relative(name).ok_or_else(no_name)?;
        if path == END {
            return names.visit_empty_files(&mut visit);
        }
        let file = File {
            path,
            kind: kind(numbers.mode),
            mode: numbers.mode & 0o7777,
            size: numbers.size,
        };
        let mut content = (&mut archive).take(numbers.size);
        if file.kind == FileKind::Regular && numbers.links > 1 {
            names.visit(numbers.inode, file, &mut content, &mut visit)?;
        } else {
            visit(&file, &mut content)?;
        }
        let left = content.limit();
        skip(&mut archive, left.saturating_add(padding(numbers.size))).map_err(read)?;
        for length in [
            HEADER as u64,
            numbers.name_length,
            padding(numbers.name_length.saturating_add(HEADER as u64)),
            numbers.size,
            padding(numbers.size),
        ] {
            offset = offset.saturating_add(length);
        }
    }
}

/// A file, whatever its names: major and minor number of its device, and inode.
type Inode = (u32, u32, u32);

/// The files with several names.
#[derive(Default)]
struct Names(BTreeMap<Inode, NamesOfOne>);

#[derive(Default)]
struct NamesOfOne {
    /// The path that came with the content.
    content_at: Option<String>,
    /// Names whose content has not come yet.
    waiting: Vec<File>,
}

impl Names {
    /// Takes a name, and visits all whose content is known by now.
    fn visit<E>(
        &mut self,
        inode: Inode,
        file: File,
        content: &mut dyn Read,
        visit: &mut impl FnMut(&File, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let names = self.0.entry(inode).or_default();
        if file.size > 0 {
            visit(&file, content)?;
            names.content_at = Some(file.path);
        } else {
            names.waiting.push(file);
        }
        if let Some(path) = &names.content_at {
            for name in names.waiting.drain(..) {
                let kind = FileKind::HardLink(path.clone());
                visit(&File { kind, ..name }, &mut io::empty())?;
            }
        }
        Ok(())
    }

    /// Visits the names whose content never came.
    fn visit_empty_files<E>(
        self,
        visit: &mut impl FnMut(&File, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut waiting = self.0.into_values().flat_map(|names| names.waiting);
        waiting.try_for_each(|file| visit(&file, &mut io::empty()))
    }
}

/// The numbers of a header that are of use here.
struct Numbers {
    inode: Inode,
    links: u32,
    mode: u32,
    size: u64,
    name_length: u64,
}

fn numbers(header: &[u8; HEADER]) -> Option<Numbers> {
    if !header.starts_with(b"070701") && !header.starts_with(b"070702") {
        return None;
    }
    let number = |index: usize| {
        let start = index.checked_mul(8)?.checked_add(6)?;
        let digits = header.get(start..)?.first_chunk::<8>()?;
        let digits = std::str::from_utf8(digits).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    Some(Numbers {
        inode: (number(7)?, number(8)?, number(0)?),
        links: number(4)?,
        mode: number(1)?,
        size: number(6)?.into(),
        name_length: number(11)?.into(),
    })
}

const fn kind(mode: u32) -> FileKind {
    match mode & 0o170_000 {
        0o100_000 => FileKind::Regular,
        0o040_000 => FileKind::Directory,
        0o120_000 => FileKind::Symlink,
        _ => FileKind::Other,
    }
}

/// Bytes up to the next multiple of four.
const fn padding(length: u64) -> u64 {
    length.wrapping_neg() & 3
}

/// Reads exactly `length` bytes.
fn take(
    archive: &mut impl Read,
    length: u64,
    read: &mut dyn FnMut(&mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    let mut part = archive.take(length);
    read(&mut part)?;
    if part.limit() == 0 {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn skip(archive: &mut impl Read, length: u64) -> io::Result<()> {
    take(archive, length, &mut |part| {
        io::copy(part, &mut io::sink()).map(|_| ())
    })
}

fn relative(name: Vec<u8>) -> Option<String> {
    let name = String::from_utf8(name).ok()?;
    let path = name.trim_start_matches("./").trim_start_matches('/');
    let escapes = path.split('/').any(|part| part == "..") || path.contains('\0');
    (!escapes).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpm::RpmError;

    /// One entry with its padding.
    fn entry(name: &str, mode: u32, content: &[u8]) -> Vec<u8> {
        linked_entry(name, mode, content, (0, 1))
    }

    /// One entry of a file with this inode and number of names.
    fn linked_entry(name: &str, mode: u32, content: &[u8], (inode, links): (u32, u32)) -> Vec<u8> {
        let mut bytes = b"070701".to_vec();
        let mut numbers = [0_u32; 13];
        numbers[0] = inode;
        numbers[1] = mode;
        numbers[4] = links;
        numbers[6] = u32::try_from(content.len()).unwrap();
        numbers[11] = u32::try_from(name.len()).unwrap().saturating_add(1);
        for number in numbers {
            bytes.extend(format!("{number:08x}").bytes());
        }
        bytes.extend(name.bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn files(archive: &[u8]) -> Result<Vec<(String, FileKind, Vec<u8>)>, RpmError> {
        let mut found = Vec::new();
        for_each_file(archive, |file, content| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).unwrap();
            found.push((file.path.clone(), file.kind.clone(), bytes));
            Ok::<_, RpmError>(())
        })?;
        Ok(found)
    }

    #[test]
    fn files_links_and_folders_come_with_their_content() {
        let archive = [
            entry("./usr", 0o040_755, b""),
            entry("./usr/a.rom", 0o100_644, b"12345"),
            entry("./usr/b.rom", 0o120_777, b"a.rom"),
            entry(END, 0, b""),
        ]
        .concat();
        assert_eq!(
            files(&archive).unwrap(),
            [
                ("usr".to_owned(), FileKind::Directory, Vec::new()),
                ("usr/a.rom".to_owned(), FileKind::Regular, b"12345".to_vec()),
                ("usr/b.rom".to_owned(), FileKind::Symlink, b"a.rom".to_vec()),
            ]
        );
        for length in 0..archive.len() - 4 {
            assert!(files(&archive[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn names_without_the_content_are_links_to_the_one_that_has_it() {
        let linked = |name, inode, content| linked_entry(name, 0o100_644, content, (inode, 3));
        let archive = [
            linked("a", 1, b""),
            linked("x", 2, b""),
            linked("b", 1, b"rom"),
            linked("c", 1, b""),
            linked("y", 2, b""),
            entry(END, 0, b""),
        ]
        .concat();
        let link = |name: &str| (name.to_owned(), FileKind::HardLink("b".to_owned()), vec![]);
        let file =
            |name: &str, content: &[u8]| (name.to_owned(), FileKind::Regular, content.to_vec());
        assert_eq!(
            files(&archive).unwrap(),
            [
                file("b", b"rom"),
                link("a"),
                link("c"),
                file("x", b""),
                file("y", b""),
            ]
        );
    }

    #[test]
    fn what_is_no_entry_is_refused_with_its_offset() {
        let error = |archive: &[u8]| files(archive).unwrap_err().to_string();
        assert!(error(&[b'x'; 200]).contains("no header of an entry at 0x0"));
        let mut long = entry("a", 0o100_644, b"");
        long[6 + 11 * 8..6 + 12 * 8].copy_from_slice(b"ffffffff");
        assert!(error(&long).contains("name that is no relative path"));
        let escape = entry("../etc/passwd", 0o100_644, b"");
        assert!(error(&escape).contains("name that is no relative path"));
        let second = [entry("a", 0o100_644, b"1"), vec![0; 200]].concat();
        assert!(error(&second).contains("at 0x74"), "{}", error(&second));
    }
}
