//! What strangers write is shown on one line, without what does something to a
//! terminal; machines are told the true names.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{fixture, romcompat, status, words};
use romcompat::printable::is_unprintable;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A name that ends the line, clears the screen, turns the text around, hides a
/// letter and starts another line.
const NAME: &str = "evil\u{1b}[2J\nerror: forged\r\u{9b}31m\u{202e}\u{200b}\u{2028}\u{85}.rom";

/// What it reads like.
const SHOWN: &str =
    "evil\\u{1b}[2J\\nerror: forged\\r\\u{9b}31m\\u{202e}\\u{200b}\\u{2028}\\u{85}.rom";

/// A ROM of 64 KiB without a right sum or PCI Data Structure.
fn bad_rom(length: usize) -> Vec<u8> {
    let mut rom = vec![0; length];
    rom[..4].copy_from_slice(&[0x55, 0xaa, 4, 1]);
    rom
}

fn tar(folder: &Path, name: &str, members: &[(&str, Vec<u8>)]) -> PathBuf {
    let path = folder.join(name);
    let mut archive = tar::Builder::new(fs::File::create(&path).unwrap());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &**bytes).unwrap();
    }
    archive.finish().unwrap();
    path
}

fn assert_safe(output: &Output, what: &str) -> String {
    let text = words(output);
    let bad = text.chars().find(|c| *c != '\n' && is_unprintable(*c));
    assert_eq!(bad, None, "{what}: {text:?}");
    let forged = text.lines().any(|line| line.starts_with("error: forged"));
    assert!(!forged, "{what}: {text}");
    text
}

#[test]
fn every_command_shows_a_hostile_name_on_one_line() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let good = |size: &str| {
        let out = at.join("good.rom");
        let mut pad = romcompat();
        pad.arg("pad")
            .arg(fixture(1))
            .args(["--select", "efi-virtio.rom"]);
        pad.args(["--size", size, "--force", "--out"]).arg(&out);
        assert_eq!(status(&pad.output().unwrap()), 0);
        fs::read(out).unwrap()
    };
    let old = tar(at, "old\u{1b}[1m.tar", &[(NAME, good("256K"))]);
    let new = tar(at, "new\u{202e}.tar", &[(NAME, good("512K"))]);
    let bad = tar(at, "bad\nerror: forged.tar", &[(NAME, bad_rom(65536))]);
    let nothing = tar(at, "nothing\nerror: forged", &[(NAME, b"no ROM".to_vec())]);
    let invalid = at.join(OsStr::from_bytes(b"\xff\xfe\x1b[0m"));
    fs::write(&invalid, b"no input").unwrap();
    let config = at.join("romcompat.toml");
    fs::write(
        &config,
        format!("[devices]\n{NAME:?} = [\"evil\\u001B[0m-nic\"]\n"),
    )
    .unwrap();
    let missing = at.join("missing\u{1b}[0m");
    let out = at.join("out\u{1b}[0m\nerror: forged");
    let named = |command: &mut Command, arguments: &[&dyn AsRef<OsStr>]| {
        command
            .current_dir("/")
            .args(arguments.iter().map(AsRef::as_ref));
        command
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .output()
            .unwrap()
    };
    let commands: &[(&[&dyn AsRef<OsStr>], bool)] = &[
        (&[&"inspect", &old], true),
        (&[&"inspect", &"-v", &old], true),
        (&[&"inspect", &"--diff", &old, &new], true),
        (&[&"lint", &bad, &old], false),
        (&[&"check", &old, &new], true),
        (&[&"check", &"-v", &bad, &new], true),
        (&[&"check", &"--write-baseline", &out, &old], true),
        (&[&"advise", &old, &new], true),
        (&[&"fix", &bad, &"--out", &out], false),
        (&[&"pad", &bad, &"--size", &"1M", &"--out", &out], false),
        (&[&"pad", &old, &"--size", &"1M", &"--out", &out], false),
        (&[&"pad", &old, &"--size", &"1M", &"--out", &out], false),
        (&[&"split", &old, &"--out", &at.join("parts")], false),
        (&[&"build", &old, &new, &"--out", &at.join("dist")], false),
        (&[&"emit", &"globals", &old, &new], false),
        (&[&"inspect", &nothing], false),
        (&[&"inspect", &invalid], false),
        (&[&"inspect", &missing], false),
        (&[&"state", &bad], false),
        (&[&"state", &invalid], false),
        (&[&"guests", &bad], false),
        (&[&"join", &bad, &"--out", &missing], false),
        (&[&"check", &"--inventory", &at], false),
        (&[&"check", &"--baseline", &bad, &old], false),
        (&[&"lint", &"--config", &bad, &old], false),
        (
            &[&"prove", &old, &new, &"--source-qemu", &"/bin/\u{1b}[0m"],
            false,
        ),
        (&[&"--evil\u{1b}[2J\u{202e}"], false),
        (&[&"inspect\u{1b}[2J"], false),
    ];
    for (arguments, shows) in commands {
        let typed: Vec<_> = arguments.iter().map(|word| word.as_ref()).collect();
        let output = named(&mut romcompat(), arguments);
        let text = assert_safe(&output, &format!("{typed:?}"));
        assert!(!text.is_empty(), "{typed:?}");
        assert!(!shows || text.contains(SHOWN), "{typed:?}: {text}");
        let configured = named(romcompat().arg("--config").arg(&config), arguments);
        assert_safe(&configured, &format!("{typed:?} with devices"));
    }
}

#[test]
fn machines_are_told_the_true_name_in_escapes() {
    let folder = TempDir::new().unwrap();
    let bad = tar(folder.path(), "bad.tar", &[(NAME, bad_rom(65536))]);
    let mut inspect = romcompat();
    let output = inspect.args(["inspect", "--format", "json"]).arg(&bad);
    let text = String::from_utf8(output.output().unwrap().stdout).unwrap();
    assert!(text.chars().all(|c| c == '\n' || !is_unprintable(c)));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["roms"][0]["name"], NAME);
    let named = tar(folder.path(), NAME, &[("a.rom", bad_rom(65536))]);
    let mut lint = romcompat();
    let output = lint.args(["lint", "--format", "sarif"]).arg(&named);
    let output = output.output().unwrap();
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let place = "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri";
    let uri = log.pointer(place).unwrap().as_str().unwrap();
    assert!(uri.contains("evil%1B%5B2J%0Aerror"), "{uri}");
}

#[test]
fn a_definition_shows_nothing_but_its_letters() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("guest.xml");
    let evil = "x\u{202e}\u{200b}\u{2028}&#10;error: forged&#x9b;";
    let text = format!(
        "<domain type='kvm'><name>{evil}</name><uuid>{evil}</uuid>\
         <os><type arch='{evil}' machine='pc{evil}'>hvm</type></os><devices>\
         <emulator>/bin/{evil}</emulator>\
         <interface type='network'><model type='virtio{evil}'/><rom file='/r/{evil}'/></interface>\
         <interface type='network'><model type='e1000'/><rom file='/r/{evil}'/></interface>\
         </devices></domain>"
    );
    fs::write(&path, text).unwrap();
    for more in [&[][..], &["-v"], &["--pin"]] {
        let mut guests = romcompat();
        guests.arg("guests").arg(&path);
        guests
            .arg("--old")
            .arg(fixture(1))
            .arg("--new")
            .arg(fixture(2));
        let output = guests.args(more).output().unwrap();
        let text = assert_safe(&output, &format!("{more:?}"));
        assert!(text.contains("x\\u{202e}\\u{200b}\\u{2028}"), "{text}");
    }
}
