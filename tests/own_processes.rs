//! What the program starts itself: threads where they can be had, and programs
//! that may say anything, for as long as they like.

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
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A stack that no thread can have.
const NO_STACK: &str = "70368744177664";

fn output(command: &mut Command) -> Output {
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    command.output().unwrap()
}

#[test]
fn where_no_thread_can_be_started_one_does_the_work() {
    let folder = TempDir::new().unwrap();
    let roms = folder.path().join("roms");
    let mut split = romcompat();
    split.arg("pad").arg(fixture(1)).args(["--size", "256K"]);
    split.args(["--select", "efi-*"]).arg("--out").arg(&roms);
    assert_eq!(status(&output(&mut split)), 0);
    let inventory = folder.path().join("inventory/host");
    fs::create_dir_all(&inventory).unwrap();
    for (file, command) in [("roms.json", "inspect"), ("guests.json", "guests")] {
        let mut command = match command {
            "inspect" => {
                let mut inspect = romcompat();
                inspect.arg("inspect").arg(&roms);
                inspect
            }
            _ => {
                let guest = folder.path().join("guest.xml");
                let text = "<domain type='kvm'><name>one</name><os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os></domain>";
                fs::write(&guest, text).unwrap();
                let mut guests = romcompat();
                guests.arg("guests").arg(guest);
                guests
            }
        };
        let answer = output(command.args(["--format", "json"]));
        assert_eq!(status(&answer), 0, "{}", words(&answer));
        fs::write(inventory.join(file), answer.stdout).unwrap();
    }
    let (old, new) = (fixture(1), fixture(2));
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    let roms = roms.to_str().unwrap();
    let host = inventory.parent().unwrap().to_str().unwrap();
    let generation = format!("2.11={old}");
    for (arguments, out) in [
        (vec!["check", old, new], None),
        (vec!["inspect", "-v", roms], None),
        (vec!["lint", roms], None),
        (vec!["check", "--inventory", host], None),
        (vec!["build", old, new], Some("package")),
        (
            vec!["build", "--generation", &generation, new],
            Some("generations"),
        ),
        (vec!["source", old, new], Some("source")),
    ] {
        let run = |without: bool| {
            let mut command = romcompat();
            command.args(&arguments);
            let target = out.map(|name| folder.path().join(name));
            if let Some(target) = &target {
                command.arg("--out").arg(target);
            }
            if without {
                command.env("RUST_MIN_STACK", NO_STACK);
            }
            let answer = output(&mut command);
            let mut files = Vec::new();
            if let Some(target) = &target {
                for entry in fs::read_dir(target).unwrap() {
                    let path = entry.unwrap().path();
                    files.push((path.clone(), fs::read(&path).unwrap()));
                }
                files.sort();
                fs::remove_dir_all(target).unwrap();
            }
            (status(&answer), words(&answer), files)
        };
        let (with, without) = (run(false), run(true));
        assert!(
            with == without,
            "{arguments:?}: {} {}",
            without.0,
            without.1
        );
        assert!(with.0 < 2, "{arguments:?}: {}", with.1);
    }
}

/// A program that answers as QEMU does, and does something else when it is
/// started as a machine.
fn pretender(folder: &Path, then: &str) -> String {
    let path = folder.join("qemu.sh");
    let script = format!(
        "case \"$1 $2\" in\n\
         '--version ') echo 'QEMU emulator version 7.2.0' ;;\n\
         '-machine help') stat -c %a . >>{0}/modes; echo 'pc-i440fx-7.2  x' ;;\n\
         *) stat -c '%a' . * >>{0}/modes; {then} ;;\nesac\n",
        folder.display()
    );
    fs::write(&path, script).unwrap();
    format!("sh {}", path.display())
}

fn prove(folder: &Path, qemu: &str, umask: &str) -> Output {
    let mut command = Command::new("sh");
    command.env_remove("NO_COLOR").env("TMPDIR", folder);
    let script = format!(
        "umask {umask}; exec {} prove {} {} --source-qemu '{qemu}' --dest-qemu '{qemu}' --device e1000 --timeout 1 --jobs 2 --keep {}/kept",
        env!("CARGO_BIN_EXE_romcompat"),
        fixture(1).display(),
        fixture(2).display(),
        folder.display()
    );
    command.args(["-c", &script]).output().unwrap()
}

#[test]
fn the_folder_of_a_proof_is_private_under_every_umask() {
    for umask in ["000", "022", "077", "777"] {
        let folder = TempDir::new().unwrap();
        let qemu = pretender(folder.path(), "exit 1");
        let output = prove(folder.path(), &qemu, umask);
        assert_eq!(status(&output), 4, "{}", words(&output));
        let modes = fs::read_to_string(folder.path().join("modes")).unwrap();
        let mut lines = modes.lines();
        assert_eq!(lines.next(), Some("700"), "umask {umask}: {modes}");
        assert!(modes.lines().count() > 3);
        assert!(lines.all(|mode| matches!(mode, "700" | "600")), "{modes}");
    }
}

#[test]
fn what_a_qemu_says_is_kept_up_to_a_mebibyte() {
    let folder = TempDir::new().unwrap();
    let then = "echo first >&2; head -c 3000000 /dev/zero | tr '\\0' x >&2; echo last >&2; exit 1";
    let qemu = pretender(folder.path(), then);
    let output = prove(folder.path(), &qemu, "022");
    assert_eq!(status(&output), 4, "{}", words(&output));
    let mut records = 0;
    for entry in fs::read_dir(folder.path().join("kept")).unwrap() {
        let record = fs::read_to_string(entry.unwrap().path()).unwrap();
        let (_, said) = record.split_once("said:\n").unwrap();
        assert!(said.starts_with("first\n"));
        assert!(
            said.ends_with("last\n"),
            "{:?}",
            said.get(said.len() - 40..)
        );
        assert!(said.contains("\n[1951435 bytes were left out here]\n"));
        assert!(said.len() <= (1 << 20) + 60);
        records += 1;
    }
    assert!(records > 3);
}

#[test]
fn a_program_that_never_stops_talking_is_no_qemu() {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("talks.sh");
    fs::write(&script, "exec yes\n").unwrap();
    let begin = Instant::now();
    let output = prove(folder.path(), &format!("sh {}", script.display()), "022");
    assert_eq!(status(&output), 4);
    let said = words(&output);
    assert!(said.contains("does not end within 1 s"), "{said}");
    assert!(begin.elapsed() < Duration::from_secs(20));
}
