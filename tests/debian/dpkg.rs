//! Packages that dpkg-deb takes and refuses: those that dpkg's own tests make,
//! and more, made by hand. What it refuses must be refused, and what it takes
//! must be taken.

use crate::fetched::{source, tool};
use romcompat::deb::{BinaryPackage, VisitError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Packages about which we differ, each with the reason: the end of the name,
/// and whether dpkg-deb takes it.
const DIFFERENCES: [(&str, bool, &str); 9] = [
    ("pkg-old.deb", true, OLD_FORMAT),
    ("pkg-old-templ.deb", true, OLD_FORMAT),
    ("pkg-old-0931.deb", true, OLD_FORMAT),
    ("pkg-old-0932.deb", true, OLD_FORMAT),
    ("pkg-old-0933.deb", true, OLD_FORMAT),
    (
        "pkg-data-lzma.deb",
        true,
        "lzma, which came before xz, is not read",
    ),
    ("hand/escape-in-section", true, SHOWN),
    ("hand/no-utf8-in-source", true, SHOWN),
    ("hand/nul-in-source", true, SHOWN),
];
const OLD_FORMAT: &str = "the format before 1995; no package of ROMs is in it";
const SHOWN: &str = "the field goes into packages and messages";

/// Whether dpkg-deb reads a package with each of its commands.
fn dpkg_takes(deb: &Path) -> bool {
    let folder = TempDir::new().unwrap();
    let runs = |arguments: &[&dyn AsRef<std::ffi::OsStr>]| {
        let mut command = Command::new("dpkg-deb");
        command.args(arguments.iter().map(|argument| argument.as_ref()));
        command.output().unwrap().status.success()
    };
    runs(&[&"--info", &deb])
        && runs(&[&"--field", &deb, &"Package", &"Version"])
        && runs(&[&"--contents", &deb])
        && runs(&[&"--fsys-tarfile", &deb])
        && runs(&[&"--extract", &deb, &folder.path().join("x")])
}

fn we_take(deb: &Path) -> Result<(), String> {
    let bytes = fs::read(deb).unwrap();
    let package = BinaryPackage::read(&bytes).map_err(|error| error.to_string())?;
    let visited = package.for_each_entry(|_, content| io::copy(content, &mut io::sink()).map(drop));
    visited.map_err(|error| match error {
        VisitError::Deb(error) => error.to_string(),
        VisitError::Visitor(error) => error.to_string(),
    })
}

/// Asks both about each package, and prints and compares the answers.
fn compare(debs: &[PathBuf]) {
    let (mut taken, mut refused, mut listed) = (0, 0, 0);
    let mut wrong = Vec::new();
    for deb in debs {
        let theirs = dpkg_takes(deb);
        let ours = we_take(deb);
        let differs = DIFFERENCES
            .iter()
            .find(|(end, ..)| deb.with_extension("").ends_with(end) || deb.ends_with(end));
        match (theirs == ours.is_ok(), differs) {
            (true, None) if theirs => taken += 1,
            (true, None) => refused += 1,
            (false, Some((_, by_dpkg, reason))) if *by_dpkg == theirs => {
                println!("{}: dpkg-deb {theirs}: {reason}", deb.display());
                listed += 1;
            }
            _ => wrong.push(format!("{}: dpkg-deb {theirs}, we {ours:?}", deb.display())),
        }
    }
    println!(
        "{} packages: {taken} taken and {refused} refused as dpkg-deb does, {listed} listed differences",
        debs.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn below(folder: &Path, found: &mut Vec<PathBuf>, is_wanted: &dyn Fn(&Path) -> bool) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if is_wanted(&path) {
            found.push(path.clone());
        }
        if path.is_dir() && !path.is_symlink() {
            below(&path, found, is_wanted);
        }
    }
    found.sort();
}

#[test]
#[ignore = "needs fetched sources and dpkg-deb"]
fn the_packages_of_dpkgs_tests_are_taken_and_refused_as_dpkg_deb_does() {
    let work = TempDir::new().unwrap();
    tool("tar", &[&"-xf", &source("dpkg"), &"-C", &work.path()]);
    let mut sources = fs::read_dir(work.path()).unwrap();
    let top = sources.next().unwrap().unwrap().path();
    let suite = work.path().join("suite");
    fs::create_dir(&suite).unwrap();
    fs::copy(top.join("src/at/testsuite"), suite.join("testsuite")).unwrap();
    // What dpkg's own build would write, for the dpkg-deb of this machine.
    let local = fs::read_to_string(top.join("src/at/atlocal.in")).unwrap();
    let local = local
        .replace("@abs_top_builddir@/src", "/usr/bin")
        .replace("@SED@", "sed")
        .replace("@PERL@", "perl")
        .replace("@prefix@", "/usr")
        .replace("@admindir@", "/var/lib/dpkg")
        .replace("@abs_top_srcdir@/src", "/usr/share/dpkg");
    fs::write(suite.join("atlocal"), local).unwrap();
    let config = format!(
        "at_testdir='.'\nabs_builddir='{0}'\nat_srcdir='.'\nabs_srcdir='{0}'\n\
         at_top_srcdir='{1}'\nabs_top_srcdir='{1}'\nat_top_build_prefix='./'\n\
         abs_top_builddir='{0}'\nat_top_builddir='./'\nEXEEXT=''\nAUTOTEST_PATH='/usr/bin'\n\
         SHELL=${{CONFIG_SHELL-'/bin/sh'}}\n",
        suite.display(),
        top.display()
    );
    fs::write(suite.join("atconfig"), config).unwrap();
    let mut run = Command::new("sh");
    run.current_dir(&suite)
        .args(["./testsuite", "-d", "-k", "deb", "-k", "deb-old"]);
    let output = run.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let mut debs = Vec::new();
    below(&suite, &mut debs, &|path| {
        path.extension().is_some_and(|extension| extension == "deb")
    });
    assert!(debs.len() > 30, "{}", debs.len());

    let mut folders = Vec::new();
    below(&top.join("tests"), &mut folders, &|path| {
        path.join("DEBIAN").is_dir()
    });
    for (number, folder) in folders.iter().enumerate() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let deb = work.path().join(format!("{number}-{name}.deb"));
        let options = ["--nocheck", "--root-owner-group", "-Zgzip", "-b"];
        let mut build = Command::new("dpkg-deb");
        let output = build.args(options).arg(folder).arg(&deb).output().unwrap();
        assert!(output.status.success(), "{}", folder.display());
        debs.push(deb);
    }
    assert!(folders.len() > 200, "{}", folders.len());
    compare(&debs);
}

