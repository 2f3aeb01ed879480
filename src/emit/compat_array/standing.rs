//! What a source tree has already: its arrays with their `romfile` entries, in
//! the order in which QEMU applies them.

use super::source::{find, mask};
use super::{ArrayForm, ArrayKind, CompatArray, SourceTree};
use crate::qemu::{QemuVersion, device_by_name};
use std::ops::Range;

/// A `romfile` entry in C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The class, with `-` for `_` and small letters.
    class: String,
    /// The file.
    pub value: String,
    /// Where that stands in the text, without the quotes.
    pub value_at: Range<usize>,
}

/// A class as entries are compared: QEMU's names differ in `_` and capitals,
/// and an identifier such as `TYPE_VMXNET3` is called after the class.
fn class_of(text: &str) -> String {
    match text {
        // hw/virtio/virtio-net-pci.c and hw/net/pcnet-pci.c.
        "TYPE_VIRTIO_NET_PCI" => return "virtio-net-pci-base".to_owned(),
        "TYPE_PCI_PCNET" => return "pcnet".to_owned(),
        _ => {}
    }
    let name = text.strip_prefix("TYPE_").unwrap_or(text);
    name.to_ascii_lowercase().replace('_', "-")
}

impl Entry {
    /// Whether it sets the property of this device, by its class or by that of
    /// which it is a variant.
    pub fn is_for(&self, device: &str) -> bool {
        match &*self.class {
            "virtio-net-pci-base" => device.starts_with("virtio-net-pci"),
            "e1000-base" => device == "e1000" || device.starts_with("e1000-"),
            class => class_of(device) == class,
        }
    }
}

/// The `romfile` entries in the text of an array or macro, without comments.
pub(super) fn romfile_entries(text: &str) -> Vec<Entry> {
    /// A string or an identifier, and where it stands.
    type Word = (String, Range<usize>);
    let mut entries = Vec::new();
    let mut words: Vec<Word> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let start = text.len().saturating_sub(rest.len());
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (word, length) = match first {
            '"' => {
                let inner = rest.get(1..).unwrap_or_default();
                let inner = inner.split('"').next().unwrap_or_default();
                (Some((inner, 1)), inner.len().saturating_add(2))
            }
            // `.driver =` names what follows.
            '.' => {
                let name = rest.get(1..).unwrap_or_default();
                let length = name.find(|c| !is_word(c)).unwrap_or(name.len());
                (None, length.saturating_add(1))
            }
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (rest.get(..length).map(|word| (word, 0)), length)
            }
            _ => (None, first.len_utf8()),
        };
        if let Some((word, quote)) = word {
            let start = start.saturating_add(quote);
            words.push((word.to_owned(), start..start.saturating_add(word.len())));
        }
        if first == '}'
            && let [(class, _), (property, _), (value, value_at)] = words.as_slice()
            && property == "romfile"
        {
            entries.push(Entry {
                class: class_of(class),
                value: value.clone(),
                value_at: value_at.clone(),
            });
        }
        if matches!(first, '{' | '}') {
            words.clear();
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    entries
}

/// An array of a tree with its `romfile` entries.
#[derive(Debug)]
pub(super) struct Standing {
    kind: ArrayKind,
    version: QemuVersion,
    /// Its file.
    pub file: &'static str,
    /// Its name.
    pub name: String,
    entries: Vec<Entry>,
}

/// Whether QEMU itself tells a device this ROM in machine types of PCs of a
/// version.
pub(super) fn is_own_default(
    kind: ArrayKind,
    version: QemuVersion,
    device: &str,
    value: &str,
) -> bool {
    let own = device_by_name(device)
        .filter(|device| !device.is_default_usual_in(version))
        .map(|device| device.romfile_in(version).unwrap_or_default());
    kind == ArrayKind::Pc && own == Some(value)
}

impl Standing {
    /// The arrays of a tree that have `romfile` entries, as a machine type
    /// applies them: from newer versions to older ones, and of one version
    /// those of fewer machine types last.
    pub fn all(tree: &SourceTree, form: ArrayForm) -> Vec<Self> {
        let mut all = Vec::new();
        for kind in [
            ArrayKind::Every,
            ArrayKind::Pc,
            ArrayKind::I440fx,
            ArrayKind::Q35,
        ] {
            let file = kind.file(form);
            let text = mask(tree.text(file));
            for version in tree.versions(kind, form) {
                let name = kind.array_name(version, form);
                let Ok(found) = find(&text, &name, form) else {
                    continue;
                };
                let entries = romfile_entries(&found.body(&text));
                if !entries.is_empty() {
                    all.push(Self {
                        kind,
                        version,
                        file,
                        name,
                        entries,
                    });
                }
            }
        }
        all.sort_by_key(|one| (std::cmp::Reverse(one.version), one.kind));
        all
    }

