//! Sets of outputs: whole or not at all, and honest about what is left.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{fixture, romcompat, status, words};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Sixteen ROMs of 4 MiB to this folder.
fn large_set(out: &Path) -> String {
    format!(
        "exec {} pad {} --size 4M --out {}/ --format json >/dev/null",
        env!("CARGO_BIN_EXE_romcompat"),
        fixture(1).display(),
        out.display()
    )
}

/// Sends a signal while a file has a temporary name: how the program ended, if
/// the signal met one.
fn struck(script: &str, out: &Path, signal: &str) -> Option<ExitStatus> {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).stderr(Stdio::null());
    let mut child: Child = shell.spawn().unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    let mut is_met = false;
    let mut has_ended = false;
    while !is_met && !has_ended && Instant::now() < limit {
        let is_temporary = |name: &String| name.starts_with(".romcompat-");
        is_met = names(out).iter().any(is_temporary);
        has_ended = child.try_wait().unwrap().is_some();
    }
    let sent = if is_met { signal } else { "KILL" };
    if !has_ended {
        let mut kill = Command::new("kill");
        kill.args(["-s", sent, &child.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }
    let ended = child.wait().unwrap();
    assert!(is_met || has_ended, "it hangs");
    (is_met && !has_ended).then_some(ended)
}

#[test]
fn a_signal_leaves_no_temporary_file() {
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("QUIT", 3)] {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("out");
        let met = (0..10).find_map(|_| {
            let _ = fs::remove_dir_all(&out);
            let script = format!("ulimit -c 0; {}", large_set(&out));
            struck(&script, &out, signal)
        });
        let ended = met.expect("the signal came while a file was written");
        assert_eq!(ended.signal(), Some(number));
        let left = names(&out);
        // All, where it came as they got their names.
        assert!(left.is_empty() || left.len() == 16, "{signal}: {left:?}");
        assert_eq!(out.exists(), !left.is_empty());
    }
}

#[test]
fn a_signal_that_is_ignored_stays_so() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let script = format!("trap '' HUP; {}", large_set(&out));
    let ended = struck(&script, &out, "HUP").expect("it came while a file was written");
    assert_eq!(ended.code(), Some(0));
    assert_eq!(names(&out).len(), 16);
}

#[test]
fn a_file_that_may_not_grow_is_an_error_that_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let script = format!("ulimit -f 3000; {}", large_set(&out));
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(status(&output), 3, "{}", words(&output));
    assert!(
        words(&output).contains("File too large"),
        "{}",
        words(&output)
    );
    assert_eq!(names(folder.path()), [""; 0]);
}

/// A ROM whose x86 image has a structure that claims more bytes than there are.
fn rom_with_wrong_length() -> Vec<u8> {
    let mut rom = vec![0; 512];
    rom[..6].copy_from_slice(&[0x55, 0xaa, 1, 0xeb, 0x03, 0xcb]);
    rom[0x18] = 0x1c;
    rom[0x1c..0x30].copy_from_slice(b"PCIR\xf4\x1a\x41\x10\0\0\xff\x7f\x03\0\0\x02\x01\0\0\0");
    rom[0x1c + 0x15] = 0x80;
    rom
}

#[test]
fn what_a_fix_leaves_wrong_it_prints() {
    let folder = TempDir::new().unwrap();
    let roms = folder.path().join("roms");
    fs::create_dir(&roms).unwrap();
    fs::write(roms.join("bad.rom"), rom_with_wrong_length()).unwrap();
    let good = folder.path().join("good.rom");
    let fix = |input: &Path, out: &Path, more: &[&str]| {
        let mut fix = romcompat();
        fix.arg("fix").arg(input).arg("--out").arg(out).args(more);
        fix.output().unwrap()
    };
    let out = folder.path().join("fixed.rom");
    let output = fix(&roms.join("bad.rom"), &out, &[]);
    let said = words(&output);
    assert_eq!(status(&output), 1, "{said}");
    assert!(said.contains("error[RC152]"), "{said}");
    assert!(!said.contains("RC111"), "the sum is right: {said}");
    assert!(out.exists());
    let output = fix(
        &roms.join("bad.rom"),
        &out,
        &["--force", "--allow", "RC152"],
    );
    assert_eq!(status(&output), 0, "{}", words(&output));

    let mut pad = romcompat();
    pad.arg("pad").arg(fixture(1)).args(["--size", "256K"]);
    pad.args(["--select", "efi-virtio.rom", "--out"]).arg(&good);
    assert_eq!(status(&pad.output().unwrap()), 0);
    let output = fix(&good, &folder.path().join("again.rom"), &[]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    fs::rename(&good, roms.join("good.rom")).unwrap();
    let set = folder.path().join("set");
    let output = fix(&roms, &set, &[]);
    let said = words(&output);
    assert_eq!(status(&output), 1, "{said}");
    assert!(said.contains("roms/bad.rom, image 1"), "{said}");
    assert_eq!(names(&set), ["bad.rom", "good.rom"]);
}

#[test]
fn a_baseline_that_could_not_be_read_is_not_written() {
    let folder = TempDir::new().unwrap();
    let roms = folder.path().join("roms");
    fs::create_dir(&roms).unwrap();
    let file = folder.path().join("sizes");
    for (name, is_written) in [("a b.rom", false), ("#a.rom", false), ("a.rom", true)] {
        fs::write(roms.join(name), rom_with_wrong_length()).unwrap();
        let mut write = romcompat();
        write.args(["check", "--write-baseline"]);
        let output = write.arg(&file).arg(&roms).output().unwrap();
        let said = words(&output);
        assert_eq!(status(&output), if is_written { 0 } else { 3 }, "{said}");
        assert_eq!(file.exists(), is_written);
        assert!(
            is_written || said.contains(&format!("the ROM `{name}` cannot")),
            "{said}"
        );
        fs::remove_file(roms.join(name)).unwrap();
    }
}
