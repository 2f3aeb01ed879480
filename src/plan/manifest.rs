//! `manifest.json` of a compat package: what it ships, and which devices of
//! which machine types are told which of its ROMs. What is written here is
//! read here, by the same types.

use super::mapping::{Mapping, mapped};
use super::naming::{is_device_name, is_file_name};
use super::{
    BootIdChange, CompatPlan, CompatRom, LostBoot, MachineRange, NamePattern, Naming, SharedWith,
};
use crate::host::{Files, Found};
use crate::judge::Change;
use crate::qemu::{MachineType, QemuVersion, device_by_name};
use crate::rom::BarSize;
use crate::romset::sha256_hex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeSet;
use std::fmt;
use thiserror::Error;

/// The record of a compat package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this schema.
    pub schema_version: ManifestVersion,
    /// The release that the ROMs come from.
    pub old_release: String,
    /// Whether the ROMs are built of iPXE's source as the package is, and not
    /// the old ones.
    pub from_ipxe: bool,
    /// The folder in which the ROMs are installed.
    #[serde(deserialize_with = "install_dir")]
    pub install_dir: String,
    /// The ROMs.
    pub roms: Vec<ManifestRom>,
    /// Which machine types use which of them, from the oldest to the newest;
    /// empty where the ROMs are for all machine types.
    pub ranges: Vec<MachineRange>,
}

/// The version of the schema that is written and read: 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestVersion;

impl ManifestVersion {
    const NUMBER: u32 = 1;
}

impl Serialize for ManifestVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for ManifestVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            other => Err(de::Error::custom(format!(
                "the manifest has schema version {other}, and this romcompat reads version {}",
                Self::NUMBER
            ))),
        }
    }
}

/// One ROM in the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRom {
    /// Its compat name.
    #[serde(deserialize_with = "file_name")]
    pub name: String,
    /// The BAR that it keeps, which is also its size, in bytes.
    pub bar: BarSize,
    /// SHA-256 of the shipped file, in hex; not known of one that is yet to be
    /// built.
    pub sha256: Option<String>,
    /// The release that it comes from.
    pub release: String,
    /// Earlier releases whose guests use it, too: the size is the same, and the
    /// content comes with the guest.
    pub shared_with: Vec<SharedWith>,
    /// The old ROM's path in its input.
    pub origin: String,
    /// Size of the old ROM, in bytes.
    pub origin_size: u64,
    /// SHA-256 of the old ROM, in hex.
    pub origin_sha256: String,
    /// What differs from the old ROM before its padding, so that legacy BIOS
    /// firmware finds an image for each device.
    pub boot_ids: Vec<BootIdChange>,
    /// The ids for which it finds none, and the devices that have them.
    pub lost_boot: Vec<LostBoot>,
    /// How the BAR would change without it, where that is known.
    pub change: Option<Change>,
    /// The devices that are to load it: those that load the old ROM by
    /// default, and those that the user maps.
    #[serde(deserialize_with = "device_names")]
    pub devices: Vec<String>,
}

impl From<&CompatRom<'_>> for ManifestRom {
    fn from(rom: &CompatRom<'_>) -> Self {
        Self {
            name: rom.name.clone(),
            bar: rom.bar,
            sha256: Some(sha256_hex(&rom.bytes)),
            release: rom.release.clone(),
            shared_with: rom.shared_with.clone(),
            origin: rom.origin.path().to_owned(),
            origin_size: rom.origin.size(),
            origin_sha256: rom.origin.sha256(),
            boot_ids: rom.boot_ids.clone(),
            lost_boot: rom.lost_boot.clone(),
            change: rom.change,
            devices: rom.device_names().map(str::to_owned).collect(),
        }
    }
}

/// Why a text is not the manifest of a compat package.
#[derive(Debug, Error)]
#[error("{place}: {problem}; give the manifest.json of a compat package as it was built")]
pub struct ManifestError {
    place: Place,
    problem: String,
}

