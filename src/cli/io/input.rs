//! Inputs from the file system and from standard input.

use crate::bytes::name_text;
use crate::cli::exit::Failure;
use crate::cli::io::opened::Inputs;
use crate::finding::Finding;
use crate::parallel;
use crate::rom::SIGNATURE;
use crate::romset::{
    self, CollectError, InputError, MAX_FILES, MAX_INPUT, MAX_ROM, Omission, RomCollector, RomFile,
    RomSet, is_rom_name, no_roms,
};
use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// Reads whatever `path` is into a set of ROMs; `-` is standard input.
///
/// # Errors
/// A [`Failure`] that names the path.
pub fn read(path: &Path, inputs: &Inputs) -> Result<RomSet, Failure> {
    let label = path.display().to_string();
    let fail = |error: io::Error| Failure::file(&label, error);
    if label == "-" {
        // It may be a file that the shell opened.
        let stdin = io::stdin().lock();
        if let Ok(file) = stdin.as_fd().try_clone_to_owned() {
            let metadata = File::from(file).metadata();
            metadata.iter().for_each(|metadata| inputs.take(metadata));
        }
        return read_stream(stdin, 0, "-", "standard input");
    }
    let metadata = fs::metadata(path).map_err(fail)?;
    if metadata.is_dir() {
        return read_directory(path, &label, inputs);
    }
    refuse_devices_and_giants(&metadata, &label)?;
    let stream = inputs.open(path).map_err(fail)?;
    read_stream(stream, metadata.len(), &label, &label)
}

/// Reads a file of at most 16 MiB as it is, an option ROM or an executable.
///
/// # Errors
/// A [`Failure`] that names the path.
pub fn read_bytes(path: &Path, inputs: &Inputs) -> Result<Vec<u8>, Failure> {
    let label = path.display().to_string();
    let fail = |error: io::Error| Failure::file(&label, error);
    let metadata = fs::metadata(path).map_err(fail)?;
    refuse_devices_and_giants(&metadata, &label)?;
    let mut bytes = Vec::new();
    inputs
        .open(path)
        .map_err(fail)?
        .take(MAX_ROM.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() as u64 > MAX_ROM {
        let problem = "the file has more than the 16 MiB that a ROM, an executable or an archive may have here";
        return Err(Failure::file(&label, problem));
    }
    Ok(bytes)
}

/// Reads OLD and NEW side by side.
///
/// # Errors
/// A [`Failure`] that names the one which cannot be read, and one where both
/// are the same.
pub fn read_both(old: &Path, new: &Path, inputs: &Inputs) -> Result<(RomSet, RomSet), Failure> {
    if is_same(old, new) {
        return Err(Failure::file(
            old.display(),
            "it is both OLD and NEW; give the ROMs of the release before as OLD and those of the release after as NEW",
        ));
    }
    let (old, new) = parallel::both(|| read(old, inputs), || read(new, inputs));
    Ok((old?, new?))
}

/// Reads OLD, and NEW side by side where there is one.
///
/// # Errors
/// As [`read_both`].
pub fn read_some(
    old: &Path,
    new: Option<&Path>,
    inputs: &Inputs,
) -> Result<(RomSet, Option<RomSet>), Failure> {
    match new {
        Some(new) => read_both(old, new, inputs).map(|(old, new)| (old, Some(new))),
        None => Ok((read(old, inputs)?, None)),
    }
}

/// Refuses one input in the place of two releases that follow each other.
///
/// # Errors
/// A [`Failure`] that names it.
pub fn refuse_same(before: &Path, after: &Path) -> Result<(), Failure> {
    if is_same(before, after) {
        let problem = "it is given for two releases; give each release once, in their order";
        return Err(Failure::file(before.display(), problem));
    }
    Ok(())
}

fn is_same(old: &Path, new: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|m| (m.dev(), m.ino())).ok();
    old == new || (identity(old).is_some() && identity(old) == identity(new))
}

/// Refuses what cannot be an input, before a byte of it is read.
fn refuse_devices_and_giants(metadata: &Metadata, label: &str) -> Result<(), Failure> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    if kind.is_char_device() || kind.is_block_device() || kind.is_socket() {
        return Err(Failure::file(
            label,
            "it is a device or socket; give a file, a directory, a package or an archive",
        ));
    }
    if metadata.len() > MAX_INPUT {
        return Err(too_large(label, &format!("{} bytes are", metadata.len())));
    }
    Ok(())
}

