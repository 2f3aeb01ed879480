//! Saved states that are wrong, and what `state` says of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;
#[path = "common/states.rs"]
mod states;

use common::{fixture, romcompat, status, words};
use std::fs::{self, File};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

fn state(file: &Path, more: &[&str]) -> Output {
    let mut command = romcompat();
    command.arg("state").arg(file).args(more).output().unwrap()
}

/// A state is refused with these words, with status 3 and without output.
fn refused(bytes: &[u8], wanted: &str) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, bytes).unwrap();
    let out = folder.path().join("roms");
    let output = state(&file, &["--extract-roms", out.to_str().unwrap()]);
    let text = words(&output);
    assert_eq!(status(&output), 3, "{text}");
    assert!(text.contains(wanted), "{wanted} in {text}");
    assert!(!out.exists() && fs::read(&file).unwrap() == bytes, "{text}");
}

fn with(mut bytes: Vec<u8>, at: usize, new: &[u8]) -> Vec<u8> {
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

/// Offset of the size of the RAM block in the plain stream.
fn size_at() -> usize {
    states::start(&[]).len() + 8 + 1 + states::BLOCK.len()
}

#[test]
fn every_form_has_its_block_and_the_content_of_it() {
    for (name, bytes) in [
        ("plain", states::plain()),
        ("mapped", states::mapped()),
        ("save", states::save(0)),
        ("swapped", states::swapped_save()),
        ("version 2", states::qcow2(2)),
        ("version 3", states::qcow2(3)),
    ] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("state");
        fs::write(&file, bytes).unwrap();
        let out = folder.path().join("roms");
        let output = state(&file, &["--extract-roms", out.to_str().unwrap()]);
        let text = words(&output);
        assert_eq!(status(&output), 0, "{name}: {text}");
        assert!(
            text.contains("0000:00:04.0/e1000.rom    4K"),
            "{name}: {text}"
        );
        let rom = fs::read(out.join("efi-e1000.rom")).unwrap();
        assert!(rom == states::rom(), "{name}");
    }
}

#[test]
fn a_rom_is_not_extracted_over_its_state() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("efi-e1000.rom");
    fs::write(&file, states::plain()).unwrap();
    let out = folder.path().to_str().unwrap();
    let output = state(&file, &["--force", "--extract-roms", out]);
    assert_eq!(status(&output), 3, "{}", words(&output));
    let said = "it is an input, and an input is never written to";
    assert!(words(&output).contains(said), "{}", words(&output));
    assert!(fs::read(&file).unwrap() == states::plain());
}

#[test]
fn a_verdict_has_the_line_of_qemu_and_what_makes_the_guest_resume() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, states::plain()).unwrap();
    let host = fixture(2);
    let roms = ["--roms", host.to_str().unwrap()];
    let output = state(&file, &roms);
    assert_eq!(status(&output), 1);
    let line = "Size mismatch: 0000:00:04.0/e1000.rom: 0x1000 != 0x80000: Invalid argument";
    assert!(words(&output).contains(line), "{}", words(&output));
    let output = state(
        &file,
        &[&roms[..], &["--emit", "globals", "--quiet"]].concat(),
    );
    assert_eq!(status(&output), 1);
    let output = state(&file, &["--emit", "globals"]);
    let globals = String::from_utf8(output.stdout).unwrap();
    assert!(
        globals.contains("-global e1000.romfile=compat-4k-efi-e1000.rom\n"),
        "{globals}"
    );
    let output = state(&file, &["--emit", "libvirt"]);
    assert!(words(&output).contains("<rom file='/usr/share/qemu/compat-4k-efi-e1000.rom'/>"));
}

#[test]
fn a_machine_type_that_the_state_does_not_name_can_be_said() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    let plain = states::plain();
    let configuration = 8..8 + 5 + "pc-i440fx-10.0".len();
    let unnamed = [&plain[..configuration.start], &plain[configuration.end..]].concat();
    fs::write(&file, unnamed).unwrap();
    let host = folder.path().join("host");
    fs::create_dir(&host).unwrap();
    let mut larger = states::rom();
    larger.resize(0x2000, 0);
    fs::write(host.join("efi-e1000.rom"), larger).unwrap();
    fs::write(host.join("pxe-e1000.rom"), states::rom()).unwrap();
    let judged = |more: &[&str]| {
        let output = state(&file, &[&["--roms", host.to_str().unwrap()], more].concat());
        (status(&output), words(&output))
    };
    let (code, text) = judged(&[]);
    assert!(code == 0 && text.contains("not known"), "{text}");
    assert!(text.contains("loaded from pxe-e1000.rom, 0000:00:04.0/e1000.rom resumes; loaded from efi-e1000.rom, QEMU will say `Size mismatch: 0000:00:04.0/e1000.rom: 0x1000 != 0x2000: Invalid argument`"), "{text}");
    let (code, text) = judged(&["--machine", "pc-i440fx-1.4"]);
    assert!(code == 0 && text.contains("resumes"), "{text}");
    let (code, text) = judged(&["--machine", "pc-i440fx-2.3"]);
    assert!(code == 1 && text.contains("refused"), "{text}");
    let (code, text) = judged(&["--machine", "pc"]);
    assert!(code == 2 && text.contains("pc-i440fx-7.2"), "{text}");
}

