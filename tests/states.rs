//! Saved states that are wrong, and what `state` says of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;
#[path = "common/states.rs"]
mod states;

use common::{fixture, romcompat, status, words};
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Output, Stdio};
use tempfile::TempDir;

fn state(file: &Path, more: &[&str]) -> Output {
    let mut command = romcompat();
    command.arg("state").arg(file).args(more).output().unwrap()
}

/// A state is refused with these words, with status 3 and without output.
fn refused(bytes: &[u8], wanted: &str) {
    refused_with(3, bytes, wanted);
}

fn refused_with(code: i32, bytes: &[u8], wanted: &str) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, bytes).unwrap();
    let out = folder.path().join("roms");
    let output = state(&file, &["--extract-roms", out.to_str().unwrap()]);
    let text = words(&output);
    assert_eq!(status(&output), code, "{text}");
    assert!(text.contains(wanted), "{wanted} in {text}");
    assert!(!out.exists() && fs::read(&file).unwrap() == bytes, "{text}");
}

fn with(mut bytes: Vec<u8>, at: usize, new: &[u8]) -> Vec<u8> {
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

/// Offset of the size of the RAM block in the plain stream.
fn size_at() -> usize {
    states::start(&[]).len() + 8 + 1 + states::BLOCK.len()
}

/// Offset of the page of the ROM in the plain stream.
fn page_at() -> usize {
    states::plain().len() - 1 - 5 - 8 - 4096
}

#[test]
fn every_form_has_its_block_and_the_content_of_it() {
    for (name, bytes) in [
        ("plain", states::plain()),
        ("mapped", states::mapped()),
        ("sections", states::sections()),
        ("save", states::save(0)),
        ("swapped", states::swapped_save()),
        ("sparse", states::sparse_save()),
        ("version 2", states::qcow2(2)),
        ("version 3", states::qcow2(3)),
    ] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("state");
        fs::write(&file, bytes).unwrap();
        let out = folder.path().join("roms");
        let output = state(&file, &["--extract-roms", out.to_str().unwrap()]);
        let text = words(&output);
        assert_eq!(status(&output), 0, "{name}: {text}");
        assert!(
            text.contains("0000:00:04.0/e1000.rom    4K"),
            "{name}: {text}"
        );
        let rom = fs::read(out.join("efi-e1000.rom")).unwrap();
        assert!(rom == states::rom(), "{name}");
    }
}

#[test]
fn a_rom_is_not_extracted_over_its_state() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("efi-e1000.rom");
    fs::write(&file, states::plain()).unwrap();
    let out = folder.path().to_str().unwrap();
    let output = state(&file, &["--force", "--extract-roms", out]);
    assert_eq!(status(&output), 3, "{}", words(&output));
    let said = "it is an input, and an input is never written to";
    assert!(words(&output).contains(said), "{}", words(&output));
    assert!(fs::read(&file).unwrap() == states::plain());
}

#[test]
fn a_verdict_has_the_line_of_qemu_and_what_makes_the_guest_resume() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, states::plain()).unwrap();
    let host = fixture(2);
    let roms = ["--roms", host.to_str().unwrap()];
    let output = state(&file, &roms);
    assert_eq!(status(&output), 1);
    let line = "Size mismatch: 0000:00:04.0/e1000.rom: 0x1000 != 0x80000: Invalid argument";
    assert!(words(&output).contains(line), "{}", words(&output));
    let output = state(
        &file,
        &[&roms[..], &["--emit", "globals", "--quiet"]].concat(),
    );
    assert_eq!(status(&output), 1);
    let output = state(&file, &["--emit", "globals"]);
    let globals = String::from_utf8(output.stdout).unwrap();
    assert!(
        globals.contains("-global e1000.romfile=compat-4k-efi-e1000.rom\n"),
        "{globals}"
    );
    let output = state(&file, &["--emit", "libvirt"]);
    assert!(words(&output).contains("<rom file='/usr/share/qemu/compat-4k-efi-e1000.rom'/>"));
}

