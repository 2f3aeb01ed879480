//! A guest on its way from one host to another: what QEMU there says to each
//! block of its memory that a file decides. Whatever judges asks here.

mod compare;
mod saved;

pub use compare::{Change, Comparison, End, Pair, Side, judge_between};
pub use saved::{SavedRom, machine_of_state, saved_roms};

use crate::guest::{Block, Guest, Held, RomChoice};
use crate::host::{Found, Host};
use crate::qemu::{
    QemuVersion, RamBlockSize, Refusal, RomAt, Verdict, missing_romfile, romfile_too_large, verdict,
};
use crate::rom::BarSize;

/// A block on both hosts, and what the destination says to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The block where the guest comes from.
    pub source: Presence,
    /// The block where it goes to.
    pub destination: Presence,
    /// What QEMU says there.
    pub answer: Answer,
}

/// What a destination says to one block of a guest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// QEMU takes the guest, as far as this block decides it.
    Accepted,
    /// QEMU refuses the guest.
    Refused(Refused),
    /// What QEMU says is not known.
    NotJudged(Reason),
}

impl Answer {
    /// Whether QEMU refuses the guest, whichever file its card loads.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::NotJudged(Reason::Depends(cases)) => {
                cases.iter().all(|(_, answer)| answer.is_refused())
            }
            Self::Accepted | Self::NotJudged(_) => false,
        }
    }

    /// The line that QEMU prints, where it refuses the guest.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        match self {
            Self::Refused(refused) => Some(&refused.line),
            Self::Accepted | Self::NotJudged(_) => None,
        }
    }
}

/// Why QEMU refuses a guest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// What kind of refusal it is.
    pub cause: Cause,
    /// The line that QEMU prints.
    pub line: String,
}

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The blocks differ in size.
    SizeMismatch,
    /// The destination's card has no ROM.
    UnknownRamBlock,
    /// The destination does not find the ROM file, and does not start.
    MissingRomfile,
    /// The destination's ROM file does not fit into its `romsize`.
    TooLarge,
}

/// Why a block is not judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Which ROM file the card loads is not known.
    RomNotKnown,
    /// This file is in nothing that is known of the host.
    FileNotKnown(String),
    /// The host that the guest comes from does not have this file, by which it
    /// was started, so more is missing there than is said.
    SourceLacks(String),
    /// Neither host has this file.
    NeitherHas(String),
    /// This file has so many bytes, and QEMU takes it for no ROM.
    NotARom(String, u64),
    /// The guest's block has so many bytes, which no ROM has.
    OddSize(u64),
    /// What the property `romsize` does depends on the release of QEMU.
    QemuNotKnown,
    /// QEMU of this release has no property `romsize`.
    NoRomsize(QemuVersion),
    /// It depends on which of these files the card loads.
    Depends(Vec<(String, Answer)>),
}

/// The block of a ROM on one host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// There is none.
    NoRom,
    /// That of a ROM with this BAR.
    Rom(BarSize),
    /// The ROM file of this name is not found.
    Missing(String),
    /// The ROM file of this name has so many bytes, more than this `romsize`.
    TooLarge(String, u64, BarSize),
    /// It is not known.
    NotKnown(Reason),
}

impl Presence {
    /// The BAR, where there is one.
    #[must_use]
    pub const fn bar(&self) -> Option<BarSize> {
        match self {
            Self::Rom(bar) => Some(*bar),
            _ => None,
        }
    }

    /// The block of a card where its guest comes from.
    #[must_use]
    pub fn at_source(block: &Block, source: &Host<'_>) -> Self {
        match block.held {
            Held::ByFile => Self::on(block, &block.rom, source, false),
            Held::Nothing => Self::NoRom,
            Held::Bar(bar) => Self::Rom(bar),
            Held::Odd(bytes) => Self::NotKnown(Reason::OddSize(bytes)),
        }
    }

