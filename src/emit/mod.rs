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
pub use globals::{global, globals, property};
pub use libvirt::{interface_model, libvirt, rom_element};
pub use readconfig::readconfig;
pub use saved::{saved_globals, saved_libvirt};

use crate::plan::{MappedDevice, Mapping};
use crate::qemu::{Device, QemuVersion, device_by_name};

/// Comments that say which machine types a mapping is for.
fn scope(mapping: &Mapping) -> String {
    if let Some(range) = &mapping.range {
        return format!("# For machine types {range} only.\n");
    }
    let line = |(version, devices): (QemuVersion, Vec<&str>)| {
        format!(
            "# Not for machine types of PCs up to {version} with {}.\n",
            devices.join(", ")
        )
    };
    let devices = mapping.devices.iter().map(|mapped| &*mapped.device);
    other_defaults(devices).into_iter().map(line).collect()
}

/// Above the options of display adapters.
const DISPLAYS: &str = "\n# QEMU warns of an option for a display adapter that a guest lacks. These are\n\
     # for a guest that has it, without the `# `:\n";

/// Devices of a mapping for whatever guest, and display adapters.
fn without_displays(mapping: &Mapping) -> (Vec<&MappedDevice>, Vec<&MappedDevice>) {
    let devices = mapping.devices.iter();
    devices.partition(|mapped| !mapped.is_display())
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
