//! Internal snapshots of a qcow2 image (docs/interop/qcow2.txt of QEMU): the
//! saved state of each stands behind the disk, in clusters of its own tables.

use super::{Input, StateError};
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// The first bytes of an image.
pub const MAGIC: [u8; 4] = *b"QFI\xfb";

/// More snapshots than this are not read: QEMU's own limit.
const MAX_SNAPSHOTS: u32 = 65_536;
/// Longer data after an entry's fixed fields is not read, in bytes.
const MAX_EXTRA: u32 = 1024;

/// Incompatible features that do not change how a state is read: counts of
/// references may be wrong, and compressed clusters be of another kind.
const HARMLESS: u64 = 1 | 1 << 3;
const CORRUPT: u64 = 1 << 1;
const EXTERNAL_DATA: u64 = 1 << 2;
const EXTENDED_L2: u64 = 1 << 4;

const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const COMPRESSED: u64 = 1 << 62;
const ALL_ZEROS: u64 = 1;

/// One snapshot of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id, such as 1.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Size of its saved state in bytes; 0 where only the disk was saved.
    pub state_size: u64,
    disk_size: u64,
    l1_offset: u64,
    l1_entries: u32,
}

/// An image with its snapshots.
#[derive(Debug)]
pub struct Qcow2<F> {
    file: BufReader<F>,
    /// Where the file stands, in bytes from its start.
    position: u64,
    length: u64,
    /// The second table that was read last, and where it stands.
    second: (u64, Vec<u8>),
    cluster_bits: u32,
    has_zero_flag: bool,
    /// Its snapshots, in the order of the table.
    pub snapshots: Vec<Snapshot>,
}

impl<F: Read + Seek> Qcow2<F> {
    /// Reads the header and the table of snapshots.
    ///
    /// # Errors
    /// [`StateError`] for an image that is cut, encrypted, corrupt, has its
    /// data in another file, or is of an unknown version.
    pub fn read(mut file: F) -> Result<Self, StateError> {
        let failed = |source| StateError::Read { offset: 0, source };
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let mut image = Self {
            file: BufReader::with_capacity(64 << 10, file),
            position: 0,
            length,
            second: (0, Vec::new()),
            cluster_bits: 0,
            has_zero_flag: false,
            snapshots: Vec::new(),
        };
        let mut magic = [0; 4];
        image.exact(0, &mut magic)?;
        if magic != MAGIC {
            return refused(0, format!("starts with {}", crate::bytes::hex(&magic)));
        }
        let version = image.be32(4)?;
        if !(2..=3).contains(&version) {
            return Err(StateError::Version {
                offset: 4,
                what: "qcow2 image",
                found: version,
                known: 3,
            });
        }
        image.has_zero_flag = version == 3;
        image.cluster_bits = image.be32(20)?;
        if !(9..=21).contains(&image.cluster_bits) {
            let bits = image.cluster_bits;
            return refused(
                20,
                format!("has clusters of 2^{bits} bytes and not 2^9 to 2^21"),
            );
        }
        let encryption = image.be32(32)?;
        if encryption != 0 {
            return refused(32, format!("is encrypted (method {encryption})"));
        }
        let features = if version == 3 { image.be64(72)? } else { 0 };
        for (feature, what) in [
            (CORRUPT, "is marked as corrupt"),
            (EXTERNAL_DATA, "has its data in another file"),
            (EXTENDED_L2, "has subclusters"),
        ] {
            if features & feature != 0 {
                return refused(72, what.to_owned());
            }
        }
        if features & !HARMLESS != 0 {
            let unknown = features & !HARMLESS;
            return refused(72, format!("has the unknown features {unknown:#x}"));
        }
        let count = image.be32(60)?;
        let table = image.be64(64)?;
        if count > MAX_SNAPSHOTS {
            return Err(StateError::Limit {
                offset: 60,
                what: "count of snapshots",
                found: count.into(),
                limit: MAX_SNAPSHOTS.into(),
            });
        }
        let mut offset = table;
        for _ in 0..count {
            let (snapshot, end) = image.snapshot(offset)?;
            image.snapshots.push(snapshot);
            offset = end;
        }
        Ok(image)
    }

