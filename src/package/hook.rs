//! The filter for guests that come to a host: libvirt hands a hook the
//! definition of each, and takes what the hook prints
//! (`hooks.html`, `/etc/libvirt/hooks/qemu`, operations `migrate` and
//! `restore`).

use crate::guest::{Block, MappedDevices, RomChoice, guest_of_domain, machine_of};
use crate::libvirt::{Domain, Interface, pin, unpin};
use crate::plan::Manifest;
use crate::qemu::{Device, MachineType, RamBlockSize};
use crate::rom::BarSize;
use crate::vmstate::{RamBlock, SavedState};

/// What is asked of the host that a guest comes to.
pub trait Host {
    /// The length of the file at this absolute path, in bytes, if it is one.
    fn file_length(&self, path: &str) -> Option<u64>;
    /// The size of the ROM file that its QEMU finds by this name, in bytes.
    fn rom_size(&self, romfile: &str) -> Option<u64>;
    /// The saved state that this guest resumes from; none where it comes by a
    /// live migration.
    ///
    /// # Errors
    /// Why the state is not known.
    fn saved_state(&self, domain: &Domain<'_>) -> Result<Option<SavedState>, String>;
}

/// A definition after the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered {
    /// The definition.
    pub text: String,
    /// What was done, and what was left alone for which reason.
    pub remarks: Vec<String>,
}

impl Manifest {
    /// Adds our ROM to the cards that had one of its size where the guest comes
    /// from and would get another here; takes ours away where this host has not
    /// the file and its own ROM has the size. A saved guest says itself which
    /// size it had; of another the mapping knows.
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
        let mut coming = Coming {
            host,
            domain,
            machine,
            state: None,
        };
        let (mut pinned, mut dropped) = (Vec::new(), Vec::new());
        let guest = guest_of_domain(domain, "", machine, &MappedDevices::new());
        for (number, (card, interface)) in guest.blocks.iter().zip(&domain.interfaces).enumerate() {
            let Some(device) = card.device() else {
                continue;
            };
            let decision = match file_of(interface) {
                Some(path) => self.for_named(path, card, device, &mut coming),
                None => self.for_default(card, device, &mut coming),
            };
            let remark = match decision {
                Decision::Leave => continue,
                Decision::Doubt(why) => format!("left alone: {why}"),
                Decision::Pin(path) => {
                    let remark = format!("{path} added");
                    pinned.push((number, path));
                    remark
                }
                Decision::Drop(found) => {
                    dropped.push(number);
                    format!("{found}, and the host's own ROM has its size: taken away")
                }
            };
            let number = number.saturating_add(1);
            remarks.push(format!("interface {number}, {}: {remark}", device.name));
        }
        if let Some(Err(why)) = coming.state {
            remarks.push(format!("judged by its machine type alone: {why}"));
        }
        let text = pin(domain, &pinned);
        let text = match (dropped.is_empty(), Domain::parse(text.as_bytes())) {
            (false, Ok(changed)) => unpin(&changed, &dropped),
            _ => text,
        };
        Filtered { text, remarks }
    }

    /// For a card that is told this file.
    fn for_named(
        &self,
        path: &str,
        card: &Block,
        device: &Device,
        coming: &mut Coming<'_>,
    ) -> Decision {
        let Some(rom) = self.rom_at(path) else {
            return Decision::Leave;
        };
        let length = coming.host.file_length(path);
        let here = length.and_then(block_of);
        if here.is_some() && here == block_of(rom.bar.bytes()) {
            return Decision::Leave;
        }
        let wanted = match coming.saved_block(card, device) {
            Saved::Block(block) => Some(block),
            Saved::NoRom | Saved::Unknown => block_of(rom.bar.bytes()),
        };
        if here.is_some() && here == wanted {
            return Decision::Leave;
        }
        let found = instead_of_ours(path, length, rom.bar.bytes());
        if coming.own_block(device) == wanted {
            return Decision::Drop(found);
        }
        Decision::Doubt(format!(
            "{found}, and the host has no ROM of its size; install the compat package"
        ))
    }

    /// For a card that is told no file.
    fn for_default(&self, card: &Block, device: &Device, coming: &mut Coming<'_>) -> Decision {
        let Some(rom) = self.rom_for(device.name, coming.machine) else {
            return Decision::Leave;
        };
        let ours = block_of(rom.bar.bytes());
        let own = coming.own_block(device);
        if card.rom == RomChoice::Off || own == ours {
            return Decision::Leave;
        }
        match coming.saved_block(card, device) {
            Saved::NoRom => return Decision::Leave,
            Saved::Block(block) if own == Some(block) => return Decision::Leave,
            Saved::Block(block) if ours != Some(block) => {
                return Decision::Doubt(format!(
                    "it was saved with a ROM of {block:#x} bytes, and ours has {:#x}",
                    rom.bar.bytes()
                ));
            }
            Saved::Block(_) | Saved::Unknown => {}
        }
        let path = self.path(rom);
        let length = coming.host.file_length(&path);
        if length.and_then(block_of) == ours {
            Decision::Pin(path)
        } else {
            Decision::Doubt(instead_of_ours(&path, length, rom.bar.bytes()))
        }
    }
}

