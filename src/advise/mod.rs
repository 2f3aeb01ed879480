//! What to do: what cures a guest that a new host refuses, and how its
//! definition changes.

mod changes;
mod guests;
mod upgrade;

pub use changes::{CardChange, ChangedGuest, NewDefinition, Pins, WantedChange};
pub use guests::{JudgedGuest, Sides, in_neither, twice};
pub use upgrade::{NoMachineType, Upgrade, WantedMachine};
