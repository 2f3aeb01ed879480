//! `romcompat state`.

use super::exit::{Exit, Failure};
use super::input;
use super::opened;
use super::output::Outputs;
use super::terminal::Terminal;
use crate::compression::Decoder;
use crate::emit::{interface_model, rom_element};
use crate::finding::has_errors;
use crate::libvirt::Domain;
use crate::plan::{NamePattern, QEMU_SHARE, SavedRom};
use crate::qemu::{Arch, Device, MachineType, RamBlockSize, UnknownMachineType};
use crate::report::{StateReport, StateRow};
use crate::rom::{BarSize, Rom};
use crate::romset::{CollectError, RomCollector, RomSet};
use crate::vmstate::{
    Input, LibvirtSave, MAGIC, Packed, QCOW2_MAGIC, Qcow2, SavedState, Seekable, StateError,
    StateReader, is_libvirt_save,
};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// `state`.
#[derive(Debug, Args)]
pub struct State {
    /// Saved guests: streams of QEMU, libvirt save files, qcow2 images with
    /// snapshots
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The ROMs of the host that shall resume them
    #[arg(long, value_name = "INPUT")]
    pub roms: Option<PathBuf>,
    /// Only the snapshot of this name or id
    #[arg(long, value_name = "NAME")]
    pub snapshot: Option<String>,
    /// Where the stream of QEMU starts in the file, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub offset: u64,
    /// The machine type of guests whose states do not name it (up to 2.3)
    #[arg(long, value_name = "TYPE", value_parser = machine_type)]
    pub machine: Option<MachineType>,
    /// Print what makes the guests resume with compat ROMs, in this form
    #[arg(long, value_name = "FORM")]
    pub emit: Option<Form>,
    /// Write the ROMs that are in the states to this folder
    #[arg(long, value_name = "FOLDER")]
    pub extract_roms: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

/// Form of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// `-global` options for QEMU's command line
    Globals,
    /// `<rom>` elements for libvirt guests
    Libvirt,
}

fn machine_type(name: &str) -> Result<MachineType, UnknownMachineType> {
    MachineType::parse(Arch::X86_64, name)
}

/// What is to be read of a file.
struct Wanted<'a> {
    offset: u64,
    snapshot: Option<&'a str>,
    contents: bool,
}

/// What was found in one file.
struct Found {
    format: String,
    state: SavedState,
    /// The definition of the guest, as libvirt keeps it beside the state.
    definition: Option<String>,
    contents: BTreeMap<String, Vec<u8>>,
}

impl Found {
    fn judged(&self, label: &str, machine: Option<&str>, roms: Option<&RomSet>) -> StateRow {
        // A definition that cannot be read says nothing; the state is judged
        // as that of QEMU alone.
        let definition = self.definition.as_deref();
        let definition = definition.and_then(|text| Domain::parse(text.as_bytes()).ok());
        let head = (label, self.format.clone());
        StateRow::new(head, &self.state, definition.as_ref(), machine, roms)
    }
}

/// Reads states, and says what they need.
pub fn run(command: &State, terminal: &Terminal) -> Result<Exit, Failure> {
    let roms = command.roms.as_deref().map(input::read).transpose()?;
    let wanted = Wanted {
        offset: command.offset,
        snapshot: command.snapshot.as_deref(),
        contents: command.extract_roms.is_some(),
    };
    let machine = command.machine.map(|machine| machine.to_string());
    let mut rows = Vec::new();
    let mut extracted = BTreeMap::new();
    for path in &command.files {
        let label = path.display().to_string();
        for found in read(&wanted, path)? {
            let row = found.judged(&label, machine.as_deref(), roms.as_ref());
            for rom in &row.blocks {
                if let Some(bytes) = found.contents.get(&rom.name) {
                    extract(rom, bytes, &label, &mut extracted)?;
                }
            }
            rows.push(row);
        }
    }
    let mut report = StateReport::new(roms.as_ref(), rows);
    report.findings = terminal.judge(report.findings);
    if let Some(folder) = &command.extract_roms {
        let mut outputs = Outputs::new(command.force);
        outputs.folder(folder)?;
        for (name, bytes) in &extracted {
            outputs.add(folder.join(name), bytes)?;
            report.files.push(folder.join(name).display().to_string());
        }
        outputs.finish()?;
    }
    terminal.findings(&report.findings);
    match command.emit {
        Some(form) => {
            let text = mapping(&report, form);
            terminal.answer(&report, |_| text)?;
        }
        None => terminal.answer(&report, |colour| report.text(colour))?,
    }
    Ok(if has_errors(&report.findings) {
        Exit::No
    } else {
        Exit::Clean
    })
}

