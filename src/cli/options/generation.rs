//! The ROMs of a release, as they are typed.

use crate::qemu::{Arch, MachineType, QemuVersion};
use std::path::PathBuf;
use std::str::FromStr;
use thiserror::Error;

/// One generation: `VERSION=INPUT`.
#[derive(Debug, Clone)]
pub struct GenerationInput {
    /// The newest version of machine types.
    pub version: QemuVersion,
    /// The ROMs that they used.
    pub path: PathBuf,
}

/// Why a text names no generation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoGeneration {
    /// It has no version or no input.
    #[error("write the newest version of machine types, = and an input, such as 2.11=bionic.deb")]
    Form,
    /// This is no version.
    #[error(
        "`{0}` is no version of machine types; write it like 2.11 or pc-i440fx-2.11 (for a machine type of a distribution, that of QEMU which it is made of)"
    )]
    Version(String),
}

impl FromStr for GenerationInput {
    type Err = NoGeneration;

    fn from_str(text: &str) -> Result<Self, NoGeneration> {
        let (version, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or(NoGeneration::Form)?;
        Ok(Self {
            version: machine_version(version)
                .ok_or_else(|| NoGeneration::Version(version.to_owned()))?,
            path: path.into(),
        })
    }
}

/// The version of a machine type that is named whole or by its version.
fn machine_version(text: &str) -> Option<QemuVersion> {
    let whole = |arch| MachineType::parse(arch, text).ok()?.version;
    let bare = || {
        let version: QemuVersion = text.parse().ok()?;
        (version.to_string() == text).then_some(version)
    };
    let series = || MachineType::version_of_ubuntu(text);
    Arch::ALL
        .into_iter()
        .find_map(whole)
        .or_else(bare)
        .or_else(series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_has_a_version_of_machine_types_and_an_input() {
        let version = |text: &str| {
            text.parse::<GenerationInput>()
                .map(|g| g.version.to_string())
        };
        assert_eq!(version("2.11=a.deb").as_deref(), Ok("2.11"));
        assert_eq!(version("pc-q35-2.5=a=b").as_deref(), Ok("2.5"));
        assert_eq!(version("bionic=a.deb").as_deref(), Ok("2.11"));
        assert_eq!(version("pc-i440fx-xenial=a.deb").as_deref(), Ok("2.5"));
        for text in [
            "a.deb",
            "2.5=",
            "2.5.1=a",
            "pc-i440fx-nobody=a",
            "=a",
            "two=a",
        ] {
            assert!(version(text).is_err(), "{text}");
        }
    }
}
