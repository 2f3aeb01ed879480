//! A migration stream of QEMU (migration/savevm.c, migration/ram.c), as 5.2 to
//! 11.1 write it. Numbers are big-endian.

use super::{Input, StateError};
use std::collections::BTreeMap;

/// The first bytes of a stream.
pub const MAGIC: [u8; 4] = *b"QEVM";
/// The version of the stream after them.
const VERSION: u32 = 3;
/// The version of the section `ram`.
const RAM_VERSION: u32 = 4;

/// More RAM blocks than this are not read.
const MAX_BLOCKS: usize = 4096;
/// More of the contents of blocks than this is not kept, in bytes.
const MAX_CONTENTS: u64 = 64 << 20;
/// A page that is sent more often than this on the average is not read again:
/// a guest that is saved does not run, or not for long.
const MAX_ROUNDS: u64 = 256;
/// More capabilities than this are not read.
const MAX_CAPABILITIES: u32 = 256;

const SECTION_START: u8 = 0x01;
const SECTION_PART: u8 = 0x02;
const SECTION_END: u8 = 0x03;
const SUBSECTION: u8 = 0x05;
const CONFIGURATION: u8 = 0x07;
const FOOTER: u8 = 0x7e;

const FLAG_ZERO: u64 = 0x02;
const FLAG_MEM_SIZE: u64 = 0x04;
const FLAG_PAGE: u64 = 0x08;
const FLAG_END: u64 = 0x10;
const FLAG_CONTINUE: u64 = 0x20;
const FLAG_NO_PAYLOAD: u64 = 0x200;

/// One RAM block of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RamBlock {
    /// Its name, with the device's address before the last slash.
    pub name: String,
    /// Its size in bytes, which the destination must have, too.
    pub size: u64,
    /// Where its pages stand in the stream, for `mapped-ram`.
    mapped: Option<Mapped>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mapped {
    bitmap: u64,
    pages: u64,
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
    page_size: u64,
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
    input: I,
    offset: u64,
}

impl<I: Input> StateReader<I> {
    /// A reader of a stream that starts where the input stands, `start` bytes
    /// after the start of its file.
    pub const fn new(input: I, start: u64) -> Self {
        Self {
            input,
            offset: start,
        }
    }

    /// Reads up to the end of the list of RAM blocks.
    ///
    /// # Errors
    /// [`StateError`] with the offset.
    pub fn read(&mut self) -> Result<SavedState, StateError> {
        let start = self.offset;
        let magic = self.bytes::<4>()?;
        if magic != MAGIC {
            return Err(StateError::Magic {
                offset: start,
                found: magic,
            });
        }
        let version = self.be32()?;
        self.check_version("stream", version, VERSION, start.saturating_add(4))?;
        let mut state = SavedState {
            machine: None,
            capabilities: Vec::new(),
            blocks: Vec::new(),
            page_size: 4096,
        };
        let mut kind = self.byte()?;
        if kind == CONFIGURATION {
            let length = self.be32()?;
            let length = u8::try_from(length).map_err(|_| StateError::NoText {
                offset: self.offset,
                what: "name of the machine type",
                found: length.to_be_bytes().to_vec(),
            })?;
            state.machine = Some(self.text(length, "name of the machine type")?);
            kind = self.byte()?;
            while kind == SUBSECTION {
                self.subsection(&mut state)?;
                kind = self.byte()?;
            }
        }
        let at = self.offset.saturating_sub(1);
        if kind != SECTION_START {
            return Err(StateError::NoRam {
                offset: at,
                found: format!("a section of kind {kind:#04x}"),
            });
        }
        self.be32()?;
        let length = self.byte()?;
        let name = self.text(length, "name of the section")?;
        if name != "ram" {
            return Err(StateError::NoRam {
                offset: at,
                found: format!("the section `{name}`"),
            });
        }
        self.be32()?;
        let version = self.be32()?;
        self.check_version("section `ram`", version, RAM_VERSION, self.offset)?;
        self.blocks(&mut state)?;
        Ok(state)
    }

    fn subsection(&mut self, state: &mut SavedState) -> Result<(), StateError> {
        let at = self.offset;
        let length = self.byte()?;
        let name = self.text(length, "name of the subsection")?;
        let version = self.be32()?;
        match &*name {
            "configuration/capabilities" => {
                let count = self.be32()?;
                if count > MAX_CAPABILITIES {
                    return Err(StateError::Version {
                        offset: at,
                        what: "list of capabilities",
                        found: count,
                        known: MAX_CAPABILITIES,
                    });
                }
                for _ in 0..count {
                    let length = self.byte()?;
                    let name = self.text(length, "name of a capability")?;
                    state.capabilities.push(name);
                }
            }
            "configuration/target-page-bits" => {
                let bits = self.be32()?;
                state.page_size =
                    1_u64
                        .checked_shl(bits)
                        .filter(|_| bits <= 16)
                        .ok_or(StateError::Version {
                            offset: at,
                            what: "size of a page in bits",
                            found: bits,
                            known: 16,
                        })?;
            }
            "configuration/uuid" => {
                self.bytes::<16>()?;
            }
            _ => {
                return Err(StateError::Version {
                    offset: at,
                    what: "unknown subsection of the configuration",
                    found: version,
                    known: 0,
                });
            }
        }
        Ok(())
    }

