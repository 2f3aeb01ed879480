//! What goes to an archive: uploads, source packages, templates, and a package
//! that takes the place of another.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{fixture, romcompat, status, words};
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

fn run(command: &str, out: &Path, more: &[&dyn AsRef<OsStr>]) -> Output {
    let mut program = romcompat();
    program.arg(command).args([fixture(1), fixture(2)]);
    program.arg("--out").arg(out);
    program.args(more.iter().map(|argument| argument.as_ref()));
    program.output().unwrap()
}

/// The text of the file whose name ends so.
fn text(folder: &Path, end: &str) -> String {
    fs::read_to_string(path(folder, end)).unwrap()
}

fn path(folder: &Path, end: &str) -> PathBuf {
    let mut paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .find(|path| path.to_str().unwrap().ends_with(end))
        .unwrap_or_else(|| panic!("nothing ends with {end}"))
}

fn is_refused(output: &Output, wanted: i32, wanted_words: &str, out: &Path) {
    let text = words(output);
    assert_eq!(status(output), wanted, "{text}");
    assert!(text.contains(wanted_words), "{wanted_words} in {text}");
    assert!(!out.exists(), "nothing is written");
}

#[test]
fn an_upload_has_the_sums_of_what_it_lists() {
    let out = TempDir::new().unwrap();
    let output = run("build", out.path(), &[&"--changes"]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    let changes = text(out.path(), ".changes");
    for end in ["_all.deb", ".buildinfo"] {
        let listed = path(out.path(), end);
        let bytes = fs::read(&listed).unwrap();
        let name = listed.file_name().unwrap().to_str().unwrap();
        let line = format!(
            " {} {} {name}\n",
            romcompat::romset::sha256_hex(&bytes),
            bytes.len()
        );
        assert!(changes.contains(&line), "{line} in {changes}");
    }
    assert!(changes.starts_with("Format: 1.8\n"), "{changes}");
    assert!(
        changes.contains("\nChanges:\n example-roms-256k-compat-efi-roms (1.0-1c1) unstable; urgency=medium\n .\n   * Option ROMs of\n"),
        "{changes}"
    );
    let buildinfo = text(out.path(), ".buildinfo");
    assert!(buildinfo.contains("\nArchitecture: all\n"), "{buildinfo}");
}

#[test]
fn a_key_that_gpg_does_not_have_ends_it_before_anything_is_written() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    let mut program = romcompat();
    program.env("GNUPGHOME", folder.path());
    program.arg("build").args([fixture(1), fixture(2)]);
    program.arg("--out").arg(&out);
    let output = program
        .args(["--changes", "--sign", "nobody@example.org"])
        .output()
        .unwrap();
    let wanted = "nothing was signed with key `nobody@example.org`, and nothing written: gpg says `clear-sign failed: No secret key`; ";
    is_refused(&output, 3, wanted, &out);
    let next = "`gpg --list-secret-keys` lists the keys";
    assert!(words(&output).contains(next), "{}", words(&output));
}

#[test]
fn a_source_package_with_a_revision_has_an_upstream_archive_and_another_is_native() {
    let out = TempDir::new().unwrap();
    let output = run("source", out.path(), &[]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    let dsc = text(out.path(), ".dsc");
    assert!(dsc.starts_with("Format: 3.0 (quilt)\n"), "{dsc}");
    path(out.path(), "_1.0.orig.tar.xz");
    path(out.path(), "_1.0-1c1.debian.tar.xz");

    let out = TempDir::new().unwrap();
    let vcs = "https://example.org/roms.git";
    let more: &[&dyn AsRef<OsStr>] = &[&"--package-version", &"2.0", &"--vcs-git", &vcs];
    let output = run("source", out.path(), more);
    assert_eq!(status(&output), 0, "{}", words(&output));
    let dsc = text(out.path(), ".dsc");
    assert!(dsc.starts_with("Format: 3.0 (native)\n"), "{dsc}");
    assert!(dsc.contains(&format!("\nVcs-Git: {vcs}\n")), "{dsc}");
    path(out.path(), "_2.0.tar.xz");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 2);
}

