//! Findings as text for people.

use super::{Colour, printable};
use crate::finding::{Finding, Severity};
use anstyle::{AnsiColor, Style};

/// Each finding on a line, with the next step below it. Findings in a row
/// that ask for the same are followed by it once.
#[must_use]
pub fn findings_text(findings: &[Finding], colour: Colour) -> String {
    let mut text = String::new();
    for (index, finding) in findings.iter().enumerate() {
        let line = finding.to_string();
        let (label, rest) = line.split_once(':').unwrap_or((&line, ""));
        text.push_str(&painted(label, finding.severity, colour));
        text.push(':');
        text.push_str(&printable(rest));
        text.push('\n');
        let next = findings.get(index.saturating_add(1));
        if next.is_none_or(|next| next.next_step != finding.next_step) {
            text.push_str("  next: ");
            text.push_str(&finding.next_step);
            text.push('\n');
        }
    }
    text
}

fn painted(label: &str, severity: Severity, colour: Colour) -> String {
    let ansi = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Note => AnsiColor::Cyan,
    };
    match colour {
        Colour::Never => label.to_owned(),
        Colour::Always => {
            let style = Style::new().bold().fg_color(Some(ansi.into()));
            format!("{style}{label}{style:#}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rom::{ChainFault, RomFault};

    #[test]
    fn a_next_step_that_serves_several_findings_stands_once() {
        let fault = |number| RomFault::in_image(number, 0, ChainFault::ImageLengthZero);
        let findings = [fault(1).finding("a.rom"), fault(2).finding("a.rom")];
        let text = findings_text(&findings, Colour::Never);
        assert_eq!(text.matches("next:").count(), 1);
        assert!(text.starts_with("error[RC107]: a.rom, image 1, at 0x0: the image length is 0;"));
    }

    #[test]
    fn only_the_label_is_coloured() {
        let findings =
            [RomFault::in_image(1, 0x18, ChainFault::NoPcir { pointer: 0 }).finding("a.rom")];
        let text = findings_text(&findings, Colour::Always);
        assert!(text.contains("note[RC103]\u{1b}[0m: a.rom"), "{text:?}");
    }
}
