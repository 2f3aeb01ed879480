//! Files that were opened to be read, so that no output takes their place.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A file's device and inode, which all its names share.
type Identity = (u64, u64);

/// The inputs of a run, from whatever option or folder they came: readers fill
/// it, also side by side, and outputs are checked against it.
#[derive(Debug, Default)]
pub struct Inputs(Mutex<HashSet<Identity>>);

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

impl Inputs {
    /// Opens an input.
    ///
    /// # Errors
    /// As [`File::open`].
    pub fn open(&self, path: &Path) -> io::Result<File> {
        let file = File::open(path)?;
        self.take(&file.metadata()?);
        Ok(file)
    }

    /// Reads an input whole.
    ///
    /// # Errors
    /// As [`std::fs::read`].
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads an input that is a text.
    ///
    /// # Errors
    /// As [`std::fs::read_to_string`].
    pub fn read_to_string(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        self.open(path)?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Notes a file that is open already as an input.
    pub fn take(&self, metadata: &Metadata) {
        let mut inputs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.insert(identity(metadata));
    }

    /// Whether a file was an input, by this or another name.
    pub fn has(&self, metadata: &Metadata) -> bool {
        let inputs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.contains(&identity(metadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_known_by_each_of_its_names_and_in_no_other_run() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&path, "a").unwrap();
        std::fs::hard_link(&path, &other).unwrap();
        let inputs = Inputs::default();
        let metadata = std::fs::metadata(&other).unwrap();
        assert!(!inputs.has(&metadata));
        assert_eq!(inputs.read(&path).unwrap(), b"a");
        assert!(inputs.has(&metadata));
        assert!(!Inputs::default().has(&metadata));
    }
}
