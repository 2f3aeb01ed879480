//! What a user may set about a package: by the command line, in a file, or not
//! at all.

use crate::plan::{BootIds, InstallDirError, NamePattern, Naming, QEMU_SHARE};
use crate::rom::BarSize;
use clap::Args;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::path::PathBuf;

/// Settings of a package. What is not set has a default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Deserialize)]
#[command(next_help_heading = "Settings, also in romcompat.toml")]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PackageSettings {
    /// Name of the package [default: made of OLD's]
    #[arg(long, value_name = "NAME")]
    pub package: Option<String>,
    /// Version of the package [default: made of OLD's]
    #[arg(
        id = "package_version",
        long = "package-version",
        value_name = "VERSION"
    )]
    pub version: Option<String>,
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
    #[serde(deserialize_with = "patterns")]
    pub select: Vec<glob::Pattern>,
    /// Refuse ROMs whose BAR is not this
    #[arg(long, value_name = "SIZE")]
    #[serde(deserialize_with = "bar_size")]
    pub size: Option<BarSize>,
    /// How compat names are made [default: compat-{size}-{name}]
    #[arg(long, value_name = "PATTERN")]
    pub name_pattern: Option<NamePattern>,
    /// Where the package puts the ROMs [default: /usr/share/qemu]
    #[arg(long, value_name = "FOLDER")]
    pub install_dir: Option<String>,
    /// Give ROMs the x86 images that legacy BIOS firmware looks for, as far as
    /// they fit (auto), or keep them byte for byte (keep) [default: auto]
    #[arg(long, value_name = "MODE")]
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

fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<glob::Pattern>, D::Error> {
    Vec::<String>::deserialize(deserializer)?
        .iter()
        .map(|text| text.parse().map_err(D::Error::custom))
        .collect()
}

fn bar_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BarSize>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

impl PackageSettings {
    /// These settings, and of `below` what is not set here.
    #[must_use]
    pub fn over(self, below: &Self) -> Self {
        fn either<T: Clone>(above: Option<T>, below: &Option<T>) -> Option<T> {
            above.or_else(|| below.clone())
        }
        // No field has a default here, so that none can be forgotten.
        Self {
            package: either(self.package, &below.package),
            version: either(self.version, &below.version),
            maintainer: either(self.maintainer, &below.maintainer),
            section: either(self.section, &below.section),
            distribution: either(self.distribution, &below.distribution),
            synopsis: either(self.synopsis, &below.synopsis),
            description: either(self.description, &below.description),
            copyright: either(self.copyright, &below.copyright),
            select: match self.select.is_empty() {
                true => below.select.clone(),
                false => self.select,
            },
            size: self.size.or(below.size),
            name_pattern: either(self.name_pattern, &below.name_pattern),
            install_dir: either(self.install_dir, &below.install_dir),
            boot_ids: self.boot_ids.or(below.boot_ids),
            templates: either(self.templates, &below.templates),
            homepage: either(self.homepage, &below.homepage),
            vcs_git: either(self.vcs_git, &below.vcs_git),
            vcs_browser: either(self.vcs_browser, &below.vcs_browser),
        }
    }

    /// Names and place of the compat ROMs.
    ///
    /// # Errors
    /// [`InstallDirError`] for what is no folder to install to.
    pub fn naming(&self) -> Result<Naming, InstallDirError> {
        let pattern = self.name_pattern.clone().unwrap_or_default();
        Naming::new(pattern, self.install_dir.as_deref().unwrap_or(QEMU_SHARE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, FromArgMatches as _};

    /// Each setting as it is typed, with its name in a file and its value there.
    const ALL: &[(&str, &str, &str)] = &[
        ("--package", "package", "aa"),
        ("--package-version", "version", "2"),
        ("--maintainer", "maintainer", "A <a@b>"),
        ("--section", "section", "net"),
        ("--distribution", "distribution", "trixie"),
        ("--synopsis", "synopsis", "one"),
        ("--description", "description", "two"),
        ("--copyright", "copyright", "terms"),
        ("--size", "size", "256K"),
        ("--name-pattern", "name-pattern", "old-{name}"),
        ("--install-dir", "install-dir", "/opt"),
        ("--boot-ids", "boot-ids", "keep"),
        ("--templates", "templates", "texts"),
        ("--homepage", "homepage", "https://a.example"),
        ("--vcs-git", "vcs-git", "https://b.example"),
        ("--vcs-browser", "vcs-browser", "https://c.example"),
        ("--select", "select", "efi-*"),
    ];

    fn typed(words: &[&str]) -> PackageSettings {
        let program = PackageSettings::augment_args(Command::new("aa"));
        let matches = program.get_matches_from(["aa"].iter().chain(words));
        PackageSettings::from_arg_matches(&matches).unwrap()
    }

    fn filed((_, key, value): (&str, &str, &str)) -> PackageSettings {
        let value = match key {
            "select" => format!("['{value}']"),
            _ => format!("'{value}'"),
        };
        toml::from_str(&format!("{key} = {value}")).unwrap()
    }

    #[test]
    fn every_setting_can_be_typed_and_stand_in_a_file_and_the_typed_one_wins() {
        let none = PackageSettings::default();
        for setting in ALL {
            let typed = typed(&[setting.0, setting.2]);
            assert_ne!(typed, none);
            assert_eq!(typed, filed(*setting), "{setting:?}");
            assert_eq!(none.clone().over(&typed), typed, "{setting:?}");
            assert_eq!(typed.clone().over(&none), typed, "{setting:?}");
        }
        let words: Vec<&str> = ALL.iter().flat_map(|one| [one.0, one.2]).collect();
        let all = typed(&words);
        let other = PackageSettings {
            package: Some("bb".to_owned()),
            select: vec!["pxe-*".parse().unwrap()],
            boot_ids: Some(BootIds::Auto),
            ..PackageSettings::default()
        };
        assert_eq!(all.clone().over(&other), all);
        let mixed = other.clone().over(&all);
        assert_eq!(
            (&mixed.package, &mixed.select),
            (&other.package, &other.select)
        );
        assert_eq!(
            (mixed.boot_ids, mixed.version),
            (other.boot_ids, all.version)
        );
    }
}
