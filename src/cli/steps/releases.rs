//! The releases that a compat package is planned of, and the plan.

use crate::cli::exit::Failure;
use crate::cli::io::input;
use crate::cli::io::opened::Inputs;
use crate::cli::options::generation::GenerationInput;
use crate::cli::options::plan::PlanInputs;
use crate::cli::session::settings::Settings;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::saved::{self, Wanted};
use crate::finding::{Finding, has_errors};
use crate::judge::{Comparison, Pair};
use crate::parallel;
use crate::plan::{CompatPlan, Generation, PlanOptions, SavedRelease, Selection, Source};
use crate::romset::RomSet;
use std::path::PathBuf;

/// What guests were started with, and what the hosts have that they go to.
#[derive(Debug)]
pub struct Releases {
    old: Old,
    new: Option<RomSet>,
}

#[derive(Debug)]
enum Old {
    One(RomSet),
    Generations(Vec<Generation>),
    Saved(SavedRelease),
}

impl Releases {
    /// Reads what the arguments name.
    ///
    /// # Errors
    /// A [`Failure`] for what cannot be read, and arguments that do not go
    /// together.
    pub fn read(command: &PlanInputs, inputs: &Inputs) -> Result<Self, Failure> {
        let new_alone = |why: &str| match &*command.inputs {
            [] => Ok(None),
            [new] => Ok(Some(new)),
            _ => Err(Failure::usage(why)),
        };
        let read_new = |new: Option<&PathBuf>| new.map(|new| input::read(new, inputs)).transpose();
        if !command.from_state.is_empty() {
            let new = new_alone("with --from-state, give NEW alone; OLD is the state")?;
            let wanted = Wanted {
                offset: command.offset.unwrap_or(0),
                snapshot: command.snapshot.as_deref(),
                contents: true,
            };
            return Ok(Self {
                new: read_new(new)?,
                old: Old::Saved(saved::release(&command.from_state, wanted, inputs)?),
            });
        }
        if !command.generation.is_empty() {
            let new = new_alone("with --generation, give NEW alone; OLD is the newest generation")?;
            return Ok(Self {
                old: Old::Generations(read_generations(&command.generation, inputs)?),
                new: read_new(new)?,
            });
        }
        let [old, rest @ ..] = &*command.inputs else {
            return Err(Failure::usage(
                "OLD is missing, the ROMs that guests were started with, or generations of them",
            ));
        };
        let (old, new) = input::read_some(old, rest.first().map(PathBuf::as_path), inputs)?;
        Ok(Self {
            old: Old::One(old),
            new,
        })
    }

    /// The new release, as the user named it.
    pub fn new_label(&self) -> Option<&str> {
        self.new.as_ref().map(|new| new.label.as_str())
    }

    /// Makes the plan and prints what came up, which goes with it; none where
    /// that are errors.
    ///
    /// # Errors
    /// A [`Failure`] where no plan can be made.
    pub fn plan(
        &self,
        settings: &Settings,
        all: bool,
        terminal: &Terminal,
    ) -> Result<Option<(CompatPlan<'_>, Vec<Finding>)>, Failure> {
        let mut findings = judged(self.findings(), terminal);
        if has_errors(&findings) {
            return Ok(None);
        }
        let source = match &self.old {
            Old::One(old) => Source::Release(old),
            Old::Generations(generations) => Source::Generations(generations),
            Old::Saved(saved) => Source::Saved(saved),
        };
        let plan = plan(settings, all, source, self.new.as_ref())?;
        let of_plan = judged(plan.findings.clone(), terminal);
        if has_errors(&of_plan) {
            return Ok(None);
        }
        findings.extend(of_plan);
        Ok(Some((plan, findings)))
    }

    /// What is wrong with the old ROMs, and what the new ones lack.
    fn findings(&self) -> Vec<Finding> {
        let new = self.new.as_ref();
        let omitted = |beside| new.map(|new| new.omitted(beside)).unwrap_or_default();
        match &self.old {
            Old::One(old) => {
                let mut findings = old.findings_beside(new);
                findings.extend(omitted(Some(old)));
                findings.extend(self.changes_of_content(old));
                findings
            }
            Old::Saved(saved) => {
                let mut findings = saved.findings();
                findings.extend(omitted(None));
                findings.extend(self.changes_of_content(&saved.first));
                findings
            }
            Old::Generations(generations) => generations
                .iter()
                .flat_map(|generation| generation.set.findings())
                .chain(omitted(None))
                .collect(),
        }
    }

    fn changes_of_content(&self, old: &RomSet) -> Vec<Finding> {
        let comparison = self.new.as_ref().map(|new| Comparison::new(old, new));
        let pairs = comparison.as_ref().map_or(&[][..], |one| &one.pairs);
        pairs.iter().flat_map(Pair::content_findings).collect()
    }
}

/// Reads the ROMs of each generation.
///
/// # Errors
/// A [`Failure`] that names what cannot be read, or is given twice in a row.
pub fn read_generations(
    typed: &[GenerationInput],
    inputs: &Inputs,
) -> Result<Vec<Generation>, Failure> {
    for (before, after) in typed.iter().zip(typed.iter().skip(1)) {
        input::refuse_same(&before.path, &after.path)?;
    }
    let read = |typed: &GenerationInput| {
        Ok(Generation {
            version: typed.version,
            set: input::read(&typed.path, inputs)?,
        })
    };
    parallel::each(typed, read).into_iter().collect()
}

/// Findings as the user wants them to weigh, printed.
fn judged(findings: Vec<Finding>, terminal: &Terminal) -> Vec<Finding> {
    let findings = terminal.judge(findings);
    terminal.findings(&findings);
    findings
}

/// The plan that the settings ask for.
///
/// # Errors
/// A [`Failure`] where there is none: at its place in the file where the
/// devices there are the cause, else at the releases.
pub fn plan<'a>(
    settings: &Settings,
    all: bool,
    source: Source<'a>,
    new: Option<&'a RomSet>,
) -> Result<CompatPlan<'a>, Failure> {
    let package = &settings.package;
    let options = PlanOptions {
        selection: Selection {
            all,
            patterns: package.select.clone(),
        },
        naming: package.naming().map_err(Failure::usage)?,
        size: package.size,
        boot_ids: package.boot_ids.unwrap_or_default(),
        devices: settings.devices.clone(),
    };
    CompatPlan::new(source, new, &options).map_err(|error| match source {
        Source::Release(old) => settings.failure(error, &old.label),
        Source::Saved(saved) => settings.failure(error, &saved.first.label),
        Source::Generations(generations) if error.mapped().is_some() => {
            let labels: Vec<&str> = generations.iter().map(|one| &*one.set.label).collect();
            settings.failure(error, &labels.join(", "))
        }
        Source::Generations(_) => Failure::usage(error),
    })
}
