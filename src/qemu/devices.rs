//! PCI devices that load a ROM file by default.

use super::{Arch, Family, MachineType, QemuVersion};
use crate::rom::PciIds;
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
    /// The ids in the first image of that file, as iPXE and SeaBIOS build it.
    #[serde(skip)]
    pub romfile_ids: PciIds,
    /// The device's own ids on a conventional bus and directly on `pcie.0`.
    /// QEMU writes them over those in the first image of a default ROM file.
    #[serde(skip)]
    pub ids: PciIds,
    /// The device's own ids behind a PCI Express port.
    #[serde(skip)]
    pub ids_behind_port: PciIds,
    /// What QEMU needs to start it beside the command line of a simple guest.
    #[serde(skip)]
    pub needs: Option<&'static str>,
}

impl Device {
    /// Whole name of its ROM's RAM block in the first free slot of an i440fx
    /// machine, as an example: a guest's own address stands in its place.
    #[must_use]
    pub fn example_ram_block(&self) -> String {
        format!("{}/{}", Family::I440fx.block_address(2), self.ram_block)
    }

    /// The ROM file that the device loads by default in machine types of PCs
    /// of this version. Up to 1.4 five cards load ROMs without an EFI image
    /// (`pc_compat_1_4` in hw/i386/pc.c), and up to 2.6 `vmxnet3` loads none
    /// (`pc_compat_2_6`); seen in `info qtree` of 7.2 for 1.4 to 7.2.
    #[must_use]
    pub fn romfile_in(&self, version: QemuVersion) -> Option<&'static str> {
        let [no_efi, no_vmxnet3] = Self::DEFAULTS_CHANGED_AFTER;
        match self.name {
            "vmxnet3" if version <= no_vmxnet3 => None,
            _ if version > no_efi => Some(self.romfile),
            "e1000" => Some("pxe-e1000.rom"),
            "ne2k_pci" => Some("pxe-ne2k_pci.rom"),
            "pcnet" => Some("pxe-pcnet.rom"),
            "rtl8139" => Some("pxe-rtl8139.rom"),
            "virtio-net-pci" => Some("pxe-virtio.rom"),
            _ => Some(self.romfile),
        }
    }

    /// Whether machine types of PCs of this version have the same default as
    /// today's.
    #[must_use]
    pub fn is_default_usual_in(&self, version: QemuVersion) -> bool {
        self.romfile_in(version) == Some(self.romfile)
    }

    /// The ROM file that the device loads by default on a machine; on one that
    /// is not known, today's. Machines of other architectures have today's in
    /// every version (`virt-2.6` seen in `info qtree` of 7.2), but Red Hat's
    /// give `virtio-net-pci` none on Arm (`arm_rhel_compat` in its patches for
    /// hw/arm/virt.c of RHEL 8.9 and 9.3, read).
    #[must_use]
    pub fn romfile_on(&self, machine: Option<MachineType>) -> Option<&'static str> {
        let is_red_hats =
            |machine: &MachineType| machine.family == Family::ArmVirt && machine.is_of_red_hat();
        if self.name == "virtio-net-pci" && machine.as_ref().is_some_and(is_red_hats) {
            return None;
        }
        let pc = machine.filter(|machine| machine.family.arch() == Arch::X86_64);
        match pc.and_then(|machine| machine.version) {
            Some(version) => self.romfile_in(version),
            None => Some(self.romfile),
        }
    }

    /// Every ROM file that the device loads by default on some machine.
    pub fn romfiles(&self) -> impl Iterator<Item = &'static str> {
        let [no_efi, _] = Self::DEFAULTS_CHANGED_AFTER;
        let former = self.romfile_in(no_efi);
        let former = former.filter(|former| *former != self.romfile);
        std::iter::once(self.romfile).chain(former)
    }

    /// The versions after which [`Device::romfile_in`] changes.
    pub const DEFAULTS_CHANGED_AFTER: [QemuVersion; 2] =
        [QemuVersion::new(1, 4), QemuVersion::new(2, 6)];

    /// Whether a release of QEMU, 2.8 or later, has the device. The variants of
    /// virtio devices and `ati-vga` came with 4.0, `bochs-display` with 3.0,
    /// `vhost-user-vga` with 4.1 and `virtio-vga-gl` with 6.1 (read in the
    /// change logs, not seen).
    #[must_use]
    pub fn is_in(&self, version: QemuVersion) -> bool {
        let since = match self.name {
            "virtio-net-pci-transitional" | "virtio-net-pci-non-transitional" | "ati-vga" => (4, 0),
            "bochs-display" => (3, 0),
            "vhost-user-vga" => (4, 1),
            "virtio-vga-gl" => (6, 1),
            _ => return true,
        };
        version >= QemuVersion::new(since.0, since.1)
    }

    /// Whether it is a display adapter. QEMU loads the classes of some only
    /// with the device, and warns of a global property for one that a guest
    /// lacks, which it does not for network cards (seen with 7.2 and 10.0).
    #[must_use]
    pub fn is_display(&self) -> bool {
        is_display_rom(self.romfile)
    }

    /// Every pair of ids that the device may have, without repetition.
    pub fn all_ids(&self) -> impl Iterator<Item = PciIds> + use<> {
        let behind = (self.ids_behind_port != self.ids).then_some(self.ids_behind_port);
        std::iter::once(self.ids).chain(behind)
    }
}

