//! A patch that puts entries into the compat arrays of QEMU's source.

use super::source::{NotFound, find_array, find_macro, find_options, romfile_entries};
use super::{ArrayForm, ArrayKind, CompatArray, FormError, SourceTree};
use crate::qemu::QemuVersion;
use similar::TextDiff;
use std::collections::BTreeMap;
use thiserror::Error;

/// What a source tree needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// This unified diff below a DEP-3 header.
    Diff(String),
    /// Nothing: every entry is there.
    Applied,
}

/// Why there is no patch.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatchError {
    /// No file with compat arrays.
    #[error(
        "no source tree of QEMU: neither hw/core/machine.c nor include/hw/compat.h with compat properties is in it; give the folder that `configure` is in"
    )]
    NotASourceTree,
    /// An array that the tree does not have.
    #[error(
        "{file} has no {name}{newest}; the array of a version comes with the release after it, and until then its machine types have what is default",
        newest = newest_words(.newest.as_ref())
    )]
    NoArray {
        /// The file that should have it.
        file: &'static str,
        /// Its name.
        name: String,
        /// The newest version with such an array, if there is any.
        newest: Option<QemuVersion>,
    },
    /// A machine type whose options are set by no function.
    #[error("{file} has no function that sets the options of {machine}")]
    NoOptions {
        /// The file that should have it.
        file: &'static str,
        /// The machine type.
        machine: String,
    },
    /// An array in a shape that is not known.
    #[error(
        "{file}, line {line}: {name} is not written as `{shape}`; put the entries in by hand (without --qemu-source they are printed)"
    )]
    OtherShape {
        /// The file.
        file: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// The array.
        name: String,
        /// How it should be written.
        shape: &'static str,
    },
    /// Arrays that this QEMU has no place for.
    #[error(transparent)]
    Form(#[from] FormError),
    /// An entry of the same device with another value.
    #[error(
        "{file}: {name} has `{found}` as the romfile of {device}, and `{wanted}` is to be there; remove that entry, or give the compat ROMs its names with --name-pattern"
    )]
    OtherRomfile {
        /// The file.
        file: &'static str,
        /// The array.
        name: String,
        /// The device.
        device: String,
        /// What stands there.
        found: String,
        /// What should.
        wanted: String,
    },
    /// Some entries are there, others are not.
    #[error(
        "{file}: {name} has the entries of {present}, and lacks those of {absent}; remove what is there, or add the rest by hand (without --qemu-source they are printed)",
        present = .present.join(", "),
        absent = .absent.join(", ")
    )]
    HalfApplied {
        /// The file.
        file: &'static str,
        /// The array.
        name: String,
        /// Devices that have an entry.
        present: Vec<String>,
        /// Devices that have none.
        absent: Vec<String>,
    },
}

fn newest_words(newest: Option<&QemuVersion>) -> String {
    newest.map_or_else(String::new, |version| {
        format!(" (the newest there is for {version})")
    })
}

/// Comment above the entries, in the array and the macro.
const COMMENT: &str = "Guests keep the sizes of the option ROMs that they were started with.";

/// The patch that a source tree needs so that each array has its entries.
///
/// # Errors
/// [`PatchError`] for a tree that is not understood, and for one that has some
/// of the entries, or others.
pub fn patch(tree: &SourceTree, arrays: &[CompatArray]) -> Result<Patch, PatchError> {
    let (changed, machines) = changes(tree, arrays)?;
    if changed.is_empty() {
        return Ok(Patch::Applied);
    }
    let mut text = header(&machines);
    for (file, new) in &changed {
        let diff = TextDiff::from_lines(tree.text(file), new.as_str());
        let diff = diff
            .unified_diff()
            .header(&format!("a/{file}"), &format!("b/{file}"))
            .to_string();
        text.push_str(&diff);
    }
    Ok(Patch::Diff(text))
}

