//! `romcompat guests`: definitions of libvirt, judged and changed.

use crate::advise::{JudgedGuest, NewDefinition, Sides, displays_left_out, in_neither, twice};
use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::definitions::{Definitions, read_definitions};
use crate::cli::io::input;
use crate::cli::options::guests as options;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::guest_changes::{ReadGuest, write};
use crate::cli::steps::machine_types::Machines;
use crate::finding::{Code, Finding, has_errors};
use crate::guest::machine_of;
use crate::judge::Answer;
use crate::libvirt::Domain;
use crate::plan::Manifest;
use crate::report::GuestsReport;
use crate::romset::RomSet;
use clap::Args;
use std::path::PathBuf;

/// Say which guests of libvirt a new host refuses, and pin them to their
/// ROMs
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Guests {
    /// Definitions of guests, and folders of them such as /etc/libvirt/qemu; `-`
    /// is standard input
    #[arg(value_name = "INPUT", required_unless_present = "connect")]
    pub inputs: Vec<PathBuf>,
    /// Take the guests of this libvirt, such as qemu:///system
    #[arg(long, value_name = "URI")]
    pub connect: Option<String>,
    /// The ROMs by which guests are judged.
    #[command(flatten)]
    pub sides: options::Sides,
    /// Ask this QEMU, with arguments if need be, which machine types it has and
    /// what aliases stand for; once for each architecture [default: the libvirt
    /// of --connect]
    #[arg(long, value_name = "COMMAND")]
    pub qemu: Vec<String>,
    /// What is changed.
    #[command(flatten)]
    pub changes: options::Changes,
}

/// Judges the guests, and changes their definitions where asked for.
pub fn run(command: &Guests, terminal: &Terminal) -> Result<Exit, Failure> {
    command.check()?;
    let sides = sides(&command.sides, terminal)?;
    let connect = command.connect.as_deref();
    let mut machines = Machines::new(&command.qemu, connect)?;
    let definitions = read_definitions(
        &command.inputs,
        connect,
        command.changes.are_any(),
        terminal.inputs(),
    )?;
    let mut findings = omitted(&sides);
    let guests = guests(&definitions, &sides, &mut machines, &mut findings);
    let mut changes = changes(&command.changes, &guests, &sides, &mut findings)?;
    let findings = terminal.judge(findings);
    let (mut blocked_by, mut is_cured) = (Vec::new(), false);
    if let Some(folder) = command
        .changes
        .out
        .as_ref()
        .filter(|_| !command.changes.dry_run)
    {
        blocked_by = blocking(&findings);
        if blocked_by.is_empty() {
            write(
                &command.changes,
                connect,
                folder,
                &mut changes,
                terminal.inputs(),
            )?;
            is_cured = is_every_card_cured(&guests, &changes);
        }
    }
    let changes = changes.into_iter().map(|(_, new)| new.row).collect();
    let judged: Vec<&JudgedGuest> = guests.iter().map(|guest| &guest.judged).collect();
    let report = GuestsReport::new(&judged, changes, blocked_by, findings);
    terminal.answer(&report, |colour| report.text(colour))?;
    terminal.findings(&report.findings);
    let counts = |finding: &&Finding| !(is_cured && finding.code == Code::GuestWouldBreak);
    let left: Vec<Finding> = report.findings.iter().filter(counts).cloned().collect();
    Ok(if has_errors(&left) || !report.blocked_by.is_empty() {
        Exit::No
    } else {
        Exit::Clean
    })
}

impl Guests {
    /// Refuses options without those that they need.
    fn check(&self) -> Result<(), Failure> {
        let has_old = self.sides.old.is_some() || self.sides.mapping.is_some();
        let problem = if self.changes.pin && !(has_old && self.sides.new.is_some()) {
            "`--pin` needs to know what would break: give `--new`, and `--old` or `--mapping`"
        } else if self.changes.unpin && !has_old {
            "`--unpin` needs to know which ROMs were named by `--pin`: give `--old` or `--mapping`"
        } else if self.sides.new.is_some() && !has_old {
            "with `--new`, give the ROMs that the guests were started with by `--old`, or `--mapping`"
        } else if has_old && self.sides.new.is_none() && !self.changes.unpin {
            "with `--old` or `--mapping`, give the ROMs of the host that the guests go to by `--new`"
        } else if self.changes.out.is_some() && !self.changes.are_any() {
            "`--out` is for changed definitions: give `--pin`, `--unpin` or `--upgrade-machine`"
        } else {
            return Ok(());
        };
        Err(Failure::usage(problem))
    }
}

