//! The sources that an archive must keep as long as the ROMs of a package.

use crate::deb::control::ControlError;
use crate::deb::relation::ExactSource;
use crate::plan::CompatPlan;
use std::collections::BTreeSet;
use thiserror::Error;

/// `Built-Using` and `Static-Built-Using` of a package that has the ROMs of a
/// plan (Debian Policy 7.8, deb-control(5)): the source of each release that
/// ships a ROM, and what these releases name themselves.
#[derive(Debug, Default)]
pub(super) struct BuiltUsing {
    pub sources: Option<String>,
    pub static_sources: Option<String>,
}

/// A field of a release that Debian Policy forbids.
#[derive(Debug, Error)]
#[error("{release}: {source}")]
pub(super) struct ForbiddenSource {
    /// Name and version of the package.
    pub release: String,
    /// What is wrong with it.
    pub source: ControlError,
}

impl BuiltUsing {
    /// # Errors
    /// [`ForbiddenSource`] for a field of a release that Policy forbids.
    pub(super) fn of(plan: &CompatPlan<'_>) -> Result<Self, ForbiddenSource> {
        let ships = |release: &str| plan.roms.iter().any(|rom| rom.release == release);
        let releases = plan.earlier.iter().copied().chain([plan.old]);
        let origins = releases
            .filter(|set| ships(&set.release()))
            .filter_map(|set| set.package.as_ref());
        let (mut sources, mut static_sources) = (BTreeSet::new(), BTreeSet::new());
        for origin in origins {
            let of_release = |source| ForbiddenSource {
                release: origin.to_string(),
                source,
            };
            let control = &origin.control;
            sources.insert(control.source().map_err(of_release)?);
            sources.extend(control.sources_of("Built-Using").map_err(of_release)?);
            let linked = control.sources_of("Static-Built-Using");
            static_sources.extend(linked.map_err(of_release)?);
        }
        Ok(Self {
            sources: list(&sources),
            static_sources: list(&static_sources),
        })
    }
}

/// Sources as a field lists them.
fn list(sources: &BTreeSet<ExactSource>) -> Option<String> {
    let sources: Vec<String> = sources.iter().map(ToString::to_string).collect();
    (!sources.is_empty()).then(|| sources.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb::control::Control;
    use crate::plan::tests::{rom_set, with_plan};
    use crate::romset::{PackageOrigin, RomSet};

    fn release(version: &str, more: &str) -> RomSet {
        let mut set = rom_set(&[("a.rom", 512)]);
        let text =
            format!("Package: aa\nSource: roms\nVersion: {version}\nMaintainer: A <a@b>\n{more}");
        set.package = Some(PackageOrigin {
            control: Control::parse(text.as_bytes()).unwrap(),
            copyright: None,
            changelog: None,
        });
        set
    }

    #[test]
    fn every_release_that_ships_a_rom_is_named_with_what_it_names_and_no_other() {
        let old = release(
            "3",
            "Built-Using: gcc (= 1),\n  edk2  (= 2)\nStatic-Built-Using: rust (= 1)\n",
        );
        let (first, second) = (release("1", "Built-Using: gcc (= 1)\n"), release("2", ""));
        with_plan(&[("a.rom", 512), ("b.rom", 512)], |plan| {
            let mut plan = plan.clone();
            plan.old = &old;
            plan.earlier = vec![&first, &second];
            plan.roms[0].release = "aa 1".to_owned();
            plan.roms[1].release = "aa 3".to_owned();
            let built_using = BuiltUsing::of(&plan).unwrap();
            assert_eq!(
                built_using.sources.as_deref(),
                Some("edk2 (= 2), gcc (= 1), roms (= 1), roms (= 3)")
            );
            assert_eq!(built_using.static_sources.as_deref(), Some("rust (= 1)"));
        });
    }

    #[test]
    fn roms_of_no_package_name_no_source() {
        with_plan(&[("a.rom", 512)], |plan| {
            assert_eq!(BuiltUsing::of(plan).unwrap().sources, None);
        });
    }
}
