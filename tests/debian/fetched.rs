//! Debian's own packages, and Debian's own tools.

use crate::common::{romcompat, words};
use romcompat::qemu::Arch;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The package that scripts/fetch-roms brought for a release.
pub fn package(suite: &str, name: &str) -> PathBuf {
    let folder = std::env::var_os("ROMCOMPAT_ROMS")
        .expect("ROMCOMPAT_ROMS names the folder of fetched packages; scripts/test sets it");
    let folder = Path::new(&folder).join(suite);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let prefix = format!("{name}_");
    entries
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(&prefix)
        })
        .unwrap_or_else(|| panic!("{} has no {name}; run scripts/fetch-roms", folder.display()))
}

/// The archive of a source package, upstream's where it is not native, that scripts/fetch-sources brought.
pub fn source(package: &str) -> PathBuf {
    let folder = std::env::var_os("ROMCOMPAT_SOURCES")
        .expect("ROMCOMPAT_SOURCES names the folder of fetched sources; scripts/test sets it");
    let prefix = format!("{package}_");
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_ours = name.contains(".debian.tar.");
            name.starts_with(&prefix) && name.contains(".tar.") && !is_ours
        })
        .unwrap_or_else(|| {
            let folder = folder.display();
            panic!("{folder} has no {package}; run scripts/fetch-sources")
        })
}

/// Runs another program and gives what it prints on standard output.
pub fn tool(program: &str, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> String {
    let mut command = Command::new(program);
    command
        .env("LC_ALL", "C")
        .args(arguments.iter().map(|a| a.as_ref()));
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Unpacks a package with dpkg-deb.
pub fn unpack(deb: &Path) -> TempDir {
    let root = TempDir::new().unwrap();
    tool("dpkg-deb", &[&"-x", &deb, &root.path()]);
    root
}

/// Old and new ROMs for the main job: bookworm's package, and a folder with
/// trixie's ROMs whose EFI ROMs were padded to 512K.
pub fn grown_release() -> (PathBuf, TempDir) {
    let new = TempDir::new().unwrap();
    let trixie = package("trixie", "ipxe-qemu");
    let mut pad = romcompat();
    pad.arg("pad")
        .arg(&trixie)
        .args(["--size", "512K", "--select", "efi-*"]);
    let output = pad.arg("--out").arg(new.path()).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let root = unpack(&trixie);
    for entry in fs::read_dir(root.path().join("usr/share/qemu")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if name.to_str().unwrap().starts_with("pxe-") {
            fs::copy(&path, new.path().join(name)).unwrap();
        }
    }
    (package("bookworm", "ipxe-qemu"), new)
}

/// Builds the compat package of [`grown_release`] into a folder.
pub fn build_into(out: &Path) -> PathBuf {
    let (old, new) = grown_release();
    let mut build = romcompat();
    build
        .arg("build")
        .arg(&old)
        .arg(new.path())
        .arg("--out")
        .arg(out);
    let output = build.output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    the_deb(out)
}

/// The only package in a folder.
pub fn the_deb(folder: &Path) -> PathBuf {
    let mut debs = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"));
    let deb = debs.next().expect("a package was written");
    assert_eq!(debs.next(), None);
    deb
}

/// The folder of QEMU of a release of Debian, as scripts/fetch-qemu unpacked it.
fn qemu_folder(suite: &str) -> PathBuf {
    let folder = std::env::var_os("ROMCOMPAT_QEMU")
        .expect("ROMCOMPAT_QEMU names the folder target/qemu; scripts/test sets it");
    let folder = Path::new(&folder).join(suite);
    let is_there = folder.is_dir();
    assert!(is_there, "run scripts/fetch-qemu {suite}");
    folder
}

/// QEMU 7.2, which has all machine types from 1.4 on.
pub fn bookworm_qemu() -> PathBuf {
    qemu_folder("bookworm").join("qemu-system-x86_64")
}

/// QEMU 10.0.
pub fn trixie_qemu() -> PathBuf {
    qemu_folder("trixie").join("qemu-system-x86_64")
}

/// Where programs are looked for on a host whose QEMU for PCs is bookworm's.
pub fn bookworm_path() -> OsString {
    let mut paths = vec![qemu_folder("bookworm")];
    let own = std::env::var_os("PATH").unwrap();
    paths.extend(std::env::split_paths(&own));
    std::env::join_paths(paths).unwrap()
}

/// The program on such a host.
pub fn romcompat_on_bookworm() -> Command {
    let mut command = romcompat();
    command.env("PATH", bookworm_path());
    command
}

/// The version of the machine's own QEMU, such as 7.2 or 10.0.
pub fn host_version(arch: Arch) -> String {
    let said = tool(&arch.emulator(), &[&"--version"]);
    let (_, version) = said.split_once(" version ").unwrap();
    let mut parts = version.split('.');
    let [major, minor] = [(); 2].map(|()| parts.next().unwrap());
    format!("{major}.{minor}")
}

/// What lintian says of a package, an upload or a source, at its most pedantic.
pub fn lintian(of: &Path) -> String {
    tool("lintian", &[&"-E", &"--pedantic", &"--info", &of])
}
