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
#[path = "common/programs.rs"]
mod programs;

use common::{fixture, romcompat, status, words};
use std::fs;
use std::io::Write as _;
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
            r#"{{"schema_version": 1, "old_release": "aa 1", "from_ipxe": false,
                "install_dir": "{}/compat",
                "roms": [{{"name": "compat.rom", "bar": 262144, "sha256": null,
                    "release": "aa 1", "shared_with": [], "origin": "efi-virtio.rom",
                    "origin_size": 249344, "origin_sha256": "", "boot_ids": [],
                    "lost_boot": [], "change": "grows", "devices": ["virtio-net-pci"]}}],
                "ranges": []}}"#,
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
        // What it decides does not depend on the load of this host.
        command.args(["--budget", "600000"]);
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
fn a_guest_goes_through_unchanged_when_the_time_is_over() {
    let host = Host::new();
    let mut command = romcompat();
    command
        .args(["hook", "--budget", "0", "--mapping"])
        .arg(host.mapping());
    command.arg("--roms").arg(host.folder.path().join("own"));
    let output = given(command.arg("--").args(RESTORE), GUEST.as_bytes());
    assert_eq!(status(&output), 0);
    assert_eq!(output.stdout, GUEST.as_bytes());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("left alone: it took longer than 0 ms"),
        "{said}"
    );
}

/// A mapping on a file system that does not answer would hold up the start of
/// every guest.
#[test]
fn a_save_file_that_takes_too_long_is_not_waited_for() {
    let host = Host::new();
    let begin = std::time::Instant::now();
    // A guest's definition that takes the budget to come is still passed on.
    let script = format!(
        "(printf '<domain>'; sleep 1; printf '</domain>') | {} hook --mapping {} -- one restore begin -",
        env!("CARGO_BIN_EXE_romcompat"),
        host.mapping().display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(status(&output), 0);
    assert_eq!(output.stdout, b"<domain></domain>");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("left alone: it took longer than 100 ms"),
        "{said}"
    );
    assert!(begin.elapsed() < std::time::Duration::from_secs(60));
}

#[test]
fn each_sub_operation_but_begin_goes_through() {
    let host = Host::new();
    for operation in ["restore", "migrate"] {
        for sub in ["end", "", "-", "begins", "Begin", "started"] {
            let arguments = ["one", operation, sub, "-"];
            let output = host.hook(&host.mapping(), &arguments, GUEST.as_bytes());
            assert_eq!(status(&output), 0);
            assert!(output.stdout == GUEST.as_bytes(), "{operation} {sub}");
        }
    }
}

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
        .join(format!("{package}-libvirt_1.0-1c1_all.deb"));
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
    fs::write(&broken, "{\"schema_version\": 1, \"install_dir\": 7}").unwrap();
    let newer = host.folder.path().join("newer.json");
    fs::write(&newer, "{\"schema_version\": 2}").unwrap();
    let missing = host.folder.path().join("no-such.json");
    let guest = GUEST.as_bytes();
    host.passes(&mapping, &[], guest, "libvirt gives a hook the guest");
    host.passes(&mapping, &["one", "restore"], guest, "libvirt gives a hook");
    host.passes(&missing, &RESTORE, guest, "No such file");
    let why = "broken.json: line 1, column 38, install_dir: invalid type";
    host.passes(&broken, &RESTORE, guest, why);
    let why = "the manifest has schema version 2, and this romcompat reads version 1";
    host.passes(&newer, &RESTORE, guest, why);
    host.passes(
        host.folder.path(),
        &RESTORE,
        guest,
        "it is no file of a mapping",
    );
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
    host.passes(&mapping, &RESTORE, &large, "more than 4194304 bytes");
    // Nobody writes to this pipe.
    let pipe = host.folder.path().join("pipe.json");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    host.passes(&pipe, &RESTORE, guest, "it is no file of a mapping");
    fs::write(host.folder.path().join("compat/compat.rom"), "").unwrap();
    host.passes(&mapping, &RESTORE, guest, "compat.rom has 0 bytes here");
    fs::remove_file(host.folder.path().join("compat/compat.rom")).unwrap();
    host.passes(&mapping, &RESTORE, guest, "compat.rom is not here");
}

