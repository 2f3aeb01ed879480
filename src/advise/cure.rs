//! Ways to keep guests migratable when ROMs change size, and which of them
//! work with the QEMU at hand.

use crate::guest::{Block, Held};
use crate::judge::{Answer, Change, Comparison, End, Pair, Reason, Side, judge_between};
use crate::qemu::QemuVersion;
use crate::rom::BarSize;
use serde::Serialize;

/// A way to keep guests migratable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Change nothing.
    Nothing,
    /// Pad the new ROMs to their old size classes.
    PadToOldSize,
    /// Ship the old ROMs under compat names, and tell old guests to load them.
    CompatRom,
    /// The same, and pad the new ROMs to a larger class that they will not
    /// leave soon.
    LargerClass,
    /// Give the destination the old size as `romsize`.
    RomsizeIncoming,
    /// Give both sides the larger size as `romsize`.
    RomsizeBothSides,
}

impl Way {
    /// What it is, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nothing => "change nothing",
            Self::PadToOldSize => "pad the new ROMs to their old sizes",
            Self::CompatRom => "ship the old ROMs under compat names",
            Self::LargerClass => "ship the old ROMs, and pad the new ones to a larger size",
            Self::RomsizeIncoming => "romsize on the incoming side alone",
            Self::RomsizeBothSides => "romsize on both sides",
        }
    }

    /// What to do, in words; none where there is nothing to do.
    #[must_use]
    pub const fn step(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::PadToOldSize => {
                Some("pad each new ROM to its old size (`romcompat pad NEW --size SIZE`)")
            }
            Self::CompatRom => Some(
                "build the compat package (`romcompat build OLD NEW --out FOLDER`) and map old machine types to it (`romcompat emit`)",
            ),
            Self::LargerClass => Some(
                "build the compat package, and pad the new ROMs to the size that `romcompat advise` names",
            ),
            Self::RomsizeIncoming | Self::RomsizeBothSides => {
                Some("give the options to QEMU's command line")
            }
        }
    }
}

/// Whether a way helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Works {
    /// It does.
    Yes,
    /// It depends on a version of QEMU that is not known.
    Unknown,
    /// Only for guests that are started with it.
    FromNowOn,
    /// It does not.
    No,
}

/// A way, whether it works, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cure {
    /// The way.
    pub way: Way,
    /// Whether it works here.
    pub works: Works,
    /// Why.
    pub reason: String,
    /// Options for QEMU's command line that it needs, one a device.
    pub options: Vec<String>,
}

/// The QEMU at both ends of a migration, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QemuPair {
    /// The release that guests come from.
    pub source: Option<QemuVersion>,
    /// The release that they go to.
    pub dest: Option<QemuVersion>,
}

/// Every way, the best first: those that work before those that do not.
#[must_use]
pub fn cures(comparison: &Comparison<'_>, qemu: QemuPair) -> Vec<Cure> {
    let breaking: Vec<&Pair<'_>> = comparison.breaking().collect();
    if breaking.is_empty() {
        return vec![Cure {
            way: Way::Nothing,
            works: Works::Yes,
            reason: "every ROM keeps the size that guests have".to_owned(),
            options: Vec::new(),
        }];
    }
    let mut cures = vec![
        pad_to_old_size(&breaking, qemu),
        compat_rom(&breaking, qemu),
        larger_class(&breaking, qemu),
        romsize_incoming(&breaking, qemu),
        romsize_both_sides(&breaking, qemu),
        nothing(&breaking),
    ];
    cures.sort_by_key(|cure| cure.works);
    cures
}

/// The new ROMs that do not fit into their old BARs: name and size.
fn too_large<'a>(breaking: &'a [&Pair<'_>]) -> impl Iterator<Item = (&'a str, u64, BarSize)> {
    breaking.iter().filter_map(|pair| {
        let (old, new) = (pair.old()?, pair.new()?);
        (new.size > old.bar.bytes()).then_some((pair.name, new.size, old.bar))
    })
}

