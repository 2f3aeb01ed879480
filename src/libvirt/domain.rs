//! Reading a definition: what decides about the ROMs of its network cards,
//! each with its place in the text.

use super::address::number;
use super::{DomainError, PciAddress, encoding};
use crate::text::span_of;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::ops::Range;

/// More elements within each other than any definition has.
const DEEPEST: usize = 256;

/// More elements than any definition has; those that are kept cost memory.
const MOST_ELEMENTS: usize = 1 << 16;

/// More attributes than any element has; each is compared with all before it.
const MOST_ATTRIBUTES: usize = 256;

/// The definition of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain<'a> {
    /// The whole text.
    pub text: &'a str,
    /// `<name>`.
    pub name: Option<String>,
    /// `<uuid>`.
    pub uuid: Option<String>,
    /// `arch` of `<os><type>`.
    pub arch: Option<String>,
    /// `machine` of `<os><type>`.
    pub machine: Option<Attribute>,
    /// `<devices><emulator>`.
    pub emulator: Option<String>,
    /// `<devices><interface>`, in their order.
    pub interfaces: Vec<Interface>,
    /// `<devices><video>`, in their order.
    pub videos: Vec<Video>,
    /// Whether there is a `<graphics>`, with which libvirt adds a video card to
    /// a guest that has none.
    pub has_graphics: bool,
    /// `<devices><controller type='pci'>`, in their order.
    pub controllers: Vec<Controller>,
}

/// The value of an attribute, and the place of its text between the quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The value.
    pub value: String,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// A PCI controller: a bus, and how it is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Number of its bus.
    pub index: u32,
    /// Its model, such as `pcie-root-port`.
    pub model: String,
    /// Where it is plugged in; a root bus is nowhere.
    pub address: Option<PciAddress>,
}

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interface {
    /// `type`, such as `network` or `hostdev`.
    pub kind: Option<String>,
    /// `type` of `<actual>`: what a network is for a guest that runs.
    pub actual: Option<String>,
    /// `name` of `<driver>`: `vfio` is for cards that are passed through.
    pub driver: Option<String>,
    /// `type` of `<teaming>`: `transient` is for cards that are passed through.
    pub teaming: Option<String>,
    /// `type` of `<model>`.
    pub model: Option<String>,
    /// `address` of `<mac>`.
    pub mac: Option<String>,
    /// `type` of `<address>`: `pci`, `ccw`, `spapr-vio` and the like.
    pub address_type: Option<String>,
    /// The address of a PCI card, if it has one already.
    pub address: Option<PciAddress>,
    /// `<rom>`.
    pub rom: Option<RomElement>,
    /// The whole element.
    pub(super) span: Range<usize>,
    /// Its first tag.
    pub(super) tag: Range<usize>,
    /// Names and places of the elements in it.
    pub(super) children: Vec<(String, Range<usize>)>,
}

impl Interface {
    /// Whether it is a card of the host, whatever its model says. That a network
    /// is a pool of such cards shows in what only they have (`formatdomain.html`,
    /// `virDomainActualNetDefFormat`).
    #[must_use]
    pub fn is_passed_through(&self) -> bool {
        [&self.kind, &self.actual]
            .into_iter()
            .any(|kind| kind.as_deref() == Some("hostdev"))
            || self.driver.as_deref() == Some("vfio")
            || self.teaming.as_deref() == Some("transient")
    }
}

/// A video card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Video {
    /// `type` of `<model>`.
    pub model: Option<String>,
    /// Whether `<model>` says that it is the primary one.
    pub is_primary: bool,
    /// `name` of `<driver>`: what draws its picture.
    pub backend: Option<String>,
    /// `type` of `<address>`.
    pub address_type: Option<String>,
    /// The address of a PCI card, if it has one already.
    pub address: Option<PciAddress>,
}

/// `<rom>` of a card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RomElement {
    /// `file`.
    pub file: Option<Attribute>,
    /// `bar`: `off` hides the ROM from the guest.
    pub bar: Option<String>,
    /// `enabled`: `no` takes it away.
    pub enabled: Option<String>,
    /// How many attributes it has.
    pub(super) attributes: usize,
    /// The whole element.
    pub(super) span: Range<usize>,
}

