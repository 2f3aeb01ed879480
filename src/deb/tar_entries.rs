//! The entries of a tar archive, handed over one by one as they stream by.

use std::io::{self, Read};
use thiserror::Error;

/// Longer names than this are refused, in bytes.
const MAX_NAME: u64 = 64 << 10;

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link with its target as written.
    Symlink(String),
    /// A hard link with the path of the file.
    HardLink(String),
    /// A device, a FIFO, or another thing that no package of ROMs has.
    Other,
}

/// One entry, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path from the archive's root, without `./` before or `/` behind; empty
    /// for the root itself.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits.
    pub mode: u32,
    /// Size of a file's content, in bytes.
    pub size: u64,
}

/// Why a tar archive cannot be read.
#[derive(Debug, Error)]
pub enum TarError {
    /// It is cut, damaged, or its decoder stops.
    #[error("the tar archive cannot be read at {offset:#x}: {source}")]
    Read {
        /// Offset in the unpacked archive of the last entry's header.
        offset: u64,
        /// What the reader says.
        source: io::Error,
    },
    /// A name that leaves the archive's root.
    #[error(
        "the entry \"{0}\" of the tar archive leads out of it; names are relative and without `..`"
    )]
    Escapes(String),
    /// A name that is no text, or is longer than any path.
    #[error(
        "an entry of the tar archive at {offset:#x} has a name that is no UTF-8 text of at most 64 KiB"
    )]
    Name {
        /// Offset in the unpacked archive of the entry's header.
        offset: u64,
    },
}

/// Whether the data starts with the header of a tar archive (POSIX.1-1988
/// `ustar`, which GNU tar and dpkg write, too).
#[must_use]
pub fn is_tar(data: &[u8]) -> bool {
    data.get(257..262) == Some(b"ustar")
}

