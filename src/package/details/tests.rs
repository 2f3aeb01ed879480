//! What packages say of themselves.

use super::*;
use crate::plan::tests::{rom_set, with_plan};

fn settle(
    wishes: &PackageSettings,
    plan: &CompatPlan<'_>,
    author: Option<&str>,
) -> Result<Details, DetailsError> {
    let author = author.map(str::to_owned);
    Details::settle(wishes, plan, Some(1), Some(b"terms".to_vec()), author)
}

fn version(version: &str) -> PackageSettings {
    PackageSettings {
        version: Some(version.to_owned()),
        ..PackageSettings::default()
    }
}

#[test]
fn the_name_says_the_size_class_and_whether_all_roms_are_efi() {
    let name = |roms: &[(&str, usize)]| {
        let mut name = String::new();
        with_plan(roms, |plan| {
            name = settle(&version("1"), plan, Some("A <a@b>"))
                .unwrap()
                .package;
        });
        name
    };
    assert_eq!(name(&[("efi-a.rom", 5000)]), "qemu-8k-compat-efi-roms");
    assert_eq!(
        name(&[("efi-a.rom", 5000), ("pxe-a.rom", 5000)]),
        "qemu-8k-compat-roms"
    );
    assert_eq!(
        name(&[("efi-a.rom", 5000), ("efi-b.rom", 600)]),
        "qemu-compat-efi-roms"
    );
}

#[test]
fn what_nobody_says_is_asked_for() {
    with_plan(&[("a.rom", 512)], |plan| {
        let error = settle(&PackageSettings::default(), plan, None).unwrap_err();
        assert!(matches!(error, DetailsError::NoVersion));
        let error = settle(&version("1"), plan, None).unwrap_err();
        assert!(matches!(error, DetailsError::NoMaintainer));
        let author = Some("A".to_owned());
        let error = Details::settle(&version("1"), plan, None, None, author).unwrap_err();
        assert!(matches!(error, DetailsError::Forbidden(_)), "{error}");
    });
}

/// Settles with OLD as a package that has these fields, too.
fn of_package(fields: &str, wishes: &PackageSettings) -> Result<Details, String> {
    use crate::deb::control::Control;
    let mut set = rom_set(&[("a.rom", 512)]);
    let text = format!("Package: aa\nVersion: 1.0-2\n{fields}");
    set.package = Some(PackageOrigin {
        control: Control::parse(text.as_bytes()).unwrap(),
        copyright: None,
        changelog: None,
    });
    let mut result = None;
    with_plan(&[("a.rom", 512)], |plan| {
        let mut plan = plan.clone();
        plan.old = &set;
        plan.roms[0].release = set.release();
        result = Some(settle(wishes, &plan, None));
    });
    result.unwrap().map_err(|error| error.to_string())
}

const MAINTAINER: &str = "Maintainer: A B <a@b.c>\n";

#[test]
fn fields_of_the_old_package_are_taken_where_policy_allows_them() {
    let fields = format!(
        "{MAINTAINER}Source: src (2)\nSection: misc\nHomepage: https://example.org/\nBuilt-Using: gcc-12 (= 12.2),\n bb (= 3)\n"
    );
    let details = of_package(&fields, &PackageSettings::default()).unwrap();
    assert_eq!(details.maintainer.to_string(), "A B <a@b.c>");
    assert_eq!(details.author, details.maintainer);
    assert_eq!(details.section, "misc");
    assert_eq!(details.homepage.as_deref(), Some("https://example.org/"));
    let sources = "bb (= 3), gcc-12 (= 12.2), src (= 2)";
    assert_eq!(details.built_using.as_deref(), Some(sources));
    assert_eq!(details.static_built_using, None);
}

#[test]
fn a_field_that_policy_forbids_is_refused_by_name_unless_the_user_gives_another() {
    for (fields, said) in [
        (
            "Maintainer: nobody\n",
            "aa 1.0-2: the field Maintainer of the control file: `nobody` is no maintainer",
        ),
        (
            "Maintainer: A B <a@b.c>\nSource: A B\n",
            "aa 1.0-2: the field Source of the control file: `A B` is no package name",
        ),
        (
            "Maintainer: A B <a@b.c>\nBuilt-Using: gcc\n",
            "aa 1.0-2: the field Built-Using of the control file: `gcc` must be written",
        ),
        (
            "Maintainer: A B <a@b.c>\nStatic-Built-Using: gcc (>= 1)\n",
            "aa 1.0-2: the field Static-Built-Using of the control file: `gcc` must be",
        ),
        (
            "Maintainer: A B <a@b.c>\nSection: Big Section\n",
            "aa 1.0-2: its field Section: `Big Section` is no section",
        ),
        (
            "Maintainer: A B <a@b.c>\nHomepage: example.org\n",
            "aa 1.0-2: its field Homepage: `example.org` is no address",
        ),
    ] {
        let error = of_package(fields, &PackageSettings::default()).unwrap_err();
        assert!(error.starts_with(said), "{error}");
    }
    let wishes = PackageSettings {
        maintainer: Some("C <c@d>".to_owned()),
        section: Some("admin".to_owned()),
        homepage: Some("https://example.org".to_owned()),
        ..PackageSettings::default()
    };
    let fields = "Maintainer: nobody\nSection: Big Section\nHomepage: example.org\n";
    assert!(of_package(fields, &wishes).is_ok());
}

