//! Where a rule about ROMs has a boundary: the input that is just over it, and
//! the one that is just within.

use crate::images::{DEVICES, GOOD_EFI, IPXE, PCIR, PNP, UNDI};
use crate::images::{
    balance, balanced, driver, efi, good, isa, open_firmware, put, rom, stored, with, x86,
};
use crate::rules::{codes, open_firmware_with_pcir, padded, x86_with};
use romcompat::finding::Code;
use romcompat::rom::{LintContext, PciIds};

/// The good ROM with another x86 image.
fn beside_efi(x86: &[u8]) -> Vec<u8> {
    rom(&[x86.to_vec(), efi(&stored(&driver()), 1)])
}

/// An x86 image of `units` units without any structure but the PCI Data
/// Structure.
fn long_x86(units: u16) -> Vec<u8> {
    let mut image = x86(2);
    image.resize(usize::from(units) * 512, 0);
    image[2] = units.min(255) as u8;
    balanced(&image, PCIR + 0x10, &units.to_le_bytes())
}

/// The x86 image of the good ROM with a PCI Data Structure of revision 0 moved
/// to `at`.
fn pcir_at(at: usize) -> Vec<u8> {
    let mut image = x86(2);
    let mut pcir = image[PCIR..PCIR + 0x18].to_vec();
    put(&mut pcir, 8, &[0, 0, 0x18, 0, 0]);
    pcir.truncate(image.len() - at);
    put(&mut image, at, &pcir);
    beside_efi(&balanced(&image, 0x18, &(at as u16).to_le_bytes()))
}

/// An x86 image with a structure moved to its end, from where it is `over`
/// bytes too long.
fn at_the_end(from: usize, length: usize, pointer: usize, over: usize) -> Vec<u8> {
    let mut image = x86(2);
    let to = image.len() - length + over;
    let structure = image[from..from + length - over].to_vec();
    put(&mut image, to, &structure);
    beside_efi(&balanced(&image, pointer, &(to as u16).to_le_bytes()))
}

/// An image with as many Plug and Play headers.
fn pnp_headers(count: u16) -> Vec<u8> {
    let mut image = x86(4);
    for number in 0..count {
        let at = 0x100 + 0x20 * usize::from(number);
        let next = if number + 1 < count { at + 0x20 } else { 0 };
        let mut header = image[PNP..PNP + 0x20].to_vec();
        put(&mut header, 6, &(next as u16).to_le_bytes());
        header[9] = 0;
        balance(&mut header, 9);
        put(&mut image, at, &header);
    }
    beside_efi(&balanced(&image, 0x1a, &[0, 1]))
}

/// An EFI image whose executable starts `before` bytes before its end.
fn executable_at_the_end(before: u16) -> Vec<u8> {
    let image = efi(&driver(), 0);
    let at = image.len() as u16 - before;
    rom(&[x86(2), with(&image, 0x16, &at.to_le_bytes())])
}

