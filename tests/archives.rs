//! Archives and folders: what is in them is read, and what is left out is named,
//! by every command that a script may go on from.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{fixture, romcompat, status, words};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A folder with the ROMs of a package that the repository carries.
fn roms(release: u8) -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut pad = romcompat();
    pad.args(["pad", "--size", "256K"]).arg(fixture(release));
    let output = pad.arg("--out").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    folder
}

fn tar(folder: &Path, archive: &Path) {
    let mut builder = tar::Builder::new(File::create(archive).unwrap());
    builder.follow_symlinks(false);
    builder.append_dir_all(".", folder).unwrap();
    builder.finish().unwrap();
}

fn run(arguments: &[&dyn AsRef<OsStr>]) -> (i32, String) {
    let mut command = romcompat();
    command.args(arguments.iter().map(|one| one.as_ref()));
    let output = command.output().unwrap();
    (status(&output), words(&output))
}

/// Each command names the finding, and its answer is no: of the folder and of an
/// archive with the same files.
fn named_by_every_command(folder: &TempDir, code: &str, what: &str) {
    let place = TempDir::new().unwrap();
    let [archive, out, baseline, mapping] =
        ["roms.tar", "out", "baseline", "mapping"].map(|name| place.path().join(name));
    tar(folder.path(), &archive);
    let same = roms(1);
    let old = same.path();
    let guest = place.path().join("guest.xml");
    fs::write(
        &guest,
        "<domain type='kvm'><name>g</name><os><type machine='pc-i440fx-7.2'>hvm</type></os></domain>",
    )
    .unwrap();
    for input in [folder.path(), &archive] {
        for (arguments, wanted) in [
            (vec![&"inspect" as &dyn AsRef<OsStr>, &input], 1),
            (vec![&"lint", &input], 1),
            (vec![&"check", &old, &input], 1),
            (vec![&"check", &input, &old], 1),
            (vec![&"check", &input, &"--write-baseline", &baseline], 1),
            (vec![&"build", &old, &input, &"--all", &"--out", &out], 1),
            (vec![&"build", &input, &old, &"--all", &"--out", &out], 1),
            (
                vec![
                    &"emit", &"globals", &old, &input, &"--all", &"--out", &mapping,
                ],
                1,
            ),
            (vec![&"guests", &"--old", &old, &"--new", &input, &guest], 1),
        ] {
            let (ended, words) = run(&arguments);
            let shown: Vec<_> = arguments.iter().map(|one| one.as_ref()).collect();
            assert_eq!(ended, wanted, "{shown:?}: {words}");
            assert!(
                words.contains(code) && words.contains(what),
                "{shown:?}: {words}"
            );
            assert!(!words.contains("Safe"), "{shown:?}: {words}");
        }
    }
    for output in [out, baseline, mapping] {
        assert!(!output.exists(), "{}", output.display());
    }
}

#[test]
fn nothing_is_named_where_nothing_is_left_out() {
    let (old, new) = (roms(1), roms(1));
    fs::write(new.path().join("README"), "no ROM").unwrap();
    symlink("nowhere", new.path().join("docs")).unwrap();
    symlink("/etc/passwd.not", new.path().join("passwd")).unwrap();
    let archive = TempDir::new().unwrap();
    let archive = archive.path().join("new.tar");
    fs::create_dir_all(archive.parent().unwrap()).unwrap();
    tar(new.path(), &archive);
    for input in [new.path(), &archive] {
        let (ended, words) = run(&[&"check", &old.path(), &input]);
        assert_eq!(ended, 0, "{words}");
        assert!(words.contains("Safe") && !words.contains("RC20"), "{words}");
    }
}

#[test]
fn a_link_of_a_rom_to_another_package_is_named_with_what_is_needed() {
    let folder = roms(1);
    let share = folder.path().join("usr/share/qemu");
    fs::create_dir_all(&share).unwrap();
    symlink("../ipxe/efi-virtio.rom", share.join("efi-new.rom")).unwrap();
    named_by_every_command(&folder, "RC203", "../ipxe/efi-virtio.rom");
    let (_, words) = run(&[&"inspect", &folder.path()]);
    assert!(
        words.contains("dpkg -S /usr/share/ipxe/efi-virtio.rom"),
        "{words}"
    );
}

