//! The entries of a tar archive, handed over one by one as they stream by.
//!
//! The layouts of all common programs are read: v7, POSIX (ustar and pax), GNU
//! old and new, and star's; sparse files come with their holes.

mod error;
mod header;
mod pax;
mod reader;
mod sparse;

pub use error::{MAX_EXTENDED, MAX_HEADERS, MAX_NAME, TarError};

use crate::bytes::name_text;
use header::{BLOCK, Header};
use pax::Records;
use reader::{Content, Reader, padding};
use sparse::{Map, MapReader};
use std::io::Read;

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

/// One entry, without its content. Names that are not UTF-8 have the form that
/// [`name_text`] gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path from the archive's root, without `./` before or `/` behind; empty
    /// for the root itself.
    pub path: String,
    /// Whether the path is UTF-8 in the archive.
    pub path_is_text: bool,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits.
    pub mode: u32,
    /// Size of a file's content, in bytes.
    pub size: u64,
}

/// Whether the data starts with the header of a tar archive: with the word
/// `ustar`, or another with a right checksum.
#[must_use]
pub fn is_tar(data: &[u8]) -> bool {
    data.get(257..262) == Some(b"ustar") || header::starts_archive(data)
}

/// Hands each entry to `visit` with its content as a stream, and reads on to the
/// end of `tar`. Gives the offset of another archive behind the end of the first,
/// where there is one.
///
/// # Errors
/// [`TarError`], as `E`, and whatever `visit` fails with.
pub fn for_each_entry<E: From<TarError>>(
    tar: impl Read,
    mut visit: impl FnMut(&Entry, &mut dyn Read) -> Result<(), E>,
) -> Result<Option<u64>, E> {
    let mut reader = Reader::new(tar);
    let mut global = Records::default();
    let mut said = None;
    let mut headers = 0_usize;
    while let Some(header) = reader.header()? {
        headers = headers.saturating_add(1);
        if headers > MAX_HEADERS {
            return Err(TarError::TooMany.into());
        }
        let size = header.size();
        let size = || size.ok_or_else(|| reader.damaged("the size of an entry is no number"));
        let size = size()?;
        match header.kind() {
            b'V' => reader.skip_content(size)?,
            b'g' => reader.records(size, &mut global, true)?,
            b'L' => said.get_or_insert_with(Said::default).name = Some(reader.name(size)?),
            b'K' => said.get_or_insert_with(Said::default).link = Some(reader.name(size)?),
            b'x' | b'X' => {
                let mut records = Records::default();
                reader.records(size, &mut records, false)?;
                said.get_or_insert_with(Said::default).records = records;
            }
            _ => {
                let said = said.take().unwrap_or_default();
                reader.visit(&header, said.over(&header, &global), &mut visit)?;
            }
        }
    }
    if said.is_some() {
        return Err(reader.damaged("it ends behind an extended header").into());
    }
    Ok(reader.behind_end()?)
}

/// What the headers before an entry's own say of it.
#[derive(Debug, Default)]
struct Said {
    /// The long name and target of GNU tar.
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    records: Records,
}

/// What is known of an entry before its content is read.
struct Known {
    name: Vec<u8>,
    link: Vec<u8>,
    records: Records,
}

impl Said {
    /// Extended headers go before GNU's long names, and those before the header.
    fn over(self, header: &Header, global: &Records) -> Known {
        let mut records = self.records.or(global);
        let sparse = records.sparse.name.take();
        let path = sparse.or_else(|| records.path.take()).or(self.name);
        let link = records.link.take().or(self.link);
        Known {
            name: path.unwrap_or_else(|| header.name()),
            link: link.unwrap_or_else(|| header.link().to_vec()),
            records,
        }
    }
}

