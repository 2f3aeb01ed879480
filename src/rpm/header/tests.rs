//! Headers, made by hand.

use super::*;

/// The values of one tag.
pub(in crate::rpm) enum Values {
    Text(String),
    Texts(Vec<String>),
    Numbers16(Vec<u16>),
    Numbers32(Vec<u32>),
    Numbers64(Vec<u64>),
    Binary(Vec<u8>),
}

/// A header with these tags.
pub(in crate::rpm) fn header_of(tags: &[(u32, Values)]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, values) in tags {
        let with_ends = |texts: &[String]| texts.join("\0").into_bytes();
        let (kind, count, mut bytes) = match values {
            Values::Text(text) => (STRING, 1, text.clone().into_bytes()),
            Values::Texts(texts) => (STRING_ARRAY, texts.len(), with_ends(texts)),
            Values::Numbers16(n) => (
                INT16,
                n.len(),
                n.iter().flat_map(|n| n.to_be_bytes()).collect(),
            ),
            Values::Numbers32(n) => (
                INT32,
                n.len(),
                n.iter().flat_map(|n| n.to_be_bytes()).collect(),
            ),
            Values::Numbers64(n) => (
                INT64,
                n.len(),
                n.iter().flat_map(|n| n.to_be_bytes()).collect(),
            ),
            Values::Binary(bytes) => (BIN, bytes.len(), bytes.clone()),
        };
        if matches!(kind, STRING | STRING_ARRAY) {
            bytes.push(0);
        }
        data.resize(data.len().next_multiple_of(width(kind)), 0);
        let count = u32::try_from(count).unwrap();
        for value in [*tag, kind, u32::try_from(data.len()).unwrap(), count] {
            index.extend(value.to_be_bytes());
        }
        data.extend(bytes);
    }
    start_of(u32::try_from(tags.len()).unwrap(), &data, index)
}

fn start_of(entries: u32, data: &[u8], index: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap();
    let mut header = [HEADER_MAGIC, &[0; 4]].concat();
    header.extend(entries.to_be_bytes());
    header.extend(length.to_be_bytes());
    [&header, &*index, data].concat()
}

const MAIN: Which = Which {
    name: "header",
    limit: MAX_ENTRIES,
    region: 63,
};

fn entry(tag: u32, kind: u32, at: u32, count: u32) -> Vec<u8> {
    [tag, kind, at, count]
        .iter()
        .flat_map(|n| n.to_be_bytes())
        .collect()
}

fn is_read(entries: &[Vec<u8>], data: &[u8]) -> bool {
    let count = u32::try_from(entries.len()).unwrap();
    Header::read(&start_of(count, data, entries.concat()), 0, MAIN).is_ok()
}

#[test]
fn values_of_each_type_are_found_by_their_tags() {
    let bytes = header_of(&[
        (1, Values::Text("one".to_owned())),
        (
            2,
            Values::Texts(vec!["a".to_owned(), String::new(), "c".to_owned()]),
        ),
        (3, Values::Numbers16(vec![1, 0xfffe])),
        (4, Values::Numbers32(vec![2, u32::MAX])),
        (5, Values::Numbers64(vec![3, u64::MAX])),
        (6, Values::Binary(vec![9, 8])),
        (1, Values::Text("two".to_owned())),
    ]);
    let header = Header::read(&bytes, 0, MAIN).unwrap();
    assert_eq!(header.end, bytes.len());
    assert_eq!(header.text(1, "x").unwrap(), Some("one"));
    assert_eq!(header.texts(2).collect::<Vec<_>>(), [&b"a"[..], b"", b"c"]);
    assert_eq!(header.numbers(3).collect::<Vec<_>>(), [1, 0xfffe]);
    assert_eq!(header.numbers(4).collect::<Vec<_>>(), [2, u32::MAX.into()]);
    assert_eq!(header.numbers(5).collect::<Vec<_>>(), [3, u64::MAX]);
    assert_eq!(header.binary(6), Some(&[9, 8][..]));
    assert_eq!(header.number(3), Some(1));
    // Neither a tag that is not there nor one of another type.
    assert_eq!(
        (header.number(9), header.number(1), header.binary(3)),
        (None, None, None)
    );
    assert_eq!(header.texts(3).count(), 0);
    assert!(header.has(6) && !header.has(7));
}

#[test]
fn a_text_that_is_not_plain_is_refused_by_name() {
    for text in ["a\x1b[2J", "a\nb", "a\u{85}", "a\u{2028}"] {
        let bytes = header_of(&[(1, Values::Text(text.to_owned()))]);
        let header = Header::read(&bytes, 0, MAIN).unwrap();
        let error = header.text(1, "version").unwrap_err().to_string();
        assert!(
            error.starts_with("the version of the package in its header is no plain text: `a\\"),
            "{error}"
        );
    }
    let bytes = start_of(1, b"a\xff\0", entry(1, STRING, 0, 1));
    let header = Header::read(&bytes, 0, MAIN).unwrap();
    assert!(
        header
            .text(1, "name")
            .unwrap_err()
            .to_string()
            .ends_with("`a\\xff`")
    );
}

