//! The files of QEMU's source that have compat arrays.

pub(super) const MACHINE_C: &str = "hw/core/machine.c";
pub(super) const COMPAT_H: &str = "include/hw/compat.h";
pub(super) const PC_C: &str = "hw/i386/pc.c";
pub(super) const PC_H: &str = "include/hw/i386/pc.h";
pub(super) const PIIX_C: &str = "hw/i386/pc_piix.c";
pub(super) const Q35_C: &str = "hw/i386/pc_q35.c";

/// The files that may have compat arrays, as paths in QEMU's source.
pub const SOURCE_FILES: &[&str] = &[MACHINE_C, COMPAT_H, PC_C, PC_H, PIIX_C, Q35_C];
