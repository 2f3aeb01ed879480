//! A bit that is wrong in compressed data is an error, and never other bytes.
//! tests/debian/bit_flips.rs has many more, with other programs as judges.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[path = "common/flips.rs"]
mod flips;

use flips::{flipped, rom_of};
use romcompat::romset::{self, InputError, RomFile};
use std::io::Write as _;

/// Packs data in each way that a package may be.
fn packed(data: &[u8]) -> [(&'static str, Vec<u8>); 4] {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(data).unwrap();
    let mut xz = xz2::write::XzEncoder::new(Vec::new(), 0);
    xz.write_all(data).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(data).unwrap();
    let mut zstd = zstd::Encoder::new(Vec::new(), 0).unwrap();
    zstd.include_checksum(true).unwrap();
    zstd.write_all(data).unwrap();
    [
        ("gz", gzip.finish().unwrap()),
        ("xz", xz.finish().unwrap()),
        ("bz2", bzip2.finish().unwrap()),
        ("zst", zstd.finish().unwrap()),
    ]
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// dpkg-deb has no control archive in bzip2.
fn deb(compression: &str, control: &[u8], data: &[u8]) -> Vec<u8> {
    let mut builder = ar::Builder::new(Vec::new());
    let of_control = if compression == "bz2" {
        "gz"
    } else {
        compression
    };
    let control_name = format!("control.tar.{of_control}");
    let data_name = format!("data.tar.{compression}");
    for (name, bytes) in [
        ("debian-binary", &b"2.0\n"[..]),
        (&control_name, control),
        (&data_name, data),
    ] {
        let mut header = ar::Header::new(name.into(), bytes.len() as u64);
        header.set_mode(0o100_644);
        builder.append(&header, bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

const CONTROL: &[u8] = b"Package: roms\nVersion: 1.0-1\nArchitecture: all\n\
Maintainer: A Maintainer <a@example.org>\nDescription: ROMs\n";

/// The ROMs of an input, and its package.
fn read(bytes: Vec<u8>) -> Result<(Vec<RomFile>, String), InputError> {
    let set = romset::read("input", bytes)?;
    Ok((set.roms, format!("{:?}", set.package)))
}

/// Fails where a changed file gives other ROMs, or another package, than the
/// whole one; how many are refused.
fn refused(whole: &[u8], from: usize, count: usize) -> usize {
    let wanted = read(whole.to_vec()).unwrap();
    let mut refused = 0;
    for (at, changed) in flipped(whole, from, count) {
        match read(changed) {
            Ok(found) => assert_eq!(found, wanted, "{at:#x}"),
            Err(_) => refused += 1,
        }
    }
    refused
}

#[test]
fn no_flipped_bit_of_a_package_gives_other_roms() {
    let roms = [rom_of(20), rom_of(30)];
    let data = packed(&tar(&[("./a.rom", &roms[0]), ("./b.rom", &roms[1])]));
    let [gzip, xz, _, zstd] = packed(&tar(&[("./control", CONTROL)]));
    for ((name, data), (_, control)) in data.into_iter().zip([&gzip, &xz, &gzip, &zstd]) {
        let whole = deb(name, control, &data);
        let from = whole.len() - data.len();
        assert!(refused(&whole, from, 40) > 30, "{name}");
        // The control archive, between the headers of two members.
        let without_data = &whole[..from - 60];
        let start = without_data.len() - control.len();
        for (at, changed) in flipped(without_data, start, 20) {
            let changed = [&changed, &whole[from - 60..]].concat();
            if let Ok(found) = read(changed) {
                assert_eq!(found, read(whole.clone()).unwrap(), "{name} {at:#x}");
            }
        }
    }
}

#[test]
fn no_flipped_bit_of_an_archive_or_a_rom_gives_other_roms() {
    let rom = rom_of(20);
    let archive = tar(&[("a.rom", &rom), ("b.rom", &rom_of(5))]);
    for data in [archive, rom] {
        for (name, whole) in packed(&data) {
            // A wrong magic is no compression, and no ROM either.
            assert!(refused(&whole, 0, 40) > 30, "{name}");
        }
    }
}

/// The archive ends before its compressed stream does.
#[test]
fn what_is_cut_behind_the_last_entry_is_refused() {
    for (name, whole) in packed(&tar(&[("a.rom", &rom_of(5))])) {
        for end in 1..8 {
            let cut = whole[..whole.len() - end].to_vec();
            assert!(read(cut).is_err(), "{name} {end}");
        }
    }
}
