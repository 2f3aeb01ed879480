//! What `lint` is told about the devices that load the ROMs, and about room.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{fixture, romcompat, status, words};
use std::path::Path;
use tempfile::TempDir;

const UNEXPECTED: &str = "RC136";

/// A folder with a ROM of the fixture that has these ids, under this name.
fn retargeted(rom: &str, vendor: &str, device: &str, name: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut command = romcompat();
    command.arg("retarget").arg(fixture(1));
    command.args(["--select", rom, "--vendor", vendor, "--device", device]);
    let out = folder.path().join(name);
    let output = command.arg("--out").arg(out).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    folder
}

/// Everything that `lint` says of the ROM in a folder.
fn lint(folder: &Path, rom: &str, arguments: &[&str]) -> String {
    let mut command = romcompat();
    command.current_dir(folder).args(["lint", rom]);
    words(&command.args(arguments).output().unwrap())
}

#[test]
fn the_name_of_a_card_s_rom_says_which_ids_are_expected() {
    for name in [
        "efi-e1000.rom",
        "pxe-e1000.rom",
        "compat-256k-efi-e1000.rom",
        "compat-1m-pxe-e1000.rom",
    ] {
        let other = retargeted("efi-e1000.rom", "1234", "5678", name);
        let said = lint(other.path(), name, &[]);
        assert!(said.contains(UNEXPECTED), "{name}: {said}");
        assert!(said.contains("the device is 8086:100e or 8086:100c or 8086:100f"));
        let right = retargeted("efi-e1000.rom", "8086", "100c", name);
        let said = lint(right.path(), name, &[]);
        assert!(!said.contains(UNEXPECTED), "{name}: {said}");
    }
}

#[test]
fn a_device_that_is_named_says_which_ids_are_expected() {
    let folder = retargeted("efi-e1000.rom", "8086", "10d3", "a.rom");
    let lint = |arguments: &[&str]| lint(folder.path(), "a.rom", arguments);
    assert!(!lint(&[]).contains(UNEXPECTED));
    assert!(!lint(&["--device", "e1000e"]).contains(UNEXPECTED));
    assert!(lint(&["--device", "e1000"]).contains(UNEXPECTED));
    let said = lint(&["--device", "e1000", "--device", "e1000e"]);
    assert!(!said.contains(UNEXPECTED), "{said}");
    let said = lint(&["--device", "e1001"]);
    assert!(
        said.contains("`e1001` is no device with a default ROM"),
        "{said}"
    );
}

#[test]
fn a_device_in_the_configuration_says_which_ids_are_expected() {
    for name in ["a.rom", "old-256k-a.rom"] {
        let folder = retargeted("efi-e1000.rom", "8086", "10d3", name);
        let configure = |device: &str| {
            let text = format!(
                "name-pattern = \"old-{{size}}-{{name}}\"\n[devices]\n\"a.rom\" = [\"{device}\", \"other-nic\"]\n"
            );
            std::fs::write(folder.path().join("romcompat.toml"), text).unwrap();
        };
        configure("e1000");
        assert!(lint(folder.path(), name, &[]).contains(UNEXPECTED));
        configure("e1000e");
        assert!(!lint(folder.path(), name, &[]).contains(UNEXPECTED));
    }
}

#[test]
fn room_is_written_like_every_other_size() {
    // The ROM leaves 12800 bytes of its BAR.
    let folder = retargeted("efi-e1000.rom", "8086", "100e", "efi-e1000.rom");
    let lint = |room| lint(folder.path(), "efi-e1000.rom", &["--room", room]);
    for enough in ["12800", "0x3200", "12K", "12KiB", "0"] {
        assert!(!lint(enough).contains("RC148"), "{enough}");
    }
    for more in ["12801", "0x3201", "13k"] {
        assert!(lint(more).contains("RC148"), "{more}");
    }
    assert!(lint("much").contains("`much` is no size"));
}
