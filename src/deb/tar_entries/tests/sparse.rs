use super::*;

/// The content of the sparse files below: `ab`, a hole of 1022 bytes, 512 times
/// `c`, a hole of 10 bytes.
fn with_holes() -> Vec<u8> {
    [&b"ab"[..], &[0; 1022], &[b'c'; 512], &[0; 10]].concat()
}

fn stored() -> Vec<u8> {
    padded(&[&b"ab"[..], &[b'c'; 512]].concat())
}

fn region(offset: usize, length: usize) -> Vec<u8> {
    format!("{offset:011o}\0{length:011o}\0").into_bytes()
}

#[test]
fn sparse_files_of_gnu_have_their_holes() {
    let header = || Block::new(b"s", b'S', 514).with(483, b"00000003012\0");
    let in_header = header().with(
        386,
        &[region(0, 2), region(1024, 512), region(1546, 0)].concat(),
    );
    let read = contents(&[in_header.bytes(), stored(), file("b", b"hi"), end()]);
    assert_eq!(read, [one("s", &with_holes()), one("b", b"hi")].concat());
    // Four regions fit into the header, 21 into each block behind it.
    let first = header()
        .with(386, &region(0, 0).repeat(4))
        .with(482, b"\x01");
    let mut second = region(0, 0).repeat(21);
    second.resize(BLOCK, 0);
    second[504] = 1;
    let third = padded(&[region(0, 2), region(1024, 512)].concat());
    let read = contents(&[first.bytes(), second, third, stored(), end()]);
    assert_eq!(read, one("s", &with_holes()));
}

#[test]
fn sparse_files_of_star_have_their_map_where_the_prefix_would_be() {
    let header = Block::new(b"s", b'S', 514)
        .layout(POSIX)
        .with(356, &[region(0, 2), region(1024, 512)].concat())
        .with(452, b"00000003012\0")
        .with(476, b"00000000000 00000000000 ")
        .with(508, b"tar\0");
    assert_eq!(
        contents(&[header.bytes(), stored(), end()]),
        one("s", &with_holes())
    );
    let plain = Block::new(b"s", b'S', 514).layout(POSIX);
    assert!(error(&[plain.bytes(), stored()]).contains("a layout or a number that is not known"));
}

#[test]
fn sparse_files_of_pax_have_their_holes_in_each_version() {
    let header = |size| {
        Block::new(b"GNUSparseFile.0/s", b'0', size)
            .layout(POSIX)
            .bytes()
    };
    let zero = extended(
        b'x',
        &[
            ("GNU.sparse.size", b"1546"),
            ("GNU.sparse.numblocks", b"2"),
            ("GNU.sparse.offset", b"0"),
            ("GNU.sparse.numbytes", b"2"),
            ("GNU.sparse.offset", b"1024"),
            ("GNU.sparse.numbytes", b"512"),
            ("path", b"s"),
        ],
    );
    let one_record = extended(
        b'x',
        &[
            ("GNU.sparse.size", b"1546"),
            ("GNU.sparse.numblocks", b"2"),
            ("GNU.sparse.name", b"s"),
            ("GNU.sparse.map", b"0,2,1024,512"),
            ("path", b"other"),
        ],
    );
    for records in [zero, one_record] {
        let read = contents(&[records, header(514), stored(), file("b", b"hi"), end()]);
        assert_eq!(read, [one("s", &with_holes()), one("b", b"hi")].concat());
    }
    let before = || {
        extended(
            b'x',
            &[
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", b"s"),
                ("GNU.sparse.realsize", b"1546"),
            ],
        )
    };
    let map = padded(b"2\n0\n2\n1024\n512\n");
    let read = contents(&[
        before(),
        header(514 + 512),
        map.clone(),
        stored(),
        file("b", b"hi"),
    ]);
    assert_eq!(read, [one("s", &with_holes()), one("b", b"hi")].concat());
    let short = error(&[before(), header(300), map, stored()]);
    assert!(
        short.contains(
            "the entry \"s\" of the tar archive is a sparse file, and its map does not end"
        )
    );
    let newer = [
        ("GNU.sparse.major", &b"2"[..]),
        ("GNU.sparse.realsize", b"1546"),
    ];
    let newer = error(&[extended(b'x', &newer), header(514), stored()]);
    assert!(newer.contains("its version is not"), "{newer}");
}

#[test]
fn a_sparse_file_of_nothing_but_a_hole_is_zeros() {
    let records = [
        ("GNU.sparse.size", &b"700"[..]),
        ("GNU.sparse.numblocks", b"0"),
    ];
    let header = Block::new(b"s", b'0', 0).bytes();
    assert_eq!(
        contents(&[extended(b'x', &records), header, end()]),
        one("s", &[0; 700])
    );
}

#[test]
fn sparse_files_that_cannot_be_put_together_are_refused() {
    let error = |records: &[(&str, &[u8])]| {
        let header = Block::new(b"s", b'0', 514).bytes();
        error(&[extended(b'x', records), header, stored()])
    };
    let size = ("GNU.sparse.size", &b"1546"[..]);
    let map = ("GNU.sparse.map", &b"0,2,1024,512"[..]);
    for (records, words) in [
        (&[size][..], "it has no map"),
        (&[map], "its size is not said"),
        (
            &[size, map, ("GNU.sparse.numblocks", b"3")],
            "another number of regions",
        ),
        (&[("GNU.sparse.size", b"1535"), map], "beyond its end"),
        (
            &[size, ("GNU.sparse.map", b"0,2,1024,511")],
            "more or fewer bytes",
        ),
    ] {
        let error = error(records);
        assert!(error.contains(words), "{error}");
    }
}
