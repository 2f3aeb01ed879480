//! Definitions of guests, judged and changed; inventories of many hosts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{fixture, romcompat, status, words};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

fn guest(name: &str, machine: &str, model: &str) -> String {
    format!(
        "\
<domain type='kvm'>
  <name>{name}</name>
  <uuid>{name}</uuid>
  <os><type arch='x86_64' machine='{machine}'>hvm</type></os>
  <devices>
    <emulator>/no/such/emulator</emulator>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <model type='{model}'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
  </devices>
</domain>
"
    )
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn guests(input: &Path, more: &[&dyn AsRef<OsStr>]) -> Output {
    let mut command = romcompat();
    command.arg("guests").arg(input);
    command.args(more.iter().map(|argument| argument.as_ref()));
    command.output().unwrap()
}

fn judged(input: &Path, more: &[&dyn AsRef<OsStr>]) -> (i32, Value) {
    let sets: &[&dyn AsRef<OsStr>] = &[
        &"--old",
        &fixture(1),
        &"--new",
        &fixture(2),
        &"--format",
        &"json",
    ];
    let output = guests(input, &[sets, more].concat());
    let report = serde_json::from_slice(&output.stdout);
    (
        status(&output),
        report.unwrap_or_else(|_| panic!("{}", words(&output))),
    )
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|one| one["code"].as_str().unwrap()).collect()
}

const OURS: &str = "/usr/share/qemu/compat-256k-efi-virtio.rom";

#[test]
fn each_card_has_its_roms_and_a_verdict() {
    let folder = folder(&[
        ("a.xml", &guest("a", "pc-q35-7.2", "virtio")),
        ("b.xml", &guest("b", "pc-q35-7.2", "e1000-82544gc")),
        ("c.xml", &guest("c", "pc-i440fx-2.6", "vmxnet3")),
        ("not-xml.txt", "left alone"),
    ]);
    let (exit, report) = judged(folder.path(), &[]);
    assert_eq!(exit, 1);
    assert_eq!(report["breaking"], 2);
    assert_eq!(codes(&report), ["RC531", "RC531"]);
    let card = &report["guests"][0]["cards"][0];
    assert_eq!(card["device"], "virtio-net-pci");
    assert_eq!(card["slot"], "pcie-port");
    assert_eq!(card["rom"], "efi-virtio.rom");
    assert_eq!(card["old"], 262_144);
    assert_eq!(card["new"], 524_288);
    assert_eq!(card["accepted"], false);
    assert_eq!(card["cure"], OURS);
    // A machine type whose vmxnet3 loads no ROM.
    assert_eq!(report["guests"][2]["cards"][0]["accepted"], true);
    assert_eq!(report["reasons"]["efi-virtio.rom 256K to 512K"], 1);
}

