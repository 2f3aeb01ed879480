//! `romcompat guests`: definitions of libvirt, judged and changed.

use super::definitions::{Definition, read_definitions};
use super::exit::{Exit, Failure};
use super::input;
use super::machine_types::Machines;
use super::opened;
use super::output::Outputs;
use super::terminal::Terminal;
use super::virsh::Virsh;
use crate::finding::{Code, Finding, has_errors};
use crate::libvirt::{Domain, pin, set_machine, unpin};
use crate::package::HookMapping;
use crate::plan::{CardRom, GuestCard, NamePattern, QEMU_SHARE, guest_cards, machine_of};
use crate::qemu::{MachineType, RamBlockSize, RomAt};
use crate::report::{CardRow, ChangedGuest, GuestRow, GuestsReport, guest_finding};
use crate::rom::BarSize;
use crate::romset::RomSet;
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `guests`.
#[derive(Debug, Args)]
pub struct Guests {
    /// Definitions of guests, and folders of them such as /etc/libvirt/qemu
    #[arg(value_name = "INPUT", required_unless_present = "connect")]
    pub inputs: Vec<PathBuf>,
    /// Take the guests of this libvirt, such as qemu:///system
    #[arg(long, value_name = "URI")]
    pub connect: Option<String>,
    /// The ROMs that the guests were started with
    #[arg(long, value_name = "INPUT", conflicts_with = "mapping")]
    pub old: Option<PathBuf>,
    /// In place of OLD: the manifest.json of the compat package
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// The ROMs of the host that the guests go to
    #[arg(long, value_name = "INPUT")]
    pub new: Option<PathBuf>,
    /// Resolve aliases of machine types by this QEMU, with arguments if need be
    /// [default: the emulator of each guest]
    #[arg(long, value_name = "COMMAND")]
    pub qemu: Option<String>,
    /// Pin each card that would break to its compat ROM
    #[arg(long, requires = "new")]
    pub pin: bool,
    /// Take away what --pin added
    #[arg(long, conflicts_with = "pin")]
    pub unpin: bool,
    /// Give guests this machine type, or the `newest` of their family that the
    /// QEMU has
    #[arg(long, value_name = "TYPE")]
    pub upgrade_machine: Option<String>,
    /// Write the changed definitions to this folder
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Have libvirt take each changed definition, after its former one was
    /// written to the folder
    #[arg(long, requires_all = ["connect", "out"])]
    pub apply: bool,
    /// Change nothing, only say what would change (the default without --out)
    #[arg(long, conflicts_with = "apply")]
    pub dry_run: bool,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

/// What ROMs are judged by.
struct Judge {
    old: Option<RomSet>,
    mapping: Option<HookMapping>,
    new: Option<RomSet>,
}

/// A guest that was read.
struct Guest<'a> {
    definition: &'a Definition,
    domain: Domain<'a>,
    row: GuestRow,
    machine: Option<MachineType>,
    /// The cards that are pinned to a ROM as `--pin` does it.
    pins: Vec<usize>,
}

/// Judges the guests, and changes their definitions where asked for.
pub fn run(command: &Guests, terminal: &Terminal) -> Result<Exit, Failure> {
    let judge = Judge::read(command)?;
    let changes_any = command.pin || command.unpin || command.upgrade_machine.is_some();
    let definitions = read_definitions(&command.inputs, command.connect.as_deref(), changes_any)?;
    let mut machines = Machines::new(command.qemu.as_deref())?;
    let mut findings = Vec::new();
    let mut guests = Vec::new();
    for definition in &definitions {
        match Domain::parse(&definition.bytes) {
            Ok(domain) => {
                let guest = judge.guest(definition, domain, &mut machines, &mut findings);
                guests.push(guest);
            }
            Err(error) => findings.push(guest_finding(
                Code::GuestUnreadable,
                &definition.label,
                error.to_string(),
                "a definition as libvirt writes it".to_owned(),
            )),
        }
    }
    findings.extend(twice(&guests));
    let changed = changed(command, &guests, &mut machines)?;
    let findings = terminal.judge(findings);
    let mut rows = Vec::new();
    for (_, change) in &changed {
        rows.push(change.clone());
    }
    let may_change = !command.dry_run && !has_unreadable(&findings);
    if may_change && let Some(folder) = &command.out {
        write(command, folder, &guests, &changed, &mut rows)?;
    }
    let guests: Vec<GuestRow> = guests.into_iter().map(|guest| guest.row).collect();
    let report = GuestsReport::new(guests, rows, findings);
    terminal.answer(&report, |colour| report.text(colour))?;
    terminal.findings(&report.findings);
    let is_cured = command.pin && command.out.is_some() && may_change;
    let stays = |finding: &&Finding| !(is_cured && finding.code == Code::GuestWouldBreak);
    let left: Vec<Finding> = report.findings.iter().filter(stays).cloned().collect();
    Ok(if has_errors(&left) {
        Exit::No
    } else {
        Exit::Clean
    })
}

