#![allow(clippy::arithmetic_side_effects)]
mod limits;
mod sparse;

use super::*;

/// The marks of the layouts at offset 257.
const POSIX: &[u8] = b"ustar\x0000";
const GNU: &[u8] = b"ustar  \0";
const V7: &[u8] = b"";

/// A header before its checksum is right.
struct Block([u8; BLOCK]);

impl Block {
    fn new(name: &[u8], kind: u8, size: usize) -> Self {
        let size = format!("{size:011o}");
        Self([0; BLOCK])
            .with(0, name)
            .with(100, b"0000644")
            .with(124, size.as_bytes())
            .with(156, &[kind])
            .with(257, GNU)
    }

    fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn layout(self, mark: &[u8]) -> Self {
        self.with(257, &[0; 8]).with(257, mark)
    }

    fn link(self, target: &[u8]) -> Self {
        self.with(157, target)
    }

    fn sum(self, sum: i64) -> Vec<u8> {
        self.with(148, format!("{sum:06o}\0 ").as_bytes())
            .0
            .to_vec()
    }

    fn bytes(self) -> Vec<u8> {
        let block = self.with(148, b"        ");
        let sum = block.0.iter().map(|byte| i64::from(*byte)).sum();
        block.sum(sum)
    }

    fn signed(self) -> Vec<u8> {
        let block = self.with(148, b"        ");
        let sum = block.0.iter().map(|byte| i64::from(byte.cast_signed()));
        let sum = sum.sum();
        block.sum(sum)
    }
}

fn padded(content: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    content.resize(content.len().next_multiple_of(BLOCK), 0);
    content
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    let header = Block::new(name.as_bytes(), b'0', content.len()).bytes();
    [header, padded(content)].concat()
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let body = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = body.len();
    while length != body.len() + length.to_string().len() {
        length = body.len() + length.to_string().len();
    }
    [length.to_string().as_bytes(), &body].concat()
}

fn extended(kind: u8, records: &[(&str, &[u8])]) -> Vec<u8> {
    let records: Vec<u8> = records
        .iter()
        .flat_map(|(key, value)| record(key, value))
        .collect();
    let header = Block::new(b"PaxHeader", kind, records.len()).layout(POSIX);
    [header.bytes(), padded(&records)].concat()
}

fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

type Files = Vec<(String, EntryKind, Vec<u8>)>;

fn read(tar: &[u8]) -> Result<Files, TarError> {
    let mut files = Vec::new();
    for_each_entry(tar, |entry, content| {
        let mut bytes = Vec::new();
        content
            .read_to_end(&mut bytes)
            .map_err(|source| TarError::Read { offset: 0, source })?;
        assert_eq!(entry.size, bytes.len() as u64, "{}", entry.path);
        files.push((entry.path.clone(), entry.kind.clone(), bytes));
        Ok::<_, TarError>(())
    })?;
    Ok(files)
}

/// The paths and contents of all regular files.
fn contents(parts: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let files = read(&parts.concat()).unwrap().into_iter();
    let files = files.filter(|(_, kind, _)| *kind == EntryKind::File);
    files.map(|(path, _, content)| (path, content)).collect()
}

fn error(parts: &[Vec<u8>]) -> String {
    read(&parts.concat()).unwrap_err().to_string()
}

fn one(path: &str, content: &[u8]) -> Vec<(String, Vec<u8>)> {
    vec![(path.to_owned(), content.to_vec())]
}

#[test]
fn paths_lose_their_dots_and_the_slash_before_them() {
    let folder = Block::new(b"./", b'5', 0).bytes();
    let files = read(
        &[
            folder,
            file("./a//b.rom", b"hi"),
            file("/c/./d", b""),
            end(),
        ]
        .concat(),
    );
    let expected = [
        (String::new(), EntryKind::Directory, vec![]),
        ("a/b.rom".to_owned(), EntryKind::File, b"hi".to_vec()),
        ("c/d".to_owned(), EntryKind::File, vec![]),
    ];
    assert_eq!(files.unwrap(), expected);
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["../x", "a/../../x", "a/..", ".."] {
        let error = read(&file(name, b"")).unwrap_err();
        assert!(matches!(error, TarError::Escapes(_)), "{name}: {error}");
    }
}

