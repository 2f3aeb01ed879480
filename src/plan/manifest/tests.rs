use super::*;
use crate::plan::tests::with_plan;
use serde_json::{Value, json};

/// A manifest of two ROMs for two ranges of machine types.
fn manifest() -> Value {
    let rom = |name: &str, bar: u64| {
        json!({
            "name": name, "bar": bar, "sha256": null, "release": "aa 1",
            "shared_with": [{"release": "aa 0", "differs": true}],
            "origin": "a.rom", "origin_size": 5000, "origin_sha256": "00",
            "boot_ids": [{"change": "set", "from": "8086:100e", "to": "8086:100f"},
                         {"change": "added", "ids": "8086:100c"}],
            "lost_boot": [{"ids": "8086:100c", "devices": ["e1000-82544gc"]}],
            "change": "grows", "devices": ["e1000"]
        })
    };
    json!({
        "schema_version": 1, "old_release": "aa 1", "from_ipxe": false,
        "install_dir": "/usr/share/qemu",
        "roms": [rom("compat-8k-a.rom", 8192), rom("compat-16k-a.rom", 16384)],
        "ranges": [
            {"after": null, "up_to": "2.5", "release": "aa 0",
             "readconfig": "romfiles-up-to-2.5.cfg", "devices": {"e1000": "compat-8k-a.rom"}},
            {"after": "2.5", "up_to": "2.11", "release": "aa 1",
             "readconfig": "romfiles-up-to-2.11.cfg", "devices": {"e1000": "compat-16k-a.rom"}}
        ]
    })
}

#[test]
fn what_is_written_is_read_again() {
    with_plan(&[("efi-e1000.rom", 5000), ("own.rom", 512)], |plan| {
        let written = Manifest::of(plan, "an earlier release");
        let text = crate::json::document(&written);
        assert_eq!(Manifest::parse(&text).unwrap(), written);
    });
    let read = Manifest::parse(&manifest().to_string()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), manifest());
}

#[test]
fn a_wrong_value_is_refused_with_its_place() {
    for (pointer, value, said) in [
        (
            "/schema_version",
            json!(2),
            "schema_version: the manifest has schema version 2, and this romcompat reads version 1",
        ),
        (
            "/roms/0/bar",
            json!(300_000),
            "roms[0].bar: 300000 is 300000 bytes, and a ROM BAR is a power of two",
        ),
        ("/roms/0/bar", json!(256), "roms[0].bar: 256 is not between"),
        (
            "/roms/0/bar",
            json!(1_u64 << 32),
            "roms[0].bar: 4294967296 is not between",
        ),
        (
            "/roms/1/name",
            json!("../a.rom"),
            "roms[1].name: `../a.rom` is not a plain file name",
        ),
        ("/roms/1/name", json!(".."), "roms[1].name: `..` is not"),
        (
            "/roms/1/name",
            json!("compat-8k-a.rom"),
            "roms[1].name: compat-8k-a.rom is the name of another ROM, too",
        ),
        (
            "/roms/0/devices",
            json!(["a b"]),
            "roms[0].devices: `a b` is not the name of a device",
        ),
        (
            "/install_dir",
            json!("usr/share"),
            "install_dir: `usr/share` is no folder",
        ),
        (
            "/ranges/1/after",
            json!("2.4"),
            "ranges[1].after: it is 2.4, and the range before ends with 2.5",
        ),
        (
            "/ranges/1/after",
            json!(null),
            "ranges[1].after: it is none, and",
        ),
        (
            "/ranges/1/up_to",
            json!("2.5"),
            "ranges[1].up_to: 2.5 does not come after 2.5",
        ),
        (
            "/ranges/1/devices/e1000",
            json!("b.rom"),
            "ranges[1].devices.e1000: e1000 is told b.rom, which is not one of the ROMs",
        ),
        (
            "/ranges/0/readconfig",
            json!("/etc/a.cfg"),
            "ranges[0].readconfig: `/etc/a.cfg` is not",
        ),
        ("/ranges/0/readconfig", json!(null), "ranges[0].readconfig"),
        (
            "/roms/0/lost_boot/0/ids",
            json!("8086"),
            "roms[0].lost_boot[0].ids: `8086` is not a vendor and a device id",
        ),
    ] {
        let mut wrong = manifest();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let error = Manifest::parse(&wrong.to_string()).unwrap_err().to_string();
        assert!(error.contains(said), "{said} in {error}");
        assert!(error.ends_with("; give the manifest.json of a compat package as it was built"));
    }
}

#[test]
fn another_version_is_named_before_anything_else_is_wrong() {
    let text = "{\"roms\": 7,\n\"schema_version\": 2}";
    let error = Manifest::parse(text).unwrap_err().to_string();
    assert!(
        error.starts_with("line 2, column 20, schema_version: the manifest has"),
        "{error}"
    );
    for (text, said) in [
        ("", "line 1, column 0: EOF while parsing a value"),
        ("{}", "line 1, column 2: missing field `schema_version`"),
        ("{\"schema_version\": 1} x", "trailing characters"),
    ] {
        let error = Manifest::parse(text).unwrap_err().to_string();
        assert!(error.contains(said), "{said} in {error}");
    }
}

#[test]
fn a_device_has_the_rom_of_its_machine_type() {
    let manifest = Manifest::parse(&manifest().to_string()).unwrap();
    let rom = |name: &str| {
        let machine = MachineType::parse(crate::qemu::Arch::X86_64, name).ok();
        manifest.rom_for("e1000", machine).map(|rom| &*rom.name)
    };
    assert_eq!(rom("pc-q35-2.5"), Some("compat-8k-a.rom"));
    assert_eq!(rom("pc-q35-2.6"), Some("compat-16k-a.rom"));
    assert_eq!(rom("pc-q35-2.11"), Some("compat-16k-a.rom"));
    assert_eq!(rom("pc-q35-2.12"), None);
    assert_eq!(manifest.rom_for("e1000", None), None);
    let at = manifest.rom_at("/usr/share/qemu/compat-16k-a.rom").unwrap();
    assert_eq!(at.bar.bytes(), 16384);
}

#[test]
fn a_mapping_is_the_same_where_every_device_is_told_the_same() {
    let parsed = |value: &Value| Manifest::parse(&value.to_string()).unwrap();
    let one = parsed(&manifest());
    let with = |pointer: &str, value: Value| {
        let mut other = manifest();
        *other.pointer_mut(pointer).unwrap() = value;
        one.tells_the_same(&parsed(&other))
    };
    assert!(with("/roms/0/bar", json!(4096)));
    assert!(with("/old_release", json!("bb 1")));
    assert!(!with("/install_dir", json!("/usr/lib/qemu")));
    assert!(!with(
        "/ranges/1/devices",
        json!({"pcnet": "compat-16k-a.rom"})
    ));
    assert!(!with("/ranges/1/up_to", json!("2.12")));
    assert!(!with("/ranges", json!([])));
}
