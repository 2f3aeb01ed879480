//! `prove` with real QEMU, and with programs that only pretend to be one.

use crate::common::{romcompat, words};
use crate::fetched::{
    bookworm_path, build_into, grown_release, host_version, romcompat_on_bookworm, the_deb,
    trixie_qemu,
};
use crate::privilege::unshared;
use crate::programs::write_script;
use romcompat::qemu::Arch;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Runs `prove` on bookworm's ROMs and the grown ones.
fn prove(more: &[&str]) -> Output {
    let (old, new) = grown_release();
    let mut command = romcompat_on_bookworm();
    command.arg("prove").arg(old).arg(new.path()).args(more);
    command.output().unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(output)))
}

fn boots(output: &Output) -> Vec<String> {
    let report = report(output);
    let boots = report["boots"].as_array().unwrap().iter();
    boots
        .map(|boot| {
            let word = |key: &str| boot[key].as_str().unwrap().to_owned();
            let expected = boot["expected"].as_bool().unwrap();
            assert_eq!(boot["outcome"], "passed", "{boot}");
            let reached = if expected { "reached" } else { "not reached" };
            let machine = word("machine").replace("-7.2", "");
            format!("{} {machine} {} {reached}", word("device"), word("place"))
        })
        .collect()
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn every_card_goes_to_a_newer_host_with_the_package_and_back() {
    let dist = TempDir::new().unwrap();
    let deb = build_into(dist.path());
    let newer = trixie_qemu();
    let output = prove(&[
        "--package",
        deb.to_str().unwrap(),
        "--dest-qemu",
        newer.to_str().unwrap(),
        "--format",
        "json",
    ]);
    assert!(output.status.success(), "{}", words(&output));
    let report = report(&output);
    let migrations = report["migrations"].as_array().unwrap();
    for device in [
        "virtio-net-pci-transitional",
        "e1000-82544gc",
        "vmxnet3",
        "ne2k_pci",
    ] {
        let of_device = migrations.iter().filter(|proof| proof["device"] == device);
        let accepted = of_device
            .filter(|proof| proof["scenario"].as_str().unwrap().starts_with("compat-by"))
            .filter(|proof| proof["outcome"] == "passed");
        assert_eq!(accepted.count(), 4, "{device}");
    }
    let refused = migrations
        .iter()
        .find(|proof| proof["device"] == "virtio-net-pci" && proof["scenario"] == "old-to-new");
    assert_eq!(
        refused.unwrap()["expected"]["line"],
        "Size mismatch: 0000:00:04.0/virtio-net-pci.rom: 0x40000 != 0x80000: Invalid argument"
    );
    println!("proved: {} migrations with the package", migrations.len());
    let i825xx = migrations
        .iter()
        .filter(|proof| proof["device"].as_str().unwrap().starts_with("i825"));
    assert_eq!(
        i825xx.count(),
        0,
        "pxe-eepro100.rom has not changed its size"
    );
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn the_cards_with_a_rom_of_128k_are_handled_as_what_they_are() {
    let (old, _) = grown_release();
    let new = TempDir::new().unwrap();
    let mut pad = romcompat();
    pad.arg("pad")
        .arg(&old)
        .args(["--select", "pxe-eepro100.rom", "--size", "256K"]);
    assert!(
        pad.arg("--out")
            .arg(new.path())
            .output()
            .unwrap()
            .status
            .success()
    );
    let mut command = romcompat_on_bookworm();
    command.arg("prove").arg(&old).arg(new.path());
    let i825xx = ["i82550", "i82557b", "i82562", "i82801"];
    command.args(i825xx.iter().flat_map(|name| ["--device", name]));
    let output = command.args(["--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let report = report(&output);
    let refused = report["migrations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|proof| proof["device"] == "i82801" && proof["scenario"] == "old-to-new");
    assert_eq!(
        refused.unwrap()["expected"]["line"],
        "Size mismatch: 0000:00:04.0/i82801.rom: 0x20000 != 0x40000: Invalid argument"
    );
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn network_boot_is_reached_where_the_plan_says_so_and_nowhere_else() {
    let devices = ["virtio-net-pci", "ne2k_pci", "e1000", "rtl8139"];
    let mut arguments = vec!["--boot", "--format", "json"];
    arguments.extend(devices.iter().flat_map(|name| ["--device", name]));
    let output = prove(&arguments);
    assert!(output.status.success(), "{}", words(&output));
    let found = boots(&output);
    let under_ovmf = report(&output)["boots"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|boot| boot["firmware"] == "OVMF")
        .count();
    assert_eq!(
        under_ovmf, 6,
        "ne2k_pci, e1000 and rtl8139 on both machines"
    );
    for wanted in [
        "virtio-net-pci pc-i440fx root-bus not reached",
        "virtio-net-pci pc-q35 root-bus not reached",
        "virtio-net-pci pc-q35 behind-port reached",
        "ne2k_pci pc-i440fx root-bus reached",
        "e1000 pc-i440fx root-bus reached",
        "rtl8139 pc-q35 root-bus reached",
    ] {
        assert!(
            found.iter().any(|boot| boot == wanted),
            "{wanted} in {found:?}"
        );
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn a_compat_rom_with_room_for_both_ids_boots_in_every_place() {
    let (new, old) = grown_release();
    let mut command = romcompat_on_bookworm();
    command.arg("prove").arg(old.path()).arg(new);
    command.args(["--device", "virtio-net-pci", "--boot", "--format", "json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(
        boots(&output),
        [
            "virtio-net-pci pc-i440fx root-bus reached",
            "virtio-net-pci pc-q35 root-bus reached",
            "virtio-net-pci pc-q35 behind-port reached",
        ]
    );
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn shares_try_everything_once_and_every_record_is_kept() {
    let folder = TempDir::new().unwrap();
    let keep = folder.path().join("records");
    let mut count = 0;
    for share in ["1/3", "2/3", "3/3"] {
        let junit = folder.path().join(share.replace('/', "-of-"));
        let output = prove(&[
            "--device",
            "e1000",
            "--partition",
            share,
            "--keep",
            keep.to_str().unwrap(),
            "--junit",
            junit.to_str().unwrap(),
            "--format",
            "json",
        ]);
        assert!(output.status.success(), "{}", words(&output));
        count += report(&output)["migrations"].as_array().unwrap().len();
        assert!(
            fs::read_to_string(junit)
                .unwrap()
                .contains("<testsuite name=\"migrations\"")
        );
    }
    assert_eq!(count, 18);
    assert_eq!(fs::read_dir(&keep).unwrap().count(), 18);
    let record = keep.join("e1000-pc-i440fx-7.2-old-to-new.txt");
    let text = fs::read_to_string(record).unwrap();
    assert!(
        text.contains("Size mismatch: 0000:00:04.0/e1000.rom"),
        "{text}"
    );
    assert!(
        text.contains("-device 'e1000,bus=pci.0,addr=0x4'"),
        "{text}"
    );
}

/// A program that answers like QEMU until it is asked to run a machine.
fn pretender(folder: &Path, then: &str) -> String {
    let path = folder.join("qemu");
    let script = format!(
        "#!/bin/sh\ncase \"$1 $2\" in\n\
         '--version ') echo 'QEMU emulator version 7.2.0' ;;\n\
         '-machine help') echo 'pc-i440fx-7.2  x' ;;\n\
         *) {then} ;;\nesac\n"
    );
    write_script(&path, &script);
    path.to_str().unwrap().to_owned()
}

/// Runs `prove` to a destination that does something else than QEMU as soon as
/// a guest comes.
fn prove_to(folder: &Path, then: &str, more: &[&str]) -> Output {
    let answer = "read x; echo '{\"return\": {}}'";
    let destination = format!(
        "case \"$*\" in *-incoming*) ;; *) exec qemu-system-x86_64 \"$@\" ;; esac\n\
         echo '{{\"QMP\": {{}}}}'; {answer}; {answer}; read x; {then}"
    );
    let qemu = pretender(folder, &destination);
    let arguments = ["--dest-qemu", &qemu, "--device", "e1000", "--timeout", "2"];
    prove(&[&arguments, more].concat())
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn a_refusal_for_another_part_of_the_guest_proves_nothing() {
    let folder = TempDir::new().unwrap();
    let line = "Size mismatch: vga.vram: 0x1000000 != 0x800000: Invalid argument";
    let output = prove_to(
        folder.path(),
        &format!("echo 'qemu: {line}' >&2; exit 1"),
        &[],
    );
    let text = words(&output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(
        text.contains("error[RC402]") && text.contains(line),
        "{text}"
    );
    assert!(!text.contains("RC401"), "{text}");
    let mut command = romcompat_on_bookworm();
    let (old, new) = grown_release();
    let qemu = folder.path().join("qemu");
    command.arg("prove").arg(old).arg(new.path());
    command.args(["--device", "e1000", "--warn", "RC402", "--dest-qemu"]);
    let output = command.arg(qemu).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn what_prove_prints_is_what_the_schema_says() {
    let folder = TempDir::new().unwrap();
    let schema = include_str!("../../src/report/schema/prove.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let json = ["--format", "json"];
    let refuses = "echo 'qemu: VQ 0 vring.num 1024 exceeds allocated max 256' >&2; exit 1";
    let is_rom = "echo 'qemu: Size mismatch: 0000:00:04.0/e1000.rom: 0x1 != 0x2' >&2; exit 1";
    let device = ["--device", "virtio-net-pci", "--boot"];
    let outputs = [
        prove(&[&device[..], &json].concat()),
        prove_to(folder.path(), refuses, &json),
        prove_to(folder.path(), is_rom, &json),
        prove_to(folder.path(), "exit 3", &json),
    ];
    let statuses = outputs
        .each_ref()
        .map(|output| output.status.code().unwrap());
    assert_eq!(statuses, [0, 4, 1, 4]);
    for output in &outputs {
        let document = report(output);
        let errors = validator.iter_errors(&document);
        let wrong: Vec<_> = errors
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert_eq!(wrong, [""; 0]);
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn a_qemu_that_hangs_is_asked_twice_and_no_more() {
    let folder = TempDir::new().unwrap();
    let output = prove_to(folder.path(), "exec sleep 600", &[]);
    let text = words(&output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("has hung 2 times"), "{text}");
}

#[test]
#[ignore = "needs fetched ROMs"]
fn a_qemu_that_does_not_do_its_part_gives_no_verdict_and_a_reason() {
    let folder = TempDir::new().unwrap();
    for (then, reason) in [
        (
            "exec sleep 600",
            "QEMU gave no answer to `start` within 1 s",
        ),
        (
            "echo hello",
            "QEMU's monitor said `hello`, which is no message of QMP",
        ),
        (
            "echo 'no accelerator' >&2; exit 1",
            "QEMU closed its monitor at `start`: no accelerator",
        ),
        (
            "echo '{\"QMP\": {}}'; read x; echo '{\"return\": {}}'; read x",
            "QEMU closed its monitor at `migrate-set-capabilities`",
        ),
        ("yes", "which is no message of QMP"),
        ("exec cat /dev/zero", "QEMU"),
    ] {
        let qemu = pretender(folder.path(), then);
        let output = prove(&[
            "--source-qemu",
            &qemu,
            "--dest-qemu",
            &qemu,
            "--device",
            "e1000",
            "--timeout",
            "1",
        ]);
        let text = words(&output);
        assert_eq!(output.status.code(), Some(4), "{then}: {text}");
        assert!(
            text.contains("error[RC403]") && text.contains(reason),
            "{then}: {text}"
        );
    }
    for (then, reason) in [
        (
            "kill -SEGV $$",
            "QEMU closed its monitor at `migrate-incoming`, killed by signal 11",
        ),
        (
            "exit 3",
            "QEMU closed its monitor at `migrate-incoming`, with exit status 3",
        ),
        (
            "exec sleep 600 >&-",
            "QEMU closed its monitor at `migrate-incoming`",
        ),
        (
            "echo 'x: warning: no peer' >&2; exit 1",
            "QEMU closed its monitor at `migrate-incoming`",
        ),
        (
            "echo '{\"event\": \"MIGRATION\", \"data\": {\"status\": \"failed\"}}'; exit 1",
            "the migration failed, and QEMU does not say why",
        ),
    ] {
        let output = prove_to(folder.path(), then, &[]);
        let text = words(&output);
        assert_eq!(output.status.code(), Some(4), "{then}: {text}");
        assert!(
            text.contains("error[RC403]") && text.contains(reason),
            "{then}: {text}"
        );
        assert!(!text.contains("RC402"), "{then}: {text}");
    }
    let missing = folder.path().join("none");
    for (command, reason) in [
        (missing.to_str().unwrap(), "No such file or directory"),
        ("sh -c :", "prints nothing"),
        ("/bin/echo", "prints no version of QEMU"),
    ] {
        let output = prove(&["--source-qemu", command, "--device", "e1000"]);
        assert_eq!(output.status.code(), Some(4), "{}", words(&output));
        assert!(words(&output).contains(reason), "{}", words(&output));
    }
    let output = prove(&["--source-qemu", "'unbalanced"]);
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
}

#[test]
#[ignore = "needs fetched ROMs, QEMU, and root for a small file system"]
fn a_full_disk_gives_no_verdict_and_leaves_nothing() {
    let (old, new) = grown_release();
    let program = romcompat().get_program().to_owned();
    let prove_in = |kib: u64| {
        let script = format!(
            "mount -t tmpfs -o size={kib}k tmpfs /mnt && \
             env TMPDIR=/mnt \"$0\" prove \"$1\" \"$2\" --device e1000; \
             status=$?; ls -A /mnt; exit $status"
        );
        let output = unshared("sh")
            .env("PATH", bookworm_path())
            .args(["-c", &script])
            .args([&program, old.as_os_str(), new.path().as_os_str()])
            .output()
            .unwrap();
        let text = words(&output);
        if output.status.code() != Some(0) {
            assert_eq!(output.status.code(), Some(4), "{kib}: {text}");
            assert!(text.contains("No space left on device"), "{kib}: {text}");
        }
        assert!(!text.contains("\nromcompat-"), "{kib}: {text}");
        text
    };
    // The smallest disk that holds the ROMs has no room for a guest.
    let (mut small, mut large): (u64, u64) = (64, 64 << 10);
    while large - small > 64 {
        let middle = small.midpoint(large);
        if prove_in(middle).contains("Old host:") {
            large = middle;
        } else {
            small = middle;
        }
    }
    let text = prove_in(large);
    let why = "the guest cannot be saved: cat: write error: No space left on device";
    assert!(text.contains(why), "{large}: {text}");
}

/// Processes whose command line or current folder has this in it.
fn processes_with(part: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| {
            let command = fs::read(entry.path().join("cmdline")).ok()?;
            let folder = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let words = String::from_utf8_lossy(&command).replace('\0', " ");
            (words.contains(part) || folder.to_string_lossy().contains(part)).then_some(words)
        })
        .collect()
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn a_package_that_does_not_help_is_no_success() {
    // Its compat ROMs have the 512K of the releases in between.
    let (old, grown) = grown_release();
    let folder = TempDir::new().unwrap();
    let next = folder.path().join("next");
    let mut pad = romcompat();
    pad.args(["pad", "--size", "1M", "--select", "efi-*", "--out"]);
    let output = pad.arg(&next).arg(grown.path()).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let mut build = romcompat();
    build
        .args(["build", "--package-version", "1.0"])
        .arg(grown.path())
        .arg(&next);
    build.args(["--maintainer", "A Maintainer <maintainer@example.org>"]);
    build
        .args(["--copyright", "LICENSE-MIT"])
        .env("SOURCE_DATE_EPOCH", "1700000000");
    let dist = folder.path().join("dist");
    let output = build.arg("--out").arg(&dist).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let mut command = romcompat_on_bookworm();
    command
        .arg("prove")
        .arg(&old)
        .arg(&next)
        .arg("--package")
        .arg(the_deb(&dist));
    command.args(["--device", "e1000", "--device", "i82550"]);
    let output = command.output().unwrap();
    let text = words(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for scenario in [
        "compat-by-globals",
        "compat-by-readconfig",
        "compat-to-old",
        "compat-to-old-by-readconfig",
    ] {
        let finding = format!("error[RC401]: e1000 on pc-i440fx-7.2, {scenario}: ");
        assert!(text.contains(&finding), "{scenario}: {text}");
    }
    assert!(!text.contains("i82550 on pc-i440fx-7.2:"), "{text}");
    // A package for other cards.
    let mut build = romcompat();
    build.arg("build").arg(&old).arg(grown.path());
    let other = folder.path().join("other");
    build
        .args(["--select", "efi-rtl8139.rom", "--out"])
        .arg(&other);
    let output = build.output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let deb = the_deb(&other);
    let output = prove(&["--device", "e1000", "--package", deb.to_str().unwrap()]);
    let text = words(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let finding = "error[RC401]: e1000 on pc-i440fx-7.2: its efi-e1000.rom breaks";
    assert!(text.contains(finding), "{text}");
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn an_old_machine_type_is_tried_with_the_rom_that_it_loads() {
    let output = prove(&[
        "--machine",
        "pc-i440fx-1.4",
        "--device",
        "virtio-net-pci",
        "--device",
        "virtio-net-pci",
        "--format",
        "json",
    ]);
    assert!(output.status.success(), "{}", words(&output));
    let report = report(&output);
    let migrations = report["migrations"].as_array().unwrap();
    assert_eq!(migrations.len(), 4, "a repeated device counts once");
    for migration in migrations {
        assert_eq!(migration["outcome"], "passed", "{migration}");
        assert_eq!(migration["expected"]["verdict"], "accepted", "{migration}");
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn what_is_left_out_is_named_and_nothing_at_all_is_no_proof() {
    let arm = format!("virt-{}", host_version(Arch::Aarch64));
    for (arguments, status, reason) in [
        (
            &["--device", "vmxnet3", "--machine", "pc-i440fx-2.6"][..],
            4,
            "no migrations of vmxnet3 on pc-i440fx-2.6: this machine type gives it no ROM",
        ),
        (
            &["--boot", "--arch", "aarch64", "--device", "e1000"],
            4,
            &*format!("no network boot of e1000 on {arm}: only PCs are started"),
        ),
        (
            &["--boot", "--device", "virtio-net-pci", "--partition", "4/6"],
            0,
            "Left out: no network boot under OVMF of virtio-net-pci on pc-i440fx-7.2, \
             virtio-net-pci on pc-q35-7.2: OVMF has a driver of its own for it",
        ),
        (
            &["--device", "e1000", "--partition", "50/50"],
            0,
            "Nothing was tried",
        ),
        (&["--dest-qemu", ""], 2, "names no QEMU"),
        (&["--dest-qemu", "''"], 2, "names no QEMU"),
    ] {
        let output = prove(arguments);
        let text = words(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
        assert!(text.contains(reason), "{arguments:?}: {text}");
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn an_output_without_a_place_is_found_before_any_guest_is_started() {
    let folder = TempDir::new().unwrap();
    let record = folder.path().join("e1000-pc-q35-7.2-new-to-old.txt");
    fs::write(&record, "kept").unwrap();
    let keep = folder.path().to_str().unwrap();
    let junit = folder.path().join("absent/junit.xml");
    for (arguments, reason) in [
        (["--keep", keep], "`--force` overwrites it"),
        (
            ["--junit", record.to_str().unwrap()],
            "`--force` overwrites it",
        ),
        (
            ["--junit", junit.to_str().unwrap()],
            "No such file or directory",
        ),
    ] {
        let output = prove(&[&["--device", "e1000"][..], &arguments].concat());
        let text = words(&output);
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains(reason), "{text}");
        assert!(!text.contains("Old host:"), "{text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Kills proofs at moments that have nothing to do with what they are at, which
/// are spread over `span`, and looks that each leaves nothing.
fn kill_proofs(rounds: u32, span: Duration, signals: &[&str], more: &[&str]) {
    let (old, new) = grown_release();
    let temporary = TempDir::new().unwrap();
    let name = temporary.path().to_str().unwrap().to_owned();
    for round in 0..rounds {
        let mut command = romcompat_on_bookworm();
        command.arg("prove").arg(&old).arg(new.path()).args(more);
        command.env("TMPDIR", temporary.path());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines() {
                let _ = sender.send(line);
            }
        });
        let moment = span * ((round * 37) % rounds) / rounds;
        assert!(
            lines.recv_timeout(moment).is_err(),
            "a proof of all cards takes longer"
        );
        let signal = signals[round as usize % signals.len()];
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        child.wait().unwrap();
        let left = || {
            let folders = fs::read_dir(temporary.path()).unwrap();
            let folders = folders.map(|entry| entry.unwrap().path().display().to_string());
            folders.chain(processes_with(&name)).collect::<Vec<_>>()
        };
        wait_until(
            || left().is_empty(),
            || format!("round {round}: {:?}", left()),
        );
    }
}

const SIGNALS: [&str; 3] = ["KILL", "TERM", "INT"];

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn fifty_proofs_that_are_killed_leave_no_qemu_and_no_folder() {
    kill_proofs(50, Duration::from_millis(600), &SIGNALS, &[]);
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn cold_starts_that_are_killed_leave_no_qemu_and_no_folder() {
    let cards = ["--boot", "--device", "e1000", "--device", "rtl8139"];
    kill_proofs(12, Duration::from_secs(6), &SIGNALS, &cards);
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn a_qemu_that_a_script_has_started_does_not_outlive_the_proof() {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("qemu");
    let text = "#!/bin/sh\nqemu-system-x86_64 \"$@\"\nexit $?\n";
    write_script(&script, text);
    let script = script.to_str().unwrap();
    let through = ["--source-qemu", script, "--dest-qemu", script];
    kill_proofs(12, Duration::from_millis(900), &["KILL"], &through);
}

/// Looks again and again, up to a limit that is never reached when all is well.
fn wait_until(is_so: impl Fn() -> bool, what_is: impl Fn() -> String) {
    let (_sender, never) = mpsc::channel::<()>();
    for _ in 0..1000 {
        if is_so() {
            return;
        }
        let _ = never.recv_timeout(Duration::from_millis(10));
    }
    panic!("{}", what_is());
}
