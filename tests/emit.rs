//! `emit`: what it prints and writes, and what it refuses.

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
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn emit(form: &str, more: &[&str]) -> Output {
    let mut command = romcompat();
    command.args(["emit", form]);
    command.args([fixture(1), fixture(2)]).args(more);
    command.output().unwrap()
}

fn refused(form: &str, more: &[&str], wanted: i32, wanted_words: &str) {
    let output = emit(form, more);
    let text = words(&output);
    assert_eq!(status(&output), wanted, "{more:?}: {text}");
    assert!(text.contains(wanted_words), "{more:?}: {text}");
    assert!(output.stdout.is_empty(), "{text}");
}

#[test]
fn a_folder_that_is_no_source_of_qemu_is_refused() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("none");
    let file = fixture(1);
    for (source, words) in [
        (missing.as_path(), "none: No such file or directory"),
        (
            &file,
            "it is a file; give the folder with the source of QEMU",
        ),
        (
            folder.path(),
            "no source tree of QEMU: neither hw/core/machine.c nor",
        ),
    ] {
        let source = source.to_str().unwrap();
        let arguments = ["--up-to", "pc-i440fx-9.2", "--qemu-source", source];
        refused("compat-array", &arguments, 3, words);
    }
    let core = folder.path().join("hw/core/machine.c");
    fs::create_dir_all(&core).unwrap();
    let source = folder.path().to_str().unwrap();
    let arguments = ["--up-to", "pc-i440fx-9.2", "--qemu-source", source];
    refused(
        "compat-array",
        &arguments,
        3,
        "it is no source file of QEMU",
    );
    fs::remove_dir(&core).unwrap();
    fs::write(&core, b"\xff\xfe").unwrap();
    refused(
        "compat-array",
        &arguments,
        3,
        "no source tree of QEMU: neither hw/core/machine.c nor",
    );
}

#[test]
fn a_source_that_was_patched_by_hand_in_part_is_refused() {
    let folder = TempDir::new().unwrap();
    let core = folder.path().join("hw/core");
    fs::create_dir_all(&core).unwrap();
    let text = "GlobalProperty hw_compat_9_2[] = {\n    { \"e1000\", \"romfile\", \"compat-256k-efi-e1000.rom\" },\n};\n";
    fs::write(core.join("machine.c"), text).unwrap();
    let source = folder.path().to_str().unwrap();
    let arguments = ["--up-to", "pc-i440fx-9.2", "--qemu-source", source];
    refused(
        "compat-array",
        &arguments,
        3,
        "hw/core/machine.c: hw_compat_9_2 has the entries of e1000, and lacks those of e1000-82544gc",
    );
    assert_eq!(fs::read_to_string(core.join("machine.c")).unwrap(), text);
}

#[test]
fn a_source_that_is_read_only_is_patched_elsewhere_and_one_that_is_closed_is_named() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let core = path("qemu/hw/core");
    fs::create_dir_all(&core).unwrap();
    let machine = core.join("machine.c");
    fs::write(&machine, "GlobalProperty hw_compat_9_2[] = {};\n").unwrap();
    for (release, name) in [(1, "old.deb"), (2, "new.deb")] {
        fs::copy(fixture(release), path(name)).unwrap();
    }
    programs::copy_romcompat(&path("romcompat"));
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(folder.path(), 0o755);
    mode(&path("qemu"), 0o555);
    // Permissions hold back an ordinary user, and not root.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let run = |more: &[&str]| {
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "./romcompat",
            ]);
            command
        } else {
            Command::new("./romcompat")
        };
        command.current_dir(folder.path());
        command.args([
            "emit",
            "compat-array",
            "old.deb",
            "new.deb",
            "--up-to",
            "pc-q35-9.2",
        ]);
        command
            .args(["--qemu-source", "qemu"])
            .args(more)
            .output()
            .unwrap()
    };
    let printed = run(&[]);
    assert_eq!(status(&printed), 0, "{}", words(&printed));
    assert!(printed.stdout.starts_with(b"Description: "));
    let inside = run(&["--out", "qemu/romfiles.patch"]);
    assert_eq!(status(&inside), 3, "{}", words(&inside));
    assert!(words(&inside).ends_with("error: qemu: Permission denied (os error 13)\n"));
    mode(&machine, 0o000);
    let closed = run(&[]);
    assert_eq!(status(&closed), 3, "{}", words(&closed));
    assert!(words(&closed).contains("error: qemu/hw/core/machine.c: Permission denied"));
    mode(&path("qemu"), 0o755);
}

#[test]
fn machine_types_that_no_array_is_for_are_refused() {
    for (name, words) in [
        ("pc-i440fx-nobody", "is no machine type with a version"),
        ("pc-q35-rhel9.4.0", "hw_compat_rhel_9_4"),
        ("virt", "is no machine type with a version"),
        ("9.2", "is no machine type with a version"),
        ("pc-i440fx-9.7", "no release of QEMU has the number 9.7"),
    ] {
        refused("compat-array", &["--up-to", name], 2, words);
    }
    refused(
        "compat-array",
        &["--up-to", "virt-9.2", "--pc-only"],
        2,
        "--pc-only is for pc-i440fx and pc-q35, and virt-9.2 is neither",
    );
    refused(
        "compat-array",
        &["--up-to", "pc-q35-9.2", "--style", "macro"],
        2,
        "QEMU has no macro for 9.2",
    );
    refused("compat-array", &[], 2, "--up-to <TYPE>");
}

