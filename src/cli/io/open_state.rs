//! The saved state that a daemon of libvirt is about to restore.
//!
//! libvirt tells a hook the guest and not the file, but has the file open while
//! the hook runs (`qemuSaveImageOpen` comes before the hook in
//! qemuDomainRestoreInternal and qemuDomainObjRestore): the daemon itself, or,
//! to go around the page cache, its child `libvirt_iohelper`.

use crate::compression::Decoder;
use crate::hook::NoState;
use crate::libvirt::Domain;
use crate::vmstate::{LibvirtSave, Packed, SavedState, Seekable, StateReader, is_libvirt_save};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

/// More processes than this do not stand between the daemon and this one.
const MOST_ANCESTORS: usize = 8;

/// `S_IRUSR` of a file's mode (inode(7)).
const OWNER_READS: u32 = 0o400;

/// The state in the save file of this guest that a process above this one, or
/// a child of one, has open.
///
/// # Errors
/// [`NoState`] where there is none, or not one.
pub fn open_state(domain: &Domain<'_>) -> Result<SavedState, NoState> {
    let uuid = domain.uuid.as_deref();
    let uuid = uuid.ok_or(NoState::NoUuid)?;
    let mut seen = BTreeSet::new();
    let mut found: Option<SavedState> = None;
    let mut unread = None;
    for process in ancestors() {
        let children = children_of(process);
        for process in std::iter::once(process).chain(children) {
            for path in open_for_reading(process) {
                let Some(file) = unseen_file(&path, &mut seen) else {
                    continue;
                };
                match state_of(file, uuid) {
                    Ok(None) => {}
                    Ok(Some(state)) if found.as_ref().is_none_or(|other| *other == state) => {
                        found = Some(state);
                    }
                    Ok(Some(_)) => return Err(NoState::Several),
                    Err(why) => unread = Some(why),
                }
            }
        }
    }
    found.ok_or_else(|| unread.unwrap_or(NoState::NotOpen))
}

/// The parent of this process, its parent, and so on up to the first of all.
fn ancestors() -> impl Iterator<Item = u32> {
    let parents = std::iter::successors(Some(parent_id()), |process| parent_of(*process));
    parents
        .take_while(|process| *process > 1)
        .take(MOST_ANCESTORS)
}

/// `/proc/PID/stat` (proc(5)): the name, which may have any character, stands
/// in parentheses, and the parent is the second field after it.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn children_of(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let of_thread = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children"));
    let lists = threads.into_iter().flatten().flatten().flat_map(of_thread);
    let parsed = |list: String| -> Vec<u32> {
        let numbers = list.split_ascii_whitespace();
        numbers.flat_map(str::parse).collect()
    };
    lists.flat_map(parsed).collect()
}

/// What a process has open for reading: the link of each has its mode.
fn open_for_reading(process: u32) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(format!("/proc/{process}/fd"));
    let paths = entries.into_iter().flatten().flatten();
    let is_readable = |path: &PathBuf| {
        fs::symlink_metadata(path).is_ok_and(|link| link.mode() & OWNER_READS != 0)
    };
    paths.map(|entry| entry.path()).filter(is_readable)
}

/// A regular file that was not seen before. Nothing else is opened: a pipe or a
/// device might block.
fn unseen_file(path: &Path, seen: &mut BTreeSet<(u64, u64)>) -> Option<File> {
    let file = fs::metadata(path).ok()?;
    if !file.is_file() || !seen.insert((file.dev(), file.ino())) {
        return None;
    }
    File::open(path).ok()
}

/// The state in a file, if it is a save file of the guest with this UUID.
fn state_of(mut file: File, uuid: &str) -> Result<Option<SavedState>, NoState> {
    let mut start = Vec::new();
    let read = file.by_ref().take(16).read_to_end(&mut start);
    if read.is_err() || !is_libvirt_save(&start) {
        return Ok(None);
    }
    file.rewind()?;
    let save = LibvirtSave::read(&file)?;
    let of = Domain::parse(save.xml.as_bytes())?;
    if of.uuid.as_deref() != Some(uuid) {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(save.stream))?;
    let state = if save.compression.packing().is_none() {
        StateReader::new(Seekable::new(file), save.stream).read()
    } else {
        let decode = |packed| Decoder::of_stream(packed, u64::MAX);
        let stream = Packed::new(BufReader::new(file)).decoded(decode);
        StateReader::new(stream?, 0).read()
    };
    Ok(Some(state?))
}
