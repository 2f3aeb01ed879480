//! The romcompat program.

use romcompat::cli::{self, Exit};

fn main() -> Exit {
    cli::run()
}
