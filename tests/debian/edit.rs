//! Edits of every ROM that Debian ships.

use crate::common::{romcompat, status, words};
use crate::fetched::{package, tool, unpack};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The ROM files of all fetched packages, with the folders that hold them.
fn shipped() -> (Vec<TempDir>, Vec<PathBuf>) {
    let mut roms = Vec::new();
    let mut roots = Vec::new();
    for (suite, name) in [
        ("bookworm", "ipxe-qemu"),
        ("trixie", "ipxe-qemu"),
        ("bookworm", "seabios"),
        ("trixie", "seabios"),
        ("bookworm", "qemu-system-data"),
        ("trixie", "qemu-system-data"),
        ("bookworm", "vgabios"),
    ] {
        let root = unpack(&package(suite, name));
        let list = tool("find", &[&root.path(), &"-type", &"f"]);
        let paths = list.lines().map(PathBuf::from);
        roms.extend(paths.filter(|path| fs::read(path).unwrap().starts_with(&[0x55, 0xaa])));
        roots.push(root);
    }
    assert_eq!(roms.len(), 72);
    (roots, roms)
}

fn run(arguments: &[&dyn AsRef<std::ffi::OsStr>]) {
    let mut command = romcompat();
    command.args(arguments.iter().map(|argument| argument.as_ref()));
    let output = command.output().unwrap();
    assert_eq!(status(&output), 0, "{command:?}: {}", words(&output));
}

#[test]
#[ignore = "needs fetched ROMs"]
fn joining_what_was_split_gives_the_rom_without_its_padding() {
    let (_roots, roms) = shipped();
    for rom in roms {
        let folder = TempDir::new().unwrap();
        let (parts, joined) = (folder.path().join("parts"), folder.path().join("joined"));
        run(&[&"split", &rom, &"--out", &parts]);
        let mut files: Vec<PathBuf> = fs::read_dir(&parts)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        let mut join: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"join"];
        join.extend(files.iter().map(|file| file as &dyn AsRef<std::ffi::OsStr>));
        join.extend([&"--out" as &dyn AsRef<std::ffi::OsStr>, &joined]);
        run(&join);
        let (before, after) = (fs::read(&rom).unwrap(), fs::read(&joined).unwrap());
        assert!(before.starts_with(&after), "{}", rom.display());
        assert!(
            before[after.len()..].iter().all(|byte| *byte == 0xff),
            "{}",
            rom.display()
        );
    }
}

#[test]
#[ignore = "needs fetched ROMs"]
fn fixing_mends_a_damaged_checksum_and_leaves_a_good_rom_alone() {
    let (_roots, roms) = shipped();
    let folder = TempDir::new().unwrap();
    let (damaged, fixed) = (folder.path().join("damaged"), folder.path().join("fixed"));
    let fix = |rom: &Path| run(&[&"fix", &rom, &"--out", &fixed, &"--force"]);
    for rom in roms.iter().filter(|rom| !sums_wrong_by_design(rom)) {
        let good = fs::read(rom).unwrap();
        fix(rom);
        assert!(fs::read(&fixed).unwrap() == good, "{}", rom.display());
        // iPXE keeps its checksum in byte 6.
        if rom.extension().is_some_and(|extension| extension == "rom") {
            let mut bad = good.clone();
            bad[6] ^= 0x5a;
            fs::write(&damaged, bad).unwrap();
            fix(&damaged);
            assert!(fs::read(&fixed).unwrap() == good, "{}", rom.display());
        }
    }
}

/// QEMU ships these with a PnP header that does not sum to 0, and `fix` mends
/// it: SeaBIOS does not look.
fn sums_wrong_by_design(rom: &Path) -> bool {
    let name = rom.file_name().unwrap().to_str().unwrap();
    ["linuxboot", "multiboot", "pvh"]
        .iter()
        .any(|start| name.starts_with(start))
}

#[test]
#[ignore = "needs fetched ROMs and romheaders"]
fn retargeting_there_and_back_gives_the_rom_again_and_romheaders_sees_the_ids() {
    let root = unpack(&package("trixie", "ipxe-qemu"));
    let rom = root.path().join("usr/share/qemu/efi-virtio.rom");
    let folder = TempDir::new().unwrap();
    let (there, back) = (folder.path().join("there"), folder.path().join("back"));
    run(&[
        &"retarget",
        &rom,
        &"--vendor",
        &"1af4",
        &"--device",
        &"1000",
        &"--out",
        &there,
    ]);
    let headers = tool("romheaders", &[&there]);
    assert_eq!(headers.matches("Device ID: 0x1000").count(), 2, "{headers}");
    run(&[&"inspect", &there]);
    run(&[
        &"retarget",
        &there,
        &"--vendor",
        &"0x1af4",
        &"--device",
        &"0x1041",
        &"--out",
        &back,
    ]);
    assert!(fs::read(&rom).unwrap() == fs::read(&back).unwrap());
}

#[test]
#[ignore = "needs fetched ROMs"]
fn every_executable_comes_out_as_a_pe_for_x64() {
    let (_roots, roms) = shipped();
    let efi = roms.iter().filter(|rom| {
        rom.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("efi-")
    });
    for rom in efi {
        let folder = TempDir::new().unwrap();
        run(&[&"split", rom, &"--efi", &"--out", &folder.path()]);
        let executable = fs::read_dir(folder.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let bytes = fs::read(&executable).unwrap();
        let pe = usize::from(u16::from_le_bytes([bytes[0x3c], bytes[0x3d]]));
        assert_eq!(&bytes[..2], b"MZ");
        assert_eq!(&bytes[pe..pe + 6], b"PE\0\0\x64\x86", "{}", rom.display());
    }
}
