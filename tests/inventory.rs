//! Inventories of many hosts: which guests can go where.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;
#[path = "common/guests.rs"]
mod given;

use common::{fixture, romcompat, status, words};
use given::{codes, folder, guest, guests};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An inventory of these hosts, each with the ROMs of a release and a guest.
fn inventory(hosts: &[(&str, u8)]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let input = folder.path().join("guests");
    fs::create_dir(&input).unwrap();
    let root = folder.path().join("hosts");
    for (name, release) in hosts {
        fs::write(input.join("a.xml"), guest(name, "pc-q35-7.2", "virtio")).unwrap();
        let host = root.join(name);
        fs::create_dir_all(&host).unwrap();
        let mut inspect = romcompat();
        inspect.arg("inspect").arg(fixture(*release));
        let roms = inspect.args(["--format", "json"]).output().unwrap();
        fs::write(host.join("roms.json"), roms.stdout).unwrap();
        let listed = guests(&input, &[&"--format", &"json"]);
        assert_eq!(status(&listed), 0);
        fs::write(host.join("guests.json"), listed.stdout).unwrap();
    }
    (folder, root)
}

fn check(root: &Path) -> (i32, Value) {
    let mut command = romcompat();
    command.args(["check", "--format", "json", "--inventory"]);
    let output = command.arg(root).output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    (
        status(&output),
        report.unwrap_or_else(|_| panic!("{}", words(&output))),
    )
}

#[test]
fn a_fleet_has_an_answer_for_every_pair_of_hosts() {
    let (_folder, root) = inventory(&[("one", 1), ("two", 2), ("three", 1)]);
    let (exit, report) = check(&root);
    assert_eq!(exit, 1);
    assert_eq!(report["guests"], 3);
    assert_eq!(report["classes"].as_array().unwrap().len(), 2);
    assert_eq!(report["refused"], 3);
    assert_eq!(codes(&report), ["RC542", "RC542"]);

    let (_folder, root) = inventory(&[("one", 1), ("three", 1)]);
    assert_eq!(check(&root).0, 0);
}

#[test]
fn guests_that_cannot_be_judged_are_no_yes() {
    let (_folder, root) = inventory(&[("one", 1), ("two", 1)]);
    let broken = folder(&[
        ("a.xml", "<domain>"),
        ("b.xml", &guest("b", "pc-q35-7.2", "made-up")),
        ("c.xml", &guest("c", "pc-q35-7.2", "igb")),
    ]);
    let listed = guests(broken.path(), &[&"--format", &"json"]);
    fs::write(root.join("two/guests.json"), listed.stdout).unwrap();
    let (exit, report) = check(&root);
    assert_eq!(exit, 1);
    assert_eq!(codes(&report), ["RC537", "RC533", "RC543"], "{report}");
    assert_eq!(report["guests"], 4);
    assert_eq!(report["not_known"], 2);
    assert_eq!(report["refused"], 0);
    let subject = report["findings"][1]["subject"].as_str().unwrap();
    assert_eq!(subject, "two, b");

    let mut command = romcompat();
    command.args(["check", "--inventory"]).arg(&root);
    let text = words(&command.output().unwrap());
    assert!(
        text.contains("0 cannot go everywhere, of 2 it is not known"),
        "{text}"
    );
}

