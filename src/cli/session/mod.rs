//! What holds for a whole run: settings, and what is printed how.

pub mod settings;
pub mod terminal;
