//! Files as a `.changes`, `.buildinfo` or `.dsc` lists them.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// A file with its size and sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name, without a folder.
    pub name: String,
    /// Its size, in bytes.
    pub size: usize,
    /// MD5, in hex.
    pub md5: String,
    /// SHA-1, in hex.
    pub sha1: String,
    /// SHA-256, in hex.
    pub sha256: String,
}

impl ListedFile {
    /// The sums of a file.
    #[must_use]
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            size: bytes.len(),
            md5: hex(&Md5::digest(bytes)),
            sha1: hex(&Sha1::digest(bytes)),
            sha256: hex(&Sha256::digest(bytes)),
        }
    }
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A field with one line for each file: sum, size and name (Debian Policy
/// 5.6.24).
pub(super) fn checksums<'a>(
    field: &str,
    files: &'a [ListedFile],
    sum: impl Fn(&'a ListedFile) -> &'a str,
) -> String {
    let mut text = format!("{field}:\n");
    for file in files {
        let _ = writeln!(text, " {} {} {}", sum(file), file.size, file.name);
    }
    text
}

/// `Checksums-Sha1` and `Checksums-Sha256`.
pub(super) fn sha_fields(files: &[ListedFile]) -> String {
    let sha1 = checksums("Checksums-Sha1", files, |file| &file.sha1);
    sha1 + &checksums("Checksums-Sha256", files, |file| &file.sha256)
}
