//! Lines about memory whose size goes by a file or an option.

use super::rule::{Rule, decimal, hex, rule, text};
use crate::diagnosis::block::BlockOwner;
use crate::diagnosis::cause::Cause;
use regex_lite::Captures;

/// In each, an apostrophe stands for any quotation mark.
pub(super) const RULES: &[Rule] = &[
    // migration/ram.c; `Length mismatch` and `in !=` up to 2.x, and without
    // `0x` in the oldest.
    rule(
        "!=",
        r#"(?i)(?:(?P<word>size|length) mismatch: ?)?(?P<block>[^\s"']+?) ?: ?(?:0x)?(?P<a>[0-9a-f]+)(?: in)? ?!= ?(?:0x)?(?P<b>[0-9a-f]+)"#,
        sizes_differ,
    ),
    rule(
        " mismatch: ",
        r#"(?i)(?:size|length) mismatch: (?P<block>[^\s"']*[^\s"':.,])"#,
        |found| Some(block_size(&text(found, "block"), None, None)),
    ),
    // softmmu/physmem.c, of blocks that can be resized.
    rule(
        "size too large: ",
        r"(?i)size too large: (?P<block>\S+?): (?:0x)?(?P<a>[0-9a-f]+) > (?:0x)?(?P<b>[0-9a-f]+)",
        |found| {
            let block = text(found, "block");
            Some(Cause::BlockTooLarge {
                owner: BlockOwner::of(&block),
                block,
                source: hex(found, "a")?,
                limit: hex(found, "b")?,
            })
        },
    ),
    rule(
        "unknown ramblock",
        r#"(?i)unknown ramblock ["'](?P<block>[^"']+)["']"#,
        |found| {
            let block = text(found, "block");
            Some(Cause::UnknownBlock {
                owner: BlockOwner::of(&block),
                block,
            })
        },
    ),
    // hw/pci/pci.c.
    rule(
        "failed to find romfile",
        r#"(?i)failed to find romfile ["']?(?P<file>[^"'\s]+)["']?"#,
        |found| {
            Some(Cause::RomfileMissing {
                file: text(found, "file"),
            })
        },
    ),
    rule(
        "is too large for rom size",
        r#"(?i)romfile ["'](?P<file>[^"']+)["'] \((?P<bytes>\d+) bytes\) is too large for rom size (?P<size>\d+)"#,
        |found| {
            Some(Cause::RomsizeTooSmall {
                file: Some(text(found, "file")),
                bytes: decimal(found, "bytes"),
                romsize: decimal(found, "size")?,
            })
        },
    ),
    rule(
        "is not a power of two",
        r"(?i)rom size (?P<size>\d+) is not a power of two",
        |found| {
            Some(Cause::RomsizeTooSmall {
                file: None,
                bytes: None,
                romsize: decimal(found, "size")?,
            })
        },
    ),
    // hw/core/loader.c and system/vl.c: fw_cfg's ROMs.
    rule(
        "could not open option rom",
        r#"(?i)could not open option rom ["']?(?P<file>[^"'\s]+)["']?"#,
        |found| {
            Some(Cause::OptionRomMissing {
                file: text(found, "file"),
            })
        },
    ),
    rule(
        "could not load pc bios",
        r#"(?i)could not load pc bios ["']*(?P<what>[^"'\s]+)["']?"#,
        firmware_missing,
    ),
    rule(
        "could not find rom image",
        r#"(?i)could not find rom image ["']?(?P<what>[^"'\s]+)["']?"#,
        firmware_missing,
    ),
    rule(
        "could not open '",
        r#"(?i)could not open '(?P<what>[^']*(?:ovmf|aavmf|edk2|qemu_efi|vars|nvram|\.fd)[^']*)'[^.]*no such file"#,
        firmware_missing,
    ),
    rule(
        "unable to find any master var store",
        r"(?i)unable to find any master var store for loader: (?P<what>\S+)",
        firmware_missing,
    ),
    rule(
        "unable to find",
        r#"(?i)unable to find (?:any firmware to satisfy|['"]?[a-z]+['"]? firmware that is compatible with)[^'"]{0,40}(?P<what>['"]?\w*)"#,
        firmware_missing,
    ),
    // hw/block/block.c, hw/i386/pc_sysfw.c.
    rule(
        "device requires ",
        r"(?i)device requires (?P<device>\S+?) bytes, block backend provides (?P<file>\w+)",
        |found| {
            Some(Cause::FlashSize {
                device: decimal(found, "device"),
                file: decimal(found, "file"),
            })
        },
    ),
    rule(
        "system firmware block device",
        r"(?i)system firmware block device \S+ has invalid size (?P<bytes>\d+)",
        |found| {
            Some(Cause::FlashOfPc {
                bytes: decimal(found, "bytes")?,
                is_sum: false,
            })
        },
    ),
    rule(
        "combined size of system firmware exceeds",
        r"(?i)combined size of system firmware exceeds (?P<bytes>\d+) bytes",
        |found| {
            Some(Cause::FlashOfPc {
                bytes: decimal(found, "bytes")?,
                is_sum: true,
            })
        },
    ),
    rule(
        "bad config data: i=",
        r"(?i)bad config data: i=0x(?P<offset>[0-9a-f]+)",
        |found| {
            Some(Cause::PciConfig {
                offset: hex(found, "offset")?,
            })
        },
    ),
];

fn sizes_differ(found: &Captures<'_>) -> Option<Cause> {
    let block = text(found, "block");
    let is_named = found.name("word").is_some() || BlockOwner::of(&block) != BlockOwner::Other;
    is_named.then(|| block_size(&block, hex(found, "a"), hex(found, "b")))
}

fn block_size(block: &str, source: Option<u64>, destination: Option<u64>) -> Cause {
    Cause::BlockSize {
        block: block.to_owned(),
        owner: BlockOwner::of(block),
        source,
        destination,
    }
}

fn firmware_missing(found: &Captures<'_>) -> Option<Cause> {
    let what = text(found, "what");
    Some(Cause::FirmwareMissing {
        what: what.trim_matches(['\'', '"']).to_owned(),
    })
}
