//! An RPM package: what it says of itself, its digests, and its archive.

use super::archive::{self, File};
use super::digest::{Algorithm, Expected, Summed};
use super::error::RpmError;
use super::files::Files;
use super::header::{Header, MAX_ENTRIES, MAX_SIGNATURE_ENTRIES, Which};
use std::io::Read;

/// The first bytes of every RPM package.
pub const MAGIC: &[u8] = &[0xed, 0xab, 0xee, 0xdb];
/// Length of the lead, in bytes.
const LEAD: usize = 96;

// Tags of the signature header.
const SIGNATURE_REGION: u32 = 62;
const HEADER_SHA1: u32 = 269;
const HEADER_SHA256: u32 = 273;
const HEADER_SHA3_256: u32 = 279;
/// MD5 of header and payload, as bytes.
const WHOLE_MD5: u32 = 1004;

// Tags of the header.
const HEADER_REGION: u32 = 63;
const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const REQUIRES: u32 = 1049;
/// Which digest `PAYLOAD_DIGESTS` has first, and of what: compressed or not.
const PAYLOAD_ALGORITHM: u32 = 5093;
const PAYLOAD_DIGESTS: [(u32, u32, Option<Algorithm>); 3] = [
    (5092, 5097, None),
    (5121, 5122, Some(Algorithm::Sha512)),
    (5123, 5124, Some(Algorithm::Sha3_256)),
];

/// An RPM package whose headers and compressed archive have the digests that
/// they say.
#[derive(Debug)]
pub struct Rpm<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its epoch, if it has one.
    pub epoch: Option<u64>,
    /// Its version, without epoch and release.
    pub version: &'a str,
    /// Its release.
    pub release: &'a str,
    /// What it requires: packages by their names, and files by their paths.
    pub requires: Vec<String>,
    /// The compressed archive of its files.
    pub payload: &'a [u8],
    files: Files<'a>,
    unpacked: Vec<(Algorithm, &'a [u8])>,
}

/// More names than this are not kept of what a package requires.
const MAX_REQUIRES: usize = 10_000;

impl<'a> Rpm<'a> {
    /// Reads the headers of a package, and compares every digest of them and of
    /// the compressed archive.
    ///
    /// # Errors
    /// [`RpmError`] with the offset of what is wrong.
    pub fn read(bytes: &'a [u8]) -> Result<Self, RpmError> {
        if !bytes.starts_with(MAGIC) {
            return Err(RpmError::Magic);
        }
        let which = Which {
            name: "signature header",
            limit: MAX_SIGNATURE_ENTRIES,
            region: SIGNATURE_REGION,
        };
        let signature = Header::read(bytes, LEAD, which)?;
        let start = signature.end.next_multiple_of(8);
        let which = Which {
            name: "header",
            limit: MAX_ENTRIES,
            region: HEADER_REGION,
        };
        let header = Header::read(bytes, start, which)?;
        let payload = bytes.get(header.end..).unwrap_or_default();
        let sums = sums_of(&signature, &header, start);
        for (mut sum, part) in sums {
            let (from, to) = match part {
                Part::Header => (start, header.end),
                Part::Payload => (header.end, bytes.len()),
                Part::Whole => (start, bytes.len()),
            };
            sum.add(bytes.get(from..to).unwrap_or_default());
            sum.check()?;
        }
        let text = |tag, what| {
            let text = header.text(tag, what)?.filter(|text| !text.is_empty());
            text.ok_or(RpmError::NoText(what))
        };
        Ok(Self {
            name: text(NAME, "name")?,
            version: text(VERSION, "version")?,
            release: text(RELEASE, "release")?,
            epoch: header.number(EPOCH),
            requires: requires(&header),
            payload,
            files: Files::of(&header)?,
            unpacked: payload_digests(&header, |(_, unpacked, _)| unpacked),
        })
    }

    /// Name, and version with release: `ipxe-roms-qemu 20240119-1`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}-{}", self.name, self.version, self.release)
    }

    /// Hands each file of the unpacked archive to `visit`, with its content as a
    /// stream, and compares the digests of each and of the archive, which is
    /// read to its end.
    ///
    /// # Errors
    /// [`RpmError`], as `E`, and whatever `visit` fails with.
    pub fn for_each_file<E: From<RpmError>>(
        &self,
        archive: impl Read,
        visit: impl FnMut(&File, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let sum = |(algorithm, required): &(Algorithm, &[u8])| {
            Expected::new(*algorithm, required, "the unpacked archive of its files")
        };
        let mut archive = Summed::new(archive, self.unpacked.iter().map(sum).collect());
        archive::for_each_file(&mut archive, &self.files, visit)?;
        let digests = archive.finish().map_err(RpmError::Unpack)?;
        digests.map_err(|error| RpmError::from(error).into())
    }
}

/// A part of a package that has a digest.
#[derive(Clone, Copy)]
enum Part {
    Header,
    Payload,
    Whole,
}

/// Every digest of the headers, with what it is of.
fn sums_of(signature: &Header<'_>, header: &Header<'_>, start: usize) -> Vec<(Expected, Part)> {
    let of_header = format!("the header at {start:#x}");
    let of_payload = format!("the payload at {:#x}", header.end);
    let mut sums = Vec::new();
    for (tag, algorithm) in [
        (HEADER_SHA1, Algorithm::Sha1),
        (HEADER_SHA256, Algorithm::Sha256),
        (HEADER_SHA3_256, Algorithm::Sha3_256),
    ] {
        if let Some(required) = signature.texts(tag).next() {
            sums.push((Expected::new(algorithm, required, &of_header), Part::Header));
        }
    }
    for (algorithm, required) in payload_digests(header, |(packed, ..)| packed) {
        sums.push((
            Expected::new(algorithm, required, &of_payload),
            Part::Payload,
        ));
    }
    if let Some(required) = signature.binary(WHOLE_MD5) {
        let required = super::digest::hex(required);
        let what = format!("the header and payload at {start:#x}");
        let sum = Expected::new(Algorithm::Md5, required.as_bytes(), &what);
        sums.push((sum, Part::Whole));
    }
    sums
}

/// The digests of the payload, compressed or not.
fn payload_digests<'a>(
    header: &Header<'a>,
    tag: impl Fn((u32, u32, Option<Algorithm>)) -> u32,
) -> Vec<(Algorithm, &'a [u8])> {
    // Packages before format 6 name the algorithm of the first one.
    let named = header.number(PAYLOAD_ALGORITHM);
    let first = match named {
        Some(number) => Algorithm::numbered(number),
        None => Some(Algorithm::Sha256),
    };
    let digests = PAYLOAD_DIGESTS.into_iter().filter_map(|digest| {
        let algorithm = digest.2.or(first)?;
        Some((algorithm, header.texts(tag(digest)).next()?))
    });
    digests.collect()
}

/// What a package requires of other packages: no features of rpm, and no
/// symbols of libraries.
fn requires(header: &Header<'_>) -> Vec<String> {
    let is_plain = |name: &&str| {
        let is_allowed = |c: char| c.is_ascii_graphic() && c != '(' && c != ')';
        !name.is_empty() && name.chars().all(is_allowed)
    };
    let names = header.texts(REQUIRES).take(MAX_REQUIRES);
    let names = names.filter_map(|name| std::str::from_utf8(name).ok());
    let mut names: Vec<String> = names.filter(is_plain).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
pub(super) mod tests;
