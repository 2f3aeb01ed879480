//! The mapping as `-global` options for QEMU's command line.

use super::{DISPLAYS, scope, without_displays};
use crate::plan::{MappedDevice, Mapping};

/// One `-global DEVICE.romfile=NAME` a line, below comments that say what they
/// are for. Each variant of a card has an option of its own, since QEMU hands
/// none on from `virtio-net-pci` or `e1000` to their variants (seen with QEMU
/// 5.2 to 11.1). Of network cards that the machine lacks, QEMU says nothing;
/// of display adapters it warns, so that their options are comments, too.
#[must_use]
pub fn globals(mapping: &Mapping) -> String {
    let (cards, displays) = without_displays(mapping);
    let mut text = String::from(
        "# For QEMU's command line: qemu-system-x86_64 $(grep -v '^#' THIS-FILE) ...\n",
    );
    text.push_str(&scope(mapping));
    text.extend(cards.into_iter().map(|card| format!("{}\n", global(card))));
    if !displays.is_empty() {
        text.push_str(DISPLAYS);
        let displays = displays.into_iter();
        text.extend(displays.map(|display| format!("# {}\n", global(display))));
    }
    text
}

/// The option of one device.
#[must_use]
pub fn global(mapped: &MappedDevice) -> String {
    format!("-global {}", property(mapped))
}

/// What `-global` takes to give a device its ROM.
#[must_use]
pub fn property(mapped: &MappedDevice) -> String {
    format!("{}.romfile={}", mapped.device, mapped.romfile)
}

#[cfg(test)]
mod tests {
    use crate::plan::tests::with_plan;

    #[test]
    fn each_variant_of_a_card_has_an_option() {
        with_plan(&[("efi-e1000.rom", 5000)], |plan| {
            assert_eq!(
                super::globals(&plan.mappings()[0]),
                "# For QEMU's command line: qemu-system-x86_64 $(grep -v '^#' THIS-FILE) ...\n\
                 # Not for machine types of PCs up to 1.4 with e1000.\n\
                 -global e1000.romfile=compat-8k-efi-e1000.rom\n\
                 -global e1000-82544gc.romfile=compat-8k-efi-e1000.rom\n\
                 -global e1000-82545em.romfile=compat-8k-efi-e1000.rom\n"
            );
        });
    }

    #[test]
    fn the_class_of_ne2k_pci_is_named_and_not_ne2000() {
        with_plan(&[("efi-ne2k_pci.rom", 512)], |plan| {
            let text = super::globals(&plan.mappings()[0]);
            assert!(text.ends_with("\n-global ne2k_pci.romfile=compat-512-efi-ne2k_pci.rom\n"));
            assert!(!text.contains("ne2000"), "{text}");
        });
    }

    #[test]
    fn the_option_of_a_display_adapter_is_a_comment() {
        let roms = [("efi-pcnet.rom", 512), ("vgabios-qxl.bin", 512)];
        with_plan(&roms, |plan| {
            let text = super::globals(&plan.mappings()[0]);
            let options: Vec<&str> = text.lines().filter(|l| l.starts_with('-')).collect();
            assert_eq!(options, ["-global pcnet.romfile=compat-512-efi-pcnet.rom"]);
            assert!(
                text.ends_with(":\n# -global qxl-vga.romfile=compat-512-vgabios-qxl.bin\n"),
                "{text}"
            );
        });
    }
}