#[test]
fn a_machine_type_that_the_state_does_not_name_can_be_said() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    let plain = states::plain();
    let configuration = 8..8 + 5 + "pc-i440fx-10.0".len();
    let unnamed = [&plain[..configuration.start], &plain[configuration.end..]].concat();
    fs::write(&file, unnamed).unwrap();
    let host = folder.path().join("host");
    fs::create_dir(&host).unwrap();
    let mut larger = states::rom();
    larger.resize(0x2000, 0);
    fs::write(host.join("efi-e1000.rom"), larger).unwrap();
    fs::write(host.join("pxe-e1000.rom"), states::rom()).unwrap();
    let judged = |more: &[&str]| {
        let output = state(&file, &[&["--roms", host.to_str().unwrap()], more].concat());
        (status(&output), words(&output))
    };
    let (code, text) = judged(&[]);
    assert!(code == 1 && text.contains("1 not to be judged"), "{text}");
    assert!(text.contains("loaded from pxe-e1000.rom, 0000:00:04.0/e1000.rom resumes; loaded from efi-e1000.rom, QEMU will say `Size mismatch: 0000:00:04.0/e1000.rom: 0x1000 != 0x2000: Invalid argument`"), "{text}");
    let (code, text) = judged(&["--machine", "pc-i440fx-1.4"]);
    assert!(code == 0 && text.contains("resumes"), "{text}");
    let (code, text) = judged(&["--machine", "pc-i440fx-2.3"]);
    assert!(code == 1 && text.contains("refused"), "{text}");
    let (code, text) = judged(&["--machine", "pc"]);
    assert!(code == 2 && text.contains("pc-i440fx-7.2"), "{text}");
}

#[test]
fn a_state_that_is_cut_anywhere_is_refused() {
    let whole = states::plain();
    let lengths = [0, 3, 7, 20, size_at(), size_at() + 20, page_at() + 100];
    for length in lengths.into_iter().chain([whole.len() - 1]) {
        refused(
            &whole[..length],
            if length < 4 { "it starts with" } else { "cut" },
        );
    }
    refused(&states::save(0)[..50], "it was cut");
    refused(&states::qcow2(3)[..0x1000], "cut");
}

/// The list of RAM blocks alone says nothing of a guest that can be resumed.
#[test]
fn a_state_that_ends_behind_its_list_of_blocks_was_cut() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    let whole = states::plain();
    let behind_list = page_at() - 8 - 1 - states::BLOCK.len() - 5 - 5;
    for (length, is_read) in [(0, false), (5, false), (6, true)] {
        fs::write(&file, &whole[..behind_list + length]).unwrap();
        let output = state(&file, &[]);
        let text = words(&output);
        assert_eq!(status(&output) == 0, is_read, "{text}");
        assert_eq!(text.contains("it was cut"), !is_read, "{text}");
    }
}

/// The sums of packed data stand at its end, far behind what is asked for.
#[test]
fn a_packed_state_is_whole_up_to_its_last_byte() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    let whole = states::packed_save(1);
    let (last, rest) = whole.split_last().unwrap();
    let changed = [rest, &[last ^ 1]].concat();
    for (bytes, wanted) in [
        (&*whole, None),
        (rest, Some("was cut")),
        (&changed, Some("checksum")),
    ] {
        fs::write(&file, bytes).unwrap();
        for more in [
            &[][..],
            &[
                "--extract-roms",
                folder.path().join("roms").to_str().unwrap(),
            ],
        ] {
            let output = state(&file, more);
            let text = words(&output);
            assert_eq!(
                status(&output),
                if wanted.is_some() { 3 } else { 0 },
                "{text}"
            );
            assert!(wanted.is_none_or(|wanted| text.contains(wanted)), "{text}");
            fs::remove_dir_all(folder.path().join("roms")).ok();
        }
    }
}

#[test]
fn what_is_wrong_in_a_stream_is_said_with_its_offset() {
    let plain = states::plain;
    let start = states::start(&[]).len();
    refused(&with(plain(), 0, b"QEVN"), "it starts with");
    refused(
        &with(plain(), 4, &[0, 0, 0, 9]),
        "at 0x4 the stream has version 9; 3 is known",
    );
    refused(&with(plain(), 13, b"\xff\xfe"), "is no text");
    refused(
        &with(plain(), start - 11, b"cpu"),
        "stands the section `cpu`",
    );
    refused(
        &with(plain(), start + 9, b"\0\x01"),
        "the name of a RAM block is no text",
    );
    refused(
        &with(plain(), size_at(), &[0xff; 8]),
        "and the state says 0x1000",
    );
    refused(
        &with(plain(), start - 4, &[0, 0, 0, 5]),
        "the section `ram` has version 5",
    );
    let beyond = with(
        plain(),
        size_at() + 8 + 8 + 5 + 5,
        &0x2008_u64.to_be_bytes(),
    );
    refused(&beyond, "is a page at 0x2000 of the RAM block");
}

