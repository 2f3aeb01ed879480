//! What is said of the cause that a line names, and what to type.

use crate::diagnosis::{BlockOwner, Cause, Wrapper};
use crate::report::{Advice, Step};
use crate::rom::BarSize;

const KEPT: &str = "Nothing is lost: the guest runs on at its old host, or its save file is whole.";
const NOT_STARTED: &str = "Nothing is lost: QEMU did not start, and it wrote nothing.";
const UNKNOWN: &str = "The line does not say what became of the guest; look before you start it anew: virsh list --all, or the list of your product.";

fn step(when: &'static str, what: &[&str]) -> Step {
    Step {
        when,
        what: what.iter().map(|line| (*line).to_owned()).collect(),
        loses: false,
    }
}

/// What drops the saved memory, where nothing else helps.
fn last_resort() -> Step {
    Step {
        when: "Where the saved memory may go",
        what: vec![
            "the guest then boots as after a power cut; its disks stay".to_owned(),
            "virsh start --force-boot GUEST".to_owned(),
            "virsh managedsave-remove GUEST".to_owned(),
        ],
        loses: true,
    }
}

/// What is said of a cause.
pub fn advice(cause: &Cause) -> Advice {
    match cause {
        Cause::BlockSize {
            block,
            owner,
            source,
            destination,
        } => block_size(cause, block, *owner, (*source).zip(*destination)),
        Cause::BlockTooLarge { .. } => Advice {
            happened: "A table that QEMU itself makes is larger in this guest than the destination's QEMU allows: the source's QEMU is newer or has other devices. No file on the host decides about it.".to_owned(),
            kept: KEPT,
            steps: vec![
                step("On the destination", &["install the QEMU of the source, or a newer one; then try again"]),
                step("Where the guest may be shut down", &["shut it down on the old host and start it on the new one"]),
            ],
        },
        Cause::UnknownBlock { block, owner } => unknown_block(block, *owner),
        Cause::RomfileMissing { file } => romfile_missing(file),
        Cause::OptionRomMissing { file } => Advice {
            happened: format!("QEMU did not find {file}, which is not the ROM of a PCI device. For most guests this is a warning: they start without it."),
            kept: NOT_STARTED,
            steps: vec![step("Where the guest needs it", &["where QEMU looks: qemu-system-x86_64 -L help", "install the package that has the file (Debian: qemu-system-data or seabios)"])],
        },
        Cause::RomsizeTooSmall { romsize, .. } => Advice {
            happened: format!("The property romsize says {romsize}, and the ROM file does not fit it: romsize must be a power of two and hold the whole file. It keeps a size only for a file that is not larger."),
            kept: NOT_STARTED,
            steps: vec![step("On this host", &["name a ROM of the old size instead of romsize:", "romcompat build OLD NEW --out dist", "or give romsize the next power of two, on both hosts"])],
        },
        Cause::FirmwareMissing { what } => Advice {
            happened: format!("Firmware was not found on this host{}.", named(what)),
            kept: NOT_STARTED,
            steps: vec![
                step("On this host", &["install it: ovmf for x86, qemu-efi-aarch64 for Arm, seabios for legacy BIOS", "where QEMU looks: qemu-system-x86_64 -L help"]),
                step("With libvirt", &["the definition's <loader> and <nvram> must name files that are here, and /usr/share/qemu/firmware a descriptor for them", "copy the guest's own variables from the old host: virsh dumpxml GUEST shows <nvram>"]),
            ],
        },
        Cause::FlashSize { device, .. } => Advice {
            happened: format!("A flash device takes a file of exactly its own size{}, and the file has another one.", device.map_or_else(String::new, |bytes| format!(", {bytes} bytes"))),
            kept: NOT_STARTED,
            steps: vec![
                step("Arm and RISC-V", &["the machine virt wants 64 MiB (Arm) a device: truncate -s 64M COPY, of a copy of the file", "a variable store of x86 (528 KiB) does not belong to an Arm guest: take the file of its own architecture"]),
                step("Proxmox", &["qm resize ID efidisk0 +65408K, where the disk has 128K and 64 MiB are wanted"]),
                step("x86", &["take code and variables of one family: OVMF_CODE_4M.fd with OVMF_VARS_4M.fd"]),
            ],
        },
        Cause::FlashOfPc { bytes, is_sum } => Advice {
            happened: if *is_sum {
                format!("All flash files of a PC together may have {bytes} bytes, and these have more. Files that were made or padded for Arm (64 MiB) are the usual reason.")
            } else {
                format!("A flash file of a PC has a multiple of 4096 bytes, and this one has {bytes}: it was cut, is compressed, or is not firmware.")
            },
            kept: NOT_STARTED,
            steps: vec![step("On this host", &["name OVMF_CODE_4M.fd and a copy of OVMF_VARS_4M.fd (package ovmf)", "with libvirt, let it make new variables: virsh start --reset-nvram GUEST (the firmware's settings are lost)"])],
        },
        Cause::PciConfig { offset } if cause.is_rom_bar() => Advice {
            happened: format!("Byte {offset:#x} of a card's PCI configuration is a part of its ROM BAR: the guest set the BAR for a ROM of another size than this host gives. An option ROM grew or shrank."),
            kept: KEPT,
            steps: rom_steps("the ROM"),
        },
        Cause::PciConfig { offset } => Advice {
            happened: format!("Byte {offset:#x} of a card's PCI configuration differs where it must not. It is not the ROM BAR (0x30 to 0x33): the card has other capabilities, other BARs or another state at the destination."),
            kept: KEPT,
            steps: vec![
                step("Compare both sides", &["the versions of QEMU, the machine type and the options of the card: virsh dumpxml GUEST on both hosts", "a card that was plugged in while the guest ran, vhost=off, and disable-modern=true are what differed for others"]),
                step("On the destination", &["a QEMU with the same changes as the source's: update it, and try again"]),
            ],
        },
        Cause::UnknownSection { section } => Advice {
            happened: format!("The guest that arrives has `{section}`, and the destination was started without it: with other devices, at other addresses, or with an older QEMU that lacks it."),
            kept: KEPT,
            steps: vec![step("On the destination", &["start QEMU with the same devices at the same addresses, those that were plugged in later included", "from a newer QEMU to an older one there is no way; go forward only"])],
        },
        Cause::DeviceState { device } => Advice {
            happened: format!("The destination did not take what {} keeps. A line above this one often names the cause.", device.as_deref().map_or_else(|| "a device".to_owned(), |device| format!("`{device}`"))),
            kept: KEPT,
            steps: vec![step("On the destination", &["look at the lines above this one in QEMU's log of the guest: /var/log/libvirt/qemu/GUEST.log", "the same version of QEMU and the same options of this device as at the source", "where the device is a card whose ROM grew, that line names the card, and one above it the ROM"])],
        },
        Cause::VirtioFeatures => Advice {
            happened: "A virtio card was given features that the destination does not have: another kernel, vhost or QEMU stands behind it.".to_owned(),
            kept: KEPT,
            steps: vec![step("On the destination", &["the same kernel and QEMU as at the source, or newer ones", "or switch the features off in the guest's definition and start the guest anew"])],
        },
        Cause::VirtioQueues { is_too_large } => Advice {
            happened: if *is_too_large { "The queues of a virtio device are longer or more than the destination allows: what a machine type stands for changed, or the number was counted from the processors.".to_owned() } else { "A virtio queue arrived in a state that cannot be: it was changed while it was sent, which is a fault of QEMU.".to_owned() },
            kept: KEPT,
            steps: vec![step("For this guest", &["write the numbers down: queues and vectors of the card, num-queues of the disk, in the definition on both hosts", "update QEMU on both hosts and try again"])],
        },
        Cause::Tpm => Advice {
            happened: "The TPM's state was not taken: swtpm has another key or another version there.".to_owned(),
            kept: KEPT,
            steps: vec![step("On the destination", &["the same key or passphrase and a swtpm that is not older"])],
        },
        Cause::MachineTypesDiffer { source, destination } => Advice {
            happened: format!("The guest was started as {source}, and the destination was started as {destination}. An alias such as pc or q35 means another type with each QEMU."),
            kept: KEPT,
            steps: vec![step("On the destination", &[&format!("start it with -machine {source}, or write it into <os><type machine='{source}'> of the definition"), "where its QEMU lacks that type, use the QEMU of the source"])],
        },
        Cause::MachineTypeUnknown { machine } => Advice {
            happened: format!("The QEMU of this host does not have the machine type {machine}: it is older than the type, gave it up, or is another distribution's."),
            kept: NOT_STARTED,
            steps: vec![
                step("Which ones it has", &["qemu-system-x86_64 -machine help"]),
                step("A guest that is saved or still runs", &["needs a QEMU that has its type: shut it down on the old host, or use that host's QEMU"]),
                step("A guest that is shut down", &["may have a newer type: virsh edit GUEST", "or all at once: romcompat guests DEFINITIONS --upgrade-machine newest --qemu qemu-system-x86_64 --out FOLDER"]),
            ],
        },
        Cause::Cpu { missing } => Advice {
            happened: if missing.is_empty() { "The processor of the destination, or what its kernel and QEMU make of it, cannot take the guest's.".to_owned() } else { format!("The processor of this host lacks what the guest has: {}.", missing.join(", ")) },
            kept: KEPT,
            steps: vec![step("For this guest", &["give it a model that all hosts have, and start it anew: virsh domcapabilities, virsh hypervisor-cpu-baseline", "host-passthrough and -cpu host migrate between equal hosts only, with equal kernels and microcode"])],
        },
        Cause::TscFrequency => Advice {
            happened: "The time stamp counters of both hosts run at different speeds, and the destination cannot scale them. No memory is concerned.".to_owned(),
            kept: KEPT,
            steps: vec![step("For this guest", &["migrate between hosts of one speed, or start it without invtsc and a fixed tsc-frequency"])],
        },
        Cause::Blocked => Advice {
            happened: "A device or share of the guest cannot be migrated while it is in use. No size is concerned.".to_owned(),
            kept: "The guest was left as it was.",
            steps: vec![step("In the guest, or its definition", &["unmount the share, or take the device that is named out, and try again"])],
        },
        Cause::EmulatorMissing { path } => Advice {
            happened: format!("The definition names {path} as its program, and it is not on this host."),
            kept: NOT_STARTED,
            steps: vec![step("On this host", &["install QEMU there, or name the one that is there: virsh edit GUEST, <emulator>"])],
        },
        Cause::DiskSize => Advice {
            happened: "A disk, and not memory, has another size at the target of a copy: it was rounded up or made by hand.".to_owned(),
            kept: KEPT,
            steps: vec![step("At the target", &["make the volume with exactly the bytes of the source: qemu-img info --output json DISK"])],
        },
        Cause::BlockMigration => Advice {
            happened: "The old way of copying disks with a guest met a disk that it does not take, such as the file of the firmware's variables.".to_owned(),
            kept: KEPT,
            steps: vec![step("For this migration", &["leave out either --tunnelled or --copy-storage-inc"])],
        },
        Cause::StreamEnds => Advice {
            happened: "The stream ended before the guest was whole: the source broke off, the connection did, or the file was cut.".to_owned(),
            kept: UNKNOWN,
            steps: vec![step("Look at the other side", &["the log of the source's QEMU names the cause: /var/log/libvirt/qemu/GUEST.log there", "romcompat state FILE says whether a saved guest was cut"])],
        },
        Cause::FollowsRam => Advice {
            happened: "The guest's memory was not taken, and this line does not say why. QEMU's line above it does: Size mismatch, Length mismatch or Unknown ramblock, with the name of a block.".to_owned(),
            kept: KEPT,
            steps: vec![
                step("Look at the destination's log", &["the line above this one in /var/log/libvirt/qemu/GUEST.log on the host where the guest was to arrive; then: romcompat explain 'THAT LINE'"]),
                step("Or ask the saved guest", &["romcompat state FILE"]),
            ],
        },
        Cause::Follows => Advice {
            happened: "QEMU gave up, and this line does not say why: it follows from another one.".to_owned(),
            kept: KEPT,
            steps: vec![step("Look at the destination's log", &["the lines above this one in /var/log/libvirt/qemu/GUEST.log on the host where the guest was to arrive; then: romcompat explain - <GUEST.log"])],
        },
        Cause::Wrapped { by } => wrapped(*by),
    }
}

