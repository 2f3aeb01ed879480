//! What the fuzz targets run, and what `cargo test` replays.
//!
//! In this folder, with `cargo install cargo-fuzz` and no nightly toolchain:
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 ASAN_OPTIONS=quarantine_size_mb=1 \
//!     cargo fuzz run rom_read -- -max_len=4096 -rss_limit_mb=256 -timeout=5
//! ```
//!
//! The targets of states take `-max_len=16384`, for a page alone has 4096 bytes.
//! The address sanitizer keeps freed memory in a quarantine that would count
//! against the limit. What a run adds to `corpus` is not all worth keeping.

use romcompat::compression::Decoder;
use romcompat::deb::AR_MAGIC;
use romcompat::guest::{MappedDevices, guest_of_domain, machine_of};
use romcompat::json;
use romcompat::judge::{SavedRom, saved_roms};
use romcompat::libvirt::{Domain, pin, set_machine, unpin};
use romcompat::package::{InstalledPackage, Previous};
use romcompat::plan::{ExtractedRoms, NamePattern, SavedMapping};
use romcompat::report::{Colour, Detail, InspectReport, InspectedRom, SCHEMA_VERSION};
use romcompat::rom::edit::{
    ImageSelection, JoinOptions, PadSize, Retarget, fix, join, pad, pad_image, retarget, split,
    split_executables,
};
use romcompat::rom::{
    BarSize, LintContext, MAX_EXECUTABLE, PciIds, PeExecutable, Rom, decompress, lint, text_at,
};
use romcompat::romset::{self, RomCollector, RomSet};
use romcompat::vmstate::{Input, LibvirtSave, Packed, Qcow2, RamBlock, Seekable, StateReader};
use std::collections::BTreeSet;
use std::io::{Cursor, Seek as _, SeekFrom};

const IDS: PciIds = PciIds {
    vendor: 0x1af4,
    device: 0x1041,
};

/// Reads a ROM, every field of it and every finding about it.
pub fn read(bytes: &[u8]) {
    let Ok(rom) = Rom::parse(bytes) else { return };
    input(bytes);
    assert!(rom.images_end() <= bytes.len());
    assert!(rom.used() <= bytes.len());
    for image in rom.images() {
        assert!(image.end() <= bytes.len());
        // The texts of a view show all its fields.
        assert!(!format!("{image:?}{}", image.kind()).is_empty());
        for header in image.pnp_headers().filter_map(Result::ok) {
            let names = [header.manufacturer_offset(), header.product_offset()];
            for name in names.iter().filter_map(|at| text_at(image.bytes(), *at)) {
                assert!(name.to_string().len() <= 4 * 256);
            }
            assert!(header.bytes().len() >= 0x20);
        }
        if let Some(undi) = image.undi() {
            assert!(undi.offset() + undi.bytes().len() <= image.bytes().len());
        }
        if let Some(ipxe) = image.ipxe() {
            assert!(ipxe.offset() + ipxe.bytes().len() <= image.bytes().len());
        }
        if let Some(list) = image.device_list() {
            assert!(list.ids().count() * 2 <= image.bytes().len());
        }
        if let Some(Ok(executable)) = image.efi_executable() {
            assert!(executable.bytes().len() <= MAX_EXECUTABLE.max(bytes.len()));
        }
    }
    let context = LintContext {
        expected_ids: &[IDS],
        minimum_room: 4096,
    };
    for fault in lint(&rom, &context) {
        assert!(!fault.finding("rom").to_string().is_empty());
    }
}

