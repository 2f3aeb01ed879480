//! The parts of QEMU's source that have compat arrays.

use super::files::{COMPAT_H, MACHINE_C, PC_C, PC_H};
use super::{ArrayForm, ArrayKind};
use crate::qemu::QemuVersion;
use std::collections::{BTreeMap, BTreeSet};

/// The texts of the files with compat arrays that a source tree has.
#[derive(Debug, Clone, Default)]
pub struct SourceTree {
    /// Path and text of each, with U+FFFD for what is no UTF-8.
    pub files: BTreeMap<&'static str, String>,
}

/// Where an array or macro stands in its file, in lines counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Its first line.
    pub start: usize,
    /// The line after its last one.
    pub end: usize,
    /// Whether it begins and ends on one line.
    pub is_empty: bool,
}

/// Why an array is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotFound {
    /// It is not there.
    Missing,
    /// It is there in another shape, on this line counted from 1.
    OtherShape(usize),
}

impl SourceTree {
    /// How this QEMU writes its compat properties; none where the tree has no
    /// array.
    #[must_use]
    pub fn form(&self) -> Option<ArrayForm> {
        let has = |path, words| self.text(path).contains(words);
        let (array, of_pcs) = ("GlobalProperty hw_compat_", "GlobalProperty pc_compat_");
        if has(MACHINE_C, array) || has(PC_C, of_pcs) {
            Some(ArrayForm::Array)
        } else if has(COMPAT_H, "#define HW_COMPAT_") || has(PC_H, "#define PC_COMPAT_") {
            Some(ArrayForm::Macro)
        } else {
            None
        }
    }

    pub(super) fn text(&self, path: &str) -> &str {
        self.files.get(path).map_or("", String::as_str)
    }

    /// The versions that have an array of this kind.
    pub(super) fn versions(&self, kind: ArrayKind, form: ArrayForm) -> BTreeSet<QemuVersion> {
        let version = QemuVersion::new(0, 0);
        let name = kind.array_name(version, form);
        let stem = name.strip_suffix("0_0").unwrap_or(&name);
        let texts = self.text(kind.file(form)).split(stem).skip(1);
        let of_text = |rest: &str| {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '_')?;
            let (major, minor) = rest.get(..end)?.split_once('_')?;
            Some(QemuVersion::new(major.parse().ok()?, minor.parse().ok()?))
        };
        texts.filter_map(of_text).collect()
    }
}

/// C in which comments and what stands between `#if 0` and its end are spaces,
/// so that every line and offset is where it was.
pub(super) fn mask(text: &str) -> String {
    without_disabled(&without_comments(text))
}

/// Spaces in place of a text, with its ends of lines.
fn blank(text: &str) -> String {
    let blank = |c: char| match c {
        '\n' | '\r' | '\\' => c.to_string(),
        _ => " ".repeat(c.len_utf8()),
    };
    text.chars().map(blank).collect()
}

fn without_comments(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let up_to = |end: &str, from: usize| {
            let found = rest.get(from..).and_then(|inner| inner.find(end));
            found.map(|at| at.saturating_add(from))
        };
        let (length, is_comment) = if rest.starts_with("/*") {
            (up_to("*/", 2).map(|at| at.saturating_add(2)), true)
        } else if rest.starts_with("//") {
            (up_to("\n", 2), true)
        } else if first == '"' {
            let line = rest.find('\n').unwrap_or(rest.len());
            let end = up_to("\"", 1).map_or(line, |at| at.saturating_add(1));
            (Some(end.min(line)), false)
        } else {
            (Some(first.len_utf8()), false)
        };
        let (part, after) = rest
            .split_at_checked(length.unwrap_or(rest.len()))
            .unwrap_or((rest, ""));
        if is_comment {
            masked.push_str(&blank(part));
        } else {
            masked.push_str(part);
        }
        rest = after;
    }
    masked
}

fn without_disabled(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    // How many conditions are open since an `#if 0`.
    let mut depth = 0_usize;
    for line in text.split_inclusive('\n') {
        let directive = line.trim().strip_prefix('#').unwrap_or_default();
        let mut words = directive.split_whitespace();
        let (word, condition) = (words.next().unwrap_or_default(), words.next());
        let was_disabled = depth > 0;
        depth = match word {
            "if" | "ifdef" | "ifndef" if was_disabled => depth.saturating_add(1),
            "if" if condition == Some("0") => 1,
            "endif" => depth.saturating_sub(1),
            "else" | "elif" if depth == 1 => 0,
            _ => depth,
        };
        if was_disabled {
            masked.push_str(&blank(line));
        } else {
            masked.push_str(line);
        }
    }
    masked
}

impl Found {
    /// Its lines.
    pub(super) fn body(&self, text: &str) -> String {
        let count = self.end.saturating_sub(self.start);
        let lines = text.split_inclusive('\n').skip(self.start);
        lines.take(count).collect()
    }
}

/// Finds an array or macro in a text without comments.
pub(super) fn find(text: &str, name: &str, form: ArrayForm) -> Result<Found, NotFound> {
    match form {
        ArrayForm::Array => find_array(text, name),
        ArrayForm::Macro => find_macro(text, name),
    }
}

