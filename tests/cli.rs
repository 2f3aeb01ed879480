//! What the commands print, as a person reads it. `TRYCMD=overwrite cargo
//! test --test cli` rewrites the expected output; read it before you commit.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

#[test]
fn commands_print_what_the_documents_show() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The commands write into a folder of their own, which has links to all
    // that stands in the repository.
    let folder = TempDir::new().unwrap();
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if !name.to_string_lossy().starts_with('.') && name != "target" {
            symlink(entry.path(), folder.path().join(name)).unwrap();
        }
    }
    std::env::set_current_dir(folder.path()).unwrap();
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .case(root.join("tests/cmd/*.trycmd"))
        .case(root.join("README.md"));
}
