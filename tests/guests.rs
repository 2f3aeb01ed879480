//! Definitions of guests, judged and changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;
#[path = "common/guests.rs"]
mod given;
#[path = "common/programs.rs"]
mod programs;

use common::{fixture, romcompat, status, words};
use given::{codes, folder, guest, guests};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

fn judged(input: &Path, more: &[&dyn AsRef<OsStr>]) -> (i32, Value) {
    let sets: &[&dyn AsRef<OsStr>] = &[
        &"--old",
        &fixture(1),
        &"--new",
        &fixture(2),
        &"--format",
        &"json",
    ];
    let output = guests(input, &[sets, more].concat());
    let report = serde_json::from_slice(&output.stdout);
    (
        status(&output),
        report.unwrap_or_else(|_| panic!("{}", words(&output))),
    )
}

const OURS: &str = "/usr/share/qemu/compat-256k-efi-virtio.rom";

#[test]
fn each_card_has_its_roms_and_a_verdict() {
    let folder = folder(&[
        ("a.xml", &guest("a", "pc-q35-7.2", "virtio")),
        ("b.xml", &guest("b", "pc-q35-7.2", "e1000-82544gc")),
        ("c.xml", &guest("c", "pc-i440fx-2.6", "vmxnet3")),
        ("not-xml.txt", "left alone"),
    ]);
    let (exit, report) = judged(folder.path(), &[]);
    assert_eq!(exit, 1);
    assert_eq!(report["breaking"], 2);
    assert_eq!(codes(&report), ["RC531", "RC531"]);
    let card = &report["guests"][0]["cards"][0];
    assert_eq!(card["device"], "virtio-net-pci");
    assert_eq!(card["slot"], "pcie-port");
    assert_eq!(card["rom"], "efi-virtio.rom");
    assert_eq!(card["old"], 262_144);
    assert_eq!(card["new"], 524_288);
    assert_eq!(card["accepted"], false);
    assert_eq!(card["cure"], OURS);
    // A machine type whose vmxnet3 loads no ROM.
    assert_eq!(report["guests"][2]["cards"][0]["accepted"], true);
    assert_eq!(report["reasons"]["efi-virtio.rom 256K to 512K"], 1);
}

#[test]
fn a_model_that_the_configuration_maps_is_judged_and_pinned() {
    let folder = folder(&[
        ("a.xml", &guest("a", "pc-q35-7.2", "my-nic")),
        (
            "romcompat.toml",
            "[devices]\n\"efi-eepro100.rom\" = [\"my-nic\"]\n",
        ),
    ]);
    let input = folder.path().join("a.xml");
    let (exit, report) = judged(&input, &[]);
    assert_eq!((exit, codes(&report)), (0, vec!["RC533"]), "unmapped");
    let configuration = folder.path().join("romcompat.toml");
    let with: [&dyn AsRef<OsStr>; 2] = [&"--config", &configuration];
    let (exit, report) = judged(&input, &with);
    assert_eq!((exit, codes(&report)), (1, vec!["RC531"]));
    let card = &report["guests"][0]["cards"][0];
    assert_eq!(card["rom"], "efi-eepro100.rom");
    let line = card["line"].as_str().unwrap();
    assert!(line.contains("/my-nic.rom: 0x40000 != 0x80000"), "{line}");
    let path = "/usr/share/qemu/compat-256k-efi-eepro100.rom";
    assert_eq!(card["cure"], path);
    let out = folder.path().join("pinned");
    let pin: [&dyn AsRef<OsStr>; 3] = [&"--pin", &"--out", &out];
    judged(&input, &[&with[..], &pin].concat());
    let pinned = fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(pinned).unwrap();
    assert!(text.contains(&format!("<rom file='{path}'/>")), "{text}");
}