#[test]
fn arguments_that_cannot_be_understood_are_logged_and_the_definition_goes_through() {
    let host = Host::new();
    for (arguments, why) in [
        (&["hook"][..], "--mapping <FILE>"),
        (&["hook", "--no-such"], "unexpected argument '--no-such'"),
        (&["hook", "--mapping", "m", "--deny", "RC000"], "RC000"),
        (&["--deny", "RC000", "hook", "--mapping", "m"], "RC000"),
        (&["--no-such", "hook"], "--no-such"),
        (&["hook", "--mapping"], "a value is required"),
        (&["hook", "one", "restore", "begin", "-"], "--mapping"),
    ] {
        let output = given(romcompat().args(arguments), GUEST.as_bytes());
        assert_eq!(status(&output), 0, "{arguments:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), GUEST);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("romcompat hook: guest ?: left alone: "));
        assert!(said.contains(why), "{why} in {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    // Another command's arguments, and a question for help.
    for (arguments, wanted) in [(["explain", "hook"], 2), (["hook", "--help"], 0)] {
        let output = given(romcompat().args(arguments), GUEST.as_bytes());
        assert_eq!(status(&output), wanted, "{arguments:?}");
        assert_ne!(String::from_utf8(output.stdout).unwrap(), GUEST);
    }
    let mapping = host.mapping();
    assert_eq!(status(&host.hook(&mapping, &RESTORE, b"")), 0);
}

#[test]
fn a_name_does_nothing_to_the_log() {
    let host = Host::new();
    let name = "one\u{1b}[2J\nJan 1 root: \u{9b}two";
    let mapping = host.folder.path().join("no-such.json");
    let output = host.hook(&mapping, &[name, "restore", "begin", "-"], GUEST.as_bytes());
    let said = String::from_utf8(output.stderr).unwrap();
    let wanted = "guest one\\u{1b}[2J\\nJan 1 root: \\u{9b}two: left alone";
    assert!(said.contains(wanted), "{said}");
    assert!(!said.trim_end().contains(char::is_control), "{said:?}");
}

/// A save file of libvirt, of a guest with this UUID and a card whose ROM has
/// this size.
fn save_file(magic: &str, uuid: &str, format: u32, size: u64) -> Vec<u8> {
    let xml = format!("<domain><uuid>{uuid}</uuid></domain>\0");
    let mut stream = b"QEVM\0\0\0\x03\x01\0\0\0\x02\x03ram\0\0\0\0\0\0\0\x04".to_vec();
    let name = "0000:00:02.0:00.0/virtio-net-pci.rom";
    stream.extend((size | 4).to_be_bytes());
    stream.push(u8::try_from(name.len()).unwrap());
    stream.extend(name.as_bytes());
    stream.extend(size.to_be_bytes());
    stream.extend(0x10_u64.to_be_bytes());
    stream.extend([0x7e, 0, 0, 0, 2, 3]);
    let mut file = magic.as_bytes().to_vec();
    for word in [2, u32::try_from(xml.len()).unwrap(), 1, format, 0] {
        file.extend(word.to_le_bytes());
    }
    file.resize(92, 0);
    file.extend(xml.as_bytes());
    match format {
        1 => {
            let mut gzip = Command::new("gzip");
            file.extend(given(gzip.arg("-c"), &stream).stdout);
        }
        _ => file.extend(stream),
    }
    file
}

#[test]
fn a_restored_guest_goes_by_the_save_file_that_a_process_above_has_open() {
    let host = Host::new();
    let uuid = "c7a5fdbd-edaf-9455-926a-d65c16db1809";
    let text = GUEST.replace("<name>", &format!("<uuid>{uuid}</uuid>\n  <name>"));
    let whole = "LibvirtQemudSave";
    let run = |files: &[Vec<u8>], operation: &str| {
        // The files that this process has open are what the daemon has.
        let open = |bytes: &Vec<u8>| {
            let path = tempfile::NamedTempFile::new_in(host.folder.path()).unwrap();
            fs::write(path.path(), bytes).unwrap();
            path
        };
        let _open: Vec<_> = files.iter().map(open).collect();
        let arguments = ["one", operation, "begin", "-"];
        let output = host.hook(&host.mapping(), &arguments, text.as_bytes());
        let is_pinned = output.stdout != text.as_bytes();
        (is_pinned, String::from_utf8(output.stderr).unwrap())
    };
    for format in [0, 1] {
        let old = save_file(whole, uuid, format, 0x40000);
        let new = save_file(whole, uuid, format, 0x80000);
        assert!(run(std::slice::from_ref(&old), "restore").0);
        let untouched = (false, String::new());
        assert_eq!(run(std::slice::from_ref(&new), "restore"), untouched);
        // A live migration has nothing to do with save files.
        assert!(run(&[new], "migrate").0);
    }
    let new = save_file(whole, uuid, 0, 0x80000);
    let other = save_file(whole, "00000000-edaf-9455-926a-d65c16db1809", 0, 0x40000);
    let part = save_file("LibvirtQemudPart", uuid, 0, 0x40000);
    assert!(!run(&[other.clone(), part.clone(), new.clone()], "restore").0);
    assert!(!run(&[new.clone(), new.clone()], "restore").0);
    // In doubt the mapping decides, and the log says so.
    let old = save_file(whole, uuid, 0, 0x40000);
    let unknown = save_file(whole, uuid, 9, 0x80000);
    for (files, why) in [
        (&[][..], "no save file of it is open"),
        (&[other], "no save file of it is open"),
        (&[old, new.clone()], "several of its save files are open"),
        (&[unknown], "in the unknown format 9"),
        (&[part], "incomplete"),
        (&[new[..200].to_vec()], "it was cut"),
    ] {
        let (is_pinned, said) = run(files, "restore");
        assert!(is_pinned && said.contains(why), "{why} in {said}");
    }
}

#[test]
fn a_hostile_definition_takes_less_than_256_mib() {
    let host = Host::new();
    let head = "<domain><os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices>";
    let many =
        |element: &str, count: usize| format!("{head}{}</devices></domain>", element.repeat(count));
    let attributes: String = (0..400_000)
        .map(|number| format!(" a{number}=''"))
        .collect();
    for text in [
        many("<interface/>", 65_000),
        many("<interface/>", 16 << 20 >> 4),
        many("<interface><model type='virtio'/></interface>", 32_000),
        many(
            "<controller type='pci' index='1' model='pci-bridge'/>",
            65_000,
        ),
        format!("<domain{attributes}/>"),
    ] {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -v 262144 && exec \"$0\" \"$@\""]);
        shell.arg(env!("CARGO_BIN_EXE_romcompat"));
        shell.args(["hook", "--mapping"]).arg(host.mapping());
        shell.arg("--roms").arg(host.folder.path().join("own"));
        let output = given(shell.arg("--").args(RESTORE), text.as_bytes());
        assert_eq!(status(&output), 0, "{}", words(&output));
        assert!(output.stdout == text.as_bytes(), "{}", words(&output));
    }
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
        programs::write_script(&path, &format!("#!/bin/sh\n{lines}\n"));
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
