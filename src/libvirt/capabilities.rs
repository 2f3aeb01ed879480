//! What a libvirt says of the QEMUs of its host (`formatcaps.html`).

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// A QEMU of a libvirt's host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostEmulator {
    /// The architecture of its guests.
    pub arch: String,
    /// Its path.
    pub path: String,
    /// Its machine types by name, with what each stands for where it is an alias.
    pub machines: Vec<(String, Option<String>)>,
}

/// The QEMUs in an answer of `virsh capabilities`; none where it is no XML.
#[must_use]
pub fn host_emulators(text: &str) -> Option<Vec<HostEmulator>> {
    let mut reader = Reader::from_str(text);
    let mut all = Vec::new();
    let mut inside: Option<HostEmulator> = None;
    let mut canonical = None;
    let mut words = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                words.clear();
                match tag.name().as_ref() {
                    "arch" => {
                        let arch = value(&tag, "name");
                        inside = arch.map(|arch| HostEmulator {
                            arch,
                            ..HostEmulator::default()
                        });
                    }
                    "machine" => canonical = value(&tag, "canonical"),
                    _ => {}
                }
            }
            Event::Text(more) => words.push_str(&more),
            Event::End(tag) => {
                let said = words.trim();
                match (tag.name().as_ref(), &mut inside) {
                    ("arch", _) => all.extend(inside.take()),
                    ("emulator", Some(one)) if one.path.is_empty() => {
                        said.clone_into(&mut one.path)
                    }
                    ("machine", Some(one)) => {
                        one.machines.push((said.to_owned(), canonical.take()));
                    }
                    _ => {}
                }
                words.clear();
            }
            Event::Eof => return Some(all),
            _ => {}
        }
    }
}

fn value(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes().flatten();
    let found = attributes.find(|attribute| attribute.key.as_ref() == name)?;
    let value = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_qemu_has_its_machine_types_and_their_aliases() {
        let text = "<capabilities>
            <host><cpu><arch>x86_64</arch></cpu></host>
            <guest><os_type>hvm</os_type><arch name='aarch64'>
              <emulator>/usr/bin/qemu-system-aarch64</emulator>
              <machine maxCpus='512'>virt-7.2</machine>
              <machine canonical='virt-7.2' maxCpus='512'>virt</machine>
              <domain type='kvm'><emulator>/usr/bin/other</emulator></domain>
            </arch></guest></capabilities>";
        let wanted = HostEmulator {
            arch: "aarch64".to_owned(),
            path: "/usr/bin/qemu-system-aarch64".to_owned(),
            machines: vec![
                ("virt-7.2".to_owned(), None),
                ("virt".to_owned(), Some("virt-7.2".to_owned())),
            ],
        };
        assert_eq!(host_emulators(text), Some(vec![wanted]));
        assert_eq!(host_emulators("<a></b>"), None);
    }
}
