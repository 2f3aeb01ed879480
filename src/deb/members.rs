//! The members of a `.deb`'s ar archive, one after the other as dpkg-deb reads
//! them.

use thiserror::Error;

/// The first bytes of an ar archive.
pub const AR_MAGIC: &[u8] = b"!<arch>\n";
/// Size of a member's header, in bytes.
const HEADER: usize = 60;
/// More members than this are not looked at: a package has three, and some
/// more whose names start with `_`.
pub const MAX_MEMBERS: usize = 32;

/// Why an ar archive cannot be read. Offsets are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MemberError {
    /// Other first bytes.
    #[error("it does not start with \"!<arch>\", as an ar archive does")]
    Magic,
    /// The file ends inside a member's header, or before one that it needs.
    #[error("member {number} at {offset:#x}: {available} bytes are left, and a header has 60")]
    HeaderCut {
        /// The member, counted from 1.
        number: usize,
        /// Offset of its header.
        offset: usize,
        /// Bytes from there to the end.
        available: usize,
    },
    /// A header that is none.
    #[error(
        "member {number} at {offset:#x}: its header does not end in 60 0a, or its size is no number"
    )]
    Header {
        /// The member, counted from 1.
        number: usize,
        /// Offset of its header.
        offset: usize,
    },
    /// A member that says it is longer than the file.
    #[error(
        "member {number} at {offset:#x}: it says that it has {claimed} bytes, and {available} are there; the file was cut or is damaged"
    )]
    TooLong {
        /// The member, counted from 1.
        number: usize,
        /// Offset of its header.
        offset: usize,
        /// The size it says.
        claimed: u64,
        /// Bytes behind its header.
        available: usize,
    },
    /// More members than any package has.
    #[error("it has more than {MAX_MEMBERS} members before its data, and a package has three")]
    TooMany,
}

/// A member's name and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member<'a> {
    /// Which one it is, counted from 1.
    pub(super) number: usize,
    /// Its name as it stands in the header, without the blanks behind it.
    pub(super) raw_name: &'a [u8],
    pub(super) bytes: &'a [u8],
}

impl Member<'_> {
    /// The name for people.
    pub(super) fn name(&self) -> String {
        String::from_utf8_lossy(self.raw_name).into_owned()
    }
}

/// Reads members as they are asked for, since dpkg-deb looks at nothing behind
/// the data. Nothing is copied: the `ar` crate would allocate what a header
/// claims.
#[derive(Debug)]
pub(super) struct Members<'a> {
    archive: &'a [u8],
    offset: usize,
    number: usize,
}

impl<'a> Members<'a> {
    pub(super) fn new(archive: &'a [u8]) -> Result<Self, MemberError> {
        if !archive.starts_with(AR_MAGIC) {
            return Err(MemberError::Magic);
        }
        Ok(Self {
            archive,
            offset: AR_MAGIC.len(),
            number: 0,
        })
    }

    /// The next member, which must be there.
    pub(super) fn next(&mut self) -> Result<Member<'a>, MemberError> {
        if self.number >= MAX_MEMBERS {
            return Err(MemberError::TooMany);
        }
        self.number = self.number.saturating_add(1);
        let (number, offset) = (self.number, self.offset);
        let rest = self.archive.get(offset..).unwrap_or_default();
        let Some((header, behind)) = rest.split_first_chunk::<HEADER>() else {
            return Err(MemberError::HeaderCut {
                number,
                offset,
                available: rest.len(),
            });
        };
        let (raw_name, claimed) =
            name_and_size(header).ok_or(MemberError::Header { number, offset })?;
        let size = usize::try_from(claimed).unwrap_or(usize::MAX);
        let bytes = behind.get(..size).ok_or(MemberError::TooLong {
            number,
            offset,
            claimed,
            available: behind.len(),
        })?;
        // Members start at even offsets.
        self.offset = offset
            .saturating_add(HEADER)
            .saturating_add(size)
            .saturating_add(size % 2);
        Ok(Member {
            number,
            raw_name,
            bytes,
        })
    }
}