#[test]
fn a_wish_with_control_characters_is_refused() {
    let error = |wishes: PackageSettings| of_package(MAINTAINER, &wishes).unwrap_err();
    let text = || Some("a\x1b[2J".to_owned());
    for (wishes, said) in [
        (
            PackageSettings {
                package: text(),
                ..PackageSettings::default()
            },
            "is no package name",
        ),
        (
            PackageSettings {
                version: text(),
                ..PackageSettings::default()
            },
            "is no version",
        ),
        (
            PackageSettings {
                maintainer: Some("A\x1b <a@b>".to_owned()),
                ..PackageSettings::default()
            },
            "is no maintainer",
        ),
        (
            PackageSettings {
                section: text(),
                ..PackageSettings::default()
            },
            "is no section",
        ),
        (
            PackageSettings {
                distribution: text(),
                ..PackageSettings::default()
            },
            "is no distribution",
        ),
        (
            PackageSettings {
                synopsis: text(),
                ..PackageSettings::default()
            },
            "the synopsis has the control character U+001B",
        ),
        (
            PackageSettings {
                description: text(),
                ..PackageSettings::default()
            },
            "the description has the control character U+001B",
        ),
        (
            PackageSettings {
                homepage: Some("https://a\x1b".to_owned()),
                ..PackageSettings::default()
            },
            "is no address",
        ),
        (
            PackageSettings {
                vcs_git: Some("https://a\x1b".to_owned()),
                ..PackageSettings::default()
            },
            "is no address",
        ),
        (
            PackageSettings {
                vcs_browser: Some("https://a\x1b".to_owned()),
                ..PackageSettings::default()
            },
            "is no address",
        ),
    ] {
        let found = error(wishes);
        assert!(found.contains(said), "{found}");
    }
}

#[test]
fn a_first_revision_gets_a_suffix() {
    assert_eq!(default_version("1.0-1"), "1.0-1c1");
    assert_eq!(default_version("1.0-5.1"), "1.0-5.1");
    assert_eq!(default_version("1.0"), "1.0");
}

#[test]
fn a_version_is_short_and_sorts_as_that_of_the_roms() {
    use crate::deb::version::compare;
    let versions = [
        ("1.0.0+git-20190125.36a4c85-5.1", "1.0.0+git-20190125-5.1"),
        (
            "1.21.1+git20250501.dad20602+dfsg-1",
            "1.21.1+git20250501-1c1",
        ),
        (
            "1.21.1+git20250501.dad20602+dfsg-1.1",
            "1.21.1+git20250501-1.1",
        ),
        ("1.21.1+git20250501.dad20602+dfsg-2", "1.21.1+git20250501-2"),
        (
            "1.21.1+git20260101.g1a2b3c4+dfsg1-1",
            "1.21.1+git20260101+dfsg1-1c1",
        ),
        ("1:7.2+dfsg-7+deb12u18", "1:7.2-7+deb12u18"),
    ];
    for (old, ours) in versions {
        assert_eq!(default_version(old), ours);
    }
    for (before, after) in versions.iter().zip(versions.iter().skip(1)) {
        assert_eq!(compare(before.1, after.1), std::cmp::Ordering::Less);
    }
    for whole in ["1234567a", "1.20250501-2", "1.0~rc1-2", "1.0-1deadbeef2"] {
        assert_eq!(default_version(whole), whole);
    }
}

#[test]
fn a_release_that_is_no_package_is_named_without_its_folder() {
    let mut set = rom_set(&[("a.rom", 512)]);
    for (label, release) in [
        ("/home/me/old-roms/", "old-roms"),
        ("-", "an earlier release"),
    ] {
        set.label = label.to_owned();
        assert_eq!(set.release(), release);
    }
}
