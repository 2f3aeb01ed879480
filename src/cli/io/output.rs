//! Outputs: each file appears whole or not at all.

use crate::cli::exit::Failure;
use crate::cli::io::opened;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// Files that are written together: all are complete on disk before the first
/// one gets its name.
#[derive(Debug)]
pub struct Outputs {
    force: bool,
    again: bool,
    mode: u32,
    ready: Vec<(PathBuf, TempPath)>,
    made: Option<PathBuf>,
}

impl Outputs {
    /// No file yet; `force` allows to overwrite files.
    pub const fn new(force: bool) -> Self {
        Self {
            force,
            again: false,
            mode: 0o666,
            ready: Vec::new(),
            made: None,
        }
    }

    /// Files that only their owner may read.
    pub const fn private(mut self) -> Self {
        self.mode = 0o600;
        self
    }

    /// Files that are there already with the same bytes are no fault.
    pub const fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Makes sure that the folder for what follows is there.
    ///
    /// # Errors
    /// A [`Failure`] that names the folder.
    pub fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        if folder.is_dir() {
            return Ok(());
        }
        if folder.exists() {
            return Err(Failure::file(
                folder.display(),
                "it is there already and no folder; choose another place",
            ));
        }
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder.display(), error))?;
        self.made = Some(folder.to_owned());
        Ok(())
    }

    /// Makes sure that a file may be written in this place.
    ///
    /// # Errors
    /// A [`Failure`] where an input or something else is in its place already,
    /// or its folder cannot be read.
    pub fn check(&self, path: &Path) -> Result<(), Failure> {
        self.is_there(path, || false).map(drop)
    }

    /// Whether a file is in its place already as it is to be.
    fn is_there(&self, path: &Path, is_same: impl Fn() -> bool) -> Result<bool, Failure> {
        let folder = folder_of(path);
        fs::metadata(folder).map_err(|error| Failure::file(folder.display(), error))?;
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Failure::file(path.display(), error)),
            Ok(metadata) if !metadata.is_file() => Err(Failure::file(
                path.display(),
                "it is there already and no regular file; choose another place",
            )),
            Ok(metadata) if opened::is_input(&metadata) => Err(Failure::file(
                path.display(),
                "it is an input, and an input is never written to, with `--force` neither; write to another file or folder, and move it afterwards",
            )),
            Ok(_) if is_same() => Ok(true),
            Ok(_) if !self.force => Err(Failure::file(
                path.display(),
                "it is there already; `--force` overwrites it",
            )),
            Ok(_) => Ok(false),
        }
    }

    /// Writes a file under a temporary name beside its place.
    ///
    /// # Errors
    /// A [`Failure`] where an input or something else is in its place already,
    /// two files would have one place, or it cannot be written.
    pub fn add(&mut self, path: PathBuf, bytes: &[u8]) -> Result<(), Failure> {
        let fail = |error: io::Error| Failure::file(path.display(), error);
        if self.ready.iter().any(|(other, _)| *other == path) {
            return Err(Failure::file(
                path.display(),
                "two outputs would have this name, and only one can have it",
            ));
        }
        let is_same = || self.again && fs::read(&path).is_ok_and(|there| there == bytes);
        if self.is_there(&path, is_same)? {
            return Ok(());
        }
        let folder = folder_of(&path);
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(self.mode);
            options.open(path)
        };
        let mut file = tempfile::Builder::new()
            .prefix(".romcompat-")
            .make_in(folder, open)
            .map_err(|error| Failure::file(folder.display(), error))?;
        file.write_all(bytes)
            .and_then(|()| file.as_file().sync_all())
            .map_err(fail)?;
        self.ready.push((path, file.into_temp_path()));
        Ok(())
    }

    /// Gives every file its name.
    ///
    /// # Errors
    /// A [`Failure`] that names the file.
    pub fn finish(mut self) -> Result<(), Failure> {
        for (path, temporary) in self.ready.drain(..) {
            let persisted = if self.force {
                temporary.persist(&path)
            } else {
                temporary.persist_noclobber(&path)
            };
            persisted.map_err(|error| Failure::file(path.display(), error.error))?;
        }
        self.made = None;
        Ok(())
    }
}

/// The folder in which a file stands.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

impl Drop for Outputs {
    /// Takes away a folder that was made for files that did not come.
    fn drop(&mut self) {
        self.ready.clear();
        if let Some(folder) = &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}
