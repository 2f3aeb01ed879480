//! Where each ROM of a compat package comes from, for machines.

use crate::plan::{
    BootIdChange, Change, CompatPlan, CompatRom, LostBoot, MachineRange, SharedWith,
};
use crate::qemu::QemuVersion;
use crate::rom::BarSize;
use crate::romset::sha256_hex;
use serde::Serialize;
use std::collections::BTreeMap;

/// `manifest.json` of a compat package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Version of this schema: 1.
    pub schema_version: u32,
    /// The release that the ROMs come from.
    pub old_release: String,
    /// Whether the ROMs are built of iPXE's source as the package is, and not
    /// the old ones.
    pub from_ipxe: bool,
    /// The folder in which the ROMs are installed.
    pub install_dir: String,
    /// The ROMs.
    pub roms: Vec<ManifestRom>,
    /// Which machine types use which of them, from the oldest to the newest;
    /// empty where the ROMs are for all machine types.
    pub ranges: Vec<ManifestRange>,
}

/// Machine types that use the same ROMs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestRange {
    /// The newest version that does not belong to it, if any is older.
    pub after: Option<QemuVersion>,
    /// The newest version that belongs to it.
    pub up_to: QemuVersion,
    /// The release whose ROMs they used.
    pub release: String,
    /// File name of its mapping for `-readconfig`; none where it needs nothing.
    pub readconfig: Option<String>,
    /// Each device with the compat name of its ROM.
    pub devices: BTreeMap<String, String>,
}

impl ManifestRange {
    /// Its machine types, in words.
    #[must_use]
    pub fn machines(&self) -> String {
        match self.after {
            Some(after) => format!("after {after}, up to {}", self.up_to),
            None => format!("up to {}", self.up_to),
        }
    }
}

impl From<&MachineRange> for ManifestRange {
    fn from(range: &MachineRange) -> Self {
        Self {
            after: range.after,
            up_to: range.up_to,
            release: range.release.clone(),
            readconfig: (!range.mapping.is_empty())
                .then(|| format!("romfiles-up-to-{}.cfg", range.up_to)),
            devices: range.mapping.iter().cloned().collect(),
        }
    }
}

/// One ROM in the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestRom {
    /// Its compat name.
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

impl Manifest {
    /// The manifest of a plan.
    #[must_use]
    pub fn of(plan: &CompatPlan<'_>, old_release: &str) -> Self {
        Self {
            schema_version: 1,
            old_release: old_release.to_owned(),
            from_ipxe: false,
            install_dir: plan.install_dir.clone(),
            roms: plan.roms.iter().map(ManifestRom::from).collect(),
            ranges: plan.ranges.iter().map(ManifestRange::from).collect(),
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
}
