//! Places in a text, and texts with other words in them.

use std::ops::Range;

/// Where `part` stands in the text that it is borrowed from; none where it is
/// no part of it.
#[must_use]
pub fn span_of(text: &str, part: &str) -> Option<Range<usize>> {
    let at = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let span = at..at.checked_add(part.len())?;
    (text.get(span.clone())? == part).then_some(span)
}

/// A text with other words in these places. They are in order, do not overlap,
/// and lie in the text; a place that does not is left as it is.
#[must_use]
pub fn with_words<'w>(
    text: &str,
    changes: impl IntoIterator<Item = (Range<usize>, &'w str)>,
) -> String {
    let mut new = String::with_capacity(text.len());
    let mut done = 0;
    for (place, words) in changes {
        let before = text.get(done..place.start);
        let before = before.filter(|_| text.get(place.clone()).is_some());
        debug_assert!(before.is_some(), "{place:?} is no place behind {done}");
        if let Some(before) = before {
            new.push_str(before);
            new.push_str(words);
            done = place.end;
        }
    }
    let rest = text.get(done..);
    debug_assert!(rest.is_some(), "{done} is no place");
    new.push_str(rest.unwrap_or_default());
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced_and_inserted_in_their_places() {
        let changes = [(0..1, "A"), (1..1, "-"), (1..2, ""), (4..4, "!")];
        assert_eq!(with_words("abü", changes), "A-ü!");
        assert_eq!(with_words("abc", []), "abc");
        assert_eq!(with_words("abc", [(3..3, "d")]), "abcd");
        assert_eq!(with_words("", [(0..0, "d")]), "d");
    }

    #[test]
    #[should_panic(expected = "is no place behind 2")]
    fn places_that_overlap_are_a_fault_of_ours() {
        let _ = with_words("abc", [(0..2, "x"), (1..3, "y")]);
    }

    #[test]
    #[should_panic(expected = "is no place behind 0")]
    fn a_place_in_the_middle_of_a_letter_is_one_too() {
        let _ = with_words("ü", [(0..1, "u")]);
    }

    #[test]
    #[should_panic(expected = "is no place behind 0")]
    fn a_place_behind_the_end_is_one_too() {
        let _ = with_words("abc", [(3..4, "d")]);
    }

    #[test]
    fn a_part_is_found_and_what_is_no_part_is_not() {
        let text = String::from("a=b, a=b");
        let (_, second) = text.split_once(", ").unwrap();
        assert_eq!(span_of(&text, second), Some(5..8));
        assert_eq!(span_of(&text, &text), Some(0..8));
        assert_eq!(span_of(&text, "a=b"), None);
        let (first, second) = text.split_at(4);
        assert_eq!(span_of(first, second), None);
    }
}
