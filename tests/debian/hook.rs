//! The hook, run by libvirt itself: save, restore and live migration between
//! daemons that have their own mounts, folders and sockets.

use crate::common::{romcompat, status, words};
use crate::fetched::{grown_release, package, tool, unpack};
use crate::privilege::unshared;
use crate::programs::write_script;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Has the machine's own QEMU find the ROMs of a folder, in mounts of its own:
/// they lie over the folder that every release searches first.
fn mount_roms(folder: &Path) -> String {
    let place = "/usr/share/qemu";
    let folder = folder.display();
    format!("mount -t overlay overlay -o lowerdir={folder}:{place} {place}")
}

/// A host: a libvirtd that sees its own configuration, state and ROMs.
pub struct Host {
    folder: TempDir,
}

/// What a host has beside libvirt.
pub struct Setup<'a> {
    /// The folder of its own ROMs.
    pub roms: &'a Path,
    /// The hook script, if it has one.
    pub hook: Option<&'a str>,
    /// A folder that is empty there.
    pub hidden: Option<&'a Path>,
}

impl Host {
    pub fn start(number: u8, setup: &Setup<'_>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path();
        for name in ["etc/hooks/qemu.d", "etc/qemu", "var", "run", "cache", "log"] {
            fs::create_dir_all(path.join(name)).unwrap();
        }
        let run = path.join("run").display().to_string();
        let id = format!("{number:08x}-0000-4000-8000-000000000001");
        fs::write(
            path.join("etc/libvirtd.conf"),
            format!(
                "unix_sock_dir = \"{run}\"\nauth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\nhost_uuid = \"{id}\"\n"
            ),
        )
        .unwrap();
        fs::write(
            path.join("etc/qemu.conf"),
            "security_driver = \"none\"\nuser = \"root\"\ngroup = \"root\"\nremember_owner = 0\ncgroup_controllers = [ ]\nnamespaces = [ ]\nstdio_handler = \"file\"\n",
        )
        .unwrap();
        if let Some(hook) = setup.hook {
            let script = path.join("etc/hooks/qemu.d/compat");
            write_script(&script, hook);
        }
        let hidden = setup.hidden.map_or(String::new(), |hidden| {
            format!("mount -t tmpfs none {}\n", hidden.display())
        });
        let at = path.display();
        let script = format!(
            "set -e
mount --make-rprivate /
mount --bind {at}/etc /etc/libvirt
mount --bind {at}/var /var/lib/libvirt
mount --bind {at}/cache /var/cache/libvirt
mount --bind {at}/log /var/log/libvirt
mount -t tmpfs none /run
mkdir /run/libvirt
mount --bind {at}/run /run/libvirt
{}
{hidden}exec /usr/sbin/libvirtd -d -f /etc/libvirt/libvirtd.conf --pid-file {at}/run/pid
",
            mount_roms(setup.roms)
        );
        let program = PathBuf::from(env!("CARGO_BIN_EXE_romcompat"));
        let programs = program.parent().unwrap().display().to_string();
        let output = unshared("bash")
            .args(["-c", &script])
            .env("PATH", format!("{programs}:/usr/sbin:/usr/bin:/sbin:/bin"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", words(&output));
        Self { folder }
    }

    pub fn uri(&self) -> String {
        let socket = self.folder.path().join("run/libvirt-sock");
        format!("qemu+unix:///system?socket={}", socket.display())
    }

    pub fn try_virsh(&self, arguments: &[&str]) -> Output {
        Command::new("virsh")
            .args(["--quiet", "--connect", &self.uri()])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub fn virsh(&self, arguments: &[&str]) -> String {
        let output = self.try_virsh(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a guest.
    fn create(&self, name: &str, rom: &str) {
        let file = self.folder.path().join(format!("{name}.xml"));
        fs::write(&file, guest(name, rom)).unwrap();
        self.virsh(&["create", file.to_str().unwrap()]);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let running = self.try_virsh(&["list", "--name"]);
        for name in String::from_utf8_lossy(&running.stdout).lines() {
            let _ = self.try_virsh(&["destroy", name.trim()]);
        }
        if let Ok(pid) = fs::read_to_string(self.folder.path().join("run/pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

fn guest(name: &str, rom: &str) -> String {
    format!(
        "\
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <interface type='user'><model type='virtio'/>{rom}</interface>
    <interface type='user'><model type='e1000'/>{rom}</interface>
  </devices>
</domain>
"
    )
}

const MANIFEST: &str = "/usr/share/compat-libvirt/manifest.json";

/// The compat package and its hook, unpacked to a folder of the test.
struct Packages {
    roms: PathBuf,
    script: String,
    manifest: String,
    readme: String,
    _folder: TempDir,
}

fn packages(new: &Path) -> Packages {
    let folder = TempDir::new().unwrap();
    let roms = folder.path().join("compat");
    let out = folder.path().join("dist");
    let mut build = romcompat();
    build.arg("build").arg("--generation");
    build.arg(format!(
        "7.2={}",
        package("bookworm", "ipxe-qemu").display()
    ));
    build.arg(new).arg("--out").arg(&out).arg("--libvirt-hook");
    build
        .args(["--package", "compat", "--install-dir"])
        .arg(&roms);
    let output = build.output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    for entry in fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            tool("dpkg-deb", &[&"-x", &path, &folder.path().join("root")]);
        }
    }
    let root = folder.path().join("root");
    let inside = root.join(roms.strip_prefix("/").unwrap());
    fs::rename(inside, &roms).unwrap();
    let script = fs::read_to_string(root.join("etc/libvirt/hooks/qemu.d/compat")).unwrap();
    let readme = root.join("usr/share/doc/compat-libvirt/README.Debian");
    // The packages are unpacked, not installed.
    let manifest = format!("{}{MANIFEST}", root.display());
    assert!(script.contains(MANIFEST), "{script}");
    Packages {
        roms,
        // A busy host of tests is no reason to leave guests alone.
        script: script.replace(MANIFEST, &format!("{manifest} --budget 60000")),
        manifest,
        readme: fs::read_to_string(readme).unwrap(),
        _folder: folder,
    }
}

const ROM: &str = "compat-256k-efi-virtio.rom";

#[test]
#[ignore = "needs fetched ROMs, libvirt and QEMU"]
fn a_guest_comes_to_a_host_with_grown_roms_and_goes_back() {
    let old_roms = unpack(&package("bookworm", "ipxe-qemu"));
    let old_roms = old_roms.path().join("usr/lib/ipxe/qemu");
    let (_, new) = grown_release();
    let packages = packages(new.path());
    // The old host has the hook and not the ROMs.
    let old = Host::start(
        1,
        &Setup {
            roms: &old_roms,
            hook: Some(&packages.script),
            hidden: Some(&packages.roms),
        },
    );
    let bare = Host::start(
        2,
        &Setup {
            roms: new.path(),
            hook: None,
            hidden: None,
        },
    );
    let hooked = Host::start(
        3,
        &Setup {
            roms: new.path(),
            hook: Some(&packages.script),
            hidden: None,
        },
    );
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();

    // Save and restore.
    old.create("one", "");
    old.create("two", "<rom bar='off'/>");
    for name in ["one", "two"] {
        old.virsh(&["save", name, &file(name)]);
    }
    let refused = bare.try_virsh(&["restore", &file("one")]);
    let text = words(&refused);
    assert!(!refused.status.success());
    assert!(text.contains("Size mismatch"), "{text}");
    hooked.virsh(&["restore", &file("one")]);
    let one = hooked.virsh(&["dumpxml", "one"]);
    assert!(one.contains(ROM), "{one}");
    // A guest that needs nothing is what it is without a hook.
    let two = [&bare, &hooked].map(|host| {
        host.virsh(&["restore", &file("two")]);
        let text = host.virsh(&["dumpxml", "two"]);
        let id = format!(" id='{}'", host.virsh(&["domid", "two"]).trim());
        assert!(text.contains(&id), "{text}");
        text.replace(&id, "")
    });
    assert_eq!(two[0], two[1]);

    // Live migration there and back.
    old.create("three", "");
    let migrate = |from: &Host, to: &Host, more: &[&str]| {
        let address = format!("unix://{}", file("migration"));
        let uri = to.uri();
        let whole = ["migrate", "--live", "three", &uri, "--migrateuri", &address];
        from.try_virsh(&[&whole, more].concat())
    };
    assert!(!migrate(&old, &bare, &[]).status.success());
    assert_eq!(old.virsh(&["domstate", "three"]).trim(), "running");
    let there = migrate(&old, &hooked, &[]);
    assert!(there.status.success(), "{}", words(&there));
    assert!(hooked.virsh(&["dumpxml", "three"]).contains(ROM));
    let back = migrate(&hooked, &old, &[]);
    assert!(back.status.success(), "{}", words(&back));
    let three = old.virsh(&["dumpxml", "three"]);
    assert!(!three.contains("<rom"), "{three}");
    assert_eq!(old.virsh(&["domstate", "three"]).trim(), "running");

    // The definition for the next start is not the hook's, as README.Debian says.
    let move_for_good = |from: &Host, to: &Host, wanted: [usize; 2]| {
        let moved = migrate(from, to, &["--persistent", "--undefinesource"]);
        assert!(moved.status.success(), "{}", words(&moved));
        for (more, wanted) in [&[][..], &["--inactive"]].into_iter().zip(wanted) {
            let text = to.virsh(&[&["dumpxml", "three"], more].concat());
            assert_eq!(text.matches(ROM).count(), wanted, "{more:?} {text}");
        }
    };
    move_for_good(&old, &hooked, [1, 0]);
    let pinned = hooked.virsh(&["dumpxml", "three"]);
    fs::write(file("pinned"), pinned).unwrap();
    hooked.virsh(&["define", &file("pinned")]);
    move_for_good(&hooked, &old, [0, 1]);
    old.virsh(&["destroy", "three"]);
    let refused = old.try_virsh(&["start", "three"]);
    assert!(words(&refused).contains("failed to find romfile"));
}

/// Saves a guest and resumes it in every way that libvirt has.
fn save_and_resume(host: &Host, name: &str, file: &str) {
    host.virsh(&["managedsave", name]);
    host.virsh(&["start", name]);
    // By a helper of libvirt, which has the file open instead of the daemon.
    host.virsh(&["managedsave", name, "--bypass-cache"]);
    host.virsh(&["start", name, "--bypass-cache"]);
    for more in [&[][..], &["--bypass-cache"]] {
        host.virsh(&[&["save", name, file], more].concat());
        host.virsh(&[&["restore", file], more].concat());
    }
    assert_eq!(host.virsh(&["domstate", name]).trim(), "running");
}

#[test]
#[ignore = "needs fetched ROMs, libvirt and QEMU"]
fn a_guest_that_was_started_with_the_grown_roms_is_saved_and_resumed_there() {
    let (_, new) = grown_release();
    let packages = packages(new.path());
    let setup = |hook| Setup {
        roms: new.path(),
        hook,
        hidden: None,
    };
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let hooked = Host::start(4, &setup(Some(&packages.script)));
    let pinned = format!("<rom file='{}/{ROM}'/>", packages.roms.display());
    for (name, rom) in [("new", ""), ("pinned", &*pinned)] {
        fs::write(file("definition"), guest(name, rom)).unwrap();
        hooked.virsh(&["define", &file("definition")]);
        hooked.virsh(&["start", name]);
        save_and_resume(&hooked, name, &file(name));
    }
    // Both at the same time: each card goes by the file of its own guest.
    assert!(!hooked.virsh(&["dumpxml", "new"]).contains(ROM));
    assert!(hooked.virsh(&["dumpxml", "pinned"]).contains(ROM));
}

/// The command lines in README.Debian, each as one line.
fn documented_commands(readme: &str) -> Vec<String> {
    let readme = readme.replace("\\\n", "");
    let lines = readme.lines().map(str::trim_start);
    let commands = lines.filter(|line| line.starts_with("romcompat guests"));
    commands.map(str::to_owned).collect()
}

#[test]
#[ignore = "needs fetched ROMs, libvirt, QEMU and ipxe-qemu"]
fn the_commands_of_its_readme_pin_and_unpin_the_guests_of_a_host() {
    let (_, new) = grown_release();
    let packages = packages(new.path());
    let commands = documented_commands(&packages.readme);
    let [see, pin, unpin] = &commands[..] else {
        panic!("{commands:?}");
    };
    let host = Host::start(
        5,
        &Setup {
            roms: new.path(),
            hook: None,
            hidden: None,
        },
    );
    let folder = TempDir::new().unwrap();
    let definition = folder.path().join("definition");
    fs::write(&definition, guest("one", "")).unwrap();
    host.virsh(&["define", definition.to_str().unwrap()]);
    let before = host.virsh(&["dumpxml", "one"]);
    let run = |command: &str| {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_romcompat"));
        let command = command
            .replace("qemu:///system", &format!("'{}'", host.uri()))
            .replace(MANIFEST, &packages.manifest)
            .replace("romcompat", program.to_str().unwrap());
        // Where the command has dpkg look for them.
        let installed = format!(
            "place=$(dirname \"$(dpkg -L ipxe-qemu | grep /efi-virtio.rom)\") && \
             mount -t overlay overlay -o \"lowerdir={}:$place\" \"$place\"",
            new.path().display()
        );
        let script = format!("{installed} && {command}");
        let mut shell = unshared("bash");
        shell.args(["-c", &script]).current_dir(folder.path());
        shell.output().unwrap()
    };
    let seen = run(see);
    assert!(words(&seen).contains("RC531"), "{}", words(&seen));
    let pinned = run(pin);
    let after = host.virsh(&["dumpxml", "one"]);
    assert_eq!(after.matches("<rom file=").count(), 2, "{}", words(&pinned));
    assert!(folder.path().join("pinned").is_dir());
    let unpinned = run(unpin);
    assert_eq!(status(&unpinned), 0, "{}", words(&unpinned));
    assert_eq!(host.virsh(&["dumpxml", "one"]), before);
}

#[test]
#[ignore = "needs fetched ROMs, dpkg, lintian and root"]
fn dpkg_installs_the_hook_as_a_configuration_file_and_lintian_is_silent() {
    let (_, new) = grown_release();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist");
    let mut build = romcompat();
    build.arg("build").arg("--generation");
    build.arg(format!(
        "7.2={}",
        package("bookworm", "ipxe-qemu").display()
    ));
    build
        .arg(new.path())
        .arg("--out")
        .arg(&out)
        .arg("--libvirt-hook");
    build.args(["--package", "compat", "--package-version", "1.0-2"]);
    let output = build.output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let deb = |name: &str| out.join(format!("{name}_1.0-2_all.deb"));
    for name in ["compat", "compat-libvirt"] {
        let said = tool("lintian", &[&"-E", &"--pedantic", &"--info", &deb(name)]);
        assert_eq!(said, "", "{name}");
    }

    // What it depends on, without anything in it.
    let empty = folder.path().join("romcompat");
    fs::create_dir_all(empty.join("DEBIAN")).unwrap();
    let control = "Package: romcompat\nVersion: 1\nArchitecture: all\nMaintainer: A B <a@b.example>\nDescription: empty\n";
    fs::write(empty.join("DEBIAN/control"), control).unwrap();
    tool("dpkg-deb", &[&"-b", &empty, &deb("romcompat")]);
    let root = folder.path().join("root");
    for part in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(part)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let dpkg = |arguments: &[&dyn AsRef<std::ffi::OsStr>]| {
        let output = unshared("dpkg")
            .env("LC_ALL", "C")
            .arg(format!("--root={}", root.display()))
            .arg(format!("--log={}", folder.path().join("log").display()))
            .args(arguments.iter().map(|argument| argument.as_ref()))
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        assert_eq!(stderr, "");
    };
    dpkg(&[
        &"--install",
        &deb("romcompat"),
        &deb("compat"),
        &deb("compat-libvirt"),
    ]);
    let hook = root.join("etc/libvirt/hooks/qemu.d/compat");
    assert_eq!(
        fs::metadata(&hook).unwrap().permissions().mode() & 0o777,
        0o755
    );
    let script = fs::read_to_string(&hook).unwrap();
    assert!(script.contains(MANIFEST), "{script}");
    assert!(root.join(MANIFEST.trim_start_matches('/')).is_file());
    assert!(root.join(format!("usr/share/qemu/{ROM}")).is_file());
    let files = tool(
        "dpkg-query",
        &[
            &format!("--admindir={}", root.join("var/lib/dpkg").display()),
            &"--show",
            &"--showformat=${Conffiles}",
            &"compat-libvirt",
        ],
    );
    assert!(
        files
            .trim()
            .starts_with("/etc/libvirt/hooks/qemu.d/compat "),
        "{files}"
    );
    // What the administrator makes of it stays, until it is purged.
    fs::write(&hook, "#!/bin/sh\nexec cat\n").unwrap();
    dpkg(&[&"--install", &deb("compat-libvirt")]);
    dpkg(&[&"--remove", &"compat-libvirt"]);
    assert_eq!(fs::read_to_string(&hook).unwrap(), "#!/bin/sh\nexec cat\n");
    dpkg(&[&"--purge", &"compat-libvirt"]);
    assert!(!root.join("etc/libvirt").exists());
}
