//! RPM packages, made by rpmbuild of Debian's ROMs.

use crate::common::{romcompat, words};
use crate::fetched::{package, source, tool, unpack};
use romcompat::compression::{Decoder, UNPACKED_LIMIT};
use romcompat::rpm::{Rpm, RpmError};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A line of `%install` that makes two more names of one ROM.
const HARD_LINKS: &str =
    "cd %{buildroot}/usr/share/ipxe; ln efi-virtio.rom 0.rom; ln efi-virtio.rom zz.rom";

/// Packs a folder of ROMs with a payload like `w9.gzdio` (rpm's macros), and
/// with one more line of `%install`.
pub fn rpm_of(roms: &Path, work: &Path, payload: &str, line: &str) -> PathBuf {
    let spec = work.join("roms.spec");
    fs::write(
        &spec,
        "Name: ipxe-roms-qemu\nVersion: 20190125\nRelease: 5\nSummary: ROMs\nLicense: GPL-2.0-or-later\n\
         BuildArch: noarch\n%description\nROMs.\n%install\nmkdir -p %{buildroot}/usr/share/ipxe\n\
         cp -a %{roms}/. %{buildroot}/usr/share/ipxe/\nln -s efi-e1000.rom %{buildroot}/usr/share/ipxe/link.rom\n\
         %{line}\n\
         %files\n/usr/share/ipxe\n",
    )
    .unwrap();
    let defines = [
        format!("_topdir {}", work.display()),
        format!("roms {}", roms.display()),
        format!("_binary_payload {payload}"),
        format!("line {line}"),
    ];
    let mut arguments: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"-bb", &"--quiet"];
    for define in &defines {
        arguments.extend([&"--define" as &dyn AsRef<_>, define]);
    }
    arguments.push(&spec);
    tool("rpmbuild", &arguments);
    work.join("RPMS/noarch/ipxe-roms-qemu-20190125-5.noarch.rpm")
}

