use super::*;

fn cause(text: &str) -> Option<Cause> {
    diagnose(text).unwrap().map(|diagnosis| diagnosis.cause)
}

fn class(text: &str) -> String {
    cause(text).map_or_else(|| "unknown".to_owned(), |cause| cause.class().to_string())
}

/// Made after lines that QEMU, libvirt and the programs around them print.
#[test]
fn each_line_has_its_class() {
    for (line, wanted) in [
        (
            "Size mismatch: 0000:00:02.0/e1000.rom: 0x40000 != 0x80000: Invalid argument",
            "option ROM size",
        ),
        (
            "kvm: Length mismatch: 0000:00:02.0/e1000.rom: 0x40000 in != 0x80000: Invalid argument",
            "option ROM size",
        ),
        (
            "QEMU[17]: kvm: Length mismatch: 0000:00:12.0/ne2000.rom: 10000 in != 20000",
            "option ROM size",
        ),
        (
            "(qemu) Size mismatch: pci@800000020000000:00.0/virtio-net-pci.rom: 0x40000 != 0x80000",
            "option ROM size",
        ),
        (
            "virtio-net-pci-non-transitional: 0x40000 in != 0x80000",
            "option ROM size",
        ),
        ("Length mismatch: rtl8139.rom", "option ROM size"),
        (
            "romfile \"a.rom\" (300000 bytes) is too large for ROM size 262144",
            "option ROM size",
        ),
        ("ROM size 300000 is not a power of two", "option ROM size"),
        (
            "get_pci_config_device: Bad config data: i=0x32 read: b4 device: 0 cmask: ff",
            "option ROM size",
        ),
        (
            "get_pci_config_device: Bad config data: i=0x34 read: 84 device: 98 cmask: ff",
            "other device state",
        ),
        (
            "get_pci_config_device: Bad config data: i=0x2f read: 84 device: 98",
            "other device state",
        ),
        (
            "Size mismatch: 0000:00:02.0/vga.rom: 0x8000 != 0x10000",
            "video memory",
        ),
        (
            "Size mismatch: 0000:00:02.0/qxl.vram: 0x1000000 != 0x2000000",
            "video memory",
        ),
        (
            "Size mismatch: system.flash0: 0x37c000 != 0x1e0000: Invalid argument",
            "firmware size",
        ),
        (
            "Length mismatch: virt.flash1: 0x4000000 in != 0x2000000",
            "firmware size",
        ),
        (
            "device requires 67108864 bytes, block backend provides 2097152 bytes",
            "firmware size",
        ),
        (
            "kvm: combined size of system firmware exceeds 8388608 bytes",
            "firmware size",
        ),
        (
            "system firmware block device pflash1 has invalid size 1234",
            "firmware size",
        ),
        (
            "Size mismatch: mach-virt.ram: 0x40000000 != 0x80000000",
            "guest RAM",
        ),
        (
            "Unknown ramblock \"dimm1\", cannot accept migration",
            "guest RAM",
        ),
        (
            "Size too large: /rom@etc/acpi/tables: 0x40000 > 0x20000: Invalid argument",
            "ACPI tables",
        ),
        (
            "Unknown ramblock \"0000:00:03.0/e1000.rom\", cannot accept migration",
            "other device state",
        ),
        ("failed to find romfile \"efi-virtio.rom\"", "ROM missing"),
        (
            "qemu: could not load PC BIOS 'bios-256k.bin'",
            "ROM missing",
        ),
        (
            "Unknown savevm section or instance '0000:00:05.0/virtio-rng' 0",
            "other device state",
        ),
        (
            "VQ 0 vring.num 1024 exceeds allocated max 256",
            "other device state",
        ),
        (
            "error while loading state for instance 0x0 of device 'cpu'",
            "CPU",
        ),
        (
            "the CPU is incompatible with host CPU: Host CPU does not provide required features: avx",
            "CPU",
        ),
        (
            "TSC frequency mismatch between VM (2095000 kHz) and host (2400000 kHz)",
            "CPU",
        ),
        (
            "Machine type received is 'pc-i440fx-2.11' and local is 'pc-i440fx-2.12'",
            "machine type",
        ),
        (
            "qemu-kvm: -machine pc-q35-9.9: unsupported machine type",
            "unknown",
        ),
        (
            "error: unsupported machine type 'pc-i440fx-1.3'",
            "machine type",
        ),
        (
            "Fehler: Emulator »/usr/bin/kvm« unterstützt »pc-i440fx-2.1« nicht",
            "unknown",
        ),
        (
            "el emulador '/usr/bin/qemu-system-x86_64' no soporta el tipo de máquina 'pc-i440fx-2.1'",
            "machine type",
        ),
        (
            "Source and target image have different sizes",
            "not a size matter",
        ),
        (
            "State blocked by non-migratable device '0000:00:04.0/vfio'",
            "not a size matter",
        ),
        (
            "kvm: load of migration failed: Invalid argument",
            "not a size matter",
        ),
        (
            "TASK ERROR: start failed: QEMU exited with code 1",
            "not a size matter",
        ),
        ("hello", "unknown"),
        ("efi: 0 != 1", "unknown"),
    ] {
        assert_eq!(class(line), wanted, "{line}");
    }
}

