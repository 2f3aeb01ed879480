//! Outputs: each file appears whole or not at all.

use crate::cli::exit::Failure;
use crate::cli::io::opened::Inputs;
use crate::cli::io::signals::HeldBack;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// The sums of a set: what they say holds only once all others have their names.
const SUMS: &str = "SHA256SUMS";

/// How much is written before it is looked whether a signal came, in bytes.
const PIECE: usize = 1 << 20;

/// Files that are written together: all are complete on disk before the first
/// one gets its name.
#[derive(Debug)]
pub struct Outputs<'a> {
    inputs: &'a Inputs,
    force: bool,
    again: bool,
    mode: u32,
    ready: Vec<(PathBuf, TempPath)>,
    /// Folders that were made, each after the one that it is in.
    made: Vec<PathBuf>,
    /// Signals wait while there are temporary files. It is dropped last.
    held: Option<HeldBack>,
}

impl<'a> Outputs<'a> {
    /// No file yet; `force` allows to overwrite files, but for the inputs.
    pub const fn new(inputs: &'a Inputs, force: bool) -> Self {
        Self {
            inputs,
            force,
            again: false,
            mode: 0o666,
            ready: Vec::new(),
            made: Vec::new(),
            held: None,
        }
    }

    /// Files that only their owner may read.
    pub const fn private(mut self) -> Self {
        self.mode = 0o600;
        self
    }

    /// Files that are there already with the same bytes are no fault.
    pub const fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Makes sure that the folder for what follows is there.
    ///
    /// # Errors
    /// A [`Failure`] that names the folder.
    pub fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        if folder.is_dir() {
            return Ok(());
        }
        if folder.exists() {
            return Err(Failure::file(
                folder.display(),
                "it is there already and no folder; choose another place",
            ));
        }
        let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let new: Vec<&Path> = folder.ancestors().take_while(is_new).collect();
        for folder in new.into_iter().rev() {
            fs::create_dir(folder).map_err(|error| Failure::file(folder.display(), error))?;
            self.made.push(folder.to_owned());
        }
        Ok(())
    }

    /// Makes sure that a file may be written in this place.
    ///
    /// # Errors
    /// A [`Failure`] where an input or something else is in its place already,
    /// or its folder cannot be read.
    pub fn check(&self, path: &Path) -> Result<(), Failure> {
        self.is_there(path, || false).map(drop)
    }

    /// Whether a file is in its place already as it is to be.
    fn is_there(&self, path: &Path, is_same: impl Fn() -> bool) -> Result<bool, Failure> {
        let folder = folder_of(path);
        fs::metadata(folder).map_err(|error| Failure::file(folder.display(), error))?;
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Failure::file(path.display(), error)),
            Ok(metadata) if !metadata.is_file() => Err(Failure::file(
                path.display(),
                "it is there already and no regular file; choose another place",
            )),
            Ok(metadata) if self.inputs.has(&metadata) => Err(Failure::file(
                path.display(),
                "it is an input, and an input is never written to, with `--force` neither; write to another file or folder, and move it afterwards",
            )),
            Ok(_) if is_same() => Ok(true),
            Ok(_) if !self.force => Err(Failure::file(
                path.display(),
                "it is there already; `--force` overwrites it",
            )),
            Ok(_) => Ok(false),
        }
    }

    /// Writes a file under a temporary name beside its place.
    ///
    /// # Errors
    /// A [`Failure`] where an input or something else is in its place already,
    /// two files would have one place, or it cannot be written.
    pub fn add(&mut self, path: PathBuf, bytes: &[u8]) -> Result<(), Failure> {
        let fail = |error: io::Error| Failure::file(path.display(), error);
        if self.ready.iter().any(|(other, _)| *other == path) {
            return Err(Failure::file(
                path.display(),
                "two outputs would have this name, and only one can have it",
            ));
        }
        let is_same = || self.again && fs::read(&path).is_ok_and(|there| there == bytes);
        if self.is_there(&path, is_same)? {
            return Ok(());
        }
        let folder = folder_of(&path);
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(self.mode);
            options.open(path)
        };
        let held = self.held.get_or_insert_with(HeldBack::new);
        let mut file = tempfile::Builder::new()
            .prefix(".romcompat-")
            .make_in(folder, open)
            .map_err(|error| Failure::file(folder.display(), error))?;
        for piece in bytes.chunks(PIECE) {
            if held.one_came() {
                return Err(fail(io::ErrorKind::Interrupted.into()));
            }
            file.write_all(piece).map_err(fail)?;
        }
        file.as_file().sync_all().map_err(fail)?;
        self.ready.push((path, file.into_temp_path()));
        Ok(())
    }

    /// Gives every file its name, the sums of a set last, and sees to it that
    /// the names last.
    ///
    /// # Errors
    /// A [`Failure`] that names the file, and says which files are new.
    pub fn finish(self) -> Result<(), Failure> {
        self.finish_with(&mut Disk)
    }

    fn finish_with(mut self, place: &mut impl Naming) -> Result<(), Failure> {
        let is_sums = |path: &Path| path.file_name().is_some_and(|name| name == SUMS);
        self.ready.sort_by_key(|(path, _)| is_sums(path));
        let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
        folders.extend(self.made.iter().map(|made| folder_of(made).to_owned()));
        let mut new: Vec<PathBuf> = Vec::new();
        let mut ready = std::mem::take(&mut self.ready).into_iter();
        while let Some((path, temporary)) = ready.next() {
            if let Err(error) = place.name(temporary, &path, self.force) {
                let left: Vec<PathBuf> = ready.map(|(path, _)| path).collect();
                return Err(incomplete(&path, &error, &new, &left));
            }
            folders.insert(folder_of(&path).to_owned());
            new.push(path);
        }
        self.made.clear();
        for folder in folders {
            place.sync(&folder).map_err(|error| {
                let problem = format!(
                    "every file is there and new, but the folder cannot be synced, and a power failure could take them away: {error}"
                );
                Failure::file(folder.display(), problem)
            })?;
        }
        Ok(())
    }
}

