//! Every hostile input at every command: no crash, no hang, a status that says
//! what is wrong, the input untouched, and no output where there is none.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{fixture, romcompat, status, words};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What a command says to an input: accepted, findings, or refused.
const CLEAN: i32 = 0;
const NO: i32 = 1;
const REFUSED: i32 = 3;

/// A good ROM: an x86 image and an EFI image, padded with 0xff.
fn rom() -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("rom");
    let mut pad = romcompat();
    pad.arg("pad")
        .arg(fixture(1))
        .args(["--select", "efi-virtio.rom", "--size", "256K"]);
    assert!(
        pad.arg("--out")
            .arg(&out)
            .output()
            .unwrap()
            .status
            .success()
    );
    fs::read(out).unwrap()
}

fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut rom = rom();
    rom[at..at + bytes.len()].copy_from_slice(bytes);
    rom
}

/// An image of 512 bytes that is not the last.
fn image() -> Vec<u8> {
    let mut image = vec![0; 512];
    image[..3].copy_from_slice(&[0x55, 0xaa, 1]);
    image[0x18] = 0x1c;
    image[0x1c..0x1c + 20].copy_from_slice(b"PCIR\xf4\x1a\x41\x10\0\0\x1c\0\x03\0\0\x02\x01\0\0\0");
    image[0x1c + 0x10] = 1;
    let sum = image.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    image[6] = 0_u8.wrapping_sub(sum);
    image
}

/// Offset of the PCI Data Structure of the first image.
fn pcir() -> usize {
    let rom = rom();
    usize::from(u16::from_le_bytes([rom[0x18], rom[0x19]]))
}

/// An input with the status of `lint`, and whether it can be edited.
struct Row {
    what: &'static str,
    bytes: Vec<u8>,
    lint: i32,
    is_edited: bool,
}

fn rows() -> Vec<Row> {
    let row = |what, bytes, lint, is_edited| Row {
        what,
        bytes,
        lint,
        is_edited,
    };
    let second = {
        let rom = rom();
        usize::from(rom[2]) * 512
    };
    let pcir = pcir();
    vec![
        row("empty", Vec::new(), REFUSED, false),
        row(
            "cut inside image 2",
            rom()[..second + 700].to_vec(),
            NO,
            false,
        ),
        row(
            "PCIR pointer past the end",
            with(0x18, &[0xff, 0xff]),
            NO,
            false,
        ),
        row("PCIR signature wrong", with(pcir, b"XCIR"), NO, false),
        row(
            "image length 0, not last",
            with(pcir + 0x10, &[0, 0]),
            NO,
            false,
        ),
        row(
            "image length beyond the file",
            with(pcir + 0x10, &[0xff, 0xff]),
            NO,
            false,
        ),
        row("wrong checksum", with(0x40, &[0x5a]), NO, true),
        row("ELF", [b"\x7fELF", &[0; 4096][..]].concat(), REFUSED, false),
        row("text", b"This is a text.\n".repeat(100), REFUSED, false),
        row(
            "100,000 images, none last",
            image().repeat(100_000),
            REFUSED,
            false,
        ),
        row(
            "30,000 images, none last",
            image().repeat(30_000),
            NO,
            false,
        ),
    ]
}

/// A command line that reads `input` and would write to `out`.
fn command(name: &str, input: &Path, out: &Path) -> Command {
    let mut command = romcompat();
    command.arg(name).arg(input);
    match name {
        "check" => {
            command.arg(fixture(2));
        }
        "pad" => {
            command.args(["--size", "1M"]);
        }
        "retarget" => {
            command.args(["--vendor", "8086", "--device", "100e"]);
        }
        _ => {}
    }
    if !matches!(name, "inspect" | "lint" | "check") {
        command.arg("--out").arg(out);
    }
    command
}

const ALL: [&str; 10] = [
    "inspect", "lint", "check", "pad", "fix", "retarget", "split", "join", "build", "source",
];

