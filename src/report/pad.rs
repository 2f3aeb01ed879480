//! Which ROMs were padded, from which size to which.

use super::table::{Columns, plain};
use super::{Colour, SCHEMA_VERSION};
use crate::rom::BarSize;
use serde::Serialize;

/// The answer of `pad`.
#[derive(Debug, Serialize)]
pub struct PadReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The ROMs that were written.
    pub roms: Vec<PaddedRom>,
}

/// One padded ROM.
#[derive(Debug, Serialize)]
pub struct PaddedRom {
    /// Where it was written.
    pub path: String,
    /// Size of the input, in bytes.
    pub size: u64,
    /// Its BAR.
    pub bar: BarSize,
    /// Size and BAR of the output, in bytes.
    pub padded: BarSize,
}

impl PadReport {
    /// A report of these ROMs.
    #[must_use]
    pub const fn new(roms: Vec<PaddedRom>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            roms,
        }
    }

    /// A row a ROM.
    #[must_use]
    pub fn text(&self, colour: Colour) -> String {
        let headings = ["Written", ">Old size", ">Old BAR", ">Size and BAR"];
        let mut columns = Columns::new(&headings, colour);
        for rom in &self.roms {
            columns.row([
                plain(&rom.path),
                plain(rom.size),
                plain(rom.bar),
                plain(rom.padded),
            ]);
        }
        columns.text()
    }
}
