//! Saved states, made by hand: a guest with one ROM of one page, 4 KiB.

use std::io::Write as _;

/// Name of the RAM block of the ROM.
pub const BLOCK: &str = "0000:00:04.0/e1000.rom";

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(u8::try_from(text.len()).unwrap());
    bytes.extend(text.bytes());
}

/// Up to the list of RAM blocks, with these capabilities.
pub fn start(capabilities: &[&str]) -> Vec<u8> {
    let mut bytes = b"QEVM\0\0\0\x03\x07\0\0\0\x0e".to_vec();
    bytes.extend(b"pc-i440fx-10.0");
    if !capabilities.is_empty() {
        bytes.push(5);
        text(&mut bytes, "configuration/capabilities");
        bytes.extend([0, 0, 0, 1]);
        bytes.extend(u32::try_from(capabilities.len()).unwrap().to_be_bytes());
        for name in capabilities {
            text(&mut bytes, name);
        }
    }
    bytes.extend([1, 0, 0, 0, 2]);
    text(&mut bytes, "ram");
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 4]);
    bytes
}

/// The ROM: one x86 image of 512 bytes.
pub fn rom() -> Vec<u8> {
    let mut rom = vec![0; 512];
    rom[..3].copy_from_slice(&[0x55, 0xaa, 1]);
    rom[0x18] = 0x1c;
    rom[0x1c..0x34]
        .copy_from_slice(b"PCIR\x86\x80\x0e\x10\0\0\x1c\0\x03\0\0\x02\x01\0\0\0\0\x80\0\0");
    rom[0x1ff] = 7;
    let sum = rom.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    rom[6] = 0_u8.wrapping_sub(sum);
    rom
}

/// The page of the ROM, filled up with zeros.
fn page() -> Vec<u8> {
    let mut page = rom();
    page.resize(4096, 0);
    page
}

fn words(bytes: &mut Vec<u8>, words: &[u64]) {
    bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
}

/// A whole stream.
pub fn plain() -> Vec<u8> {
    of(&[(BLOCK, 0x1000, rom())])
}

/// A whole stream with these RAM blocks: name, size and content.
pub fn of(blocks: &[(&str, u64, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = start(&[]);
    let total: u64 = blocks.iter().map(|(_, size, _)| size).sum();
    words(&mut bytes, &[total | 4]);
    for (name, size, _) in blocks {
        text(&mut bytes, name);
        words(&mut bytes, &[*size]);
    }
    words(&mut bytes, &[0x10]);
    bytes.extend([0x7e, 0, 0, 0, 2]);
    bytes.extend([3, 0, 0, 0, 2]);
    for (name, size, content) in blocks {
        for address in (0..*size).step_by(4096) {
            words(&mut bytes, &[address | 8]);
            text(&mut bytes, name);
            let at = usize::try_from(address).unwrap().min(content.len());
            let mut page = content[at..content.len().min(at + 4096)].to_vec();
            page.resize(4096, 0);
            bytes.extend(page);
        }
    }
    words(&mut bytes, &[0x10]);
    bytes.extend([0x7e, 0, 0, 0, 2, 4]);
    bytes
}

/// A stream of pages of 1 KiB in several sections, with a command and the hash
/// table of ppc64 between them.
pub fn sections() -> Vec<u8> {
    let mut bytes = start(&[]);
    let section = bytes.split_off(bytes.len() - 17);
    bytes.push(5);
    text(&mut bytes, "configuration/target-page-bits");
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 10]);
    bytes.extend(section);
    words(&mut bytes, &[0x1000 | 4]);
    text(&mut bytes, BLOCK);
    words(&mut bytes, &[0x1000, 0x10]);
    bytes.extend([0x7e, 0, 0, 0, 2]);
    bytes.extend([1, 0, 0, 0, 3]);
    text(&mut bytes, "spapr/htab");
    bytes.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 24]);
    bytes.extend([0x7e, 0, 0, 0, 3]);
    bytes.extend([2, 0, 0, 0, 2]);
    words(&mut bytes, &[8]);
    text(&mut bytes, BLOCK);
    bytes.extend(&page()[..1024]);
    words(&mut bytes, &[0x10]);
    bytes.extend([0x7e, 0, 0, 0, 2]);
    bytes.extend([2, 0, 0, 0, 3, 0, 0, 0, 0]);
    bytes.extend([0, 0, 0, 1, 0, 1, 0, 0]);
    bytes.extend([0; 16 + 8]);
    bytes.extend([0x7e, 0, 0, 0, 3]);
    bytes.extend([8, 0, 11, 0, 0]);
    bytes.extend([3, 0, 0, 0, 2]);
    for address in [0x400, 0x800, 0xc00] {
        words(&mut bytes, &[address | 0x22]);
        bytes.push(0);
    }
    words(&mut bytes, &[0x10]);
    bytes.extend([0x7e, 0, 0, 0, 2, 4]);
    bytes
}

