//! `romcompat join`.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::io::output::Outputs;
use crate::cli::options::values::{Misspelt, fill_byte, pci_id};
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::editing::{answer, is_refused_for, words, written};
use crate::rom::edit::{self, JoinOptions};
use crate::rom::{BarSize, Image, PciIds, Rom};
use clap::Args;
use std::path::PathBuf;

/// Join ROMs and EFI executables into one ROM
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
pub struct Join {
    /// ROMs and EFI executables, in the order that they shall have
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Vendor id, in hex, for images made of executables [default: that of
    /// the first ROM]
    #[arg(long, value_name = "ID", value_parser = pci_id, requires = "device")]
    pub vendor: Option<u16>,
    /// Device id, in hex, for images made of executables
    #[arg(long, value_name = "ID", value_parser = pci_id, requires = "vendor")]
    pub device: Option<u16>,
    /// Class code, in hex, for images made of executables, such as 020000 for
    /// an Ethernet controller [default: that of the first ROM, else 000000]
    #[arg(long, value_name = "CLASS", value_parser = class_code)]
    pub class: Option<ClassCode>,
    /// Pad the ROM to this size
    #[arg(long, value_name = "SIZE")]
    pub size: Option<BarSize>,
    /// The byte to pad with
    #[arg(long, value_name = "BYTE", default_value = "0xff", value_parser = fill_byte)]
    pub fill: u8,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

/// Base class, sub-class and programming interface of a PCI device.
pub type ClassCode = [u8; 3];

fn class_code(text: &str) -> Result<ClassCode, Misspelt> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let class = match digits.len() {
        6 => u32::from_str_radix(digits, 16).ok(),
        _ => None,
    };
    let [_, class @ ..] = class.ok_or(Misspelt::Class)?.to_be_bytes();
    Ok(class)
}

/// Joins ROMs and EFI executables into one ROM.
pub fn run(command: &Join, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut parts = Vec::new();
    for path in &command.inputs {
        parts.push(input::read_bytes(path, terminal.inputs())?);
    }
    let borrowed: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let ids = command.vendor.zip(command.device);
    let options = JoinOptions {
        ids: ids.map(|(vendor, device)| PciIds { vendor, device }),
        class: command.class,
        size: command.size,
        fill: command.fill,
    };
    let joined = edit::join(&borrowed, &options).map_err(|error| {
        let index = error.input().and_then(|input| input.checked_sub(1));
        let path = index.and_then(|index| command.inputs.get(index));
        words(error).failure(path.map(|path| path.display().to_string()))
    })?;
    let mut findings = Vec::new();
    for (path, bytes) in command.inputs.iter().zip(&parts) {
        let subject = path.display().to_string();
        let rom = Rom::parse(bytes).ok();
        let faults = rom.iter().flat_map(Rom::faults);
        findings.extend(faults.map(|fault| fault.finding(&subject)));
    }
    if is_refused_for(findings, terminal) {
        return Ok(Exit::No);
    }
    if command.class.is_none() {
        remark_on_class(&joined, terminal);
    }
    let mut outputs = Outputs::new(terminal.inputs(), command.force);
    let files = vec![written(&command.out, &joined, None)];
    outputs.add(command.out.clone(), &joined)?;
    outputs.finish()?;
    answer(files, terminal)
}

/// Says where no input told what kind of device an executable is for.
fn remark_on_class(joined: &[u8], terminal: &Terminal) {
    let Ok(rom) = Rom::parse(joined) else { return };
    let has_none = |image: &&Image<'_>| image.pcir().is_some_and(|it| it.class_code() == [0; 3]);
    if let Some(image) = rom.images().iter().find(has_none) {
        terminal.remark(&format!(
            "The class code of image {} is 000000, since no input says another; `--class 020000` makes it that of an Ethernet controller.",
            image.number()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_code_is_six_hex_digits() {
        assert_eq!(class_code("010802"), Ok([1, 8, 2]));
        assert!(class_code("2").is_err());
    }
}