fn has_unreadable(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.code == Code::GuestUnreadable)
}

impl Judge {
    fn read(command: &Guests) -> Result<Self, Failure> {
        let set = |path: &Option<PathBuf>| path.as_deref().map(input::read).transpose();
        let mapping = match &command.mapping {
            Some(path) => {
                let fail = |error: String| Failure::file(path.display(), error);
                let text = opened::read_to_string(path).map_err(|error| fail(error.to_string()))?;
                let mapping = HookMapping::parse(&text);
                Some(mapping.map_err(|error| {
                    fail(format!(
                        "{error}; give the manifest.json of a compat package"
                    ))
                })?)
            }
            None => None,
        };
        Ok(Self {
            old: set(&command.old)?,
            mapping,
            new: set(&command.new)?,
        })
    }

    fn guest<'a>(
        &self,
        definition: &'a Definition,
        domain: Domain<'a>,
        machines: &mut Machines,
        findings: &mut Vec<Finding>,
    ) -> Guest<'a> {
        let named = machine_of(&domain);
        let machine = named.or_else(|| machines.resolve(&domain));
        let cards = guest_cards(&domain, machine);
        let row = GuestRow {
            name: domain.name.clone().unwrap_or_else(|| "?".to_owned()),
            uuid: domain.uuid.clone(),
            definition: definition.label.clone(),
            machine: domain.machine.as_ref().map(|machine| machine.value.clone()),
            resolved_machine: machine
                .filter(|_| named.is_none())
                .map(|machine| machine.to_string()),
            cards: cards.iter().map(|card| self.card(card, machine)).collect(),
        };
        findings.extend(row.findings());
        let type_name = row.machine.as_deref().unwrap_or("none");
        if machine.is_none() && !cards.is_empty() {
            findings.push(row.finding(
                Code::GuestMachineUnknown,
                format!("its machine type is `{type_name}`"),
                "a machine type with a version of QEMU, or a QEMU that says which it is".to_owned(),
            ));
        } else if let Some(machine) = machine
            && machines.lacks(machine)
        {
            findings.push(row.finding(
                Code::GuestMachineUnknown,
                format!("the QEMU that was asked has no machine type `{machine}`"),
                "a machine type of the host's QEMU".to_owned(),
            ));
        }
        let pins = cards
            .iter()
            .filter(|card| self.is_pin(card, machine))
            .map(|card| card.number)
            .collect();
        Guest {
            definition,
            domain,
            row,
            machine,
            pins,
        }
    }

    fn card(&self, card: &GuestCard, machine: Option<MachineType>) -> CardRow {
        let device = card.device.map(|device| device.name);
        let mapped = || self.mapping.as_ref()?.rom(device?, machine);
        let in_set = |set: &Option<RomSet>, name: &str| {
            let rom = set.as_ref()?.find(name)?;
            Some(rom.bar().bytes())
        };
        let (old, new, name) = match &card.rom {
            CardRom::Off | CardRom::Unknown => (None, None, None),
            CardRom::Default(name) => {
                let of_mapping = mapped().map(|(_, size)| size);
                // What the package does not ship did not break.
                let unchanged = || self.mapping.as_ref().and_then(|_| in_set(&self.new, name));
                let old = in_set(&self.old, name).or(of_mapping).or_else(unchanged);
                (old, in_set(&self.new, name), Some(*name))
            }
            CardRom::File(path) => {
                let base = path.rsplit('/').next().unwrap_or(path);
                let of_mapping = self.mapping.as_ref().and_then(|map| map.size_at(path));
                let size = |set| in_set(set, base).or(of_mapping);
                (size(&self.old), size(&self.new), None)
            }
        };
        let at = |bytes: Option<u64>| {
            let bar = bytes.and_then(BarSize::of_rom)?;
            Some(RomAt::Block(RamBlockSize::of_bar(bar)))
        };
        let missing = name.filter(|_| self.new.is_some()).map(RomAt::Missing);
        let verdict = card.verdict(at(old), at(new).or(missing));
        let mut row = CardRow::new(card, old, new, verdict);
        if row.accepted == Some(false) {
            let default = || Some(compat_path(BarSize::of_rom(old?)?, name?));
            row.cure = mapped().map(|(path, _)| path).or_else(default);
        }
        row
    }

    /// Whether the guest names the ROM for its card that `--pin` would name.
    fn is_pin(&self, card: &GuestCard, machine: Option<MachineType>) -> bool {
        let (CardRom::File(path), Some(device)) = (&card.rom, card.device) else {
            return false;
        };
        if let Some(mapping) = &self.mapping {
            return mapping.size_at(path).is_some();
        }
        let romfile = device.romfile_on(machine);
        let rom = romfile.and_then(|name| self.old.as_ref()?.find(name));
        rom.is_some_and(|rom| compat_path(rom.bar(), rom.name()) == *path)
    }
}

