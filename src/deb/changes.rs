//! What goes with a package to an archive: `.changes` (deb-changes(5)) and
//! `.buildinfo` (deb-buildinfo(5)).

use super::changelog::{ChangelogError, date_line};
use super::checksums::{ListedFile, checksums, sha_fields};
use super::control::without_epoch;
use super::person::Maintainer;
use std::fmt::Write as _;

/// An upload of binary packages for all architectures.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// Name of the source package.
    pub package: &'a str,
    /// Name of each binary package, with the first line of its description.
    pub binaries: &'a [(&'a str, &'a str)],
    /// Its version.
    pub version: &'a str,
    /// Its maintainer.
    pub maintainer: &'a Maintainer,
    /// Who made it.
    pub changed_by: &'a Maintainer,
    /// Its section.
    pub section: &'a str,
    /// The distribution that it is for.
    pub distribution: &'a str,
    /// The newest entry of its changelog.
    pub changelog_entry: &'a str,
    /// Seconds since 1970-01-01 UTC.
    pub epoch: u64,
}

/// Where a package was built (deb-buildinfo(5)).
#[derive(Debug, Clone, Copy)]
pub struct BuildPlace<'a> {
    /// Debian's name of the architecture.
    pub architecture: &'a str,
    /// Name of the distribution, if it is known.
    pub origin: Option<&'a str>,
    /// Name and version of the package that built it.
    pub builder: (&'a str, &'a str),
}

impl Upload<'_> {
    /// Name of a file of this upload: package, version without its epoch, and
    /// `all`, the architecture of all that was built (dpkg-genchanges(1)).
    #[must_use]
    pub fn file_name(&self, extension: &str) -> String {
        let version = without_epoch(self.version);
        format!("{}_{version}_all.{extension}", self.package)
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.binaries.iter().map(|(name, _)| *name).collect();
        names.join(" ")
    }

    /// The `.buildinfo` of the packages that were built.
    ///
    /// # Errors
    /// [`ChangelogError::OutOfRange`] for a date after the year 9999.
    pub fn buildinfo(
        &self,
        built: &[ListedFile],
        place: &BuildPlace<'_>,
    ) -> Result<String, ChangelogError> {
        let mut text = format!(
            "Format: 1.0\nSource: {}\nBinary: {}\nArchitecture: all\nVersion: {}\n",
            self.package,
            self.names(),
            self.version
        );
        text.push_str(&checksums("Checksums-Md5", built, |file| &file.md5));
        text.push_str(&sha_fields(built));
        if let Some(origin) = place.origin {
            let _ = writeln!(text, "Build-Origin: {origin}");
        }
        let (builder, version) = place.builder;
        let _ = write!(
            text,
            "Build-Architecture: {}\nBuild-Date: {}\nInstalled-Build-Depends:\n {builder} (= {version})\nEnvironment:\n SOURCE_DATE_EPOCH=\"{}\"\n",
            place.architecture,
            date_line(self.epoch)?,
            self.epoch
        );
        Ok(text)
    }

    /// The `.changes` of these files, the `.buildinfo` among them.
    ///
    /// # Errors
    /// [`ChangelogError::OutOfRange`] for a date after the year 9999.
    pub fn changes(&self, files: &[ListedFile]) -> Result<String, ChangelogError> {
        let mut text = format!(
            "Format: 1.8\nDate: {}\nSource: {}\nBinary: {}\nArchitecture: all\nVersion: {}\nDistribution: {}\nUrgency: medium\nMaintainer: {}\nChanged-By: {}\nDescription:\n",
            date_line(self.epoch)?,
            self.package,
            self.names(),
            self.version,
            self.distribution,
            self.maintainer,
            self.changed_by,
        );
        for (name, synopsis) in self.binaries {
            let _ = writeln!(text, " {name} - {synopsis}");
        }
        text.push_str("Changes:\n");
        for line in entry_lines(self.changelog_entry) {
            let line = if line.is_empty() { "." } else { line };
            let _ = writeln!(text, " {line}");
        }
        text.push_str(&sha_fields(files));
        text.push_str("Files:\n");
        for file in files {
            let _ = writeln!(
                text,
                " {} {} {} optional {}",
                file.md5, file.size, self.section, file.name
            );
        }
        Ok(text)
    }
}

/// The lines of the newest entry without its trailer.
fn entry_lines(changelog: &str) -> impl Iterator<Item = &str> {
    let entry = changelog.split("\n -- ").next().unwrap_or_default();
    entry.trim_end().lines().map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A maintainer, and who made the upload.
    fn people() -> [Maintainer; 2] {
        ["A B <a@b.c>", "C D <c@b.c>"].map(|person| person.parse().unwrap())
    }

    fn upload([maintainer, changed_by]: &[Maintainer; 2]) -> Upload<'_> {
        Upload {
            package: "aa",
            binaries: &[("aa", "roms")],
            version: "1:2-3",
            maintainer,
            changed_by,
            section: "admin",
            distribution: "unstable",
            changelog_entry: "aa (1:2-3) unstable; urgency=medium\n\n  * x\n\n -- A B <a@b.c>  Thu\n\naa (1) x\n",
            epoch: 0,
        }
    }

    #[test]
    fn names_of_files_leave_out_the_epoch() {
        assert_eq!(upload(&people()).file_name("changes"), "aa_2-3_all.changes");
    }

    #[test]
    fn the_changes_have_the_newest_entry_and_every_sum() {
        let file = ListedFile::of("aa_2-3_all.deb", b"abc");
        assert_eq!(
            upload(&people()).changes(&[file]).unwrap(),
            "\
Format: 1.8
Date: Thu, 01 Jan 1970 00:00:00 +0000
Source: aa
Binary: aa
Architecture: all
Version: 1:2-3
Distribution: unstable
Urgency: medium
Maintainer: A B <a@b.c>
Changed-By: C D <c@b.c>
Description:
 aa - roms
Changes:
 aa (1:2-3) unstable; urgency=medium
 .
   * x
Checksums-Sha1:
 a9993e364706816aba3e25717850c26c9cd0d89d 3 aa_2-3_all.deb
Checksums-Sha256:
 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 aa_2-3_all.deb
Files:
 900150983cd24fb0d6963f7d28e17f72 3 admin optional aa_2-3_all.deb
"
        );
    }

    #[test]
    fn the_buildinfo_says_where_it_was_built() {
        let place = BuildPlace {
            architecture: "amd64",
            origin: Some("Debian"),
            builder: ("romcompat", "1.0"),
        };
        let text = upload(&people()).buildinfo(&[], &place).unwrap();
        assert!(
            text.ends_with(
                "Build-Origin: Debian\nBuild-Architecture: amd64\nBuild-Date: Thu, 01 Jan 1970 00:00:00 +0000\nInstalled-Build-Depends:\n romcompat (= 1.0)\nEnvironment:\n SOURCE_DATE_EPOCH=\"0\"\n"
            ),
            "{text}"
        );
    }
}
