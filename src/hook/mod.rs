//! The filter for guests that come to a host: libvirt hands a hook the
//! definition of each, and takes what the hook prints
//! (`hooks.html`, `/etc/libvirt/hooks/qemu`, operations `migrate` and
//! `restore`).

use crate::guest::{Block, Held, Holder, MappedDevices, RomChoice, guest_of_domain, machine_of};
use crate::host::{Files, Found, Host};
use crate::judge::{Answer, judge_block};
use crate::libvirt::{Domain, DomainError, pin, unpin};
use crate::plan::{Manifest, ManifestRom};
use crate::qemu::{Device, MachineType, RamBlockSize};
use crate::vmstate::{RamBlock, SavedState, StateError};
use std::io;
use thiserror::Error;

/// Why the state that a guest resumes from is not known.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NoState {
    /// Nothing tells its save file from others.
    #[error("its definition has no uuid, by which to know its save file")]
    NoUuid,
    /// No file of it was found.
    #[error("no save file of it is open")]
    NotOpen,
    /// More than one was found, and they differ.
    #[error("several of its save files are open")]
    Several,
    /// A save file cannot be read.
    #[error("an open save file: {0}")]
    Unread(#[from] io::Error),
    /// A save file holds no state.
    #[error("an open save file: {0}")]
    State(#[from] StateError),
    /// A save file holds no definition.
    #[error("an open save file: {0}")]
    Definition(#[from] DomainError),
}

/// The host that a guest comes to, with its files.
pub trait ReceivingHost: Files {
    /// The saved state that this guest resumes from; none where it comes by a
    /// live migration.
    ///
    /// # Errors
    /// [`NoState`] where the state is not known.
    fn saved_state(&self, domain: &Domain<'_>) -> Result<Option<SavedState>, NoState>;
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
    pub fn filter(&self, domain: &Domain<'_>, host: &dyn ReceivingHost) -> Filtered {
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
        for card in &guest.blocks {
            let (Holder::Card(number), Some(device)) = (card.holder, card.device()) else {
                continue;
            };
            let remark = match self.decide(card, device, &mut coming) {
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

    /// What becomes of a card: as it is if the host takes it so, else told our
    /// ROM or no longer told it, if the host takes it then. The state is asked
    /// for only where the mapping says that the card needs something.
    fn decide(&self, card: &Block, device: &'static Device, coming: &mut Coming<'_>) -> Decision {
        let ours = match &card.rom {
            RomChoice::File(path) => self.rom_at(path),
            RomChoice::Default(_) => self.rom_for(device.name, coming.machine),
            _ => None,
        };
        let Some(ours) = ours else {
            return Decision::Leave;
        };
        let of_mapping = Held::Bar(ours.bar);
        if coming.takes(card, &card.rom, of_mapping) {
            return Decision::Leave;
        }
        let held = match coming.saved_block(card, device) {
            Held::Nothing if !card.is_pinned() => return Decision::Leave,
            Held::Nothing | Held::ByFile => of_mapping,
            held => held,
        };
        if coming.takes(card, &card.rom, held) {
            return Decision::Leave;
        }
        if card.is_pinned() {
            return self.without(ours, card, device, held, coming);
        }
        if block_of(held) != block_of(of_mapping) {
            return Decision::Doubt(format!(
                "it was saved with a ROM of {:#x} bytes, and ours has {:#x}",
                block_of(held),
                ours.bar.bytes()
            ));
        }
        let path = self.path(ours);
        match coming.takes(card, &RomChoice::File(path.clone()), held) {
            true => Decision::Pin(path),
            false => Decision::Doubt(coming.instead_of_ours(&path, ours)),
        }
    }

    /// What becomes of a card that is told our ROM, which is not here.
    fn without(
        &self,
        ours: &ManifestRom,
        card: &Block,
        device: &Device,
        held: Held,
        coming: &Coming<'_>,
    ) -> Decision {
        let found = coming.instead_of_ours(&self.path(ours), ours);
        let own = device.romfile_on(coming.machine);
        let own = own.map_or(RomChoice::Off, |name| RomChoice::Default(name.to_owned()));
        match coming.takes(card, &own, held) {
            true => Decision::Drop(found),
            false => Decision::Doubt(format!(
                "{found}, and the host has no ROM of its size; install the compat package"
            )),
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

/// A guest that comes to a host.
struct Coming<'a> {
    host: &'a dyn ReceivingHost,
    domain: &'a Domain<'a>,
    machine: Option<MachineType>,
    /// What the host says of its state, once it has been asked.
    state: Option<Result<Option<SavedState>, NoState>>,
}

impl Coming<'_> {
    /// Whether the host takes a card that has this block, if the card loads this
    /// ROM there.
    fn takes(&self, card: &Block, rom: &RomChoice, held: Held) -> bool {
        let card = Block {
            rom: rom.clone(),
            held,
            ..card.clone()
        };
        let files: [&dyn Files; 1] = [&Asked(self.host)];
        judge_block(&card, &Host::UNKNOWN, &Host::new(&files)).answer == Answer::Accepted
    }

    /// The block that a card has by its saved state; [`Held::ByFile`] where
    /// there is none, or it does not tell. Where the way to the card is not
    /// known, blocks of its device tell if they all have one size.
    fn saved_block(&mut self, card: &Block, device: &Device) -> Held {
        let state = self
            .state
            .get_or_insert_with(|| self.host.saved_state(self.domain));
        let Ok(Some(state)) = state else {
            return Held::ByFile;
        };
        if let Some(block) = state.blocks.iter().find(|block| block.name == card.name) {
            return Held::of_block(block.size);
        }
        let is_of_device = |block: &&RamBlock| {
            let suffix = block.name.rsplit_once('/').map(|(_, suffix)| suffix);
            suffix == Some(device.ram_block)
        };
        let mut sizes = state.blocks.iter().filter(is_of_device);
        match sizes.next().map(|block| block.size) {
            None => Held::Nothing,
            Some(size) if sizes.all(|block| block.size == size) => Held::of_block(size),
            Some(_) => Held::ByFile,
        }
    }

    /// What stands in the place of our ROM.
    fn instead_of_ours(&self, path: &str, ours: &ManifestRom) -> String {
        match self.host.find(path) {
            Found::Rom(length, _) | Found::NotARom(length) => format!(
                "{path} has {length} bytes here, and a ROM for a BAR of {} was expected",
                ours.bar.bytes()
            ),
            Found::Missing | Found::NotKnown => format!("{path} is not here"),
        }
    }
}

/// The files of a host that is asked.
#[derive(Debug)]
struct Asked<'a>(&'a dyn ReceivingHost);

impl Files for Asked<'_> {
    fn find(&self, file: &str) -> Found {
        self.0.find(file)
    }
}

/// The size of a block, in bytes; 0 where there is none.
fn block_of(held: Held) -> u64 {
    match held {
        Held::Bar(bar) => RamBlockSize::of_bar(bar).bytes(),
        Held::Odd(bytes) => bytes,
        Held::ByFile | Held::Nothing => 0,
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
    #[derive(Debug)]
    struct Test {
        ours: Option<u64>,
        size: u64,
        state: Option<SavedState>,
        is_unknown: bool,
    }

    impl Files for Test {
        fn find(&self, file: &str) -> Found {
            let length = match file {
                OURS => self.ours,
                "efi-virtio.rom" => Some(self.size),
                _ => None,
            };
            length.map_or(Found::Missing, Found::file)
        }
    }

    impl ReceivingHost for Test {
        fn saved_state(&self, _: &Domain<'_>) -> Result<Option<SavedState>, NoState> {
            match self.is_unknown {
                true => Err(NoState::NotOpen),
                false => Ok(self.state.clone()),
            }
        }
    }

    fn guest(machine: &str, inner: &str) -> String {
        format!(
            "<domain>\n<os><type arch='x86_64' machine='{machine}'>hvm</type></os>\n<devices>\n<interface type='user'>{inner}</interface>\n</devices>\n</domain>\n"
        )
    }

    fn filtered(manifest: &str, text: &str, has_package: bool, size: u64) -> Filtered {
        let ours = has_package.then_some(262_144);
        let host = Test {
            ours,
            size,
            state: None,
            is_unknown: false,
        };
        on(manifest, text, &host)
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
        bytes.extend([0x7e, 0, 0, 0, 2, 3, 0, 0, 0, 2]);
        bytes.extend(0x10_u64.to_be_bytes());
        bytes.extend([0x7e, 0, 0, 0, 2, 4]);
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
    fn resumed(inner: &str, state: Option<SavedState>) -> (bool, Vec<String>) {
        let text = guest("pc-q35-7.2", inner);
        let host = Test {
            ours: Some(262_144),
            size: 300_000,
            is_unknown: state.is_none(),
            state,
        };
        let found = on(RANGES, &text, &host);
        (found.text != text, found.remarks)
    }

    #[test]
    fn a_saved_guest_says_itself_which_size_it_had() {
        for inner in [SLOT, VIRTIO] {
            assert!(resumed(inner, Some(state(&[(BLOCK, 0x40000)]))).0);
            for blocks in [&[(BLOCK, 0x80000)][..], &[("pc.ram", 0x100000)]] {
                assert_eq!(resumed(inner, Some(state(blocks))), (false, vec![]));
            }
            let (is_changed, remarks) = resumed(inner, Some(state(&[(BLOCK, 0x20000)])));
            assert!(!is_changed);
            assert!(remarks[0].contains("saved with a ROM of 0x20000 bytes"));
        }
    }

    #[test]
    fn each_card_goes_by_its_own_block() {
        for (own, other, is_changed) in [(0x40000, 0x80000, true), (0x80000, 0x40000, false)] {
            let state = state(&[(OTHER, other), (BLOCK, own)]);
            assert_eq!(resumed(SLOT, Some(state)).0, is_changed);
        }
    }

    #[test]
    fn where_the_state_does_not_tell_the_mapping_decides() {
        // In either order: the first of several sizes is none of this card.
        for sizes in [[0x40000, 0x80000], [0x80000, 0x40000]] {
            let both = state(&[(BLOCK, sizes[0]), (OTHER, sizes[1])]);
            assert!(resumed(VIRTIO, Some(both)).0, "{sizes:x?}");
        }
        let same = state(&[(BLOCK, 0x80000), (OTHER, 0x80000)]);
        assert_eq!(resumed(VIRTIO, Some(same)), (false, vec![]));
        let (is_changed, remarks) = resumed(SLOT, None);
        assert!(is_changed);
        let said = "judged by its machine type alone: no save file of it is open";
        assert_eq!(remarks.last().map(String::as_str), Some(said));
        // It is not asked for a guest that needs nothing.
        let off = "<model type='virtio'/><rom bar='off'/>";
        assert_eq!(resumed(off, None), (false, vec![]));
    }

    #[test]
    fn a_named_file_of_the_saved_size_is_left_alone() {
        let named = guest("pc-q35-7.2", &format!("{SLOT}<rom file='{OURS}'/>"));
        for size in [131_072, 300_000] {
            let host = |block| Test {
                ours: Some(131_072),
                size,
                state: Some(state(&[(BLOCK, block)])),
                is_unknown: false,
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
            state: None,
            is_unknown: false,
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