#[test]
fn what_is_wrong_in_a_save_file_is_said() {
    let save = |at, bytes: &[u8]| with(states::save(0), at, bytes);
    refused(&save(12, b"Part"), "marked the save file as incomplete");
    refused(&save(16, &[9, 9, 9, 9]), "the save file has version");
    refused(
        &save(20, &[200, 0, 0, 0x7f]),
        "the XML of the save file does not end",
    );
    refused(&save(101, b"x"), "the XML of the save file does not end");
    refused(
        &states::packed(1, &states::mapped()),
        "it cannot be read: pages at fixed places (mapped-ram) are read only in a file",
    );
    refused(
        &states::save(77),
        "at 0x1c the save file is said to be in the unknown format 77",
    );
}

#[test]
fn what_is_wrong_in_an_image_is_said() {
    let image = |at, bytes: &[u8]| with(states::qcow2(3), at, bytes);
    refused(&image(4, &[0, 0, 0, 4]), "the qcow2 image has version 4");
    refused(
        &image(20, &[0, 0, 0, 60]),
        "at 0x14 the qcow2 image has clusters of 2^60 bytes",
    );
    refused(
        &image(32, &[0, 0, 0, 1]),
        "at 0x20 the qcow2 image is encrypted",
    );
    refused(&image(79, &[2]), "is marked as corrupt");
    refused(&image(79, &[4]), "has its data in another file");
    refused(&image(79, &[16]), "has subclusters");
    refused(&image(79, &[0x80]), "has the unknown features 0x80");
    refused(&image(60, &[0xff; 4]), "count of snapshots");
    refused(&image(64, &[0x7f; 8]), "cut");
    refused(&image(0x200, &[0x7f; 8]), "cut");
    refused(
        &image(0x600, &[0x40, 0, 0, 0, 0, 0, 0, 0]),
        "at 0x600 the qcow2 image has the saved state in compressed clusters",
    );
    let none = image(0x200 + 40, &[0; 8]);
    refused(&none, "it has no snapshot with the state of a guest");
}

/// Extracts the ROM of a state, which has to be whole.
fn has_the_rom(bytes: &[u8]) -> bool {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, bytes).unwrap();
    let out = folder.path().join("roms");
    let output = state(&file, &["--extract-roms", out.to_str().unwrap()]);
    status(&output) == 0 && fs::read(out.join("efi-e1000.rom")).unwrap() == states::rom()
}

/// The sizes of state and disk stand in the extra data as far as it goes, and
/// else in the entry and the header.
#[test]
fn snapshots_with_less_extra_data_are_read() {
    for extra in [0, 4, 8, 12, 16, 24] {
        let mut entry = states::qcow2(3)[0x200..0x200 + 36].to_vec();
        let size = states::plain().len() as u64;
        if extra < 8 {
            entry[32..36].copy_from_slice(&u32::try_from(size).unwrap().to_be_bytes());
        }
        entry.extend(u32::try_from(extra).unwrap().to_be_bytes());
        let mut data = [size, 0x8000].map(u64::to_be_bytes).concat();
        data.resize(24, 0);
        if extra < 8 {
            data.fill(0xff);
        }
        entry.extend(&data[..extra]);
        entry.extend(b"1one\xff\xff\xff\xff\xff\xff\xff\xff");
        assert!(
            has_the_rom(&with(states::qcow2(3), 0x200, &entry)),
            "{extra}"
        );
    }
}

/// Version 2 has no flag for a cluster of zeros.
#[test]
fn the_lowest_bit_of_an_entry_means_zeros_in_version_3_alone() {
    for version in [2, 3] {
        let mut image = states::qcow2(version);
        // The second table.
        for at in (0x600..0x600 + 8 * 8).step_by(8) {
            image[at + 7] |= 1;
        }
        assert_eq!(has_the_rom(&image), version == 2);
    }
}