#[test]
fn a_rom_with_any_name_is_a_rom_in_the_source_package() {
    let folder = TempDir::new().unwrap();
    let roms = folder.path().join("roms");
    fs::create_dir(&roms).unwrap();
    let fixture = romcompat::romset::read("old", fs::read(fixture(1)).unwrap()).unwrap();
    fs::write(roms.join("vgabios-stdvga.bin"), fixture.roms[0].bytes()).unwrap();
    let terms = folder.path().join("terms");
    fs::write(&terms, "terms").unwrap();
    let out = folder.path().join("dist");
    let mut program = romcompat();
    program.env("SOURCE_DATE_EPOCH", "1700000000");
    program.arg("source").arg(&roms).arg("--out").arg(&out);
    program.arg("--copyright").arg(&terms);
    let output = program
        .args([
            "--package-version",
            "1.0",
            "--maintainer",
            "A B <a@example.org>",
        ])
        .output()
        .unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let bytes = fs::read(path(&out, ".tar.xz")).unwrap();
    let mut tar = tar::Archive::new(xz2::read::XzDecoder::new(&*bytes));
    let paths: Vec<PathBuf> = tar
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().into_owned())
        .collect();
    let wanted = "qemu-256k-compat-roms-1.0/roms/compat-256k-vgabios-stdvga.bin";
    assert!(paths.iter().any(|path| path.ends_with(wanted)), "{paths:?}");
}

#[test]
fn the_source_of_ipxe_is_an_archive_and_its_package_has_a_revision() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    let archive = folder.path().join("ipxe");
    fs::write(&archive, "plain").unwrap();
    let output = run("source", &out, &[&"--from-ipxe", &archive]);
    is_refused(&output, 3, "it begins like no archive", &out);
    fs::write(&archive, b"\x1f\x8b").unwrap();
    let more: &[&dyn AsRef<OsStr>] = &[&"--from-ipxe", &archive, &"--package-version", &"2.0"];
    let output = run("source", &out, more);
    is_refused(&output, 2, "give `--package-version 2.0-1`", &out);
    // The ROMs of the fixtures are not iPXE's.
    let output = run("source", &out, &[&"--from-ipxe", &archive]);
    is_refused(&output, 3, "iPXE's source does not make it", &out);
}

#[test]
fn the_built_in_templates_can_be_written_and_change_nothing() {
    let folder = TempDir::new().unwrap();
    let templates = folder.path().join("templates");
    let export = || {
        let mut program = romcompat();
        program.args(["templates", "export"]).arg(&templates);
        program.output().unwrap()
    };
    assert_eq!(status(&export()), 0);
    let again = export();
    assert_eq!(status(&again), 3);
    assert!(words(&again).contains("it is there already"));

    let deb = |out: &Path, more: &[&dyn AsRef<OsStr>]| {
        let output = run("build", out, more);
        assert_eq!(status(&output), 0, "{}", words(&output));
        fs::read(path(out, ".deb")).unwrap()
    };
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let same = deb(&one, &[]) == deb(&two, &[&"--templates", &templates]);
    assert!(same, "the templates are those that are built in");

    fs::write(templates.join("description"), "Our own words.\n").unwrap();
    let out = folder.path().join("three");
    deb(&out, &[&"--templates", &templates, &"--changes"]);
}

#[test]
fn a_template_that_cannot_be_used_is_named_before_anything_is_written() {
    for (name, content, wanted) in [
        (
            "changelog",
            "one\n{{ pakage }}\n",
            "templates/changelog, line 2: there is no variable `pakage`; there are ",
        ),
        (
            "control",
            "{% if homepage %}\n",
            "templates/control, line 1: ",
        ),
        (
            "source/install",
            "a\n\n{{ pakage }}\n",
            "templates/source/install, line 3: there is no variable `pakage`",
        ),
        (
            "hook/script",
            "true\n",
            "templates/hook/script, line 1: it is a program, and its first line must begin with `#!`",
        ),
        (
            "source/control",
            "",
            "templates/source/control, line 1: it gives an empty text",
        ),
        (
            "source/control",
            "garbage\n",
            "templates/source/control, line 1: it ",
        ),
        (
            "source/control",
            "Source: {{ package }}\nMaintainer: {{ maintainer }}\nStandards-Version: 4.6.2\n",
            "templates/source/control, line 1: after the paragraph of the source, that of a binary package is missing",
        ),
        (
            "source/rules",
            "%:\n\tdh $@\n",
            "templates/source/rules, line 1: it is a program",
        ),
        (
            "changelog",
            "garbage\n",
            "templates/changelog, line 1: its first line must be `example-roms-256k-compat-efi-roms (1.0-1c1) unstable; urgency=medium`, and is `garbage`",
        ),
        (
            "changelog",
            "{{ package }} ({{ version }}) unstable; urgency=medium\n\n  * x\n\n -- A <a@b>\n",
            "templates/changelog, line 1: it has no line ` -- Name <address>  date`",
        ),
        (
            "control",
            "Package: other\nVersion: {{ version }}\nMaintainer: {{ maintainer }}\nArchitecture: all\nDescription: x\n",
            "templates/control, line 1: its Package is other, and must be example-roms-256k-compat-efi-roms",
        ),
        (
            "source/copyright",
            "terms\n",
            "templates/source/copyright, line 1: it ",
        ),
        (
            "guard/rules",
            "\ttrue\n",
            "templates/guard/rules: it goes into no package that is made here",
        ),
        (
            ".control.swp",
            "x",
            ".control.swp: there is no template of this name; rename it, or take it out of the folder",
        ),
        (
            "changelgo",
            "",
            "changelgo: there is no template of this name; rename it, or take it out of the folder; the templates are NEWS, README.Debian",
        ),
    ] {
        let folder = TempDir::new().unwrap();
        let templates = folder.path().join("templates");
        fs::create_dir(&templates).unwrap();
        fs::create_dir_all(templates.join(name).parent().unwrap()).unwrap();
        fs::write(templates.join(name), content).unwrap();
        let out = folder.path().join("dist");
        for command in ["build", "source"] {
            let output = run(command, &out, &[&"--templates", &templates]);
            is_refused(&output, 3, wanted, &out);
        }
    }
}

