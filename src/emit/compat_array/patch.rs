//! A patch that puts entries into the compat arrays of QEMU's source.

use super::source::{NotFound, find, find_options, mask};
use super::standing::{Standing, is_inherited, is_own_default, overriding, romfile_entries};
use super::{ArrayForm, ArrayKind, CompatArray, FormError, SourceTree, lines};
use crate::qemu::QemuVersion;
use crate::text::with_words;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::ops::Range;
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
    /// An entry of the same device that QEMU applies later.
    #[error(
        "{file}: {name} has `{found}` as the romfile of {device}, and QEMU applies it after {array}, so that the entry there would have no effect; remove that entry, or name the machine types up to which each ROM is meant by --generation"
    )]
    Overridden {
        /// The file.
        file: &'static str,
        /// The array.
        name: String,
        /// The device.
        device: String,
        /// What stands there.
        found: String,
        /// The array that is to get an entry.
        array: String,
    },
    /// Text near the entries that no patch can have.
    #[error(
        "{file}, line {line}: it is no UTF-8, and stands beside the entries; convert the file (`iconv -f latin1 -t utf8`), or put the entries in by hand (without --qemu-source they are printed)"
    )]
    NotUtf8 {
        /// The file.
        file: &'static str,
        /// The line, counted from 1.
        line: usize,
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
        if let Some(line) = diff.lines().find(|line| line.contains('\u{fffd}')) {
            let line = line.get(1..).unwrap_or_default();
            let number = tree.text(file).lines().position(|other| other == line);
            return Err(PatchError::NotUtf8 {
                file,
                line: number.unwrap_or_default().saturating_add(1),
            });
        }
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
    let standing = Standing::all(tree, form);
    let mut changed = Changes::new();
    let mut machines = Vec::new();
    for array in arrays {
        let file = array.file(form);
        let text = changed.get(file).map_or(tree.text(file), String::as_str);
        array.check_form(form)?;
        if let Some((other, device, found)) = overriding(&standing, array, arrays, form) {
            return Err(PatchError::Overridden {
                file: other.file,
                name: other.name.clone(),
                found: found.to_owned(),
                array: array.name(form),
                device,
            });
        }
        if is_inherited(&standing, array, form) {
            continue;
        }
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

/// What an array lacks.
struct Lacks<'a> {
    /// Entries that are not there.
    absent: Vec<&'a (String, String)>,
    /// Where QEMU's own default stands, and what is to stand there.
    defaults: Vec<(Range<usize>, &'a str)>,
}

/// What this text of an array lacks; none where it has every entry.
///
/// # Errors
/// [`PatchError`] where it has only some, or others.
fn lacks<'a>(
    body: &str,
    array: &'a CompatArray,
    form: ArrayForm,
) -> Result<Option<Lacks<'a>>, PatchError> {
    let (file, name) = (array.file(form), array.name(form));
    let there = romfile_entries(body);
    let mut lacks = Lacks {
        absent: Vec::new(),
        defaults: Vec::new(),
    };
    let (mut present, mut missing) = (Vec::new(), Vec::new());
    for entry in array.entries_in(form) {
        let (device, wanted) = entry;
        // QEMU takes the last one.
        match there.iter().rfind(|found| found.is_for(device)) {
            Some(found) if found.value == *wanted => {
                present.push(device.clone());
                continue;
            }
            Some(found) if is_own_default(array.kind, array.version, device, &found.value) => {
                lacks.defaults.push((found.value_at.clone(), wanted));
            }
            Some(found) => {
                return Err(PatchError::OtherRomfile {
                    file,
                    name,
                    device: device.clone(),
                    found: found.value.clone(),
                    wanted: wanted.clone(),
                });
            }
            None => lacks.absent.push(entry),
        }
        missing.push(device.clone());
    }
    if missing.is_empty() {
        return Ok(None);
    }
    if !present.is_empty() {
        return Err(PatchError::HalfApplied {
            file,
            name,
            present,
            absent: missing,
        });
    }
    lacks.defaults.sort_by_key(|(at, _)| at.start);
    Ok(Some(lacks))
}

