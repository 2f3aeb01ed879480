//! Lines that follow from others, and those of programs around QEMU.

use super::rule::{Rule, rule};
use crate::diagnosis::cause::{Cause, Wrapper};

/// In each, an apostrophe stands for any quotation mark.
pub(super) const RULES: &[Rule] = &[
    // What only follows.
    rule(
        "load of migration failed",
        r"(?i)load of migration failed(?:: [\w ]+)?",
        |_| Some(Cause::Follows),
    ),
    rule(
        "while loading vm state",
        r"(?i)error -?\d+ while loading vm state",
        |_| Some(Cause::Follows),
    ),
    rule(
        "not a migration stream",
        r"(?i)not a migration stream",
        |_| Some(Cause::StreamEnds),
    ),
    // What programs around QEMU say.
    rule(
        "online migrate failure",
        r"(?i)online migrate failure",
        |_| by(Wrapper::Proxmox),
    ),
    rule(
        "qemu exited with code",
        r"(?i)qemu exited with code \d+",
        |_| by(Wrapper::Proxmox),
    ),
    rule("migration aborted", r"(?i)migration aborted", |_| {
        by(Wrapper::Proxmox)
    }),
    rule(
        "live migration failure",
        r"(?i)live migration failure",
        |_| by(Wrapper::Nova),
    ),
    rule(
        "live migration failed",
        r"(?i)live migration failed",
        |_| by(Wrapper::Kubevirt),
    ),
    rule("migratetouri", r"(?i)migratetouri", |_| {
        by(Wrapper::Kubevirt)
    }),
    rule(
        "failed initializing state save",
        r"(?i)failed initializing state save",
        |_| by(Wrapper::Lxd),
    ),
    rule(
        "failed restoring checkpoint",
        r"(?i)failed restoring checkpoint",
        |_| by(Wrapper::Lxd),
    ),
    rule(
        "failed to restore checkpoint",
        r"(?i)failed to restore checkpoint",
        |_| by(Wrapper::Lxd),
    ),
    rule(
        "timed out waiting for response",
        r"(?i)start failed: .*timed out waiting for response",
        |_| by(Wrapper::Multipass),
    ),
    rule(
        "multipass",
        r"(?i)multipass\w*.{0,60}(?:failed|error|died)",
        |_| by(Wrapper::Multipass),
    ),
    rule(
        "closed the monitor",
        r"(?i)qemu unexpectedly closed the monitor",
        |_| by(Wrapper::Libvirt),
    ),
    rule(
        "while connecting to monitor",
        r"(?i)process exited while connecting to monitor",
        |_| by(Wrapper::Libvirt),
    ),
    rule(
        "unexpectedly failed",
        r"(?i)(?:job|migration)[\w' :]*unexpectedly failed",
        |_| by(Wrapper::Libvirt),
    ),
    rule(
        "failed to restore domain",
        r"(?i)failed to restore domain",
        |_| by(Wrapper::Libvirt),
    ),
    rule(
        "failed to start domain",
        r"(?i)failed to start domain",
        |_| by(Wrapper::Libvirt),
    ),
    rule(
        "error starting domain",
        r"(?i)error starting domain",
        |_| by(Wrapper::Libvirt),
    ),
    rule(
        "end of file while reading data",
        r"(?i)end of file while reading data",
        |_| by(Wrapper::Libvirt),
    ),
    // The same of libvirt in other languages: a file of a saved guest.
    rule(
        "/",
        r#"(?i)(?:restaur|wiederherst|ripristin|przywr|восстанов|復元|恢复|還原)[^:/]{0,80}/\S+"#,
        |_| by(Wrapper::Libvirt),
    ),
];

fn by(program: Wrapper) -> Option<Cause> {
    Some(Cause::Wrapped { by: program })
}
