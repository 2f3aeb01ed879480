//! Reading a `.deb`.

use super::MemberError;
use super::members::{Member, members};
use super::tar_entries::{Entry, EntryKind, TarError, for_each_entry};
use crate::compression::{Decoder, UNPACKED_LIMIT};
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
    #[error("its first member is `{0}`, and a package's is `debian-binary` with the text 2.0")]
    Version(String),
    /// Members that are missing, or in another order.
    #[error(
        "member {number} is `{found}`, and a package has `{wanted}` there (with .xz, .zst, .gz or nothing behind)"
    )]
    Order {
        /// The member, counted from 1.
        number: usize,
        /// Its name; empty where there is none.
        found: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// A member whose compression is not supported or whose data is damaged.
    #[error("{member}: {source}")]
    Decode {
        /// The member's name.
        member: String,
        /// What the decoder says.
        source: io::Error,
    },
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
    /// Reads the members and the control file.
    ///
    /// # Errors
    /// [`DebError`] with the member.
    pub fn read(bytes: &'a [u8]) -> Result<Self, DebError> {
        // Names that start with an underscore may stand before data.tar and
        // are to be ignored (deb(5)).
        let mut members = members(bytes)?
            .into_iter()
            .filter(|member| !member.name.starts_with('_'));
        let version = members.next().unwrap_or_default();
        if version.name != "debian-binary" || !version.bytes.starts_with(b"2.") {
            return Err(DebError::Version(version.name.to_owned()));
        }
        let mut member = |number, wanted| {
            let member = members.next().unwrap_or_default();
            if member.name.starts_with(wanted) {
                Ok(member)
            } else {
                Err(DebError::Order {
                    number,
                    found: member.name.to_owned(),
                    wanted,
                })
            }
        };
        let control = member(2, "control.tar")?;
        let data = member(3, "data.tar")?;
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
        walk(self.data.name, decoder, visit)
    }
}

fn decoder(member: Member<'_>, limit: u64) -> Result<Decoder<'_>, DebError> {
    Decoder::new(member.bytes, limit).map_err(|source| DebError::Decode {
        member: member.name.to_owned(),
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
    // What stands behind the archive's end is nothing to dpkg.
    let _behind_end = for_each_entry(&mut decoder, |entry, content| {
        visit(entry, content).map_err(Stop::Visitor)
    })
    .map_err(|stop| match stop {
        Stop::Visitor(error) => VisitError::Visitor(error),
        Stop::Tar(source) => VisitError::Deb(DebError::Tar {
            member: member.to_owned(),
            source,
        }),
    })?;
    decoder.finish().map_err(|source| {
        VisitError::Deb(DebError::Decode {
            member: member.to_owned(),
            source,
        })
    })
}

fn read_control(member: Member<'_>) -> Result<Control, DebError> {
    let mut text = None;
    let visit = |entry: &Entry, content: &mut dyn Read| -> Result<(), io::Error> {
        if entry.path == "control" && entry.kind == EntryKind::File {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            text = Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(())
    };
    walk(member.name, decoder(member, CONTROL_LIMIT)?, visit).map_err(|error| match error {
        VisitError::Deb(error) => error,
        VisitError::Visitor(source) => DebError::Decode {
            member: member.name.to_owned(),
            source,
        },
    })?;
    let text = text.ok_or_else(|| DebError::NoControl(member.name.to_owned()))?;
    Ok(Control::parse(&text)?)
}
