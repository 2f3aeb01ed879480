//! The sections of a stream between the list of RAM blocks and the state of
//! the devices (migration/savevm.c): parts of what changes while the guest
//! runs, one after the other, until each has sent its end.

use super::fields::Fields;
use super::{Input, StateError};
use std::collections::BTreeMap;

pub(super) const SECTION_START: u8 = 0x01;
const SECTION_PART: u8 = 0x02;
const SECTION_END: u8 = 0x03;
const SECTION_FULL: u8 = 0x04;
const COMMAND: u8 = 0x08;
const FOOTER: u8 = 0x7e;

/// What a section is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Live {
    /// The RAM blocks.
    Ram,
    /// The hash page table of a ppc64 guest.
    HashTable,
}

/// Goes from section to section.
#[derive(Debug)]
pub(super) struct Sections {
    live: BTreeMap<u32, Live>,
    /// Machine types up to 2.3 have none.
    has_footers: bool,
    /// Kind of the next section, and where it stands.
    next: (u8, u64),
    /// Kind and number of the section that is being read.
    current: (u8, u32),
}

impl Sections {
    /// Starts behind the list of RAM blocks, in the section `ram`.
    pub(super) fn after_start<I: Input>(
        fields: &mut Fields<I>,
        ram: u32,
    ) -> Result<Self, StateError> {
        let mut sections = Self {
            live: BTreeMap::from([(ram, Live::Ram)]),
            has_footers: false,
            next: (0, fields.offset),
            current: (SECTION_START, ram),
        };
        let kind = fields.byte()?;
        sections.has_footers = kind == FOOTER;
        if sections.has_footers {
            sections.check_footer(fields)?;
            sections.look_ahead(fields)?;
        } else {
            sections.next.0 = kind;
        }
        Ok(sections)
    }

    /// Goes into the next section, and says what it is part of; none after the
    /// end of the RAM blocks.
    pub(super) fn next<I: Input>(
        &mut self,
        fields: &mut Fields<I>,
    ) -> Result<Option<Live>, StateError> {
        if self.is_at_end_of_ram() {
            return Ok(None);
        }
        loop {
            fields.count_record()?;
            let (kind, at) = self.next;
            match kind {
                COMMAND => {
                    let [_, _, high, low] = fields.bytes()?;
                    fields.skip(u16::from_be_bytes([high, low]).into())?;
                    self.look_ahead(fields)?;
                }
                SECTION_START | SECTION_PART | SECTION_END => {
                    let number = fields.be32()?;
                    self.current = (kind, number);
                    if kind == SECTION_START {
                        let live = start(fields, at)?;
                        self.live.insert(number, live);
                    }
                    return match self.live.get(&number) {
                        Some(live) => Ok(Some(*live)),
                        None => Err(StateError::Section {
                            offset: at,
                            found: format!("a part of section {number}, which did not start"),
                        }),
                    };
                }
                SECTION_FULL => {
                    return Err(StateError::Section {
                        offset: at,
                        found: "the state of a device".to_owned(),
                    });
                }
                _ => {
                    return Err(StateError::Section {
                        offset: at,
                        found: format!("a section of kind {kind:#04x}"),
                    });
                }
            }
        }
    }

    /// Ends a section whose content was read. Something must follow: the RAM
    /// blocks are never the end of a state.
    pub(super) fn end<I: Input>(&mut self, fields: &mut Fields<I>) -> Result<(), StateError> {
        if self.has_footers {
            let at = fields.offset;
            let found = fields.byte()?;
            if found != FOOTER {
                return Err(StateError::Footer {
                    offset: at,
                    found: found.into(),
                    section: self.current.1,
                });
            }
            self.check_footer(fields)?;
        }
        self.look_ahead(fields)
    }

    fn look_ahead<I: Input>(&mut self, fields: &mut Fields<I>) -> Result<(), StateError> {
        let at = fields.offset;
        self.next = (fields.byte()?, at);
        Ok(())
    }

    fn check_footer<I: Input>(&self, fields: &mut Fields<I>) -> Result<(), StateError> {
        let offset = fields.offset;
        let found = fields.be32()?;
        let section = self.current.1;
        if found == section {
            Ok(())
        } else {
            Err(StateError::Footer {
                offset,
                found,
                section,
            })
        }
    }

