//! Inputs from the file system and from standard input.

use super::exit::Failure;
use crate::rom::SIGNATURE;
use crate::romset::{self, InputError, MAX_INPUT, MAX_ROM, RomCollector, RomSet};
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
        return read_stream(io::stdin().lock(), 0, "-", "standard input");
    }
    let metadata = fs::metadata(path).map_err(fail)?;
    if metadata.is_dir() {
        return read_directory(path, &label);
    }
    refuse_devices_and_giants(&metadata, &label)?;
    let stream = File::open(path).map_err(fail)?;
    read_stream(stream, metadata.len(), &label, &label)
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
fn refuse_devices_and_giants(metadata: &Metadata, label: &str) -> Result<(), Failure> {
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

/// Reads a stream of at least `size` bytes that is called `label` in reports
/// and `subject` in errors. What is no input is refused by its start.
fn read_stream(
    mut stream: impl Read,
    size: u64,
    label: &str,
    subject: &str,
) -> Result<RomSet, Failure> {
    let fail = |error: io::Error| Failure::file(subject, error);
    let refuse = |error: InputError| Failure::file(subject, error);
    let mut bytes = Vec::new();
    (&mut stream)
        .take(romset::START as u64)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    romset::check_start(label, &bytes, size).map_err(refuse)?;
    bytes.reserve(usize::try_from(size).unwrap_or(0));
    stream
        .take(MAX_INPUT)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(too_large(subject, "it has"));
    }
    romset::read(label, bytes).map_err(refuse)
}

/// The ROMs in a directory and the folders below it. A link to a file in the
/// directory is another name of it, a link to another file stands for that
/// file. Links to folders are not followed: they may lead in circles.
fn read_directory(root: &Path, label: &str) -> Result<RomSet, Failure> {
    let real_root = root
        .canonicalize()
        .map_err(|error| Failure::file(label, error))?;
    let mut collector = RomCollector::default();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let fail = |error: io::Error| Failure::file(folder.display(), error);
        for entry in fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let file = entry.path();
            let inside = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
            let kind = entry.file_type().map_err(fail)?;
            if kind.is_dir() {
                folders.push(file);
            } else if kind.is_file() {
                read_file(&file, &inside, &mut collector)?;
            } else if let Some(target) = file.canonicalize().ok().filter(|t| t.is_file()) {
                match target.strip_prefix(&real_root) {
                    Ok(target) => {
                        let target = format!("/{}", target.to_string_lossy());
                        collector.add_link(&inside, &target);
                    }
                    Err(_) => read_file(&file, &inside, &mut collector)?,
                }
            } else {
                collector.leave_out();
            }
        }
    }
    collector
        .finish(label, None)
        .map_err(|error| Failure::file(label, error))
}

/// Takes a file that stands at `inside` of its directory.
fn read_file(file: &Path, inside: &str, collector: &mut RomCollector) -> Result<(), Failure> {
    let fail = |error: io::Error| Failure::file(file.display(), error);
    let mut stream = File::open(file).map_err(fail)?;
    let size = stream.metadata().map_err(fail)?.len();
    let mut bytes = Vec::new();
    (&mut stream)
        .take(SIGNATURE.len() as u64)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes != SIGNATURE || size > MAX_ROM {
        collector.leave_out();
        return Ok(());
    }
    bytes.reserve(usize::try_from(size).unwrap_or(0));
    stream.take(MAX_ROM).read_to_end(&mut bytes).map_err(fail)?;
    collector
        .add_file(inside, bytes)
        .map_err(|error| Failure::file(file.display(), error))
}
