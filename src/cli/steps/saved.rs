//! Saved guests in files and on standard input.

use crate::bytes::hex;
use crate::cli::exit::Failure;
use crate::cli::io::opened::Inputs;
use crate::compression::{Compression, Decoder, UNPACKED_LIMIT};
use crate::finding::{Code, Finding, Place};
use crate::judge::{SavedRom, machine_of_state, saved_roms};
use crate::libvirt::Domain;
use crate::plan::{ExtractedRoms, NamePattern, SavedMapping, SavedRelease};
use crate::report::StateRow;
use crate::romset::RomSet;
use crate::vmstate::{
    Input, LibvirtSave, MAGIC, Packed, QCOW2_MAGIC, Qcow2, SavedState, Seekable, StateError,
    StateReader, is_libvirt_save,
};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// What is to be read of a file.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Where the stream of QEMU or the save file starts, in bytes.
    pub offset: u64,
    /// Only the snapshot of this name or id.
    pub snapshot: Option<&'a str>,
    /// The contents of the ROMs, too.
    pub contents: bool,
}

/// What was found in one file.
pub struct Found {
    format: String,
    state: SavedState,
    /// The definition of the guest, as libvirt keeps it beside the state.
    definition: Option<String>,
    /// The contents of its ROMs, by the names of their RAM blocks.
    pub contents: BTreeMap<String, Vec<u8>>,
    /// What is wrong with the file itself.
    pub findings: Vec<Finding>,
}

impl Found {
    /// The state as a host with these ROMs takes it.
    pub fn judged(&self, label: &str, machine: Option<&str>, roms: &[RomSet]) -> StateRow {
        // A definition that cannot be read says nothing; the state is judged
        // as that of QEMU alone.
        let definition = self.definition.as_deref();
        let definition = definition.and_then(|text| Domain::parse(text.as_bytes()).ok());
        let machine = machine_of_state(&self.state, definition.as_ref(), machine);
        let blocks = saved_roms(&self.state, definition.as_ref(), machine, roms);
        StateRow {
            file: label.to_owned(),
            format: self.format.clone(),
            machine: machine.map(str::to_owned),
            other_blocks: self.state.blocks.len().saturating_sub(blocks.len()),
            blocks,
        }
    }
}

/// Takes the ROMs out of a state, and notes the names of their files.
///
/// # Errors
/// A [`Failure`] for what is no ROM.
pub fn extract(
    found: &Found,
    row: &mut StateRow,
    extracted: &mut ExtractedRoms,
) -> Result<(), Failure> {
    for rom in &mut row.blocks {
        if let Some(bytes) = found.contents.get(&rom.name) {
            let name = extracted.add(&row.file, rom, bytes);
            let name = name.map_err(|error| Failure::file(&row.file, error))?;
            rom.extracted = Some(name.to_owned());
        }
    }
    Ok(())
}

/// The ROMs in the states of these files, as a release.
///
/// # Errors
/// A [`Failure`] for a file that is no saved guest, and where none has ROMs.
pub fn release(
    paths: &[PathBuf],
    wanted: Wanted<'_>,
    inputs: &Inputs,
) -> Result<SavedRelease, Failure> {
    let mut extracted = ExtractedRoms::default();
    let mut rows = Vec::new();
    for path in paths {
        let label = path.display().to_string();
        for found in read(wanted, path, inputs)? {
            let mut row = found.judged(&label, None, &[]);
            extract(&found, &mut row, &mut extracted)?;
            rows.push(row);
        }
    }
    let label = match paths {
        [path] => path.display().to_string(),
        _ => "saved guests".to_owned(),
    };
    let roms = rows.iter().flat_map(StateRow::named_roms);
    let mapping = SavedMapping::new(roms, &NamePattern::default());
    extracted
        .release(&label, mapping)
        .map_err(|error| Failure::file(&label, error))
}

