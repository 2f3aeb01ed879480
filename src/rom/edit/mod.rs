//! Edits of one ROM, each giving a new ROM.

mod pad;

pub use pad::{PadError, PadSize, pad};
