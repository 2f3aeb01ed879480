//! The command line: files, environment, terminal and exit status.

mod advise;
mod args;
mod build;
mod check;
mod config;
mod definitions;
mod devices;
mod edit;
mod emit;
mod exit;
mod explain;
mod generations;
mod guest_changes;
mod guest_judge;
mod guests;
mod hook;
mod input;
mod inspect;
mod inventory;
mod lint;
mod machine_types;
mod making;
mod open_state;
mod opened;
mod output;
mod prove;
mod qemu_version;
mod releases;
mod saved;
mod source;
mod state;
mod supervise;
mod templates;
mod terminal;
mod upload;
mod virsh;

pub use args::Arguments;
pub use exit::Exit;

use args::{Command, Format};
use clap::Parser as _;
use config::Settings;
use exit::Failure;
use terminal::Terminal;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn run() -> Exit {
    if let Some(exit) = supervise::serve() {
        return exit;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && hook::is_meant(std::env::args_os()) => {
            return hook::pass(&error);
        }
        Err(error) => {
            // Help and version are no error; clap chooses the stream.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Clean
            };
        }
    };
    // It must not fail for a configuration that is none of its business.
    if let Command::Hook(command) = &arguments.command {
        return hook::run(command);
    }
    let terminal = match Settings::load(arguments.common.config.as_deref()) {
        Ok(settings) => Terminal::new(&arguments.common, settings),
        Err(failure) => {
            Terminal::new(&arguments.common, Settings::default()).failure(&failure);
            return failure.exit;
        }
    };
    let result = match &arguments.command {
        Command::Lint(command) => lint::run(command, &terminal),
        _ if terminal.format() == Format::Sarif => Err(Failure::usage(
            "only `lint` writes SARIF; the other commands write text and JSON",
        )),
        Command::Explain(command) => explain::run(command, &terminal),
        Command::Inspect(command) => inspect::run(command, &terminal),
        Command::Check(command) => check::run(command, &terminal),
        Command::Pad(command) => edit::pad(command, &terminal),
        Command::Fix(command) => edit::fix(command, &terminal),
        Command::Retarget(command) => edit::retarget(command, &terminal),
        Command::Split(command) => edit::split(command, &terminal),
        Command::Join(command) => edit::join(command, &terminal),
        Command::Build(command) => build::run(command, &terminal),
        Command::Source(command) => source::run(command, &terminal),
        Command::Templates(command) => templates::run(command, &terminal),
        Command::Advise(command) => advise::run(command, &terminal),
        Command::Emit(command) => emit::run(command, &terminal),
        Command::State(command) => state::run(command, &terminal),
        Command::Prove(command) => prove::run(command, &terminal),
        Command::Guests(command) => guests::run(command, &terminal),
        Command::Hook(command) => Ok(hook::run(command)),
    };
    result.unwrap_or_else(|failure| {
        terminal.failure(&failure);
        failure.exit
    })
}
