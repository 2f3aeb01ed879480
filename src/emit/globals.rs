//! The mapping as `-global` options for QEMU's command line.

use super::Mapped;
use crate::plan::CompatPlan;

/// The options of a plan's devices.
#[must_use]
pub fn globals(plan: &CompatPlan<'_>) -> String {
    globals_of(&super::mapping(plan))
}

/// One `-global DEVICE.romfile=NAME` a line. Each variant of a card has an
/// option of its own, since QEMU hands none on from `virtio-net-pci` or
/// `e1000` to their variants (seen with QEMU 5.2 to 11.1). Of network cards
/// that the machine lacks, QEMU says nothing; of display adapters, that their
/// option is not used (seen with 7.2).
#[must_use]
pub fn globals_of(mapping: &[Mapped<'_>]) -> String {
    let options = mapping.iter();
    options
        .map(|mapped| global(mapped.device, mapped.romfile()))
        .collect()
}

/// The option of one device, as a line.
#[must_use]
pub fn global(device: &str, romfile: &str) -> String {
    format!("-global {device}.romfile={romfile}\n")
}

#[cfg(test)]
mod tests {
    use crate::plan::tests::with_plan;

    #[test]
    fn each_variant_of_a_card_has_an_option() {
        with_plan(&[("efi-e1000.rom", 5000)], |plan| {
            assert_eq!(
                super::globals(plan),
                "-global e1000.romfile=compat-8k-efi-e1000.rom\n\
                 -global e1000-82544gc.romfile=compat-8k-efi-e1000.rom\n\
                 -global e1000-82545em.romfile=compat-8k-efi-e1000.rom\n"
            );
        });
    }

    #[test]
    fn the_class_of_ne2k_pci_is_named_and_not_ne2000() {
        with_plan(&[("efi-ne2k_pci.rom", 512)], |plan| {
            assert_eq!(
                super::globals(plan),
                "-global ne2k_pci.romfile=compat-512-efi-ne2k_pci.rom\n"
            );
        });
    }
}
