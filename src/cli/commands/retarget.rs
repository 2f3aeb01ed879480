//! `romcompat retarget`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::options::placement::Placement;
use crate::cli::options::values::pci_id;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::editing::{edit_each, faults, is_refused_for, selected, words, write};
use crate::rom::PciIds;
use crate::rom::edit::{self, ImageSelection};
use clap::Args;
use std::path::PathBuf;

/// Give ROMs other PCI ids
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Retarget {
    /// The ROM or set of ROMs
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// Change only the image with this number, counted from 1
    #[arg(long, value_name = "N")]
    pub image: Option<usize>,
    /// Vendor id to set, in hex
    #[arg(long, value_name = "ID", value_parser = pci_id)]
    pub vendor: u16,
    /// Device id to set, in hex
    #[arg(long, value_name = "ID", value_parser = pci_id)]
    pub device: u16,
    /// Ids of further devices, in hex, in place of those in the device list
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = pci_id)]
    pub device_list: Vec<u16>,
    /// Where the result goes.
    #[command(flatten)]
    pub placement: Placement,
}

/// Gives the ROMs of an input other ids.
pub fn run(command: &Retarget, terminal: &Terminal) -> Result<Exit, Failure> {
    let set = input::read(&command.input, terminal.inputs())?;
    let roms = selected(&set, &command.placement)?;
    let wish = edit::Retarget {
        images: command
            .image
            .map_or(ImageSelection::All, ImageSelection::Number),
        ids: PciIds {
            vendor: command.vendor,
            device: command.device,
        },
        device_list: (!command.device_list.is_empty()).then_some(&*command.device_list),
    };
    let findings = faults(&set, &roms);
    let edited = edit_each(&set, roms, |rom| edit::retarget(rom, &wish).map_err(words))?;
    if is_refused_for(findings, terminal) {
        return Ok(Exit::No);
    }
    write(edited, &command.placement, terminal)
}