impl RomElement {
    /// Whether the card has no ROM at all.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.bar.as_deref() == Some("off") || self.enabled.as_deref() == Some("no")
    }
}

impl<'a> Domain<'a> {
    /// A longer text is no definition, in bytes: libvirt itself sends and takes
    /// none (`VIR_NET_MESSAGE_STRING_MAX` in remote_protocol.x).
    pub const LONGEST: usize = 4 << 20;

    /// Reads a definition.
    ///
    /// # Errors
    /// [`DomainError`] for what is no XML in UTF-8, has a document type, has
    /// another root than `<domain>`, or is larger than any definition.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DomainError> {
        if bytes.len() > Self::LONGEST {
            return Err(DomainError::TooLong {
                limit: Self::LONGEST,
            });
        }
        let text = encoding::text(bytes)?;
        let mut reading = Reading {
            domain: Self {
                text,
                name: None,
                uuid: None,
                arch: None,
                machine: None,
                emulator: None,
                interfaces: Vec::new(),
                videos: Vec::new(),
                has_graphics: false,
                controllers: Vec::new(),
            },
            open: Vec::new(),
            words: String::new(),
            has_root: false,
            is_pci_controller: false,
            elements: 0,
        };
        reading.read()?;
        Ok(reading.domain)
    }
}

/// An element whose end has not come yet.
#[derive(Debug)]
struct Open {
    name: String,
    start: usize,
}

struct Reading<'a> {
    domain: Domain<'a>,
    open: Vec<Open>,
    /// The text of the innermost element.
    words: String,
    has_root: bool,
    /// Whether the last `<controller>` is one of those that are kept.
    is_pci_controller: bool,
    /// How many elements have begun.
    elements: usize,
}

const INTERFACE: [&str; 3] = ["domain", "devices", "interface"];

