//! The published schema says what `inspect --format json` prints.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{fixture, romcompat, status, words};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn what_inspect_prints_is_what_the_schema_says() {
    let schema = fs::read_to_string(folder("src/report/schema/inspect.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for input in [fixture(1), fixture(2), folder("fuzz/corpus/rom_read")] {
        let mut command = romcompat();
        command.args(["inspect", "--verbose", "--format", "json"]);
        let output = command.arg(&input).output().unwrap();
        assert!(status(&output) < 2, "{}", words(&output));
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", words(&output)));
        let wrong: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(wrong, [""; 0], "{}", input.display());
    }
}

#[test]
fn the_schema_refuses_a_document_with_another_field() {
    let schema = fs::read_to_string(folder("src/report/schema/inspect.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let document = serde_json::json!({
        "schema_version": 1, "roms": [], "left_out": 0, "more": 1
    });
    assert!(!jsonschema::is_valid(&schema, &document));
}
