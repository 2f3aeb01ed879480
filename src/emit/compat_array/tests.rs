use super::*;
use crate::plan::tests::{as_it_is, rom_set, with_plan};
use crate::plan::{CompatPlan, Generation, MachineRange, Romfile, Source};

fn arrays(names: &[&str], pc_only: bool) -> Result<Vec<(ArrayKind, String)>, UpToError> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut found = Ok(Vec::new());
    with_plan(&[("efi-pcnet.rom", 5000)], |plan| {
        found = CompatArray::up_to(&names, pc_only, &plan.mapped_devices()).map(|arrays| {
            let form = ArrayForm::Array;
            arrays.iter().map(|a| (a.kind, a.name(form))).collect()
        });
    });
    found
}

#[test]
fn one_version_has_one_array_and_two_of_pcs_have_one_each() {
    let every = |name: &str| Ok(vec![(ArrayKind::Every, name.to_owned())]);
    assert_eq!(arrays(&["pc-i440fx-9.2"], false), every("hw_compat_9_2"));
    assert_eq!(
        arrays(&["pc-q35-9.2", "virt-9.2"], false),
        every("hw_compat_9_2")
    );
    assert_eq!(
        arrays(&["pc-q35-9.2"], true),
        Ok(vec![(ArrayKind::Pc, "pc_compat_9_2".to_owned())])
    );
    assert_eq!(
        arrays(&["pc-i440fx-2.0"], false),
        Ok(vec![(ArrayKind::Pc, "pc_compat_2_0".to_owned())])
    );
    assert_eq!(
        arrays(&["pc-i440fx-9.2", "pc-q35-9.1"], false),
        Ok(vec![
            (ArrayKind::I440fx, "pc_i440fx_romfiles_9_2".to_owned()),
            (ArrayKind::Q35, "pc_q35_romfiles_9_1".to_owned())
        ])
    );
}

#[test]
fn machine_types_that_no_array_can_tell_apart_are_refused() {
    let error = |names: &[&str]| arrays(names, false).unwrap_err();
    assert!(matches!(
        error(&["pc-i440fx-nobody"]),
        UpToError::NotAMachineType(_)
    ));
    assert!(matches!(
        error(&["pc-q35-rhel9.4.0"]),
        UpToError::OfRedHat { .. }
    ));
    let bionic = arrays(&["pc-i440fx-bionic"], false);
    assert_eq!(bionic, arrays(&["pc-i440fx-2.11"], false));
    assert!(matches!(error(&["virt"]), UpToError::NotAMachineType(_)));
    assert_eq!(
        error(&["pc-q35-9.2", "pc-q35-9.1"]),
        UpToError::Twice("pc-q35")
    );
    assert!(matches!(
        error(&["pc-q35-9.2", "virt-9.1"]),
        UpToError::Differ(..)
    ));
    assert!(matches!(error(&["pseries-2.0"]), UpToError::TooOld(_)));
    for name in ["pc-i440fx-9.7", "pc-q35-99.9", "virt-2.13"] {
        assert!(matches!(error(&[name]), UpToError::NoRelease(..)), "{name}");
    }
    let error = arrays(&["virt-9.2"], true).unwrap_err();
    assert!(matches!(error, UpToError::NotAPc(_)), "{error}");
}

/// The devices with an entry in each array, and those without one.
fn devices(names: &[&str], roms: &[(&str, usize)]) -> Vec<(String, Vec<String>, Vec<String>)> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut found = Vec::new();
    with_plan(roms, |plan| {
        let arrays = CompatArray::up_to(&names, false, &plan.mapped_devices()).unwrap();
        let of = |array: &CompatArray| {
            let entries = array.entries.iter().map(|(device, _)| device.clone());
            let name = array.name(ArrayForm::Array);
            (name, entries.collect(), array.left_out.clone())
        };
        found = arrays.iter().map(of).collect();
    });
    found
}