fn too_large(label: &str, what: &str) -> Failure {
    Failure::file(
        label,
        format!(
            "{what} more than the {} MiB that an input may have",
            MAX_INPUT >> 20
        ),
    )
}

/// Reads a stream of at least `size` bytes that is called `label` in reports
/// and `subject` in errors. What is no input is refused by its start.
fn read_stream(
    mut stream: impl Read,
    size: u64,
    label: &str,
    subject: &str,
) -> Result<RomSet, Failure> {
    let fail = |error: io::Error| Failure::file(subject, error);
    let refuse = |error: InputError| Failure::file(subject, error);
    let mut bytes = Vec::new();
    (&mut stream)
        .take(romset::START as u64)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    romset::check_start(&bytes, size).map_err(refuse)?;
    bytes.reserve(usize::try_from(size).unwrap_or(0));
    stream
        .take(MAX_INPUT)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(too_large(subject, "it has"));
    }
    romset::read(label, bytes).map_err(refuse)
}

/// What [`look_at_each`] saw.
#[derive(Debug)]
pub struct Looked<T> {
    /// The answers, in order of the ROMs' paths.
    pub answers: Vec<T>,
    /// How many files are no ROM.
    pub left_out: usize,
    /// What of them may be or seem one.
    pub omitted: Vec<Finding>,
}

/// Looks at each ROM of an input, whatever it is, with name and version of its
/// package, without keeping them all.
///
/// # Errors
/// A [`Failure`] that names what cannot be read.
pub fn look_at_each<T: Send>(
    path: &Path,
    inputs: &Inputs,
    look: impl Fn(&RomFile, Option<&str>) -> T + Sync,
) -> Result<Looked<T>, Failure> {
    if !path.is_dir() {
        let set = read(path, inputs)?;
        let package = set.package_release();
        let package = package.as_deref();
        return Ok(Looked {
            answers: set.roms.iter().map(|file| look(file, package)).collect(),
            left_out: set.left_out,
            omitted: set.omitted(None),
        });
    }
    let mut listing = Listing::of(path)?;
    listing.files.sort_by(|a, b| a.inside.cmp(&b.inside));
    let mut links: HashMap<&str, Vec<&str>> = HashMap::new();
    for (link, target) in &listing.links {
        links.entry(target).or_default().push(link);
    }
    let looked = parallel::each(&listing.files, |listed| {
        let (answer, omission) = match listed.read(inputs)? {
            Content::Other(omission) => (None, omission),
            Content::Rom(bytes, omission) => {
                let file = RomFile::new(&listed.inside, bytes).map(|mut file| {
                    let links = links.get(&*listed.inside).into_iter().flatten();
                    file.add_links(links.copied());
                    file
                });
                (file.ok().map(|file| look(&file, None)), omission)
            }
        };
        Ok((answer, omission))
    });
    let looked: Vec<(Option<T>, Option<Omission>)> =
        looked.into_iter().collect::<Result<_, Failure>>()?;
    let no_rom = looked.iter().filter(|(answer, _)| answer.is_none()).count();
    let left_out = listing.left_out.saturating_add(no_rom);
    let (answers, omissions): (Vec<_>, Vec<_>) = looked.into_iter().unzip();
    let answers: Vec<T> = answers.into_iter().flatten().collect();
    let omissions = omissions.into_iter().flatten();
    let omissions: Vec<Omission> = omissions.chain(listing.dangling).collect();
    let label = path.display().to_string();
    if answers.is_empty() {
        let error = no_roms(&label, &omissions, &[], left_out);
        return Err(Failure::file(path.display(), error));
    }
    let omitted = omissions.iter();
    let omitted = omitted.filter_map(|omission| omission.finding(&label, &[], is_rom_name));
    Ok(Looked {
        answers,
        left_out,
        omitted: omitted.collect(),
    })
}

/// The ROMs in a directory and the folders below it.
fn read_directory(root: &Path, label: &str, inputs: &Inputs) -> Result<RomSet, Failure> {
    let fail = |error| Failure::file(label, error);
    let listing = Listing::of(root)?;
    let mut collector = RomCollector::default();
    for listed in &listing.files {
        let omission = match listed.read(inputs)? {
            Content::Rom(bytes, omission) => {
                collector.add_file(&listed.inside, bytes).map_err(fail)?;
                omission
            }
            Content::Other(omission) => {
                collector.add_other(&listed.inside).map_err(fail)?;
                omission
            }
        };
        omission.into_iter().for_each(|one| collector.omit(one));
    }
    for (link, target) in &listing.links {
        let added = collector.add_link(link, &format!("/{target}"));
        added.map_err(fail)?;
    }
    for _ in 0..listing.left_out {
        collector.leave_out();
    }
    for omission in listing.dangling {
        collector.omit(omission);
    }
    collector.finish(label, None).map_err(fail)
}