/// What is shared is not sent: each block has its address behind its size.
#[test]
fn blocks_of_a_state_that_ignores_shared_memory_have_addresses() {
    let plain = states::plain();
    let head = states::start(&["x-ignore-shared"]);
    let list = &plain[states::start(&[]).len()..];
    let behind_size = 8 + 1 + states::BLOCK.len() + 8;
    let address = 0xfeed_f00d_0000_0000_u64.to_be_bytes();
    let bytes = [&head, &list[..behind_size], &address, &list[behind_size..]].concat();
    assert!(has_the_rom(&bytes));
    assert!(!has_the_rom(&[&head, list].concat()));
}

/// What no counter of a hostile file may exceed, and what is just below.
#[test]
fn counts_are_read_up_to_their_limits() {
    let snapshots = |count: u32| with(states::qcow2(3), 60, &count.to_be_bytes());
    let count = |bytes: &[u8]| {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("state");
        fs::write(&file, bytes).unwrap();
        words(&state(&file, &[]))
    };
    let said = count(&snapshots(65_537));
    assert!(
        said.contains("the count of snapshots is 65537; up to 65536 is read"),
        "{said}"
    );
    let said = count(&snapshots(65_536));
    assert!(!said.contains("count of snapshots"), "{said}");

    let extra = |length: u32| with(states::qcow2(3), 0x200 + 36, &length.to_be_bytes());
    let said = count(&extra(1025));
    assert!(
        said.contains("extra data of a snapshot is 1025; up to 1024 is read"),
        "{said}"
    );
    assert!(!count(&extra(1024)).contains("extra data"));

    let bits = |bits: u32| with(states::qcow2(3), 20, &bits.to_be_bytes());
    for (bits_of_one, is_refused) in [(8, true), (9, false), (21, false), (22, true)] {
        let said = count(&bits(bits_of_one));
        let limit = "and not 2^9 to 2^21";
        assert_eq!(said.contains(limit), is_refused, "{bits_of_one} {said}");
    }

    let capabilities = |count: usize| {
        let names = vec!["a"; count];
        let list = &states::plain()[states::start(&[]).len()..];
        [&states::start(&names), list].concat()
    };
    assert!(has_the_rom(&capabilities(256)));
    let said = count(&capabilities(257));
    assert!(
        said.contains("count of capabilities is 257; up to 256 is read"),
        "{said}"
    );

    let blocks = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("b{number}")).collect();
        let blocks: Vec<_> = names
            .iter()
            .map(|name| (&**name, 0x1000, vec![0]))
            .collect();
        states::of(&blocks)
    };
    let said = count(&blocks(4097));
    assert!(said.contains("is a RAM block after 4096 others"), "{said}");
    assert!(!count(&blocks(4096)).contains("is a RAM block after"));
}

#[test]
fn tables_of_an_image_that_lead_in_circles_come_to_an_end() {
    // The stream starts a section of pages, and then come words without a
    // page, the same 512 bytes again and again.
    let mut start = states::start(&[]);
    start.extend((0x1000_u64 | 4).to_be_bytes());
    start.push(22);
    start.extend(states::BLOCK.bytes());
    start.extend([0x1000_u64, 0x10].map(u64::to_be_bytes).concat());
    start.extend([0x7e, 0, 0, 0, 2, 2, 0, 0, 0, 2]);
    start.extend(0x200_u64.to_be_bytes().repeat(128));
    assert!(start.len() > 2 * 512);
    start.truncate(2 * 512);
    let mut image = states::qcow2_of(3, &start);
    let again = image[0x608..0x610].to_vec();
    for entry in image[0x610..0x800].chunks_mut(8) {
        entry.copy_from_slice(&again);
    }
    // The size of the state: as much as the tables reach.
    image[0x228..0x230].copy_from_slice(&0x8000_u64.to_be_bytes());
    refused(&image, "lead to the same clusters again and again");
}

#[test]
fn a_pipe_with_a_name_is_refused_and_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let output = state(&pipe, &[]);
    assert_eq!(status(&output), 3);
    assert!(words(&output).contains("or `-` for standard input"));
}