/// The ROMs in the states of a file, as a set.
///
/// # Errors
/// A [`Failure`] for a file that is no saved guest, or has no ROMs.
pub fn roms_of(path: &Path) -> Result<RomSet, Failure> {
    let label = path.display().to_string();
    let wanted = Wanted {
        offset: 0,
        snapshot: None,
        contents: true,
    };
    let mut extracted = BTreeMap::new();
    for found in read(&wanted, path)? {
        let row = found.judged(&label, None, None);
        for rom in &row.blocks {
            if let Some(bytes) = found.contents.get(&rom.name) {
                extract(rom, bytes, &label, &mut extracted)?;
            }
        }
    }
    let mut collector = RomCollector::default();
    let fail = |error: CollectError| Failure::file(&label, error);
    for (name, bytes) in extracted {
        collector.add_file(&name, bytes).map_err(fail)?;
    }
    collector.finish(&label, None).map_err(fail)
}

/// Every state in a file.
fn read(wanted: &Wanted<'_>, path: &Path) -> Result<Vec<Found>, Failure> {
    let label = path.display();
    let fail = |error: StateError| Failure::file(&label, error);
    let input = |error: io::Error| Failure::file(&label, error);
    let metadata = fs::metadata(path).map_err(input)?;
    if !metadata.is_file() {
        return Err(Failure::file(
            &label,
            "it is no regular file; give the file of a saved guest",
        ));
    }
    let mut file = opened::open(path).map_err(input)?;
    file.seek(SeekFrom::Start(wanted.offset)).map_err(input)?;
    let mut start = Vec::new();
    (&mut file)
        .take(16)
        .read_to_end(&mut start)
        .map_err(input)?;
    let mut at = |offset: u64| {
        file.seek(SeekFrom::Start(offset)).map_err(input)?;
        file.try_clone().map_err(input)
    };
    if start.starts_with(&MAGIC) {
        let stream = Seekable::new(at(wanted.offset)?);
        let format = "a stream of QEMU".to_owned();
        return Ok(vec![
            stream_in(wanted, stream, wanted.offset, format).map_err(fail)?,
        ]);
    }
    if is_libvirt_save(&start) {
        let save = LibvirtSave::read(at(wanted.offset)?).map_err(fail)?;
        let stream = save.stream.saturating_add(wanted.offset);
        let file = at(stream)?;
        let format = format!("a libvirt save file, {}", save.compression.name());
        let found = if save.compression.packing().is_none() {
            stream_in(wanted, Seekable::new(file), stream, format)
        } else {
            let packed = Packed::new(BufReader::new(file));
            let decode = |packed| Decoder::of_stream(packed, u64::MAX);
            stream_in(wanted, packed.decoded(decode).map_err(input)?, 0, format)
        };
        let mut found = found.map_err(fail)?;
        found.definition = Some(save.xml);
        return Ok(vec![found]);
    }
    if start.starts_with(&QCOW2_MAGIC) {
        return snapshots_in(wanted, at(0)?, &label.to_string());
    }
    Err(Failure::file(
        &label,
        format!(
            "it starts with {start:02x?} at {:#x}; a stream of QEMU starts with QEVM, a libvirt save file with LibvirtQemudSave, a qcow2 image with QFI and fb",
            wanted.offset
        ),
    ))
}

