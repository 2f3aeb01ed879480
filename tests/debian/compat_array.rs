//! Entries and patches for QEMU's compat arrays, judged by patch, git, quilt's
//! rules and a C compiler.

use crate::common::{fixture, romcompat, status, words};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Small trees with the shapes of QEMU's source.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/qemu-source")
}

fn emit(more: &[&str]) -> Output {
    let mut command = romcompat();
    command.args(["emit", "compat-array"]);
    command.args([fixture(1), fixture(2)]).args(more);
    command.output().unwrap()
}

/// A copy of a tree that may be changed.
fn tree(version: &str) -> TempDir {
    let copy = TempDir::new().unwrap();
    run(
        "cp",
        &["-r", &format!("{}/{version}/.", sources().display()), "."],
        copy.path(),
    );
    copy
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        words(&output)
    );
    words(&output)
}

/// Every file of a tree with its text.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// The compiler has nothing to say about any file of a tree.
fn compiles(folder: &Path) {
    let header = sources().join("fixture.h");
    for (path, text) in texts(folder) {
        let mut gcc = Command::new("gcc");
        gcc.args([
            "-fsyntax-only",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-std=gnu11",
            "-include",
        ]);
        gcc.arg(&header).arg("-I").arg(folder.join("include"));
        let main = folder.join("main.c");
        let is_header = path.extension().is_some_and(|extension| extension == "h");
        if is_header {
            let arrays: String = text
                .lines()
                .filter_map(|line| line.strip_prefix("#define ")?.split_whitespace().next())
                .filter(|name| name.contains("_COMPAT_"))
                .map(|name| {
                    let array = name.to_lowercase();
                    format!("GlobalProperty {array}[] = {{ {name} {{ NULL, NULL, NULL }} }};\n")
                })
                .collect();
            fs::write(&main, format!("#include \"{}\"\n{arrays}", path.display())).unwrap();
        }
        gcc.arg(if is_header { &main } else { &path });
        let output = gcc.output().unwrap();
        let _ = fs::remove_file(main);
        assert!(
            output.status.success(),
            "{}: {}",
            path.display(),
            words(&output)
        );
    }
}

#[test]
#[ignore = "needs patch, git and gcc"]
fn each_patch_applies_compiles_is_found_again_and_goes_away() {
    for (version, arguments) in [
        ("2.11", vec!["--up-to", "pc-i440fx-2.10"]),
        ("2.11", vec!["--up-to", "pc-i440fx-2.8"]),
        ("2.11", vec!["--up-to", "pc-i440fx-2.7"]),
        ("2.11", vec!["--up-to", "pc-q35-2.9", "--pc-only"]),
        ("4.2", vec!["--up-to", "pc-i440fx-4.1"]),
        ("4.2", vec!["--up-to", "virt-4.0"]),
        ("4.2", vec!["--up-to", "pc-i440fx-2.0"]),
        (
            "4.2",
            vec!["--up-to", "pc-i440fx-4.1", "--up-to", "pc-q35-4.0"],
        ),
        ("7.2", vec!["--up-to", "pc-q35-2.6", "--pc-only"]),
        ("7.2", vec!["--up-to", "pseries-7.1"]),
        ("7.2", vec!["--up-to", "pc-q35-7.1", "--pc-only"]),
        (
            "7.2",
            vec!["--up-to", "pc-q35-7.1", "--up-to", "pc-i440fx-7.0"],
        ),
        ("10.1", vec!["--up-to", "pc-i440fx-9.2"]),
        (
            "10.1",
            vec!["--up-to", "pc-i440fx-10.0", "--up-to", "pc-q35-10.0"],
        ),
        (
            "10.1",
            vec!["--up-to", "pc-i440fx-10.0", "--up-to", "pc-q35-9.1"],
        ),
    ] {
        let tree = tree(version);
        let folder = tree.path();
        let before = texts(folder);
        compiles(folder);
        let file = TempDir::new().unwrap();
        let file = file.path().join("romfiles.patch");
        let source = ["--qemu-source", folder.to_str().unwrap()];
        let name = file.to_str().unwrap();
        let arguments = [&arguments[..], &source].concat();
        let output = emit(&[&arguments[..], &["--out", name]].concat());
        assert_eq!(status(&output), 0, "{arguments:?}: {}", words(&output));
        assert_eq!(texts(folder), before, "the source is only read");

        run("git", &["apply", "--check", name], folder);
        run("patch", &["-p1", "--fuzz=0", "-i", name], folder);
        assert_ne!(texts(folder), before);
        compiles(folder);
        let again = emit(&arguments);
        assert_eq!(status(&again), 0);
        assert!(again.stdout.is_empty(), "{arguments:?}: {}", words(&again));
        assert!(words(&again).contains("has every entry already"));
        run("patch", &["-p1", "--fuzz=0", "-R", "-i", name], folder);
        assert_eq!(texts(folder), before, "{arguments:?}");
    }
}

#[test]
#[ignore = "needs patch and gcc"]
fn several_generations_have_an_array_each_in_one_patch() {
    let tree = tree("10.1");
    let folder = tree.path();
    let file = TempDir::new().unwrap();
    let file = file.path().join("romfiles.patch");
    let mut command = romcompat();
    command.args(["emit", "compat-array", "--qemu-source"]);
    command.arg(folder).arg("--out").arg(&file);
    for (version, release) in [("9.2", 1), ("10.0", 2)] {
        let mut text = std::ffi::OsString::from(format!("{version}="));
        text.push(fixture(release));
        command.arg("--generation").arg(text);
    }
    let output = command.output().unwrap();
    assert_eq!(status(&output), 0, "{}", words(&output));
    run(
        "patch",
        &["-p1", "--fuzz=0", "-i", file.to_str().unwrap()],
        folder,
    );
    compiles(folder);
    let patched = fs::read_to_string(folder.join("hw/core/machine.c")).unwrap();
    let (newer, older) = patched.split_once("hw_compat_9_2[]").unwrap();
    assert!(newer.contains("\"rtl8139\", \"romfile\", \"compat-512k-efi-rtl8139.rom\""));
    assert!(older.contains("\"rtl8139\", \"romfile\", \"compat-256k-efi-rtl8139.rom\""));
}

