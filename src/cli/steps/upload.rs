//! The `.changes` and `.buildinfo` of `build --changes`, signed where asked
//! for.

use crate::cli::exit::Failure;
use crate::deb::{BuildPlace, ListedFile, Upload};
use crate::package::{CompatPackage, Details, HookPackage};
use std::env::consts::ARCH;
use std::fs;
use std::io::{Seek as _, Write as _};
use std::process::Command;

/// Names and contents of both files.
///
/// # Errors
/// A [`Failure`] where gpg is missing or has not the key.
pub fn files(
    package: &CompatPackage,
    hook: Option<&HookPackage>,
    details: &Details,
    key: Option<&str>,
) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut binaries = vec![(&*details.package, &*details.synopsis)];
    let mut built = vec![ListedFile::of(&package.file_name, &package.deb)];
    if let Some(hook) = hook {
        binaries.push((&hook.package, &hook.synopsis));
        built.push(ListedFile::of(&hook.file_name, &hook.deb));
    }
    let upload = Upload {
        package: &details.package,
        binaries: &binaries,
        version: &details.version,
        maintainer: &details.maintainer,
        changed_by: &details.author,
        section: &details.section,
        distribution: &details.distribution,
        changelog_entry: &package.changelog,
        epoch: details.epoch,
    };
    let fail = |error| Failure::file(&package.file_name, error);
    let signed = |text: String| match key {
        Some(key) => sign(key, &text),
        None => Ok(text.into_bytes()),
    };
    let architecture = architecture();
    let origin = origin();
    let place = BuildPlace {
        architecture,
        origin: origin.as_deref(),
        builder: (env!("CARGO_PKG_NAME"), BUILDER_VERSION),
    };
    let buildinfo = upload.buildinfo(&built, &place).map_err(fail)?;
    let buildinfo = signed(buildinfo)?;
    let buildinfo_name = upload.file_name("buildinfo");
    built.push(ListedFile::of(&buildinfo_name, &buildinfo));
    let changes = signed(upload.changes(&built).map_err(fail)?)?;
    let changes_name = upload.file_name("changes");
    Ok(vec![(buildinfo_name, buildinfo), (changes_name, changes)])
}

/// The version of our own package: this is its revision 1
/// (scripts/package.d/changelog).
const BUILDER_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-1");

/// Debian's name of the architecture that this program runs on
/// (dpkg-architecture(1), `cputable`).
fn architecture() -> &'static str {
    match ARCH {
        "x86_64" => "amd64",
        "x86" => "i386",
        "aarch64" => "arm64",
        "arm" => "armhf",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64el",
        "powerpc64" => "ppc64",
        "loongarch64" => "loong64",
        other => other,
    }
}

/// The distribution of this host (deb-origin(5)).
fn origin() -> Option<String> {
    let text = fs::read_to_string("/etc/dpkg/origins/default").ok()?;
    let mut lines = text.lines();
    let vendor = lines.find_map(|line| line.strip_prefix("Vendor:"))?;
    Some(vendor.trim().to_owned())
}

/// A text with its signature around it, by the user's gpg.
fn sign(key: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let fail = |why: String| {
        let subject = format!("nothing was signed with key `{key}`, and nothing written");
        Failure::file(subject, why)
    };
    // gpg answers while it reads, which a file without a name never waits for.
    let input = tempfile::tempfile().and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        Ok(file)
    });
    let input = input.map_err(|error| fail(format!("its input: {error}")))?;
    let output = Command::new("gpg")
        .args(["--batch", "--clearsign", "--armor", "--textmode"])
        .args(["--local-user", key, "--output", "-", "-"])
        .stdin(input)
        .output()
        .map_err(|error| fail(format!("gpg: {error}")))?;
    if output.status.success() && !output.stdout.is_empty() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // The last line has the reason, after `gpg: [stdin]: `.
    let reason = said.lines().next_back().unwrap_or("nothing");
    let reason = reason
        .trim_start_matches("gpg: ")
        .trim_start_matches("[stdin]: ");
    Err(fail(format!(
        "gpg says `{reason}`; `gpg --list-secret-keys` lists the keys that it has"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builder_has_the_version_of_our_own_package() {
        let changelog = include_str!("../../../scripts/package.d/changelog");
        let heading = format!("romcompat ({BUILDER_VERSION}) ");
        assert!(changelog.starts_with(&heading), "{heading}");
    }
}