/// Why a set is not whole, and which of its files are new.
fn incomplete(path: &Path, error: &io::Error, new: &[PathBuf], left: &[PathBuf]) -> Failure {
    if new.is_empty() && left.is_empty() {
        return Failure::file(path.display(), error.to_string());
    }
    let names = |paths: Vec<&Path>| {
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        names.join(", ")
    };
    let changed = match new.is_empty() {
        true => "no file is new".to_owned(),
        false => format!("new: {}", names(new.iter().map(|new| &**new).collect())),
    };
    let left = left.iter().map(|left| &**left);
    let old = names(std::iter::once(path).chain(left).collect());
    Failure::file(
        path.display(),
        format!(
            "{error}; {changed}; as before: {old}; mend it, and give the command again with `--force`"
        ),
    )
}

/// What gives files their names.
trait Naming {
    /// Gives a file its name, in the place of another only with force.
    fn name(&mut self, temporary: TempPath, path: &Path, force: bool) -> io::Result<()>;
    /// Sees to it that the names in a folder last.
    fn sync(&mut self, folder: &Path) -> io::Result<()>;
}

struct Disk;

impl Naming for Disk {
    fn name(&mut self, temporary: TempPath, path: &Path, force: bool) -> io::Result<()> {
        let persisted = match force {
            true => temporary.persist(path),
            false => temporary.persist_noclobber(path),
        };
        persisted.map_err(|error| error.error)
    }

