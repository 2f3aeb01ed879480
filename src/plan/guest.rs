//! A guest as libvirt defines it: which ROM each card loads, and whether
//! another host takes it.

use crate::libvirt::{Buses, Domain, Interface, device_of_model};
use crate::plan::MappedDevices;
use crate::qemu::{
    Arch, Device, MachineType, RomAt, Verdict, device_by_name, is_card_without_rom,
    ram_block_of_class, verdict,
};
use serde::Serialize;

/// A network card of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestCard {
    /// Its number among the guest's interfaces, counted from 0.
    pub number: usize,
    /// Its MAC address.
    pub mac: Option<String>,
    /// Its model, as libvirt names it.
    pub model: Option<String>,
    /// The device that it becomes, if that is a PCI device with a ROM.
    pub device: Option<&'static Device>,
    /// Where it is plugged in.
    pub slot: Slot,
    /// Its address as the name of its RAM block has it, where the definition
    /// says every bridge on the way.
    pub block_address: Option<String>,
    /// The ROM that it loads.
    pub rom: CardRom,
}

/// Where a card is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// The root bus of a machine with conventional PCI.
    Pci,
    /// The root complex of a machine with PCI Express.
    PcieRoot,
    /// A PCI Express port.
    PciePort,
    /// A bridge to conventional PCI.
    PciBridge,
    /// A bus that is none of PCI's.
    NotPci,
    /// The definition does not say.
    Unknown,
}

/// The ROM that a card loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardRom {
    /// None.
    Off,
    /// QEMU's default of this name.
    Default(&'static str),
    /// A file that the definition names.
    File(String),
    /// It is not known which.
    Unknown,
}

/// The machine type of a guest, if it has a version that is known.
#[must_use]
pub fn machine_of(domain: &Domain<'_>) -> Option<MachineType> {
    let arch: Arch = domain.arch.as_deref()?.parse().ok()?;
    MachineType::parse(arch, &domain.machine.as_ref()?.value).ok()
}

/// The cards of a guest. Where no version of its machine type is known, that of
/// new machine types is assumed.
#[must_use]
pub fn guest_cards(domain: &Domain<'_>, machine: Option<MachineType>) -> Vec<GuestCard> {
    let buses = domain.buses();
    let arch: Option<Arch> = domain.arch.as_deref().and_then(|arch| arch.parse().ok());
    let block_address = |address| {
        let path = buses.path(address)?;
        Some(format!("{}{path}", arch?.pci_root()))
    };
    let card = |(number, interface): (usize, &Interface)| {
        let slot = slot(&buses, interface);
        let model = interface.model.as_deref();
        let device = match slot {
            Slot::NotPci => None,
            _ => model.and_then(|model| device_by_name(device_of_model(model))),
        };
        GuestCard {
            number,
            mac: interface.mac.clone(),
            model: interface.model.clone(),
            device,
            slot,
            block_address: interface.address.and_then(block_address),
            rom: rom(interface, slot, device, machine),
        }
    };
    domain.interfaces.iter().enumerate().map(card).collect()
}

fn slot(buses: &Buses<'_>, interface: &Interface) -> Slot {
    match interface.address_type.as_deref() {
        Some("pci") => {}
        Some(_) => return Slot::NotPci,
        None => return Slot::Unknown,
    }
    let Some(address) = interface.address else {
        return Slot::Unknown;
    };
    match buses.model(address.bus) {
        Some("pci-root") => Slot::Pci,
        Some("pcie-root") => Slot::PcieRoot,
        Some("pcie-root-port" | "pcie-switch-downstream-port") => Slot::PciePort,
        Some("pci-bridge" | "dmi-to-pci-bridge" | "pcie-to-pci-bridge") => Slot::PciBridge,
        _ => Slot::Unknown,
    }
}

fn rom(
    interface: &Interface,
    slot: Slot,
    device: Option<&'static Device>,
    machine: Option<MachineType>,
) -> CardRom {
    if slot == Slot::NotPci {
        return CardRom::Off;
    }
    if let Some(element) = &interface.rom {
        if element.is_off() {
            return CardRom::Off;
        }
        if let Some(file) = &element.file {
            return CardRom::File(file.value.clone());
        }
    }
    let Some(device) = device else {
        return match is_known_without_rom(interface) {
            true => CardRom::Off,
            false => CardRom::Unknown,
        };
    };
    device
        .romfile_on(machine)
        .map_or(CardRom::Off, CardRom::Default)
}

/// Whether a card has no ROM of its own that QEMU would load. The ROM of a card
/// of the host that is passed through is no RAM block of QEMU's
/// (`vfio_pci_size_rom` in hw/vfio/pci.c), unless a file is named for it.
fn is_known_without_rom(interface: &Interface) -> bool {
    interface.kind.as_deref() == Some("hostdev")
        || interface.model.as_deref().is_some_and(is_card_without_rom)
}

