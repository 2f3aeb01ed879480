//! Every file of a compat package, and the `.deb` made of them.

use super::Details;
use super::error::PackageError;
use super::mapping_files::{MappingFile, mapping_files};
use super::previous::Previous;
use super::templates::Templates;
use super::values::TemplateValues;
use crate::deb::control::without_epoch;
use crate::deb::{PackageContents, PackageFile, installed_size, write_package};
use crate::plan::{CompatPlan, Manifest};
use flate2::{Compression, GzBuilder};
use std::borrow::Cow;
use std::io::{self, Write};

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
    /// Its changelog, the newest entry first.
    pub changelog: String,
}

/// The texts of a package, and what they say.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    pub values: TemplateValues<'a>,
    pub changelog: String,
    pub readme: String,
    pub news: Option<String>,
}

impl<'a> Texts<'a> {
    pub(super) fn render(
        manifest: &'a Manifest,
        details: &'a Details,
        previous: Option<&'a Previous>,
        templates: &Templates,
    ) -> Result<Self, PackageError> {
        let values = TemplateValues::new(manifest, details, previous, templates)?;
        let mut changelog = templates.render("changelog", &values)?;
        let mut news = None;
        if let Some(previous) = previous {
            let before = previous.is_called(&details.package);
            if before {
                changelog = format!("{changelog}\n{}", previous.changelog);
            }
            let old_news = previous.news.as_deref().filter(|_| before);
            let new_news = match values.mapping_changed {
                true => Some(templates.render("NEWS", &values)?),
                false => None,
            };
            news = match (new_news, old_news) {
                (Some(new), Some(old)) => Some(format!("{new}\n{old}")),
                (new, old) => new.or_else(|| old.map(str::to_owned)),
            };
        }
        Ok(Self {
            changelog,
            news,
            readme: templates.render("README.Debian", &values)?,
            values,
        })
    }
}

/// Makes the package of a plan: the same bytes for the same plan and details.
/// `previous` is the package that it takes the place of.
///
/// # Errors
/// [`PackageError`] for a template that fails, and where the package that was
/// written does not read back as it was meant.
pub fn assemble(
    plan: &CompatPlan<'_>,
    details: &Details,
    previous: Option<&Previous>,
    templates: &Templates,
) -> Result<CompatPackage, PackageError> {
    let manifest = Manifest::of(plan, &details.old_release);
    let mapping = mapping_files(&manifest);
    let documents = format!("usr/share/doc/{}", details.package);
    let texts = Texts::render(&manifest, details, previous, templates)?;
    let Texts {
        mut values,
        changelog,
        readme,
        news,
    } = texts;
    let mut files = vec![
        file(&documents, "README.Debian", readme.as_bytes()),
        file(
            &documents,
            "changelog.Debian.gz",
            gzip(changelog.as_bytes())?,
        ),
        file(&documents, "copyright", &*details.copyright),
    ];
    if let Some(news) = &news {
        files.push(file(&documents, "NEWS.Debian.gz", gzip(news.as_bytes())?));
    }
    files.extend(lintian_overrides(&details.package, &values, templates)?);
    files.extend(rom_files(plan));
    files.extend(shared_files(&details.package, &manifest, &mapping));
    values.installed_size = installed_size(&files);
    let contents = PackageContents {
        control: templates.render("control", &values)?,
        files,
        epoch: details.epoch,
    };
    let deb = write_package(&contents)?;
    let version = without_epoch(&details.version);
    Ok(CompatPackage {
        deb,
        file_name: format!("{}_{version}_all.deb", details.package),
        changelog,
        manifest: manifest.clone(),
        mapping: mapping.clone(),
    })
}

/// What lintian shall not say of a package; none where it has nothing to say.
fn lintian_overrides<'a>(
    package: &str,
    values: &TemplateValues<'_>,
    templates: &Templates,
) -> Result<Option<PackageFile<'a>>, PackageError> {
    let text = templates.render("lintian-overrides", values)?;
    let is_needed = !text.trim().is_empty();
    Ok(is_needed.then(|| file("usr/share/lintian/overrides", package, text.into_bytes())))
}

/// The ROMs, where the package puts them.
pub(super) fn rom_files<'a>(plan: &'a CompatPlan<'_>) -> Vec<PackageFile<'a>> {
    let install_dir = plan.install_dir.trim_start_matches('/');
    let roms = plan.roms.iter();
    roms.map(|rom| file(install_dir, &rom.name, &*rom.bytes))
        .collect()
}

