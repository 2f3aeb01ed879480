//! The files that the header of an RPM package lists.

use super::digest::{Algorithm, Expected};
use super::header::Header;
use std::collections::HashMap;
use thiserror::Error;

const OLD_FILE_NAMES: u32 = 1027;
const FILE_SIZES: u32 = 1028;
const FILE_MODES: u32 = 1030;
const FILE_DIGESTS: u32 = 1035;
const FILE_LINKS: u32 = 1036;
const FILE_FLAGS: u32 = 1037;
const FILE_DEVICES: u32 = 1095;
const FILE_INODES: u32 = 1096;
const DIR_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIR_NAMES: u32 = 1118;
const LONG_FILE_SIZES: u32 = 5008;
const FILE_DIGEST_ALGORITHM: u32 = 5011;
/// A file that the package owns and does not carry (`RPMFILE_GHOST`).
const GHOST: u64 = 1 << 6;

/// A package that lists more files than this is refused.
pub const MAX_FILES: usize = 250_000;
/// A package whose paths have more bytes than this in all is refused: 64 MiB.
pub const MAX_PATHS: usize = 64 << 20;

/// Why a list of files cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilesError {
    /// More than [`MAX_FILES`].
    #[error("the header lists {0} files, and the limit is {MAX_FILES}")]
    TooMany(usize),
    /// More than [`MAX_PATHS`].
    #[error("the paths of the files in the header have more than {} MiB in all, the limit", MAX_PATHS >> 20)]
    LongPaths,
    /// A list of another length than that of the names.
    #[error(
        "the header lists {names} files and their {what} {found} times; the package is damaged"
    )]
    Lengths {
        /// Files by their names.
        names: usize,
        /// What is listed.
        what: &'static str,
        /// How often.
        found: usize,
    },
    /// A folder that is not there.
    #[error("the header lists a file in folder {folder} of {folders}; the package is damaged")]
    Folder {
        /// The number of the folder.
        folder: u64,
        /// How many there are.
        folders: usize,
    },
}

/// One file as the header has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed<'a> {
    pub folder: &'a [u8],
    pub name: &'a [u8],
    pub mode: u32,
    pub size: u64,
    pub link: &'a [u8],
    flags: u64,
    digest: &'a [u8],
    /// The number of the last name of the same file, which has its content.
    pub content_at: usize,
}

impl Listed<'_> {
    /// Type of the file (`S_IFMT`).
    pub(super) const fn kind(&self) -> u32 {
        self.mode & 0o170_000
    }

    pub(super) const fn is_ghost(&self) -> bool {
        self.flags & GHOST != 0
    }
}

/// All files, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Files<'a> {
    list: Vec<Listed<'a>>,
    digests: Option<Algorithm>,
}

pub(super) const REGULAR: u32 = 0o100_000;
pub(super) const DIRECTORY: u32 = 0o040_000;
pub(super) const SYMLINK: u32 = 0o120_000;