fn stream_in<I: Input>(
    wanted: &Wanted<'_>,
    stream: I,
    start: u64,
    format: String,
) -> Result<Found, StateError> {
    let mut reader = StateReader::new(stream, start);
    let state = reader.read()?;
    let contents = if wanted.contents {
        reader.contents(&state, |block| SavedRom::of(block).is_some())?
    } else {
        BTreeMap::new()
    };
    let format = if state.is_mapped() {
        format!("{format}, with mapped-ram")
    } else {
        format
    };
    Ok(Found {
        format,
        state,
        definition: None,
        contents,
    })
}

fn snapshots_in(wanted: &Wanted<'_>, file: File, label: &str) -> Result<Vec<Found>, Failure> {
    let fail = |error: StateError| Failure::file(label, error);
    let mut image = Qcow2::read(file).map_err(fail)?;
    let is_wanted = |name: &str, id: &str| {
        wanted
            .snapshot
            .is_none_or(|typed| typed == name || typed == id)
    };
    let mut chosen = image.snapshots.clone();
    chosen.retain(|snapshot| snapshot.state_size > 0 && is_wanted(&snapshot.name, &snapshot.id));
    if chosen.is_empty() {
        let names: Vec<&str> = image.snapshots.iter().map(|s| &*s.name).collect();
        return Err(Failure::file(
            label,
            format!(
                "it has no snapshot with the state of a guest{}; its snapshots: {}",
                wanted
                    .snapshot
                    .map_or_else(String::new, |name| format!(" of the name `{name}`")),
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ),
        ));
    }
    chosen
        .iter()
        .map(|snapshot| {
            let format = format!("the snapshot `{}` of a qcow2 image", snapshot.name);
            stream_in(wanted, image.state(snapshot), 0, format).map_err(fail)
        })
        .collect()
}

/// Takes a ROM out of the content of its block: QEMU filled it up with zeros.
fn extract(
    rom: &SavedRom,
    block: &[u8],
    label: &str,
    extracted: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), Failure> {
    let no_rom = |why: &str| Failure::file(label, format!("{} {why}", rom.name));
    let parsed = Rom::parse(block).map_err(|error| no_rom(&error.to_string()))?;
    let written = block.iter().rposition(|byte| *byte != 0);
    let length = written.map_or(0, |last| last.saturating_add(1));
    let length = length.max(parsed.images_end()).next_multiple_of(512);
    // Without its zeros a ROM could seem to be of a smaller class.
    let bar = BarSize::of_rom(length as u64);
    let keeps_class = bar.is_some_and(|bar| RamBlockSize::of_bar(bar).bytes() == rom.size);
    let bytes = match block.get(..length) {
        Some(bytes) if keeps_class => bytes,
        _ => block,
    };
    let (address, suffix) = rom.name.rsplit_once('/').unwrap_or(("", &rom.name));
    let name = rom.devices.first().map_or(suffix, |device| device.romfile);
    let is_other = |name: &str| extracted.get(name).is_some_and(|other| other != bytes);
    let name = if is_other(name) {
        let place: String = address
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        format!("{place}-{name}")
    } else {
        name.to_owned()
    };
    extracted.insert(name, bytes.to_vec());
    Ok(())
}

/// What tells the devices of all states to load compat ROMs.
fn mapping(report: &StateReport, form: Form) -> String {
    let pattern = NamePattern::default();
    let mut files = Vec::new();
    let blocks = report.states.iter().flat_map(|state| &state.blocks);
    for rom in blocks.filter(|rom| rom.resumes != Some(true)) {
        let Some(bar) = rom.bar() else { continue };
        let named =
            |device: &&'static Device| (device.name, pattern.compat_name(bar, device.romfile));
        files.extend(rom.devices.iter().map(named));
    }
    files.sort();
    files.dedup();
    let lines = files.iter().filter_map(|(device, romfile)| match form {
        Form::Globals => Some(format!("-global {device}.romfile={romfile}\n")),
        Form::Libvirt => {
            let model = interface_model(device)?;
            let element = rom_element(&format!("{QEMU_SHARE}/{romfile}"));
            Some(format!("# beside <model type='{model}'/>\n{element}\n"))
        }
    });
    lines.collect()
}