/// Where a manifest is wrong.
#[derive(Debug)]
struct Place {
    /// The way to the value, such as `roms[0].bar`; `.` for the whole.
    path: String,
    /// Line and column behind the value, where the text itself is at fault.
    position: Option<(usize, usize)>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.position {
            write!(f, "line {line}, column {column}")?;
        }
        match (&*self.path, self.position) {
            (".", Some(_)) => Ok(()),
            (path, Some(_)) => write!(f, ", {path}"),
            (path, None) => f.write_str(path),
        }
    }
}

/// Reads a JSON value, and says where it is wrong.
fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, ManifestError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let at = |path: String, error: &serde_json::Error| {
        let words = error.to_string();
        let position = (error.line(), error.column());
        let suffix = format!(" at line {} column {}", position.0, position.1);
        ManifestError {
            place: Place {
                path,
                position: Some(position),
            },
            problem: words.strip_suffix(&suffix).unwrap_or(&words).to_owned(),
        }
    };
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| at(error.path().to_string(), error.inner()))?;
    reader.end().map_err(|error| at(".".to_owned(), &error))?;
    Ok(value)
}

impl Manifest {
    /// The longest text that is taken for a manifest, in bytes.
    pub const LONGEST: u64 = 16 << 20;

    /// The manifest of a plan.
    #[must_use]
    pub fn of(plan: &CompatPlan<'_>, old_release: &str) -> Self {
        Self {
            schema_version: ManifestVersion,
            old_release: old_release.to_owned(),
            from_ipxe: false,
            install_dir: plan.install_dir.clone(),
            roms: plan.roms.iter().map(ManifestRom::from).collect(),
            ranges: plan.ranges.clone(),
        }
    }

    /// The manifest of a plan whose ROMs are yet to be built of iPXE's source.
    #[must_use]
    pub fn from_ipxe(plan: &CompatPlan<'_>, old_release: &str) -> Self {
        let mut manifest = Self::of(plan, old_release);
        manifest.from_ipxe = true;
        for rom in &mut manifest.roms {
            rom.sha256 = None;
        }
        manifest
    }

