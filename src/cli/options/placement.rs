//! Where edited ROMs go.

use clap::Args;
use std::path::PathBuf;

/// Where edited ROMs go.
#[derive(Debug, Args)]
pub struct Placement {
    /// Edit and write only ROMs whose names match
    #[arg(long, value_name = "GLOB")]
    pub select: Vec<glob::Pattern>,
    /// A file for one ROM, or a folder
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}