/// The path of a compat ROM as `build` names it.
fn compat_path(bar: BarSize, name: &str) -> String {
    let name = NamePattern::default().compat_name(bar, name);
    format!("{QEMU_SHARE}/{name}")
}

/// Two definitions with one name.
fn twice(guests: &[Guest<'_>]) -> Vec<Finding> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for guest in guests {
        let row = &guest.row;
        if let Some(first) = seen.insert(&row.name, &row.definition) {
            findings.push(row.finding(
                Code::GuestTwice,
                format!("{first} and {} define it", row.definition),
                "each name stands for one guest".to_owned(),
            ));
        }
    }
    findings
}

/// New definitions, with the number of the guest and what changes for it.
fn changed(
    command: &Guests,
    guests: &[Guest<'_>],
    machines: &mut Machines,
) -> Result<Vec<(NewDefinition, ChangedGuest)>, Failure> {
    let mut all = Vec::new();
    for (number, guest) in guests.iter().enumerate() {
        let mut what = Vec::new();
        let mut text = guest.domain.text.to_owned();
        if command.pin {
            let cards = guest.row.cards.iter();
            let wanted: Vec<(usize, String)> = cards
                .filter_map(|card| Some((card.number.checked_sub(1)?, card.cure.clone()?)))
                .collect();
            text = pin(&guest.domain, &wanted);
            for (card, path) in wanted {
                let card = card.saturating_add(1);
                what.push(format!(
                    "card {card} loads {path}, so its BAR stays the same"
                ));
            }
        }
        if command.unpin {
            text = unpin(&guest.domain, &guest.pins);
            for card in &guest.pins {
                let card = card.saturating_add(1);
                what.push(format!(
                    "card {card} loads the ROM of its host from the next start on"
                ));
            }
        }
        if let Some(wanted) = &command.upgrade_machine
            && let Some(machine) = machines.upgrade(&guest.domain, guest.machine, wanted)?
        {
            let domain = Domain::parse(text.as_bytes())
                .map_err(|error| Failure::file(&guest.definition.label, error))?;
            let upgraded = set_machine(&domain, &machine);
            text = upgraded;
            let from = guest.row.machine.as_deref().unwrap_or("?");
            what.push(format!(
                "{from} becomes {machine} at the next start: the guest sees the hardware of that release, loads the ROMs of its host, and saved states and snapshots with memory no longer resume"
            ));
        }
        if text != guest.domain.text {
            let name = guest.row.name.clone();
            all.push((
                NewDefinition { number, text },
                ChangedGuest {
                    name,
                    what,
                    file: None,
                    is_applied: false,
                },
            ));
        }
    }
    Ok(all)
}

/// The definition that takes the place of a guest's.
struct NewDefinition {
    number: usize,
    text: String,
}

/// Writes the new definitions, and has libvirt take them if asked to.
fn write(
    command: &Guests,
    folder: &Path,
    guests: &[Guest<'_>],
    changed: &[(NewDefinition, ChangedGuest)],
    rows: &mut [ChangedGuest],
) -> Result<(), Failure> {
    // Definitions may have passwords in them.
    let mut outputs = Outputs::new(command.force).private();
    outputs.folder(folder)?;
    let mut files = Vec::new();
    for ((new, change), row) in changed.iter().zip(rows.iter_mut()) {
        let name = file_name(&change.name);
        let path = folder.join(format!("{name}.xml"));
        outputs.add(path.clone(), new.text.as_bytes())?;
        if command.apply
            && let Some(guest) = guests.get(new.number)
        {
            let before = folder.join(format!("{name}.before.xml"));
            outputs.add(before, guest.domain.text.as_bytes())?;
        }
        let path = path.display().to_string();
        row.file = Some(path.clone());
        files.push(path);
    }
    outputs.finish()?;
    if let (true, Some(uri)) = (command.apply, &command.connect) {
        let virsh = Virsh { uri };
        for (number, (file, row)) in files.iter().zip(rows.iter_mut()).enumerate() {
            virsh.define(file).map_err(|failure| Failure {
                message: format!(
                    "{}\nlibvirt has taken {number} of {} definitions; the former ones are {}/*.before.xml",
                    failure.message,
                    files.len(),
                    folder.display()
                ),
                ..failure
            })?;
            row.is_applied = true;
        }
    }
    Ok(())
}

/// A guest's name as a file name: libvirt forbids slashes, and a name may
/// start with a dot.
fn file_name(guest: &str) -> String {
    let plain = guest.replace('/', "_");
    match plain.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => plain,
    }
}
