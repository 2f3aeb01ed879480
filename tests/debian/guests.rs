//! Definitions as libvirt itself writes them, pinned, taken by it, and unpinned.

use crate::common::{fixture, romcompat, status, words};
use crate::fetched::{grown_release, host_version, package, unpack};
use crate::hook::{Host, Setup};
use crate::mutations::definition;
use romcompat::qemu::Arch;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const MODELS: [&str; 9] = [
    "virtio",
    "virtio-transitional",
    "virtio-non-transitional",
    "e1000",
    "e1000e",
    "rtl8139",
    "pcnet",
    "ne2k_pci",
    "vmxnet3",
];

/// Guests that differ in machine type, cards, order and odd content. Half have
/// the machine types of this version.
fn guest(number: usize, newest: &str) -> String {
    let machine = match number % 4 {
        0 => format!("pc-q35-{newest}"),
        1 => format!("pc-i440fx-{newest}"),
        2 => "pc-q35-6.0".to_owned(),
        _ => "pc-i440fx-6.1".to_owned(),
    };
    let cards: String = (0..number % 4)
        .map(|card| {
            let model = MODELS[(number + card) % MODELS.len()];
            let more = [
                "",
                "<boot order='1'/>",
                "<rom bar='on'/>",
                "<link state='down'/>",
                "<rom file='/srv/own.rom'/>",
            ][(number / 4 + card) % 5];
            format!("<interface type='user'><model type='{model}'/>{more}</interface>\n")
        })
        .collect();
    format!(
        "\
<domain type='qemu'>
  <name>guest {number} &lt;&amp;&gt; ü</name>
  <description>It has an &lt;interface&gt; in words.</description>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='{machine}'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    {cards}<serial type='pty'/>
  </devices>
</domain>
"
    )
}

