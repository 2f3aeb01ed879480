//! One card on two hosts: whatever judges says the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[path = "common/states.rs"]
#[allow(dead_code)]
mod states;

use romcompat::advise::{JudgedGuest, QemuPair, Sides, Way, cures};
use romcompat::fleet::{Fleet, HostRecord};
use romcompat::guest::{MappedDevices, guest_of_domain, machine_of};
use romcompat::hook::{NoState, ReceivingHost};
use romcompat::host::{Files, Found, Host};
use romcompat::judge::{Answer, Comparison, judge, saved_roms};
use romcompat::libvirt::Domain;
use romcompat::plan::{CompatPlan, Manifest, Naming, PlanOptions, Selection, Source};
use romcompat::prove::{CompatRoms, Emulator, Emulators, Expected, Hosts, Kind, Scenario};
use romcompat::qemu::{QemuVersion, device_by_name};
use romcompat::report::{GuestsReport, SCHEMA_VERSION};
use romcompat::romset::{RomCollector, RomSet};
use romcompat::vmstate::{SavedState, Seekable, StateReader};
use std::collections::BTreeMap;

const ROM: &str = "efi-e1000.rom";

const GUEST: &str = "<domain><name>a</name><uuid>a</uuid>
    <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os><devices>
    <controller type='pci' index='0' model='pci-root'/>
    <interface type='user'><model type='e1000'/>
    <address type='pci' bus='0x00' slot='0x04'/></interface></devices></domain>";

/// What is said of the card: accepted, refused with QEMU's line where that is
/// printed, or not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Accepted,
    Refused(Option<String>),
    NotJudged,
}

impl Said {
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(one), Self::Refused(other)) => {
                one.is_none() || other.is_none() || one == other
            }
            _ => self == other,
        }
    }
}

/// A line without what is another on each machine: the card's address, and the
/// folder that no machine has.
fn refused(line: &str) -> Said {
    let line = line.rsplit_once("e1000.rom: ").map_or(line, |(_, end)| end);
    Said::Refused(Some(line.replace("absent/", "")))
}

impl From<&Answer> for Said {
    fn from(answer: &Answer) -> Self {
        match answer {
            Answer::Accepted => Self::Accepted,
            Answer::Refused(it) => refused(&it.line),
            Answer::NotJudged(_) => Self::NotJudged,
        }
    }
}

/// The ROMs of a host, on which the card's may be missing.
fn host(name: &str, size: Option<usize>) -> RomSet {
    let mut roms = RomCollector::default();
    for (name, size) in [(ROM, size), ("other.rom", Some(512))] {
        let mut bytes = states::rom();
        if let Some(size) = size {
            bytes.resize(size, 0);
            roms.add_file(name, bytes).unwrap();
        }
    }
    roms.finish(name, None).unwrap()
}

fn guest(sides: &Sides) -> JudgedGuest {
    let domain = Domain::parse(GUEST.as_bytes()).unwrap();
    sides.judge(&domain, "a.xml", machine_of(&domain))
}

fn sides(old: Option<&RomSet>, new: Option<&RomSet>) -> Sides {
    Sides {
        old: old.cloned(),
        mapping: None,
        new: new.cloned(),
        naming: Naming::default(),
        devices: MappedDevices::new(),
    }
}

fn by_check(old: &RomSet, new: &RomSet) -> Said {
    let comparison = Comparison::new(old, new);
    let pair = comparison.pairs.iter().find(|pair| pair.name == ROM);
    let pair = pair.unwrap();
    let card = pair.cards().remove(0);
    Said::from(&pair.forward(&card))
}

fn by_judge(old: &RomSet, new: &RomSet) -> Said {
    let domain = Domain::parse(GUEST.as_bytes()).unwrap();
    let guest = guest_of_domain(&domain, "a", machine_of(&domain), &MappedDevices::new());
    let judged = judge(&guest, &Host::new(&[old]), &Host::new(&[new]));
    Said::from(&judged[0].answer)
}

fn by_guests(old: &RomSet, new: &RomSet) -> Said {
    Said::from(&guest(&sides(Some(old), Some(new))).judged[0].answer)
}

