//! The option-ROM format: rules, executables, edits, and other programs as
//! judges.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod boundaries;
mod compression;
mod edits;
mod executable;
mod fuzz_corpus;
#[path = "../../fuzz/src/lib.rs"]
mod fuzzing;
mod images;
mod judges;
mod properties;
mod rules;
#[path = "../common/states.rs"]
mod states;
