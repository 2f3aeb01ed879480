//! The hook as libvirt calls it: what it cannot decide goes through unchanged,
//! and it never fails.

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
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const GUEST: &str = "\
<domain type='kvm'>
  <name>one</name>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
    <interface type='network'>
      <model type='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
  </devices>
</domain>
";

/// A host: the folder of compat ROMs, that of its own ROMs, and a mapping.
struct Host {
    folder: TempDir,
}

impl Host {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path();
        for name in ["compat", "own"] {
            fs::create_dir(path.join(name)).unwrap();
        }
        fs::write(path.join("compat/compat.rom"), vec![0; 256 << 10]).unwrap();
        fs::write(path.join("own/efi-virtio.rom"), vec![0; 300_000]).unwrap();
        let manifest = format!(
            r#"{{"install_dir": "{}/compat", "roms": [{{"name": "compat.rom", "bar": 262144, "devices": ["virtio-net-pci"]}}]}}"#,
            path.display()
        );
        fs::write(path.join("manifest.json"), manifest).unwrap();
        Self { folder }
    }

    fn mapping(&self) -> std::path::PathBuf {
        self.folder.path().join("manifest.json")
    }

    fn hook(&self, mapping: &Path, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = romcompat();
        command.args(["hook", "--mapping"]).arg(mapping);
        command.arg("--roms").arg(self.folder.path().join("own"));
        // A configuration that cannot be read is none of the hook's business.
        command.current_dir(self.folder.path());
        given(command.arg("--").args(arguments), input)
    }

    fn passes(&self, mapping: &Path, arguments: &[&str], input: &[u8], why: &str) {
        let output = self.hook(mapping, arguments, input);
        assert_eq!(status(&output), 0);
        assert!(output.stdout == input, "unchanged: {why}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(why), "{why} in {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// Runs a command with this on standard input.
fn given(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    output
}

const RESTORE: [&str; 4] = ["one", "restore", "begin", "-"];

#[test]
fn a_guest_that_comes_in_gets_the_rom() {
    let host = Host::new();
    fs::write(host.folder.path().join("romcompat.toml"), "no = 'sense'").unwrap();
    let wanted = GUEST.replace(
        "<model type='virtio'/>\n",
        &format!(
            "<model type='virtio'/>\n      <rom file='{}/compat/compat.rom'/>\n",
            host.folder.path().display()
        ),
    );
    for operation in ["restore", "migrate"] {
        let arguments = ["one", operation, "begin", "-"];
        let output = host.hook(&host.mapping(), &arguments, GUEST.as_bytes());
        assert_eq!(status(&output), 0);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), wanted);
    }
    // What it said last time is left alone.
    let again = host.hook(&host.mapping(), &RESTORE, wanted.as_bytes());
    assert_eq!(String::from_utf8(again.stdout).unwrap(), wanted);
}

#[test]
fn the_package_with_the_hook_has_its_mapping_and_belongs_to_the_administrator() {
    let out = TempDir::new().unwrap();
    let mut build = romcompat();
    build.arg("build").args([fixture(1), fixture(2)]);
    build.arg("--out").arg(out.path()).arg("--libvirt-hook");
    let output = build.output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let package = "example-roms-256k-compat-efi-roms";
    let deb = out
        .path()
        .join(format!("{package}-libvirt_1.0-1compat1_all.deb"));
    let bytes = fs::read(deb).unwrap();
    let read = romcompat::deb::BinaryPackage::read(&bytes).unwrap();
    assert_eq!(read.control().field("Depends"), Some("romcompat"));
    let mut paths = Vec::new();
    read.for_each_entry(|entry, _| {
        paths.push(entry.path.clone());
        Ok::<_, std::convert::Infallible>(())
    })
    .unwrap();
    for path in [
        format!("etc/libvirt/hooks/qemu.d/{package}"),
        format!("usr/share/{package}-libvirt/manifest.json"),
    ] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
}

#[test]
fn other_operations_go_through_without_a_word() {
    let host = Host::new();
    for arguments in [
        ["one", "start", "begin", "-"],
        ["one", "prepare", "begin", "-"],
        ["one", "migrate", "end", "-"],
        ["one", "release", "end", "-"],
    ] {
        let output = host.hook(&host.mapping(), &arguments, GUEST.as_bytes());
        assert_eq!(status(&output), 0);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), GUEST);
        assert_eq!(output.stderr, b"");
    }
}

