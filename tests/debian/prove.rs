//! `prove` with real QEMU, and with programs that only pretend to be one.

use crate::common::{romcompat, words};
use crate::fetched::{build_into, grown_release, newer_qemu};
use crate::privilege::unshared;
use romcompat::qemu::Arch;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Runs `prove` on bookworm's ROMs and the grown ones.
fn prove(more: &[&str]) -> Output {
    let (old, new) = grown_release();
    let mut command = romcompat();
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
#[ignore = "needs fetched ROMs, QEMU and a newer QEMU"]
fn every_card_goes_to_a_newer_host_with_the_package_and_back() {
    let dist = TempDir::new().unwrap();
    let deb = build_into(dist.path());
    let newer = newer_qemu(Arch::X86_64);
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
    let mut command = romcompat();
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
    let mut command = romcompat();
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
    assert_eq!(count, 16);
    assert_eq!(fs::read_dir(&keep).unwrap().count(), 16);
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
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
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
    for size in ["64k", "3m"] {
        let script = format!(
            "mount -t tmpfs -o size={size} tmpfs /mnt && \
             env TMPDIR=/mnt \"$0\" prove \"$1\" \"$2\" --device e1000; \
             status=$?; ls -A /mnt; exit $status"
        );
        let output = unshared("sh")
            .args(["-c", &script])
            .args([&program, old.as_os_str(), new.path().as_os_str()])
            .output()
            .unwrap();
        let text = words(&output);
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(
            text.contains("No space left on device") || text.contains("RC403"),
            "{text}"
        );
        assert!(!text.contains("\nromcompat-"), "{text}");
    }
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

/// Kills proofs at moments that have nothing to do with what they are at, which
/// are spread over `span`, and looks that each leaves nothing.
fn kill_proofs(rounds: u32, span: Duration, signals: &[&str], more: &[&str]) {
    let (old, new) = grown_release();
    let temporary = TempDir::new().unwrap();
    let name = temporary.path().to_str().unwrap().to_owned();
    for round in 0..rounds {
        let mut command = romcompat();
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
    fs::write(&script, "#!/bin/sh\nqemu-system-x86_64 \"$@\"\nexit $?\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
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
