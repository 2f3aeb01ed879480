//! The mapping as entries of QEMU's compat arrays: a machine type X.Y has the
//! entries of the array X.Y and of every newer one, so that an old machine
//! type needs no options.

mod patch;
mod source;

pub use patch::{Patch, PatchError, patch};
pub use source::{SOURCE_FILES, SourceTree};

use super::{Mapped, range_mapping};
use crate::plan::CompatPlan;
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

/// Entries of one compat array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompatArray {
    /// The machine types that it is for.
    pub kind: ArrayKind,
    /// The newest of them.
    pub version: QemuVersion,
    /// Devices, each with what its `romfile` property must say.
    pub entries: Vec<(String, String)>,
    /// Whether a QEMU that has given up machine types this old may lack it.
    pub may_be_gone: bool,
}

/// Why there is no array for the machine types that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpToError {
    /// A name of no machine type.
    #[error(
        "`{0}` is no machine type with a version; write it like pc-i440fx-9.2, pc-q35-9.2, virt-9.2 or pseries-9.2 (for a machine type of a distribution, the one of QEMU that it is made of)"
    )]
    NotAMachineType(String),
    /// A family that was named twice.
    #[error("{0} is given twice; give the newest machine type that needs the old ROMs")]
    Twice(&'static str),
    /// Versions that no set of arrays can tell apart.
    #[error(
        "{0} and {1} have different versions, and an array is for every machine type of its version; only pc-i440fx and pc-q35 can have arrays of their own"
    )]
    Differ(MachineType, MachineType),
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
        mapping: &[Mapped<'_>],
    ) -> Result<Vec<Self>, UpToError> {
        let mut machines: Vec<(MachineType, QemuVersion)> = Vec::new();
        for name in names {
            let (machine, version) =
                versioned(name).ok_or_else(|| UpToError::NotAMachineType(name.clone()))?;
            if machines.iter().any(|(m, _)| m.family == machine.family) {
                return Err(UpToError::Twice(machine.family.stem()));
            }
            machines.push((machine, version));
        }
        let array = |kind, version| Self {
            kind,
            version,
            entries: entries(mapping),
            may_be_gone: false,
        };
        let Some((first, version)) = machines.first().copied() else {
            return Ok(Vec::new());
        };
        let is_pc = |machine: MachineType| machine.family.arch() == Arch::X86_64;
        if let Some((other, _)) = machines.iter().find(|(_, other)| *other != version) {
            if !machines.iter().all(|(machine, _)| is_pc(*machine)) {
                return Err(UpToError::Differ(first, *other));
            }
            let own = |(machine, version): &(MachineType, QemuVersion)| {
                let is_q35 = machine.family == Family::Q35;
                let kind = if is_q35 {
                    ArrayKind::Q35
                } else {
                    ArrayKind::I440fx
                };
                array(kind, *version)
            };
            return Ok(machines.iter().map(own).collect());
        }
        let not_pc = machines.iter().find(|(machine, _)| !is_pc(*machine));
        let kind = match not_pc {
            _ if version >= OLDEST_OF_EVERY && !pc_only => ArrayKind::Every,
            Some((machine, _)) => return Err(UpToError::TooOld(*machine)),
            None => ArrayKind::Pc,
        };
        Ok(vec![array(kind, version)])
    }

    /// The arrays of a plan's ranges of machine types, the oldest first. One of
    /// an older range has entries only where another ROM is meant than in the
    /// newer ones, which it has, too.
    #[must_use]
    pub fn of_ranges(plan: &CompatPlan<'_>) -> Vec<Self> {
        let mut inherited: BTreeMap<String, String> = BTreeMap::new();
        let mut arrays = Vec::new();
        for range in plan.ranges.iter().rev() {
            let mut entries = entries(&range_mapping(plan, range));
            // Where QEMU itself names another ROM for old machine types, they
            // do not have the newer entry.
            let is_usual = |device: &str| {
                device_by_name(device).is_none_or(|known| known.is_default_usual_in(range.up_to))
            };
            entries.retain(|(device, romfile)| {
                !is_usual(device) || inherited.get(device) != Some(romfile)
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
        let QemuVersion { major, minor } = self.version;
        let stem = match self.kind {
            ArrayKind::Every => "hw_compat",
            ArrayKind::Pc => "pc_compat",
            ArrayKind::I440fx => "pc_i440fx_romfiles",
            ArrayKind::Q35 => "pc_q35_romfiles",
        };
        let name = format!("{stem}_{major}_{minor}");
        match form {
            ArrayForm::Array => name,
            ArrayForm::Macro => name.to_ascii_uppercase(),
        }
    }

    /// The file of QEMU's source that has the array.
    #[must_use]
    pub const fn file(&self, form: ArrayForm) -> &'static str {
        match (self.kind, form) {
            (ArrayKind::Every, ArrayForm::Array) => source::MACHINE_C,
            (ArrayKind::Every, ArrayForm::Macro) => source::COMPAT_H,
            (ArrayKind::Pc, ArrayForm::Array) => source::PC_C,
            (ArrayKind::Pc, ArrayForm::Macro) => source::PC_H,
            (ArrayKind::I440fx, _) => source::PIIX_C,
            (ArrayKind::Q35, _) => source::Q35_C,
        }
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

    /// The entries whose devices a QEMU of this form has.
    pub(super) fn entries_in(&self, form: ArrayForm) -> impl Iterator<Item = &(String, String)> {
        self.entries.iter().filter(move |(device, _)| {
            form == ArrayForm::Array
                || device_by_name(device)
                    .is_none_or(|device| device.is_in(ArrayForm::LAST_WITH_MACROS))
        })
    }

    /// The lines of the entries, as they stand in the array or macro. Each
    /// line of a macro goes on in the next.
    pub(super) fn lines(&self, form: ArrayForm) -> String {
        let mut text = String::new();
        for (device, romfile) in self.entries_in(form) {
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
}

fn entries(mapping: &[Mapped<'_>]) -> Vec<(String, String)> {
    let entry = |mapped: &Mapped<'_>| (mapped.device.to_owned(), mapped.romfile().to_owned());
    mapping.iter().map(entry).collect()
}

fn versioned(name: &str) -> Option<(MachineType, QemuVersion)> {
    let machine = Arch::ALL
        .into_iter()
        .find_map(|arch| MachineType::parse(arch, name).ok())?;
    Some((machine, machine.version?))
}

/// The entries of each array below a comment that says where they go.
#[must_use]
pub fn compat_array(arrays: &[CompatArray], form: ArrayForm) -> String {
    let mut text = String::new();
    for array in arrays {
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "/*\n * For {} in {}:\n * {}.\n \
             * A machine type has the entries of every newer array, too: an older array\n \
             * needs one only where it means another file.\n */",
            array.name(form),
            array.file(form),
            array.machines()
        );
        text.push_str(&array.lines(form));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::mapping;
    use crate::plan::tests::{rom_set, with_plan};
    use crate::plan::{BootIds, Generation, GenerationOptions, Naming, Selection};

    fn arrays(names: &[&str], pc_only: bool) -> Result<Vec<(ArrayKind, String)>, UpToError> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut found = Ok(Vec::new());
        with_plan(&[("efi-pcnet.rom", 5000)], |plan| {
            found = CompatArray::up_to(&names, pc_only, &mapping(plan)).map(|arrays| {
                let form = ArrayForm::Array;
                arrays.iter().map(|a| (a.kind, a.name(form))).collect()
            });
        });
        found
    }

    #[test]
    fn one_version_has_one_array_and_two_of_pcs_have_one_each() {
        let every = |name: &str| Ok(vec![(ArrayKind::Every, name.to_owned())]);
        assert_eq!(arrays(&["pc-i440fx-9.2"], false), every("hw_compat_9_2"));
        assert_eq!(
            arrays(&["pc-q35-9.2", "virt-9.2"], false),
            every("hw_compat_9_2")
        );
        assert_eq!(
            arrays(&["pc-q35-9.2"], true),
            Ok(vec![(ArrayKind::Pc, "pc_compat_9_2".to_owned())])
        );
        assert_eq!(
            arrays(&["pc-i440fx-2.0"], false),
            Ok(vec![(ArrayKind::Pc, "pc_compat_2_0".to_owned())])
        );
        assert_eq!(
            arrays(&["pc-i440fx-9.2", "pc-q35-9.1"], false),
            Ok(vec![
                (ArrayKind::I440fx, "pc_i440fx_romfiles_9_2".to_owned()),
                (ArrayKind::Q35, "pc_q35_romfiles_9_1".to_owned())
            ])
        );
    }

    #[test]
    fn machine_types_that_no_array_can_tell_apart_are_refused() {
        let error = |names: &[&str]| arrays(names, false).unwrap_err();
        assert!(matches!(
            error(&["pc-i440fx-noble"]),
            UpToError::NotAMachineType(_)
        ));
        assert!(matches!(error(&["virt"]), UpToError::NotAMachineType(_)));
        assert_eq!(
            error(&["pc-q35-9.2", "pc-q35-9.1"]),
            UpToError::Twice("pc-q35")
        );
        assert!(matches!(
            error(&["pc-q35-9.2", "virt-9.1"]),
            UpToError::Differ(..)
        ));
        assert!(matches!(error(&["pseries-2.0"]), UpToError::TooOld(_)));
    }

    #[test]
    fn entries_stand_below_a_comment_that_says_where_they_go() {
        with_plan(&[("efi-pcnet.rom", 5000)], |plan| {
            let names = ["pc-i440fx-9.2".to_owned()];
            let arrays = CompatArray::up_to(&names, false, &mapping(plan)).unwrap();
            let text = compat_array(&arrays, ArrayForm::Array);
            assert!(text.starts_with("/*\n * For hw_compat_9_2 in hw/core/machine.c:\n"));
            assert!(
                text.ends_with(
                    " */\n    { \"pcnet\", \"romfile\", \"compat-8k-efi-pcnet.rom\" },\n"
                )
            );
        });
    }

    #[test]
    fn an_older_range_has_entries_only_where_it_means_another_rom() {
        let generation = |version: &str, virtio, pcnet| Generation {
            version: version.parse().unwrap(),
            set: rom_set(&[("efi-virtio.rom", virtio), ("efi-pcnet.rom", pcnet)]),
        };
        let generations = [
            generation("2.0", 5000, 5000),
            generation("2.5", 5000, 5000),
            generation("2.11", 9000, 5000),
        ];
        let options = GenerationOptions {
            selection: &Selection::default(),
            naming: &Naming::default(),
            size: None,
            boot_ids: BootIds::Keep,
            devices: &BTreeMap::new(),
        };
        let plan = CompatPlan::of_generations(&generations, None, options).unwrap();
        let arrays = CompatArray::of_ranges(&plan);
        let found: Vec<_> = arrays
            .iter()
            .map(|array| (array.name(ArrayForm::Array), array.entries.len()))
            .collect();
        assert_eq!(
            found,
            [
                ("hw_compat_2_5".to_owned(), 3),
                ("hw_compat_2_11".to_owned(), 4)
            ]
        );
    }

    #[test]
    fn macros_leave_out_devices_that_came_later() {
        with_plan(&[("efi-virtio.rom", 5000)], |plan| {
            let names = ["pc-i440fx-2.11".to_owned()];
            let arrays = CompatArray::up_to(&names, false, &mapping(plan)).unwrap();
            let text = compat_array(&arrays, ArrayForm::Macro);
            assert_eq!(text.matches(".driver").count(), 1, "{text}");
            assert!(text.contains("        .driver   = \"virtio-net-pci\",\\\n"));
        });
    }
}
