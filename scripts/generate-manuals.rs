//! Writes the manual pages and shell completions of the program, made of the
//! arguments that it understands.
//!
//! Usage: `cargo run --example generate-manuals FOLDER`

use clap_complete::{Shell, generate_to};
use romcompat::program;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

/// File name of each shell's completions, as the shells look for them.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "romcompat"),
    (Shell::Zsh, "_romcompat"),
    (Shell::Fish, "romcompat.fish"),
];

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        return fail("usage: generate-manuals FOLDER");
    };
    match write(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{}: {error}", folder.display())),
    }
}

fn write(folder: &Path) -> io::Result<()> {
    let manuals = folder.join("man");
    fs::create_dir_all(&manuals)?;
    // A page for the program, and one for each command.
    clap_mangen::generate_to(program::command(), &manuals)?;
    for (shell, name) in COMPLETIONS {
        let completions = folder.join(shell.to_string());
        fs::create_dir_all(&completions)?;
        let mut command = program::command();
        let written = generate_to(shell, &mut command, "romcompat", &completions)?;
        fs::rename(written, completions.join(name))?;
    }
    Ok(())
}

#[allow(clippy::print_stderr)]
fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
