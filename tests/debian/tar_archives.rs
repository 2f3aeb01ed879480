//! tar archives of other people and of every program that writes them: read and
//! refused as GNU tar and bsdtar do, with the same names and bytes.

use crate::common::{romcompat, status, words};
use crate::fetched::{source, tool};
use romcompat::bytes::name_text;
use romcompat::deb::tar_entries::{EntryKind, TarError, for_each_entry, is_tar};
use romcompat::romset::sha256_hex;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What a reader has of an archive: its names in order, and the bytes of its
/// regular files, one behind the other.
#[derive(PartialEq, Eq)]
struct Read {
    names: Vec<String>,
    content: Vec<u8>,
}

fn ours(tar: &[u8]) -> Result<Read, TarError> {
    let mut read = Read {
        names: Vec::new(),
        content: Vec::new(),
    };
    for_each_entry(tar, |entry, content| {
        read.names.push(entry.path.clone());
        if entry.kind == EntryKind::File {
            content.read_to_end(&mut read.content).unwrap();
        }
        Ok::<_, TarError>(())
    })?;
    Ok(read)
}

/// What a program prints of an archive, where it ends with status 0.
fn output(program: &str, arguments: &[&str], tar: &Path) -> Option<Vec<u8>> {
    let output = Command::new(program)
        .env("LC_ALL", "C.UTF-8")
        .args(arguments)
        .stdin(File::open(tar).unwrap())
        .stderr(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    output.status.success().then_some(output.stdout)
}

fn normal(name: &[u8]) -> String {
    let name = name_text(name);
    let parts = name.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

fn gnu(tar: &Path) -> Option<Read> {
    let names = output("tar", &["--quoting-style=literal", "-tf", "-"], tar)?;
    let content = output("tar", &["-xOf", "-"], tar)?;
    let names = names.split(|byte| *byte == b'\n');
    let mut names: Vec<String> = names.map(normal).collect();
    names.pop();
    Some(Read { names, content })
}

/// Archives that neither is read of as all others have it, with the reason.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "test_compat_solaris_tar_acl.tar",
        "entries of Solaris' type A are files, as POSIX says of types that are not known and GNU tar has it; bsdtar takes them for attributes",
    ),
    (
        "test_compat_tar_directory_1.tar",
        "a folder with a size has no content, as for bsdtar; GNU tar misses the entry behind it",
    ),
    (
        "test_compat_tar_hardlink_1.tar",
        "`bsdtar -O` gives the content of a hard link again",
    ),
    (
        "test_read_format_tar_empty_with_gnulabel.tar",
        "`tar -t` lists the label, which is no file",
    ),
];

#[test]
#[ignore = "needs libarchive's source, GNU tar and bsdtar; scripts/test runs it"]
fn archives_of_libarchive_are_read_as_gnu_tar_and_bsdtar_read_them() {
    let folder = TempDir::new().unwrap();
    tool(
        "tar",
        &[
            &"-xf",
            &source("libarchive"),
            &"-C",
            &folder.path(),
            &"--wildcards",
            &"*/test/*.uu",
        ],
    );
    let files = tool("find", &[&folder.path(), &"-name", &"*.uu"]);
    let mut files: Vec<&Path> = files.lines().map(Path::new).collect();
    files.sort_unstable();
    let plain = folder.path().join("plain.tar");
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let decoded = output("bsdcat", &["-"], file).unwrap_or_default();
        fs::write(&plain, &decoded).unwrap();
        if !is_tar(&decoded) {
            *counts
                .entry("no tar archive, or in a compression of its own")
                .or_insert(0) += 1;
            continue;
        }
        let gnu = gnu(&plain);
        let bsd = output("bsdtar", &["-tf", "-"], &plain)
            .and_then(|_| output("bsdtar", &["-xOf", "-"], &plain));
        let ours = ours(&decoded);
        let verdict = match (&ours, &gnu, &bsd) {
            (Ok(ours), Some(gnu), Some(bsd)) if ours == gnu && ours.content == *bsd => {
                "read by all alike"
            }
            (Ok(ours), Some(gnu), None) if ours == gnu => "read as GNU tar does, refused by bsdtar",
            (Ok(ours), None, Some(bsd)) if ours.content == *bsd => {
                "read as bsdtar does, refused by GNU tar"
            }
            (Err(_), None, None) => "refused by all",
            (Err(_), Some(_), None) => "refused as bsdtar does",
            (Err(_), None, Some(_)) => "refused as GNU tar does",
            _ if DIFFERENCES.iter().any(|(known, _)| *known == name) => "otherwise, with a reason",
            _ => "otherwise",
        };
        *counts.entry(verdict).or_insert(0) += 1;
        println!(
            "{verdict}: {name} {}",
            ours.as_ref()
                .map_or_else(ToString::to_string, |_| String::new())
        );
        if verdict == "otherwise" {
            let of = |read: Option<(Option<&Vec<String>>, &Vec<u8>)>| {
                read.map(|(names, content)| (names.cloned(), content.len()))
            };
            let gnu = of(gnu.as_ref().map(|gnu| (Some(&gnu.names), &gnu.content)));
            let bsd = of(bsd.as_ref().map(|bsd| (None, bsd)));
            let ours = ours.map(|ours| (ours.names, ours.content.len()));
            wrong.push(format!(
                "{name}:\n  ours {ours:?}\n  GNU {gnu:?}\n  bsd {bsd:?}"
            ));
        }
    }
    println!("libarchive's archives: {counts:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(counts["read by all alike"] >= 79, "{counts:?}");
    assert_eq!(counts["otherwise, with a reason"], DIFFERENCES.len());
}

