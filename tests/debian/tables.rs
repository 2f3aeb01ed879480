//! The tables of devices, held against what QEMU of two releases says of every
//! PCI device that it can start.

use crate::fetched::{bookworm_qemu, package, trixie_qemu, unpack};
use rayon::prelude::*;
use romcompat::qemu::{DEVICES, device_by_name};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What QEMU says of a device with the id `card`.
#[derive(Debug, PartialEq, Eq)]
struct Card {
    romfile: String,
    ids: String,
    /// What follows the address in the names of RAM blocks.
    blocks: Vec<String>,
}

/// Starts QEMU with these words and asks what its card is; none where it does
/// not start.
fn card(qemu: &Path, folder: &Path, machine: &str, more: &[&str]) -> Option<Card> {
    let mut command = Command::new(qemu);
    command.current_dir(folder);
    command.args(["-machine", &format!("{machine},accel=tcg"), "-m", "16"]);
    command.args(["-S", "-nodefaults", "-display", "none", "-qmp", "stdio"]);
    command.args(more);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let questions = r#"{"execute": "qmp_capabilities"}
        {"execute": "qom-get", "arguments": {"path": "/machine/peripheral/card", "property": "romfile"}}
        {"execute": "human-monitor-command", "arguments": {"command-line": "info qtree"}}
        {"execute": "human-monitor-command", "arguments": {"command-line": "info ramblock"}}
        {"execute": "quit"}
    "#;
    // A QEMU that does not start reads nothing.
    let _ = child.stdin.take().unwrap().write_all(questions.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let messages = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let answers: Vec<Value> = messages
        .filter(|message: &Value| message.get("return").is_some() || message.get("error").is_some())
        .collect();
    let [_, romfile, tree, blocks, _] = answers.try_into().ok()?;
    let lines = blocks["return"].as_str().unwrap().lines();
    Some(Card {
        romfile: romfile["return"].as_str().unwrap_or_default().to_owned(),
        ids: ids_of_card(tree["return"].as_str().unwrap())?,
        blocks: lines
            .filter_map(|line| line.split_whitespace().next()?.split_once('/'))
            .map(|(_, block)| block.to_owned())
            .collect(),
    })
}

/// The ids of the card in the tree of devices.
fn ids_of_card(tree: &str) -> Option<String> {
    let (_, card) = tree.split_once("id \"card\"")?;
    let (_, ids) = card.split_once("pci id ")?;
    Some(ids.split_whitespace().next()?.to_owned())
}

/// A folder with every ROM that Debian's QEMU looks for.
fn roms() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, place) in [
        ("ipxe-qemu", "usr/lib/ipxe/qemu"),
        ("seabios", "usr/share/seabios"),
    ] {
        let root = unpack(&package("bookworm", name));
        for entry in fs::read_dir(root.path().join(place)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    folder
}

fn qemus() -> [PathBuf; 2] {
    [bookworm_qemu(), trixie_qemu()]
}

/// Every PCI device that QEMU can be asked for.
fn pci_devices(qemu: &Path) -> BTreeSet<String> {
    let output = Command::new(qemu)
        .args(["-device", "help"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let name = |line: &str| Some(line.strip_prefix("name \"")?.split_once('"')?.0.to_owned());
    text.lines()
        .filter(|line| line.contains("bus PCI"))
        .filter_map(name)
        .collect()
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn every_device_with_a_default_rom_is_in_the_table_and_no_other() {
    let roms = roms();
    for qemu in qemus() {
        let devices = pci_devices(&qemu);
        assert!(devices.len() > 80, "{devices:?}");
        let found: BTreeSet<String> = devices
            .par_iter()
            .filter(|name| {
                let words = format!("{name},id=card");
                let card = card(&qemu, roms.path(), "pc", &["-device", &words]);
                card.is_some_and(|card| !card.romfile.is_empty())
            })
            .cloned()
            .collect();
        let known: BTreeSet<String> = DEVICES
            .iter()
            .filter(|device| device.needs.is_none())
            .map(|device| device.name.to_owned())
            .collect();
        assert_eq!(found, known, "{}", qemu.display());
        for device in DEVICES.iter().filter(|device| device.needs.is_some()) {
            assert!(devices.contains(device.name), "{}", device.name);
        }
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn file_ids_and_block_of_every_device_are_what_qemu_says() {
    let roms = roms();
    let port = "pcie-root-port,id=rp,bus=pcie.0,addr=0x5";
    for qemu in qemus() {
        let devices = DEVICES.par_iter().filter(|device| device.needs.is_none());
        let wrong: Vec<String> = devices
            .flat_map(|device| {
                let plain = format!("{},id=card", device.name);
                let behind = format!("{plain},bus=rp");
                let starts: [(&str, Vec<&str>, _); 3] = [
                    ("pc", vec!["-device", &plain], device.ids),
                    ("q35", vec!["-device", &plain], device.ids),
                    (
                        "q35",
                        vec!["-device", port, "-device", &behind],
                        device.ids_behind_port,
                    ),
                ];
                starts.map(|(machine, words, ids)| {
                    let found = card(&qemu, roms.path(), machine, &words);
                    let is_right = found.as_ref().is_some_and(|card| {
                        card.romfile == device.romfile
                            && card.ids == ids.to_string()
                            && card.blocks.iter().any(|block| block == device.ram_block)
                    });
                    (!is_right).then(|| format!("{words:?} on {machine}: {found:?}"))
                })
            })
            .flatten()
            .collect();
        assert!(wrong.is_empty(), "{}: {}", qemu.display(), wrong.join("\n"));
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn a_global_of_the_name_of_a_device_tells_it_a_rom() {
    let roms = roms();
    fs::write(roms.path().join("told.rom"), [0x55, 0xaa, 1]).unwrap();
    for qemu in qemus() {
        let devices = DEVICES.par_iter().filter(|device| device.needs.is_none());
        devices.for_each(|device| {
            let global = format!("{}.romfile=told.rom", device.name);
            let words = format!("{},id=card", device.name);
            let words = ["-global", &global, "-device", &words];
            let card = card(&qemu, roms.path(), "pc", &words);
            assert_eq!(card.unwrap().romfile, "told.rom", "{}", device.name);
        });
    }
    assert!(
        device_by_name("ne2000").is_none(),
        "the block's name is no class"
    );
}