#[test]
fn pins_come_and_go_without_another_byte() {
    let text = guest("a", "pc-q35-7.2", "virtio");
    let input = folder(&[("a.xml", &text)]);
    let pinned = input.path().join("pinned");
    // Without a folder nothing is written.
    let (exit, report) = judged(input.path(), &[&"--pin"]);
    assert_eq!(exit, 1);
    assert_eq!(report["changes"][0]["file"], Value::Null);

    let (exit, report) = judged(input.path(), &[&"--pin", &"--out", &pinned]);
    assert_eq!(exit, 0, "what would break is cured");
    assert_eq!(report["changes"][0]["is_applied"], false);
    let new = fs::read_to_string(pinned.join("a.xml")).unwrap();
    let line = format!("      <rom file='{OURS}'/>\n");
    let model = "      <model type='virtio'/>\n";
    assert_eq!(new, text.replace(model, &format!("{model}{line}")));
    let mode = fs::metadata(pinned.join("a.xml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "a definition may have passwords in it");

    let (exit, report) = judged(&pinned, &[]);
    assert_eq!(exit, 0, "{report}");
    let back = input.path().join("back");
    let (exit, _) = judged(&pinned, &[&"--unpin", &"--out", &back]);
    assert_eq!(exit, 0);
    assert_eq!(fs::read_to_string(back.join("a.xml")).unwrap(), text);

    let (exit, _) = judged(
        input.path(),
        &[&"--pin", &"--dry-run", &"--out", &input.path().join("x")],
    );
    assert_eq!(exit, 1);
    assert!(!input.path().join("x").exists());
}

#[test]
fn a_machine_type_is_upgraded_and_what_that_means_is_said() {
    let text = guest("a", "pc-q35-7.2", "virtio");
    let input = folder(&[("a.xml", &text)]);
    let out = input.path().join("out");
    let more: &[&dyn AsRef<OsStr>] = &[&"--upgrade-machine", &"pc-q35-10.0", &"--out", &out];
    let output = guests(input.path(), more);
    assert_eq!(status(&output), 0, "{}", words(&output));
    assert!(words(&output).contains("saved states and snapshots with memory no longer resume"));
    assert_eq!(
        fs::read_to_string(out.join("a.xml")).unwrap(),
        text.replace("pc-q35-7.2", "pc-q35-10.0")
    );
    assert!(words(&output).contains("whether its QEMU has pc-q35-10.0 could not be asked"));
}

#[test]
fn an_upgrade_that_cannot_be_is_a_finding_for_the_guest() {
    let sets: &[&dyn AsRef<OsStr>] = &[&"--format", &"json", &"--upgrade-machine"];
    for (machine, arch, wanted, found) in [
        ("pc-q35-7.2", "x86_64", "newest", "only its QEMU can say"),
        (
            "q35",
            "x86_64",
            "newest",
            "which version its machine type has",
        ),
        (
            "q35",
            "x86_64",
            "pc-q35-10.0",
            "which version its machine type has",
        ),
        ("pc-i440fx-7.2", "x86_64", "pc-q35-10.0", "another machine"),
        ("virt-7.2", "aarch64", "pc-q35-10.0", "virt-7.2 of aarch64"),
        ("pc-q35-7.2", "x86_64", "pc-q35-5.2", "is older"),
    ] {
        let text = guest("a", machine, "virtio").replace("x86_64", arch);
        let other = guest("b", "pc-q35-2.5", "virtio");
        let input = folder(&[("a.xml", &text), ("b.xml", &other)]);
        let out = input.path().join("out");
        let output = guests(input.path(), &[sets, &[&wanted, &"--out", &out]].concat());
        assert_eq!(status(&output), 1, "{}", words(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut findings = report["findings"].as_array().unwrap().iter();
        let is_it = |one: &&Value| one["code"] == "RC539" && one["subject"] == "a";
        let finding = findings.find(is_it).unwrap();
        assert!(
            finding["found"].as_str().unwrap().contains(found),
            "{finding}"
        );
        assert!(!out.join("a.xml").exists(), "{machine} to {wanted}");
        assert_eq!(out.join("b.xml").exists(), wanted != "newest");
    }
    let input = folder(&[("a.xml", &guest("a", "pc-q35-7.2", "virtio"))]);
    let output = guests(input.path(), &[&"--upgrade-machine", &"foo bar'>"]);
    assert_eq!(status(&output), 2);
}

/// A program in a folder of its own, with the text of a shell script.
fn program(name: &str, script: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    programs::write_script(&folder.path().join(name), &format!("#!/bin/sh\n{script}"));
    folder
}

/// A QEMU of an architecture, which knows these machine types.
fn qemu(machines: &str) -> TempDir {
    let script = format!(
        "case $1 in --version) echo QEMU emulator version 7.2.0;; *) cat <<'.'\nSupported machines are:\n{machines}\n.\nesac\n"
    );
    program("qemu", &script)
}

const PCS: &str = "q35 Standard PC (alias of pc-q35-7.2)\npc-q35-7.2 Standard PC\npc-q35-2.6 Standard PC\npc-q35-2.7 Standard PC";

#[test]
fn the_qemus_that_are_named_say_which_machine_types_there_are() {
    let emulator = qemu(PCS);
    let path = emulator.path().join("qemu");
    let own = |machine: &str| guest("a", machine, "virtio");
    let codes_of = |text: &str, more: &[&dyn AsRef<OsStr>]| {
        let input = folder(&[("a.xml", text)]);
        let (_, report) = judged(input.path(), more);
        let codes: Vec<String> = codes(&report)
            .iter()
            .map(|code| (*code).to_owned())
            .collect();
        codes
    };
    let named: &[&dyn AsRef<OsStr>] = &[&"--qemu", &path];
    assert_eq!(codes_of(&own("q35"), named), ["RC531"]);
    assert_eq!(codes_of(&own("pc-q35-7.2"), named), ["RC531"]);
    assert_eq!(codes_of(&own("pc-q35-10.0"), named), ["RC531", "RC534"]);
    // A QEMU of another architecture than the guest's says nothing of it.
    let arm = qemu("virt-7.2 ARM Virtual Machine");
    let arm = arm.path().join("qemu");
    let more: &[&dyn AsRef<OsStr>] = &[&"--qemu", &arm];
    assert_eq!(codes_of(&own("pc-q35-7.2"), more), ["RC531"]);
    let virt = |version: &str| {
        let text = guest("a", version, "virtio").replace("x86_64", "aarch64");
        codes_of(&text, more)
    };
    assert_eq!(virt("virt-7.2"), ["RC531"]);
    assert_eq!(virt("virt-9.2"), ["RC531", "RC534"]);
    // Of several, each says what it is of.
    for both in [[&arm, &path], [&path, &arm]] {
        let more: &[&dyn AsRef<OsStr>] = &[&"--qemu", both[0], &"--qemu", both[1]];
        assert_eq!(codes_of(&own("q35"), more), ["RC531"]);
        let text = guest("a", "virt-9.2", "virtio").replace("x86_64", "aarch64");
        assert_eq!(codes_of(&text, more), ["RC531", "RC534"]);
    }
}

#[test]
fn no_program_is_started_because_a_definition_names_it() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let (marker, program) = (at.join("started"), at.join("qemu"));
    let script = format!("#!/bin/sh\ntouch {}\n", marker.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let own = |text: String| text.replace("/no/such/emulator", program.to_str().unwrap());
    let definition = at.join("a.xml");
    fs::write(&definition, own(guest("a", "q35", "virtio"))).unwrap();
    let script = format!(
        "case \"$*\" in
        'list --all --name'*) echo a;;
        'list --name') ;;
        dumpxml*) cat {};;
        capabilities) echo '<capabilities/>';;
        esac",
        definition.display()
    );
    let upgrade: &[&dyn AsRef<OsStr>] = &[&"--upgrade-machine", &"newest"];
    for more in [&[][..], upgrade] {
        let mut guests = romcompat();
        guests.arg("guests").arg(&definition);
        let said = words(
            &guests
                .args(more.iter().map(AsRef::as_ref))
                .output()
                .unwrap(),
        );
        assert!(said.contains("`--qemu qemu-system-x86_64`"), "{said}");
        let said = words(&with_virsh(&script, more));
        assert!(said.contains("`--qemu qemu-system-x86_64`"), "{said}");
    }
    assert!(!marker.exists());
}