#[test]
fn each_layout_has_its_names() {
    let with_prefix = |mark| {
        let header = Block::new(b"a.rom", b'0', 2).layout(mark);
        header.with(345, b"p/q")
    };
    let star = |block: Block| block.with(508, b"tar\0");
    let times = |block: Block| block.with(476, b"00000000000 00000000000 ");
    for (header, path) in [
        (with_prefix(POSIX), "p/q/a.rom"),
        (with_prefix(GNU), "a.rom"),
        (with_prefix(V7), "a.rom"),
        (star(with_prefix(V7)), "p/q/a.rom"),
        (times(star(with_prefix(POSIX))), "p/q/a.rom"),
        (Block::new(b"a.rom", 0, 2).layout(V7), "a.rom"),
        (Block::new(&[b'n'; 100], b'0', 2), &"n".repeat(100)),
        (
            with_prefix(POSIX).with(345, &[b'p'; 155]),
            &format!("{}/a.rom", "p".repeat(155)),
        ),
    ] {
        let header = header.bytes();
        assert!(is_tar(&header));
        assert_eq!(contents(&[header, padded(b"hi"), end()]), one(path, b"hi"));
    }
}

#[test]
fn a_checksum_may_be_of_signed_bytes() {
    let header = || Block::new(b"\xff\xfea.rom", b'0', 2).layout(V7);
    let [unsigned, signed] = [header().bytes(), header().signed()];
    assert_ne!(unsigned, signed);
    for header in [unsigned, signed] {
        assert!(is_tar(&header));
        let read = contents(&[header, padded(b"hi"), end()]);
        assert_eq!(read, one("\\xff\\xfea.rom", b"hi"));
    }
    let wrong = header().sum(0o1234);
    assert!(!is_tar(&wrong));
    assert!(error(&[wrong]).contains("damaged at 0x0: there is no header"));
    assert!(!is_tar(&end()));
}

#[test]
fn long_names_of_gnu_and_pax_are_read_and_pax_goes_first() {
    let long = |kind, name: &[u8]| {
        [
            Block::new(b"././@LongLink", kind, name.len()).bytes(),
            padded(name),
        ]
        .concat()
    };
    let name = format!("{}/x.rom", "d".repeat(200));
    let files = read(
        &[
            long(b'L', format!("{name}\0").as_bytes()),
            file("short", b"hi"),
            long(b'K', b"target\0"),
            long(b'L', b"gnu\0"),
            extended(b'x', &[("path", b"pax")]),
            Block::new(b"short", b'2', 0).link(b"t").bytes(),
            extended(b'X', &[("path", b"old"), ("linkpath", b"one")]),
            extended(b'x', &[("linkpath", b"two")]),
            Block::new(b"new", b'2', 0).bytes(),
            file("plain", b""),
            end(),
        ]
        .concat(),
    );
    let link = |path: &str, to: &str| (path.to_owned(), EntryKind::Symlink(to.to_owned()), vec![]);
    let expected = [
        (name, EntryKind::File, b"hi".to_vec()),
        link("pax", "target"),
        link("new", "two"),
        ("plain".to_owned(), EntryKind::File, vec![]),
    ];
    assert_eq!(files.unwrap(), expected);
}

#[test]
fn records_of_pax_have_the_size_and_any_bytes() {
    let sized = [
        extended(
            b'x',
            &[("size", b"600"), ("SCHILY.xattr.user.a", b"\0\n\xff=")],
        ),
        Block::new(b"a", b'0', 0).layout(POSIX).bytes(),
        padded(&[7; 600]),
        file("b", b""),
        end(),
    ];
    let expected = [one("a", &[7; 600]), one("b", b"")].concat();
    assert_eq!(contents(&sized), expected);
    let global = [
        extended(b'g', &[("comment", b"1234"), ("linkpath", b"to")]),
        Block::new(b"l", b'2', 0).bytes(),
        extended(b'x', &[("linkpath", b"own")]),
        Block::new(b"m", b'2', 0).bytes(),
    ];
    let links: Vec<_> = read(&global.concat())
        .unwrap()
        .into_iter()
        .map(|(_, kind, _)| kind)
        .collect();
    let link = |to: &str| EntryKind::Symlink(to.to_owned());
    assert_eq!(links, [link("to"), link("own")]);
}

#[test]
fn entries_without_content_may_have_a_size() {
    for kind in [b'1', b'2', b'3', b'4', b'5', b'6'] {
        for last in [true, false] {
            let header = Block::new(b"d", kind, 1024).link(b"a").bytes();
            let rest = if last { end() } else { file("b", b"hi") };
            let expected = if last { vec![] } else { one("b", b"hi") };
            assert_eq!(contents(&[header, rest]), expected, "{kind}");
        }
    }
    let folder = Block::new(b"d/", 0, 1024).layout(V7).bytes();
    assert_eq!(contents(&[folder, file("d/b", b"hi")]), one("d/b", b"hi"));
    // cpio and pax put a file's content behind each of its names.
    let link = Block::new(b"l", b'1', 600).link(b"a").bytes();
    let read = contents(&[link, padded(&[7; 600]), file("b", b"hi"), end()]);
    assert_eq!(read, [one("l", &[7; 600]), one("b", b"hi")].concat());
    let dumped = Block::new(b"d", b'D', 6).bytes();
    assert_eq!(
        contents(&[dumped, padded(b"Yx\0\0"), file("b", b"hi")]),
        one("b", b"hi")
    );
}

