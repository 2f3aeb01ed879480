use super::*;
use crate::emit::compat_array::files::{COMPAT_H, MACHINE_C, PC_C, PIIX_C, Q35_C};

fn array(kind: ArrayKind, version: (u16, u16)) -> CompatArray {
    let own = |text: &str| text.to_owned();
    CompatArray {
        kind,
        version: QemuVersion::new(version.0, version.1),
        entries: vec![
            (own("e1000"), own("compat-256k-efi-e1000.rom")),
            (own("pcnet"), own("compat-256k-efi-pcnet.rom")),
        ],
        left_out: Vec::new(),
        may_be_gone: false,
    }
}

fn tree(files: &[(&'static str, &str)]) -> SourceTree {
    let own = |(path, text): &(&'static str, &str)| (*path, (*text).to_owned());
    SourceTree {
        files: files.iter().map(own).collect(),
    }
}

fn qemu_10_1() -> SourceTree {
    const MACHINE: &str = include_str!("../../../../fixtures/qemu-source/10.1/hw/core/machine.c");
    const PC: &str = include_str!("../../../../fixtures/qemu-source/10.1/hw/i386/pc.c");
    const PIIX: &str = include_str!("../../../../fixtures/qemu-source/10.1/hw/i386/pc_piix.c");
    const Q35: &str = include_str!("../../../../fixtures/qemu-source/10.1/hw/i386/pc_q35.c");
    tree(&[
        (MACHINE_C, MACHINE),
        (PC_C, PC),
        (PIIX_C, PIIX),
        (Q35_C, Q35),
    ])
}

fn qemu_2_11() -> SourceTree {
    const COMPAT: &str = include_str!("../../../../fixtures/qemu-source/2.11/include/hw/compat.h");
    tree(&[(COMPAT_H, COMPAT)])
}

#[test]
fn what_was_patched_once_is_not_patched_again() {
    let every = |version| vec![array(ArrayKind::Every, version)];
    let both = vec![
        array(ArrayKind::I440fx, (9, 2)),
        array(ArrayKind::Q35, (9, 1)),
    ];
    for (mut tree, arrays) in [
        (qemu_10_1(), every((9, 2))),
        (qemu_10_1(), every((10, 0))),
        (qemu_10_1(), vec![array(ArrayKind::Pc, (10, 0))]),
        (qemu_10_1(), both),
        (qemu_2_11(), every((2, 10))),
        (qemu_2_11(), every((2, 8))),
        (qemu_2_11(), every((2, 7))),
    ] {
        let (changed, _) = changes(&tree, &arrays).unwrap();
        assert!(!changed.is_empty());
        tree.files.extend(changed);
        assert_eq!(patch(&tree, &arrays), Ok(Patch::Applied), "{arrays:?}");
    }
}

#[test]
fn a_tree_that_was_patched_in_part_or_otherwise_is_refused() {
    let arrays = [array(ArrayKind::Every, (9, 2))];
    let with = |entry: &str| {
        let text = format!("GlobalProperty hw_compat_9_2[] = {{\n    {entry}\n}};\n");
        patch(&tree(&[(MACHINE_C, &text)]), &arrays).unwrap_err()
    };
    let half = with("{ \"e1000\", \"romfile\", \"compat-256k-efi-e1000.rom\" },");
    assert_eq!(
        half,
        PatchError::HalfApplied {
            file: MACHINE_C,
            name: "hw_compat_9_2".to_owned(),
            present: vec!["e1000".to_owned()],
            absent: vec!["pcnet".to_owned()],
        }
    );
    let other = with("{ \"pcnet\", \"romfile\", \"pxe-pcnet.rom\" },");
    assert!(
        other
            .to_string()
            .contains("`pxe-pcnet.rom` as the romfile of pcnet")
    );
}

#[test]
fn of_several_entries_for_a_device_the_last_one_counts() {
    let arrays = [array(ArrayKind::Every, (9, 2))];
    let with = |first: &str, last: &str| {
        let entry = |rom: &str| format!("    {{ \"pcnet\", \"romfile\", \"{rom}\" }},\n");
        let text = format!(
            "GlobalProperty hw_compat_9_2[] = {{\n    {{ \"e1000\", \"romfile\", \"compat-256k-efi-e1000.rom\" }},\n{}{}}};\n",
            entry(first),
            entry(last)
        );
        patch(&tree(&[(MACHINE_C, &text)]), &arrays)
    };
    let ours = "compat-256k-efi-pcnet.rom";
    assert_eq!(with("a.rom", ours), Ok(Patch::Applied));
    let refused = with(ours, "a.rom").unwrap_err();
    assert!(
        matches!(&refused, PatchError::OtherRomfile { found, .. } if found == "a.rom"),
        "{refused}"
    );
}

/// An array for e1000 and pcnet, in a tree of one file with this text.
fn patched(kind: ArrayKind, version: (u16, u16), text: &str) -> Result<String, PatchError> {
    let file = kind.file(ArrayForm::Array);
    let tree = tree(&[
        (MACHINE_C, "GlobalProperty hw_compat_1_0[] = {};\n"),
        (file, text),
    ]);
    let (changed, _) = changes(&tree, &[array(kind, version)])?;
    Ok(changed.get(file).cloned().unwrap_or_default())
}

#[test]
fn qemu_s_own_default_gives_way_and_is_found_again() {
    const TEXT: &str = include_str!("../../../../fixtures/qemu-source/7.2/hw/i386/pc.c");
    let new = patched(ArrayKind::Pc, (1, 4), TEXT).unwrap();
    assert!(new.contains("    { \"e1000\", \"romfile\", \"compat-256k-efi-e1000.rom\" },\n    { \"ne2k_pci\", \"romfile\", \"pxe-ne2k_pci.rom\" },\n"));
    assert!(!new.contains("pxe-pcnet.rom"), "{new}");
    assert_eq!(new.lines().count(), TEXT.lines().count());
    assert_eq!(patched(ArrayKind::Pc, (1, 4), &new).as_deref(), Ok(""));
    let older = "GlobalProperty pc_compat_2_0[] = {\n    { \"pcnet\", \"romfile\", \"pxe-pcnet.rom\" },\n};\n";
    let refused = patched(ArrayKind::Pc, (2, 0), older).unwrap_err();
    assert!(
        matches!(refused, PatchError::OtherRomfile { .. }),
        "no default of 2.0"
    );
}

#[test]
fn an_entry_by_its_type_s_name_is_seen_and_one_that_is_switched_off_is_not() {
    let with = |entry: &str| {
        let text = format!("GlobalProperty hw_compat_9_2[] = {{\n{entry}\n}};\n");
        patched(ArrayKind::Every, (9, 2), &text)
    };
    let refused = with("{ TYPE_E1000_BASE, \"romfile\", \"a.rom\" },").unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("`a.rom` as the romfile of e1000")
    );
    assert!(with("#if 0\n{ \"e1000\", \"romfile\", \"a.rom\" },\n#endif").is_ok());
    assert!(with("// { \"e1000\", \"romfile\", \"a.rom\" },").is_ok());
}

#[test]
fn an_entry_that_qemu_applies_later_is_refused() {
    let tree = |name: &str, file| {
        let other = format!(
            "GlobalProperty {name}[] = {{\n{{ \"pcnet\", \"romfile\", \"a.rom\" }},\n}};\n"
        );
        let own = "GlobalProperty hw_compat_9_2[] = {};\n".to_owned();
        let mut files = BTreeMap::from([(MACHINE_C, own)]);
        files.entry(file).or_default().push_str(&other);
        SourceTree { files }
    };
    let arrays = [array(ArrayKind::Every, (9, 2))];
    for (name, file) in [
        ("hw_compat_9_1", MACHINE_C),
        ("pc_compat_9_2", PC_C),
        ("pc_compat_1_4", PC_C),
        ("pc_q35_romfiles_9_2", Q35_C),
    ] {
        let refused = patch(&tree(name, file), &arrays).unwrap_err().to_string();
        assert!(
            refused.starts_with(&format!("{file}: {name} has `a.rom`")),
            "{refused}"
        );
    }
    for (name, file) in [("hw_compat_10_0", MACHINE_C), ("pc_compat_10_0", PC_C)] {
        assert!(patch(&tree(name, file), &arrays).is_ok(), "{name}");
    }
}

#[test]
fn what_a_newer_array_says_already_is_not_said_again() {
    let mut tree = qemu_10_1();
    let (changed, _) = changes(&tree, &[array(ArrayKind::Every, (9, 2))]).unwrap();
    tree.files.extend(changed);
    for older in [
        array(ArrayKind::Every, (9, 1)),
        array(ArrayKind::Q35, (9, 1)),
    ] {
        assert_eq!(patch(&tree, &[older]), Ok(Patch::Applied));
    }
}

#[test]
fn new_lines_end_as_the_others_and_a_comment_stays() {
    let text =
        "GlobalProperty hw_compat_9_2[] = { /* why */\r\n    { \"a\", \"b\", \"c\" },\r\n};\r\n";
    let new = patched(ArrayKind::Every, (9, 2), text).unwrap();
    assert_eq!(new.matches("\r\n").count(), new.matches('\n').count());
    assert!(new.starts_with("GlobalProperty hw_compat_9_2[] = { /* why */\r\n    /* Guests"));
    let text = "GlobalProperty hw_compat_9_2[] = { /* nothing yet */ };\n";
    let new = patched(ArrayKind::Every, (9, 2), text).unwrap();
    assert!(new.ends_with("},\n    /* nothing yet */\n};\n"), "{new}");
}

#[test]
fn what_is_no_utf_8_matters_only_beside_the_entries() {
    let with = |between: &str| {
        let text = format!("/* \u{fffd} */\n{between}GlobalProperty hw_compat_9_2[] = {{}};\n");
        patch(
            &tree(&[(MACHINE_C, &text)]),
            &[array(ArrayKind::Every, (9, 2))],
        )
    };
    let line = 1;
    assert_eq!(
        with(""),
        Err(PatchError::NotUtf8 {
            file: MACHINE_C,
            line
        })
    );
    assert!(with("\n\n\n\n").is_ok());
}

#[test]
fn pcs_alone_need_only_the_file_of_their_arrays() {
    let tree = tree(&[(PC_C, "GlobalProperty pc_compat_9_2[] = {};\n")]);
    assert!(matches!(
        patch(&tree, &[array(ArrayKind::Pc, (9, 2))]),
        Ok(Patch::Diff(_))
    ));
}

#[test]
fn an_array_of_machine_types_that_qemu_gave_up_is_left_out() {
    let array = CompatArray {
        may_be_gone: true,
        ..array(ArrayKind::Every, (2, 5))
    };
    assert_eq!(patch(&qemu_10_1(), &[array]), Ok(Patch::Applied));
    let newer = CompatArray {
        may_be_gone: true,
        ..self::array(ArrayKind::Every, (10, 1))
    };
    assert!(patch(&qemu_10_1(), &[newer]).is_err());
}

#[test]
fn what_is_not_there_is_named() {
    let error = |tree: &SourceTree, array| patch(tree, &[array]).unwrap_err();
    let none = SourceTree::default();
    let every = array(ArrayKind::Every, (10, 1));
    assert_eq!(error(&none, every.clone()), PatchError::NotASourceTree);
    let missing = error(&qemu_10_1(), every);
    assert!(
        missing
            .to_string()
            .starts_with("hw/core/machine.c has no hw_compat_10_1 (the newest there is for 10.0)"),
        "{missing}"
    );
    let family = error(&qemu_10_1(), array(ArrayKind::Q35, (8, 0)));
    assert_eq!(
        family.to_string(),
        "hw/i386/pc_q35.c has no function that sets the options of pc-q35-8.0"
    );
    let family = error(&qemu_2_11(), array(ArrayKind::Q35, (2, 10)));
    assert_eq!(family, PatchError::Form(FormError::Families));
}
