//! What several commands do, and parts of the large ones.

pub mod editing;
pub mod guest_changes;
pub mod inventory;
pub mod machine_types;
pub mod making;
pub mod releases;
pub mod saved;
pub mod upload;
