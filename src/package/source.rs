//! The source package of a compat package: one that carries the ROMs, or one
//! that builds them from iPXE's source.

use super::Details;
use super::assemble::{Texts, rom_files, shared_files};
use super::copyright;
use super::error::PackageError;
use super::mapping_files::mapping_files;
use super::previous::Previous;
use super::templates::Templates;
use super::values::{TemplateValues, continuation};
use crate::deb::control::{upstream_version, without_epoch};
use crate::deb::{PackageFile, SourceContents, Upstream, is_native, source_format, write_source};
use crate::plan::{CompatPlan, CompatRom, Manifest};
use crate::qemu::{DEVICES, Device};
use crate::rom::{CodeType, Rom};
use crate::romset::sha256_hex;
use deb822_fast::Paragraph;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// An archive of iPXE's source, as it was published.
#[derive(Debug, Clone, Copy)]
pub struct IpxeSource<'a> {
    /// The end of its name: `tar.xz`, `tar.gz` or `tar.bz2`.
    pub extension: &'static str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What the templates of a source package may say beside the rest.
#[derive(Debug, Serialize)]
pub(super) struct SourceValues<'a> {
    #[serde(flatten)]
    package: &'a TemplateValues<'a>,
    /// The terms as continuation lines of a field.
    terms: String,
    /// The stanzas of terms in the machine-readable form, if that is theirs.
    stanzas: Option<String>,
    /// Whether these stanzas have the text of the licence of `debian/`.
    has_expat: bool,
    /// Whether the package with the hook is built, too.
    libvirt_hook: bool,
    /// The folder in which the build finds the ROMs.
    roms_folder: &'static str,
    /// All that iPXE's `make` is asked for.
    ipxe_targets: BTreeSet<String>,
    is_native: bool,
    /// The version without its epoch and revision.
    upstream_version: &'a str,
    /// The revision; empty in a native version.
    revision: &'a str,
    /// Seconds since 1970-01-01 UTC.
    epoch: u64,
}

impl<'a> SourceValues<'a> {
    pub(super) fn new(
        package: &'a TemplateValues<'a>,
        details: &'a Details,
        libvirt_hook: bool,
    ) -> Self {
        let terms = String::from_utf8_lossy(&details.copyright);
        let stanzas = copyright::stanzas(&terms);
        let has_expat = stanzas
            .as_ref()
            .is_some_and(|stanzas| copyright::has_licence(stanzas, "Expat"));
        let targets = package.roms.iter().flat_map(|rom| &rom.ipxe_targets);
        Self {
            package,
            stanzas: stanzas.map(|stanzas| stanzas.join("\n").trim_end().to_owned()),
            has_expat,
            terms: continuation(&terms),
            libvirt_hook,
            roms_folder: match package.from_ipxe {
                true => "debian/roms",
                false => "roms",
            },
            ipxe_targets: targets.cloned().collect(),
            is_native: is_native(&details.version),
            upstream_version: upstream_version(&details.version),
            revision: without_epoch(&details.version)
                .rsplit_once('-')
                .map_or("", |(_, revision)| revision),
            epoch: details.epoch,
        }
    }
}

/// The fields of `debian/control` that a `.dsc` repeats, in its order.
const DSC_FIELDS: [&str; 7] = [
    "Maintainer",
    "Uploaders",
    "Homepage",
    "Standards-Version",
    "Vcs-Browser",
    "Vcs-Git",
    "Build-Depends",
];