#[test]
fn a_folder_of_templates_with_a_loop_or_no_text_is_refused() {
    let folder = TempDir::new().unwrap();
    let templates = folder.path().join("templates");
    let out = folder.path().join("dist");
    fs::create_dir(&templates).unwrap();
    std::os::unix::fs::symlink(&templates, templates.join("source")).unwrap();
    let output = run("build", &out, &[&"--templates", &templates]);
    let wanted = "templates/source: there is no template of this name";
    is_refused(&output, 3, wanted, &out);
    fs::remove_file(templates.join("source")).unwrap();
    fs::write(templates.join("changelog"), b"\xff\xfe").unwrap();
    let output = run("build", &out, &[&"--templates", &templates]);
    is_refused(
        &output,
        3,
        "templates/changelog: it is no text in UTF-8",
        &out,
    );
}

#[test]
fn what_policy_forbids_is_refused_before_anything_is_written() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    for (option, value, wanted) in [
        (
            "--maintainer",
            "Only A Name",
            "`Only A Name` is no maintainer",
        ),
        ("--package", "Upper", "`Upper` is no package name"),
        ("--package-version", "v1", "`v1` is no version"),
        ("--package-version", "9999999999:1", "an epoch is at most"),
        ("--vcs-git", "two\nlines", "is no address"),
        ("--vcs-browser", "https://example.org/a b", "is no address"),
        ("--homepage", "example.org", "`example.org` is no address"),
        ("--section", "", "`` is no section"),
        ("--section", "Big Section", "`Big Section` is no section"),
        ("--distribution", "stable unstable", "is no distribution"),
        ("--synopsis", "", "the synopsis must be one line"),
    ] {
        for command in ["build", "source"] {
            let output = run(command, &out, &[&option, &value]);
            is_refused(&output, 2, wanted, &out);
        }
    }
}

#[test]
fn a_changelog_without_a_date_is_refused_before_anything_is_written() {
    use romcompat::deb::{PackageContents, PackageFile, write_package};
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    let old = folder.path().join("old.deb");
    let fixture = romcompat::romset::read("old", fs::read(fixture(1)).unwrap()).unwrap();
    let rom = fixture.roms[0].bytes().to_vec();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"undated").unwrap();
    let changelog = gzip.finish().unwrap();
    let contents = PackageContents {
        control: "Package: aa\nVersion: 1\nMaintainer: A <a@b>\n".to_owned(),
        files: vec![
            PackageFile::new("usr/share/qemu/efi-e1000.rom", rom),
            PackageFile::new("usr/share/doc/aa/copyright", b"terms".to_vec()),
            PackageFile::new("usr/share/doc/aa/changelog.Debian.gz", changelog),
        ],
        epoch: 0,
    };
    fs::write(&old, write_package(&contents).unwrap()).unwrap();
    for command in ["build", "source"] {
        let mut program = romcompat();
        program.arg(command).arg(&old).arg("--out").arg(&out);
        let output = program.output().unwrap();
        let wanted = "the changelog of OLD: it has no line ` -- Name <address>  date`; set SOURCE_DATE_EPOCH";
        is_refused(&output, 2, wanted, &out);
    }
}

