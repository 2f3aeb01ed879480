//! States that real QEMU and qemu-img make, and QEMU as the judge of verdicts.

use crate::common::{romcompat, words};
use crate::fetched::{grown_release, newer_qemu, package, tool, unpack};
use romcompat::prove::{Emulator, Guest, Launcher, Migration, Migrator, RomSource};
use romcompat::qemu::{Arch, DEVICES, MachineType, device_by_name};
use romcompat::rom::Rom;
use romcompat::rom::edit::{ImageSelection, Retarget, retarget};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A QEMU with a monitor, killed with this value.
struct Qemu(Child, BufReader<std::process::ChildStdout>);

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Qemu {
    fn start(program: &Path, folder: &Path, arguments: &[&str]) -> Self {
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

    fn message(&mut self) -> Value {
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("QEMU answers")
    }

    fn execute(&mut self, command: &str, arguments: Value) {
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

    fn capability(&mut self, name: &str) {
        let capability = json!([{"capability": name, "state": true}]);
        self.execute(
            "migrate-set-capabilities",
            json!({"capabilities": capability}),
        );
    }

    /// Saves to an address, and waits for the end of what writes it.
    fn save(mut self, uri: &str) {
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

fn state(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Value {
    let mut command = romcompat();
    command
        .arg("state")
        .args(arguments.iter().map(|a| a.as_ref()));
    let output = command.args(["--format", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(&output)))
}

/// Names and sizes of the ROMs of the first state.
fn roms(report: &Value) -> Vec<(String, u64)> {
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
fn save_file(format: u32, stream: &[u8], is_little: bool) -> Vec<u8> {
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
#[ignore = "needs QEMU, a newer QEMU, qemu-img, gzip, xz and zstd"]
fn every_form_of_a_state_is_read() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let host = Path::new("qemu-system-x86_64");
    let start = |program: &Path| Qemu::start(program, folder.path(), CARDS);
    let newer = newer_qemu(Arch::X86_64);
    for program in [&newer, host] {
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
    for (format, program) in [(1, "gzip"), (2, "bzip2"), (3, "xz"), (5, "zstd")] {
        tool(program, &[&"-k", &"-q", &at("plain")]);
        let packed = ["plain.gz", "plain.bz2", "plain.xz", "plain.zst"]
            .iter()
            .find(|n| at(n).exists())
            .unwrap();
        let packed_bytes = fs::read(at(packed)).unwrap();
        fs::remove_file(at(packed)).unwrap();
        fs::write(at(program), save_file(format, &packed_bytes, true)).unwrap();
        assert_eq!(roms(&state(&[&at(program)])), wanted(), "{program}");
    }

    for (program, compat) in [
        (host, "0.10"),
        (host, "1.1"),
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

#[test]
#[ignore = "needs QEMU for other architectures"]
fn states_of_other_architectures_are_read() {
    let folder = TempDir::new().unwrap();
    for (arch, machine, block) in [
        (Arch::Aarch64, "virt", "0000:00:01.0/e1000e.rom"),
        (Arch::Riscv64, "virt", "0000:00:01.0/e1000e.rom"),
        (
            Arch::Ppc64,
            "pseries",
            "pci@800000020000000:00.0/e1000e.rom",
        ),
    ] {
        let machine = format!("{machine},accel=tcg");
        let mut arguments = vec!["-machine", &machine, "-m", "256", "-device", "e1000e"];
        if arch == Arch::Riscv64 {
            arguments.extend(["-bios", "none"]);
        }
        let qemu = Qemu::start(Path::new(&arch.emulator()), folder.path(), &arguments);
        qemu.save("exec:cat > state");
        let found = roms(&state(&[&folder.path().join("state")]));
        assert_eq!(found, [(block.to_owned(), 0x40000)], "{arch}");
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn qemu_agrees_with_every_verdict_and_the_content_is_the_rom() {
    let folder = TempDir::new().unwrap();
    let ipxe = unpack(&package("bookworm", "ipxe-qemu"));
    let seabios = unpack(&package("bookworm", "seabios"));
    let roms_of = |device: &romcompat::qemu::Device| {
        ["usr/lib/ipxe/qemu", "usr/share/seabios"]
            .iter()
            .flat_map(|path| [ipxe.path().join(path), seabios.path().join(path)])
            .find(|path| path.join(device.romfile).exists())
            .unwrap()
    };
    let (_, grown) = grown_release();
    let limit = Duration::from_secs(60);
    let run = folder.path().join("run");
    fs::create_dir(&run).unwrap();
    let launcher = Launcher::default;
    let program = vec!["qemu-system-x86_64".into()];
    let emulator = Emulator::ask(Arch::X86_64, program, &launcher(), &run, limit).unwrap();
    let machine = MachineType::parse(Arch::X86_64, "pc-i440fx-7.2").unwrap();
    for device in DEVICES.iter().filter(|device| device.needs.is_none()) {
        let old = roms_of(device);
        let state_file = folder.path().join(device.name);
        let uri = format!("exec:cat > {}", state_file.display());
        let slot = format!("{},addr=4", device.name);
        let arguments = [
            "-machine",
            "pc-i440fx-7.2,accel=tcg",
            "-m",
            "16",
            "-device",
            &slot,
        ];
        Qemu::start(Path::new("qemu-system-x86_64"), &old, &arguments).save(&uri);

        let out = folder.path().join(format!("roms-{}", device.name));
        state(&[&state_file, &"--extract-roms", &out]);
        let extracted = fs::read(out.join(device.romfile)).unwrap();
        let file = fs::read(old.join(device.romfile)).unwrap();
        let wish = Retarget {
            images: ImageSelection::Number(1),
            ids: device.ids,
            device_list: None,
        };
        let ids = Rom::parse(&file).unwrap().images()[0].ids();
        let patched = if ids == Some(device.ids) {
            file
        } else {
            retarget(&file, &wish).unwrap()
        };
        assert!(extracted == patched, "{}", device.name);

        // The same host, and one whose network ROMs are larger.
        for host in [&old, &grown.path().to_path_buf()] {
            if !host.join(device.romfile).exists() {
                continue;
            }
            let report = state(&[&state_file, &"--roms", host]);
            let rom = &report["states"][0]["blocks"][0];
            let guest = |folder: &Path| Guest {
                emulator: &emulator,
                machine,
                device,
                rom: RomSource::Default,
                folder: folder.to_path_buf(),
            };
            let migrator = Migrator::new(launcher(), run.clone(), limit);
            let migrated = migrator.migrate(&guest(&old), &guest(host));
            match migrated.result.unwrap() {
                Migration::Accepted => assert_eq!(rom["resumes"], true, "{}", device.name),
                Migration::Refused(said) => {
                    assert_eq!(rom["resumes"], false, "{}", device.name);
                    assert!(said.contains(rom["line"].as_str().unwrap()), "{said}");
                }
            }
        }
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn old_machine_types_are_judged_by_the_roms_that_they_load() {
    let folder = TempDir::new().unwrap();
    let package = unpack(&package("bookworm", "ipxe-qemu"));
    let old = package.path().join("usr/lib/ipxe/qemu");
    let (_, grown) = grown_release();
    let run = folder.path().join("run");
    fs::create_dir(&run).unwrap();
    let program = vec!["qemu-system-x86_64".into()];
    let limit = Duration::from_secs(60);
    let emulator = Emulator::ask(Arch::X86_64, program, &Launcher::default(), &run, limit).unwrap();
    let mut undecided = 0;
    for name in ["pc-i440fx-1.4", "pc-i440fx-2.3", "pc-i440fx-2.6"] {
        let machine = MachineType::parse(Arch::X86_64, name).unwrap();
        for device in ["virtio-net-pci", "rtl8139", "vmxnet3", "e1000e"] {
            let device = device_by_name(device).unwrap();
            let file = folder.path().join(format!("{name}-{}", device.name));
            let uri = format!("exec:cat > {}", file.display());
            let machine_option = format!("{name},accel=tcg");
            let card = format!("{},addr=4", device.name);
            let arguments = ["-machine", &machine_option, "-m", "16", "-device", &card];
            Qemu::start(Path::new("qemu-system-x86_64"), &old, &arguments).save(&uri);
            for host in [&old, &grown.path().to_path_buf()] {
                let guest = |folder: &Path| Guest {
                    emulator: &emulator,
                    machine,
                    device,
                    rom: RomSource::Default,
                    folder: folder.to_path_buf(),
                };
                let migrator = Migrator::new(Launcher::default(), run.clone(), limit);
                let migrated = migrator.migrate(&guest(&old), &guest(host));
                let is_taken = migrated.result.unwrap() == Migration::Accepted;
                let resumes = |report: &Value| match &report["states"][0]["blocks"][0] {
                    Value::Null => Some(true),
                    rom => rom["resumes"].as_bool(),
                };
                let label = format!("{name}, {}, {}", device.name, host.display());
                let told = state(&[&file, &"--roms", host, &"--machine", &name]);
                assert_eq!(resumes(&told), Some(is_taken), "{label}");
                let untold = resumes(&state(&[&file, &"--roms", host]));
                undecided += u32::from(untold.is_none());
                assert!(untold.is_none_or(|answer| answer == is_taken), "{label}");
            }
        }
    }
    // Two cards of two machine types that do not name themselves, on two hosts;
    // where neither ROM has the size, the answer is the same.
    assert_eq!(undecided, 8 - 2);
}
