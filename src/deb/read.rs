//! Reading a `.deb`.

use super::MemberError;
use super::members::{Member, Members};
use super::tar_entries::{Entry, EntryKind, TarError, for_each_entry};
use crate::compression::{Compression, Decoder, UNPACKED_LIMIT};
use crate::deb::control::{Control, ControlError};
use std::io::{self, Read};
use thiserror::Error;

/// A control archive that unpacks to more bytes than this is none: 16 MiB.
const CONTROL_LIMIT: u64 = 16 << 20;

/// Why a `.deb` cannot be read.
#[derive(Debug, Error)]
pub enum DebError {
    /// The ar archive is damaged.
    #[error("the package is damaged: {0}")]
    Members(#[from] MemberError),
    /// Another first member than deb(5) asks for.
    #[error("its first member is `{0}`, and a package's is `debian-binary`")]
    NoFormat(String),
    /// Another format than 2.
    #[error("its member debian-binary says `{0}`, and it must be a line such as `2.0`")]
    Format(String),
    /// Members that are missing, or in another order.
    #[error(
        "member {number} is `{found}`, and a package has `{wanted}` there (with .xz, .zst, .gz or nothing behind)"
    )]
    Order {
        /// The member, counted from 1.
        number: usize,
        /// Its name.
        found: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// A second control archive.
    #[error("member {0} is a second control archive, and a package has one")]
    TwoControls(usize),
    /// A member that dpkg does not unpack, by its name.
    #[error("`{member}` is packed in a way that dpkg does not unpack there")]
    Extension {
        /// The member's name.
        member: String,
    },
    /// A member whose data is not what its name says, by which dpkg goes.
    #[error(
        "the data of `{member}` is not packed as its name says, by which dpkg goes; its compression is: {found}"
    )]
    NotAsNamed {
        /// The member's name.
        member: String,
        /// What its data is.
        found: &'static str,
    },
    /// A member whose compression is not supported or whose data is damaged.
    #[error("{member}: {source}")]
    Decode {
        /// The member's name.
        member: String,
        /// What the decoder says.
        source: io::Error,
    },
    /// A member that unpacks to nothing, not even an archive without entries.
    #[error("`{0}` is empty, and it must be a tar archive")]
    Empty(String),
    /// A tar archive that cannot be read.
    #[error("{member}: {source}")]
    Tar {
        /// The member's name.
        member: String,
        /// Why.
        source: TarError,
    },
    /// No control file in the control archive.
    #[error("{0} has no file `control`")]
    NoControl(String),
    /// A control file that is none.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// An error on the way through the data archive: of the archive, or of the
/// one who visits its entries.
#[derive(Debug)]
pub enum VisitError<E> {
    /// The archive cannot be read.
    Deb(DebError),
    /// The visitor stops.
    Visitor(E),
}

/// A `.deb` whose control file has been read (deb(5), format 2).
#[derive(Debug)]
pub struct BinaryPackage<'a> {
    control: Control,
    data: Member<'a>,
}

impl<'a> BinaryPackage<'a> {
    /// Reads the members up to the data, and the control file. As dpkg-deb,
    /// it looks at nothing behind the data, and at no member whose name starts
    /// with `_`.
    ///
    /// # Errors
    /// [`DebError`] with the member, for what dpkg-deb refuses.
    pub fn read(bytes: &'a [u8]) -> Result<Self, DebError> {
        let mut members = Members::new(bytes)?;
        check_format(members.next()?)?;
        let (control, packed) = next(&mut members, CONTROL)?;
        if matches!(packed, Compression::Bzip2 | Compression::Lzma) {
            return Err(DebError::Extension {
                member: control.name(),
            });
        }
        let (data, _) = next(&mut members, DATA)?;
        Ok(Self {
            control: read_control(control)?,
            data,
        })
    }

    /// The control file.
    #[must_use]
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// The control file, taken out of the package.
    #[must_use]
    pub fn into_control(self) -> Control {
        self.control
    }