/// Runs `guests`; it must end with this status.
fn guests(wanted: i32, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> String {
    let mut command = romcompat();
    command.arg("guests");
    let output = command
        .args(arguments.iter().map(|argument| argument.as_ref()))
        .output()
        .unwrap();
    assert_eq!(status(&output), wanted, "{}", words(&output));
    words(&output)
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
#[ignore = "needs fetched ROMs, libvirt and QEMU"]
fn two_hundred_definitions_are_pinned_taken_by_libvirt_and_unpinned() {
    let old_package = package("bookworm", "ipxe-qemu");
    let roms = unpack(&old_package);
    let host = Host::start(
        4,
        &Setup {
            roms: &roms.path().join("usr/lib/ipxe/qemu"),
            hook: None,
            hidden: None,
        },
    );
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("written")).unwrap();
    let newest = host_version(Arch::X86_64);
    for number in 0..200 {
        let file = at("guest.xml");
        fs::write(&file, guest(number, &newest)).unwrap();
        host.virsh(&["define", file.to_str().unwrap()]);
        let name = format!("guest {number} <&> ü");
        let text = host.virsh(&["dumpxml", "--inactive", &name]);
        fs::write(at("written").join(format!("{name}.xml")), text).unwrap();
    }

    let (_, new) = grown_release();
    let new = new.path();
    let sets: &[&dyn AsRef<std::ffi::OsStr>] = &[&"--old", &old_package, &"--new", &new];
    let written = at("written");
    let pinned = at("pinned");
    let pin: &[&dyn AsRef<std::ffi::OsStr>] = &[&written, &"--pin", &"--out", &pinned];
    guests(0, &[pin, sets].concat());
    let changed = files(&pinned);
    assert!(changed.len() > 100, "{} were pinned", changed.len());
    let before = |name: &String| fs::read_to_string(written.join(name)).unwrap();
    for name in &changed {
        let text = fs::read_to_string(pinned.join(name)).unwrap();
        assert_ne!(text, before(name));
        // Its own schema and its own parser take it, and keep what was added.
        let path = pinned.join(name);
        host.virsh(&["define", "--validate", path.to_str().unwrap()]);
        let guest = name.strip_suffix(".xml").unwrap();
        let again = host.virsh(&["dumpxml", "--inactive", guest]);
        let roms = |text: &str| text.matches("<rom ").count();
        assert_eq!(roms(&again), roms(&text), "{again}");
        assert!(again.contains("compat-256k-"), "{again}");
    }
    let back = at("back");
    let unpin: &[&dyn AsRef<std::ffi::OsStr>] = &[&pinned, &"--unpin", &"--out", &back];
    guests(0, &[unpin, sets].concat());
    assert_eq!(files(&back), changed);
    for name in &changed {
        assert_eq!(fs::read_to_string(back.join(name)).unwrap(), before(name));
    }

    // The same through libvirt, with the former definitions kept.
    let uri = host.uri();
    let connect: &[&dyn AsRef<std::ffi::OsStr>] = &[&"--connect", &uri];
    let dry = at("dry");
    let all: &[&dyn AsRef<std::ffi::OsStr>] = &[&"--unpin", &"--dry-run", &"--out", &dry];
    guests(0, &[connect, all, sets].concat());
    assert!(!dry.exists());
    let applied = at("applied");
    let all: &[&dyn AsRef<std::ffi::OsStr>] = &[&"--unpin", &"--apply", &"--out", &applied];
    let text = guests(0, &[connect, all, sets].concat());
    assert_eq!(text.matches("changed in libvirt").count(), changed.len());
    assert_eq!(files(&applied).len(), changed.len() + 1);
    assert_eq!(files(&applied.join("former")), changed);
    for name in &changed {
        let guest = name.strip_suffix(".xml").unwrap();
        assert_eq!(
            host.virsh(&["dumpxml", "--inactive", guest]),
            before(name),
            "libvirt has what it had"
        );
    }
    // Newest machine types by what libvirt says of its QEMU.
    let said = host.virsh(&["capabilities"]);
    let emulators = romcompat::libvirt::host_emulators(&said).unwrap();
    let is_ours = |one: &romcompat::libvirt::HostEmulator| {
        let alias = ("q35".to_owned(), Some(format!("pc-q35-{newest}")));
        one.path == "/usr/bin/qemu-system-x86_64"
            && one.arch == "x86_64"
            && one.machines.contains(&alias)
    };
    assert!(emulators.iter().any(is_ours), "{said}");
    let text = guests(0, &[connect, &[&"--upgrade-machine", &"newest"]].concat());
    assert_eq!(text.matches(" becomes pc-").count(), 100);
    assert!(!text.contains("could not be asked"));
    // Newest machine types by a QEMU that is named.
    let upgrade: &[&dyn AsRef<std::ffi::OsStr>] = &[
        &written,
        &"--upgrade-machine",
        &"newest",
        &"--qemu",
        &"qemu-system-x86_64",
        &"--out",
        &at("newest"),
    ];
    guests(0, upgrade);
    assert_eq!(
        files(&at("newest")).len(),
        100,
        "half have the newest already"
    );
    for name in files(&at("newest")) {
        let path = at("newest").join(&name);
        host.virsh(&["define", "--validate", path.to_str().unwrap()]);
    }
    for name in files(&written) {
        host.virsh(&["undefine", name.strip_suffix(".xml").unwrap()]);
    }
}

/// The definitions in a folder that libvirt's own parser takes, by its driver
/// for tests, which needs no daemon.
fn taken(folder: &Path) -> Vec<String> {
    let mut virsh = Command::new("virsh")
        .args(["--connect", "test:///default"])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let names = files(folder);
    let lines: Vec<String> = names
        .iter()
        .map(|name| format!("define {}\n", folder.join(name).display()))
        .collect();
    let mut stdin = virsh.stdin.take().unwrap();
    let feed = std::thread::spawn(move || stdin.write_all(lines.concat().as_bytes()).unwrap());
    let output = virsh.wait_with_output().unwrap();
    feed.join().unwrap();
    let said = words(&output);
    let is_taken =
        |name: &String| said.contains(&format!("defined from {}\n", folder.join(name).display()));
    names.into_iter().filter(is_taken).collect()
}

#[test]
#[ignore = "needs libvirt"]
fn what_libvirt_takes_it_takes_changed_too() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let all = at("all");
    for number in 0..600 {
        fs::write(all.join(format!("{number}.xml")), definition(number)).unwrap();
    }
    let input = at("input");
    for name in taken(&all) {
        fs::copy(all.join(&name), input.join(&name)).unwrap();
    }
    let inputs = files(&input).len();
    assert!(
        (200..600).contains(&inputs),
        "libvirt takes {inputs} of 600"
    );

    let (old, new) = (fixture(1), fixture(2));
    let sets: &[&dyn AsRef<std::ffi::OsStr>] = &[&"--old", &old, &"--new", &new, &"--force"];
    let change = |from: &Path, name: &str, how: &[&dyn AsRef<std::ffi::OsStr>]| {
        let out = at(name);
        let mut command = romcompat();
        command.arg("guests").arg(from).arg("--out").arg(&out);
        // What is not read here is left alone.
        command.args(["--allow", "RC537"]);
        command.args(
            [sets, how]
                .concat()
                .iter()
                .map(|argument| argument.as_ref()),
        );
        let output = command.output().unwrap();
        assert!(status(&output) < 2, "{}", words(&output));
        let (written, taken) = (files(&out), taken(&out));
        let refused: Vec<&String> = written
            .iter()
            .filter(|name| !taken.contains(name))
            .collect();
        let text = refused
            .first()
            .map(|name| fs::read_to_string(out.join(name)).unwrap());
        assert!(refused.is_empty(), "{name}: {refused:?}, {text:?}");
        (out, written.len())
    };
    let (pinned, pins) = change(&input, "pinned", &[&"--pin"]);
    let (back, unpins) = change(&pinned, "back", &[&"--unpin"]);
    let (_, upgrades) = change(&input, "upgraded", &[&"--upgrade-machine", &"pc-q35-10.0"]);
    println!("of {inputs} definitions {pins} pinned, {unpins} unpinned, {upgrades} upgraded");
    assert!(
        pins > 100 && upgrades > 100,
        "{pins} pinned, {upgrades} upgraded"
    );
    assert_eq!(unpins, pins);
    for number in 0..600 {
        let name = format!("mutant{number}.xml");
        if let Ok(text) = fs::read_to_string(back.join(&name)) {
            assert_eq!(text, definition(number));
        }
    }
}
