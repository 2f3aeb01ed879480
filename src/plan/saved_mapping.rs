//! Which compat ROMs saved guests are told to load.

use super::{MappedDevice, NamePattern, Romfile};
use crate::finding::{Code, Finding};
use crate::judge::SavedRom;
use crate::rom::BarSize;
use serde::Serialize;
use std::collections::BTreeMap;

/// The compat ROM of each kind of device, and of the cards that need another.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SavedMapping {
    /// What all cards of a kind are told.
    pub devices: Vec<MappedDevice>,
    /// What single cards are told.
    pub cards: Vec<MappedCard>,
    /// The size class that a kind of device has for the mapping.
    #[serde(skip)]
    classes: BTreeMap<&'static str, BarSize>,
    /// What is said of ROMs that nothing can be named for.
    #[serde(skip)]
    unknown: Vec<Finding>,
}

/// A card that needs another ROM than its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedCard {
    /// The state, as the user named it.
    pub state: String,
    /// Its RAM block, with the address before the slash.
    pub block: String,
    /// Its class.
    pub device: &'static str,
    /// The compat ROM.
    pub romfile: Romfile,
}

/// The cards of one kind in one size class.
#[derive(Default)]
struct Class {
    count: usize,
    /// Whether the host's own ROM has this size.
    is_given: bool,
}

impl SavedMapping {
    /// Maps the ROMs of these states, but for those that the host gives already.
    #[must_use]
    pub fn new<'a>(
        roms: impl Iterator<Item = (&'a str, &'a SavedRom)> + Clone,
        pattern: &NamePattern,
    ) -> Self {
        let mut kinds: BTreeMap<&'static str, BTreeMap<BarSize, Class>> = BTreeMap::new();
        for (_, rom) in roms.clone() {
            let Some(bar) = rom.bar() else { continue };
            for device in &rom.devices {
                let class = kinds
                    .entry(device.name)
                    .or_default()
                    .entry(bar)
                    .or_default();
                class.count = class.count.saturating_add(1);
                class.is_given |= rom.resumes();
            }
        }
        let mut mapping = Self::default();
        let mut given = BTreeMap::new();
        for (device, classes) in kinds {
            // What the host gives needs no word; else most cards decide.
            let best = classes
                .iter()
                .rev()
                .max_by_key(|(_, class)| (class.is_given, class.count));
            if let Some((bar, class)) = best {
                mapping.classes.insert(device, *bar);
                given.insert(device, class.is_given);
            }
        }
        for (state, rom) in roms {
            // Where the ROMs of a host judged it, it is a finding already.
            if rom.answer.is_none() && (rom.devices.is_empty() || rom.bar().is_none()) {
                mapping.unknown.push(rom.unknown_device(state));
            }
            let Some(bar) = rom.bar() else { continue };
            for device in &rom.devices {
                let romfile = Romfile::shared(pattern.compat_name(bar, device.romfile));
                let device = device.name;
                if mapping.classes.get(device) == Some(&bar) {
                    if given.get(device) == Some(&false) {
                        let device = device.to_owned();
                        mapping.devices.push(MappedDevice { device, romfile });
                    }
                } else {
                    mapping.cards.push(MappedCard {
                        state: state.to_owned(),
                        block: rom.name.clone(),
                        device,
                        romfile,
                    });
                }
            }
        }
        mapping.devices.sort();
        mapping.devices.dedup();
        // A block of several kinds stands for one card.
        mapping
            .cards
            .dedup_by(|b, a| (&a.state, &a.block) == (&b.state, &b.block));
        mapping
    }

    /// Whether the cards of this kind are told the ROM of this size; also where
    /// no state has such a card.
    #[must_use]
    pub fn takes(&self, device: &str, bar: BarSize) -> bool {
        self.classes.get(device).is_none_or(|class| *class == bar)
    }

    /// A finding for each ROM that nothing can be named for.
    #[must_use]
    pub fn unknown(&self) -> &[Finding] {
        &self.unknown
    }

    /// A finding for each card that the mapping of its kind does not serve.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.cards.iter().map(|card| {
            let (address, _) = card.block.rsplit_once('/').unwrap_or((&card.block, ""));
            let kind = self.classes.get(card.device);
            let kind = kind.map_or_else(String::new, BarSize::to_string);
            Finding::new(
                Code::StateCardApart,
                &card.state,
                format!(
                    "the card at {address} needs {}, and other cards of the kind {} have ROMs of {kind}",
                    card.romfile, card.device
                ),
                format!("romfile={} for the card at {address} alone", card.romfile),
            )
        })
    }
}