/// A text in which these lines, counted from 0, are replaced. New lines end as
/// the others do.
fn replaced(text: &str, lines: Range<usize>, new: &str) -> String {
    let new = if text.contains("\r\n") {
        &*new.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        new
    };
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
    let shape = match form {
        ArrayForm::Array => ARRAY_SHAPE,
        ArrayForm::Macro => "#define NAME \\",
    };
    let file = array.file(form);
    let masked = mask(text);
    let found = find(&masked, &name, form);
    let versions = || tree.versions(array.kind, form);
    let is_older = |version: &QemuVersion| array.version < *version;
    if array.may_be_gone
        && found == Err(NotFound::Missing)
        && versions().first().is_some_and(is_older)
    {
        return Ok(None);
    }
    let found = found.map_err(|error| match error {
        NotFound::Missing => PatchError::NoArray {
            file,
            newest: versions().last().copied(),
            name: name.clone(),
        },
        NotFound::OtherShape(line) => PatchError::OtherShape {
            file,
            line,
            name: name.clone(),
            shape,
        },
    })?;
    let Some(lacks) = lacks(&found.body(&masked), array, form)? else {
        return Ok(None);
    };
    let body = with_words(&found.body(text), lacks.defaults.iter().cloned());
    if lacks.absent.is_empty() {
        return Ok(Some(replaced(text, found.start..found.end, &body)));
    }
    let entries = lines(lacks.absent.into_iter(), form);
    let (first, rest) = body.split_once('\n').unwrap_or((&body, ""));
    let first = first.trim_end();
    let new = match form {
        ArrayForm::Array if found.is_empty => {
            let (open, inner) = first.split_once('{').unwrap_or((first, ""));
            let inner = inner.rsplit_once('}').map_or("", |(inner, _)| inner.trim());
            let inner = match inner {
                "" => String::new(),
                comment => format!("    {comment}\n"),
            };
            format!("{open}{{\n    /* {COMMENT} */\n{entries}{inner}}};\n{rest}")
        }
        ArrayForm::Array => format!("{first}\n    /* {COMMENT} */\n{entries}{rest}"),
        ArrayForm::Macro if found.is_empty => {
            let entries = entries.trim_end_matches(['\\', '\n']);
            format!("#define {name} \\\n    /* {COMMENT} */\\\n{entries}\n{rest}")
        }
        ArrayForm::Macro => format!("{first}\n    /* {COMMENT} */\\\n{entries}{rest}"),
    };
    Ok(Some(replaced(text, found.start..found.end, &new)))
}

/// How an array begins.
const ARRAY_SHAPE: &str = "GlobalProperty NAME[] = {";

