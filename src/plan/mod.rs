//! Old ROMs × new ROMs → what breaks, and what to ship so that it does not.

mod boot_ids;
mod compat;
mod error;
mod extracted;
mod generations;
mod manifest;
mod mapping;
mod naming;
mod options;
mod ranges;
mod saved_mapping;

pub use boot_ids::{
    BootIdChange, BootIds, BootIdsError, BootableRom, LostBoot, NotBootIds, x86_ids,
};
pub use compat::{CompatPlan, CompatRom, SharedWith};
pub use error::{GenerationError, PlanError};
pub use extracted::{ExtractError, ExtractedRom, ExtractedRoms, SavedRelease};
pub(crate) use generations::check_order;
pub use manifest::{Manifest, ManifestError, ManifestRom, ManifestVersion};
pub use mapping::{MappedDevice, Mapping, Romfile};
pub use naming::{InstallDirError, NamePattern, NamePatternError, Naming, QEMU_SHARE};
pub use options::{PlanOptions, Selection, Source};
pub use ranges::{Generation, MachineRange};
pub use saved_mapping::{MappedCard, SavedMapping};

#[cfg(test)]
pub(crate) use compat::tests;