#[test]
fn an_upgrade_says_which_rom_each_card_gets() {
    let emulator = qemu(PCS);
    let path = emulator.path().join("qemu");
    let text = guest("a", "pc-q35-2.6", "vmxnet3");
    let input = folder(&[("a.xml", &text)]);
    let more: &[&dyn AsRef<OsStr>] = &[&"--qemu", &path, &"--upgrade-machine", &"newest", &"--pin"];
    let (exit, report) = judged(input.path(), more);
    assert_eq!(exit, 0, "{report}");
    let change = &report["changes"][0];
    let card = &change["cards"][0];
    assert_eq!(card["rom_before"], Value::Null);
    assert_eq!(card["rom_after"], "efi-vmxnet3.rom");
    assert_eq!(card["bar_after"], 524_288);
    let said = change["what"].to_string();
    assert!(
        said.contains("no ROM before, efi-vmxnet3.rom (512K) after"),
        "{said}"
    );
    assert!(!said.contains("could not be asked"), "{said}");

    // Pinned as well, the card keeps its BAR.
    let text = guest("a", "pc-q35-2.7", "virtio");
    let input = folder(&[("a.xml", &text)]);
    let out = input.path().join("out");
    let (exit, report) = judged(input.path(), &[more, &[&"--out", &out]].concat());
    assert_eq!(exit, 0, "{report}");
    let card = &report["changes"][0]["cards"][0];
    assert_eq!(card["rom_after"], OURS);
    assert_eq!(card["bar_before"], card["bar_after"]);
    let written = fs::read_to_string(out.join("a.xml")).unwrap();
    assert!(
        written.contains(OURS) && written.contains("pc-q35-7.2"),
        "{written}"
    );
}

