//! What each edit changes, and what it refuses.

use crate::images::{
    DEVICES, EXECUTABLE, GOOD_EFI, IPXE, PCIR, PNP, UNDI, balance, balanced, driver, efi, good,
    isa, put, rom, stored, with, x86,
};
use crate::rules::dump;
use romcompat::rom::edit::{
    FixError, ImageSelection, JoinError, JoinOptions, PadError, PadImageError, PadSize, Retarget,
    RetargetError, SplitError, fix, join, pad_image, retarget, split, split_executables,
};
use romcompat::rom::{BarSize, Image, PciIds, Rom, RomFault};

const OTHER: PciIds = PciIds {
    vendor: 0x1af4,
    device: 0x1000,
};

const PLAIN: JoinOptions = JoinOptions {
    ids: None,
    class: None,
    size: None,
    fill: 0xff,
};

fn size(text: &str) -> BarSize {
    text.parse().unwrap()
}

fn joined(inputs: &[&[u8]]) -> Result<Vec<u8>, JoinError> {
    join(inputs, &PLAIN)
}

fn faults(bytes: &[u8]) -> Vec<RomFault> {
    Rom::parse(bytes).unwrap().faults().to_vec()
}

/// An x86 image, last of its ROM, with code where byte 6 is, and no padding
/// at its end.
fn without_checksum_byte() -> Vec<u8> {
    let mut image = x86(1);
    put(&mut image, 3, &[6, 0x0e, 7, 0x31, 0xc0]);
    put(&mut image, 0x1fe, &[0x12, 0x34]);
    image[PCIR + 0x15] = 0x80;
    balance(&mut image, 0x1f0);
    image
}

mod fixing {
    use super::*;

    #[test]
    fn a_rom_whose_sums_are_right_stays_as_it_is() {
        for input in [good(), isa(2), without_checksum_byte()] {
            assert_eq!(fix(&input).unwrap(), input);
        }
    }

    #[test]
    fn each_checksum_that_was_damaged_comes_back() {
        for at in [6, PNP + 9, UNDI + 5, IPXE + 5] {
            let damaged = with(&good(), at, &[good()[at] ^ 0x55]);
            assert!(!faults(&damaged).is_empty());
            assert_eq!(fix(&damaged).unwrap(), good(), "{at:#x}");
        }
        let damaged = with(&isa(2), 1023, &[0xaa]);
        assert_eq!(fix(&damaged).unwrap(), isa(2));
    }

    #[test]
    fn an_edit_of_the_code_is_balanced() {
        let fixed = fix(&with(&good(), 0x3f0, b"edited")).unwrap();
        assert_eq!(faults(&fixed), []);
        assert_eq!(&fixed[0x3f0..0x3f6], b"edited");
    }

    #[test]
    fn every_x86_image_is_fixed_and_efi_images_are_left_alone() {
        let mut images = rom(&[x86(1), efi(&driver(), 0), x86(2)]);
        let whole = images.clone();
        let third = 512 + efi(&driver(), 0).len();
        images[6] ^= 1;
        images[third + 6] ^= 1;
        assert_eq!(fix(&images).unwrap(), whole);
    }

    #[test]
    fn padding_and_data_after_the_last_image_stay() {
        let damaged = [with(&good(), 6, &[1]), b"and more".to_vec()].concat();
        let fixed = fix(&damaged).unwrap();
        assert_eq!(fixed, [good(), b"and more".to_vec()].concat());
    }

    #[test]
    fn what_is_no_rom_or_a_broken_one_is_refused() {
        assert!(matches!(fix(b"\x7fELF"), Err(FixError::Broken(_))));
        let error = fix(&with(&good(), 0x18, &[0, 0])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "its images cannot be told apart, so it is not edited: RC105 in image 1 at 0x0: \"U\\xaa\\x02\\xe9\" stands where the PCI Data Structure should start; the signature is \"PCIR\""
        );
        let pointed_to = with(&isa(2), 0x18, &[PCIR as u8]);
        assert!(fix(&pointed_to).is_err(), "another signature than PCIR");
        assert!(fix(&good()[..0x600]).is_err(), "cut inside image 2");
        assert!(fix(&with(&isa(2), 2, &[4])).is_err(), "cut ISA ROM");
    }

    #[test]
    fn code_is_never_changed_for_a_checksum() {
        let mut damaged = without_checksum_byte();
        damaged[0x1f0] ^= 1;
        let error = fix(&damaged).unwrap_err();
        assert!(matches!(error, FixError::NoChecksumByte(error) if error.number == 1));
    }

