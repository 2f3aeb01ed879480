//! Compressed files, accepted and refused as their own programs do: the test
//! data of xz-utils, zstd and bzip2, and what lzop and the others write.

use crate::fetched::{source, tool};
use crate::flips::{flipped, rom_of};
use romcompat::compression::{Decoder, UNPACKED_LIMIT};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn ours(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    Decoder::new(bytes, UNPACKED_LIMIT)
        .and_then(|mut decoder| decoder.read_to_end(&mut unpacked))
        .map_err(|error| error.to_string())?;
    Ok(unpacked)
}

/// What a program makes of a file, if it ends with status 0.
fn theirs(program: &str, file: &Path) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    let output = command.arg("-dc").stdin(fs::File::open(file).unwrap());
    let output = output.output().unwrap();
    output.status.success().then_some(output.stdout)
}

/// Whether the program and ours take the same of a file, or refuse it both.
fn agree(program: &str, file: &Path) -> bool {
    ours(&fs::read(file).unwrap()).ok() == theirs(program, file)
}

/// The files of a source package whose paths contain a text.
fn files_of(package: &str, part: &str, into: &Path) -> Vec<PathBuf> {
    let archive = source(package);
    tool("tar", &[&"-xf", &archive, &"-C", &into]);
    let mut folders = vec![into.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().contains(part) {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "{part} in {}", archive.display());
    files
}

fn extension(path: &Path) -> &str {
    path.extension().map_or("", |name| name.to_str().unwrap())
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// What xz refuses and we do not: without its magic it is not seen as xz's, and
/// stays as it is.
const DIFFERENCES_TO_XZ: [&str; 1] = ["bad-0-header_magic.xz"];

#[test]
#[ignore = "needs fetched sources and xz"]
fn the_test_files_of_xz_are_taken_and_refused_as_xz_does() {
    let folder = TempDir::new().unwrap();
    let mut files = files_of("xz-utils", "/tests/files/", folder.path());
    let is_lzma = |path: &PathBuf| extension(path) == "lzma";
    let lzma: Vec<_> = files.iter().filter(|path| is_lzma(path)).cloned().collect();
    files.retain(|path| extension(path) == "xz");
    let differ: Vec<_> = files.iter().filter(|file| !agree("xz", file)).collect();
    let differ: Vec<_> = differ.into_iter().map(|path| name(path)).collect();
    println!("xz-utils: {} files, {} differ", files.len(), differ.len());
    assert_eq!(differ, DIFFERENCES_TO_XZ);
    // The good ones are cut everywhere; a stream may end there.
    for file in files.iter().filter(|path| name(path).starts_with("good-")) {
        let bytes = fs::read(file).unwrap();
        for end in 6..bytes.len().min(300) {
            if let Ok(found) = ours(&bytes[..end]) {
                fs::write(folder.path().join("cut"), &bytes[..end]).unwrap();
                let wanted = theirs("xz", &folder.path().join("cut"));
                assert_eq!(Some(found), wanted, "{} up to {end}", name(file));
            }
        }
    }
    // The format before xz has no magic: its files stay as they are.
    for file in lzma.iter().filter(|path| name(path).starts_with("good-")) {
        let bytes = fs::read(file).unwrap();
        assert_eq!(ours(&bytes), Ok(bytes), "{}", name(file));
    }
}

/// What the zstd of the machine does with some of them depends on its release:
/// 1.5.4 refuses zeroSeq_2B. The library here is that of the files.
#[test]
#[ignore = "needs fetched sources"]
fn the_golden_files_of_zstd_are_taken_and_refused() {
    let folder = TempDir::new().unwrap();
    let mut files = files_of("libzstd", "/tests/golden-decompression", folder.path());
    files.retain(|path| extension(path) == "zst");
    let (wrong, good): (Vec<_>, Vec<_>) = files
        .iter()
        .partition(|path| path.to_str().unwrap().contains("-errors/"));
    println!("zstd: {} good and {} wrong files", good.len(), wrong.len());
    assert!(!wrong.is_empty());
    for file in &good {
        ours(&fs::read(file).unwrap()).unwrap();
    }
    for file in &wrong {
        ours(&fs::read(file).unwrap()).unwrap_err();
    }
}

#[test]
#[ignore = "needs fetched sources and bzip2"]
fn the_samples_of_bzip2_are_read() {
    let folder = TempDir::new().unwrap();
    let mut files = files_of("bzip2", "/sample", folder.path());
    files.retain(|path| extension(path) == "bz2");
    println!("bzip2: {} files", files.len());
    assert_eq!(files.len(), 3);
    for file in files {
        assert_eq!(
            ours(&fs::read(&file).unwrap()).unwrap(),
            fs::read(file.with_extension("ref")).unwrap(),
            "{}",
            name(&file)
        );
    }
}

/// Data that packs well, badly, and not at all.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let noise = rom_of(200);
    let text: Vec<u8> = (0..40_000_u32).flat_map(u32::to_le_bytes).collect();
    vec![
        ("empty", Vec::new()),
        ("byte", vec![0x55]),
        ("zeros", vec![0; 600_000]),
        ("noise", noise.clone()),
        ("numbers", text.clone()),
        ("mixed", [&text[..], &noise, &[7; 300_000]].concat()),
    ]
}

#[test]
#[ignore = "needs lzop"]
fn what_lzop_writes_with_any_options_is_read() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut count = 0;
    for (name, data) in contents() {
        fs::write(at(name), &data).unwrap();
        let filters: Vec<String> = (1..=16).map(|n| format!("--filter={n}")).collect();
        let filters: Vec<&str> = [""]
            .into_iter()
            .chain(filters.iter().map(|f| &**f))
            .collect();
        for sums in ["", "-F", "-C", "-CC"] {
            for more in ["-P", "-1", "-9"] {
                for filter in &filters {
                    let options = [sums, more, filter];
                    let mut command = Command::new("lzop");
                    command.args(options.iter().filter(|option| !option.is_empty()));
                    let output = command.arg("-c").arg(at(name)).output().unwrap();
                    assert!(output.status.success(), "{options:?}");
                    let found = ours(&output.stdout);
                    assert!(
                        found.as_ref() == Ok(&data),
                        "{name} {options:?} {:?}",
                        found.err()
                    );
                    count += 1;
                }
            }
        }
    }
    println!("lzop: {count} files");
}