#[test]
fn options_that_need_each_other_are_asked_for() {
    let input = folder(&[("a.xml", &guest("a", "pc-q35-7.2", "virtio"))]);
    let out = input.path().join("out");
    let (old, new) = (fixture(1), fixture(2));
    for (arguments, wanted) in [
        (vec![&"--new" as &dyn AsRef<OsStr>, &new], "--old"),
        (vec![&"--new", &new, &"--pin", &"--out", &out], "--old"),
        (vec![&"--unpin", &"--out", &out], "--mapping"),
        (vec![&"--old", &old], "--new"),
        (vec![&"--old", &old, &"--pin"], "--new"),
        (vec![&"--mapping", &old], "--new"),
        (
            vec![&"--old", &old, &"--new", &new, &"--out", &out],
            "--pin",
        ),
    ] {
        let output = guests(input.path(), &arguments);
        assert_eq!(status(&output), 2, "{}", words(&output));
        assert!(words(&output).contains(wanted), "{}", words(&output));
        assert!(!out.exists());
    }
    let output = guests(input.path(), &[]);
    assert_eq!(status(&output), 0);
    let text = words(&output);
    assert!(
        text.contains("1 guest, 0 would break, 1 not judged"),
        "{text}"
    );
}

#[test]
fn a_folder_without_definitions_is_an_error_and_standard_input_is_an_input() {
    let empty = folder(&[("a.txt", "")]);
    let output = guests(empty.path(), &[]);
    assert_eq!(status(&output), 3);
    assert!(
        words(&output).contains("no definition of a guest"),
        "{}",
        words(&output)
    );

    let input = folder(&[("a.xml", &guest("a", "pc-q35-7.2", "virtio"))]);
    let mut command = romcompat();
    let file = fs::File::open(input.path().join("a.xml")).unwrap();
    let output = command.args(["guests", "-"]).stdin(file).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    assert!(
        words(&output).contains("efi-virtio.rom"),
        "{}",
        words(&output)
    );
}

#[test]
fn what_pin_leaves_alone_stays_a_finding() {
    for (rom, next) in [
        ("<rom/>", "stands in the way"),
        ("<rom bar='on'/><rom bar='on'/>", "stands in the way"),
        (
            "<rom file='/srv/efi-virtio.rom'/>",
            "`--pin` leaves files alone",
        ),
    ] {
        let model = "<model type='virtio'/>";
        let text = guest("a", "pc-q35-7.2", "virtio");
        let left = text.replace(model, &format!("{model}{rom}"));
        let cured = guest("b", "pc-q35-7.2", "e1000");
        let input = folder(&[("a.xml", &left), ("b.xml", &cured)]);
        let out = input.path().join("out");
        let (exit, report) = judged(input.path(), &[&"--pin", &"--out", &out]);
        assert_eq!(exit, 1, "{report}");
        assert_eq!(codes(&report), ["RC531", "RC531"]);
        let step = report["findings"][0]["next_step"].as_str().unwrap();
        assert!(step.contains(next), "{step}");
        assert_eq!(report["guests"][0]["cards"][0]["cure"], Value::Null);
        assert_eq!(report["changes"].as_array().unwrap().len(), 1);
        assert!(!out.join("a.xml").exists());
        assert!(out.join("b.xml").exists());
    }
}

#[test]
fn two_guests_of_one_name_keep_everything_from_being_written() {
    let one = guest("a", "pc-q35-7.2", "virtio");
    let input = folder(&[
        ("a.xml", &one),
        ("b.xml", &one),
        ("c.xml", &guest("c", "pc-q35-7.2", "e1000")),
    ]);
    let out = input.path().join("out");
    let more: &[&dyn AsRef<OsStr>] = &[&"--pin", &"--force", &"--out", &out];
    let (exit, report) = judged(input.path(), more);
    assert_eq!(exit, 1);
    assert_eq!(report["blocked_by"].to_string(), "[\"RC535\"]");
    assert!(!out.exists());
    let sets: &[&dyn AsRef<OsStr>] = &[&"--old", &fixture(1), &"--new", &fixture(2)];
    let text = words(&guests(input.path(), &[sets, more].concat()));
    assert!(
        text.contains("nothing was written because of RC535"),
        "{text}"
    );
    // Silenced, they still do not take each other's place.
    let (exit, output) = {
        let allow: &[&dyn AsRef<OsStr>] = &[&"--allow", &"RC535"];
        let output = guests(input.path(), &[sets, more, allow].concat());
        (status(&output), words(&output))
    };
    assert_eq!(exit, 3);
    assert!(
        output.contains("two outputs would have this name"),
        "{output}"
    );
    assert!(!out.exists());

    // Names that look alike as files have a file each.
    let slash = guest("a/b", "pc-q35-7.2", "virtio");
    let input = folder(&[("a.xml", &slash), ("b.xml", &slash.replace("a/b", "a_b"))]);
    let out = input.path().join("out");
    assert_eq!(judged(input.path(), &[&"--pin", &"--out", &out]).0, 0);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
}

#[test]
fn names_of_compat_roms_go_by_the_configuration() {
    let input = folder(&[
        ("a.xml", &guest("a", "pc-q35-7.2", "virtio")),
        (
            "conf.toml",
            "name-pattern = \"former-{name}\"\ninstall-dir = \"/srv/roms\"\n",
        ),
    ]);
    let conf = input.path().join("conf.toml");
    let (_, report) = judged(input.path(), &[&"--config", &conf]);
    let cure = &report["guests"][0]["cards"][0]["cure"];
    assert_eq!(cure, "/srv/roms/former-efi-virtio.rom");
}

