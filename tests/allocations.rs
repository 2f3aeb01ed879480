//! What reading a ROM allocates: its list of images and its faults, and
//! nothing else. The heap is counted, so this is a program of its own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use romcompat::rom::Rom;
use romcompat::romset;
use std::path::Path;

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

/// Blocks that are allocated while `work` runs.
fn blocks_of<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = dhat::HeapStats::get().total_blocks;
    let result = work();
    (dhat::HeapStats::get().total_blocks - before, result)
}

/// Blocks that a list takes at most while it grows to this length.
fn doublings(length: usize) -> u64 {
    u64::from(length.next_power_of_two().trailing_zeros()) + 1
}

/// An x86 image in which everything is wrong but its length; not the last.
fn faulty_image() -> Vec<u8> {
    let mut image = vec![0; 512];
    image[..3].copy_from_slice(&[0x55, 0xaa, 2]);
    image[0x10] = 0x98;
    image[0x16] = 0x80;
    image[0x18] = 0x1e;
    image[0x1a] = 0x40;
    image[0x1e..0x3a].copy_from_slice(
        b"PCIR\xf4\x1a\x41\x10\xff\xff\xff\x01\x04\0\0\x02\x01\0\x01\0\0\0\x09\0\xff\xff\xff\xff",
    );
    image[0x40..0x46].copy_from_slice(b"$PnP\x01\x02");
    image[0x46] = 0x40;
    image[0x80..0x85].copy_from_slice(b"UNDI\x01");
    image[0x98..0x9d].copy_from_slice(b"iPXE\x01");
    image
}

#[test]
fn reading_a_rom_allocates_its_images_and_its_faults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/example-roms_1.0-1_all.deb");
    let set = romset::read("package", std::fs::read(path).unwrap()).unwrap();
    let bytes = set.find("efi-virtio.rom").unwrap().bytes().to_vec();
    let mut damaged = bytes.clone();
    damaged[0x40] ^= 1;

    let _profiler = dhat::Profiler::builder().testing().build();
    let (blocks, rom) = blocks_of(|| Rom::parse(&bytes).unwrap());
    assert_eq!((rom.images().len(), rom.faults().len()), (2, 0));
    assert_eq!(blocks, 1, "the list of images");

    let (blocks, rom) = blocks_of(|| Rom::parse(&damaged).unwrap());
    assert_eq!(rom.faults().len(), 1);
    assert_eq!(blocks, 2, "the list of images and that of faults");

    // As many images and kinds of faults as there may be: the lists grow as
    // lists do, by doubling.
    let image = faulty_image();
    let many = image.repeat(70);
    let (blocks, rom) = blocks_of(|| Rom::parse(&many).unwrap());
    assert_eq!(rom.images().len(), 64);
    assert!(rom.faults().len() > 64 * 10, "{}", rom.faults().len());
    let lists = doublings(rom.images().len()) + doublings(rom.faults().len());
    assert!(
        blocks <= lists,
        "{blocks} blocks, {lists} of them for lists"
    );
    let blocks_of_one = blocks_of(|| Rom::parse(&image).unwrap()).0;
    assert!(blocks_of_one <= 1 + doublings(20), "{blocks_of_one}");

    let (blocks, lengths) = blocks_of(|| {
        let images = rom.images().iter();
        images.map(|image| image.bytes().len()).sum::<usize>()
    });
    assert_eq!((blocks, lengths), (0, rom.images_end()), "an accessor");
}
