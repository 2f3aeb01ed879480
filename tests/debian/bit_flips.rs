//! Bits that are wrong in packages and saved guests: an error, as it is for the
//! program that they are made for, and never other bytes with status 0.
//!
//! Under no sum, and so not tried here: states that are not compressed, the
//! head of a save file with the definition, and the members' headers of a .deb.

use crate::common::{romcompat, words};
use crate::fetched::{package, tool, unpack};
use crate::flips::{flipped, rom_of};
use crate::states;
use romcompat::romset::{self, RomFile};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Packs data by a program, such as `xz -9`.
fn packed(command: &[&str], data: &[u8]) -> Vec<u8> {
    let mut program = Command::new(command[0]);
    let program = program.args(&command[1..]).arg("-c");
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let data = data.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&data).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

fn ok(program: &str, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|a| a.as_ref()));
    let output = command.stdout(Stdio::null()).stderr(Stdio::null());
    output.status().unwrap().success()
}

fn roms(bytes: Vec<u8>) -> Result<Vec<RomFile>, String> {
    let set = romset::read("input", bytes).map_err(|error| error.to_string())?;
    Ok(set.roms)
}

/// A package of a few of Debian's ROMs, with its archives packed by a program.
fn deb(command: &[&str], extension: &str, folder: &Path) -> (Vec<u8>, usize) {
    let at = |name: &str| folder.join(name);
    let root = unpack(&package("bookworm", "ipxe-qemu"));
    fs::create_dir_all(at("root/usr/share")).unwrap();
    for name in ["pxe-virtio.rom", "efi-e1000.rom"] {
        let from = root.path().join("usr/lib/ipxe/qemu").join(name);
        fs::copy(from, at("root/usr/share").join(name)).unwrap();
    }
    let control = "Package: roms\nVersion: 1\nArchitecture: all\n\
                   Maintainer: A Maintainer <a@example.org>\nDescription: ROMs\n";
    fs::create_dir_all(at("control")).unwrap();
    fs::write(at("control/control"), control).unwrap();
    let mut members = vec!["debian-binary".to_owned()];
    fs::write(at("debian-binary"), "2.0\n").unwrap();
    let mut start = 0;
    for (member, root) in [("control", "control"), ("data", "root")] {
        let tar = at("archive.tar");
        tool("tar", &[&"-cf", &tar, &"-C", &at(root), &"."]);
        // dpkg takes a control archive in bzip2 no more, and never wrote one.
        let (command, extension) = match (member, extension) {
            ("control", "bz2") => (&["gzip", "-9n"][..], "gz"),
            _ => (command, extension),
        };
        let packed = packed(command, &fs::read(&tar).unwrap());
        let name = format!("{member}.tar.{extension}");
        fs::write(at(&name), &packed).unwrap();
        start = packed.len();
        members.push(name);
    }
    let file = at("roms.deb");
    let mut paths: Vec<_> = vec![file.clone()];
    paths.extend(members.iter().map(|name| at(name)));
    fs::remove_file(&file).ok();
    let mut arguments: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"-qcSD"];
    arguments.extend(paths.iter().map(|path| path as &dyn AsRef<_>));
    tool("ar", &arguments);
    let bytes = fs::read(&file).unwrap();
    // A member of odd length has a byte behind it.
    let from = bytes.len() - start.next_multiple_of(2);
    (bytes, from)
}

#[test]
#[ignore = "needs fetched ROMs, dpkg-deb, xz, gzip, zstd and bzip2"]
fn of_a_thousand_flipped_bits_of_packages_none_gives_other_roms() {
    let folder = TempDir::new().unwrap();
    for (command, extension) in [
        (&["xz", "-6"][..], "xz"),
        (&["gzip", "-9n"], "gz"),
        (&["zstd", "-19"], "zst"),
        (&["bzip2", "-9"], "bz2"),
    ] {
        let (whole, from) = deb(command, extension, folder.path());
        let file = folder.path().join("changed.deb");
        fs::write(&file, &whole).unwrap();
        assert!(ok("dpkg-deb", &[&"--contents", &file]), "{extension}");
        let wanted = roms(whole.clone()).unwrap();
        assert_eq!(wanted.len(), 2);
        let (mut refused, mut by_dpkg) = (0, 0);
        for (at, changed) in flipped(&whole, from, 250) {
            fs::write(&file, &changed).unwrap();
            let found = roms(changed);
            let is_taken = ok("dpkg-deb", &[&"--contents", &file]);
            by_dpkg += usize::from(!is_taken);
            refused += usize::from(found.is_err());
            if let Ok(found) = found {
                assert_eq!(found, wanted, "{extension} {at:#x}");
                assert!(is_taken, "dpkg-deb refuses {extension} {at:#x}");
            }
        }
        println!("{extension}: of 250 flipped bits {refused} are refused, {by_dpkg} by dpkg-deb");
        assert!(refused > 240);
    }
}

