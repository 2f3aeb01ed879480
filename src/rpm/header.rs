//! Lead, signature header and header of an RPM package.

use super::RpmError;
use sha2::{Digest, Sha256};

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
/// SHA-256 of the compressed payload, in hex (`RPMTAG_PAYLOADSHA256`, once
/// `RPMTAG_PAYLOADDIGEST`).
const PAYLOAD_SHA256: u32 = 5092;
/// Which digest that is (`RPMTAG_PAYLOADSHA256ALGO`).
const PAYLOAD_DIGEST: u32 = 5093;
/// SHA-256 in that tag (RFC 9580, section 9.5).
const SHA256: u32 = 8;
/// SHA-256 of the header, in the signature header (`RPMSIGTAG_SHA256`).
const HEADER_SHA256: u32 = 273;
/// Types of entries: numbers of 32 bits, a text, and several texts.
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;

/// An RPM package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rpm<'a> {
    /// Name, and version with release: `ipxe-roms-qemu 20240119-1`.
    pub release: String,
    /// The compressed archive of its files.
    pub payload: &'a [u8],
}

/// A header whose bounds are known to lie in the file.
struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
    end: usize,
}

impl<'a> Rpm<'a> {
    /// Reads the headers of a package, and checks header and payload by the
    /// SHA-256 that rpm writes since 4.14.
    ///
    /// # Errors
    /// [`RpmError`] with the offset of what is wrong.
    pub fn read(bytes: &'a [u8]) -> Result<Self, RpmError> {
        let signature = Header::read(bytes, LEAD, "signature header")?;
        let start = signature.end.next_multiple_of(8);
        let header = Header::read(bytes, start, "header")?;
        let head = bytes.get(start..header.end).unwrap_or_default();
        check(signature.text(HEADER_SHA256), head, start, "header")?;
        let payload = bytes.get(header.end..).unwrap_or_default();
        if header.number(PAYLOAD_DIGEST) == Some(SHA256) {
            let required = header.text(PAYLOAD_SHA256);
            check(required, payload, header.end, "payload")?;
        }
        let text = |tag, what| header.text(tag).ok_or(RpmError::NoText(what));
        let name = text(NAME, "name")?;
        let version = text(VERSION, "version")?;
        let release = text(RELEASE, "release")?;
        Ok(Self {
            release: format!("{name} {version}-{release}"),
            payload,
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

    /// The data of an entry of one of these types, and what follows it.
    fn data(&self, wanted: u32, types: &[u32]) -> Option<&'a [u8]> {
        let is_wanted = |entry: &&[u8]| be32(entry, 0) == Some(wanted);
        let entry = self.index.chunks_exact(ENTRY).find(is_wanted)?;
        types.contains(&be32(entry, 4)?).then_some(())?;
        self.data.get(usize::try_from(be32(entry, 8)?).ok()?..)
    }

    fn number(&self, wanted: u32) -> Option<u32> {
        be32(self.data(wanted, &[INT32])?, 0)
    }

    /// A text, the first one of several.
    fn text(&self, wanted: u32) -> Option<&'a str> {
        let data = self.data(wanted, &[STRING, STRING_ARRAY])?;
        let text = data.split(|byte| *byte == 0).next()?;
        let is_plain = |text: &&str| text.chars().all(|c| c.is_ascii_graphic());
        std::str::from_utf8(text).ok().filter(is_plain)
    }
}

/// Compares the SHA-256 of what stands at `offset` with the one that is
/// required, if any is.
fn check(
    required: Option<&str>,
    bytes: &[u8],
    offset: usize,
    which: &'static str,
) -> Result<(), RpmError> {
    let Some(required) = required else {
        return Ok(());
    };
    let digest = Sha256::digest(bytes);
    let found: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let found = found.concat();
    if found.eq_ignore_ascii_case(required) {
        return Ok(());
    }
    Err(RpmError::Digest {
        offset,
        which,
        found,
        required: required.to_owned(),
    })
}

fn be32(bytes: &[u8], offset: usize) -> Option<u32> {
    let four = bytes.get(offset..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*four))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header with entries of these tags, types and bytes.
    fn header_of(entries: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
        let mut index = Vec::new();
        let mut data = Vec::new();
        for (tag, kind, bytes) in entries {
            for value in [*tag, *kind, u32::try_from(data.len()).unwrap(), 1] {
                index.extend(value.to_be_bytes());
            }
            data.extend(bytes);
        }
        let mut header = [HEADER_MAGIC, &[0; 4]].concat();
        header.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
        header.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        [header, index, data].concat()
    }

    fn text((tag, text): &(u32, &str)) -> (u32, u32, Vec<u8>) {
        (*tag, STRING, [text.as_bytes(), &[0]].concat())
    }

    /// A header with these texts.
    fn header(texts: &[(u32, &str)]) -> Vec<u8> {
        header_of(&texts.iter().map(text).collect::<Vec<_>>())
    }

    const TEXTS: [(u32, &str); 3] = [
        (NAME, "ipxe-roms-qemu"),
        (VERSION, "20240119"),
        (RELEASE, "1.fc40"),
    ];

    /// A package with this payload.
    pub(crate) fn package(payload: &[u8]) -> Vec<u8> {
        joined(&header(&[(1000, "x")]), &header(&TEXTS), payload)
    }

    fn joined(signature: &[u8], header: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.resize(LEAD, 0);
        bytes.extend(signature);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        [&bytes, header, payload].concat()
    }

    fn sha256(bytes: &[u8]) -> String {
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
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
    fn a_payload_and_a_header_are_what_was_packed() {
        let payload_sum = sha256(b"payload");
        let main_with = |digest: u32| {
            let mut entries: Vec<_> = TEXTS.iter().map(text).collect();
            entries.push((PAYLOAD_DIGEST, INT32, digest.to_be_bytes().to_vec()));
            let (tag, _, sum) = text(&(PAYLOAD_SHA256, &payload_sum));
            entries.push((tag, STRING_ARRAY, sum));
            header_of(&entries)
        };
        let main = main_with(SHA256);
        let signature = header(&[(HEADER_SHA256, &sha256(&main))]);
        let good = joined(&signature, &main, b"payload");
        assert_eq!(Rpm::read(&good).unwrap().payload, b"payload");

        let error = Rpm::read(&joined(&signature, &main, b"paxload")).unwrap_err();
        let at = good.len() - 7;
        let found = sha256(b"paxload");
        assert_eq!(
            error.to_string(),
            format!(
                "the SHA-256 of the payload at {at:#x} is {found}, and it must be {payload_sum}; the package is damaged, fetch it again"
            )
        );
        let mut renamed = good;
        let name = renamed.windows(4).position(|word| word == b"ipxe").unwrap();
        renamed[name] = b'x';
        let error = Rpm::read(&renamed).unwrap_err().to_string();
        assert!(error.contains("the SHA-256 of the header at "), "{error}");
        // Digests of another kind are not checked.
        let other = joined(&header(&[(1000, "x")]), &main_with(10), b"paxload");
        assert!(Rpm::read(&other).is_ok());
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
