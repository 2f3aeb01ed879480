//! The ROMs in states of guests whose memory is full, so that it is sent in
//! many parts.

use crate::common::{romcompat, status, words};
use crate::fetched::{bookworm_qemu, tool, trixie_qemu};
use crate::state::{Qemu, host_roms, save_file};
use romcompat::qemu::device_by_name;
use romcompat::rom::PciIds;
use romcompat::rom::Rom;
use romcompat::rom::edit::{ImageSelection, Retarget, retarget};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// 64 MiB that do not look like anything.
fn memory() -> Vec<u8> {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_ne_bytes()
    };
    (0..(64 << 20) / 8).flat_map(|_| next()).collect()
}

/// Cards on the root bus and behind a port, with the files that they load.
const CARDS: [(&str, &str, u16); 4] = [
    (
        "0000:00:03.0:00.0/virtio-net-pci.rom",
        "efi-virtio.rom",
        0x1041,
    ),
    ("0000:00:04.0/virtio-net-pci.rom", "efi-virtio.rom", 0x1000),
    ("0000:00:05.0/e1000.rom", "efi-e1000.rom", 0x100e),
    ("0000:00:06.0/vga.rom", "vgabios-stdvga.bin", 0x1111),
];

/// A guest with these cards and this memory.
fn arguments(memory: &Path) -> Vec<String> {
    let memory = format!(
        "memory-backend-file,id=m,size=64M,mem-path={}",
        memory.display()
    );
    [
        "-machine",
        "q35,accel=tcg,memory-backend=m",
        "-m",
        "64",
        "-object",
        &memory,
        "-device",
        "pcie-root-port,id=root,chassis=1,addr=3",
        "-device",
        "virtio-net-pci,bus=root",
        "-device",
        "virtio-net-pci,addr=4",
        "-device",
        "e1000,addr=5",
        "-device",
        "VGA,addr=6",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The ROM of each card is in the state, as QEMU loaded it.
fn has_every_rom(label: &str, state: &Path, roms: &Path) {
    let out = TempDir::new().unwrap();
    let folder = out.path().join("roms");
    let mut command = romcompat();
    command.args(["state", "--format", "json", "--extract-roms"]);
    let output = command.arg(&folder).arg(state).output().unwrap();
    assert_eq!(status(&output), 0, "{label}: {}", words(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let blocks = report["states"][0]["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), CARDS.len(), "{label}");
    for (name, romfile, id) in CARDS {
        let block = blocks.iter().find(|block| block["name"] == name).unwrap();
        let extracted = folder.join(block["extracted"].as_str().unwrap());
        let file = fs::read(roms.join(romfile)).unwrap();
        let ids = Rom::parse(&file).unwrap().images()[0].ids().unwrap();
        let wish = Retarget {
            images: ImageSelection::Number(1),
            ids: PciIds { device: id, ..ids },
            device_list: None,
        };
        let loaded = if ids.device == id {
            file
        } else {
            retarget(&file, &wish).unwrap()
        };
        assert!(fs::read(extracted).unwrap() == loaded, "{label}: {name}");
    }
}

#[test]
#[ignore = "needs fetched ROMs, QEMU of two releases, qemu-img, gzip, lzop and zstd"]
fn the_roms_of_guests_with_full_memory_are_found_in_every_form() {
    let roms = host_roms();
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("memory"), memory()).unwrap();
    let arguments = arguments(&at("memory"));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let newer = trixie_qemu();
    for (name, program) in [("older", &bookworm_qemu()), ("newer", &newer)] {
        let plain = at(&format!("{name}.plain"));
        let start = |more: &[&str]| Qemu::start(program, roms.path(), &[&arguments, more].concat());
        start(&[]).save(&format!("exec:cat > {}", plain.display()));
        has_every_rom(name, &plain, roms.path());
        for (format, packer, end) in [(1, "gzip", "gz"), (4, "lzop", "lzo"), (5, "zstd", "zst")] {
            tool(packer, &[&"-1", &"-k", &"-q", &plain]);
            let packed = at(&format!("{name}.plain.{end}"));
            let save = save_file(format, &fs::read(&packed).unwrap(), true);
            fs::write(&packed, save).unwrap();
            has_every_rom(packer, &packed, roms.path());
            fs::remove_file(packed).unwrap();
        }
        fs::remove_file(plain).unwrap();

        let disk = at("disk.qcow2");
        tool(
            "qemu-img",
            &[&"create", &"-q", &"-f", &"qcow2", &disk, &"16M"],
        );
        let drive = format!("file={},if=none,id=d", disk.display());
        let mut qemu = start(&["-drive", &drive, "-device", "virtio-blk-pci,drive=d,addr=9"]);
        qemu.execute(
            "human-monitor-command",
            json!({"command-line": "savevm one"}),
        );
        qemu.execute("quit", json!({}));
        drop(qemu);
        // The disk's own card has no ROM.
        has_every_rom("qcow2", &disk, roms.path());
    }

    let start = || Qemu::start(&newer, roms.path(), &arguments);
    let mut qemu = start();
    qemu.capability("mapped-ram");
    qemu.save(&format!("file:{}", at("mapped").display()));
    has_every_rom("mapped-ram", &at("mapped"), roms.path());
    fs::remove_file(at("mapped")).unwrap();

    // libvirt writes its header, and has QEMU write behind it.
    let head = save_file(6, &[], true);
    fs::write(at("sparse"), &head).unwrap();
    let mut qemu = start();
    qemu.capability("mapped-ram");
    qemu.save(&format!(
        "file:{},offset={}",
        at("sparse").display(),
        head.len()
    ));
    let sparse = fs::read(at("sparse")).unwrap();
    assert!(sparse.starts_with(&head) && sparse[head.len()..].starts_with(b"QEVM"));
    has_every_rom("sparse", &at("sparse"), roms.path());
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn machine_types_without_footers_have_their_roms_read() {
    let roms = host_roms();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    let arguments = [
        "-machine",
        "pc-i440fx-2.3,accel=tcg",
        "-m",
        "16",
        "-device",
        "e1000",
    ];
    let qemu = Qemu::start(&bookworm_qemu(), roms.path(), &arguments);
    qemu.save(&format!("exec:cat > {}", file.display()));
    let out = folder.path().join("roms");
    let mut command = romcompat();
    command
        .arg("state")
        .arg(&file)
        .arg("--extract-roms")
        .arg(&out);
    let output = command.output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let romfile = device_by_name("e1000").unwrap().romfile;
    let wanted = fs::read(roms.path().join(romfile)).unwrap();
    assert!(fs::read(out.join(romfile)).unwrap() == wanted);
}
