//! QEMU as the judge of what `state` says of a saved guest, and of what makes it
//! resume.

use crate::common::{romcompat, status, words};
use crate::fetched::{
    bookworm_qemu, grown_release, host_version, package, tool, trixie_qemu, unpack,
};
use crate::state::{Qemu, host_roms, state};
use romcompat::prove::{Emulator, Guest, Launcher, Migration, Migrator, RomSource};
use romcompat::qemu::{Arch, DEVICES, Device, MachineType, device_by_name};
use romcompat::rom::Rom;
use romcompat::rom::edit::{ImageSelection, Retarget, retarget};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

/// A QEMU, a machine of it, and hosts that it runs on.
struct Judge {
    arch: Arch,
    emulator: Emulator,
    program: PathBuf,
    machine: MachineType,
    folder: TempDir,
}

impl Judge {
    fn new(arch: Arch, program: &Path, machine: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let run = folder.path().join("run");
        fs::create_dir(&run).unwrap();
        let words = vec![program.into()];
        let emulator = Emulator::ask(arch, words, &Launcher::default(), &run, LIMIT).unwrap();
        Self {
            arch,
            emulator,
            program: program.to_owned(),
            machine: MachineType::parse(arch, machine).unwrap(),
            folder,
        }
    }

    /// The state of a guest with this card on a host with these ROMs.
    fn saved(&self, device: &Device, roms: &Path) -> PathBuf {
        let file = self.folder.path().join("state");
        let uri = format!("exec:cat > {}", file.display());
        let machine = format!("{},accel=tcg", self.machine);
        let card = format!("{},addr=4", device.name);
        let mut arguments = vec!["-machine", &machine, "-device", &card];
        match self.arch {
            Arch::X86_64 => arguments.extend(["-m", "16"]),
            Arch::Riscv64 => arguments.extend(["-m", "256", "-bios", "none"]),
            _ => arguments.extend(["-m", "256"]),
        }
        Qemu::start(&self.program, roms, &arguments).save(&uri);
        file
    }

    /// Says the same as QEMU about a guest of `old` on `new`.
    fn agrees(&self, device: &'static Device, state_file: &Path, old: &Path, new: &Path) {
        let report = state(&[&state_file, &"--roms", &new]);
        let rom = &report["states"][0]["blocks"][0];
        let guest = |folder: &Path| Guest {
            emulator: &self.emulator,
            machine: self.machine,
            device,
            rom: RomSource::Default,
            folder: folder.to_path_buf(),
        };
        let run = self.folder.path().join("run");
        let migrator = Migrator::new(Launcher::default(), run, LIMIT);
        let migrated = migrator.migrate(&guest(old), &guest(new));
        let name = device.name;
        match migrated.result.unwrap() {
            Migration::Accepted => assert_eq!(rom["resumes"], true, "{name}"),
            Migration::Refused(said) => {
                assert_eq!(rom["resumes"], false, "{name}");
                // The address in the line is that of the guest at hand.
                let line = rom["line"].as_str().unwrap();
                let (_, sizes) = line.rsplit_once('/').unwrap();
                assert!(said.contains(sizes), "{line} in {said}");
            }
        }
    }
}