#[test]
fn a_name_is_no_command_for_the_terminal() {
    let text = guest("a", "q35", "virtio").replace("<name>a<", "<name>&#27;[2J&#10;b<");
    let input = folder(&[("a.xml", &text)]);
    let sets: &[&dyn AsRef<OsStr>] = &[&"--old", &fixture(1), &"--new", &fixture(2), &"--pin"];
    let text = words(&guests(input.path(), sets));
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(text.contains("\\u{1b}[2J\\nb"), "{text}");
}

#[test]
fn a_card_whose_old_rom_was_not_given_is_named() {
    let input = folder(&[
        ("a.xml", &guest("a", "pc-q35-7.2", "virtio")),
        ("b.xml", &guest("b", "pc-q35-7.2", "e1000")),
    ]);
    let old = input.path().join("efi-e1000.rom");
    let mut pad = romcompat();
    pad.arg("pad").arg(fixture(1)).args(["--size", "next"]);
    pad.args(["--select", "efi-e1000.rom", "--out"]).arg(&old);
    assert_eq!(status(&pad.output().unwrap()), 0);
    let sets: &[&dyn AsRef<OsStr>] = &[&"--old", &old, &"--new", &fixture(2)];
    let text = words(&guests(input.path(), sets));
    assert!(
        text.contains("RC538]: a: card 1 (virtio) loads efi-virtio.rom"),
        "{text}"
    );
    assert!(!text.contains("RC538]: b"), "{text}");
    assert!(text.contains("1 not judged"), "{text}");
}

#[test]
fn the_rom_of_a_video_card_is_judged_as_check_judges_it() {
    let host = TempDir::new().unwrap();
    let roms = [1, 2].map(|release| {
        let bytes = fs::read(fixture(release)).unwrap();
        let set = romcompat::romset::read("roms", bytes).unwrap();
        let folder = host.path().join(release.to_string());
        fs::create_dir(&folder).unwrap();
        let rom = set.find("efi-e1000.rom").unwrap();
        fs::write(folder.join("vgabios-stdvga.bin"), rom.bytes()).unwrap();
        folder
    });
    let with = |model: &str| {
        let text = guest("a", "pc-q35-7.2", "igb");
        let video = format!(
            "<video><model type='{model}'/><address type='pci' bus='0x00' slot='0x01'/></video>"
        );
        text.replace("  </devices>", &format!("{video}\n  </devices>"))
    };
    let input = folder(&[("a.xml", &with("vga"))]);
    let sets: &[&dyn AsRef<OsStr>] = &[&"--old", &roms[0], &"--new", &roms[1]];
    let json: &[&dyn AsRef<OsStr>] = &[&"--pin", &"--format", &"json"];
    let output = guests(input.path(), &[sets, json].concat());
    assert_eq!(status(&output), 1, "{}", words(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(codes(&report), ["RC531"]);
    let card = &report["guests"][0]["cards"][1];
    assert_eq!(
        (&card["kind"], &card["number"]),
        (&"video".into(), &1.into())
    );
    assert_eq!(card["device"], "VGA");
    let line = card["line"].as_str().unwrap();
    assert_eq!(
        line,
        "Size mismatch: 0000:00:01.0/vga.rom: 0x40000 != 0x80000: Invalid argument"
    );
    // libvirt cannot name a ROM for it, so nothing is pinned.
    assert_eq!(card["cure"], Value::Null);
    assert_eq!(report["changes"].as_array().unwrap().len(), 0);
    let step = report["findings"][0]["next_step"].as_str().unwrap();
    assert!(step.contains("libvirt has no element"), "{step}");
    let mut check = romcompat();
    let checked = words(&check.arg("check").args(&roms).output().unwrap());
    let sizes = line.rsplit_once("vga.rom").unwrap().1;
    assert!(checked.contains(&format!("vga.rom{sizes}")), "{checked}");
    // A file that neither host was given is said once, and counted.
    let other = folder(&[
        ("a.xml", &with("cirrus")),
        ("b.xml", &with("cirrus").replace(">a<", ">b<")),
    ]);
    let text = words(&guests(other.path(), sets));
    assert!(
        text.contains("2 guests, 0 would break, 2 not judged"),
        "{text}"
    );
    let said = "RC538]: vgabios-cirrus.bin: neither OLD nor NEW has it, and 2 guests load it, such as video card 1 of a;";
    assert_eq!(text.matches(said).count(), 1, "{text}");
}

#[test]
fn where_no_rom_given_is_for_a_video_card_guests_are_judged_by_the_others() {
    let with = |name: &str, card: &str, video: &str| {
        let video = format!("<video><model type='{video}'/></video>\n  </devices>");
        guest(name, "pc-q35-7.2", card).replace("  </devices>", &video)
    };
    let input = folder(&[
        ("a.xml", &with("a", "igb", "cirrus")),
        ("b.xml", &with("b", "igb", "vga")),
        ("c.xml", &with("c", "igb", "vga")),
        ("d.xml", &with("d", "virtio", "none")),
    ]);
    let (exit, report) = judged(input.path(), &[]);
    assert_eq!((exit, &report["breaking"]), (1, &1.into()));
    assert_eq!(report["not_judged"], 0);
    assert_eq!(report["guests"][0]["cards"][1]["accepted"], Value::Null);
    let mut all = codes(&report);
    all.sort_unstable();
    assert_eq!(all, ["RC531", "RC544"]);
    let mut findings = report["findings"].as_array().unwrap().iter();
    let note = findings.find(|one| one["code"] == "RC544").unwrap();
    assert_eq!(
        note["found"],
        "2 display ROMs of 3 guests not compared: vgabios-cirrus.bin, vgabios-stdvga.bin"
    );
    // A ROM of one of them on one side alone, and all are judged.
    let side = input.path().join("side");
    fs::create_dir(&side).unwrap();
    let bytes = fs::read(fixture(1)).unwrap();
    for rom in romcompat::romset::read("roms", bytes).unwrap().roms {
        fs::write(side.join(rom.name()), rom.bytes()).unwrap();
        fs::write(side.join("vgabios-stdvga.bin"), rom.bytes()).unwrap();
    }
    let sets: &[&dyn AsRef<OsStr>] = &[&"--old", &side, &"--new", &fixture(2)];
    let json: &[&dyn AsRef<OsStr>] = &[&"--format", &"json"];
    let output = guests(input.path(), &[sets, json].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["breaking"], &report["not_judged"]),
        (&3.into(), &1.into())
    );
    assert!(!codes(&report).contains(&"RC544"), "{report}");
}

/// Runs `guests` with a program in the place of virsh.
fn with_virsh(script: &str, arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let folder = program("virsh", &format!("shift 3\n{script}"));
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap()
    );
    let mut command = romcompat();
    command
        .args(["guests", "--connect", "qemu+ssh://host/system"])
        .env("PATH", path);
    command.args(arguments.iter().map(|argument| argument.as_ref()));
    command.output().unwrap()
}

