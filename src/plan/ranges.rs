//! Releases of ROMs with the machine types that used them.

use crate::qemu::{Device, QemuVersion};
use crate::romset::RomSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A release of ROMs, and the machine types that used it.
#[derive(Debug, Clone)]
pub struct Generation {
    /// The newest version of machine types that used these ROMs. They go back
    /// to the generation before.
    pub version: QemuVersion,
    /// The ROMs.
    pub set: RomSet,
}

/// Machine types that use the same old ROMs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRange {
    /// The newest version that does not belong to it, if any is older.
    pub after: Option<QemuVersion>,
    /// The newest version that belongs to it.
    pub up_to: QemuVersion,
    /// The release whose ROMs they used.
    pub release: String,
    /// File name of its mapping for `-readconfig`; none where it needs nothing.
    pub readconfig: Option<String>,
    /// Each device with the compat name of its ROM.
    pub devices: BTreeMap<String, String>,
}

impl MachineRange {
    /// The machine types after one version and up to another, with the compat
    /// ROMs of their devices.
    #[must_use]
    pub fn new(
        after: Option<QemuVersion>,
        up_to: QemuVersion,
        release: String,
        devices: BTreeMap<String, String>,
    ) -> Self {
        let readconfig = (!devices.is_empty()).then(|| format!("romfiles-up-to-{up_to}.cfg"));
        Self {
            after,
            up_to,
            release,
            readconfig,
            devices,
        }
    }

    /// Whether machine types of this version belong to it.
    #[must_use]
    pub fn contains(&self, version: QemuVersion) -> bool {
        version <= self.up_to && self.after.is_none_or(|after| version > after)
    }
}

impl fmt::Display for MachineRange {
    /// `up to 2.5`, `after 2.5, up to 2.11`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(after) = self.after {
            write!(f, "after {after}, ")?;
        }
        write!(f, "up to {}", self.up_to)
    }
}

/// The generations, taken apart where the ROMs that devices load by default
/// change: the newest version of each part.
pub(super) fn spans(generations: &[Generation]) -> Vec<(QemuVersion, &Generation)> {
    let mut spans = Vec::new();
    let mut after = None;
    for generation in generations {
        for change in Device::DEFAULTS_CHANGED_AFTER {
            if change < generation.version && after.is_none_or(|after| after < change) {
                spans.push((change, generation));
            }
        }
        spans.push((generation.version, generation));
        after = Some(generation.version);
    }
    spans
}

/// Takes out each part of a generation that has the mapping of the next one.
pub(super) fn merge<T: PartialEq>(
    spans: &mut Vec<(QemuVersion, &Generation)>,
    mappings: &mut Vec<T>,
) {
    let of_same = |pair: &[(QemuVersion, &Generation)]| match pair {
        [(_, one), (_, next)] => std::ptr::eq(*one, *next),
        _ => false,
    };
    let same_mapping = |pair: &[T]| matches!(pair, [one, next] if one == next);
    let mut keep: Vec<bool> = spans
        .windows(2)
        .zip(mappings.windows(2))
        .map(|(spans, mappings)| !(of_same(spans) && same_mapping(mappings)))
        .collect();
    keep.push(true);
    let mut wanted = keep.iter();
    spans.retain(|_| wanted.next().copied().unwrap_or(true));
    let mut wanted = keep.iter();
    mappings.retain(|_| wanted.next().copied().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::rom_set;

    #[test]
    fn a_generation_is_taken_apart_below_its_own_end_only() {
        let ends = |versions: &[&str]| {
            let generations: Vec<_> = versions
                .iter()
                .map(|version| Generation {
                    version: version.parse().unwrap(),
                    set: rom_set(&[("a.rom", 512)]),
                })
                .collect();
            let spans = spans(&generations);
            let ends = spans.iter().map(|(version, _)| version.to_string());
            ends.collect::<Vec<_>>().join(" ")
        };
        for (versions, spans) in [
            (&["1.3"][..], "1.3"),
            (&["1.4"], "1.4"),
            (&["1.5"], "1.4 1.5"),
            (&["2.6"], "1.4 2.6"),
            (&["2.7"], "1.4 2.6 2.7"),
            (&["1.4", "2.6"], "1.4 2.6"),
            (&["1.5", "2.6", "2.12"], "1.4 1.5 2.6 2.12"),
        ] {
            assert_eq!(ends(versions), spans, "{versions:?}");
        }
    }

    #[test]
    fn a_range_has_its_newest_version_and_lacks_the_one_before_it() {
        let version = |text: &str| text.parse::<QemuVersion>().unwrap();
        let range = MachineRange::new(
            Some(version("2.5")),
            version("2.11"),
            "aa 1".to_owned(),
            BTreeMap::new(),
        );
        let has = |text: &str| range.contains(version(text));
        assert!(!has("2.5") && has("2.6") && has("2.11") && !has("2.12"));
    }
}