impl Reading<'_> {
    fn read(&mut self) -> Result<(), DomainError> {
        let text = self.domain.text;
        // Positions count from the byte order mark, where there is one.
        let base = text
            .len()
            .saturating_sub(text.trim_start_matches('\u{feff}').len());
        let mut reader = Reader::from_str(text.get(base..).unwrap_or_default());
        loop {
            let start = position(reader.buffer_position(), base);
            let event = reader.read_event().map_err(|error| DomainError::Syntax {
                offset: position(reader.error_position(), base),
                said: error.to_string(),
            })?;
            let span = start..position(reader.buffer_position(), base);
            match event {
                Event::Start(tag) => self.start(&tag, &span)?,
                Event::Empty(tag) => {
                    self.start(&tag, &span)?;
                    self.end(&span)?;
                }
                Event::End(_) => self.end(&span)?,
                Event::Text(words) => {
                    let words: &str = &words;
                    if self.open.is_empty()
                        && !words.trim_start_matches('\u{feff}').trim().is_empty()
                    {
                        return Err(syntax(start, "there is text outside of the root element"));
                    }
                    self.words.push_str(words);
                }
                Event::CData(words) => {
                    if self.open.is_empty() {
                        return Err(syntax(start, "there is text outside of the root element"));
                    }
                    self.words.push_str(&words);
                }
                Event::GeneralRef(reference) => {
                    self.words.push_str(&resolved(&reference, start)?);
                }
                Event::DocType(_) => return Err(DomainError::DocumentType { offset: start }),
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().and_then(Result::ok);
                    if let Some(encoding) = encoding
                        && !encoding::is_of(&encoding, text)
                    {
                        return Err(DomainError::Encoding(encoding.into_owned()));
                    }
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        match self.open.last() {
            Some(open) => Err(syntax(open.start, &format!("<{}> has no end", open.name))),
            None if self.has_root => Ok(()),
            None => Err(DomainError::Empty),
        }
    }

    /// Whether the open elements are these.
    fn is_in(&self, path: &[&str]) -> bool {
        self.open.len() == path.len()
            && self
                .open
                .iter()
                .zip(path)
                .all(|(open, name)| open.name == *name)
    }

    fn start(&mut self, tag: &BytesStart<'_>, span: &Range<usize>) -> Result<(), DomainError> {
        let name = tag.name().as_ref().to_owned();
        if self.open.is_empty() {
            if self.has_root {
                return Err(syntax(span.start, "there is a second root element"));
            }
            if name != "domain" {
                return Err(DomainError::NotADomain(name));
            }
            self.has_root = true;
        }
        if self.open.len() >= DEEPEST {
            return Err(syntax(
                span.start,
                "there are too many elements in each other",
            ));
        }
        self.elements = self.elements.saturating_add(1);
        if self.elements > MOST_ELEMENTS {
            return Err(DomainError::TooMany {
                offset: span.start,
                what: "elements",
                limit: MOST_ELEMENTS,
            });
        }
        let attributes = attributes(self.domain.text, tag, span.start)?;
        let value = |wanted: &str| {
            let found = attributes.iter().find(|(name, _)| name == wanted);
            found.map(|(_, attribute)| attribute.clone())
        };
        let words = |wanted: &str| value(wanted).map(|attribute| attribute.value);
        if self.is_in(&["domain", "os"]) && name == "type" {
            keep_first(&mut self.domain.arch, words("arch"));
            keep_first(&mut self.domain.machine, value("machine"));
        } else if self.is_in(&["domain", "devices"]) && name == "interface" {
            self.domain.interfaces.push(Interface {
                kind: words("type"),
                span: span.clone(),
                tag: span.clone(),
                ..Interface::default()
            });
        } else if self.is_in(&["domain", "devices"]) && name == "video" {
            self.domain.videos.push(Video::default());
        } else if self.is_in(&["domain", "devices"]) && name == "graphics" {
            self.domain.has_graphics = true;
        } else if self.is_in(&["domain", "devices"]) && name == "controller" {
            let index = words("index").as_deref().and_then(number);
            self.is_pci_controller = false;
            if words("type").as_deref() == Some("pci")
                && let (Some(index), Some(model)) = (index, words("model"))
            {
                self.is_pci_controller = true;
                self.domain.controllers.push(Controller {
                    index,
                    model,
                    address: None,
                });
            }
        } else if self.is_in(&["domain", "devices", "controller"]) {
            if let Some(controller) = self.domain.controllers.last_mut()
                && self.is_pci_controller
                && name == "address"
            {
                controller.address = PciAddress::of(words);
            }
        } else if self.is_in(&["domain", "devices", "video"])
            && let Some(video) = self.domain.videos.last_mut()
        {
            match &*name {
                "model" if video.model.is_none() => {
                    video.model = words("type");
                    video.is_primary = words("primary").as_deref() == Some("yes");
                }
                "driver" => keep_first(&mut video.backend, words("name")),
                "address" if video.address_type.is_none() => {
                    video.address_type = words("type");
                    video.address = PciAddress::of(words);
                }
                _ => {}
            }
        } else if self.is_in(&INTERFACE)
            && let Some(interface) = self.domain.interfaces.last_mut()
        {
            match &*name {
                "model" => keep_first(&mut interface.model, words("type")),
                "mac" => keep_first(&mut interface.mac, words("address")),
                "actual" => keep_first(&mut interface.actual, words("type")),
                "driver" => keep_first(&mut interface.driver, words("name")),
                "teaming" => keep_first(&mut interface.teaming, words("type")),
                "address" if interface.address_type.is_none() => {
                    interface.address_type = words("type");
                    interface.address = PciAddress::of(words);
                }
                "rom" if interface.rom.is_none() => {
                    interface.rom = Some(RomElement {
                        file: value("file"),
                        bar: words("bar"),
                        enabled: words("enabled"),
                        attributes: attributes.len(),
                        span: span.clone(),
                    });
                }
                _ => {}
            }
        }
        self.words.clear();
        self.open.push(Open {
            name,
            start: span.start,
        });
        Ok(())
    }

    fn end(&mut self, span: &Range<usize>) -> Result<(), DomainError> {
        let words = self.words.trim().to_owned();
        self.words.clear();
        let Some(closed) = self.open.pop() else {
            return Err(syntax(span.start, "an element ends that has not begun"));
        };
        let whole = closed.start..span.end;
        let words = (!words.is_empty()).then_some(words);
        if self.is_in(&["domain"]) {
            match &*closed.name {
                "name" => keep_first(&mut self.domain.name, words),
                "uuid" => keep_first(&mut self.domain.uuid, words),
                _ => {}
            }
        } else if self.is_in(&["domain", "devices"]) {
            match &*closed.name {
                "emulator" => keep_first(&mut self.domain.emulator, words),
                "interface" => {
                    if let Some(interface) = self.domain.interfaces.last_mut() {
                        interface.span = whole;
                    }
                }
                _ => {}
            }
        } else if self.is_in(&INTERFACE)
            && let Some(interface) = self.domain.interfaces.last_mut()
        {
            if closed.name == "rom"
                && let Some(rom) = &mut interface.rom
                && rom.span.start == whole.start
            {
                rom.span = whole.clone();
            }
            interface.children.push((closed.name, whole));
        }
        Ok(())
    }
}

/// Of elements of one name the first counts, as for libvirt (seen with 9.0).
fn keep_first<T>(kept: &mut Option<T>, next: Option<T>) {
    if kept.is_none() {
        *kept = next;
    }
}

fn position(offset: u64, base: usize) -> usize {
    usize::try_from(offset).map_or(usize::MAX, |offset| offset.saturating_add(base))
}

fn syntax(offset: usize, said: &str) -> DomainError {
    DomainError::Syntax {
        offset,
        said: said.to_owned(),
    }
}

/// The character that `&name;` stands for; without a document type there are
/// only five names.
fn resolved(
    reference: &quick_xml::events::BytesRef<'_>,
    offset: usize,
) -> Result<String, DomainError> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Ok(character.to_string());
    }
    let name: &str = reference;
    quick_xml::escape::resolve_predefined_entity(name)
        .map(str::to_owned)
        .ok_or_else(|| syntax(offset, &format!("there is no entity `&{name};`")))
}

