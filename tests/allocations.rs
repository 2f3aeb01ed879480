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

    let (blocks, lengths) = blocks_of(|| {
        let images = rom.images().iter();
        images.map(|image| image.bytes().len()).sum::<usize>()
    });
    assert_eq!((blocks, lengths), (0, rom.used()), "an accessor");
}