    /// The block of a card that loads this file.
    fn on(block: &Block, rom: &RomChoice, host: &Host<'_>, is_incoming: bool) -> Self {
        let file = match rom {
            RomChoice::Off => return Self::NoRom,
            RomChoice::Unknown | RomChoice::OneOf(_) => return Self::NotKnown(Reason::RomNotKnown),
            RomChoice::Default(file) | RomChoice::File(file) => file,
        };
        let found = host.find(file);
        let Some(romsize) = block.romsize else {
            return match found {
                Found::Rom(_, bar) => Self::Rom(bar),
                Found::NotARom(bytes) => Self::NotKnown(Reason::NotARom(file.clone(), bytes)),
                Found::Missing => Self::Missing(file.clone()),
                Found::NotKnown => Self::NotKnown(Reason::FileNotKnown(file.clone())),
            };
        };
        match (host.qemu, found) {
            (None, _) => Self::NotKnown(Reason::QemuNotKnown),
            (Some(qemu), _) if !qemu.has_romsize() => Self::NotKnown(Reason::NoRomsize(qemu)),
            (Some(qemu), _) if is_incoming && qemu.skips_rom_file_on_incoming() => {
                Self::Rom(romsize)
            }
            (_, Found::Rom(bytes, _) | Found::NotARom(bytes)) if bytes > romsize.bytes() => {
                Self::TooLarge(file.clone(), bytes, romsize)
            }
            (_, Found::Rom(..)) => Self::Rom(romsize),
            (_, Found::NotARom(bytes)) => Self::NotKnown(Reason::NotARom(file.clone(), bytes)),
            (_, Found::Missing) => Self::Missing(file.clone()),
            (_, Found::NotKnown) => Self::NotKnown(Reason::FileNotKnown(file.clone())),
        }
    }
}

/// What a destination says to each block of a guest that comes from a source.
#[must_use]
pub fn judge(guest: &Guest, source: &Host<'_>, destination: &Host<'_>) -> Vec<Judged> {
    let blocks = guest.blocks.iter();
    blocks
        .map(|block| judge_block(block, source, destination))
        .collect()
}

/// What a destination says to a block that comes from a source.
#[must_use]
pub fn judge_block(block: &Block, source: &Host<'_>, destination: &Host<'_>) -> Judged {
    let RomChoice::OneOf(files) = &block.rom else {
        return judge_from(Presence::at_source(block, source), block, destination);
    };
    let with = |file: &String| {
        let block = Block {
            rom: RomChoice::Default(file.clone()),
            ..block.clone()
        };
        let judged = judge_block(&block, source, destination);
        (file.clone(), judged)
    };
    let mut cases: Vec<(String, Judged)> = files.iter().map(with).collect();
    let is_one = |judged: &Judged| {
        let answers = cases.iter().map(|(_, other)| &other.answer);
        answers.into_iter().all(|answer| *answer == judged.answer)
    };
    match cases.first() {
        Some((_, first)) if is_one(first) => cases.swap_remove(0).1,
        _ => Judged {
            source: Presence::at_source(block, source),
            destination: Presence::NotKnown(Reason::RomNotKnown),
            answer: Answer::NotJudged(Reason::Depends(
                cases
                    .into_iter()
                    .map(|(file, judged)| (file, judged.answer))
                    .collect(),
            )),
        },
    }
}

/// What a destination says to a block that is so at the source, where what its
/// card is told may be another.
#[must_use]
pub fn judge_from(source: Presence, block: &Block, destination: &Host<'_>) -> Judged {
    let there = Presence::on(block, &block.rom, destination, true);
    let answer = answer(&source, &there, &block.name);
    Judged {
        source,
        destination: there,
        answer,
    }
}