    #[test]
    fn two_lengths_that_differ_are_refused() {
        let damaged = with(&good(), 2, &[1]);
        assert!(matches!(
            fix(&damaged),
            Err(FixError::LengthsDiffer { number: 1, .. })
        ));
        let balanced = balanced(&good()[..0x400], 2, &[1]);
        let whole = [&balanced, &good()[0x400..]].concat();
        assert_eq!(fix(&whole).unwrap(), whole, "its sum is right");
    }
}

mod retargeting {
    use super::*;

    fn wish(images: ImageSelection) -> Retarget<'static> {
        Retarget {
            images,
            ids: OTHER,
            device_list: None,
        }
    }

    fn ids(bytes: &[u8]) -> Vec<u16> {
        let rom = Rom::parse(bytes).unwrap();
        let ids = rom.images().iter().map(|image| image.ids().unwrap().device);
        ids.collect()
    }

    #[test]
    fn one_image_or_all_get_the_ids_and_nothing_else_changes() {
        let first = retarget(&good(), &wish(ImageSelection::Number(1))).unwrap();
        assert_eq!(ids(&first), [0x1000, 0x1041]);
        let all = retarget(&good(), &wish(ImageSelection::All)).unwrap();
        assert_eq!(ids(&all), [0x1000, 0x1000]);
        let changed: Vec<_> = (0..all.len())
            .filter(|at| all[*at] != good()[*at])
            .collect();
        assert_eq!(changed, [6, PCIR + 6, GOOD_EFI + PCIR + 6]);
        // As QEMU does: byte 6 makes up for the id's bytes, 41 10 and 00 10.
        assert_eq!(all[6], good()[6].wrapping_add(0x41));
    }

    #[test]
    fn a_wrong_sum_stays_as_wrong_as_it_was() {
        let damaged = with(&good(), 0x3f0, &[1]);
        let result = retarget(&damaged, &wish(ImageSelection::All)).unwrap();
        assert_eq!(faults(&result), faults(&damaged));
    }

    #[test]
    fn a_device_list_is_written_where_the_old_one_stands() {
        let with_list = |list| Retarget {
            device_list: Some(list),
            ..wish(ImageSelection::All)
        };
        let result = retarget(&good(), &with_list(&[0x1050])).unwrap();
        assert_eq!(result[DEVICES..DEVICES + 6], [0x50, 0x10, 0, 0, 0, 0]);
        assert_eq!(faults(&result), []);
        assert_eq!(
            retarget(&good(), &with_list(&[1, 2, 3])),
            Err(RetargetError::DeviceListTooLong {
                number: 1,
                wanted: 3,
                room: 2
            })
        );
        assert_eq!(
            retarget(&good(), &with_list(&[0])),
            Err(RetargetError::DeviceZero)
        );
        assert_eq!(
            retarget(&rom(&[efi(&driver(), 0)]), &with_list(&[1])),
            Err(RetargetError::NoDeviceList)
        );
        let endless = balanced(&x86(1), DEVICES, &[1; 512 - DEVICES]);
        assert_eq!(
            retarget(&rom(&[endless]), &with_list(&[1])),
            Err(RetargetError::DeviceListUnterminated { number: 1 })
        );
    }

    #[test]
    fn images_without_ids_or_a_checksum_byte_are_refused() {
        let error = retarget(&good(), &wish(ImageSelection::Number(3))).unwrap_err();
        assert_eq!(error.to_string(), "there is no image 3; the ROM has 2");
        assert_eq!(
            retarget(&isa(2), &wish(ImageSelection::All)),
            Err(RetargetError::NoPcir { number: 1 })
        );
        assert!(matches!(
            retarget(&without_checksum_byte(), &wish(ImageSelection::All)),
            Err(RetargetError::NoChecksumByte(_))
        ));
    }
}

mod splitting {
    use super::*;