    /// The data archive as it is, compressed.
    pub(super) const fn packed_data(&self) -> &'a [u8] {
        self.data.bytes
    }

    /// Hands each entry of the data archive to `visit`, with its content.
    ///
    /// # Errors
    /// [`VisitError`] where the archive cannot be read or the visitor stops.
    pub fn for_each_entry<E>(
        &self,
        visit: impl FnMut(&Entry, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), VisitError<E>> {
        let decoder = decoder(self.data, UNPACKED_LIMIT).map_err(VisitError::Deb)?;
        walk(&self.data.name(), decoder, visit)
    }
}

const CONTROL: &str = "control.tar";
const DATA: &str = "data.tar";

/// Checks the first member: its name, and a first line with format 2.
fn check_format(member: Member<'_>) -> Result<(), DebError> {
    if member.raw_name != b"debian-binary" {
        return Err(DebError::NoFormat(member.name()));
    }
    let error = || {
        let text = String::from_utf8_lossy(member.bytes);
        let line = text.lines().next().unwrap_or_default();
        DebError::Format(line.chars().take(40).collect())
    };
    let end = member.bytes.iter().position(|byte| *byte == b'\n');
    let line = end.and_then(|end| member.bytes.get(..end));
    let version = line.and_then(|line| std::str::from_utf8(line).ok());
    let (major, minor) = version
        .and_then(|version| version.split_once('.'))
        .ok_or_else(error)?;
    let number = |digits: &str| {
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i32>().ok().filter(|_| is_plain)
    };
    if number(major) != Some(2) || number(minor).is_none() {
        return Err(error());
    }
    Ok(())
}

/// The next member that counts, which must be this one, with its compression.
fn next<'a>(
    members: &mut Members<'a>,
    wanted: &'static str,
) -> Result<(Member<'a>, Compression), DebError> {
    let mut member = members.next()?;
    while member.raw_name.starts_with(b"_") {
        member = members.next()?;
    }
    if let Some(extension) = member.raw_name.strip_prefix(wanted.as_bytes()) {
        return Ok((member, named(member, extension)?));
    }
    if wanted == DATA && member.raw_name.starts_with(CONTROL.as_bytes()) {
        return Err(DebError::TwoControls(member.number));
    }
    Err(DebError::Order {
        number: member.number,
        found: member.name(),
        wanted,
    })
}

/// The compression that a name stands for. dpkg goes by the name; zlib passes
/// on data that is not compressed.
fn named(member: Member<'_>, extension: &[u8]) -> Result<Compression, DebError> {
    let named = match extension {
        b"" => Compression::None,
        b".gz" => Compression::Gzip,
        b".xz" => Compression::Xz,
        b".zst" => Compression::Zstd,
        b".bz2" => Compression::Bzip2,
        b".lzma" => Compression::Lzma,
        _ => {
            return Err(DebError::Extension {
                member: member.name(),
            });
        }
    };
    let found = Compression::of(member.bytes);
    if found == named || (named, found) == (Compression::Gzip, Compression::None) {
        return Ok(named);
    }
    Err(DebError::NotAsNamed {
        member: member.name(),
        found: found.name(),
    })
}