fn inspected(input: &Path) -> Value {
    let mut command = romcompat();
    let output = command
        .args(["inspect", "--format", "json"])
        .arg(input)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", words(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
#[ignore = "needs fetched ROMs and rpmbuild"]
fn an_rpm_is_the_same_set_as_the_folder_in_every_compression() {
    let root = unpack(&package("bookworm", "ipxe-qemu"));
    let roms = root.path().join("usr/lib/ipxe/qemu");
    let key = |rom: &Value| {
        (
            rom["name"].clone(),
            rom["size"].clone(),
            rom["sha256"].clone(),
        )
    };
    let folder = inspected(&roms);
    let wanted: Vec<_> = folder["roms"].as_array().unwrap().iter().map(key).collect();
    assert_eq!(wanted.len(), 16);
    for payload in ["w9.gzdio", "w6.xzdio", "w19.zstdio", "w.ufdio"] {
        let work = TempDir::new().unwrap();
        let rpm = rpm_of(&roms, work.path(), payload, HARD_LINKS);
        let found = inspected(&rpm);
        let roms = found["roms"].as_array().unwrap();
        assert!(
            roms.iter()
                .all(|rom| rom["package"] == "ipxe-roms-qemu 20190125-5")
        );
        // The content of a file with several names comes with the last of them.
        let mut found: Vec<_> = roms.iter().map(key).collect();
        let virtio = wanted.iter().find(|rom| rom.0 == "efi-virtio.rom").unwrap();
        for name in ["0.rom", "zz.rom"] {
            let at = found.iter().position(|rom| rom.0 == name).unwrap();
            assert_eq!(found.remove(at).2, virtio.2, "{payload}");
        }
        assert_eq!(found, wanted, "{payload}");
    }
}

#[test]
#[ignore = "needs fetched ROMs and rpmbuild"]
fn hard_linked_roms_of_an_rpm_are_compared_by_each_name() {
    let root = unpack(&package("bookworm", "ipxe-qemu"));
    let roms = root.path().join("usr/lib/ipxe/qemu");
    let work = TempDir::new().unwrap();
    let rpm = rpm_of(&roms, work.path(), "w9.gzdio", HARD_LINKS);
    let virtio = roms.join("efi-virtio.rom");
    let mut larger = fs::read(&virtio).unwrap();
    larger.resize(512 << 10, 0xff);
    fs::write(&virtio, larger).unwrap();
    let output = romcompat().arg("check").args([&rpm, &roms]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    let said = "error[RC301]: efi-virtio.rom: ";
    assert!(words(&output).contains(said), "{}", words(&output));
}

#[test]
#[ignore = "needs fetched ROMs and rpmbuild"]
fn a_damaged_rpm_is_refused_as_rpm_refuses_it() {
    let root = unpack(&package("bookworm", "ipxe-qemu"));
    let work = TempDir::new().unwrap();
    let rpm = rpm_of(
        &root.path().join("usr/lib/ipxe/qemu"),
        work.path(),
        "w.ufdio",
        "true",
    );
    let mut bytes = fs::read(&rpm).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&rpm, bytes).unwrap();
    let judge = Command::new("rpm").arg("-K").arg(&rpm).output().unwrap();
    assert!(!judge.status.success(), "{}", words(&judge));
    let output = romcompat().arg("inspect").arg(&rpm).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", words(&output));
    let said = "the SHA-256 of the payload at ";
    assert!(words(&output).contains(said), "{}", words(&output));
}

#[test]
#[ignore = "needs fetched ROMs and rpmbuild"]
fn a_change_from_an_rpm_to_a_package_is_compared() {
    let root = unpack(&package("bookworm", "ipxe-qemu"));
    let work = TempDir::new().unwrap();
    let rpm = rpm_of(
        &root.path().join("usr/lib/ipxe/qemu"),
        work.path(),
        "w3.zstdio",
        "true",
    );
    let mut command = romcompat();
    command
        .arg("check")
        .arg(rpm)
        .arg(package("trixie", "ipxe-qemu"));
    let output = command.output().unwrap();
    assert!(
        words(&output).contains("efi-virtio.rom"),
        "{}",
        words(&output)
    );
    assert!(output.status.success(), "{}", words(&output));
}

/// Whether rpm finds every digest right, and unpacks all files.
fn rpm_takes(rpm: &Path) -> bool {
    let mut keys = Command::new("rpmkeys");
    let checked = keys.args(["-K", "--nosignature"]).arg(rpm).output();
    let mut archive = Command::new("rpm2archive");
    let unpacked = archive.arg("-").stdin(fs::File::open(rpm).unwrap());
    checked.unwrap().status.success() && unpacked.output().unwrap().status.success()
}

/// Reads all of a package: its files, or why there are none.
fn we_take(rpm: &Path) -> Result<Vec<String>, String> {
    let bytes = fs::read(rpm).unwrap();
    let rpm = Rpm::read(&bytes).map_err(|error| error.to_string())?;
    let archive = Decoder::new(rpm.payload, UNPACKED_LIMIT).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    let visited = rpm.for_each_file(archive, |file, content| {
        std::io::copy(content, &mut std::io::sink()).map_err(RpmError::Unpack)?;
        files.push(format!("/{}", file.path));
        Ok::<_, RpmError>(())
    });
    visited.map_err(|error| error.to_string())?;
    files.sort();
    Ok(files)
}

/// The files that rpm lists of a package, without those that it does not carry.
fn listed(rpm: &Path) -> Vec<String> {
    let query = r"[%{FILENAMES}\t%{FILEFLAGS:fflags}\n]";
    let text = tool("rpm", &[&"-qp", &"--nosignature", &"--qf", &query, &rpm]);
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    let carried = lines.filter(|(_, flags)| !flags.contains('g'));
    let mut files: Vec<_> = carried
        .map(|(path, _)| format!("/{}", path.trim_start_matches('/')))
        .collect();
    files.sort();
    files
}

#[test]
#[ignore = "needs fetched sources and rpm"]
fn the_packages_of_rpms_tests_are_taken_and_refused_as_rpm_does() {
    let work = TempDir::new().unwrap();
    tool("tar", &[&"-xf", &source("rpm"), &"-C", &work.path()]);
    let top = fs::read_dir(work.path()).unwrap().next().unwrap().unwrap();
    let mut rpms = Vec::new();
    for folder in ["RPMS", "SRPMS"] {
        let folder = top.path().join("tests/data").join(folder);
        let entries = fs::read_dir(folder).unwrap();
        rpms.extend(entries.map(|entry| entry.unwrap().path()));
    }
    rpms.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/made-by-rpm-6.rpm"));
    let (mut taken, mut refused) = (0, 0);
    for rpm in &rpms {
        let ours = we_take(rpm);
        assert_eq!(rpm_takes(rpm), ours.is_ok(), "{}: {ours:?}", rpm.display());
        match ours {
            Ok(files) => {
                assert_eq!(files, listed(rpm), "{}", rpm.display());
                taken += 1;
            }
            Err(_) => refused += 1,
        }
    }
    println!(
        "{} packages: {taken} taken and {refused} refused as rpm does",
        rpms.len()
    );
    assert!(taken > 10 && refused > 0, "{taken} {refused}");
}

#[test]
#[ignore = "needs rpm"]
fn each_damage_to_a_package_of_rpm_6_that_rpm_finds_is_found() {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/made-by-rpm-6.rpm");
    let bytes = fs::read(&whole).unwrap();
    let files = we_take(&whole).unwrap();
    let work = TempDir::new().unwrap();
    let damaged = work.path().join("damaged.rpm");
    let mut found = 0;
    let places = (0..bytes.len()).step_by(29);
    let count = places.clone().count();
    for at in places {
        let mut copy = bytes.clone();
        copy[at] ^= 1 << (at % 8);
        fs::write(&damaged, copy).unwrap();
        match we_take(&damaged) {
            Ok(ours) => {
                assert!(rpm_takes(&damaged), "{at}");
                assert_eq!(ours, files, "{at}");
            }
            Err(_) => found += 1,
        }
    }
    println!("of {count} single bits flipped, {found} are refused; rpm takes all others");
}
