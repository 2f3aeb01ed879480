//! The definition of a guest as libvirt writes it (`formatdomain.html`), read
//! and edited without touching the rest of it.

mod domain;
mod edit;
mod error;
mod model;

pub use domain::{Attribute, Controller, Domain, Interface, PciAddress, RomElement};
pub use edit::{escaped, pin, set_machine, unpin};
pub use error::DomainError;
pub use model::{device_of_model, model_of_device};
