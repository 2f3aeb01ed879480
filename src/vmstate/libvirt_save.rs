//! The save file of libvirt (`virsh save`), src/qemu/qemu_saveimage.h.

use super::StateError;
use crate::compression::Compression;
use std::io::Read;

const MAGIC: &[u8; 16] = b"LibvirtQemudSave";
const PARTIAL: &[u8; 16] = b"LibvirtQemudPart";
/// Length of the header, in bytes.
const HEADER: usize = 92;
/// The newest version of the header.
const VERSION: u32 = 2;

/// How the stream after the XML is compressed (`virQEMUSaveFormat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveCompression {
    /// Not at all.
    Raw,
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// lzop.
    Lzop,
    /// Zstandard.
    Zstd,
    /// Not at all, with pages at fixed places of the file (`mapped-ram`).
    Sparse,
}

impl SaveCompression {
    /// Its name, as `save_image_format` in qemu.conf has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzop => "lzop",
            Self::Zstd => "zstd",
            Self::Sparse => "sparse",
        }
    }

    /// How the data must be compressed; none where it is not.
    #[must_use]
    pub const fn packing(self) -> Option<Compression> {
        match self {
            Self::Raw | Self::Sparse => None,
            Self::Gzip => Some(Compression::Gzip),
            Self::Bzip2 => Some(Compression::Bzip2),
            Self::Xz => Some(Compression::Xz),
            Self::Lzop => Some(Compression::Lzop),
            Self::Zstd => Some(Compression::Zstd),
        }
    }
}

/// The head of a save file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibvirtSave {
    /// How the stream is compressed.
    pub compression: SaveCompression,
    /// The definition of the guest.
    pub xml: String,
    /// Offset of the stream, in bytes.
    pub stream: u64,
}

/// The longest definition that is read, in bytes.
const MAX_XML: u32 = 16 << 20;

/// Whether a file starts as a save file, complete or not.
#[must_use]
pub fn is_libvirt_save(start: &[u8]) -> bool {
    start.starts_with(MAGIC) || start.starts_with(PARTIAL)
}

impl LibvirtSave {
    /// Reads the head of a save file, up to its stream.
    ///
    /// # Errors
    /// [`StateError`] for a file that is cut, incomplete, of a newer version,
    /// or compressed with what is not read here.
    pub fn read(mut file: impl Read) -> Result<Self, StateError> {
        let failed = |source| StateError::Read { offset: 0, source };
        let mut header = [0; HEADER];
        file.read_exact(&mut header).map_err(failed)?;
        if header.starts_with(PARTIAL) {
            return Err(StateError::Incomplete);
        }
        // The numbers are in the byte order of the host that wrote them; a
        // version that seems large is in the other.
        let little = |at: usize| {
            let word = header.get(at..).and_then(|rest| rest.first_chunk::<4>());
            u32::from_le_bytes(word.copied().unwrap_or_default())
        };
        let is_little = (1..=VERSION).contains(&little(16));
        let word = |at| {
            if is_little {
                little(at)
            } else {
                little(at).swap_bytes()
            }
        };
        let version = word(16);
        if !(1..=VERSION).contains(&version) {
            return Err(StateError::Version {
                offset: 16,
                what: "save file",
                found: little(16),
                known: VERSION,
            });
        }
        let length = word(20);
        let no_xml = || StateError::Xml {
            offset: HEADER as u64,
            length,
        };
        if length > MAX_XML {
            return Err(no_xml());
        }
        let mut data = Vec::new();
        let read = file
            .take(length.into())
            .read_to_end(&mut data)
            .map_err(failed)?;
        let end = data.iter().position(|byte| *byte == 0);
        let xml = end.and_then(|end| data.get(..end));
        let xml = xml.filter(|_| read == length as usize).ok_or_else(no_xml)?;
        let xml = String::from_utf8(xml.to_vec()).map_err(|_| no_xml())?;
        Ok(Self {
            compression: compression(word(28))?,
            xml,
            stream: (HEADER as u64).saturating_add(length.into()),
        })
    }
}

fn compression(format: u32) -> Result<SaveCompression, StateError> {
    match format {
        0 => Ok(SaveCompression::Raw),
        1 => Ok(SaveCompression::Gzip),
        2 => Ok(SaveCompression::Bzip2),
        3 => Ok(SaveCompression::Xz),
        4 => Ok(SaveCompression::Lzop),
        5 => Ok(SaveCompression::Zstd),
        6 => Ok(SaveCompression::Sparse),
        other => Err(StateError::Unsupported {
            offset: 28,
            what: format!("in the unknown format {other}"),
        }),
    }
}