const CONTROL: &str = "Package: aa\nVersion: 1\nMaintainer: A <a@b>\n";

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let header = format!(
        "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
        0,
        0,
        0,
        100_644,
        content.len()
    );
    let padding = &b"\n"[..content.len() % 2];
    [header.as_bytes(), content, padding].concat()
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let members = members
        .iter()
        .flat_map(|(name, content)| member(name, content));
    b"!<arch>\n".iter().copied().chain(members).collect()
}

/// Packages whose members are other ones, in another order, or cut.
fn of_members() -> Vec<(String, Vec<u8>)> {
    let format: (&str, &[u8]) = ("debian-binary", b"2.0\n");
    let control = tar(&[("./control", CONTROL.as_bytes())]);
    let control: (&str, &[u8]) = ("control.tar", &control);
    let data = tar(&[("./usr/f", b"hi\n")]);
    let data: (&str, &[u8]) = ("data.tar", &data);
    let empty = tar(&[]);
    let mut debs = Vec::new();
    let mut add = |name: &str, members: &[(&str, &[u8])]| {
        debs.push((name.to_owned(), archive(members)));
    };
    add("plain", &[format, control, data]);
    for (name, text) in [
        ("2.9-and-more-lines", &b"2.9\nmore\nlines"[..]),
        ("2.0-cr", b"2.0\r\n"),
        ("2.0-blank", b"2.0 \n"),
        ("2.0-nul", b"2.0\0\n"),
        ("2-no-line-end", b"2.0"),
        ("2-no-minor", b"2.\n"),
        ("2-no-dot", b"2\n"),
        ("3.0", b"3.0\n"),
        ("1.0", b"1.0\n"),
        ("02.0", b"02.00\n"),
        ("+2.0", b"+2.0\n"),
        ("2.2147483647", b"2.2147483647\n"),
        ("2.2147483648", b"2.2147483648\n"),
        ("no-format", b""),
    ] {
        add(name, &[("debian-binary", text), control, data]);
    }
    let other: (&str, &[u8]) = ("other", b"x");
    let ignored: (&str, &[u8]) = ("_other", b"x");
    add("before-the-format", &[other, format, control, data]);
    add(
        "ignored-before-the-format",
        &[ignored, format, control, data],
    );
    add("other-before-control", &[format, other, control, data]);
    add("ignored-before-control", &[format, ignored, control, data]);
    add("other-before-data", &[format, control, other, data]);
    add(
        "ignored-before-data",
        &[format, control, ignored, ignored, data],
    );
    add("other-behind", &[format, control, data, other]);
    add("control-behind", &[format, control, data, control]);
    add("data-twice", &[format, control, data, data]);
    add("format-twice", &[format, format, control, data]);
    add("two-controls", &[format, control, control, data]);
    add(
        "two-controls-with-one-between",
        &[format, control, ignored, control, data],
    );
    add("no-control", &[format, data]);
    add("no-data", &[format, control]);
    add("swapped", &[format, data, control]);
    add("empty-data", &[format, control, ("data.tar", b"")]);
    add(
        "data-without-files",
        &[format, control, ("data.tar", &empty)],
    );
    add("empty-control", &[format, ("control.tar", b""), data]);
    add(
        "control-without-files",
        &[format, ("control.tar", &empty), data],
    );
    for name in [
        "debian-binary/",
        "debian-binary//",
        "Debian-binary",
        "debian-binar",
    ] {
        add(
            &format!("format-named-{}", name.replace('/', "-slash")),
            &[(name, format.1), control, data],
        );
    }
    for name in [
        "control.tar/",
        "control.tar.",
        "control.tarx",
        "control.tar.lz",
        "control.tar.GZ",
    ] {
        add(
            &format!("control-named-{}", name.replace('/', "-slash")),
            &[format, (name, control.1), data],
        );
        let of_data = name.replace("control", "data");
        add(
            &format!("data-named-{}", of_data.replace('/', "-slash")),
            &[format, control, (&of_data, data.1)],
        );
    }
    let long = [format, control]
        .into_iter()
        .chain([ignored; 20])
        .chain([data]);
    add("twenty-ignored", &long.collect::<Vec<_>>());

    let whole = archive(&[format, control, data]);
    let mut end = |name: &str, bytes: Vec<u8>| debs.push((name.to_owned(), bytes));
    end("garbage-behind", [&whole[..], b"garbage"].concat());
    end("cut-by-one", whole[..whole.len() - 1].to_vec());
    end("cut-in-data", whole[..whole.len() - 600].to_vec());
    end("cut-in-header", whole[..80].to_vec());
    end("magic-alone", whole[..8].to_vec());
    let odd = archive(&[format, control, ("data.tar", &[data.1, b"\0"].concat())]);
    end("odd-data-without-padding", odd[..odd.len() - 1].to_vec());
    for (name, at, text) in [
        ("size-with-blanks-before", 56, "  4       "),
        ("size-with-text-behind", 56, "4 x       "),
        ("size-none", 56, "          "),
        ("size-negative", 56, "-4        "),
        ("size-hex", 56, "0x4       "),
        ("size-huge", 56, "9999999999"),
        ("header-end", 66, "``"),
        ("date-of-letters", 24, "abc"),
    ] {
        let mut bytes = whole.clone();
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        end(name, bytes);
    }
    debs
}

