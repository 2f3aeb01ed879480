//! The buses of a guest, and the way over them to a card.

use super::{Controller, Domain, PciAddress};
use std::collections::BTreeMap;

/// More bridges on the way to a card than any guest has.
const DEEPEST: usize = 32;

/// The PCI buses of a guest by their numbers.
#[derive(Debug, Clone)]
pub struct Buses<'d>(BTreeMap<u32, &'d Controller>);

impl Domain<'_> {
    /// Its PCI buses. Of several with one number the first counts.
    #[must_use]
    pub fn buses(&self) -> Buses<'_> {
        let mut buses = BTreeMap::new();
        for controller in &self.controllers {
            buses.entry(controller.index).or_insert(controller);
        }
        Buses(buses)
    }
}

impl Buses<'_> {
    /// The model of a bus, such as `pcie-root-port`.
    #[must_use]
    pub fn model(&self, bus: u32) -> Option<&str> {
        Some(&self.0.get(&bus)?.model)
    }

    /// The way from the root bus to a card as QEMU writes it in the name of a
    /// RAM block, such as `02.0:00.0`: slot and function of each bridge or
    /// port, and of the card (`pcibus_get_dev_path` in hw/pci/pci.c). None
    /// where a bridge on the way is not known, and behind an expander, which
    /// has a root bus of its own.
    #[must_use]
    pub fn path(&self, address: PciAddress) -> Option<String> {
        let mut hops = Vec::new();
        let mut next = address;
        while hops.len() < DEEPEST {
            hops.push(format!("{:02x}.{:x}", next.slot, next.function));
            if next.bus == 0 {
                hops.reverse();
                return Some(hops.join(":"));
            }
            let bridge = self.0.get(&next.bus)?;
            if bridge.model.ends_with("expander-bus") {
                return None;
            }
            next = bridge.address?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::libvirt::Domain;

    fn paths(controllers: &str) -> Vec<Option<String>> {
        let text = format!(
            "<domain><devices>{controllers}
            <controller type='usb' index='0'><address type='pci' bus='0x00' slot='0x1d'/></controller>
            <interface><address type='pci' domain='0x0000' bus='0x00' slot='0x1d' function='0x1'/></interface>
            <interface><address type='pci' bus='0x02' slot='0x00' function='0x0'/></interface>
            </devices></domain>"
        );
        let domain = Domain::parse(text.as_bytes()).unwrap();
        let addresses = domain.interfaces.iter().map(|card| card.address.unwrap());
        addresses
            .map(|address| domain.buses().path(address))
            .collect()
    }

    fn controller(index: u32, model: &str, bus: u32) -> String {
        format!(
            "<controller type='pci' index='{index}' model='{model}'><target chassis='1'/><address type='pci' bus='{bus}' slot='0x0{index}' function='0x0'/></controller>"
        )
    }

    #[test]
    fn each_bridge_on_the_way_has_its_slot() {
        let root = "<controller type='pci' index='0' model='pcie-root'/>";
        let port = controller(1, "pcie-root-port", 0);
        let bridge = controller(2, "pcie-to-pci-bridge", 1);
        assert_eq!(
            paths(&format!("{root}{port}{bridge}")),
            [Some("1d.1".to_owned()), Some("01.0:02.0:00.0".to_owned())]
        );
    }

    #[test]
    fn a_way_that_is_not_known_or_goes_in_circles_has_no_name() {
        let none = |controllers: &str| paths(controllers).remove(1).is_none();
        assert!(none(""));
        assert!(none(
            "<controller type='pci' index='2' model='pci-bridge'/>"
        ));
        assert!(none(&controller(2, "pci-bridge", 2)));
        assert!(none(&controller(2, "pcie-expander-bus", 0)));
    }
}
