//! `build --generation`: several releases in one package.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{fixture, romcompat, status, words};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// `VERSION=` and one of the two packages of the repository.
fn generation(version: &str, release: u8) -> OsString {
    let mut text = OsString::from(format!("{version}="));
    text.push(fixture(release));
    text
}

fn build(out: &Path, generations: &[OsString], more: &[&str]) -> Output {
    let mut command = romcompat();
    command.arg("build").arg("--out").arg(out);
    for generation in generations {
        command.arg("--generation").arg(generation);
    }
    command.args(more).output().unwrap()
}

#[test]
fn each_range_of_machine_types_has_its_mapping() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    let generations = [generation("2.5", 1), generation("2.11", 2)];
    let output = build(&out, &generations, &["--select", "efi-virtio.rom"]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert!(text("romfiles-up-to-2.5.cfg").contains("\"compat-256k-efi-virtio.rom\""));
    assert!(!text("romfiles-up-to-2.5.cfg").contains("512k"));
    let globals = text("globals-up-to-2.11.txt");
    assert!(globals.contains("\n-global virtio-net-pci.romfile=compat-512k-"));
    assert!(
        globals.contains("# For machine types after 2.5, up to 2.11 only.\n"),
        "{globals}"
    );
    let arrays = text("compat-arrays.txt");
    assert!(arrays.contains("For hw_compat_2_5 in hw/core/machine.c"));
    assert!(arrays.contains("For hw_compat_2_11 in hw/core/machine.c"));
    let report: serde_json::Value = serde_json::from_str(&text("report.json")).unwrap();
    assert_eq!(report["roms"].as_array().unwrap().len(), 2);
    let ranges = report["ranges"].as_array().unwrap();
    let newest = ranges.last().unwrap();
    assert_eq!(newest["after"], "2.5");
    assert_eq!(newest["release"], "example-roms 2.0-1");
    let again = folder.path().join("again");
    build(&again, &generations, &["--select", "efi-virtio.rom"]);
    let sums = |folder: &Path| fs::read(folder.join("SHA256SUMS")).unwrap();
    assert!(sums(&out) == sums(&again), "the same bytes");
}

#[test]
fn a_content_that_differs_within_a_class_is_shipped_once_and_reported() {
    let folder = TempDir::new().unwrap();
    let generations = [generation("2.5", 1), generation("2.11", 2)];
    let out = folder.path().join("dist");
    let output = build(&out, &generations, &["--select", "pxe-eepro100.rom"]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    let text = words(&output);
    assert!(
        text.contains(
            "compat-128k-pxe-eepro100.rom: also for example-roms 1.0-1, another content, which comes with its guests"
        ),
        "{text}"
    );
    assert!(text.contains(": 1 ROM, "), "{text}");
}

#[test]
fn generations_that_cannot_be_are_refused() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    let (one, two) = (fixture(1), fixture(2));
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    let cases: &[(&[OsString], &[&str], i32, &str)] = &[
        (
            &[generation("2.5", 1), generation("2.5", 2)],
            &[],
            2,
            "the generation 2.5 is given twice",
        ),
        (
            &[generation("2.11", 1), generation("2.5", 2)],
            &[],
            2,
            "the generation 2.5 stands after 2.11; give generations from the oldest to the newest",
        ),
        (
            &[generation("2.13", 1)],
            &[],
            2,
            "2.13 is no version of machine types: no release of QEMU has this number",
        ),
        (
            &[generation("pc-i440fx-nobody", 1)],
            &[],
            2,
            "`pc-i440fx-nobody` is no version of machine types",
        ),
        (&[OsString::from(one)], &[], 2, "such as 2.11=bionic.deb"),
        (
            &[generation("2.5", 1), generation("2.11", 1)],
            &[],
            3,
            "it is given for two releases",
        ),
        (
            &[OsString::from("2.5=no-such.deb")],
            &[],
            3,
            "no-such.deb: No such file or directory",
        ),
        (
            &[generation("2.5", 1)],
            &[one, two],
            2,
            "with --generation, give NEW alone",
        ),
        (
            &[generation("2.5", 1), generation("2.11", 2)],
            &["--name-pattern", "old-{name}"],
            2,
            "two ROMs would have the compat name old-efi-e1000.rom",
        ),
        (&[], &[], 2, "OLD is missing"),
    ];
    for (generations, more, wanted, wanted_words) in cases {
        let output = build(&out, generations, more);
        let text = words(&output);
        assert_eq!(status(&output), *wanted, "{generations:?}: {text}");
        assert!(text.contains(wanted_words), "{wanted_words} in {text}");
        assert!(!out.exists());
    }
}

#[test]
fn roms_of_one_class_for_different_devices_are_refused() {
    let folder = TempDir::new().unwrap();
    let roms = |name: &str, rom: &str| {
        let all = folder.path().join(format!("all-{name}"));
        let mut pad = romcompat();
        pad.arg("pad").arg(fixture(1));
        pad.args(["--size", "next", "--select", rom, "--out"]);
        fs::create_dir(&all).unwrap();
        let output = pad.arg(all.join("efi-virtio.rom")).output().unwrap();
        assert_eq!(status(&output), 0, "{}", words(&output));
        all
    };
    let typed = |version: &str, path: &Path| {
        let mut text = OsString::from(format!("{version}="));
        text.push(path);
        text
    };
    let generations = [
        typed("2.5", &roms("one", "efi-rtl8139.rom")),
        typed("2.11", &roms("two", "efi-virtio.rom")),
    ];
    let output = build(&folder.path().join("dist"), &generations, &[]);
    assert_eq!(status(&output), 2, "{}", words(&output));
    assert!(
        words(&output).contains(
            "efi-virtio.rom: the ROM of all-two is for 1af4:1041 and that of all-one for 10ec:8139, with the same BAR of 256K"
        ),
        "{}",
        words(&output)
    );
}
