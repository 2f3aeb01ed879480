//! Findings as text for people.

use super::{Colour, Text};
use crate::finding::{Finding, Severity};
use anstyle::{AnsiColor, Style};

/// Each finding on a line, with the next step below it. Findings in a row
/// that ask for the same are followed by it once.
#[must_use]
pub fn findings_text(findings: &[Finding], colour: Colour) -> Text {
    let mut text = Text::new();
    for (index, finding) in findings.iter().enumerate() {
        let line = finding.to_string();
        let (label, rest) = line.split_once(':').unwrap_or((&line, ""));
        let style = style(finding.severity, colour);
        text.styled(label, style, format_args!(":{rest}"));
        let next = findings.get(index.saturating_add(1));
        if next.is_none_or(|next| next.next_step != finding.next_step) {
            text.line(format_args!("  next: {}", finding.next_step));
        }
    }
    text
}

fn style(severity: Severity, colour: Colour) -> Style {
    let ansi = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Note => AnsiColor::Cyan,
    };
    match colour {
        Colour::Never => Style::new(),
        Colour::Always => Style::new().bold().fg_color(Some(ansi.into())),
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