/// Hands each entry to `visit` with its content as a stream.
///
/// # Errors
/// [`TarError`], as `E`, and whatever `visit` fails with.
pub fn for_each_entry<E: From<TarError>>(
    tar: impl Read,
    mut visit: impl FnMut(&Entry, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let mut archive = tar::Archive::new(tar);
    let mut offset = 0;
    let failed = |offset, source| E::from(TarError::Read { offset, source });
    let entries = archive.entries().map_err(|error| failed(offset, error))?;
    let (mut long_name, mut long_link) = (None, None);
    // Raw entries: the tar crate reads long names whole, however long.
    for entry in entries.raw(true) {
        let mut entry = entry.map_err(|error| failed(offset, error))?;
        offset = entry.raw_header_position();
        let text = |entry: &mut dyn Read, size| {
            read_name(entry, size).map_err(|error| match error {
                Some(error) => failed(offset, error),
                None => E::from(TarError::Name { offset }),
            })
        };
        let kind = entry.header().entry_type();
        let size = entry.size();
        if kind.is_gnu_longname() {
            long_name = Some(text(&mut entry, size)?);
            continue;
        }
        if kind.is_gnu_longlink() {
            long_link = Some(text(&mut entry, size)?);
            continue;
        }
        if kind.is_pax_local_extensions() {
            let records = text(&mut entry, size)?;
            for record in tar::PaxExtensions::new(records.as_bytes()).flatten() {
                match (record.key(), record.value()) {
                    (Ok("path"), Ok(value)) => long_name = Some(value.to_owned()),
                    (Ok("linkpath"), Ok(value)) => long_link = Some(value.to_owned()),
                    _ => {}
                }
            }
            continue;
        }
        if kind.is_pax_global_extensions() {
            continue;
        }
        let in_header = |bytes: Option<Vec<u8>>| {
            String::from_utf8(bytes.unwrap_or_default())
                .map_err(|_| E::from(TarError::Name { offset }))
        };
        let path = match long_name.take() {
            Some(name) => name,
            None => in_header(Some(entry.path_bytes().into_owned()))?,
        };
        let link = match long_link.take() {
            Some(link) => link,
            None => in_header(entry.link_name_bytes().map(std::borrow::Cow::into_owned))?,
        };
        let visited = Entry {
            path: relative_path(&path)?,
            kind: match kind {
                tar::EntryType::Regular | tar::EntryType::Continuous => EntryKind::File,
                tar::EntryType::Directory => EntryKind::Directory,
                tar::EntryType::Symlink => EntryKind::Symlink(link),
                tar::EntryType::Link => EntryKind::HardLink(relative_path(&link)?),
                _ => EntryKind::Other,
            },
            mode: entry.header().mode().unwrap_or(0) & 0o7777,
            size,
        };
        visit(&visited, &mut entry)?;
    }
    Ok(())
}

/// Reads a name of at most [`MAX_NAME`] bytes; `None` where it is no such.
fn read_name(entry: &mut dyn Read, size: u64) -> Result<String, Option<io::Error>> {
    if size > MAX_NAME {
        return Err(None);
    }
    let mut bytes = Vec::new();
    entry.take(MAX_NAME).read_to_end(&mut bytes).map_err(Some)?;
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    String::from_utf8(bytes).map_err(|_| None)
}

fn relative_path(path: &str) -> Result<String, TarError> {
    if path.starts_with('/') || path.contains('\0') {
        return Err(TarError::Escapes(path.escape_debug().to_string()));
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(TarError::Escapes(path.escape_debug().to_string())),
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, data) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_mode(0o644);
            header.set_size(data.len() as u64);
            header.set_cksum();
            builder.append(&header, *data).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn paths(tar: &[u8]) -> Result<Vec<String>, TarError> {
        let mut paths = Vec::new();
        for_each_entry(tar, |entry, _| {
            paths.push(entry.path.clone());
            Ok::<_, TarError>(())
        })?;
        Ok(paths)
    }

    const FILE: tar::EntryType = tar::EntryType::Regular;

    #[test]
    fn paths_lose_their_dots_and_contents_stream_by() {
        let tar = archive(&[
            ("./", tar::EntryType::Directory, b""),
            ("./a/b.rom", FILE, b"hi"),
        ]);
        let mut seen = Vec::new();
        for_each_entry(&*tar, |entry, content| {
            let mut text = String::new();
            content.read_to_string(&mut text).unwrap();
            seen.push((entry.path.clone(), text));
            Ok::<_, TarError>(())
        })
        .unwrap();
        assert_eq!(
            seen,
            [
                (String::new(), String::new()),
                ("a/b.rom".into(), "hi".into())
            ]
        );
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in ["../x", "a/../../x", "/etc/passwd", ".."] {
            let error = paths(&archive(&[(name, FILE, b"")])).unwrap_err();
            assert!(matches!(error, TarError::Escapes(_)), "{name}: {error}");
        }
    }

    #[test]
    fn long_names_of_gnu_and_pax_are_read() {
        let long = format!("{}/x.rom", "d".repeat(200));
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        builder.append_data(&mut header, &long, &b"hi"[..]).unwrap();
        builder
            .append_pax_extensions([("path", b"pax/y.rom".as_slice())])
            .unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        builder.append_data(&mut header, "short", &b""[..]).unwrap();
        let tar = builder.into_inner().unwrap();
        assert_eq!(paths(&tar).unwrap(), [long.as_str(), "pax/y.rom"]);
    }

    #[test]
    fn a_name_of_a_gigabyte_is_refused_before_it_is_read() {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 30);
        header.set_cksum();
        let error = paths(header.as_bytes()).unwrap_err();
        assert!(matches!(error, TarError::Name { offset: 0 }), "{error}");
    }

    #[test]
    fn an_archive_that_is_cut_says_where() {
        let tar = archive(&[("a", FILE, &[1; 600]), ("b", FILE, &[1; 600])]);
        let error = paths(&tar[..2000]).unwrap_err();
        assert!(matches!(error, TarError::Read { .. }), "{error}");
        assert!(paths(&[1; 700]).is_err());
    }
}