    /// Reads an entry of the table: the snapshot, and where the next stands.
    fn snapshot(&mut self, at: u64) -> Result<(Snapshot, u64), StateError> {
        let field = |distance: u64| at.saturating_add(distance);
        let id_length = u64::from(self.be16(field(12))?);
        let name_length = u64::from(self.be16(field(14))?);
        let extra_length = self.be32(field(36))?;
        if extra_length > MAX_EXTRA {
            return Err(StateError::Limit {
                offset: field(36),
                what: "length of extra data of a snapshot",
                found: extra_length.into(),
                limit: MAX_EXTRA.into(),
            });
        }
        let extra = u64::from(extra_length);
        let state_size = match extra {
            0..8 => self.be32(field(32))?.into(),
            _ => self.be64(field(40))?,
        };
        let disk_size = match extra {
            0..16 => self.be64(24)?,
            _ => self.be64(field(48))?,
        };
        let id_at = field(40).saturating_add(extra);
        let name_at = id_at.saturating_add(id_length);
        let end = name_at.saturating_add(name_length);
        let snapshot = Snapshot {
            id: self.text(id_at, id_length)?,
            name: self.text(name_at, name_length)?,
            state_size,
            disk_size,
            l1_offset: self.be64(at)?,
            l1_entries: self.be32(field(8))?,
        };
        Ok((snapshot, end.next_multiple_of(8)))
    }

