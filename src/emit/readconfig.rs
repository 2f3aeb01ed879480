//! The mapping as a file for QEMU's `-readconfig`.

use super::{DISPLAYS, scope, without_displays};
use crate::plan::{MappedDevice, Mapping};

/// A `[global]` section for each device (`qemu_global_opts` in
/// system/vl.c). Comments say what the file is for, and have the sections of
/// display adapters.
#[must_use]
pub fn readconfig(mapping: &Mapping) -> String {
    let mut text = String::from(
        "# For qemu -readconfig: cards of guests that were started with the former\n\
         # option ROMs keep the sizes of those.\n",
    );
    text.push_str(&scope(mapping));
    let section = |mapped: &&MappedDevice| {
        format!(
            "[global]\n  driver = \"{}\"\n  property = \"romfile\"\n  value = \"{}\"\n",
            mapped.device, mapped.romfile
        )
    };
    let (cards, displays) = without_displays(mapping);
    text.extend(cards.iter().map(|mapped| format!("\n{}", section(mapped))));
    if !displays.is_empty() {
        text.push_str(DISPLAYS);
        for line in displays.iter().map(section).collect::<String>().lines() {
            text.extend(["# ", line, "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::plan::tests::with_plan;

    #[test]
    fn each_device_has_a_section() {
        with_plan(&[("efi-pcnet.rom", 512)], |plan| {
            let text = super::readconfig(&plan.mappings()[0]);
            assert!(text.ends_with(
                "\n[global]\n  driver = \"pcnet\"\n  property = \"romfile\"\n  value = \"compat-512-efi-pcnet.rom\"\n"
            ));
        });
    }

    #[test]
    fn the_section_of_a_display_adapter_is_a_comment() {
        with_plan(&[("vgabios-qxl.bin", 512)], |plan| {
            let text = super::readconfig(&plan.mappings()[0]);
            assert!(text.lines().all(|l| l.is_empty() || l.starts_with('#')));
            assert!(text.ends_with(
                ":\n# [global]\n#   driver = \"qxl-vga\"\n#   property = \"romfile\"\n#   value = \"compat-512-vgabios-qxl.bin\"\n"
            ));
        });
    }

    #[test]
    fn machine_types_with_other_defaults_are_named() {
        let roms = [("efi-pcnet.rom", 512), ("efi-vmxnet3.rom", 512)];
        with_plan(&roms, |plan| {
            let text = super::readconfig(&plan.mappings()[0]);
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
