//! Extended headers: records of a key and a value (pax(1), "pax Extended
//! Header"), with GNU tar's keys for sparse files.

use super::header::until_nul;

/// What the records of extended headers say of an entry, or of all that follow.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: Sparse,
    /// Whether the entry is the rest of one in another volume.
    pub(super) continues: bool,
}

/// What GNU tar's records say of a sparse file.
#[derive(Debug, Clone, Default)]
pub(super) struct Sparse {
    pub(super) name: Option<Vec<u8>>,
    /// The size with holes: `GNU.sparse.size` or `GNU.sparse.realsize`.
    pub(super) real_size: Option<u64>,
    /// Versions 0.0 and 0.1 have the map here.
    pub(super) regions: Vec<(u64, u64)>,
    /// An offset whose length comes with the next record (0.0).
    offset: Option<u64>,
    /// How many regions there are (0.0 and 0.1).
    pub(super) count: Option<u64>,
    /// Version 1.0 and above; the map then stands before the content.
    pub(super) version: Option<(u64, u64)>,
}

impl Records {
    /// Takes the records of a header into account; what is wrong with them.
    pub(super) fn take(&mut self, mut header: &[u8], is_global: bool) -> Result<(), &'static str> {
        // GNU tar ends at a NUL, which stands where a length should.
        while header.first().is_some_and(|byte| *byte != 0) {
            let (key, value, rest) = record(header)?;
            self.set(key, value, is_global)?;
            header = rest;
        }
        Ok(())
    }

    /// These records, where they say something, before `others`.
    pub(super) fn or(self, others: &Self) -> Self {
        Self {
            path: self.path.or_else(|| others.path.clone()),
            link: self.link.or_else(|| others.link.clone()),
            size: self.size.or(others.size),
            continues: self.continues || others.continues,
            ..self
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8], is_global: bool) -> Result<(), &'static str> {
        // An empty value takes back what was said before.
        let text = || (!value.is_empty()).then(|| until_nul(value).to_vec());
        let number = || decimal(value).ok_or("a record's value is no number");
        match key {
            b"path" => self.path = text(),
            b"linkpath" => self.link = text(),
            b"size" if value.is_empty() => self.size = None,
            b"size" => self.size = Some(number()?),
            b"GNU.volume.filename" | b"GNU.volume.size" | b"GNU.volume.offset" => {
                self.continues = true;
            }
            _ if is_global => {}
            b"GNU.sparse.name" => self.sparse.name = text(),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                self.sparse.real_size = Some(number()?);
            }
            b"GNU.sparse.numblocks" => self.sparse.count = Some(number()?),
            b"GNU.sparse.offset" => self.sparse.offset = Some(number()?),
            b"GNU.sparse.numbytes" => {
                let offset = self.sparse.offset.take();
                let offset = offset.ok_or("a sparse region has a length without an offset")?;
                self.sparse.regions.push((offset, number()?));
            }
            b"GNU.sparse.map" => {
                self.sparse.regions =
                    map(value).ok_or("a sparse map is no list of offsets and lengths")?
            }
            b"GNU.sparse.major" => {
                let minor = self.sparse.version.map_or(0, |(_, minor)| minor);
                self.sparse.version = Some((number()?, minor));
            }
            b"GNU.sparse.minor" => {
                let major = self.sparse.version.map_or(0, |(major, _)| major);
                self.sparse.version = Some((major, number()?));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Key and value of a record, and what follows it.
type Record<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// The first record, `LENGTH KEY=VALUE\n`, where the length counts all of it
/// and the value may be any bytes.
fn record(header: &[u8]) -> Result<Record<'_>, &'static str> {
    const NO_LENGTH: &str = "a record of an extended header does not start with its length";
    let space = header.iter().position(|byte| *byte == b' ');
    let (length, _) = header.split_at(space.ok_or(NO_LENGTH)?);
    let all = decimal(length).ok_or(NO_LENGTH)?;
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    let (record, rest) = header
        .split_at_checked(all)
        .ok_or("a record of an extended header is longer than the header")?;
    let record = record
        .get(length.len().saturating_add(1)..)
        .ok_or(NO_LENGTH)?;
    let record = record
        .strip_suffix(b"\n")
        .ok_or("a record of an extended header does not end with its line")?;
    let equals = record.iter().position(|byte| *byte == b'=');
    let equals = equals.ok_or("a record of an extended header has no `=`")?;
    let (key, value) = record.split_at(equals);
    Ok((key, value.get(1..).unwrap_or_default(), rest))
}

/// `OFFSET,LENGTH,OFFSET,LENGTH...`
fn map(value: &[u8]) -> Option<Vec<(u64, u64)>> {
    let mut numbers = value.split(|byte| *byte == b',').map(decimal);
    let mut regions = Vec::new();
    while let Some(offset) = numbers.next() {
        regions.push((offset?, numbers.next()??));
    }
    Some(regions)
}

/// A number of decimal digits, of at most 63 bits.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    u64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &[u8]) -> Result<Records, &'static str> {
        let mut records = Records::default();
        records.take(header, false).map(|()| records)
    }

    #[test]
    fn values_may_have_any_bytes() {
        let records = read(b"22 SCHILY.xattr.a=\0\n\xff\n10 path=\xff\n").unwrap();
        assert_eq!(records.path.unwrap(), b"\xff");
    }

    #[test]
    fn records_that_are_none_are_refused_with_the_reason() {
        for (header, words) in [
            (&b"x"[..], "does not start with its length"),
            (b"x path=a\n", "does not start with its length"),
            (b"3 \n", "has no `=`"),
            (b"1 path=a\n", "does not start with its length"),
            (b"12 path=ab\n", "longer than the header"),
            (b"10 path=ab\n", "does not end with its line"),
            (
                b"99999999999999999999 a=\n",
                "does not start with its length",
            ),
            (b"13 size=-512\n", "no number"),
            (b"28 GNU.sparse.numbytes=5120\n", "length without an offset"),
            (b"21 GNU.sparse.map=1,\n", "no list of offsets"),
        ] {
            let error = read(header).unwrap_err();
            assert!(error.contains(words), "{header:?}: {error}");
        }
        assert!(read(b"11 path=ab\n").is_ok());
    }

    #[test]
    fn an_empty_value_takes_back_and_an_own_one_goes_before_a_global_one() {
        let mut global = Records::default();
        global.take(b"11 path=ab\n", true).unwrap();
        global.take(b"12 size=512\n", true).unwrap();
        let own = read(b"9 path=x\n8 size=\n").unwrap().or(&global);
        assert_eq!((own.path.unwrap(), own.size), (b"x".to_vec(), Some(512)));
        global.take(b"8 path=\n", true).unwrap();
        assert_eq!(global.path, None);
        global.take(b"24 GNU.sparse.size=9999\n", true).unwrap();
        assert_eq!(global.sparse.real_size, None);
    }
}
