//! A guest as libvirt defines it.

use super::{Block, Guest, Holder, MappedDevices, RomChoice, Slot, block_name};
use crate::libvirt::{Buses, Domain, Interface, PciAddress, Video, device_of_model};
use crate::qemu::{
    Arch, Device, MachineType, device_as_typed, device_by_name, is_card_without_rom,
};

/// The machine type of a guest, if it has a version that is known.
#[must_use]
pub fn machine_of(domain: &Domain<'_>) -> Option<MachineType> {
    let arch: Arch = domain.arch.as_deref()?.parse().ok()?;
    MachineType::parse(arch, &domain.machine.as_ref()?.value).ok()
}

/// A guest by its definition, which stands at `origin`: its network cards and
/// then its video cards, each kind in its order. Where no version of its
/// machine type is known, that of new machine types is assumed. `devices` are
/// those that the user maps.
#[must_use]
pub fn guest_of_domain(
    domain: &Domain<'_>,
    origin: &str,
    machine: Option<MachineType>,
    devices: &MappedDevices,
) -> Guest {
    let reading = Reading {
        buses: domain.buses(),
        arch: domain.arch.as_deref().and_then(|arch| arch.parse().ok()),
        machine,
        devices,
        is_without_pci: is_without_pci(domain),
    };
    let cards = domain.interfaces.iter().enumerate();
    let mut blocks: Vec<Block> = cards.map(|card| reading.card(card)).collect();
    let implicit = [Video::default()];
    let videos: &[Video] = match &*domain.videos {
        [] if domain.has_graphics => &implicit,
        videos => videos,
    };
    let primary = videos.iter().position(|video| video.is_primary);
    let primary = primary.unwrap_or_default();
    let videos = videos.iter().enumerate();
    blocks.extend(videos.map(|(number, video)| reading.video(number, video, number == primary)));
    Guest {
        name: domain.name.clone(),
        uuid: domain.uuid.clone(),
        origin: origin.to_owned(),
        machine_name: domain.machine.as_ref().map(|machine| machine.value.clone()),
        machine,
        blocks,
    }
}

/// What the cards of one definition have in common.
struct Reading<'d> {
    buses: Buses<'d>,
    arch: Option<Arch>,
    machine: Option<MachineType>,
    devices: &'d MappedDevices,
    is_without_pci: bool,
}

/// Whether libvirt plugs cards without an address into another bus than PCI: into
/// ccw on s390x, and into mmio on Arm's vexpress (`qemuDomainAssignAddresses`).
fn is_without_pci(domain: &Domain<'_>) -> bool {
    let machine = domain.machine.as_ref().map(|machine| &*machine.value);
    domain.arch.as_deref() == Some("s390x")
        || machine.is_some_and(|machine| machine.starts_with("vexpress-"))
}

