//! Wrong, hostile and damaged input: one clear answer each, no output, and
//! the input as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;
#[path = "common/programs.rs"]
mod programs;

use common::{fixture, romcompat, status, words};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A ROM of one x86 image of 4 units and one EFI image of 4 units.
fn rom() -> Vec<u8> {
    let mut rom = vec![0; 4096];
    for (start, code_type, indicator) in [(0, 0, 0), (2048, 3, 0x80)] {
        let image = &mut rom[start..start + 2048];
        image[..3].copy_from_slice(&[0x55, 0xaa, 4]);
        image[0x18] = 0x1c;
        image[0x1c..0x38].copy_from_slice(
            b"PCIR\xf4\x1a\x41\x10\0\0\x1c\0\x03\0\0\x02\x04\0\0\0\0\0\0\0\0\0\0\0",
        );
        image[0x1c + 0x14] = code_type;
        image[0x1c + 0x15] = indicator;
        if code_type == 3 {
            image[4..12].copy_from_slice(&[0xf1, 0x0e, 0, 0, 0x0b, 0, 0x64, 0x86]);
        } else {
            image[6] = image.iter().fold(0_u8, |sum, b| sum.wrapping_sub(*b));
        }
    }
    rom
}

fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut rom = rom();
    rom[at..at + bytes.len()].copy_from_slice(bytes);
    rom
}

/// Runs the program with at most 512 MiB of address space.
fn limited(arguments: &[&str]) -> Output {
    Command::new("sh")
        .args(["-c", "ulimit -v 524288 && exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_romcompat"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Every command that reads an input refuses this one: with this status, with
/// these words, without output, and leaving it as it was.
fn refused(path: &Path, wanted: i32, wanted_words: &str) {
    let before = fs::read(path).ok();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let (input, out_text) = (path.to_str().unwrap(), out.to_str().unwrap());
    for arguments in [
        vec!["inspect", input],
        vec!["pad", input, "--size", "1M", "--out", out_text],
        vec!["build", input, "--out", out_text],
    ] {
        let output = limited(&arguments);
        let text = words(&output);
        assert_eq!(status(&output), wanted, "{arguments:?}: {text}");
        assert!(text.contains(wanted_words), "{arguments:?}: {text}");
        assert!(!out.exists(), "{arguments:?} left output");
    }
    assert_eq!(fs::read(path).ok(), before);
}

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn what_is_no_rom_says_what_it_seems_to_be() {
    let folder = TempDir::new().unwrap();
    refused(
        &file(&folder, "empty.rom", b""),
        3,
        "empty.rom: the file is empty",
    );
    refused(
        &file(&folder, "text.rom", b"hello\n"),
        3,
        "a text file starts with 68 65",
    );
    refused(
        &file(&folder, "elf.rom", b"\x7fELF\x02\x01"),
        3,
        "an ELF file starts with 7f 45",
    );
}

#[test]
fn a_damaged_rom_is_a_finding_with_image_and_offset() {
    let folder = TempDir::new().unwrap();
    let cases: &[(&str, Vec<u8>, (&str, &str))] = &[
        (
            "cut-header",
            rom()[..0x10].to_vec(),
            ("RC101", "cut-header, image 1, at 0x0"),
        ),
        (
            "cut-pcir",
            rom()[..0x30].to_vec(),
            ("RC104", "cut-pcir, image 1, at 0x1c"),
        ),
        (
            "cut-image",
            rom()[..3072].to_vec(),
            ("RC108", "cut-image, image 2, at 0x800"),
        ),
        (
            "pointer-0",
            changed(0x18, &[0, 0]),
            ("RC105", "pointer-0, image 1, at 0x0"),
        ),
        (
            "pointer-last",
            changed(0x18, &[0xff, 0x0f]),
            ("RC104", "pointer-last, image 1, at 0xfff"),
        ),
        (
            "pointer-past",
            changed(0x18, &[0xff, 0xff]),
            ("RC104", "pointer-past, image 1, at 0xffff"),
        ),
        (
            "signature",
            changed(0x1c, b"PCIX"),
            ("RC105", "signature, image 1, at 0x1c"),
        ),
        (
            "length-0",
            changed(0x2c, &[0, 0]),
            ("RC107", "length-0, image 1, at 0x0"),
        ),
        (
            "length-past",
            changed(0x82c, &[0xff, 0x7f]),
            ("RC108", "length-past, image 2, at 0x800"),
        ),
        (
            "devices-past",
            changed(0x824, &[0xe4, 0x07]),
            ("RC132", "devices-past, image 2, at 0x824"),
        ),
        (
            "no-last",
            changed(0x831, &[0]),
            ("RC109", "no-last, image 2, at 0x1000"),
        ),
        (
            "checksum",
            changed(0x200, &[1]),
            ("RC111", "checksum, image 1, at 0x0"),
        ),
        (
            "many",
            rom()[..2048].repeat(100_000),
            ("RC113", "many, image 64, at 0x20000"),
        ),
    ];
    for (name, bytes, (code, place)) in cases {
        let bytes = &bytes[..bytes.len().min(16 << 20)];
        let path = file(&folder, name, bytes);
        refused(&path, 1, &format!("error[{code}]: "));
        refused(&path, 1, place);
    }
    let broken = folder.path().join("checksum");
    let good = file(&folder, "good", &rom());
    let output = romcompat()
        .arg("check")
        .args([good, broken])
        .output()
        .unwrap();
    assert_eq!(status(&output), 1);
    assert!(
        words(&output).contains("error[RC111]: "),
        "{}",
        words(&output)
    );
}

#[test]
fn every_finding_comes_with_a_next_step() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.rom", &changed(0x200, &[1]));
    let output = romcompat().arg("inspect").arg(&path).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("\n  next: "), "{stderr}");
}

#[test]
fn a_sparse_file_of_4_gib_is_refused_by_its_size() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sparse.rom");
    fs::File::create(&path).unwrap().set_len(4 << 30).unwrap();
    let output = limited(&["inspect", path.to_str().unwrap()]);
    assert_eq!(status(&output), 3);
    assert!(words(&output).contains("4294967296 bytes are more than the 96 MiB"));
}