/// The program with a state on standard input.
fn piped(bytes: &[u8], more: &[&str]) -> Output {
    let mut command = romcompat();
    command.args(["state", "-"]).args(more);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    // A state that is refused is not read to its end.
    let _ = child.stdin.take().unwrap().write_all(bytes);
    child.wait_with_output().unwrap()
}

#[test]
fn a_state_is_read_from_standard_input() {
    let folder = TempDir::new().unwrap();
    for (number, bytes) in [states::plain(), states::save(0), states::packed_save(1)]
        .iter()
        .enumerate()
    {
        let out = folder.path().join(number.to_string());
        let output = piped(bytes, &["--extract-roms", out.to_str().unwrap()]);
        assert_eq!(status(&output), 0, "{}", words(&output));
        let rom = fs::read(out.join("efi-e1000.rom")).unwrap();
        assert!(rom == states::rom());
    }
    for (bytes, wanted) in [
        (
            states::mapped(),
            "read only in a file that is not compressed",
        ),
        (states::qcow2(3), "cannot be read from a pipe"),
        (states::plain()[..40].to_vec(), "it was cut"),
    ] {
        let output = piped(&bytes, &[]);
        assert_eq!(status(&output), 3);
        assert!(words(&output).contains(wanted), "{}", words(&output));
    }
}

#[test]
fn options_that_do_not_go_with_the_file_are_refused() {
    let folder = TempDir::new().unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, states::plain()).unwrap();
    let image = folder.path().join("image");
    fs::write(&image, states::qcow2(3)).unwrap();
    for (file, more, wanted) in [
        (
            &plain,
            &["--snapshot", "one"][..],
            "--snapshot is for qcow2 images",
        ),
        (
            &image,
            &["--offset", "4096"],
            "--offset is for streams of QEMU",
        ),
        (&plain, &["--force"], "--extract-roms"),
        (&plain, &["--offset", "0x"], "--offset"),
    ] {
        let output = state(file, more);
        assert_eq!(status(&output), 2, "{}", words(&output));
        assert!(words(&output).contains(wanted), "{}", words(&output));
    }
    let shifted = [vec![0; 0x3000], states::plain()].concat();
    fs::write(&plain, shifted).unwrap();
    for offset in ["0x3000", "12288"] {
        assert_eq!(status(&state(&plain, &["--offset", offset])), 0);
    }
}

#[test]
fn a_save_file_that_is_packed_otherwise_than_it_says_is_a_finding() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    let right = states::packed_save(1);
    for (format, code) in [(1, 0), (5, 1)] {
        fs::write(&file, with(right.clone(), 28, &[format])).unwrap();
        let output = state(&file, &[]);
        let text = words(&output);
        assert_eq!(status(&output), code, "{text}");
        assert_eq!(text.contains("RC506"), code == 1, "{text}");
    }
}

#[test]
fn few_packed_bytes_do_not_give_work_without_end() {
    let mut stream = states::start(&[]);
    stream.extend(((64_u64 << 30) | 4).to_be_bytes());
    stream.push(6);
    stream.extend(b"pc.ram");
    stream.extend([64_u64 << 30, 0x10].map(u64::to_be_bytes).concat());
    stream.extend([0x7e, 0, 0, 0, 2, 2, 0, 0, 0, 2]);
    stream.extend(0x200_u64.to_be_bytes().repeat(2 << 20));
    refused(
        &states::packed(1, &stream),
        "the pages do not come to an end",
    );
}

#[test]
fn a_rom_with_faults_is_not_extracted() {
    let sum = states::rom()[6].wrapping_add(1);
    let at = page_at() + 6;
    refused_with(1, &with(states::plain(), at, &[sum]), "RC111");
    refused(&with(states::plain(), at - 6, &[0]), "e1000.rom: ");
}

