//! The filter for guests that come to a host: libvirt hands a hook the
//! definition of each, and takes what the hook prints
//! (`hooks.html`, `/etc/libvirt/hooks/qemu`, operations `migrate` and
//! `restore`).

use crate::libvirt::{Domain, Interface, pin, unpin};
use crate::plan::{CardRom, guest_cards, machine_of};
use crate::qemu::{Device, MachineType, QemuVersion, RamBlockSize, device_by_name};
use crate::rom::BarSize;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which device of which machine types gets which ROM, as `manifest.json` of a
/// compat package says it.
#[derive(Debug, Clone, Deserialize)]
pub struct HookMapping {
    install_dir: String,
    roms: Vec<MappedRom>,
    #[serde(default)]
    ranges: Vec<MappedRange>,
}

#[derive(Debug, Clone, Deserialize)]
struct MappedRom {
    name: String,
    bar: u64,
    devices: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct MappedRange {
    after: Option<QemuVersion>,
    up_to: QemuVersion,
    devices: BTreeMap<String, String>,
}

/// What is asked of the host that a guest comes to.
pub trait Host {
    /// Whether there is a file at this absolute path.
    fn has_file(&self, path: &str) -> bool;
    /// The size of the ROM file that its QEMU finds by this name, in bytes.
    fn rom_size(&self, romfile: &str) -> Option<u64>;
}

/// A definition after the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered {
    /// The definition.
    pub text: String,
    /// What was done, and what was left alone for which reason.
    pub remarks: Vec<String>,
}

impl HookMapping {
    /// Reads the manifest of a compat package.
    ///
    /// # Errors
    /// What is wrong with it, in the words of the JSON reader.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Path and size in bytes of the ROM for a device of this machine type.
    #[must_use]
    pub fn rom(&self, device: &str, machine: Option<MachineType>) -> Option<(String, u64)> {
        let rom = self.rom_for(device, machine)?;
        Some((self.path(rom), rom.bar))
    }

    /// Size in bytes of our ROM at this path.
    #[must_use]
    pub fn size_at(&self, path: &str) -> Option<u64> {
        self.rom_at(path).map(|rom| rom.bar)
    }

    /// The ROM for a device of this machine type. A mapping without ranges is
    /// for today's defaults.
    fn rom_for(&self, device: &str, machine: Option<MachineType>) -> Option<&MappedRom> {
        if self.ranges.is_empty() {
            let known = device_by_name(device);
            if known.is_some_and(|known| known.romfile_on(machine) != Some(known.romfile)) {
                return None;
            }
            let loads = |rom: &&MappedRom| rom.devices.iter().any(|name| name == device);
            return self.roms.iter().find(loads);
        }
        let version = machine?.version?;
        let range = self.ranges.iter().find(|range| {
            version <= range.up_to && range.after.is_none_or(|after| version > after)
        })?;
        let name = range.devices.get(device)?;
        self.roms.iter().find(|rom| rom.name == *name)
    }

    fn path(&self, rom: &MappedRom) -> String {
        format!("{}/{}", self.install_dir, rom.name)
    }

    /// Our ROM at this path.
    fn rom_at(&self, path: &str) -> Option<&MappedRom> {
        self.roms.iter().find(|rom| self.path(rom) == path)
    }

    /// Adds our ROM to the cards that had one of its size where the guest comes
    /// from and would get another here; takes ours away where this host has not
    /// the file and its own ROM has the size.
    #[must_use]
    pub fn filter(&self, domain: &Domain<'_>, host: &dyn Host) -> Filtered {
        let mut remarks = Vec::new();
        let machine = machine_of(domain);
        if machine.is_none() && !self.ranges.is_empty() {
            let name = domain.machine.as_ref().map_or("", |machine| &machine.value);
            remarks.push(format!(
                "left alone: no version is known of its machine type `{name}`"
            ));
        }
        let (mut pinned, mut dropped) = (Vec::new(), Vec::new());
        for (card, interface) in guest_cards(domain, machine).iter().zip(&domain.interfaces) {
            let (number, Some(device)) = (card.number, card.device) else {
                continue;
            };
            let label = format!("interface {}, {}", number.saturating_add(1), device.name);
            match file_of(interface) {
                Some(path) => {
                    let Some(rom) = self.rom_at(path).filter(|_| !host.has_file(path)) else {
                        continue;
                    };
                    if has_block(host, device, machine, rom.bar) {
                        remarks.push(format!(
                            "{label}: {path} is not here, and the host's own ROM has its size: taken away"
                        ));
                        dropped.push(number);
                    } else {
                        remarks.push(format!(
                            "{label}: left alone: {path} is not here, and the host has no ROM of its size; install the compat package"
                        ));
                    }
                }
                None => {
                    let Some(rom) = self.rom_for(device.name, machine) else {
                        continue;
                    };
                    let path = self.path(rom);
                    if card.rom == CardRom::Off || has_block(host, device, machine, rom.bar) {
                        continue;
                    }
                    if host.has_file(&path) {
                        remarks.push(format!("{label}: {path} added"));
                        pinned.push((number, path));
                    } else {
                        remarks.push(format!("{label}: left alone: {path} is not here"));
                    }
                }
            }
        }
        let text = pin(domain, &pinned);
        let text = match (dropped.is_empty(), Domain::parse(text.as_bytes())) {
            (false, Ok(changed)) => unpin(&changed, &dropped),
            _ => text,
        };
        Filtered { text, remarks }
    }
}

