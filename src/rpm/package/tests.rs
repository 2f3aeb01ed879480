//! What packages say of themselves, their digests and their files.

use super::super::header::tests::{Values, header_of};
use super::super::{FileKind, MAX_FILES};
use super::*;
use md5::Digest as _;

/// A file of a package: path, mode, content or target of a link, and inode.
pub(in crate::rpm) struct Packed {
    pub path: &'static str,
    pub mode: u16,
    pub content: &'static [u8],
    pub inode: u32,
}

pub(in crate::rpm) const fn packed(
    path: &'static str,
    mode: u16,
    content: &'static [u8],
    inode: u32,
) -> Packed {
    Packed {
        path,
        mode,
        content,
        inode,
    }
}

/// Entries of an archive, of files by their numbers or names.
pub(in crate::rpm) fn entry(number: Option<usize>, file: &Packed, content: &[u8]) -> Vec<u8> {
    let mut bytes = match number {
        Some(number) => format!("07070X{number:08x}").into_bytes(),
        None => {
            let name = format!(".{}\0", file.path);
            let mut header = b"070701".to_vec();
            for number in [0, 0, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len(), 0] {
                header.extend(format!("{number:08x}").bytes());
            }
            [header, name.into_bytes()].concat()
        }
    };
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The entry that ends an archive.
pub(in crate::rpm) fn trailer() -> Vec<u8> {
    let mut header = b"070701".to_vec();
    for number in [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0] {
        header.extend(format!("{number:08x}").bytes());
    }
    [&header[..], b"TRAILER!!!\0\0\0\0"].concat()
}

/// Whether a file carries its content: the last name of an inode does.
fn has_content(files: &[Packed], number: usize) -> bool {
    let file = &files[number];
    file.mode & 0o170_000 != 0o100_000
        || files.iter().rposition(|other| other.inode == file.inode) == Some(number)
}

/// The archive of all files.
pub(in crate::rpm) fn archive(files: &[Packed], stripped: bool) -> Vec<u8> {
    let entries = files.iter().enumerate().map(|(number, file)| {
        let content = if has_content(files, number) {
            file.content
        } else {
            b""
        };
        entry(stripped.then_some(number), file, content)
    });
    [entries.collect::<Vec<_>>().concat(), trailer()].concat()
}

type Tags = Vec<(u32, Values)>;

/// The tags of a package with these files.
pub(in crate::rpm) fn tags_of(files: &[Packed], long_sizes: bool) -> Tags {
    let text = |text: &str| Values::Text(text.to_owned());
    let texts = |texts: Vec<String>| Values::Texts(texts);
    let mut tags = vec![
        (NAME, text("ipxe-roms-qemu")),
        (VERSION, text("20240119")),
        (RELEASE, text("1.fc40")),
    ];
    if files.is_empty() {
        return tags;
    }
    let split = |file: &Packed| {
        let (folder, name) = file.path.rsplit_once('/').unwrap();
        (format!("{folder}/"), name.to_owned())
    };
    let sizes: Vec<u64> = files.iter().map(|file| file.content.len() as u64).collect();
    let small = sizes.iter().map(|size| u32::try_from(*size).unwrap());
    let is = |file: &Packed, kind: u16| file.mode & 0o170_000 == kind;
    tags.push((1028, Values::Numbers32(small.collect())));
    tags.push((
        1030,
        Values::Numbers16(files.iter().map(|f| f.mode).collect()),
    ));
    let digest = |file: &Packed| match is(file, 0o100_000) {
        true => super::super::digest::hex(&sha2::Sha256::digest(file.content)),
        false => String::new(),
    };
    tags.push((1035, texts(files.iter().map(digest).collect())));
    let link = |file: &Packed| match is(file, 0o120_000) {
        true => String::from_utf8_lossy(file.content).into_owned(),
        false => String::new(),
    };
    tags.push((1036, texts(files.iter().map(link).collect())));
    tags.push((1095, Values::Numbers32(vec![1; files.len()])));
    tags.push((
        1096,
        Values::Numbers32(files.iter().map(|f| f.inode).collect()),
    ));
    let indexes = (0..files.len()).map(|n| u32::try_from(n).unwrap());
    tags.push((1116, Values::Numbers32(indexes.collect())));
    tags.push((1117, texts(files.iter().map(|f| split(f).1).collect())));
    tags.push((1118, texts(files.iter().map(|f| split(f).0).collect())));
    if long_sizes {
        tags.retain(|(tag, _)| *tag != 1028);
        tags.push((5008, Values::Numbers64(sizes)));
    }
    tags.push((5011, Values::Numbers32(vec![8])));
    tags
}

/// A package of a signature header, a header and a payload.
pub(in crate::rpm) fn joined(signature: &[u8], header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.resize(LEAD, 0);
    bytes.extend(signature);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    [&bytes, header, payload].concat()
}

fn unsigned(tags: &[(u32, Values)], payload: &[u8]) -> Vec<u8> {
    joined(&header_of(&[]), &header_of(tags), payload)
}

fn read_error(bytes: &[u8]) -> String {
    Rpm::read(bytes).unwrap_err().to_string()
}

#[test]
fn what_a_package_says_of_itself_is_found() {
    let mut tags = tags_of(&[], false);
    tags.push((EPOCH, Values::Numbers32(vec![7])));
    let names = [
        "rpmlib(X)",
        "seabios",
        "/bin/sh",
        "libc.so.6()(64bit)",
        "seabios",
    ];
    tags.push((REQUIRES, Values::Texts(names.map(str::to_owned).to_vec())));
    let bytes = unsigned(&tags, b"payload");
    let rpm = Rpm::read(&bytes).unwrap();
    assert_eq!(rpm.label(), "ipxe-roms-qemu 20240119-1.fc40");
    assert_eq!((rpm.epoch, rpm.payload), (Some(7), &b"payload"[..]));
    assert_eq!(rpm.requires, ["/bin/sh", "seabios"]);
    for end in 0..bytes.len() - b"payload".len() {
        assert!(Rpm::read(&bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn a_text_that_is_missing_or_not_plain_is_named() {
    for (tag, what) in [(NAME, "name"), (VERSION, "version"), (RELEASE, "release")] {
        let with = |text: Option<&str>| {
            let mut tags = tags_of(&[], false);
            tags.retain(|(other, _)| *other != tag);
            if let Some(text) = text {
                tags.push((tag, Values::Text(text.to_owned())));
            }
            read_error(&unsigned(&tags, b""))
        };
        let missing = format!("the header names no {what} of the package");
        assert_eq!(with(None), missing);
        assert_eq!(with(Some("")), missing);
        let said = format!("the {what} of the package in its header is no plain text: `\\x1b[0m`");
        assert_eq!(with(Some("\x1b[0m")), said);
    }
}

fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> String {
    let mut sum = Expected::new(algorithm, b"", "it");
    sum.add(bytes);
    let said = sum.check().unwrap_err().to_string();
    said.split(' ')
        .nth(5)
        .unwrap()
        .trim_end_matches(',')
        .to_owned()
}

/// Every digest that a header may carry: its tag and algorithm, whether it
/// stands in the signature, and what it is of.
const DIGESTS: [(u32, Algorithm, Part); 7] = [
    (HEADER_SHA1, Algorithm::Sha1, Part::Header),
    (HEADER_SHA256, Algorithm::Sha256, Part::Header),
    (HEADER_SHA3_256, Algorithm::Sha3_256, Part::Header),
    (WHOLE_MD5, Algorithm::Md5, Part::Whole),
    (5092, Algorithm::Sha256, Part::Payload),
    (5121, Algorithm::Sha512, Part::Payload),
    (5123, Algorithm::Sha3_256, Part::Payload),
];

#[test]
fn each_digest_of_headers_and_payload_is_compared() {
    let payload = b"payload";
    for (tag, algorithm, part) in DIGESTS {
        let mut tags = tags_of(&[], false);
        if matches!(part, Part::Payload) {
            tags.push((tag, Values::Texts(vec![digest_of(algorithm, payload)])));
        }
        let main = header_of(&tags);
        let summed = match part {
            Part::Whole => [&*main, payload].concat(),
            _ => main.clone(),
        };
        let signature = match part {
            Part::Payload => header_of(&[]),
            Part::Header => header_of(&[(tag, Values::Text(digest_of(algorithm, &summed)))]),
            Part::Whole => header_of(&[(tag, Values::Binary(md5::Md5::digest(&summed).to_vec()))]),
        };
        let good = joined(&signature, &main, payload);
        assert!(Rpm::read(&good).is_ok(), "{tag}: {}", read_error(&good));
        let what = match part {
            Part::Header => "the header at 0x",
            Part::Payload => "the payload at 0x",
            Part::Whole => "the header and payload at 0x",
        };
        let said = format!("the {algorithm} of {what}");
        let mut damaged = good.clone();
        match part {
            Part::Header => {
                let name = good.windows(4).position(|word| word == b"ipxe").unwrap();
                damaged[name] = b'x';
            }
            Part::Payload | Part::Whole => *damaged.last_mut().unwrap() ^= 1,
        }
        let found = read_error(&damaged);
        assert!(found.starts_with(&said), "{tag}: {found}");
    }
}

#[test]
fn the_first_digest_of_a_payload_is_of_the_algorithm_that_is_named() {
    let with = |number: u32, algorithm| {
        let mut tags = tags_of(&[], false);
        tags.push((5092, Values::Texts(vec![digest_of(algorithm, b"payload")])));
        tags.push((PAYLOAD_ALGORITHM, Values::Numbers32(vec![number])));
        Rpm::read(&unsigned(&tags, b"payload")).is_ok()
    };
    assert!(with(8, Algorithm::Sha256) && with(10, Algorithm::Sha512));
    assert!(!with(10, Algorithm::Sha256));
}

type Found = (String, FileKind, Vec<u8>);

pub(in crate::rpm) fn files_of(bytes: &[u8]) -> Result<Vec<Found>, RpmError> {
    let rpm = Rpm::read(bytes)?;
    let mut found = Vec::new();
    rpm.for_each_file(rpm.payload, |file, content| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).unwrap();
        found.push((file.path.clone(), file.kind.clone(), bytes));
        Ok::<_, RpmError>(())
    })?;
    Ok(found)
}

/// Some of each kind; `b` and `c` are names of one file.
pub(in crate::rpm) const FILES: [Packed; 5] = [
    packed("/usr/a.rom", 0o100_644, b"12345", 1),
    packed("/usr/b.rom", 0o100_644, b"rom", 2),
    packed("/usr/c.rom", 0o100_644, b"rom", 2),
    packed("/usr/d", 0o040_755, b"", 3),
    packed("/usr/l.rom", 0o120_777, b"a.rom", 4),
];

/// A package with an archive of either format.
pub(in crate::rpm) fn package(files: &[Packed], stripped: bool, payload: &[u8]) -> Vec<u8> {
    unsigned(&tags_of(files, stripped), payload)
}

#[test]
fn files_of_both_formats_are_the_same() {
    for stripped in [false, true] {
        let payload = archive(&FILES, stripped);
        let bytes = package(&FILES, stripped, &payload);
        let file = |name: &str, kind, content: &[u8]| (name.to_owned(), kind, content.to_vec());
        assert_eq!(
            files_of(&bytes).unwrap(),
            [
                file("usr/a.rom", FileKind::Regular, b"12345"),
                file("usr/b.rom", FileKind::HardLink("usr/c.rom".to_owned()), b""),
                file("usr/c.rom", FileKind::Regular, b"rom"),
                file("usr/d", FileKind::Directory, b""),
                file("usr/l.rom", FileKind::Symlink("a.rom".to_owned()), b"a.rom"),
            ],
        );
        for end in 0..payload.len() - 3 {
            let cut = package(&FILES, stripped, &payload[..end]);
            assert!(files_of(&cut).is_err(), "{end}");
        }
    }
}

#[test]
fn the_digests_of_files_and_of_the_unpacked_archive_are_compared() {
    let payload = archive(&FILES, true);
    let mut damaged = payload.clone();
    let at = payload
        .windows(5)
        .position(|five| five == b"12345")
        .unwrap();
    damaged[at] ^= 1;
    let error = files_of(&package(&FILES, true, &damaged))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("the SHA-256 of usr/a.rom is "), "{error}");
    for (tag, algorithm) in [
        (5097, Algorithm::Sha256),
        (5122, Algorithm::Sha512),
        (5124, Algorithm::Sha3_256),
    ] {
        let with = |payload: &[u8]| {
            let mut tags = tags_of(&FILES, true);
            let required = digest_of(algorithm, &archive(&FILES, true));
            tags.push((tag, Values::Texts(vec![required])));
            files_of(&unsigned(&tags, payload))
        };
        assert!(with(&payload).is_ok());
        let error = with(&[&*payload, b"x"].concat()).unwrap_err().to_string();
        let said = format!("the {algorithm} of the unpacked archive of its files is ");
        assert!(error.starts_with(&said), "{error}");
    }
}

/// As rpm 6.0.2 writes by default; made-by-rpm-6.spec says how.
const BY_RPM_6: &[u8] = include_bytes!("../../../tests/data/made-by-rpm-6.rpm");

fn unpacked(bytes: &[u8]) -> Result<(String, Vec<Found>), String> {
    use crate::compression::{Decoder, UNPACKED_LIMIT};
    let rpm = Rpm::read(bytes).map_err(|error| error.to_string())?;
    let decoder = Decoder::new(rpm.payload, UNPACKED_LIMIT);
    let mut found = Vec::new();
    let visit = |file: &File, content: &mut dyn Read| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(RpmError::Unpack)?;
        found.push((file.path.clone(), file.kind.clone(), bytes));
        Ok::<_, RpmError>(())
    };
    let visited = rpm.for_each_file(decoder.map_err(|error| error.to_string())?, visit);
    visited.map_err(|error| error.to_string())?;
    Ok((rpm.label(), found))
}

#[test]
fn a_package_that_rpm_6_wrote_is_read_with_its_links() {
    let (label, mut found) = unpacked(BY_RPM_6).unwrap();
    assert_eq!(label, "example-roms 1.0-1");
    let rpm = Rpm::read(BY_RPM_6).unwrap();
    assert_eq!(
        (rpm.epoch, &*rpm.requires),
        (Some(3), &["seabios".to_owned()][..])
    );
    // The archive has the names of a file together.
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let names: Vec<_> = found
        .iter()
        .map(|(path, kind, bytes)| (&**path, kind, bytes.len()))
        .collect();
    let hard_link = FileKind::HardLink("usr/share/ipxe/zz.rom".to_owned());
    let link = |target: &str| FileKind::Symlink(target.to_owned());
    assert_eq!(
        names,
        [
            ("usr/share/ipxe", &FileKind::Directory, 0),
            ("usr/share/ipxe/0.rom", &hard_link, 0),
            ("usr/share/ipxe/a.rom", &FileKind::Regular, 1024),
            ("usr/share/ipxe/b.rom", &hard_link, 0),
            (
                "usr/share/ipxe/elsewhere.bin",
                &link("../seabios/vgabios.bin"),
                22
            ),
            ("usr/share/ipxe/link.rom", &link("a.rom"), 5),
            ("usr/share/ipxe/zz.rom", &FileKind::Regular, 1024),
        ]
    );
    assert_eq!(found[2].2[..3], [0x55, 0xaa, 2]);
    assert_eq!(found[6].2[10], 1);
}

#[test]
fn no_bit_of_a_package_can_be_flipped_to_give_other_files() {
    let whole = unpacked(BY_RPM_6).unwrap();
    let mut refused = 0;
    for at in (0..BY_RPM_6.len()).step_by(5) {
        let mut damaged = BY_RPM_6.to_vec();
        damaged[at] ^= 1 << (at % 8);
        match unpacked(&damaged) {
            Ok(found) => assert_eq!(found, whole, "{at}"),
            Err(_) => refused += 1,
        }
    }
    // All but the lead and the space that is kept for signatures.
    assert!(refused > BY_RPM_6.len() / 5 / 3, "{refused}");
}

#[test]
fn as_many_files_as_the_limit_are_listed_and_no_more() {
    let with = |count: usize| {
        let mut tags = tags_of(&[], false);
        tags.push((1116, Values::Numbers32(vec![0; count])));
        tags.push((1117, Values::Texts(vec!["a".to_owned(); count])));
        tags.push((1118, Values::Texts(vec!["/".to_owned()])));
        Rpm::read(&unsigned(&tags, b"")).map(drop)
    };
    assert!(with(MAX_FILES).is_ok());
    assert_eq!(
        with(MAX_FILES + 1).unwrap_err().to_string(),
        "the header lists 250001 files, and the limit is 250000"
    );
}

#[test]
fn a_list_that_is_shorter_than_that_of_the_names_is_refused() {
    for (tag, what) in [
        (1028, "sizes"),
        (1030, "modes"),
        (1035, "digests"),
        (1036, "links"),
        (1095, "devices"),
        (1096, "inodes"),
        (1116, "folders"),
    ] {
        for wrong in [4, 6] {
            let mut tags = tags_of(&FILES, false);
            let list = tags.iter_mut().find(|(other, _)| *other == tag).unwrap();
            match &mut list.1 {
                Values::Texts(texts) => texts.resize(wrong, String::new()),
                Values::Numbers16(numbers) => numbers.resize(wrong, 0),
                Values::Numbers32(numbers) => numbers.resize(wrong, 0),
                _ => unreachable!(),
            }
            assert_eq!(
                read_error(&unsigned(&tags, b"")),
                format!(
                    "the header lists 5 files and their {what} {wrong} times; the package is damaged"
                )
            );
        }
    }
    let with_folder = |index: u32| {
        let mut tags = tags_of(&FILES, false);
        let list = tags.iter_mut().find(|(tag, _)| *tag == 1116).unwrap();
        list.1 = Values::Numbers32(vec![0, 0, 0, 0, index]);
        Rpm::read(&unsigned(&tags, b"")).map(drop)
    };
    assert!(with_folder(4).is_ok());
    assert_eq!(
        with_folder(5).unwrap_err().to_string(),
        "the header lists a file in folder 5 of 5; the package is damaged"
    );
}

#[test]
fn whole_paths_and_md5_are_those_of_earlier_formats() {
    let files = [packed("/usr/a.rom", 0o100_644, b"12345", 1)];
    let with = |digest: &str| {
        let mut tags = tags_of(&files, false);
        tags.retain(|(tag, _)| !matches!(tag, 1035 | 1116..=1118 | 5011));
        tags.push((1027, Values::Texts(vec!["/usr/a.rom".to_owned()])));
        tags.push((1035, Values::Texts(vec![digest.to_owned()])));
        files_of(&unsigned(&tags, &archive(&files, false)))
    };
    let found = with("827ccb0eea8a706c4c34a16891f84e7b").unwrap();
    assert_eq!(found[0].0, "usr/a.rom");
    let error = with("827ccb0eea8a706c4c34a16891f84e7c").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the MD5 of usr/a.rom is 827c"),
        "{error}"
    );
    // Nothing is compared with no digest.
    assert!(with("").is_ok());
}

#[test]
fn paths_have_as_many_bytes_as_the_limit_and_no_more() {
    let with = |more: usize| {
        let folder = format!("/{}/", "x".repeat((1 << 10) - 2));
        let mut names = vec![String::new(); (64 << 10) - 1];
        names.push("y".repeat(more));
        let mut tags = tags_of(&[], false);
        tags.push((1116, Values::Numbers32(vec![0; names.len()])));
        tags.push((1117, Values::Texts(names)));
        tags.push((1118, Values::Texts(vec![folder])));
        Rpm::read(&unsigned(&tags, b"")).map(drop)
    };
    assert!(with(0).is_ok());
    assert_eq!(
        with(1).unwrap_err().to_string(),
        "the paths of the files in the header have more than 64 MiB in all, the limit"
    );
}
