//! The commands: of each its arguments and what it does.

pub mod advise;
pub mod build;
pub mod check;
pub mod emit;
pub mod explain;
pub mod fix;
pub mod guests;
pub mod hook;
pub mod inspect;
pub mod join;
pub mod lint;
pub mod pad;
pub mod prove;
pub mod retarget;
pub mod source;
pub mod split;
pub mod state;
pub mod templates;
