//! What was written, read back and compared with what was meant.

use super::control::Control;
use super::tar_entries::{Entry, EntryKind, TarError, for_each_entry};
use super::{BinaryPackage, PackageFile};
use crate::parallel;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};

fn differs(what: &str) -> io::Error {
    io::Error::other(format!(
        "{what} reads differently from what was meant; please report this"
    ))
}

/// What compresses data: it gives the whole and sends the same in chunks.
pub(super) type Compress = fn(&[u8], Sender<Vec<u8>>) -> io::Result<Vec<u8>>;

/// Compresses data with xz and, as it comes out where another thread can be had,
/// decompresses it again and compares.
pub(super) fn compress_and_compare(data: &[u8], compress: Compress) -> io::Result<Vec<u8>> {
    let (sender, receiver) = channel();
    let (packed, same) = parallel::both(
        || compress(data, sender),
        || unpacks_to(Chunks::new(receiver), data),
    );
    let packed = packed?;
    if same? {
        Ok(packed)
    } else {
        Err(differs("a compressed member"))
    }
}

/// The chunks that were sent, as one stream.
struct Chunks {
    receiver: Receiver<Vec<u8>>,
    chunk: io::Cursor<Vec<u8>>,
}

impl Chunks {
    fn new(receiver: Receiver<Vec<u8>>) -> Self {
        Self {
            receiver,
            chunk: io::Cursor::default(),
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.receiver.recv() {
                Ok(chunk) => self.chunk = io::Cursor::new(chunk),
                Err(_) => return Ok(0),
            }
        }
    }
}

/// Whether an xz stream unpacks to exactly this data.
fn unpacks_to(packed: impl Read, data: &[u8]) -> io::Result<bool> {
    let mut unpacked = xz2::read::XzDecoder::new(packed);
    let mut buffer = vec![0; 64 << 10];
    let mut left = data;
    loop {
        let count = unpacked.read(&mut buffer)?;
        let Some((expected, rest)) = left.split_at_checked(count) else {
            return Ok(false);
        };
        if count == 0 {
            return Ok(left.is_empty());
        }
        if buffer.get(..count) != Some(expected) {
            return Ok(false);
        }
        left = rest;
    }
}

/// Reads a tar archive and compares it with the files that it must have.
pub(super) fn tar_holds(tar: &[u8], files: &[PackageFile<'_>]) -> io::Result<()> {
    let mut left: BTreeMap<&str, &PackageFile<'_>> =
        files.iter().map(|file| (&*file.path, file)).collect();
    let visit = |entry: &Entry, content: &mut dyn Read| {
        if entry.kind == EntryKind::Directory {
            return Ok(());
        }
        let meant = left.remove(&*entry.path);
        let meant = meant.ok_or_else(|| differs(&entry.path))?;
        let mut found = Vec::with_capacity(meant.bytes.len());
        content.read_to_end(&mut found)?;
        let mode = if meant.is_executable { 0o755 } else { 0o644 };
        if found == *meant.bytes && entry.kind == EntryKind::File && entry.mode == mode {
            Ok(())
        } else {
            Err(differs(&entry.path))
        }
    };
    for_each_entry(tar, visit)?;
    match left.keys().next() {
        Some(path) => Err(differs(path)),
        None => Ok(()),
    }
}

/// Reads a package and compares its data member and its control file.
pub(super) fn package_holds(package: &[u8], data: &[u8], control: &str) -> io::Result<()> {
    let read = BinaryPackage::read(package).map_err(io::Error::other)?;
    let meant = Control::parse(control.as_bytes()).map_err(io::Error::other)?;
    if read.packed_data() != data {
        return Err(differs("data.tar.xz"));
    }
    if *read.control() != meant {
        return Err(differs("control"));
    }
    Ok(())
}

impl From<TarError> for io::Error {
    fn from(error: TarError) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::deb::xz;

    #[test]
    fn what_comes_out_of_the_encoder_is_compared_with_what_went_in() {
        let data: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let packed = compress_and_compare(&data, xz::compress).unwrap();
        assert!(unpacks_to(&*packed, &data).unwrap());
        assert!(!unpacks_to(&*packed, &data[1..]).unwrap());
        assert!(!unpacks_to(&*packed, &[&*data, &[0]].concat()).unwrap());
        assert!(!unpacks_to(&*packed, &data[..data.len() - 1]).unwrap());
        assert!(unpacks_to(&packed[..packed.len() / 2], &data).is_err());
    }

    #[test]
    fn an_encoder_that_packs_something_else_or_nothing_is_found_out() {
        let data = [7; 100_000];
        let faults: [Compress; 4] = [
            |data, sender| {
                let mut other = data.to_vec();
                *other.last_mut().unwrap() ^= 1;
                xz::compress(&other, sender)
            },
            |data, sender| xz::compress(&data[1..], sender),
            |data, sender| {
                sender.send(data.to_vec()).unwrap();
                Ok(data.to_vec())
            },
            |_, _| Ok(Vec::new()),
        ];
        for fault in faults {
            assert!(compress_and_compare(&data, fault).is_err());
        }
    }

    fn tar_with(path: &str, mode: u32, content: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        builder.append_data(&mut header, path, content).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn a_file_that_is_missing_or_differs_is_named() {
        let file = |bytes: &'static [u8]| PackageFile::new("usr/a", bytes);
        let tar = tar_with("usr/a", 0o644, b"hi");
        assert!(tar_holds(&tar, &[file(b"hi")]).is_ok());
        let error = tar_holds(&tar, &[file(b"ho")]).unwrap_err().to_string();
        assert!(error.starts_with("usr/a reads differently"), "{error}");
        assert!(tar_holds(&tar, &[PackageFile::program("usr/a", &b"hi"[..])]).is_err());
        let program = tar_with("usr/a", 0o755, b"hi");
        assert!(tar_holds(&program, &[file(b"hi")]).is_err());
        assert!(tar_holds(&tar, &[]).is_err());
        let none = tar::Builder::new(Vec::new()).into_inner().unwrap();
        assert!(tar_holds(&none, &[file(b"hi")]).is_err());
    }
}
