//! Each form of the mapping, judged by QEMU and by libvirt's own tools.

use crate::common::{romcompat, status, words};
use crate::fetched::{bookworm_qemu, grown_release, package, tool, trixie_qemu, unpack};
use crate::generations::{ram_blocks, releases};
use romcompat::libvirt::device_of_model;
use romcompat::qemu::QemuVersion;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The mapping of the release whose EFI ROMs grew to 512K.
fn emit(form: &str) -> String {
    let (old, new) = grown_release();
    emit_of(form, &[&old, new.path()], &[])
}

fn emit_of(form: &str, inputs: &[&Path], more: &[&str]) -> String {
    let mut command = romcompat();
    command.args(["emit", form]).args(inputs).args(more);
    let output = command.output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Starts QEMU without any device and ends it by its monitor.
fn start(qemu: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(qemu);
    command
        .args(["-machine", "pc,accel=tcg", "-S", "-nodefaults"])
        .args(["-display", "none", "-qmp", "stdio"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut monitor = child.stdin.take().unwrap();
    let commands = "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n";
    monitor.write_all(commands.as_bytes()).unwrap();
    drop(monitor);
    child.wait_with_output().unwrap()
}

fn both_qemu() -> [PathBuf; 2] {
    [bookworm_qemu(), trixie_qemu()]
}

/// The options of the text that `emit globals` prints.
fn options(globals: &str) -> Vec<String> {
    let lines = globals.lines().filter(|line| !line.starts_with('#'));
    let words = lines.flat_map(str::split_whitespace);
    words.map(str::to_owned).collect()
}

/// SeaBIOS of bookworm, and a folder with its adapters' ROMs grown to 128K.
fn grown_displays() -> (PathBuf, TempDir) {
    let old = package("bookworm", "seabios");
    let new = TempDir::new().unwrap();
    let mut pad = romcompat();
    pad.arg("pad").arg(&old).arg("--out").arg(new.path());
    let output = pad
        .args(["--size", "128K", "--select", "vgabios*"])
        .output();
    assert_eq!(status(&output.unwrap()), 0);
    (old, new)
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn qemu_does_not_warn_of_display_adapters_that_a_guest_lacks_and_the_others_work() {
    let (old, new) = grown_displays();
    let inputs: [&Path; 2] = [&old, new.path()];
    let globals = emit_of("globals", &inputs, &[]);
    assert_eq!(options(&globals), [""; 0]);
    let of_adapter = |line: &str| {
        let option = line.strip_prefix("# -global ")?;
        let (device, romfile) = option.split_once(".romfile=")?;
        Some((device.to_owned(), romfile.to_owned()))
    };
    let adapters: Vec<_> = globals.lines().filter_map(of_adapter).collect();
    let names: Vec<&str> = adapters.iter().map(|(device, _)| &**device).collect();
    for name in ["VGA", "qxl-vga", "virtio-vga", "cirrus-vga"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    // The ROMs as the new host has them, with the compat ROMs beside them.
    let out = TempDir::new().unwrap();
    let dist = out.path().join("dist");
    let mut build = romcompat();
    build.arg("build").args(inputs).arg("--out").arg(&dist);
    build.args(["--maintainer", "A Maintainer <maintainer@example.org>"]);
    let output = build.output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let deb = fs::read_dir(&dist).unwrap().map(|e| e.unwrap().path());
    let deb = deb
        .into_iter()
        .find(|p| p.extension().is_some_and(|e| e == "deb"));
    let root = unpack(&deb.unwrap());
    let roms = root.path().join("usr/share/qemu");
    let file = out.path().join("romfiles.cfg");
    fs::write(&file, emit_of("readconfig", &inputs, &[])).unwrap();
    let readconfig = ["-readconfig", file.to_str().unwrap()].map(str::to_owned);
    for qemu in both_qemu() {
        let output = start(&qemu, &readconfig);
        assert_eq!(status(&output), 0, "{}", words(&output));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        for (device, romfile) in &adapters {
            let path = roms.join(romfile);
            assert_eq!(
                fs::metadata(&path).unwrap().len(),
                if device == "bochs-display" {
                    32768
                } else {
                    65536
                },
                "{device}"
            );
            // These need OpenGL, or a process beside QEMU.
            if device.ends_with("-gl") || device.starts_with("vhost-") {
                continue;
            }
            let global = format!("{device}.romfile={}", path.display());
            let arguments = ["-device", device, "-global", &global].map(str::to_owned);
            let output = start(&qemu, &arguments);
            assert_eq!(status(&output), 0, "{}", words(&output));
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{device}");
        }
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn every_class_in_the_mapping_exists_in_both_releases_of_qemu() {
    let old = package("bookworm", "ipxe-qemu");
    let globals = options(&emit_of("globals", &[&old], &[]));
    for class in [
        "e1000-82545em",
        "ne2k_pci",
        "virtio-net-pci-non-transitional",
        "i82559er",
    ] {
        let start = format!("{class}.romfile=");
        assert!(globals.iter().any(|o| o.starts_with(&start)), "{class}");
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("romfiles.cfg");
    fs::write(&file, emit_of("readconfig", &[&old], &[])).unwrap();
    let readconfig = ["-readconfig", file.to_str().unwrap()].map(str::to_owned);
    for qemu in both_qemu() {
        for arguments in [&globals[..], &readconfig] {
            let output = start(&qemu, arguments);
            assert_eq!(status(&output), 0, "{}", words(&output));
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(said, "", "{}", qemu.display());
        }
    }
}

#[test]
#[ignore = "needs QEMU of two releases"]
fn qemu_would_say_so_if_a_class_did_not_exist() {
    for qemu in both_qemu() {
        let output = start(&qemu, &options("-global ne2000.romfile=a.rom"));
        let said = words(&output);
        assert!(
            said.contains("global ne2000.romfile has invalid class name"),
            "{said}"
        );
    }
}

/// A guest with one interface of each model.
fn domain(models: &[&str]) -> String {
    let interfaces: String = models
        .iter()
        .enumerate()
        .map(|(number, model)| {
            format!(
                "<interface type='user'><mac address='52:54:00:00:00:{number:02x}'/>\
                 <model type='{model}'/></interface>\n"
            )
        })
        .collect();
    format!(
        "<domain type='qemu'><name>guest</name><memory>65536</memory>\n\
         <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>\n\
         <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>\n\
         {interfaces}</devices></domain>\n"
    )
}

#[test]
#[ignore = "needs fetched ROMs and virt-xml"]
fn the_commands_of_virt_xml_put_each_element_in_its_place() {
    let text = emit("libvirt");
    let commands: Vec<Vec<String>> = text
        .lines()
        .filter(|line| line.starts_with("virt-xml "))
        .map(|line| shell_words::split(line).unwrap())
        .collect();
    let models: Vec<&str> = commands
        .iter()
        .map(|words| words[3].strip_prefix("model=").unwrap())
        .collect();
    assert!(models.contains(&"virtio-transitional") && models.contains(&"ne2k_pci"));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("guest.xml");
    fs::write(&file, domain(&models)).unwrap();
    for words in &commands {
        assert_eq!(words[1], "GUEST");
        // From standard input, in place of the guest of this name.
        let output = Command::new(&words[0])
            .args(["--connect", "test:///default"])
            .args(&words[2..])
            .stdin(fs::File::open(&file).unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}");
        fs::write(&file, &output.stdout).unwrap();
    }
    tool("virt-xml-validate", &[&file, &"domain"]);
    let result = fs::read_to_string(&file).unwrap().replace('"', "'");
    let elements: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("<rom "))
        .collect();
    assert_eq!(elements.len(), models.len());
    for (model, element) in models.iter().zip(elements) {
        let (_, after) = result
            .split_once(&format!("<model type='{model}'/>"))
            .unwrap();
        let (interface, _) = after.split_once("</interface>").unwrap();
        assert_eq!(interface.trim(), element, "{model}");
    }
}

/// The cards that load a ROM by default, one of each kind.
const CARDS: [&str; 11] = [
    "e1000",
    "e1000-82545em",
    "e1000e",
    "ne2k_pci",
    "pcnet",
    "rtl8139",
    "virtio-net-pci",
    "virtio-net-pci-transitional",
    "virtio-net-pci-non-transitional",
    "vmxnet3",
    "i82559er",
];

/// The RAM blocks of ROMs, with their sizes, of a machine with these cards
/// whose QEMU finds its ROMs in a folder.
fn rom_blocks(
    qemu: &Path,
    folder: &Path,
    machine: &str,
    options: &[String],
    devices: &[String],
) -> Vec<(String, String)> {
    let mut command = Command::new(qemu);
    command.current_dir(folder).args(options);
    command.args(["-machine", &format!("{machine},accel=tcg"), "-nodefaults"]);
    command.args(devices.iter().flat_map(|device| ["-device", device]));
    let text = ram_blocks(&mut command);
    let of_rom = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, size) = (*words.first()?, *words.get(4)?);
        let is_rom = name.starts_with("0000:") && size.starts_with("0x");
        is_rom.then(|| (name.to_owned(), size.to_owned()))
    };
    let mut blocks: Vec<_> = text.lines().filter_map(of_rom).collect();
    blocks.sort();
    blocks
}

/// A folder with the files of these folders.
fn together(folders: &[&Path]) -> TempDir {
    let all = TempDir::new().unwrap();
    for folder in folders {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, all.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    all
}

/// The entries that are printed: kind and version of the array, device, ROM.
fn array_entries(text: &str) -> Vec<(String, QemuVersion, String, String)> {
    let mut entries = Vec::new();
    let mut array = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(" * For ") {
            let name = name.split(' ').next().unwrap();
            let (kind, version) = name.split_once("_compat_").unwrap();
            let version = version.replace('_', ".").parse().unwrap();
            array = Some((kind.to_owned(), version));
        }
        let strings: Vec<&str> = line.split('"').collect();
        if let [_, device, _, "romfile", _, rom, _] = *strings {
            let (kind, version) = array.clone().unwrap();
            entries.push((kind, version, device.to_owned(), rom.to_owned()));
        }
    }
    entries
}

/// What a machine type of PCs is told by these entries, which stand in place of
/// QEMU's own in the same array, and by QEMU's others, as QEMU applies them:
/// newer arrays first, and the last entry counts.
fn replayed(
    entries: &[(String, QemuVersion, String, String)],
    machine: QemuVersion,
) -> Vec<String> {
    let own = |version: &str, device: &str, rom: &str| {
        let version = version.parse().unwrap();
        ("pc".to_owned(), version, device.to_owned(), rom.to_owned())
    };
    let mut all = entries.to_vec();
    all.push(own("2.6", "vmxnet3", ""));
    for (card, rom) in [
        ("e1000", "pxe-e1000.rom"),
        ("ne2k_pci", "pxe-ne2k_pci.rom"),
        ("pcnet", "pxe-pcnet.rom"),
        ("rtl8139", "pxe-rtl8139.rom"),
        ("virtio-net-pci", "pxe-virtio.rom"),
    ] {
        all.push(own("1.4", card, rom));
    }
    let is_replaced = |kind: &str, version, device: &str| {
        let mut ours = entries.iter();
        ours.any(|(k, v, d, _)| k == kind && *v == version && d == device)
    };
    let ours = entries.len();
    let mut number = 0;
    all.retain(|(kind, version, device, _)| {
        number += 1;
        *version >= machine && (number <= ours || !is_replaced(kind, *version, device))
    });
    all.sort_by_key(|(kind, version, ..)| (std::cmp::Reverse(*version), kind.clone()));
    let mut told = std::collections::BTreeMap::new();
    for (_, _, device, rom) in all {
        told.insert(device, rom);
    }
    let option = |(device, rom)| ["-global".to_owned(), format!("{device}.romfile={rom}")];
    told.into_iter().flat_map(option).collect()
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn entries_of_compat_arrays_give_each_machine_type_the_sizes_that_it_had() {
    let releases = releases();
    let root = unpack(&releases.deb);
    let compat = root.path().join("usr/share/qemu");
    let new = together(&[&releases.new, &compat]);
    let mut arrays = Vec::new();
    for (version, input) in &releases.generations[1..] {
        arrays.push("--generation".to_owned());
        arrays.push(format!("{version}={}", input.display()));
    }
    let arrays: Vec<&str> = arrays.iter().map(String::as_str).collect();
    let of_generations = array_entries(&emit_of("compat-array", &[&releases.new], &arrays));
    let devices = CARDS.map(str::to_owned);
    let [older, newer] = both_qemu();
    for (machine, index, qemu) in [
        ("pc-i440fx-1.4", 1, &older),
        ("pc-i440fx-2.4", 1, &older),
        ("pc-i440fx-2.6", 1, &older),
        ("pc-i440fx-2.7", 1, &older),
        ("pc-i440fx-2.12", 1, &older),
        ("pc-i440fx-5.2", 2, &older),
        ("pc-i440fx-7.1", 3, &older),
        ("pc-i440fx-2.7", 1, &newer),
        ("pc-i440fx-5.2", 2, &newer),
    ] {
        let (_, input) = &releases.generations[index];
        let unpacked = input.is_file().then(|| unpack(input));
        let old = match &unpacked {
            Some(root) => root.path().join("usr/lib/ipxe/qemu"),
            None => input.clone(),
        };
        let had = rom_blocks(qemu, &old, machine, &[], &devices);
        let (_, version) = machine.rsplit_once('-').unwrap();
        let version = version.parse().unwrap();
        let mut forms = vec![of_generations.clone()];
        // What machine types up to 1.4 load by default only generations know.
        if machine != "pc-i440fx-1.4" {
            let up_to = ["--up-to", machine];
            let text = emit_of("compat-array", &[input, &releases.new], &up_to);
            forms.push(array_entries(&text));
        }
        for entries in &forms {
            let options = replayed(entries, version);
            let has = rom_blocks(qemu, new.path(), machine, &options, &devices);
            assert_eq!(has, had, "{machine} {options:?}");
        }
        let without = rom_blocks(qemu, new.path(), machine, &[], &devices);
        assert_ne!(without, had, "{machine}");
    }
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn the_element_of_each_model_gives_its_card_the_size_that_it_had() {
    let releases = releases();
    let root = unpack(&releases.deb);
    let (_, input) = &releases.generations[3];
    let text = emit_of("libvirt", &[input, &releases.new], &[]);
    let mut models = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(model) = line.strip_prefix("# beside <model type='") {
            let element = lines.next().unwrap();
            let path = element.strip_prefix("<rom file='/").unwrap();
            let path = root.path().join(path.strip_suffix("'/>").unwrap());
            models.push((device_of_model(model.strip_suffix("'/>").unwrap()), path));
        }
    }
    for card in CARDS {
        let is_mapped = models.iter().any(|(device, _)| *device == card);
        assert!(is_mapped, "{card}");
    }
    for qemu in both_qemu() {
        for (device, path) in &models {
            let machine = "pc-i440fx-7.1";
            let with = [format!("{device},romfile={}", path.display())];
            let has = rom_blocks(&qemu, &releases.new, machine, &[], &with);
            let had = rom_blocks(&qemu, input, machine, &[], &[(*device).to_owned()]);
            assert_eq!(has, had, "{device}");
            assert_eq!(has.len(), 1, "{device}");
        }
    }
}
