//! What the tables predict, QEMU does: every device, every kind of change,
//! every machine, between two releases of QEMU in both directions.

use crate::fetched::{bookworm_qemu, package, trixie_qemu, unpack};
use rayon::prelude::*;
use romcompat::prove::{Emulator, Guest, Launcher, Migration, Migrator, RomSource};
use romcompat::qemu::{
    Arch, DEVICES, Device, MachineType, RamBlockSize, RomAt, Verdict, device_by_name, verdict,
};
use romcompat::rom::BarSize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

/// How the destination's ROM differs from the source's.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Same,
    Grown,
    Shrunk,
    OtherContent,
    Missing,
    None,
    /// None at the source, and one at the destination.
    Appears,
    Compat,
}

/// Folders with the ROM files of hosts, made of Debian's.
struct Hosts {
    root: TempDir,
    bars: BTreeMap<&'static str, BarSize>,
}

impl Hosts {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        let ipxe = unpack(&package("bookworm", "ipxe-qemu"));
        let seabios = unpack(&package("bookworm", "seabios"));
        for folder in ["same", "grown", "shrunk", "other", "run"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let mut bars = BTreeMap::new();
        for device in DEVICES {
            let name = device.romfile;
            if bars.contains_key(name) {
                continue;
            }
            let bytes = [
                ipxe.path().join("usr/lib/ipxe/qemu").join(name),
                seabios.path().join("usr/share/seabios").join(name),
            ]
            .iter()
            .find_map(|path| fs::read(path).ok())
            .unwrap_or_else(|| panic!("{name} is in none of the packages"));
            let bar = BarSize::of_rom(bytes.len() as u64).unwrap();
            let size = usize::try_from(bar.bytes()).unwrap();
            let write = |folder: &str, name: &str, size: usize, fill: u8| {
                let mut bytes = bytes.clone();
                bytes.resize(size, fill);
                fs::write(root.path().join(folder).join(name), bytes).unwrap();
            };
            write("same", name, bytes.len(), 0);
            write("grown", name, 2 * size, 0xff);
            write("shrunk", name, size / 2, 0xff);
            write("other", name, size - 512, 0x55);
            write("grown", &format!("compat-{name}"), size, 0xff);
            bars.insert(name, bar);
        }
        Self { root, bars }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Folder, ROM and the tables' words for the destination's side.
    fn destination(&self, device: &Device, kind: Kind) -> (PathBuf, RomSource, RomAt<'_>) {
        let bar = self.bars[device.romfile];
        let block =
            |bytes: u64| RomAt::Block(RamBlockSize::of_bar(BarSize::of_rom(bytes).unwrap()));
        let (folder, rom, at) = match kind {
            Kind::Same => ("same", RomSource::Default, block(bar.bytes())),
            Kind::Grown => ("grown", RomSource::Default, block(2 * bar.bytes())),
            Kind::Shrunk => ("shrunk", RomSource::Default, block(bar.bytes() / 2)),
            Kind::OtherContent => ("other", RomSource::Default, block(bar.bytes())),
            Kind::None => ("same", RomSource::None, RomAt::None),
            Kind::Appears => ("same", RomSource::Default, block(bar.bytes())),
            Kind::Missing => (
                "same",
                RomSource::Global("absent.rom".to_owned()),
                RomAt::Missing("absent.rom"),
            ),
            Kind::Compat => (
                "grown",
                RomSource::Global(format!("compat-{}", device.romfile)),
                block(bar.bytes()),
            ),
        };
        (self.folder(folder), rom, at)
    }
}

fn emulator(arch: Arch, command: &Path, hosts: &Hosts) -> Emulator {
    let command = vec![OsString::from(command)];
    let run = hosts.folder("run");
    Emulator::ask(arch, command, &Launcher::default(), &run, LIMIT).unwrap()
}

/// The newest machine type of each family that both have.
fn common_machines(one: &Emulator, other: &Emulator) -> Vec<MachineType> {
    let arch = one.machines[0].family.arch();
    let newest = |family: &_| {
        let mut of_family = one.machines.iter().filter(|m| m.family == *family);
        of_family.find(|m| other.machines.contains(m)).copied()
    };
    arch.families().iter().filter_map(newest).collect()
}

struct Case<'a> {
    source: Guest<'a>,
    destination: Guest<'a>,
    /// The ROM at the source.
    from: RomAt<'a>,
    /// The ROM at the destination.
    at: RomAt<'a>,
    kind: Kind,
}