#[test]
fn an_output_is_written_whole_and_never_over_another_without_force() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("romfiles.cfg");
    let name = out.to_str().unwrap();
    let printed = emit("readconfig", &[]).stdout;
    let output = emit("readconfig", &["--out", name]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    assert!(output.stdout.is_empty());
    assert_eq!(fs::read(&out).unwrap(), printed);
    refused("globals", &["--out", name], 3, "`--force` overwrites it");
    let output = emit("globals", &["--out", name, "--force"]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    assert!(fs::read_to_string(&out).unwrap().contains("\n-global "));
}

#[test]
fn json_has_the_devices_and_the_text() {
    let output = emit("libvirt", &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["form"], "libvirt");
    let devices = report["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 11);
    assert_eq!(devices[0]["romfile"], "compat-256k-efi-e1000.rom");
    assert!(report["text"].as_str().unwrap().contains("<rom file="));
    assert_eq!(report["findings"][0]["code"], "RC309");
}

fn with_configuration(text: &str) -> Output {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("romcompat.toml");
    fs::write(&file, text).unwrap();
    let file: &Path = &file;
    emit("globals", &["--config", file.to_str().unwrap()])
}

#[test]
fn a_device_that_no_table_knows_is_mapped_by_the_configuration() {
    let unknown = emit("globals", &[]);
    assert!(
        words(&unknown)
            .contains("warning[RC309]: efi-eepro100.rom: no device of QEMU loads it by default")
    );
    let output = with_configuration("[devices]\n\"efi-eepro100.rom\" = [\"my-nic\"]\n");
    assert_eq!(status(&output), 0, "{}", words(&output));
    let text = words(&output);
    assert!(text.contains("-global my-nic.romfile=compat-256k-efi-eepro100.rom\n"));
    assert!(!text.contains("RC309"), "{text}");
}

#[test]
fn check_and_advise_know_a_device_that_the_configuration_maps() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("romcompat.toml");
    fs::write(&file, "[devices]\n\"efi-eepro100.rom\" = [\"my-nic\"]\n").unwrap();
    for (command, wanted) in [
        ("check", "-global my-nic.romsize=262144"),
        ("check", "0000:00:02.0/my-nic.rom: 0x40000 != 0x80000"),
        ("advise", "efi-eepro100.rom, loaded by my-nic\n"),
    ] {
        let mut run = romcompat();
        run.arg(command).args([fixture(1), fixture(2)]);
        run.arg("--config").arg(&file).arg("-v");
        let text = words(&run.output().unwrap());
        assert!(text.contains(wanted), "{command}: {wanted} in {text}");
        assert!(!text.contains("DEVICE.rom"), "{text}");
    }
}

#[test]
fn advise_takes_versions_of_machine_types_in_their_order() {
    let run = |versions: [&str; 2]| {
        let mut command = romcompat();
        command.args(["advise", "--select", "pxe-e1000.rom"]);
        for (version, release) in versions.into_iter().zip(1..) {
            command.arg(format!("{version}={}", fixture(release).display()));
        }
        command.output().unwrap()
    };
    let output = run(["2.5", "2.11"]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    assert!(words(&output).contains("example-roms 2.0-1, after 2.5, up to 2.11 (128K)"));
    let output = run(["2.11", "2.5"]);
    assert_eq!(status(&output), 2, "{}", words(&output));
    assert!(words(&output).contains("the generation 2.5 stands after 2.11"));
}

#[test]
fn a_configuration_that_maps_what_cannot_be_is_refused() {
    for (text, wanted) in [
        (
            "[devices]\n\"efi-other.rom\" = [\"my-nic\"]\n",
            "devices are mapped to efi-other.rom, and ",
        ),
        (
            "[devices]\n\"efi-e1000.rom\" = [\"my nic\"]\n",
            "line 2, column 20: `my nic` is no name of a device",
        ),
        (
            "[devices]\n\n\"efi-eepro100.rom\" = [\"my-nic\", \"e1000-82545em\"]\n",
            "line 3, column 33: e1000-82545em is mapped to efi-eepro100.rom, and loads efi-e1000.rom by default",
        ),
        (
            "[devices]\n\"efi-e1000.rom\" = [\"nic\"]\n\"efi-eepro100.rom\" = [\"nic\"]\n",
            "line 3, column 23: nic is mapped to efi-e1000.rom and again to efi-eepro100.rom",
        ),
        (
            "[devices]\n\"pxe-eepro100.rom\" = [\"i82801\", \"i82801\"]\n",
            "line 2, column 33: i82801 is mapped to pxe-eepro100.rom and again to pxe-eepro100.rom",
        ),
        (
            "[devices]\n\"efi-ne2k_pci.rom\" = [\"ne2000\"]\n",
            "`ne2000` is no PCI device of QEMU; the card's name is ne2k_pci",
        ),
        (
            "[devices]\n\"efi-e1000.rom\" = \"e1000\"\n",
            "line 2, column 19: invalid type",
        ),
    ] {
        let output = with_configuration(text);
        assert_eq!(status(&output), 3, "{}", words(&output));
        assert!(words(&output).contains(wanted), "{}", words(&output));
    }
}
