//! What holds for any ROM: generated ones, damaged ones, any bytes.

use crate::fuzzing;
use crate::images::{PCIR, balance, driver, efi, good, isa, put, rom, stored, x86};
use proptest::prelude::*;
use romcompat::rom::edit::{
    ImageSelection, JoinOptions, PadSize, Retarget, fix, join, pad_image, retarget, split,
};
use romcompat::rom::{BarSize, CodeType, PciIds, Rom};

fn any_image() -> impl Strategy<Value = Vec<u8>> {
    let legacy = (1_u8..8, any::<[u8; 16]>(), any::<u16>()).prop_map(|(units, code, device)| {
        let mut image = x86(units);
        put(&mut image, 0x110, &code);
        put(&mut image, PCIR + 6, &device.to_le_bytes());
        balance(&mut image, 6);
        image
    });
    let padding = proptest::collection::vec(any::<u8>(), 0..600);
    let uefi = (padding, any::<bool>()).prop_map(|(padding, compressed)| {
        let executable = [driver(), padding].concat();
        match compressed {
            true => efi(&stored(&executable), 1),
            false => efi(&executable, 0),
        }
    });
    let other = (1_u8..4, 1_u8..3).prop_map(|(units, code_type)| {
        let mut image = x86(units);
        image[PCIR + 0x14] = code_type;
        image
    });
    prop_oneof![legacy, uefi, other]
}

fn any_rom() -> impl Strategy<Value = Vec<u8>> {
    let images = proptest::collection::vec(any_image(), 1..5).prop_map(|images| rom(&images));
    prop_oneof![8 => images, 1 => (1_u8..9).prop_map(isa)]
}

/// Any ROM with any bytes put anywhere.
fn damaged_rom() -> impl Strategy<Value = Vec<u8>> {
    let damage = (any::<prop::sample::Index>(), any::<[u8; 4]>());
    let damage = proptest::collection::vec(damage, 0..5);
    (any_rom(), damage, any::<prop::sample::Index>()).prop_map(|(mut rom, damage, cut)| {
        for (at, bytes) in damage {
            let at = at.index(rom.len());
            let end = rom.len().min(at + bytes.len());
            put(&mut rom, at, &bytes[..end - at]);
        }
        let cut = cut.index(4 * rom.len());
        rom.truncate(cut);
        rom
    })
}

pub fn rejoined(input: &[u8]) -> Vec<u8> {
    let parts = split(input).unwrap();
    let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
    let padded = Rom::parse(input).unwrap().images_end() < input.len();
    let options = JoinOptions {
        ids: None,
        class: None,
        size: padded.then(|| BarSize::of_rom(input.len() as u64).unwrap()),
        fill: 0xff,
    };
    join(&parts, &options).unwrap()
}

/// Every byte that holds a checksum: of x86 images, and of their structures.
pub fn checksum_bytes(input: &[u8]) -> Vec<usize> {
    let rom = Rom::parse(input).unwrap();
    let mut at = Vec::new();
    for image in rom.images() {
        if image.code_type() != CodeType::X86 {
            continue;
        }
        let in_last = image.pcir().is_none() && image.bytes()[7..0x10] != [0; 9]
            || image.bytes()[3] == 0xcb
            || image.bytes()[3] == 0x06;
        at.push(if in_last {
            image.end() - 1
        } else {
            image.offset() + 6
        });
        for header in image.pnp_headers() {
            let header = header.unwrap();
            if header.sum() == 0 {
                at.push(image.offset() + header.offset() + 9);
            }
        }
        at.extend(image.undi().map(|undi| image.offset() + undi.offset() + 5));
        at.extend(image.ipxe().map(|ipxe| image.offset() + ipxe.offset() + 5));
    }
    at
}

pub fn retargeted(input: &[u8], images: ImageSelection, ids: PciIds) -> Vec<u8> {
    let wish = Retarget {
        images,
        ids,
        device_list: None,
    };
    retarget(input, &wish).unwrap()
}

proptest! {
    #[test]
    fn the_parts_of_a_rom_make_the_rom_again(rom in any_rom(), padded: bool) {
        let mut rom = rom;
        if padded {
            rom.resize(rom.len().next_power_of_two(), 0xff);
        }
        prop_assert_eq!(rejoined(&rom), rom);
    }

    #[test]
    fn a_damaged_checksum_comes_back(rom in any_rom(), damage in 1_u8..) {
        prop_assert_eq!(&fix(&rom).unwrap(), &rom);
        for at in checksum_bytes(&rom) {
            let mut damaged = rom.clone();
            damaged[at] ^= damage;
            prop_assert_eq!(&fix(&damaged).unwrap(), &rom);
        }
    }

    #[test]
    fn retargeted_there_and_back_is_the_rom_again(rom in any_rom(), vendor: u16, device: u16) {
        let there = PciIds { vendor, device };
        let parsed = Rom::parse(&rom).unwrap();
        for image in parsed.images() {
            if let Some(ids) = image.ids() {
                let only = ImageSelection::Number(image.number());
                let result = retargeted(&rom, only, there);
                let after = Rom::parse(&result).unwrap();
                prop_assert_eq!(after.faults(), parsed.faults());
                prop_assert_eq!(&retargeted(&result, only, ids), &rom);
            }
        }
    }

    #[test]
    fn a_grown_rom_has_the_same_executables(rom in any_rom()) {
        let size = BarSize::of_rom(rom.len() as u64).unwrap();
        if let Ok(grown) = pad_image(&rom, PadSize::Exactly(size), 0) {
            prop_assert_eq!(grown.len() as u64, size.bytes());
            let parsed = Rom::parse(&grown).unwrap();
            prop_assert_eq!(parsed.images_end(), grown.len());
            let before = Rom::parse(&rom).unwrap();
            prop_assert_eq!(parsed.faults(), before.faults());
        }
    }

    #[test]
    fn any_bytes_can_be_read_and_edited(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..4096),
        signed: bool,
    ) {
        if signed {
            bytes.splice(0..0, [0x55, 0xaa]);
        }
        fuzzing::read(&bytes);
        fuzzing::edit(&bytes);
    }

    #[test]
    fn a_damaged_rom_can_be_read_and_edited(rom in damaged_rom()) {
        fuzzing::read(&rom);
        fuzzing::edit(&rom);
    }

    #[test]
    fn any_executable_can_be_read(
        executable in proptest::collection::vec(any::<u8>(), 0..1024),
    ) {
        fuzzing::executable(&executable);
        fuzzing::executable(&[driver(), executable].concat());
    }
}

#[test]
fn the_good_rom_is_good() {
    assert_eq!(checksum_bytes(&good()).len(), 4);
    assert_eq!(rejoined(&good()), good());
}