/// A stream with its pages at fixed places.
pub fn mapped() -> Vec<u8> {
    mapped_at(0)
}

/// The same, so far behind the start of its file.
fn mapped_at(offset: usize) -> Vec<u8> {
    let at = |place: u64| place + offset as u64;
    let mut bytes = start(&["mapped-ram"]);
    words(&mut bytes, &[0x1000 | 4]);
    text(&mut bytes, BLOCK);
    words(&mut bytes, &[0x1000]);
    bytes.extend([0, 0, 0, 1]);
    words(&mut bytes, &[0x1000, at(0x200), at(0x400)]);
    bytes.resize(0x200, 0);
    bytes.push(1);
    bytes.resize(0x400, 0);
    bytes.extend(page());
    words(&mut bytes, &[0x10]);
    bytes.extend([0x7e, 0, 0, 0, 2, 4]);
    bytes
}

fn save_with(words: [[u8; 4]; 5], stream: &[u8]) -> Vec<u8> {
    let mut bytes = b"LibvirtQemudSave".to_vec();
    bytes.extend(words.concat());
    bytes.resize(92, 0);
    bytes.extend(b"<domain/>\0");
    bytes.extend(stream);
    bytes
}

/// A save file of this format, in little-endian.
pub fn save(format: u32) -> Vec<u8> {
    save_of(format, &plain())
}

/// A save file of this format with these data.
pub fn save_of(format: u32, data: &[u8]) -> Vec<u8> {
    save_with([2, 10, 0, format, 0].map(u32::to_le_bytes), data)
}

/// A save file in big-endian.
pub fn swapped_save() -> Vec<u8> {
    save_with([2, 10, 0, 0, 0].map(u32::to_be_bytes), &plain())
}

/// A save file with its pages at fixed places.
pub fn sparse_save() -> Vec<u8> {
    let head = save_of(6, &[]);
    let stream = mapped_at(head.len());
    [head, stream].concat()
}

/// A save file of this format whose stream is packed by gzip.
pub fn packed(format: u32, stream: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(stream).unwrap();
    let data = gzip.finish().unwrap();
    save_of(format, &data)
}

/// The plain stream in a save file, packed by gzip.
pub fn packed_save(format: u32) -> Vec<u8> {
    packed(format, &plain())
}

/// A qcow2 image of this version with clusters of 512 bytes: a header, one
/// snapshot with the stream of [`plain`].
pub fn qcow2(version: u32) -> Vec<u8> {
    qcow2_of(version, &plain())
}

/// The same with this stream, of up to 32 KiB.
pub fn qcow2_of(version: u32, state: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"QFI\xfb");
    put(4, &version.to_be_bytes());
    put(20, &9_u32.to_be_bytes());
    put(24, &0x8000_u64.to_be_bytes());
    put(60, &1_u32.to_be_bytes());
    put(64, &0x200_u64.to_be_bytes());
    // The table of snapshots.
    let mut entry = Vec::new();
    words(&mut entry, &[0x400]);
    entry.extend(2_u32.to_be_bytes());
    entry.extend([0, 1, 0, 3]);
    entry.resize(36, 0);
    entry.extend(16_u32.to_be_bytes());
    words(&mut entry, &[state.len() as u64, 0x8000]);
    entry.extend(b"1one");
    entry.resize(512, 0);
    image.extend(entry);
    // The first table: the disk of 32 KiB takes its first entry, the state the
    // second.
    let mut first = Vec::new();
    words(&mut first, &[0, 0x600]);
    first.resize(512, 0);
    image.extend(first);
    let mut second = Vec::new();
    for number in 0..state.len().div_ceil(512) as u64 {
        words(&mut second, &[0x800 + number * 512]);
    }
    second.resize(512, 0);
    image.extend(second);
    image.extend(state);
    image.resize(image.len().next_multiple_of(512), 0);
    image
}
