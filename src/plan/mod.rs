//! Old ROMs × new ROMs → what breaks, and what to ship so that it does not.

mod advise;
mod baseline;
mod boot_ids;
mod compare;
mod compat;
mod cure;
mod error;
mod extracted;
mod generations;
mod guest;
mod host_record;
mod inventory;
mod manifest;
mod mapping;
mod naming;
mod options;
mod ranges;
mod saved;
mod saved_mapping;

pub use advise::{Advice, Packed, Release, ReleaseBar, ReleaseSize, RomAdvice};
pub use baseline::{Baseline, BaselineError};
pub use boot_ids::{BootIdChange, BootIds, BootIdsError, BootableRom, LostBoot, x86_ids};
pub use compare::{Change, Comparison, Pair, Side};
pub use compat::{CompatPlan, CompatRom, SharedWith};
pub use cure::{Cure, QemuPair, Way, Works, cures};
pub use error::{GenerationError, PlanError};
pub use extracted::{ExtractError, ExtractedRom, ExtractedRoms, SavedRelease};
pub use guest::{CardRom, GuestCard, Slot, guest_cards, machine_of};
pub use host_record::{
    CarriedFinding, Found, GuestRecord, HostRecord, HostRoms, Need, Needs, RomFileName,
};
pub use inventory::{Fleet, HeldGuest, HeldGuests, HostClass, Move, MoveAnswer};
pub use manifest::{Manifest, ManifestError, ManifestRom, ManifestVersion};
pub use mapping::{MappedDevice, Mapping, Romfile};
pub use naming::{InstallDirError, NamePattern, NamePatternError, Naming, QEMU_SHARE};
pub use options::{MappedDevices, PlanOptions, Selection, Source};
pub use ranges::{Generation, MachineRange};
pub use saved::{SavedRom, saved_roms};
pub use saved_mapping::{MappedCard, SavedMapping};

#[cfg(test)]
pub(crate) use compat::tests;