/// Packages whose data has another compression than their names say.
fn of_compressions(work: &Path) -> Vec<(String, Vec<u8>)> {
    let data = tar(&[("./usr/f", b"hi\n")]);
    let control = tar(&[("./control", CONTROL.as_bytes())]);
    let programs = [
        ("", ""),
        (".gz", "gzip"),
        (".xz", "xz"),
        (".zst", "zstd"),
        (".bz2", "bzip2"),
    ];
    let packed = |program: &str, bytes: &[u8]| {
        let file = work.join("packed");
        fs::write(&file, bytes).unwrap();
        match program {
            "" => bytes.to_vec(),
            program => {
                let output = Command::new(program).arg("-c").arg(&file).output().unwrap();
                output.stdout
            }
        }
    };
    let mut debs = Vec::new();
    for (extension, _) in programs {
        for (_, program) in programs {
            let members = [
                ("debian-binary".to_owned(), b"2.0\n".to_vec()),
                (format!("control.tar{extension}"), packed(program, &control)),
                ("data.tar".to_owned(), data.clone()),
            ];
            for (changed, plain) in [(1, 2), (2, 1)] {
                let mut members = members.clone();
                let of_control = (members[1].0.clone(), members[1].1.clone());
                if changed == 2 {
                    members[plain] = ("control.tar".to_owned(), control.clone());
                    members[2] = (
                        of_control.0.replace("control", "data"),
                        packed(program, &data),
                    );
                }
                let members: Vec<_> = members.iter().map(|(n, b)| (&**n, &**b)).collect();
                let name = format!("member-{changed}-named{extension}-is-{program}");
                debs.push((name, archive(&members)));
            }
        }
    }
    debs
}

