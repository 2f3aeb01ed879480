//! What only root may do, for root and for an ordinary user.

use crate::fetched::tool;
use std::process::Command;

pub fn is_root() -> bool {
    tool("id", &[&"-u"]).trim() == "0"
}

/// A program that changes the machine.
pub fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", program]);
    sudo
}

/// A program that may mount, and own what it unpacks: in mounts of its own,
/// and of an ordinary user as root of a namespace of users.
pub fn unshared(program: &str) -> Command {
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    if !is_root() {
        unshare.args(["--map-root-user", "--map-auto"]);
    }
    unshare.arg(program);
    unshare
}