/// Files with their new texts.
type Changes = BTreeMap<&'static str, String>;

/// What changes, and for which machine types.
fn changes(
    tree: &SourceTree,
    arrays: &[CompatArray],
) -> Result<(Changes, Vec<String>), PatchError> {
    let form = tree.form().ok_or(PatchError::NotASourceTree)?;
    let mut changed = Changes::new();
    let mut machines = Vec::new();
    for array in arrays {
        let file = array.file(form);
        let text = changed.get(file).map_or(tree.text(file), String::as_str);
        array.check_form(form)?;
        let new = match array.kind {
            ArrayKind::Every | ArrayKind::Pc => insert(tree, text, array, form)?,
            ArrayKind::I440fx | ArrayKind::Q35 => add_array(text, array)?,
        };
        if let Some(new) = new {
            changed.insert(file, new);
            let left_out = array.left_out_words().into_iter();
            let left_out: String = left_out.map(|words| format!("\n   {words}")).collect();
            machines.push(format!("{}{left_out}", array.machines()));
        }
    }
    Ok((changed, machines))
}

/// Fields of DEP-3 (<https://dep-team.pages.debian.net/deps/dep3/>).
fn header(machines: &[String]) -> String {
    format!(
        "Description: Let older machine types load the option ROMs of former releases\n \
         The size of an option ROM is part of a guest's hardware. These entries name\n \
         the former ROMs, under compat names, for\n - {}.\n \
         A machine type has the entries of every newer array, too: an older one needs\n \
         entries only where it means another file.\n\
         Origin: vendor\n\
         Forwarded: not-needed\n\
         ---\n",
        machines.join(",\n - ")
    )
}

/// Whether the entries are missing in this text of an array; an error where
/// only some are, or others.
fn is_missing(text: &str, array: &CompatArray, form: ArrayForm) -> Result<bool, PatchError> {
    let file = array.file(form);
    let name = array.name(form);
    let there = romfile_entries(text);
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for (device, wanted) in array.entries_in(form) {
        // QEMU takes the last one.
        match there.iter().rev().find(|(found, _)| found == device) {
            Some((_, found)) if found == wanted => present.push(device.clone()),
            Some((_, found)) => {
                return Err(PatchError::OtherRomfile {
                    file,
                    name,
                    device: device.clone(),
                    found: found.clone(),
                    wanted: wanted.clone(),
                });
            }
            None => absent.push(device.clone()),
        }
    }
    if !present.is_empty() && !absent.is_empty() {
        return Err(PatchError::HalfApplied {
            file,
            name,
            present,
            absent,
        });
    }
    Ok(!absent.is_empty())
}

/// A text in which these lines, counted from 0, are replaced.
fn replaced(text: &str, lines: std::ops::Range<usize>, new: &str) -> String {
    let all = || text.split_inclusive('\n');
    let before = all().take(lines.start);
    let after = all().skip(lines.end);
    before.chain([new]).chain(after).collect()
}