/// Whether a ROM file of this name is one of a display adapter.
#[must_use]
pub fn is_display_rom(name: &str) -> bool {
    name.starts_with("vgabios")
}

/// The device with this name for `-device`.
#[must_use]
pub fn device_by_name(name: &str) -> Option<&'static Device> {
    DEVICES.iter().find(|device| device.name == name)
}

/// Other names of network cards on PCI (`alias` in `-device help` of 7.2).
const ALIASES: [(&str, &str); 2] = [("e1000-82540em", "e1000"), ("virtio-net", "virtio-net-pci")];

/// The device that QEMU makes on PCI of a name that is typed: of its own name,
/// or of an alias. `-global` takes no alias.
#[must_use]
pub fn device_as_typed(name: &str) -> Option<&'static Device> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    device_by_name(alias.map_or(name, |(_, device)| device))
}

/// Network cards on PCI that load no ROM file by default (`info qtree`: `tulip`
/// of 7.2, `igb` of 10.0).
const CARDS_WITHOUT_ROM: [&str; 2] = ["igb", "tulip"];

/// Whether this is a network card that loads no ROM by default.
#[must_use]
pub fn is_card_without_rom(name: &str) -> bool {
    CARDS_WITHOUT_ROM.contains(&name)
}

/// What follows `address/` in the name of the RAM block of a device that is
/// called after its class, as most are.
#[must_use]
pub fn ram_block_of_class(class: &str) -> String {
    format!("{class}.rom").chars().take(31).collect()
}

/// The devices that a ROM file of this name is for: those that load it by
/// default, and those that load the other file for their card, for iPXE's build
/// makes `pxe-` and `efi-` files for every card.
pub fn devices_of_romfile(name: &str) -> impl Iterator<Item = &'static Device> {
    DEVICES
        .iter()
        .filter(move |device| card_of(device.romfile) == card_of(name))
}

/// What stands after `pxe-` or `efi-` in the name of a network card's ROM file.
fn card_of(name: &str) -> &str {
    let card = name.strip_prefix("pxe-");
    card.or_else(|| name.strip_prefix("efi-")).unwrap_or(name)
}

const fn device(
    name: &'static str,
    romfile: &'static str,
    ram_block: &'static str,
    romfile_ids: (u16, u16),
    ids: (u16, u16),
) -> Device {
    let ids = PciIds::new(ids.0, ids.1);
    Device {
        name,
        romfile,
        ram_block,
        romfile_ids: PciIds::new(romfile_ids.0, romfile_ids.1),
        ids,
        ids_behind_port: ids,
        needs: None,
    }
}

const VIRTIO: (u16, u16) = (0x1af4, 0x1041);
const E1000: (u16, u16) = (0x8086, 0x100e);
const EEPRO100: (u16, u16) = (0x8086, 0x1229);
const EEPRO100_EXTENDED: (u16, u16) = (0x8086, 0x1209);

