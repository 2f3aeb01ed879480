//! What goes to an archive, judged by what an archive runs: dpkg-source,
//! dpkg-buildpackage, lintian, diffoscope, autopkgtest, dscverify, gpg,
//! reprepro and apt.

use crate::common::{romcompat, status, words};
use crate::fetched::{grown_release, lintian, package, the_deb, tool, unpack};
use crate::privilege::{as_root, is_root};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The same name for what is made in different ways.
const PACKAGE: &str = "ipxe-qemu-256k-efi-roms";

fn run(command: &str, out: &Path, more: &[&dyn AsRef<OsStr>]) {
    let (old, new) = grown_release();
    let mut program = romcompat();
    program.arg(command).arg(old).arg(new.path());
    program.arg("--out").arg(out).args(["--package", PACKAGE]);
    program.args(more.iter().map(|argument| argument.as_ref()));
    let output = program.output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
}

fn the(folder: &Path, end: &str) -> PathBuf {
    let mut paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(end));
    let path = paths
        .next()
        .unwrap_or_else(|| panic!("nothing ends with {end}"));
    assert_eq!(paths.next(), None);
    path
}

fn succeeds(command: &mut Command) -> String {
    let output: Output = command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = words(&output);
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

/// Path, mode and sum of each ROM in a package.
fn roms(deb: &Path) -> Vec<(String, u32, String)> {
    let root = unpack(deb);
    let folder = root.path().join("usr/share/qemu");
    let mut roms: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            let bytes = fs::read(&path).unwrap();
            let name = path.strip_prefix(root.path()).unwrap();
            (
                name.to_str().unwrap().to_owned(),
                mode,
                romcompat::romset::sha256_hex(&bytes),
            )
        })
        .collect();
    roms.sort();
    roms
}

/// Unpacks a source package in a folder and builds it there, as root or as
/// nobody.
fn built(source: &Path, as_root: bool) -> TempDir {
    let folder = TempDir::new().unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let dsc = the(folder.path(), ".dsc");
    succeeds(
        Command::new("dpkg-source")
            .current_dir(folder.path())
            .args(["--no-check", "-x"])
            .arg(&dsc)
            .arg("tree"),
    );
    let mut build = if is_root() && !as_root {
        tool("chown", &[&"-R", &"65534:65534", &folder.path()]);
        let mut build = Command::new("setpriv");
        build.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        build.arg("dpkg-buildpackage");
        build
    } else {
        Command::new("dpkg-buildpackage")
    };
    succeeds(
        build
            .current_dir(folder.path().join("tree"))
            .env("HOME", folder.path())
            .args(["-us", "-uc"]),
    );
    folder
}

