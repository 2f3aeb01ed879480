//! The hook, run by libvirt itself: save, restore and live migration between
//! daemons that have their own mounts, folders and sockets.

use crate::common::{romcompat, status, words};
use crate::fetched::{grown_release, package, unpack};
use crate::privilege::unshared;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

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
            fs::write(&script, hook).unwrap();
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
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
mount --bind {} /usr/lib/ipxe/qemu
{hidden}exec /usr/sbin/libvirtd -d -f /etc/libvirt/libvirtd.conf --pid-file {at}/run/pid
",
            setup.roms.display()
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

/// The compat package and its hook, unpacked to a folder of the test.
struct Packages {
    roms: PathBuf,
    script: String,
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
            crate::fetched::tool("dpkg-deb", &[&"-x", &path, &folder.path().join("root")]);
        }
    }
    let root = folder.path().join("root");
    let inside = root.join(roms.strip_prefix("/").unwrap());
    fs::rename(inside, &roms).unwrap();
    let script = fs::read_to_string(root.join("etc/libvirt/hooks/qemu.d/compat")).unwrap();
    // The packages are unpacked, not installed.
    let manifest = "/usr/share/compat-libvirt/manifest.json";
    assert!(script.contains(manifest), "{script}");
    let script = script.replace(manifest, &format!("{}{manifest}", root.display()));
    Packages {
        roms,
        script,
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
    hooked.virsh(&["restore", &file("two")]);
    let two = hooked.virsh(&["dumpxml", "two"]);
    assert!(!two.contains("compat-256k"), "{two}");

    // Live migration there and back.
    old.create("three", "");
    let migrate = |from: &Host, to: &Host| {
        let address = format!("unix://{}", file("migration"));
        from.try_virsh(&[
            "migrate",
            "--live",
            "three",
            &to.uri(),
            "--migrateuri",
            &address,
        ])
    };
    assert!(!migrate(&old, &bare).status.success());
    assert_eq!(old.virsh(&["domstate", "three"]).trim(), "running");
    let there = migrate(&old, &hooked);
    assert!(there.status.success(), "{}", words(&there));
    assert!(hooked.virsh(&["dumpxml", "three"]).contains(ROM));
    let back = migrate(&hooked, &old);
    assert!(back.status.success(), "{}", words(&back));
    let three = old.virsh(&["dumpxml", "three"]);
    assert!(!three.contains("<rom"), "{three}");
    assert_eq!(old.virsh(&["domstate", "three"]).trim(), "running");
}