    fn sync(&mut self, folder: &Path) -> io::Result<()> {
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // Some file systems cannot, and one may write to a folder without
            // reading it.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    }
}

/// The folder in which a file stands.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

impl Drop for Outputs<'_> {
    /// Takes away folders that were made for files that did not come.
    fn drop(&mut self) {
        self.ready.clear();
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A disk that takes notes, and fails at one step.
    #[derive(Default)]
    struct Faulty {
        steps: Vec<String>,
        fails_at: Option<usize>,
    }

    impl Faulty {
        fn step(&mut self, what: &str, path: &Path) -> io::Result<()> {
            let name = path.file_name().unwrap().to_string_lossy();
            self.steps.push(format!("{what} {name}"));
            match self.fails_at == Some(self.steps.len()) {
                true => Err(io::Error::other("the disk is gone")),
                false => Ok(()),
            }
        }
    }

    impl Naming for Faulty {
        fn name(&mut self, temporary: TempPath, path: &Path, force: bool) -> io::Result<()> {
            self.step("name", path)?;
            Disk.name(temporary, path, force)
        }

        fn sync(&mut self, folder: &Path) -> io::Result<()> {
            self.step("sync", folder)?;
            Disk.sync(folder)
        }
    }

    fn outputs<'a>(inputs: &'a Inputs, folder: &Path, force: bool) -> Outputs<'a> {
        let mut outputs = Outputs::new(inputs, force);
        let out = folder.join("deep/out");
        outputs.folder(&out).unwrap();
        for name in ["a.deb", SUMS, "b.cfg"] {
            outputs.add(out.join(name), b"new").unwrap();
        }
        outputs
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_sums_are_named_last_and_then_the_folders_are_synced() {
        let folder = TempDir::new().unwrap();
        let mut disk = Faulty::default();
        outputs(&Inputs::default(), folder.path(), false)
            .finish_with(&mut disk)
            .unwrap();
        let root = folder.path().file_name().unwrap().to_string_lossy();
        let wanted = [
            "name a.deb",
            "name b.cfg",
            "name SHA256SUMS",
            &format!("sync {root}"),
            "sync deep",
            "sync out",
        ];
        assert_eq!(disk.steps, wanted);
        assert_eq!(
            names(&folder.path().join("deep/out")),
            [SUMS, "a.deb", "b.cfg"]
        );
    }

    #[test]
    fn what_fails_midway_says_which_files_are_new() {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("deep/out");
        let at = |name: &str| out.join(name).display().to_string();
        let fails = |fails_at| {
            fs::create_dir_all(&out).unwrap();
            for name in ["a.deb", SUMS, "b.cfg"] {
                fs::write(out.join(name), b"old").unwrap();
            }
            let mut disk = Faulty {
                fails_at: Some(fails_at),
                ..Faulty::default()
            };
            let inputs = Inputs::default();
            let outputs = outputs(&inputs, folder.path(), true);
            let failure = outputs.finish_with(&mut disk).unwrap_err();
            assert_eq!(names(&out), [SUMS, "a.deb", "b.cfg"], "no temporary file");
            let contents = ["a.deb", "b.cfg", SUMS]
                .map(|name| String::from_utf8(fs::read(out.join(name)).unwrap()).unwrap());
            (failure.to_string(), contents)
        };
        let (message, contents) = fails(1);
        assert!(message.contains("the disk is gone; no file is new; as before: "));
        assert_eq!(contents, ["old", "old", "old"]);
        let (message, contents) = fails(2);
        let wanted = format!(
            "{0}: the disk is gone; new: {1}; as before: {0}, {2}; mend it, and give the command again with `--force`",
            at("b.cfg"),
            at("a.deb"),
            at(SUMS)
        );
        assert_eq!(message, wanted);
        assert_eq!(contents, ["new", "old", "old"]);
        let (message, contents) = fails(3);
        assert!(
            message.contains(&format!("as before: {};", at(SUMS))),
            "{message}"
        );
        assert_eq!(contents, ["new", "new", "old"]);
        let (message, contents) = fails(4);
        assert!(message.contains("every file is there and new"), "{message}");
        assert_eq!(contents, ["new", "new", "new"]);
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_leaves_the_rest_as_it_was() {
        let folder = TempDir::new().unwrap();
        let inputs = Inputs::default();
        let outputs = outputs(&inputs, folder.path(), true);
        let out = folder.path().join("deep/out");
        fs::create_dir(out.join("b.cfg")).unwrap();
        let failure = outputs.finish().unwrap_err();
        assert!(
            failure
                .to_string()
                .starts_with(&format!("{}/b.cfg: ", out.display()))
        );
        assert!(
            failure.to_string().contains("; new: "),
            "{}",
            failure.to_string()
        );
        assert_eq!(names(&out), ["a.deb", "b.cfg"]);
    }

    #[test]
    fn folders_for_files_that_did_not_come_are_taken_away() {
        let folder = TempDir::new().unwrap();
        drop(outputs(&Inputs::default(), folder.path(), false));
        assert_eq!(names(folder.path()), [""; 0]);
        let mut disk = Faulty {
            fails_at: Some(1),
            ..Faulty::default()
        };
        let failure = outputs(&Inputs::default(), folder.path(), false).finish_with(&mut disk);
        assert!(failure.is_err());
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
