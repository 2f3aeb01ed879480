//! What is kept of a text that may never end.

use std::collections::VecDeque;

/// Of each end of a longer text, in bytes.
const KEPT_OF_EACH_END: usize = 512 << 10;

/// Start and end of what a process prints: 1 MiB in all.
#[derive(Debug, Default)]
pub(super) struct Kept {
    start: Vec<u8>,
    end: VecDeque<u8>,
    left_out: u64,
}

impl Kept {
    /// Appends what was printed.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = KEPT_OF_EACH_END.saturating_sub(self.start.len());
        let (start, rest) = bytes.split_at(room.min(bytes.len()));
        self.start.extend_from_slice(start);
        self.end.extend(rest);
        let over = self.end.len().saturating_sub(KEPT_OF_EACH_END);
        self.end.drain(..over);
        self.left_out = self.left_out.saturating_add(over as u64);
    }

    /// The text, with a line that says where it was cut.
    pub(super) fn text(mut self) -> String {
        let start = String::from_utf8_lossy(&self.start);
        let end = String::from_utf8_lossy(self.end.make_contiguous());
        match self.left_out {
            0 => format!("{start}{end}"),
            left_out => format!("{start}\n[{left_out} bytes were left out here]\n{end}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_mebibyte_is_kept_and_a_longer_one_loses_its_middle() {
        let whole = vec![b'a'; KEPT_OF_EACH_END * 2];
        let mut kept = Kept::default();
        whole.chunks(1000).for_each(|chunk| kept.push(chunk));
        assert_eq!(kept.text().as_bytes(), whole);

        let mut kept = Kept::default();
        kept.push(b"first");
        kept.push(&whole);
        kept.push(b"last");
        let text = kept.text();
        assert!(text.starts_with("firsta") && text.ends_with("alast"));
        assert!(text.contains("\n[9 bytes were left out here]\n"));
        assert!(text.len() < whole.len() + 50);
    }
}
