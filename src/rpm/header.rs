//! Lead, signature header and header of an RPM package.

use super::CpioError;
use thiserror::Error;

/// The first bytes of every RPM package.
pub const MAGIC: &[u8] = &[0xed, 0xab, 0xee, 0xdb];

/// Length of the lead, in bytes.
const LEAD: usize = 96;
/// The first bytes of a header, with its version.
const HEADER_MAGIC: &[u8] = &[0x8e, 0xad, 0xe8, 0x01];
/// Length of a header's start: magic, reserved bytes, entries, bytes of data.
const HEADER_START: usize = 16;
/// Length of an entry of a header's index: tag, type, offset and count.
const ENTRY: usize = 16;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
/// The type of an entry that is one text.
const STRING: u32 = 6;

/// An RPM package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rpm<'a> {
    /// Name, and version with release: `ipxe-roms-qemu 20240119-1`.
    pub release: String,
    /// The compressed archive of its files.
    pub payload: &'a [u8],
}

/// Why an RPM package cannot be read.
#[derive(Debug, Error)]
pub enum RpmError {
    /// A header that is none.
    #[error("at {offset:#x} the {which} starts with {found:02x?}, and it must be 8e ad e8 01")]
    Magic {
        /// Offset in the package.
        offset: usize,
        /// Which header.
        which: &'static str,
        /// The bytes that stand there.
        found: Vec<u8>,
    },
    /// A header that is longer than what is left of the file.
    #[error(
        "at {offset:#x} the {which} claims {entries} entries and {data} bytes of data, and {left} bytes are left of the file; fetch it again"
    )]
    Length {
        /// Offset in the package.
        offset: usize,
        /// Which header.
        which: &'static str,
        /// Entries that it claims.
        entries: u32,
        /// Bytes of data that it claims.
        data: u32,
        /// Bytes that are left of the file.
        left: usize,
    },
    /// A header without a text that every package has.
    #[error("the header names no {0} of the package")]
    NoText(&'static str),
    /// An archive that cannot be read.
    #[error(transparent)]
    Cpio(#[from] CpioError),
}

/// A header whose bounds are known to lie in the file.
struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
    end: usize,
}

impl<'a> Rpm<'a> {
    /// Reads the headers of a package.
    ///
    /// # Errors
    /// [`RpmError`] with the offset of what is wrong.
    pub fn read(bytes: &'a [u8]) -> Result<Self, RpmError> {
        let signature = Header::read(bytes, LEAD, "signature header")?;
        let header = Header::read(bytes, signature.end.next_multiple_of(8), "header")?;
        let text = |tag, what| header.text(tag).ok_or(RpmError::NoText(what));
        let name = text(NAME, "name")?;
        let version = text(VERSION, "version")?;
        let release = text(RELEASE, "release")?;
        Ok(Self {
            release: format!("{name} {version}-{release}"),
            payload: bytes.get(header.end..).unwrap_or_default(),
        })
    }
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8], offset: usize, which: &'static str) -> Result<Self, RpmError> {
        let rest = bytes.get(offset..).unwrap_or_default();
        if !rest.starts_with(HEADER_MAGIC) {
            let found = rest.iter().take(HEADER_MAGIC.len()).copied().collect();
            return Err(RpmError::Magic {
                offset,
                which,
                found,
            });
        }
        let entries = be32(rest, 8).unwrap_or(0);
        let data = be32(rest, 12).unwrap_or(0);
        let bounds = || {
            let index_length = usize::try_from(entries).ok()?.checked_mul(ENTRY)?;
            let index_end = HEADER_START.checked_add(index_length)?;
            let end = index_end.checked_add(usize::try_from(data).ok()?)?;
            Some(Self {
                index: rest.get(HEADER_START..index_end)?,
                data: rest.get(index_end..end)?,
                end: offset.checked_add(end)?,
            })
        };
        bounds().ok_or(RpmError::Length {
            offset,
            which,
            entries,
            data,
            left: rest.len(),
        })
    }

    fn text(&self, wanted: u32) -> Option<&'a str> {
        let is_wanted = |entry: &&[u8]| be32(entry, 0) == Some(wanted);
        let entry = self.index.chunks_exact(ENTRY).find(is_wanted)?;
        if be32(entry, 4) != Some(STRING) {
            return None;
        }
        let start = usize::try_from(be32(entry, 8)?).ok()?;
        let text = self.data.get(start..)?.split(|byte| *byte == 0).next()?;
        let is_plain = |text: &&str| text.chars().all(|c| c.is_ascii_graphic());
        std::str::from_utf8(text).ok().filter(is_plain)
    }
}

fn be32(bytes: &[u8], offset: usize) -> Option<u32> {
    let four = bytes.get(offset..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*four))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header with these texts.
    fn header(texts: &[(u32, &str)]) -> Vec<u8> {
        let mut index = Vec::new();
        let mut data = Vec::new();
        for (tag, text) in texts {
            for value in [*tag, STRING, u32::try_from(data.len()).unwrap(), 1] {
                index.extend(value.to_be_bytes());
            }
            data.extend(text.bytes());
            data.push(0);
        }
        let mut header = [HEADER_MAGIC, &[0; 4]].concat();
        header.extend(u32::try_from(texts.len()).unwrap().to_be_bytes());
        header.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        [header, index, data].concat()
    }

    /// A package with this payload.
    pub(crate) fn package(payload: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.resize(LEAD, 0);
        bytes.extend(header(&[(1000, "x")]));
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(header(&[
            (NAME, "ipxe-roms-qemu"),
            (VERSION, "20240119"),
            (RELEASE, "1.fc40"),
        ]));
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn name_version_and_payload_are_found() {
        let bytes = package(b"payload");
        let rpm = Rpm::read(&bytes).unwrap();
        assert_eq!(rpm.release, "ipxe-roms-qemu 20240119-1.fc40");
        assert_eq!(rpm.payload, b"payload");
    }

    #[test]
    fn a_package_that_is_cut_anywhere_is_refused_or_has_less_payload() {
        let bytes = package(b"");
        for length in 4..bytes.len() {
            assert!(Rpm::read(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_header_that_claims_more_than_the_file_has_is_refused() {
        let mut bytes = package(b"");
        bytes[LEAD + 8..LEAD + 16].fill(0xff);
        let error = Rpm::read(&bytes).unwrap_err().to_string();
        assert!(
            error.contains("at 0x60 the signature header claims 4294967295 entries"),
            "{error}"
        );
        bytes[LEAD] = 0;
        let error = Rpm::read(&bytes).unwrap_err().to_string();
        assert!(error.contains("starts with [00, ad, e8, 01]"), "{error}");
    }
}
