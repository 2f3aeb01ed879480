//! The house: which module may use which, and where the outside world begins.
//! ARCHITECTURE.md says why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// Each module with its floor. A module may use floors below its own, and
/// itself.
const FLOORS: &[(&str, u8)] = &[
    ("bytes", 0),
    ("finding", 0),
    ("json", 1),
    ("text", 0),
    ("compression", 0),
    ("parallel", 0),
    ("printable", 0),
    ("rom", 1),
    ("deb", 1),
    ("rpm", 1),
    ("vmstate", 1),
    ("libvirt", 1),
    ("qemu", 2),
    ("diagnosis", 3),
    ("romset", 2),
    ("guest", 3),
    ("host", 3),
    ("judge", 4),
    ("plan", 5),
    ("fleet", 5),
    ("emit", 6),
    ("hook", 6),
    ("advise", 6),
    ("package", 7),
    ("prove", 7),
    ("report", 8),
    ("cli", 9),
];

/// What only the edge may touch: files, sockets, clock, environment,
/// processes, terminal.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::time",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "tempfile",
];

/// What the proof needs of it: it starts processes, waits for them, and keeps
/// files for them in a folder that it is given.
const OF_THE_PROOF: &[&str] = &["std::process", "std::time", "std::fs"];

const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Paths and macros that a source file names outside of its tests.
#[derive(Default)]
struct Names {
    paths: BTreeSet<String>,
    macros: BTreeSet<String>,
    /// What it gives on from other files, by its last name.
    given_on: BTreeSet<String>,
}