#[test]
fn a_directory_without_roms_is_refused_with_a_count() {
    let folder = TempDir::new().unwrap();
    file(&folder, "readme", b"hello");
    let output = romcompat()
        .arg("inspect")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(status(&output), 3);
    assert!(words(&output).contains("no option ROM is in it (1 other files were left out)"));
}

#[test]
fn a_directory_that_cannot_be_read_is_named() {
    let folder = TempDir::new().unwrap();
    let readable = PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), readable).unwrap();
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, PermissionsExt::from_mode(0o000)).unwrap();
    let output = as_ordinary_user(&folder)
        .arg("inspect")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(status(&output), 3, "{}", words(&output));
    assert!(words(&output).contains("locked: Permission denied"));
}

#[test]
fn an_output_folder_without_permission_is_named() {
    let folder = TempDir::new().unwrap();
    let readable = PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), readable).unwrap();
    let packages = [1, 2].map(|release| {
        let copy = folder.path().join(format!("{release}.deb"));
        fs::copy(fixture(release), &copy).unwrap();
        copy
    });
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, PermissionsExt::from_mode(0o555)).unwrap();
    let mut command = as_ordinary_user(&folder);
    command
        .arg("build")
        .args(packages)
        .arg("--out")
        .arg(locked.join("dist"));
    let output = command.current_dir(folder.path()).output().unwrap();
    assert_eq!(status(&output), 3, "{}", words(&output));
    assert!(
        words(&output).contains("locked/dist: Permission denied"),
        "{}",
        words(&output)
    );
}

/// The program as a user that permissions hold back: `nobody` under root.
fn as_ordinary_user(folder: &TempDir) -> Command {
    if fs::metadata(folder.path()).unwrap().uid() != 0 {
        return romcompat();
    }
    let copy = folder.path().join("romcompat");
    programs::copy_romcompat(&copy);
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(copy)
        .env_remove("SOURCE_DATE_EPOCH");
    command
}

#[test]
fn a_package_that_is_cut_anywhere_is_refused() {
    let folder = TempDir::new().unwrap();
    let whole = fs::read(fixture(1)).unwrap();
    for end in (9..whole.len()).step_by(97) {
        let path = file(&folder, "cut.deb", &whole[..end]);
        let output = romcompat().arg("inspect").arg(&path).output().unwrap();
        assert_eq!(status(&output), 3, "cut at {end}: {}", words(&output));
        assert!(words(&output).starts_with(&format!("error: {}: ", path.display())));
    }
}

