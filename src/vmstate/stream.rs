//! A migration stream of QEMU (migration/savevm.c, migration/ram.c), as 5.2 to
//! 11.1 write it. Numbers are big-endian.

use super::fields::Fields;
use super::sections::{SECTION_START, Sections};
use super::{Input, StateError};

/// The first bytes of a stream.
pub const MAGIC: [u8; 4] = *b"QEVM";
/// The version of the stream after them.
const VERSION: u32 = 3;
/// The version of the section `ram`.
const RAM_VERSION: u32 = 4;

/// More RAM blocks than this are not read.
const MAX_BLOCKS: usize = 4096;
/// More capabilities than this are not read.
const MAX_CAPABILITIES: u32 = 256;

const SUBSECTION: u8 = 0x05;
const CONFIGURATION: u8 = 0x07;

const FLAG_MEM_SIZE: u64 = 0x04;
pub(super) const FLAG_END: u64 = 0x10;

/// One RAM block of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RamBlock {
    /// Its name, with the device's address before the last slash.
    pub name: String,
    /// Its size in bytes, which the destination must have, too.
    pub size: u64,
    /// Where its pages stand in the stream, for `mapped-ram`.
    pub(super) mapped: Option<Mapped>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mapped {
    pub(super) bitmap: u64,
    pub(super) pages: u64,
}

/// What stands at the start of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedState {
    /// The machine type; machine types up to 2.3 do not name it.
    pub machine: Option<String>,
    /// Capabilities of the migration, such as `mapped-ram`.
    pub capabilities: Vec<String>,
    /// The RAM blocks, in the order of the stream.
    pub blocks: Vec<RamBlock>,
    pub(super) page_size: u64,
    /// Number of the section `ram`.
    pub(super) section: u32,
}

impl SavedState {
    /// Whether the pages stand at fixed places of the file.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        self.capabilities.iter().any(|name| name == "mapped-ram")
    }
}

/// Reads a stream from its start.
#[derive(Debug)]
pub struct StateReader<I> {
    pub(super) fields: Fields<I>,
    /// What follows the list of RAM blocks, once that was read.
    pub(super) sections: Option<Sections>,
}

impl<I: Input> StateReader<I> {
    /// A reader of a stream that starts where the input stands, `start` bytes
    /// after the start of its file.
    pub const fn new(input: I, start: u64) -> Self {
        Self {
            fields: Fields::new(input, start),
            sections: None,
        }
    }

    /// Reads up to the end of the list of RAM blocks, and the start of what
    /// must follow it.
    ///
    /// # Errors
    /// [`StateError`] with the offset.
    pub fn read(&mut self) -> Result<SavedState, StateError> {
        let start = self.fields.offset;
        let magic = self.fields.bytes::<4>()?;
        if magic != MAGIC {
            return Err(StateError::Magic {
                offset: start,
                found: magic,
            });
        }
        let version = self.fields.be32()?;
        self.fields
            .check_version("stream", version, VERSION, start.saturating_add(4))?;
        let mut state = SavedState {
            machine: None,
            capabilities: Vec::new(),
            blocks: Vec::new(),
            page_size: 4096,
            section: 0,
        };
        let mut kind = self.fields.byte()?;
        if kind == CONFIGURATION {
            let length = self.fields.be32()?;
            let length = u8::try_from(length).map_err(|_| StateError::NoText {
                offset: self.fields.offset,
                what: "name of the machine type",
                found: length.to_be_bytes().to_vec(),
            })?;
            state.machine = Some(self.fields.text(length, "name of the machine type")?);
            kind = self.fields.byte()?;
            while kind == SUBSECTION {
                self.subsection(&mut state)?;
                kind = self.fields.byte()?;
            }
        }
        let at = self.fields.offset.saturating_sub(1);
        if kind != SECTION_START {
            return Err(StateError::NoRam {
                offset: at,
                found: format!("a section of kind {kind:#04x}"),
            });
        }
        state.section = self.fields.be32()?;
        let length = self.fields.byte()?;
        let name = self.fields.text(length, "name of the section")?;
        if name != "ram" {
            return Err(StateError::NoRam {
                offset: at,
                found: format!("the section `{name}`"),
            });
        }
        self.fields.be32()?;
        let version_at = self.fields.offset;
        let version = self.fields.be32()?;
        self.fields
            .check_version("section `ram`", version, RAM_VERSION, version_at)?;
        self.blocks(&mut state)?;
        let sections = Sections::after_start(&mut self.fields, state.section)?;
        self.sections = Some(sections);
        Ok(state)
    }

