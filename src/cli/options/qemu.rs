//! Which QEMU is at both ends.

use crate::qemu::QemuVersion;
use clap::Args;

/// The QEMU at both ends of a migration.
#[derive(Debug, Args)]
pub struct QemuVersions {
    /// Release of QEMU that guests come from, such as 7.2
    #[arg(long, value_name = "VERSION")]
    pub source_qemu_version: Option<QemuVersion>,
    /// Release of QEMU that they go to
    #[arg(long, value_name = "VERSION")]
    pub dest_qemu_version: Option<QemuVersion>,
    /// Ask this QEMU, with arguments if need be, for --source-qemu-version
    #[arg(long, value_name = "COMMAND", conflicts_with = "source_qemu_version")]
    pub source_qemu: Option<String>,
    /// Ask this QEMU, with arguments if need be, for --dest-qemu-version
    #[arg(
        long,
        value_name = "COMMAND",
        conflicts_with = "dest_qemu_version",
        alias = "qemu"
    )]
    pub dest_qemu: Option<String>,
}

impl QemuVersions {
    /// Whether anything was said.
    pub fn are_given(&self) -> bool {
        let versions = [self.source_qemu_version, self.dest_qemu_version];
        let commands = [&self.source_qemu, &self.dest_qemu];
        versions.iter().any(Option::is_some) || commands.iter().any(|command| command.is_some())
    }
}