fn named(what: &str) -> String {
    if what.is_empty() {
        String::new()
    } else {
        format!(": {what}")
    }
}

/// Bytes as people write them, where they are a power of two.
fn size(bytes: u64) -> String {
    match BarSize::of_rom(bytes).filter(|bar| bar.bytes() == bytes) {
        Some(bar) => bar.to_string(),
        None => format!("{bytes} bytes"),
    }
}

/// What keeps the size of a ROM, by the way one came here.
fn rom_steps(rom: &str) -> Vec<Step> {
    vec![
        step("virsh start or restore failed", &["romcompat state /var/lib/libvirt/qemu/save/GUEST.save"]),
        Step {
            when: "virsh migrate failed",
            what: vec![
                format!("copy {rom} from the OLD host to the new one, under another name, such as /usr/share/qemu/compat-256k-NAME"),
                "name it for this guest: romcompat guests GUEST.xml --pin, then virsh migrate --xml".to_owned(),
            ],
            loses: false,
        },
        step("A snapshot does not revert", &["its own definition must name the old ROM: virsh snapshot-dumpxml, then virsh snapshot-create --redefine"]),
        step("A product's suspended instance", &["start the version that suspended it, resume and shut down the guest there, and update then"]),
        step("All guests, for good", &["romcompat build OLD NEW --out dist"]),
        last_resort(),
    ]
}