/// Finds `GlobalProperty NAME[] = { … };`.
fn find_array(text: &str, name: &str) -> Result<Found, NotFound> {
    let declares = |line: &str| {
        let line = line
            .trim_start_matches("static ")
            .trim_start_matches("const ");
        let rest = line.strip_prefix("GlobalProperty ")?.trim_start();
        Some(
            rest.strip_prefix(name)?
                .strip_prefix("[]")?
                .trim()
                .to_owned(),
        )
    };
    let mut found = text
        .lines()
        .enumerate()
        .filter_map(|(number, line)| Some((number, declares(line)?)));
    let (start, rest) = found.next().ok_or(NotFound::Missing)?;
    let shape = NotFound::OtherShape(start.saturating_add(1));
    if found.next().is_some() {
        return Err(shape);
    }
    let rest: String = rest.split_whitespace().collect();
    let after = start.saturating_add(1);
    match rest.as_str() {
        "={};" => Ok(Found {
            start,
            end: after,
            is_empty: true,
        }),
        "={" => {
            let closes = |(_, line): &(usize, &str)| line.starts_with("};");
            let (end, _) = text
                .lines()
                .enumerate()
                .skip(after)
                .find(closes)
                .ok_or(shape)?;
            Ok(Found {
                start,
                end: end.saturating_add(1),
                is_empty: false,
            })
        }
        _ => Err(shape),
    }
}

/// Finds `#define NAME \ …`.
fn find_macro(text: &str, name: &str) -> Result<Found, NotFound> {
    let declares = |line: &str| {
        let rest = line.strip_prefix("#define")?.trim_start();
        let rest = rest.strip_prefix(name)?;
        let ends = rest.is_empty() || rest.starts_with([' ', '\t', '\\']);
        ends.then(|| rest.trim().to_owned())
    };
    let mut found = text
        .lines()
        .enumerate()
        .filter_map(|(number, line)| Some((number, declares(line)?)));
    let (start, rest) = found.next().ok_or(NotFound::Missing)?;
    let shape = NotFound::OtherShape(start.saturating_add(1));
    if found.next().is_some() {
        return Err(shape);
    }
    let goes_on = |line: &str| line.trim_end().ends_with('\\');
    let last = text
        .lines()
        .enumerate()
        .skip(start)
        .find(|(_, line)| !goes_on(line));
    let end = last.map_or(text.lines().count(), |(number, _)| number.saturating_add(1));
    match rest.as_str() {
        "" => Ok(Found {
            start,
            end,
            is_empty: true,
        }),
        "\\" => Ok(Found {
            start,
            end,
            is_empty: false,
        }),
        _ => Err(shape),
    }
}

/// Finds the function that sets the options of a machine type: its first line
/// and the line with its closing brace.
pub(super) fn find_options(text: &str, family: &str, version: QemuVersion) -> Option<Found> {
    let QemuVersion { major, minor } = version;
    let names = [
        format!("void {family}_machine_{major}_{minor}_options(MachineClass *"),
        format!("void {family}_{major}_{minor}_machine_options(MachineClass *"),
    ];
    let lines = text.lines().enumerate();
    let (start, _) = lines.clone().find(|(number, line)| {
        let next = text.lines().nth(number.saturating_add(1));
        names.iter().any(|name| line.contains(name)) && next == Some("{")
    })?;
    let (end, _) = lines.skip(start).find(|(_, line)| *line == "}")?;
    Some(Found {
        start,
        end,
        is_empty: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_what_is_switched_off_are_spaces() {
        let text =
            "a /* é\n b */ \"/* c */\" // d\r\n#if 0\ne\n#if X\nf\n#endif\n#else\ng\n#endif\nh";
        let masked = mask(text);
        assert_eq!(masked.len(), text.len());
        let words: Vec<&str> = masked.split_whitespace().collect();
        assert_eq!(
            words,
            ["a", "\"/*", "c", "*/\"", "#if", "0", "g", "#endif", "h"]
        );
        assert_eq!(mask("/* open"), "       ");
        assert_eq!(mask("\"open\nb"), "\"open\nb");
    }

    #[test]
    fn an_array_in_another_shape_is_named_by_its_line() {
        let find = |text: &str| find_array(text, "hw_compat_9_2");
        assert_eq!(find(""), Err(NotFound::Missing));
        assert_eq!(
            find("\nGlobalProperty hw_compat_9_2[] = OTHER;"),
            Err(NotFound::OtherShape(2))
        );
        assert_eq!(
            find("GlobalProperty hw_compat_9_2[] = {\n"),
            Err(NotFound::OtherShape(1))
        );
        assert_eq!(
            find("extern GlobalProperty hw_compat_9_2[];"),
            Err(NotFound::Missing)
        );
        let twice = "GlobalProperty hw_compat_9_2[] = {};\n".repeat(2);
        assert_eq!(find(&twice), Err(NotFound::OtherShape(1)));
        assert_eq!(
            find_macro("#define A b\n", "A"),
            Err(NotFound::OtherShape(1))
        );
        assert!(find_macro("#define A_1\n", "A").is_err());
    }
}
