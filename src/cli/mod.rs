//! The command line: files, environment, terminal and exit status.

mod arguments;
mod commands;
mod exit;
mod io;
mod options;
mod session;
mod steps;

use crate::report::Text;
use arguments::{Arguments, Command};
use clap::{CommandFactory as _, Parser as _};
use commands::{
    advise, build, check, emit, explain, fix, guests, hook, inspect, join, lint, pad, prove,
    retarget, source, split, state, templates,
};
use exit::{Exit, Failure};
use io::complaint::complain;
use io::opened::Inputs;
use io::supervise;
use options::common::Format;
use session::settings::Settings;
use session::terminal::Terminal;
use std::process::{ExitCode, Termination as _};

/// The arguments that the program understands, of which manuals are made.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    answer().report()
}

fn answer() -> Exit {
    if let Some(exit) = supervise::serve() {
        return exit;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && Arguments::are_for_the_hook(std::env::args_os()) => {
            return hook::pass(&error);
        }
        Err(error) if error.use_stderr() => {
            let mut text = Text::new();
            for line in error.render().to_string().lines() {
                text.line(line);
            }
            complain(&text);
            return Exit::Usage;
        }
        Err(help) => {
            let _ = help.print();
            return Exit::Clean;
        }
    };
    // It must not fail for a configuration that is none of its business.
    if let Command::Hook(command) = &arguments.command {
        return hook::run(command);
    }
    let inputs = Inputs::default();
    let settings = Settings::load(arguments.common.config.as_deref(), &inputs);
    let terminal = match settings {
        Ok(settings) => Terminal::new(&arguments.common, settings, inputs),
        Err(failure) => {
            Terminal::new(&arguments.common, Settings::default(), inputs).failure(&failure);
            return failure.kind.exit();
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
        Command::Pad(command) => pad::run(command, &terminal),
        Command::Fix(command) => fix::run(command, &terminal),
        Command::Retarget(command) => retarget::run(command, &terminal),
        Command::Split(command) => split::run(command, &terminal),
        Command::Join(command) => join::run(command, &terminal),
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
        failure.kind.exit()
    })
}