/// Every state in a file; `-` is standard input.
///
/// # Errors
/// A [`Failure`] for what is no saved guest.
pub fn read(wanted: Wanted<'_>, path: &Path, inputs: &Inputs) -> Result<Vec<Found>, Failure> {
    if path == Path::new("-") {
        let state = read_pipe(wanted, io::stdin().lock())?;
        return Ok(vec![state]);
    }
    let label = path.display().to_string();
    let fail = |error: StateError| Failure::file(&label, error);
    let input = |error: io::Error| Failure::file(&label, error);
    let metadata = fs::metadata(path).map_err(input)?;
    if !metadata.is_file() {
        return Err(Failure::file(
            &label,
            "it is no regular file; give the file of a saved guest, or `-` for standard input",
        ));
    }
    let mut file = inputs.open(path).map_err(input)?;
    let mut at = |offset: u64| {
        file.seek(SeekFrom::Start(offset)).map_err(input)?;
        file.try_clone().map_err(input)
    };
    if start_of(at(0)?).map_err(input)?.starts_with(&QCOW2_MAGIC) {
        if wanted.offset != 0 {
            return Err(Failure::usage(format!(
                "{label}: --offset is for streams of QEMU and save files, and this is a qcow2 image"
            )));
        }
        return snapshots_in(wanted, at(0)?, &label);
    }
    let start = start_of(at(wanted.offset)?).map_err(input)?;
    let found = match recognise(wanted, &start, &label)? {
        Recognised::Stream => {
            let stream = Seekable::new(at(wanted.offset)?);
            let format = "a stream of QEMU".to_owned();
            stream_in(wanted, stream, wanted.offset, format).map_err(fail)?
        }
        Recognised::Save => {
            let save = LibvirtSave::read(at(wanted.offset)?).map_err(fail)?;
            let stream = save.stream.saturating_add(wanted.offset);
            let file = at(stream)?;
            if save.compression.packing().is_none() {
                let format = save_format(&save);
                let found = stream_in(wanted, Seekable::new(file), stream, format);
                with_definition(found.map_err(fail)?, save)
            } else {
                packed_in(wanted, save, BufReader::new(file), &label)?
            }
        }
    };
    Ok(vec![found])
}

/// The state that comes through a pipe.
fn read_pipe(wanted: Wanted<'_>, pipe: impl Read) -> Result<Found, Failure> {
    let label = "standard input";
    let fail = |error: StateError| Failure::file(label, error);
    let input = |error: io::Error| Failure::file(label, error);
    let mut pipe = BufReader::new(pipe);
    io::copy(&mut pipe.by_ref().take(wanted.offset), &mut io::sink()).map_err(input)?;
    let start = start_of(&mut pipe).map_err(input)?;
    if start.starts_with(&QCOW2_MAGIC) {
        return Err(Failure::file(
            label,
            "a qcow2 image cannot be read from a pipe, for its parts stand in no order; give its file",
        ));
    }
    let recognised = recognise(wanted, &start, label)?;
    let mut pipe = io::Cursor::new(start).chain(pipe);
    let unpacked = |pipe| Packed::new(pipe).decoded(Ok).map_err(input);
    match recognised {
        Recognised::Stream => {
            let format = "a stream of QEMU".to_owned();
            stream_in(wanted, unpacked(pipe)?, wanted.offset, format).map_err(fail)
        }
        Recognised::Save => {
            let save = LibvirtSave::read(&mut pipe).map_err(fail)?;
            if save.compression.packing().is_none() {
                let stream = save.stream.saturating_add(wanted.offset);
                let found = stream_in(wanted, unpacked(pipe)?, stream, save_format(&save));
                Ok(with_definition(found.map_err(fail)?, save))
            } else {
                packed_in(wanted, save, pipe, label)
            }
        }
    }
}

/// The first bytes, by which a state is recognised.
fn start_of(file: impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(16).read_to_end(&mut start)?;
    Ok(start)
}