/// `sizes` are the bytes at the source and at the destination.
fn block_size(cause: &Cause, block: &str, owner: BlockOwner, sizes: Option<(u64, u64)>) -> Advice {
    let direction = match sizes {
        Some((source, destination)) if source > destination => "is smaller",
        _ => "grew",
    };
    let sizes = sizes.map_or_else(String::new, |(source, destination)| {
        format!(
            ": {} in the guest that arrives, {} at the destination",
            size(source),
            size(destination)
        )
    });
    let names: Vec<&str> = cause.devices().map(|device| device.name).collect();
    let romfile = cause.devices().next().map(|device| device.romfile);
    let (what, steps) = match owner {
        BlockOwner::OptionRom | BlockOwner::VideoRom => {
            let card = match &*names {
                [] => "a card".to_owned(),
                [only] => format!("the card {only}"),
                [first, ..] => format!("a card of {first}'s kind"),
            };
            let rom = romfile.map_or_else(
                || "its ROM file".to_owned(),
                |file| format!("{file}, its default ROM,"),
            );
            (
                format!(
                    "The ROM BAR of {card} has another size{sizes}. It goes by the ROM file on each host, and {rom} {direction} here, or another file is named."
                ),
                rom_steps(romfile.unwrap_or("the ROM")),
            )
        }
        BlockOwner::VideoMemory => (
            format!(
                "The memory of the display adapter has another size{sizes}. A property of the adapter decides about it, not a file."
            ),
            vec![
                step(
                    "In the definition on the destination",
                    &[
                        "the old value: vram or vgamem of <video><model>, or vgamem_mb of the device, in MiB",
                    ],
                ),
                last_resort(),
            ],
        ),
        BlockOwner::Firmware => (
            format!(
                "The guest's firmware has another size{sizes}. It goes by the firmware file on each host, and that was replaced by one of another size (2M and 4M builds of OVMF, 128K and 256K of SeaBIOS)."
            ),
            vec![
                step(
                    "On the destination",
                    &[
                        "put the old firmware file beside the new one, under another name, and name it in <loader> and <nvram>, -drive if=pflash or -bios",
                        "install the package that has the old size: ovmf has OVMF_CODE.fd (2M) up to Debian 12",
                    ],
                ),
                step(
                    "A product's suspended instance",
                    &[
                        "start the version that suspended it, resume and shut down the guest there, and update then",
                    ],
                ),
                last_resort(),
            ],
        ),
        BlockOwner::GuestRam => (
            format!("The destination was started with another amount of memory{sizes}."),
            vec![
                step(
                    "On the destination",
                    &[
                        "start it with -m of the first number, or set <memory> to it",
                        "Proxmox: set the memory back to what the running guest has, migrate, and change it afterwards",
                    ],
                ),
                last_resort(),
            ],
        ),
        BlockOwner::AcpiTables | BlockOwner::Other => (
            format!(
                "The block `{block}` is QEMU's own and has another size{sizes}: the QEMU or the devices differ."
            ),
            vec![
                step(
                    "On the destination",
                    &["the same version of QEMU, machine type and devices as at the source"],
                ),
                last_resort(),
            ],
        ),
    };
    Advice {
        happened: what,
        kept: KEPT,
        steps,
    }
}

