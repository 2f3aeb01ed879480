//! What was written, read back and compared with what was meant.

use super::tar_entries::{Entry, TarError, for_each_entry};
use super::xz::encoder;
use super::{BinaryPackage, PackageFile};
use crate::parallel;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

fn differs(what: &str) -> io::Error {
    io::Error::other(format!(
        "{what} reads differently from what was meant; please report this"
    ))
}

/// Compresses data with xz and, as it comes out where another thread can be had,
/// decompresses it again and compares.
pub(super) fn compress_and_compare(data: &[u8]) -> io::Result<Vec<u8>> {
    let (sender, receiver) = channel();
    let (packed, same) = parallel::both(
        || compress(data, sender),
        || unpacks_to(Chunks::new(receiver), data),
    );
    if same? {
        packed
    } else {
        Err(differs("a compressed member"))
    }
}

fn compress(data: &[u8], sender: Sender<Vec<u8>>) -> io::Result<Vec<u8>> {
    let copies = Copies {
        all: Vec::new(),
        sender,
    };
    let mut encoder = encoder(data.len(), copies)?;
    encoder.write_all(data)?;
    Ok(encoder.finish()?.all)
}

/// Keeps what is written, and sends a copy of it.
struct Copies {
    all: Vec<u8>,
    sender: Sender<Vec<u8>>,
}

impl Write for Copies {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.all.extend_from_slice(bytes);
        let sent = self.sender.send(bytes.to_vec());
        sent.map_err(|_| differs("a compressed member"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
    let mut left: BTreeMap<&str, &[u8]> = files
        .iter()
        .map(|file| (&*file.path, &*file.bytes))
        .collect();
    let visit = |entry: &Entry, content: &mut dyn Read| {
        let Some(meant) = left.remove(&*entry.path) else {
            return Ok(());
        };
        let mut found = Vec::with_capacity(meant.len());
        content.read_to_end(&mut found)?;
        if found == meant {
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

/// Reads a package and compares its data member.
pub(super) fn package_holds(package: &[u8], data: &[u8]) -> io::Result<()> {
    let read = BinaryPackage::read(package).map_err(io::Error::other)?;
    if read.packed_data() == data {
        Ok(())
    } else {
        Err(differs("data.tar.xz"))
    }
}

impl From<TarError> for io::Error {
    fn from(error: TarError) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_of_the_encoder_is_compared_with_what_went_in() {
        let data: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let packed = compress_and_compare(&data).unwrap();
        assert!(unpacks_to(&*packed, &data).unwrap());
        assert!(!unpacks_to(&*packed, &data[1..]).unwrap());
        assert!(!unpacks_to(&*packed, &[&*data, &[0]].concat()).unwrap());
        assert!(unpacks_to(&packed[..packed.len() / 2], &data).is_err());
    }

    #[test]
    fn a_file_that_is_missing_or_differs_is_named() {
        let file = |bytes: &'static [u8]| PackageFile::new("usr/a", bytes);
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        builder
            .append_data(&mut header, "usr/a", &b"hi"[..])
            .unwrap();
        let tar = builder.into_inner().unwrap();
        assert!(tar_holds(&tar, &[file(b"hi")]).is_ok());
        let error = tar_holds(&tar, &[file(b"ho")]).unwrap_err().to_string();
        assert!(error.starts_with("usr/a reads differently"), "{error}");
        let none = tar::Builder::new(Vec::new()).into_inner().unwrap();
        assert!(tar_holds(&none, &[file(b"hi")]).is_err());
    }
}
