//! What the tests of the program share.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, with an environment of its own.
pub fn romcompat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_romcompat"));
    command
        .env_remove("SOURCE_DATE_EPOCH")
        .env_remove("DEBFULLNAME")
        .env_remove("DEBEMAIL");
    command
}

/// One of the two packages that the repository carries: 1 or 2.
pub fn fixture(release: u8) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    folder.join(format!("example-roms_{release}.0-1_all.deb"))
}

/// Standard output and standard error as one text.
pub fn words(output: &Output) -> String {
    let text = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8(text).expect("the program prints text")
}

/// The status with which the program ended by itself.
pub fn status(output: &Output) -> i32 {
    output.status.code().expect("the program ended by itself")
}