/// Makes the source package of a plan, the `.dsc` first: the same bytes for
/// the same plan and details. With `libvirt_hook`, it builds the package with
/// the hook, too.
///
/// # Errors
/// [`PackageError`] for a template that fails, a ROM that iPXE's source does
/// not make, and an archive that does not read back as it was meant.
pub fn assemble_source(
    plan: &CompatPlan<'_>,
    details: &Details,
    previous: Option<&Previous>,
    templates: &Templates,
    ipxe: Option<IpxeSource<'_>>,
    libvirt_hook: bool,
) -> Result<Vec<(String, Vec<u8>)>, PackageError> {
    let manifest = match ipxe {
        Some(_) => Manifest::from_ipxe(plan, &details.old_release),
        None => Manifest::of(plan, &details.old_release),
    };
    let mapping = mapping_files(&manifest);
    let mut texts = Texts::render(&manifest, details, previous, templates)?;
    if ipxe.is_some() {
        for (rom, values) in plan.roms.iter().zip(&mut texts.values.roms) {
            values.ipxe_targets = targets(rom)?;
        }
    }
    let values = SourceValues::new(&texts.values, details, libvirt_hook);
    let control = templates.render("source/control", &values)?;
    let mut debian = texts.source_files(&details.version);
    debian.push(PackageFile::new(
        "debian/control",
        control.clone().into_bytes(),
    ));
    let of_kind = if ipxe.is_some() {
        &OF_IPXE[..]
    } else {
        &OF_ROMS
    };
    for (path, template, is_executable) in OF_BOTH.iter().chain(of_kind) {
        let text = templates.render(template, &values)?;
        if !text.trim().is_empty() {
            debian.push(PackageFile {
                path: format!("debian/{path}"),
                bytes: text.into_bytes().into(),
                is_executable: *is_executable,
            });
        }
    }
    if libvirt_hook {
        debian.extend(hook_files(&values, details, templates)?);
    }
    let shared = shared_files(&details.package, &manifest, &mapping);
    let upstream = match ipxe {
        Some(IpxeSource { extension, bytes }) => {
            debian.extend(below("debian/share", shared));
            Upstream::Archive { extension, bytes }
        }
        None => {
            let roms = rom_files(plan);
            debian.push(PackageFile::new(
                "debian/roms.sha256",
                sums(&roms).into_bytes(),
            ));
            let mut files = below("roms", roms);
            files.extend(below("share", shared));
            Upstream::Files(files)
        }
    };
    let contents = SourceContents {
        source: &details.package,
        version: &details.version,
        binaries: match libvirt_hook {
            true => vec![details.package.clone(), details.hook_package()],
            false => vec![details.package.clone()],
        },
        fields: dsc_fields(&control, details, libvirt_hook),
        upstream,
        debian,
        epoch: details.epoch,
    };
    Ok(write_source(&contents)?)
}

/// A file below `debian/`, its template, and whether it is a program. One whose
/// template gives nothing is left out.
type Rendered = (&'static str, &'static str, bool);

const OF_BOTH: [Rendered; 8] = [
    ("copyright", "source/copyright", false),
    ("gbp.conf", "source/gbp.conf", false),
    ("install", "source/install", false),
    ("lintian-overrides", "lintian-overrides", false),
    ("salsa-ci.yml", "source/salsa-ci.yml", false),
    (
        "source/lintian-overrides",
        "source/lintian-overrides",
        false,
    ),
    ("tests/control", "source/tests/control", false),
    ("tests/migration", "source/tests/migration", true),
];

const OF_ROMS: [Rendered; 1] = [("rules", "source/rules", true)];

const OF_IPXE: [Rendered; 2] = [
    ("rules", "source/rules-from-ipxe", true),
    ("pad-rom", "source/pad-rom", true),
];

impl Texts<'_> {
    /// The texts that a source package has, too, and its format.
    fn source_files<'a>(&self, version: &str) -> Vec<PackageFile<'a>> {
        let file = |path: &str, text: &str| PackageFile::new(path, text.as_bytes().to_vec());
        let format = format!("{}\n", source_format(version));
        let mut files = vec![
            file("debian/README.Debian", &self.readme),
            file("debian/changelog", &self.changelog),
            file("debian/source/format", &format),
        ];
        files.extend(self.news.iter().map(|news| file("debian/NEWS", news)));
        files
    }
}

/// What the package with the hook has of its own, below `debian/`.
fn hook_files<'a>(
    values: &SourceValues<'_>,
    details: &Details,
    templates: &Templates,
) -> Result<Vec<PackageFile<'a>>, PackageError> {
    let hook = details.hook_package();
    let mut files = vec![PackageFile::program(
        format!("debian/hook/{}", details.package),
        templates.render("hook/script", values)?.into_bytes(),
    )];
    for (name, template) in [
        ("README.Debian", "hook/README.Debian"),
        ("install", "source/hook-install"),
        ("lintian-overrides", "lintian-overrides"),
    ] {
        let text = templates.render(template, values)?;
        if !text.trim().is_empty() {
            let path = format!("debian/{hook}.{name}");
            files.push(PackageFile::new(path, text.into_bytes()));
        }
    }
    Ok(files)
}