/// What stands in a directory and the folders below it.
struct Listing {
    files: Vec<ListedFile>,
    /// Links to files in the directory, with their targets, as paths in it.
    links: Vec<(String, String)>,
    /// What is neither a file nor a link to one.
    left_out: usize,
    /// Links that lead to nothing.
    dangling: Vec<Omission>,
}

struct ListedFile {
    path: PathBuf,
    /// The path from the directory, as it is shown.
    inside: String,
}

/// What a file is, and what is to be said of it.
enum Content {
    Rom(Vec<u8>, Option<Omission>),
    Other(Option<Omission>),
}

impl Listing {
    /// Lists a directory. A link to a file in it is another name of that file,
    /// a link to another file stands for that file. Links to folders are not
    /// followed: they may lead in circles.
    fn of(root: &Path) -> Result<Self, Failure> {
        let real_root = root
            .canonicalize()
            .map_err(|error| Failure::file(root.display(), error))?;
        let mut listing = Self {
            files: Vec::new(),
            links: Vec::new(),
            left_out: 0,
            dangling: Vec::new(),
        };
        let mut entries = 0_usize;
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            let fail = |error: io::Error| Failure::file(folder.display(), error);
            for entry in fs::read_dir(&folder).map_err(fail)? {
                let entry = entry.map_err(fail)?;
                entries = entries.saturating_add(1);
                if entries > MAX_FILES {
                    let error = CollectError::TooManyFiles;
                    return Err(Failure::file(root.display(), error));
                }
                let path = entry.path();
                let inside = text(path.strip_prefix(root).unwrap_or(&path));
                let kind = entry.file_type().map_err(fail)?;
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    listing.files.push(ListedFile { path, inside });
                } else if let Some(target) = path.canonicalize().ok().filter(|t| t.is_file()) {
                    match target.strip_prefix(&real_root) {
                        Ok(target) => listing.links.push((inside, text(target))),
                        Err(_) => listing.files.push(ListedFile { path, inside }),
                    }
                } else {
                    listing.left_out = listing.left_out.saturating_add(1);
                    if kind.is_symlink() && !path.exists() {
                        listing.dangling.push(dangling(&path, inside, &real_root));
                    }
                }
            }
        }
        Ok(listing)
    }
}

/// A path as it is shown, whatever its bytes.
fn text(path: &Path) -> String {
    name_text(path.as_os_str().as_bytes())
}

/// A link that leads to nothing, and where from the folder's root that would be.
fn dangling(path: &Path, inside: String, real_root: &Path) -> Omission {
    let target = fs::read_link(path).unwrap_or_default();
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    let end = folder.map(|folder| without_dots(&folder.join(&target)));
    let end = end.and_then(|end| Some(text(end.strip_prefix(real_root).ok()?)));
    Omission::Dangling {
        path: inside,
        target: text(&target),
        end,
    }
}

/// A path whose `..` are taken as what they mean where no link is in the way.
fn without_dots(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        if part == Component::ParentDir {
            path.pop();
        } else {
            path.push(part);
        }
        path
    })
}

impl ListedFile {
    fn read(&self, inputs: &Inputs) -> Result<Content, Failure> {
        let fail = |error: io::Error| Failure::file(self.path.display(), error);
        let mut stream = File::open(&self.path).map_err(fail)?;
        let metadata = stream.metadata().map_err(fail)?;
        let mut bytes = Vec::new();
        (&mut stream)
            .take(romset::START as u64)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        let path = self.inside.clone();
        if !bytes.starts_with(&SIGNATURE) {
            return Ok(Content::Other(Omission::of_file(&path, &bytes)));
        }
        let size = metadata.len();
        if size > MAX_ROM {
            return Ok(Content::Other(Some(Omission::TooLarge { path, size })));
        }
        inputs.take(&metadata);
        bytes.reserve(usize::try_from(size).unwrap_or(0));
        stream.take(MAX_ROM).read_to_end(&mut bytes).map_err(fail)?;
        let is_text = self
            .path
            .file_name()
            .is_none_or(|name| name.to_str().is_some());
        let omission = (!is_text).then_some(Omission::NameNotText { path });
        Ok(Content::Rom(bytes, omission))
    }
}
