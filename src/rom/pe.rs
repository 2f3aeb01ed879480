//! The PE executable inside an EFI image. The only file that uses goblin.
//!
//! goblin reads only what is reported here: the headers, the section table
//! and the debug directory. The rest of a PE (exports, imports, relocations,
//! resources) says nothing about an option ROM, and reading it costs memory
//! that the file decides about.

use super::{EfiMachine, EfiSubsystem};
use crate::bytes::{OutOfBounds, array_at, le32};
use goblin::pe::certificate_table::{AttributeCertificate, AttributeCertificateType};
use goblin::pe::data_directories::DataDirectory;
use goblin::pe::debug::DebugData;
use goblin::pe::header::{Header, PE_MAGIC};
use goblin::pe::options::{ParseMode, ParseOptions};
use goblin::pe::section_table::SectionTable;
use thiserror::Error;

/// Windows' own loader refuses more sections than this.
const MAX_SECTIONS: u16 = 96;

/// Facts of a PE executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeExecutable {
    /// Machine that the code is for.
    pub machine: EfiMachine,
    /// What kind of EFI executable it is.
    pub subsystem: EfiSubsystem,
    /// Address of the entry point, relative to the image base.
    pub entry_point: u32,
    /// Its sections, in order.
    pub sections: Vec<PeSection>,
    /// Path of the file with its debug information.
    pub debug_path: Option<String>,
    /// Whether it carries an Authenticode signature. Whether that is valid is
    /// not checked.
    pub is_signed: bool,
    /// Its size as the headers tell it, in bytes: to the end of its headers,
    /// sections and certificates.
    pub size: usize,
}

/// A section of a PE executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeSection {
    /// Its name, such as `.text`.
    pub name: String,
    /// Offset of its data in the file, in bytes.
    pub offset: u32,
    /// Size of its data in the file, in bytes.
    pub size: u32,
    /// Its size in memory, in bytes.
    pub virtual_size: u32,
}

/// Why bytes are no PE executable that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PeError {
    /// A header that does not fit.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// Other first bytes than `MZ`.
    #[error("\"{}\" stands where a PE executable starts with \"MZ\"", .0.escape_ascii())]
    NoDosHeader([u8; 2]),
    /// Another signature where the DOS header points.
    #[error("{found:#010x} stands at offset {at:#x}, where the PE signature 0x00004550 should be")]
    NoPeSignature {
        /// Where it should stand.
        at: usize,
        /// What stands there.
        found: u32,
    },
    /// No optional header, which every executable has.
    #[error("the PE has no optional header: it is an object file, and no executable")]
    NoOptionalHeader,
    /// More sections than any loader takes.
    #[error("the PE says that it has {0} sections, and loaders take {MAX_SECTIONS}")]
    TooManySections(u16),
    /// What goblin could not read, in goblin's words.
    #[error("the PE headers cannot be read: {0}")]
    Unreadable(String),
}

impl From<goblin::error::Error> for PeError {
    fn from(error: goblin::error::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl PeExecutable {
    /// Reads the facts of a PE executable.
    ///
    /// # Errors
    /// [`PeError`] when the headers or the section table cannot be read. A
    /// debug directory or a certificate table that cannot be read is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, PeError> {
        let dos: &[u8; 0x40] = array_at(bytes, 0, "DOS header")?;
        if !dos.starts_with(b"MZ") {
            let [first, second, ..] = *dos;
            return Err(PeError::NoDosHeader([first, second]));
        }
        let at = usize::try_from(le32::<0x3c, _>(dos)).unwrap_or(usize::MAX);
        let coff: &[u8; 24] = array_at(bytes, at, "PE header")?;
        let found = le32::<0, _>(coff);
        if found != PE_MAGIC {
            return Err(PeError::NoPeSignature { at, found });
        }
        let header = Header::parse_without_dos(bytes.get(at..).unwrap_or_default())?;
        let optional = header.optional_header.ok_or(PeError::NoOptionalHeader)?;
        let sections_at = at
            .saturating_add(coff.len())
            .saturating_add(usize::from(header.coff_header.size_of_optional_header));
        let sections = section_tables(bytes, sections_at, header.coff_header.number_of_sections)?;
        let directories = &optional.data_directories;
        let certificates = directories.get_certificate_table().copied();
        let debug_path = directories.get_debug_table().and_then(|table| {
            debug_path(
                bytes,
                *table,
                &sections,
                optional.windows_fields.file_alignment,
            )
        });
        let sections: Vec<_> = sections.iter().map(PeSection::of).collect();
        let ends = sections
            .iter()
            .map(|section| (section.offset, section.size))
            .chain(certificates.map(|table| (table.virtual_address, table.size)))
            .map(|(offset, size)| u64::from(offset).saturating_add(u64::from(size)))
            .chain([u64::from(optional.windows_fields.size_of_headers)]);
        Ok(Self {
            machine: EfiMachine(header.coff_header.machine),
            subsystem: EfiSubsystem(optional.windows_fields.subsystem),
            entry_point: optional.standard_fields.address_of_entry_point,
            debug_path,
            is_signed: certificates.is_some_and(|table| is_signed(bytes, table)),
            size: ends
                .max()
                .map_or(0, |end| usize::try_from(end).unwrap_or(usize::MAX)),
            sections,
        })
    }
}

impl PeSection {
    fn of(table: &SectionTable) -> Self {
        let name = table.name.split(|byte| *byte == 0).next();
        Self {
            name: name.unwrap_or_default().escape_ascii().to_string(),
            offset: table.pointer_to_raw_data,
            size: table.size_of_raw_data,
            virtual_size: table.virtual_size,
        }
    }
}

fn section_tables(bytes: &[u8], mut at: usize, count: u16) -> Result<Vec<SectionTable>, PeError> {
    if count > MAX_SECTIONS {
        return Err(PeError::TooManySections(count));
    }
    // A string table at the end of the file holds no long names: goblin would
    // copy each of them, whatever its length.
    let no_strings = bytes.len();
    (0..count)
        .map(|_| Ok(SectionTable::parse(bytes, &mut at, no_strings)?))
        .collect()
}

fn debug_path(
    bytes: &[u8],
    table: DataDirectory,
    sections: &[SectionTable],
    file_alignment: u32,
) -> Option<String> {
    let options = ParseOptions::default().with_parse_mode(ParseMode::Permissive);
    let data = DebugData::parse_with_opts(bytes, table, sections, file_alignment, &options).ok()?;
    let newer = data.codeview_pdb70_debug_info.map(|info| info.filename);
    let older = data.codeview_pdb20_debug_info.map(|info| info.filename);
    let path = newer.or(older)?.split(|byte| *byte == 0).next()?;
    let path = path.get(..MAX_PATH).unwrap_or(path);
    (!path.is_empty()).then(|| String::from_utf8_lossy(path).into_owned())
}

/// A debug path is shown up to this many bytes.
const MAX_PATH: usize = 1024;

/// Whether the first entry of the certificate table, whose "address" is an
/// offset in the file, is a PKCS #7 signature.
fn is_signed(bytes: &[u8], table: DataDirectory) -> bool {
    let mut at = usize::try_from(table.virtual_address).unwrap_or(usize::MAX);
    if at == 0 || at >= bytes.len() {
        return false;
    }
    AttributeCertificate::parse(bytes, &mut at).is_ok_and(|certificate| {
        certificate.certificate_type == AttributeCertificateType::PkcsSignedData
            && !certificate.certificate.is_empty()
    })
}
