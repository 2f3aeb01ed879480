//! Many migrations side by side.

use super::{Migrated, Migrator, Outcome, Scenario};
use crate::parallel;
use std::str::FromStr;
use thiserror::Error;

/// One migration that was tried.
#[derive(Debug, Clone)]
pub struct Proof<'a> {
    /// What was tried.
    pub scenario: Scenario<'a>,
    /// How it went.
    pub outcome: Outcome,
    /// Command lines, and what QEMU said.
    pub migrated: Migrated,
}

/// A share of all that is to be tried, so that several machines can do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    number: usize,
    of: usize,
}

/// A text that names no share.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no share; write it like 2/8, for the second of eight")]
pub struct NotAPartition(String);

impl FromStr for Partition {
    type Err = NotAPartition;

    fn from_str(text: &str) -> Result<Self, NotAPartition> {
        let error = || NotAPartition(text.to_owned());
        let (number, of) = text.split_once('/').ok_or_else(error)?;
        let number: usize = number.parse().map_err(|_| error())?;
        let of: usize = of.parse().map_err(|_| error())?;
        if number == 0 || number > of {
            return Err(error());
        }
        Ok(Self { number, of })
    }
}

impl Partition {
    /// The members of this share. Together the shares have every item once.
    pub fn of<T>(self, items: Vec<T>) -> Vec<T> {
        let skipped = self.number.saturating_sub(1);
        items.into_iter().skip(skipped).step_by(self.of).collect()
    }
}

/// Tries every scenario, `jobs` at a time, and calls `done` after each. The
/// proofs come in the order of the scenarios. Where no threads can be had, it is
/// one at a time.
pub fn prove<'a>(
    scenarios: &[Scenario<'a>],
    migrator: &Migrator,
    jobs: usize,
    done: &(dyn Fn() + Sync),
) -> Vec<Proof<'a>> {
    parallel::each_of(jobs, scenarios, |scenario| {
        let migrated = migrator.migrate(&scenario.source, &scenario.destination);
        done();
        Proof {
            outcome: scenario.judge(&migrated),
            scenario: scenario.clone(),
            migrated,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_every_item_once() {
        let share = |text: &str| text.parse::<Partition>().unwrap().of((0..10).collect());
        let mut all: Vec<i32> = [share("1/3"), share("2/3"), share("3/3")].concat();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert_eq!(share("1/1").len(), 10);
        for text in ["", "0/3", "4/3", "1/0", "a/b", "1"] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
    }
}
