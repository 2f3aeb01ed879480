//! The parts of QEMU's source that have compat arrays.

use super::{ArrayForm, CompatArray};
use crate::qemu::QemuVersion;
use std::collections::BTreeMap;

pub(super) const MACHINE_C: &str = "hw/core/machine.c";
pub(super) const COMPAT_H: &str = "include/hw/compat.h";
pub(super) const PC_C: &str = "hw/i386/pc.c";
pub(super) const PC_H: &str = "include/hw/i386/pc.h";
pub(super) const PIIX_C: &str = "hw/i386/pc_piix.c";
pub(super) const Q35_C: &str = "hw/i386/pc_q35.c";

/// The files that may have compat arrays, as paths in QEMU's source.
pub const SOURCE_FILES: &[&str] = &[MACHINE_C, COMPAT_H, PC_C, PC_H, PIIX_C, Q35_C];

/// The texts of those files that a source tree has.
#[derive(Debug, Clone, Default)]
pub struct SourceTree {
    /// Path and text of each.
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
        if has(MACHINE_C, "GlobalProperty hw_compat_") {
            Some(ArrayForm::Array)
        } else if has(COMPAT_H, "#define HW_COMPAT_") {
            Some(ArrayForm::Macro)
        } else {
            None
        }
    }

    pub(super) fn text(&self, path: &str) -> &str {
        self.files.get(path).map_or("", String::as_str)
    }

    /// The versions that have an array like this one.
    pub(super) fn versions(
        &self,
        array: &CompatArray,
        form: ArrayForm,
    ) -> impl Iterator<Item = QemuVersion> {
        let version = format!("{}_{}", array.version.major, array.version.minor);
        let name = array.name(form);
        let stem = name.strip_suffix(&version).unwrap_or(&name).to_owned();
        let texts = self.text(array.file(form)).split(stem.as_str()).skip(1);
        let found: Vec<QemuVersion> = texts
            .filter_map(|rest| {
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != '_')?;
                let (major, minor) = rest.get(..end)?.split_once('_')?;
                Some(QemuVersion::new(major.parse().ok()?, minor.parse().ok()?))
            })
            .collect();
        found.into_iter()
    }
}

/// Finds `GlobalProperty NAME[] = { … };`.
pub(super) fn find_array(text: &str, name: &str) -> Result<Found, NotFound> {
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
pub(super) fn find_macro(text: &str, name: &str) -> Result<Found, NotFound> {
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
        "" | "/* empty */" => Ok(Found {
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

/// The `romfile` entries in the text of an array or macro: device and value.
pub(super) fn romfile_entries(text: &str) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    let mut strings: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        rest = match character {
            '/' if after.starts_with('*') => after.split_once("*/").map_or("", |(_, after)| after),
            '/' if after.starts_with('/') => after.split_once('\n').map_or("", |(_, after)| after),
            '"' => {
                let (string, after) = after.split_once('"').unwrap_or((after, ""));
                strings.push(string.to_owned());
                after
            }
            '{' => {
                depth = depth.saturating_add(1);
                strings.clear();
                after
            }
            '}' => {
                depth = depth.saturating_sub(1);
                if let [device, property, value] = strings.as_slice()
                    && property == "romfile"
                {
                    entries.push((device.clone(), value.clone()));
                }
                strings.clear();
                after
            }
            _ => after,
        };
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_in_both_forms_and_comments_are_not() {
        let text = "GlobalProperty hw_compat_9_2[] = {\n\
            /* { \"a\", \"romfile\", \"no\" }, */ // \"x\"\n\
            { TYPE_B, \"romfile\", \"b.rom\" },\n\
            { \"c\", \"romfile\", \"c.rom\" }, { \"c\", \"mq\", \"off\" },\n\
            {\\\n .driver = \"d\",\\\n .property = \"romfile\",\\\n .value = \"d.rom\",\\\n},\n};";
        let own = |device: &str, rom: &str| (device.to_owned(), rom.to_owned());
        assert_eq!(
            romfile_entries(text),
            [own("c", "c.rom"), own("d", "d.rom")]
        );
        assert_eq!(romfile_entries("{ \"open"), []);
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
