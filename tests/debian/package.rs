//! The main job, judged by dpkg, lintian, ar, tar and romheaders.

use crate::common::{fixture, romcompat, status, words};
use crate::fetched::{build_into, grown_release, lintian, package, the_deb, tool, unpack};
use crate::privilege::unshared;
use crate::programs::copy_romcompat;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const EIGHT: [&str; 8] = [
    "efi-e1000.rom",
    "efi-e1000e.rom",
    "efi-eepro100.rom",
    "efi-ne2k_pci.rom",
    "efi-pcnet.rom",
    "efi-rtl8139.rom",
    "efi-virtio.rom",
    "efi-vmxnet3.rom",
];

fn check(old: &Path, new: &Path) -> (i32, serde_json::Value) {
    let mut command = romcompat();
    let output = command
        .args(["check", "--format", "json"])
        .args([old, new])
        .output()
        .unwrap();
    (
        status(&output),
        serde_json::from_slice(&output.stdout).unwrap(),
    )
}

#[test]
#[ignore = "needs fetched ROMs"]
fn bookworm_against_trixie_breaks_nothing_and_says_so() {
    let (old, new) = (
        package("bookworm", "ipxe-qemu"),
        package("trixie", "ipxe-qemu"),
    );
    let (exit, report) = check(&old, &new);
    assert_eq!(exit, 0);
    assert_eq!(report["breaks"], false);
    assert_eq!(report["roms"].as_array().unwrap().len(), 16);
    let out = TempDir::new().unwrap();
    let dist = out.path().join("dist");
    let mut build = romcompat();
    let output = build
        .arg("build")
        .args([&old, &new])
        .arg("--out")
        .arg(&dist)
        .output()
        .unwrap();
    assert_eq!(status(&output), 0);
    assert!(words(&output).contains("Nothing breaks, so there is nothing to ship"));
    assert!(!dist.exists());
}

#[test]
#[ignore = "needs fetched ROMs"]
fn trixie_padded_to_512k_breaks_the_eight_efi_roms_and_no_other() {
    let (old, new) = grown_release();
    let (exit, report) = check(&old, new.path());
    assert_eq!(exit, 1);
    let breaking: Vec<_> = report["roms"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rom| rom["forward"] == "refused")
        .map(|rom| rom["name"].as_str().unwrap())
        .collect();
    assert_eq!(breaking, EIGHT);
}

#[test]
#[ignore = "needs fetched ROMs"]
fn a_baseline_fails_the_build_of_the_grown_roms() {
    let (old, new) = grown_release();
    let folder = TempDir::new().unwrap();
    let baseline = folder.path().join("rom-sizes");
    let mut write = romcompat();
    write
        .arg("check")
        .arg("--write-baseline")
        .args([&baseline, &old]);
    assert_eq!(status(&write.output().unwrap()), 0);
    let against = |new: &Path, more: &[&str]| {
        let mut check = romcompat();
        check
            .arg("check")
            .arg("--baseline")
            .arg(&baseline)
            .arg(new)
            .args(more);
        check.output().unwrap()
    };
    assert_eq!(status(&against(&package("trixie", "ipxe-qemu"), &[])), 0);
    assert_eq!(status(&against(new.path(), &[])), 1);
    let warned = against(&package("trixie", "ipxe-qemu"), &["--headroom", "20%"]);
    assert_eq!(status(&warned), 0);
    let text = words(&warned);
    assert!(text.contains("warning[RC303]: pxe-virtio.rom"), "{text}");
    assert!(!text.contains("warning[RC303]: efi-virtio.rom"), "{text}");
}