#[test]
fn a_remote_libvirt_says_which_machine_types_its_qemu_has() {
    let definitions = folder(&[
        (
            "a.xml",
            &guest("a", "q35", "virtio").replace("/no/such/emulator", "/usr/bin/q"),
        ),
        (
            "b.xml",
            &guest("b", "pc-q35-10.0", "virtio").replace("/no/such/emulator", "/usr/bin/q"),
        ),
    ]);
    let script = format!(
        "case \"$*\" in
        'list --all --name') printf 'a\\nb\\n';;
        'list --name') echo b;;
        dumpxml*) for name; do :; done; cat {}/$name.xml;;
        capabilities) cat <<.
<capabilities><guest><arch name='x86_64'><emulator>/usr/bin/q</emulator>
<machine>pc-q35-7.2</machine><machine canonical='pc-q35-7.2'>q35</machine></arch></guest></capabilities>
.
        esac",
        definitions.path().display()
    );
    let sets: &[&dyn AsRef<OsStr>] = &[
        &"--old",
        &fixture(1),
        &"--new",
        &fixture(2),
        &"--format",
        &"json",
    ];
    let output = with_virsh(&script, sets);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["guests"][0]["resolved_machine"], "pc-q35-7.2");
    assert_eq!(codes(&report), ["RC531", "RC531", "RC534"], "{report}");
    assert_eq!(report["findings"][2]["subject"], "b");
}

#[test]
fn a_guest_that_vanishes_is_named_and_the_others_are_judged() {
    let definitions = folder(&[("b.xml", &guest("b", "pc-q35-7.2", "virtio"))]);
    let gone = definitions.path().join("gone");
    let script = |listed_again: &str| {
        format!(
        "case \"$*\" in
        'list --all --name') test -e {gone} && echo {listed_again} || printf 'a\\nb\\n'; touch {gone};;
        *' a') echo no domain >&2; exit 1;;
        dumpxml*) cat {}/b.xml;;
        esac",
        definitions.path().display(), gone = gone.display()
    )
    };
    let output = with_virsh(&script("b"), &[&"--format", &"json"]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(codes(&report), ["RC540"]);
    assert_eq!(report["guests"][0]["name"], "b");
    // One that is still there and cannot be read is another matter.
    fs::remove_file(&gone).unwrap();
    let output = with_virsh(&script("a"), &[]);
    assert_eq!(status(&output), 3);
    assert!(words(&output).contains("no domain"), "{}", words(&output));
}