/// Runs all cases, prints for how many of each sort QEMU did what the tables
/// say, and gives the others.
fn disagreements(hosts: &Hosts, cases: &[Case<'_>]) -> Vec<String> {
    let migrator = Migrator::new(Launcher::default(), hosts.folder("run"), LIMIT);
    let wrong: Vec<Option<String>> = cases
        .par_iter()
        .map(|case| case.disagreement(&migrator))
        .collect();
    let mut matrix: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (case, wrong) in cases.iter().zip(&wrong) {
        let (agreed, tried) = matrix.entry(case.sort()).or_default();
        *agreed += usize::from(wrong.is_none());
        *tried += 1;
    }
    // Not by println, which the test runner holds back.
    let mut out = std::io::stdout();
    for (sort, (agreed, tried)) in matrix {
        writeln!(out, "agreement: {sort}: {agreed} of {tried}").unwrap();
    }
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    let agreed = cases.len() - wrong.len();
    writeln!(out, "agreement: {agreed} of {} verdicts", cases.len()).unwrap();
    wrong
}

impl Case<'_> {
    /// Architecture, family, direction and kind.
    fn sort(&self) -> String {
        let family = self.source.machine.family;
        let versions = [&self.source, &self.destination].map(|guest| guest.emulator.version);
        format!(
            "{} {family:?}, {} to {}, {:?}",
            family.arch(),
            versions[0],
            versions[1],
            self.kind
        )
    }

    /// What QEMU did otherwise than the tables say.
    fn disagreement(&self, migrator: &Migrator) -> Option<String> {
        let predicted = match verdict(self.from, self.at) {
            Verdict::Accepted => None,
            Verdict::Refused(refusal) => Some(refusal.line(&self.destination.ram_block())),
            Verdict::Impossible => unreachable!(),
        };
        let migrated = migrator.migrate(&self.source, &self.destination);
        let agrees = match (&migrated.result, &predicted) {
            (Ok(Migration::Accepted), None) => true,
            (Ok(Migration::Refused(said)), Some(line)) => said
                .lines()
                .next()
                .is_some_and(|first| first.contains(line)),
            _ => false,
        };
        let device = self.source.device.name;
        let sort = self.sort();
        let did = &migrated.result;
        (!agrees).then(|| format!("{device}, {sort}: predicted {predicted:?}, and QEMU: {did:?}"))
    }
}

fn cases<'a>(
    hosts: &'a Hosts,
    pairs: &[(&'a Emulator, &'a Emulator)],
    devices: &[&'static Device],
    kinds: &[Kind],
) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    for (from, to) in pairs {
        for machine in common_machines(from, to) {
            for device in devices {
                for kind in kinds {
                    let (folder, rom, at) = hosts.destination(device, *kind);
                    let guest = |emulator, folder, rom| Guest {
                        emulator,
                        machine,
                        device,
                        rom,
                        folder,
                    };
                    let bar = RamBlockSize::of_bar(hosts.bars[device.romfile]);
                    let (source, before) = match kind {
                        Kind::Appears => (RomSource::None, RomAt::None),
                        _ => (RomSource::Default, RomAt::Block(bar)),
                    };
                    cases.push(Case {
                        source: guest(*from, hosts.folder("same"), source),
                        from: before,
                        destination: guest(*to, folder, rom),
                        at,
                        kind: *kind,
                    });
                }
            }
        }
    }
    cases
}

#[test]
#[ignore = "needs fetched ROMs and QEMU of two releases"]
fn every_verdict_is_what_qemu_does_on_x86() {
    let hosts = Hosts::new();
    let older = emulator(Arch::X86_64, &bookworm_qemu(), &hosts);
    let newer = emulator(Arch::X86_64, &trixie_qemu(), &hosts);
    let devices: Vec<&Device> = DEVICES.iter().filter(|d| d.needs.is_none()).collect();
    assert!(devices.len() > 30, "{}", devices.len());
    let kinds = [
        Kind::Same,
        Kind::Grown,
        Kind::Shrunk,
        Kind::OtherContent,
        Kind::Missing,
        Kind::None,
        Kind::Appears,
    ];
    let pairs = [(&older, &older), (&older, &newer), (&newer, &older)];
    let cases = cases(&hosts, &pairs, &devices, &kinds);
    let families = Arch::X86_64.families().len();
    let count = devices.len() * kinds.len() * families * pairs.len();
    assert_eq!(cases.len(), count);
    let wrong = disagreements(&hosts, &cases);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "needs fetched ROMs and QEMU for other architectures"]
fn every_verdict_is_what_qemu_does_on_other_architectures() {
    let hosts = Hosts::new();
    let devices = ["virtio-net-pci", "e1000", "e1000e"];
    let devices = devices.map(|name| device_by_name(name).unwrap());
    let kinds = [Kind::Same, Kind::Grown, Kind::Compat];
    for arch in [Arch::Aarch64, Arch::Riscv64, Arch::Ppc64] {
        let host = emulator(arch, Path::new(&arch.emulator()), &hosts);
        let cases = cases(&hosts, &[(&host, &host)], &devices, &kinds);
        assert_eq!(cases.len(), 9);
        let wrong = disagreements(&hosts, &cases);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
