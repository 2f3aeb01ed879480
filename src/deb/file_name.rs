//! Names of the files of packages (Debian Policy 5.6.12, dsc(5),
//! deb-changes(5)).

use super::control::{upstream_version, without_epoch};

/// The version in a file name, where it is one of this package's and another
/// version than this.
#[must_use]
pub fn other_version<'a>(file_name: &'a str, package: &str, version: &str) -> Option<&'a str> {
    let rest = file_name.strip_prefix(package)?.strip_prefix('_')?;
    let (found, wanted) = match rest.split_once(".orig.tar.") {
        Some((found, _)) => (found, upstream_version(version)),
        None => (version_of(rest)?, without_epoch(version)),
    };
    (found != wanted).then_some(found)
}

/// The version in the name of a file that is no upstream archive, whose package
/// has been taken away.
fn version_of(rest: &str) -> Option<&str> {
    let of_source = [".dsc", ".debian.tar.", ".tar."];
    if let Some(at) = of_source.iter().find_map(|end| rest.find(end)) {
        return rest.get(..at);
    }
    let mut ends = [".deb", ".changes", ".buildinfo"].into_iter();
    let stem = ends.find_map(|end| rest.strip_suffix(end))?;
    stem.rsplit_once('_').map(|(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_another_version_are_told_from_those_of_this_one_and_of_other_packages() {
        for (file, other) in [
            ("aa_1.0-2_all.deb", Some("1.0-2")),
            ("aa_1.0-2_amd64.changes", Some("1.0-2")),
            ("aa_1.0-2_all.buildinfo", Some("1.0-2")),
            ("aa_1.0-2.dsc", Some("1.0-2")),
            ("aa_1.0-2.debian.tar.xz", Some("1.0-2")),
            ("aa_1.1.orig.tar.gz", Some("1.1")),
            ("aa_1.0.tar.xz", Some("1.0")),
            ("aa_1.0-1_all.deb", None),
            ("aa_1.0-1_source.changes", None),
            ("aa_1.0-1.dsc", None),
            ("aa_1.0.orig.tar.xz", None),
            ("aa-libvirt_1.0-2_all.deb", None),
            ("aab_1.0-2_all.deb", None),
            ("aa_1.0-2_all.txt", None),
            ("aa_.deb", None),
        ] {
            assert_eq!(other_version(file, "aa", "1:1.0-1"), other, "{file}");
        }
    }
}
