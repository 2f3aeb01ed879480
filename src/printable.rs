//! Texts of strangers, as a person may see them.

use std::borrow::Cow;
use unicode_general_category::{GeneralCategory, get_general_category};

/// Characters that Unicode says are not to be shown, beside those of its
/// category of format characters (`Default_Ignorable_Code_Point`).
const IGNORABLE: [(char, char); 9] = [
    ('\u{034f}', '\u{034f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a terminal, an editor or a log takes a character for a command, or
/// shows nothing for it.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    if matches!(character, ' '..='~') {
        return false;
    }
    let is_ignorable = |(first, last): &(char, char)| (*first..=*last).contains(&character);
    matches!(
        get_general_category(character),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    ) || IGNORABLE.iter().any(is_ignorable)
}

/// A text on one line, with escapes such as `\n` or `\u{202e}` for what is not
/// to be shown as it is.
#[must_use]
pub fn on_one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match is_unprintable(character) {
            true => escaped.extend(character.escape_default()),
            false => escaped.push(character),
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_something_to_a_terminal_is_escaped() {
        for (text, shown) in [
            ("a\u{1b}[2J", "a\\u{1b}[2J"),
            ("a\r\nb\t", "a\\r\\nb\\t"),
            ("\u{7f}\u{85}\u{9b}", "\\u{7f}\\u{85}\\u{9b}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("\u{202e}x\u{2066}", "\\u{202e}x\\u{2066}"),
            ("\u{200b}\u{feff}\u{ad}", "\\u{200b}\\u{feff}\\u{ad}"),
            ("\u{e0041}\u{3164}", "\\u{e0041}\\u{3164}"),
        ] {
            assert_eq!(on_one_line(text), shown);
        }
    }

    #[test]
    fn what_people_write_stays() {
        for text in [
            "",
            "efi-virtio.rom",
            "größe 1",
            "ロム",
            "a\\b",
            "\u{fffd}",
            "🙂",
        ] {
            assert!(matches!(on_one_line(text), Cow::Borrowed(same) if same == text));
        }
    }
}
