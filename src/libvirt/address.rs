//! Where PCI cards are plugged in.

/// Where a card is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PciAddress {
    /// PCI domain.
    pub domain: u32,
    /// Bus, which is the index of a controller.
    pub bus: u32,
    /// Slot on the bus.
    pub slot: u32,
    /// Function of the slot.
    pub function: u32,
}

impl PciAddress {
    /// The address that these attributes say, each by its name.
    pub(super) fn of(attribute: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let part = |name: &str| attribute(name).as_deref().and_then(number);
        Some(Self {
            domain: part("domain").unwrap_or(0),
            bus: part("bus")?,
            slot: part("slot")?,
            function: part("function").unwrap_or(0),
        })
    }
}

/// A number as libvirt writes it: decimal, or hexadecimal after `0x`.
pub(super) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
