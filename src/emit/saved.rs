//! The mapping of saved guests as options for QEMU and as libvirt elements.

use super::{global, interface_model, rom_element};
use crate::plan::SavedMapping;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// One `-global DEVICE.romfile=NAME` a line for each kind of device. A card
/// that needs another ROM has none: QEMU has such an option for kinds alone.
#[must_use]
pub fn saved_globals(mapping: &SavedMapping) -> String {
    let devices = mapping.devices.iter();
    devices
        .map(|mapped| format!("{}\n", global(mapped)))
        .collect()
}

/// For each interface model the element, and for single cards theirs.
#[must_use]
pub fn saved_libvirt(mapping: &SavedMapping) -> String {
    let devices = mapping.devices.iter();
    let kinds = devices.map(|mapped| (&*mapped.device, &mapped.romfile, String::new()));
    let cards = mapping.cards.iter().map(|card| {
        let (address, _) = card.block.rsplit_once('/').unwrap_or((&card.block, ""));
        let place = format!(" of the card at {address} of {}", card.state);
        (card.device, &card.romfile, place)
    });
    let mut text = String::new();
    let mut displays = BTreeSet::new();
    for (device, romfile, place) in kinds.chain(cards) {
        let Some(model) = interface_model(device) else {
            displays.insert(device);
            continue;
        };
        let element = rom_element(&romfile.path());
        let _ = writeln!(text, "# beside <model type='{model}'/>{place}\n{element}");
    }
    if !displays.is_empty() {
        let displays: Vec<&str> = displays.into_iter().collect();
        let _ = writeln!(
            text,
            "# libvirt names no ROM for <video>; use `--emit globals` for {}.",
            displays.join(", ")
        );
    }
    text
}
