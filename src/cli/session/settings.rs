//! `romcompat.toml`.

use crate::cli::exit::Failure;
use crate::cli::io::opened::Inputs;
use crate::finding::Code;
use crate::guest::MappedDevices;
use crate::package::PackageSettings;
use crate::plan::PlanError;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use toml::Spanned;
use toml::de::DeTable;

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

/// Settings of the file, with those of the command line laid over them.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Settings of packages, which can be typed, too.
    pub package: PackageSettings,
    /// Severities of findings.
    pub findings: Severities,
    /// Devices that no table knows: for a ROM of OLD those that load it.
    pub devices: MappedDevices,
    /// Where those stand in the file.
    places: Vec<DevicePlace>,
}

/// What stands in the file alone.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FileAlone {
    findings: Severities,
    devices: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
}

/// Where a device is mapped to a ROM.
#[derive(Debug, Clone)]
struct DevicePlace {
    rom: String,
    device: String,
    place: String,
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

impl Settings {
    /// Reads `file`, or `romcompat.toml` if it is there.
    ///
    /// # Errors
    /// A [`Failure`] with the file, line and column.
    pub fn load(file: Option<&Path>, inputs: &Inputs) -> Result<Self, Failure> {
        let path = file.unwrap_or(Path::new(DEFAULT));
        match inputs.read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(error) => Err(Failure::file(path.display(), error)),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        let fail = |error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            Failure::file(place(path, text, start), error.message())
        };
        let document = DeTable::parse(text).map_err(fail)?;
        let span = document.span();
        let is_of_file = |key: &str| matches!(key, "findings" | "devices");
        let entries = document.into_inner().into_iter();
        let (of_file, of_package): (DeTable<'_>, DeTable<'_>) =
            entries.partition(|(key, _)| is_of_file(key.get_ref()));
        let reader = |table| toml::Deserializer::from(Spanned::new(span.clone(), table));
        let of_file = FileAlone::deserialize(reader(of_file)).map_err(fail)?;
        let mut settings = Self {
            package: PackageSettings::deserialize(reader(of_package)).map_err(fail)?,
            findings: of_file.findings,
            ..Self::default()
        };
        for (rom, devices) in of_file.devices {
            let rom = rom.into_inner();
            for device in &devices {
                settings.places.push(DevicePlace {
                    rom: rom.clone(),
                    device: device.get_ref().clone(),
                    place: place(path, text, device.span().start),
                });
            }
            let names = devices.into_iter().map(Spanned::into_inner);
            settings.devices.insert(rom, names.collect());
        }
        if let Some(folder) = path.parent() {
            let package = &mut settings.package;
            for named in [&mut package.copyright, &mut package.templates] {
                *named = named.take().map(|path| folder.join(path));
            }
        }
        Ok(settings)
    }

    /// A failure because of a plan's error: at its place in the file where the
    /// devices there are the cause, else at the release.
    pub fn failure(&self, error: PlanError, release: &str) -> Failure {
        let of_error = |(rom, device): (&str, Option<&str>)| {
            let mut places = self.places.iter().rev();
            let found = places
                .find(|one| one.rom == rom && device.is_none_or(|device| device == one.device));
            found.map(|one| one.place.as_str())
        };
        let place = error.mapped().and_then(of_error);
        Failure::file(place.unwrap_or(release), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

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
        assert_eq!(
            settings.package.copyright,
            Some(PathBuf::from("conf/terms"))
        );
    }
}