#[test]
fn whatever_is_in_doubt_goes_through_unchanged_and_is_logged() {
    let host = Host::new();
    let mapping = host.mapping();
    let broken = host.folder.path().join("broken.json");
    fs::write(&broken, "{\"install_dir\": 7}").unwrap();
    let missing = host.folder.path().join("no-such.json");
    let guest = GUEST.as_bytes();
    host.passes(&mapping, &[], guest, "libvirt gives a hook the guest");
    host.passes(&mapping, &["one", "restore"], guest, "libvirt gives a hook");
    host.passes(&missing, &RESTORE, guest, "No such file");
    host.passes(&broken, &RESTORE, guest, "broken.json: invalid type");
    host.passes(host.folder.path(), &RESTORE, guest, "Is a directory");
    for (input, why) in [
        (&b""[..], "there is no element"),
        (b"<domain>", "has no end"),
        (b"<network/>", "its root is <network>"),
        (b"\xff\xfe<\0d\0", "it is not UTF-8"),
        (
            b"<!DOCTYPE d [<!ENTITY a '&#38;a;'>]><domain>&a;</domain>",
            "document type",
        ),
        (
            b"<?xml version='1.0' encoding='ISO-8859-1'?><domain/>",
            "ISO-8859-1",
        ),
    ] {
        host.passes(&mapping, &RESTORE, input, why);
    }
    let large = [
        b"<domain>".to_vec(),
        vec![b' '; 100 << 20],
        b"</domain>".to_vec(),
    ]
    .concat();
    host.passes(&mapping, &RESTORE, &large, "cannot be read, or has no end");
    fs::remove_file(host.folder.path().join("compat/compat.rom")).unwrap();
    host.passes(&mapping, &RESTORE, guest, "compat.rom is not here");
}

/// The script that libvirt runs, in a folder of its own with a romcompat that
/// does this, or with none.
fn script(romcompat: Option<&str>, arguments: &[&str], input: &[u8]) -> Output {
    let folder = TempDir::new().unwrap();
    for program in ["cat", "sh"] {
        std::os::unix::fs::symlink(format!("/bin/{program}"), folder.path().join(program)).unwrap();
    }
    if let Some(lines) = romcompat {
        let path = folder.path().join("romcompat");
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("/bin/sh");
    command.arg(root.join("debian-templates/hook/script"));
    command.args(arguments).env("PATH", folder.path());
    given(&mut command, input)
}

#[test]
fn the_script_prints_the_definition_whatever_becomes_of_romcompat() {
    let text = format!("{GUEST}\n\n\\c%s \u{e9}\n");
    let large = format!("{GUEST}{}", " \n".repeat(1 << 20));
    for (program, wanted) in [
        (Some("cat; echo; echo more"), format!("{text}\nmore\n")),
        (None, text.clone()),
        (Some("exit 1"), text.clone()),
        (Some("echo half; cat >&-; kill -9 $$"), text.clone()),
        (Some("cat >&2; exit 2"), text.clone()),
    ] {
        let output = script(program, &RESTORE, text.as_bytes());
        assert_eq!(status(&output), 0, "{program:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), wanted);
    }
    for input in ["", &large] {
        let output = script(Some("exit 1"), &RESTORE, input.as_bytes());
        assert!(output.stdout == input.as_bytes());
    }
    // It is not run for what it does not filter.
    for arguments in [&["one", "start", "begin", "-"][..], &["one"]] {
        let output = script(Some("echo no"), arguments, text.as_bytes());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
    }
    let output = script(Some("echo \"$@\""), &RESTORE, text.as_bytes());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.ends_with("/manifest.json -- one restore begin -\n"),
        "{said}"
    );
}
