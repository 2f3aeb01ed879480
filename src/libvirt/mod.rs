//! The definition of a guest as libvirt writes it (`formatdomain.html`), read
//! and edited without touching the rest of it.

mod address;
mod buses;
mod capabilities;
mod domain;
mod edit;
mod encoding;
mod error;
mod model;

pub use address::PciAddress;
pub use buses::Buses;
pub use capabilities::{HostEmulator, host_emulators};
pub use domain::{Attribute, Controller, Domain, Interface, RomElement, Video};
pub use edit::{escaped, pin, set_machine, unpin};
pub use error::DomainError;
pub use model::{device_of_model, model_of_device};