/// The files in another folder, by their names.
fn below<'a>(folder: &str, files: Vec<PackageFile<'a>>) -> Vec<PackageFile<'a>> {
    let moved = files.into_iter().map(|file| PackageFile {
        path: format!("{folder}/{}", file_name(&file.path)),
        ..file
    });
    moved.collect()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The sums of ROMs as sha256sum(1) checks them.
fn sums(roms: &[PackageFile<'_>]) -> String {
    let mut text = String::new();
    for rom in roms {
        let _ = writeln!(text, "{}  {}", sha256_hex(&rom.bytes), file_name(&rom.path));
    }
    text
}

fn dsc_fields(control: &str, details: &Details, libvirt_hook: bool) -> String {
    let source = control.split("\n\n").next().unwrap_or_default();
    let source: Option<Paragraph> = source.parse().ok();
    let mut text = String::new();
    for field in DSC_FIELDS {
        let value = source.as_ref().and_then(|source| source.get(field));
        if let Some(value) = value {
            let _ = writeln!(text, "{field}: {}", value.replace('\n', " "));
        }
    }
    let _ = writeln!(text, "Testsuite: autopkgtest");
    let _ = writeln!(text, "Testsuite-Triggers: qemu-system-x86");
    text.push_str("Package-List:\n");
    let hook = libvirt_hook.then(|| details.hook_package());
    for package in [&details.package].into_iter().chain(&hook) {
        let section = &details.section;
        let _ = writeln!(text, " {package} deb {section} optional arch=all");
    }
    text
}

/// The devices that load a ROM by default, with today's machine types or else
/// with very old ones.
fn loaders(rom: &CompatRom<'_>) -> Vec<&'static Device> {
    if !rom.devices.is_empty() {
        return rom.devices.clone();
    }
    let in_some = |device: &&Device| {
        let mut versions = Device::DEFAULTS_CHANGED_AFTER.into_iter();
        versions.any(|version| device.romfile_in(version) == Some(rom.origin.name()))
    };
    DEVICES.iter().filter(in_some).collect()
}

/// What iPXE's `make` is asked for to get each image of a ROM, in their order
/// (`src/Makefile.housekeeping` of iPXE: `bin/VVVVDDDD.rom`).
fn targets(rom: &CompatRom<'_>) -> Result<Vec<String>, PackageError> {
    let refuse = |why: &str| PackageError::NotOfIpxe {
        rom: rom.origin.name().to_owned(),
        why: why.to_owned(),
    };
    let parsed = Rom::parse(&rom.bytes).map_err(|_| refuse("it cannot be read"))?;
    let loaders = loaders(rom);
    let mut targets = Vec::new();
    for (image, number) in parsed.images().iter().zip(1..) {
        // Some shipped images have ids of no device, which QEMU sets right as it
        // loads them; iPXE knows devices.
        let own = image.ids().filter(|ids| {
            let mut devices = loaders.iter();
            devices.any(|device| device.all_ids().any(|of_device| of_device == *ids))
        });
        let of_image = image.ids().filter(|ids| ids.vendor != 0 && ids.device != 0);
        let ids = own
            .or_else(|| loaders.first().map(|device| device.ids))
            .or(of_image)
            .ok_or_else(|| {
                refuse(&format!(
                    "image {number} has no ids, and no device is known to load it"
                ))
            })?;
        let file = format!("{:04x}{:04x}", ids.vendor, ids.device);
        let target = match (image.code_type(), image.efi()) {
            (CodeType::X86, _) if image.ipxe().is_some() => format!("bin/{file}.rom"),
            (CodeType::Efi, Some(efi)) => {
                let folder = match efi.machine().0 {
                    0x014c => "bin-i386-efi",
                    0x8664 => "bin-x86_64-efi",
                    0xaa64 => "bin-arm64-efi",
                    other => {
                        return Err(refuse(&format!(
                            "image {number} is for the EFI machine 0x{other:04x}"
                        )));
                    }
                };
                format!("{folder}/{file}.efirom")
            }
            _ => return Err(refuse(&format!("image {number} is none of iPXE's"))),
        };
        targets.push(target);
    }
    Ok(targets)
}
