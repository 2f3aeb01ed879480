//! The ids in a compat ROM, by which legacy BIOS firmware finds its image.
//!
//! QEMU writes a device's own ids over those in the first image of a default
//! ROM file, and of no other (`pci_add_option_rom` in hw/pci/pci.c). `SeaBIOS`
//! skips an image whose ids are not the device's (`map_pcirom` in
//! src/optionroms.c), so a compat ROM must carry them itself.

use crate::finding::{Code, Finding};
use crate::qemu::Device;
use crate::rom::edit::{
    ImageSelection, JoinError, JoinOptions, Retarget, RetargetError, SplitError, join, retarget,
    split,
};
use crate::rom::{BarSize, CodeType, PciIds, Rom, Tail};
use crate::romset::RomFile;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What is done about ids that QEMU will not write into a compat ROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BootIds {
    /// Each x86 image that a device needs is in the ROM, as far as it fits.
    #[default]
    Auto,
    /// The old ROM stays as it is, byte for byte.
    Keep,
}

/// A text that names no way to treat ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("write auto or keep")]
pub struct NotBootIds;

impl FromStr for BootIds {
    type Err = NotBootIds;

    fn from_str(text: &str) -> Result<Self, NotBootIds> {
        match text {
            "auto" => Ok(Self::Auto),
            "keep" => Ok(Self::Keep),
            _ => Err(NotBootIds),
        }
    }
}

/// A change to a ROM's images, so that firmware finds one for the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum BootIdChange {
    /// The first image has other ids.
    Set {
        /// The ids in the old ROM.
        from: PciIds,
        /// The ids in the compat ROM.
        to: PciIds,
    },
    /// A copy of the first image, with these ids, follows it.
    Added {
        /// The ids of the copy.
        ids: PciIds,
    },
}

impl fmt::Display for BootIdChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { from, to } => {
                write!(f, "the x86 image has the ids {to} in place of {from}")
            }
            Self::Added { ids } => write!(f, "a second x86 image has the ids {ids}"),
        }
    }
}

/// An x86 image that a device needs and a compat ROM lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostBoot {
    /// The ids that the image would have.
    pub ids: PciIds,
    /// The devices that need it, with the place where only that place does.
    pub devices: Vec<String>,
}

/// A ROM with the images that its devices need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootableRom {
    /// Its bytes, before any padding to the BAR.
    pub bytes: Vec<u8>,
    /// What differs from the old ROM.
    pub changes: Vec<BootIdChange>,
    /// What is missing all the same.
    pub lost: Vec<LostBoot>,
    /// Size in bytes of a copy of the first image.
    copy_size: u64,
    /// Why the images could not be changed.
    hindrance: Option<BootIdsError>,
}