fn unknown_block(block: &str, owner: BlockOwner) -> Advice {
    let (happened, what): (String, &[&str]) = match owner {
        BlockOwner::OptionRom | BlockOwner::VideoRom => (
            format!(
                "The guest that arrives has a card with a ROM at {block}, and the destination has none there. Nearly always the cards stand at other addresses: one was left out, added or plugged in later, so that all behind it moved. Only seldom has the card no ROM at the destination (romfile= or rombar=0)."
            ),
            &[
                "start it with the same devices in the same order, or give every card its address: addr= on a command line, <address> in a definition",
                "for a saved guest, the addresses that it has: romcompat state FILE",
                "last, look whether its ROM is switched off there: romfile='', rombar=0, <rom bar='off'/>",
            ],
        ),
        BlockOwner::GuestRam => (
            format!(
                "The guest that arrives has the memory `{block}`, and the destination was started without it."
            ),
            &[
                "give it the same -object memory-backend and -device pc-dimm, with the same ids, as the source has",
            ],
        ),
        _ => (
            format!(
                "The guest that arrives has the memory `{block}`, which this QEMU does not know: it is older than the source's, or was started with other devices or firmware options."
            ),
            &[
                "the same QEMU as at the source or a newer one, with the same devices; there is no way back from a newer QEMU",
            ],
        ),
    };
    Advice {
        happened,
        kept: KEPT,
        steps: vec![step("On the destination", what)],
    }
}

