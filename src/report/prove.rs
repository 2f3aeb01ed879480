//! What real QEMU did, against what the plan says.

use super::junit;
use super::table::{Columns, Tone, plain};
use super::{Colour, SCHEMA_VERSION, Text};
use crate::finding::{Code, Finding, counted};
use crate::prove::{
    BootOutcome, BootProof, Emulators, Expected, Kind, LeftOut, NotTried, Outcome, Place, Proof,
    words,
};
use crate::qemu::{MachineType, QemuVersion};
use serde::Serialize;

/// The answer of `prove`.
#[derive(Debug, Serialize)]
pub struct ProveReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The old release, as the user named it.
    pub old: String,
    /// The new release, as the user named it.
    pub new: String,
    /// The package whose ROMs were used, if one was named.
    pub package: Option<String>,
    /// The QEMU of the old host.
    pub source_qemu: ProvedQemu,
    /// The QEMU of the new host.
    pub dest_qemu: ProvedQemu,
    /// The migrations.
    pub migrations: Vec<ProvedMigration>,
    /// The cold starts.
    pub boots: Vec<ProvedBoot>,
    /// What was not tried, and why.
    pub left_out: Vec<LeftOut>,
    /// What went otherwise than the plan says, or did not go.
    pub findings: Vec<Finding>,
}

/// What was to be proved, as the user named it.
#[derive(Debug, Clone)]
pub struct ProveSubject {
    /// The old release.
    pub old: String,
    /// The new release.
    pub new: String,
    /// The package whose ROMs were used, if one was named.
    pub package: Option<String>,
}

/// A QEMU that ran.
#[derive(Debug, Clone, Serialize)]
pub struct ProvedQemu {
    /// Its command line.
    pub command: String,
    /// Its release.
    pub version: QemuVersion,
}

/// One migration that was tried.
#[derive(Debug, Serialize)]
pub struct ProvedMigration {
    /// What was tried.
    pub scenario: Kind,
    /// The card.
    pub device: &'static str,
    /// The machine type.
    pub machine: MachineType,
    /// What the plan says.
    pub expected: Expected,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The command lines of source and destination.
    pub commands: Vec<String>,
    /// What both wrote to standard error.
    pub said: String,
    #[serde(skip)]
    record: String,
}

/// One machine that was started.
#[derive(Debug, Serialize)]
pub struct ProvedBoot {
    /// The card.
    pub device: &'static str,
    /// The machine type.
    pub machine: MachineType,
    /// Where the card is.
    pub place: Place,
    /// What started it.
    pub firmware: &'static str,
    /// Whether the plan says that network boot is reached.
    pub expected: bool,
    /// How it went.
    #[serde(flatten)]
    pub outcome: BootOutcome,
    /// The command line.
    pub command: String,
    /// What the console showed.
    #[serde(skip)]
    pub console: String,
    #[serde(skip)]
    record: String,
}

