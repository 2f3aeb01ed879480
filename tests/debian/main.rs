//! The program on Debian's own packages, judged by Debian's own tools and by
//! QEMU. scripts/test fetches the packages, installs the tools and runs these.

#[path = "../common/mod.rs"]
mod common;
mod fetched;
mod package;
mod qemu;