#[test]
fn an_apply_that_libvirt_stops_says_what_it_took_and_goes_on_later() {
    let definitions = folder(&[]);
    for name in ["a", "b", "c"] {
        let text = guest(name, "pc-q35-7.2", "virtio");
        fs::write(definitions.path().join(format!("{name}.xml")), text).unwrap();
    }
    let at = definitions.path().display();
    let script = format!(
        "case \"$*\" in
        'list --all --name --persistent') printf 'a\\nb\\nc\\n';;
        'list --name') echo c;;
        dumpxml*) for name; do :; done; cat {at}/$name.xml;;
        define*/b.xml) test -e {at}/mended || {{ echo no >&2; exit 1; }}; cp $4 {at}/b.xml;;
        define*) cp $4 {at}/$(basename $4);;
        esac"
    );
    let out = definitions.path().join("out");
    let apply: &[&dyn AsRef<OsStr>] = &[
        &"--old",
        &fixture(1),
        &"--new",
        &fixture(2),
        &"--pin",
        &"--out",
        &out,
        &"--apply",
    ];
    let output = with_virsh(&script, apply);
    let text = words(&output);
    assert_eq!(status(&output), 3, "{text}");
    assert!(
        text.contains("libvirt has taken: a\nnot taken: b, c"),
        "{text}"
    );
    fs::write(definitions.path().join("mended"), "").unwrap();
    let output = with_virsh(&script, apply);
    let text = words(&output);
    assert_eq!(status(&output), 0, "{text}");
    assert_eq!(text.matches("changed in libvirt").count(), 2);
    assert_eq!(text.matches("it runs, and stays as it is").count(), 1);
    let before = fs::read_to_string(out.join("former/a.xml")).unwrap();
    assert!(!before.contains(OURS), "{before}");
}

#[test]
fn guests_whose_names_look_like_our_files_and_long_ones_are_kept_apart() {
    let definitions = folder(&[]);
    let long = "l".repeat(245);
    let names = ["x", "x.before", "former", &long];
    for name in names {
        let text = guest(name, "pc-q35-7.2", "virtio");
        fs::write(definitions.path().join(format!("{name}.xml")), text).unwrap();
    }
    let at = definitions.path().display();
    let script = format!(
        "case \"$*\" in
        'list --all --name --persistent') printf 'x\\nx.before\\nformer\\n{long}\\n';;
        'list --name') ;;
        dumpxml*) for name; do :; done; cat {at}/$name.xml;;
        define*) ;;
        esac"
    );
    let out = definitions.path().join("out");
    let apply: &[&dyn AsRef<OsStr>] = &[
        &"--old",
        &fixture(1),
        &"--new",
        &fixture(2),
        &"--pin",
        &"--out",
        &out,
        &"--apply",
    ];
    let output = with_virsh(&script, apply);
    assert_eq!(status(&output), 0, "{}", words(&output));
    for name in names {
        let text = |folder: &Path| fs::read_to_string(folder.join(format!("{name}.xml"))).unwrap();
        assert!(text(&out).contains(OURS));
        assert_eq!(text(&out.join("former")), text(definitions.path()));
    }
}

/// The mapping that a package of the old release brings.
fn mapping(folder: &Path) -> PathBuf {
    let out = folder.join("dist");
    let mut build = romcompat();
    build.arg("build").arg("--generation");
    build.arg(format!("7.2={}", fixture(1).display()));
    build.arg(fixture(2)).arg("--out").arg(&out);
    assert_eq!(status(&build.output().unwrap()), 0);
    let mut debs = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let deb = debs.find(|path| path.extension() == Some(OsStr::new("deb")));
    let bytes = fs::read(deb.unwrap()).unwrap();
    let mut manifest = Vec::new();
    romcompat::deb::BinaryPackage::read(&bytes)
        .unwrap()
        .for_each_entry(|entry, content| {
            if entry.path.ends_with("/manifest.json") {
                content.read_to_end(&mut manifest)?;
            }
            Ok::<_, std::io::Error>(())
        })
        .unwrap();
    let path = folder.join("manifest.json");
    fs::write(&path, manifest).unwrap();
    path
}