/// Why the images of a ROM cannot be arranged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BootIdsError {
    /// An image cannot have other ids.
    #[error(transparent)]
    Retarget(#[from] RetargetError),
    /// The images cannot be taken apart.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The images cannot be put together.
    #[error(transparent)]
    Join(#[from] JoinError),
}

impl BootableRom {
    /// Gives an old ROM the images that its devices need, as far as its BAR
    /// has room. A ROM whose first image is not for x86 stays as it is, since
    /// QEMU patches the first only; so does one that cannot be edited.
    #[must_use]
    pub fn new(old: &RomFile, devices: &[&'static Device], mode: BootIds) -> Self {
        let mut result = Self {
            bytes: old.bytes().to_vec(),
            changes: Vec::new(),
            lost: Vec::new(),
            copy_size: 0,
            hindrance: None,
        };
        let rom = old.rom();
        let Some(first) = rom.images().first() else {
            return result;
        };
        let Some(ids) = first.ids().filter(|_| first.code_type() == CodeType::X86) else {
            return result;
        };
        result.copy_size = first.bytes().len() as u64;
        let needed = needed_ids(devices);
        if mode == BootIds::Auto {
            result.hindrance = result.arrange(ids, &needed, old.bar()).err();
        }
        result.lost = missing(&result.bytes, &needed)
            .map(|ids| LostBoot {
                ids,
                devices: devices.iter().filter_map(|d| place(d, ids)).collect(),
            })
            .collect();
        result
    }

    fn arrange(
        &mut self,
        ids: PciIds,
        needed: &[PciIds],
        bar: BarSize,
    ) -> Result<(), BootIdsError> {
        if let Some(to) = needed.first().filter(|_| !needed.contains(&ids)) {
            self.bytes = with_ids(&self.bytes, ImageSelection::Number(1), *to)?;
            self.changes.push(BootIdChange::Set { from: ids, to: *to });
        }
        let missing: Vec<PciIds> = missing(&self.bytes, needed).collect();
        for ids in missing {
            if let Ok(rom) = Rom::parse(&self.bytes)
                && rom.tail() == Tail::Data
            {
                let offset = rom.used();
                let length = self.bytes.len().saturating_sub(offset);
                return Err(JoinError::DataAfterLastImage {
                    input: 1,
                    offset,
                    length,
                }
                .into());
            }
            let mut images = split(&self.bytes)?;
            let Some(first) = images.first() else {
                return Ok(());
            };
            let copy = with_ids(first, ImageSelection::All, ids)?;
            images.insert(1, copy);
            let total: usize = images.iter().map(Vec::len).sum();
            if total as u64 > bar.bytes() {
                return Ok(());
            }
            let images: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
            let options = JoinOptions {
                ids: None,
                class: None,
                size: None,
                fill: 0xff,
            };
            self.bytes = join(&images, &options)?;
            self.changes.push(BootIdChange::Added { ids });
        }
        Ok(())
    }

    /// A finding for network boot that is lost, if any is.
    #[must_use]
    pub fn finding(&self, subject: &str, bar: BarSize) -> Option<Finding> {
        if self.lost.is_empty() {
            return None;
        }
        let lost = self.lost.iter();
        let words: Vec<String> = lost
            .map(|lost| format!("{} ({})", lost.ids, lost.devices.join(", ")))
            .collect();
        let used = Rom::parse(&self.bytes).map_or(0, |rom| rom.used() as u64);
        let required = match &self.hindrance {
            Some(error) => format!("the images stay as they are: {error}"),
            None => format!(
                "each needs an image of {} bytes, and {used} bytes leave {} of the BAR of {bar} free",
                self.copy_size,
                bar.room_left(used)
            ),
        };
        Some(Finding::new(
            Code::NetworkBootLost,
            subject,
            format!("no x86 image has the ids {}", words.join(", ")),
            required,
        ))
    }
}

/// The ids that firmware looks for, in the order of the devices.
fn needed_ids(devices: &[&'static Device]) -> Vec<PciIds> {
    let mut needed = Vec::new();
    for ids in devices.iter().flat_map(|device| device.all_ids()) {
        if !needed.contains(&ids) {
            needed.push(ids);
        }
    }
    needed
}

/// Those ids that no x86 image of the ROM has.
fn missing(bytes: &[u8], needed: &[PciIds]) -> impl Iterator<Item = PciIds> {
    let present: Vec<PciIds> = Rom::parse(bytes)
        .map(|rom| x86_ids(&rom).collect())
        .unwrap_or_default();
    needed
        .iter()
        .copied()
        .filter(move |ids| !present.contains(ids))
}

/// The ids of each x86 image of a ROM.
pub fn x86_ids(rom: &Rom<'_>) -> impl Iterator<Item = PciIds> {
    rom.images()
        .iter()
        .filter(|image| image.code_type() == CodeType::X86)
        .filter_map(|image| image.ids())
}

fn with_ids(bytes: &[u8], images: ImageSelection, ids: PciIds) -> Result<Vec<u8>, RetargetError> {
    let wish = Retarget {
        images,
        ids,
        device_list: None,
    };
    retarget(bytes, &wish)
}

/// A device that has these ids, and where, if not everywhere.
fn place(device: &Device, ids: PciIds) -> Option<String> {
    let name = device.name;
    match (device.ids == ids, device.ids_behind_port == ids) {
        (true, true) => Some(name.to_owned()),
        (true, false) => Some(format!("{name} not behind a PCI Express port")),
        (false, true) => Some(format!("{name} behind a PCI Express port")),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu::device_by_name;
    use crate::rom::tests::{image, last};

    const MODERN: PciIds = PciIds::new(0x1af4, 0x1041);
    const TRANSITIONAL: PciIds = PciIds::new(0x1af4, 0x1000);

    /// An x86 image with the ids 1af4:1041 and an EFI image, padded.
    fn virtio_rom(x86_units: u8, size: usize) -> RomFile {
        let mut bytes = image(x86_units, CodeType::X86);
        bytes.extend(last(image(1, CodeType::Efi)));
        bytes.resize(size, 0xff);
        RomFile::new("efi-virtio.rom", bytes).unwrap()
    }

    fn virtio() -> Vec<&'static Device> {
        vec![device_by_name("virtio-net-pci").unwrap()]
    }

    #[test]
    fn a_second_image_is_added_where_it_fits() {
        let old = virtio_rom(3, 4096);
        let rom = BootableRom::new(&old, &virtio(), BootIds::Auto);
        assert_eq!(rom.changes, [BootIdChange::Added { ids: TRANSITIONAL }]);
        assert_eq!((&rom.lost, rom.finding("a", old.bar())), (&vec![], None));
        let parsed = Rom::parse(&rom.bytes).unwrap();
        assert_eq!(parsed.faults(), []);
        let kinds: Vec<_> = parsed.images().iter().map(|image| image.kind()).collect();
        assert_eq!(kinds, ["x86", "x86", "EFI X64"]);
        assert_eq!(x86_ids(&parsed).collect::<Vec<_>>(), [MODERN, TRANSITIONAL]);
        assert!(rom.bytes.starts_with(&old.bytes()[..3 * 512]));
    }

    #[test]
    fn a_second_image_may_fill_the_bar_to_its_end() {
        for (efi_units, count) in [(2, 1), (3, 0)] {
            let mut bytes = image(3, CodeType::X86);
            bytes.extend(last(image(efi_units, CodeType::Efi)));
            let old = RomFile::new("efi-virtio.rom", bytes).unwrap();
            assert_eq!(old.bar().bytes(), 4096);
            let rom = BootableRom::new(&old, &virtio(), BootIds::Auto);
            assert_eq!((rom.changes.len(), rom.lost.len()), (count, 1 - count));
        }
    }

    #[test]
    fn without_room_the_rom_stays_and_a_finding_says_who_loses_network_boot() {
        let old = virtio_rom(4, 4096);
        let rom = BootableRom::new(&old, &virtio(), BootIds::Auto);
        assert_eq!((rom.bytes.as_slice(), rom.changes.len()), (old.bytes(), 0));
        let finding = rom.finding("efi-virtio.rom", old.bar()).unwrap();
        assert_eq!(
            finding.found,
            "no x86 image has the ids 1af4:1000 (virtio-net-pci not behind a PCI Express port)"
        );
        assert!(
            finding.required.contains("2048 bytes"),
            "{}",
            finding.required
        );
    }

    #[test]
    fn a_device_with_one_patched_id_gets_it() {
        let old = virtio_rom(1, 4096);
        let devices = [device_by_name("ne2k_pci").unwrap()];
        let rom = BootableRom::new(&old, &devices, BootIds::Auto);
        let to = PciIds::new(0x10ec, 0x8029);
        assert_eq!(rom.changes, [BootIdChange::Set { from: MODERN, to }]);
        let parsed = Rom::parse(&rom.bytes).unwrap();
        assert_eq!(x86_ids(&parsed).collect::<Vec<_>>(), [to]);
        assert_eq!(parsed.faults(), []);
    }

    #[test]
    fn keep_changes_nothing_and_says_what_is_lost() {
        let old = virtio_rom(1, 4096);
        let rom = BootableRom::new(&old, &virtio(), BootIds::Keep);
        assert_eq!(rom.bytes, old.bytes());
        assert!(rom.finding("efi-virtio.rom", old.bar()).is_some());
    }

    #[test]
    fn data_after_the_last_image_is_not_lost() {
        let mut bytes = virtio_rom(1, 4096).bytes().to_vec();
        *bytes.last_mut().unwrap() = 7;
        let old = RomFile::new("efi-virtio.rom", bytes).unwrap();
        let rom = BootableRom::new(&old, &virtio(), BootIds::Auto);
        assert_eq!(rom.bytes, old.bytes());
        let finding = rom.finding("a", old.bar()).unwrap();
        assert!(
            finding.required.contains("would be lost"),
            "{}",
            finding.required
        );
    }

    #[test]
    fn a_rom_without_an_x86_image_has_nothing_to_lose() {
        let old = RomFile::new("efi-virtio.rom", last(image(1, CodeType::Efi))).unwrap();
        let rom = BootableRom::new(&old, &virtio(), BootIds::Auto);
        assert_eq!((rom.bytes.as_slice(), rom.lost.len()), (old.bytes(), 0));
    }
}
