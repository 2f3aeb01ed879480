//! Models of network cards, as libvirt and as QEMU name them.

/// libvirt's names where they are not QEMU's (`qemuBuildNicDevProps` and
/// `virDomainNetModel` of libvirt).
const OWN_NAMES: [(&str, &str); 3] = [
    ("virtio", "virtio-net-pci"),
    ("virtio-transitional", "virtio-net-pci-transitional"),
    ("virtio-non-transitional", "virtio-net-pci-non-transitional"),
];

/// The `<model type='…'/>` that becomes this device of QEMU. A model that
/// libvirt does not know goes to QEMU as it is (`formatdomain.html`, network
/// interfaces).
#[must_use]
pub fn model_of_device(device: &str) -> &str {
    let own = OWN_NAMES.iter().find(|(_, name)| *name == device);
    own.map_or(device, |(model, _)| model)
}

/// The device of QEMU that this model becomes on a PCI bus.
#[must_use]
pub fn device_of_model(model: &str) -> &str {
    let own = OWN_NAMES.iter().find(|(name, _)| *name == model);
    own.map_or(model, |(_, device)| device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_become_devices_and_devices_models() {
        for model in ["virtio", "virtio-transitional", "e1000", "made-up"] {
            assert_eq!(model_of_device(device_of_model(model)), model);
        }
        assert_eq!(device_of_model("virtio"), "virtio-net-pci");
    }
}
