//! The mapping as entries of QEMU's compat arrays: a machine type X.Y has the
//! entries of the array X.Y and of every newer one, so that an old machine
//! type needs no options.

mod files;
mod patch;
mod source;
mod standing;

pub use files::SOURCE_FILES;
pub use patch::{Patch, PatchError, patch};
pub use source::SourceTree;

use super::other_defaults;
use crate::plan::{MappedDevice, Mapping};
use crate::qemu::{Arch, Family, MachineType, QemuVersion, device_by_name};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use thiserror::Error;

/// How a release of QEMU writes its compat properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayForm {
    /// `GlobalProperty hw_compat_9_2[] = { … };`, since 4.0.
    Array,
    /// `#define HW_COMPAT_2_11 \ …`, up to 3.1.
    Macro,
}

impl ArrayForm {
    /// The newest release that writes macros.
    pub const LAST_WITH_MACROS: QemuVersion = QemuVersion::new(3, 1);
}

/// Which machine types an array is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArrayKind {
    /// Those of every architecture: `hw_compat_X_Y`.
    Every,
    /// Those of x86 PCs: `pc_compat_X_Y`.
    Pc,
    /// `pc-i440fx` alone, which has no array of its own in QEMU.
    I440fx,
    /// `pc-q35` alone, which has none either.
    Q35,
}

impl ArrayKind {
    /// The name of the array or macro of a version.
    pub(super) fn array_name(self, version: QemuVersion, form: ArrayForm) -> String {
        let name = format!("{}_{}_{}", self.name_stem(), version.major, version.minor);
        match form {
            ArrayForm::Array => name,
            ArrayForm::Macro => name.to_ascii_uppercase(),
        }
    }

    const fn name_stem(self) -> &'static str {
        match self {
            Self::Every => "hw_compat",
            Self::Pc => "pc_compat",
            Self::I440fx => "pc_i440fx_romfiles",
            Self::Q35 => "pc_q35_romfiles",
        }
    }

    /// The file of QEMU's source that has such arrays.
    pub(super) const fn file(self, form: ArrayForm) -> &'static str {
        match (self, form) {
            (Self::Every, ArrayForm::Array) => files::MACHINE_C,
            (Self::Every, ArrayForm::Macro) => files::COMPAT_H,
            (Self::Pc, ArrayForm::Array) => files::PC_C,
            (Self::Pc, ArrayForm::Macro) => files::PC_H,
            (Self::I440fx, _) => files::PIIX_C,
            (Self::Q35, _) => files::Q35_C,
        }
    }

    /// The family of machine types that it is for, where that is one alone.
    pub(super) const fn family(self) -> Option<&'static str> {
        match self {
            Self::Every | Self::Pc => None,
            Self::I440fx => Some(Family::I440fx.stem()),
            Self::Q35 => Some(Family::Q35.stem()),
        }
    }
}

/// Why QEMU does not write an array in some form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FormError {
    /// Macros for one family of machine types.
    #[error(
        "QEMU up to 3.1 gives pc-i440fx and pc-q35 of a version the same properties; give --up-to one version"
    )]
    Families,
    /// A macro of a version that came after them.
    #[error(
        "QEMU has no macro for {0}: since 4.0 it writes arrays, as `--style array` does, also those of older versions"
    )]
    NoMacro(QemuVersion),
}

/// Entries of one compat array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompatArray {
    /// The machine types that it is for.
    pub kind: ArrayKind,
    /// The newest of them.
    pub version: QemuVersion,
    /// Devices, each with what its `romfile` property must say.
    pub entries: Vec<(String, String)>,
    /// Devices without an entry, since machine types of PCs this old do not
    /// load today's default ROM.
    pub left_out: Vec<String>,
    /// Whether a QEMU that has given up machine types this old may lack it.
    pub may_be_gone: bool,
}