    /// Whether a machine type of this array's has the other one's, too.
    fn meets(&self, array: &CompatArray) -> bool {
        let families = (self.kind.family(), array.kind.family());
        !matches!(families, (Some(one), Some(other)) if one != other)
    }

    /// Whether it is applied before this array.
    fn is_before(&self, array: &CompatArray) -> bool {
        (std::cmp::Reverse(self.version), self.kind)
            < (std::cmp::Reverse(array.version), array.kind)
    }

    fn is(&self, array: &CompatArray) -> bool {
        self.kind == array.kind && self.version == array.version
    }

    /// What it tells a device: QEMU takes the last entry.
    fn value_for(&self, device: &str) -> Option<&str> {
        let entry = self.entries.iter().rfind(|entry| entry.is_for(device))?;
        Some(&entry.value)
    }
}

/// Whether a device has what an array is to tell it from arrays that are
/// applied before it.
pub(super) fn is_inherited(standing: &[Standing], array: &CompatArray, form: ArrayForm) -> bool {
    let before = || {
        let meets = standing.iter().filter(|one| one.meets(array));
        meets.filter(|one| one.is_before(array))
    };
    let last = |device: &str| before().filter_map(|one| one.value_for(device)).next_back();
    let mut wanted = array.entries_in(form);
    wanted.all(|(device, romfile)| last(device) == Some(romfile))
}

/// An entry of the tree that is applied after an array and takes the place of
/// what that tells a device: the array, the device and its ROM. What the plan
/// puts into other arrays is not meant, nor QEMU's own defaults.
pub(super) fn overriding<'s>(
    standing: &'s [Standing],
    array: &CompatArray,
    plan: &[CompatArray],
    form: ArrayForm,
) -> Option<(&'s Standing, String, &'s str)> {
    let after = standing.iter().filter(|one| {
        let is_planned = plan.iter().any(|planned| one.is(planned));
        one.meets(array) && !one.is_before(array) && !is_planned
    });
    after.into_iter().find_map(|one| {
        array.entries_in(form).find_map(|(device, romfile)| {
            let value = one.value_for(device)?;
            let is_own = is_own_default(one.kind, one.version, device, value);
            (value != romfile && !is_own).then(|| (one, device.clone(), value))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        let entries = romfile_entries(&mask(text));
        entries.into_iter().map(|e| (e.class, e.value)).collect()
    }

    #[test]
    fn entries_are_read_in_both_forms_and_comments_are_not() {
        let text = "GlobalProperty hw_compat_9_2[] = {\n\
            /* { \"a\", \"romfile\", \"no\" }, */ // \"x\"\n\
            #if 0\n{ \"a\", \"romfile\", \"no\" },\n#endif\n\
            { TYPE_B, \"romfile\", \"b.rom\" },\n\
            { \"c\" \"-\" TYPE_C, \"romfile\", \"no\" },\n\
            { \"c\", \"romfile\", \"c.rom\" }, { \"c\", \"mq\", \"off\" },\n\
            {\\\n .driver = \"d\",\\\n .property = \"romfile\",\\\n .value = \"d.rom\",\\\n},\n};";
        let own = |device: &str, rom: &str| (device.to_owned(), rom.to_owned());
        assert_eq!(
            found(text),
            [own("b", "b.rom"), own("c", "c.rom"), own("d", "d.rom")]
        );
        assert_eq!(found("{ \"open"), []);
        let text = "{ \"é\", \"romfile\", \"r\" }";
        let entry = romfile_entries(text).remove(0);
        assert_eq!(text.get(entry.value_at), Some("r"));
    }

    #[test]
    fn an_entry_is_for_every_device_of_its_class() {
        let is_for = |class: &str, device| {
            let text = format!("{{ {class}, \"romfile\", \"a\" }}");
            romfile_entries(&text)[0].is_for(device)
        };
        for (class, device) in [
            ("TYPE_VMXNET3", "vmxnet3"),
            ("TYPE_E1000E", "e1000e"),
            ("TYPE_E1000_BASE", "e1000-82545em"),
            ("TYPE_PCI_PCNET", "pcnet"),
            ("TYPE_VIRTIO_NET_PCI", "virtio-net-pci-transitional"),
            ("\"virtio-net-pci-base\"", "virtio-net-pci"),
            ("\"ne2k_pci\"", "ne2k_pci"),
        ] {
            assert!(is_for(class, device), "{class}");
        }
        assert!(!is_for("\"e1000-base\"", "e1000e"));
        assert!(!is_for("\"virtio-net-pci\"", "virtio-net-pci-transitional"));
    }
}
