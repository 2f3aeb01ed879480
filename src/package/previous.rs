//! The compat package that a new one takes the place of.

use super::installed::{InstalledError, InstalledPackage};
use crate::compression::Decoder;
use crate::deb::changelog::{ChangelogError, newest_date};
use crate::deb::tar_entries::Entry;
use crate::deb::version::compare;
use crate::deb::{BinaryPackage, DebError, VisitError};
use crate::plan::Manifest;
use std::cmp::Ordering;
use std::io::{self, BufReader, Read};
use thiserror::Error;

/// What is known of the package before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// Its name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its changelog.
    pub changelog: String,
    /// The date of its newest changelog entry, in seconds since 1970-01-01 UTC.
    pub epoch: u64,
    /// Its news, if it has any.
    pub news: Option<String>,
    /// Its ROMs, and which devices load them.
    manifest: Manifest,
}

/// Why a package is not the one before.
#[derive(Debug, Error)]
pub enum PreviousError {
    /// It cannot be read.
    #[error(transparent)]
    Package(#[from] DebError),
    /// It is no compat package.
    #[error(transparent)]
    Installed(#[from] InstalledError),
    /// Its changelog or news cannot be read.
    #[error("{path}: {source}")]
    Text {
        /// The path in the package.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It has no changelog.
    #[error("it has no {0}")]
    NoChangelog(String),
    /// The new version would not replace it.
    #[error(
        "it has version {previous}, and {version} does not sort after it; give a larger `--package-version`"
    )]
    Version {
        /// Its version.
        previous: String,
        /// That of the new package.
        version: String,
    },
    /// Its newest changelog entry is no older than the new one would be.
    #[error(
        "its newest changelog entry is no older than the package would be; set SOURCE_DATE_EPOCH to more than {0}"
    )]
    Younger(u64),
    /// Its changelog has no date.
    #[error("its changelog: {0}")]
    Date(#[from] ChangelogError),
}

/// The longest changelog that is read, in bytes: 16 MiB.
const LONGEST_TEXT: u64 = 16 << 20;

/// A text that is packed with gzip, to its end.
fn unpack(packed: &mut dyn Read) -> io::Result<String> {
    let mut decoder = Decoder::of_stream(BufReader::new(packed), LONGEST_TEXT)?;
    let mut text = String::new();
    decoder.read_to_string(&mut text)?;
    decoder.finish()?;
    Ok(text)
}

impl Previous {
    /// Reads a package that `build` made.
    ///
    /// # Errors
    /// [`PreviousError`] for any other package.
    pub fn of_package(bytes: &[u8]) -> Result<Self, PreviousError> {
        let package = BinaryPackage::read(bytes)?;
        let name = package.control().package().to_owned();
        let documents = format!("usr/share/doc/{name}");
        let changelog_path = format!("{documents}/changelog.Debian.gz");
        let news_path = format!("{documents}/NEWS.Debian.gz");
        let (mut changelog, mut news) = (None, None);
        let visit = |entry: &Entry, content: &mut dyn Read| {
            let text = match &entry.path {
                path if *path == changelog_path => &mut changelog,
                path if *path == news_path => &mut news,
                _ => return Ok(()),
            };
            let unpacked = unpack(content).map_err(|source| PreviousError::Text {
                path: entry.path.clone(),
                source,
            })?;
            *text = Some(unpacked);
            Ok(())
        };
        package
            .for_each_entry(visit)
            .map_err(|error: VisitError<PreviousError>| match error {
                VisitError::Deb(error) => error.into(),
                VisitError::Visitor(error) => error,
            })?;
        let changelog: String = changelog.ok_or(PreviousError::NoChangelog(changelog_path))?;
        Ok(Self {
            epoch: newest_date(changelog.as_bytes())?,
            version: package.control().version().to_owned(),
            package: name,
            changelog,
            news,
            manifest: InstalledPackage::read(bytes)?.manifest,
        })
    }

    /// Whether it has this name.
    #[must_use]
    pub fn is_called(&self, package: &str) -> bool {
        self.package == package
    }

    /// Checks that a package of this version and date comes after it.
    ///
    /// # Errors
    /// [`PreviousError::Version`] and [`PreviousError::Younger`].
    pub fn comes_before(&self, version: &str, epoch: u64) -> Result<(), PreviousError> {
        if compare(&self.version, version) != Ordering::Less {
            return Err(PreviousError::Version {
                previous: self.version.clone(),
                version: version.to_owned(),
            });
        }
        if epoch <= self.epoch {
            return Err(PreviousError::Younger(self.epoch));
        }
        Ok(())
    }

    /// Whether guests that were told the ROMs of this package must be told
    /// others.
    pub(super) fn maps_differently(&self, manifest: &Manifest) -> bool {
        !self.manifest.tells_the_same(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::with_plan;
    use std::io::Write as _;

    #[test]
    fn a_package_comes_after_the_one_before_by_its_version_and_its_date() {
        with_plan(&[("efi-pcnet.rom", 512)], |plan| {
            let previous = Previous {
                package: "aa".to_owned(),
                version: "1.0-1".to_owned(),
                changelog: String::new(),
                epoch: 100,
                news: None,
                manifest: Manifest::of(plan, "aa 1"),
            };
            let refused = |version, epoch| previous.comes_before(version, epoch).unwrap_err();
            assert!(previous.comes_before("1.0-2", 101).is_ok());
            for version in ["1.0-1", "1.0-1~1"] {
                let error = refused(version, 101);
                assert!(matches!(error, PreviousError::Version { .. }), "{error}");
            }
            for epoch in [99, 100] {
                let error = refused("1.0-2", epoch);
                assert!(matches!(error, PreviousError::Younger(100)), "{error}");
            }
        });
    }

    #[test]
    fn a_text_of_the_largest_size_is_unpacked_and_no_longer_one() {
        let packed = |length: u64| {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let text = vec![b'x'; usize::try_from(length).unwrap()];
            encoder.write_all(&text).unwrap();
            encoder.finish().unwrap()
        };
        let unpacked = |packed: &[u8]| unpack(&mut &*packed);
        let longest = unpacked(&packed(LONGEST_TEXT)).unwrap();
        assert_eq!(longest.len() as u64, LONGEST_TEXT);
        let error = unpacked(&packed(LONGEST_TEXT + 1)).unwrap_err().to_string();
        assert!(
            error.starts_with("it unpacks to more than 16 MiB"),
            "{error}"
        );
        let mut damaged = packed(9);
        let crc = damaged.len() - 8;
        damaged[crc] ^= 1;
        assert!(unpacked(&damaged).is_err());
    }
}