impl Reading<'_> {
    fn card(&self, (number, interface): (usize, &Interface)) -> Block {
        let slot = self.slot(interface.address_type.as_deref(), interface.address);
        let model = interface.model.as_deref();
        let device = match slot {
            Slot::NotPci => None,
            _ if interface.is_passed_through() => None,
            _ => model.and_then(|model| device_as_typed(device_of_model(model))),
        };
        let class = match interface.is_passed_through() {
            true => Some("vfio-pci"),
            false => model,
        };
        Block {
            holder: Holder::Card(number),
            name: block_name(&self.address(interface.address), device, class),
            mac: interface.mac.clone(),
            model: interface.model.clone(),
            devices: device.into_iter().collect(),
            slot,
            ..Block::of_rom(self.rom_of_card(interface, slot, device))
        }
    }

    fn video(&self, number: usize, video: &Video, is_primary: bool) -> Block {
        let slot = self.slot(video.address_type.as_deref(), video.address);
        let model = match video.model.as_deref() {
            None | Some("default") => self.default_video(),
            model => model,
        };
        let kind = model.map(|model| VideoKind::of(model, video, is_primary, self.arch));
        let device = match kind {
            Some(VideoKind::WithRom(name)) if slot != Slot::NotPci => device_by_name(name),
            _ => None,
        };
        let rom = match (kind, device) {
            (_, Some(device)) => self.default_rom(device),
            (Some(VideoKind::NotKnown) | None, _) => RomChoice::Unknown,
            (Some(_), None) => RomChoice::Off,
        };
        Block {
            holder: Holder::Video(number),
            name: block_name(&self.address(video.address), device, model),
            model: model.map(str::to_owned),
            devices: device.into_iter().collect(),
            slot,
            ..Block::of_rom(rom)
        }
    }

    /// The way to a card as the name of its block has it.
    fn address(&self, address: Option<PciAddress>) -> String {
        let known = || Some((self.arch?, self.buses.path(address?)?));
        known().map_or_else(
            || "…".to_owned(),
            |(arch, path)| format!("{}{path}", arch.pci_root()),
        )
    }

    fn slot(&self, kind: Option<&str>, address: Option<PciAddress>) -> Slot {
        match kind {
            Some("pci") => {}
            Some(_) => return Slot::NotPci,
            None if self.is_without_pci => return Slot::NotPci,
            None => return Slot::Unknown,
        }
        let Some(address) = address else {
            return Slot::Unknown;
        };
        match self.buses.model(address.bus) {
            Some("pci-root") => Slot::Pci,
            Some("pcie-root") => Slot::PcieRoot,
            Some("pcie-root-port" | "pcie-switch-downstream-port") => Slot::PciePort,
            Some("pci-bridge" | "dmi-to-pci-bridge" | "pcie-to-pci-bridge") => Slot::PciBridge,
            _ => Slot::Unknown,
        }
    }

    fn rom_of_card(
        &self,
        interface: &Interface,
        slot: Slot,
        device: Option<&'static Device>,
    ) -> RomChoice {
        if slot == Slot::NotPci {
            return RomChoice::Off;
        }
        if let Some(element) = &interface.rom {
            if element.is_off() {
                return RomChoice::Off;
            }
            if let Some(file) = &element.file {
                // QEMU takes an empty `romfile` for none.
                return match &*file.value {
                    "" => RomChoice::Off,
                    path => RomChoice::File(path.to_owned()),
                };
            }
        }
        match device {
            Some(device) => self.default_rom(device),
            None if is_known_without_rom(interface) => RomChoice::Off,
            None => self.mapped_rom(interface.model.as_deref()),
        }
    }

    fn default_rom(&self, device: &Device) -> RomChoice {
        let romfile = device.romfile_on(self.machine);
        romfile.map_or(RomChoice::Off, |name| RomChoice::Default(name.to_owned()))
    }

    /// The ROM that the user maps a model to which is not known.
    fn mapped_rom(&self, model: Option<&str>) -> RomChoice {
        let is_of = |names: &Vec<String>| names.iter().any(|name| Some(&**name) == model);
        let mapped = self.devices.iter().find(|(_, names)| is_of(names));
        mapped.map_or(RomChoice::Unknown, |(rom, _)| {
            RomChoice::Default(rom.clone())
        })
    }

    /// The model that libvirt gives a video card without one
    /// (`qemuDomainDefaultVideoDevice` in qemu_domain.c, for a QEMU that has
    /// cirrus-vga).
    fn default_video(&self) -> Option<&'static str> {
        match self.arch? {
            Arch::X86_64 => Some("cirrus"),
            Arch::Ppc64 => Some("vga"),
            Arch::Aarch64 | Arch::Riscv64 => Some("virtio"),
        }
    }
}

/// What a model of a video card becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VideoKind {
    /// The device of this name, which loads a ROM.
    WithRom(&'static str),
    /// One that loads none.
    WithoutRom,
    /// No device of QEMU that is known.
    NotKnown,
}

