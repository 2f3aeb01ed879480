//! RPM packages, made by rpmbuild of Debian's ROMs.

use crate::common::{romcompat, words};
use crate::fetched::{package, tool, unpack};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Packs a folder of ROMs with a payload like `w9.gzdio` (rpm's macros).
fn rpm_of(roms: &Path, work: &Path, payload: &str) -> PathBuf {
    let spec = work.join("roms.spec");
    fs::write(
        &spec,
        "Name: ipxe-roms-qemu\nVersion: 20190125\nRelease: 5\nSummary: ROMs\nLicense: GPL-2.0-or-later\n\
         BuildArch: noarch\n%description\nROMs.\n%install\nmkdir -p %{buildroot}/usr/share/ipxe\n\
         cp -a %{roms}/. %{buildroot}/usr/share/ipxe/\nln -s efi-e1000.rom %{buildroot}/usr/share/ipxe/link.rom\n\
         %files\n/usr/share/ipxe\n",
    )
    .unwrap();
    let defines = [
        format!("_topdir {}", work.display()),
        format!("roms {}", roms.display()),
        format!("_binary_payload {payload}"),
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
        let rpm = rpm_of(&roms, work.path(), payload);
        let found = inspected(&rpm);
        let found: Vec<_> = found["roms"].as_array().unwrap().iter().map(key).collect();
        assert_eq!(found, wanted, "{payload}");
    }
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