/// Why there is no array for the machine types that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpToError {
    /// A name of no machine type.
    #[error(
        "`{0}` is no machine type with a version; write it like pc-i440fx-9.2, pc-q35-9.2, virt-9.2, pseries-9.2 or pc-q35-noble"
    )]
    NotAMachineType(String),
    /// A machine type of Red Hat's, whose arrays are not QEMU's.
    #[error(
        "{machine} takes its properties from Red Hat's own arrays, up to {array} in hw/core/machine.c, and no patch for these is written yet; put the entries of `emit compat-array --up-to {upstream}` into {array} by hand",
        upstream = upstream_of(*machine)
    )]
    OfRedHat {
        /// The machine type.
        machine: MachineType,
        /// Name of its array.
        array: String,
    },
    /// A family that was named twice.
    #[error("{0} is given twice; give the newest machine type that needs the old ROMs")]
    Twice(&'static str),
    /// Versions that no set of arrays can tell apart.
    #[error(
        "{0} and {1} have different versions, and an array is for every machine type of its version; only pc-i440fx and pc-q35 can have arrays of their own"
    )]
    Differ(MachineType, MachineType),
    /// A version that no machine type has.
    #[error("no release of QEMU has the number {1}, so that {0} is no machine type of it")]
    NoRelease(MachineType, QemuVersion),
    /// A machine type of another architecture where only PCs are to be reached.
    #[error(
        "--pc-only is for pc-i440fx and pc-q35, and {0} is neither; leave --pc-only out, or name the newest pc-i440fx or pc-q35"
    )]
    NotAPc(MachineType),
    /// Machine types that load none of the ROMs by default.
    #[error(
        "machine types of PCs up to {version} load none of these ROMs by default ({}), so that they need no entry; for ROMs that they do load, name the release by `--generation {version}=OLD`",
        .devices.join(", ")
    )]
    NoDefault {
        /// The newest machine type that was asked for.
        version: QemuVersion,
        /// The devices of the mapping.
        devices: Vec<String>,
    },
    /// A machine type older than the arrays of every architecture.
    #[error(
        "QEMU has no array for {0}: those of every architecture begin with 2.1, and older ones are for pc-i440fx and pc-q35 only"
    )]
    TooOld(MachineType),
}

/// The oldest version that has an array for every architecture
/// (hw/core/machine.c).
const OLDEST_OF_EVERY: QemuVersion = QemuVersion::new(2, 1);

impl CompatArray {
    /// The arrays by which the machine types up to these load what the mapping
    /// says. Where pc-i440fx and pc-q35 have different versions, each gets an
    /// array of its own.
    ///
    /// # Errors
    /// [`UpToError`] for what no array can say.
    pub fn up_to(
        names: &[String],
        pc_only: bool,
        mapping: &[MappedDevice],
    ) -> Result<Vec<Self>, UpToError> {
        let mut machines: Vec<(MachineType, QemuVersion)> = Vec::new();
        for name in names {
            let (machine, version) =
                versioned(name).ok_or_else(|| UpToError::NotAMachineType(name.clone()))?;
            if let Some(array) = machine.red_hat_array() {
                return Err(UpToError::OfRedHat { machine, array });
            }
            if machines.iter().any(|(m, _)| m.family == machine.family) {
                return Err(UpToError::Twice(machine.family.stem()));
            }
            if !version.has_machine_types() {
                return Err(UpToError::NoRelease(machine, version));
            }
            if pc_only && machine.family.arch() != Arch::X86_64 {
                return Err(UpToError::NotAPc(machine));
            }
            machines.push((machine, version));
        }
        let mut arrays: Vec<Self> = kinds(&machines, pc_only)?
            .into_iter()
            .map(|(kind, version)| Self::new(kind, version, mapping))
            .collect();
        let left_out = arrays.first().map(|array| array.left_out.clone());
        arrays.retain(|array| !array.entries.is_empty());
        match (machines.first(), left_out) {
            (Some((_, version)), Some(devices)) if arrays.is_empty() && !devices.is_empty() => {
                Err(UpToError::NoDefault {
                    version: *version,
                    devices,
                })
            }
            _ => Ok(arrays),
        }
    }

    /// An array with the entries of a mapping to today's default ROMs. An entry
    /// for a device that machine types this old tell another ROM would come
    /// after QEMU's own, and take its place.
    fn new(kind: ArrayKind, version: QemuVersion, mapping: &[MappedDevice]) -> Self {
        let is_usual = |(device, _): &(String, String)| is_usual(device, version);
        let (entries, others): (Vec<_>, Vec<_>) = entries(mapping).into_iter().partition(is_usual);
        Self {
            kind,
            version,
            entries,
            left_out: others.into_iter().map(|(device, _)| device).collect(),
            may_be_gone: false,
        }
    }

