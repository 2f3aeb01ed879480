//! Our own package, as scripts/package makes it.

use crate::common::fixture;
use crate::fetched::tool;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

#[test]
#[ignore = "needs cargo-deb, lintian, mmdebstrap and the network"]
fn our_own_package_is_clean_and_does_the_main_job_on_a_clean_system() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = TempDir::new().unwrap();
    tool(
        root.join("scripts/package").to_str().unwrap(),
        &[&out.path()],
    );
    let named = |name: &str| {
        let mut paths = fs::read_dir(out.path()).unwrap().map(|e| e.unwrap().path());
        let is_named = |path: &PathBuf| {
            let file = path.file_name().unwrap().to_str().unwrap();
            file.starts_with(&format!("{name}_")) && file.ends_with(".deb")
        };
        paths.find(is_named).unwrap()
    };
    let (deb, add_on) = (named("romcompat"), named("dh-romcompat"));
    for deb in [&deb, &add_on] {
        assert_eq!(tool("lintian", &[&"-E", &"--pedantic", deb]), "");
    }
    let contents = tool("dpkg-deb", &[&"--contents", &add_on]);
    for path in [
        "./usr/bin/dh_romcompat",
        "./usr/share/man/man1/dh_romcompat.1.gz",
        "./usr/share/perl5/Debian/Debhelper/Sequence/romcompat.pm",
    ] {
        assert!(contents.lines().any(|line| line.ends_with(path)), "{path}");
    }
    let contents = tool("dpkg-deb", &[&"--contents", &deb]);
    for path in [
        "./usr/bin/romcompat",
        "./usr/share/man/man1/romcompat.1.gz",
        "./usr/share/man/man1/romcompat-prove.1.gz",
        "./usr/share/bash-completion/completions/romcompat",
        "./usr/share/zsh/vendor-completions/_romcompat",
        "./usr/share/fish/vendor_completions.d/romcompat.fish",
        "./usr/share/romcompat/debian-templates/control",
    ] {
        assert!(contents.lines().any(|line| line.ends_with(path)), "{path}");
    }

    let site = tool(
        root.join("scripts/debian-site").to_str().unwrap(),
        &[&"bookworm"],
    );
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let source = format!("deb [signed-by={keyring}] {} bookworm main", site.trim());
    let copy = |path: &Path| format!("--customize-hook=copy-in {} /srv", path.display());
    let run = |command: &str| format!("--customize-hook=chroot \"$1\" {command}");
    let job = "romcompat build /srv/example-roms_1.0-1_all.deb /srv/example-roms_2.0-1_all.deb --out /srv/dist";
    let output = Command::new("mmdebstrap")
        .args(["--variant=essential", "--format=null"])
        .args([copy(&deb), copy(&fixture(1)), copy(&fixture(2))])
        .arg(run(&format!(
            "dpkg -i /srv/{}",
            deb.file_name().unwrap().to_str().unwrap()
        )))
        .arg(run(job))
        .arg(run("dpkg -r romcompat"))
        .args(["bookworm", "-", &source])
        .output()
        .expect("mmdebstrap runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("example-roms-256k-compat-efi-roms 1.0-1"),
        "{text}"
    );
}
