//! A package of ROMs that guards their sizes in its own build.

use crate::common::{fixture, romcompat, status, words};
use crate::programs::write_script;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// How the package has itself guarded.
pub enum Guard {
    /// `dh $@ --with romcompat`.
    With,
    /// A build dependency on the sequence.
    BuildDepends,
    /// The lines that are copied into debian/rules.
    Lines,
}

/// The source of a package of ROMs, with a baseline of release 1.
pub fn source(guard: &Guard, release: u8) -> TempDir {
    let folder = TempDir::new().unwrap();
    let tree = folder.path().join("roms-1.0");
    let debian = tree.join("debian");
    fs::create_dir_all(debian.join("source")).unwrap();
    let mut unpack = Command::new("dpkg-deb");
    unpack
        .arg("-x")
        .arg(fixture(release))
        .arg(tree.join("files"));
    assert!(unpack.status().unwrap().success());
    let more = match guard {
        Guard::BuildDepends => ", dh-sequence-romcompat",
        _ => "",
    };
    let control = format!(
        "Source: example-roms\nSection: admin\nPriority: optional\nMaintainer: A B <a@example.org>\nBuild-Depends: debhelper-compat (= 13){more}\nStandards-Version: 4.6.2\nRules-Requires-Root: no\n\nPackage: example-roms\nArchitecture: all\nDescription: option ROMs\n For a test.\n"
    );
    let dh = "#!/usr/bin/make -f\n\n%:\n\tdh $@";
    let rules = match guard {
        Guard::With => format!("{dh} --with romcompat\n"),
        Guard::BuildDepends => format!("{dh}\n"),
        Guard::Lines => {
            let lines = fs::read_to_string(repository("debian-templates/guard/rules")).unwrap();
            format!("{dh}\n\n{}", lines.replace("PACKAGE", "example-roms"))
        }
    };
    write_script(&debian.join("rules"), &rules);
    for (name, text) in [
        ("control", &*control),
        ("install", "files/usr/share/qemu/*.rom usr/share/qemu\n"),
        (
            "changelog",
            "example-roms (1.0) unstable; urgency=medium\n\n  * x\n\n -- A B <a@example.org>  Mon, 23 Nov 2026 12:00:00 +0000\n",
        ),
        ("source/format", "3.0 (native)\n"),
    ] {
        fs::write(debian.join(name), text).unwrap();
    }
    let mut write = romcompat();
    write.args(["check", "--write-baseline"]);
    write.arg(debian.join("romcompat-baseline")).arg(fixture(1));
    assert_eq!(status(&write.output().unwrap()), 0);
    folder
}

/// Runs a program in the tree with the add-on where debhelper looks for it.
fn run(folder: &TempDir, command: &[&str]) -> Output {
    let add_on = folder.path().join("add-on");
    let sequence = add_on.join("Debian/Debhelper/Sequence");
    fs::create_dir_all(&sequence).unwrap();
    let files = repository("scripts/package.d/dh-romcompat");
    fs::copy(files.join("romcompat.pm"), sequence.join("romcompat.pm")).unwrap();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_romcompat"));
    let programs = program.parent().unwrap().display().to_string();
    let path = std::env::var("PATH").unwrap();
    Command::new(command[0])
        .args(&command[1..])
        .current_dir(folder.path().join("roms-1.0"))
        .env("PERL5LIB", &add_on)
        .env("PATH", format!("{programs}:{}:{path}", files.display()))
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

const BUILD: [&str; 5] = ["dpkg-buildpackage", "-us", "-uc", "-b", "-d"];

#[test]
#[ignore = "needs dpkg-dev and debhelper"]
fn a_rom_that_leaves_its_size_class_fails_the_build_with_the_table() {
    for guard in [Guard::With, Guard::BuildDepends, Guard::Lines] {
        let built = run(&source(&guard, 1), &BUILD);
        assert!(built.status.success(), "{}", words(&built));

        let refused = run(&source(&guard, 2), &BUILD);
        assert!(!refused.status.success());
        let text = words(&refused);
        for wanted in [
            "error[RC301]: efi-virtio.rom: QEMU will say `Size mismatch",
            "ROM ",
            "256K",
            "512K",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
    }
}

#[test]
#[ignore = "needs dpkg-dev and debhelper"]
fn a_source_without_a_baseline_guards_nothing_and_says_so() {
    let folder = source(&Guard::With, 1);
    let baseline = folder.path().join("roms-1.0/debian/romcompat-baseline");
    fs::remove_file(&baseline).unwrap();
    let refused = run(&folder, &BUILD);
    assert!(!refused.status.success());
    let wanted = "so nothing is guarded; dh_romcompat --update writes it";
    assert!(words(&refused).contains(wanted), "{}", words(&refused));
    // The refused build has made the package.
    let updated = run(&folder, &["dh_romcompat", "--update"]);
    assert!(updated.status.success(), "{}", words(&updated));
    assert!(
        folder
            .path()
            .join("roms-1.0/debian/example-roms.romcompat-baseline")
            .exists()
    );
    let built = run(&folder, &BUILD);
    assert!(built.status.success(), "{}", words(&built));
}

#[test]
#[ignore = "needs debhelper"]
fn the_baseline_of_a_source_that_was_never_built_asks_for_a_build() {
    let folder = source(&Guard::With, 1);
    let refused = run(&folder, &["dh_romcompat", "--update"]);
    assert!(!refused.status.success());
    let wanted =
        "debian/example-roms is not there: build the package first, by dpkg-buildpackage -b";
    assert!(words(&refused).contains(wanted), "{}", words(&refused));
}

#[test]
#[ignore = "needs dpkg-dev and debhelper"]
fn the_baseline_is_written_anew_where_a_rom_must_grow() {
    let folder = source(&Guard::With, 2);
    assert!(!run(&folder, &BUILD).status.success());
    let updated = run(&folder, &["dh_romcompat", "--update"]);
    assert!(updated.status.success(), "{}", words(&updated));
    let baseline = folder.path().join("roms-1.0/debian/romcompat-baseline");
    let text = fs::read_to_string(baseline).unwrap();
    let mut words_of = text
        .lines()
        .filter(|line| line.starts_with("efi-virtio.rom"));
    assert!(words_of.next().unwrap().ends_with("524288"), "{text}");
    assert!(run(&folder, &BUILD).status.success());
}
