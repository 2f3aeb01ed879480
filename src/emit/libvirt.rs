//! The mapping as elements of a libvirt domain.

use crate::libvirt::{escaped, model_of_device};
use crate::plan::Mapping;
use crate::qemu::{Device, device_by_name};
use std::fmt::Write as _;

/// The `<model type='…'/>` of a libvirt interface that becomes this device;
/// none for a display adapter, whose ROM libvirt cannot name.
#[must_use]
pub fn interface_model(device: &str) -> Option<&str> {
    let is_display = device_by_name(device).is_some_and(Device::is_display);
    (!is_display).then(|| model_of_device(device))
}

/// The element that names a ROM file, inside `<interface>`. The schema asks
/// for an absolute path.
#[must_use]
pub fn rom_element(path: &str) -> String {
    format!("<rom file='{}'/>", escaped(path))
}

/// For each interface model the element, and a command that puts it into a
/// definition.
#[must_use]
pub fn libvirt(mapping: &Mapping) -> String {
    let devices = || mapping.devices.iter();
    let models: Vec<(&str, String)> = devices()
        .filter_map(|mapped| Some((interface_model(&mapped.device)?, mapped.romfile.path())))
        .collect();
    let displays: Vec<&str> = devices()
        .filter(|mapped| mapped.is_display())
        .map(|mapped| &*mapped.device)
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
    use crate::plan::tests::with_plan;

    #[test]
    fn each_interface_model_has_an_element_with_the_whole_path() {
        with_plan(&[("efi-virtio.rom", 5000)], |plan| {
            let text = libvirt(&plan.mappings()[0]);
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
            let text = libvirt(&plan.mappings()[0]);
            assert!(!text.contains("<rom"), "{text}");
            assert!(text.contains("use `emit globals` for VGA."), "{text}");
        });
    }

    #[test]
    fn a_path_is_escaped() {
        assert_eq!(rom_element("/a&b'<"), "<rom file='/a&amp;b&apos;&lt;'/>");
    }
}
