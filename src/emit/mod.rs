//! The mapping from devices to compat ROMs, in the forms that QEMU reads.

mod globals;
mod readconfig;

pub use globals::globals;
pub use readconfig::readconfig;

use crate::plan::CompatPlan;

/// Each device that the plan maps, with what its `romfile` property must say.
pub fn mapping<'a>(plan: &'a CompatPlan<'_>) -> impl Iterator<Item = (&'static str, &'a str)> {
    plan.roms.iter().flat_map(|rom| {
        rom.devices
            .iter()
            .map(|device| (device.name, rom.romfile.as_str()))
    })
}
