//! Every file of a compat package, and the `.deb` made of them.

use super::templates::{TemplateError, render};
use super::{Details, Manifest, ManifestRange, ManifestRom};
use crate::deb::changelog::{ChangelogError, date_line};
use crate::deb::{PackageContents, PackageFile, installed_size, write_package};
use crate::emit;
use crate::plan::CompatPlan;
use flate2::{Compression, GzBuilder};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};
use thiserror::Error;

/// A compat package: its bytes, and what it says of itself.
#[derive(Debug, Clone)]
pub struct CompatPackage {
    /// The `.deb`.
    pub deb: Vec<u8>,
    /// Its file name (Debian Policy 5.6.12: without the version's epoch).
    pub file_name: String,
    /// Where its ROMs come from.
    pub manifest: Manifest,
    /// The mapping, in files: the package has those for `-readconfig`, and all
    /// of them go beside it.
    pub mapping: Vec<MappingFile>,
}

/// A mapping in one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFile {
    /// Its file name.
    pub name: String,
    /// Its content.
    pub text: String,
    /// Whether it is for `-readconfig`.
    pub is_readconfig: bool,
}

/// The files of a plan's mapping; none where no device is told anything.
fn mapping_files(plan: &CompatPlan<'_>, manifest: &Manifest) -> Vec<MappingFile> {
    let file = |name: String, text: String, is_readconfig| MappingFile {
        name,
        text,
        is_readconfig,
    };
    if plan.ranges.is_empty() {
        let mapping = emit::mapping(plan);
        if mapping.is_empty() {
            return Vec::new();
        }
        return vec![
            file(READCONFIG.to_owned(), emit::readconfig(plan), true),
            file("globals.txt".to_owned(), emit::globals(plan), false),
        ];
    }
    let mut files = Vec::new();
    for (range, written) in plan.ranges.iter().zip(&manifest.ranges) {
        let Some(readconfig) = &written.readconfig else {
            continue;
        };
        let mapping = emit::range_mapping(plan, range);
        let text = emit::readconfig_of(&mapping, Some(range));
        files.push(file(readconfig.clone(), text, true));
        let name = format!("globals-up-to-{}.txt", range.up_to);
        files.push(file(name, emit::globals_of(&mapping), false));
    }
    let arrays = emit::CompatArray::of_ranges(plan);
    if !arrays.is_empty() {
        let text = emit::compat_array(&arrays, emit::ArrayForm::Array);
        files.push(file("compat-arrays.txt".to_owned(), text, false));
    }
    files
}

/// The file for `-readconfig` of a package for all machine types.
const READCONFIG: &str = "romfiles.cfg";

/// Why a package was not made.
#[derive(Debug, Error)]
pub enum PackageError {
    /// A text that cannot be rendered.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A date that cannot be written.
    #[error(transparent)]
    Date(#[from] ChangelogError),
    /// The package cannot be written.
    #[error("the package cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// Makes the package of a plan: the same bytes for the same plan and details.
///
/// # Errors
/// [`PackageError`] for a template that fails, and where the package that was
/// written does not read back as it was meant.
pub fn assemble(plan: &CompatPlan<'_>, details: &Details) -> Result<CompatPackage, PackageError> {
    let manifest = Manifest::of(plan, &details.old_release);
    let mapping = mapping_files(plan, &manifest);
    let share = format!("usr/share/{}", details.package);
    let documents = format!("usr/share/doc/{}", details.package);
    let mut values = TemplateValues::new(&manifest, details, &mapping)?;
    let changelog = render("changelog", &values)?;
    let readme = render("README.Debian", &values)?;
    let mut files = vec![
        file(&documents, "README.Debian", readme.as_bytes()),
        file(
            &documents,
            "changelog.Debian.gz",
            gzip(changelog.as_bytes())?,
        ),
        file(&documents, "copyright", &*details.copyright),
        file(
            &share,
            "manifest.json",
            crate::json::document(&manifest).into_bytes(),
        ),
    ];
    for written in mapping.iter().filter(|file| file.is_readconfig) {
        files.push(file(&share, &written.name, written.text.as_bytes()));
    }
    let install_dir = plan.install_dir.trim_start_matches('/');
    for rom in &plan.roms {
        files.push(file(install_dir, &rom.name, &*rom.bytes));
    }
    values.installed_size = installed_size(&files);
    let contents = PackageContents {
        control: render("control", &values)?,
        files,
        epoch: details.epoch,
    };
    let deb = write_package(&contents)?;
    let version = &details.version;
    let version = version.split_once(':').map_or(&**version, |(_, rest)| rest);
    Ok(CompatPackage {
        deb,
        file_name: format!("{}_{version}_all.deb", details.package),
        manifest,
        mapping,
    })
}

fn file<'a>(folder: &str, name: &str, bytes: impl Into<Cow<'a, [u8]>>) -> PackageFile<'a> {
    PackageFile {
        path: format!("{folder}/{name}"),
        bytes: bytes.into(),
    }
}