    /// The saved state of a snapshot, as a stream.
    #[must_use]
    pub fn state(&mut self, snapshot: &Snapshot) -> SnapshotState<'_, F> {
        // One entry of the first table stands for a whole second table of
        // clusters, and the state starts at the next of these.
        let bits = self.cluster_bits.saturating_mul(2).saturating_sub(3);
        let step = 1_u64.checked_shl(bits).unwrap_or(u64::MAX);
        let start = snapshot.disk_size.checked_next_multiple_of(step);
        SnapshotState {
            image: self,
            snapshot: snapshot.clone(),
            start: start.unwrap_or(u64::MAX),
            position: 0,
            mapped: 0,
        }
    }

    /// Where the byte at this offset of the guest stands in the file; none for
    /// zeros. Also how many bytes follow it in its cluster.
    fn locate(&mut self, snapshot: &Snapshot, at: u64) -> Result<(Option<u64>, u64), StateError> {
        let cluster = 1_u64.checked_shl(self.cluster_bits).unwrap_or(1);
        let inside = at.checked_rem(cluster).unwrap_or(0);
        let left = cluster.saturating_sub(inside);
        let number = at.checked_div(cluster).unwrap_or(0);
        let per_table = cluster / 8;
        let l1_index = number.checked_div(per_table).unwrap_or(0);
        let l2_index = number.checked_rem(per_table).unwrap_or(0);
        if l1_index >= u64::from(snapshot.l1_entries) {
            return Err(StateError::Read {
                offset: snapshot.l1_offset,
                source: io::ErrorKind::UnexpectedEof.into(),
            });
        }
        let entry_at = |table: u64, index: u64| table.saturating_add(index.saturating_mul(8));
        let l1_at = entry_at(snapshot.l1_offset, l1_index);
        let l2 = self.be64(l1_at)? & OFFSET;
        if l2 == 0 {
            return Ok((None, left));
        }
        let entry = self.entry(l2, l2_index)?;
        if entry & COMPRESSED != 0 {
            let at = entry_at(l2, l2_index);
            return refused(at, "has the saved state in compressed clusters".to_owned());
        }
        let host = entry & OFFSET;
        if host == 0 || (self.has_zero_flag && entry & ALL_ZEROS != 0) {
            return Ok((None, left));
        }
        Ok((host.checked_add(inside), left))
    }

    /// An entry of the second table at `table`.
    fn entry(&mut self, table: u64, index: u64) -> Result<u64, StateError> {
        if self.second.0 != table {
            let size = 1_usize.checked_shl(self.cluster_bits).unwrap_or(0);
            let mut bytes = vec![0; size];
            self.exact(table, &mut bytes)?;
            self.second = (table, bytes);
        }
        let at = usize::try_from(index.saturating_mul(8)).unwrap_or(usize::MAX);
        let entry = self.second.1.get(at..).and_then(|rest| rest.first_chunk());
        Ok(u64::from_be_bytes(entry.copied().unwrap_or_default()))
    }

    fn text(&mut self, at: u64, length: u64) -> Result<String, StateError> {
        let mut bytes = vec![0; usize::try_from(length.min(u64::from(u16::MAX))).unwrap_or(0)];
        self.exact(at, &mut bytes)?;
        let is_plain = bytes.iter().all(|byte| !byte.is_ascii_control());
        match String::from_utf8(bytes) {
            Ok(text) if is_plain => Ok(text),
            Ok(text) => Err(no_text(at, text.into_bytes())),
            Err(error) => Err(no_text(at, error.into_bytes())),
        }
    }

    fn be16(&mut self, at: u64) -> Result<u16, StateError> {
        let mut bytes = [0; 2];
        self.exact(at, &mut bytes)?;
        Ok(u16::from_be_bytes(bytes))
    }

    fn be32(&mut self, at: u64) -> Result<u32, StateError> {
        let mut bytes = [0; 4];
        self.exact(at, &mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn be64(&mut self, at: u64) -> Result<u64, StateError> {
        let mut bytes = [0; 8];
        self.exact(at, &mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn exact(&mut self, offset: u64, bytes: &mut [u8]) -> Result<(), StateError> {
        let failed = |source| StateError::Read { offset, source };
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(failed(io::ErrorKind::UnexpectedEof.into()));
        }
        // Near places are read out of the buffer.
        let moved = match offset.checked_signed_diff(self.position) {
            Some(distance) => self.file.seek_relative(distance),
            None => self.file.seek(SeekFrom::Start(offset)).map(|_| ()),
        };
        moved
            .and_then(|()| self.file.read_exact(bytes))
            .map_err(failed)?;
        self.position = end.unwrap_or(offset);
        Ok(())
    }
}

/// Refuses an image for what stands at this offset.
fn refused<T>(offset: u64, what: String) -> Result<T, StateError> {
    Err(StateError::Image { offset, what })
}

fn no_text(offset: u64, found: Vec<u8>) -> StateError {
    StateError::NoText {
        offset,
        what: "name of a snapshot",
        found,
    }
}

/// The saved state of one snapshot.
#[derive(Debug)]
pub struct SnapshotState<'a, F> {
    image: &'a mut Qcow2<F>,
    snapshot: Snapshot,
    start: u64,
    position: u64,
    /// Bytes that came from clusters of the file.
    mapped: u64,
}

impl<F: Read + Seek> Read for SnapshotState<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.snapshot.state_size.saturating_sub(self.position);
        let at = self.start.saturating_add(self.position);
        if left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let (place, in_cluster) = self
            .image
            .locate(&self.snapshot, at)
            .map_err(io::Error::other)?;
        let count = left.min(in_cluster).min(buffer.len() as u64);
        let count = usize::try_from(count).unwrap_or(buffer.len());
        let target = buffer.get_mut(..count).unwrap_or_default();
        match place {
            None => target.fill(0),
            Some(place) => {
                self.mapped = self.mapped.saturating_add(count as u64);
                if self.mapped > self.image.length {
                    return Err(io::Error::other(
                        "the tables of the image lead to the same clusters again and again",
                    ));
                }
                self.image.exact(place, target).map_err(io::Error::other)?;
            }
        }
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

impl<F: Read + Seek> Input for SnapshotState<'_, F> {
    fn skip(&mut self, length: u64) -> io::Result<()> {
        self.position = self.position.saturating_add(length);
        Ok(())
    }

    fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        self.position = offset;
        Ok(())
    }
}
