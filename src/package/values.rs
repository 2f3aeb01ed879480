//! What the templates of a package may say.

use super::Details;
use super::copyright::versionless_reference;
use super::details::hook_package;
use super::error::PackageError;
use super::previous::Previous;
use super::templates::Templates;
use crate::deb::changelog::date_line;
use crate::emit;
use crate::plan::{Manifest, ManifestRom, MappedDevice, Mapping};
use serde::Serialize;

/// The values that templates may use.
#[derive(Debug, Serialize)]
pub(super) struct TemplateValues<'a> {
    package: &'a str,
    version: &'a str,
    maintainer: String,
    /// Who made it: the changelog's entry is theirs.
    author: String,
    section: &'a str,
    distribution: &'a str,
    synopsis: &'a str,
    description: String,
    homepage: Option<&'a str>,
    /// The source packages of the ROMs, for `Built-Using`.
    built_using: Option<&'a str>,
    /// Those that were linked into the ROMs.
    static_built_using: Option<&'a str>,
    /// What lintian says of the terms, which are those of the ROMs.
    lintian_on_terms: Option<&'static str>,
    /// A package of another name whose place it takes, for `Breaks` and
    /// `Replaces` (Debian Policy 7.6.1).
    takes_place_of: Option<String>,
    /// The same for the package with the hook.
    hook_takes_place_of: Option<String>,
    hook_description: String,
    /// Whether the ROMs are built of iPXE's source.
    pub from_ipxe: bool,
    vcs_git: Option<&'a str>,
    vcs_browser: Option<&'a str>,
    /// The version that the package takes the place of.
    previous_version: Option<&'a str>,
    /// Whether its mapping is another one.
    pub mapping_changed: bool,
    /// The newest machine types that the mapping is for, if it ends anywhere.
    newest_machines: Option<String>,
    old_release: &'a str,
    date: String,
    install_dir: &'a str,
    share_dir: String,
    pub installed_size: u64,
    globals: Vec<String>,
    /// Those of display adapters, which only a guest that has one may be told.
    display_globals: Vec<String>,
    pub roms: Vec<RomValues<'a>>,
    ranges: Vec<RangeValues<'a>>,
    /// Machine types that a mapping without ranges is not for.
    other_defaults: Vec<OtherDefaults<'a>>,
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

/// Devices that have other ROMs by default up to a version of machine types.
#[derive(Debug, Serialize)]
struct OtherDefaults<'a> {
    up_to: String,
    devices: Vec<&'a str>,
}

/// A command line that works as it stands.
#[derive(Debug, Serialize)]
struct Example {
    readconfig: String,
    device: String,
    /// The `-global` option in place of the file, for a display adapter.
    global: Option<String>,
    /// A machine type that the file is for, where it is not for all.
    machine: Option<String>,
    is_network: bool,
}

impl Example {
    /// A device of the newest machine types that are told anything, a network
    /// card if there is one.
    fn of(mappings: &[Mapping], share_dir: &str) -> Option<Self> {
        let (mapping, readconfig) = mappings
            .iter()
            .rev()
            .find_map(|mapping| Some((mapping, mapping.readconfig()?)))?;
        let range = mapping.range.as_ref();
        let mut devices: Vec<&MappedDevice> = mapping.devices.iter().collect();
        devices.sort_by_key(|mapped| (mapped.is_display(), range.map(|_| &mapped.device)));
        let mapped = devices.first()?;
        Some(Self {
            readconfig: format!("{share_dir}/{readconfig}"),
            device: mapped.device.clone(),
            global: mapped.is_display().then(|| emit::global(mapped)),
            machine: range.map(|range| format!("pc-i440fx-{}", range.up_to)),
            is_network: !mapped.is_display(),
        })
    }
}