fn file_of(interface: &Interface) -> Option<&str> {
    let file = interface.rom.as_ref()?.file.as_ref()?;
    Some(&file.value)
}

/// Whether the ROM that this host gives the device by default has a RAM block
/// of the same size.
fn has_block(host: &dyn Host, device: &Device, machine: Option<MachineType>, bar: u64) -> bool {
    let block = |bytes| BarSize::of_rom(bytes).map(RamBlockSize::of_bar);
    let size = device
        .romfile_on(machine)
        .and_then(|romfile| host.rom_size(romfile));
    size.and_then(block)
        .is_some_and(|own| Some(own) == block(bar))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{"install_dir": "/usr/share/qemu", "roms": [
        {"name": "compat-256k-efi-virtio.rom", "bar": 262144, "devices": ["virtio-net-pci"]}]}"#;
    const RANGES: &str = r#"{"install_dir": "/usr/share/qemu", "roms": [
        {"name": "compat-256k-efi-virtio.rom", "bar": 262144, "devices": ["virtio-net-pci"]}],
        "ranges": [{"after": null, "up_to": "7.2", "devices":
        {"virtio-net-pci": "compat-256k-efi-virtio.rom"}}]}"#;
    const OURS: &str = "/usr/share/qemu/compat-256k-efi-virtio.rom";

    /// A host with the package or without, and a default ROM of a size.
    struct Test {
        has_package: bool,
        size: u64,
    }

    impl Host for Test {
        fn has_file(&self, path: &str) -> bool {
            self.has_package && path == OURS
        }

        fn rom_size(&self, romfile: &str) -> Option<u64> {
            (romfile == "efi-virtio.rom").then_some(self.size)
        }
    }

    fn guest(machine: &str, inner: &str) -> String {
        format!(
            "<domain>\n<os><type arch='x86_64' machine='{machine}'>hvm</type></os>\n<devices>\n<interface type='user'>{inner}</interface>\n</devices>\n</domain>\n"
        )
    }

    fn filtered(manifest: &str, text: &str, has_package: bool, size: u64) -> Filtered {
        let mapping = HookMapping::parse(manifest).unwrap();
        let domain = Domain::parse(text.as_bytes()).unwrap();
        mapping.filter(&domain, &Test { has_package, size })
    }

    const VIRTIO: &str = "<model type='virtio'/>";

    #[test]
    fn a_card_that_would_get_another_size_gets_our_rom() {
        let text = guest("pc-q35-7.2", VIRTIO);
        let wanted = guest("pc-q35-7.2", &format!("{VIRTIO}<rom file='{OURS}'/>"));
        for manifest in [MANIFEST, RANGES] {
            assert_eq!(filtered(manifest, &text, true, 300_000).text, wanted);
            // The host's own ROM has the size.
            assert_eq!(filtered(manifest, &text, true, 200_000).text, text);
            // The package is not there.
            let found = filtered(manifest, &text, false, 300_000);
            assert_eq!(found.text, text);
            assert!(found.remarks[0].contains("is not here"));
        }
    }

    #[test]
    fn a_machine_type_with_another_default_needs_ranges() {
        let text = guest("pc-i440fx-1.4", VIRTIO);
        assert_eq!(filtered(MANIFEST, &text, true, 300_000).text, text);
        let text = guest("pc-i440fx-1.5", VIRTIO);
        assert_ne!(filtered(MANIFEST, &text, true, 300_000).text, text);
    }

    #[test]
    fn machine_types_beyond_the_mapping_are_left_alone() {
        for machine in ["pc-q35-10.0", "pc-q35-noble", "q35"] {
            let text = guest(machine, VIRTIO);
            assert_eq!(
                filtered(RANGES, &text, true, 300_000).text,
                text,
                "{machine}"
            );
        }
        let text = guest("pc-q35-noble", VIRTIO);
        let remarks = filtered(RANGES, &text, true, 300_000).remarks;
        assert!(remarks[0].contains("`pc-q35-noble`"), "{remarks:?}");
    }

    #[test]
    fn what_the_guest_says_itself_stays() {
        for inner in [
            "<model type='virtio'/><rom file='/my.rom'/>",
            "<model type='virtio'/><rom bar='off'/>",
            "<model type='virtio'/><rom enabled='no'/>",
            "<model type='virtio'/><address type='ccw'/>",
            "<model type='made-up'/>",
            "",
        ] {
            let text = guest("pc-q35-7.2", inner);
            assert_eq!(filtered(MANIFEST, &text, true, 300_000).text, text);
        }
    }

    #[test]
    fn our_rom_goes_where_it_is_missing_and_not_needed() {
        let plain = guest("pc-q35-7.2", VIRTIO);
        let text = guest("pc-q35-7.2", &format!("{VIRTIO}<rom file='{OURS}'/>"));
        assert_eq!(filtered(RANGES, &text, false, 200_000).text, plain);
        assert_eq!(filtered(RANGES, &text, true, 200_000).text, text);
        let found = filtered(RANGES, &text, false, 300_000);
        assert_eq!(found.text, text);
        assert!(found.remarks[0].contains("install the compat package"));
    }
}