#[test]
#[ignore = "needs fetched ROMs and dpkg-deb"]
fn dpkg_deb_ar_and_tar_agree_with_what_was_meant() {
    let out = TempDir::new().unwrap();
    let deb = build_into(out.path());
    let info = tool("dpkg-deb", &[&"--field", &deb]);
    for line in [
        "Package: ipxe-qemu-256k-compat-efi-roms",
        "Version: 1.0.0+git-20190125-5.1",
        "Architecture: all",
        "Maintainer: Bastian Blank <waldi@debian.org>",
        "Multi-Arch: foreign",
    ] {
        assert!(info.lines().any(|found| found == line), "{line} in {info}");
    }
    assert_eq!(
        tool("ar", &[&"t", &deb]),
        "debian-binary\ncontrol.tar.xz\ndata.tar.xz\n"
    );
    let contents = tool("dpkg-deb", &[&"--contents", &deb]);
    for line in contents.lines() {
        let wanted = if line.ends_with('/') {
            "drwxr-xr-x root/root"
        } else {
            "-rw-r--r-- root/root"
        };
        assert!(line.starts_with(wanted), "{line}");
        assert!(line.contains("2021-02-07 17:25"), "{line}");
    }
    // dpkg-deb packs the same tree in the same order.
    let tree = out.path().join("tree");
    tool("dpkg-deb", &[&"-R", &deb, &tree]);
    let rebuilt = out.path().join("rebuilt");
    tool("dpkg-deb", &[&"--root-owner-group", &"-b", &tree, &rebuilt]);
    assert_eq!(entries(&deb), entries(&rebuilt));
    let installed_size = tool("dpkg-deb", &[&"--field", &deb, &"Installed-Size"]);
    assert_eq!(installed_size.trim(), "2079");
    let sums = Command::new("md5sum")
        .args(["-c", "--quiet", "DEBIAN/md5sums"])
        .current_dir(&tree)
        .status();
    assert!(sums.unwrap().success());
    let sums = Command::new("sha256sum")
        .args(["-c", "--quiet", "SHA256SUMS"])
        .current_dir(out.path())
        .status();
    assert!(sums.unwrap().success());
}

fn entries(deb: &Path) -> String {
    tool(
        "sh",
        &[&"-c", &"dpkg-deb --fsys-tarfile \"$0\" | tar t", &deb],
    )
}

#[test]
#[ignore = "needs fetched ROMs and romheaders"]
fn every_shipped_rom_is_the_old_file_padded_with_ff_and_reads_the_same() {
    let out = TempDir::new().unwrap();
    let new = unpack(&build_into(out.path()));
    let old = unpack(&package("bookworm", "ipxe-qemu"));
    let shipped = fs::read_dir(new.path().join("usr/share/qemu")).unwrap();
    assert_eq!(shipped.count(), EIGHT.len());
    for name in EIGHT {
        let before = old.path().join("usr/lib/ipxe/qemu").join(name);
        let after = new
            .path()
            .join(format!("usr/share/qemu/compat-256k-{name}"));
        let (before_bytes, after_bytes) = (fs::read(&before).unwrap(), fs::read(&after).unwrap());
        assert_eq!(after_bytes.len(), 0x40000);
        let (kept, padding) = after_bytes.split_at(before_bytes.len());
        let differing: Vec<usize> = (0..kept.len())
            .filter(|at| kept[*at] != before_bytes[*at])
            .collect();
        if name == "efi-ne2k_pci.rom" {
            // The ids 10ec:8029 that QEMU writes, and byte 6 that it balances.
            let pcir = usize::from(u16::from_le_bytes([kept[0x18], kept[0x19]]));
            let ids = [pcir + 4, pcir + 5, pcir + 6, pcir + 7];
            assert_eq!(differing, [&[6], &ids[..]].concat(), "{name}");
            continue;
        }
        assert_eq!(differing, [0; 0], "{name}");
        assert!(padding.iter().all(|byte| *byte == 0xff), "{name}");
        assert_eq!(
            tool("romheaders", &[&before]),
            tool("romheaders", &[&after]),
            "{name}"
        );
    }
}

