//! What a compat package is planned of.

use crate::cli::options::generation::GenerationInput;
use crate::cli::options::values::offset;
use crate::package::PackageSettings;
use clap::Args;
use std::path::PathBuf;

/// What a compat package is planned of.
#[derive(Debug, Args)]
pub struct PlanInputs {
    /// OLD, the ROMs that guests were started with, and NEW, those of the hosts
    /// that they go to; without NEW, all of OLD is shipped
    #[arg(num_args = 0..=2, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// In place of OLD: the ROMs that machine types up to this version used,
    /// such as 2.11=bionic.deb; several from the oldest to the newest
    #[arg(long, value_name = "VERSION=INPUT")]
    pub generation: Vec<GenerationInput>,
    /// In place of OLD: a saved guest, which has the ROMs in it, or several.
    /// It needs --package-version, --maintainer, --copyright and
    /// SOURCE_DATE_EPOCH, for a state names none of them
    #[arg(long, value_name = "FILE", conflicts_with = "generation")]
    pub from_state: Vec<PathBuf>,
    /// Of a state that is a qcow2 image, only the snapshot of this name or id
    #[arg(long, value_name = "NAME", requires = "from_state")]
    pub snapshot: Option<String>,
    /// Where the stream of QEMU starts in the state's file, in bytes
    #[arg(long, value_name = "BYTES", requires = "from_state", value_parser = offset)]
    pub offset: Option<u64>,
    /// Ship the ROMs that do not break, too
    #[arg(long)]
    pub all: bool,
    /// The compat package that this one takes the place of: its changelog goes
    /// on, and news say what changes
    #[arg(long, value_name = "DEB")]
    pub previous: Option<PathBuf>,
    /// The folder to write to
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
    /// Settings that the file may have, too.
    #[command(flatten)]
    pub settings: PackageSettings,
}
