//! The mapping as a file for QEMU's `-readconfig`.

use super::{Mapped, other_defaults};
use crate::plan::{CompatPlan, MachineRange};
use std::fmt::Write as _;

/// The file of a plan's devices.
#[must_use]
pub fn readconfig(plan: &CompatPlan<'_>) -> String {
    readconfig_of(&super::mapping(plan), None)
}

/// A `[global]` section for each device (`qemu_global_opts` in
/// system/vl.c). Comments say what the file is for.
#[must_use]
pub fn readconfig_of(mapping: &[Mapped<'_>], range: Option<&MachineRange>) -> String {
    let mut text = String::from(
        "# For qemu -readconfig: cards of guests that were started with the former\n\
         # option ROMs keep the sizes of those.\n",
    );
    if let Some(range) = range {
        let _ = writeln!(text, "# For machine types {range} only.");
    } else {
        for (version, devices) in other_defaults(mapping.iter().map(|mapped| mapped.device)) {
            let _ = writeln!(
                text,
                "# Not for machine types of PCs up to {version} with {}.",
                devices.join(", ")
            );
        }
    }
    for mapped in mapping {
        let _ = write!(
            text,
            "\n[global]\n  driver = \"{}\"\n  property = \"romfile\"\n  value = \"{}\"\n",
            mapped.device,
            mapped.romfile()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::plan::tests::with_plan;

    #[test]
    fn each_device_has_a_section() {
        with_plan(&[("efi-pcnet.rom", 512)], |plan| {
            let text = super::readconfig(plan);
            assert!(text.ends_with(
                "\n[global]\n  driver = \"pcnet\"\n  property = \"romfile\"\n  value = \"compat-512-efi-pcnet.rom\"\n"
            ));
        });
    }

    #[test]
    fn machine_types_with_other_defaults_are_named() {
        let roms = [("efi-pcnet.rom", 512), ("efi-vmxnet3.rom", 512)];
        with_plan(&roms, |plan| {
            let text = super::readconfig(plan);
            let comments: Vec<&str> = text
                .lines()
                .filter(|line| line.starts_with("# Not"))
                .collect();
            assert_eq!(
                comments,
                [
                    "# Not for machine types of PCs up to 1.4 with pcnet.",
                    "# Not for machine types of PCs up to 2.6 with vmxnet3.",
                ]
            );
        });
    }
}
