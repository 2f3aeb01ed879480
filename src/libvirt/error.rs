//! Why a text is no definition of a guest.

use thiserror::Error;

/// Why a definition cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DomainError {
    /// More text than any definition has.
    #[error("it has more than {limit} bytes, and libvirt takes no definition of so many")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// More of something than any definition has.
    #[error("at 0x{offset:x}: it has more than {limit} {what}, more than any definition")]
    TooMany {
        /// Where the limit is passed.
        offset: usize,
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Another encoding.
    #[error("at 0x{offset:x}: it is not UTF-8; convert it, for libvirt writes UTF-8")]
    NotUtf8 {
        /// The first byte that is wrong.
        offset: usize,
    },
    /// A declaration of another encoding.
    #[error("it says that its encoding is `{0}`; convert it to UTF-8, as libvirt writes it")]
    Encoding(String),
    /// A document type, with which entities come.
    #[error(
        "at 0x{offset:x}: it has a document type; libvirt writes none, and entities are not expanded here"
    )]
    DocumentType {
        /// Where it starts.
        offset: usize,
    },
    /// Text that is no XML.
    #[error("at 0x{offset:x}: {said}; `virt-xml-validate` says what libvirt thinks of it")]
    Syntax {
        /// Where it goes wrong.
        offset: usize,
        /// What is wrong.
        said: String,
    },
    /// Another document.
    #[error("its root is <{0}>, and a definition's is <domain>")]
    NotADomain(String),
    /// No element at all.
    #[error("there is no element in it")]
    Empty,
}