#[test]
fn a_state_that_is_cut_anywhere_is_refused() {
    let whole = states::plain();
    for length in [0, 3, 7, 20, size_at(), size_at() + 20, whole.len() - 1] {
        refused(
            &whole[..length],
            if length < 4 { "it starts with" } else { "cut" },
        );
    }
    refused(&states::save(0)[..50], "it was cut");
    refused(&states::qcow2(3)[..0x1000], "cut");
}

#[test]
fn what_is_wrong_in_a_stream_is_said_with_its_offset() {
    let plain = states::plain;
    let start = states::start(&[]).len();
    refused(&with(plain(), 0, b"QEVN"), "it starts with");
    refused(
        &with(plain(), 4, &[0, 0, 0, 9]),
        "at 0x4 the stream has version 9; 3 is known",
    );
    refused(&with(plain(), 13, b"\xff\xfe"), "is no text");
    refused(
        &with(plain(), start - 11, b"cpu"),
        "stands the section `cpu`",
    );
    refused(
        &with(plain(), start + 9, b"\0\x01"),
        "the name of a RAM block is no text",
    );
    refused(
        &with(plain(), size_at(), &[0xff; 8]),
        "and the state says 0x1000",
    );
    refused(
        &with(plain(), start - 4, &[0, 0, 0, 5]),
        "the section `ram` has version 5",
    );
    let beyond = with(
        plain(),
        size_at() + 8 + 8 + 5 + 5,
        &0x2008_u64.to_be_bytes(),
    );
    refused(&beyond, "is a page at 0x2000 of the RAM block");
}

#[test]
fn what_is_wrong_in_a_save_file_is_said() {
    let save = |at, bytes: &[u8]| with(states::save(0), at, bytes);
    refused(&save(12, b"Part"), "marked the save file as incomplete");
    refused(&save(16, &[9, 9, 9, 9]), "the save file has version");
    refused(
        &save(20, &[200, 0, 0, 0x7f]),
        "the XML of the save file does not end",
    );
    refused(&save(101, b"x"), "the XML of the save file does not end");
    refused(&states::save(4), "at 0x1c the save file is said to be compressed with lzop");
    refused(&states::save(77), "in the unknown format 77");
}

#[test]
fn what_is_wrong_in_an_image_is_said() {
    let image = |at, bytes: &[u8]| with(states::qcow2(3), at, bytes);
    refused(&image(4, &[0, 0, 0, 4]), "the qcow2 image has version 4");
    refused(
        &image(20, &[0, 0, 0, 60]),
        "at 0x14 the qcow2 image has clusters of 2^60 bytes",
    );
    refused(
        &image(32, &[0, 0, 0, 1]),
        "at 0x20 the qcow2 image is encrypted",
    );
    refused(&image(79, &[2]), "is marked as corrupt");
    refused(&image(79, &[4]), "has its data in another file");
    refused(&image(79, &[16]), "has subclusters");
    refused(&image(79, &[0x80]), "has the unknown features 0x80");
    refused(&image(60, &[0xff; 4]), "count of snapshots");
    refused(&image(64, &[0x7f; 8]), "cut");
    refused(&image(0x200, &[0x7f; 8]), "cut");
    refused(
        &image(0x600, &[0x40, 0, 0, 0, 0, 0, 0, 0]),
        "at 0x600 the qcow2 image has the saved state in compressed clusters",
    );
    let none = image(0x200 + 40, &[0; 8]);
    refused(&none, "it has no snapshot with the state of a guest");
    let same: Vec<u8> = [0, 0, 0, 0, 0, 0, 0x0a, 0].repeat(64);
    refused(&image(0x600, &same), "at ");
}

#[test]
fn a_folder_and_a_device_are_no_states() {
    for path in ["/dev/zero", "/"] {
        let output = state(Path::new(path), &[]);
        assert_eq!(status(&output), 3);
        assert!(
            words(&output).contains("no regular file"),
            "{}",
            words(&output)
        );
    }
}

#[test]
fn a_state_of_64_gib_is_not_read_through_for_its_sizes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state");
    fs::write(&path, states::plain()).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(64 << 30)
        .unwrap();
    let mut command = std::process::Command::new("sh");
    let output = command
        .args(["-c", "ulimit -v 262144 && exec \"$0\" state \"$1\""])
        .arg(romcompat().get_program())
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
}

#[test]
fn a_package_is_built_of_the_roms_in_a_state() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, states::plain()).unwrap();
    let terms = folder.path().join("terms");
    fs::write(&terms, "Terms.\n").unwrap();
    let out = folder.path().join("dist");
    let build = |more: &[&str]| {
        let mut command = romcompat();
        command.env("SOURCE_DATE_EPOCH", "1700000000");
        command.arg("build").arg("--from-state").arg(&file);
        command.arg("--out").arg(&out).args(more).output().unwrap()
    };
    let output = build(&[]);
    assert_eq!(status(&output), 2, "{}", words(&output));
    assert!(
        words(&output).contains("give `--package-version`"),
        "{}",
        words(&output)
    );
    assert!(!out.exists());
    let terms = terms.to_str().unwrap();
    let maintainer = ["--maintainer", "A B <a@b.example>"];
    let version = ["--package-version", "1.0", "--copyright", terms];
    let output = build(&[&maintainer[..], &version].concat());
    assert_eq!(status(&output), 0, "{}", words(&output));
    let globals = fs::read_to_string(out.join("globals.txt")).unwrap();
    assert!(
        globals.contains("-global e1000.romfile=compat-512-efi-e1000.rom\n"),
        "{globals}"
    );
}