/// Every such device of QEMU, with its default ROM file.
///
/// Seen with `info qtree` and `info ramblock` of QEMU 7.2, and the network
/// cards also of 5.2, 10.0 and 11.1. A block's name is the name in the
/// device's migration description, else its class, with `.rom`, cut to 31
/// characters (`pci_add_option_rom` in hw/pci/pci.c). `virtio-vga-gl` and
/// `vhost-user-vga` have file and block from the class `virtio-vga-base`
/// (hw/display/virtio-vga.c, read; they are of it in `qom-list-types` of 7.2
/// and 10.0). `igb`, `tulip`,
/// `secondary-vga` and `qxl` load none. Virtio devices are modern only behind
/// a port (`virtio_pci_realize` in hw/virtio/virtio-pci.c). The ids of a file
/// are those of Debian's packages of 2022 and 2025.
pub const DEVICES: &[Device] = &[
    Device {
        ids_behind_port: PciIds::new(VIRTIO.0, VIRTIO.1),
        ..device(
            "virtio-net-pci",
            "efi-virtio.rom",
            "virtio-net-pci.rom",
            VIRTIO,
            (0x1af4, 0x1000),
        )
    },
    device(
        "virtio-net-pci-transitional",
        "efi-virtio.rom",
        "virtio-net-pci-transitional.rom",
        VIRTIO,
        (0x1af4, 0x1000),
    ),
    device(
        "virtio-net-pci-non-transitional",
        "efi-virtio.rom",
        "virtio-net-pci-non-transitional",
        VIRTIO,
        VIRTIO,
    ),
    device("e1000", "efi-e1000.rom", "e1000.rom", E1000, E1000),
    device(
        "e1000-82544gc",
        "efi-e1000.rom",
        "e1000.rom",
        E1000,
        (0x8086, 0x100c),
    ),
    device(
        "e1000-82545em",
        "efi-e1000.rom",
        "e1000.rom",
        E1000,
        (0x8086, 0x100f),
    ),
    device(
        "e1000e",
        "efi-e1000e.rom",
        "e1000e.rom",
        (0x8086, 0x10d3),
        (0x8086, 0x10d3),
    ),
    device(
        "ne2k_pci",
        "efi-ne2k_pci.rom",
        "ne2000.rom",
        (0, 0),
        (0x10ec, 0x8029),
    ),
    device(
        "pcnet",
        "efi-pcnet.rom",
        "pcnet.rom",
        (0x1022, 0x2000),
        (0x1022, 0x2000),
    ),
    device(
        "rtl8139",
        "efi-rtl8139.rom",
        "rtl8139.rom",
        (0x10ec, 0x8139),
        (0x10ec, 0x8139),
    ),
    device(
        "vmxnet3",
        "efi-vmxnet3.rom",
        "vmxnet3.rom",
        (0x15ad, 0x07b0),
        (0x15ad, 0x07b0),
    ),
    device(
        "i82550",
        "pxe-eepro100.rom",
        "i82550.rom",
        EEPRO100,
        EEPRO100_EXTENDED,
    ),
    device(
        "i82551",
        "pxe-eepro100.rom",
        "i82551.rom",
        EEPRO100,
        EEPRO100_EXTENDED,
    ),
    device(
        "i82557a",
        "pxe-eepro100.rom",
        "i82557a.rom",
        EEPRO100,
        EEPRO100,
    ),
    device(
        "i82557b",
        "pxe-eepro100.rom",
        "i82557b.rom",
        EEPRO100,
        EEPRO100,
    ),
    device(
        "i82557c",
        "pxe-eepro100.rom",
        "i82557c.rom",
        EEPRO100,
        EEPRO100,
    ),
    device(
        "i82558a",
        "pxe-eepro100.rom",
        "i82558a.rom",
        EEPRO100,
        EEPRO100,
    ),
    device(
        "i82558b",
        "pxe-eepro100.rom",
        "i82558b.rom",
        EEPRO100,
        EEPRO100,
    ),
    device(
        "i82559a",
        "pxe-eepro100.rom",
        "i82559a.rom",
        EEPRO100,
        EEPRO100,
    ),
    device(
        "i82559b",
        "pxe-eepro100.rom",
        "i82559b.rom",
        EEPRO100,
        EEPRO100,
    ),
    device(
        "i82559c",
        "pxe-eepro100.rom",
        "i82559c.rom",
        EEPRO100,
        EEPRO100,
    ),
    device(
        "i82559er",
        "pxe-eepro100.rom",
        "i82559er.rom",
        EEPRO100,
        EEPRO100_EXTENDED,
    ),
    device(
        "i82562",
        "pxe-eepro100.rom",
        "i82562.rom",
        EEPRO100,
        EEPRO100_EXTENDED,
    ),
    device(
        "i82801",
        "pxe-eepro100.rom",
        "i82801.rom",
        EEPRO100,
        (0x8086, 0x2449),
    ),
    device(
        "VGA",
        "vgabios-stdvga.bin",
        "vga.rom",
        (0x1234, 0x1111),
        (0x1234, 0x1111),
    ),
    device(
        "cirrus-vga",
        "vgabios-cirrus.bin",
        "cirrus_vga.rom",
        (0x1013, 0x00b8),
        (0x1013, 0x00b8),
    ),
    device(
        "qxl-vga",
        "vgabios-qxl.bin",
        "qxl.rom",
        (0x1b36, 0x0100),
        (0x1b36, 0x0100),
    ),
    device(
        "vmware-svga",
        "vgabios-vmware.bin",
        "vmware_vga.rom",
        (0x15ad, 0x0405),
        (0x15ad, 0x0405),
    ),
    device(
        "virtio-vga",
        "vgabios-virtio.bin",
        "virtio-vga.rom",
        (0x1af4, 0x1050),
        (0x1af4, 0x1050),
    ),
    Device {
        needs: Some("a display with OpenGL"),
        ..device(
            "virtio-vga-gl",
            "vgabios-virtio.bin",
            "virtio-vga.rom",
            (0x1af4, 0x1050),
            (0x1af4, 0x1050),
        )
    },
    Device {
        needs: Some("a vhost-user-gpu process"),
        ..device(
            "vhost-user-vga",
            "vgabios-virtio.bin",
            "virtio-vga.rom",
            (0x1af4, 0x1050),
            (0x1af4, 0x1050),
        )
    },
    device(
        "ati-vga",
        "vgabios-ati.bin",
        "ati-vga.rom",
        (0x1002, 0x5159),
        (0x1002, 0x5046),
    ),
    device(
        "bochs-display",
        "vgabios-bochs-display.bin",
        "bochs-display.rom",
        (0x1234, 0x1111),
        (0x1234, 0x1111),
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
    fn a_rom_file_is_for_the_devices_of_its_card() {
        let names = |romfile| -> Vec<_> {
            devices_of_romfile(romfile)
                .map(|device| device.name)
                .collect()
        };
        let e1000 = ["e1000", "e1000-82544gc", "e1000-82545em"];
        assert_eq!(names("efi-e1000.rom"), e1000);
        assert_eq!(names("pxe-e1000.rom"), e1000);
        assert_eq!(names("efi-eepro100.rom").len(), 13);
        assert_eq!(names("vgabios-stdvga.bin"), ["VGA"]);
        assert_eq!(names("e1001.rom"), [""; 0]);
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

    #[test]
    fn old_machine_types_of_pcs_alone_load_other_files() {
        let romfile = |device, arch, machine| {
            let machine = MachineType::parse(arch, machine).unwrap();
            device_by_name(device).unwrap().romfile_on(Some(machine))
        };
        for (device, machine, file) in [
            ("virtio-net-pci", "pc-i440fx-1.4", Some("pxe-virtio.rom")),
            ("virtio-net-pci", "pc-i440fx-1.5", Some("efi-virtio.rom")),
            ("vmxnet3", "pc-q35-2.6", None),
            ("vmxnet3", "pc-q35-2.7", Some("efi-vmxnet3.rom")),
            ("virtio-net-pci", "pc-1.3", Some("pxe-virtio.rom")),
            (
                "virtio-net-pci",
                "pc-i440fx-rhel7.0.0",
                Some("efi-virtio.rom"),
            ),
            ("vmxnet3", "pc-i440fx-xenial", None),
            ("vmxnet3", "pc-i440fx-zesty", Some("efi-vmxnet3.rom")),
        ] {
            assert_eq!(romfile(device, Arch::X86_64, machine), file, "{machine}");
        }
        let on_arm = |device, machine| romfile(device, Arch::Aarch64, machine);
        assert_eq!(on_arm("vmxnet3", "virt-2.6"), Some("efi-vmxnet3.rom"));
        assert_eq!(on_arm("virtio-net-pci", "virt-rhel9.2.0"), None);
        assert_eq!(on_arm("e1000e", "virt-rhel9.2.0"), Some("efi-e1000e.rom"));
    }
}