    /// The arrays of mappings for ranges of machine types, the oldest first. One of
    /// an older range has entries only where another ROM is meant than in the
    /// newer ones, which it has, too.
    #[must_use]
    pub fn of_ranges(mappings: &[Mapping]) -> Vec<Self> {
        let mut inherited: BTreeMap<String, String> = BTreeMap::new();
        let mut arrays = Vec::new();
        for mapping in mappings.iter().rev() {
            let Some(range) = &mapping.range else {
                continue;
            };
            let mut entries = entries(&mapping.devices);
            // Where QEMU itself names another ROM for old machine types, they
            // do not have the newer entry.
            entries.retain(|(device, romfile)| {
                !is_usual(device, range.up_to) || inherited.get(device) != Some(romfile)
            });
            inherited.extend(entries.iter().cloned());
            if !entries.is_empty() {
                let is_for_every = range.up_to >= OLDEST_OF_EVERY;
                arrays.insert(
                    0,
                    Self {
                        kind: if is_for_every {
                            ArrayKind::Every
                        } else {
                            ArrayKind::Pc
                        },
                        version: range.up_to,
                        entries,
                        left_out: Vec::new(),
                        may_be_gone: !arrays.is_empty(),
                    },
                );
            }
        }
        arrays
    }

    /// The name of the array or macro.
    #[must_use]
    pub fn name(&self, form: ArrayForm) -> String {
        self.kind.array_name(self.version, form)
    }

    /// Refuses a form in which QEMU does not write the array.
    ///
    /// # Errors
    /// [`FormError`], which says why.
    pub fn check_form(&self, form: ArrayForm) -> Result<(), FormError> {
        match form {
            ArrayForm::Array => Ok(()),
            ArrayForm::Macro if self.kind.family().is_some() => Err(FormError::Families),
            ArrayForm::Macro if self.version > ArrayForm::LAST_WITH_MACROS => {
                Err(FormError::NoMacro(self.version))
            }
            ArrayForm::Macro => Ok(()),
        }
    }

    /// An array of its own with the entries, as C.
    pub(super) fn definition(&self) -> String {
        let form = ArrayForm::Array;
        let (name, lines) = (self.name(form), self.lines(form));
        format!("static GlobalProperty {name}[] = {{\n{lines}}};\n")
    }

    /// The call that gives that array to a machine type, as C.
    pub(super) fn call(&self) -> String {
        let name = self.name(ArrayForm::Array);
        format!(
            "    compat_props_add(m->compat_props, {name},\n                     G_N_ELEMENTS({name}));\n"
        )
    }

    /// The file of QEMU's source that has the array.
    #[must_use]
    pub const fn file(&self, form: ArrayForm) -> &'static str {
        self.kind.file(form)
    }

    /// The machine types that it is for, in words.
    #[must_use]
    pub fn machines(&self) -> String {
        let version = self.version;
        match self.kind {
            ArrayKind::Every => {
                format!("machine types of version {version} and older, of every architecture")
            }
            ArrayKind::Pc => format!("pc-i440fx and pc-q35 of version {version} and older"),
            ArrayKind::I440fx => format!("pc-i440fx of version {version} and older"),
            ArrayKind::Q35 => format!("pc-q35 of version {version} and older"),
        }
    }

    /// Which devices have no entry, and why, in words.
    pub(super) fn left_out_words(&self) -> Vec<String> {
        let words = |(version, names): (QemuVersion, Vec<&str>)| {
            format!(
                "Not for {}, which machine types of PCs up to {version} tell another ROM, or none",
                names.join(", ")
            )
        };
        let names = self.left_out.iter().map(String::as_str);
        other_defaults(names).into_iter().map(words).collect()
    }

    /// The entries whose devices a QEMU of this form has.
    pub(super) fn entries_in(&self, form: ArrayForm) -> impl Iterator<Item = &(String, String)> {
        self.entries.iter().filter(move |(device, _)| {
            form == ArrayForm::Array
                || device_by_name(device)
                    .is_none_or(|device| device.is_in(ArrayForm::LAST_WITH_MACROS))
        })
    }

    /// The lines of the entries, as they stand in the array or macro.
    pub(super) fn lines(&self, form: ArrayForm) -> String {
        lines(self.entries_in(form), form)
    }
}