/// A `.deb` with this data archive, written by hand.
fn package(data: &[u8]) -> Vec<u8> {
    named_package("data.tar", data)
}

/// The same, with another name of its last member.
fn named_package(data_name: &str, data: &[u8]) -> Vec<u8> {
    package_of("", data_name, data)
}

/// The same, with more fields in its control file.
fn package_of(fields: &str, data_name: &str, data: &[u8]) -> Vec<u8> {
    let mut control = tar::Builder::new(Vec::new());
    let text = format!("Package: aa\nVersion: 1\nMaintainer: A <a@b.c>\n{fields}");
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    control
        .append_data(&mut header, "control", text.as_bytes())
        .unwrap();
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, member) in [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar", control.into_inner().unwrap()),
        (data_name, data.to_vec()),
    ] {
        writeln!(
            bytes,
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`",
            0,
            0,
            0,
            100_644,
            member.len()
        )
        .unwrap();
        bytes.extend(&member);
        bytes.extend(vec![b'\n'; member.len() % 2]);
    }
    bytes
}

fn archive(entries: &[(&str, tar::EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, link, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        if !link.is_empty() {
            header.set_link_name(link).unwrap();
        }
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn a_hostile_package_is_refused_with_the_entry() {
    use tar::EntryType::Regular;
    let folder = TempDir::new().unwrap();
    let (a, b) = (rom(), rom().repeat(1)[..].to_vec());
    let mut other = b;
    other.resize(8192, 0xff);
    let cases: &[(&str, Vec<u8>, &str)] = &[
        (
            "up.deb",
            archive(&[("../x.rom", Regular, "", &a)]),
            "the entry \"../x.rom\" of the tar archive leads out of it",
        ),
        (
            "twice.deb",
            archive(&[
                ("a/x.rom", Regular, "", &a),
                ("b/x.rom", Regular, "", &other),
            ]),
            "two different ROMs have the name x.rom: a/x.rom and b/x.rom",
        ),
        ("empty.deb", archive(&[]), "no option ROM is in it"),
    ];
    for (name, data, words) in cases {
        refused(&file(&folder, name, &package(data)), 3, words);
        let tar = name.replace(".deb", ".tar");
        if *name != "empty.deb" {
            refused(&file(&folder, &tar, data), 3, words);
        }
    }
}

#[test]
fn a_member_that_claims_more_than_the_file_has_is_refused() {
    let folder = TempDir::new().unwrap();
    let mut lying = package(&archive(&[]));
    let at = lying.windows(8).position(|w| w == b"data.tar").unwrap();
    lying[at + 48..at + 58].copy_from_slice(b"9999999999");
    refused(
        &file(&folder, "lying.deb", &lying),
        3,
        "it says that it has 9999999999 bytes",
    );
}

#[test]
fn a_field_with_control_characters_is_refused_by_name_and_not_shown() {
    let folder = TempDir::new().unwrap();
    let data = archive(&[("a.rom", tar::EntryType::Regular, "", &[0x55, 0xaa, 1])]);
    for field in ["Source", "Section", "Homepage", "Built-Using"] {
        let deb = package_of(&format!("{field}: a\x1b[31mred\n"), "data.tar", &data);
        let path = file(&folder, "escape.deb", &deb);
        let said =
            format!("the field {field} of the control file: it has the control character U+001B");
        refused(&path, 3, &said);
        let output = romcompat().arg("inspect").arg(&path).output().unwrap();
        assert!(!output.stderr.contains(&0x1b), "{}", words(&output));
    }
    let deb = package_of("Section: admin\nsection: misc\n", "data.tar", &data);
    let said = "line 5 of the control file: the field section is there twice";
    refused(&file(&folder, "twice.deb", &deb), 3, said);
}

#[test]
fn a_data_member_that_unpacks_to_10_gib_is_refused_at_the_limit() {
    let folder = TempDir::new().unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_path("zeros").unwrap();
    header.set_size(10 << 30);
    header.set_mode(0o644);
    header.set_cksum();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = named_package("data.tar.zst", &encoder.finish().unwrap());
    refused(
        &file(&folder, "bomb.deb", &bomb),
        3,
        "it unpacks to more than 256 MiB",
    );
}

#[test]
fn old_and_new_must_not_be_the_same_file() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("link.deb");
    symlink(fixture(1), &link).unwrap();
    let output = romcompat()
        .arg("check")
        .arg(fixture(1))
        .arg(&link)
        .output()
        .unwrap();
    assert_eq!(status(&output), 3);
    assert!(words(&output).contains("it is both OLD and NEW"));
}

fn build(out: &Path, more: &[&str]) -> Output {
    let mut command = romcompat();
    command
        .arg("build")
        .args([fixture(1), fixture(2)])
        .arg("--out")
        .arg(out)
        .args(more);
    command.output().unwrap()
}

#[test]
fn an_output_that_is_there_already_needs_force() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    assert_eq!(status(&build(&out, &[])), 0);
    let names = |folder: &Path| {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let first = names(&out);
    let again = build(&out, &[]);
    assert_eq!(status(&again), 3);
    assert!(words(&again).contains("it is there already; `--force` overwrites it"));
    assert_eq!(names(&out), first);
    assert_eq!(status(&build(&out, &["--force"])), 0);
    assert_eq!(names(&out), first);
}

#[test]
fn a_device_is_no_place_for_output() {
    let output = romcompat()
        .args([
            "pad",
            "--size",
            "512K",
            "--select",
            "efi-virtio.rom",
            "--force",
            "--out",
            "/dev/full",
        ])
        .arg(fixture(1))
        .output()
        .unwrap();
    assert_eq!(status(&output), 3);
    assert!(words(&output).contains("/dev/full: it is there already and no regular file"));
}

#[test]
fn a_full_standard_output_is_an_error() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = romcompat()
        .arg("inspect")
        .arg(fixture(1))
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(status(&output), 3);
    assert!(words(&output).contains("standard output: No space left on device"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = romcompat()
        .args(["inspect", "-v"])
        .arg(fixture(1))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_configuration_is_refused_with_line_and_column() {
    let folder = TempDir::new().unwrap();
    for (text, wanted) in [
        (
            "package = \"aa\"\ncolour = 1\n",
            "romcompat.toml, line 2, column 1: unknown field `colour`",
        ),
        (
            "package = 7\n",
            "romcompat.toml, line 1, column 11: invalid type",
        ),
        ("name-pattern = \"x\"\n", "lacks {name}"),
    ] {
        let config = file(&folder, "romcompat.toml", text.as_bytes());
        let out = folder.path().join("dist");
        let output = build(&out, &["--config", config.to_str().unwrap()]);
        assert_eq!(status(&output), 3);
        assert!(words(&output).contains(wanted), "{}", words(&output));
        assert!(!out.exists());
    }
}

#[test]
fn a_date_that_is_no_number_is_refused() {
    for (value, wanted) in [
        ("yesterday", "SOURCE_DATE_EPOCH is `yesterday`"),
        (
            "1700000000000",
            "a date more than ten years ahead; write it in seconds",
        ),
    ] {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("dist");
        let output = romcompat()
            .env("SOURCE_DATE_EPOCH", value)
            .arg("build")
            .args([fixture(1), fixture(2)])
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        assert_eq!(status(&output), 2, "{}", words(&output));
        assert!(words(&output).contains(wanted), "{}", words(&output));
        assert!(!out.exists());
    }
}

#[test]
fn a_proof_without_qemu_says_so_and_has_a_status_of_its_own() {
    let mut command = romcompat();
    command.env("PATH", "/nowhere").arg("prove");
    let output = command.arg(fixture(1)).arg(fixture(2)).output().unwrap();
    assert_eq!(status(&output), 4, "{}", words(&output));
    assert!(
        words(&output).contains("qemu-system-x86_64"),
        "{}",
        words(&output)
    );
    for (option, value) in [
        ("--device", "e1001"),
        ("--partition", "3/2"),
        ("--arch", "s390x"),
        ("--jobs", "0"),
        ("--source-qemu", "'"),
    ] {
        let mut command = romcompat();
        command.arg("prove").arg(fixture(1)).arg(fixture(2));
        let output = command.args([option, value]).output().unwrap();
        assert_eq!(status(&output), 2, "{option}: {}", words(&output));
    }
    for command in ["prove", "check"] {
        let mut asks = romcompat();
        asks.arg(command).arg(fixture(1)).arg(fixture(2));
        let output = asks.args(["--dest-qemu", " "]).output().unwrap();
        assert_eq!(status(&output), 2, "{command}: {}", words(&output));
        assert!(words(&output).contains("an empty command line names no QEMU"));
    }
}

#[test]
fn severities_stand_in_the_configuration_and_the_command_line_overrides_them() {
    let folder = TempDir::new().unwrap();
    let padded = folder.path().join("padded.rom");
    let mut pad = romcompat();
    pad.arg("pad")
        .arg(fixture(1))
        .args(["--select", "efi-virtio.rom", "--size", "256K"]);
    assert_eq!(status(&pad.arg("--out").arg(&padded).output().unwrap()), 0);
    let bytes = [fs::read(padded).unwrap(), vec![7; 512]].concat();
    let input = file(&folder, "input.rom", &bytes);
    let lint = |more: &[&str]| {
        let mut command = romcompat();
        command.current_dir(folder.path()).arg("lint").arg(&input);
        command.args(more).output().unwrap()
    };
    assert_eq!(status(&lint(&[])), 0);
    let findings = "[findings]\ndeny = [\"RC110\"]\nallow = [\"size-not-in-units\"]\n";
    fs::write(folder.path().join("romcompat.toml"), findings).unwrap();
    assert_eq!(status(&lint(&[])), 1, "{}", words(&lint(&[])));
    assert_eq!(status(&lint(&["--allow", "RC110"])), 0);
    let wrong = "\n[findings]\nwarn = [\"RC999\"]\n";
    fs::write(folder.path().join("romcompat.toml"), wrong).unwrap();
    let output = lint(&[]);
    assert_eq!(status(&output), 3);
    let said = "romcompat.toml, line 3, column 8: `RC999` is no code of romcompat";
    assert!(words(&output).contains(said), "{}", words(&output));
}

/// A file is not written over, whatever the command and however it is named.
fn stays(input: &Path, arguments: &[&str]) {
    let before = fs::read(input).unwrap();
    let mut command = romcompat();
    let output = command.args(arguments).arg("--force").output().unwrap();
    let said = format!("{arguments:?}: {}", words(&output));
    assert_eq!(status(&output), 3, "{said}");
    assert!(
        said.contains("it is an input, and an input is never written to"),
        "{said}"
    );
    assert!(fs::read(input).unwrap() == before, "{said}");
    let entries = fs::read_dir(input.parent().unwrap()).unwrap();
    let left: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with(".romcompat"))
        .collect();
    assert_eq!(left, [""; 0], "{said}");
}

#[test]
fn an_edit_never_takes_the_place_of_its_input() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.rom", &changed(0x200, &[1]));
    let name = path.to_str().unwrap();
    let good = file(&folder, "good.rom", &rom());
    let good_name = good.to_str().unwrap();
    stays(&path, &["fix", name, "--out", name]);
    stays(
        &good,
        &["pad", good_name, "--size", "8K", "--out", good_name],
    );
    let ids = ["--vendor", "8086", "--device", "100e"];
    stays(
        &path,
        &[&["retarget", name, "--out", name], &ids[..]].concat(),
    );
    stays(&path, &["join", good_name, name, "--out", name]);

    let hard_link = folder.path().join("hard.rom");
    fs::hard_link(&path, &hard_link).unwrap();
    stays(&path, &["fix", name, "--out", hard_link.to_str().unwrap()]);
    let elsewhere = TempDir::new().unwrap();
    let link = elsewhere.path().join("link.rom");
    symlink(&path, &link).unwrap();
    stays(&path, &["fix", link.to_str().unwrap(), "--out", name]);

    let part = file(&folder, "b.1.rom", &rom());
    let whole = folder.path().join("b.rom");
    fs::hard_link(&part, &whole).unwrap();
    let into = folder.path().to_str().unwrap();
    stays(&part, &["split", whole.to_str().unwrap(), "--out", into]);
}

#[test]
fn a_set_of_roms_is_not_edited_in_its_own_folder() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.rom", &changed(0x200, &[1]));
    let outside = TempDir::new().unwrap();
    let other = file(&outside, "b.rom", &changed(0x200, &[1]));
    symlink(&other, folder.path().join("b.rom")).unwrap();
    let name = folder.path().to_str().unwrap();
    stays(&path, &["fix", name, "--out", name]);
    stays(
        &other,
        &["fix", name, "--out", outside.path().to_str().unwrap()],
    );
    // What is no ROM was left out, and is no input.
    let readme = file(&folder, "sizes", b"old");
    let mut check = romcompat();
    let arguments = ["check", name, "--force", "--write-baseline"];
    let output = check.args(arguments).arg(&readme).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
}

#[test]
fn standard_input_is_an_input_too() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.rom", &changed(0x200, &[1]));
    let mut fix = romcompat();
    fix.args(["fix", "-", "--force", "--out"]).arg(&path);
    let output = fix.stdin(fs::File::open(&path).unwrap()).output().unwrap();
    assert_eq!(status(&output), 3, "{}", words(&output));
    assert!(
        words(&output).contains("it is an input"),
        "{}",
        words(&output)
    );
    assert!(fs::read(&path).unwrap() == changed(0x200, &[1]));
}

#[test]
fn no_command_takes_the_place_of_what_it_read() {
    let folder = TempDir::new().unwrap();
    let [old, new] = [1, 2].map(|release| {
        let copy = folder.path().join(format!("{release}.deb"));
        fs::copy(fixture(release), &copy).unwrap();
        copy
    });
    let [old_name, new_name] = [&old, &new].map(|path| path.to_str().unwrap());
    for path in [&old, &new] {
        let out = path.to_str().unwrap();
        stays(path, &["emit", "globals", old_name, new_name, "--out", out]);
    }
    stays(&old, &["check", old_name, "--write-baseline", old_name]);
    let built = folder.path().join("dist");
    let named = ["--package", "aa", "--package-version", "1"];
    assert_eq!(status(&build(&built, &named)), 0);
    let package = built.join("aa_1_all.deb");
    let name = package.to_str().unwrap();
    let out = ["build", name, "--out", built.to_str().unwrap()];
    stays(&package, &[&out[..], &named].concat());

    let text = "<domain type='kvm'><name>g</name><os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices/></domain>";
    let guest = file(&folder, "g.xml", text.as_bytes());
    let arguments = [
        "guests",
        guest.to_str().unwrap(),
        "--upgrade-machine",
        "pc-q35-8.0",
    ];
    let out = ["--out", folder.path().to_str().unwrap()];
    stays(&guest, &[&arguments[..], &out].concat());
}

#[test]
fn a_rom_that_no_device_can_have_is_refused_before_memory_is_taken_for_it() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.rom", &rom());
    let (input, out) = (path.to_str().unwrap(), folder.path().join("out"));
    for arguments in [
        ["pad", input, "--size", "1G"].as_slice(),
        &["pad", input, "--size", "2G", "--mode", "image"],
        &["pad", input, "--size", "32M", "--mode", "image"],
        &["join", input, "--size", "64M"],
    ] {
        let output = limited(&[arguments, &["--out", out.to_str().unwrap()]].concat());
        let text = words(&output);
        assert_eq!(status(&output), 1, "{arguments:?}: {text}");
        let limit = "more than the 16 MiB of the largest expansion ROM BAR";
        assert!(text.contains(limit), "{arguments:?}: {text}");
        assert!(text.contains("next: Give a size of at most 16M."), "{text}");
        assert!(!out.exists(), "{arguments:?} left output");
    }
}

/// What a command says on its way to an output in the folder.
fn said(folder: &TempDir, arguments: &[&str]) -> (i32, String) {
    let out = folder.path().join("out");
    let mut command = romcompat();
    command.args(arguments).arg("--force").arg("--out").arg(out);
    let output = command.output().unwrap();
    (status(&output), words(&output))
}

#[test]
fn a_refused_edit_says_what_where_and_what_to_do() {
    let folder = TempDir::new().unwrap();
    let good = file(&folder, "good.rom", &rom());
    let cut = file(&folder, "cut.rom", &rom()[..3072]);
    let (good, cut) = (good.to_str().unwrap(), cut.to_str().unwrap());
    let ids = ["--vendor", "8086", "--device", "100e"];
    for arguments in [
        vec!["fix", cut],
        [&["retarget", cut], &ids[..]].concat(),
        [&["retarget", good, "--image", "3"], &ids[..]].concat(),
        vec!["split", cut],
        vec!["join", good, cut],
        vec!["pad", good, "--size", "2K"],
    ] {
        let (status, text) = said(&folder, &arguments);
        assert_eq!(status, 1, "{arguments:?}: {text}");
        assert_eq!(text.matches("error").count(), 1, "{arguments:?}: {text}");
        assert_eq!(
            text.matches("\n  next: ").count(),
            1,
            "{arguments:?}: {text}"
        );
        if arguments.contains(&cut) {
            let place = "RC108 in image 2 at 0x800: ";
            assert!(text.contains(place), "{arguments:?}: {text}");
        }
    }
}

#[test]
fn an_edit_warns_of_what_is_wrong_and_stays() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.rom", &changed(0x200, &[1]));
    let name = path.to_str().unwrap();
    let retarget = ["retarget", name, "--vendor", "8086", "--device", "100e"];
    for arguments in [&retarget[..], &["split", name], &["join", name]] {
        let out = folder.path().join("out");
        let _ = fs::remove_dir_all(&out).or_else(|_| fs::remove_file(&out));
        let (status, text) = said(&folder, arguments);
        assert_eq!(status, 0, "{arguments:?}: {text}");
        assert!(text.contains("warning[RC111]: "), "{arguments:?}: {text}");
        assert!(text.contains("`romcompat fix`"), "{arguments:?}: {text}");
        let (status, text) = said(&folder, &[arguments, &["--deny", "RC111"]].concat());
        assert_eq!(status, 1, "{arguments:?}: {text}");
    }
}

#[test]
fn split_says_what_is_in_none_of_its_files() {
    let folder = TempDir::new().unwrap();
    let bytes = [rom(), b"more".to_vec()].concat();
    let path = file(&folder, "a.rom", &bytes);
    let (status, text) = said(&folder, &["split", path.to_str().unwrap()]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("warning[RC110]: "), "{text}");
    assert!(text.contains("a.rom is in none of the files"), "{text}");
}

#[test]
fn files_made_of_standard_input_have_a_name() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.rom", &rom());
    // The second image is not a driver, which no checksum mends.
    for (arguments, made, answer) in [
        (&["split", "-"][..], "standard-input.2.rom", 0),
        (&["fix", "-"], "standard-input.rom", 1),
    ] {
        let mut command = romcompat();
        command.args(arguments).arg("--out").arg(folder.path());
        let output = command.stdin(fs::File::open(&path).unwrap()).output();
        let output = output.unwrap();
        assert_eq!(status(&output), answer, "{}", words(&output));
        assert!(folder.path().join(made).exists(), "{}", words(&output));
    }
}

/// A driver for X64, as small as a PE can be.
fn driver() -> Vec<u8> {
    let mut pe = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| pe[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &[0x40]);
    put(0x40, b"PE\0\0\x64\x86");
    put(0x54, &[0xf0, 0, 0x22, 0x20]);
    put(0x58, &[0x0b, 0x02]);
    put(0x58 + 0x20, &[0, 0x10, 0, 0, 0, 2, 0, 0]);
    put(0x58 + 0x38, &[0, 0x10, 0, 0, 0, 2]);
    put(0x58 + 0x44, &[0x0b]);
    put(0x58 + 0x6c, &[0x10]);
    pe
}

#[test]
fn a_joined_executable_has_the_class_that_is_given_or_a_remark() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.efi", &driver());
    let ids = ["--vendor", "8086", "--device", "100e"];
    let join = [&["join", path.to_str().unwrap()], &ids[..]].concat();
    let (status, text) = said(&folder, &join);
    assert_eq!(status, 0, "{text}");
    assert!(
        text.contains("The class code of image 1 is 000000"),
        "{text}"
    );
    assert!(!text.contains("Old size"), "{text}");
    let (status, text) = said(&folder, &[&join[..], &["--class", "020000"]].concat());
    assert_eq!(status, 0, "{text}");
    assert!(!text.contains("class code"), "{text}");
    let joined = fs::read(folder.path().join("out")).unwrap();
    assert_eq!(joined[0x1c + 0x0d..0x1c + 0x10], [0, 0, 2]);
}
