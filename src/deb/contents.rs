//! What a package consists of.

use std::borrow::Cow;

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile<'a> {
    /// Path from the root of the installed system, without a slash before.
    pub path: String,
    /// The content.
    pub bytes: Cow<'a, [u8]>,
    /// Whether it is a program: mode 0755, else 0644.
    pub is_executable: bool,
}

impl<'a> PackageFile<'a> {
    /// A file that is no program.
    pub fn new(path: impl Into<String>, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self {
            path: path.into(),
            bytes: bytes.into(),
            is_executable: false,
        }
    }

    /// A program.
    pub fn program(path: impl Into<String>, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self {
            is_executable: true,
            ..Self::new(path, bytes)
        }
    }
}

/// All that a package consists of. Files belong to root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageContents<'a> {
    /// The text of the control file.
    pub control: String,
    /// The files, in any order.
    pub files: Vec<PackageFile<'a>>,
    /// Seconds since 1970-01-01 UTC: the date of every file.
    pub epoch: u64,
}