enum Recognised {
    Stream,
    Save,
}

/// What starts so, and is no image with snapshots.
fn recognise(wanted: Wanted<'_>, start: &[u8], label: &str) -> Result<Recognised, Failure> {
    let recognised = if start.starts_with(&MAGIC) {
        Recognised::Stream
    } else if is_libvirt_save(start) {
        Recognised::Save
    } else {
        return Err(Failure::file(
            label,
            format!(
                "it starts with {} at {:#x}; a stream of QEMU starts with QEVM, a libvirt save file with LibvirtQemudSave, a qcow2 image with QFI and fb",
                hex(start),
                wanted.offset
            ),
        ));
    };
    match wanted.snapshot {
        None => Ok(recognised),
        Some(_) => Err(Failure::usage(format!(
            "{label}: --snapshot is for qcow2 images, and this has one state without a name"
        ))),
    }
}

fn save_format(save: &LibvirtSave) -> String {
    format!("a libvirt save file, {}", save.compression.name())
}

fn with_definition(mut found: Found, save: LibvirtSave) -> Found {
    found.definition = Some(save.xml);
    found
}

/// The compressed stream of a save file, which `data` starts with.
fn packed_in(
    wanted: Wanted<'_>,
    save: LibvirtSave,
    data: impl BufRead,
    label: &str,
) -> Result<Found, Failure> {
    let input = |error: io::Error| Failure::file(label, error);
    let mut packing = Compression::None;
    let decode = |packed| {
        let decoder = Decoder::of_stream(packed, u64::MAX)?;
        packing = decoder.compression();
        Ok(decoder)
    };
    let stream = Packed::new(data).decoded(decode).map_err(input)?;
    let mut reader = StateReader::new(stream, 0);
    let found = found_in(wanted, &mut reader, save_format(&save));
    let read = found.and_then(|found| Ok((found, reader.reaches_end(UNPACKED_LIMIT)?)));
    let (mut found, is_whole) = read
        .map_err(|error| Failure::file(label, format!("in its stream, once unpacked, {error}")))?;
    let place = Place {
        image: None,
        offset: Some(save.stream.saturating_add(wanted.offset)),
    };
    if save.compression.packing() != Some(packing) {
        let finding = Finding::new(
            Code::SaveCompressionDiffers,
            label,
            format!("the data is compressed as {}", packing.name()),
            format!(
                "the header says {}, and libvirt unpacks it so",
                save.compression.name()
            ),
        );
        found.findings.push(finding.at(place));
    }
    if !is_whole {
        let finding = Finding::new(
            Code::SaveNotReadToEnd,
            label,
            format!(
                "more than {} MiB stand behind what was asked for",
                UNPACKED_LIMIT >> 20
            ),
            "the sums at the end of the data, to know that it is whole".to_owned(),
        );
        found.findings.push(finding.at(place));
    }
    Ok(with_definition(found, save))
}

fn stream_in<I: Input>(
    wanted: Wanted<'_>,
    stream: I,
    start: u64,
    format: String,
) -> Result<Found, StateError> {
    found_in(wanted, &mut StateReader::new(stream, start), format)
}

fn found_in<I: Input>(
    wanted: Wanted<'_>,
    reader: &mut StateReader<I>,
    format: String,
) -> Result<Found, StateError> {
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
        findings: Vec::new(),
    })
}

fn snapshots_in(wanted: Wanted<'_>, file: File, label: &str) -> Result<Vec<Found>, Failure> {
    let mut image = Qcow2::read(file).map_err(|error| Failure::file(label, error))?;
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
            let name = &snapshot.name;
            let format = format!("the snapshot `{name}` of a qcow2 image");
            stream_in(wanted, image.state(snapshot), 0, format).map_err(|error| {
                Failure::file(
                    label,
                    format!("in the state of the snapshot `{name}`, {error}"),
                )
            })
        })
        .collect()
}