    fn blocks(&mut self, state: &mut SavedState) -> Result<(), StateError> {
        let at = self.offset;
        let word = self.be64()?;
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
            let offset = self.offset;
            if state.blocks.len() >= MAX_BLOCKS {
                return Err(StateError::TooManyBlocks {
                    offset,
                    limit: MAX_BLOCKS,
                });
            }
            let length = self.byte()?;
            let name = self.text(length, "name of a RAM block")?;
            let size = self.be64()?;
            let sizes = |sum| StateError::Sizes { offset, sum, total };
            sum = sum.checked_add(size).ok_or_else(|| sizes(u64::MAX))?;
            if sum > total {
                return Err(sizes(sum));
            }
            if shared {
                self.be64()?;
            }
            let mapped = if is_mapped {
                Some(self.mapped(size)?)
            } else {
                None
            };
            state.blocks.push(RamBlock { name, size, mapped });
        }
        let at = self.offset;
        let end = self.be64()?;
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
        let at = self.offset;
        let version = self.be32()?;
        self.check_version("mapped RAM block", version, 1, at)?;
        self.be64()?;
        let mapped = Mapped {
            bitmap: self.be64()?,
            pages: self.be64()?,
        };
        let behind = mapped.pages.checked_add(size);
        let distance = behind.and_then(|behind| behind.checked_sub(self.offset));
        let distance = distance.ok_or(StateError::Page {
            offset: at,
            address: mapped.pages,
            block: "mapped-ram".to_owned(),
        })?;
        self.skip(distance)?;
        Ok(mapped)
    }

    /// Reads the pages up to the state of the devices, and gives the contents
    /// of the blocks that `wanted` picks, each as large as its block.
    ///
    /// # Errors
    /// [`StateError`] with the offset; pages in a form that is not read, and
    /// more contents than 64 MiB.
    pub fn contents(
        &mut self,
        state: &SavedState,
        wanted: impl Fn(&RamBlock) -> bool,
    ) -> Result<BTreeMap<String, Vec<u8>>, StateError> {
        let mut contents = BTreeMap::new();
        let mut left = MAX_CONTENTS;
        for block in state.blocks.iter().filter(|block| wanted(block)) {
            left = left.checked_sub(block.size).ok_or(StateError::Sizes {
                offset: self.offset,
                sum: MAX_CONTENTS,
                total: block.size,
            })?;
            let size = usize::try_from(block.size).unwrap_or(0);
            contents.insert(block.name.clone(), vec![0; size]);
        }
        if state.is_mapped() {
            self.mapped_contents(state, &mut contents)?;
            return Ok(contents);
        }
        self.footer()?;
        let total: u64 = state.blocks.iter().map(|block| block.size).sum();
        let mut budget = total
            .checked_div(state.page_size)
            .unwrap_or(0)
            .saturating_mul(MAX_ROUNDS)
            .saturating_add(MAX_ROUNDS);
        loop {
            let kind = self.byte()?;
            if !matches!(kind, SECTION_PART | SECTION_END) {
                return Ok(contents);
            }
            self.be32()?;
            self.pages(state, &mut contents, &mut budget)?;
            self.footer()?;
        }
    }

    /// Reads the pages that a bitmap marks as written; the others are zeros.
    fn mapped_contents(
        &mut self,
        state: &SavedState,
        contents: &mut BTreeMap<String, Vec<u8>>,
    ) -> Result<(), StateError> {
        let page_size = usize::try_from(state.page_size).unwrap_or(4096);
        for block in &state.blocks {
            let (Some(bytes), Some(mapped)) = (contents.get_mut(&block.name), block.mapped) else {
                continue;
            };
            let mut bitmap = vec![0; bytes.len().div_ceil(page_size).div_ceil(8)];
            self.seek_to(mapped.bitmap)?;
            self.exact(&mut bitmap)?;
            self.seek_to(mapped.pages)?;
            for (number, page) in bytes.chunks_mut(page_size).enumerate() {
                let byte = bitmap.get(number / 8).copied().unwrap_or(0);
                let is_written = byte.checked_shr(u32::try_from(number % 8).unwrap_or(0));
                if is_written.unwrap_or(0) & 1 == 1 {
                    self.exact(page)?;
                } else {
                    self.skip(page.len() as u64)?;
                }
            }
        }
        Ok(())
    }

    fn footer(&mut self) -> Result<(), StateError> {
        let at = self.offset;
        let kind = self.byte()?;
        if kind != FOOTER {
            return Err(StateError::Flags {
                offset: at,
                flags: kind.into(),
            });
        }
        self.be32()?;
        Ok(())
    }

    /// Reads the pages of one section, and at most `budget` of them.
    fn pages(
        &mut self,
        state: &SavedState,
        contents: &mut BTreeMap<String, Vec<u8>>,
        budget: &mut u64,
    ) -> Result<(), StateError> {
        let mut block: Option<&RamBlock> = None;
        loop {
            let at = self.offset;
            let word = self.be64()?;
            let mask = state.page_size.saturating_sub(1);
            let (address, flags) = (word & !mask, word & mask);
            if flags & FLAG_END != 0 {
                return Ok(());
            }
            *budget = budget
                .checked_sub(1)
                .ok_or(StateError::TooManyPages { offset: at })?;
            let known = FLAG_ZERO | FLAG_PAGE | FLAG_CONTINUE | FLAG_NO_PAYLOAD;
            if flags & !known != 0 {
                return Err(StateError::Flags { offset: at, flags });
            }
            if flags == FLAG_NO_PAYLOAD {
                continue;
            }
            if flags & FLAG_CONTINUE == 0 {
                let length = self.byte()?;
                let name = self.text(length, "name of a RAM block")?;
                block = state.blocks.iter().find(|block| block.name == name);
                if block.is_none() {
                    return Err(StateError::Page {
                        offset: at,
                        address,
                        block: name,
                    });
                }
            }
            let no_page = || StateError::Page {
                offset: at,
                address,
                block: block.map_or_else(String::new, |block| block.name.clone()),
            };
            let current = block.ok_or_else(no_page)?;
            let end = address.checked_add(state.page_size).ok_or_else(no_page)?;
            if end > current.size.next_multiple_of(state.page_size) {
                return Err(no_page());
            }
            let target = contents.get_mut(&current.name).and_then(|bytes| {
                let start = usize::try_from(address).ok()?;
                let end = usize::try_from(end).ok()?.min(bytes.len());
                bytes.get_mut(start..end)
            });
            if flags & FLAG_ZERO != 0 {
                let fill = self.byte()?;
                if let Some(page) = target {
                    page.fill(fill);
                }
            } else if flags & FLAG_PAGE != 0 {
                match target {
                    Some(page) if page.len() as u64 == state.page_size => self.exact(page)?,
                    _ => self.skip(state.page_size)?,
                }
            }
        }
    }

    fn check_version(
        &self,
        what: &'static str,
        found: u32,
        known: u32,
        offset: u64,
    ) -> Result<(), StateError> {
        if found == known {
            Ok(())
        } else {
            Err(StateError::Version {
                offset,
                what,
                found,
                known,
            })
        }
    }

    fn text(&mut self, length: u8, what: &'static str) -> Result<String, StateError> {
        let offset = self.offset;
        let mut bytes = vec![0; length.into()];
        self.exact(&mut bytes)?;
        let is_plain = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
        match String::from_utf8(bytes) {
            Ok(text) if is_plain && !text.is_empty() => Ok(text),
            Ok(text) => Err(StateError::NoText {
                offset,
                what,
                found: text.into_bytes(),
            }),
            Err(error) => Err(StateError::NoText {
                offset,
                what,
                found: error.into_bytes(),
            }),
        }
    }

    fn byte(&mut self) -> Result<u8, StateError> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn be32(&mut self) -> Result<u32, StateError> {
        self.bytes().map(u32::from_be_bytes)
    }

    fn be64(&mut self) -> Result<u64, StateError> {
        self.bytes().map(u64::from_be_bytes)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let mut bytes = [0; N];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), StateError> {
        let offset = self.offset;
        self.input
            .read_exact(bytes)
            .map_err(|source| StateError::Read { offset, source })?;
        self.offset = offset.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn seek_to(&mut self, offset: u64) -> Result<(), StateError> {
        self.input
            .seek_to(offset)
            .map_err(|source| StateError::Read { offset, source })?;
        self.offset = offset;
        Ok(())
    }

    fn skip(&mut self, length: u64) -> Result<(), StateError> {
        let offset = self.offset;
        self.input
            .skip(length)
            .map_err(|source| StateError::Read { offset, source })?;
        self.offset = offset.saturating_add(length);
        Ok(())
    }
}
