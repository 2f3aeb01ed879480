//! The definitions of guests, wherever they are.

use super::exit::Failure;
use super::opened;
use super::virsh::Virsh;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A definition, and where it stands.
#[derive(Debug)]
pub struct Definition {
    /// The file, or the guest of a libvirt.
    pub label: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// No more of a file is read: 16 MiB and what shows that it is longer.
const LONGEST: u64 = (16 << 20) + 1;

/// Reads definitions from files, folders and a running libvirt. Of a folder
/// its files that end with `.xml`. Definitions that are to be changed have their
/// secrets in them.
///
/// # Errors
/// A [`Failure`] for what cannot be read.
pub fn read_definitions(
    inputs: &[PathBuf],
    connect: Option<&str>,
    to_change: bool,
) -> Result<Vec<Definition>, Failure> {
    let mut definitions = Vec::new();
    for input in inputs {
        if input.is_dir() {
            for path in files_of(input)? {
                definitions.push(read(&path)?);
            }
        } else {
            definitions.push(read(input)?);
        }
    }
    if let Some(uri) = connect {
        let virsh = Virsh { uri };
        for guest in virsh.guests(to_change)? {
            let bytes = virsh.definition(&guest, to_change)?.into_bytes();
            let label = format!("{uri} {guest}");
            definitions.push(Definition { label, bytes });
        }
    }
    Ok(definitions)
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |error: std::io::Error| Failure::file(folder.display(), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|extension| extension == "xml") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Definition, Failure> {
    let fail = |error: std::io::Error| Failure::file(path.display(), error);
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        return Err(Failure::file(
            path.display(),
            "it is no file; give definitions of guests, or folders of them",
        ));
    }
    let mut bytes = Vec::new();
    let mut file = opened::open(path).map_err(fail)?.take(LONGEST);
    file.read_to_end(&mut bytes).map_err(fail)?;
    Ok(Definition {
        label: path.display().to_string(),
        bytes,
    })
}
