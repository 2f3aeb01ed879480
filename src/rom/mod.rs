//! The option-ROM format: headers, images, sizes, and edits of one ROM.
//!
//! [`Rom::parse`] gives a value and its faults; it stops only where nothing
//! tells where the next image starts. Views borrow and cannot fail.

mod chain;
mod check;
mod compression;
mod device_list;
pub mod edit;
mod efi;
mod executable;
mod fault;
mod fcode;
mod header;
mod image;
mod ipxe;
mod lint;
mod pcir;
mod pe;
mod pnp;
mod size;
mod summed;
mod undi;

pub use chain::{MAX_IMAGES, NotAnOptionRom, Rom, Tail};
pub use compression::{CompressionError, MAX_EXECUTABLE, decompress};
pub use device_list::DeviceList;
pub use efi::{EFI_SIGNATURE, EfiHeader, EfiMachine, EfiSubsystem};
pub use executable::{EfiExecutable, ExecutableError};
pub use fault::{ChainFault, EfiFault, FaultKind, ImageFault, PcirFault, RomFault};
pub use fcode::FcodeHeader;
pub use header::{ExpansionRomHeader, SIGNATURE};
pub use image::Image;
pub use ipxe::{IPXE_SIGNATURE, IpxeHeader};
pub use lint::{LintContext, lint};
pub use pcir::{CodeType, PCIR_SIGNATURE, PciDataStructure, PciIds};
pub use pe::{PeError, PeExecutable, PeSection};
pub use pnp::{MAX_PNP_HEADERS, PNP_SIGNATURE, PnpFault, PnpHeader, PnpHeaders, Text, text_at};
pub use size::{BarSize, BarSizeError, ImageLength, MAX_ROM, parse_bytes};
pub use summed::Structure;
pub use undi::{UNDI_SIGNATURE, UndiRomId};

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An image with a revision 3 PCI Data Structure at 0x1c, not the last,
    /// whose bytes sum to 0 through byte 6.
    pub(crate) fn image(units: u8, code_type: CodeType) -> Vec<u8> {
        let mut image = vec![0; usize::from(units) * ImageLength::UNIT];
        image[..3].copy_from_slice(&[0x55, 0xaa, units]);
        image[0x18] = 0x1c;
        image[0x1c..0x38].copy_from_slice(
            b"PCIR\xf4\x1a\x41\x10\0\0\x1c\0\x03\0\0\x02\0\0\x01\0\0\0\0\0\0\0\0\0",
        );
        image[0x1c + 0x10] = units;
        image[0x1c + 0x14] = code_type.to_byte();
        if code_type == CodeType::Efi {
            image[4..12].copy_from_slice(&[0xf1, 0x0e, 0, 0, 0x0b, 0, 0x64, 0x86]);
        }
        balance(&mut image);
        image
    }

    /// Marks an image as the last one of its ROM.
    pub(crate) fn last(mut image: Vec<u8>) -> Vec<u8> {
        image[0x1c + 0x15] = 0x80;
        balance(&mut image);
        image
    }

    /// A whole ROM of one x86 image.
    pub(crate) fn legacy_image(units: u8) -> Vec<u8> {
        last(image(units, CodeType::X86))
    }

    fn balance(image: &mut [u8]) {
        if image[0x1c + 0x14] == 0 {
            image[6] = image[6].wrapping_sub(crate::bytes::sum8(image));
        }
    }

    fn codes(bytes: &[u8]) -> Vec<crate::finding::Code> {
        let rom = Rom::parse(bytes).unwrap();
        rom.faults().iter().map(RomFault::code).collect()
    }

    #[test]
    fn a_good_rom_has_its_images_and_no_fault() {
        let mut bytes = image(2, CodeType::X86);
        bytes.extend(last(image(3, CodeType::Efi)));
        bytes.resize(4096, 0xff);
        let rom = Rom::parse(&bytes).unwrap();
        assert_eq!(rom.faults(), []);
        let kinds: Vec<_> = rom.images().iter().map(Image::kind).collect();
        assert_eq!(kinds, ["x86", "EFI X64"]);
        assert_eq!(rom.images()[1].offset(), 1024);
        assert_eq!(rom.images()[0].checksum(), Some(0));
        assert_eq!(rom.images()[1].checksum(), None);
        assert_eq!((rom.images_end(), rom.tail()), (2560, Tail::Ones));
    }

    #[test]
    fn a_rom_without_pcir_that_sums_to_0_is_an_isa_rom() {
        let mut bytes = vec![0; 1024];
        bytes[..3].copy_from_slice(&[0x55, 0xaa, 2]);
        bytes[1023] = 0u8.wrapping_sub(0x55).wrapping_sub(0xaa).wrapping_sub(2);
        let rom = Rom::parse(&bytes).unwrap();
        assert_eq!(rom.images()[0].kind(), "ISA");
        assert_eq!(codes(&bytes), [crate::finding::Code::NoPcir]);
    }

    #[test]
    fn each_fault_is_found_with_its_code() {
        use crate::finding::Code;
        let good = legacy_image(4);
        let damaged = |at: usize, bytes: &[u8]| {
            let mut rom = good.clone();
            rom[at..at + bytes.len()].copy_from_slice(bytes);
            codes(&rom)
        };
        assert_eq!(codes(&good), []);
        assert_eq!(
            codes(&good[..0x10]),
            [Code::HeaderOutOfBounds, Code::SizeNotInUnits]
        );
        assert_eq!(
            codes(&good[..0x30]),
            [Code::PcirOutOfBounds, Code::SizeNotInUnits]
        );
        assert_eq!(codes(&good[..1024]), [Code::ImageLengthBeyondFile]);
        assert_eq!(damaged(0x18, &[0, 0]), [Code::PcirSignature]);
        assert_eq!(damaged(0x18, &[0xff, 7]), [Code::PcirOutOfBounds]);
        assert_eq!(damaged(0x18, &[0xff, 0xff]), [Code::PcirOutOfBounds]);
        assert_eq!(damaged(0x1c, b"PCIX"), [Code::PcirSignature]);
        assert_eq!(
            damaged(0x26, &[0x18, 0]),
            [Code::PcirLength, Code::ImageChecksum]
        );
        assert_eq!(
            damaged(0x2c, &[0, 0]),
            [Code::ImageLengthZero, Code::InitLength]
        );
        assert_eq!(
            damaged(0x31, &[0, 0, 0, 0, 0, 0, 0, 0x80]),
            [Code::LastImageMissing]
        );
        assert_eq!(damaged(0x100, &[1]), [Code::ImageChecksum]);
        assert_eq!(
            damaged(2, &[3, 0, 0, 0, 1]),
            [Code::InitLength, Code::ImageChecksum]
        );
    }

    #[test]
    fn data_after_the_last_image_is_told_from_padding() {
        use crate::finding::Code;
        let mut bytes = legacy_image(2);
        bytes.resize(2048, 0);
        assert_eq!(codes(&bytes), []);
        bytes[2047] = 1;
        assert_eq!(codes(&bytes), [Code::DataAfterLastImage]);
    }

    #[test]
    fn a_hundred_thousand_images_stop_at_the_limit() {
        let bytes = image(1, CodeType::X86).repeat(100_000);
        assert_eq!(codes(&bytes), [crate::finding::Code::TooManyImages]);
    }

    #[test]
    fn what_is_no_rom_says_what_it_seems_to_be() {
        let error = |bytes: &[u8]| Rom::parse(bytes).unwrap_err().to_string();
        assert_eq!(
            error(b""),
            "the file is empty; an option ROM starts with 55 aa"
        );
        assert_eq!(
            error(b"\x7fELF\x02"),
            "an ELF file starts with 7f 45; an option ROM starts with 55 aa"
        );
        assert_eq!(
            error(b"hello\n"),
            "a text file starts with 68 65; an option ROM starts with 55 aa"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let _ = Rom::parse(&bytes);
            bytes.splice(0..0, [0x55, 0xaa]);
            let rom = Rom::parse(&bytes).unwrap();
            prop_assert!(rom.images_end() <= bytes.len());
            for fault in rom.faults() {
                prop_assert!(!fault.finding("x").to_string().is_empty());
            }
        }

        #[test]
        fn a_damaged_byte_is_read_without_a_panic(at in 0_usize..2048, value: u8) {
            let mut bytes = image(2, CodeType::X86);
            bytes.extend(last(image(2, CodeType::Efi)));
            bytes[at] = value;
            if let Ok(rom) = Rom::parse(&bytes) {
                prop_assert!(rom.images().iter().all(|image| image.end() <= bytes.len()));
            }
        }
    }
}
