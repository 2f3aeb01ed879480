//! The members of a `.deb`'s ar archive, checked before they are read.

use thiserror::Error;

/// The first bytes of an ar archive.
pub const AR_MAGIC: &[u8] = b"!<arch>\n";
/// Size of a member's header, in bytes.
const HEADER: usize = 60;
/// No `.deb` has more members than a few.
const MAX_MEMBERS: usize = 32;

/// Why an ar archive cannot be read. Offsets are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MemberError {
    /// Other first bytes.
    #[error("it does not start with \"!<arch>\", as an ar archive does")]
    Magic,
    /// The file ends inside a member's header.
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
    #[error("it has more than {MAX_MEMBERS} members, and a package has three")]
    TooMany,
}

/// A member's name and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: &'a [u8],
}

/// Finds all members. Nothing is copied: the `ar` crate would allocate what a
/// header claims.
pub(super) fn members(archive: &[u8]) -> Result<Vec<Member<'_>>, MemberError> {
    if !archive.starts_with(AR_MAGIC) {
        return Err(MemberError::Magic);
    }
    let mut members = Vec::new();
    let mut offset = AR_MAGIC.len();
    for number in 1..=MAX_MEMBERS {
        let rest = archive.get(offset..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(members);
        }
        let Some((header, behind)) = rest.split_first_chunk::<HEADER>() else {
            return Err(MemberError::HeaderCut {
                number,
                offset,
                available: rest.len(),
            });
        };
        let (name, claimed) =
            name_and_size(header).ok_or(MemberError::Header { number, offset })?;
        let size = usize::try_from(claimed).unwrap_or(usize::MAX);
        let bytes = behind.get(..size).ok_or(MemberError::TooLong {
            number,
            offset,
            claimed,
            available: behind.len(),
        })?;
        members.push(Member { name, bytes });
        // Members start at even offsets.
        offset = offset
            .saturating_add(HEADER)
            .saturating_add(size)
            .saturating_add(size % 2);
    }
    Err(MemberError::TooMany)
}

/// Name and size of a header, if it is one. The tables of long names that GNU
/// and BSD use, `//` and `#1/`, have no place in a package.
fn name_and_size(header: &[u8; HEADER]) -> Option<(&str, u64)> {
    let (name, rest) = header.split_first_chunk::<16>()?;
    let (_, rest) = rest.split_first_chunk::<32>()?;
    let (size, end) = rest.split_first_chunk::<10>()?;
    if end != b"`\n" || name.starts_with(b"//") || name.starts_with(b"#1/") {
        return None;
    }
    let digits = size.trim_ascii_end();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let name = std::str::from_utf8(name.trim_ascii_end()).ok()?;
    // GNU ar ends a name with a slash, dpkg-deb does not.
    let name = name.strip_suffix('/').unwrap_or(name);
    Some((name, std::str::from_utf8(digits).ok()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(size: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = AR_MAGIC.to_vec();
        bytes.extend(
            format!(
                "{:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
                "name", 0, 0, 0, 100_644
            )
            .bytes(),
        );
        bytes.extend(data);
        bytes
    }

    #[test]
    fn members_are_read_with_their_names() {
        assert_eq!(
            members(&archive("2", b"hi")),
            Ok(vec![Member {
                name: "name",
                bytes: b"hi"
            }])
        );
    }

    #[test]
    fn a_member_that_claims_more_than_the_file_has_is_refused() {
        assert_eq!(
            members(&archive("9999999999", b"hi"))
                .unwrap_err()
                .to_string(),
            "member 1 at 0x8: it says that it has 9999999999 bytes, and 2 are there; the file was cut or is damaged"
        );
    }

    #[test]
    fn a_table_of_long_names_is_refused_before_anything_is_allocated() {
        let mut bytes = archive("2", b"hi");
        bytes[8..10].copy_from_slice(b"//");
        assert!(matches!(members(&bytes), Err(MemberError::Header { .. })));
    }

    #[test]
    fn archives_that_are_cut_or_no_archives_are_refused() {
        let whole = archive("2", b"hi");
        for end in 0..whole.len() {
            let result = members(&whole[..end]);
            assert_eq!(result.is_ok(), end == AR_MAGIC.len(), "{end}");
        }
        assert!(matches!(
            members(&archive("-1", b"")),
            Err(MemberError::Header { .. })
        ));
        let many = archive("0", b"").split_off(8).repeat(100);
        assert_eq!(
            members(&[AR_MAGIC, &many].concat()),
            Err(MemberError::TooMany)
        );
    }
}
