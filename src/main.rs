//! The romcompat program.
fn main() {}
