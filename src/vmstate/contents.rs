//! The contents of RAM blocks (migration/ram.c): pages one after the other, or
//! at fixed places of the file (`mapped-ram`).

use super::sections::Live;
use super::stream::FLAG_END;
use super::{Input, RamBlock, SavedState, StateError, StateReader};
use std::collections::BTreeMap;

/// More of the contents of blocks than this is not kept, in bytes.
const MAX_CONTENTS: u64 = 64 << 20;

const FLAG_ZERO: u64 = 0x02;
const FLAG_PAGE: u64 = 0x08;
const FLAG_CONTINUE: u64 = 0x20;
const FLAG_NO_PAYLOAD: u64 = 0x200;

/// The contents of blocks by their names.
type Contents = BTreeMap<String, Vec<u8>>;

impl<I: Input> StateReader<I> {
    /// Reads the pages up to the state of the devices, and gives the contents
    /// of the blocks that `wanted` picks, each as large as its block.
    ///
    /// # Errors
    /// [`StateError`] with the offset; pages in a form that is not read, what
    /// else stands among them and is not known, and more contents than 64 MiB.
    pub fn contents(
        &mut self,
        state: &SavedState,
        wanted: impl Fn(&RamBlock) -> bool,
    ) -> Result<Contents, StateError> {
        let mut contents = BTreeMap::new();
        let mut sum = 0_u64;
        for block in state.blocks.iter().filter(|block| wanted(block)) {
            sum = sum.saturating_add(block.size);
            let size = usize::try_from(block.size).ok();
            let size = size
                .filter(|_| sum <= MAX_CONTENTS)
                .ok_or(StateError::Limit {
                    offset: self.fields.offset,
                    what: "size of all ROMs",
                    found: sum,
                    limit: MAX_CONTENTS,
                })?;
            contents.insert(block.name.clone(), vec![0; size]);
        }
        if state.is_mapped() {
            self.mapped_contents(state, &mut contents)?;
        } else {
            self.sent_contents(state, &mut contents)?;
        }
        Ok(contents)
    }

    /// Reads the pages that a bitmap marks as written; the others are zeros.
    fn mapped_contents(
        &mut self,
        state: &SavedState,
        contents: &mut Contents,
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

    /// Reads the pages in the order in which they were sent, to their end.
    fn sent_contents(
        &mut self,
        state: &SavedState,
        contents: &mut Contents,
    ) -> Result<(), StateError> {
        let Some(mut sections) = self.sections.take() else {
            return Ok(());
        };
        // A page may continue the block of the section before.
        let mut block = None;
        while let Some(live) = sections.next(&mut self.fields)? {
            match live {
                Live::Ram => self.pages(state, &mut block, contents)?,
                Live::HashTable => self.fields.hash_table()?,
            }
            sections.end(&mut self.fields)?;
        }
        Ok(())
    }

    /// Reads the pages of one section. `block` is that of the last page.
    fn pages<'s>(
        &mut self,
        state: &'s SavedState,
        block: &mut Option<&'s RamBlock>,
        contents: &mut Contents,
    ) -> Result<(), StateError> {
        loop {
            let at = self.fields.offset;
            self.fields.count_record()?;
            let word = self.fields.be64()?;
            let mask = state.page_size.saturating_sub(1);
            let (address, flags) = (word & !mask, word & mask);
            if flags & FLAG_END != 0 {
                return Ok(());
            }
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
                *block = state.blocks.iter().find(|block| block.name == name);
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
