//! Inputs from the file system and from standard input.

use super::exit::Failure;
use crate::rom::SIGNATURE;
use crate::romset::{self, MAX_INPUT, MAX_ROM, RomCollector, RomSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Reads whatever `path` is into a set of ROMs; `-` is standard input.
///
/// # Errors
/// A [`Failure`] that names the path.
pub fn read(path: &Path) -> Result<RomSet, Failure> {
    let label = path.display().to_string();
    let fail = |error: io::Error| Failure::file(&label, error);
    if label == "-" {
        let bytes = read_limited(io::stdin().lock(), 0, &label)?;
        return romset::read("-", bytes).map_err(|error| Failure::file("standard input", error));
    }
    let metadata = fs::metadata(path).map_err(fail)?;
    if metadata.is_dir() {
        return read_directory(path, &label);
    }
    check_readable(&metadata, &label)?;
    let stream = File::open(path).map_err(fail)?;
    let bytes = read_limited(stream, metadata.len(), &label)?;
    romset::read(&label, bytes).map_err(|error| Failure::file(&label, error))
}

/// Reads OLD and NEW side by side.
///
/// # Errors
/// A [`Failure`] that names the one which cannot be read, and one where both
/// are the same.
pub fn read_both(old: &Path, new: &Path) -> Result<(RomSet, RomSet), Failure> {
    if is_same(old, new) {
        return Err(Failure::file(
            old.display(),
            "it is both OLD and NEW; give the ROMs of the release before as OLD and those of the release after as NEW",
        ));
    }
    let (old, new) = rayon::join(|| read(old), || read(new));
    Ok((old?, new?))
}

fn is_same(old: &Path, new: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|m| (m.dev(), m.ino())).ok();
    old == new || (identity(old).is_some() && identity(old) == identity(new))
}

/// Refuses what cannot be an input, before a byte of it is read.
fn check_readable(metadata: &Metadata, label: &str) -> Result<(), Failure> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    if kind.is_char_device() || kind.is_block_device() || kind.is_socket() {
        return Err(Failure::file(
            label,
            "it is a device or socket; give a file, a directory, a package or an archive",
        ));
    }
    if metadata.len() > MAX_INPUT {
        return Err(too_large(label, &format!("{} bytes are", metadata.len())));
    }
    Ok(())
}

fn too_large(label: &str, what: &str) -> Failure {
    Failure::file(
        label,
        format!(
            "{what} more than the {} MiB that an input may have",
            MAX_INPUT >> 20
        ),
    )
}

/// Reads a stream up to the limit; `expected` bytes are known to be there.
fn read_limited(stream: impl Read, expected: u64, label: &str) -> Result<Vec<u8>, Failure> {
    // One more than expected lets the end show without another allocation.
    let capacity = usize::try_from(expected.min(MAX_INPUT)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(capacity.saturating_add(1));
    stream
        .take(MAX_INPUT.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::file(label, error))?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(too_large(label, "it has"));
    }
    Ok(bytes)
}

/// The ROMs in a directory and the folders below it. Links to files are
/// followed, links to folders are not: they may lead in circles.
fn read_directory(path: &Path, label: &str) -> Result<RomSet, Failure> {
    let mut collector = RomCollector::default();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let fail = |error: io::Error| Failure::file(folder.display(), error);
        for entry in fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let is_link = entry.file_type().map_err(fail)?.is_symlink();
            let file = entry.path();
            match fs::metadata(&file) {
                Ok(metadata) if metadata.is_dir() && !is_link => folders.push(file),
                Ok(metadata) if metadata.is_file() => {
                    read_file(&file, path, &metadata, &mut collector)?;
                }
                Ok(_) => collector.leave_out(),
                Err(_) if is_link => collector.leave_out(),
                Err(error) => return Err(Failure::file(file.display(), error)),
            }
        }
    }
    collector
        .finish(label, None)
        .map_err(|error| Failure::file(label, error))
}

fn read_file(
    file: &Path,
    root: &Path,
    metadata: &Metadata,
    collector: &mut RomCollector,
) -> Result<(), Failure> {
    let fail = |error: io::Error| Failure::file(file.display(), error);
    let mut stream = File::open(file).map_err(fail)?;
    let mut bytes = Vec::new();
    (&mut stream)
        .take(2)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes != SIGNATURE || metadata.len() > MAX_ROM {
        collector.leave_out();
        return Ok(());
    }
    bytes.reserve(usize::try_from(metadata.len()).unwrap_or(0));
    stream.take(MAX_ROM).read_to_end(&mut bytes).map_err(fail)?;
    let inside = file.strip_prefix(root).unwrap_or(file);
    collector
        .add_file(&inside.to_string_lossy(), bytes)
        .map_err(|error| Failure::file(root.display(), error))
}