fn attributes(
    text: &str,
    tag: &BytesStart<'_>,
    start: usize,
) -> Result<Vec<(String, Attribute)>, DomainError> {
    let mut found = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| syntax(start, &error.to_string()))?;
        if found.len() >= MOST_ATTRIBUTES {
            return Err(DomainError::TooMany {
                offset: start,
                what: "attributes of one element",
                limit: MOST_ATTRIBUTES,
            });
        }
        let raw: &str = &attribute.value;
        if raw.contains('<') {
            return Err(syntax(start, "an attribute has a `<` in it"));
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| syntax(start, &error.to_string()))?;
        let span = span_of(text, raw);
        debug_assert!(span.is_some(), "the parser has made a text of its own");
        let span = span.ok_or_else(|| syntax(start, "an attribute has no place in the text"))?;
        found.push((
            attribute.key.as_ref().to_owned(),
            Attribute {
                value: value.into_owned(),
                span,
            },
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "\
<?xml version='1.0' encoding='UTF-8'?>
<!-- a comment with <interface> -->
<domain type='kvm'>
  <name>a&amp;b</name>
  <metadata><x:interface xmlns:x='u'><model type='no'/></x:interface></metadata>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <model type='virtio'/>
      <rom bar='off'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <interface type='user'/>
  </devices>
</domain>
";

    #[test]
    fn what_decides_about_roms_is_read() {
        let domain = Domain::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(domain.name.as_deref(), Some("a&b"));
        assert_eq!(domain.arch.as_deref(), Some("x86_64"));
        let machine = domain.machine.unwrap();
        assert_eq!(machine.value, "pc-q35-7.2");
        assert_eq!(&TEXT[machine.span], "pc-q35-7.2");
        assert_eq!(
            domain.emulator.as_deref(),
            Some("/usr/bin/qemu-system-x86_64")
        );
        assert_eq!(domain.controllers[0].model, "pcie-root-port");
        let [card, other] = &*domain.interfaces else {
            panic!("two interfaces")
        };
        assert_eq!(card.model.as_deref(), Some("virtio"));
        assert_eq!(card.address.unwrap().bus, 1);
        assert!(card.rom.as_ref().unwrap().is_off());
        assert_eq!(other.model, None);
    }

    #[test]
    fn of_elements_of_one_name_the_first_counts() {
        let text = "<domain><name>a</name><name>b</name>
            <os><type arch='x86_64' machine='q35'/><type arch='aarch64' machine='virt'/></os>
            <devices><emulator>/a</emulator><emulator>/b</emulator><interface>
            <model type='virtio'/><model type='e1000'/><rom file='/a'/><rom bar='off'/>
            <address type='pci' bus='0' slot='3'/><address type='ccw'/></interface></devices></domain>";
        let domain = Domain::parse(text.as_bytes()).unwrap();
        assert_eq!(domain.name.as_deref(), Some("a"));
        assert_eq!(domain.arch.as_deref(), Some("x86_64"));
        assert_eq!(domain.machine.unwrap().value, "q35");
        assert_eq!(domain.emulator.as_deref(), Some("/a"));
        let card = &domain.interfaces[0];
        assert_eq!(card.model.as_deref(), Some("virtio"));
        assert_eq!(card.address.unwrap().slot, 3);
        assert!(!card.rom.as_ref().unwrap().is_off());
    }

    #[test]
    fn what_is_no_definition_is_refused_with_its_place() {
        let error = |text: &[u8]| Domain::parse(text).unwrap_err().to_string();
        for (text, wanted) in [
            (&b""[..], "there is no element"),
            (b"<network/>", "its root is <network>"),
            (b"<domain>", "at 0x0: <domain> has no end"),
            (b"<domain></x>", "at 0x8: "),
            (b"<domain a='1' a='2'/>", "at 0x0: "),
            (b"<domain a='<'/>", "at 0x0: "),
            (b"<domain/><domain/>", "at 0x9: there is a second root"),
            (b"<domain/>x", "at 0x9: there is text outside"),
            (b"<domain>\xff</domain>", "at 0x8: it is not UTF-8"),
            (
                b"<?xml version='1.0' encoding='latin1'?><domain/>",
                "`latin1`",
            ),
            (
                b"<!DOCTYPE domain [<!ENTITY a 'b'>]><domain/>",
                "at 0x0: it has a document type",
            ),
            (b"<domain>&a;</domain>", "there is no entity `&a;`"),
        ] {
            let error = error(text);
            assert!(error.contains(wanted), "{wanted} in {error}");
        }
        let deep = format!("<domain>{}", "<a>".repeat(1000));
        assert!(error(deep.as_bytes()).contains("too many elements"));
        let long = vec![b' '; Domain::LONGEST + 1];
        assert!(error(&long).contains("more than 4194304 bytes"));
    }

    #[test]
    fn elements_and_attributes_beyond_those_of_any_definition_are_refused() {
        let elements = |count: usize| {
            let text = format!(
                "<domain><devices>{}</devices></domain>",
                "<interface/>".repeat(count - 2)
            );
            Domain::parse(text.as_bytes()).map(|domain| domain.interfaces.len())
        };
        assert_eq!(elements(MOST_ELEMENTS), Ok(MOST_ELEMENTS - 2));
        let error = elements(MOST_ELEMENTS + 1).unwrap_err().to_string();
        assert!(error.contains("more than 65536 elements"), "{error}");
        let attributes = |count: usize| {
            let attributes: String = (0..count).map(|number| format!(" a{number}=''")).collect();
            let text = format!("<domain{attributes}/>");
            Domain::parse(text.as_bytes()).map(|_| ())
        };
        assert_eq!(attributes(MOST_ATTRIBUTES), Ok(()));
        let error = attributes(MOST_ATTRIBUTES + 1).unwrap_err().to_string();
        assert!(error.contains("more than 256 attributes"), "{error}");
    }

    #[test]
    fn a_byte_order_mark_moves_no_place() {
        let text = format!("\u{feff}{}", TEXT.split_once('\n').unwrap().1);
        let domain = Domain::parse(text.as_bytes()).unwrap();
        assert_eq!(&text[domain.machine.unwrap().span], "pc-q35-7.2");
        let tag = &domain.interfaces[1].tag;
        assert_eq!(&text[tag.clone()], "<interface type='user'/>");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,60}|(</?(domain|devices|interface|rom|a)( (file|type|bar)='[x&;]{0,3}')?/?>|[ \n]|x){0,20}") {
            if let Ok(domain) = Domain::parse(text.as_bytes()) {
                let files = [(0, "/a.rom".to_owned())];
                let pinned = crate::libvirt::pin(&domain, &files);
                prop_assert!(Domain::parse(pinned.as_bytes()).is_ok(), "{pinned}");
                let unpinned = crate::libvirt::unpin(&domain, &[0]);
                prop_assert!(Domain::parse(unpinned.as_bytes()).is_ok(), "{unpinned}");
            }
        }
    }
}