#[test]
fn pins_come_and_go_without_another_byte() {
    let text = guest("a", "pc-q35-7.2", "virtio");
    let input = folder(&[("a.xml", &text)]);
    let pinned = input.path().join("pinned");
    // Without a folder nothing is written.
    let (exit, report) = judged(input.path(), &[&"--pin"]);
    assert_eq!(exit, 1);
    assert_eq!(report["changes"][0]["file"], Value::Null);

    let (exit, report) = judged(input.path(), &[&"--pin", &"--out", &pinned]);
    assert_eq!(exit, 0, "what would break is cured");
    assert_eq!(report["changes"][0]["is_applied"], false);
    let new = fs::read_to_string(pinned.join("a.xml")).unwrap();
    let line = format!("      <rom file='{OURS}'/>\n");
    let model = "      <model type='virtio'/>\n";
    assert_eq!(new, text.replace(model, &format!("{model}{line}")));
    let mode = fs::metadata(pinned.join("a.xml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "a definition may have passwords in it");

    let (exit, report) = judged(&pinned, &[]);
    assert_eq!(exit, 0, "{report}");
    let back = input.path().join("back");
    let (exit, _) = judged(&pinned, &[&"--unpin", &"--out", &back]);
    assert_eq!(exit, 0);
    assert_eq!(fs::read_to_string(back.join("a.xml")).unwrap(), text);

    let (exit, _) = judged(
        input.path(),
        &[&"--pin", &"--dry-run", &"--out", &input.path().join("x")],
    );
    assert_eq!(exit, 1);
    assert!(!input.path().join("x").exists());
}

#[test]
fn a_machine_type_is_upgraded_and_what_that_means_is_said() {
    let text = guest("a", "pc-q35-7.2", "virtio");
    let input = folder(&[("a.xml", &text)]);
    let out = input.path().join("out");
    let more: &[&dyn AsRef<OsStr>] = &[&"--upgrade-machine", &"pc-q35-10.0", &"--out", &out];
    let output = guests(input.path(), more);
    assert_eq!(status(&output), 0, "{}", words(&output));
    assert!(words(&output).contains("saved states and snapshots with memory no longer resume"));
    assert_eq!(
        fs::read_to_string(out.join("a.xml")).unwrap(),
        text.replace("pc-q35-7.2", "pc-q35-10.0")
    );
    let newest: &[&dyn AsRef<OsStr>] = &[&"--upgrade-machine", &"newest"];
    let output = guests(input.path(), newest);
    assert_eq!(status(&output), 2);
    assert!(words(&output).contains("name one by `--qemu`"));
}

/// The mapping that a package of the old release brings.
fn mapping(folder: &Path) -> PathBuf {
    let out = folder.join("dist");
    let mut build = romcompat();
    build.arg("build").arg("--generation");
    build.arg(format!("7.2={}", fixture(1).display()));
    build.arg(fixture(2)).arg("--out").arg(&out);
    assert_eq!(status(&build.output().unwrap()), 0);
    let mut debs = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let deb = debs.find(|path| path.extension() == Some(OsStr::new("deb")));
    let bytes = fs::read(deb.unwrap()).unwrap();
    let mut manifest = Vec::new();
    romcompat::deb::BinaryPackage::read(&bytes)
        .unwrap()
        .for_each_entry(|entry, content| {
            if entry.path.ends_with("/manifest.json") {
                content.read_to_end(&mut manifest)?;
            }
            Ok::<_, std::io::Error>(())
        })
        .unwrap();
    let path = folder.join("manifest.json");
    fs::write(&path, manifest).unwrap();
    path
}

#[test]
fn guests_that_would_be_started_anew_with_another_size_are_named_by_the_mapping_alone() {
    let folder = TempDir::new().unwrap();
    let mapping = mapping(folder.path());
    let input = folder.path().join("guests");
    fs::create_dir(&input).unwrap();
    for (name, machine) in [("old", "pc-q35-7.2"), ("young", "pc-q35-10.0")] {
        let text = guest(name, machine, "virtio");
        fs::write(input.join(format!("{name}.xml")), text).unwrap();
    }
    let sets: &[&dyn AsRef<OsStr>] = &[&"--mapping", &mapping, &"--new", &fixture(2)];
    let out = folder.path().join("out");
    let pin: &[&dyn AsRef<OsStr>] = &[&"--pin", &"--out", &out];
    let output = guests(&input, &[sets, pin].concat());
    let text = words(&output);
    assert_eq!(status(&output), 0, "{text}");
    assert!(text.contains("error[RC531]: old: "), "{text}");
    assert!(!text.contains("young: "), "{text}");
    assert!(
        fs::read_to_string(out.join("old.xml"))
            .unwrap()
            .contains(OURS)
    );
    assert!(!out.join("young.xml").exists());
}

#[test]
fn what_cannot_be_judged_is_a_finding() {
    for (text, wanted) in [
        (
            guest("a", "pc-q35-7.2", "virtio").replace("interface", "x"),
            "RC536",
        ),
        (guest("a", "pc-q35-7.2", "made-up"), "RC533"),
        (guest("a", "q35", "e1000-82545em"), "RC534"),
        (
            guest("a", "pc-q35-7.2", "virtio").replace("<mac ", "<rom file='/own.rom'/><mac "),
            "RC532",
        ),
        ("<domain>".to_owned(), "RC537"),
        ("<!DOCTYPE domain []><domain/>".to_owned(), "RC537"),
        ("\u{feff}<network/>".to_owned(), "RC537"),
    ] {
        let input = folder(&[("a.xml", &text)]);
        let (_, report) = judged(input.path(), &[]);
        assert!(codes(&report).contains(&wanted), "{wanted}: {report}");
    }
    let one = guest("a", "pc-q35-7.2", "e1000e");
    let input = folder(&[("a.xml", &one), ("b.xml", &one)]);
    let (_, report) = judged(input.path(), &[]);
    assert!(codes(&report).contains(&"RC535"), "{report}");
}

#[test]
fn nothing_is_written_where_a_definition_cannot_be_read() {
    let good = guest("a", "pc-q35-7.2", "virtio");
    let input = folder(&[("a.xml", &good)]);
    for bad in [
        vec![0xff; 10],
        [b"<domain>".to_vec(), vec![b' '; 100 << 20]].concat(),
        "<?xml version='1.0' encoding='UTF-16'?><domain/>".into(),
    ] {
        fs::write(input.path().join("b.xml"), bad).unwrap();
        let out = input.path().join("out");
        let (exit, report) = judged(input.path(), &[&"--pin", &"--out", &out]);
        assert_eq!(exit, 1);
        assert!(codes(&report).contains(&"RC537"), "{report}");
        assert!(!out.exists());
    }
    let output = guests(&input.path().join("none"), &[]);
    assert_eq!(status(&output), 3);
    let mapping = input.path().join("b.xml");
    let output = guests(input.path(), &[&"--mapping", &mapping]);
    assert_eq!(status(&output), 3);
    assert!(
        words(&output).contains("give the manifest.json"),
        "{}",
        words(&output)
    );
}

/// An inventory of these hosts, each with its ROMs and guests.
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
    assert_eq!(report["refused"].as_array().unwrap().len(), 3);
    assert_eq!(codes(&report), ["RC542", "RC542"]);

    let (_folder, root) = inventory(&[("one", 1), ("three", 1)]);
    assert_eq!(check(&root).0, 0);
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