#[test]
fn an_output_folder_with_files_of_the_same_names_needs_force() {
    let out = TempDir::new().unwrap();
    for command in ["build", "source"] {
        assert_eq!(status(&run(command, out.path(), &[])), 0);
        let again = run(command, out.path(), &[]);
        assert_eq!(status(&again), 3);
        assert!(words(&again).contains("`--force` overwrites it"));
        assert_eq!(status(&run(command, out.path(), &[&"--force"])), 0);
    }
}

#[test]
fn an_output_folder_with_files_of_another_version_stays_as_it_is() {
    for (before, more) in [
        ("build", &["--changes"][..]),
        ("source", &[]),
        ("build", &["--libvirt-hook"]),
    ] {
        let out = TempDir::new().unwrap();
        let more: Vec<&dyn AsRef<OsStr>> = more.iter().map(|more| more as _).collect();
        assert_eq!(status(&run(before, out.path(), &more)), 0);
        if more.iter().any(|more| more.as_ref() == "--libvirt-hook") {
            fs::remove_file(path(out.path(), "-efi-roms_1.0-1c1_all.deb")).unwrap();
        }
        let files = || {
            let entries = fs::read_dir(out.path()).unwrap();
            let mut files: Vec<_> = entries
                .map(|entry| entry.unwrap().path())
                .map(|path| (fs::read(&path).unwrap(), path))
                .collect();
            files.sort();
            files
        };
        let had = files();
        for command in ["build", "source"] {
            for force in [&[][..], &["--force"]] {
                let mut other: Vec<&dyn AsRef<OsStr>> = vec![&"--package-version", &"1.0-2"];
                other.extend(force.iter().map(|force| force as &dyn AsRef<OsStr>));
                let output = run(command, out.path(), &other);
                assert_eq!(status(&output), 3, "{}", words(&output));
                let text = words(&output);
                let wanted =
                    ", of version 1.0-1c1, and 1.0-2 would stand beside it; choose another folder";
                assert!(text.contains(wanted), "{text}");
                assert!(files() == had, "nothing is written");
            }
        }
    }
}

#[test]
fn an_output_that_is_no_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    fs::write(&out, "").unwrap();
    for command in ["build", "source"] {
        let output = run(command, &out, &[]);
        assert_eq!(status(&output), 3);
        let wanted = "it is there already and no folder; choose another place";
        assert!(words(&output).contains(wanted), "{}", words(&output));
    }
}

fn field(deb: &Path, name: &str) -> Option<String> {
    let bytes = fs::read(deb).unwrap();
    let package = romcompat::deb::BinaryPackage::read(&bytes).unwrap();
    package.control().field(name).map(str::to_owned)
}

#[test]
fn the_user_signs_for_the_package_that_another_maintains() {
    let folder = TempDir::new().unwrap();
    let made = |name: &str, environment: &[(&str, &str)]| {
        let out = folder.path().join(name);
        let mut program = romcompat();
        program.envs(environment.iter().copied());
        program.arg("build").args([fixture(1), fixture(2)]);
        program.arg("--changes").arg("--out").arg(&out);
        (program.output().unwrap(), out)
    };
    let both = [("DEBFULLNAME", "Me Myself"), ("DEBEMAIL", "me@example.org")];
    let one = [("DEBEMAIL", "Me Myself <me@example.org>")];
    let debs = [("one", &one[..]), ("both", &both), ("again", &both)].map(|(name, variables)| {
        let (output, out) = made(name, variables);
        assert_eq!(status(&output), 0, "{}", words(&output));
        let maintainer = field(&path(&out, ".deb"), "Maintainer").unwrap();
        assert!(!maintainer.contains("Me Myself"), "{maintainer}");
        let changes = text(&out, ".changes");
        let wanted =
            format!("\nMaintainer: {maintainer}\nChanged-By: Me Myself <me@example.org>\n");
        assert!(changes.contains(&wanted), "{changes}");
        let (_, changelog) = documents(&path(&out, ".deb")).remove(0);
        assert!(
            changelog.contains("\n -- Me Myself <me@example.org>  "),
            "{changelog}"
        );
        fs::read(path(&out, ".deb")).unwrap()
    });
    assert!(debs[0] == debs[1] && debs[1] == debs[2], "the same bytes");
    let (output, out) = made("nobody", &[("DEBEMAIL", "me@example.org")]);
    is_refused(
        &output,
        2,
        "nobody says the name of the user; set DEBFULLNAME",
        &out,
    );
    let (output, out) = made("wrong", &[("DEBEMAIL", "Me <me>")]);
    is_refused(&output, 2, "`Me <me>` is no maintainer", &out);
}

