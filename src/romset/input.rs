//! Bytes of any kind become a set of ROMs.

use super::{CollectError, MAX_ROM, Omission, PackageOrigin, RomCollector, RomSet, file_name};
use crate::compression::{Compression, Decoder, UNPACKED_LIMIT};
use crate::deb::tar_entries::{Entry, EntryKind, TarError, for_each_entry, is_tar};
use crate::deb::{AR_MAGIC, BinaryPackage, DebError, VisitError};
use crate::rom::{NotAnOptionRom, SIGNATURE};
use crate::rpm::{self, Rpm, RpmError};
use std::io::{self, Read};
use thiserror::Error;

/// The largest input file that is read, in bytes: 96 MiB.
pub const MAX_INPUT: u64 = 96 << 20;
/// Bytes from the start of an input that tell what it is.
pub const START: usize = 512;

/// Why bytes are no set of ROMs. The messages are about an input whose name
/// the caller adds.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InputError {
    /// Neither a ROM nor anything that holds ROMs.
    #[error("{0}; a ROM file, a directory, a .deb, an .rpm and a tar archive are read")]
    Unknown(NotAnOptionRom),
    /// Compressed data that cannot be read.
    #[error("it cannot be unpacked: {0}")]
    Unpack(io::Error),
    /// A ROM file that is too large for a PCI device.
    #[error("it starts as an option ROM and has more than 16 MiB, the largest BAR of one")]
    TooLarge,
    /// A document in a package that is too large to be one.
    #[error("{0} in it has more than 16 MiB, the largest that is read")]
    EntryTooLarge(String),
    /// A damaged package.
    #[error(transparent)]
    Deb(#[from] DebError),
    /// A damaged RPM package.
    #[error(transparent)]
    Rpm(#[from] RpmError),
    /// A damaged tar archive.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// Files that make no set.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The content of an entry that cannot be read.
    #[error("{path}: {source}")]
    Entry {
        /// Path of the entry.
        path: String,
        /// What the decoder says.
        source: io::Error,
    },
}

/// Refuses an input of `size` bytes by its first [`START`] bytes, before it is
/// read whole.
///
/// # Errors
/// [`InputError`] where it is nothing that is read, or a ROM that is too large.
pub fn check_start(start: &[u8], size: u64) -> Result<(), InputError> {
    if start.starts_with(&SIGNATURE) {
        return if size > MAX_ROM {
            Err(InputError::TooLarge)
        } else {
            Ok(())
        };
    }
    let holds_roms = start.starts_with(AR_MAGIC)
        || start.starts_with(rpm::MAGIC)
        || is_tar(start)
        || Compression::of(start) != Compression::None;
    if holds_roms {
        Ok(())
    } else {
        Err(InputError::Unknown(NotAnOptionRom::of(start)))
    }
}

/// Makes a set of an input's bytes, whatever they are: a ROM, a `.deb`,
/// an `.rpm`, or a tar archive or ROM in xz, zstd, gzip or nothing. `label` is the input as
/// the user named it.
///
/// # Errors
/// [`InputError`] where the bytes are none of these, or damaged.
pub fn read(label: &str, bytes: Vec<u8>) -> Result<RomSet, InputError> {
    if bytes.starts_with(AR_MAGIC) {
        return read_package(label, &bytes);
    }
    if bytes.starts_with(rpm::MAGIC) {
        return read_rpm(label, &bytes);
    }
    if bytes.starts_with(&SIGNATURE) {
        return read_rom(label, bytes);
    }
    if is_tar(&bytes) {
        return read_tar(label, &*bytes);
    }
    check_start(&bytes, bytes.len() as u64)?;
    let mut decoder = Decoder::new(&bytes, UNPACKED_LIMIT).map_err(InputError::Unpack)?;
    let mut start = Vec::new();
    (&mut decoder)
        .take(START as u64)
        .read_to_end(&mut start)
        .map_err(InputError::Unpack)?;
    let start_is_tar = is_tar(&start);
    let mut unpacked = io::Cursor::new(start).chain(decoder);
    if start_is_tar {
        return read_tar(label, unpacked);
    }
    let mut rom = Vec::new();
    (&mut unpacked)
        .take(MAX_ROM.saturating_add(1))
        .read_to_end(&mut rom)
        .map_err(InputError::Unpack)?;
    read_rom(label, rom)
}

fn read_rom(label: &str, bytes: Vec<u8>) -> Result<RomSet, InputError> {
    if bytes.len() as u64 > MAX_ROM {
        return Err(InputError::TooLarge);
    }
    if !bytes.starts_with(&SIGNATURE) {
        return Err(InputError::Unknown(NotAnOptionRom::of(&bytes)));
    }
    let mut collector = RomCollector::default();
    collector.add_file(file_name(label), bytes)?;
    Ok(collector.finish(label, None)?)
}

fn read_tar(label: &str, tar: impl Read) -> Result<RomSet, InputError> {
    let mut collector = RomCollector::default();
    let behind_end = for_each_entry(tar, |entry, content| {
        take_entry(&mut collector, entry, content)
    })?;
    if let Some(offset) = behind_end {
        collector.omit(Omission::BehindEnd { offset });
    }
    Ok(collector.finish(label, None)?)
}

fn read_rpm(label: &str, bytes: &[u8]) -> Result<RomSet, InputError> {
    let package = Rpm::read(bytes)?;
    let mut payload = Decoder::new(package.payload, UNPACKED_LIMIT).map_err(InputError::Unpack)?;
    let mut collector = RomCollector::default();
    package.for_each_file(&mut payload, |file, content| {
        let kind = match &file.kind {
            rpm::FileKind::Regular => EntryKind::File,
            rpm::FileKind::Directory => EntryKind::Directory,
            rpm::FileKind::Other => EntryKind::Other,
            rpm::FileKind::HardLink(target) => EntryKind::HardLink(target.clone()),
            rpm::FileKind::Symlink(target) => EntryKind::Symlink(target.clone()),
        };
        let entry = Entry {
            path: file.path.clone(),
            path_is_text: true,
            kind,
            mode: file.mode,
            size: file.size,
        };
        take_entry(&mut collector, &entry, content)
    })?;
    payload.finish().map_err(InputError::Unpack)?;
    collector.needs(package.requires.clone());
    let mut set = collector.finish(label, None)?;
    set.rpm = Some(package.label());
    Ok(set)
}

fn read_package(label: &str, bytes: &[u8]) -> Result<RomSet, InputError> {
    let package = BinaryPackage::read(bytes)?;
    let documents = format!("usr/share/doc/{}/", package.control().package());
    let mut collector = RomCollector::default();
    let mut copyright = None;
    let mut changelog = None;
    let visited = package.for_each_entry(|entry, content| {
        let document = entry.path.strip_prefix(&documents);
        match (document, &entry.kind) {
            (Some("copyright"), EntryKind::File) => {
                copyright = Some(read_content(entry, content)?);
                Ok(collector.add_other(&entry.path)?)
            }
            (Some("changelog.Debian.gz" | "changelog.gz"), EntryKind::File)
                if changelog.is_none() || entry.path.ends_with("Debian.gz") =>
            {
                changelog = Some(read_content(entry, content)?);
                Ok(collector.add_other(&entry.path)?)
            }
            _ => take_entry(&mut collector, entry, content),
        }
    });
    match visited {
        Ok(()) => {}
        Err(VisitError::Deb(error)) => return Err(error.into()),
        Err(VisitError::Visitor(error)) => return Err(error),
    }
    let changelog = changelog
        .map(|packed| unpack_changelog(&packed))
        .transpose()?;
    let origin = PackageOrigin {
        control: package.into_control(),
        copyright,
        changelog,
    };
    collector.needs(origin.control.requires());
    Ok(collector.finish(label, Some(origin))?)
}

fn unpack_changelog(packed: &[u8]) -> Result<Vec<u8>, InputError> {
    let mut text = Vec::new();
    Decoder::new(packed, MAX_ROM)
        .and_then(|mut decoder| decoder.read_to_end(&mut text))
        .map_err(|source| InputError::Entry {
            path: "the Debian changelog".to_owned(),
            source,
        })?;
    Ok(text)
}

/// Takes a ROM or a link; counts what is neither without reading it whole.
fn take_entry(
    collector: &mut RomCollector,
    entry: &Entry,
    content: &mut dyn Read,
) -> Result<(), InputError> {
    match &entry.kind {
        EntryKind::Symlink(target) => collector.add_link(&entry.path, target)?,
        EntryKind::HardLink(target) => collector.add_hard_link(&entry.path, target)?,
        EntryKind::Directory => {}
        EntryKind::Other => collector.add_other(&entry.path)?,
        EntryKind::File => take_file(collector, entry, content)?,
    }
    Ok(())
}

fn take_file(
    collector: &mut RomCollector,
    entry: &Entry,
    content: &mut dyn Read,
) -> Result<(), InputError> {
    let path = &entry.path;
    let mut start = Vec::new();
    content
        .take(START as u64)
        .read_to_end(&mut start)
        .map_err(|source| entry_error(entry, source))?;
    if !start.starts_with(&SIGNATURE) {
        if let Some(omission) = Omission::of_file(path, &start) {
            collector.omit(omission);
        }
        return Ok(collector.add_other(path)?);
    }
    if entry.size > MAX_ROM {
        let (path, size) = (path.clone(), entry.size);
        collector.omit(Omission::TooLarge { path, size });
        return Ok(collector.add_other(&entry.path)?);
    }
    if !entry.path_is_text {
        let path = path.clone();
        collector.omit(Omission::NameNotText { path });
    }
    let rest = &mut io::Cursor::new(start).chain(content);
    Ok(collector.add_file(path, read_content(entry, rest)?)?)
}

fn read_content(entry: &Entry, content: &mut dyn Read) -> Result<Vec<u8>, InputError> {
    if entry.size > MAX_ROM {
        return Err(InputError::EntryTooLarge(entry.path.clone()));
    }
    // At most MAX_ROM, whatever the header claims.
    let mut bytes = Vec::with_capacity(usize::try_from(entry.size).unwrap_or(0));
    content
        .read_to_end(&mut bytes)
        .map_err(|source| entry_error(entry, source))?;
    Ok(bytes)
}

fn entry_error(entry: &Entry, source: io::Error) -> InputError {
    InputError::Entry {
        path: entry.path.clone(),
        source,
    }
}
