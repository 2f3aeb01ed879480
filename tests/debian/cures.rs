//! The ways that `check` ranks, tried with real QEMU.

use crate::common::{romcompat, words};
use crate::fetched::{bookworm_qemu, grown_release, trixie_qemu};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

/// QEMU 7.2 as a word on the command line.
fn older() -> String {
    bookworm_qemu().to_str().unwrap().to_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(output)))
}

/// What `check` says of a way, for a destination with this QEMU.
fn cure(old: &Path, new: &Path, qemu: &str, way: &str) -> (String, Vec<String>) {
    let mut check = romcompat();
    check.args(["check", "--format", "json", "--source-qemu", &older()]);
    check.args(["--dest-qemu", qemu]);
    let report = json(&check.args([old, new]).output().unwrap());
    let cures = report["cures"].as_array().unwrap();
    let cure = cures.iter().find(|cure| cure["way"] == way).unwrap();
    let options = cure["options"].as_array().unwrap().iter();
    let options = options.map(|option| option.as_str().unwrap().to_owned());
    (
        cure["works"].as_str().unwrap().to_owned(),
        options.collect(),
    )
}

/// What becomes of an e1000 from the old host on the new one, between these
/// QEMU.
fn old_to_new(old: &Path, new: &Path, source: &str, dest: &str) -> Value {
    let mut prove = romcompat();
    prove.args(["prove", "--format", "json", "--device", "e1000"]);
    prove.args(["--source-qemu", source, "--dest-qemu", dest]);
    prove.args(["--machine", "pc-i440fx-7.2"]);
    let report = json(&prove.args([old, new]).output().unwrap());
    let migrations = report["migrations"].as_array().unwrap();
    let found = migrations.iter().find(|m| m["scenario"] == "old-to-new");
    found.unwrap().clone()
}

/// The plan without options says that the guest is refused; with them, QEMU
/// takes it.
fn is_taken(migration: &Value) -> bool {
    migration["why"] == "QEMU took the guest"
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn romsize_on_the_incoming_side_does_what_is_said_of_it() {
    let (small, large) = grown_release();
    let (older, newer) = (&*older(), trixie_qemu());
    let newer = newer.to_str().unwrap();
    for (old, new, qemu, wanted) in [
        (small.as_path(), large.path(), older, "no"),
        (small.as_path(), large.path(), newer, "yes"),
        (large.path(), small.as_path(), older, "yes"),
        (large.path(), small.as_path(), newer, "yes"),
    ] {
        let (works, options) = cure(old, new, qemu, "romsize-incoming");
        assert_eq!(works, wanted, "{qemu}");
        let dest = format!("{qemu} {}", options.join(" "));
        let migration = old_to_new(old, new, older, &dest);
        assert_eq!(is_taken(&migration), works == "yes", "{dest}: {migration}");
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn the_source_is_asked_for_its_version_too() {
    let (old, new) = grown_release();
    let folder = tempfile::TempDir::new().unwrap();
    // An older QEMU than any of Debian's with romsize.
    let wrapper = folder.path().join("qemu");
    let script = format!(
        "#!/bin/sh\n{} \"$@\" | sed 's/version 7.2[.0-9]*/version 5.2.0/'\n",
        older()
    );
    std::fs::write(&wrapper, script).unwrap();
    let old_qemu = format!("sh {}", wrapper.display());
    let mut check = romcompat();
    check.args(["check", "--format", "json", "--source-qemu", &old_qemu]);
    check
        .args(["--dest-qemu", &older()])
        .arg(&old)
        .arg(new.path());
    let report = json(&check.output().unwrap());
    let cures = report["cures"].as_array().unwrap();
    let both = cures
        .iter()
        .find(|cure| cure["way"] == "romsize-both-sides");
    let reason = both.unwrap()["reason"].as_str().unwrap();
    assert!(reason.contains("QEMU 5.2 has no such property"), "{reason}");
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn romsize_on_both_sides_serves_guests_that_are_started_with_it() {
    let (old, new) = grown_release();
    let (works, options) = cure(&old, new.path(), &older(), "romsize-both-sides");
    assert_eq!(works, "from-now-on");
    let with = format!("{} {}", older(), options.join(" "));
    assert!(is_taken(&old_to_new(&old, new.path(), &with, &with)));
    let refused = old_to_new(&old, new.path(), &older(), &with);
    assert_eq!(refused["outcome"], "passed", "{refused}");
}