/// The ROMs of a host, each of the next size class.
fn grown(roms: &Path) -> TempDir {
    let folder = TempDir::new().unwrap();
    for entry in fs::read_dir(roms).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let size = bytes.len().next_power_of_two() * 2;
        bytes.resize(size, 0xff);
        fs::write(folder.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    folder
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn qemu_agrees_with_every_verdict_and_the_content_is_the_rom() {
    let old = host_roms();
    let new = grown(old.path());
    let newer = trixie_qemu();
    for (program, machine) in [
        (&bookworm_qemu(), "pc-i440fx-7.2"),
        (&newer, "pc-i440fx-10.0"),
    ] {
        let judge = Judge::new(Arch::X86_64, program, machine);
        for device in DEVICES.iter().filter(|device| device.needs.is_none()) {
            let state_file = judge.saved(device, old.path());
            let out = judge.folder.path().join(format!("roms-{}", device.name));
            state(&[&state_file, &"--extract-roms", &out]);
            let extracted = fs::read(out.join(device.romfile)).unwrap();
            let file = fs::read(old.path().join(device.romfile)).unwrap();
            assert!(extracted == with_ids(file, device), "{}", device.name);
            judge.agrees(device, &state_file, old.path(), old.path());
            judge.agrees(device, &state_file, old.path(), new.path());
            let state_file = judge.saved(device, new.path());
            judge.agrees(device, &state_file, new.path(), old.path());
        }
    }
}

/// A ROM as QEMU gives it to a device that loads it by default.
fn with_ids(file: Vec<u8>, device: &Device) -> Vec<u8> {
    let wish = Retarget {
        images: ImageSelection::Number(1),
        ids: device.ids,
        device_list: None,
    };
    let ids = Rom::parse(&file).unwrap().images()[0].ids();
    if ids == Some(device.ids) {
        file
    } else {
        retarget(&file, &wish).unwrap()
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU for other architectures"]
fn qemu_of_other_architectures_agrees_and_the_content_is_the_rom() {
    let old = host_roms();
    let new = grown(old.path());
    for (arch, family, root) in [
        (Arch::Aarch64, "virt-", "0000:00:04.0"),
        (Arch::Riscv64, "virt", "0000:00:04.0"),
        (Arch::Ppc64, "pseries-", "pci@800000020000000:04.0"),
    ] {
        let newest = family
            .strip_suffix('-')
            .map(|_| format!("{family}{}", host_version(arch)));
        let machine = newest.as_deref().unwrap_or(family);
        let judge = Judge::new(arch, Path::new(&arch.emulator()), machine);
        for name in ["e1000e", "virtio-net-pci"] {
            let device = device_by_name(name).unwrap();
            let state_file = judge.saved(device, old.path());
            let out = judge.folder.path().join(format!("roms-{name}"));
            let report = state(&[&state_file, &"--extract-roms", &out]);
            let block = &report["states"][0]["blocks"][0];
            assert_eq!(
                block["name"],
                format!("{root}/{}", device.ram_block),
                "{arch}"
            );
            assert_eq!(block["size"], 0x40000);
            let extracted = fs::read(out.join(device.romfile)).unwrap();
            let file = fs::read(old.path().join(device.romfile)).unwrap();
            assert!(extracted == with_ids(file, device), "{arch}, {name}");
            judge.agrees(device, &state_file, old.path(), old.path());
            judge.agrees(device, &state_file, old.path(), new.path());
            let state_file = judge.saved(device, new.path());
            judge.agrees(device, &state_file, new.path(), old.path());
        }
    }
}

#[test]
#[ignore = "needs fetched ROMs, QEMU and dpkg-deb"]
fn a_guest_resumes_with_what_its_own_state_gives() {
    let old = host_roms();
    let new = grown(old.path());
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let cards = [
        "-machine",
        "pc-i440fx-7.2,accel=tcg",
        "-m",
        "16",
        "-device",
        "virtio-net-pci,addr=4",
        "-device",
        "rtl8139,addr=5",
        "-device",
        "VGA,addr=6",
    ];
    let qemu = &bookworm_qemu();
    let uri = format!("exec:cat > {}", at("state").display());
    Qemu::start(qemu, old.path(), &cards).save(&uri);
    fs::write(at("terms"), "Terms.\n").unwrap();

    let output = romcompat()
        .args(["build", "--package-version", "1.0-1"])
        .args(["--maintainer", "A B <a@b.example>"])
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .arg("--copyright")
        .arg(at("terms"))
        .arg("--from-state")
        .arg(at("state"))
        .arg("--out")
        .arg(at("dist"))
        .output()
        .unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let deb = fs::read_dir(at("dist"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let deb = deb
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "deb"));
    tool("dpkg-deb", &[&"-x", &deb.unwrap(), &at("package")]);

    // The host has larger ROMs, and those of the package beside them.
    for entry in fs::read_dir(at("package/usr/share/qemu")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, new.path().join(path.file_name().unwrap())).unwrap();
    }
    let output = romcompat()
        .args(["state", "--emit", "globals"])
        .arg(at("state"))
        .output()
        .unwrap();
    let emitted = String::from_utf8(output.stdout).unwrap();
    let built = fs::read_to_string(at("dist/globals.txt")).unwrap();
    let load = |globals: &str| {
        let incoming = ["-incoming", "defer"];
        // The guest has the display whose option is a comment in those for any.
        let lines = globals.lines().map(|line| line.trim_start_matches("# "));
        let options = lines.filter(|line| line.starts_with("-global"));
        let options = options.flat_map(str::split_ascii_whitespace);
        let arguments: Vec<&str> = cards.into_iter().chain(incoming).chain(options).collect();
        let uri = format!("exec:cat {}", at("state").display());
        Qemu::start(qemu, new.path(), &arguments).load(&uri)
    };
    let (is_taken, said) = load("");
    assert!(!is_taken && said.contains("Size mismatch"), "{said}");
    for globals in [emitted, built] {
        let (is_taken, said) = load(&globals);
        assert!(is_taken, "{globals}{said}");
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
    let program = vec![bookworm_qemu().into()];
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
            Qemu::start(&bookworm_qemu(), &old, &arguments).save(&uri);
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
