//! A guest, whoever describes it: its machine, and the blocks of its memory
//! whose size a file on its host decides, each with the file that it loads.

mod libvirt;

pub use libvirt::{guest_of_domain, machine_of};

use crate::qemu::{Device, MachineType, device_by_name, ram_block_of_class};
use crate::rom::BarSize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Devices that the user maps: by the name of a ROM file those that load it.
pub type MappedDevices = BTreeMap<String, Vec<String>>;

/// A guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// Its name, where its description has one.
    pub name: Option<String>,
    /// Its UUID, where its description has one.
    pub uuid: Option<String>,
    /// Where its description stands.
    pub origin: String,
    /// Its machine type as its description says it.
    pub machine_name: Option<String>,
    /// What is known of its machine type.
    pub machine: Option<MachineType>,
    /// The blocks of its memory that a file decides.
    pub blocks: Vec<Block>,
}

/// A block of a guest's memory whose size a file on its host decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What has it.
    pub holder: Holder,
    /// Its whole name, with an ellipsis for what is not known of it.
    pub name: String,
    /// The holder's MAC address.
    pub mac: Option<String>,
    /// The holder's model, as the guest's description names it.
    pub model: Option<String>,
    /// The devices that the holder may be: one where it is described, all that
    /// have a block of this name where only the block is known.
    pub devices: Vec<&'static Device>,
    /// Where the holder is plugged in.
    pub slot: Slot,
    /// The file that it is made of.
    pub rom: RomChoice,
    /// What the property `romsize` says.
    pub romsize: Option<BarSize>,
    /// The size that it is known to have where the guest comes from, whatever
    /// the files there are.
    pub held: Held,
}

/// What has a block of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// The network card of this number, counted from 0.
    Card(usize),
    /// The video card of this number, counted from 0.
    Video(usize),
}

impl Holder {
    /// Its kind, for machines.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Card(_) => "network",
            Self::Video(_) => "video",
        }
    }

    /// Its number among those of its kind, counted from 1.
    #[must_use]
    pub const fn number(self) -> usize {
        let (Self::Card(number) | Self::Video(number)) = self;
        number.saturating_add(1)
    }
}

impl fmt::Display for Holder {
    /// `card 1` or `video card 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Card(_) => "card",
            Self::Video(_) => "video card",
        };
        write!(f, "{kind} {}", self.number())
    }
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
    /// The description does not say.
    Unknown,
}

/// The ROM file that a card loads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RomChoice {
    /// None.
    Off,
    /// The file of this name by default, or by the user's word.
    Default(String),
    /// One of these by default; which one depends on the machine type.
    OneOf(Vec<String>),
    /// A file that the guest's description names.
    File(String),
    /// It is not known which.
    Unknown,
}

/// The size of a block where the guest comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// It is that of the host's file.
    ByFile,
    /// There is no such block.
    Nothing,
    /// The block of a ROM with this BAR.
    Bar(BarSize),
    /// A number of bytes that no ROM has.
    Odd(u64),
}

impl Held {
    /// A block of so many bytes.
    #[must_use]
    pub fn of_block(bytes: u64) -> Self {
        let bar = BarSize::of_rom(bytes).filter(|bar| bar.bytes() == bytes);
        bar.map_or(Self::Odd(bytes), Self::Bar)
    }
}

impl Block {
    /// A block of which no more is known than its ROM.
    #[must_use]
    pub const fn of_rom(rom: RomChoice) -> Self {
        Self {
            holder: Holder::Card(0),
            name: String::new(),
            mac: None,
            model: None,
            devices: Vec::new(),
            slot: Slot::Unknown,
            rom,
            romsize: None,
            held: Held::ByFile,
        }
    }

    /// That of a card at this address.
    #[must_use]
    pub fn of_device(name: &str, address: &str, rom: RomChoice) -> Self {
        let device = device_by_name(name);
        Self {
            name: block_name(address, device, Some(name)),
            model: Some(name.to_owned()),
            devices: device.into_iter().collect(),
            ..Self::of_rom(rom)
        }
    }

    /// The device that the holder is, if it is one that loads a ROM.
    #[must_use]
    pub fn device(&self) -> Option<&'static Device> {
        self.devices.first().copied()
    }

    /// The file that it loads, where that is known.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match &self.rom {
            RomChoice::Default(file) | RomChoice::File(file) => Some(file),
            RomChoice::Off | RomChoice::OneOf(_) | RomChoice::Unknown => None,
        }
    }

    /// Whether the guest names the file itself.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        matches!(self.rom, RomChoice::File(_))
    }
}

/// The name of a ROM's RAM block. A model that is not known is taken for the
/// device's class.
fn block_name(address: &str, device: Option<&Device>, model: Option<&str>) -> String {
    match (device, model) {
        (Some(device), _) => format!("{address}/{}", device.ram_block),
        (None, Some(model)) => format!("{address}/{}", ram_block_of_class(model)),
        (None, None) => address.to_owned(),
    }
}
