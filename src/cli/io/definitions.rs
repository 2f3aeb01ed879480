//! The definitions of guests, wherever they are.

use crate::cli::exit::Failure;
use crate::cli::io::opened::Inputs;
use crate::cli::io::virsh::Virsh;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A definition, and where it stands.
#[derive(Debug)]
pub struct Definition {
    /// The file, or the guest of a libvirt.
    pub label: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether a libvirt gave it.
    pub is_of_libvirt: bool,
    /// Whether the guest runs, as its libvirt said.
    pub is_running: bool,
}

/// Definitions, and guests of a libvirt that were gone before theirs was read.
#[derive(Debug, Default)]
pub struct Definitions {
    /// The definitions.
    pub read: Vec<Definition>,
    /// Names of the guests that are gone.
    pub vanished: Vec<String>,
}

/// No more of a file is read: 16 MiB and what shows that it is longer.
const LONGEST: u64 = (16 << 20) + 1;

/// Reads definitions from files, folders, standard input (`-`) and a running
/// libvirt. Of a folder its files that end with `.xml`. Definitions that are to be changed have their
/// secrets in them.
///
/// # Errors
/// A [`Failure`] for what cannot be read.
pub fn read_definitions(
    inputs: &[PathBuf],
    connect: Option<&str>,
    to_change: bool,
    opened: &Inputs,
) -> Result<Definitions, Failure> {
    let mut definitions = Definitions::default();
    for input in inputs {
        if input.as_os_str() == "-" {
            definitions
                .read
                .push(read_stream("standard input", io::stdin().lock())?);
        } else if input.is_dir() {
            for path in files_of(input)? {
                definitions.read.push(read(&path, opened)?);
            }
        } else {
            definitions.read.push(read(input, opened)?);
        }
    }
    if let Some(uri) = connect {
        of_libvirt(uri, to_change, &mut definitions)?;
    }
    Ok(definitions)
}

fn of_libvirt(uri: &str, to_change: bool, definitions: &mut Definitions) -> Result<(), Failure> {
    let virsh = Virsh { uri };
    let guests = virsh.guests(to_change)?;
    let running = virsh.running()?;
    for guest in guests {
        let text = match virsh.definition(&guest, to_change) {
            Ok(text) => text,
            Err(_) if !virsh.guests(to_change)?.contains(&guest) => {
                definitions.vanished.push(guest);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        definitions.read.push(Definition {
            label: format!("{uri} {guest}"),
            bytes: text.into_bytes(),
            is_of_libvirt: true,
            is_running: running.contains(&guest),
        });
    }
    Ok(())
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
    if files.is_empty() {
        return Err(Failure::file(
            folder.display(),
            "it has no definition of a guest, no file that ends with `.xml`",
        ));
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path, opened: &Inputs) -> Result<Definition, Failure> {
    let fail = |error: std::io::Error| Failure::file(path.display(), error);
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        return Err(Failure::file(
            path.display(),
            "it is no file; give definitions of guests, or folders of them",
        ));
    }
    let label = path.display().to_string();
    read_stream(&label, opened.open(path).map_err(fail)?)
}

fn read_stream(label: &str, stream: impl Read) -> Result<Definition, Failure> {
    let mut bytes = Vec::new();
    stream
        .take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::file(label, error))?;
    Ok(Definition {
        label: label.to_owned(),
        bytes,
        is_of_libvirt: false,
        is_running: false,
    })
}
