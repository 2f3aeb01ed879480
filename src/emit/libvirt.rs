//! The mapping as elements of a libvirt domain.

use super::{Mapped, is_display};
use crate::libvirt::{escaped, model_of_device};
use std::fmt::Write as _;

/// The `<model type='…'/>` of a libvirt interface that becomes this device;
/// none for a display adapter, whose ROM libvirt cannot name.
#[must_use]
pub fn interface_model(device: &str) -> Option<&str> {
    (!is_display(device)).then(|| model_of_device(device))
}

/// The element that names a ROM file, inside `<interface>`. The schema asks
/// for an absolute path.
#[must_use]
pub fn rom_element(path: &str) -> String {
    format!("<rom file='{}'/>", escaped(path))
}

/// For each interface model the element, and a command that puts it into a
/// definition. `install_dir` is the folder of the ROMs, an absolute path.
#[must_use]
pub fn libvirt(mapping: &[Mapped<'_>], install_dir: &str) -> String {
    let path = |mapped: &Mapped<'_>| format!("{install_dir}/{}", mapped.rom.name);
    let models: Vec<(&str, String)> = mapping
        .iter()
        .filter_map(|mapped| Some((interface_model(mapped.device)?, path(mapped))))
        .collect();
    let displays: Vec<&str> = mapping
        .iter()
        .filter(|mapped| interface_model(mapped.device).is_none())
        .map(|mapped| mapped.device)
        .collect();
    let mut text = String::new();
    if !models.is_empty() {
        text.push_str(
            "# In a guest's definition (virsh edit GUEST), one line in each <interface>:\n",
        );
        for (model, path) in &models {
            let _ = write!(
                text,
                "\n# beside <model type='{model}'/>\n{}\n",
                rom_element(path)
            );
        }
        text.push_str("\n# Or by virt-xml (package virtinst), for each model that GUEST has:\n\n");
        for (model, path) in &models {
            let command = ["virt-xml", "GUEST", "--edit", &format!("model={model}")];
            let option = format!("rom.file={path}");
            let words = command.into_iter().chain(["--network", &option]);
            let _ = writeln!(text, "{}", shell_words::join(words));
        }
    }
    if !displays.is_empty() {
        let _ = writeln!(
            text,
            "\n# libvirt names no ROM for <video>; use `emit globals` for {}.",
            displays.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::mapping;
    use crate::plan::tests::with_plan;

    #[test]
    fn each_interface_model_has_an_element_with_the_whole_path() {
        with_plan(&[("efi-virtio.rom", 5000)], |plan| {
            let text = libvirt(&mapping(plan), &plan.install_dir);
            for line in [
                "# beside <model type='virtio'/>\n<rom file='/usr/share/qemu/compat-8k-efi-virtio.rom'/>\n",
                "# beside <model type='virtio-non-transitional'/>\n",
                "\nvirt-xml GUEST --edit 'model=virtio-transitional' --network 'rom.file=/usr/share/qemu/compat-8k-efi-virtio.rom'\n",
            ] {
                assert!(text.contains(line), "{line} in {text}");
            }
            assert!(!text.contains("virtio-net-pci"), "{text}");
        });
    }

    #[test]
    fn a_display_adapter_has_no_element() {
        with_plan(&[("vgabios-stdvga.bin", 5000)], |plan| {
            let text = libvirt(&mapping(plan), &plan.install_dir);
            assert!(!text.contains("<rom"), "{text}");
            assert!(text.contains("use `emit globals` for VGA."), "{text}");
        });
    }

    #[test]
    fn a_path_is_escaped() {
        assert_eq!(rom_element("/a&b'<"), "<rom file='/a&amp;b&apos;&lt;'/>");
    }
}