#[test]
fn the_roms_of_a_host_are_searched_in_order_and_what_is_missing_is_counted() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(
        &file,
        states::of(&[
            ("0000:00:04.0/e1000.rom", 0x1000, states::rom()),
            ("0000:00:05.0/rtl8139.rom", 0x1000, states::rom()),
        ]),
    )
    .unwrap();
    let host = |name: &str, roms: &[(&str, usize)]| {
        let host = folder.path().join(name);
        fs::create_dir(&host).unwrap();
        for (name, size) in roms {
            let mut rom = states::rom();
            rom.resize(*size, 0);
            fs::write(host.join(name), rom).unwrap();
        }
        host.to_str().unwrap().to_owned()
    };
    let small = host("small", &[("efi-e1000.rom", 512)]);
    let large = host(
        "large",
        &[("efi-e1000.rom", 0x2000), ("efi-rtl8139.rom", 0x1000)],
    );
    let judged = |roms: &[&str]| {
        let more: Vec<&str> = roms.iter().flat_map(|host| ["--roms", host]).collect();
        let output = state(&file, &more);
        (status(&output), words(&output))
    };
    let (code, text) = judged(&[&small, &large]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("nothing is refused for its ROM"), "{text}");
    let (code, text) = judged(&[&large, &small]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("of 1 state: 1 refused."), "{text}");
    let (code, text) = judged(&[&small]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("1 lacking a ROM that QEMU must find"),
        "{text}"
    );
    assert!(
        text.contains("failed to find romfile \"efi-rtl8139.rom\""),
        "{text}"
    );
}

#[test]
fn a_rom_of_an_unknown_device_is_said_to_be_so() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    let blocks = [("0000:00:04.0/foo-nic.rom", 0x1000, states::rom())];
    fs::write(&file, states::of(&blocks)).unwrap();
    assert_eq!(status(&state(&file, &[])), 0);
    let host = fixture(1);
    for more in [
        ["--roms", host.to_str().unwrap()],
        ["--emit", "globals"],
        ["--emit", "libvirt"],
    ] {
        let output = state(&file, &more);
        let text = words(&output);
        assert_eq!(status(&output), 1, "{text}");
        assert!(text.contains("RC504"), "{text}");
        assert!(
            text.contains("no device is known whose RAM block is 0000:00:04.0/foo-nic.rom"),
            "{text}"
        );
    }
    let known = [("0000:00:04.0/e1000.rom", 0x1000, states::rom())];
    fs::write(&file, states::of(&known)).unwrap();
    let output = state(&file, &["--emit", "globals"]);
    assert!(status(&output) == 0 && !words(&output).contains("RC504"));
}

/// Two cards of a kind with ROMs of 4 KiB, and one of 8 KiB.
fn cards_apart() -> Vec<u8> {
    let mut large = states::rom();
    large.resize(0x2000, 0);
    states::of(&[
        ("0000:00:04.0/e1000.rom", 0x1000, states::rom()),
        ("0000:00:05.0/e1000.rom", 0x2000, large),
        ("0000:00:06.0/e1000.rom", 0x1000, states::rom()),
    ])
}

#[test]
fn a_card_that_needs_another_size_than_its_kind_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, cards_apart()).unwrap();
    let output = state(&file, &["--emit", "globals"]);
    let globals = String::from_utf8(output.stdout.clone()).unwrap();
    let lines: Vec<&str> = globals.lines().filter(|l| l.contains(" e1000.")).collect();
    assert_eq!(lines, ["-global e1000.romfile=compat-4k-efi-e1000.rom"]);
    let text = words(&output);
    assert_eq!(text.matches("RC505").count(), 1, "{text}");
    assert!(
        text.contains("the card at 0000:00:05.0 needs compat-8k-efi-e1000.rom"),
        "{text}"
    );
    let output = state(&file, &["--emit", "libvirt"]);
    assert!(words(&output).contains(&format!(
        "# beside <model type='e1000'/> of the card at 0000:00:05.0 of {}\n<rom file='/usr/share/qemu/compat-8k-efi-e1000.rom'/>",
        file.display()
    )));
    let output = state(&file, &["--emit", "globals", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mapping = &report["mapping"];
    assert_eq!(mapping["devices"][0]["device"], "e1000");
    assert_eq!(mapping["cards"][0]["block"], "0000:00:05.0/e1000.rom");
    let same = [("0000:00:04.0/e1000.rom", 0x1000, states::rom())];
    fs::write(&file, states::of(&same)).unwrap();
    assert!(!words(&state(&file, &["--emit", "globals"])).contains("RC505"));
}

#[test]
fn a_size_that_the_host_gives_by_itself_is_not_mapped_away() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, cards_apart()).unwrap();
    let host = folder.path().join("host");
    fs::create_dir(&host).unwrap();
    let mut rom = states::rom();
    rom.resize(0x2000, 0);
    fs::write(host.join("efi-e1000.rom"), rom).unwrap();
    let roms = ["--roms", host.to_str().unwrap(), "--emit", "globals"];
    let output = state(&file, &roms);
    assert!(output.stdout.is_empty(), "{}", words(&output));
    let text = words(&output);
    for card in ["0000:00:04.0", "0000:00:06.0"] {
        let wanted = format!("the card at {card} needs compat-4k-efi-e1000.rom");
        assert!(text.contains(&wanted), "{text}");
    }
}

