//! Our own package, as scripts/package makes it.

use crate::common::fixture;
use crate::fetched::{lintian, tool};
use crate::guard::{Guard, source};
use romcompat::package::Templates;
use romcompat::program;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The file that each shell loads, the shell's package, and how it says that it
/// completes a command.
const COMPLETIONS: [(&str, &str, &str); 3] = [
    (
        "/usr/share/bash-completion/completions/romcompat",
        "bash",
        "bash -ec \". $FILE; COMP_WORDS=(romcompat inv); COMP_CWORD=1; _romcompat romcompat ins romcompat; echo \\${COMPREPLY[@]}\"",
    ),
    (
        "/usr/share/zsh/vendor-completions/_romcompat",
        "zsh",
        "zsh -ec \"autoload -Uz compinit; compinit -u; [[ \\$_comps[romcompat] == _romcompat ]]; autoload +X _romcompat; echo \\$functions[_romcompat]\"",
    ),
    (
        "/usr/share/fish/vendor_completions.d/romcompat.fish",
        "fish",
        "fish -c \"complete --do-complete 'romcompat ins'\"",
    ),
];

/// The manual page of each command, and of each command below it.
fn manuals(command: &clap::Command, name: &str) -> Vec<String> {
    let below = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set());
    let below = below.flat_map(|below| manuals(below, &format!("{name}-{}", below.get_name())));
    [name.to_owned()].into_iter().chain(below).collect()
}

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
        assert_eq!(lintian(deb), "");
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
    let manuals = manuals(&program::command(), "romcompat");
    assert!(manuals.len() > 20, "{manuals:?}");
    let manuals = manuals
        .iter()
        .map(|page| format!("./usr/share/man/man1/{page}.1.gz"));
    let templates = Templates::default();
    let templates = templates
        .iter()
        .map(|(name, _)| format!("./usr/share/romcompat/debian-templates/{name}"));
    let completions = COMPLETIONS.iter().map(|(path, ..)| format!(".{path}"));
    let program = "./usr/bin/romcompat".to_owned();
    for path in manuals.chain(templates).chain(completions).chain([program]) {
        let has_path = |line: &str| line.ends_with(&format!(" {path}"));
        assert!(contents.lines().any(has_path), "{path}");
    }

    let site = tool(
        root.join("scripts/debian-site").to_str().unwrap(),
        &[&"bookworm"],
    );
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let source_of_apt = format!("deb [signed-by={keyring}] {} bookworm main", site.trim());
    let copy = |path: &Path| format!("--customize-hook=copy-in {} /srv", path.display());
    let run = |command: &str| format!("--customize-hook=chroot \"$1\" {command}");
    let install = |deb: &Path| {
        let name = deb.file_name().unwrap().to_str().unwrap();
        run(&format!("dpkg -i /srv/{name}"))
    };
    let job = "romcompat build /srv/example-roms_1.0-1_all.deb /srv/example-roms_2.0-1_all.deb --out /srv/dist";
    let completions = COMPLETIONS.map(|(file, shell, script)| {
        let script = script.replace("$FILE", file);
        run(&format!(
            "{script} | grep -w inspect && echo {shell} completes"
        ))
    });
    // A source of ROMs whose build is guarded by the installed sequence.
    let (kept, left) = (
        source(&Guard::BuildDepends, 1),
        source(&Guard::BuildDepends, 2),
    );
    let tree = |folder: &TempDir, name: &str| {
        let place = folder.path().join(name);
        fs::rename(folder.path().join("roms-1.0"), &place).unwrap();
        copy(&place)
    };
    let guarded = "sh -ec 'cd /srv/kept; debian/rules binary; cd ../left; ! debian/rules binary'";
    let output = Command::new("mmdebstrap")
        .args(["--variant=essential", "--format=null"])
        .arg("--include=debhelper,zsh,fish")
        .args([
            copy(&deb),
            copy(&add_on),
            copy(&fixture(1)),
            copy(&fixture(2)),
        ])
        .args([tree(&kept, "kept"), tree(&left, "left")])
        .args([install(&deb), run(job)])
        .args(completions)
        .args([install(&add_on), run(guarded)])
        .arg(run("dpkg -r dh-romcompat romcompat"))
        .args(["bookworm", "-", &source_of_apt])
        .output()
        .expect("mmdebstrap runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    for wanted in [
        "example-roms-256k-compat-efi-roms 1.0-1",
        "bash completes",
        "zsh completes",
        "fish completes",
        "error[RC301]: efi-virtio.rom",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}