/// Puts the entries first in an array or macro that is there.
fn insert(
    tree: &SourceTree,
    text: &str,
    array: &CompatArray,
    form: ArrayForm,
) -> Result<Option<String>, PatchError> {
    let name = array.name(form);
    let (found, shape) = match form {
        ArrayForm::Array => (find_array(text, &name), "GlobalProperty NAME[] = {"),
        ArrayForm::Macro => (find_macro(text, &name), "#define NAME \\"),
    };
    let file = array.file(form);
    let is_older = |version: QemuVersion| array.version < version;
    if array.may_be_gone
        && found == Err(NotFound::Missing)
        && tree.versions(array, form).min().is_some_and(is_older)
    {
        return Ok(None);
    }
    let found = found.map_err(|error| match error {
        NotFound::Missing => PatchError::NoArray {
            file,
            newest: tree.versions(array, form).max(),
            name: name.clone(),
        },
        NotFound::OtherShape(line) => PatchError::OtherShape {
            file,
            line,
            name: name.clone(),
            shape,
        },
    })?;
    let count = found.end.saturating_sub(found.start);
    let body: String = text
        .split_inclusive('\n')
        .skip(found.start)
        .take(count)
        .collect();
    if !is_missing(&body, array, form)? {
        return Ok(None);
    }
    let lines = array.lines(form);
    let first = body.lines().next().unwrap_or_default();
    let new = match form {
        ArrayForm::Array if found.is_empty => {
            let open = first.split('{').next().unwrap_or_default();
            format!("{open}{{\n    /* {COMMENT} */\n{lines}}};\n")
        }
        ArrayForm::Array => format!("{first}\n    /* {COMMENT} */\n{lines}"),
        ArrayForm::Macro if found.is_empty => {
            let lines = lines.trim_end_matches(['\\', '\n']);
            format!("#define {name} \\\n    /* {COMMENT} */\\\n{lines}\n")
        }
        ArrayForm::Macro => format!("{first}\n    /* {COMMENT} */\\\n{lines}"),
    };
    let after = found.start.saturating_add(1);
    Ok(Some(replaced(text, found.start..after, &new)))
}