/// Every bit of a header, and many of the blocks.
#[test]
#[ignore = "needs lzop"]
fn changed_files_of_lzop_are_refused_as_lzop_does() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let data = [&rom_of(20)[..], &[0; 5000]].concat();
    fs::write(at("data"), &data).unwrap();
    let (mut count, mut refused) = (0, 0);
    for options in [&["-1"][..], &["-9", "-C"], &["--filter=3", "-CC"], &["-F"]] {
        let mut command = Command::new("lzop");
        let output = command.args(options).arg("-c").arg(at("data")).output();
        let whole = output.unwrap().stdout;
        let header = (0..60 * 8).map(|bit| {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            (bit / 8, changed)
        });
        for (place, changed) in header.chain(flipped(&whole, 60, 100)) {
            fs::write(at("changed"), &changed).unwrap();
            let wanted = theirs("lzop", &at("changed"));
            // Without its magic it is not seen as lzop's, and stays as it is.
            let found = ours(&changed).ok().filter(|found| *found != changed);
            assert_eq!(found, wanted, "{options:?} at {place:#x}");
            count += 1;
            refused += usize::from(wanted.is_none());
        }
    }
    println!("lzop: {refused} of {count} changed files are refused by both");
}

/// What each program writes with options of its own.
const WRITERS: [&[&str]; 16] = [
    &["gzip", "-1"],
    &["gzip", "-9n"],
    &["xz", "-0"],
    &["xz", "-9e"],
    &["xz", "--block-size=65536", "--check=sha256"],
    &["xz", "--check=crc32", "--x86", "--lzma2=preset=1"],
    &["xz", "--check=none", "--delta=dist=4", "--lzma2"],
    &["zstd", "-1"],
    &["zstd", "-19", "--no-check"],
    &["zstd", "--ultra", "-22", "--long=27"],
    &["zstd", "-T2", "-B65536"],
    &["pzstd", "-p", "2"],
    &["pzstd", "-1", "-p", "8"],
    &["bzip2", "-1"],
    &["bzip2", "-9"],
    &["lzop", "-3"],
];

#[test]
#[ignore = "needs gzip, xz, zstd, bzip2 and lzop"]
fn what_the_programs_write_is_read_and_what_stands_behind_as_they_do() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut count = 0;
    for writer in WRITERS {
        let [program, options @ ..] = writer else {
            unreachable!("a program has a name");
        };
        let reader = if *program == "pzstd" { "zstd" } else { program };
        for (name, data) in contents() {
            fs::write(at(name), &data).unwrap();
            let mut command = Command::new(program);
            let output = command.args(options).arg("-c").arg(at(name)).output();
            let whole = output.unwrap().stdout;
            let found = ours(&whole);
            assert!(
                found.as_ref() == Ok(&data),
                "{name} {writer:?} {:?}",
                found.err()
            );
            let twice = ours(&whole.repeat(2)).unwrap();
            assert!(twice == data.repeat(2), "{name} {writer:?}");
            for (what, behind) in [
                ("zeros", &[0; 3][..]),
                ("more zeros", &[0; 40_000]),
                ("garbage", b"garbage"),
                ("zeros and garbage", b"\0\0\0\0x"),
                ("the magic alone", &whole[..3]),
                ("a header alone", &whole[..9.min(whole.len())]),
            ] {
                fs::write(at("behind"), [&whole, behind].concat()).unwrap();
                let is_same = agree(reader, &at("behind"));
                assert!(is_same, "{name} {writer:?} with {what} behind it");
                count += 1;
            }
        }
    }
    println!("{count} files with something behind the last stream");
}