/// A ROM of 512 KiB with holes of 128 KiB and 255 KiB, where the file system has
/// holes.
fn sparse_rom(path: &Path) -> Vec<u8> {
    let mut file = File::create(path).unwrap();
    let mut image = vec![0x90; 64 << 10];
    image[..3].copy_from_slice(&[0x55, 0xaa, 0x80]);
    image[0x18..0x1a].fill(0);
    file.write_all(&image).unwrap();
    file.seek(SeekFrom::Start(192 << 10)).unwrap();
    file.write_all(&[7; 65 << 10]).unwrap();
    file.set_len(512 << 10).unwrap();
    fs::read(path).unwrap()
}

/// Commands that write `$1` with the ROM `roms/x.rom` of the present folder.
fn writers() -> Vec<String> {
    let mut writers = Vec::new();
    for format in ["v7", "oldgnu", "gnu", "ustar", "pax"] {
        writers.push(format!("tar --format={format} -cf $1 roms"));
        if matches!(format, "oldgnu" | "gnu" | "pax") {
            writers.push(format!(
                "tar --format={format} --label='All ROMs' -cf $1 roms"
            ));
            writers.push(format!("tar --format={format} --sparse -cf $1 roms"));
        }
    }
    for version in ["0.0", "0.1", "1.0"] {
        writers.push(format!(
            "tar --format=pax --sparse-version={version} --sparse -cf $1 roms"
        ));
    }
    writers.push(
        "tar --format=pax --sparse --hole-detection=raw --no-recursion -cf $1 roms/x.rom"
            .to_owned(),
    );
    writers.push("tar --format=gnu --absolute-names -cf $1 $PWD/roms".to_owned());
    for format in ["v7tar", "ustar", "pax", "paxr", "gnutar"] {
        writers.push(format!("bsdtar --format={format} -cf $1 roms"));
        writers.push(format!(
            "bsdtar --format={format} --read-sparse -cf $1 roms"
        ));
    }
    for format in ["USTAR", "GNU", "PAX"] {
        writers.push(format!(
            "python3 -c 'import tarfile, sys; tarfile.open(sys.argv[1], \"w\", format=tarfile.{format}_FORMAT).add(\"roms\")' $1"
        ));
    }
    for other in [
        "busybox tar -cf $1 roms",
        "find roms | cpio --quiet -o -H ustar -O $1",
        "find roms | cpio --quiet -o -H tar -O $1",
        "pax -w -x ustar -f $1 roms",
        "pax -w -x tar -f $1 roms",
        "dpkg-deb --build --root-owner-group tree $1.deb && dpkg-deb --fsys-tarfile $1.deb >$1",
        "git -C roms archive --format=tar --output=$1 HEAD",
        "tar -cf $1 roms && tar -rf $1 README && tar --delete -f $1 README",
        "tar -cf $1 README && tar -cf $1.2 roms && tar -Af $1 $1.2",
    ] {
        writers.push(other.to_owned());
    }
    writers
}

#[test]
#[ignore = "needs bsdtar, busybox, cpio, pax, python3 and git; scripts/test runs it"]
fn archives_of_every_writer_give_the_rom() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["roms", "tree/DEBIAN", "tree/usr/share"] {
        fs::create_dir_all(path(name)).unwrap();
    }
    let rom = sparse_rom(&path("roms/x.rom"));
    fs::copy(path("roms/x.rom"), path("tree/usr/share/x.rom")).unwrap();
    fs::write(path("README"), "Not a ROM.\n").unwrap();
    fs::write(
        path("tree/DEBIAN/control"),
        "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\n",
    )
    .unwrap();
    let shell = |command: &str| {
        let archive = path("out.tar");
        let _ = fs::remove_file(&archive);
        let mut shell = Command::new("sh");
        shell
            .current_dir(folder.path())
            .args(["-ec", command, "sh"])
            .arg(&archive);
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{command}: {}", words(&output));
        archive
    };
    shell(
        "cd roms && git init -q && git add x.rom && git -c user.name=a -c user.email=a@b commit -qm a",
    );
    let mut sparse = 0;
    for writer in &writers() {
        let archive = shell(writer);
        let plain = fs::metadata(&archive).unwrap().len();
        sparse += usize::from(plain < 400 << 10);
        for packer in ["cat", "gzip", "xz", "zstd -q", "bzip2"] {
            let packed = path("packed");
            let command = format!("{packer} <{} >{}", archive.display(), packed.display());
            tool("sh", &[&"-c", &command]);
            let mut inspect = romcompat();
            inspect.args(["inspect", "--format", "json"]).arg(&packed);
            let output = inspect.output().unwrap();
            assert_ne!(status(&output), 3, "{writer}, {packer}: {}", words(&output));
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let read = &report["roms"][0];
            assert_eq!(read["size"], rom.len(), "{writer}, {packer}");
            assert_eq!(read["sha256"], sha256_hex(&rom), "{writer}, {packer}");
            assert_eq!(
                report["findings"],
                serde_json::json!([]),
                "{writer}, {packer}"
            );
        }
    }
    println!(
        "{} writers, of which {sparse} left holes out; each read as the ROM, in five compressions",
        writers().len()
    );
    assert!(sparse >= 7, "{sparse} archives have holes");
}
