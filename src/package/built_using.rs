//! The sources that an archive must keep as long as the ROMs of a package.

use crate::plan::CompatPlan;
use crate::romset::PackageOrigin;
use std::collections::BTreeSet;

/// `Built-Using` and `Static-Built-Using` of a package that has the ROMs of a
/// plan (Debian Policy 7.8, deb-control(5)): the source of each release that
/// ships a ROM, and what these releases name themselves.
#[derive(Debug, Default)]
pub(super) struct BuiltUsing {
    pub sources: Option<String>,
    pub static_sources: Option<String>,
}

impl BuiltUsing {
    pub(super) fn of(plan: &CompatPlan<'_>) -> Self {
        let ships = |release: &str| plan.roms.iter().any(|rom| rom.release == release);
        let releases = plan.earlier.iter().copied().chain([plan.old]);
        let origins: Vec<&PackageOrigin> = releases
            .filter(|set| ships(&set.release()))
            .filter_map(|set| set.package.as_ref())
            .collect();
        let named = |field: &'static str| {
            let fields = origins.iter().filter_map(|o| o.control.field(field));
            fields.flat_map(|value| value.split(',')).map(one_line)
        };
        let sources = origins.iter().map(|origin| {
            let (source, version) = origin.control.source();
            format!("{source} (= {version})")
        });
        Self {
            sources: list(sources.chain(named("Built-Using"))),
            static_sources: list(named("Static-Built-Using")),
        }
    }
}

/// A relation without the line breaks that a field may have.
fn one_line(relation: &str) -> String {
    relation.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Relations in a field, each once.
fn list(relations: impl Iterator<Item = String>) -> Option<String> {
    let relations: BTreeSet<String> = relations.filter(|r| !r.is_empty()).collect();
    let relations: Vec<String> = relations.into_iter().collect();
    (!relations.is_empty()).then(|| relations.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb::control::Control;
    use crate::plan::tests::{rom_set, with_plan};
    use crate::romset::RomSet;

    fn release(version: &str, more: &str) -> RomSet {
        let mut set = rom_set(&[("a.rom", 512)]);
        let text =
            format!("Package: aa\nSource: roms\nVersion: {version}\nMaintainer: A <a@b>\n{more}");
        set.package = Some(PackageOrigin {
            control: Control::parse(&text).unwrap(),
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
            let built_using = BuiltUsing::of(&plan);
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
            assert_eq!(BuiltUsing::of(plan).sources, None);
        });
    }
}