fn by_inventory(old: &RomSet, new: &RomSet) -> Said {
    let inventoried = guest(&sides(None, None));
    let report = GuestsReport::new(&[&inventoried], Vec::new(), Vec::new(), Vec::new());
    let guests = serde_json::to_vec(&report).unwrap();
    let none = format!(r#"{{"schema_version": {SCHEMA_VERSION}, "guests": []}}"#);
    let record = |set: &RomSet, guests: &[u8]| {
        let rom = |name: &str, bar: u64| {
            format!(
                r#"{{"name": "{name}", "input": "/usr/share/qemu", "path": "{name}", "bar": {bar}}}"#
            )
        };
        let roms = set
            .roms
            .iter()
            .map(|file| rom(file.name(), file.bar().bytes()));
        let roms = roms.collect::<Vec<_>>().join(",");
        let roms = format!(r#"{{"schema_version": {SCHEMA_VERSION}, "roms": [{roms}]}}"#);
        HostRecord::read(&set.label, SCHEMA_VERSION, roms.as_bytes(), guests).unwrap()
    };
    let fleet = Fleet::of(&[record(old, &guests), record(new, none.as_bytes())]);
    let new = fleet
        .classes
        .iter()
        .find(|class| class.hosts.contains(&new.label));
    let way = fleet
        .moves
        .iter()
        .find(|one| one.to.contains(&new.unwrap().number));
    match way {
        None => Said::Accepted,
        Some(way) if way.answer.refused == 1 => Said::Refused(None),
        Some(_) => Said::NotJudged,
    }
}

/// A guest that was saved with the ROM of a host.
fn saved(old: &RomSet) -> SavedState {
    let size = old.find(ROM).unwrap().bar().bytes().max(4096);
    let bytes = states::of(&[("0000:00:04.0/e1000.rom", size, states::rom())]);
    StateReader::new(Seekable::new(std::io::Cursor::new(bytes)), 0)
        .read()
        .unwrap()
}

fn by_state(old: &RomSet, new: &RomSet) -> Said {
    let state = saved(old);
    let machine = state.machine.as_deref();
    let roms = saved_roms(&state, None, machine, std::slice::from_ref(new));
    Said::from(roms[0].answer.as_ref().unwrap())
}

/// A new host that has no compat ROM.
#[derive(Debug)]
struct Receiving<'a>(&'a RomSet, Option<SavedState>);

impl Files for Receiving<'_> {
    fn find(&self, file: &str) -> Found {
        match file.starts_with('/') {
            true => Found::Missing,
            false => Files::find(self.0, file),
        }
    }
}

impl ReceivingHost for Receiving<'_> {
    fn saved_state(&self, _: &Domain<'_>) -> Result<Option<SavedState>, NoState> {
        Ok(self.1.clone())
    }
}

fn options() -> PlanOptions {
    PlanOptions {
        selection: Selection {
            all: true,
            patterns: Vec::new(),
        },
        ..PlanOptions::default()
    }
}

fn by_hook(old: &RomSet, new: &RomSet, state: Option<SavedState>) -> Said {
    let plan = CompatPlan::new(Source::Release(old), Some(new), &options()).unwrap();
    let manifest = Manifest::of(&plan, "old");
    let domain = Domain::parse(GUEST.as_bytes()).unwrap();
    let filtered = manifest.filter(&domain, &Receiving(new, state));
    assert_eq!(filtered.text, GUEST);
    match &*filtered.remarks {
        [] => Said::Accepted,
        [remark] if remark.contains("left alone") => Said::Refused(None),
        remarks => panic!("{remarks:?}"),
    }
}

fn by_cures(old: &RomSet, new: &RomSet) -> Said {
    let cures = cures(&Comparison::new(old, new), QemuPair::default());
    match cures[0].way {
        Way::Nothing => Said::Accepted,
        _ => Said::Refused(None),
    }
}

fn by_proof(old: &RomSet, new: &RomSet) -> Said {
    let plan = CompatPlan::new(Source::Release(old), Some(new), &options()).unwrap();
    let compat = CompatRoms::of(&plan);
    let folder = tempfile::tempdir().unwrap();
    let hosts = Hosts::write(folder.path(), old, new, &compat).unwrap();
    let emulator = Emulator {
        command: vec!["qemu".into()],
        version: QemuVersion::new(7, 2),
        machines: Vec::new(),
        aliases: BTreeMap::new(),
    };
    let emulators = Emulators {
        old: &emulator,
        new: &emulator,
    };
    let domain = Domain::parse(GUEST.as_bytes()).unwrap();
    let machine = machine_of(&domain).unwrap();
    let device = device_by_name("e1000").unwrap();
    let (scenarios, _) = Scenario::of_device(&hosts, emulators, machine, device);
    let scenario = scenarios.iter().find(|one| one.kind == Kind::OldToNew);
    match &scenario.unwrap().expected {
        Expected::Accepted => Said::Accepted,
        Expected::Refused(line) => refused(line),
    }
}

#[test]
fn one_card_on_two_hosts_has_one_verdict() {
    let mismatch = |sizes: &str| refused(&format!("e1000.rom: {sizes}: Invalid argument"));
    let missing = refused("failed to find romfile \"efi-e1000.rom\"");
    for (old, new, wanted) in [
        (Some(5000), Some(6000), Said::Accepted),
        (Some(600), Some(3000), Said::Accepted),
        (Some(5000), Some(9000), mismatch("0x2000 != 0x4000")),
        (Some(9000), Some(5000), mismatch("0x4000 != 0x2000")),
        (Some(5000), None, missing),
        (None, Some(5000), Said::NotJudged),
    ] {
        let (old_host, new_host) = (host("old", old), host("new", new));
        let mut said = vec![
            ("check", by_check(&old_host, &new_host)),
            ("judge", by_judge(&old_host, &new_host)),
            ("guests", by_guests(&old_host, &new_host)),
            ("inventory", by_inventory(&old_host, &new_host)),
        ];
        // Without its ROM no guest was saved there, and none is brought here.
        if old.is_some() {
            let state = Some(saved(&old_host));
            said.extend([
                ("state", by_state(&old_host, &new_host)),
                ("hook, migrate", by_hook(&old_host, &new_host, None)),
                ("hook, restore", by_hook(&old_host, &new_host, state)),
                ("advice", by_cures(&old_host, &new_host)),
                ("prove", by_proof(&old_host, &new_host)),
            ]);
        }
        for (who, said) in said {
            assert!(
                said.is_like(&wanted),
                "{who}, {old:?} to {new:?}: {said:?}, not {wanted:?}"
            );
        }
    }
}
