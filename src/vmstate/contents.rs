//! The contents of RAM blocks (migration/ram.c): pages one after the other, or
//! at fixed places of the file (`mapped-ram`).

use super::stream::FLAG_END;
use super::{Input, RamBlock, SavedState, StateError, StateReader};
use std::collections::BTreeMap;

/// More of the contents of blocks than this is not kept, in bytes.
const MAX_CONTENTS: u64 = 64 << 20;
/// A page that is sent more often than this on the average is not read again:
/// a guest that is saved does not run, or not for long.
const MAX_ROUNDS: u64 = 256;

const SECTION_PART: u8 = 0x02;
const SECTION_END: u8 = 0x03;
const FOOTER: u8 = 0x7e;

const FLAG_ZERO: u64 = 0x02;
const FLAG_PAGE: u64 = 0x08;
const FLAG_CONTINUE: u64 = 0x20;
const FLAG_NO_PAYLOAD: u64 = 0x200;

impl<I: Input> StateReader<I> {
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
                offset: self.fields.offset,
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
            let kind = self.fields.byte()?;
            if !matches!(kind, SECTION_PART | SECTION_END) {
                return Ok(contents);
            }
            self.fields.be32()?;
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
            self.fields.seek_to(mapped.bitmap)?;
            self.fields.exact(&mut bitmap)?;
            self.fields.seek_to(mapped.pages)?;
            for (number, page) in bytes.chunks_mut(page_size).enumerate() {
                let byte = bitmap.get(number / 8).copied().unwrap_or(0);
                let is_written = byte.checked_shr(u32::try_from(number % 8).unwrap_or(0));
                if is_written.unwrap_or(0) & 1 == 1 {
                    self.fields.exact(page)?;
                } else {
                    self.fields.skip(page.len() as u64)?;
                }
            }
        }
        Ok(())
    }

    fn footer(&mut self) -> Result<(), StateError> {
        let at = self.fields.offset;
        let kind = self.fields.byte()?;
        if kind != FOOTER {
            return Err(StateError::Flags {
                offset: at,
                flags: kind.into(),
            });
        }
        self.fields.be32()?;
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
            let at = self.fields.offset;
            let word = self.fields.be64()?;
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
                let length = self.fields.byte()?;
                let name = self.fields.text(length, "name of a RAM block")?;
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
                let fill = self.fields.byte()?;
                if let Some(page) = target {
                    page.fill(fill);
                }
            } else if flags & FLAG_PAGE != 0 {
                match target {
                    Some(page) if page.len() as u64 == state.page_size => {
                        self.fields.exact(page)?
                    }
                    _ => self.fields.skip(state.page_size)?,
                }
            }
        }
    }
}