#[test]
fn a_card_that_old_machine_types_tell_another_rom_has_no_entry() {
    let roms = [("efi-pcnet.rom", 5000), ("efi-vmxnet3.rom", 5000)];
    let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    for (name, with, without) in [
        ("pc-q35-2.7", &["pcnet", "vmxnet3"][..], &[][..]),
        ("pc-q35-2.6", &["pcnet"], &["vmxnet3"]),
        ("pc-q35-2.5", &["pcnet"], &["vmxnet3"]),
        ("pc-i440fx-1.5", &["pcnet"], &["vmxnet3"]),
    ] {
        let (_, entries, left_out) = devices(&[name], &roms).remove(0);
        assert_eq!((entries, left_out), (own(with), own(without)), "{name}");
    }
    let families = devices(&["pc-i440fx-2.7", "pc-q35-2.4"], &roms);
    assert_eq!(
        families,
        [
            (
                "pc_i440fx_romfiles_2_7".to_owned(),
                own(&["pcnet", "vmxnet3"]),
                Vec::new()
            ),
            (
                "pc_q35_romfiles_2_4".to_owned(),
                own(&["pcnet"]),
                own(&["vmxnet3"])
            ),
        ]
    );
    let families = devices(&["pc-i440fx-1.4", "pc-q35-1.7"], &roms);
    assert_eq!(families.len(), 1, "{families:?}");
    assert_eq!(families[0].0, "pc_q35_romfiles_1_7");
}

#[test]
fn machine_types_that_load_none_of_the_roms_are_refused() {
    let error = arrays(&["pc-i440fx-1.4"], false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "machine types of PCs up to 1.4 load none of these ROMs by default (pcnet), so that they need no entry; for ROMs that they do load, name the release by `--generation 1.4=OLD`"
    );
}

#[test]
fn what_is_left_out_is_said_with_the_entries() {
    with_plan(
        &[("efi-pcnet.rom", 512), ("efi-vmxnet3.rom", 512)],
        |plan| {
            let names = ["pc-q35-2.5".to_owned()];
            let arrays = CompatArray::up_to(&names, false, &plan.mapped_devices()).unwrap();
            let text = compat_array(&arrays, ArrayForm::Array);
            assert!(
                text.contains(" * Not for vmxnet3, which machine types of PCs up to 2.6 tell another ROM, or none.\n"),
                "{text}"
            );
            assert!(!text.contains("\"vmxnet3\""), "{text}");
        },
    );
}

