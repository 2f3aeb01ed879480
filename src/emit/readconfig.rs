//! The mapping as a file for QEMU's `-readconfig`.

use super::Mapped;
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
}
