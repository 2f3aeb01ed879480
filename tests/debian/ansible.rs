//! The role for Ansible, on two hosts that have a libvirt and ROMs of their own.

use crate::common::words;
use crate::fetched::{build_into, grown_release, package, the_deb, unpack};
use crate::hook::{Host, Setup};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn play(folder: &Path, arguments: &[&str]) -> Output {
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/ansible/playbook.yml");
    Command::new("ansible-playbook")
        .arg("-i")
        .arg(folder.join("hosts.yml"))
        .args(arguments)
        .arg(playbook)
        .env("HOME", folder)
        .env("ANSIBLE_LOCAL_TEMP", folder.join("ansible"))
        .env("ANSIBLE_REMOTE_TEMP", folder.join("ansible"))
        .env("ANSIBLE_NOCOLOR", "1")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

const GUEST: &str = "\
<domain type='qemu'>
  <name>NAME</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <interface type='user'><model type='virtio'/></interface>
  </devices>
</domain>
";

#[test]
#[ignore = "needs fetched ROMs, Ansible, libvirt and QEMU"]
fn the_role_collects_from_every_host_and_prints_the_answer() {
    let folder = TempDir::new().unwrap();
    let old = unpack(&package("bookworm", "ipxe-qemu"));
    let (_, new) = grown_release();
    let roms: [PathBuf; 2] = [
        old.path().join("usr/lib/ipxe/qemu"),
        new.path().to_path_buf(),
    ];
    let hosts: Vec<Host> = roms
        .iter()
        .zip(5..)
        .map(|(roms, number)| {
            let host = Host::start(
                number,
                &Setup {
                    roms,
                    hook: None,
                    hidden: None,
                },
            );
            let file = folder.path().join(format!("guest{number}.xml"));
            let text = GUEST.replace("NAME", &format!("guest{number}"));
            fs::write(&file, text).unwrap();
            host.virsh(&["define", file.to_str().unwrap()]);
            host
        })
        .collect();
    let inventory = folder.path().join("inventory");
    let mut text = format!(
        "all:\n  vars:\n    ansible_connection: local\n    ansible_python_interpreter: /usr/bin/python3\n    romcompat_become: false\n    romcompat_program: {}\n    romcompat_inventory: {}\n  hosts:\n",
        env!("CARGO_BIN_EXE_romcompat"),
        inventory.display()
    );
    for (name, (host, roms)) in ["one", "two"].iter().zip(hosts.iter().zip(&roms)) {
        text.push_str(&format!(
            "    {name}:\n      romcompat_rom_folders: ['{}', /no/such/folder]\n      romcompat_guests: [--connect, '{}']\n",
            roms.display(),
            host.uri()
        ));
    }
    fs::write(folder.path().join("hosts.yml"), text).unwrap();

    // What was collected of a host that has left since.
    let left = inventory.join("left");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("roms.json"), "{}").unwrap();

    let played = play(folder.path(), &[]);
    let text = words(&played);
    assert!(played.status.success(), "{text}");
    for wanted in [
        "2 hosts, 2 guests, 2 cannot go everywhere",
        "1 of 1 guest refused: efi-virtio.rom 256K to 512K (1)",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    for host in ["one", "two"] {
        for file in ["roms.json", "guests.json"] {
            assert!(inventory.join(host).join(file).is_file());
        }
    }
    assert!(!left.exists());
    // The second time nothing changes, and a gate fails.
    let again = play(folder.path(), &["-e", "{romcompat_must_pass: true}"]);
    assert!(!again.status.success());
    assert!(words(&again).contains("changed=0"), "{}", words(&again));

    // What would be installed is looked at, for which nobody needs to be root,
    // and the machine left alone.
    let dist = folder.path().join("dist");
    build_into(&dist);
    let deb = the_deb(&dist);
    let packages = format!(
        "{{romcompat_packages: ['{}'], ansible_become: false}}",
        deb.display()
    );
    let install = ["--tags", "install", "--check", "-e", &*packages];
    let played = play(folder.path(), &install);
    assert!(played.status.success(), "{}", words(&played));
}