/// The values that templates may use.
#[derive(Debug, Serialize)]
struct TemplateValues<'a> {
    package: &'a str,
    version: &'a str,
    maintainer: &'a str,
    section: &'a str,
    distribution: &'a str,
    synopsis: &'a str,
    description: String,
    homepage: Option<&'a str>,
    old_release: &'a str,
    date: String,
    install_dir: &'a str,
    share_dir: String,
    installed_size: u64,
    globals: Vec<&'a str>,
    roms: Vec<RomValues<'a>>,
    ranges: Vec<RangeValues<'a>>,
    /// A device that is told a ROM, as an example, with its machine types.
    example: Option<Example>,
}

/// Machine types that use the same ROMs, for templates.
#[derive(Debug, Serialize)]
struct RangeValues<'a> {
    machines: String,
    release: &'a str,
    /// The mapping's file name; none where these machine types need nothing.
    readconfig: Option<&'a str>,
}

/// A command line that works as it stands.
#[derive(Debug, Serialize)]
struct Example {
    readconfig: String,
    device: String,
    is_network: bool,
}

/// One ROM, for templates.
#[derive(Debug, Serialize)]
struct RomValues<'a> {
    name: &'a str,
    bar: String,
    origin: &'a str,
    release: &'a str,
    /// Earlier releases whose guests use it, too.
    shared_with: Vec<&'a str>,
    devices: &'a [String],
    /// How it differs from the old ROM.
    changes: Vec<String>,
    /// Devices that do not boot from the network with it.
    no_boot: Vec<&'a str>,
}

impl<'a> TemplateValues<'a> {
    fn new(
        manifest: &'a Manifest,
        details: &'a Details,
        mapping: &'a [MappingFile],
    ) -> Result<Self, PackageError> {
        let share_dir = format!("/usr/share/{}", details.package);
        let globals = mapping.iter().find(|file| file.name == "globals.txt");
        let first = mapping.iter().rfind(|file| file.is_readconfig);
        let device = match manifest.ranges.last() {
            Some(_) => {
                let mapped = |range: &&ManifestRange| !range.devices.is_empty();
                let newest = manifest.ranges.iter().rfind(mapped);
                newest.and_then(|range| range.devices.keys().next())
            }
            None => manifest.roms.iter().flat_map(|rom| &rom.devices).next(),
        };
        let example = first.zip(device).map(|(file, device)| Example {
            readconfig: format!("{share_dir}/{}", file.name),
            device: device.clone(),
            is_network: emit::interface_model(device).is_some(),
        });
        let mut values = Self {
            package: &details.package,
            version: &details.version,
            maintainer: &details.maintainer,
            section: &details.section,
            distribution: &details.distribution,
            synopsis: &details.synopsis,
            description: String::new(),
            homepage: details.homepage.as_deref(),
            old_release: &details.old_release,
            date: date_line(details.epoch)?,
            install_dir: &manifest.install_dir,
            share_dir,
            installed_size: 0,
            globals: globals.iter().flat_map(|file| file.text.lines()).collect(),
            roms: manifest.roms.iter().map(RomValues::from).collect(),
            ranges: manifest
                .ranges
                .iter()
                .map(|range| RangeValues {
                    machines: range.machines(),
                    release: &range.release,
                    readconfig: range.readconfig.as_deref(),
                })
                .collect(),
            example,
        };
        let description = match &details.description {
            Some(text) => text.clone(),
            None => render("description", &values)?,
        };
        values.description = extended_description(&description);
        Ok(values)
    }
}