#[test]
fn a_display_adapter_is_not_left_out_in_silence() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(
        &file,
        states::of(&[("0000:00:02.0/vga.rom", 0x1000, states::rom())]),
    )
    .unwrap();
    let text = words(&state(&file, &["--emit", "libvirt"]));
    assert!(text.contains("use `--emit globals` for VGA."), "{text}");
}

#[test]
fn every_rom_of_several_states_has_a_file_of_its_own() {
    let folder = TempDir::new().unwrap();
    let mut wanted = Vec::new();
    let mut command = romcompat();
    command.arg("state");
    for (number, size) in [
        (1, 0x1000),
        (2, 0x1000),
        (3, 0x1000),
        (4, 0x2000),
        (5, 0x1000),
    ] {
        // The fifth is the first again.
        let mut rom = states::rom();
        let mark = if number == 5 { 1 } else { number };
        rom[0x100] = mark;
        rom[6] = rom[6].wrapping_sub(mark);
        let mut content = rom.clone();
        content.resize(usize::try_from(size).unwrap(), 0);
        let block = [("0000:00:04.0/e1000.rom", size, content.clone())];
        let file = folder.path().join(format!("state{number}"));
        fs::write(&file, states::of(&block)).unwrap();
        command.arg(file);
        wanted.push(if size == 0x1000 { rom } else { content });
    }
    let out = folder.path().join("roms");
    command.arg("--extract-roms").arg(&out);
    let output = command.args(["--format", "json"]).output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = report["states"]
        .as_array()
        .unwrap()
        .iter()
        .map(|state| state["blocks"][0]["extracted"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "efi-e1000.rom",
            "4k-2-efi-e1000.rom",
            "4k-3-efi-e1000.rom",
            "8k-efi-e1000.rom",
            "efi-e1000.rom"
        ]
    );
    for (name, wanted) in names.iter().zip(wanted) {
        assert!(fs::read(out.join(name)).unwrap() == wanted, "{name}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 4);
}

#[test]
fn a_folder_and_a_device_are_no_states() {
    for path in ["/dev/zero", "/"] {
        let output = state(Path::new(path), &[]);
        assert_eq!(status(&output), 3);
        assert!(
            words(&output).contains("no regular file"),
            "{}",
            words(&output)
        );
    }
}

const RAM: u64 = 64 << 30;

/// Up to the end of the list of blocks: 64 GiB of memory, and the ROM.
fn large_stream() -> Vec<u8> {
    let mut bytes = states::start(&[]);
    bytes.extend(((RAM + 0x1000) | 4).to_be_bytes());
    for (name, size) in [("pc.ram", RAM), (states::BLOCK, 0x1000)] {
        bytes.push(u8::try_from(name.len()).unwrap());
        bytes.extend(name.bytes());
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend(0x10_u64.to_be_bytes());
    bytes.extend(BEHIND_LIST);
    bytes
}

/// The end of the section that started, and the kind of the next.
const BEHIND_LIST: [u8; 6] = [0x7e, 0, 0, 0, 2, 3];

/// The same with pages at fixed places: those of the ROM behind the memory.
fn large_mapped_file(path: &Path) {
    let mut file = File::create(path).unwrap();
    let block = |name: &str, size: u64, places: [u64; 2]| {
        let mut bytes = vec![u8::try_from(name.len()).unwrap()];
        bytes.extend(name.bytes());
        bytes.extend(size.to_be_bytes());
        bytes.extend([0, 0, 0, 1]);
        bytes.extend(
            [0x1000, places[0], places[1]]
                .map(u64::to_be_bytes)
                .concat(),
        );
        bytes
    };
    let total = ((RAM + 0x1000) | 4).to_be_bytes();
    let start = states::start(&["mapped-ram"]);
    let memory = block("pc.ram", RAM, [0x10_0000, 0x40_0000]);
    file.write_all(&[&start[..], &total, &memory].concat())
        .unwrap();
    let behind = 0x40_0000 + RAM;
    let rom = block(states::BLOCK, 0x1000, [behind + 0x200, behind + 0x1000]);
    file.seek(SeekFrom::Start(behind)).unwrap();
    file.write_all(&rom).unwrap();
    file.seek(SeekFrom::Start(behind + 0x200)).unwrap();
    file.write_all(&[1]).unwrap();
    file.seek(SeekFrom::Start(behind + 0x1000)).unwrap();
    let mut page = states::rom();
    page.resize(0x1000, 0);
    file.write_all(&page).unwrap();
    file.write_all(&0x10_u64.to_be_bytes()).unwrap();
    file.write_all(&BEHIND_LIST).unwrap();
}

#[test]
fn a_state_of_64_gib_is_not_read_through_for_its_sizes() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let stream = large_stream();
    fs::write(at("plain"), &stream).unwrap();
    fs::write(at("save"), states::save_of(0, &stream)).unwrap();
    for name in ["plain", "save"] {
        let file = File::options().write(true).open(at(name)).unwrap();
        file.set_len(RAM).unwrap();
    }
    large_mapped_file(&at("mapped"));
    fs::write(at("image"), states::qcow2_of(3, &stream)).unwrap();
    for name in ["plain", "save", "mapped", "image"] {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "ulimit -v 262144 && exec \"$0\" state \"$@\""]);
        command.arg(romcompat().get_program()).arg(at(name));
        if name == "mapped" {
            command.arg("--extract-roms").arg(at("roms"));
        }
        let output = command.output().unwrap();
        let text = words(&output);
        assert_eq!(status(&output), 0, "{name}: {text}");
        assert!(
            text.contains("0000:00:04.0/e1000.rom    4K"),
            "{name}: {text}"
        );
    }
    assert!(fs::read(at("roms/efi-e1000.rom")).unwrap() == states::rom());
}

