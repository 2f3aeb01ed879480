//! States that real QEMU and qemu-img make.

use crate::common::{romcompat, words};
use crate::fetched::{bookworm_qemu, package, tool, trixie_qemu, unpack};
use romcompat::qemu::DEVICES;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A QEMU with a monitor, killed with this value.
pub struct Qemu(Child, BufReader<std::process::ChildStdout>);

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Qemu {
    pub fn start(program: &Path, folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .current_dir(folder)
            .args(arguments)
            .args(["-S", "-nodefaults", "-display", "none", "-qmp", "stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut qemu = Self(child, output);
        qemu.message();
        qemu.execute("qmp_capabilities", json!({}));
        qemu.capability("events");
        qemu
    }

    /// Loads a state; whether QEMU takes it, and what it says.
    pub fn load(mut self, uri: &str) -> (bool, String) {
        let message = json!({"execute": "migrate-incoming", "arguments": {"uri": uri}});
        writeln!(self.0.stdin.as_mut().unwrap(), "{message}").unwrap();
        let mut is_taken = false;
        let mut line = String::new();
        while self.1.read_line(&mut line).unwrap() > 0 {
            let message: Value = serde_json::from_str(&line).unwrap();
            match message["data"]["status"].as_str() {
                Some("completed") => is_taken = true,
                Some("failed") => {}
                _ => {
                    line.clear();
                    continue;
                }
            }
            break;
        }
        let quit = json!({"execute": "quit"});
        let _ = writeln!(self.0.stdin.as_mut().unwrap(), "{quit}");
        let mut errors = String::new();
        let stderr = self.0.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        (is_taken, errors)
    }

    fn message(&mut self) -> Value {
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("QEMU answers")
    }

    pub fn execute(&mut self, command: &str, arguments: Value) {
        let message = json!({"execute": command, "arguments": arguments});
        writeln!(self.0.stdin.as_mut().unwrap(), "{message}").unwrap();
        loop {
            let answer = self.message();
            assert!(answer.get("error").is_none(), "{command}: {answer}");
            if answer.get("return").is_some() {
                return;
            }
        }
    }

    pub fn capability(&mut self, name: &str) {
        let capability = json!([{"capability": name, "state": true}]);
        self.execute(
            "migrate-set-capabilities",
            json!({"capabilities": capability}),
        );
    }

    /// Saves to an address, and waits for the end of what writes it.
    pub fn save(mut self, uri: &str) {
        self.execute("migrate", json!({"uri": uri}));
        loop {
            let message = self.message();
            assert_ne!(message["data"]["status"], "failed");
            if message["data"]["status"] == "completed" {
                break;
            }
        }
        // A QEMU that has saved is done with, and may be gone already.
        let quit = json!({"execute": "quit"});
        let _ = writeln!(self.0.stdin.as_mut().unwrap(), "{quit}");
        // What writes the state has standard error open until it is written.
        let mut errors = String::new();
        let stderr = self.0.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        let ended = self.0.wait().unwrap();
        if !ended.success() {
            println!("{ended} after a save that was completed: {errors}");
        }
    }
}

/// The ROMs that bookworm's QEMU finds, in one folder.
pub fn host_roms() -> TempDir {
    let folder = TempDir::new().unwrap();
    let ipxe = unpack(&package("bookworm", "ipxe-qemu"));
    let seabios = unpack(&package("bookworm", "seabios"));
    for device in DEVICES.iter().filter(|device| device.needs.is_none()) {
        let file = ["usr/lib/ipxe/qemu", "usr/share/seabios"]
            .iter()
            .flat_map(|path| [ipxe.path().join(path), seabios.path().join(path)])
            .map(|path| path.join(device.romfile))
            .find(|file| file.exists())
            .unwrap();
        fs::copy(file, folder.path().join(device.romfile)).unwrap();
    }
    folder
}

const CARDS: &[&str] = &[
    "-machine",
    "pc,accel=tcg",
    "-m",
    "32",
    "-device",
    "virtio-net-pci,addr=4",
    "-device",
    "virtio-net-pci,addr=5",
    "-device",
    "e1000,addr=6",
    "-device",
    "VGA,addr=7",
];

pub fn state(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Value {
    let mut command = romcompat();
    command
        .arg("state")
        .args(arguments.iter().map(|a| a.as_ref()));
    let output = command.args(["--format", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(&output)))
}

/// Names and sizes of the ROMs of the first state.
pub fn roms(report: &Value) -> Vec<(String, u64)> {
    let blocks = report["states"][0]["blocks"].as_array().unwrap();
    blocks
        .iter()
        .map(|rom| {
            (
                rom["name"].as_str().unwrap().to_owned(),
                rom["size"].as_u64().unwrap(),
            )
        })
        .collect()
}

fn wanted() -> Vec<(String, u64)> {
    [
        ("0000:00:04.0/virtio-net-pci.rom", 0x40000),
        ("0000:00:05.0/virtio-net-pci.rom", 0x40000),
        ("0000:00:06.0/e1000.rom", 0x40000),
        ("0000:00:07.0/vga.rom", 0x10000),
    ]
    .map(|(name, size)| (name.to_owned(), size))
    .to_vec()
}

/// A save file as libvirt lays it out, in either byte order.
pub fn save_file(format: u32, stream: &[u8], is_little: bool) -> Vec<u8> {
    let xml = b"<domain type='qemu'/>\n\0";
    let mut file = b"LibvirtQemudSave".to_vec();
    for word in [2, u32::try_from(xml.len()).unwrap(), 0, format, 0] {
        file.extend(if is_little {
            word.to_le_bytes()
        } else {
            word.to_be_bytes()
        });
    }
    file.resize(92, 0);
    [&file, &xml[..], stream].concat()
}

#[test]
#[ignore = "needs QEMU of two releases, qemu-img, gzip, xz, lzop and zstd"]
fn every_form_of_a_state_is_read() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let older = bookworm_qemu();
    let start = |program: &Path| Qemu::start(program, folder.path(), CARDS);
    let newer = trixie_qemu();
    for program in [&newer, &older] {
        start(program).save("exec:cat > plain");
        assert_eq!(roms(&state(&[&at("plain")])), wanted());
    }

    start(&newer).save("file:offset,offset=0x3000");
    assert_eq!(
        roms(&state(&[&at("offset"), &"--offset", &"12288"])),
        wanted()
    );
    let mut mapped = start(&newer);
    mapped.capability("mapped-ram");
    mapped.save("file:mapped");
    let report = state(&[&at("mapped")]);
    assert_eq!(roms(&report), wanted());
    assert!(
        report["states"][0]["format"]
            .as_str()
            .unwrap()
            .contains("mapped-ram")
    );

    let plain = fs::read(at("plain")).unwrap();
    fs::write(at("raw"), save_file(0, &plain, true)).unwrap();
    fs::write(at("raw-swapped"), save_file(0, &plain, false)).unwrap();
    assert_eq!(roms(&state(&[&at("raw")])), wanted());
    assert_eq!(roms(&state(&[&at("raw-swapped")])), wanted());
    for (format, program) in [
        (1, "gzip"),
        (2, "bzip2"),
        (3, "xz"),
        (4, "lzop"),
        (5, "zstd"),
    ] {
        tool(program, &[&"-k", &"-q", &at("plain")]);
        let suffixes = ["gz", "bz2", "xz", "lzo", "zst"].map(|end| format!("plain.{end}"));
        let packed = suffixes.iter().find(|n| at(n).exists()).unwrap();
        let packed_bytes = fs::read(at(packed)).unwrap();
        fs::remove_file(at(packed)).unwrap();
        fs::write(at(program), save_file(format, &packed_bytes, true)).unwrap();
        assert_eq!(roms(&state(&[&at(program)])), wanted(), "{program}");
    }

    for (program, compat) in [
        (&older, "0.10"),
        (&older, "1.1"),
        (&newer, "0.10"),
        (&newer, "1.1"),
    ] {
        let disk = format!("{compat}.qcow2");
        let option = format!("compat={compat}");
        tool(
            "qemu-img",
            &[
                &"create",
                &"-q",
                &"-f",
                &"qcow2",
                &"-o",
                &option,
                &at(&disk),
                &"48M",
            ],
        );
        let drive = format!("file={disk},if=none,id=d");
        let more = ["-drive", &drive, "-device", "virtio-blk-pci,drive=d,addr=9"];
        let mut qemu = Qemu::start(program, folder.path(), &[CARDS, &more].concat());
        for name in ["one", "two"] {
            let line = format!("savevm {name}");
            qemu.execute("human-monitor-command", json!({"command-line": line}));
        }
        qemu.execute("quit", json!({}));
        drop(qemu);
        let report = state(&[&at(&disk)]);
        assert_eq!(report["states"].as_array().unwrap().len(), 2, "{compat}");
        assert_eq!(roms(&report), wanted(), "{compat}");
        assert_eq!(roms(&state(&[&at(&disk), &"--snapshot", &"two"])), wanted());
    }
}