fn missing<'a>(breaking: &'a [&Pair<'_>]) -> Option<&'a str> {
    let gone = |pair: &&&Pair<'_>| pair.change() == Change::Disappears;
    breaking.iter().find(gone).map(|pair| pair.name)
}

fn cure(way: Way, works: Works, reason: impl Into<String>) -> Cure {
    Cure {
        way,
        works,
        reason: reason.into(),
        options: Vec::new(),
    }
}

fn cure_with(way: Way, works: Works, reason: String, options: Vec<String>) -> Cure {
    Cure {
        options,
        ..cure(way, works, reason)
    }
}

fn old_bar(pair: &Pair<'_>) -> Option<BarSize> {
    pair.old().map(|side| side.bar)
}

fn nothing(breaking: &[&Pair<'_>]) -> Cure {
    let (count, first) = (
        breaking.len(),
        breaking.first().map_or("", |pair| pair.name),
    );
    let others = match count {
        1 => first.to_owned(),
        _ => format!("{first} and {} more", count.saturating_sub(1)),
    };
    let reason = format!("QEMU refuses guests whose ROM has another size: {others}");
    cure(Way::Nothing, Works::No, reason)
}

/// The worst that hosts say to the cards of ROMs that break, with what each way
/// changes of a card, of where it comes from, and of where it goes.
fn judged<'a>(
    breaking: &[&Pair<'a>],
    way: impl Fn(&Pair<'a>, Side<'a>) -> (Block, End<'a>, End<'a>),
) -> Answer {
    let of_pair = |pair: &&Pair<'a>| {
        let (card, source, destination) = way(pair, pair.old()?);
        Some(judge_between(&card, source, destination))
    };
    let answers = breaking.iter().filter_map(of_pair);
    answers.max().unwrap_or(Answer::Accepted)
}

/// What the new host says to cards that have their old blocks, where the ROM that
/// they load is this one.
fn judged_with<'a>(
    breaking: &[&Pair<'a>],
    qemu: QemuPair,
    rom: impl Fn(&Pair<'a>, Side<'a>) -> Option<Side<'a>>,
) -> Answer {
    judged(breaking, |pair, old| {
        let destination = End {
            rom: rom(pair, old),
            qemu: qemu.dest,
        };
        (pair.example_card(), Some(old).into(), destination)
    })
}

const fn works(answer: &Answer) -> Works {
    match answer {
        Answer::Accepted => Works::Yes,
        Answer::Refused(_) => Works::No,
        Answer::NotJudged(_) => Works::Unknown,
    }
}

fn pad_to_old_size(breaking: &[&Pair<'_>], qemu: QemuPair) -> Cure {
    let padded = |pair: &Pair<'_>, old: Side<'_>| {
        let size = pair.new()?.size.max(old.bar.bytes());
        let bar = BarSize::of_rom(size)?;
        Some(Side {
            size,
            bar,
            file: None,
        })
    };
    let answer = judged_with(breaking, qemu, padded);
    let reason = if let Some(name) = missing(breaking) {
        format!("{name} is not in the new release")
    } else if let Some((name, size, bar)) = too_large(breaking).next() {
        format!("{name} has {size} bytes, and its old BAR {bar}")
    } else {
        "each new ROM fits into its old BAR, so no guest has to be told anything; with every QEMU"
            .to_owned()
    };
    cure(Way::PadToOldSize, works(&answer), reason)
}

fn compat_rom(breaking: &[&Pair<'_>], qemu: QemuPair) -> Cure {
    let mut reason =
        "with every QEMU, for migration, resume and cold start; the way back needs them there, too"
            .to_owned();
    if let Some(dest) = qemu.dest
        && !dest.search_path().contains(&"/usr/lib/ipxe/qemu")
    {
        reason.push_str(&format!(
            "; in /usr/share/qemu, since QEMU {dest} does not search /usr/lib/ipxe/qemu"
        ));
    }
    let answer = judged_with(breaking, qemu, |_, old| Some(old));
    cure(Way::CompatRom, works(&answer), reason)
}

fn larger_class(breaking: &[&Pair<'_>], qemu: QemuPair) -> Cure {
    let answer = judged_with(breaking, qemu, |_, old| Some(old));
    cure(
        Way::LargerClass,
        works(&answer),
        "costs the same compat package now, and spares the coming releases another one",
    )
}

fn options(breaking: &[&Pair<'_>], size: impl Fn(&Pair<'_>) -> Option<BarSize>) -> Vec<String> {
    let of_pair = |pair: &&Pair<'_>| {
        let bytes = size(pair).map(BarSize::bytes);
        let option = |card: Block| Some(format!("-global {}.romsize={}", card.model?, bytes?));
        pair.cards()
            .into_iter()
            .filter_map(option)
            .collect::<Vec<_>>()
    };
    breaking.iter().flat_map(of_pair).collect()
}

fn romsize_incoming(breaking: &[&Pair<'_>], qemu: QemuPair) -> Cure {
    let way = Way::RomsizeIncoming;
    let too_large = too_large(breaking).next();
    let fits = too_large.is_none() && missing(breaking).is_none();
    let answer = judged(breaking, |pair, old| {
        let card = Block {
            romsize: Some(old.bar),
            held: Held::Bar(old.bar),
            ..pair.example_card()
        };
        let destination = End {
            rom: pair.new(),
            qemu: qemu.dest,
        };
        (card, Some(old).into(), destination)
    });
    let dest = qemu.dest.map(|dest| dest.to_string()).unwrap_or_default();
    let reason = match &answer {
        Answer::NotJudged(Reason::NoRomsize(_)) => {
            let reason = format!("QEMU {dest} has no such property; it came with 6.0");
            return cure_with(way, Works::No, reason, options(breaking, old_bar));
        }
        Answer::NotJudged(_) if fits => {
            "the property came with 6.0; say --dest-qemu-version".to_owned()
        }
        Answer::NotJudged(_) => {
            "from 8.1 on QEMU does not load the file then; say --dest-qemu-version".to_owned()
        }
        Answer::Accepted if fits => {
            format!("QEMU {dest} gives a smaller file this size, also at a cold start")
        }
        Answer::Accepted => format!(
            "QEMU {dest} does not load the file of an incoming guest then; a cold start with the same options fails"
        ),
        Answer::Refused(_) => {
            let why = match too_large {
                Some((name, size, bar)) => {
                    format!("{name} with {size} bytes, which do not fit into {bar}")
                }
                None => "a file that is missing".to_owned(),
            };
            format!("QEMU {dest} loads the file of an incoming guest (up to 8.0): {why}")
        }
    };
    cure_with(way, works(&answer), reason, options(breaking, old_bar))
}

fn romsize_both_sides(breaking: &[&Pair<'_>], qemu: QemuPair) -> Cure {
    let way = Way::RomsizeBothSides;
    let larger = |pair: &Pair<'_>| Some(pair.old()?.bar.max(pair.new()?.bar));
    let answer = judged(breaking, |pair, old| {
        let card = Block {
            romsize: larger(pair),
            ..pair.example_card()
        };
        let end = |rom, qemu| End { rom, qemu };
        let destination = end(pair.new(), qemu.dest);
        (card, end(Some(old), qemu.source), destination)
    });
    let mut known = [qemu.source, qemu.dest].into_iter().flatten();
    let without = known.find(|qemu| !qemu.has_romsize());
    let (works, reason) = if let Some(name) = missing(breaking) {
        (Works::No, format!("{name} is not in the new release"))
    } else if let Some(old) = without {
        (
            Works::No,
            format!("QEMU {old} has no such property; it came with 6.0"),
        )
    } else {
        let now = "guests that run now have the old size";
        match answer {
            Answer::Accepted => (Works::FromNowOn, now.to_owned()),
            Answer::Refused(refused) => (Works::No, format!("QEMU says `{}`", refused.line)),
            Answer::NotJudged(_) => (
                Works::FromNowOn,
                format!("{now}; the property came with 6.0, on both sides"),
            ),
        }
    };
    cure_with(way, works, reason, options(breaking, larger))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::rom_set;

    fn ways(old: usize, new: Option<usize>, qemu: (&str, &str)) -> Vec<(Way, Works)> {
        let name = "efi-e1000.rom";
        let old = rom_set(&[(name, old), ("other", 512)]);
        let new = match new {
            Some(size) => rom_set(&[(name, size), ("other", 512)]),
            None => rom_set(&[("other", 512), ("another", 512)]),
        };
        let qemu = QemuPair {
            source: qemu.0.parse().ok(),
            dest: qemu.1.parse().ok(),
        };
        let cures = cures(&Comparison::new(&old, &new), qemu);
        cures.iter().map(|cure| (cure.way, cure.works)).collect()
    }

    fn works(ways: &[(Way, Works)], wanted: Way) -> Works {
        ways.iter().find(|(way, _)| *way == wanted).unwrap().1
    }

    #[test]
    fn where_nothing_breaks_nothing_is_best() {
        assert_eq!(
            ways(5000, Some(6000), ("", "")),
            [(Way::Nothing, Works::Yes)]
        );
    }

    #[test]
    fn a_rom_that_grows_has_a_compat_rom_with_every_qemu() {
        for qemu in [("", ""), ("2.11", "5.2"), ("5.2", "7.2"), ("7.2", "10.0")] {
            let ways = ways(5000, Some(9000), qemu);
            assert_eq!(ways[0], (Way::CompatRom, Works::Yes), "{qemu:?}");
            assert_eq!(works(&ways, Way::Nothing), Works::No);
            assert_eq!(works(&ways, Way::PadToOldSize), Works::No);
        }
    }

    #[test]
    fn romsize_works_from_the_release_that_can() {
        let of = |qemu| ways(5000, Some(9000), qemu);
        let incoming = |qemu| works(&of(qemu), Way::RomsizeIncoming);
        assert_eq!(incoming(("7.2", "")), Works::Unknown);
        assert_eq!(incoming(("7.2", "5.2")), Works::No);
        assert_eq!(incoming(("5.2", "7.2")), Works::No);
        assert_eq!(incoming(("5.2", "8.1")), Works::Yes);
        let both = |qemu| works(&of(qemu), Way::RomsizeBothSides);
        assert_eq!(both(("5.2", "7.2")), Works::No);
        assert_eq!(both(("6.0", "6.0")), Works::FromNowOn);
    }

    #[test]
    fn a_rom_that_shrinks_is_best_padded_and_romsize_serves_it_since_6_0() {
        let ways = ways(9000, Some(5000), ("5.2", "7.2"));
        assert_eq!(ways[0], (Way::PadToOldSize, Works::Yes));
        assert_eq!(works(&ways, Way::RomsizeIncoming), Works::Yes);
    }

    #[test]
    fn a_rom_that_disappears_is_not_loaded_by_an_incoming_guest_since_8_1() {
        let incoming = |dest| works(&ways(5000, None, ("7.2", dest)), Way::RomsizeIncoming);
        assert_eq!(incoming("7.2"), Works::No);
        assert_eq!(incoming("10.0"), Works::Yes);
        let ways = ways(5000, None, ("7.2", "10.0"));
        assert_eq!(works(&ways, Way::RomsizeBothSides), Works::No);
        assert_eq!(works(&ways, Way::PadToOldSize), Works::No);
    }

    #[test]
    fn the_options_name_every_variant_and_the_size_in_bytes() {
        let old = rom_set(&[("efi-e1000.rom", 5000), ("other", 512)]);
        let new = rom_set(&[("efi-e1000.rom", 9000), ("other", 512)]);
        let cures = cures(&Comparison::new(&old, &new), QemuPair::default());
        let of = |way| &cures.iter().find(|cure| cure.way == way).unwrap().options;
        assert_eq!(
            of(Way::RomsizeIncoming)[2],
            "-global e1000-82545em.romsize=8192"
        );
        assert_eq!(of(Way::RomsizeBothSides)[0], "-global e1000.romsize=16384");
    }
}