fn joined(path: &syn::Path) -> String {
    let parts: Vec<_> = path
        .segments
        .iter()
        .map(|part| part.ident.to_string())
        .collect();
    parts.join("::")
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

fn use_paths(tree: &syn::UseTree, before: &str, paths: &mut BTreeSet<String>) {
    let with = |name: String| {
        if before.is_empty() {
            name
        } else {
            format!("{before}::{name}")
        }
    };
    match tree {
        syn::UseTree::Path(path) => use_paths(&path.tree, &with(path.ident.to_string()), paths),
        syn::UseTree::Group(group) => {
            for item in &group.items {
                use_paths(item, before, paths);
            }
        }
        syn::UseTree::Name(name) if name.ident == "self" => {
            paths.insert(before.to_owned());
        }
        syn::UseTree::Name(name) => {
            paths.insert(with(name.ident.to_string()));
        }
        syn::UseTree::Rename(rename) => {
            paths.insert(with(rename.ident.to_string()));
        }
        syn::UseTree::Glob(_) => {
            paths.insert(before.to_owned());
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if is_test(&item.attrs) {
            return;
        }
        use_paths(&item.tree, "", &mut self.paths);
        if !matches!(item.vis, syn::Visibility::Inherited) {
            use_paths(&item.tree, "", &mut self.given_on);
        }
    }

    /// `pub(super)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // A single name is a local one, or was imported.
        if path.segments.len() > 1 {
            self.paths.insert(joined(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.macros.insert(joined(&called.path));
        // Arguments of format-like macros are expressions, too.
        let arguments = called.parse_body_with(
            syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated,
        );
        for argument in arguments.iter().flatten() {
            self.visit_expr(argument);
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file of the library with its module and the names in it.
fn modules() -> Vec<(PathBuf, String, Names)> {
    let root = source_folder();
    let mut modules = Vec::new();
    for path in sources(&root) {
        let inside = path.strip_prefix(&root).unwrap();
        let first = inside.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs").to_owned();
        if matches!(&*module, "lib" | "main") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut names = Names::default();
        names.visit_file(&syn::parse_file(&text).unwrap());
        modules.push((inside.to_owned(), module, names));
    }
    modules
}

fn floor(module: &str) -> u8 {
    FLOORS
        .iter()
        .find(|(name, _)| *name == module)
        .unwrap_or_else(|| panic!("module {module} has no floor in tests/architecture.rs"))
        .1
}

#[test]
fn imports_go_down() {
    let mut wrong = Vec::new();
    for (path, module, names) in modules() {
        let paths = names.paths.iter();
        for used in paths.filter_map(|name| name.strip_prefix("crate::")) {
            let other = used.split("::").next().unwrap();
            if other != module && floor(other) >= floor(&module) {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// A file's place among the modules: `rom/edit/mod.rs` is rom, edit.
fn module_path(path: &Path) -> Vec<String> {
    let names = path.with_extension("");
    let names = names.iter().map(|name| name.to_str().unwrap().to_owned());
    names.filter(|name| name != "mod").collect()
}

/// The files of the library by their modules.
struct House(BTreeMap<Vec<String>, Names>);

impl House {
    /// The module in which stands what a path names, which is written in
    /// another one; none where it is of no file of ours.
    fn place_of(&self, from: &[String], path: &str) -> Option<Vec<String>> {
        let mut place = Vec::new();
        let mut names = path.split("::").peekable();
        match *names.peek()? {
            "crate" => drop(names.next()),
            "self" => {
                names.next();
                place.extend_from_slice(from);
            }
            "super" => {
                place.extend_from_slice(from);
                while names.next_if_eq(&"super").is_some() {
                    place.pop();
                }
            }
            child => {
                place.extend_from_slice(from);
                let is_module = self.0.contains_key(&[from, &[child.to_owned()]].concat());
                is_module.then_some(())?;
            }
        }
        for name in names {
            let below = [&*place, &[name.to_owned()]].concat();
            if self.0.contains_key(&below) {
                place = below;
                continue;
            }
            let given_on = self.0.get(&place).into_iter().flat_map(|it| &it.given_on);
            let mut given_on = given_on.filter(|given| given.rsplit("::").next() == Some(name));
            return match given_on.next() {
                Some(given) => self.place_of(&place, given),
                None => Some(place),
            };
        }
        Some(place)
    }

    /// The modules that a module imports.
    fn imports(&self, module: &[String]) -> BTreeSet<Vec<String>> {
        let names = &self.0[module];
        let paths = names.paths.difference(&names.given_on);
        let mut places: BTreeSet<_> = paths
            .filter_map(|path| self.place_of(module, path))
            .collect();
        places.remove(module);
        places
    }
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    let files = modules().into_iter();
    let house = House(
        files
            .map(|(path, _, names)| (module_path(&path), names))
            .collect(),
    );
    let imports: BTreeMap<_, _> = house.0.keys().map(|it| (it, house.imports(it))).collect();
    assert!(imports[&["cli", "steps", "releases"].map(str::to_owned).to_vec()].len() > 5);
    let mut circles = Vec::new();
    for module in house.0.keys() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&Vec<String>> = imports[module].iter().collect();
        while let Some(other) = next.pop() {
            if seen.insert(other) {
                next.extend(imports.get(other).into_iter().flatten());
            }
        }
        if seen.contains(module) {
            circles.push(module.join("/"));
        }
    }
    assert_eq!(circles, [""; 0]);
}

#[test]
fn only_the_edge_touches_the_outside_world() {
    let mut wrong = Vec::new();
    for (path, module, names) in modules() {
        if module == "cli" {
            continue;
        }
        let proves = module == "prove";
        for name in &names.paths {
            let touches = |outside: &&&str| {
                name.strip_prefix(**outside)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            let allowed = proves && OF_THE_PROOF.iter().any(|outside| touches(&outside));
            if !allowed && OUTSIDE.iter().any(|outside| touches(&outside)) {
                wrong.push(format!("{} names {name}", path.display()));
            }
        }
        for called in PRINTING.iter().filter(|name| names.macros.contains(**name)) {
            wrong.push(format!("{} calls {called}!", path.display()));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn programs_are_started_in_few_places() {
    // QEMUs that the user names; this program itself and what it becomes; virsh;
    // gpg. No input names one of them.
    const STARTERS: [&str; 4] = [
        "prove/process.rs",
        "cli/io/supervise.rs",
        "cli/io/virsh.rs",
        "cli/steps/upload.rs",
    ];
    let mut wrong = Vec::new();
    for (path, _, names) in modules() {
        let path = path.to_str().unwrap();
        let starts = |name: &&String| {
            ["std::process::Command", "Command::new"]
                .iter()
                .any(|starts| name.ends_with(starts))
        };
        if !STARTERS.contains(&path) {
            let started = names.paths.iter().filter(starts);
            wrong.extend(started.map(|name| format!("{path} names {name}")));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_floor_has_its_module() {
    let modules: BTreeSet<String> = modules().into_iter().map(|(_, module, _)| module).collect();
    for (name, _) in FLOORS {
        assert!(modules.contains(*name), "src/{name} is gone");
    }
}

#[test]
fn a_source_file_can_be_read_at_one_sitting() {
    for path in sources(&source_folder()) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= 500, "{} has {lines} lines of code", path.display());
    }
}