impl<R: Read> Reader<R> {
    /// Hands an entry over, and reads on to the next header.
    fn visit<E: From<TarError>>(
        &mut self,
        header: &Header,
        known: Known,
        visit: &mut impl FnMut(&Entry, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let offset = self.header_at;
        let path = relative_path(&known.name)?;
        if header.kind() == b'M' || known.records.continues {
            return Err(TarError::Volume(path).into());
        }
        let stored = known.records.size.or_else(|| header.size());
        let mut left = stored.ok_or_else(|| self.damaged("the size of an entry is no number"))?;
        let mut kind = kind(header.kind(), &known);
        let has_content = kind == EntryKind::File || header.kind() == b'D';
        if left > 0 && !has_content {
            if !self.content_follows()? {
                left = 0;
            } else if let EntryKind::HardLink(_) = kind {
                kind = EntryKind::File;
            }
        }
        if kind == EntryKind::File && path.is_empty() || known.name.len() as u64 > MAX_NAME {
            return Err(TarError::Name { offset }.into());
        }
        let map = if kind == EntryKind::File {
            self.map(header, known.records.sparse, &mut left)
                .map_err(|problem| problem.of(&path))?
        } else {
            None
        };
        let entry = Entry {
            path,
            path_is_text: std::str::from_utf8(&known.name).is_ok(),
            kind,
            mode: header.mode(),
            size: map.as_ref().map_or(left, Map::real_size),
        };
        let after = padding(left);
        let mut content = Content { reader: self, left };
        match map {
            Some(map) => visit(&entry, &mut map.expand(&mut content))?,
            None => visit(&entry, &mut content)?,
        }
        let left = content.left;
        Ok(self.skip(left.saturating_add(after))?)
    }

    /// The map of a sparse file, where it is one; what is `stored` before the
    /// data is read.
    fn map(
        &mut self,
        header: &Header,
        said: pax::Sparse,
        stored: &mut u64,
    ) -> Result<Option<Map>, SparseProblem> {
        let (regions, real_size) = if header.kind() == b'S' {
            let map = header.sparse_map();
            let map = map.ok_or("its map has a layout or a number that is not known")?;
            let mut regions = header::regions(map.regions).ok_or(NO_NUMBER)?;
            let mut goes_on = map.goes_on;
            while goes_on {
                let block = self.block()?.ok_or_else(|| self.cut())?;
                let (more, more_follow) = header::more_regions(&block).ok_or(NO_NUMBER)?;
                regions.extend(more);
                goes_on = more_follow;
                if regions.len() > sparse::MAX_REGIONS {
                    return Err(sparse::TOO_MANY.into());
                }
            }
            (regions, Some(map.real_size))
        } else if let Some((major, _)) = said.version.filter(|(major, _)| *major > 0) {
            if major > 1 {
                return Err("its version is not 0.0, 0.1 or 1.0".into());
            }
            let mut reader = MapReader::default();
            let mut ends = false;
            while !ends {
                *stored = stored
                    .checked_sub(BLOCK as u64)
                    .ok_or("its map does not end")?;
                let block = self.block()?.ok_or_else(|| self.cut())?;
                ends = reader.take(&block)?;
            }
            (reader.regions, said.real_size)
        } else if said.count.is_some() || !said.regions.is_empty() {
            if said
                .count
                .is_some_and(|count| count != said.regions.len() as u64)
            {
                return Err("its map has another number of regions than it says".into());
            }
            (said.regions, said.real_size)
        } else {
            return match said.real_size {
                Some(size) if size != *stored => Err("it has no map".into()),
                _ => Ok(None),
            };
        };
        let real_size = real_size.ok_or("its size is not said")?;
        Ok(Some(Map::new(regions, real_size, *stored)?))
    }
}

const NO_NUMBER: &str = "its map has an offset or length that is no number";

/// Why a sparse file cannot be put together.
enum SparseProblem {
    Tar(TarError),
    OfTheMap(&'static str),
}

impl SparseProblem {
    fn of(self, path: &str) -> TarError {
        match self {
            Self::Tar(error) => error,
            Self::OfTheMap(problem) => TarError::Sparse {
                path: path.to_owned(),
                problem,
            },
        }
    }
}

impl From<TarError> for SparseProblem {
    fn from(error: TarError) -> Self {
        Self::Tar(error)
    }
}

impl From<&'static str> for SparseProblem {
    fn from(problem: &'static str) -> Self {
        Self::OfTheMap(problem)
    }
}

fn kind(letter: u8, known: &Known) -> EntryKind {
    let is_folder = known.name.ends_with(b"/");
    match letter {
        b'1' => EntryKind::HardLink(match relative_path(&known.link) {
            Ok(path) => path,
            Err(_) => name_text(&known.link),
        }),
        b'2' => EntryKind::Symlink(name_text(&known.link)),
        b'3' | b'4' | b'6' => EntryKind::Other,
        b'5' | b'D' => EntryKind::Directory,
        // The first tar programs had no letter for folders.
        b'0' | 0 | b'7' if is_folder => EntryKind::Directory,
        // POSIX has letters that are not known mean regular files.
        _ => EntryKind::File,
    }
}

/// A path as text, from the archive's root: tar programs take the slash before
/// an absolute one away.
fn relative_path(path: &[u8]) -> Result<String, TarError> {
    let mut parts = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(TarError::Escapes(name_text(path))),
            name => parts.push(name_text(name)),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests;
