//! The package as it stands on a host: every card of the table migrates between
//! hosts with the ROMs and files in their places.

use crate::common::{romcompat, words};
use crate::fetched::{grown_release, package, the_deb, unpack};
use crate::privilege::unshared;
use rayon::prelude::*;
use romcompat::prove::{Emulator, Guest, Launcher, Migration, Migrator, RomSource};
use romcompat::qemu::{Arch, DEVICES, Device, Family, MachineType};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

/// The host's QEMU in mounts of its own, which this script makes of `$1`.
fn host(mounts: &str, argument: &Path, run: &Path) -> Emulator {
    let script = format!("{mounts} && shift && exec qemu-system-x86_64 \"$@\"");
    let unshare = unshared("sh");
    let mut command = vec![unshare.get_program().to_owned()];
    command.extend(unshare.get_args().map(OsString::from));
    command.extend(["-c", &script, "sh"].map(OsString::from));
    command.push(argument.into());
    Emulator::ask(Arch::X86_64, command, &Launcher::default(), run, LIMIT).unwrap()
}

/// A host whose ROMs are those of a folder.
fn host_with_roms(folder: &Path, run: &Path) -> Emulator {
    let mounts = "mount -t overlay overlay -o lowerdir=\"$1\":/usr/share/qemu /usr/share/qemu";
    host(mounts, folder, run)
}

struct Hosts {
    _folders: Vec<TempDir>,
    run: TempDir,
    old: Emulator,
    new: Emulator,
    new_with_package: Emulator,
    /// The mapping, where the package installs it.
    readconfig: PathBuf,
}

/// Bookworm's ROMs on the old host; on the new one EFI ROMs of 512K, a
/// `pxe-eepro100.rom` of the size that is given, and the package.
fn hosts(eepro100: &str) -> Hosts {
    let run = TempDir::new().unwrap();
    let bookworm = package("bookworm", "ipxe-qemu");
    let (_, new) = grown_release();
    let mut pad = romcompat();
    pad.args([
        "pad",
        "--select",
        "pxe-eepro100.rom",
        "--size",
        eepro100,
        "--force",
        "--out",
    ]);
    let output = pad.arg(new.path()).arg(&bookworm).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let dist = TempDir::new().unwrap();
    let mut build = romcompat();
    build.arg("build").arg(&bookworm).arg(new.path());
    let output = build.arg("--out").arg(dist.path()).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));

    let root = unpack(&the_deb(dist.path()));
    let share = root.path().join("usr/share");
    let mut folders = fs::read_dir(&share)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mapping = folders.find_map(|folder| {
        let file = folder.join("romfiles.cfg");
        file.exists().then_some(file)
    });
    let mapping = mapping.expect("the package has a mapping");
    let readconfig = Path::new("/usr/share").join(mapping.strip_prefix(&share).unwrap());
    // The ROMs and the package, in the folder that every QEMU searches first.
    let view = TempDir::new().unwrap();
    std::os::unix::fs::symlink(&share, view.path().join("package")).unwrap();
    let roms = view.path().join("roms/qemu");
    fs::create_dir_all(&roms).unwrap();
    for entry in fs::read_dir(new.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), roms.join(entry.file_name())).unwrap();
    }
    let installed = "mount -t overlay overlay \
                     -o lowerdir=\"$1/roms:$(realpath $1/package):/usr/share\" /usr/share";
    let ipxe = unpack(&bookworm);
    Hosts {
        old: host_with_roms(&ipxe.path().join("usr/lib/ipxe/qemu"), run.path()),
        new: host_with_roms(new.path(), run.path()),
        new_with_package: host(installed, view.path(), run.path()),
        _folders: vec![new, dist, root, view, ipxe],
        run,
        readconfig,
    }
}

impl Hosts {
    /// Migrates each device on i440fx to the new host as it is, to the new one
    /// with the package, and from there back.
    fn migrate(&self, devices: &[&'static Device]) -> Vec<[Migration; 3]> {
        let migrator = Migrator::new(Launcher::default(), self.run.path().to_owned(), LIMIT);
        let machines = self.old.machines.iter();
        let machine = *machines
            .clone()
            .find(|m| m.family == Family::I440fx)
            .unwrap();
        let migrations = devices.par_iter().map(|device| {
            let [old, new, told] = self.guests(device, machine);
            [(&old, &new), (&old, &told), (&told, &old)].map(|(source, destination)| {
                let migrated = migrator.migrate(source, destination);
                migrated
                    .result
                    .unwrap_or_else(|why| panic!("{}: {why}", device.name))
            })
        });
        migrations.collect()
    }

    fn guests(&self, device: &'static Device, machine: MachineType) -> [Guest<'_>; 3] {
        let guest = |emulator, rom| Guest {
            emulator,
            machine,
            device,
            rom,
            folder: self.run.path().to_owned(),
        };
        let told = RomSource::Readconfig {
            file: self.readconfig.clone(),
            romfile: String::new(),
        };
        [
            guest(&self.old, RomSource::Default),
            guest(&self.new, RomSource::Default),
            guest(&self.new_with_package, told),
        ]
    }
}

fn devices(has: impl Fn(&str) -> bool) -> Vec<&'static Device> {
    DEVICES
        .iter()
        .filter(|device| has(device.romfile))
        .collect()
}

#[test]
#[ignore = "needs fetched ROMs, QEMU, and root to install into a view of its own"]
fn every_card_migrates_by_the_installed_package_and_none_without_it() {
    let hosts = hosts("256K");
    let efi = devices(|romfile| romfile.starts_with("efi-"));
    let eepro100 = devices(|romfile| romfile == "pxe-eepro100.rom");
    assert_eq!((efi.len(), eepro100.len()), (11, 13));
    for (devices, sizes) in [
        (efi, "0x40000 != 0x80000"),
        (eepro100, "0x20000 != 0x40000"),
    ] {
        for (device, [without, with, back]) in devices.iter().zip(hosts.migrate(&devices)) {
            let refused = matches!(&without, Migration::Refused(line) if line.contains(sizes));
            assert!(refused, "{}: {without:?}", device.name);
            assert_eq!([with, back], [Migration::Accepted, Migration::Accepted]);
        }
    }
}

#[test]
#[ignore = "needs fetched ROMs, QEMU, and root to install into a view of its own"]
fn cards_whose_rom_keeps_its_128k_need_no_package() {
    let hosts = hosts("128K");
    let eepro100 = devices(|romfile| romfile == "pxe-eepro100.rom");
    assert_eq!(eepro100.len(), 13);
    for (device, migrations) in eepro100.iter().zip(hosts.migrate(&eepro100)) {
        let all_accepted = migrations.iter().all(|m| *m == Migration::Accepted);
        assert!(all_accepted, "{}: {migrations:?}", device.name);
    }
}
