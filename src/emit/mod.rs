//! The mapping from devices to compat ROMs, in the forms that QEMU and libvirt
//! read.

mod globals;
mod libvirt;
mod readconfig;

pub use globals::globals;
pub use libvirt::{interface_model, libvirt, rom_element};
pub use readconfig::readconfig;

use crate::plan::{CompatPlan, CompatRom};

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

/// Each device that the plan maps.
#[must_use]
pub fn mapping<'a>(plan: &'a CompatPlan<'_>) -> Vec<Mapped<'a>> {
    let of_rom = |rom: &'a CompatRom<'_>| {
        rom.device_names()
            .map(move |device| Mapped { device, rom })
            .collect::<Vec<_>>()
    };
    plan.roms.iter().flat_map(of_rom).collect()
}
