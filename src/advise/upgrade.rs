//! When the machine type of a guest may be raised.

use crate::host::MachineTypes;
use crate::qemu::{Arch, MachineType};
use std::str::FromStr;
use thiserror::Error;

/// The machine type that guests shall have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedMachine {
    /// The newest of their family that their QEMU has.
    Newest,
    /// This one.
    Type(MachineType),
}

/// What is neither `newest` nor a machine type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "write `newest`, or a machine type with its version, such as pc-q35-7.2, virt-7.2 or pseries-7.2"
)]
pub struct NoMachineType;

impl FromStr for WantedMachine {
    type Err = NoMachineType;

    fn from_str(text: &str) -> Result<Self, NoMachineType> {
        if text == "newest" {
            return Ok(Self::Newest);
        }
        let known = |arch: Arch| MachineType::parse(arch, text).ok();
        let found = Arch::ALL.into_iter().find_map(known);
        found.map(Self::Type).ok_or(NoMachineType)
    }
}

/// What becomes of a guest that shall have another machine type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// It has it.
    Has,
    /// It gets this one; whether its QEMU has it may not be known.
    To {
        /// The machine type.
        machine: MachineType,
        /// Whether its QEMU said that it has it.
        is_checked: bool,
    },
    /// It cannot.
    Cannot {
        /// What was found.
        found: String,
        /// What is required.
        required: String,
    },
}

impl Upgrade {
    fn cannot(found: impl Into<String>, required: impl Into<String>) -> Self {
        Self::Cannot {
            found: found.into(),
            required: required.into(),
        }
    }

    /// What becomes of a guest with a machine type, whose QEMU has these as far
    /// as is known.
    #[must_use]
    pub fn of(
        machine: Option<MachineType>,
        known: Option<&MachineTypes>,
        wanted: WantedMachine,
    ) -> Self {
        let Some(machine) = machine else {
            return Self::cannot(
                "which version its machine type has is not known".to_owned(),
                "what is newer can be said of a machine type with a version, or of an alias that its QEMU knows (`--qemu`)"
                    .to_owned(),
            );
        };
        let wanted = match (wanted, known) {
            (WantedMachine::Newest, None) => {
                return Self::cannot(
                    "which machine type is the newest, only its QEMU can say".to_owned(),
                    format!(
                        "name its QEMU, as by `--qemu {}`, or the machine type",
                        machine.family.arch().emulator()
                    ),
                );
            }
            (WantedMachine::Newest, Some(known)) => match known.newest_for(machine) {
                Some(newest) => newest,
                None => return Self::Has,
            },
            (WantedMachine::Type(wanted), _) => wanted,
        };
        if wanted == machine {
            return Self::Has;
        }
        let found = format!("{machine} of {}", machine.family.arch());
        if !wanted.is_comparable_with(machine) {
            return Self::cannot(
                format!("its machine type is {found}, and {wanted} is another machine"),
                format!("only a newer {} takes its place", machine.family.stem()),
            );
        }
        if !machine.is_older_than(wanted) {
            return Self::cannot(
                format!("its machine type is {found}, and {wanted} is older"),
                "hardware that a guest has must not go away".to_owned(),
            );
        }
        if known.is_some_and(|known| !known.has(wanted)) {
            return Self::cannot(
                format!("its QEMU has no machine type {wanted}"),
                "a machine type of the QEMU that runs the guest".to_owned(),
            );
        }
        Self::To {
            machine: wanted,
            is_checked: known.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_type_is_one_of_qemu_or_newest() {
        assert_eq!("newest".parse(), Ok(WantedMachine::Newest));
        for good in ["pc-q35-10.0", "virt-7.2", "pseries-5.2"] {
            assert!(good.parse::<WantedMachine>().is_ok(), "{good}");
        }
        for bad in ["", "pc", "q35", "foo bar'>", "pc-q35-7"] {
            assert!(bad.parse::<WantedMachine>().is_err(), "{bad}");
        }
    }
}