impl VideoKind {
    /// The device that libvirt starts (`qemuDeviceVideoGetModel` in
    /// qemu_command.c). Of the architectures with PCI only x86 has virtio
    /// devices with VGA (`-device help` of 7.2).
    fn of(model: &str, video: &Video, is_primary: bool, arch: Option<Arch>) -> Self {
        let has_virtio_vga = arch == Some(Arch::X86_64);
        match model {
            "vga" => Self::WithRom("VGA"),
            "cirrus" => Self::WithRom("cirrus-vga"),
            "vmvga" => Self::WithRom("vmware-svga"),
            "bochs" => Self::WithRom("bochs-display"),
            "qxl" if is_primary => Self::WithRom("qxl-vga"),
            "virtio" if is_primary && has_virtio_vga => {
                match video.backend.as_deref() == Some("vhostuser") {
                    true => Self::WithRom("vhost-user-vga"),
                    false => Self::WithRom("virtio-vga"),
                }
            }
            "qxl" | "virtio" | "ramfb" | "none" => Self::WithoutRom,
            _ => Self::NotKnown,
        }
    }
}

/// Whether a card has no ROM of its own that QEMU would load. The ROM of a card
/// of the host that is passed through is no RAM block of QEMU's
/// (`vfio_pci_size_rom` in hw/vfio/pci.c), unless a file is named for it.
fn is_known_without_rom(interface: &Interface) -> bool {
    interface.is_passed_through() || interface.model.as_deref().is_some_and(is_card_without_rom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(text: &str) -> Guest {
        let domain = Domain::parse(text.as_bytes()).unwrap();
        guest_of_domain(&domain, "a.xml", machine_of(&domain), &MappedDevices::new())
    }

    fn cards(machine: &str, devices: &str) -> Vec<Block> {
        let text = format!(
            "<domain><os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"
        );
        guest(&text).blocks
    }

    #[test]
    fn the_rom_goes_by_model_machine_type_and_rom_element() {
        let named = |name: &str| RomChoice::Default(name.to_owned());
        let rom = |machine, interface: &str| {
            let interface = format!("<interface>{interface}</interface>");
            cards(machine, &interface).remove(0).rom
        };
        for (machine, interface, wanted) in [
            (
                "pc-q35-7.2",
                "<model type='virtio'/>",
                named("efi-virtio.rom"),
            ),
            ("pc", "<model type='e1000'/>", named("efi-e1000.rom")),
            (
                "pc-i440fx-1.4",
                "<model type='virtio'/>",
                named("pxe-virtio.rom"),
            ),
            ("pc-i440fx-2.6", "<model type='vmxnet3'/>", RomChoice::Off),
            (
                "pc",
                "<model type='virtio'/><address type='ccw'/>",
                RomChoice::Off,
            ),
            (
                "pc",
                "<model type='virtio'/><rom bar='off'/>",
                RomChoice::Off,
            ),
            ("pc", "<model type='virtio'/><rom file=''/>", RomChoice::Off),
            (
                "pc",
                "<model type='x'/><rom file='/a'/>",
                RomChoice::File("/a".to_owned()),
            ),
            ("pc", "<model type='made-up'/>", RomChoice::Unknown),
            ("pc", "<model type='igb'/>", RomChoice::Off),
            ("pc", "", RomChoice::Unknown),
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
        assert_eq!(rom("<driver name='vfio'/>"), RomChoice::Off);
        assert_eq!(rom("<model type='virtio'/>"), RomChoice::Off);
        assert_eq!(rom("<rom file='/a'/>"), RomChoice::File("/a".to_owned()));
        let named = "<interface type='hostdev'><model type='virtio'/><rom file='/a'/></interface>";
        let card = cards("pc-q35-7.2", named).remove(0);
        assert_eq!(
            (card.name.as_str(), card.device()),
            ("…/vfio-pci.rom", None)
        );
    }

    #[test]
    fn a_card_of_a_pool_of_functions_is_passed_through() {
        let rom = |more: &str| {
            let interface = format!(
                "<interface type='network'><source network='sriov'/><model type='virtio'/>{more}</interface>"
            );
            cards("pc-q35-7.2", &interface).remove(0).rom
        };
        for more in [
            "<actual type='hostdev' managed='yes'/>",
            "<teaming type='transient' persistent='ua-backup0'/>",
            "<driver name='vfio'/>",
        ] {
            assert_eq!(rom(more), RomChoice::Off, "{more}");
        }
        for more in [
            "",
            "<actual type='bridge'/>",
            "<teaming type='persistent'/>",
            "<driver name='vhost'/>",
        ] {
            let virtio = RomChoice::Default("efi-virtio.rom".to_owned());
            assert_eq!(rom(more), virtio, "{more}");
        }
    }

    #[test]
    fn another_name_of_a_device_is_that_device() {
        let device = |model: &str| {
            let interface = format!("<interface><model type='{model}'/></interface>");
            let card = cards("pc-q35-7.2", &interface).remove(0);
            (card.name.clone(), card.device().map(|device| device.name))
        };
        let virtio = "…/virtio-net-pci.rom".to_owned();
        assert_eq!(device("virtio-net"), (virtio, Some("virtio-net-pci")));
        let e1000 = "…/e1000.rom".to_owned();
        assert_eq!(device("e1000-82540em"), (e1000, Some("e1000")));
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
            guest(&text).blocks.remove(0).name
        };
        assert_eq!(block("x86_64", 1), "0000:00:02.0:00.0/virtio-net-pci.rom");
        assert_eq!(
            block("ppc64", 0),
            "pci@800000020000000:00.0/virtio-net-pci.rom"
        );
        assert_eq!(block("x86_64", 5), "…/virtio-net-pci.rom");
        assert_eq!(block("s390x", 0), "…/virtio-net-pci.rom");
        let text = "<domain><os><type arch='s390x' machine='x'/></os><devices><interface><model type='virtio'/></interface></devices></domain>";
        assert_eq!(guest(text).blocks.remove(0).rom, RomChoice::Off);
    }

    #[test]
    fn a_video_card_loads_the_rom_of_its_device() {
        let videos = |arch: &str, devices: &str| -> Vec<(Holder, RomChoice)> {
            let text = format!(
                "<domain><os><type arch='{arch}' machine='x'/></os><devices>{devices}</devices></domain>"
            );
            let blocks = guest(&text).blocks.into_iter();
            blocks.map(|block| (block.holder, block.rom)).collect()
        };
        let only = |arch, model: &str| {
            let video = format!("<video><model type='{model}'/></video>");
            videos(arch, &video).remove(0).1
        };
        let named = |name: &str| RomChoice::Default(name.to_owned());
        for (model, rom) in [
            ("vga", named("vgabios-stdvga.bin")),
            ("cirrus", named("vgabios-cirrus.bin")),
            ("qxl", named("vgabios-qxl.bin")),
            ("vmvga", named("vgabios-vmware.bin")),
            ("virtio", named("vgabios-virtio.bin")),
            ("bochs", named("vgabios-bochs-display.bin")),
            ("default", named("vgabios-cirrus.bin")),
            ("ramfb", RomChoice::Off),
            ("none", RomChoice::Off),
            ("vbox", RomChoice::Unknown),
        ] {
            assert_eq!(only("x86_64", model), rom, "{model}");
        }
        assert_eq!(only("aarch64", "virtio"), RomChoice::Off);
        assert_eq!(only("aarch64", "default"), RomChoice::Off);
        assert_eq!(only("ppc64", "default"), named("vgabios-stdvga.bin"));
        // The second of two has no VGA, unless it says that it is the first.
        let qxl = "<video><model type='qxl'/></video>";
        let primary = qxl.replace("/>", " primary='yes'/>");
        let (first, second) = (Holder::Video(0), Holder::Video(1));
        let rom = named("vgabios-qxl.bin");
        assert_eq!(
            videos("x86_64", &format!("{qxl}{qxl}")),
            [(first, rom.clone()), (second, RomChoice::Off)]
        );
        assert_eq!(
            videos("x86_64", &format!("{qxl}{primary}")),
            [(first, RomChoice::Off), (second, rom)]
        );
        // libvirt adds one where there is a screen.
        let screen = videos("x86_64", "<graphics type='vnc'/>");
        assert_eq!(screen, [(first, named("vgabios-cirrus.bin"))]);
        assert_eq!(videos("x86_64", "<graphics type='vnc'/><video/>").len(), 1);
    }
}