fn romfile_missing(file: &str) -> Advice {
    let is_compat = file.contains("compat-");
    let happened = if is_compat {
        format!(
            "The guest or its machine type names the compat ROM {file}, and it is not where this QEMU looks: the package that has it is not installed here."
        )
    } else {
        format!("A device's ROM, {file}, is not where this QEMU looks.")
    };
    let first: &[&str] = if is_compat {
        &[
            "install the compat package that the other hosts have; Ubuntu's is ipxe-qemu-256k-compat-efi-roms",
        ]
    } else {
        &[
            "install the ROMs: ipxe-qemu on Debian and Ubuntu, ipxe-roms-qemu on Fedora and RHEL, qemu-ipxe on SUSE; the ROMs of display adapters are in seabios or seavgabios-bin",
        ]
    };
    Advice {
        happened,
        kept: NOT_STARTED,
        steps: vec![
            step("On this host", first),
            step(
                "Where it is installed",
                &[
                    "where QEMU looks: qemu-system-x86_64 -L help",
                    "a QEMU of your own build needs -L FOLDER, or the files in its own folder",
                ],
            ),
            step(
                "A guest that is not saved and does not boot from the network",
                &["needs no ROM: romfile='' on the device, or <rom enabled='no'/>"],
            ),
        ],
    }
}

fn wrapped(by: Wrapper) -> Advice {
    let (program, log): (&str, &str) = match by {
        Wrapper::Libvirt => (
            "libvirt",
            "/var/log/libvirt/qemu/GUEST.log on the host where the guest was to arrive or to start",
        ),
        Wrapper::Proxmox => (
            "Proxmox",
            "the task's log on the other node, and there: journalctl -t QEMU",
        ),
        Wrapper::Nova => (
            "Nova",
            "/var/log/libvirt/qemu/instance-XXXXXXXX.log on the destination's compute node",
        ),
        Wrapper::Kubevirt => (
            "KubeVirt",
            "kubectl logs of the TARGET virt-launcher pod, container compute",
        ),
        Wrapper::Lxd => (
            "LXD or Incus",
            "the instance's qemu.log: lxc info --show-log INSTANCE, or incus info --show-log INSTANCE",
        ),
        Wrapper::Multipass => (
            "Multipass",
            "the log of multipassd: journalctl -u snap.multipass.multipassd",
        ),
    };
    Advice {
        happened: format!(
            "This is what {program} says when QEMU gave up; it names no cause. QEMU's own line does."
        ),
        kept: KEPT,
        steps: vec![Step {
            when: "Where QEMU's line is",
            what: vec![log.to_owned(), "then: romcompat explain - <LOG".to_owned()],
            loses: false,
        }],
    }
}