#[test]
fn a_homepage_can_be_set_in_the_file_and_on_the_command_line() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("conf.toml");
    fs::write(&config, "homepage = \"https://example.org/file\"\n").unwrap();
    let out = folder.path().join("dist");
    let of_file: &[&dyn AsRef<OsStr>] = &[&"--config", &config];
    assert_eq!(status(&run("build", &out, of_file)), 0);
    let homepage = |out: &Path| field(&path(out, ".deb"), "Homepage");
    assert_eq!(homepage(&out).as_deref(), Some("https://example.org/file"));
    let typed = [of_file, &[&"--homepage", &"https://example.org/typed"]].concat();
    let out = folder.path().join("typed");
    assert_eq!(status(&run("build", &out, &typed)), 0);
    assert_eq!(homepage(&out).as_deref(), Some("https://example.org/typed"));
}

#[test]
fn a_source_package_can_build_the_hook_too() {
    let out = TempDir::new().unwrap();
    assert_eq!(status(&run("source", out.path(), &[&"--libvirt-hook"])), 0);
    let name = "example-roms-256k-compat-efi-roms";
    let dsc = text(out.path(), ".dsc");
    for line in [
        format!("\nBinary: {name}, {name}-libvirt\n"),
        format!("\n {name}-libvirt deb admin optional arch=all\n"),
    ] {
        assert!(dsc.contains(&line), "{line} in {dsc}");
    }
}

/// The files of a package that documents it, and its control file.
fn documents(deb: &Path) -> Vec<(String, String)> {
    use std::io::Read as _;
    let bytes = fs::read(deb).unwrap();
    let package = romcompat::deb::BinaryPackage::read(&bytes).unwrap();
    let mut found = Vec::new();
    package
        .for_each_entry(|entry, content| {
            if let Some(name) = entry.path.rsplit('/').next().filter(|n| n.ends_with(".gz")) {
                let mut text = String::new();
                flate2::read::GzDecoder::new(content)
                    .read_to_string(&mut text)
                    .unwrap();
                found.push((name.to_owned(), text));
            }
            Ok::<_, std::convert::Infallible>(())
        })
        .unwrap();
    found
}

#[test]
fn a_package_goes_on_where_the_one_before_it_ended() {
    let folder = TempDir::new().unwrap();
    let before = folder.path().join("before");
    assert_eq!(status(&run("build", &before, &[])), 0);
    let deb = path(&before, ".deb");

    let out = folder.path().join("dist");
    let output = run("build", &out, &[&"--previous", &deb]);
    is_refused(&output, 3, "does not sort after it", &out);

    let newer: &[&dyn AsRef<OsStr>] = &[&"--previous", &deb, &"--package-version", &"1.0-2"];
    assert_eq!(status(&run("build", &out, newer)), 0);
    let found = documents(&path(&out, ".deb"));
    let [(name, changelog)] = &*found else {
        panic!("no news, since the mapping is the same: {found:?}")
    };
    assert_eq!(name, "changelog.Debian.gz");
    let entries: Vec<&str> = changelog
        .lines()
        .filter(|l| l.starts_with("example"))
        .collect();
    assert_eq!(entries.len(), 2, "{changelog}");

    let moved = [newer, &[&"--install-dir", &"/usr/lib/ipxe/qemu"]].concat();
    let out = folder.path().join("moved");
    assert_eq!(status(&run("build", &out, &moved)), 0);
    let found = documents(&path(&out, ".deb"));
    let news = &found
        .iter()
        .find(|(name, _)| name == "NEWS.Debian.gz")
        .unwrap()
        .1;
    assert!(news.contains("than by version 1.0-1c1"), "{news}");

    let renamed: &[&dyn AsRef<OsStr>] = &[&"--package", &"other-roms", &"--libvirt-hook"];
    let renamed = [newer, renamed].concat();
    let out = folder.path().join("renamed");
    assert_eq!(status(&run("build", &out, &renamed)), 0);
    for (deb, before) in [
        (
            "other-roms_1.0-2_all.deb",
            "example-roms-256k-compat-efi-roms",
        ),
        (
            "other-roms-libvirt_1.0-2_all.deb",
            "example-roms-256k-compat-efi-roms-libvirt",
        ),
    ] {
        for name in ["Breaks", "Replaces"] {
            let relation = format!("{before} (<= 1.0-1c1)");
            assert_eq!(field(&out.join(deb), name), Some(relation));
        }
    }
    let output = run(
        "build",
        &folder.path().join("x"),
        &[&"--previous", &fixture(1)],
    );
    is_refused(
        &output,
        3,
        "no package that `romcompat build` made",
        &folder.path().join("x"),
    );
}