    /// Reads what is left, up to `limit` bytes of it, since the sums of packed
    /// data stand at its end; whether the end was reached.
    ///
    /// # Errors
    /// [`StateError::Read`] for data that is cut or changed.
    pub fn reaches_end(&mut self, limit: u64) -> Result<bool, StateError> {
        self.fields.reaches_end(limit)
    }

    fn subsection(&mut self, state: &mut SavedState) -> Result<(), StateError> {
        let at = self.fields.offset;
        let length = self.fields.byte()?;
        let name = self.fields.text(length, "name of the subsection")?;
        self.fields.be32()?;
        match &*name {
            "configuration/capabilities" => {
                let count = self.fields.be32()?;
                if count > MAX_CAPABILITIES {
                    return Err(StateError::Limit {
                        offset: self.fields.offset.saturating_sub(4),
                        what: "count of capabilities",
                        found: count.into(),
                        limit: MAX_CAPABILITIES.into(),
                    });
                }
                for _ in 0..count {
                    let length = self.fields.byte()?;
                    let name = self.fields.text(length, "name of a capability")?;
                    state.capabilities.push(name);
                }
            }
            "configuration/target-page-bits" => {
                let bits = self.fields.be32()?;
                state.page_size =
                    1_u64
                        .checked_shl(bits)
                        .filter(|_| bits <= 16)
                        .ok_or(StateError::Limit {
                            offset: self.fields.offset.saturating_sub(4),
                            what: "size of a page in bits",
                            found: bits.into(),
                            limit: 16,
                        })?;
            }
            "configuration/uuid" => {
                self.fields.bytes::<16>()?;
            }
            _ => {
                return Err(StateError::NoRam {
                    offset: at,
                    found: format!("the unknown part `{name}` of the configuration"),
                });
            }
        }
        Ok(())
    }

    fn blocks(&mut self, state: &mut SavedState) -> Result<(), StateError> {
        let at = self.fields.offset;
        let word = self.fields.be64()?;
        if word & 0xfff != FLAG_MEM_SIZE {
            return Err(StateError::Flags {
                offset: at,
                flags: word & 0xfff,
            });
        }
        let total = word & !0xfff;
        let shared = state
            .capabilities
            .iter()
            .any(|name| name == "x-ignore-shared");
        let is_mapped = state.is_mapped();
        let mut sum = 0_u64;
        while sum < total {
            let offset = self.fields.offset;
            if state.blocks.len() >= MAX_BLOCKS {
                return Err(StateError::TooManyBlocks {
                    offset,
                    limit: MAX_BLOCKS,
                });
            }
            let length = self.fields.byte()?;
            let name = self.fields.text(length, "name of a RAM block")?;
            let size = self.fields.be64()?;
            let sizes = |sum| StateError::Sizes { offset, sum, total };
            sum = sum.checked_add(size).ok_or_else(|| sizes(u64::MAX))?;
            if sum > total {
                return Err(sizes(sum));
            }
            if shared {
                self.fields.be64()?;
            }
            let mapped = if is_mapped {
                Some(self.mapped(size)?)
            } else {
                None
            };
            state.blocks.push(RamBlock { name, size, mapped });
        }
        let at = self.fields.offset;
        let end = self.fields.be64()?;
        if end != FLAG_END {
            return Err(StateError::Flags {
                offset: at,
                flags: end,
            });
        }
        Ok(())
    }

    /// Reads where a block's pages stand, and goes behind them.
    fn mapped(&mut self, size: u64) -> Result<Mapped, StateError> {
        let at = self.fields.offset;
        let version = self.fields.be32()?;
        self.fields
            .check_version("mapped RAM block", version, 1, at)?;
        self.fields.be64()?;
        let mapped = Mapped {
            bitmap: self.fields.be64()?,
            pages: self.fields.be64()?,
        };
        let behind = mapped.pages.checked_add(size);
        let is_forward = |behind: &u64| *behind >= self.fields.offset;
        let behind = behind.filter(is_forward).ok_or(StateError::Page {
            offset: at,
            address: mapped.pages,
            block: "mapped-ram".to_owned(),
        })?;
        self.fields.seek_to(behind)?;
        Ok(mapped)
    }
}
