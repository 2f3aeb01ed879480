//! `advise` on three releases of Debian's network ROMs: a reader gets the same
//! numbers from the files and from what is printed.

use crate::common::{romcompat, status, words};
use crate::fetched::{package, unpack};
use std::fs;
use std::path::Path;

const SUITES: [&str; 3] = ["bullseye", "bookworm", "trixie"];

fn advise(more: &[&str]) -> String {
    let mut command = romcompat();
    command.arg("advise");
    command.args(SUITES.map(|suite| package(suite, "ipxe-qemu")));
    let output = command.args(more).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Bytes before the padding with 0xff, in whole blocks of 512.
fn content(bytes: &[u8]) -> u64 {
    let last = bytes.iter().rposition(|byte| *byte != 0xff).unwrap();
    (last as u64 / 512 + 1) * 512
}

/// A file of one of these packages: they changed their folder.
fn rom(root: &Path, name: &str) -> Vec<u8> {
    ["usr/lib/ipxe/qemu", "usr/share/qemu"]
        .iter()
        .find_map(|folder| fs::read(root.join(folder).join(name)).ok())
        .unwrap_or_else(|| panic!("no {name}"))
}

#[test]
#[ignore = "needs fetched ROMs and dpkg-deb"]
fn the_numbers_can_be_reckoned_again_from_the_files() {
    let report: serde_json::Value = serde_json::from_str(&advise(&["--format", "json"])).unwrap();
    let roots = SUITES.map(|suite| unpack(&package(suite, "ipxe-qemu")));
    let roms = report["roms"].as_array().unwrap();
    assert_eq!(roms.len(), 16);
    for advice in roms {
        let name = advice["name"].as_str().unwrap();
        let files = roots.each_ref().map(|root| rom(root.path(), name));
        let contents = files.each_ref().map(|bytes| content(bytes));
        let mut largest = 0;
        for (index, bytes) in files.iter().enumerate() {
            let release = &advice["releases"][index];
            assert_eq!(release["content"], contents[index], "{name}");
            assert_eq!(release["file"], bytes.len(), "{name}");
            let bar = bytes.len().next_power_of_two() as u64;
            assert_eq!(release["bar"], bar, "{name}");
            assert_eq!(release["left"], bar - contents[index], "{name}");
            if index > 0 {
                let growth = contents[index] as i64 - contents[index - 1] as i64;
                assert_eq!(release["growth"], growth, "{name}");
                largest = largest.max(growth);
            }
        }
        assert_eq!(advice["largest_growth"], largest, "{name}");
        let needed = contents[2] + 3 * u64::try_from(largest).unwrap();
        assert_eq!(advice["needed"], needed, "{name}");
        let size = needed.next_power_of_two();
        let bar = files[2].len().next_power_of_two() as u64;
        assert_eq!(advice["size"], size.max(bar), "{name}");
    }
}

#[test]
#[ignore = "needs fetched ROMs"]
fn what_is_printed_shows_every_number_of_the_reasoning() {
    let text = advise(&["--select", "pxe-e1000.rom"]);
    assert_eq!(
        text,
        "pxe-e1000.rom, loaded by no device by default\n\
         \n\
         Release                                             Content  Growth    File   BAR   Left\n\
         ipxe-qemu 1.0.0+git-20190125.36a4c85-5.1 (input 1)    75264       -   75264  128K  55808\n\
         ipxe-qemu 1.0.0+git-20190125.36a4c85-5.1 (input 2)    75264      +0   75264  128K  55808\n\
         ipxe-qemu 1.21.1+git20250501.dad20602+dfsg-1         109056  +33792  109056  128K  22016\n\
         \n\
         Largest growth 33792; 3 releases to come: 109056 + 3 x 33792 = 210432 bytes.\n\
         Pad it to 256K: the smallest power of two that holds them.\n\
         Each guest that loads it has 131072 bytes more of BAR space (262144 - 131072),\n\
         the file 153088 bytes more (262144 - 109056).\n\
         Machine types of these releases need a compat ROM of their size:\n\
         \u{20} ipxe-qemu 1.0.0+git-20190125.36a4c85-5.1 (input 1) (128K)\n\
         \u{20} ipxe-qemu 1.0.0+git-20190125.36a4c85-5.1 (input 2) (128K)\n\
         \u{20} ipxe-qemu 1.21.1+git20250501.dad20602+dfsg-1 (128K)\n\
         \n\
         In all: 1 ROM of 1 to be padded to a larger size: pxe-e1000.rom.\n\
         The package grows by 153088 bytes before compression,\n\
         and by 72 after it (110048 - 109976).\n"
    );
    let text = advise(&["--select", "efi-virtio.rom"]);
    assert!(
        text.contains("160256 + 3 x 0 = 160256 bytes.\nThey fit into 256K"),
        "{text}"
    );
}
