//! Where each ROM of a compat package comes from, for machines.

use crate::plan::{BootIdChange, Change, CompatPlan, CompatRom, LostBoot};
use crate::rom::BarSize;
use crate::romset::sha256_hex;
use serde::Serialize;

/// `manifest.json` of a compat package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Version of this schema: 1.
    pub schema_version: u32,
    /// The release that the ROMs come from.
    pub old_release: String,
    /// The folder in which the ROMs are installed.
    pub install_dir: String,
    /// The ROMs.
    pub roms: Vec<ManifestRom>,
}

/// One ROM in the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestRom {
    /// Its compat name.
    pub name: String,
    /// The BAR that it keeps, which is also its size, in bytes.
    pub bar: BarSize,
    /// SHA-256 of the shipped file, in hex.
    pub sha256: String,
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
    pub devices: Vec<String>,
}

impl From<&CompatRom<'_>> for ManifestRom {
    fn from(rom: &CompatRom<'_>) -> Self {
        Self {
            name: rom.name.clone(),
            bar: rom.bar,
            sha256: sha256_hex(&rom.bytes),
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

impl Manifest {
    /// The manifest of a plan.
    #[must_use]
    pub fn of(plan: &CompatPlan<'_>, old_release: &str) -> Self {
        Self {
            schema_version: 1,
            old_release: old_release.to_owned(),
            install_dir: plan.install_dir.clone(),
            roms: plan.roms.iter().map(ManifestRom::from).collect(),
        }
    }
}
