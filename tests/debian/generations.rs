//! A package of several generations, judged by lintian and real QEMU: a guest
//! of each range of machine types goes to the new host and back.

use crate::common::{romcompat, status, words};
use crate::fetched::{
    bookworm_qemu, grown_release, package, romcompat_on_bookworm, the_deb, tool, trixie_qemu,
    unpack,
};
use crate::privilege::unshared;
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Generations of efi-virtio.rom and its like, and the ROMs of today: machine
/// types up to 1.4 had ROMs without an EFI image in 128K, those up to 2.12 had
/// 256K, those up to 5.2 have 512K, those up to 7.1 have 1M, and today's 2M.
pub struct Releases {
    _folders: Vec<TempDir>,
    pub generations: Vec<(&'static str, PathBuf)>,
    pub new: PathBuf,
    pub deb: PathBuf,
}

/// A copy of a set of ROMs with its EFI ROMs padded.
fn padded(input: &Path, size: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut pad = romcompat();
    pad.arg("pad").arg(input);
    pad.args(["--size", size, "--select", "efi-*", "--out"]);
    let output = pad.arg(folder.path()).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    folder
}

pub fn releases() -> Releases {
    let bookworm = package("bookworm", "ipxe-qemu");
    let (_, grown) = grown_release();
    let trixie = package("trixie", "ipxe-qemu");
    let (larger, new) = (padded(&trixie, "1M"), padded(&trixie, "2M"));
    for entry in fs::read_dir(grown.path()).unwrap() {
        let file = entry.unwrap();
        if file.file_name().to_str().unwrap().starts_with("pxe-") {
            fs::copy(file.path(), larger.path().join(file.file_name())).unwrap();
        }
    }
    // Today's ROMs without an EFI image have grown out of their class, too.
    let mut pad = romcompat();
    pad.arg("pad").arg(&trixie);
    pad.args(["--size", "256K", "--select", "pxe-*", "--out"]);
    let output = pad.arg(new.path()).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let dist = TempDir::new().unwrap();
    let generations = vec![
        ("1.3", package("bullseye", "ipxe-qemu")),
        ("2.12", bookworm),
        ("5.2", grown.path().to_owned()),
        ("7.1", larger.path().to_owned()),
    ];
    let deb = build(dist.path(), &generations[1..], new.path(), &[]);
    let new_folder = new.path().to_owned();
    Releases {
        _folders: vec![grown, larger, new, dist],
        generations,
        new: new_folder,
        deb,
    }
}

fn build(
    out: &Path,
    generations: &[(&'static str, PathBuf)],
    new: &Path,
    more: &[&str],
) -> PathBuf {
    let mut command = romcompat();
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    command
        .arg("build")
        .arg(new)
        .arg("--out")
        .arg(out)
        .args(more);
    command.args(["--package-version", "1.0"]);
    command.args(["--maintainer", "A Maintainer <maintainer@example.org>"]);
    for (version, input) in generations {
        let mut text = OsString::from(format!("{version}="));
        text.push(input);
        command.arg("--generation").arg(text);
    }
    let terms = out.with_extension("terms");
    fs::write(
        &terms,
        "Terms: those of iPXE.\nCopyright 2010-2025 its authors.\n",
    )
    .unwrap();
    let output = command.arg("--copyright").arg(&terms).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    the_deb(out)
}

/// Migrations of every card of a machine type from one release to today's
/// hosts with the package, and back.
fn prove(old: &Path, new: &Path, deb: &Path, machine: &str, dest: &Path) -> Vec<Value> {
    let mut command = romcompat_on_bookworm();
    command.args(["prove", "--format", "json", "--machine", machine]);
    command.arg("--dest-qemu").arg(dest);
    command.arg("--package").arg(deb).args([old, new]);
    let output = command.output().unwrap();
    assert_eq!(status(&output), 0, "{machine}: {}", words(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["migrations"].as_array().unwrap().clone()
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn a_guest_of_each_generation_goes_to_the_new_host_and_back() {
    let releases = releases();
    let older = bookworm_qemu();
    let newer = trixie_qemu();
    let ranges = [
        (1, "0x40000", ["pc-i440fx-2.5", "pc-q35-2.12"], &older),
        (2, "0x80000", ["pc-i440fx-3.0", "pc-q35-5.2"], &older),
        (3, "0x100000", ["pc-i440fx-6.0", "pc-q35-7.1"], &older),
        (2, "0x80000", ["pc-i440fx-3.0", "pc-q35-5.2"], &newer),
    ];
    for (index, size, machines, dest) in ranges {
        let (_, old) = &releases.generations[index];
        let sizes = format!("{size} != 0x200000");
        for machine in machines {
            let migrations = prove(old, &releases.new, &releases.deb, machine, dest);
            let of_virtio = |scenario: &str| {
                let mut found = migrations.iter();
                let is = |m: &&Value| m["device"] == "virtio-net-pci" && m["scenario"] == scenario;
                found.find(is).unwrap().clone()
            };
            let refused = of_virtio("old-to-new");
            let line = refused["expected"]["line"].as_str().unwrap();
            assert!(line.contains(&sizes), "{machine}: {line}");
            for scenario in ["compat-by-globals", "compat-by-readconfig", "compat-to-old"] {
                assert_eq!(of_virtio(scenario)["outcome"], "passed", "{machine}");
            }
            let outcome = |m: &Value| m["outcome"].as_str().unwrap().to_owned();
            assert!(
                migrations.iter().all(|m| outcome(m) == "passed"),
                "{machine}"
            );
        }
    }
    let mut command = romcompat_on_bookworm();
    command.arg("prove").arg("--package").arg(&releases.deb);
    command.args([&releases.generations[1].1, &releases.new]);
    let output = command.output().unwrap();
    assert_eq!(status(&output), 2);
    assert!(words(&output).contains("name machine types of one range with --machine"));
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn machine_types_up_to_1_4_have_the_size_of_the_rom_that_they_load() {
    let releases = releases();
    let dist = TempDir::new().unwrap();
    let deb = build(dist.path(), &releases.generations, &releases.new, &[]);
    let contents = tool("dpkg-deb", &[&"--contents", &deb]);
    for name in [
        "compat-128k-pxe-virtio.rom",
        "compat-256k-efi-virtio.rom",
        "compat-512k-efi-virtio.rom",
        "compat-1m-efi-virtio.rom",
    ] {
        assert_eq!(contents.matches(name).count(), 1, "{name}");
    }
    let root = unpack(&deb);
    let share = fs::read_dir(root.path().join("usr/share")).unwrap();
    let folders: Vec<PathBuf> = share.map(|entry| entry.unwrap().path()).collect();
    for (machine, up_to, size) in [
        ("pc-i440fx-1.4", "1.4", "0x0000000000020000"),
        ("pc-i440fx-1.5", "2.6", "0x0000000000040000"),
        ("pc-i440fx-2.7", "2.12", "0x0000000000040000"),
        ("pc-q35-4.2", "5.2", "0x0000000000080000"),
        ("pc-q35-6.0", "7.1", "0x0000000000100000"),
    ] {
        let roms = root.path().join("usr/share/qemu");
        let name = format!("romfiles-up-to-{up_to}.cfg");
        let mut files = folders.iter().map(|folder| folder.join(&name));
        let file = files.find(|file| file.exists()).unwrap();
        let blocks = ram_blocks(Command::new(bookworm_qemu()).current_dir(roms).args([
            "-machine",
            &format!("{machine},accel=tcg"),
            "-readconfig",
            file.to_str().unwrap(),
            "-device",
            "virtio-net-pci",
            "-nodefaults",
        ]));
        let line = blocks
            .lines()
            .find(|line| line.contains("virtio-net-pci.rom"));
        assert!(line.unwrap().contains(size), "{machine}: {blocks}");
    }
}

/// What QEMU's monitor says of its RAM blocks.
pub fn ram_blocks(command: &mut Command) -> String {
    command.args(["-S", "-display", "none", "-monitor", "stdio"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut monitor = child.stdin.take().unwrap();
    monitor.write_all(b"info ramblock\nquit\n").unwrap();
    drop(monitor);
    let output = child.wait_with_output().unwrap();
    let text = words(&output);
    assert!(output.status.success(), "{text}");
    text
}

/// The command in a package's README.Debian, in one line.
fn command_of_readme(root: &Path) -> String {
    let documents = fs::read_dir(root.join("usr/share/doc")).unwrap();
    let folder = documents.map(|entry| entry.unwrap().path()).next().unwrap();
    let readme = fs::read_to_string(folder.join("README.Debian")).unwrap();
    let (_, after) = readme.split_once("    qemu-system-x86_64 ").unwrap();
    let (command, _) = after.split_once("\n\n").unwrap();
    format!("qemu-system-x86_64 {command}")
}

#[test]
#[ignore = "needs fetched ROMs, QEMU, and root to install into a view of its own"]
fn the_command_in_the_readme_works_as_it_stands() {
    let releases = releases();
    let dist = TempDir::new().unwrap();
    let single = {
        let (_, old) = &releases.generations[1];
        let mut command = romcompat();
        command.arg("build").args([old, &releases.new]);
        let output = command.arg("--out").arg(dist.path()).output().unwrap();
        assert_eq!(status(&output), 0, "{}", words(&output));
        the_deb(dist.path())
    };
    for (deb, size) in [
        (&single, "0x0000000000040000"),
        (&releases.deb, "0x0000000000100000"),
    ] {
        let root = unpack(deb);
        let command = command_of_readme(root.path());
        let script = format!(
            "mount -t overlay overlay -o lowerdir=\"$0\"/usr/share:/usr/share /usr/share && \
             {command} -nodefaults -S -display none -monitor stdio"
        );
        let mut view = unshared("sh");
        view.args(["-c", &script]).arg(root.path());
        view.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = view.spawn().unwrap();
        let mut monitor = child.stdin.take().unwrap();
        monitor.write_all(b"info ramblock\nquit\n").unwrap();
        drop(monitor);
        let text = words(&child.wait_with_output().unwrap());
        let line = text.lines().find(|line| line.contains("/e1000.rom"));
        assert!(
            line.is_some_and(|line| line.contains(size)),
            "{command}: {text}"
        );
        assert!(!text.contains("warning"), "{command}: {text}");
    }
}

#[test]
#[ignore = "needs fetched ROMs and lintian"]
fn lintian_has_nothing_to_say_about_several_generations() {
    let dist = TempDir::new().unwrap();
    let (_, grown) = grown_release();
    let mut command = romcompat();
    let new = padded(grown.path(), "1M");
    command.arg("build").arg(new.path());
    // lintian counts the letters of file names.
    command.args(["--package-version", "1.0-2"]);
    for (version, suite) in [("5.2", "bookworm"), ("9.2", "trixie")] {
        let mut text = OsString::from(format!("{version}="));
        text.push(package(suite, "ipxe-qemu"));
        command.arg("--generation").arg(text);
    }
    let output = command.arg("--out").arg(dist.path()).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let deb = the_deb(dist.path());
    let said = tool("lintian", &[&deb]);
    assert_eq!(said, "");
    let root = unpack(&deb);
    let documents = fs::read_dir(root.path().join("usr/share/doc")).unwrap();
    let folder = documents.map(|entry| entry.unwrap().path()).next().unwrap();
    let terms = fs::read_to_string(folder.join("copyright")).unwrap();
    let heading = "The copyright file of ipxe-qemu 1.0.0+git-20190125.36a4c85-5.1:";
    assert!(terms.contains(heading));
}