    #[test]
    fn each_image_becomes_a_rom_of_its_own() {
        let parts = split(&good()).unwrap();
        let kinds: Vec<_> = parts
            .iter()
            .map(|part| {
                let rom = Rom::parse(part).unwrap();
                assert_eq!(rom.faults(), []);
                assert_eq!(rom.images_end(), part.len());
                rom.images().iter().map(Image::kind).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(kinds, [["x86"], ["EFI X64"]]);
    }

    #[test]
    fn executables_come_out_as_they_went_in() {
        let input = rom(&[x86(1), efi(&stored(&driver()), 1), efi(&driver(), 0)]);
        let executables = split_executables(&input).unwrap();
        assert_eq!(executables, [(2, driver()), (3, driver())]);
    }

    #[test]
    fn an_executable_that_cannot_be_had_is_refused() {
        let input = with(&good(), GOOD_EFI + 0x0c, &[9]);
        let error = split_executables(&input).unwrap_err();
        assert!(matches!(error, SplitError::Executable { number: 2, .. }));
        assert_eq!(split(&input).unwrap().len(), 2);
    }
}

mod joining {
    use super::*;

    #[test]
    fn the_parts_of_a_rom_make_the_rom_again() {
        let parts = split(&good()).unwrap();
        assert_eq!(joined(&[&parts[0], &parts[1]]).unwrap(), good());
    }

    #[test]
    fn padding_of_the_inputs_is_left_out_and_the_result_padded() {
        let parts = split(&good()).unwrap();
        let padded = [&parts[0], &[0xff; 1024][..]].concat();
        let options = JoinOptions {
            size: Some(size("4K")),
            ..PLAIN
        };
        let result = join(&[&padded, &parts[1]], &options).unwrap();
        assert!(result.starts_with(&good()));
        assert!(result[good().len()..].iter().all(|byte| *byte == 0xff));
        assert_eq!(result.len(), 4096);
        let too_small = JoinOptions {
            size: Some(size("1K")),
            ..PLAIN
        };
        assert!(matches!(
            join(&[&padded, &parts[1]], &too_small),
            Err(JoinError::Pad(_))
        ));
    }

    #[test]
    fn an_executable_becomes_an_efi_image_for_the_same_device() {
        let result = joined(&[&rom(&[x86(2)]), &driver()]).unwrap();
        let rom = Rom::parse(&result).unwrap();
        assert_eq!(rom.faults(), []);
        let image = rom.images()[1];
        assert_eq!(image.kind(), "EFI X64");
        assert_eq!(image.ids(), rom.images()[0].ids());
        assert_eq!(image.pcir().unwrap().class_code(), [2, 0, 0]);
        assert_eq!(split_executables(&result).unwrap(), [(2, driver())]);
    }

    #[test]
    fn an_executable_alone_needs_ids() {
        let error = joined(&[&driver()]).unwrap_err();
        assert_eq!(error, JoinError::IdsNeeded { input: 1 });
        let options = JoinOptions {
            ids: Some(OTHER),
            ..PLAIN
        };
        let result = join(&[&driver()], &options).unwrap();
        let pcir = Rom::parse(&result).unwrap().images()[0].pcir().unwrap();
        assert_eq!((pcir.ids(), pcir.class_code()), (OTHER, [0; 3]));
    }

    #[test]
    fn an_executable_gets_the_class_that_is_given() {
        let options = JoinOptions {
            class: Some([1, 8, 2]),
            ..PLAIN
        };
        let result = join(&[&good(), &driver()], &options).unwrap();
        let classes: Vec<_> = Rom::parse(&result)
            .unwrap()
            .images()
            .iter()
            .map(|image| image.pcir().unwrap().class_code())
            .collect();
        assert_eq!(classes, [[2, 0, 0], [2, 0, 0], [1, 8, 2]]);
    }

    #[test]
    fn more_than_a_bar_holds_is_refused() {
        let half = [driver(), vec![0; 9 << 20]].concat();
        let error = joined(&[&good(), &half, &half]).unwrap_err();
        assert!(
            matches!(error, JoinError::Pad(PadError::TooLarge(_))),
            "{error}"
        );
    }

    #[test]
    fn an_executable_that_firmware_does_not_start_is_refused() {
        let application = with(&driver(), 0x58 + 0x44, &[0x0a]);
        let error = joined(&[&good(), &application]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the subsystem of input 2 is EFI application; firmware starts only drivers from a ROM"
        );
        assert!(matches!(
            joined(&[b"MZ and text"]),
            Err(JoinError::Executable { input: 1, .. })
        ));
        let large = [driver(), vec![0; 34 << 20]].concat();
        assert!(matches!(
            joined(&[&good(), &large]),
            Err(JoinError::ExecutableTooLarge { input: 2, .. })
        ));
    }

    #[test]
    fn data_after_the_last_image_is_not_lost() {
        let input = [good(), b"more".to_vec()].concat();
        assert!(matches!(
            joined(&[&good(), &input]),
            Err(JoinError::DataAfterLastImage {
                input: 2,
                length: 4,
                ..
            })
        ));
    }

    #[test]
    fn an_isa_rom_stands_alone() {
        assert_eq!(joined(&[&isa(2)]).unwrap(), isa(2));
        assert_eq!(
            joined(&[&good(), &isa(2)]),
            Err(JoinError::IsaRom { input: 2 })
        );
    }

    #[test]
    fn nothing_broken_roms_and_too_many_images_are_refused() {
        assert_eq!(joined(&[]), Err(JoinError::Nothing));
        assert!(matches!(
            joined(&[&good(), &good()[..0x600]]),
            Err(JoinError::Broken { input: 2, .. })
        ));
        let forty = rom(&vec![x86(1); 40]);
        assert_eq!(joined(&[&forty, &forty]), Err(JoinError::TooManyImages(80)));
        let error = joined(&[&without_checksum_byte(), &good()]).unwrap_err();
        assert!(matches!(error, JoinError::NoChecksumByte { input: 1, .. }));
    }
}

mod growing {
    use super::*;

    fn grown(input: &[u8], text: &str) -> Result<Vec<u8>, PadImageError> {
        pad_image(input, PadSize::Exactly(size(text)), 0xff)
    }

    #[test]
    fn the_last_efi_image_grows_to_the_end_of_the_rom() {
        let result = grown(&good(), "64K").unwrap();
        let rom = Rom::parse(&result).unwrap();
        assert_eq!((rom.faults(), rom.images_end()), (&[][..], 65536));
        let units = (65536 - GOOD_EFI) / 512;
        let header = rom.images()[1].efi().unwrap();
        assert_eq!(usize::from(header.initialization_size()), units);
        assert_eq!(split_executables(&result).unwrap(), [(2, driver())]);
        assert_eq!(result[..GOOD_EFI], good()[..GOOD_EFI]);
    }

    #[test]
    fn an_x86_image_grows_with_its_checksum() {
        let result = grown(&rom(&[x86(2)]), "64K").unwrap();
        let rom = Rom::parse(&result).unwrap();
        assert_eq!((rom.faults(), rom.images_end()), (&[][..], 65536));
        let result = grown(&isa(2), "4K").unwrap();
        let rom = Rom::parse(&result).unwrap();
        assert_eq!(rom.images()[0].kind(), "ISA");
        assert_eq!((rom.images_end(), result[2]), (4096, 8));
        assert_eq!(result[1023], isa(2)[1023]);
    }

    #[test]
    fn a_length_that_headers_cannot_tell_is_refused() {
        let error = grown(&rom(&[x86(2)]), "128K").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the x86 image 1 would have 131072 bytes, and its headers can tell 130560"
        );
        assert!(matches!(
            grown(&good(), "32M"),
            Err(PadImageError::Pad(PadError::TooLarge(33_554_432)))
        ));
    }

    #[test]
    fn old_padding_becomes_part_of_the_image_and_data_does_not() {
        let padded = [good(), vec![0; 512]].concat();
        let result = grown(&padded, "8K").unwrap();
        assert_eq!(
            result[..padded.len()][GOOD_EFI + 512..],
            padded[GOOD_EFI + 512..]
        );
        let data = [good(), vec![1; 512]].concat();
        assert!(matches!(
            grown(&data, "8K"),
            Err(PadImageError::DataAfterLastImage { .. })
        ));
    }

    #[test]
    fn a_rom_of_the_right_size_stays_as_it_is() {
        let exact = grown(&good(), "8K").unwrap();
        assert_eq!(pad_image(&exact, PadSize::Next, 0xff).unwrap(), exact);
        assert!(matches!(grown(&good(), "1K"), Err(PadImageError::Pad(_))));
        assert!(exact.len() > EXECUTABLE);
    }
}

#[test]
fn copies_of_the_rom_are_left_out_of_a_join_and_in_the_way_of_growing() {
    let bytes = dump(&good(), 2);
    assert_eq!(joined(&[&bytes]).unwrap(), good());
    let offset = good().len();
    assert_eq!(
        pad_image(&bytes, PadSize::Exactly(size("64K")), 0xff),
        Err(PadImageError::DataAfterLastImage { offset })
    );
}
