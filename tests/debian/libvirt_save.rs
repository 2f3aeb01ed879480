//! Save files that libvirt itself writes, by a daemon of its own: that of an
//! ordinary user, with all its folders in a temporary one.

use crate::common::{romcompat, words};
use crate::fetched::{grown_release, package, tool, unpack};
use crate::privilege::is_root;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const NOBODY: &str = "65534";

const DOMAIN: &str = "\
<domain type='qemu'>
  <name>one</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <interface type='user'><model type='virtio'/></interface>
    <interface type='user'><model type='e1000'/></interface>
  </devices>
</domain>
";

/// The session daemon of a user, and all that belongs to it.
struct Session {
    folder: TempDir,
}

/// The answer of virsh.
type Said = Result<String, String>;

impl Session {
    fn new(image_format: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path();
        for name in ["run", "config/libvirt", "cache", "data"] {
            fs::create_dir_all(path.join(name)).unwrap();
        }
        fs::set_permissions(path.join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        let config =
            format!("save_image_format = \"{image_format}\"\nsecurity_driver = \"none\"\n");
        fs::write(path.join("config/libvirt/qemu.conf"), config).unwrap();
        fs::write(path.join("domain.xml"), DOMAIN).unwrap();
        if is_root() {
            tool("chown", &[&"-R", &NOBODY, &path]);
        }
        Self { folder }
    }

    fn virsh(&self, arguments: &[&str]) {
        let said = self.ask(arguments);
        assert!(said.is_ok(), "{arguments:?}: {said:?}");
    }

    fn ask(&self, arguments: &[&str]) -> Said {
        let path = self.folder.path();
        // For root, libvirt knows no session.
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command
                .arg(format!("--reuid={NOBODY}"))
                .arg(format!("--regid={NOBODY}"));
            command.args(["--clear-groups", "virsh"]);
            command
        } else {
            Command::new("virsh")
        };
        command
            .current_dir(path)
            .env("HOME", path)
            .env("XDG_RUNTIME_DIR", path.join("run"))
            .env("XDG_CONFIG_HOME", path.join("config"))
            .env("XDG_CACHE_HOME", path.join("cache"))
            .env("XDG_DATA_HOME", path.join("data"))
            .args(["--connect", "qemu:///session"])
            .args(arguments);
        let output = command.output().unwrap();
        let said = words(&output);
        if output.status.success() {
            Ok(said)
        } else {
            Err(said)
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.folder.path().join("run/libvirt/libvirtd.pid"));
        if let Ok(pid) = pid {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

fn blocks(state: &Path) -> (String, Vec<(String, u64)>) {
    let mut command = romcompat();
    let output = command
        .args(["state", "--format", "json"])
        .arg(state)
        .output()
        .unwrap();
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(&output)));
    let blocks = report["states"][0]["blocks"].as_array().unwrap().iter();
    let pairs = blocks.map(|rom| {
        (
            rom["name"].as_str().unwrap().to_owned(),
            rom["size"].as_u64().unwrap(),
        )
    });
    (
        report["states"][0]["format"].as_str().unwrap().to_owned(),
        pairs.collect(),
    )
}

#[test]
#[ignore = "needs libvirt, QEMU and setpriv"]
fn what_libvirt_saves_is_read_in_each_of_its_formats() {
    for format in ["raw", "gzip", "bzip2", "xz", "lzop"] {
        let session = Session::new(format);
        session.virsh(&["create", "domain.xml", "--paused"]);
        session.virsh(&["save", "one", "state"]);
        let (found, blocks) = blocks(&session.folder.path().join("state"));
        assert_eq!(found, format!("a libvirt save file, {format}"));
        let sizes: Vec<(&str, u64)> = blocks
            .iter()
            .map(|(name, size)| (name.rsplit('/').next().unwrap(), *size))
            .collect();
        assert_eq!(
            sizes,
            [("virtio-net-pci.rom", 0x40000), ("e1000.rom", 0x40000)],
            "{format}"
        );
    }
}

const PINNED: &str = "\
<domain type='qemu'>
  <name>two</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <interface type='user'><model type='virtio'/><rom file='ROM'/></interface>
    <interface type='user'><model type='virtio'/></interface>
  </devices>
</domain>
";

#[test]
#[ignore = "needs fetched ROMs, libvirt, QEMU and setpriv"]
fn a_rom_that_the_definition_names_is_judged_by_its_own_file() {
    let session = Session::new("raw");
    let at = |name: &str| session.folder.path().join(name);
    let old = unpack(&package("bookworm", "ipxe-qemu"));
    let default = old.path().join("usr/lib/ipxe/qemu/efi-virtio.rom");
    let (_, grown) = grown_release();
    let roms = at("roms");
    fs::create_dir(&roms).unwrap();
    fs::set_permissions(&roms, fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(&default, roms.join("efi-virtio.rom")).unwrap();
    let pin = roms.join("pinned.rom");
    fs::copy(&default, &pin).unwrap();
    fs::write(
        at("domain.xml"),
        PINNED.replace("ROM", pin.to_str().unwrap()),
    )
    .unwrap();
    session.virsh(&["create", "domain.xml", "--paused"]);
    session.virsh(&["save", "two", "state"]);

    // Behind their ports the cards are told apart by the way to them.
    let judged = || {
        let mut command = romcompat();
        let state = command.arg("state").arg(at("state")).arg("--roms");
        let output = state
            .arg(&roms)
            .args(["--format", "json"])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let blocks = report["states"][0]["blocks"].as_array().unwrap().clone();
        assert_eq!(report["states"][0]["machine"], "pc-q35-7.2");
        assert_eq!(blocks.len(), 2);
        let is_pinned = |rom: &&Value| !rom["file"].is_null();
        let pinned = blocks.iter().find(is_pinned).unwrap().clone();
        let other = blocks.iter().find(|rom| !is_pinned(rom)).unwrap().clone();
        (pinned, other)
    };

    let larger = grown.path().join("efi-virtio.rom");
    fs::copy(&larger, &pin).unwrap();
    let (pinned, other) = judged();
    assert_eq!(
        (&pinned["resumes"], &other["resumes"]),
        (&json!(false), &json!(true))
    );
    let said = session.ask(&["restore", "state"]).unwrap_err();
    assert!(said.contains(pinned["line"].as_str().unwrap()), "{said}");

    fs::remove_file(&pin).unwrap();
    let (pinned, _) = judged();
    assert_eq!(pinned["resumes"], Value::Null);
    let said = session.ask(&["restore", "state"]).unwrap_err();
    assert!(said.contains(pinned["line"].as_str().unwrap()), "{said}");

    fs::copy(&default, &pin).unwrap();
    let (pinned, other) = judged();
    assert_eq!(
        (&pinned["resumes"], &other["resumes"]),
        (&json!(true), &json!(true))
    );
    session.virsh(&["restore", "state", "--paused"]);
    session.virsh(&["destroy", "two"]);
}