/// One ROM, for templates.
#[derive(Debug, Serialize)]
pub(super) struct RomValues<'a> {
    name: &'a str,
    bar: String,
    bar_bytes: u64,
    former_bytes: u64,
    /// What iPXE's `make` is asked for to get its images.
    pub ipxe_targets: Vec<String>,
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
    pub(super) fn new(
        manifest: &'a Manifest,
        details: &'a Details,
        previous: Option<&'a Previous>,
        templates: &Templates,
    ) -> Result<Self, PackageError> {
        let share_dir = format!("/usr/share/{}", details.package);
        let mappings = manifest.mappings();
        let for_all = mappings.iter().filter(|mapping| mapping.range.is_none());
        let for_all = for_all.flat_map(|mapping| &mapping.devices);
        let (displays, cards): (Vec<_>, Vec<_>) = for_all.partition(|mapped| mapped.is_display());
        let devices = manifest.roms.iter().flat_map(|rom| &rom.devices);
        let other_defaults = match &*manifest.ranges {
            [] => emit::other_defaults(devices.map(String::as_str)),
            _ => Vec::new(),
        };
        let before = previous.filter(|previous| !previous.is_called(&details.package));
        let mut values = Self {
            package: &details.package,
            version: &details.version,
            maintainer: details.maintainer.to_string(),
            author: details.author.to_string(),
            section: &details.section,
            distribution: &details.distribution,
            synopsis: &details.synopsis,
            description: String::new(),
            homepage: details.homepage.as_deref(),
            built_using: details.built_using.as_deref(),
            static_built_using: details.static_built_using.as_deref(),
            lintian_on_terms: versionless_reference(&details.copyright),
            takes_place_of: before.map(|p| format!("{} (<= {})", p.package, p.version)),
            hook_takes_place_of: before
                .map(|p| format!("{} (<= {})", hook_package(&p.package), p.version)),
            hook_description: String::new(),
            from_ipxe: manifest.from_ipxe,
            vcs_git: details.vcs_git.as_deref(),
            vcs_browser: details.vcs_browser.as_deref(),
            previous_version: previous.map(|previous| &*previous.version),
            mapping_changed: previous.is_some_and(|previous| previous.maps_differently(manifest)),
            newest_machines: manifest.ranges.last().map(|range| range.up_to.to_string()),
            old_release: &details.old_release,
            date: date_line(details.epoch)?,
            install_dir: &manifest.install_dir,
            example: Example::of(&mappings, &share_dir),
            share_dir,
            installed_size: 0,
            globals: cards.into_iter().map(emit::global).collect(),
            display_globals: displays.into_iter().map(emit::global).collect(),
            roms: manifest.roms.iter().map(RomValues::from).collect(),
            ranges: manifest
                .ranges
                .iter()
                .map(|range| RangeValues {
                    machines: range.to_string(),
                    release: &range.release,
                    readconfig: range.readconfig.as_deref(),
                })
                .collect(),
            other_defaults: other_defaults
                .into_iter()
                .map(|(version, devices)| OtherDefaults {
                    up_to: version.to_string(),
                    devices,
                })
                .collect(),
        };
        let description = match &details.description {
            Some(text) => text.clone(),
            None => templates.render("description", &values)?,
        };
        values.description = continuation(&description);
        let hook_description = templates.render("hook/description", &values)?;
        values.hook_description = continuation(&hook_description);
        Ok(values)
    }
}

impl<'a> From<&'a ManifestRom> for RomValues<'a> {
    fn from(rom: &'a ManifestRom) -> Self {
        Self {
            name: &rom.name,
            bar: rom.bar.to_string(),
            bar_bytes: rom.bar.bytes(),
            former_bytes: rom.origin_size,
            ipxe_targets: Vec::new(),
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

/// A text as the continuation lines of a field: each line after a space, a
/// blank line as a dot (Debian Policy 5.6.13).
pub(super) fn continuation(text: &str) -> String {
    let lines: Vec<String> = text
        .trim_matches('\n')
        .lines()
        .map(|line| match line.trim_end() {
            "" => " .".to_owned(),
            line => format!(" {line}"),
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_continuation_lines() {
        assert_eq!(continuation("a\nb\n\nc\n"), " a\n b\n .\n c");
    }
}
