//! The corpora of the fuzz targets, replayed, and their seeds.

use crate::images::{
    DEVICES, GOOD_EFI, PCIR, PNP, balanced, bomb, driver, efi, good, isa, open_firmware, pa_risc,
    rom, stored, with, x86,
};
use crate::{fuzzing, states};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn corpus(target: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    folder.join(target)
}

fn replay(target: &str, run: fn(&[u8])) {
    let folder = corpus(target);
    let mut total = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() <= 8192, "{} is large", path.display());
        total += bytes.len();
        run(&bytes);
    }
    assert!(total > 0 && total < 70_000, "{}: {total}", folder.display());
}

#[test]
fn the_corpus_of_rom_read_runs() {
    replay("rom_read", fuzzing::read);
}

#[test]
fn the_corpus_of_rom_edit_runs() {
    replay("rom_edit", fuzzing::edit);
}

#[test]
fn the_corpus_of_input_runs() {
    replay("input", fuzzing::input);
}

#[test]
fn the_corpus_of_deb_runs() {
    replay("deb", fuzzing::deb);
}

#[test]
fn the_corpora_of_states_run() {
    replay("state_stream", fuzzing::state_stream);
    replay("state_save", fuzzing::state_save);
    replay("state_qcow2", fuzzing::state_qcow2);
}

#[test]
fn the_corpus_of_executable_runs() {
    replay("executable", fuzzing::executable);
}

#[test]
fn the_corpus_of_domain_xml_runs() {
    replay("domain_xml", fuzzing::domain_xml);
}

/// Definitions in the forms that people and libvirt write.
fn definitions() -> Vec<(&'static str, Vec<u8>)> {
    let whole = "<domain type='kvm'>\n  <name>a</name>\n  <os>\n    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n  </os>\n  <devices>\n    <emulator>/bin/qemu</emulator>\n    <controller type='pci' index='0' model='pcie-root'/>\n    <interface type='network'>\n      <mac address='52:54:00:00:00:01'/>\n      <model type='virtio'/>\n      <rom bar='on'/>\n      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n    </interface>\n  </devices>\n</domain>\n";
    let short = "<?xml version='1.0'?><domain><devices><interface type='user'/><interface><rom file='/a'/><!-- c --></interface></devices></domain>";
    vec![
        ("whole", whole.as_bytes().to_vec()),
        ("short", short.as_bytes().to_vec()),
    ]
}

fn roms() -> Vec<(&'static str, Vec<u8>)> {
    let pnp_chain = balanced(&x86(1), PNP + 6, &[0x50]);
    vec![
        ("good", good()),
        ("isa", isa(1)),
        ("open-firmware", rom(&[open_firmware(), x86(1)])),
        ("pa-risc", rom(&[pa_risc()])),
        ("three", rom(&[x86(1), efi(&driver()[..0x100], 0), x86(1)])),
        ("padded", [rom(&[x86(1)]), vec![0xff; 512]].concat()),
        ("data-after", [rom(&[x86(1)]), b"data".to_vec()].concat()),
        ("cut", good()[..GOOD_EFI + 0x100].to_vec()),
        ("pnp-chain", rom(&[pnp_chain])),
        (
            "pnp-endless",
            rom(&[balanced(&x86(1), PNP + 6, &[PNP as u8])]),
        ),
        (
            "no-device-list-end",
            rom(&[balanced(&x86(1), DEVICES, &[1; 0x150])]),
        ),
        ("length-0", with(&good(), PCIR + 0x10, &[0, 0])),
        ("bomb", rom(&[efi(&bomb(65536), 1)])),
        ("compression", with(&rom(&[efi(&[1], 0)]), 0x0c, &[7])),
    ]
}

