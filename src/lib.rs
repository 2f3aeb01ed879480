//! romcompat: when the option ROMs on a host change, which virtual machines
//! can still be migrated or resumed there, and what makes the rest work?
//!
//! A PCI device of QEMU has a ROM BAR of the next power of two above the size of
//! its option ROM, and a migrated or resumed guest must get a BAR of the same size.
//! The library reads option ROMs out of files, packages and archives, says what
//! QEMU says to a guest that comes from one set of ROMs to another, and makes the
//! package that keeps such guests going. It works on bytes and values: it opens no
//! file and no socket, and only [`prove`] starts a process.
//!
//! # Read and lint a ROM
//!
//! ```
//! use romcompat::{LintContext, Severity, lint, read_roms};
//!
//! let package = std::fs::read("fixtures/example-roms_1.0-1_all.deb")?;
//! let set = read_roms("example 1.0", package)?;
//! let file = set.find("efi-virtio.rom").ok_or("the package has no such ROM")?;
//! assert_eq!(file.bar().to_string(), "256K");
//! for fault in lint(&file.rom(), &LintContext::default()) {
//!     let finding = fault.finding(file.name());
//!     println!("{finding}");
//!     assert_ne!(finding.severity, Severity::Error);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Say whether a guest of one release goes to another
//!
//! ```
//! use romcompat::{Answer, Domain, Host, guest_of_domain, judge, machine_of, read_roms};
//!
//! let old = read_roms("1.0", std::fs::read("fixtures/example-roms_1.0-1_all.deb")?)?;
//! let new = read_roms("2.0", std::fs::read("fixtures/example-roms_2.0-1_all.deb")?)?;
//! let domain = Domain::parse(
//!     b"<domain type='kvm'><name>web</name>
//!       <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
//!       <devices><interface type='user'><model type='virtio'/></interface></devices>
//!     </domain>",
//! )?;
//! let machine = machine_of(&domain);
//! let guest = guest_of_domain(&domain, "web.xml", machine, &Default::default());
//! let judged = judge(&guest, &Host::new(&[&old]), &Host::new(&[&new]));
//! let [card] = &*judged else { return Err("one card".into()) };
//! let Answer::Refused(refused) = &card.answer else { return Err("refused".into()) };
//! assert!(refused.line.contains("0x40000 != 0x80000"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Build a compat package from bytes to bytes
//!
//! ```
//! use romcompat::{
//!     CompatPlan, Details, PlanOptions, Source, Templates, PackageSettings, assemble, read_roms,
//! };
//!
//! let old = read_roms("1.0", std::fs::read("fixtures/example-roms_1.0-1_all.deb")?)?;
//! let new = read_roms("2.0", std::fs::read("fixtures/example-roms_2.0-1_all.deb")?)?;
//! let plan = CompatPlan::new(Source::Release(&old), Some(&new), &PlanOptions::default())?;
//! let details = Details::settle(&PackageSettings::default(), &plan, Some(1_700_000_000), None, None)?;
//! let package = assemble(&plan, &details, None, &Templates::default())?;
//! assert!(package.deb.starts_with(b"!<arch>\n"));
//! assert!(package.file_name.ends_with("_all.deb"));
//! assert_eq!(package.manifest.roms.len(), 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is stable
//!
//! What stands at the root: names given on from the modules. The modules are laid
//! open for the program's own tests and fuzz targets, and may change at any time;
//! ARCHITECTURE.md in the repository says what they are for.

pub use finding::{Code, Finding, Place, Severity};
pub use guest::{Block, Guest, guest_of_domain, machine_of};
pub use host::Host;
pub use judge::{Answer, Comparison, Judged, judge};
pub use libvirt::{Domain, DomainError};
pub use package::{
    CompatPackage, Details, DetailsError, PackageError, PackageSettings, Templates, assemble,
};
pub use plan::{CompatPlan, PlanError, PlanOptions, Source};
pub use rom::{BarSize, LintContext, NotAnOptionRom, Rom, RomFault, lint};
pub use romset::{InputError, RomFile, RomSet, read as read_roms};

pub mod advise;
#[doc(hidden)]
pub mod bytes;
mod cli;
#[doc(hidden)]
pub mod compression;
pub mod deb;
pub mod diagnosis;
pub mod emit;
pub mod finding;
pub mod fleet;
pub mod guest;
pub mod hook;
pub mod host;
#[doc(hidden)]
pub mod json;
pub mod judge;
pub mod libvirt;
pub mod package;
#[doc(hidden)]
pub mod parallel;
pub mod plan;
#[doc(hidden)]
pub mod printable;
pub mod prove;
pub mod qemu;
pub mod report;
pub mod rom;
pub mod romset;
pub mod rpm;
mod text;
pub mod vmstate;

/// The program: what `main.rs` runs, and what manuals are made of. It is no
/// part of the library.
#[doc(hidden)]
pub mod program {
    pub use crate::cli::{command, run};
}
