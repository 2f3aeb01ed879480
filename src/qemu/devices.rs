//! PCI devices that load a ROM file by default.

use serde::Serialize;

/// A PCI device of QEMU with the ROM file that it loads by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its name for `-device`, which is also the class that a `-global` names.
    pub name: &'static str,
    /// The default of its `romfile` property.
    pub romfile: &'static str,
    /// What follows `address/` in the name of its ROM's RAM block.
    pub ram_block: &'static str,
}

const fn device(name: &'static str, romfile: &'static str, ram_block: &'static str) -> Device {
    Device {
        name,
        romfile,
        ram_block,
    }
}

/// Every such device of QEMU for x86, with its default ROM file.
///
/// Seen with `info qtree` and `info ramblock` of QEMU 7.2, and the network
/// cards also of 5.2, 10.0 and 11.1. A block's name is the name in the
/// device's migration description, else its class, with `.rom`, cut to 31
/// characters (`pci_add_option_rom` in hw/pci/pci.c). `igb`, `tulip`,
/// `secondary-vga` and `qxl` load none.
pub const DEVICES: &[Device] = &[
    device("virtio-net-pci", "efi-virtio.rom", "virtio-net-pci.rom"),
    device(
        "virtio-net-pci-transitional",
        "efi-virtio.rom",
        "virtio-net-pci-transitional.rom",
    ),
    device(
        "virtio-net-pci-non-transitional",
        "efi-virtio.rom",
        "virtio-net-pci-non-transitional",
    ),
    device("e1000", "efi-e1000.rom", "e1000.rom"),
    device("e1000-82544gc", "efi-e1000.rom", "e1000.rom"),
    device("e1000-82545em", "efi-e1000.rom", "e1000.rom"),
    device("e1000e", "efi-e1000e.rom", "e1000e.rom"),
    device("ne2k_pci", "efi-ne2k_pci.rom", "ne2000.rom"),
    device("pcnet", "efi-pcnet.rom", "pcnet.rom"),
    device("rtl8139", "efi-rtl8139.rom", "rtl8139.rom"),
    device("vmxnet3", "efi-vmxnet3.rom", "vmxnet3.rom"),
    device("i82550", "pxe-eepro100.rom", "i82550.rom"),
    device("i82551", "pxe-eepro100.rom", "i82551.rom"),
    device("i82557a", "pxe-eepro100.rom", "i82557a.rom"),
    device("i82557b", "pxe-eepro100.rom", "i82557b.rom"),
    device("i82557c", "pxe-eepro100.rom", "i82557c.rom"),
    device("i82558a", "pxe-eepro100.rom", "i82558a.rom"),
    device("i82558b", "pxe-eepro100.rom", "i82558b.rom"),
    device("i82559a", "pxe-eepro100.rom", "i82559a.rom"),
    device("i82559b", "pxe-eepro100.rom", "i82559b.rom"),
    device("i82559c", "pxe-eepro100.rom", "i82559c.rom"),
    device("i82559er", "pxe-eepro100.rom", "i82559er.rom"),
    device("i82562", "pxe-eepro100.rom", "i82562.rom"),
    device("i82801", "pxe-eepro100.rom", "i82801.rom"),
    device("VGA", "vgabios-stdvga.bin", "vga.rom"),
    device("cirrus-vga", "vgabios-cirrus.bin", "cirrus_vga.rom"),
    device("qxl-vga", "vgabios-qxl.bin", "qxl.rom"),
    device("vmware-svga", "vgabios-vmware.bin", "vmware_vga.rom"),
    device("virtio-vga", "vgabios-virtio.bin", "virtio-vga.rom"),
    device("ati-vga", "vgabios-ati.bin", "ati-vga.rom"),
    device(
        "bochs-display",
        "vgabios-bochs-display.bin",
        "bochs-display.rom",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_blocks_are_cut_to_31_characters() {
        for (index, device) in DEVICES.iter().enumerate() {
            assert!(device.ram_block.len() <= 31, "{}", device.name);
            let rest = &DEVICES[index + 1..];
            assert!(rest.iter().all(|other| other.name != device.name));
        }
    }

    #[test]
    fn the_variants_of_a_card_load_the_same_file() {
        let names: Vec<_> = DEVICES
            .iter()
            .filter(|device| device.romfile == "efi-virtio.rom")
            .map(|device| device.name)
            .collect();
        assert_eq!(
            names,
            [
                "virtio-net-pci",
                "virtio-net-pci-transitional",
                "virtio-net-pci-non-transitional"
            ]
        );
    }
}