fn answer(source: &Presence, destination: &Presence, block: &str) -> Answer {
    let refused = |cause, line| Answer::Refused(Refused { cause, line });
    let missing = |file: &str| refused(Cause::MissingRomfile, missing_romfile(file));
    let at = |presence: &Presence| match presence {
        Presence::Rom(bar) => RomAt::Block(RamBlockSize::of_bar(*bar)),
        _ => RomAt::None,
    };
    match (source, destination) {
        // Whatever stands at a path elsewhere, where it is missing QEMU does
        // not start. A name that neither host has is of a folder that was not
        // looked into.
        (Presence::Missing(_) | Presence::NotKnown(_), Presence::Missing(file))
            if file.starts_with('/') =>
        {
            missing(file)
        }
        (Presence::Missing(file), Presence::Missing(_)) => {
            Answer::NotJudged(Reason::NeitherHas(file.clone()))
        }
        (Presence::Missing(file) | Presence::TooLarge(file, ..), _) => {
            Answer::NotJudged(Reason::SourceLacks(file.clone()))
        }
        (Presence::NotKnown(reason), _) => Answer::NotJudged(reason.clone()),
        (_, Presence::Missing(file)) => missing(file),
        (_, Presence::TooLarge(file, bytes, romsize)) => {
            refused(Cause::TooLarge, romfile_too_large(file, *bytes, *romsize))
        }
        (_, Presence::NotKnown(reason)) => Answer::NotJudged(reason.clone()),
        (_, _) => match verdict(at(source), at(destination)) {
            Verdict::Accepted | Verdict::Impossible => Answer::Accepted,
            Verdict::Refused(refusal) => {
                let cause = match refusal {
                    Refusal::SizeMismatch { .. } => Cause::SizeMismatch,
                    Refusal::UnknownRamBlock => Cause::UnknownRamBlock,
                    Refusal::MissingRomfile(_) => Cause::MissingRomfile,
                };
                refused(cause, refusal.line(block))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Files;
    use std::collections::BTreeMap;

    /// Files with so many bytes.
    #[derive(Debug)]
    struct Folder(BTreeMap<&'static str, u64>);

    impl Files for Folder {
        fn find(&self, file: &str) -> Found {
            match self.0.get(file) {
                Some(bytes) => Found::file(*bytes),
                None if file.starts_with("/srv/") => Found::NotKnown,
                None => Found::Missing,
            }
        }
    }

    /// What a destination says to a card, each host with these files.
    fn said(
        card: &Block,
        source: &[(&'static str, u64)],
        destination: &[(&'static str, u64)],
        qemu: Option<&str>,
    ) -> Answer {
        let folder = |files: &[(&'static str, u64)]| Folder(files.iter().copied().collect());
        let (source, destination) = (folder(source), folder(destination));
        let source: [&dyn Files; 1] = [&source];
        let destination: [&dyn Files; 1] = [&destination];
        let qemu = qemu.map(|text| text.parse().unwrap());
        let destination = Host::new(&destination).with_qemu(qemu);
        judge_block(card, &Host::new(&source), &destination).answer
    }

    fn card(rom: RomChoice) -> Block {
        Block::of_device("e1000", "0000:00:02.0", rom)
    }

    fn default() -> Block {
        card(RomChoice::Default("efi-e1000.rom".to_owned()))
    }

    const SMALL: (&str, u64) = ("efi-e1000.rom", 200_000);
    const LARGE: (&str, u64) = ("efi-e1000.rom", 300_000);

    fn refused(cause: Cause, line: &str) -> Answer {
        let line = line.to_owned();
        Answer::Refused(Refused { cause, line })
    }

    #[test]
    fn the_files_of_both_hosts_decide() {
        let mismatch =
            "Size mismatch: 0000:00:02.0/e1000.rom: 0x40000 != 0x80000: Invalid argument";
        let missing = "failed to find romfile \"efi-e1000.rom\"";
        let name = "efi-e1000.rom".to_owned();
        for (source, destination, wanted) in [
            (
                &[SMALL][..],
                &[("efi-e1000.rom", 150_000)][..],
                Answer::Accepted,
            ),
            (&[SMALL], &[LARGE], refused(Cause::SizeMismatch, mismatch)),
            (&[SMALL], &[], refused(Cause::MissingRomfile, missing)),
            (
                &[],
                &[LARGE],
                Answer::NotJudged(Reason::SourceLacks(name.clone())),
            ),
            (
                &[],
                &[],
                Answer::NotJudged(Reason::NeitherHas(name.clone())),
            ),
            (
                &[SMALL],
                &[("efi-e1000.rom", 0)],
                Answer::NotJudged(Reason::NotARom(name, 0)),
            ),
        ] {
            assert_eq!(said(&default(), source, destination, None), wanted);
        }
        let off = card(RomChoice::Off);
        assert_eq!(said(&off, &[SMALL], &[LARGE], None), Answer::Accepted);
        let unknown = card(RomChoice::Unknown);
        let why = Answer::NotJudged(Reason::RomNotKnown);
        assert_eq!(said(&unknown, &[SMALL], &[LARGE], None), why);
    }

    #[test]
    fn a_file_that_is_named_must_be_there_whatever_the_source_has() {
        let told = |path: &str| card(RomChoice::File(path.to_owned()));
        let missing = refused(Cause::MissingRomfile, "failed to find romfile \"/a.rom\"");
        assert_eq!(said(&told("/a.rom"), &[], &[], None), missing);
        let why = Reason::FileNotKnown("/srv/a.rom".to_owned());
        let not_known = Answer::NotJudged(why);
        assert_eq!(said(&told("/srv/a.rom"), &[], &[], None), not_known);
        let here = [("/srv/a.rom", 512)];
        assert_eq!(said(&told("/srv/a.rom"), &here, &[], None), not_known);
        assert_eq!(
            said(&told("/srv/a.rom"), &here, &here, None),
            Answer::Accepted
        );
    }

    #[test]
    fn the_block_that_a_guest_has_counts_before_the_files_of_its_host() {
        let held = |held| Block { held, ..default() };
        let small = Held::Bar(BarSize::of_rom(SMALL.1).unwrap());
        assert!(said(&held(small), &[LARGE], &[LARGE], None).is_refused());
        assert_eq!(said(&held(small), &[], &[SMALL], None), Answer::Accepted);
        assert_eq!(
            said(&held(Held::Nothing), &[], &[LARGE], None),
            Answer::Accepted
        );
        let odd = Answer::NotJudged(Reason::OddSize(300));
        assert_eq!(said(&held(Held::Odd(300)), &[], &[LARGE], None), odd);
        let off = Block {
            held: small,
            ..card(RomChoice::Off)
        };
        let unknown = "Unknown ramblock \"0000:00:02.0/e1000.rom\", cannot accept migration";
        assert_eq!(
            said(&off, &[], &[], None),
            refused(Cause::UnknownRamBlock, unknown)
        );
    }

    #[test]
    fn romsize_does_what_the_release_of_the_destination_does_with_it() {
        let bar = BarSize::of_rom(SMALL.1).unwrap();
        let card = Block {
            romsize: Some(bar),
            held: Held::Bar(bar),
            ..default()
        };
        let with = |files: &[(&'static str, u64)], qemu| said(&card, &[], files, qemu);
        assert_eq!(with(&[SMALL], Some("7.2")), Answer::Accepted);
        assert_eq!(with(&[LARGE], Some("10.0")), Answer::Accepted);
        assert_eq!(with(&[], Some("10.0")), Answer::Accepted);
        let line = "romfile \"efi-e1000.rom\" (300000 bytes) is too large for ROM size 262144";
        assert_eq!(with(&[LARGE], Some("7.2")), refused(Cause::TooLarge, line));
        assert!(with(&[], Some("7.2")).is_refused());
        let none = Answer::NotJudged(Reason::NoRomsize(QemuVersion::new(5, 2)));
        assert_eq!(with(&[SMALL], Some("5.2")), none);
        assert_eq!(
            with(&[SMALL], None),
            Answer::NotJudged(Reason::QemuNotKnown)
        );
    }

    #[test]
    fn where_one_of_two_files_is_loaded_both_must_say_the_same() {
        let files = ["pxe-e1000.rom", "efi-e1000.rom"].map(str::to_owned);
        let either = Block {
            held: Held::Bar(BarSize::of_rom(SMALL.1).unwrap()),
            ..card(RomChoice::OneOf(files.to_vec()))
        };
        let of = |pxe, efi| said(&either, &[], &[("pxe-e1000.rom", pxe), efi], None);
        assert_eq!(of(150_000, SMALL), Answer::Accepted);
        assert!(matches!(of(300_000, LARGE), Answer::Refused(_)));
        let Answer::NotJudged(Reason::Depends(cases)) = of(150_000, LARGE) else {
            panic!("judged");
        };
        assert_eq!(cases[0], ("pxe-e1000.rom".to_owned(), Answer::Accepted));
        assert!(cases[1].1.is_refused() && !of(150_000, LARGE).is_refused());
        // Refused either way, although not with one line.
        let other = of(600_000, LARGE);
        assert!(other.is_refused() && other.line().is_none());
    }
}