/// Packages with other control files.
fn of_controls() -> Vec<(String, Vec<u8>)> {
    let data = tar(&[("./usr/f", b"hi\n")]);
    let deb = |control: &[u8]| {
        let control = tar(&[("./control", control)]);
        archive(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar", &control),
            ("data.tar", &data),
        ])
    };
    let mut debs = Vec::new();
    // In the place of the whole text.
    for (name, text) in [
        ("empty", ""),
        ("blank", "\n\n"),
        ("lines-before", "\n\nPackage: aa\nVersion: 1\n"),
        ("lines-behind", "Package: aa\nVersion: 1\n\n\n"),
        ("least", "Package: aa\nVersion: 1\n"),
        ("crlf", "Package: aa\r\nVersion: 1\r\n"),
        ("blank-before-colon", "Package : aa\nVersion:1\n"),
        ("lower-case", "package: aa\nVERSION: 1\n"),
        ("no-package", "Version: 1\n"),
        ("no-version", "Package: aa\n"),
        ("empty-package", "Package:\nVersion: 1\n"),
        ("empty-version", "Package: aa\nVersion:\n"),
        ("folded-version", "Package: aa\nVersion:\n 1\n"),
        ("no-line-end", "Package: aa\nVersion: 1"),
        ("no-line-end-in-a-name", "Package: aa\nVersion: 1\nXx"),
        ("name-of-one-letter", "Package: a\nVersion: 1\n"),
        ("name-in-upper-case", "Package: Aa_b\nVersion: 1\n"),
        ("name-with-a-slash", "Package: a/b\nVersion: 1\n"),
        ("name-with-a-dot-first", "Package: .a\nVersion: 1\n"),
        ("version-with-a-blank", "Package: aa\nVersion: 1 2\n"),
        ("version-of-letters", "Package: aa\nVersion: a\n"),
        ("version-with-an-underscore", "Package: aa\nVersion: 1_2\n"),
        ("version-without-a-revision", "Package: aa\nVersion: 1-\n"),
        ("version-of-a-revision", "Package: aa\nVersion: -1\n"),
        ("version-with-an-epoch", "Package: aa\nVersion: 1:2-3~4+5\n"),
        ("epoch-of-letters", "Package: aa\nVersion: a:2\n"),
        ("epoch-negative", "Package: aa\nVersion: -1:2\n"),
        ("epoch-largest", "Package: aa\nVersion: 2147483647:2\n"),
        ("epoch-too-large", "Package: aa\nVersion: 2147483648:2\n"),
        ("epoch-alone", "Package: aa\nVersion: 1:\n"),
    ] {
        debs.push((name.to_owned(), deb(text.as_bytes())));
    }
    // Behind a good text.
    for (name, more) in [
        ("second-paragraph", &b"\nPackage: bb\nVersion: 1\n"[..]),
        ("comment", b"# a comment\n"),
        ("comment-like-a-field", b"#a: x\n"),
        ("line-without-a-colon", b"Xx yy\n"),
        ("field-without-a-name", b": x\n"),
        ("field-with-a-hyphen", b"-Xx: y\n"),
        ("field-of-one-letter", b"X: y\n"),
        ("field-without-a-value", b"Xx:\n"),
        ("known-field-twice", b"Version: 2\n"),
        ("known-field-twice-in-lower-case", b"version: 2\n"),
        ("other-field-twice", b"Xx: 1\nxX: 2\n"),
        ("blank-line-in-a-value", b"Description: x\n \n y\n"),
        ("blank-line-behind-a-value", b"Description: x\n \n"),
        ("dot-in-a-value", b"Description: x\n .\n\ty\n"),
        ("escape-in-section", b"Section: a\x1b[2J\n"),
        ("no-utf8-in-source", b"Source: a\xff\n"),
        ("nul-in-source", b"Source: a\0b\n"),
        ("escape-elsewhere", b"Xx: a\x1b\xff\n"),
        ("depends", b"Depends: a (>= 1) | b, c:any,\n d (<< 2)\n"),
        ("depends-obsolete", b"Depends: a (> 1), b (< 2), c (3)\n"),
        ("depends-open", b"Depends: a (\n"),
        ("depends-no-version", b"Depends: a (>= )\n"),
        ("depends-wrong-version", b"Depends: a (>= x)\n"),
        ("depends-wrong-comparison", b"Depends: a (<> 1)\n"),
        ("depends-comma-last", b"Depends: a,\n"),
        ("depends-comma-first", b"Depends: , a\n"),
        ("depends-bar-last", b"Depends: a |\n"),
        ("depends-architectures", b"Depends: a [amd64]\n"),
        ("depends-two-names", b"Depends: a b\n"),
        ("depends-no-architecture", b"Depends: a:\n"),
        ("depends-wrong-name", b"Depends: a\xc3\xa9\n"),
        ("depends-empty", b"Depends:\n"),
        ("breaks-alternatives", b"Breaks: a | b\n"),
        ("conflicts-alternatives", b"Conflicts: a | b\n"),
        ("replaces-alternatives", b"Replaces: a | b\n"),
        ("provides-alternatives", b"Provides: a | b\n"),
        ("provides", b"Provides: a (= 1), b\n"),
        ("recommended", b"Recommended: a (\n"),
        ("optional", b"Optional: a,\n"),
        ("built-using", b"Built-Using: nonsense (\n"),
        ("essential", b"Essential: yes\nProtected: no\n"),
        ("essential-upper-case", b"Essential: YES\n"),
        ("essential-wrong", b"Essential: maybe\n"),
        ("essential-empty", b"Essential:\n"),
        ("protected-wrong", b"Protected: maybe\n"),
        ("multi-arch-wrong", b"Multi-Arch: some\n"),
        (
            "multi-arch-same",
            b"Multi-Arch: same\nArchitecture: amd64\n",
        ),
        (
            "multi-arch-same-all",
            b"Multi-Arch: same\nArchitecture: all\n",
        ),
        ("multi-arch-same-of-none", b"Multi-Arch: same\n"),
        (
            "multi-arch-foreign",
            b"Multi-Arch: foreign\nArchitecture: all\n",
        ),
        ("status", b"Status: install ok installed\n"),
        ("config-version", b"Config-Version: 1\n"),
        ("triggers-pending", b"Triggers-Pending: a\n"),
        ("triggers-awaited", b"Triggers-Awaited: a\n"),
        ("priority", b"Priority: whatever\nBugs:\nOrigin: x y\n"),
        ("maintainer-twice", b"Maintainer: B <b@c>\n"),
    ] {
        debs.push((name.to_owned(), deb(&[CONTROL.as_bytes(), more].concat())));
    }
    debs
}

#[test]
#[ignore = "needs dpkg-deb"]
fn packages_made_by_hand_are_taken_and_refused_as_dpkg_deb_does() {
    let work = TempDir::new().unwrap();
    let folder = work.path().join("hand");
    fs::create_dir(&folder).unwrap();
    let all = [of_members(), of_compressions(work.path()), of_controls()].concat();
    let mut debs = Vec::new();
    for (name, bytes) in all {
        let path = folder.join(&name);
        assert!(!debs.contains(&path), "{name} is there twice");
        fs::write(&path, bytes).unwrap();
        debs.push(path);
    }
    compare(&debs);
}
