//! Lines about devices, machine types and processors.

use super::rule::{Rule, rule, text};
use crate::diagnosis::cause::Cause;
use regex_lite::Captures;

/// In each, an apostrophe stands for any quotation mark.
pub(super) const RULES: &[Rule] = &[
    // migration/savevm.c.
    rule(
        "machine type received is",
        r#"(?i)machine type received is '(?P<source>[^']+)' and local is '(?P<local>[^']+)'"#,
        |found| {
            Some(Cause::MachineTypesDiffer {
                source: text(found, "source"),
                destination: text(found, "local"),
            })
        },
    ),
    rule(
        "unknown savevm section",
        r#"(?i)unknown savevm section(?: or instance)? '?(?P<section>[^'\s]+)'?"#,
        |found| {
            Some(Cause::UnknownSection {
                section: text(found, "section"),
            })
        },
    ),
    rule(
        "missing section footer for",
        r"(?i)missing section footer for (?P<device>\S*[^\s,.])",
        |found| Some(state_of(&text(found, "device"))),
    ),
    rule(
        "read section footer failed",
        r"(?i)read section footer failed",
        |_| Some(Cause::StreamEnds),
    ),
    rule(
        "unsupported version",
        r#"(?i)unsupported version \d+ for '(?P<device>[^']+)'"#,
        |found| Some(state_of(&text(found, "device"))),
    ),
    rule(
        "failed to load ",
        r"(?i)failed to load (?P<device>[\w./:-]*[\w/-]):[\w./-]+",
        |found| Some(state_of(&text(found, "device"))),
    ),
    rule(
        "post load hook failed for",
        r"(?i)post load hook failed for: (?P<device>[\w./:-]*\w)",
        |found| Some(state_of(&text(found, "device"))),
    ),
    rule(
        "error while loading state for instance",
        r#"(?i)error while loading state for instance 0x[0-9a-f]+ of device '(?P<device>[^']+)'"#,
        |found| match &*text(found, "device") {
            "ram" => Some(Cause::FollowsRam),
            device => Some(state_of(device)),
        },
    ),
    rule(
        "error while loading state section id",
        r"(?i)error while loading state section id ?\d+ ?\((?P<name>\w+)\)",
        |found| match &*text(found, "name") {
            "ram" => Some(Cause::FollowsRam),
            "block" => Some(Cause::BlockMigration),
            device => Some(state_of(device)),
        },
    ),
    // hw/virtio/virtio.c.
    rule(
        "unsupported. allowed features",
        r"(?i)features 0x[0-9a-f]+ unsupported\. allowed features",
        |_| Some(Cause::VirtioFeatures),
    ),
    rule(
        "exceeds allocated max",
        r"(?i)vq \d+ vring\.num \d+ exceeds allocated max \d+",
        |_| Some(Cause::VirtioQueues { is_too_large: true }),
    ),
    rule(
        "inconsistent with host index",
        r"(?i)vq \d+ size 0x[0-9a-f]+ .{0,60}inconsistent with host index",
        |_| {
            Some(Cause::VirtioQueues {
                is_too_large: false,
            })
        },
    ),
    rule(
        "curr_queue_pairs",
        r"(?i)virtio-net: curr_queue_pairs",
        |_| Some(Cause::VirtioQueues { is_too_large: true }),
    ),
    rule(
        "invalid number of virtqueues",
        r"(?i)invalid number of virtqueues",
        |_| Some(Cause::VirtioQueues { is_too_large: true }),
    ),
    rule(
        "tpm-emulator",
        r"(?i)tpm-emulator: (?:setting|could not|failed)",
        |_| Some(Cause::Tpm),
    ),
    rule(
        "usb-redir connection broken",
        r"(?i)usb-redir connection broken during migration",
        |_| Some(state_of("usb-redir")),
    ),
    rule("usbredir", r"(?i)usbredirparser.{0,80}error", |_| {
        Some(state_of("usb-redir"))
    }),
    // Machine types.
    rule(
        "unsupported machine type",
        r#"(?i)unsupported machine type:? ["']?(?P<machine>[\w.+-]+)"#,
        machine_unknown,
    ),
    rule(
        "does not support machine type",
        r#"(?i)does not support machine type:? ["']?(?P<machine>[\w.+-]+)"#,
        machine_unknown,
    ),
    rule(
        "with machine '",
        r"(?i)does not support domain type \S+ with machine '(?P<machine>[^']+)'",
        machine_unknown,
    ),
    rule(
        "machine type",
        r#"(?i)machine type ["']?(?P<machine>[\w.+-]*\d[\w.+-]*)["']? (?:is )?(?:not supported|not available|does not exist|is unknown|unknown)"#,
        machine_unknown,
    ),
    // libvirt's sentence in other languages: a program of QEMU and a machine
    // type, both in quotes.
    rule(
        "qemu",
        r#"['"]/\S*qemu\S*['"].{1,60}?['"](?P<machine>(?:pc-i440fx|pc-q35|pc|virt|pseries|s390-ccw-virtio)-[\w.+-]+)['"]"#,
        machine_unknown,
    ),
    // The processor.
    rule(
        "missing features: ",
        r"(?i)missing features: (?P<list>[\w.,-]*\w)",
        |found| {
            let list = text(found, "list");
            Some(Cause::Cpu {
                missing: list.split(',').map(str::to_owned).collect(),
            })
        },
    ),
    rule(
        "doesn't support requested feature",
        r"(?i)host doesn't support requested feature: \S+",
        cpu,
    ),
    rule(
        "failed to set msr",
        r"(?i)failed to set msr 0x[0-9a-f]+",
        cpu,
    ),
    rule(
        "kvm_arch_put_registers",
        r"(?i)kvm_arch_put_registers\(\) failed",
        cpu,
    ),
    rule(
        "failed to put registers",
        r"(?i)failed to put registers",
        cpu,
    ),
    rule(
        "incompatible with host cpu",
        r"(?i)(?:guest )?cpu is incompatible with host cpu",
        cpu,
    ),
    rule(
        "not compatible with host cpu",
        r"(?i)(?:guest )?cpu is not compatible with host cpu",
        cpu,
    ),
    rule(
        "unable to find cpu model",
        r"(?i)unable to find cpu model",
        cpu,
    ),
    rule("unacceptable cpu info", r"(?i)unacceptable cpu info", cpu),
    rule(
        "tsc frequency mismatch",
        r"(?i)tsc frequency mismatch",
        |_| Some(Cause::TscFrequency),
    ),
    // What forbids a migration.
    rule(
        "migration is disabled when",
        r"(?i)migration is disabled when[^;]{0,80}",
        |_| Some(Cause::Blocked),
    ),
    rule(
        "non-migratable device",
        r"(?i)non-migratable device '?[\w./:-]+",
        |_| Some(Cause::Blocked),
    ),
    rule(
        "does not support migration",
        r"(?i)[\w./:-]+:? does not support migration",
        |_| Some(Cause::Blocked),
    ),
    rule(
        "cannot check qemu binary",
        r"(?i)cannot check qemu binary (?P<path>\S+):",
        |found| {
            Some(Cause::EmulatorMissing {
                path: text(found, "path"),
            })
        },
    ),
    rule(
        "different sizes",
        r"(?i)source and target image have different sizes",
        |_| Some(Cause::DiskSize),
    ),
];

fn machine_unknown(found: &Captures<'_>) -> Option<Cause> {
    Some(Cause::MachineTypeUnknown {
        machine: text(found, "machine"),
    })
}

fn cpu(_: &Captures<'_>) -> Option<Cause> {
    Some(Cause::Cpu {
        missing: Vec::new(),
    })
}

/// The state of a device that is not taken; that of the processor by itself.
fn state_of(device: &str) -> Cause {
    let last = device.rsplit('/').next().unwrap_or(device);
    if last == "cpu" || last.starts_with("cpu/") || device.starts_with("cpu") {
        return Cause::Cpu {
            missing: Vec::new(),
        };
    }
    if device.starts_with("tpm-emulator") {
        return Cause::Tpm;
    }
    Cause::DeviceState {
        device: Some(device.to_owned()),
    }
}
