//! Option ROMs made up for the tests. No byte of them comes from a real ROM.

use romcompat::rom::ImageLength;

/// Offset of the PCI Data Structure in every image here.
pub const PCIR: usize = 0x1c;
/// Offset of the PnP header in an x86 image.
pub const PNP: usize = 0x40;
/// Offset of the UNDI ROM ID structure in an x86 image.
pub const UNDI: usize = 0x80;
/// Offset of iPXE's header in an x86 image.
pub const IPXE: usize = 0x98;
/// Offset of the device list in an x86 image.
pub const DEVICES: usize = 0xb0;
/// Offset of the executable in an EFI image.
pub const EXECUTABLE: usize = 0x38;

/// Puts bytes at an offset.
pub fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A copy with bytes put at an offset.
pub fn with(image: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = image.to_vec();
    put(&mut image, at, bytes);
    image
}

/// Makes `bytes` sum to 0 by its byte `at`.
pub fn balance(bytes: &mut [u8], at: usize) {
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    bytes[at] = bytes[at].wrapping_sub(sum);
}

/// A copy of an x86 image with bytes put at an offset, which sums to 0.
pub fn balanced(image: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = with(image, at, bytes);
    balance(&mut image, 6);
    image
}

/// An x86 image for 1af4:1041 and 1af4:1000 with every structure that there
/// is; not the last of its ROM.
pub fn x86(units: u8) -> Vec<u8> {
    let mut image = vec![0; usize::from(units) * ImageLength::UNIT];
    put(&mut image, 0, &[0x55, 0xaa, units, 0xe9, 0x00, 0x01]);
    put(&mut image, 0x10, &[IPXE as u8, 0]);
    put(
        &mut image,
        0x16,
        &[UNDI as u8, 0, PCIR as u8, 0, PNP as u8, 0],
    );
    put(
        &mut image,
        PCIR,
        b"PCIR\xf4\x1a\x41\x10\x94\0\x1c\0\x03\0\0\x02\0\0\x01\0\0\0\x01\0\0\0\0\0",
    );
    image[PCIR + 0x10] = units;
    put(
        &mut image,
        PNP,
        b"$PnP\x01\x02\0\0\0\0\0\0\0\0\x60\0\x68\0\x02\0\0\xf4\0\0\0\0\xc0\0\0\0\0\0",
    );
    balance(&mut image[PNP..PNP + 0x20], 9);
    put(&mut image, 0x60, b"Acme\0\0\0\0Card\0");
    put(
        &mut image,
        UNDI,
        b"UNDI\x16\0\0\0\x01\x02\xd0\0\0\x10\0\x10\0\x20PCIR",
    );
    balance(&mut image[UNDI..UNDI + 0x16], 5);
    put(&mut image, IPXE, b"iPXE\x0c\0\x01\0\x12\x34\x56\x78");
    balance(&mut image[IPXE..IPXE + 0x0c], 5);
    put(&mut image, DEVICES, &[0x41, 0x10, 0x00, 0x10, 0, 0]);
    balance(&mut image, 6);
    image
}

/// Offset of the FCode program in an Open Firmware image.
pub const FCODE: usize = 0x38;

/// An Open Firmware image for 1af4:1041 of one unit, whose program does
/// nothing; not the last of its ROM.
pub fn open_firmware() -> Vec<u8> {
    let mut image = of_code_type(1);
    put(&mut image, 2, &[FCODE as u8, 0]);
    // start1, end0
    put(&mut image, FCODE, &[0xf1, 8, 0, 0, 0, 0, 0, 9, 0]);
    image
}

/// An image of one unit for PA-RISC; not the last of its ROM.
pub fn pa_risc() -> Vec<u8> {
    of_code_type(2)
}

fn of_code_type(code_type: u8) -> Vec<u8> {
    let mut image = vec![0; ImageLength::UNIT];
    put(&mut image, 0, &[0x55, 0xaa]);
    image[0x18] = PCIR as u8;
    put(
        &mut image,
        PCIR,
        b"PCIR\xf4\x1a\x41\x10\0\0\x18\0\0\0\0\x02\x01\0\x01\0",
    );
    image[PCIR + 0x14] = code_type;
    image
}

/// A ROM of one image without PCI Data Structure that sums to 0 by its last
/// byte.
pub fn isa(units: u8) -> Vec<u8> {
    let mut image = vec![0; usize::from(units) * ImageLength::UNIT];
    put(&mut image, 0, &[0x55, 0xaa, units, 0xcb]);
    let last = image.len() - 1;
    balance(&mut image, last);
    image
}

