//! What to do: which ways keep guests migratable, the size that coming ROMs
//! fit into, what cures a guest that a new host refuses, and how its definition
//! changes.

mod changes;
mod cure;
mod growth;
mod guests;
mod upgrade;

pub use changes::{CardChange, ChangedGuest, NewDefinition, Pins, WantedChange};
pub use cure::{Cure, QemuPair, Way, Works, cures};
pub use growth::{Advice, Packed, Release, ReleaseBar, ReleaseSize, RomAdvice};
pub use guests::{JudgedGuest, Sides, displays_left_out, in_neither, twice};
pub use upgrade::{NoMachineType, Upgrade, WantedMachine};