/// A tar archive of one entry.
fn tar(name: &str, kind: u8, link: &str, content: &[u8]) -> Vec<u8> {
    let mut tar = vec![0; 512];
    tar[..name.len()].copy_from_slice(name.as_bytes());
    tar[100..107].copy_from_slice(b"0000644");
    tar[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    tar[156] = kind;
    tar[157..157 + link.len()].copy_from_slice(link.as_bytes());
    tar[257..265].copy_from_slice(b"ustar\x0000");
    tar.extend(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
    fuzzing::with_checksums(&tar)
}

/// A ROM with a hole behind it, as GNU tar writes sparse files.
fn sparse_of_gnu(rom: &[u8]) -> Vec<u8> {
    let mut tar = tar("a.rom", b'S', "", rom);
    tar[257..265].copy_from_slice(b"ustar  \0");
    tar[386..410].copy_from_slice(b"00000000000\x0000000001000\0");
    tar[483..494].copy_from_slice(b"00000002000");
    fuzzing::with_checksums(&tar)
}

/// The same as records of PAX, with the map among them or before the data.
fn sparse_of_pax(version: &str, map: &[u8], rom: &[u8]) -> Vec<u8> {
    let mut data = map.to_vec();
    data.resize(map.len().next_multiple_of(512), 0);
    data.extend(rom);
    let records = [
        "GNU.sparse.size=1024\n",
        "GNU.sparse.map=0,512\n",
        "GNU.sparse.name=a.rom\n",
        version,
    ];
    // The length of a record counts itself.
    let of = |record: &str| format!("{} {record}", record.len() + 3);
    let records: String = records.into_iter().map(of).collect();
    [
        tar("pax", b'x', "", records.as_bytes()),
        tar("sparse", b'0', "", &data),
    ]
    .concat()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::none());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

const CONTROL: &[u8] =
    b"Package: aa\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b>\nDescription: x\n";

/// Control and data archives as the target `deb` takes them.
fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let control = tar("control", b'0', "", CONTROL);
    let rom = rom(&[x86(1)]);
    let of = |entries: &[Vec<u8>]| {
        let length = u16::try_from(control.len()).unwrap().to_le_bytes();
        [&length[..], &control, &entries.concat()].concat()
    };
    let file = |name| tar(name, b'0', "", &rom);
    let manifest = br#"{"schema_version":1,"old_release":"aa 1","from_ipxe":false,"install_dir":"/usr/share/qemu","roms":[{"name":"compat-512-a.rom","bar":512,"sha256":null,"release":"aa 1","shared_with":[],"origin":"a.rom","origin_size":512,"origin_sha256":"","boot_ids":[],"lost_boot":[],"change":null,"devices":["e1000"]}],"ranges":[]}"#;
    let readconfig =
        b"[global]\n driver = \"e1000\"\n property = \"romfile\"\n value = \"compat-512-a.rom\"\n";
    let changelog = "aa (1) unstable; urgency=medium\n\n  * A.\n\n -- A <a@b>  Thu, 01 Jan 1970 00:00:00 +0000\n";
    vec![
        ("rom", of(&[file("./a.rom")])),
        (
            "links",
            of(&[
                file("usr/a.rom"),
                tar("usr/b.rom", b'2', "a.rom", b""),
                tar("c.rom", b'1', "usr/a.rom", b""),
                tar("d.rom", b'2', "/usr/../usr/b.rom", b""),
            ]),
        ),
        (
            "long-name",
            of(&[
                tar("././@LongLink", b'L', "", b"usr/a.rom\0"),
                file("other"),
            ]),
        ),
        (
            "pax",
            of(&[tar("pax", b'x', "", b"18 path=usr/a.rom\n"), file("other")]),
        ),
        (
            "compat-package",
            of(&[
                file("usr/share/qemu/compat-512-a.rom"),
                tar("usr/share/aa/manifest.json", b'0', "", manifest),
                tar("usr/share/aa/romfiles.cfg", b'0', "", readconfig),
                tar(
                    "usr/share/doc/aa/changelog.Debian.gz",
                    b'0',
                    "",
                    &gzip(changelog),
                ),
            ]),
        ),
        ("escapes", of(&[file("../a.rom")])),
        ("no-control", tar("a", b'0', "", b"a")),
    ]
}

/// A header of an RPM with entries of one value each: tag, type, value.
fn header_of_rpm(entries: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, kind, value) in entries {
        if *kind == 4 {
            store.resize(store.len().next_multiple_of(4), 0);
        } else if *kind == 3 {
            store.resize(store.len().next_multiple_of(2), 0);
        }
        let offset = u32::try_from(store.len()).unwrap();
        index.extend(
            [*tag, *kind, offset, 1]
                .into_iter()
                .flat_map(u32::to_be_bytes),
        );
        store.extend(*value);
    }
    let counts = [entries.len(), store.len()].map(|count| u32::try_from(count).unwrap());
    let mut header = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
    header.extend(counts.into_iter().flat_map(u32::to_be_bytes));
    header.extend(index);
    header.extend(store);
    header
}