#[test]
#[ignore = "needs fetched ROMs and lintian"]
fn lintian_has_nothing_to_say() {
    let folder = TempDir::new().unwrap();
    let (bookworm, grown) = grown_release();
    let trixie = package("trixie", "ipxe-qemu");
    let generation = |version: &str, deb: &Path| format!("{version}={}", deb.display());
    let (older, newer) = (generation("7.2", &bookworm), generation("10.0", &trixie));
    // ROMs of no package, which has no homepage.
    let bare = unpack(&bookworm);
    let roms = bare.path().join("usr/lib/ipxe/qemu");
    let terms = bare.path().join("usr/share/doc/ipxe-qemu/copyright");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let cases: [(&str, &[&str]); 5] = [
        ("grown", &[&text(&bookworm), &text(grown.path())]),
        ("fixtures", &[&text(&fixture(1)), &text(&fixture(2))]),
        ("trixie", &[&text(&trixie), "--all"]),
        (
            "generations",
            &["--generation", &older, "--generation", &newer],
        ),
        (
            "bare",
            &[
                &text(&roms),
                "--package-version=1.0-2",
                "--maintainer=A B <ab@debian.org>",
                &format!("--copyright={}", text(&terms)),
            ],
        ),
    ];
    for (name, arguments) in cases {
        let out = folder.path().join(name);
        let mut build = romcompat();
        build.arg("build").args(arguments).arg("--out").arg(&out);
        build.args(["--changes", "--libvirt-hook"]);
        if name == "bare" {
            build.env("SOURCE_DATE_EPOCH", "1700000000");
        }
        let output = build.output().unwrap();
        assert_eq!(status(&output), 0, "{name}: {}", words(&output));
        // The upload has both packages.
        let changes = fs::read_dir(&out).unwrap().map(|e| e.unwrap().path());
        let mut changes = changes.filter(|path| path.extension().is_some_and(|e| e == "changes"));
        assert_eq!(lintian(&changes.next().unwrap()), "", "{name}");
    }
}

#[test]
#[ignore = "needs fetched ROMs and dpkg-deb"]
fn a_release_whose_roms_a_newer_one_ships_is_not_in_built_using() {
    let out = TempDir::new().unwrap();
    let generation = |version: &str, suite: &str| {
        let deb = package(suite, "ipxe-qemu");
        format!("{version}={}", deb.display())
    };
    let mut build = romcompat();
    build.args(["build", "--generation", &generation("7.2", "bookworm")]);
    build.args(["--generation", &generation("10.0", "trixie")]);
    // They have the same sizes, so that the newest has all.
    let output = build.arg("--out").arg(out.path()).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let deb = the_deb(out.path());
    let built_using = tool("dpkg-deb", &[&"--field", &deb, &"Built-Using"]);
    let newest = "ipxe (= 1.21.1+git20250501.dad20602+dfsg-1)";
    assert_eq!(built_using.trim(), newest);
}

