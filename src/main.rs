//! The romcompat program.

use std::process::ExitCode;

fn main() -> ExitCode {
    romcompat::program::run()
}