#[test]
fn a_file_that_a_guest_names_is_looked_for_by_its_whole_path() {
    let host = TempDir::new().unwrap();
    let share = host.path().join("share");
    fs::create_dir(&share).unwrap();
    let mut pad = romcompat();
    pad.arg("pad").arg(fixture(1)).args(["--size", "next"]);
    pad.args(["--select", "efi-virtio.rom", "--out"])
        .arg(share.join("efi-virtio.rom"));
    assert_eq!(status(&pad.output().unwrap()), 0);
    let own = |path: &Path| {
        let model = "<model type='virtio'/>";
        let rom = format!("{model}<rom file='{}'/>", path.display());
        guest("a", "pc-q35-7.2", "virtio").replace(model, &rom)
    };
    for (path, wanted) in [
        (share.join("efi-virtio.rom"), None),
        (share.join("compat.rom"), Some("RC542")),
        (PathBuf::from("/srv/own/efi-virtio.rom"), Some("RC543")),
    ] {
        let input = folder(&[("a.xml", &own(&path))]);
        let root = input.path().join("hosts/one");
        fs::create_dir_all(&root).unwrap();
        let mut inspect = romcompat();
        inspect
            .arg("inspect")
            .arg(&share)
            .args(["--format", "json"]);
        fs::write(root.join("roms.json"), inspect.output().unwrap().stdout).unwrap();
        let listed = guests(&input.path().join("a.xml"), &[&"--format", &"json"]);
        fs::write(root.join("guests.json"), listed.stdout).unwrap();
        let (exit, report) = check(&input.path().join("hosts"));
        assert_eq!(exit, i32::from(wanted.is_some()));
        assert_eq!(codes(&report), Vec::from_iter(wanted), "{report}");
    }
}

#[test]
fn the_folder_that_is_named_first_counts() {
    let host = TempDir::new().unwrap();
    for (folder, release) in [("share", 1), ("lib", 2)] {
        let out = host.path().join(folder);
        fs::create_dir(&out).unwrap();
        let mut pad = romcompat();
        pad.arg("pad")
            .arg(fixture(release))
            .args(["--size", "next"]);
        pad.args(["--select", "efi-virtio.rom", "--out"])
            .arg(out.join("efi-virtio.rom"));
        assert_eq!(status(&pad.output().unwrap()), 0);
    }
    let (_folder, root) = inventory(&[("both", 1), ("old", 1)]);
    let verdict = |first: &str, second: &str| {
        let mut inspect = romcompat();
        inspect.arg("inspect").arg(host.path().join(first));
        inspect
            .arg(host.path().join(second))
            .args(["--format", "json"]);
        fs::write(
            root.join("both/roms.json"),
            inspect.output().unwrap().stdout,
        )
        .unwrap();
        check(&root).0
    };
    assert_eq!(verdict("share", "lib"), 0);
    assert_eq!(verdict("lib", "share"), 1);
}

#[test]
fn a_size_that_no_bar_has_is_named_with_host_file_and_place() {
    for (file, from, to) in [
        ("roms.json", "\"bar\": 262144", "\"bar\": 300000"),
        ("guests.json", "\"old\": null", "\"old\": 0"),
    ] {
        let (_folder, root) = inventory(&[("good", 1), ("odd", 1)]);
        let path = root.join("odd").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let (exit, report) = check(&root);
        assert_eq!(exit, 1);
        assert_eq!(codes(&report), ["RC541"]);
        let finding = &report["findings"][0];
        assert_eq!(finding["subject"], "odd");
        let found = finding["found"].as_str().unwrap();
        assert!(
            found.starts_with(file) && found.contains("is no size of a ROM BAR"),
            "{found}"
        );
        assert!(found.contains("at line "), "{found}");
    }
}

#[test]
fn a_host_whose_inventory_is_damaged_is_left_out_and_named() {
    let (_folder, root) = inventory(&[("good", 1), ("half", 1), ("newer", 1), ("none", 1)]);
    let path = root.join("half/guests.json");
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    let path = root.join("newer/roms.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1),
    )
    .unwrap();
    fs::remove_file(root.join("none/roms.json")).unwrap();
    let (exit, report) = check(&root);
    assert_eq!(exit, 1);
    assert_eq!(codes(&report), ["RC541", "RC541", "RC541"]);
    let found = report["findings"].to_string();
    for wanted in ["EOF while parsing", "this release reads 1", "No such file"] {
        assert!(found.contains(wanted), "{wanted} in {found}");
    }

    let (_folder, root) = inventory(&[("a", 1), ("b", 1)]);
    fs::copy(root.join("a/guests.json"), root.join("b/guests.json")).unwrap();
    let (_, report) = check(&root);
    assert_eq!(codes(&report), ["RC535"]);
    let empty = TempDir::new().unwrap();
    let mut command = romcompat();
    let output = command
        .args(["check", "--inventory"])
        .arg(empty.path())
        .output();
    assert_eq!(status(&output.unwrap()), 3);
}
