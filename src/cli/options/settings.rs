//! Settings that `romcompat.toml` may have, too.

use crate::cli::options::values::Misspelt;
use crate::plan::{BootIds, NamePattern};
use crate::rom::BarSize;
use clap::Args;
use std::path::PathBuf;

/// Settings of `build` and `source` that `romcompat.toml` may have, too.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings, also in romcompat.toml")]
pub struct BuildSettings {
    /// Name of the package [default: made of OLD's]
    #[arg(long, value_name = "NAME")]
    pub package: Option<String>,
    /// Version of the package [default: made of OLD's]
    #[arg(long, value_name = "VERSION")]
    pub package_version: Option<String>,
    /// `Name <address>` [default: OLD's, else DEBFULLNAME and DEBEMAIL, whose
    /// the changelog's entry is in any case]
    #[arg(long, value_name = "MAINTAINER")]
    pub maintainer: Option<String>,
    /// Section of the archive [default: OLD's, else admin]
    #[arg(long, value_name = "SECTION")]
    pub section: Option<String>,
    /// Distribution in the changelog [default: unstable]
    #[arg(long, value_name = "NAME")]
    pub distribution: Option<String>,
    /// First line of the description
    #[arg(long, value_name = "LINE")]
    pub synopsis: Option<String>,
    /// The rest of the description
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Copyright file of the package [default: OLD's]
    #[arg(long, value_name = "FILE")]
    pub copyright: Option<PathBuf>,
    /// Ship only ROMs whose names match
    #[arg(long, value_name = "GLOB")]
    pub select: Vec<glob::Pattern>,
    /// Refuse ROMs whose BAR is not this
    #[arg(long, value_name = "SIZE")]
    pub size: Option<BarSize>,
    /// How compat names are made [default: compat-{size}-{name}]
    #[arg(long, value_name = "PATTERN")]
    pub name_pattern: Option<NamePattern>,
    /// Where the package puts the ROMs [default: /usr/share/qemu]
    #[arg(long, value_name = "FOLDER")]
    pub install_dir: Option<String>,
    /// Give ROMs the x86 images that legacy BIOS firmware looks for, as far as
    /// they fit (auto), or keep them byte for byte (keep) [default: auto]
    #[arg(long, value_name = "MODE", value_parser = boot_ids)]
    pub boot_ids: Option<BootIds>,
    /// Use the templates in this folder in place of those of the same name
    #[arg(long, value_name = "FOLDER")]
    pub templates: Option<PathBuf>,
    /// Homepage of what is packaged [default: OLD's]
    #[arg(long, value_name = "ADDRESS")]
    pub homepage: Option<String>,
    /// Where the source package is kept: the address for git; it stands in
    /// source packages alone
    #[arg(long, value_name = "ADDRESS")]
    pub vcs_git: Option<String>,
    /// Where the source package can be looked at: the address for browsers; it
    /// stands in source packages alone
    #[arg(long, value_name = "ADDRESS")]
    pub vcs_browser: Option<String>,
}

fn boot_ids(text: &str) -> Result<BootIds, Misspelt> {
    match text {
        "auto" => Ok(BootIds::Auto),
        "keep" => Ok(BootIds::Keep),
        _ => Err(Misspelt::BootIds),
    }
}
