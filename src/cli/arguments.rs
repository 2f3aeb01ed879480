//! The arguments as they are typed.

use crate::cli::commands::advise::Advise;
use crate::cli::commands::build::Build;
use crate::cli::commands::check::Check;
use crate::cli::commands::emit::Emit;
use crate::cli::commands::explain::Explain;
use crate::cli::commands::fix::Fix;
use crate::cli::commands::guests::Guests;
use crate::cli::commands::hook::Hook;
use crate::cli::commands::inspect::Inspect;
use crate::cli::commands::join::Join;
use crate::cli::commands::lint::Lint;
use crate::cli::commands::pad::Pad;
use crate::cli::commands::prove::Prove;
use crate::cli::commands::retarget::Retarget;
use crate::cli::commands::source::Source;
use crate::cli::commands::split::Split;
use crate::cli::commands::state::State;
use crate::cli::commands::templates::Templates;
use crate::cli::exit;
use crate::cli::options::common::Common;
use clap::{CommandFactory as _, Parser, Subcommand};
use std::ffi::OsString;

/// When the option ROMs on a host change: which virtual machines can still be
/// migrated or resumed there, and what makes the rest work.
///
/// An INPUT, OLD or NEW is a ROM file, a directory, a .deb, an .rpm or a tar
/// archive (plain or in xz, zstd, bzip2 or gzip), recognised by content;
/// `-` is standard input.
#[derive(Debug, Parser)]
#[command(name = "romcompat", version, after_help = exit::TABLE, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Inspect(Inspect),
    Lint(Lint),
    Explain(Explain),
    Check(Check),
    Pad(Pad),
    Fix(Fix),
    Retarget(Retarget),
    Split(Split),
    Join(Join),
    Build(Box<Build>),
    Source(Box<Source>),
    Templates(Templates),
    Advise(Advise),
    Emit(Box<Emit>),
    State(State),
    Prove(Box<Prove>),
    Guests(Box<Guests>),
    Hook(Hook),
}

impl Arguments {
    /// Whether these arguments of the process, which cannot be understood, are
    /// meant for the hook.
    pub fn are_for_the_hook(arguments: impl Iterator<Item = OsString>) -> bool {
        let program = Self::command();
        let is_command = |argument: &OsString| {
            let mut commands = program.get_subcommands();
            commands.any(|command| argument == command.get_name())
        };
        let mut arguments = arguments.skip(1);
        arguments
            .find(is_command)
            .is_some_and(|name| name == "hook")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