    fn is_at_end_of_ram(&self) -> bool {
        let (kind, number) = self.current;
        kind == SECTION_END && self.live.get(&number) == Some(&Live::Ram)
    }
}

/// Reads the name and version of a section that starts at `at`.
fn start<I: Input>(fields: &mut Fields<I>, at: u64) -> Result<Live, StateError> {
    let length = fields.byte()?;
    let name = fields.text(length, "name of the section")?;
    if name != "spapr/htab" {
        return Err(StateError::Section {
            offset: at,
            found: format!("the section `{name}`"),
        });
    }
    fields.be32()?;
    let version_at = fields.offset;
    let version = fields.be32()?;
    fields.check_version("section `spapr/htab`", version, 1, version_at)?;
    Ok(Live::HashTable)
}

impl<I: Input> Fields<I> {
    /// Passes over a part of a hash page table (hw/ppc/spapr.c, `htab_load`):
    /// its size alone, or runs of entries of 16 bytes up to an empty one.
    pub(super) fn hash_table(&mut self) -> Result<(), StateError> {
        if self.be32()? != 0 {
            return Ok(());
        }
        loop {
            self.count_record()?;
            let index = self.be32()?;
            let [high, low] = self.bytes()?;
            let valid = u16::from_be_bytes([high, low]);
            let invalid = self.bytes::<2>()?;
            if (index, valid, invalid) == (0, 0, [0, 0]) {
                return Ok(());
            }
            self.skip(u64::from(valid).saturating_mul(16))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RamBlock, Seekable, StateReader};
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Cursor;

    const BLOCK: &str = "0000:00:04.0/e1000.rom";

    fn named(name: &str) -> Vec<u8> {
        [&[u8::try_from(name.len()).unwrap()], name.as_bytes()].concat()
    }

    fn page(word: u64, name: &str, fill: u8) -> Vec<u8> {
        let name = if name.is_empty() {
            Vec::new()
        } else {
            named(name)
        };
        [&word.to_be_bytes()[..], &name, &[fill; 4096]].concat()
    }

    fn section(kind: u8, number: u8, content: &[u8], footer: &[u8]) -> Vec<u8> {
        [&[kind, 0, 0, 0, number], content, footer].concat()
    }

    const END: [u8; 8] = 0x10_u64.to_be_bytes();
    const RAM_FOOTER: [u8; 5] = [FOOTER, 0, 0, 0, 2];

    /// A stream with a ROM of two pages, up to the list of blocks, and then
    /// these bytes.
    fn stream(rest: &[Vec<u8>]) -> Vec<u8> {
        let list = [
            &(0x2000_u64 | 4).to_be_bytes()[..],
            &named(BLOCK),
            &0x2000_u64.to_be_bytes(),
            &END,
        ]
        .concat();
        let head = [&named("ram")[..], &[0, 0, 0, 0, 0, 0, 0, 4], &list].concat();
        let start = section(SECTION_START, 2, &head, &[]);
        [b"QEVM\0\0\0\x03".to_vec(), start, rest.concat()].concat()
    }

    #[test]
    fn a_page_of_one_byte_is_filled_with_it() {
        let filled =
            |word: u64, fill: u8| [&word.to_be_bytes()[..], &named(BLOCK), &[fill]].concat();
        let pages = [filled(2, 7), filled(0x1000 | 2, 0), END.to_vec()].concat();
        let bytes = stream(&[
            RAM_FOOTER.to_vec(),
            section(SECTION_END, 2, &pages, &RAM_FOOTER),
            vec![SECTION_FULL],
        ]);
        let wanted = [[7; 4096], [0; 4096]].concat();
        assert_eq!(contents(bytes).unwrap()[BLOCK], wanted);
    }

    #[test]
    fn the_rest_of_a_state_is_read_up_to_a_limit() {
        let bytes = parts(&[], &RAM_FOOTER);
        for (limit, is_at_end) in [(1, true), (0, false)] {
            let mut reader = StateReader::new(Seekable::new(Cursor::new(&*bytes)), 0);
            let state = reader.read().unwrap();
            reader.contents(&state, |_: &RamBlock| true).unwrap();
            reader.fields.seek_to(bytes.len() as u64 - 1).unwrap();
            assert_eq!(reader.reaches_end(limit).unwrap(), is_at_end);
        }
    }

    fn contents(bytes: Vec<u8>) -> Result<BTreeMap<String, Vec<u8>>, StateError> {
        let mut reader = StateReader::new(Seekable::new(Cursor::new(bytes)), 0);
        let state = reader.read().unwrap();
        reader.contents(&state, |_: &RamBlock| true)
    }

    /// Two sections, of which the second goes on in the block of the first.
    fn parts(between: &[u8], footer: &[u8]) -> Vec<u8> {
        let first = [&page(8, BLOCK, 1)[..], &END].concat();
        let second = [&page(0x1000 | 8 | 0x20, "", 2)[..], &END].concat();
        stream(&[
            footer.to_vec(),
            section(SECTION_PART, 2, &first, footer),
            between.to_vec(),
            section(SECTION_END, 2, &second, footer),
            vec![SECTION_FULL],
        ])
    }

    fn is_whole(result: Result<BTreeMap<String, Vec<u8>>, StateError>) -> bool {
        let contents = result.unwrap();
        contents[BLOCK][..0x1000] == [1; 0x1000] && contents[BLOCK][0x1000..] == [2; 0x1000]
    }

    #[test]
    fn a_section_goes_on_in_the_block_of_the_one_before() {
        assert!(is_whole(contents(parts(&[], &RAM_FOOTER))));
    }

    #[test]
    fn machine_types_without_footers_are_read() {
        assert!(is_whole(contents(parts(&[], &[]))));
    }

    #[test]
    fn a_command_among_the_sections_is_passed_over() {
        let command = [COMMAND, 0, 11, 0, 3, b'a', b'b', b'c'];
        assert!(is_whole(contents(parts(&command, &RAM_FOOTER))));
    }

    #[test]
    fn the_hash_table_of_ppc64_is_passed_over() {
        let footer = [FOOTER, 0, 0, 0, 3];
        let head = [&named("spapr/htab")[..], &[0xff; 4], &[0, 0, 0, 1]].concat();
        let size = section(
            SECTION_START,
            3,
            &[&head[..], &[0, 0, 0, 24]].concat(),
            &footer,
        );
        let run = [&[0, 0, 0, 0, 0, 0, 0, 5, 0, 2, 0, 7][..], &[9; 32], &[0; 8]].concat();
        let between = [
            size,
            section(SECTION_PART, 3, &run, &footer),
            section(SECTION_END, 3, &[0xff; 4], &footer),
        ];
        assert!(is_whole(contents(parts(&between.concat(), &RAM_FOOTER))));
    }

    #[test]
    fn what_else_stands_before_the_end_of_the_ram_is_an_error() {
        let error = |between: &[u8]| {
            contents(parts(between, &RAM_FOOTER))
                .unwrap_err()
                .to_string()
        };
        let vfio = section(SECTION_START, 3, &named("vfio"), &[]);
        for (between, wanted) in [
            (&[SECTION_FULL, 0, 0][..], "stands the state of a device"),
            (&[0x42], "stands a section of kind 0x42"),
            (
                &[SECTION_PART, 0, 0, 0, 9],
                "a part of section 9, which did not start",
            ),
            (&vfio, "stands the section `vfio`"),
        ] {
            let said = error(between);
            // The first section: its head, its page with the name, its end.
            let at = stream(&[]).len() + 5 + 5 + 8 + 1 + BLOCK.len() + 4096 + 8 + 5;
            assert!(
                said.contains(wanted) && said.contains(&format!("at {at:#x} ")),
                "{said}"
            );
        }
    }

    #[test]
    fn a_footer_of_another_section_is_an_error() {
        let mut bytes = parts(&[], &RAM_FOOTER);
        let last = bytes.len() - 2;
        bytes[last] = 7;
        let said = contents(bytes).unwrap_err().to_string();
        assert!(
            said.contains("the end of section 2 is wrong: 0x7"),
            "{said}"
        );
    }
}
