//! The world outside: files, processes, other programs.

pub mod complaint;
pub mod definitions;
pub mod emulator;
pub mod input;
pub mod open_state;
pub mod opened;
pub mod output;
pub mod signals;
pub mod supervise;
pub mod virsh;
