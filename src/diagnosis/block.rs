//! Whose memory a RAM block is, by its name.

use crate::qemu::{DEVICES, Device};
use serde::Serialize;

/// Who decides about the size of a RAM block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockOwner {
    /// The option ROM of a card: its file.
    OptionRom,
    /// The ROM of a display adapter: its file.
    VideoRom,
    /// The memory of a display adapter: a property of the adapter.
    VideoMemory,
    /// Firmware: its file.
    Firmware,
    /// The guest's memory: `-m`, or a memory device.
    GuestRam,
    /// ACPI tables, which QEMU makes and which may grow.
    AcpiTables,
    /// Something else of QEMU's own.
    Other,
}

impl BlockOwner {
    /// The owner of the block with this name (names seen in `info ramblock` of
    /// QEMU 5.2 to 11.1, and in lines that people paste).
    #[must_use]
    pub fn of(block: &str) -> Self {
        let name = block.to_ascii_lowercase();
        let suffix = name.rsplit('/').next().unwrap_or(&name);
        if name.contains("etc/acpi") || name.contains("etc/table-loader") {
            return Self::AcpiTables;
        }
        if ["pc.bios", "system.flash", "virt.flash", "pflash"]
            .iter()
            .any(|firmware| suffix.contains(firmware))
            || matches!(suffix, "bios" | "spapr.rom" | "pc.rom.bios")
        {
            return Self::Firmware;
        }
        if ["vram", "vga.ram", "ram_header", "vgamem"]
            .iter()
            .any(|memory| suffix.contains(memory))
        {
            return Self::VideoMemory;
        }
        if devices_of(suffix).any(Device::is_display) || suffix.starts_with("qxl.rom") {
            return Self::VideoRom;
        }
        if devices_of(suffix).next().is_some()
            || suffix == "virtio-net-pci-non-transitional"
            || (suffix.ends_with(".rom") && suffix != "pc.rom")
        {
            return Self::OptionRom;
        }
        let numbered = |stem: &str| {
            let rest = suffix.strip_prefix(stem);
            rest.is_some_and(|rest| rest.trim_start_matches(['_', '-']).parse::<u32>().is_ok())
        };
        if suffix.ends_with(".ram")
            || suffix == "ram"
            || suffix.starts_with("hp_mem")
            || [
                "mem",
                "dimm",
                "memdimm",
                "ram-node",
                "nvdimm",
                "vmem",
                "virtiomem",
            ]
            .into_iter()
            .any(numbered)
            || name.contains("objects/")
        {
            return Self::GuestRam;
        }
        Self::Other
    }
}

/// The devices whose ROM has a block with this suffix.
pub(super) fn devices_of(suffix: &str) -> impl Iterator<Item = &'static Device> {
    DEVICES
        .iter()
        .filter(move |device| device.ram_block.eq_ignore_ascii_case(suffix))
}