#[test]
fn labels_are_no_files_and_letters_that_nobody_knows_are() {
    let label = Block::new(b"Backup of /", b'V', 0).bytes();
    let unknown = Block::new(b"q", b'Q', 2).bytes();
    let contiguous = Block::new(b"c", b'7', 2).bytes();
    let read = contents(&[
        label,
        unknown,
        padded(b"hi"),
        contiguous,
        padded(b"ho"),
        end(),
    ]);
    assert_eq!(read, [one("q", b"hi"), one("c", b"ho")].concat());
}

#[test]
fn volumes_are_refused_by_name() {
    let rest = Block::new(b"a.rom", b'M', 2).bytes();
    assert!(error(&[rest, padded(b"hi")]).contains("one of several volumes (the entry \"a.rom\""));
    let volume = extended(
        b'g',
        &[("GNU.volume.filename", b"a.rom"), ("GNU.volume.size", b"2")],
    );
    assert!(error(&[volume, file("a.rom", b"hi")]).contains("one of several volumes"));
    let label = extended(b'g', &[("GNU.volume.label", b"Backup")]);
    assert_eq!(contents(&[label, file("a", b"hi")]), one("a", b"hi"));
}

#[test]
fn links_lead_where_they_say() {
    let link = |kind, to: &[u8]| {
        let tar = Block::new(b"l", kind, 0).link(to).bytes();
        read(&tar).unwrap().remove(0).1
    };
    assert_eq!(link(b'1', b"./a/b"), EntryKind::HardLink("a/b".into()));
    assert_eq!(link(b'1', b"../b"), EntryKind::HardLink("../b".into()));
    assert_eq!(
        link(b'2', b"../\xff"),
        EntryKind::Symlink("../\\xff".into())
    );
}

#[test]
fn an_archive_may_end_without_zeros_or_with_one_block_of_them() {
    for rest in [vec![], vec![0; 100], vec![0; BLOCK], end(), vec![0; 10240]] {
        assert_eq!(contents(&[file("a", b"hi"), rest]), one("a", b"hi"));
    }
}

#[test]
fn an_archive_that_is_cut_says_where() {
    let tar = [file("a", &[1; 600]), file("b", &[1; 600])].concat();
    for end in 1..tar.len() {
        let cut = read(&tar[..end]);
        assert_eq!(cut.is_ok(), end == 1536, "{end}");
    }
    let cut = for_each_entry(&tar[..2000], |_, _| Ok::<_, TarError>(()))
        .unwrap_err()
        .to_string();
    assert!(cut.contains("ends inside the entry at 0x600"), "{cut}");
    assert!(
        error(&[extended(b'x', &[("path", b"a")]), end()]).contains("behind an extended header")
    );
    let junk = error(&[file("a", b"hi"), vec![b'x'; BLOCK], file("b", b"hi")]);
    assert!(
        junk.contains("damaged at 0x400: there is no header"),
        "{junk}"
    );
}

#[test]
fn another_archive_behind_the_end_has_its_offset() {
    let behind = |rest: Vec<u8>| {
        let tar = [file("a", b"hi"), end(), rest].concat();
        for_each_entry(&*tar, |_, _| Ok::<_, TarError>(())).unwrap()
    };
    assert_eq!(behind(vec![]), None);
    assert_eq!(behind(vec![0; 20_000]), None);
    assert_eq!(behind(vec![b'x'; 20_000]), None);
    assert_eq!(behind(file("b", b"hi").repeat(2)), Some(2048));
    let late = [vec![b'x'; 40 * BLOCK], file("b", b"hi")].concat();
    assert_eq!(behind(late[..40 * BLOCK + 511].to_vec()), None);
    assert_eq!(behind(late), Some(2048 + 40 * BLOCK as u64));
}

#[test]
fn sizes_that_are_no_numbers_are_refused() {
    for size in [&b"0000000099x\0"[..], &[0xff; 12]] {
        let header = Block::new(b"a", b'0', 0).with(124, size).bytes();
        assert!(error(&[header]).contains("no number"));
    }
}