#[test]
#[ignore = "needs fetched ROMs, dpkg and root"]
fn dpkg_installs_upgrades_removes_and_purges_it_without_a_word() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    let deb = build_into(&out);
    let (old, new) = grown_release();
    let next = folder.path().join("next");
    let mut build = romcompat();
    build
        .arg("build")
        .args([&old, new.path()])
        .arg("--out")
        .arg(&next);
    build.args(["--package-version", "1.0.0+git-20190125-6"]);
    assert_eq!(status(&build.output().unwrap()), 0);
    let root = folder.path().join("root");
    for part in [
        "var/lib/dpkg/info",
        "var/lib/dpkg/updates",
        "var/lib/dpkg/triggers",
    ] {
        fs::create_dir_all(root.join(part)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let dpkg = |action: &str, what: &Path| {
        let output = unshared("dpkg")
            .env("LC_ALL", "C")
            .arg(format!("--root={}", root.display()))
            .arg(format!("--log={}", folder.path().join("log").display()))
            .arg(action)
            .arg(what)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{action}: {stderr}");
        assert_eq!(stderr, "", "{action}");
    };
    let name = Path::new("ipxe-qemu-256k-compat-efi-roms");
    let rom = root.join("usr/share/qemu/compat-256k-efi-virtio.rom");
    dpkg("--install", &deb);
    assert!(rom.exists());
    dpkg("--install", &the_deb(&next));
    assert!(rom.exists());
    dpkg("--remove", name);
    assert!(!rom.exists());
    dpkg("--install", &deb);
    dpkg("--purge", name);
    assert!(!root.join("usr/share/qemu").exists());
}

/// One way of building, different from the others in what must not matter.
fn build_with(setup: &str, old: &Path, new: &Path, out: &Path) -> Vec<u8> {
    let script = format!("{setup}\nexec \"$0\" build \"$1\" \"$2\" --out \"$3\"");
    let output = Command::new("sh")
        .args(["-ec", &script, env!("CARGO_BIN_EXE_romcompat")])
        .args([old, new, out])
        .output()
        .unwrap();
    assert!(output.status.success(), "{setup}: {}", words(&output));
    fs::read(the_deb(out)).unwrap()
}

#[test]
#[ignore = "needs fetched ROMs"]
fn the_same_inputs_give_the_same_bytes_whatever_the_surroundings() {
    let (old, new) = grown_release();
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let place = |name: &str| folder.path().join(name);
    let first = build_with("", &old, new.path(), &place("first"));
    let same = |name: &str, setup: &str, old: &Path, new: &Path| {
        assert!(
            build_with(setup, old, new, &place(name)) == first,
            "{name} differs"
        );
    };
    for (name, setup) in [
        ("umask 002", "umask 002"),
        ("umask 077", "umask 077"),
        ("time zone", "export TZ=Pacific/Kiritimati"),
        ("language", "export LANG=de_DE.UTF-8 LC_ALL=C.UTF-8"),
        ("home", "export HOME=/nonexistent USER=nobody"),
        ("another folder", "cd /"),
    ] {
        same(name, setup, &old, new.path());
    }
    let copies = place("copies");
    let copy_of_new = copies.join("grown");
    fs::create_dir_all(&copy_of_new).unwrap();
    let copy_of_old = copies.join("some-name");
    fs::copy(&old, &copy_of_old).unwrap();
    for entry in fs::read_dir(new.path()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy_of_new.join(path.file_name().unwrap())).unwrap();
    }
    for (name, date) in [("old files", "2001-01-01"), ("new files", "2037-01-01")] {
        let touch = format!("find {} -exec touch -d {date} {{}} +", copies.display());
        tool("sh", &[&"-ec", &touch]);
        same(name, "", &copy_of_old, &copy_of_new);
    }
    fs::set_permissions(&copy_of_new, PermissionsExt::from_mode(0o555)).unwrap();
    fs::set_permissions(&copies, PermissionsExt::from_mode(0o555)).unwrap();
    same("read-only folder", "", &copy_of_old, &copy_of_new);
    let ordinary = ordinary_user(&folder);
    same("ordinary user", &ordinary, &copy_of_old, &copy_of_new);
    fs::set_permissions(&copies, PermissionsExt::from_mode(0o755)).unwrap();
}

/// A line for `sh` that goes on as `nobody` where the test runs as root.
fn ordinary_user(folder: &TempDir) -> String {
    let copy = folder.path().join("romcompat");
    copy_romcompat(&copy);
    format!(
        "test \"$(id -u)\" != 0 || exec setpriv --reuid=65534 --regid=65534 --clear-groups {} build \"$1\" \"$2\" --out \"$3\"",
        copy.display()
    )
}

#[test]
#[ignore = "needs fetched ROMs"]
fn another_source_date_epoch_gives_other_dates_and_nothing_else() {
    let (old, new) = grown_release();
    let folder = TempDir::new().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    build_with(
        "export SOURCE_DATE_EPOCH=1000000000",
        &old,
        new.path(),
        &one,
    );
    build_with(
        "export SOURCE_DATE_EPOCH=1500000000",
        &old,
        new.path(),
        &two,
    );
    assert!(tool("dpkg-deb", &[&"--contents", &the_deb(&one)]).contains("2001-09-09"));
    assert!(tool("dpkg-deb", &[&"--contents", &the_deb(&two)]).contains("2017-07-14"));
    assert_eq!(entries(&the_deb(&one)), entries(&the_deb(&two)));
}