impl ProveReport {
    /// A report of these proofs.
    #[must_use]
    pub fn new(
        subject: ProveSubject,
        emulators: Emulators<'_>,
        proofs: &[Proof<'_>],
        boots: &[BootProof<'_>],
        left_out: Vec<LeftOut>,
    ) -> Self {
        let qemu = |emulator: &crate::prove::Emulator| ProvedQemu {
            command: words(&emulator.command),
            version: emulator.version,
        };
        let mut report = Self {
            schema_version: SCHEMA_VERSION,
            old: subject.old,
            new: subject.new,
            package: subject.package,
            source_qemu: qemu(emulators.old),
            dest_qemu: qemu(emulators.new),
            migrations: proofs.iter().map(ProvedMigration::of).collect(),
            boots: boots.iter().map(ProvedBoot::of).collect(),
            left_out,
            findings: Vec::new(),
        };
        let migrations = report
            .migrations
            .iter()
            .filter_map(ProvedMigration::finding);
        let boots = report.boots.iter().filter_map(ProvedBoot::finding);
        let unaided = report.left_out.iter().filter_map(without_compat_rom);
        report.findings = migrations.chain(boots).chain(unaided).collect();
        report
    }

    /// Adds the finding that nothing of what was asked for can be tried.
    pub fn tells_nothing(&mut self, with_boots: bool) {
        let asked = if with_boots {
            "migrations and cold starts are to be tried"
        } else {
            "migrations are to be tried"
        };
        let found = self.left_out_lines().join("; ");
        let finding = Finding::new(Code::ProofCouldNotRun, "prove", found, asked);
        self.findings.push(finding);
    }

    /// What was left out, a line for each reason.
    fn left_out_lines(&self) -> Vec<String> {
        let mut groups: Vec<(NotTried, &str, Vec<String>)> = Vec::new();
        for left in &self.left_out {
            let machine = left.machine.map(|machine| format!(" on {machine}"));
            let whose = format!("{}{}", left.device, machine.unwrap_or_default());
            match groups
                .iter_mut()
                .find(|(what, why, _)| (*what, *why) == (left.what, &left.why))
            {
                Some((_, _, all)) => all.push(whose),
                None => groups.push((left.what, &left.why, vec![whose])),
            }
        }
        let line = |(what, why, whose): (NotTried, &str, Vec<String>)| {
            format!("no {} of {}: {why}", what.words(), whose.join(", "))
        };
        groups.into_iter().map(line).collect()
    }

    /// A row for each card and machine, a column for each kind of migration.
    #[must_use]
    pub fn text(&self, colour: Colour) -> Text {
        let mut text = Text::new();
        text.line(format_args!(
            "Old host: QEMU {}, ROMs of {}",
            self.source_qemu.version, self.old
        ));
        text.line(format_args!(
            "New host: QEMU {}, ROMs of {}",
            self.dest_qemu.version, self.new
        ));
        text.blank();
        text.add(self.migrations_text(colour));
        if !self.boots.is_empty() {
            text.blank();
            text.add(self.boots_text(colour));
        }
        let outcomes = self.migrations.iter().map(|proof| &proof.outcome);
        let boots = self.boots.iter().map(|proof| &proof.outcome);
        let passed = outcomes.filter(|o| **o == Outcome::Passed).count();
        let booted = boots.filter(|o| **o == BootOutcome::Passed).count();
        let starts = match self.boots.len() {
            0 => String::new(),
            count => format!(", {booted} of {}", counted(count, "cold start")),
        };
        text.blank();
        text.line(format_args!(
            "{passed} of {} as the plan says{starts}",
            counted(self.migrations.len(), "migration")
        ));
        if self.migrations.is_empty() && self.boots.is_empty() {
            text.line("Nothing was tried.");
        }
        for line in self.left_out_lines() {
            text.line(format_args!("Left out: {line}"));
        }
        text
    }

    fn migrations_text(&self, colour: Colour) -> Text {
        let headings = [
            "Device",
            "Machine",
            "Old>old",
            "Old>new",
            "New>old",
            "By globals",
            "And back",
            "By file",
            "And back",
            "Other bytes",
            "Missing",
        ];
        let mut columns = Columns::new(&headings, colour);
        let mut rows: Vec<(&str, MachineType)> = Vec::new();
        for proof in &self.migrations {
            let row = (proof.device, proof.machine);
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        for (device, machine) in rows {
            let cell = |kind: &Kind| {
                self.migrations
                    .iter()
                    .find(|proof| {
                        (proof.device, proof.machine, proof.scenario) == (device, machine, *kind)
                    })
                    .map_or_else(|| plain("-"), ProvedMigration::cell)
            };
            let mut row = vec![plain(device), plain(machine)];
            row.extend(COLUMNS.iter().map(cell));
            columns.row(row);
        }
        columns.text()
    }

    fn boots_text(&self, colour: Colour) -> Text {
        let headings = ["Device", "Machine", "Card", "Firmware", "Network boot"];
        let mut columns = Columns::new(&headings, colour);
        for boot in &self.boots {
            let (words, tone) = match &boot.outcome {
                BootOutcome::Passed if boot.expected => ("reached", Tone::Good),
                BootOutcome::Passed => ("not reached, as planned", Tone::Plain),
                BootOutcome::Failed(_) if boot.expected => ("NOT REACHED", Tone::Bad),
                BootOutcome::Failed(_) => ("REACHED", Tone::Bad),
                BootOutcome::CouldNotRun(_) => ("no verdict", Tone::Bad),
            };
            columns.row([
                plain(boot.device),
                plain(boot.machine),
                plain(boot.place_words()),
                plain(boot.firmware),
                (words.to_owned(), tone),
            ]);
        }
        columns.text()
    }

    /// The proofs as `JUnit` XML, a suite for migrations and one for starts.
    #[must_use]
    pub fn junit(&self) -> String {
        let migrations = self.migrations.iter().map(|proof| junit::Case {
            name: format!("{} {}", proof.machine, proof.scenario.name()),
            class: proof.device,
            outcome: match &proof.outcome {
                Outcome::Passed => junit::Outcome::Passed,
                Outcome::Failed(why) => junit::Outcome::Failure(why),
                Outcome::OtherReason(why) | Outcome::CouldNotRun(why) => junit::Outcome::Error(why),
            },
            said: &proof.said,
        });
        let boots = self.boots.iter().map(|proof| junit::Case {
            name: format!(
                "{} {} {}",
                proof.machine,
                proof.place_words(),
                proof.firmware
            ),
            class: proof.device,
            outcome: match &proof.outcome {
                BootOutcome::Passed => junit::Outcome::Passed,
                BootOutcome::Failed(why) => junit::Outcome::Failure(why),
                BootOutcome::CouldNotRun(why) => junit::Outcome::Error(why),
            },
            said: &proof.console,
        });
        let suites = [
            ("migrations", migrations.collect()),
            ("cold starts", boots.collect()),
        ];
        junit::document("romcompat prove", &suites)
    }

    /// For each proof a file name and all that is known: command lines, what
    /// QEMU said, the console.
    #[must_use]
    pub fn records(&self) -> Vec<(String, String)> {
        let migrations = self.migrations.iter().map(|proof| {
            let [source, destination] = [0, 1].map(|index| {
                let command = proof.commands.get(index);
                command.map_or("", String::as_str)
            });
            let [source_host, dest_host] = proof.scenario.hosts();
            let text = format!(
                "expected: {}\noutcome: {}\n\n\
                 source, in a folder with the ROMs of the {} host:\n{source}\n\n\
                 destination, in a folder with the ROMs of the {} host:\n{destination}\n\n\
                 Both folders were temporary. To run this by hand, put those ROMs into a\n\
                 folder, and the mapping to where a command reads it.\n\n\
                 said:\n{}",
                proof.expected, proof.outcome, source_host, dest_host, proof.said
            );
            (proof.record.clone(), text)
        });
        let boots = self.boots.iter().map(|proof| {
            let text = format!(
                "network boot expected: {}\noutcome: {}\n\ncommand:\n{}\n\nconsole:\n{}",
                if proof.expected { "yes" } else { "no" },
                proof.outcome,
                proof.command,
                proof.console
            );
            (proof.record.clone(), text)
        });
        migrations.chain(boots).collect()
    }
}

/// The kinds of migrations, in the order of the columns.
const COLUMNS: [Kind; 9] = [
    Kind::OldToOld,
    Kind::OldToNew,
    Kind::NewToOld,
    Kind::CompatByGlobals,
    Kind::CompatToOld,
    Kind::CompatByReadconfig,
    Kind::CompatToOldByReadconfig,
    Kind::OtherContent,
    Kind::CompatMissing,
];

impl ProvedMigration {
    fn of(proof: &Proof<'_>) -> Self {
        Self {
            scenario: proof.scenario.kind,
            device: proof.scenario.source.device.name,
            machine: proof.scenario.source.machine,
            expected: proof.scenario.expected.clone(),
            outcome: proof.outcome.clone(),
            commands: proof.migrated.commands.clone(),
            said: proof.migrated.said.clone(),
            record: proof.scenario.name(),
        }
    }

    fn cell(&self) -> (String, Tone) {
        let (words, tone) = match (&self.outcome, &self.expected) {
            (Outcome::Passed, Expected::Accepted) => ("accepted", Tone::Good),
            (Outcome::Passed, Expected::Refused(_)) => ("refused", Tone::Plain),
            (Outcome::Failed(_), Expected::Accepted) => ("REFUSED", Tone::Bad),
            (Outcome::Failed(_), Expected::Refused(_)) => ("DISAGREES", Tone::Bad),
            (Outcome::OtherReason(_), _) => ("other reason", Tone::Bad),
            (Outcome::CouldNotRun(_), _) => ("no verdict", Tone::Bad),
        };
        (words.to_owned(), tone)
    }

    fn finding(&self) -> Option<Finding> {
        let (code, found) = match &self.outcome {
            Outcome::Passed => return None,
            Outcome::Failed(why) => (Code::ProofDisagrees, why),
            Outcome::OtherReason(why) => (Code::RefusedForAnotherReason, why),
            Outcome::CouldNotRun(why) => (Code::ProofCouldNotRun, why),
        };
        let subject = format!(
            "{} on {}, {}",
            self.device,
            self.machine,
            self.scenario.name()
        );
        let required = match &self.expected {
            Expected::Accepted => "the plan says that the guest is taken".to_owned(),
            Expected::Refused(line) => format!("the plan says `{line}`"),
        };
        Some(Finding::new(code, subject, found, required))
    }
}

impl ProvedBoot {
    fn of(proof: &BootProof<'_>) -> Self {
        Self {
            device: proof.boot.device.name,
            machine: proof.boot.machine,
            place: proof.boot.place,
            firmware: proof.boot.firmware.name(),
            expected: proof.boot.expected,
            outcome: proof.outcome.clone(),
            command: proof.command.clone(),
            console: proof.console.clone(),
            record: proof.boot.name(),
        }
    }

    const fn place_words(&self) -> &'static str {
        match self.place {
            Place::RootBus => "on the root bus",
            Place::BehindPort => "behind a port",
        }
    }

    fn finding(&self) -> Option<Finding> {
        let (code, found) = match &self.outcome {
            BootOutcome::Passed => return None,
            BootOutcome::Failed(why) => (Code::NetworkBootDiffers, why),
            BootOutcome::CouldNotRun(why) => (Code::ProofCouldNotRun, why),
        };
        let subject = format!(
            "{} on {} {} under {}",
            self.device,
            self.machine,
            self.place_words(),
            self.firmware
        );
        let required = if self.expected {
            "the plan says that network boot is reached"
        } else {
            "the plan says that network boot is not reached"
        };
        Some(Finding::new(code, subject, found, required))
    }
}

/// A guest that breaks and is not helped is what a package must not leave.
fn without_compat_rom(left: &LeftOut) -> Option<Finding> {
    if left.what != NotTried::NeededCompatRom {
        return None;
    }
    let machine = left.machine.map(|machine| format!(" on {machine}"));
    let subject = format!("{}{}", left.device, machine.unwrap_or_default());
    let required = "a guest that breaks needs one";
    Some(Finding::new(
        Code::ProofDisagrees,
        subject,
        &left.why,
        required,
    ))
}
