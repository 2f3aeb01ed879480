//! `romcompat.toml`.

use crate::cli::exit::Failure;
use crate::cli::io::opened;
use crate::cli::options::settings::BuildSettings;
use crate::finding::Code;
use crate::guest::MappedDevices;
use crate::package::Wishes;
use crate::plan::{BootIds, NamePattern, PlanError};
use crate::rom::BarSize;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The file that is read where `--config` names none.
const DEFAULT: &str = "romcompat.toml";

/// Severities of findings by their codes (RC104 or its name).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Severities {
    /// These are errors.
    #[serde(deserialize_with = "codes")]
    pub deny: Vec<Code>,
    /// These are warnings.
    #[serde(deserialize_with = "codes")]
    pub warn: Vec<Code>,
    /// These are left out.
    #[serde(deserialize_with = "codes")]
    pub allow: Vec<Code>,
}

/// Settings of the file and the command line.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    package: Option<String>,
    version: Option<String>,
    maintainer: Option<String>,
    section: Option<String>,
    distribution: Option<String>,
    synopsis: Option<String>,
    description: Option<String>,
    homepage: Option<String>,
    vcs_git: Option<String>,
    vcs_browser: Option<String>,
    /// A folder of templates; in the file, from the file's folder.
    pub templates: Option<PathBuf>,
    /// A copyright file; in the file, from the file's folder.
    pub copyright: Option<PathBuf>,
    /// Globs of ROM names.
    #[serde(deserialize_with = "patterns")]
    pub select: Vec<glob::Pattern>,
    /// The BAR that every ROM must have.
    #[serde(deserialize_with = "bar_size")]
    pub size: Option<BarSize>,
    /// How compat names are made.
    pub name_pattern: Option<NamePattern>,
    /// Where the package puts the ROMs.
    pub install_dir: Option<String>,
    /// Severities of findings.
    pub findings: Severities,
    /// Whether ROMs get the x86 images that firmware looks for.
    pub boot_ids: Option<BootIds>,
    /// Devices that no table knows: for a ROM of OLD those that load it.
    #[serde(skip)]
    pub devices: MappedDevices,
    #[serde(rename = "devices")]
    typed_devices: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    /// ROM, device, and where it stands in the file.
    #[serde(skip)]
    places: Vec<(String, String, String)>,
}

/// A file with a place in its text, counted from line 1 and column 1.
fn place(path: &Path, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.chars().rev().take_while(|c| *c != '\n').count();
    format!(
        "{}, line {line}, column {}",
        path.display(),
        column.saturating_add(1)
    )
}

fn codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Code>, D::Error> {
    Vec::<String>::deserialize(deserializer)?
        .iter()
        .map(|text| text.parse().map_err(D::Error::custom))
        .collect()
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

impl Settings {
    /// Reads `file`, or `romcompat.toml` if it is there.
    ///
    /// # Errors
    /// A [`Failure`] with the file, line and column.
    pub fn load(file: Option<&Path>) -> Result<Self, Failure> {
        let path = file.unwrap_or(Path::new(DEFAULT));
        match opened::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(error) => Err(Failure::file(path.display(), error)),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        let mut settings: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            Failure::file(place(path, text, start), error.message())
        })?;
        for (rom, devices) in &settings.typed_devices {
            for device in devices {
                settings.places.push((
                    rom.get_ref().clone(),
                    device.get_ref().clone(),
                    place(path, text, device.span().start),
                ));
            }
            let names = devices.iter().map(|device| device.get_ref().clone());
            let rom = rom.get_ref().clone();
            settings.devices.insert(rom, names.collect());
        }
        if let Some(folder) = path.parent() {
            for named in [&mut settings.copyright, &mut settings.templates] {
                *named = named.take().map(|path| folder.join(path));
            }
        }
        Ok(settings)
    }

    /// Lays over it what was typed.
    pub fn overlay(&mut self, typed: &BuildSettings) {
        fn lay<T: Clone>(typed: Option<&T>, setting: &mut Option<T>) {
            if let Some(value) = typed {
                *setting = Some(value.clone());
            }
        }
        lay(typed.package.as_ref(), &mut self.package);
        lay(typed.package_version.as_ref(), &mut self.version);
        lay(typed.maintainer.as_ref(), &mut self.maintainer);
        lay(typed.section.as_ref(), &mut self.section);
        lay(typed.distribution.as_ref(), &mut self.distribution);
        lay(typed.synopsis.as_ref(), &mut self.synopsis);
        lay(typed.description.as_ref(), &mut self.description);
        lay(typed.copyright.as_ref(), &mut self.copyright);
        lay(typed.size.as_ref(), &mut self.size);
        lay(typed.name_pattern.as_ref(), &mut self.name_pattern);
        lay(typed.install_dir.as_ref(), &mut self.install_dir);
        lay(typed.boot_ids.as_ref(), &mut self.boot_ids);
        lay(typed.templates.as_ref(), &mut self.templates);
        lay(typed.homepage.as_ref(), &mut self.homepage);
        lay(typed.vcs_git.as_ref(), &mut self.vcs_git);
        lay(typed.vcs_browser.as_ref(), &mut self.vcs_browser);
        if !typed.select.is_empty() {
            self.select.clone_from(&typed.select);
        }
    }

    /// A failure because of a plan's error: at its place in the file where the
    /// devices there are the cause, else at the release.
    pub fn failure(&self, error: PlanError, release: &str) -> Failure {
        let of_error = |(rom, device): (&str, Option<&str>)| {
            let mut places = self.places.iter().rev();
            let found = places.find(|(of_rom, name, _)| {
                of_rom == rom && device.is_none_or(|device| device == name)
            });
            found.map(|(_, _, place)| place.as_str())
        };
        let place = error.mapped().and_then(of_error);
        Failure::file(place.unwrap_or(release), error)
    }

    /// What the package shall say of itself.
    pub fn wishes(&self) -> Wishes {
        Wishes {
            package: self.package.clone(),
            version: self.version.clone(),
            maintainer: self.maintainer.clone(),
            section: self.section.clone(),
            distribution: self.distribution.clone(),
            synopsis: self.synopsis.clone(),
            description: self.description.clone(),
            homepage: self.homepage.clone(),
            vcs_git: self.vcs_git.clone(),
            vcs_browser: self.vcs_browser.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Settings::parse(text, Path::new("romcompat.toml"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_unknown_key_and_a_wrong_type_are_errors_with_line_and_column() {
        assert!(error("package = \"aa\"\n colour = 1\n").starts_with(
            "romcompat.toml, line 2, column 2: unknown field `colour`, expected one of `package`"
        ));
        assert!(
            error("\npackage = 7").starts_with("romcompat.toml, line 2, column 11: invalid type"),
        );
        assert!(error("size = \"300K\"").contains("line 1, column 8: 300K is 307200 bytes"));
        assert!(error("package = ").starts_with("romcompat.toml, line 1, column"));
    }

    #[test]
    fn a_copyright_file_is_looked_for_beside_the_configuration() {
        let path = Path::new("conf/romcompat.toml");
        let settings = Settings::parse("copyright = \"terms\"", path).unwrap();
        assert_eq!(settings.copyright, Some(PathBuf::from("conf/terms")));
    }
}