/// What becomes of a card.
enum Decision {
    /// It needs nothing.
    Leave,
    /// It may need something that cannot be given, for this reason.
    Doubt(String),
    /// It is told this file.
    Pin(String),
    /// It is told no file any more, for this stands in the place of ours.
    Drop(String),
}

/// What a saved state says of a card's ROM.
enum Saved {
    /// The size of its RAM block, in bytes.
    Block(u64),
    /// It had none.
    NoRom,
    /// Nothing, or there is no state.
    Unknown,
}

/// A guest that comes to a host.
struct Coming<'a> {
    host: &'a dyn Host,
    domain: &'a Domain<'a>,
    machine: Option<MachineType>,
    /// What the host says of its state, once it has been asked.
    state: Option<Result<Option<SavedState>, String>>,
}

impl Coming<'_> {
    /// The RAM block of the ROM that this host gives the device by default, in
    /// bytes.
    fn own_block(&self, device: &Device) -> Option<u64> {
        let romfile = device.romfile_on(self.machine)?;
        block_of(self.host.rom_size(romfile)?)
    }

    /// Where the way to the card is not known, blocks of its device tell if
    /// they all have one size.
    fn saved_block(&mut self, card: &Block, device: &Device) -> Saved {
        let state = self
            .state
            .get_or_insert_with(|| self.host.saved_state(self.domain));
        let Ok(Some(state)) = state else {
            return Saved::Unknown;
        };
        if let Some(block) = state.blocks.iter().find(|block| block.name == card.name) {
            return Saved::Block(block.size);
        }
        let is_of_device = |block: &&RamBlock| {
            let suffix = block.name.rsplit_once('/').map(|(_, suffix)| suffix);
            suffix == Some(device.ram_block)
        };
        let mut sizes = state.blocks.iter().filter(is_of_device);
        match sizes.next().map(|block| block.size) {
            None => Saved::NoRom,
            Some(size) if sizes.all(|block| block.size == size) => Saved::Block(size),
            Some(_) => Saved::Unknown,
        }
    }
}

fn file_of(interface: &Interface) -> Option<&str> {
    let file = interface.rom.as_ref()?.file.as_ref()?;
    Some(&file.value)
}

/// The RAM block of a ROM of so many bytes, in bytes.
fn block_of(rom: u64) -> Option<u64> {
    BarSize::of_rom(rom).map(|bar| RamBlockSize::of_bar(bar).bytes())
}