#[test]
#[ignore = "needs patch, git and gcc"]
fn machine_types_whose_default_qemu_names_itself_are_told_the_old_rom_in_its_place() {
    // ROMs of 256K, where the new release has 128K.
    let old = TempDir::new().unwrap();
    for name in ["e1000", "virtio"] {
        let mut pad = romcompat();
        pad.args([
            "pad",
            "--select",
            &format!("pxe-{name}.rom"),
            "--size",
            "256K",
        ]);
        let file = old.path().join(format!("pxe-{name}.rom"));
        let output = pad.arg(fixture(1)).arg("--out").arg(file).output();
        assert_eq!(status(&output.unwrap()), 0);
    }
    for (version, file) in [("2.11", "include/hw/i386/pc.h"), ("7.2", "hw/i386/pc.c")] {
        let tree = tree(version);
        let folder = tree.path();
        let before = texts(folder);
        let run_emit = || {
            let mut command = romcompat();
            command
                .args(["emit", "compat-array", "--qemu-source"])
                .arg(folder);
            let generation = format!("1.4={}", old.path().display());
            command.args(["--generation", &generation]).arg(fixture(2));
            command.output().unwrap()
        };
        let output = run_emit();
        assert_eq!(status(&output), 0, "{}", words(&output));
        let name = old.path().join("romfiles.patch");
        fs::write(&name, &output.stdout).unwrap();
        let name = name.to_str().unwrap();
        run("git", &["apply", "--check", name], folder);
        run("patch", &["-p1", "--fuzz=0", "-i", name], folder);
        compiles(folder);
        let patched = fs::read_to_string(folder.join(file)).unwrap();
        assert!(
            patched.contains("\"compat-256k-pxe-virtio.rom\""),
            "{patched}"
        );
        assert!(!patched.contains("\"pxe-virtio.rom\""), "{patched}");
        assert!(patched.contains("\"pxe-pcnet.rom\""), "{patched}");
        let again = run_emit();
        assert!(words(&again).contains("has every entry already"));
        run("patch", &["-p1", "--fuzz=0", "-R", "-i", name], folder);
        assert_eq!(texts(folder), before);
        fs::remove_file(name).unwrap();
    }
}

#[test]
#[ignore = "needs patch and git"]
fn a_tree_with_other_ends_of_lines_takes_the_patch() {
    let tree = tree("10.1");
    let folder = tree.path();
    let core = folder.join("hw/core/machine.c");
    let text = fs::read_to_string(&core).unwrap().replace('\n', "\r\n");
    fs::write(&core, &text).unwrap();
    let file = TempDir::new().unwrap();
    let name = file.path().join("romfiles.patch");
    let name = name.to_str().unwrap();
    let source = folder.to_str().unwrap();
    let output = emit(&[
        "--up-to",
        "pc-q35-9.2",
        "--qemu-source",
        source,
        "--out",
        name,
    ]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    run("git", &["apply", "--check", name], folder);
    run("patch", &["-p1", "--fuzz=0", "-i", name], folder);
    let patched = fs::read_to_string(&core).unwrap();
    assert_ne!(patched, text);
    assert_eq!(
        patched.matches("\r\n").count(),
        patched.matches('\n').count()
    );
}

#[test]
#[ignore = "needs gcc"]
fn arrays_that_qemu_lacks_are_printed_whole() {
    let output = emit(&["--up-to", "pc-i440fx-9.2", "--up-to", "pc-q35-9.1"]);
    assert_eq!(status(&output), 0, "{}", words(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut file = String::new();
    for part in text.split("\n/*\n") {
        let (array, call) = part.split_once("/* And this at the end").unwrap();
        let array = array.strip_prefix("/*\n").unwrap_or(array);
        let (_, call) = call.split_once("*/\n").unwrap();
        let number = file.len();
        file.push_str(&format!(
            "/*\n{array}static void options_{number}(MachineClass *m)\n{{\n{call}}}\n\
             OPTIONS_OF(type_{number}, options_{number});\n"
        ));
    }
    assert_eq!(file.matches("compat_props_add").count(), 2, "{file}");
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("arrays.c"), file).unwrap();
    compiles(folder.path());
}

#[test]
#[ignore = "needs gcc"]
fn entries_that_are_printed_compile_where_they_are_to_be_put() {
    for (style, name) in [("array", "pc-i440fx-9.2"), ("macro", "pc-i440fx-2.11")] {
        let output = emit(&["--up-to", name, "--style", style]);
        assert_eq!(status(&output), 0, "{}", words(&output));
        let folder = TempDir::new().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (comment, entries) = text.split_once("*/\n").unwrap();
        assert!(comment.contains("older array"), "{comment}");
        let file = match style {
            "macro" => format!(
                "#define HW_COMPAT_2_11 \\\n{entries}\n\nGlobalProperty hw_compat_2_11[] = {{ HW_COMPAT_2_11 }};\n"
            ),
            _ => format!("GlobalProperty hw_compat_9_2[] = {{\n{text}}};\n"),
        };
        fs::write(folder.path().join("entries.c"), file).unwrap();
        compiles(folder.path());
    }
}