fn decoder(member: Member<'_>, limit: u64) -> Result<Decoder<'_>, DebError> {
    Decoder::new(member.bytes, limit).map_err(|source| DebError::Decode {
        member: member.name(),
        source,
    })
}

fn walk<E>(
    member: &str,
    mut decoder: Decoder<'_>,
    mut visit: impl FnMut(&Entry, &mut dyn Read) -> Result<(), E>,
) -> Result<(), VisitError<E>> {
    enum Stop<E> {
        Tar(TarError),
        Visitor(E),
    }
    impl<E> From<TarError> for Stop<E> {
        fn from(error: TarError) -> Self {
            Self::Tar(error)
        }
    }
    let decode = |source| {
        VisitError::Deb(DebError::Decode {
            member: member.to_owned(),
            source,
        })
    };
    // GNU tar reads no archive from a pipe that gives nothing.
    let mut first = Vec::new();
    let read = (&mut decoder).take(1).read_to_end(&mut first);
    if read.map_err(decode)? == 0 {
        return Err(VisitError::Deb(DebError::Empty(member.to_owned())));
    }
    let archive = first.as_slice().chain(&mut decoder);
    // What stands behind the archive's end is nothing to dpkg.
    let _behind_end = for_each_entry(archive, |entry, content| {
        visit(entry, content).map_err(Stop::Visitor)
    })
    .map_err(|stop| match stop {
        Stop::Visitor(error) => VisitError::Visitor(error),
        Stop::Tar(source) => VisitError::Deb(DebError::Tar {
            member: member.to_owned(),
            source,
        }),
    })?;
    decoder.finish().map_err(decode)
}

fn read_control(member: Member<'_>) -> Result<Control, DebError> {
    let mut text = None;
    let visit = |entry: &Entry, content: &mut dyn Read| -> Result<(), io::Error> {
        if entry.path == "control" && entry.kind == EntryKind::File {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            text = Some(bytes);
        }
        Ok(())
    };
    walk(&member.name(), decoder(member, CONTROL_LIMIT)?, visit).map_err(|error| match error {
        VisitError::Deb(error) => error,
        VisitError::Visitor(source) => DebError::Decode {
            member: member.name(),
            source,
        },
    })?;
    let text = text.ok_or_else(|| DebError::NoControl(member.name()))?;
    Ok(Control::parse(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const FORMAT: (&str, &[u8]) = ("debian-binary", b"2.0\n");
    const OTHER: (&str, &[u8]) = ("other", b"x");
    const IGNORED: (&str, &[u8]) = ("_other", b"x");

    fn tar(name: &str, text: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        builder.append_data(&mut header, name, text).unwrap();
        builder.into_inner().unwrap()
    }

    /// Reads a package of these members to its end; the paths in its data.
    fn read(members: &[(&str, &[u8])]) -> Result<Vec<String>, String> {
        let mut archive = ar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let header = ar::Header::new((*name).into(), bytes.len() as u64);
            archive.append(&header, *bytes).unwrap();
        }
        let archive = archive.into_inner().unwrap();
        let package = BinaryPackage::read(&archive).map_err(|error| error.to_string())?;
        let mut paths = Vec::new();
        let visited = package.for_each_entry(|entry, _| {
            paths.push(entry.path.clone());
            Ok::<_, io::Error>(())
        });
        match visited {
            Ok(()) => Ok(paths),
            Err(VisitError::Deb(error)) => Err(error.to_string()),
            Err(VisitError::Visitor(error)) => Err(error.to_string()),
        }
    }

    #[test]
    fn members_stand_in_their_order_and_others_only_where_dpkg_ignores_them() {
        let control = tar("./control", b"Package: aa\nVersion: 1\n");
        let control: (&str, &[u8]) = ("control.tar", &control);
        let data = tar("./usr/a", b"hi");
        let data: (&str, &[u8]) = ("data.tar", &data);
        for taken in [
            &[FORMAT, control, data][..],
            &[FORMAT, IGNORED, control, IGNORED, IGNORED, data],
            &[FORMAT, control, data, OTHER],
            &[FORMAT, control, data, control],
            &[FORMAT, control, data, data],
        ] {
            assert_eq!(read(taken).unwrap(), ["usr/a"]);
        }
        let two_is =
            |found: &str| format!("member 2 is `{found}`, and a package has `control.tar`");
        for (refused, said) in [
            (
                &[OTHER, FORMAT, control, data][..],
                "its first member is `other`",
            ),
            (
                &[IGNORED, FORMAT, control, data],
                "its first member is `_other`",
            ),
            (&[control, data], "its first member is `control.tar`"),
            (&[FORMAT, OTHER, control, data], &two_is("other")),
            (&[FORMAT, FORMAT, control, data], &two_is("debian-binary")),
            (&[FORMAT, data, control], &two_is("data.tar")),
            (
                &[FORMAT, control, OTHER, data],
                "member 3 is `other`, and a package has `data.tar`",
            ),
            (
                &[FORMAT, control, control, data],
                "member 3 is a second control archive",
            ),
            (
                &[FORMAT, control, IGNORED, control, data],
                "member 4 is a second control archive",
            ),
            (&[FORMAT, control], "the package is damaged: member 3 at "),
            (&[FORMAT], "the package is damaged: member 2 at "),
            (
                &[FORMAT, ("control.tar", data.1), data],
                "control.tar has no file `control`",
            ),
            (
                &[FORMAT, ("control.tar", b""), data],
                "`control.tar` is empty",
            ),
            (&[FORMAT, control, ("data.tar", b"")], "`data.tar` is empty"),
            (
                &[FORMAT, ("control.tar.bz2", b"BZh"), data],
                "`control.tar.bz2` is packed in a way",
            ),
            (
                &[FORMAT, ("control.tar.lz", control.1), data],
                "`control.tar.lz` is packed in a way",
            ),
            (
                &[FORMAT, control, ("data.tarx", data.1)],
                "`data.tarx` is packed in a way",
            ),
            (
                &[FORMAT, control, ("data.tar.xz", data.1)],
                "the data of `data.tar.xz` is not packed as",
            ),
        ] {
            let found = read(refused).unwrap_err();
            assert!(found.starts_with(said), "{said}: {found}");
        }
    }

    #[test]
    fn the_format_is_2_with_any_minor_number() {
        let control = tar("./control", b"Package: aa\nVersion: 1\n");
        let data = tar("./usr/a", b"hi");
        let with = |text: &[u8]| {
            read(&[
                ("debian-binary", text),
                ("control.tar", &control),
                ("data.tar", &data),
            ])
        };
        for text in [&b"2.0\n"[..], b"2.1\nmore\n", b"02.00\n", b"2.2147483647\n"] {
            assert!(with(text).is_ok(), "{text:?}");
        }
        for text in [
            &b""[..],
            b"2.0",
            b"2\n",
            b"2.\n",
            b".0\n",
            b"1.0\n",
            b"3.0\n",
            b"+2.0\n",
            b"2.+0\n",
            b"2.0 \n",
            b"2.0\r\n",
            b"2.0.0\n",
            b"2.2147483648\n",
            b"\xff.0\n",
        ] {
            let error = with(text).unwrap_err();
            assert!(
                error.starts_with("its member debian-binary says `"),
                "{error}"
            );
        }
    }

    #[test]
    fn data_is_packed_as_the_name_of_its_member_says() {
        let control = tar("./control", b"Package: aa\nVersion: 1\n");
        let data = tar("./usr/a", b"hi");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&data).unwrap();
        let mut xz = xz2::write::XzEncoder::new(Vec::new(), 0);
        xz.write_all(&data).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&data).unwrap();
        let packed = [
            ("", data.clone()),
            (".gz", gzip.finish().unwrap()),
            (".xz", xz.finish().unwrap()),
            (".zst", zstd::encode_all(&*data, 0).unwrap()),
            (".bz2", bzip2.finish().unwrap()),
        ];
        for (named, _) in &packed {
            for (is, bytes) in &packed {
                let name = format!("data.tar{named}");
                let found = read(&[FORMAT, ("control.tar", &control), (&name, bytes)]);
                // zlib passes on what is not compressed.
                let is_right = named == is || (*named == ".gz" && is.is_empty());
                assert_eq!(found.is_ok(), is_right, "{named} {is}: {found:?}");
            }
        }
    }
}