/// Packages of one ROM, in each format, not compressed.
fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let rom = rom(&[x86(1)]);
    let mut tar_of_rom = tar("a.rom", b'0', "", &rom);
    tar_of_rom.extend([0; 1024]);
    let deb = fuzzing::package(&tar("control", b'0', "", CONTROL), &tar_of_rom);

    let size = u32::try_from(rom.len()).unwrap().to_be_bytes();
    let mut rpm = vec![0xed, 0xab, 0xee, 0xdb];
    rpm.resize(96, 0);
    rpm.extend(header_of_rpm(&[]));
    rpm.extend(header_of_rpm(&[
        (1000, 6, b"a\0"),          // name
        (1001, 6, b"1\0"),          // version
        (1002, 6, b"1\0"),          // release
        (1028, 4, &size),           // file sizes
        (1030, 3, &[0o201, 0o244]), // file modes
        (1116, 4, &[0; 4]),         // indexes of directories
        (1117, 8, b"a.rom\0"),      // base names
        (1118, 8, b"/\0"),          // directories
    ]));
    for (name, bytes) in [("a.rom", &*rom), ("TRAILER!!!", b"")] {
        let size = bytes.len();
        let length = name.len() + 1;
        let mut entry = format!("070701{:08x}{:08x}", 0, 0o100_644);
        entry += &"00000000".repeat(4);
        entry += &format!("{size:08x}");
        entry += &"00000000".repeat(4);
        entry += &format!("{length:08x}{:08x}{name}\0", 0);
        let mut entry = entry.into_bytes();
        entry.resize(entry.len().next_multiple_of(4), 0);
        entry.extend(bytes);
        rpm.extend(entry);
    }
    vec![
        ("sparse-gnu", sparse_of_gnu(&rom)),
        (
            "sparse-pax-0",
            sparse_of_pax("GNU.sparse.major=0\n", b"", &rom),
        ),
        (
            "sparse-pax-1",
            sparse_of_pax("GNU.sparse.major=1\n", b"1\n0\n512\n", &rom),
        ),
        ("tar", tar_of_rom),
        ("deb", deb),
        ("rpm", rpm),
        ("rom", rom),
    ]
}

#[test]
fn the_seed_of_a_compat_package_is_one() {
    let seeds = archives();
    let (_, bytes) = seeds
        .iter()
        .find(|(name, _)| *name == "compat-package")
        .unwrap();
    let control = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let package = fuzzing::package(&bytes[2..2 + control], &bytes[2 + control..]);
    let previous = romcompat::package::Previous::of_package(&package).unwrap();
    assert_eq!((previous.package.as_str(), previous.epoch), ("aa", 0));
}

#[test]
fn the_seeds_of_inputs_are_sets_of_one_rom() {
    for (name, bytes) in inputs() {
        let set = romcompat::romset::read(name, bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(set.roms.len(), 1, "{name}");
    }
}

fn executables() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("driver", driver()),
        ("stored", stored(&driver())),
        ("bomb", bomb(65536)),
        ("cut", driver()[..0x180].to_vec()),
        ("stored-cut", stored(&driver())[..0x80].to_vec()),
        ("long-name", with(&driver(), 0x148, b"/4\0\0\0\0\0\0")),
        ("unsigned", with(&driver(), 0x58 + 0x70 + 32, &[0; 8])),
    ]
}

/// `ROMCOMPAT_WRITE_SEEDS=1 cargo test` writes them anew.
#[test]
fn the_seeds_are_made_of_generated_roms() {
    let write = env::var_os("ROMCOMPAT_WRITE_SEEDS").is_some();
    let seeds = [
        ("rom_read", roms()),
        ("rom_edit", roms()),
        ("executable", executables()),
        ("domain_xml", definitions()),
        ("input", inputs()),
        ("deb", archives()),
        (
            "state_stream",
            vec![
                ("plain", states::plain()),
                ("mapped", states::mapped()),
                ("sections", states::sections()),
            ],
        ),
        (
            "state_save",
            vec![
                ("raw", states::save(0)),
                ("swapped", states::swapped_save()),
                ("sparse", states::sparse_save()),
                ("gzip", states::packed_save(1)),
                ("sections", states::packed(1, &states::sections())),
            ],
        ),
        (
            "state_qcow2",
            vec![
                ("v2", states::qcow2(2)),
                ("v3", states::qcow2(3)),
                ("sections", states::qcow2_of(3, &states::sections())),
            ],
        ),
    ];
    for (target, seeds) in seeds {
        for (name, bytes) in seeds {
            let path = corpus(target).join(format!("seed-{name}"));
            if write {
                fs::create_dir_all(corpus(target)).unwrap();
                fs::write(&path, &bytes).unwrap();
            }
            let is_same = fs::read(&path).is_ok_and(|seed| seed == bytes);
            assert!(is_same, "{} is another one", path.display());
        }
    }
}
