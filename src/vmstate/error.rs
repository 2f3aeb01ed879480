//! Why a saved state cannot be read.

use crate::bytes::hex;
use std::io;
use thiserror::Error;

/// What is wrong with a saved state, with the offset in bytes from the start
/// of the stream, or of the save file for what is about that.
#[derive(Debug, Error)]
pub enum StateError {
    /// It ends early, or cannot be read.
    #[error("at {offset:#x} it cannot be read: {}", reason(.source))]
    Read {
        /// Where.
        offset: u64,
        /// What the reader says.
        source: io::Error,
    },
    /// It does not start as a stream of QEMU.
    #[error("at {offset:#x} stands {}, and a saved state of QEMU starts with QEVM", hex(.found))]
    Magic {
        /// Where.
        offset: u64,
        /// What stands there.
        found: [u8; 4],
    },
    /// A version that is not known.
    #[error("at {offset:#x} the {what} has version {found}; {known} is known")]
    Version {
        /// Where.
        offset: u64,
        /// Of what.
        what: &'static str,
        /// The version.
        found: u32,
        /// What is known.
        known: u32,
    },
    /// A text that is none.
    #[error("at {offset:#x} the {what} is no text: {}", hex(.found))]
    NoText {
        /// Where.
        offset: u64,
        /// What it should be.
        what: &'static str,
        /// The bytes.
        found: Vec<u8>,
    },
    /// Something else than the list of RAM blocks.
    #[error(
        "at {offset:#x} stands {found}, and the list of RAM blocks (section `ram`) must come first; this state is read only up to there"
    )]
    NoRam {
        /// Where.
        offset: u64,
        /// What stands there.
        found: String,
    },
    /// Sizes that add up to something else than they should.
    #[error(
        "at {offset:#x} the RAM blocks have {sum:#x} bytes and more, and the state says {total:#x}"
    )]
    Sizes {
        /// Where.
        offset: u64,
        /// Their sum.
        sum: u64,
        /// What the state says.
        total: u64,
    },
    /// More RAM blocks than any guest has.
    #[error("at {offset:#x} is a RAM block after {limit} others, and that is the limit")]
    TooManyBlocks {
        /// Where.
        offset: u64,
        /// The limit.
        limit: usize,
    },
    /// More records than so few packed bytes have in any guest.
    #[error(
        "at {offset:#x} the pages do not come to an end: there are more than the packed bytes of any guest hold"
    )]
    TooManyRecords {
        /// Where.
        offset: u64,
    },
    /// A number beyond what is read.
    #[error("at {offset:#x} the {what} is {found}; up to {limit} is read")]
    Limit {
        /// Where.
        offset: u64,
        /// Of what.
        what: &'static str,
        /// The number.
        found: u64,
        /// The largest that is read.
        limit: u64,
    },
    /// Something among the RAM that is not known.
    #[error(
        "at {offset:#x} stands {found}, and the end of the RAM is still to come; the contents are read only where nothing but RAM was sent before it"
    )]
    Section {
        /// Where.
        offset: u64,
        /// What stands there.
        found: String,
    },
    /// A section that does not end as it should.
    #[error("at {offset:#x} the end of section {section} is wrong: {found:#x} stands there")]
    Footer {
        /// Where.
        offset: u64,
        /// What stands there.
        found: u32,
        /// The section.
        section: u32,
    },
    /// A page of no known block, or beyond its block.
    #[error(
        "at {offset:#x} is a page at {address:#x} of the RAM block \"{block}\", which has no such page"
    )]
    Page {
        /// Where.
        offset: u64,
        /// The page's address in its block.
        address: u64,
        /// The block's name.
        block: String,
    },
    /// Pages in a form that is not read.
    #[error(
        "at {offset:#x} are pages with the flags {flags:#x}, which are not read (compressed or in several channels); save the guest without"
    )]
    Flags {
        /// Where.
        offset: u64,
        /// The flags.
        flags: u64,
    },
    /// A libvirt save file that is not complete.
    #[error("libvirt marked the save file as incomplete; save the guest again")]
    Incomplete,
    /// A libvirt save file in a form that is not read.
    #[error(
        "at {offset:#x} the save file is said to be {what}, which is not read; save the guest with another `save_image_format`"
    )]
    Unsupported {
        /// Where.
        offset: u64,
        /// In which form it is.
        what: String,
    },
    /// A qcow2 image in a form that is not read.
    #[error(
        "at {offset:#x} the qcow2 image {what}, and such an image is not read; load the snapshot with QEMU (`-loadvm`) and save the guest to a file with `migrate`"
    )]
    Image {
        /// Where.
        offset: u64,
        /// What it is or has.
        what: String,
    },
    /// The XML of a save file does not end.
    #[error(
        "at {offset:#x} the XML of the save file does not end within the {length} bytes that it is said to have"
    )]
    Xml {
        /// Where.
        offset: u64,
        /// What the header says.
        length: u32,
    },
}

fn reason(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        "it ends there; it was cut".to_owned()
    } else {
        error.to_string()
    }
}