/// Entries as they stand in an array or macro. Each line of a macro goes on in
/// the next.
fn lines<'e>(entries: impl Iterator<Item = &'e (String, String)>, form: ArrayForm) -> String {
    let mut text = String::new();
    for (device, romfile) in entries {
        let _ = match form {
            ArrayForm::Array => {
                writeln!(text, "    {{ \"{device}\", \"romfile\", \"{romfile}\" }},")
            }
            ArrayForm::Macro => writeln!(
                text,
                "    {{\\\n        .driver   = \"{device}\",\\\n        .property = \"romfile\",\\\n        .value    = \"{romfile}\",\\\n    }},\\"
            ),
        };
    }
    text
}

fn entries(mapping: &[MappedDevice]) -> Vec<(String, String)> {
    let entry = |mapped: &MappedDevice| (mapped.device.clone(), mapped.romfile.to_string());
    mapping.iter().map(entry).collect()
}

/// Whether a device loads today's default ROM in machine types of PCs of this
/// version. A device of the user's own does in all of them.
fn is_usual(device: &str, version: QemuVersion) -> bool {
    device_by_name(device).is_none_or(|known| known.is_default_usual_in(version))
}

/// The arrays by which these machine types are reached.
fn kinds(
    machines: &[(MachineType, QemuVersion)],
    pc_only: bool,
) -> Result<Vec<(ArrayKind, QemuVersion)>, UpToError> {
    let Some((first, version)) = machines.first().copied() else {
        return Ok(Vec::new());
    };
    let is_pc = |machine: MachineType| machine.family.arch() == Arch::X86_64;
    if let Some((other, _)) = machines.iter().find(|(_, other)| *other != version) {
        if !machines.iter().all(|(machine, _)| is_pc(*machine)) {
            return Err(UpToError::Differ(first, *other));
        }
        let own = |(machine, version): &(MachineType, QemuVersion)| {
            let kind = match machine.family {
                Family::Q35 => ArrayKind::Q35,
                _ => ArrayKind::I440fx,
            };
            (kind, *version)
        };
        return Ok(machines.iter().map(own).collect());
    }
    let not_pc = machines.iter().find(|(machine, _)| !is_pc(*machine));
    let kind = match not_pc {
        _ if version >= OLDEST_OF_EVERY && !pc_only => ArrayKind::Every,
        Some((machine, _)) => return Err(UpToError::TooOld(*machine)),
        None => ArrayKind::Pc,
    };
    Ok(vec![(kind, version)])
}

fn versioned(name: &str) -> Option<(MachineType, QemuVersion)> {
    let machine = Arch::ALL
        .into_iter()
        .find_map(|arch| MachineType::parse(arch, name).ok())?;
    Some((machine, machine.version?))
}

/// QEMU's own machine type with the hardware of another one.
fn upstream_of(machine: MachineType) -> MachineType {
    MachineType::upstream(machine.family, machine.version)
}

/// The entries of each array below a comment that says where they go. Where
/// pc-i440fx and pc-q35 differ, the whole of their arrays, which QEMU lacks.
#[must_use]
pub fn compat_array(arrays: &[CompatArray], form: ArrayForm) -> String {
    let mut text = String::new();
    for array in arrays {
        if !text.is_empty() {
            text.push('\n');
        }
        let name = array.name(form);
        let _ = writeln!(
            text,
            "/*\n * For {name} in {}:\n * {}.\n \
             * A machine type has the entries of every newer array, too: an older array\n \
             * needs one only where it means another file.",
            array.file(form),
            array.machines()
        );
        for words in array.left_out_words() {
            let _ = writeln!(text, " * {words}.");
        }
        let is_told_another = |(device, _): &&(String, String)| !is_usual(device, array.version);
        let own: Vec<&str> = array
            .entries_in(form)
            .filter(is_told_another)
            .map(|(device, _)| &**device)
            .collect();
        if !own.is_empty() {
            let _ = writeln!(
                text,
                " * QEMU's own entries that name a ROM for {} give way.",
                own.join(", ")
            );
        }
        let Some(machine) = array.kind.family() else {
            let _ = write!(text, " */\n{}", array.lines(form));
            continue;
        };
        let _ = write!(
            text,
            " * QEMU has no such array: put it before the function that sets the options\n \
             * of {machine}-{}.\n */\n{}\n/* And this at the end of that function. */\n{}",
            array.version,
            array.definition(),
            array.call()
        );
    }
    text
}

#[cfg(test)]
mod tests;