#[test]
#[ignore = "needs fetched ROMs, rpmbuild and rpm2cpio"]
fn of_flipped_bits_of_rpms_none_gives_other_roms() {
    let root = unpack(&package("bookworm", "ipxe-qemu"));
    let from = root.path().join("usr/lib/ipxe/qemu");
    let few = TempDir::new().unwrap();
    for name in ["pxe-virtio.rom", "pxe-e1000.rom", "efi-e1000.rom"] {
        fs::copy(from.join(name), few.path().join(name)).unwrap();
    }
    for payload in ["w9.gzdio", "w6.xzdio", "w19.zstdio", "w9.bzdio"] {
        let work = TempDir::new().unwrap();
        let rpm = crate::rpm::rpm_of(few.path(), work.path(), payload, "true");
        let whole = fs::read(rpm).unwrap();
        let wanted = roms(whole.clone()).unwrap();
        let mut refused = 0;
        for (at, changed) in flipped(&whole, 96, 100) {
            match roms(changed) {
                Ok(found) => assert_eq!(found, wanted, "{payload} {at:#x}"),
                Err(_) => refused += 1,
            }
        }
        println!("{payload}: of 100 flipped bits {refused} are refused");
    }
}

/// The ROMs that `state` takes out of a file, where its status is 0.
fn extracted(file: &Path, out: &Path) -> Result<Vec<u8>, String> {
    fs::remove_dir_all(out).ok();
    let mut command = romcompat();
    let command = command
        .arg("state")
        .arg(file)
        .arg("--extract-roms")
        .arg(out);
    let output = command.output().unwrap();
    if !output.status.success() {
        let is_refused = matches!(output.status.code(), Some(1 | 3));
        assert!(is_refused, "{output:?}");
        return Err(words(&output));
    }
    let mut names = fs::read_dir(out).unwrap();
    Ok(fs::read(names.next().unwrap().unwrap().path()).unwrap())
}

#[test]
#[ignore = "needs gzip, bzip2, xz, lzop and zstd"]
fn of_a_thousand_flipped_bits_of_saved_guests_none_gives_other_roms() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let rom = rom_of(60);
    let stream = states::of(&[(states::BLOCK, 0x8000, rom)]);
    for (format, command) in [
        (1, &["gzip"][..]),
        (2, &["bzip2"]),
        (3, &["xz"]),
        (4, &["lzop"]),
        (5, &["zstd"]),
    ] {
        let data = packed(command, &stream);
        let whole = states::save_of(format, &data);
        let from = whole.len() - data.len();
        let file = at("changed.save");
        fs::write(&file, &whole).unwrap();
        let wanted = extracted(&file, &at("roms")).unwrap();
        let (mut refused, mut by_theirs) = (0, 0);
        for (place, changed) in flipped(&whole, from, 200) {
            fs::write(&file, &changed).unwrap();
            fs::write(at("changed"), &changed[from..]).unwrap();
            let found = extracted(&file, &at("roms"));
            let mut theirs = Command::new(command[0]);
            let theirs = theirs
                .arg("-t")
                .stdin(fs::File::open(at("changed")).unwrap());
            let is_taken = theirs.output().unwrap().status.success();
            refused += usize::from(found.is_err());
            by_theirs += usize::from(!is_taken);
            if let Ok(found) = found {
                assert!(found == wanted, "{command:?} {place:#x}");
                assert!(is_taken, "{command:?} refuses {place:#x}");
            }
        }
        println!("{command:?}: of 200 flipped bits {refused} are refused, {by_theirs} by itself");
        assert!(refused > 190, "{command:?}");
    }
}
