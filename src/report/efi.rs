//! What is in an EFI image, as values.

use crate::rom::{EfiExecutable, EfiHeader, EfiMachine, EfiSubsystem, PeExecutable};
use serde::Serialize;

/// An EFI image's header, and the executable in the image.
#[derive(Debug, Serialize)]
pub struct InspectedEfi {
    /// Machine that the image is for.
    pub machine: EfiMachine,
    /// Kind of EFI executable.
    pub subsystem: EfiSubsystem,
    /// Compression type: 0 for none, 1 for the UEFI compression algorithm.
    pub compression: u16,
    /// The executable; none where it cannot be read.
    pub executable: Option<InspectedExecutable>,
}

/// The PE executable in an EFI image, decompressed.
#[derive(Debug, Serialize)]
pub struct InspectedExecutable {
    /// Its size as its headers tell it, in bytes.
    pub size: usize,
    /// Machine that the code is for.
    pub machine: EfiMachine,
    /// Kind of EFI executable.
    pub subsystem: EfiSubsystem,
    /// Address of the entry point, relative to the image base.
    pub entry_point: u32,
    /// Its sections, in order.
    pub sections: Vec<InspectedSection>,
    /// Path of the file with its debug information.
    pub debug_path: Option<String>,
    /// Whether it carries an Authenticode signature.
    pub is_signed: bool,
}

/// A section of an executable.
#[derive(Debug, Serialize)]
pub struct InspectedSection {
    /// Its name, such as `.text`.
    pub name: String,
    /// Offset of its data in the executable, in bytes.
    pub offset: u32,
    /// Size of its data in the executable, in bytes.
    pub size: u32,
    /// Its size in memory, in bytes.
    pub virtual_size: u32,
}

impl InspectedEfi {
    pub(super) fn of(header: EfiHeader<'_>, executable: Option<&EfiExecutable<'_>>) -> Self {
        let pe = executable.and_then(|executable| executable.pe().ok());
        Self {
            machine: header.machine(),
            subsystem: header.subsystem(),
            compression: header.compression_type(),
            executable: pe.map(InspectedExecutable::from),
        }
    }
}

impl From<PeExecutable> for InspectedExecutable {
    fn from(pe: PeExecutable) -> Self {
        let sections = pe.sections.into_iter().map(|section| InspectedSection {
            name: section.name,
            offset: section.offset,
            size: section.size,
            virtual_size: section.virtual_size,
        });
        Self {
            size: pe.size,
            machine: pe.machine,
            subsystem: pe.subsystem,
            entry_point: pe.entry_point,
            sections: sections.collect(),
            debug_path: pe.debug_path,
            is_signed: pe.is_signed,
        }
    }
}