#[test]
fn guests_that_would_be_started_anew_with_another_size_are_named_by_the_mapping_alone() {
    let folder = TempDir::new().unwrap();
    let mapping = mapping(folder.path());
    let input = folder.path().join("guests");
    fs::create_dir(&input).unwrap();
    for (name, machine) in [("old", "pc-q35-7.2"), ("young", "pc-q35-10.0")] {
        let text = guest(name, machine, "virtio");
        fs::write(input.join(format!("{name}.xml")), text).unwrap();
    }
    let sets: &[&dyn AsRef<OsStr>] = &[&"--mapping", &mapping, &"--new", &fixture(2)];
    let out = folder.path().join("out");
    let pin: &[&dyn AsRef<OsStr>] = &[&"--pin", &"--out", &out];
    let output = guests(&input, &[sets, pin].concat());
    let text = words(&output);
    assert_eq!(status(&output), 0, "{text}");
    assert!(text.contains("error[RC531]: old: "), "{text}");
    assert!(!text.contains("young: "), "{text}");
    assert!(
        fs::read_to_string(out.join("old.xml"))
            .unwrap()
            .contains(OURS)
    );
    assert!(!out.join("young.xml").exists());
    // Which machine type an alias stands for decides, and is not known.
    fs::write(input.join("alias.xml"), guest("alias", "q35", "virtio")).unwrap();
    let text = words(&guests(&input, sets));
    assert!(text.contains("1 would break, 1 not judged"), "{text}");
    assert!(text.contains("RC534]: alias: "), "{text}");
}

#[test]
fn a_manifest_that_is_wrong_judges_no_guest_and_is_named_with_its_place() {
    let folder = TempDir::new().unwrap();
    let path = mapping(folder.path());
    let sound = fs::read_to_string(&path).unwrap();
    let input = folder.path().join("a.xml");
    fs::write(&input, guest("a", "pc-q35-7.2", "virtio")).unwrap();
    for (right, wrong, said) in [
        (
            "\"bar\": 262144",
            "\"bar\": 300000",
            "roms[0].bar: 300000 is 300000 bytes, and a ROM BAR is a power of two",
        ),
        (
            "\"schema_version\": 1",
            "\"schema_version\": 2",
            "line 2, column 21, schema_version: the manifest has schema version 2, and this romcompat reads version 1",
        ),
        (
            "\"name\": \"compat-256k-efi-e1000.rom\"",
            "\"name\": \"../compat-256k-efi-e1000.rom\"",
            "roms[0].name: `../compat-256k-efi-e1000.rom` is not a plain file name",
        ),
        (
            "\"up_to\": \"7.2\"",
            "\"up_to\": \"seven\"",
            "ranges[2].up_to: `seven` is no version of QEMU",
        ),
    ] {
        assert!(sound.contains(right), "{right}");
        fs::write(&path, sound.replacen(right, wrong, 1)).unwrap();
        let output = guests(&input, &[&"--mapping", &path, &"--new", &fixture(2)]);
        assert_eq!(status(&output), 3);
        let text = words(&output);
        assert!(text.contains(said), "{said} in {text}");
        assert!(text.contains("give the manifest.json of a compat package"));
    }
}

#[test]
fn what_cannot_be_judged_is_a_finding() {
    for (text, wanted) in [
        (
            guest("a", "pc-q35-7.2", "virtio").replace("interface", "x"),
            "RC536",
        ),
        (guest("a", "pc-q35-7.2", "made-up"), "RC533"),
        (guest("a", "q35", "e1000-82545em"), "RC534"),
        (
            guest("a", "pc-q35-7.2", "virtio").replace("<mac ", "<rom file='/own.rom'/><mac "),
            "RC532",
        ),
        ("<domain>".to_owned(), "RC537"),
        ("<!DOCTYPE domain []><domain/>".to_owned(), "RC537"),
        ("\u{feff}<network/>".to_owned(), "RC537"),
    ] {
        let input = folder(&[("a.xml", &text)]);
        let (_, report) = judged(input.path(), &[]);
        assert!(codes(&report).contains(&wanted), "{wanted}: {report}");
    }
    let one = guest("a", "pc-q35-7.2", "e1000e");
    let input = folder(&[("a.xml", &one), ("b.xml", &one)]);
    let (_, report) = judged(input.path(), &[]);
    assert!(codes(&report).contains(&"RC535"), "{report}");
}

#[test]
fn nothing_is_written_where_a_definition_cannot_be_read() {
    let good = guest("a", "pc-q35-7.2", "virtio");
    let input = folder(&[("a.xml", &good)]);
    for bad in [
        vec![0xff; 10],
        [b"<domain>".to_vec(), vec![b' '; 100 << 20]].concat(),
        "<?xml version='1.0' encoding='UTF-16'?><domain/>".into(),
    ] {
        fs::write(input.path().join("b.xml"), bad).unwrap();
        let out = input.path().join("out");
        let (exit, report) = judged(input.path(), &[&"--pin", &"--out", &out]);
        assert_eq!(exit, 1);
        assert!(codes(&report).contains(&"RC537"), "{report}");
        assert!(!out.exists());
    }
    let output = guests(&input.path().join("none"), &[]);
    assert_eq!(status(&output), 3);
    let mapping = input.path().join("b.xml");
    let output = guests(
        input.path(),
        &[&"--mapping", &mapping, &"--new", &fixture(2)],
    );
    assert_eq!(status(&output), 3);
    assert!(
        words(&output).contains("give the manifest.json"),
        "{}",
        words(&output)
    );
}
