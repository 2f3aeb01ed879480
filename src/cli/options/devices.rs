//! Devices by the names that people type.

use crate::cli::exit::Failure;
use crate::qemu::{DEVICES, Device, device_by_name};

/// The device of this name.
///
/// # Errors
/// A [`Failure`] with the names that there are.
pub fn named_device(name: &str) -> Result<&'static Device, Failure> {
    device_by_name(name).ok_or_else(|| {
        let known: Vec<&str> = DEVICES.iter().map(|device| device.name).collect();
        Failure::usage(format!(
            "`{name}` is no device with a default ROM; there are {}",
            known.join(", ")
        ))
    })
}