/// An EFI image for 1af4:1041 with the given executable bytes; not the last
/// of its ROM.
pub fn efi(executable: &[u8], compression: u8) -> Vec<u8> {
    let length = (EXECUTABLE + executable.len()).next_multiple_of(ImageLength::UNIT);
    let mut image = vec![0; length];
    let units = u8::try_from(length / ImageLength::UNIT).unwrap();
    put(
        &mut image,
        0,
        &[0x55, 0xaa, units, 0, 0xf1, 0x0e, 0, 0, 0x0b, 0, 0x64, 0x86],
    );
    image[0x0c] = compression;
    put(&mut image, 0x16, &[EXECUTABLE as u8, 0, PCIR as u8, 0]);
    put(
        &mut image,
        PCIR,
        b"PCIR\xf4\x1a\x41\x10\0\0\x18\0\0\0\0\x02\0\0\x01\0\x03\0",
    );
    image[PCIR + 0x10] = units;
    put(&mut image, EXECUTABLE, executable);
    image
}

/// A whole ROM: the images in order, the last one marked as such.
pub fn rom(images: &[Vec<u8>]) -> Vec<u8> {
    let mut images = images.to_vec();
    let last = images.last_mut().unwrap();
    last[PCIR + 0x15] |= 0x80;
    if last[PCIR + 0x14] == 0 {
        balance(last, 6);
    }
    images.concat()
}

/// A ROM in which nothing is wrong: an x86 image at 0 and an EFI image at
/// 0x400, whose executable is compressed.
pub fn good() -> Vec<u8> {
    rom(&[x86(2), efi(&stored(&driver()), 1)])
}

/// Where the EFI image of [`good`] starts.
pub const GOOD_EFI: usize = 0x400;

/// A PE executable: machine X64, a boot service driver, with one section, a
/// debug path and a certificate.
pub fn driver() -> Vec<u8> {
    let mut pe = vec![0; 0x418];
    put(&mut pe, 0, b"MZ");
    put(&mut pe, 0x3c, &[0x40]);
    put(&mut pe, 0x40, b"PE\0\0\x64\x86\x01\0");
    put(&mut pe, 0x54, &[0xf0, 0, 0x02, 0x20]);
    put(&mut pe, 0x58, &[0x0b, 0x02]);
    let mut word = |at: usize, value: u32| put(&mut pe, at, &value.to_le_bytes());
    word(0x58 + 0x10, 0x1010); // entry point
    word(0x58 + 0x20, 0x1000); // section alignment
    word(0x58 + 0x24, 0x200); // file alignment
    word(0x58 + 0x38, 0x2000); // size of image
    word(0x58 + 0x3c, 0x200); // size of headers
    word(0x58 + 0x44, 0x0b); // subsystem
    word(0x58 + 0x6c, 16); // data directories
    word(0x58 + 0x70 + 4 * 8, 0x400); // certificates: offset and size
    word(0x58 + 0x74 + 4 * 8, 0x18);
    word(0x58 + 0x70 + 6 * 8, 0x1000); // debug directory: address and size
    word(0x58 + 0x74 + 6 * 8, 28);
    word(0x148 + 8, 0x180); // section: size in memory, address, size, offset
    word(0x148 + 12, 0x1000);
    word(0x148 + 16, 0x200);
    word(0x148 + 20, 0x200);
    word(0x200 + 12, 2); // debug entry: CodeView
    word(0x200 + 16, 24 + 9);
    word(0x200 + 20, 0x1020);
    word(0x200 + 24, 0x220);
    word(0x400, 0x18); // certificate: length, revision and type
    word(0x404, 0x0002_0200);
    put(&mut pe, 0x148, b".text");
    put(&mut pe, 0x220, b"RSDS");
    put(&mut pe, 0x238, b"card.efi\0");
    put(&mut pe, 0x408, b"signed by Acme");
    pe
}

/// Bits, most significant first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        let bits = (0..count).rev().map(|bit| value >> bit & 1 == 1);
        self.0.extend(bits);
    }

    /// The bits with the size header of `size` bytes.
    fn with_header(&self, size: u32) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            let places = bits.iter().zip((0..8).rev());
            places.fold(0, |byte, (bit, place)| byte | u8::from(*bit) << place)
        };
        let stream: Vec<u8> = self.0.chunks(8).map(byte).collect();
        let mut out = u32::try_from(stream.len()).unwrap().to_le_bytes().to_vec();
        out.extend(size.to_le_bytes());
        out.extend(stream);
        out
    }
}

/// Compresses by storing: a block for every 65,535 bytes, whose 256 literals
/// all have codes of 8 bits.
pub fn stored(data: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    for block in data.chunks(0xffff) {
        bits.put(u32::try_from(block.len()).unwrap(), 16);
        bits.put(0, 5); // one code for code lengths: 10, which stands for 8
        bits.put(10, 5);
        bits.put(256, 9);
        bits.put(0, 8); // no position is used
        for byte in block {
            bits.put(u32::from(*byte), 8);
        }
    }
    bits.with_header(u32::try_from(data.len()).unwrap())
}

/// One block of matches that take no bits: a few bytes for as many spaces as
/// one asks for, up to 16 MiB.
pub fn bomb(size: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0xffff, 16);
    bits.put(0, 10);
    bits.put(0, 9);
    bits.put(509, 9);
    bits.put(0, 8);
    bits.with_header(size)
}