#[test]
fn a_package_is_built_of_the_roms_in_a_state() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, states::plain()).unwrap();
    let terms = folder.path().join("terms");
    fs::write(&terms, "Terms.\n").unwrap();
    let out = folder.path().join("dist");
    let build = |more: &[&str]| {
        let mut command = romcompat();
        command.env("SOURCE_DATE_EPOCH", "1700000000");
        command.arg("build").arg("--from-state").arg(&file);
        command.arg("--out").arg(&out).args(more).output().unwrap()
    };
    let output = build(&[]);
    assert_eq!(status(&output), 2, "{}", words(&output));
    assert!(
        words(&output).contains("give `--package-version`"),
        "{}",
        words(&output)
    );
    assert!(!out.exists());
    let terms = terms.to_str().unwrap();
    let maintainer = ["--maintainer", "A B <a@b.example>"];
    let version = ["--package-version", "1.0", "--copyright", terms];
    let output = build(&[&maintainer[..], &version].concat());
    assert_eq!(status(&output), 0, "{}", words(&output));
    let globals = fs::read_to_string(out.join("globals.txt")).unwrap();
    assert!(
        globals.contains("-global e1000.romfile=compat-4k-efi-e1000.rom\n"),
        "{globals}"
    );
    // In an image, with two sizes of one ROM.
    fs::write(&file, states::qcow2_of(3, &cards_apart())).unwrap();
    let more = ["--snapshot", "one", "--force"];
    let output = build(&[&maintainer[..], &version, &more].concat());
    assert_eq!(status(&output), 0, "{}", words(&output));
    assert!(words(&output).contains("the card at 0000:00:05.0 needs compat-8k-efi-e1000.rom"));
    let globals = fs::read_to_string(out.join("globals.txt")).unwrap();
    assert_eq!(
        globals.matches("-global e1000.romfile").count(),
        1,
        "{globals}"
    );
    assert!(globals.contains("-global e1000.romfile=compat-4k-efi-e1000.rom\n"));
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    assert!(report.contains("compat-8k-efi-e1000.rom"), "{report}");
}