impl<'a> From<&'a ManifestRom> for RomValues<'a> {
    fn from(rom: &'a ManifestRom) -> Self {
        Self {
            name: &rom.name,
            bar: rom.bar.to_string(),
            origin: &rom.origin,
            release: &rom.release,
            shared_with: rom
                .shared_with
                .iter()
                .map(|other| &*other.release)
                .collect(),
            devices: &rom.devices,
            changes: rom.boot_ids.iter().map(ToString::to_string).collect(),
            no_boot: rom
                .lost_boot
                .iter()
                .flat_map(|lost| lost.devices.iter().map(String::as_str))
                .collect(),
        }
    }
}

/// Paragraphs as the continuation lines of a Description field: each line
/// after a space, a blank line as a dot (Debian Policy 5.6.13).
fn extended_description(text: &str) -> String {
    let lines: Vec<String> = text
        .trim()
        .lines()
        .map(|line| match line.trim_end() {
            "" => " .".to_owned(),
            line => format!(" {line}"),
        })
        .collect();
    lines.join("\n")
}

/// Compresses without a date or a name, as Policy asks (12.7, 4.15).
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb::BinaryPackage;
    use crate::plan::tests::with_plan;

    fn details() -> Details {
        Details {
            package: "ipxe-qemu-8k-compat-efi-roms".to_owned(),
            version: "1:1.0-5.1+compat1".to_owned(),
            maintainer: "A B <a@b.example>".to_owned(),
            section: "admin".to_owned(),
            distribution: "unstable".to_owned(),
            synopsis: "former option ROMs".to_owned(),
            description: None,
            homepage: None,
            old_release: "ipxe-qemu 1:1.0-5.1".to_owned(),
            copyright: b"terms\n".to_vec(),
            epoch: 1_600_000_000,
        }
    }

    fn file(deb: &[u8], wanted: &str) -> String {
        let mut text = String::new();
        BinaryPackage::read(deb)
            .unwrap()
            .for_each_entry(|entry, content| {
                if entry.path == wanted {
                    content.read_to_string(&mut text)?;
                }
                Ok::<_, io::Error>(())
            })
            .unwrap();
        text
    }

    #[test]
    fn the_file_name_leaves_out_the_epoch() {
        with_plan(&[("efi-e1000.rom", 5000)], |plan| {
            let package = assemble(plan, &details()).unwrap();
            assert_eq!(
                package.file_name,
                "ipxe-qemu-8k-compat-efi-roms_1.0-5.1+compat1_all.deb"
            );
        });
    }

    #[test]
    fn the_readme_names_each_rom_its_origin_and_the_options() {
        with_plan(&[("efi-e1000.rom", 5000)], |plan| {
            let package = assemble(plan, &details()).unwrap();
            let readme = "usr/share/doc/ipxe-qemu-8k-compat-efi-roms/README.Debian";
            let text = file(&package.deb, readme);
            for words in [
                "    compat-8k-efi-e1000.rom (8K)\n        was efi-e1000.rom\n        for e1000, e1000-82544gc, e1000-82545em\n",
                "    -global e1000.romfile=compat-8k-efi-e1000.rom\n",
                "-readconfig /usr/share/ipxe-qemu-8k-compat-efi-roms/romfiles.cfg",
                " -- A B <a@b.example>  Sun, 13 Sep 2020 12:26:40 +0000\n",
            ] {
                assert!(text.contains(words), "{words} in {text}");
            }
        });
    }

    #[test]
    fn a_package_whose_roms_no_device_loads_has_no_mapping() {
        with_plan(&[("pxe-e1000.rom", 5000)], |plan| {
            let package = assemble(plan, &details()).unwrap();
            assert!(package.mapping.is_empty());
            let cfg = "usr/share/ipxe-qemu-8k-compat-efi-roms/romfiles.cfg";
            assert_eq!(file(&package.deb, cfg), "");
        });
    }

    #[test]
    fn the_same_plan_gives_the_same_bytes() {
        with_plan(&[("efi-e1000.rom", 5000), ("a.rom", 512)], |plan| {
            let one = assemble(plan, &details()).unwrap();
            assert_eq!(one.deb, assemble(plan, &details()).unwrap().deb);
        });
    }

    #[test]
    fn a_description_becomes_continuation_lines() {
        assert_eq!(extended_description("a\nb\n\nc\n"), " a\n b\n .\n c");
    }
}