#[test]
fn sizes_are_read_in_hexadecimal_with_and_without_0x() {
    for line in [
        "Size mismatch: a/vga.vram: 0x1000000 != 0x800000",
        "Length mismatch: a/vga.vram: 1000000 in != 800000 qemu: warning",
    ] {
        let wanted = Cause::BlockSize {
            block: "a/vga.vram".to_owned(),
            owner: BlockOwner::VideoMemory,
            source: Some(0x0100_0000),
            destination: Some(0x0080_0000),
        };
        assert_eq!(cause(line), Some(wanted), "{line}");
    }
}

#[test]
fn what_mail_chat_and_json_put_around_a_line_does_not_matter() {
    let wanted = cause("Size mismatch: 0000:00:03.0/e1000.rom: 0x40000 != 0x80000");
    assert!(wanted.is_some());
    for text in [
        "> > Size mismatch:\n> > 0000:00:03.0/e1000.rom:\n> > 0x40000 != 0x80000: Invalid argument",
        "Size mismatch: 0000:00:03.0/e1000.rom: 0x40000 !=3D 0x8=\n0000: Invalid argument",
        "Size mismatch: 0000:00:03.0/e10\n00.rom: 0x40000 != 0x80000: Invalid argument",
        r#"{"level":"info","msg":"qemu-kvm: Size mismatch: 0000:00:03.0/e1000.rom: 0x40000 \u003d 1","x":"Size mismatch: 0000:00:03.0/e1000.rom: 0x40000 != 0x80000"}"#,
        "Size mismatch: 0000:00:03.0/e1000.rom: 0x40000 ≠ 0x80000",
        "2026-01-02T03:04:05Z kvm:\tSize mismatch: 0000:00:03.0/e1000.rom:  0x40000 != 0x80000",
    ] {
        assert_eq!(cause(text), wanted, "{text}");
    }
}

#[test]
fn in_a_log_the_cause_comes_before_what_follows_from_it_and_before_a_wrapper() {
    let log = "error: internal error: qemu unexpectedly closed the monitor: \
        qemu-system-x86_64: Size mismatch: 0000:00:03.0/e1000.rom: 0x40000 != 0x80000: Invalid argument\n\
        qemu-system-x86_64: error while loading state for instance 0x0 of device 'ram'\n\
        qemu-system-x86_64: load of migration failed: Invalid argument";
    let diagnosis = diagnose(log).unwrap().unwrap();
    assert_eq!(diagnosis.cause.class(), Class::OptionRomSize);
    assert_eq!(
        diagnosis.line,
        "Size mismatch: 0000:00:03.0/e1000.rom: 0x40000 != 0x80000"
    );
    let wrapped = Cause::Wrapped {
        by: Wrapper::Libvirt,
    };
    assert_eq!(
        diagnosis.others,
        [wrapped, Cause::FollowsRam, Cause::Follows]
    );
}

#[test]
fn a_rom_bar_is_in_the_bytes_0x30_to_0x33() {
    for (offset, is_rom_bar) in [(0x2f, false), (0x30, true), (0x33, true), (0x34, false)] {
        assert_eq!(Cause::PciConfig { offset }.is_rom_bar(), is_rom_bar);
    }
}

#[test]
fn a_text_of_a_mebibyte_is_read_and_a_longer_one_refused() {
    let line = "\nSize mismatch: 0000:00:03.0/e1000.rom: 0x40000 != 0x80000";
    let filled = |length: usize| "x".repeat(length - line.len()) + line;
    assert_eq!(class(&filled(MAX_PASTE)), "option ROM size");
    let refused = diagnose(&filled(MAX_PASTE + 1)).unwrap_err();
    assert!(refused.to_string().contains("1048577 bytes"), "{refused}");
}

#[test]
fn the_devices_of_a_block_are_named() {
    let cause = cause("Size mismatch: 0000:00:03.0/ne2000.rom: 0x40000 != 0x80000").unwrap();
    let names: Vec<_> = cause.devices().map(|device| device.name).collect();
    assert_eq!(names, ["ne2k_pci"]);
}