/// Reads an input, whatever it is, and renders all that is known of its ROMs.
pub fn input(bytes: &[u8]) {
    let set = match romset::read("input", bytes.to_vec()) {
        Ok(set) => set,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let package = set.package_release();
    let of = |file| InspectedRom::of(file, "input", package.as_deref(), Detail::Everything);
    let report = InspectReport {
        schema_version: SCHEMA_VERSION,
        roms: set.roms.iter().map(of).collect(),
        left_out: set.left_out,
        findings: set.omitted(None),
    };
    assert!(!report.text(true, Colour::Always).is_empty());
    assert!(json::document(&report).ends_with("}\n"));
    assert!(set.findings().iter().all(|f| !f.to_string().is_empty()));
}

/// Reads a `.deb` whose archives are not compressed: two bytes say how long the
/// control archive is, what follows it is the data archive.
pub fn deb(bytes: &[u8]) {
    let Some((length, archives)) = bytes.split_first_chunk() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes(*length)).min(archives.len());
    let (control, data) = archives.split_at(length);
    let package = package(&with_checksums(control), &with_checksums(data));
    input(&package);
    match InstalledPackage::read(&package) {
        Ok(installed) => assert!(!format!("{installed:?}").is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match Previous::of_package(&package) {
        Ok(previous) => assert!(!previous.package.is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A `.deb` of these archives.
pub fn package(control: &[u8], data: &[u8]) -> Vec<u8> {
    let mut package = AR_MAGIC.to_vec();
    let members: [(&str, &[u8]); 3] = [
        ("debian-binary", b"2.0\n"),
        ("control.tar", control),
        ("data.tar", data),
    ];
    for (name, bytes) in members {
        let size = bytes.len();
        let header = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
            0, 0, 0, 100644
        );
        package.extend(header.bytes());
        package.extend(bytes);
        package.extend(vec![b'\n'; size % 2]);
    }
    package
}

/// A tar archive with the checksum of each header set right, which bytes made
/// up at random would not have.
pub fn with_checksums(archive: &[u8]) -> Vec<u8> {
    let mut archive = archive.to_vec();
    for header in archive.chunks_exact_mut(512) {
        if &header[257..262] == b"ustar" {
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
    }
    archive
}

/// Reads a stream of QEMU, and the contents of all its ROMs.
pub fn state_stream(bytes: &[u8]) {
    state(Seekable::new(Cursor::new(bytes)), 0, None);
}

/// A host with one ROM, of 4 KiB.
fn host() -> RomSet {
    let mut rom = vec![0; 4096];
    rom[..3].copy_from_slice(&[0x55, 0xaa, 8]);
    rom[0x18] = 0x1c;
    rom[0x1c..0x34]
        .copy_from_slice(b"PCIR\x86\x80\x0e\x10\0\0\x1c\0\x03\0\0\x02\x08\0\0\0\0\x80\0\0");
    let mut collector = RomCollector::default();
    collector.add_file("efi-e1000.rom", rom).unwrap();
    collector.finish("host", None).unwrap()
}

fn state(input: impl Input, start: u64, definition: Option<&str>) {
    let mut reader = StateReader::new(input, start);
    let definition = definition.and_then(|text| Domain::parse(text.as_bytes()).ok());
    let state = match reader.read() {
        Ok(state) => state,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let hosts = [host()];
    for machine in [None, Some("pc-i440fx-1.4")] {
        let roms = saved_roms(&state, definition.as_ref(), machine, &hosts);
        for rom in &roms {
            assert!(!rom.resumes() || rom.finding("state").is_none());
        }
    }
    let is_rom = |block: &RamBlock| SavedRom::of(block).is_some();
    match reader.contents(&state, is_rom) {
        Ok(contents) => {
            assert!(contents.values().map(Vec::len).sum::<usize>() <= 64 << 20);
            extract(&saved_roms(&state, None, None, &[]), |rom| {
                contents.get(&rom.name)
            });
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Takes ROMs out of their blocks, each content into a file of its own.
fn extract<'c>(roms: &[SavedRom], content: impl Fn(&SavedRom) -> Option<&'c Vec<u8>>) {
    let mut extracted = ExtractedRoms::default();
    for rom in roms {
        let Some(block) = content(rom) else { continue };
        match extracted.add("state", rom, block) {
            Ok(name) => assert!(!name.is_empty() && !name.contains('/')),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let names: BTreeSet<&str> = extracted.roms().map(|rom| &*rom.name).collect();
    assert_eq!(names.len(), extracted.roms().count());
    assert!(extracted.findings().all(|f| !f.to_string().is_empty()));
    let named = roms.iter().map(|rom| ("state", rom));
    let mapping = SavedMapping::new(named, &NamePattern::default());
    let kinds: BTreeSet<&str> = mapping.devices.iter().map(|one| &*one.device).collect();
    assert_eq!(kinds.len(), mapping.devices.len());
    if let Ok(release) = extracted.release("state", mapping) {
        assert!(!release.first.roms.is_empty());
    }
}

/// Reads a save file of libvirt, and the stream in it.
pub fn state_save(bytes: &[u8]) {
    let save = match LibvirtSave::read(bytes) {
        Ok(save) => save,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let start = usize::try_from(save.stream).unwrap();
    if save.compression.packing().is_none() {
        let mut file = Cursor::new(bytes);
        file.seek(SeekFrom::Start(save.stream)).unwrap();
        state(Seekable::new(file), save.stream, Some(&save.xml));
        return;
    }
    let decode = |packed| Decoder::of_stream(packed, 16 << 20);
    if let Ok(stream) = Packed::new(&bytes[start..]).decoded(decode) {
        state(stream, 0, Some(&save.xml));
    }
}

/// Reads the snapshots of a qcow2 image.
pub fn state_qcow2(bytes: &[u8]) {
    match Qcow2::read(Cursor::new(bytes)) {
        Ok(mut image) => {
            for snapshot in image.snapshots.clone().iter().take(4) {
                state(image.state(snapshot), 0, None);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Runs every edit, and asks of each result what the edit promises.
pub fn edit(bytes: &[u8]) {
    if let Ok(fixed) = fix(bytes) {
        assert_eq!(fixed.len(), bytes.len());
        assert_eq!(fix(&fixed).as_ref(), Ok(&fixed));
    }
    let wish = Retarget {
        images: ImageSelection::All,
        ids: IDS,
        device_list: Some(&[0x1000]),
    };
    if let Ok(retargeted) = retarget(bytes, &wish) {
        assert_eq!(retarget(&retargeted, &wish).as_ref(), Ok(&retargeted));
    }
    let wish = Retarget {
        images: ImageSelection::Number(1),
        device_list: None,
        ..wish
    };
    if let Ok(there) = retarget(bytes, &wish) {
        let ids = Rom::parse(bytes).map(|rom| rom.images()[0].ids().unwrap());
        let wish = Retarget {
            ids: ids.unwrap(),
            ..wish
        };
        assert_eq!(retarget(&there, &wish).as_deref(), Ok(bytes));
    }
    let options = JoinOptions {
        ids: Some(IDS),
        class: None,
        size: None,
        fill: 0xff,
    };
    if let Ok(parts) = split(bytes) {
        let end = Rom::parse(bytes).unwrap().images_end();
        let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
        assert_eq!(join(&parts, &options).as_deref(), Ok(&bytes[..end]));
    }
    if let Ok(executables) = split_executables(bytes) {
        for (_, executable) in executables {
            let _ = join(&[bytes, &executable], &options);
        }
    }
    let size = PadSize::Exactly(BarSize::of_rom(64 << 10).unwrap());
    if let Ok(padded) = pad(bytes, size, 0xff) {
        assert!(padded.starts_with(bytes));
    }
    if let Ok(grown) = pad_image(bytes, size, 0xff) {
        assert_eq!(grown.len(), 64 << 10);
    }
}

/// Reads bytes as a PE executable, and decompresses them into one.
pub fn executable(bytes: &[u8]) {
    let facts = |bytes: &[u8]| match PeExecutable::parse(bytes) {
        Ok(pe) => assert!(pe.sections.len() <= 96),
        Err(error) => assert!(error.to_string().len() < 1024),
    };
    facts(bytes);
    match decompress(bytes) {
        Ok(executable) => facts(&executable),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Reads the definition of a guest; pins, unpins and upgrades it.
pub fn domain_xml(bytes: &[u8]) {
    let domain = match Domain::parse(bytes) {
        Ok(domain) => domain,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let guest = guest_of_domain(&domain, "", machine_of(&domain), &MappedDevices::new());
    assert!(guest.blocks.len() >= domain.interfaces.len() + domain.videos.len());
    let buses = domain.buses();
    for address in domain.interfaces.iter().filter_map(|card| card.address) {
        assert!(buses.path(address).is_none_or(|path| !path.is_empty()));
    }
    let path = "/usr/share/qemu/compat-256k-efi-virtio.rom";
    let all: Vec<usize> = (0..domain.interfaces.len()).collect();
    let files: Vec<_> = all.iter().map(|card| (*card, path.to_owned())).collect();
    let pinned = pin(&domain, &files);
    let again = Domain::parse(pinned.as_bytes()).expect("a pinned definition can be read");
    assert_eq!(again.interfaces.len(), all.len());
    let file = |domain: &Domain<'_>, card: usize| {
        let rom = domain.interfaces[card].rom.as_ref()?;
        rom.file.as_ref().map(|file| file.value.clone())
    };
    let added: Vec<usize> = all
        .iter()
        .copied()
        .filter(|card| file(&domain, *card).is_none() && file(&again, *card).is_some())
        .collect();
    assert!(
        added
            .iter()
            .all(|card| file(&again, *card).as_deref() == Some(path))
    );
    assert_eq!(unpin(&again, &added), domain.text);
    Domain::parse(unpin(&domain, &all).as_bytes()).expect("an unpinned definition can be read");
    let upgraded = set_machine(&domain, "pc-q35-10.0");
    let upgraded = Domain::parse(upgraded.as_bytes()).expect("an upgraded definition can be read");
    let machine = |domain: &Domain<'_>| domain.machine.as_ref().map(|one| one.value.clone());
    assert_eq!(machine(&upgraded).is_some(), machine(&domain).is_some());
    assert!(machine(&upgraded).is_none_or(|machine| machine == "pc-q35-10.0"));
}