/// Name and size of a header, if it is one. dpkg-deb takes blanks before the
/// size, and whatever stands behind a blank.
fn name_and_size(header: &[u8; HEADER]) -> Option<(&[u8], u64)> {
    let (name, rest) = header.split_first_chunk::<16>()?;
    let (_, rest) = rest.split_first_chunk::<32>()?;
    let (size, end) = rest.split_first_chunk::<10>()?;
    if end != b"`\n" {
        return None;
    }
    let blanks = size.iter().take_while(|byte| **byte == b' ').count();
    let digits = size.get(blanks..)?.split(|byte| *byte == b' ').next()?;
    let mut claimed = 0_u64;
    for digit in digits {
        let digit = char::from(*digit).to_digit(10)?;
        claimed = claimed.checked_mul(10)?.checked_add(digit.into())?;
    }
    let blanks = name.iter().rev().take_while(|byte| **byte == b' ').count();
    let name = name.get(..name.len().checked_sub(blanks)?)?;
    // GNU ar ends a name with a slash, dpkg-deb does not.
    Some((name.strip_suffix(b"/").unwrap_or(name), claimed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(size: &str, data: &[u8]) -> Vec<u8> {
        let header = format!(
            "{:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
            "name", 0, 0, 0, 100_644
        );
        [header.as_bytes(), data].concat()
    }

    fn first(archive: &[u8]) -> Result<(String, &[u8]), MemberError> {
        let member = Members::new(archive)?.next()?;
        Ok((member.name(), member.bytes))
    }

    fn archive(size: &str, data: &[u8]) -> Vec<u8> {
        [AR_MAGIC, &member(size, data)].concat()
    }

    #[test]
    fn members_are_read_with_their_names_and_sizes_as_dpkg_deb_does() {
        for size in ["2", " 2", "        2", "2 x", "0000000002"] {
            let bytes = archive(size, b"hi");
            assert_eq!(first(&bytes).unwrap(), ("name".to_owned(), &b"hi"[..]));
        }
        let mut slash = archive("", b"hi");
        slash[12] = b'/';
        assert_eq!(first(&slash).unwrap(), ("name".to_owned(), &b""[..]));
        for size in ["-1", "x", "2x", "+2", "0x2"] {
            let error = MemberError::Header {
                number: 1,
                offset: 8,
            };
            assert_eq!(first(&archive(size, b"hi")), Err(error), "{size}");
        }
    }

    #[test]
    fn a_member_starts_at_an_even_offset() {
        let bytes = [archive("3", b"odd"), b"\n".to_vec(), member("2", b"hi")].concat();
        let mut members = Members::new(&bytes).unwrap();
        assert_eq!(members.next().unwrap().bytes, b"odd");
        let second = members.next().unwrap();
        assert_eq!((second.number, second.bytes), (2, &b"hi"[..]));
        assert_eq!(
            members.next().unwrap_err().to_string(),
            "member 3 at 0x86: 0 bytes are left, and a header has 60"
        );
    }

    #[test]
    fn a_member_that_claims_more_than_the_file_has_is_refused() {
        assert!(first(&archive("2", b"hi")).is_ok());
        assert_eq!(
            first(&archive("3", b"hi")).unwrap_err().to_string(),
            "member 1 at 0x8: it says that it has 3 bytes, and 2 are there; the file was cut or is damaged"
        );
        assert!(matches!(
            first(&archive("9999999999", b"hi")),
            Err(MemberError::TooLong { .. })
        ));
    }

    #[test]
    fn archives_that_are_cut_or_no_archives_are_refused() {
        let whole = archive("2", b"hi");
        for end in 0..whole.len() {
            assert!(first(&whole[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn as_many_members_as_the_limit_are_read_and_no_more() {
        let many = [AR_MAGIC, &member("0", b"").repeat(MAX_MEMBERS + 1)].concat();
        let mut members = Members::new(&many).unwrap();
        for _ in 0..MAX_MEMBERS {
            assert!(members.next().is_ok());
        }
        let error = members.next().unwrap_err();
        assert_eq!(
            error.to_string(),
            "it has more than 32 members before its data, and a package has three"
        );
    }
}