#[test]
#[ignore = "needs root to mount a small file system"]
fn a_full_disk_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let disk: PathBuf = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let script = "mount -t tmpfs -o size=64k none \"$1\" && ! \"$0\" pad \"$2\" --size next --out \"$1/dist\" && ls -A \"$1\"";
    let output = unshared("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_romcompat")])
        .args([&disk, &fixture(1)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("No space left on device"), "{stderr}");
}

#[test]
#[ignore = "needs fetched ROMs"]
fn a_link_inside_a_package_is_another_name_of_its_rom() {
    let mut inspect = romcompat();
    inspect
        .args(["inspect", "--format", "json"])
        .arg(package("bookworm", "ipxe-qemu"));
    let report: serde_json::Value =
        serde_json::from_slice(&inspect.output().unwrap().stdout).unwrap();
    let roms = report["roms"].as_array().unwrap();
    let virtio = roms
        .iter()
        .find(|rom| rom["name"] == "pxe-virtio.rom")
        .unwrap();
    assert_eq!(virtio["other_names"], serde_json::json!(["virtio-net.rom"]));
    assert_eq!(
        virtio["package"],
        "ipxe-qemu 1.0.0+git-20190125.36a4c85-5.1"
    );
    assert_eq!(report["left_out"], 2);
}

#[test]
#[ignore = "needs fetched ROMs"]
fn the_roms_that_debian_ships_have_no_error() {
    for (suite, name) in [
        ("bookworm", "ipxe-qemu"),
        ("trixie", "ipxe-qemu"),
        ("bookworm", "seabios"),
        ("bookworm", "qemu-system-data"),
    ] {
        let output = romcompat()
            .arg("inspect")
            .arg(package(suite, name))
            .output()
            .unwrap();
        assert_eq!(status(&output), 0, "{name} of {suite}: {}", words(&output));
    }
}

#[test]
#[ignore = "needs fetched ROMs and dpkg-deb"]
fn packages_and_archives_in_every_compression_are_the_same_set() {
    let deb = package("bookworm", "ipxe-qemu");
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name);
    tool("dpkg-deb", &[&"-R", &deb, &place("tree")]);
    let roms = |input: &Path| {
        let mut inspect = romcompat();
        let output = inspect
            .args(["inspect", "--format", "json"])
            .arg(input)
            .output()
            .unwrap();
        assert_eq!(status(&output), 0, "{}", words(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let sums = report["roms"].as_array().unwrap().iter();
        sums.map(|rom| (rom["name"].to_string(), rom["sha256"].to_string()))
            .collect::<Vec<_>>()
    };
    let wanted = roms(&deb);
    assert_eq!(wanted.len(), 16);
    for compression in ["xz", "zstd", "gzip", "none"] {
        let again = place(compression);
        let kind = format!("-Z{compression}");
        tool(
            "dpkg-deb",
            &[
                &kind,
                &"--uniform-compression",
                &"-b",
                &place("tree"),
                &again,
            ],
        );
        assert_eq!(roms(&again), wanted, "{compression}");
    }
    for (option, name) in [("-cf", "a"), ("-cJf", "b"), ("-czf", "c"), ("--zstd", "d")] {
        let archive = place(name);
        let create: &[&dyn AsRef<std::ffi::OsStr>] =
            &[&option, &archive, &"-C", &place("tree"), &"usr"];
        let create_zstd: &[&dyn AsRef<std::ffi::OsStr>] =
            &[&"--zstd", &"-cf", &archive, &"-C", &place("tree"), &"usr"];
        tool(
            "tar",
            if option == "--zstd" {
                create_zstd
            } else {
                create
            },
        );
        assert_eq!(roms(&archive), wanted, "{option}");
    }
    assert_eq!(roms(&place("tree")), wanted);
    let script = "\"$0\" inspect --format json - < \"$1\"";
    let piped = tool(
        "sh",
        &[&"-c", &script, &env!("CARGO_BIN_EXE_romcompat"), &deb],
    );
    assert!(piped.contains("\"input\": \"-\""));
}
