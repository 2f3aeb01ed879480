//! Programs that a test makes and has run.
//!
//! A file that this process holds open for writing is open, too, in every
//! process that another test starts at that moment, until it has become its
//! program; and a file that is open for writing cannot be run. So these are
//! written by processes of their own.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a script that can be run.
#[allow(dead_code)]
pub fn write_script(path: &Path, text: &str) {
    let mut shell = Command::new("sh")
        .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = shell.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    assert!(shell.wait().unwrap().success());
}

#[allow(dead_code)]
/// Copies our own program.
pub fn copy_romcompat(path: &Path) {
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_romcompat"))
        .arg(path)
        .status();
    assert!(copied.unwrap().success());
}
