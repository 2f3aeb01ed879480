//! What a line that somebody pasted says: lines of QEMU and libvirt about
//! guests that did not arrive, resume or start, and what they mean.
//!
//! The lines were collected from the sources of QEMU 2.x to 11.1 and libvirt,
//! from runs, and from what people paste into threads.

mod block;
mod cause;
mod lines;
mod paste;
mod rules;

pub use block::BlockOwner;
pub use cause::{Cause, Class, Wrapper};
pub use paste::{MAX_PASTE, PasteTooLong};

use paste::Paste;

/// What was found in a pasted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The piece of the text that decides, on one line.
    pub line: String,
    /// What it means.
    pub cause: Cause,
    /// What other pieces mean, in their order: consequences of the first one,
    /// or causes of their own.
    pub others: Vec<Cause>,
}

/// Reads what was pasted, one line or a whole log: hard wraps, quotes, JSON and
/// mail encodings around it do not matter. `None` where nothing in it is known.
///
/// Where several lines are known, one that names a cause comes before one that
/// only follows from it, and that before the words of a program around QEMU.
///
/// # Errors
/// [`PasteTooLong`] for more than [`MAX_PASTE`] bytes.
pub fn diagnose(pasted: &str) -> Result<Option<Diagnosis>, PasteTooLong> {
    let paste = Paste::new(pasted)?;
    let best = |found: &[(String, Cause)]| found.iter().map(rank).min();
    let mut found = lines::matches(&paste.on_one_line);
    if best(&found) != Some(0) {
        let without_breaks = lines::matches(&paste.without_breaks);
        if best(&without_breaks) == Some(0) {
            found = without_breaks;
        }
    }
    let Some(best) = best(&found) else {
        return Ok(None);
    };
    let Some(first) = found.iter().position(|line| rank(line) == best) else {
        return Ok(None);
    };
    let (line, cause) = found.remove(first);
    let mut others = Vec::new();
    for (_, other) in found {
        if other != cause && !others.contains(&other) {
            others.push(other);
        }
    }
    Ok(Some(Diagnosis {
        line,
        cause,
        others,
    }))
}

/// How near a line is to the cause. A size without the words before it may be
/// the end of a line that was cut.
fn rank((line, cause): &(String, Cause)) -> u8 {
    match cause {
        Cause::BlockSize { .. } if !line.contains("mismatch") => 1,
        cause => cause.rank(),
    }
}

#[cfg(test)]
mod tests;
