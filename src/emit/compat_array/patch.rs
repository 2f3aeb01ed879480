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
mod tests;
