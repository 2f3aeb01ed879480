//! The mapping from devices to compat ROMs, in the forms that QEMU and libvirt
//! read.

mod compat_array;
mod globals;
mod libvirt;
mod readconfig;
mod saved;

pub use compat_array::{
    ArrayForm, ArrayKind, CompatArray, FormError, Patch, PatchError, SOURCE_FILES, SourceTree,
    UpToError, compat_array, patch,
};
pub use globals::{global, globals, globals_of};
pub use libvirt::{interface_model, libvirt, rom_element};
pub use readconfig::{readconfig, readconfig_of};
pub use saved::{saved_globals, saved_libvirt};

use crate::plan::{CompatPlan, CompatRom, MachineRange};
use crate::qemu::{Device, QemuVersion, device_by_name};

/// A device, and the compat ROM that its `romfile` property must name.
#[derive(Debug, Clone, Copy)]
pub struct Mapped<'a> {
    /// The device's class, which is also its name for `-device`.
    pub device: &'a str,
    /// The compat ROM.
    pub rom: &'a CompatRom<'a>,
}

impl<'a> Mapped<'a> {
    /// What the property must say: the file's name where every QEMU searches
    /// its folder, else its path.
    #[must_use]
    pub fn romfile(&self) -> &'a str {
        &self.rom.romfile
    }
}

/// Each device that the plan maps. Where a plan has ranges of machine types, a
/// device stands once for each ROM of it.
#[must_use]
pub fn mapping<'a>(plan: &'a CompatPlan<'_>) -> Vec<Mapped<'a>> {
    let of_rom = |rom: &'a CompatRom<'_>| {
        rom.device_names()
            .map(move |device| Mapped { device, rom })
            .collect::<Vec<_>>()
    };
    plan.roms.iter().flat_map(of_rom).collect()
}

/// Each device of a range of machine types.
#[must_use]
pub fn range_mapping<'a>(plan: &'a CompatPlan<'_>, range: &'a MachineRange) -> Vec<Mapped<'a>> {
    let named = |(device, name): &'a (String, String)| {
        let rom = plan.roms.iter().find(|rom| rom.name == *name)?;
        Some(Mapped { device, rom })
    };
    range.mapping.iter().filter_map(named).collect()
}

/// Whether this is a display adapter, for which an option stands in a comment.
pub(crate) fn is_display(device: &str) -> bool {
    device_by_name(device).is_some_and(Device::is_display)
}

/// Comments that say which machine types a mapping is for.
fn scope(mapping: &[Mapped<'_>], range: Option<&MachineRange>) -> String {
    if let Some(range) = range {
        return format!("# For machine types {range} only.\n");
    }
    let line = |(version, devices): (QemuVersion, Vec<&str>)| {
        format!(
            "# Not for machine types of PCs up to {version} with {}.\n",
            devices.join(", ")
        )
    };
    let devices = mapping.iter().map(|mapped| mapped.device);
    other_defaults(devices).into_iter().map(line).collect()
}

/// Above the options of display adapters.
const DISPLAYS: &str = "\n# QEMU warns of an option for a display adapter that a guest lacks. These are\n\
     # for a guest that has it, without the `# `:\n";

/// Devices of a mapping for whatever guest, and display adapters.
fn without_displays<'a, 'm>(
    mapping: &'m [Mapped<'a>],
) -> (Vec<&'m Mapped<'a>>, Vec<&'m Mapped<'a>>) {
    mapping
        .iter()
        .partition(|mapped| !is_display(mapped.device))
}

/// Devices of a mapping for all machine types that do not load today's default
/// ROM up to some version of machine types of PCs, so that the mapping is not
/// for them there.
#[must_use]
pub fn other_defaults<'a>(
    devices: impl Iterator<Item = &'a str>,
) -> Vec<(QemuVersion, Vec<&'a str>)> {
    let mut versions: Vec<(QemuVersion, Vec<&str>)> = Device::DEFAULTS_CHANGED_AFTER
        .into_iter()
        .map(|version| (version, Vec::new()))
        .collect();
    for name in devices {
        let Some(device) = device_by_name(name) else {
            continue;
        };
        let newest = versions
            .iter_mut()
            .rfind(|(version, _)| !device.is_default_usual_in(*version));
        if let Some((_, names)) = newest {
            names.push(name);
        }
    }
    versions.retain(|(_, names)| !names.is_empty());
    versions
}
