//! The program on Debian's own packages, judged by Debian's own tools and by
//! QEMU. scripts/test fetches the packages, installs the tools and runs these.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout
)]

mod advise;
mod agreement;
mod ansible;
mod archive;
mod bit_flips;
#[path = "../common/mod.rs"]
mod common;
mod compat_array;
mod compressed;
mod cures;
mod dpkg;
mod edit;
mod emit;
mod fetched;
#[path = "../common/flips.rs"]
mod flips;
mod generations;
mod guard;
mod guests;
mod hook;
mod installed;
mod libvirt_save;
mod mutations;
mod own_package;
mod package;
mod privilege;
#[path = "../common/programs.rs"]
mod programs;
mod prove;
mod rpm;
mod state;
mod state_contents;
mod state_verdicts;
#[allow(dead_code)]
#[path = "../common/states.rs"]
mod states;
mod tables;
mod tar_archives;