/// Puts an array before the function that sets the options of the newest
/// machine type, and adds its properties at the function's end.
fn add_array(text: &str, array: &CompatArray) -> Result<Option<String>, PatchError> {
    let form = ArrayForm::Array;
    let (file, name) = (array.file(form), array.name(form));
    let masked = mask(text);
    let other_shape = |line| PatchError::OtherShape {
        file,
        line,
        name: name.clone(),
        shape: ARRAY_SHAPE,
    };
    match find(&masked, &name, form) {
        Err(NotFound::Missing) => {}
        Err(NotFound::OtherShape(line)) => return Err(other_shape(line)),
        // With every entry there is nothing to do; with none, or other ones,
        // the array is not ours.
        Ok(found) => match lacks(&found.body(&masked), array, form)? {
            None => return Ok(None),
            Some(_) => return Err(other_shape(found.start.saturating_add(1))),
        },
    }
    let family = match array.kind {
        ArrayKind::Q35 => "pc_q35",
        _ => "pc_i440fx",
    };
    let options =
        find_options(&masked, family, array.version).ok_or_else(|| PatchError::NoOptions {
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
    use crate::emit::compat_array::files::{COMPAT_H, MACHINE_C, PC_C, PIIX_C, Q35_C};

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
    fn of_several_entries_for_a_device_the_last_one_counts() {
        let arrays = [array(ArrayKind::Every, (9, 2))];
        let with = |first: &str, last: &str| {
            let entry = |rom: &str| format!("    {{ \"pcnet\", \"romfile\", \"{rom}\" }},\n");
            let text = format!(
                "GlobalProperty hw_compat_9_2[] = {{\n    {{ \"e1000\", \"romfile\", \"compat-256k-efi-e1000.rom\" }},\n{}{}}};\n",
                entry(first),
                entry(last)
            );
            patch(&tree(&[(MACHINE_C, &text)]), &arrays)
        };
        let ours = "compat-256k-efi-pcnet.rom";
        assert_eq!(with("a.rom", ours), Ok(Patch::Applied));
        let refused = with(ours, "a.rom").unwrap_err();
        assert!(
            matches!(&refused, PatchError::OtherRomfile { found, .. } if found == "a.rom"),
            "{refused}"
        );
    }

    /// An array for e1000 and pcnet, in a tree of one file with this text.
    fn patched(kind: ArrayKind, version: (u16, u16), text: &str) -> Result<String, PatchError> {
        let file = kind.file(ArrayForm::Array);
        let tree = tree(&[
            (MACHINE_C, "GlobalProperty hw_compat_1_0[] = {};\n"),
            (file, text),
        ]);
        let (changed, _) = changes(&tree, &[array(kind, version)])?;
        Ok(changed.get(file).cloned().unwrap_or_default())
    }

    #[test]
    fn qemu_s_own_default_gives_way_and_is_found_again() {
        const TEXT: &str = include_str!("../../../fixtures/qemu-source/7.2/hw/i386/pc.c");
        let new = patched(ArrayKind::Pc, (1, 4), TEXT).unwrap();
        assert!(new.contains("    { \"e1000\", \"romfile\", \"compat-256k-efi-e1000.rom\" },\n    { \"ne2k_pci\", \"romfile\", \"pxe-ne2k_pci.rom\" },\n"));
        assert!(!new.contains("pxe-pcnet.rom"), "{new}");
        assert_eq!(new.lines().count(), TEXT.lines().count());
        assert_eq!(patched(ArrayKind::Pc, (1, 4), &new).as_deref(), Ok(""));
        let older = "GlobalProperty pc_compat_2_0[] = {\n    { \"pcnet\", \"romfile\", \"pxe-pcnet.rom\" },\n};\n";
        let refused = patched(ArrayKind::Pc, (2, 0), older).unwrap_err();
        assert!(
            matches!(refused, PatchError::OtherRomfile { .. }),
            "no default of 2.0"
        );
    }

    #[test]
    fn an_entry_by_its_type_s_name_is_seen_and_one_that_is_switched_off_is_not() {
        let with = |entry: &str| {
            let text = format!("GlobalProperty hw_compat_9_2[] = {{\n{entry}\n}};\n");
            patched(ArrayKind::Every, (9, 2), &text)
        };
        let refused = with("{ TYPE_E1000_BASE, \"romfile\", \"a.rom\" },").unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("`a.rom` as the romfile of e1000")
        );
        assert!(with("#if 0\n{ \"e1000\", \"romfile\", \"a.rom\" },\n#endif").is_ok());
        assert!(with("// { \"e1000\", \"romfile\", \"a.rom\" },").is_ok());
    }

    #[test]
    fn an_entry_that_qemu_applies_later_is_refused() {
        let tree = |name: &str, file| {
            let other = format!(
                "GlobalProperty {name}[] = {{\n{{ \"pcnet\", \"romfile\", \"a.rom\" }},\n}};\n"
            );
            let own = "GlobalProperty hw_compat_9_2[] = {};\n".to_owned();
            let mut files = BTreeMap::from([(MACHINE_C, own)]);
            files.entry(file).or_default().push_str(&other);
            SourceTree { files }
        };
        let arrays = [array(ArrayKind::Every, (9, 2))];
        for (name, file) in [
            ("hw_compat_9_1", MACHINE_C),
            ("pc_compat_9_2", PC_C),
            ("pc_compat_1_4", PC_C),
            ("pc_q35_romfiles_9_2", Q35_C),
        ] {
            let refused = patch(&tree(name, file), &arrays).unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!("{file}: {name} has `a.rom`")),
                "{refused}"
            );
        }
        for (name, file) in [("hw_compat_10_0", MACHINE_C), ("pc_compat_10_0", PC_C)] {
            assert!(patch(&tree(name, file), &arrays).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_a_newer_array_says_already_is_not_said_again() {
        let mut tree = qemu_10_1();
        let (changed, _) = changes(&tree, &[array(ArrayKind::Every, (9, 2))]).unwrap();
        tree.files.extend(changed);
        for older in [
            array(ArrayKind::Every, (9, 1)),
            array(ArrayKind::Q35, (9, 1)),
        ] {
            assert_eq!(patch(&tree, &[older]), Ok(Patch::Applied));
        }
    }

    #[test]
    fn new_lines_end_as_the_others_and_a_comment_stays() {
        let text = "GlobalProperty hw_compat_9_2[] = { /* why */\r\n    { \"a\", \"b\", \"c\" },\r\n};\r\n";
        let new = patched(ArrayKind::Every, (9, 2), text).unwrap();
        assert_eq!(new.matches("\r\n").count(), new.matches('\n').count());
        assert!(new.starts_with("GlobalProperty hw_compat_9_2[] = { /* why */\r\n    /* Guests"));
        let text = "GlobalProperty hw_compat_9_2[] = { /* nothing yet */ };\n";
        let new = patched(ArrayKind::Every, (9, 2), text).unwrap();
        assert!(new.ends_with("},\n    /* nothing yet */\n};\n"), "{new}");
    }

    #[test]
    fn what_is_no_utf_8_matters_only_beside_the_entries() {
        let with = |between: &str| {
            let text = format!("/* \u{fffd} */\n{between}GlobalProperty hw_compat_9_2[] = {{}};\n");
            patch(
                &tree(&[(MACHINE_C, &text)]),
                &[array(ArrayKind::Every, (9, 2))],
            )
        };
        let line = 1;
        assert_eq!(
            with(""),
            Err(PatchError::NotUtf8 {
                file: MACHINE_C,
                line
            })
        );
        assert!(with("\n\n\n\n").is_ok());
    }

    #[test]
    fn pcs_alone_need_only_the_file_of_their_arrays() {
        let tree = tree(&[(PC_C, "GlobalProperty pc_compat_9_2[] = {};\n")]);
        assert!(matches!(
            patch(&tree, &[array(ArrayKind::Pc, (9, 2))]),
            Ok(Patch::Diff(_))
        ));
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
