//! The order of versions (Debian Policy 5.6.12).

use std::cmp::Ordering;

/// Compares two versions as dpkg does: epoch, upstream version, revision.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Parts::of(a), Parts::of(b));
    number(a.epoch, b.epoch)
        .then_with(|| part(a.upstream, b.upstream))
        .then_with(|| part(a.revision, b.revision))
}

struct Parts<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Parts<'a> {
    fn of(version: &'a str) -> Self {
        let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self {
            epoch,
            upstream,
            revision,
        }
    }
}

/// Text and digits in turn, as far as both go.
fn part(mut a: &str, mut b: &str) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (text_a, digits_a, rest_a) = cut(a);
        let (text_b, digits_b, rest_b) = cut(b);
        let order = text(text_a, text_b).then_with(|| number(digits_a, digits_b));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// The text before the first digit, the digits, and the rest.
fn cut(part: &str) -> (&str, &str, &str) {
    let start = part
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(part.len());
    let (text, rest) = part.split_at(start);
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (digits, rest) = rest.split_at(end);
    (text, digits, rest)
}

/// `~` sorts before the end, the end before letters, letters before the rest.
fn text(a: &str, b: &str) -> Ordering {
    let weight = |c: Option<char>| match c {
        Some('~') => (0, '~'),
        None => (1, ' '),
        Some(c) if c.is_ascii_alphabetic() => (2, c),
        Some(c) => (3, c),
    };
    let (mut a, mut b) = (a.chars(), b.chars());
    loop {
        let pair = (a.next(), b.next());
        let order = weight(pair.0).cmp(&weight(pair.1));
        if order != Ordering::Equal || pair == (None, None) {
            return order;
        }
    }
}

/// Digits of any length as numbers.
fn number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_sort_as_policy_says() {
        let sorted = [
            "1.0~rc1-1",
            "1.0",
            "1.0-1",
            "1.0-1c1",
            "1.0-2",
            "1.0-10",
            "1.0+git-1",
            "1.0a-1",
            "1:0.1",
        ];
        // `+` comes after letters, so the two before the last are the other way.
        let mut wanted = sorted;
        wanted.swap(6, 7);
        let mut found = sorted;
        found.sort_by(|a, b| compare(a, b));
        assert_eq!(found, wanted);
        assert_eq!(compare("1.00", "1.0"), Ordering::Equal);
        assert_eq!(compare("1-0", "1"), Ordering::Equal);
        assert_eq!(compare("0:1", "1"), Ordering::Equal);
        for (less, more) in [
            ("1~~", "1~"),
            ("1~", "1"),
            ("1", "1a"),
            ("1a", "1b"),
            ("1z", "1+"),
            ("1Z", "1a"),
            ("1-1", "1+"),
            ("1.9", "1.10"),
            ("1-1~", "1-1"),
            ("1-9", "2-1"),
            ("9:1", "10:0"),
            ("1-1-1", "1-1-2"),
        ] {
            assert_eq!(compare(less, more), Ordering::Less, "{less} {more}");
        }
    }

    proptest! {
        #[test]
        fn any_two_texts_have_one_order(a in "[0-9a-c.+~:-]{0,12}", b in "[0-9a-c.+~:-]{0,12}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
        }
    }
}