#[test]
#[ignore = "needs fetched ROMs, dpkg-dev, debhelper, lintian, diffoscope, autopkgtest and QEMU"]
fn the_source_package_builds_the_same_roms_twice_and_passes_its_own_test() {
    let folder = TempDir::new().unwrap();
    let (binary, source) = (folder.path().join("binary"), folder.path().join("source"));
    run("build", &binary, &[]);
    run("source", &source, &[]);
    let again = folder.path().join("again");
    run("source", &again, &[]);
    for entry in fs::read_dir(&source).unwrap() {
        let name = entry.unwrap().file_name();
        let same = fs::read(source.join(&name)).unwrap() == fs::read(again.join(&name)).unwrap();
        assert!(same, "{name:?} is the same each time");
    }

    let one = built(&source, true);
    let two = built(&source, false);
    let debs = [the_deb(one.path()), the_deb(two.path())];
    assert_eq!(tool("diffoscope", &[&debs[0], &debs[1]]), "");
    assert_eq!(roms(&debs[0]), roms(&the_deb(&binary)));
    let field = |name: &str| tool("dpkg-deb", &[&"--field", &debs[0], &name]);
    assert_eq!(
        field("Built-Using").trim(),
        "ipxe (= 1.0.0+git-20190125.36a4c85-5.1)"
    );
    // dpkg-source's own .dsc has the fields that ours has.
    let fields = |path: &Path| -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        let names = text.lines().filter(|line| !line.starts_with(' '));
        let mut lines: Vec<String> = names.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(
        fields(&the(&source, ".dsc")),
        fields(&the(one.path(), ".dsc"))
    );
    for end in [".dsc", ".changes"] {
        let path = the(one.path(), end);
        assert_eq!(lintian(&path), "", "{end}");
    }

    let tested = as_root("autopkgtest")
        .arg("--no-built-binaries")
        .arg(&debs[0])
        .arg(one.path().join("tree"))
        .args(["--", "null"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let name = field("Package");
    let _ = as_root("dpkg").args(["--purge", name.trim()]).output();
    let text = words(&tested);
    assert!(tested.status.success(), "{text}");
    assert!(text.contains("migration            PASS"), "{text}");
}

#[test]
#[ignore = "needs fetched ROMs, dpkg-dev, debhelper and lintian"]
fn a_native_source_package_is_clean_too() {
    let source = TempDir::new().unwrap();
    run("source", source.path(), &[&"--package-version", &"1.0"]);
    let built = built(source.path(), true);
    for end in [".dsc", ".changes"] {
        let path = the(built.path(), end);
        assert_eq!(lintian(&path), "", "{end}");
    }
}

/// Path and mode of each file in a package. debhelper compresses long documents.
fn contents(deb: &Path) -> Vec<(String, String)> {
    let listed = tool("dpkg-deb", &[&"--contents", &deb]);
    let mut entries: Vec<_> = listed
        .lines()
        .map(|line| {
            let mut fields = line.split_whitespace();
            (
                fields
                    .next_back()
                    .unwrap()
                    .trim_end_matches(".gz")
                    .to_owned(),
                fields.next().unwrap().to_owned(),
            )
        })
        .collect();
    entries.sort();
    entries
}

#[test]
#[ignore = "needs fetched ROMs, dpkg-dev, debhelper and lintian"]
fn a_source_package_of_defaults_is_clean_and_builds_what_build_builds() {
    let folder = TempDir::new().unwrap();
    let (source, binary) = (folder.path().join("source"), folder.path().join("binary"));
    let trixie = package("trixie", "ipxe-qemu");
    for (command, out) in [("source", &source), ("build", &binary)] {
        let mut program = romcompat();
        program
            .arg(command)
            .arg(&trixie)
            .args(["--all", "--libvirt-hook"]);
        program.env("DEBEMAIL", "Me Myself <me@debian.org>");
        let output = program.arg("--out").arg(out).output().unwrap();
        assert_eq!(status(&output), 0, "{}", words(&output));
    }
    assert_eq!(lintian(&the(&source, ".dsc")), "");
    let built = built(&source, true);
    for end in [".dsc", ".changes"] {
        assert_eq!(lintian(&the(built.path(), end)), "", "{end}");
    }
    let name = "ipxe-qemu-compat-roms";
    for package in [name.to_owned(), format!("{name}-libvirt")] {
        let file = format!("{package}_1.21.1+git20250501-1c1_all.deb");
        let deb = |folder: &Path| folder.join(&file);
        assert_eq!(contents(&deb(built.path())), contents(&deb(&binary)));
        let field = |field: &str| {
            [built.path(), &binary]
                .map(|folder| tool("dpkg-deb", &[&"--field", &deb(folder), &field]))
        };
        for name in [
            "Depends",
            "Recommends",
            "Built-Using",
            "Description",
            "Multi-Arch",
        ] {
            let [one, two] = field(name);
            assert_eq!(one, two, "{name} of {package}");
        }
    }
    let copyright = built.path().join("tree/debian/copyright");
    let text = fs::read_to_string(copyright).unwrap();
    for stanza in ["\nFiles: *\n", "\nFiles: debian/*\n"] {
        assert_eq!(text.matches(stanza).count(), 1, "{stanza}");
    }
}

/// A tree with iPXE's interface: `make` gives the images of a real ROM, and
/// `catrom.pl` joins them. iPXE itself takes minutes to build, and Debian's
/// archive may not have its source any more. Its `make` writes down what it was
/// asked for with which build id, as iPXE asks for one
/// (src/Makefile.housekeeping).
fn stand_in(folder: &Path, rom: &Path) -> PathBuf {
    let tree = folder.join("ipxe");
    let images = tree.join("src/images");
    fs::create_dir_all(tree.join("src/util")).unwrap();
    fs::create_dir_all(&images).unwrap();
    let mut split = romcompat();
    split
        .arg("split")
        .arg(rom)
        .arg("--out")
        .arg(folder.join("split"));
    let output = split.output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    // As text, since lintian minds binaries in a source.
    for number in ["1", "2"] {
        let image = folder.join(format!("split/efi-virtio.{number}.rom"));
        fs::write(images.join(number), tool("base64", &[&image])).unwrap();
    }
    fs::write(
        tree.join("src/Makefile"),
        "\
bin/%.rom: bin/%.rom.tmp
\tbase64 -d images/1 >$@
bin-x86_64-efi/%.efirom: bin-x86_64-efi/%.efirom.tmp
\tbase64 -d images/2 >$@
%.tmp: images
\tmkdir -p $(@D)
\techo $@ $(shell $(BUILD_ID_CMD)) | tee $@ >>build-ids
veryclean:
\trm -rf bin bin-x86_64-efi build-ids
",
    )
    .unwrap();
    let catrom = tree.join("src/util/catrom.pl");
    fs::write(&catrom, "#!/bin/sh\ncat \"$@\"\n").unwrap();
    fs::set_permissions(&catrom, fs::Permissions::from_mode(0o755)).unwrap();
    let archive = folder.join("ipxe.tar.xz");
    tool("tar", &[&"-C", &folder, &"-cJf", &archive, &"ipxe"]);
    archive
}

/// iPXE's own source where `ROMCOMPAT_IPXE` names an archive of it, else a
/// stand-in.
fn ipxe(folder: &Path) -> PathBuf {
    if let Some(archive) = std::env::var_os("ROMCOMPAT_IPXE") {
        return archive.into();
    }
    let root = unpack(&package("bookworm", "ipxe-qemu"));
    let rom = root.path().join("usr/lib/ipxe/qemu/efi-virtio.rom");
    stand_in(folder, &rom)
}

#[test]
#[ignore = "needs fetched ROMs, dpkg-dev, debhelper, lintian and what iPXE needs to be built"]
fn every_rom_of_debian_can_be_built_of_ipxe_and_the_package_is_clean_and_says_so() {
    let folder = TempDir::new().unwrap();
    let archive = ipxe(folder.path());
    let (source, binary) = (folder.path().join("source"), folder.path().join("binary"));
    let bookworm = package("bookworm", "ipxe-qemu");
    for (command, out) in [("source", &source), ("build", &binary)] {
        let mut program = romcompat();
        program.arg(command).arg(&bookworm).arg("--all");
        if command == "source" {
            program.arg("--from-ipxe").arg(&archive);
        }
        let output = program.arg("--out").arg(out).output().unwrap();
        assert_eq!(status(&output), 0, "{}", words(&output));
    }
    assert_eq!(lintian(&the(&source, ".dsc")), "");
    let one = built(&source, true);
    let two = built(&source, false);
    let debs = [the_deb(one.path()), the_deb(two.path())];
    assert_eq!(tool("diffoscope", &[&debs[0], &debs[1]]), "");
    for end in [".dsc", ".changes"] {
        assert_eq!(lintian(&the(one.path(), end)), "", "{end}");
    }
    assert_eq!(contents(&debs[0]), contents(&the_deb(&binary)));
    let unpacked = unpack(&debs[0]);
    let file = |path: &str| fs::read(unpacked.path().join("usr/share").join(path)).unwrap();
    let name = "ipxe-qemu-compat-roms";
    let manifest: serde_json::Value =
        serde_json::from_slice(&file(&format!("{name}/manifest.json"))).unwrap();
    assert_eq!(manifest["from_ipxe"], true);
    let roms = manifest["roms"].as_array().unwrap();
    assert_eq!(roms.len(), 16);
    for rom in roms {
        assert_eq!(rom["sha256"], serde_json::Value::Null);
        let made = file(&format!("qemu/{}", rom["name"].as_str().unwrap()));
        assert_eq!(rom["bar"], made.len());
    }
    let readme = fs::read_to_string(one.path().join("tree/debian/README.Debian")).unwrap();
    assert!(readme.contains("built of iPXE's source"), "{readme}");
    assert!(!readme.contains("byte for byte"), "{readme}");

    if std::env::var_os("ROMCOMPAT_IPXE").is_none() {
        let ids = fs::read_to_string(one.path().join("tree/src/build-ids")).unwrap();
        let ids: Vec<&str> = ids
            .lines()
            .map(|line| line.split(' ').next_back().unwrap())
            .collect();
        let different: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert!(ids.len() >= 16 && different.len() == ids.len(), "{ids:?}");
        assert!(ids.iter().all(|id| id.parse::<u32>().is_ok()), "{ids:?}");
    }
}

#[test]
#[ignore = "needs fetched ROMs, dpkg-dev, debhelper and what iPXE needs to be built"]
fn a_rom_that_outgrows_its_bar_fails_the_build_of_ipxe() {
    let folder = TempDir::new().unwrap();
    let root = unpack(&package("bookworm", "ipxe-qemu"));
    let rom = root.path().join("usr/lib/ipxe/qemu/efi-virtio.rom");
    let archive = stand_in(folder.path(), &rom);
    let source = folder.path().join("source");
    run(
        "source",
        &source,
        &[&"--from-ipxe", &archive, &"--select", &"efi-virtio.rom"],
    );
    let built = built(&source, true);
    // Another release of the source, whose ROM has grown.
    let image = built.path().join("tree/src/images/2");
    let grown = "head -c 300000 /dev/zero | base64 >\"$0\"";
    tool("sh", &[&"-c", &grown, &image]);
    let refused = Command::new("dpkg-buildpackage")
        .current_dir(built.path().join("tree"))
        .args(["-us", "-uc", "-b"])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let text = words(&refused);
    assert!(text.contains("its BAR has 262144"), "{text}");
}

/// A folder for gpg with a key without a passphrase.
fn keys(folder: &Path) -> PathBuf {
    let home = folder.join("gnupg");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    succeeds(
        Command::new("gpg")
            .env("GNUPGHOME", &home)
            .args(["--batch", "--pinentry-mode", "loopback", "--passphrase", ""])
            .args(["--quick-generate-key", "Tester <tester@example.org>"]),
    );
    home
}

#[test]
#[ignore = "needs fetched ROMs, lintian, devscripts, gpg, reprepro, mmdebstrap, QEMU and the network"]
fn an_upload_goes_through_an_archive_onto_a_clean_system_and_off_again() {
    let folder = TempDir::new().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    run("build", &one, &[&"--changes"]);
    let home = keys(folder.path());
    let (old, new) = grown_release();
    let mut second = romcompat();
    second
        .env("GNUPGHOME", &home)
        .arg("build")
        .arg(old)
        .arg(new.path());
    second
        .arg("--out")
        .arg(&two)
        .arg("--previous")
        .arg(the_deb(&one));
    second.args(["--package", PACKAGE]);
    second.args(["--package-version", "1.0.0+git-20190125-5.2"]);
    second.args(["--install-dir", "/usr/lib/ipxe/qemu"]);
    let output = second
        .args(["--changes", "--sign", "tester@example.org"])
        .output()
        .unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    for end in [".changes", ".buildinfo"] {
        succeeds(
            Command::new("gpg")
                .env("GNUPGHOME", &home)
                .arg("--verify")
                .arg(the(&two, end)),
        );
    }
    for out in [&one, &two] {
        let changes = the(out, ".changes");
        tool("dscverify", &[&"--nosigcheck", &changes]);
        assert_eq!(lintian(&changes), "");
    }
    let version = |out: &Path| tool("dpkg-deb", &[&"--field", &the_deb(out), &"Version"]);
    let versions = [version(&two), version(&one)];
    tool(
        "dpkg",
        &[
            &"--compare-versions",
            &versions[0].trim(),
            &"gt",
            &versions[1].trim(),
        ],
    );

    let archive = folder.path().join("archive");
    fs::create_dir_all(archive.join("conf")).unwrap();
    let conf = |name: &str| {
        format!("Codename: {name}\nArchitectures: amd64\nComponents: main\nDescription: test\n")
    };
    let confs = [conf("first"), conf("second")].join("\n");
    fs::write(archive.join("conf/distributions"), confs).unwrap();
    for (name, out) in [("first", &one), ("second", &two)] {
        succeeds(
            Command::new("reprepro")
                .env("GNUPGHOME", &home)
                .arg("--ignore=wrongdistribution")
                .arg("-b")
                .args([&archive.as_os_str(), &OsStr::new("include")])
                .arg(name)
                .arg(the(out, ".changes")),
        );
    }
    let root = folder.path().join("root");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let site = tool(
        scripts.join("debian-site").to_str().unwrap(),
        &[&"bookworm"],
    );
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let source = format!("deb [signed-by={keyring}] {} bookworm main", site.trim());
    let name = PACKAGE;
    let repository = |suite: &str| {
        format!(
            "--customize-hook=echo 'deb [trusted=yes] file:///srv/archive {suite} main' >\"$1/etc/apt/sources.list.d/ours.list\""
        )
    };
    let apt = |command: &str| {
        format!(
            "--customize-hook=chroot \"$1\" sh -ec 'apt-get -q update; apt-get -qy {command} {name}'"
        )
    };
    let rom = "compat-256k-efi-virtio.rom";
    let starts = |path: &str| {
        // A QEMU that looks for ROMs where one on this system would.
        format!(
            "--customize-hook=echo quit | qemu-system-x86_64 -machine pc,accel=tcg -S -nodefaults -display none -monitor stdio -L \"$1{path}\" -L /usr/share/seabios -device virtio-net-pci,romfile={rom}"
        )
    };
    let absent = |path: &str| format!("--customize-hook=test ! -e \"$1{path}/{rom}\"");
    let copy = format!("--customize-hook=copy-in {} /srv", archive.display());
    succeeds(
        Command::new("mmdebstrap")
            .args(["--variant=apt", "--format=directory", &copy])
            .args([repository("first"), apt("install"), starts("/usr/share/qemu")])
            .args([repository("second"), apt("install --only-upgrade")])
            .args([starts("/usr/lib/ipxe/qemu"), absent("/usr/share/qemu")])
            .args([apt("remove --purge"), absent("/usr/lib/ipxe/qemu")])
            .arg(format!(
                "--customize-hook=test ! -e \"$1/usr/share/doc/{name}\" -a ! -e \"$1/usr/share/{name}\""
            ))
            .arg("bookworm")
            .args([root.as_os_str(), OsStr::new(&source)]),
    );
}

#[test]
#[ignore = "needs dpkg"]
fn dpkg_sorts_versions_as_we_do() {
    let versions = [
        "0",
        "1",
        "1.0",
        "1.00",
        "1.0-0",
        "1.0-1",
        "1.0-10",
        "1.0-2",
        "1.0-1c1",
        "1.0-1+b1",
        "1.0~rc1",
        "1.0~rc1-1",
        "1.0~~",
        "1.0a",
        "1.0+git-20190125.36a4c85-5.1",
        "1.0+git",
        "1.0.1",
        "0:1.0",
        "1:0.1",
        "1.a",
        "1.+",
        "1.0-~",
        "9999999999999999999999",
        "10000000000000000000000",
    ];
    for a in versions {
        for b in versions {
            let relation = match romcompat::deb::version::compare(a, b) {
                std::cmp::Ordering::Less => "lt",
                std::cmp::Ordering::Equal => "eq",
                std::cmp::Ordering::Greater => "gt",
            };
            let judged = Command::new("dpkg")
                .args(["--compare-versions", a, relation, b])
                .status();
            assert!(judged.unwrap().success(), "{a} {relation} {b}");
        }
    }
}