impl GuestCard {
    /// What the new host says to the card; none where a size is not known.
    #[must_use]
    pub fn verdict<'a>(
        &self,
        old: Option<RomAt<'_>>,
        new: Option<RomAt<'a>>,
    ) -> Option<Verdict<'a>> {
        match (&self.rom, old, new) {
            (CardRom::Off, _, _) => Some(Verdict::Accepted),
            (_, Some(old), Some(new)) => Some(verdict(old, new)),
            _ => None,
        }
    }

    /// The ROM that the user maps its model to, where its device is not known.
    #[must_use]
    pub fn mapped_rom<'m>(&self, devices: &'m MappedDevices) -> Option<&'m str> {
        let model = self.model.as_deref().filter(|_| self.device.is_none())?;
        let is_of = |names: &Vec<String>| names.iter().any(|name| name == model);
        let (rom, _) = devices.iter().find(|(_, names)| is_of(names))?;
        Some(rom)
    }

    /// The name of its ROM's RAM block, with an ellipsis for what is not known.
    /// A model that is not known is taken for the device's class.
    #[must_use]
    pub fn ram_block(&self) -> String {
        let address = self.block_address.as_deref().unwrap_or("…");
        match (self.device, &self.model) {
            (Some(device), _) => format!("{address}/{}", device.ram_block),
            (None, Some(model)) => format!("{address}/{}", ram_block_of_class(model)),
            (None, None) => address.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(machine: &str, devices: &str) -> Vec<GuestCard> {
        let text = format!(
            "<domain><os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"
        );
        let domain = Domain::parse(text.as_bytes()).unwrap();
        guest_cards(&domain, machine_of(&domain))
    }

    #[test]
    fn the_rom_goes_by_model_machine_type_and_rom_element() {
        let rom = |machine, interface: &str| {
            let interface = format!("<interface>{interface}</interface>");
            cards(machine, &interface).remove(0).rom
        };
        for (machine, interface, wanted) in [
            (
                "pc-q35-7.2",
                "<model type='virtio'/>",
                CardRom::Default("efi-virtio.rom"),
            ),
            (
                "pc",
                "<model type='e1000'/>",
                CardRom::Default("efi-e1000.rom"),
            ),
            (
                "pc-i440fx-1.4",
                "<model type='virtio'/>",
                CardRom::Default("pxe-virtio.rom"),
            ),
            ("pc-i440fx-2.6", "<model type='vmxnet3'/>", CardRom::Off),
            (
                "pc",
                "<model type='virtio'/><address type='ccw'/>",
                CardRom::Off,
            ),
            ("pc", "<model type='virtio'/><rom bar='off'/>", CardRom::Off),
            (
                "pc",
                "<model type='x'/><rom file='/a'/>",
                CardRom::File("/a".to_owned()),
            ),
            ("pc", "<model type='made-up'/>", CardRom::Unknown),
            ("pc", "<model type='igb'/>", CardRom::Off),
            ("pc", "", CardRom::Unknown),
        ] {
            assert_eq!(rom(machine, interface), wanted, "{machine} {interface}");
        }
    }

    #[test]
    fn a_card_that_is_passed_through_has_a_rom_only_where_a_file_is_named() {
        let rom = |more: &str| {
            let interface = format!("<interface type='hostdev' managed='yes'>{more}</interface>");
            cards("pc-q35-7.2", &interface).remove(0).rom
        };
        assert_eq!(rom("<driver name='vfio'/>"), CardRom::Off);
        assert_eq!(rom("<rom file='/a'/>"), CardRom::File("/a".to_owned()));
    }

    #[test]
    fn the_slot_is_that_of_the_controller() {
        let slot = |model: &str, bus: u32| {
            let devices = format!(
                "<controller type='pci' index='{bus}' model='{model}'/><interface><address type='pci' bus='0x{bus:02x}' slot='0x01'/></interface>"
            );
            cards("pc-q35-7.2", &devices).remove(0).slot
        };
        assert_eq!(slot("pci-root", 0), Slot::Pci);
        assert_eq!(slot("pcie-root", 0), Slot::PcieRoot);
        assert_eq!(slot("pcie-root-port", 10), Slot::PciePort);
        assert_eq!(slot("pcie-to-pci-bridge", 2), Slot::PciBridge);
        assert_eq!(slot("new-thing", 2), Slot::Unknown);
    }

    #[test]
    fn the_ram_block_is_named_where_the_way_to_the_card_is_known() {
        let block = |arch: &str, bus: u32| {
            let text = format!(
                "<domain><os><type arch='{arch}' machine='x'>hvm</type></os><devices>
                <controller type='pci' index='1' model='pcie-root-port'><address type='pci' bus='0x00' slot='0x02'/></controller>
                <interface><model type='virtio'/><address type='pci' bus='{bus}' slot='0x00'/></interface></devices></domain>"
            );
            let domain = Domain::parse(text.as_bytes()).unwrap();
            guest_cards(&domain, None).remove(0).ram_block()
        };
        assert_eq!(block("x86_64", 1), "0000:00:02.0:00.0/virtio-net-pci.rom");
        assert_eq!(
            block("ppc64", 0),
            "pci@800000020000000:00.0/virtio-net-pci.rom"
        );
        assert_eq!(block("x86_64", 5), "…/virtio-net-pci.rom");
        assert_eq!(block("s390x", 0), "…/virtio-net-pci.rom");
    }
}