/// What stands in the place of our ROM with this BAR.
fn instead_of_ours(path: &str, length: Option<u64>, bar: u64) -> String {
    match length {
        None => format!("{path} is not here"),
        Some(length) => {
            format!("{path} has {length} bytes here, and a ROM for a BAR of {bar} was expected")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vmstate::{Seekable, StateReader};

    /// The manifest of one ROM for virtio-net-pci, with these ranges.
    macro_rules! manifest {
        ($ranges:expr) => {
            concat!(
                r#"{"schema_version": 1, "old_release": "aa 1", "from_ipxe": false,
                    "install_dir": "/usr/share/qemu",
                    "roms": [{"name": "compat-256k-efi-virtio.rom", "bar": 262144,
                        "sha256": null, "release": "aa 1", "shared_with": [],
                        "origin": "efi-virtio.rom", "origin_size": 249344,
                        "origin_sha256": "", "boot_ids": [], "lost_boot": [],
                        "change": "grows", "devices": ["virtio-net-pci"]}],
                    "ranges": ["#,
                $ranges,
                "]}"
            )
        };
    }

    const MANIFEST: &str = manifest!("");
    const RANGES: &str = manifest!(
        r#"{"after": null, "up_to": "7.2", "release": "aa 1",
            "readconfig": "romfiles-up-to-7.2.cfg",
            "devices": {"virtio-net-pci": "compat-256k-efi-virtio.rom"}}"#
    );
    const OURS: &str = "/usr/share/qemu/compat-256k-efi-virtio.rom";

    /// A host with our ROM or without, a default ROM, and a saved state.
    struct Test {
        ours: Option<u64>,
        size: u64,
        state: Result<Option<SavedState>, String>,
    }

    impl Host for Test {
        fn file_length(&self, path: &str) -> Option<u64> {
            self.ours.filter(|_| path == OURS)
        }

        fn rom_size(&self, romfile: &str) -> Option<u64> {
            (romfile == "efi-virtio.rom").then_some(self.size)
        }

        fn saved_state(&self, _: &Domain<'_>) -> Result<Option<SavedState>, String> {
            self.state.clone()
        }
    }

    fn guest(machine: &str, inner: &str) -> String {
        format!(
            "<domain>\n<os><type arch='x86_64' machine='{machine}'>hvm</type></os>\n<devices>\n<interface type='user'>{inner}</interface>\n</devices>\n</domain>\n"
        )
    }

    fn filtered(manifest: &str, text: &str, has_package: bool, size: u64) -> Filtered {
        let ours = has_package.then_some(262_144);
        let state = Ok(None);
        on(manifest, text, &Test { ours, size, state })
    }

    fn on(manifest: &str, text: &str, host: &Test) -> Filtered {
        let mapping = Manifest::parse(manifest).unwrap();
        mapping.filter(&Domain::parse(text.as_bytes()).unwrap(), host)
    }

    /// A state with RAM blocks of these names and sizes.
    fn state(blocks: &[(&str, u64)]) -> SavedState {
        let total: u64 = blocks.iter().map(|(_, size)| size).sum();
        let mut bytes = b"QEVM\0\0\0\x03\x01\0\0\0\x02\x03ram\0\0\0\0\0\0\0\x04".to_vec();
        bytes.extend((total | 4).to_be_bytes());
        for (name, size) in blocks {
            bytes.push(u8::try_from(name.len()).unwrap());
            bytes.extend(name.as_bytes());
            bytes.extend(size.to_be_bytes());
        }
        bytes.extend(0x10_u64.to_be_bytes());
        let input = Seekable::new(std::io::Cursor::new(bytes));
        StateReader::new(input, 0).read().unwrap()
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
        for machine in ["pc-q35-10.0", "pc-q35-nobody", "q35"] {
            let text = guest(machine, VIRTIO);
            assert_eq!(
                filtered(RANGES, &text, true, 300_000).text,
                text,
                "{machine}"
            );
        }
        let text = guest("pc-q35-nobody", VIRTIO);
        let remarks = filtered(RANGES, &text, true, 300_000).remarks;
        assert!(remarks[0].contains("`pc-q35-nobody`"), "{remarks:?}");
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

    const SLOT: &str = "<model type='virtio'/><address type='pci' bus='0x00' slot='0x03'/>";
    const BLOCK: &str = "0000:00:03.0/virtio-net-pci.rom";
    const OTHER: &str = "0000:00:04.0/virtio-net-pci.rom";

    /// What becomes of a guest on a host with our ROM, whose own one has 512K.
    fn resumed(inner: &str, state: Result<SavedState, String>) -> (bool, Vec<String>) {
        let text = guest("pc-q35-7.2", inner);
        let host = Test {
            ours: Some(262_144),
            size: 300_000,
            state: state.map(Some),
        };
        let found = on(RANGES, &text, &host);
        (found.text != text, found.remarks)
    }

    #[test]
    fn a_saved_guest_says_itself_which_size_it_had() {
        for inner in [SLOT, VIRTIO] {
            assert!(resumed(inner, Ok(state(&[(BLOCK, 0x40000)]))).0);
            for blocks in [&[(BLOCK, 0x80000)][..], &[("pc.ram", 0x100000)]] {
                assert_eq!(resumed(inner, Ok(state(blocks))), (false, vec![]));
            }
            let (is_changed, remarks) = resumed(inner, Ok(state(&[(BLOCK, 0x20000)])));
            assert!(!is_changed);
            assert!(remarks[0].contains("saved with a ROM of 0x20000 bytes"));
        }
    }

    #[test]
    fn each_card_goes_by_its_own_block() {
        for (own, other, is_changed) in [(0x40000, 0x80000, true), (0x80000, 0x40000, false)] {
            let state = state(&[(OTHER, other), (BLOCK, own)]);
            assert_eq!(resumed(SLOT, Ok(state)).0, is_changed);
        }
    }

    #[test]
    fn where_the_state_does_not_tell_the_mapping_decides() {
        // In either order: the first of several sizes is none of this card.
        for sizes in [[0x40000, 0x80000], [0x80000, 0x40000]] {
            let both = state(&[(BLOCK, sizes[0]), (OTHER, sizes[1])]);
            assert!(resumed(VIRTIO, Ok(both)).0, "{sizes:x?}");
        }
        let same = state(&[(BLOCK, 0x80000), (OTHER, 0x80000)]);
        assert_eq!(resumed(VIRTIO, Ok(same)), (false, vec![]));
        let (is_changed, remarks) = resumed(SLOT, Err("no save file".to_owned()));
        assert!(is_changed);
        let said = "judged by its machine type alone: no save file";
        assert_eq!(remarks.last().map(String::as_str), Some(said));
        // It is not asked for a guest that needs nothing.
        let off = "<model type='virtio'/><rom bar='off'/>";
        assert_eq!(resumed(off, Err(String::new())), (false, vec![]));
    }

    #[test]
    fn a_named_file_of_the_saved_size_is_left_alone() {
        let named = guest("pc-q35-7.2", &format!("{SLOT}<rom file='{OURS}'/>"));
        for size in [131_072, 300_000] {
            let host = |block| Test {
                ours: Some(131_072),
                size,
                state: Ok(Some(state(&[(BLOCK, block)]))),
            };
            let found = on(RANGES, &named, &host(0x20000));
            assert_eq!((found.text, found.remarks), (named.clone(), vec![]));
            let found = on(RANGES, &named, &host(0x10000));
            assert_eq!(found.text, named);
            assert!(found.remarks[0].contains("has 131072 bytes here"));
        }
    }

    #[test]
    fn a_file_in_the_place_of_ours_is_not_given_to_a_guest() {
        let host = |ours, size| Test {
            ours: Some(ours),
            size,
            state: Ok(None),
        };
        let plain = guest("pc-q35-7.2", VIRTIO);
        let named = guest("pc-q35-7.2", &format!("{VIRTIO}<rom file='{OURS}'/>"));
        assert_ne!(on(RANGES, &plain, &host(249_856, 300_000)).text, plain);
        for length in [0, 4096, 131_072, 262_145] {
            let found = on(RANGES, &plain, &host(length, 300_000));
            assert_eq!(found.text, plain);
            let said = format!("has {length} bytes here");
            assert!(found.remarks[0].contains(&said), "{:?}", found.remarks);
            assert_eq!(on(RANGES, &named, &host(length, 300_000)).text, named);
            assert_eq!(on(RANGES, &named, &host(length, 200_000)).text, plain);
        }
    }
}