impl<'a> Files<'a> {
    pub(super) fn of(header: &Header<'a>) -> Result<Self, FilesError> {
        let names = names(header)?;
        let count = names.len();
        let numbers = |tag, what| -> Result<Vec<u64>, FilesError> {
            let numbers = header.numbers(tag).take(MAX_FILES.saturating_add(1));
            of_length(numbers.collect(), count, what, 0)
        };
        let texts = |tag, what| {
            let texts = header.texts(tag).take(MAX_FILES.saturating_add(1));
            of_length(texts.collect(), count, what, &[][..])
        };
        let sizes = match header.has(LONG_FILE_SIZES) {
            true => numbers(LONG_FILE_SIZES, "sizes")?,
            false => numbers(FILE_SIZES, "sizes")?,
        };
        let modes = numbers(FILE_MODES, "modes")?;
        let flags = numbers(FILE_FLAGS, "flags")?;
        let devices = numbers(FILE_DEVICES, "devices")?;
        let inodes = numbers(FILE_INODES, "inodes")?;
        let links = texts(FILE_LINKS, "links")?;
        let digests = texts(FILE_DIGESTS, "digests")?;
        let mut list = Vec::with_capacity(count);
        let mut last_of = HashMap::new();
        let has_inodes = header.has(FILE_INODES);
        let numbered = names.into_iter().zip(sizes).zip(modes).zip(flags);
        let numbered = numbered.zip(devices).zip(inodes).zip(links).zip(digests);
        for (number, entry) in numbered.enumerate() {
            let ((((((names, size), mode), flags), device), inode), link) = entry.0;
            let listed = Listed {
                folder: names.0,
                name: names.1,
                mode: u32::try_from(mode).unwrap_or(0) & 0xffff,
                size,
                link,
                flags,
                digest: entry.1,
                content_at: number,
            };
            if listed.kind() == REGULAR && has_inodes && !listed.is_ghost() {
                last_of.insert((device, inode), number);
            }
            list.push((listed, (device, inode)));
        }
        let list = list.into_iter().map(|(mut listed, inode)| {
            if listed.kind() == REGULAR && !listed.is_ghost() {
                let last = last_of.get(&inode).copied();
                listed.content_at = last.unwrap_or(listed.content_at);
            }
            listed
        });
        let algorithm = header.number(FILE_DIGEST_ALGORITHM);
        Ok(Self {
            list: list.collect(),
            digests: Algorithm::numbered(algorithm.unwrap_or(1)),
        })
    }

    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn get(&self, number: usize) -> Option<&Listed<'a>> {
        self.list.get(number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Listed<'a>> {
        self.list.iter()
    }

    /// The digest of a file's content, if the header has it.
    pub(super) fn digest(&self, listed: &Listed<'_>, path: &str) -> Option<Expected> {
        let algorithm = self.digests?;
        let required = Some(listed.digest).filter(|digest| !digest.is_empty())?;
        Some(Expected::new(algorithm, required, path))
    }
}

/// Folder and name of a file.
type Path<'a> = (&'a [u8], &'a [u8]);

/// Folder and name of each file: formats since 4 have folders once each,
/// earlier ones whole paths.
fn names<'a>(header: &Header<'a>) -> Result<Vec<Path<'a>>, FilesError> {
    let limited = |names: Vec<Path<'a>>| match names.len() {
        count if count > MAX_FILES => Err(FilesError::TooMany(
            header.texts(BASE_NAMES).count().max(count),
        )),
        _ => {
            let lengths = names
                .iter()
                .map(|(folder, name)| folder.len().saturating_add(name.len()));
            match lengths.fold(0, usize::saturating_add) {
                total if total > MAX_PATHS => Err(FilesError::LongPaths),
                _ => Ok(names),
            }
        }
    };
    let take = MAX_FILES.saturating_add(1);
    if !header.has(BASE_NAMES) {
        let paths = header.texts(OLD_FILE_NAMES).take(take);
        return limited(paths.map(split).collect());
    }
    let folders: Vec<&[u8]> = header.texts(DIR_NAMES).take(take).collect();
    let names: Vec<&[u8]> = header.texts(BASE_NAMES).take(take).collect();
    let indexes: Vec<u64> = header.numbers(DIR_INDEXES).take(take).collect();
    let indexes = of_length(indexes, names.len(), "folders", 0)?;
    let in_folders = names.into_iter().zip(indexes).map(|(name, index)| {
        let folder = usize::try_from(index)
            .ok()
            .and_then(|index| folders.get(index));
        let folder = folder.ok_or(FilesError::Folder {
            folder: index,
            folders: folders.len(),
        })?;
        Ok((*folder, name))
    });
    limited(in_folders.collect::<Result<_, _>>()?)
}

/// A path as folder and name.
pub(super) fn split(path: &[u8]) -> Path<'_> {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    path.split_at(slash.map_or(0, |slash| slash.saturating_add(1)))
}

/// A list that is as long as that of the names, or is not there at all.
fn of_length<T: Clone>(
    mut list: Vec<T>,
    names: usize,
    what: &'static str,
    default: T,
) -> Result<Vec<T>, FilesError> {
    if list.is_empty() {
        list.resize(names, default);
    }
    if list.len() == names {
        return Ok(list);
    }
    Err(FilesError::Lengths {
        names,
        what,
        found: list.len(),
    })
}