/// The manifest and the mapping, where the package puts them.
pub(super) fn shared_files<'a>(
    package: &str,
    manifest: &Manifest,
    mapping: &'a [MappingFile],
) -> Vec<PackageFile<'a>> {
    let share = format!("usr/share/{package}");
    let document = crate::json::document(manifest).into_bytes();
    let mut files = vec![file(&share, "manifest.json", document)];
    let readconfigs = mapping.iter().filter(|file| file.is_readconfig);
    files.extend(readconfigs.map(|written| file(&share, &written.name, written.text.as_bytes())));
    files
}

fn file<'a>(folder: &str, name: &str, bytes: impl Into<Cow<'a, [u8]>>) -> PackageFile<'a> {
    PackageFile::new(format!("{folder}/{name}"), bytes)
}

/// A package with the hook for libvirt.
#[derive(Debug, Clone)]
pub struct HookPackage {
    /// Its name.
    pub package: String,
    /// First line of its description.
    pub synopsis: String,
    /// Its file name.
    pub file_name: String,
    /// The `.deb`.
    pub deb: Vec<u8>,
}

/// Makes the package whose hook gives the ROMs of a compat package to guests as
/// they come to a host. It has the mapping itself: where it is installed alone,
/// its hook sends guests back to the host's own ROMs.
///
/// # Errors
/// [`PackageError`] as for [`assemble`].
pub fn assemble_hook(
    of: &CompatPackage,
    details: &Details,
    previous: Option<&Previous>,
    templates: &Templates,
) -> Result<HookPackage, PackageError> {
    let package = details.hook_package();
    let documents = format!("usr/share/doc/{package}");
    let mut values = TemplateValues::new(&of.manifest, details, previous, templates)?;
    let readme = templates.render("hook/README.Debian", &values)?;
    let script = templates.render("hook/script", &values)?;
    let changelog = gzip(of.changelog.as_bytes())?;
    let mapping = crate::json::document(&of.manifest).into_bytes();
    let mut files = vec![
        PackageFile::program(
            format!("etc/libvirt/hooks/qemu.d/{}", details.package),
            script.into_bytes(),
        ),
        file(&format!("usr/share/{package}"), "manifest.json", mapping),
        file(&documents, "README.Debian", readme.into_bytes()),
        file(&documents, "changelog.Debian.gz", changelog),
        file(&documents, "copyright", &*details.copyright),
    ];
    files.extend(lintian_overrides(&package, &values, templates)?);
    values.installed_size = installed_size(&files);
    let contents = PackageContents {
        control: templates.render("hook/control", &values)?,
        files,
        epoch: details.epoch,
    };
    let version = without_epoch(&details.version);
    Ok(HookPackage {
        deb: write_package(&contents)?,
        file_name: format!("{package}_{version}_all.deb"),
        synopsis: format!("{} (libvirt hook)", details.synopsis),
        package,
    })
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
            maintainer: "A B <a@b.example>".parse().unwrap(),
            author: "A B <a@b.example>".parse().unwrap(),
            section: "admin".to_owned(),
            distribution: "unstable".to_owned(),
            synopsis: "former option ROMs".to_owned(),
            description: None,
            homepage: None,
            built_using: None,
            static_built_using: None,
            vcs_git: None,
            vcs_browser: None,
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
            let package = assemble(plan, &details(), None, &Templates::default()).unwrap();
            assert_eq!(
                package.file_name,
                "ipxe-qemu-8k-compat-efi-roms_1.0-5.1+compat1_all.deb"
            );
        });
    }

    #[test]
    fn the_readme_names_each_rom_its_origin_and_the_options() {
        with_plan(&[("efi-e1000.rom", 5000)], |plan| {
            let package = assemble(plan, &details(), None, &Templates::default()).unwrap();
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
            let package = assemble(plan, &details(), None, &Templates::default()).unwrap();
            assert!(package.mapping.is_empty());
            let cfg = "usr/share/ipxe-qemu-8k-compat-efi-roms/romfiles.cfg";
            assert_eq!(file(&package.deb, cfg), "");
        });
    }

    #[test]
    fn the_same_plan_gives_the_same_bytes() {
        with_plan(&[("efi-e1000.rom", 5000), ("a.rom", 512)], |plan| {
            let one = assemble(plan, &details(), None, &Templates::default()).unwrap();
            assert_eq!(
                one.deb,
                assemble(plan, &details(), None, &Templates::default())
                    .unwrap()
                    .deb
            );
        });
    }
}