#[test]
fn no_command_crashes_or_touches_its_input_whatever_it_is() {
    let folder = TempDir::new().unwrap();
    for (number, row) in rows().iter().enumerate() {
        let input = folder.path().join(format!("input-{number}.rom"));
        fs::write(&input, &row.bytes).unwrap();
        for name in ALL {
            let out = folder.path().join(format!("out-{number}-{name}"));
            let output = command(name, &input, &out).output().unwrap();
            let text = words(&output);
            let found = status(&output);
            let said = format!("{name} on {}: status {found}: {text}", row.what);
            assert!((0..=3).contains(&found), "{said}");
            if name == "lint" {
                assert_eq!(found, row.lint, "{said}");
            }
            if matches!(name, "fix" | "retarget" | "split" | "join") {
                assert_eq!(found == CLEAN, row.is_edited, "{said}");
            }
            assert_ne!((row.lint == REFUSED, found), (true, CLEAN), "{said}");
            assert_eq!(out.exists(), found == CLEAN && name_writes(name), "{said}");
            assert!(fs::read(&input).unwrap() == row.bytes, "{said}");
        }
    }
}

/// A pointer or a bit that leads a reader on to nowhere.
fn misleading_rows() -> Vec<(&'static str, Vec<u8>, bool)> {
    let rom = rom();
    let second = usize::from(rom[2]) * 512;
    let pointer = [rom[second + 0x18], rom[second + 0x19]];
    let indicator = second + usize::from(u16::from_le_bytes(pointer)) + 0x15;
    assert_eq!(rom[indicator], 0x80);
    vec![
        ("PCIR pointer 0", with(0x18, &[0, 0]), true),
        ("last bit missing", with(indicator, &[0]), true),
        (
            "device list past the end",
            with(pcir() + 8, &[0xff, 0xff]),
            false,
        ),
    ]
}

#[test]
fn no_command_is_led_astray_by_what_its_input_points_to() {
    let folder = TempDir::new().unwrap();
    for (number, (what, bytes, is_wrong)) in misleading_rows().iter().enumerate() {
        let input = folder.path().join(format!("input-{number}.rom"));
        fs::write(&input, bytes).unwrap();
        for name in [
            "inspect", "lint", "check", "pad", "fix", "retarget", "split", "join",
        ] {
            let out = folder.path().join(format!("out-{number}-{name}"));
            let output = command(name, &input, &out).output().unwrap();
            let found = status(&output);
            let said = format!("{name} on {what}: status {found}: {}", words(&output));
            assert!((0..=3).contains(&found), "{said}");
            if matches!(name, "inspect" | "lint") && *is_wrong {
                assert_ne!(found, CLEAN, "{said}");
            }
            assert_eq!(out.exists(), found == CLEAN && name_writes(name), "{said}");
            assert!(fs::read(&input).unwrap() == *bytes, "{said}");
        }
    }
}

fn name_writes(name: &str) -> bool {
    !matches!(name, "inspect" | "lint" | "check")
}

#[test]
fn what_is_no_file_of_a_sane_size_is_refused_by_every_command() {
    let folder = TempDir::new().unwrap();
    let sparse = folder.path().join("sparse");
    File::create(&sparse).unwrap().set_len(4 << 30).unwrap();
    let empty_folder = folder.path().join("empty");
    fs::create_dir(&empty_folder).unwrap();
    let inputs: [PathBuf; 4] = [
        sparse,
        empty_folder,
        PathBuf::from("/dev/zero"),
        folder.path().join("missing"),
    ];
    for input in &inputs {
        for name in ALL {
            let out = folder.path().join("out");
            let output = command(name, input, &out).output().unwrap();
            let said = format!("{name} on {}: {}", input.display(), words(&output));
            assert!(matches!(status(&output), 1 | REFUSED), "{said}");
            assert!(!out.exists(), "{said}");
        }
    }
}
