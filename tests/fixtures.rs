//! The packages in `fixtures/` are what their generator makes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[path = "../fixtures/packages.rs"]
mod packages;

#[test]
fn the_committed_packages_are_what_the_generator_makes() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for (name, bytes) in packages::packages() {
        let committed = std::fs::read(folder.join(&name)).unwrap();
        assert!(
            committed == bytes,
            "{name} differs; run `cargo run --example generate-fixtures`"
        );
    }
}
