//! The executable of an EFI image, and the PE that it is.

use crate::images::{EXECUTABLE, driver, efi, put, rom, stored, with};
use proptest::prelude::*;
use romcompat::rom::{
    EfiMachine, EfiSubsystem, ExecutableError, Image, PeError, PeExecutable, PeSection, Rom,
};

fn first_image<T>(bytes: &[u8], look: impl FnOnce(&Image<'_>) -> T) -> T {
    look(&Rom::parse(bytes).unwrap().images()[0])
}

#[test]
fn compressed_or_not_the_executable_is_the_same() {
    let driver = driver();
    for image in [efi(&driver, 0), efi(&stored(&driver), 1)] {
        first_image(&rom(&[image]), |image| {
            let executable = image.efi_executable().unwrap().unwrap();
            assert_eq!(executable.bytes()[..driver.len()], driver);
            assert_eq!(executable.into_file(), driver);
        });
    }
}

#[test]
fn a_pe_shows_machine_entry_sections_debug_path_and_signature() {
    let pe = PeExecutable::parse(&driver()).unwrap();
    let section = PeSection {
        name: ".text".into(),
        offset: 0x200,
        size: 0x200,
        virtual_size: 0x180,
    };
    assert_eq!(
        pe,
        PeExecutable {
            machine: EfiMachine(0x8664),
            subsystem: EfiSubsystem(0x0b),
            entry_point: 0x1010,
            sections: vec![section],
            debug_path: Some("card.efi".into()),
            is_signed: true,
            size: 0x418,
        }
    );
}

#[test]
fn a_pe_without_certificates_is_not_signed() {
    let signed = |pe: &[u8]| PeExecutable::parse(pe).unwrap().is_signed;
    assert!(!signed(&with(&driver(), 0x58 + 0x70 + 32, &[0; 8])));
    assert!(!signed(&with(&driver(), 0x406, &[1])));
    assert!(!signed(&with(&driver(), 0x58 + 0x70 + 32, &[0xff; 8])));
    assert!(!signed(&driver()[..0x410]));
}

#[test]
fn a_debug_directory_that_leads_nowhere_is_none() {
    let pe = with(&driver(), 0x58 + 0x70 + 48, &[0xff; 8]);
    assert_eq!(PeExecutable::parse(&pe).unwrap().debug_path, None);
}

#[test]
fn what_is_no_pe_says_what_is_wrong() {
    let words = |pe: &[u8]| PeExecutable::parse(pe).unwrap_err().to_string();
    let driver = driver();
    assert_eq!(
        words(&driver[..0x3f]),
        "DOS header needs 64 bytes at offset 0x0, and 63 are there"
    );
    assert_eq!(
        words(&with(&driver, 0, b"ZM")),
        "\"ZM\" stands where a PE executable starts with \"MZ\""
    );
    assert_eq!(
        words(&with(&driver, 0x3c, &[0xff; 4])),
        "PE header needs 24 bytes at offset 0xffffffff, and 0 are there"
    );
    assert_eq!(
        words(&with(&driver, 0x40, b"NE")),
        "0x0000454e stands at offset 0x40, where the PE signature 0x00004550 should be"
    );
    assert_eq!(
        words(&with(&driver, 0x46, &[0xff, 0xff])),
        "the PE says that it has 65535 sections, and loaders take 96"
    );
    let object = with(&driver, 0x54, &[0, 0]);
    assert_eq!(PeExecutable::parse(&object), Err(PeError::NoOptionalHeader));
    assert!(matches!(
        PeExecutable::parse(&driver[..0x150]),
        Err(PeError::Unreadable(_))
    ));
}

#[test]
fn long_section_names_are_not_copied() {
    let mut pe = driver();
    put(&mut pe, 0x40 + 12, &0x200_u32.to_le_bytes());
    put(&mut pe, 0x148, b"/4\0\0\0");
    let pe = PeExecutable::parse(&pe).unwrap();
    assert_eq!(pe.sections[0].name, "/4");
}

#[test]
fn an_executable_that_cannot_be_had_says_why() {
    let error = |at: usize, bytes: &[u8]| {
        let bytes = rom(&[with(&efi(&driver(), 0), at, bytes)]);
        first_image(&bytes, |image| image.efi_executable().unwrap().unwrap_err())
    };
    assert_eq!(error(0x0c, &[7]), ExecutableError::UnknownCompression(7));
    assert!(matches!(
        error(0x16, &[0xff, 0xff]),
        ExecutableError::OutOfBounds(bounds) if bounds.at == 0xffff
    ));
    assert!(matches!(error(0x0c, &[1]), ExecutableError::Compression(_)));
    let other = rom(&[with(&efi(&driver(), 0), 4, &[0])]);
    first_image(&other, |image| assert_eq!(image.efi_executable(), None));
}

#[test]
fn the_executable_may_be_the_last_byte_of_its_image() {
    let image = with(&efi(&[0; 512 - EXECUTABLE], 0), 0x16, &[0xff, 0x01]);
    first_image(&rom(&[image]), |image| {
        assert_eq!(image.efi_executable().unwrap().unwrap().bytes(), [0]);
    });
}

proptest! {
    #[test]
    fn a_damaged_pe_is_read_without_a_panic(
        at in 0_usize..0x418,
        bytes in proptest::collection::vec(any::<u8>(), 1..9),
    ) {
        let mut pe = driver();
        let end = (at + bytes.len()).min(pe.len());
        put(&mut pe, at, &bytes[..end - at]);
        let _ = PeExecutable::parse(&pe);
    }
}