/// Reads the ROMs of both hosts.
fn sides(given: &options::Sides, terminal: &Terminal) -> Result<Sides, Failure> {
    let settings = terminal.configured();
    let mapping = match &given.mapping {
        Some(path) => {
            let fail = |error: String| Failure::file(path.display(), error);
            let text = terminal
                .inputs()
                .read_to_string(path)
                .map_err(|error| fail(error.to_string()))?;
            Some(Manifest::parse(&text).map_err(|error| fail(error.to_string()))?)
        }
        None => None,
    };
    let (old, new) = match (&given.old, &given.new) {
        (Some(old), new) => {
            let (old, new) = input::read_some(old, new.as_deref(), terminal.inputs())?;
            (Some(old), new)
        }
        (None, new) => (None, {
            let read = |path| input::read(path, terminal.inputs());
            new.as_deref().map(read).transpose()?
        }),
    };
    Ok(Sides {
        old,
        mapping,
        new,
        naming: settings.package.naming().map_err(Failure::usage)?,
        devices: settings.devices.clone(),
    })
}

/// What the ROMs of both hosts leave out.
fn omitted(sides: &Sides) -> Vec<Finding> {
    let of = |set: &Option<RomSet>, other: &Option<RomSet>| {
        let omitted = set.as_ref().map(|set| set.omitted(other.as_ref()));
        omitted.unwrap_or_default()
    };
    [of(&sides.old, &sides.new), of(&sides.new, &sides.old)].concat()
}

/// The guests of these definitions, with findings about what they are.
fn guests<'a>(
    definitions: &'a Definitions,
    sides: &Sides,
    machines: &mut Machines<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<ReadGuest<'a>> {
    for name in &definitions.vanished {
        findings.push(Finding::new(
            Code::GuestVanished,
            name,
            "it was gone before its definition could be read",
            "only guests that are there are judged",
        ));
    }
    let mut guests = Vec::new();
    for definition in &definitions.read {
        let domain = match Domain::parse(&definition.bytes) {
            Ok(domain) => domain,
            Err(error) => {
                findings.push(Finding::new(
                    Code::GuestUnreadable,
                    &definition.label,
                    error.to_string(),
                    "a definition as libvirt writes it",
                ));
                continue;
            }
        };
        let known = machines.of(definition, &domain);
        let resolve = || known.as_ref()?.resolve(&domain.machine.as_ref()?.value);
        let machine = machine_of(&domain).or_else(resolve);
        let judged = sides.judge(&domain, &definition.label, machine);
        findings.extend(judged.findings(sides.are_both_given()));
        findings.extend(judged.machine_finding(&domain, known.as_deref()));
        guests.push(ReadGuest {
            definition,
            domain,
            known,
            judged,
        });
    }
    let judged = || guests.iter().map(|guest| &guest.judged);
    findings.extend(twice(judged()));
    if sides.are_both_given() {
        findings.extend(in_neither(judged()));
        findings.extend(displays_left_out(judged()));
    }
    guests
}

/// The definitions that change, each with its guest.
fn changes<'g, 'a>(
    wanted: &options::Changes,
    guests: &'g [ReadGuest<'a>],
    sides: &Sides,
    findings: &mut Vec<Finding>,
) -> Result<Vec<(&'g ReadGuest<'a>, NewDefinition)>, Failure> {
    let mut changes = Vec::new();
    for guest in guests {
        let (domain, known) = (&guest.domain, guest.known.as_deref());
        let wanted = wanted.wanted();
        let new = NewDefinition::of(&guest.judged, domain, sides, known, wanted, findings)
            .map_err(|error| Failure::file(&guest.definition.label, error))?;
        if let Some(mut new) = new {
            if guest.definition.is_running {
                let remark = "it runs, and stays as it is until it is started anew";
                new.row.what.push(remark.to_owned());
            }
            changes.push((guest, new));
        }
    }
    Ok(changes)
}

/// The codes of findings with which nothing is written: the guests would not be
/// all, or one would take the place of another.
fn blocking(findings: &[Finding]) -> Vec<Code> {
    let codes = findings.iter().map(|finding| finding.code);
    let mut codes: Vec<Code> = codes
        .filter(|code| matches!(code, Code::GuestUnreadable | Code::GuestTwice))
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn is_every_card_cured(
    guests: &[ReadGuest<'_>],
    changes: &[(&ReadGuest<'_>, NewDefinition)],
) -> bool {
    let answers = guests.iter().flat_map(|guest| &guest.judged.judged);
    let is_refused = |answer: &&Answer| answer.is_refused();
    let refused = answers.map(|judged| &judged.answer).filter(is_refused);
    let cured: usize = changes.iter().map(|(_, new)| new.cured).sum();
    refused.count() == cured
}
