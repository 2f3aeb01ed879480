//! Structures of an x86 image that have a signature, a length and a checksum
//! of their own.

use crate::bytes::{OutOfBounds, array_at, sum8};
use std::fmt;

/// A structure of an x86 image with a length and a checksum of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// A Plug and Play expansion header.
    Pnp,
    /// The UNDI ROM ID structure.
    Undi,
    /// iPXE's header.
    Ipxe,
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pnp => "PnP expansion header",
            Self::Undi => "UNDI ROM ID structure",
            Self::Ipxe => "iPXE header",
        })
    }
}

/// A structure with its fields and all bytes that its length covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summed<'a, const N: usize> {
    /// Offset from the start of the image, in bytes.
    pub at: usize,
    /// The fields that this project knows.
    pub fields: &'a [u8; N],
    /// What the checksum covers.
    pub bytes: &'a [u8],
}

impl<'a, const N: usize> Summed<'a, N> {
    /// The structure at `at`, or `None` where another signature stands there:
    /// the pointers to these structures lie in bytes that a ROM without them
    /// uses for something else.
    pub(super) fn find(
        image: &'a [u8],
        at: usize,
        signature: [u8; 4],
        what: &'static str,
        length: impl Fn(&[u8; N]) -> usize,
    ) -> Option<Result<Self, OutOfBounds>> {
        let rest = image
            .get(at..)
            .filter(|rest| rest.starts_with(&signature))?;
        let structure = array_at(image, at, what).and_then(|fields| {
            let needed = length(fields).max(N);
            let bytes = rest.get(..needed).ok_or(OutOfBounds {
                what,
                at,
                needed,
                available: rest.len(),
            })?;
            Ok(Self { at, fields, bytes })
        });
        Some(structure)
    }

    /// Sum of the bytes modulo 256, 0 where right.
    pub(super) fn sum(&self) -> u8 {
        sum8(self.bytes)
    }
}