#[test]
fn data_of_an_entry_lies_in_the_header_behind_that_of_the_one_before() {
    let data = b"ab\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert!(is_read(&[entry(1, BIN, 0, 16)], data));
    assert!(!is_read(&[entry(1, BIN, 0, 17)], data));
    assert!(!is_read(&[entry(1, BIN, 1, 16)], data));
    assert!(!is_read(&[entry(1, BIN, 17, 1)], data));
    assert!(!is_read(&[entry(1, BIN, 0, 0)], data));
    assert!(is_read(&[entry(1, I18N_STRING, 0, 1)], data));
    assert!(!is_read(&[entry(1, I18N_STRING + 1, 0, 1)], data));
    for (kind, width) in [(INT16, 2), (INT32, 4), (INT64, 8)] {
        assert!(is_read(&[entry(1, kind, width, 16 / width - 1)], data));
        assert!(!is_read(&[entry(1, kind, width, 16 / width)], data));
        assert!(!is_read(&[entry(1, kind, width / 2, 1)], data));
    }
    assert!(is_read(&[entry(1, STRING_ARRAY, 0, 14)], data));
    assert!(!is_read(&[entry(1, STRING_ARRAY, 0, 15)], data));
    assert!(!is_read(&[entry(1, STRING, 0, 2)], data));
    assert!(!is_read(&[entry(1, STRING, 0, 1)], b"ab"));
    assert!(is_read(
        &[entry(1, STRING, 0, 1), entry(2, BIN, 3, 1)],
        data
    ));
    assert!(!is_read(
        &[entry(1, STRING, 0, 1), entry(2, BIN, 2, 1)],
        data
    ));
    let error = Header::read(&start_of(1, data, entry(7, BIN, 0, 17)), 0, MAIN).unwrap_err();
    assert!(
        error.to_string().starts_with(
            "at 0x10 an entry of the header, tag 7 of type 7, claims 17 values at 0x0"
        ),
        "{error}"
    );
}

#[test]
fn as_many_entries_as_the_limit_are_read_and_no_more() {
    let header = |count: u32| {
        let one = entry(1, BIN, 0, 1);
        start_of(count, &[0], one.repeat(usize::try_from(count).unwrap()))
    };
    let which = |limit| Which {
        name: "signature header",
        limit,
        region: 62,
    };
    let many = |limit: u32| Header::read(&header(limit), 0, which(limit)).map(drop);
    for limit in [MAX_ENTRIES, MAX_SIGNATURE_ENTRIES] {
        // The entries overlap, which is found out behind the limit.
        assert!(matches!(many(limit), Err(HeaderError::Entry { .. })));
        let error = Header::read(&header(limit + 1), 0, which(limit)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "at 0x0 the signature header claims {} entries, and the limit is {limit}",
                limit + 1
            )
        );
    }
}

#[test]
fn a_header_that_claims_more_than_the_file_has_is_refused() {
    let bytes = header_of(&[(1, Values::Binary(vec![1; 3]))]);
    for end in 0..bytes.len() {
        assert!(Header::read(&bytes[..end], 0, MAIN).is_err(), "{end}");
    }
    let mut longer = bytes;
    longer[12..16].copy_from_slice(&u32::MAX.to_be_bytes());
    let error = Header::read(&longer, 0, MAIN).unwrap_err().to_string();
    assert_eq!(
        error,
        "at 0x0 the header claims 1 entries and 4294967295 bytes of data, and 35 bytes are left of the file; fetch it again"
    );
    longer[0] = 0;
    let error = Header::read(&longer, 0, MAIN).unwrap_err().to_string();
    assert!(error.contains("starts with 00 ad e8 01"), "{error}");
}

#[test]
fn a_region_has_a_trailer_that_counts_its_index_backwards() {
    let with = |which: Which, at: u32, count: u32, trailer: [u32; 4]| {
        let trailer: Vec<u8> = trailer.iter().flat_map(|n| n.to_be_bytes()).collect();
        let data = [&[1][..], &trailer].concat();
        let index = [entry(which.region, BIN, at, count), entry(2, BIN, 0, 1)].concat();
        Header::read(&start_of(2, &data, index), 0, which).is_ok()
    };
    let signature = Which {
        name: "signature header",
        limit: MAX_SIGNATURE_ENTRIES,
        region: 62,
    };
    let back = |bytes: u32| bytes.wrapping_neg();
    for entries in [1, 2] {
        assert!(with(MAIN, 1, 16, [63, BIN, back(16 * entries), 16]));
    }
    assert!(with(signature, 1, 16, [62, BIN, back(32), 16]));
    assert!(with(signature, 1, 16, [61, BIN, back(32), 16]));
    for trailer in [
        [61, BIN, back(32), 16],
        [62, BIN, back(32), 16],
        [63, STRING, back(32), 16],
        [63, BIN, 32, 16],
        [63, BIN, 0, 16],
        [63, BIN, back(48), 16],
        [63, BIN, back(31), 16],
        [63, BIN, back(32), 15],
    ] {
        assert!(!with(MAIN, 1, 16, trailer), "{trailer:?}");
    }
    assert!(!with(MAIN, 2, 16, [63, BIN, back(32), 16]));
    assert!(!with(MAIN, 1, 15, [63, BIN, back(32), 16]));
    assert!(!with(MAIN, 1, 17, [63, BIN, back(32), 16]));
}