#[test]
fn a_rom_above_the_limit_in_a_folder_or_archive_is_named_and_one_of_the_limit_is_read() {
    let folder = roms(1);
    let mut rom = vec![0xff; 16 << 20];
    rom[..3].copy_from_slice(&[0x55, 0xaa, 1]);
    fs::write(folder.path().join("largest.bin"), &rom).unwrap();
    let (_, words) = run(&[&"inspect", &folder.path()]);
    assert!(
        words.contains("largest.bin") && !words.contains("RC201"),
        "{words}"
    );
    rom.push(0xff);
    fs::write(folder.path().join("largest.bin"), &rom).unwrap();
    named_by_every_command(&folder, "RC201", "16777217 bytes");
}

#[test]
fn a_file_that_is_named_as_a_rom_and_is_none_is_named() {
    for (content, what) in [
        (&b"\x28\xb5\x2f\xfd and so on"[..], "starts with 28 b5"),
        (b"", "the file is empty"),
    ] {
        let folder = roms(1);
        fs::write(folder.path().join("dump.rom"), content).unwrap();
        named_by_every_command(&folder, "RC202", what);
    }
}

#[test]
fn a_rom_whose_name_is_not_utf8_is_read_and_named() {
    let folder = roms(1);
    let rom = fs::read(folder.path().join("efi-virtio.rom")).unwrap();
    fs::write(folder.path().join(OsStr::from_bytes(b"x\xff.rom")), rom).unwrap();
    let place = TempDir::new().unwrap();
    let archive = place.path().join("roms.tar");
    tar(folder.path(), &archive);
    for input in [folder.path(), &archive] {
        let (ended, words) = run(&[&"inspect", &input]);
        assert_eq!(ended, 0, "{words}");
        assert!(
            words.contains("x\\xff.rom") && words.contains("RC204"),
            "{words}"
        );
    }
}

#[test]
fn an_archive_behind_an_archive_is_named() {
    let place = TempDir::new().unwrap();
    let both = place.path().join("both.tar");
    let old = roms(1);
    tar(old.path(), &both);
    let one = fs::read(&both).unwrap();
    fs::write(&both, one.repeat(2)).unwrap();
    let offset = format!("starts behind its end, at {:#x} unpacked", one.len());
    for arguments in [
        vec![&"inspect" as &dyn AsRef<OsStr>, &both],
        vec![&"check", &old.path(), &both],
    ] {
        let (ended, words) = run(&arguments);
        assert_eq!(ended, 1, "{words}");
        assert!(
            words.contains("RC205") && words.contains(&offset),
            "{words}"
        );
        assert!(!words.contains("Safe"), "{words}");
    }
}

#[test]
fn an_input_of_links_alone_says_where_they_lead() {
    let folder = TempDir::new().unwrap();
    symlink("../ipxe/a.rom", folder.path().join("a.rom")).unwrap();
    let place = TempDir::new().unwrap();
    let archive = place.path().join("roms.tar");
    tar(folder.path(), &archive);
    for input in [folder.path(), &archive] {
        for command in ["inspect", "lint"] {
            let (ended, words) = run(&[&command, &input]);
            assert_eq!(ended, 3, "{words}");
            assert!(words.contains("the link leads to ../ipxe/a.rom"), "{words}");
        }
    }
}

#[test]
fn forty_thousand_links_to_one_rom_are_read_within_the_limits() {
    let place = TempDir::new().unwrap();
    let archive = place.path().join("links.tar");
    let mut builder = tar::Builder::new(File::create(&archive).unwrap());
    let rom = fs::read(roms(1).path().join("efi-virtio.rom")).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(rom.len() as u64);
    builder
        .append_data(&mut header, "efi-virtio.rom", &*rom)
        .unwrap();
    for number in 0..40_000 {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder
            .append_link(&mut header, format!("l{number}.rom"), "efi-virtio.rom")
            .unwrap();
    }
    builder.finish().unwrap();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 524288; ulimit -t 20; exec \"$0\" \"$@\""]);
    limited
        .arg(env!("CARGO_BIN_EXE_romcompat"))
        .args(["inspect", "--format", "json"]);
    let output = limited.arg(&archive).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        report["roms"][0]["other_names"].as_array().unwrap().len(),
        40_000
    );
}
