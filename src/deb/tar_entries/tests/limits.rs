use super::*;
use std::io;

#[test]
fn names_are_read_up_to_64_kib_and_none_is_refused() {
    let long = |length: usize| {
        let name = vec![b'n'; length];
        let before = Block::new(b"././@LongLink", b'L', length).bytes();
        read(&[before, padded(&name), file("x", b"")].concat())
    };
    assert_eq!(long(1 << 16).unwrap()[0].0.len(), 1 << 16);
    assert!(matches!(
        long((1 << 16) + 1),
        Err(TarError::Name { offset: 0 })
    ));
    let by_pax = |length: usize| {
        let records = extended(b'x', &[("path", &vec![b'n'; length])]);
        read(&[records, file("x", b"")].concat())
    };
    assert!(by_pax(1 << 16).is_ok());
    assert!(matches!(by_pax((1 << 16) + 1), Err(TarError::Name { .. })));
    assert!(matches!(read(&file("./", b"x")), Ok(files) if files[0].1 == EntryKind::Directory));
    assert!(matches!(
        read(&file(".", b"x")),
        Err(TarError::Name { offset: 0 })
    ));
    let giant = Block::new(b"././@LongLink", b'L', 1 << 30).bytes();
    assert!(matches!(read(&giant), Err(TarError::Name { offset: 0 })));
}

#[test]
fn extended_headers_are_read_up_to_4_mib() {
    let with = |length: usize| {
        let value = vec![b'v'; length - 15];
        let records = record("comment", &value);
        assert_eq!(records.len(), length + 2);
        read(&[extended(b'x', &[("comment", &value)]), file("a", b"")].concat())
    };
    let most = usize::try_from(MAX_EXTENDED).unwrap() - 2;
    assert!(with(most).is_ok());
    let error = with(most + 1).unwrap_err().to_string();
    assert!(error.contains("more than 4 MiB, the limit here"), "{error}");
}

#[test]
fn as_many_headers_as_the_limit_are_read_and_not_one_more() {
    let one = file("a", b"");
    let left = (MAX_HEADERS as u64 + 1) * BLOCK as u64;
    let mut count = 0;
    let read = for_each_entry(Repeated { one, at: 0, left }, |_, _| {
        count += 1;
        Ok::<_, TarError>(())
    });
    assert!(matches!(read, Err(TarError::TooMany)));
    assert_eq!(count, MAX_HEADERS);
}

/// An entry again and again.
struct Repeated {
    one: Vec<u8>,
    at: usize,
    left: u64,
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.one[self.at..];
        let count = rest.take(self.left).read(buffer)?;
        self.at = (self.at + count) % self.one.len();
        self.left -= count as u64;
        Ok(count)
    }
}
