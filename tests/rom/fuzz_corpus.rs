//! The corpora of the fuzz targets, replayed, and their seeds.

use crate::fuzzing;
use crate::images::{
    DEVICES, GOOD_EFI, PCIR, PNP, balanced, bomb, driver, efi, good, isa, rom, stored, with, x86,
};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn corpus(target: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    folder.join(target)
}

fn replay(target: &str, run: fn(&[u8])) {
    let folder = corpus(target);
    let mut total = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() <= 4096, "{} is large", path.display());
        total += bytes.len();
        run(&bytes);
    }
    assert!(total > 0 && total < 70_000, "{}: {total}", folder.display());
}

#[test]
fn the_corpus_of_rom_read_runs() {
    replay("rom_read", fuzzing::read);
}

#[test]
fn the_corpus_of_rom_edit_runs() {
    replay("rom_edit", fuzzing::edit);
}

#[test]
fn the_corpus_of_executable_runs() {
    replay("executable", fuzzing::executable);
}

fn roms() -> Vec<(&'static str, Vec<u8>)> {
    let pnp_chain = balanced(&x86(1), PNP + 6, &[0x50]);
    vec![
        ("good", good()),
        ("isa", isa(1)),
        ("three", rom(&[x86(1), efi(&driver()[..0x100], 0), x86(1)])),
        ("padded", [rom(&[x86(1)]), vec![0xff; 512]].concat()),
        ("data-after", [rom(&[x86(1)]), b"data".to_vec()].concat()),
        ("cut", good()[..GOOD_EFI + 0x100].to_vec()),
        ("pnp-chain", rom(&[pnp_chain])),
        (
            "pnp-endless",
            rom(&[balanced(&x86(1), PNP + 6, &[PNP as u8])]),
        ),
        (
            "no-device-list-end",
            rom(&[balanced(&x86(1), DEVICES, &[1; 0x150])]),
        ),
        ("length-0", with(&good(), PCIR + 0x10, &[0, 0])),
        ("bomb", rom(&[efi(&bomb(65536), 1)])),
        ("compression", with(&rom(&[efi(&[1], 0)]), 0x0c, &[7])),
    ]
}

fn executables() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("driver", driver()),
        ("stored", stored(&driver())),
        ("bomb", bomb(65536)),
        ("cut", driver()[..0x180].to_vec()),
        ("stored-cut", stored(&driver())[..0x80].to_vec()),
        ("long-name", with(&driver(), 0x148, b"/4\0\0\0\0\0\0")),
        ("unsigned", with(&driver(), 0x58 + 0x70 + 32, &[0; 8])),
    ]
}

/// `ROMCOMPAT_WRITE_SEEDS=1 cargo test` writes them anew.
#[test]
fn the_seeds_are_made_of_generated_roms() {
    let write = env::var_os("ROMCOMPAT_WRITE_SEEDS").is_some();
    let seeds = [
        ("rom_read", roms()),
        ("rom_edit", roms()),
        ("executable", executables()),
    ];
    for (target, seeds) in seeds {
        for (name, bytes) in seeds {
            let path = corpus(target).join(format!("seed-{name}"));
            if write {
                fs::create_dir_all(corpus(target)).unwrap();
                fs::write(&path, &bytes).unwrap();
            }
            let is_same = fs::read(&path).is_ok_and(|seed| seed == bytes);
            assert!(is_same, "{} is another one", path.display());
        }
    }
}
