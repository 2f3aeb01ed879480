//! Options of every command.

use crate::finding::Code;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    /// Form of the answer on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print neither text nor warnings; errors stay, and so does JSON
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print every detail, and notes
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Read settings from this file [default: romcompat.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Make findings of this code (RC104 or its name) errors
    #[arg(long, global = true, value_name = "CODE")]
    pub deny: Vec<Code>,
    /// Make findings of this code warnings
    #[arg(long, global = true, value_name = "CODE")]
    pub warn: Vec<Code>,
    /// Leave out findings of this code
    #[arg(long, global = true, value_name = "CODE")]
    pub allow: Vec<Code>,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines
    Json,
    /// For code hosts; of `lint` only
    Sarif,
}