#[test]
fn an_array_of_one_family_is_printed_whole_and_is_no_macro() {
    with_plan(&[("efi-pcnet.rom", 512)], |plan| {
        let names = ["pc-i440fx-2.12".to_owned(), "pc-q35-2.11".to_owned()];
        let arrays = CompatArray::up_to(&names, false, &plan.mapped_devices()).unwrap();
        let text = compat_array(&arrays, ArrayForm::Array);
        for part in [
            "of pc-q35-2.11.\n",
            "static GlobalProperty pc_q35_romfiles_2_11[] = {\n    { \"pcnet\", ",
            "    compat_props_add(m->compat_props, pc_q35_romfiles_2_11,\n",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let families = arrays[0].check_form(ArrayForm::Macro);
        assert_eq!(families, Err(FormError::Families));
        let names = ["pc-i440fx-9.2".to_owned()];
        let arrays = CompatArray::up_to(&names, false, &plan.mapped_devices()).unwrap();
        let new = arrays[0].check_form(ArrayForm::Macro).unwrap_err();
        assert!(matches!(new, FormError::NoMacro(_)), "{new}");
    });
}

#[test]
fn entries_stand_below_a_comment_that_says_where_they_go() {
    with_plan(&[("efi-pcnet.rom", 5000)], |plan| {
        let names = ["pc-i440fx-9.2".to_owned()];
        let arrays = CompatArray::up_to(&names, false, &plan.mapped_devices()).unwrap();
        let text = compat_array(&arrays, ArrayForm::Array);
        assert!(text.starts_with("/*\n * For hw_compat_9_2 in hw/core/machine.c:\n"));
        assert!(
            text.ends_with(" */\n    { \"pcnet\", \"romfile\", \"compat-8k-efi-pcnet.rom\" },\n")
        );
    });
}

#[test]
fn an_older_range_has_entries_only_where_it_means_another_rom() {
    let generation = |version: &str, virtio, pcnet| Generation {
        version: version.parse().unwrap(),
        set: rom_set(&[("efi-virtio.rom", virtio), ("efi-pcnet.rom", pcnet)]),
    };
    let generations = [
        generation("2.0", 5000, 5000),
        generation("2.5", 5000, 5000),
        generation("2.11", 9000, 5000),
    ];
    let source = Source::Generations(&generations);
    let plan = CompatPlan::new(source, None, &as_it_is()).unwrap();
    let arrays = CompatArray::of_ranges(&plan.mappings());
    let found: Vec<_> = arrays
        .iter()
        .map(|array| (array.name(ArrayForm::Array), array.entries.len()))
        .collect();
    assert_eq!(
        found,
        [
            ("hw_compat_2_5".to_owned(), 3),
            ("hw_compat_2_11".to_owned(), 4)
        ]
    );
}

/// The array of each range up to these versions, which tells devices these
/// ROMs.
fn of_ranges(ranges: &[(&str, &[(&str, &str)])]) -> Vec<(String, usize)> {
    let mapping = |(up_to, devices): &(&str, &[(&str, &str)])| {
        let device = |(device, rom): &(&str, &str)| MappedDevice {
            device: (*device).to_owned(),
            romfile: Romfile::shared((*rom).to_owned()),
        };
        let version = up_to.parse().unwrap();
        Mapping {
            range: Some(MachineRange::new(
                None,
                version,
                String::new(),
                BTreeMap::new(),
            )),
            devices: devices.iter().map(device).collect(),
        }
    };
    let mappings: Vec<Mapping> = ranges.iter().map(mapping).collect();
    CompatArray::of_ranges(&mappings)
        .iter()
        .map(|array| (array.name(ArrayForm::Array), array.entries.len()))
        .collect()
}

#[test]
fn arrays_of_every_architecture_begin_with_2_1() {
    let told = |version| of_ranges(&[(version, &[("pcnet", "a.rom")])]).remove(0).0;
    assert_eq!(told("2.0"), "pc_compat_2_0");
    assert_eq!(told("2.1"), "hw_compat_2_1");
    let asked = |name| arrays(&[name], false).unwrap().remove(0).1;
    assert_eq!(asked("pc-i440fx-2.0"), "pc_compat_2_0");
    assert_eq!(asked("pc-i440fx-2.1"), "hw_compat_2_1");
}

#[test]
fn an_entry_stays_where_qemu_s_own_would_come_after_that_of_a_newer_array() {
    let both: &[(&str, &str)] = &[("pcnet", "a.rom"), ("e1000e", "b.rom")];
    let own = |name: &str, count| (name.to_owned(), count);
    assert_eq!(
        of_ranges(&[("1.4", both), ("2.5", both)]),
        [own("pc_compat_1_4", 1), own("hw_compat_2_5", 2)]
    );
    assert_eq!(
        of_ranges(&[("1.5", both), ("2.5", both)]),
        [own("hw_compat_2_5", 2)]
    );
}

#[test]
fn entries_in_place_of_qemu_s_own_are_said() {
    let generations = [Generation {
        version: "1.4".parse().unwrap(),
        set: rom_set(&[("pxe-pcnet.rom", 5000)]),
    }];
    let source = Source::Generations(&generations);
    let plan = CompatPlan::new(source, None, &as_it_is()).unwrap();
    let text = compat_array(&CompatArray::of_ranges(&plan.mappings()), ArrayForm::Array);
    let wanted = " * QEMU's own entries that name a ROM for pcnet give way.\n";
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn macros_leave_out_devices_that_came_later() {
    with_plan(&[("efi-virtio.rom", 5000)], |plan| {
        let names = ["pc-i440fx-2.11".to_owned()];
        let arrays = CompatArray::up_to(&names, false, &plan.mapped_devices()).unwrap();
        let text = compat_array(&arrays, ArrayForm::Macro);
        assert_eq!(text.matches(".driver").count(), 1, "{text}");
        assert!(text.contains("        .driver   = \"virtio-net-pci\",\\\n"));
    });
}
