//! The published schemas say what commands print with `--format json`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{fixture, romcompat, status, words};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn schema(name: &str) -> Value {
    let text = fs::read_to_string(folder("src/report/schema").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Runs a command, and holds its answer against a schema.
fn is_as_published(name: &str, arguments: &[&dyn AsRef<OsStr>]) {
    let schema = schema(name);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut command = romcompat();
    command.args(arguments.iter().map(|argument| argument.as_ref()));
    let output = command.args(["--format", "json"]).output().unwrap();
    assert!(status(&output) < 2, "{}", words(&output));
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", words(&output)));
    let wrong: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn what_inspect_prints_is_what_the_schema_says() {
    for input in [fixture(1), fixture(2), folder("fuzz/corpus/rom_read")] {
        is_as_published("inspect.json", &[&"inspect", &"--verbose", &input]);
    }
}

#[test]
fn inspect_answers_in_values_what_it_says_in_words() {
    let rom = folder("fuzz/corpus/rom_read/seed-good");
    let mut command = romcompat();
    let output = command
        .args(["inspect", "--format", "json"])
        .arg(rom)
        .output();
    let document: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let images = &document["roms"][0]["images"];
    let [x86, efi] = &images.as_array().unwrap()[..] else {
        panic!("{images}");
    };
    assert_eq!(x86["class"], "020000");
    assert_eq!(x86["device_list"], serde_json::json!(["1041", "1000"]));
    assert_eq!(x86["efi"], Value::Null);
    assert_eq!(efi["device_list"], serde_json::json!([]));
    let (header, executable) = (&efi["efi"], &efi["efi"]["executable"]);
    assert_eq!(header["machine"], "X64");
    assert_eq!(header["subsystem"], "EFI boot service driver");
    assert_eq!(header["compression"], 1);
    assert_eq!(executable["size"], 0x418);
    assert_eq!(executable["entry_point"], 0x1010);
    assert_eq!(executable["debug_path"], "card.efi");
    assert_eq!(executable["is_signed"], true);
    let section = serde_json::json!({
        "name": ".text", "offset": 0x200, "size": 0x200, "virtual_size": 0x180
    });
    assert_eq!(executable["sections"], serde_json::json!([section]));
}

#[test]
fn what_guests_prints_is_what_the_schema_says() {
    let input = TempDir::new().unwrap();
    let seeds = folder("fuzz/corpus/domain_xml");
    for entry in fs::read_dir(seeds).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        fs::copy(&path, input.path().join(format!("{name}.xml"))).unwrap();
    }
    fs::write(input.path().join("broken.xml"), "<domain>").unwrap();
    let (old, new, folder) = (fixture(1), fixture(2), input.path());
    let arguments: &[&dyn AsRef<OsStr>] =
        &[&"guests", &folder, &"--old", &old, &"--new", &new, &"--pin"];
    is_as_published("guests.json", arguments);
}

#[test]
fn what_check_prints_of_a_fleet_is_what_the_schema_says() {
    let fleet = TempDir::new().unwrap();
    let guests = folder("fuzz/corpus/domain_xml");
    for (host, release) in [("one", 1), ("two", 2)] {
        let host = fleet.path().join(host);
        fs::create_dir(&host).unwrap();
        let keep = |file: &str, arguments: &[&dyn AsRef<OsStr>]| {
            let mut command = romcompat();
            command.args(arguments.iter().map(|argument| argument.as_ref()));
            let output = command.args(["--format", "json"]).output().unwrap();
            fs::write(host.join(file), output.stdout).unwrap();
        };
        keep("roms.json", &[&"inspect", &fixture(release)]);
        let mut definitions: Vec<PathBuf> = fs::read_dir(&guests)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        definitions.sort();
        let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"guests"];
        arguments.extend(definitions.iter().map(|path| path as &dyn AsRef<OsStr>));
        keep("guests.json", &arguments);
    }
    is_as_published("inventory.json", &[&"check", &"--inventory", &fleet.path()]);
}

#[test]
fn the_schema_refuses_a_document_with_another_field() {
    let schema = schema("inspect.json");
    let document = serde_json::json!({
        "schema_version": 1, "roms": [], "left_out": 0, "more": 1
    });
    assert!(!jsonschema::is_valid(&schema, &document));
}
