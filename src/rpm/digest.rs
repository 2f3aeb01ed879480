//! The digests that a package carries, each compared with what it is of.

use md5::Md5;
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_256, Sha3_512};
use std::fmt;
use std::io::{self, Read};
use thiserror::Error;

/// How a digest is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha3_256,
    Sha3_512,
}

impl Algorithm {
    /// By its number in headers (RFC 9580, section 9.5).
    pub(super) const fn numbered(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::Md5,
            2 => Self::Sha1,
            8 => Self::Sha256,
            9 => Self::Sha384,
            10 => Self::Sha512,
            11 => Self::Sha224,
            12 => Self::Sha3_256,
            14 => Self::Sha3_512,
            _ => return None,
        })
    }

    fn hasher(self) -> Box<dyn DynDigest> {
        match self {
            Self::Md5 => Box::<Md5>::default(),
            Self::Sha1 => Box::<Sha1>::default(),
            Self::Sha224 => Box::<Sha224>::default(),
            Self::Sha256 => Box::<Sha256>::default(),
            Self::Sha384 => Box::<Sha384>::default(),
            Self::Sha512 => Box::<Sha512>::default(),
            Self::Sha3_256 => Box::<Sha3_256>::default(),
            Self::Sha3_512 => Box::<Sha3_512>::default(),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_512 => "SHA3-512",
        })
    }
}

/// A part of a package that is not the one that was packed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the {algorithm} of {what} is {found}, and it must be {required}; the package is damaged, fetch it again"
)]
pub struct DigestError {
    /// How the digest is made.
    algorithm: Algorithm,
    /// What was summed, with its place.
    what: String,
    /// Its digest, in hex.
    found: String,
    /// The digest that the package says, in hex.
    required: String,
}

/// A digest that a package says, and that of what was read so far.
pub(super) struct Expected {
    algorithm: Algorithm,
    what: String,
    required: String,
    hasher: Box<dyn DynDigest>,
}

impl Expected {
    /// A digest in hex, of what is named for people.
    pub(super) fn new(algorithm: Algorithm, required: &[u8], what: &str) -> Self {
        Self {
            algorithm,
            what: what.to_owned(),
            required: String::from_utf8_lossy(required).to_lowercase(),
            hasher: algorithm.hasher(),
        }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// Compares it with all that was added.
    pub(super) fn check(self) -> Result<(), DigestError> {
        let found = hex(&self.hasher.finalize());
        if found == self.required {
            return Ok(());
        }
        Err(DigestError {
            algorithm: self.algorithm,
            what: self.what,
            found,
            required: self.required.chars().take(128).collect(),
        })
    }
}

/// Bytes as lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A stream that is summed as it goes by.
pub(super) struct Summed<R> {
    stream: R,
    sums: Vec<Expected>,
}

impl<R: Read> Summed<R> {
    pub(super) fn new(stream: R, sums: Vec<Expected>) -> Self {
        Self { stream, sums }
    }

    /// Reads what is left, and compares all sums.
    pub(super) fn finish(mut self) -> io::Result<Result<(), DigestError>> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.sums.into_iter().try_for_each(Expected::check))
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        self.sums.iter_mut().for_each(|sum| sum.add(read));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_gives_the_digest_that_coreutils_and_openssl_give() {
        for (number, required) in [
            (1, "900150983cd24fb0d6963f7d28e17f72"),
            (2, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                11,
                "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
            ),
            (
                8,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                12,
                "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
            ),
        ] {
            let algorithm = Algorithm::numbered(number).unwrap();
            let sum = |text: &str| Expected::new(algorithm, text.as_bytes(), "it");
            let stream = |sum| Summed::new(&b"abc"[..], vec![sum]);
            assert_eq!(stream(sum(required)).finish().unwrap(), Ok(()));
            assert_eq!(
                stream(sum(&required.to_uppercase())).finish().unwrap(),
                Ok(())
            );
            let error = stream(sum("00")).finish().unwrap().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "the {algorithm} of it is {required}, and it must be 00; the package is damaged, fetch it again"
                )
            );
        }
        for (number, length) in [(9, 96), (10, 128), (14, 128)] {
            let algorithm = Algorithm::numbered(number).unwrap();
            let error = Expected::new(algorithm, b"", "it").check().unwrap_err();
            assert_eq!(error.found.len(), length, "{algorithm}");
        }
        assert_eq!(Algorithm::numbered(3), None);
    }
}