    /// Reads what a compat package has as `manifest.json`.
    ///
    /// # Errors
    /// [`ManifestError`] with the place of what is wrong. Of another version of
    /// the schema nothing but that is said.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(rename = "schema_version")]
            _version: ManifestVersion,
        }
        read::<Head>(text)?;
        let manifest: Self = read(text)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Checks what no value says by itself.
    fn check(&self) -> Result<(), ManifestError> {
        let wrong = |path: String, problem: String| {
            Err(ManifestError {
                place: Place {
                    path,
                    position: None,
                },
                problem,
            })
        };
        let mut names = BTreeSet::new();
        for (number, rom) in self.roms.iter().enumerate() {
            if !names.insert(&rom.name) {
                let problem = format!("{} is the name of another ROM, too", rom.name);
                return wrong(format!("roms[{number}].name"), problem);
            }
        }
        let mut before: Option<QemuVersion> = None;
        for (number, range) in self.ranges.iter().enumerate() {
            let at = |field: &str| format!("ranges[{number}].{field}");
            let said = |version: Option<QemuVersion>| {
                version.map_or_else(|| "none".to_owned(), |version| version.to_string())
            };
            if range.after != before {
                let problem = format!(
                    "it is {}, and the range before ends with {}; each range begins where the one before ends",
                    said(range.after),
                    said(before)
                );
                return wrong(at("after"), problem);
            }
            if before.is_some_and(|before| range.up_to <= before) {
                let problem = format!(
                    "{} does not come after {}; ranges go from the oldest to the newest",
                    range.up_to,
                    said(before)
                );
                return wrong(at("up_to"), problem);
            }
            for (device, rom) in &range.devices {
                if !is_device_name(device) {
                    return wrong(at("devices"), not_a_device(device));
                }
                if !names.contains(rom) {
                    let problem = format!("{device} is told {rom}, which is not one of the ROMs");
                    return wrong(at(&format!("devices.{device}")), problem);
                }
            }
            match &range.readconfig {
                Some(name) if !is_file_name(name) => {
                    return wrong(at("readconfig"), not_a_file_name(name));
                }
                None if !range.devices.is_empty() => {
                    let problem = "a range with devices has a file for them".to_owned();
                    return wrong(at("readconfig"), problem);
                }
                _ => {}
            }
            before = Some(range.up_to);
        }
        Ok(())
    }

    /// The path of a ROM on the host.
    #[must_use]
    pub fn path(&self, rom: &ManifestRom) -> String {
        format!("{}/{}", self.install_dir, rom.name)
    }

    /// The ROM that is installed at this path.
    #[must_use]
    pub fn rom_at(&self, path: &str) -> Option<&ManifestRom> {
        self.roms.iter().find(|rom| self.path(rom) == path)
    }

    /// The range that machine types of this version belong to.
    #[must_use]
    pub fn range_of(&self, version: QemuVersion) -> Option<&MachineRange> {
        self.ranges.iter().find(|range| range.contains(version))
    }

    /// The ROM for a device of this machine type. A manifest without ranges is
    /// for machine types with today's defaults.
    #[must_use]
    pub fn rom_for(&self, device: &str, machine: Option<MachineType>) -> Option<&ManifestRom> {
        if self.ranges.is_empty() {
            let known = device_by_name(device);
            if known.is_some_and(|known| known.romfile_on(machine) != Some(known.romfile)) {
                return None;
            }
            let loads = |rom: &&ManifestRom| rom.devices.iter().any(|name| name == device);
            return self.roms.iter().find(loads);
        }
        let name = self.range_of(machine?.version?)?.devices.get(device)?;
        self.roms.iter().find(|rom| rom.name == *name)
    }

    /// Whether guests are told the same ROMs as by another manifest.
    #[must_use]
    pub fn tells_the_same(&self, other: &Self) -> bool {
        self.install_dir == other.install_dir && self.told() == other.told()
    }

    /// Each device with its ROM, and up to which machine types.
    fn told(&self) -> BTreeSet<(Option<QemuVersion>, &str, &str)> {
        let of_all = self.roms.iter().flat_map(|rom| {
            let devices = rom.devices.iter();
            devices.map(|device| (None, device.as_str(), rom.name.as_str()))
        });
        let of_ranges = self.ranges.iter().flat_map(|range| {
            let devices = range.devices.iter();
            devices.map(|(device, rom)| (Some(range.up_to), device.as_str(), rom.as_str()))
        });
        match self.ranges.is_empty() {
            true => of_all.collect(),
            false => of_ranges.collect(),
        }
    }
}

fn not_a_device(name: &str) -> String {
    format!("`{name}` is not the name of a device, which is made of letters, digits, `-` and `_`")
}

fn not_a_file_name(name: &str) -> String {
    format!("`{name}` is not a plain file name, which is made of letters, digits and `+-._`")
}

fn file_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    match is_file_name(&name) {
        true => Ok(name),
        false => Err(de::Error::custom(not_a_file_name(&name))),
    }
}

fn install_dir<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let folder = String::deserialize(deserializer)?;
    let naming = Naming::new(NamePattern::default(), &folder).map_err(de::Error::custom)?;
    Ok(naming.install_dir)
}

fn device_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().find(|name| !is_device_name(name)) {
        Some(name) => Err(de::Error::custom(not_a_device(name))),
        None => Ok(names),
    }
}

impl Files for Manifest {
    /// The package's ROMs, by their paths on a host on which it is installed.
    fn find(&self, file: &str) -> Found {
        let rom = self.rom_at(file);
        rom.map_or(Found::NotKnown, |rom| Found::Rom(rom.bar.bytes(), rom.bar))
    }
}

impl Manifest {
    /// What the package tells devices: of each range of machine types one
    /// mapping, else one for all.
    #[must_use]
    pub fn mappings(&self) -> Vec<Mapping> {
        let of_rom = |rom: &ManifestRom| {
            let devices = rom.devices.iter();
            devices
                .map(|device| mapped(device, &self.install_dir, &rom.name))
                .collect::<Vec<_>>()
        };
        let devices = self.roms.iter().flat_map(of_rom).collect();
        Mapping::all(devices, &self.ranges, &self.install_dir)
    }
}

#[cfg(test)]
mod tests;
