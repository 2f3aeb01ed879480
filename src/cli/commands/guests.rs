//! `romcompat guests`: definitions of libvirt, judged and changed.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::definitions::{Definitions, read_definitions};
use crate::cli::options::guests::{Changes, Sides};
use crate::cli::options::settings::BuildSettings;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::guest_changes::{NewDefinition, changed, write};
use crate::cli::steps::guest_judge::{Guest, Judge, twice};
use crate::cli::steps::machine_types::Machines;
use crate::finding::{Code, Finding, has_errors};
use crate::libvirt::Domain;
use crate::plan::{Naming, QEMU_SHARE};
use crate::report::{ChangedGuest, GuestRow, GuestsReport, guest_finding};
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
    pub sides: Sides,
    /// Ask this QEMU, with arguments if need be, which machine types it has and
    /// what aliases stand for [default: the emulator of each guest, or its libvirt]
    #[arg(long, value_name = "COMMAND")]
    pub qemu: Option<String>,
    /// What is changed.
    #[command(flatten)]
    pub changes: Changes,
}

/// Judges the guests, and changes their definitions where asked for.
pub fn run(command: &Guests, terminal: &Terminal) -> Result<Exit, Failure> {
    command.check()?;
    let devices = terminal.settings(&BuildSettings::default()).devices;
    let judge = Judge::read(&command.sides, naming(terminal)?, devices)?;
    let connect = command.connect.as_deref();
    let mut machines = Machines::new(command.qemu.as_deref(), connect)?;
    let definitions = read_definitions(&command.inputs, connect, command.changes.are_any())?;
    let mut findings = judge.omitted();
    let guests = guests(&definitions, &judge, &mut machines, &mut findings);
    let mut changes = changed(
        &command.changes,
        &judge,
        &guests,
        &mut machines,
        &mut findings,
    )?;
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
            write(&command.changes, connect, folder, &guests, &mut changes)?;
            is_cured = is_every_card_cured(&guests, &changes);
        }
    }
    let rows: Vec<GuestRow> = guests.into_iter().map(|guest| guest.row).collect();
    let changes: Vec<ChangedGuest> = changes.into_iter().map(|new| new.row).collect();
    let report = GuestsReport::new(rows, changes, blocked_by, findings);
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

/// The names of compat ROMs, as `build` gives them.
fn naming(terminal: &Terminal) -> Result<Naming, Failure> {
    let settings = terminal.settings(&BuildSettings::default());
    let folder = settings.install_dir.as_deref().unwrap_or(QEMU_SHARE);
    Naming::new(settings.name_pattern.unwrap_or_default(), folder).map_err(Failure::usage)
}

/// The guests of these definitions, with findings about what they are.
fn guests<'a>(
    definitions: &'a Definitions,
    judge: &Judge,
    machines: &mut Machines<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<Guest<'a>> {
    for name in &definitions.vanished {
        findings.push(guest_finding(
            Code::GuestVanished,
            name,
            "it was gone before its definition could be read".to_owned(),
            "only guests that are there are judged".to_owned(),
        ));
    }
    let mut guests = Vec::new();
    for definition in &definitions.read {
        match Domain::parse(&definition.bytes) {
            Ok(domain) => guests.push(judge.guest(definition, domain, machines, findings)),
            Err(error) => findings.push(guest_finding(
                Code::GuestUnreadable,
                &definition.label,
                error.to_string(),
                "a definition as libvirt writes it".to_owned(),
            )),
        }
    }
    findings.extend(twice(&guests));
    guests
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

fn is_every_card_cured(guests: &[Guest<'_>], changes: &[NewDefinition]) -> bool {
    let cards = guests.iter().flat_map(|guest| &guest.row.cards);
    let refused = cards.filter(|card| card.accepted == Some(false)).count();
    let cured: usize = changes.iter().map(|new| new.cured.len()).sum();
    refused == cured
}
