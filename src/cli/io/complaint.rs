//! Standard error.

use crate::report::Text;
use std::io::{self, Write as _};

/// Writes to standard error; where that fails, nobody is left to tell.
pub fn complain(text: &Text) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