/// The input just over the boundary of each rule that has one, and the input
/// just within it.
fn boundaries() -> Vec<(Code, Vec<u8>, Vec<u8>)> {
    let list = |at: usize| x86_with(PCIR + 8, &((at - PCIR) as u16).to_le_bytes());
    let pcir_length = |length: u16| x86_with(PCIR + 0x0a, &length.to_le_bytes());
    let from_pcir = 0x400 - PCIR as u16;
    let devices = [1; 0x400 - DEVICES];
    let last_is_0 = with(&devices, devices.len() - 2, &[0, 0]);
    let images = |count| rom(&vec![x86(1); count]);
    let end = good().len();
    vec![
        (
            Code::HeaderOutOfBounds,
            good()[..0x19].to_vec(),
            good()[..0x1a].to_vec(),
        ),
        (
            Code::PcirOutOfBounds,
            good()[..PCIR + 0x1b].to_vec(),
            good()[..PCIR + 0x1c].to_vec(),
        ),
        (Code::PcirLength, pcir_length(0x1b), pcir_length(0x1c)),
        (
            Code::PcirBeyondImage,
            pcir_length(from_pcir + 1),
            pcir_length(from_pcir),
        ),
        (
            Code::PcirOutsideImage,
            pcir_at(0x400 - 0x16),
            pcir_at(0x400 - 0x18),
        ),
        (
            Code::PcirInHeader,
            open_firmware_with_pcir(0x10),
            open_firmware_with_pcir(0x1a),
        ),
        (
            Code::PcirUnaligned,
            open_firmware_with_pcir(0x1e),
            open_firmware_with_pcir(0x20),
        ),
        (
            Code::ImageLengthBeyondFile,
            good()[..end - 1].to_vec(),
            good(),
        ),
        (Code::TooManyImages, images(65), images(64)),
        (
            Code::SizeNotInUnits,
            padded(&[0xff; 511]),
            padded(&[0xff; 512]),
        ),
        (
            Code::RuntimeLength,
            x86_with(PCIR + 0x16, &[3]),
            x86_with(PCIR + 0x16, &[2]),
        ),
        (Code::DeviceListOutOfBounds, list(0x3ff), list(0x3fe)),
        (
            Code::DeviceListUnterminated,
            x86_with(DEVICES, &devices),
            x86_with(DEVICES, &last_is_0),
        ),
        (
            Code::ConfigurationUtilityOutOfBounds,
            x86_with(PCIR + 0x18, &[0x00, 0x04]),
            x86_with(PCIR + 0x18, &[0xff, 0x03]),
        ),
        (
            Code::ClpEntryOutOfBounds,
            x86_with(PCIR + 0x1a, &[0x00, 0x04]),
            x86_with(PCIR + 0x1a, &[0xff, 0x03]),
        ),
        (
            Code::PnpOutOfBounds,
            at_the_end(PNP, 0x20, 0x1a, 1),
            at_the_end(PNP, 0x20, 0x1a, 0),
        ),
        (Code::PnpEndless, pnp_headers(17), pnp_headers(16)),
        (
            Code::UndiOutOfBounds,
            at_the_end(UNDI, 0x16, 0x16, 1),
            at_the_end(UNDI, 0x16, 0x16, 0),
        ),
        (
            Code::IpxeOutOfBounds,
            at_the_end(IPXE, 0x0c, 0x10, 1),
            at_the_end(IPXE, 0x0c, 0x10, 0),
        ),
        (
            Code::PnpSignature,
            x86_with(0x1a, &[1, 0]),
            x86_with(0x1a, &[0, 0]),
        ),
        (
            Code::UndiSignature,
            x86_with(0x16, &[0xfd, 0x03]),
            x86_with(0x16, &[0, 0]),
        ),
        // What has no PCI Data Structure may have code there.
        (
            Code::PnpSignature,
            x86_with(0x1a, &[1, 0]),
            with_balance(&isa(2), 0x1a, &[1, 0]),
        ),
        (
            Code::IdsOfNoDevice,
            x86_with(PCIR + 4, &[0, 0]),
            x86_with(PCIR + 4, &[1, 0]),
        ),
        (
            Code::FcodeOutOfBounds,
            rom(&[with(&open_firmware(), 2, &[0xf9, 0x01])]),
            rom(&[with(&open_firmware(), 2, &[0xf8, 0x01])]),
        ),
        (
            Code::EfiExecutableOutOfBounds,
            executable_at_the_end(0),
            executable_at_the_end(1),
        ),
        (
            Code::X86ImageTooLarge,
            beside_efi(&long_x86(256)),
            beside_efi(&long_x86(255)),
        ),
        (
            Code::ImageChecksum,
            with(&good(), GOOD_EFI - 1, &[1]),
            with(&good(), GOOD_EFI + 0x200, &[1]),
        ),
    ]
}

/// An ISA ROM with bytes put at an offset, which sums to 0 by its last byte.
fn with_balance(isa: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut isa = with(isa, at, bytes);
    let last = isa.len() - 1;
    balance(&mut isa, last);
    isa
}

#[test]
fn a_rule_fires_just_over_its_boundary_and_not_just_within() {
    for (code, over, within) in boundaries() {
        let context = LintContext::default();
        let found = codes(&over, &context);
        assert!(found.contains(&code), "{code} does not fire: {found:?}");
        let found = codes(&within, &context);
        assert!(!found.contains(&code), "{code} fires");
    }
}

#[test]
fn exactly_the_room_that_was_asked_for_is_enough() {
    let with_room = |minimum_room| {
        let context = LintContext {
            minimum_room,
            ..LintContext::default()
        };
        codes(&good(), &context)
    };
    let room = (good().len().next_power_of_two() - good().len()) as u64;
    assert!(room > 0);
    assert_eq!(with_room(room), []);
    assert_eq!(with_room(room + 1), [Code::LittleRoom; 1]);
}

#[test]
fn an_id_in_the_device_list_is_one_that_was_expected() {
    let of = |device| {
        let expected_ids = &[PciIds::new(0x1af4, device)];
        let context = LintContext {
            expected_ids,
            ..LintContext::default()
        };
        codes(&rom(&[x86(2)]), &context)
    };
    assert_eq!(of(0x1000), [Code::NoEfiImage]);
    assert_eq!(of(0x1001), [Code::UnexpectedIds, Code::NoEfiImage]);
}

#[test]
fn of_the_revisions_of_a_pci_data_structure_0_and_3_are_known() {
    for revision in 0..=4 {
        let image = x86_with(PCIR + 0x0c, &[revision]);
        let is_unknown = codes(&image, &LintContext::default()).contains(&Code::PcirRevision);
        assert_eq!(is_unknown, !matches!(revision, 0 | 3), "{revision}");
    }
}

#[test]
fn the_initialization_size_of_an_efi_image_that_was_cut_is_not_judged() {
    let image = with(&efi(&driver(), 0), 2, &[1, 0]);
    let whole = rom(&[x86(2), image]);
    let of = |bytes: &[u8]| codes(bytes, &LintContext::default());
    assert!(of(&whole).contains(&Code::EfiInitLength));
    let cut = of(&whole[..whole.len() - 512]);
    assert!(cut.contains(&Code::ImageLengthBeyondFile));
    assert!(!cut.contains(&Code::EfiInitLength));
}