/// Puts an array before the function that sets the options of the newest
/// machine type, and adds its properties at the function's end.
fn add_array(text: &str, array: &CompatArray) -> Result<Option<String>, PatchError> {
    let form = ArrayForm::Array;
    let (file, name) = (array.file(form), array.name(form));
    match find_array(text, &name) {
        Err(NotFound::Missing) => {}
        Err(NotFound::OtherShape(line)) => {
            return Err(PatchError::OtherShape {
                file,
                line,
                name,
                shape: "GlobalProperty NAME[] = {",
            });
        }
        // With every entry there is nothing to do; with none, or other ones,
        // the array is not ours.
        Ok(_) if !is_missing(text, array, form)? => return Ok(None),
        Ok(found) => {
            return Err(PatchError::OtherShape {
                file,
                line: found.start.saturating_add(1),
                name,
                shape: "GlobalProperty NAME[] = {",
            });
        }
    }
    let family = match array.kind {
        ArrayKind::Q35 => "pc_q35",
        _ => "pc_i440fx",
    };
    let options =
        find_options(text, family, array.version).ok_or_else(|| PatchError::NoOptions {
            file,
            machine: format!("{}-{}", family.replace('_', "-"), array.version),
        })?;
    let declared = format!("/* {COMMENT} */\n{}\n", array.definition());
    let with_call = replaced(text, options.end..options.end, &array.call());
    let start = options.start;
    Ok(Some(replaced(&with_call, start..start, &declared)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::compat_array::source::{COMPAT_H, MACHINE_C, PC_C, PIIX_C, Q35_C};

    fn array(kind: ArrayKind, version: (u16, u16)) -> CompatArray {
        let own = |text: &str| text.to_owned();
        CompatArray {
            kind,
            version: QemuVersion::new(version.0, version.1),
            entries: vec![
                (own("e1000"), own("compat-256k-efi-e1000.rom")),
                (own("pcnet"), own("compat-256k-efi-pcnet.rom")),
            ],
            left_out: Vec::new(),
            may_be_gone: false,
        }
    }

    fn tree(files: &[(&'static str, &str)]) -> SourceTree {
        let own = |(path, text): &(&'static str, &str)| (*path, (*text).to_owned());
        SourceTree {
            files: files.iter().map(own).collect(),
        }
    }

    fn qemu_10_1() -> SourceTree {
        const MACHINE: &str = include_str!("../../../fixtures/qemu-source/10.1/hw/core/machine.c");
        const PC: &str = include_str!("../../../fixtures/qemu-source/10.1/hw/i386/pc.c");
        const PIIX: &str = include_str!("../../../fixtures/qemu-source/10.1/hw/i386/pc_piix.c");
        const Q35: &str = include_str!("../../../fixtures/qemu-source/10.1/hw/i386/pc_q35.c");
        tree(&[
            (MACHINE_C, MACHINE),
            (PC_C, PC),
            (PIIX_C, PIIX),
            (Q35_C, Q35),
        ])
    }

    fn qemu_2_11() -> SourceTree {
        const COMPAT: &str = include_str!("../../../fixtures/qemu-source/2.11/include/hw/compat.h");
        tree(&[(COMPAT_H, COMPAT)])
    }

    #[test]
    fn what_was_patched_once_is_not_patched_again() {
        let every = |version| vec![array(ArrayKind::Every, version)];
        let both = vec![
            array(ArrayKind::I440fx, (9, 2)),
            array(ArrayKind::Q35, (9, 1)),
        ];
        for (mut tree, arrays) in [
            (qemu_10_1(), every((9, 2))),
            (qemu_10_1(), every((10, 0))),
            (qemu_10_1(), vec![array(ArrayKind::Pc, (10, 0))]),
            (qemu_10_1(), both),
            (qemu_2_11(), every((2, 10))),
            (qemu_2_11(), every((2, 8))),
            (qemu_2_11(), every((2, 7))),
        ] {
            let (changed, _) = changes(&tree, &arrays).unwrap();
            assert!(!changed.is_empty());
            tree.files.extend(changed);
            assert_eq!(patch(&tree, &arrays), Ok(Patch::Applied), "{arrays:?}");
        }
    }

    #[test]
    fn a_tree_that_was_patched_in_part_or_otherwise_is_refused() {
        let arrays = [array(ArrayKind::Every, (9, 2))];
        let with = |entry: &str| {
            let text = format!("GlobalProperty hw_compat_9_2[] = {{\n    {entry}\n}};\n");
            patch(&tree(&[(MACHINE_C, &text)]), &arrays).unwrap_err()
        };
        let half = with("{ \"e1000\", \"romfile\", \"compat-256k-efi-e1000.rom\" },");
        assert_eq!(
            half,
            PatchError::HalfApplied {
                file: MACHINE_C,
                name: "hw_compat_9_2".to_owned(),
                present: vec!["e1000".to_owned()],
                absent: vec!["pcnet".to_owned()],
            }
        );
        let other = with("{ \"pcnet\", \"romfile\", \"pxe-pcnet.rom\" },");
        assert!(
            other
                .to_string()
                .contains("`pxe-pcnet.rom` as the romfile of pcnet")
        );
    }

    #[test]
    fn an_array_of_machine_types_that_qemu_gave_up_is_left_out() {
        let array = CompatArray {
            may_be_gone: true,
            ..array(ArrayKind::Every, (2, 5))
        };
        assert_eq!(patch(&qemu_10_1(), &[array]), Ok(Patch::Applied));
        let newer = CompatArray {
            may_be_gone: true,
            ..self::array(ArrayKind::Every, (10, 1))
        };
        assert!(patch(&qemu_10_1(), &[newer]).is_err());
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = |tree: &SourceTree, array| patch(tree, &[array]).unwrap_err();
        let none = SourceTree::default();
        let every = array(ArrayKind::Every, (10, 1));
        assert_eq!(error(&none, every.clone()), PatchError::NotASourceTree);
        let missing = error(&qemu_10_1(), every);
        assert!(
            missing.to_string().starts_with(
                "hw/core/machine.c has no hw_compat_10_1 (the newest there is for 10.0)"
            ),
            "{missing}"
        );
        let family = error(&qemu_10_1(), array(ArrayKind::Q35, (8, 0)));
        assert_eq!(
            family.to_string(),
            "hw/i386/pc_q35.c has no function that sets the options of pc-q35-8.0"
        );
        let family = error(&qemu_2_11(), array(ArrayKind::Q35, (2, 10)));
        assert_eq!(family, PatchError::Form(FormError::Families));
    }
}
