//! Edits of a definition that leave every other byte as it is.

use super::Domain;
use super::domain::Interface;
use crate::text::with_words;
use std::borrow::Cow;
use std::ops::Range;

/// One change: these bytes are replaced by a text.
type Change = (Range<usize>, String);

/// A value between single quotes (XML 1.0, section 2.3).
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '\'']) {
        return text.into();
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('\'', "&apos;").into()
}

/// The definition with `<rom file='…'/>` for these cards: the number of each,
/// counted from 0, and an absolute path. Only cards without a `<rom>`, or with
/// one that has attributes but no file, can be pinned.
#[must_use]
pub fn pin(domain: &Domain<'_>, files: &[(usize, String)]) -> String {
    let of = |(number, path): &(usize, String)| {
        let interface = domain.interfaces.get(*number)?;
        pin_change(domain.text, interface, path)
    };
    changed(domain.text, files.iter().filter_map(of).collect())
}

/// The definition without the files that are named for these cards: what
/// [`pin`] added goes away.
#[must_use]
pub fn unpin(domain: &Domain<'_>, interfaces: &[usize]) -> String {
    let of = |number: &usize| {
        let interface = domain.interfaces.get(*number)?;
        unpin_changes(domain.text, interface)
    };
    let changes = interfaces.iter().filter_map(of).flatten();
    changed(domain.text, changes.collect())
}

/// The definition with another machine type, if it names one.
#[must_use]
pub fn set_machine(domain: &Domain<'_>, machine: &str) -> String {
    let change = domain
        .machine
        .as_ref()
        .map(|attribute| (attribute.span.clone(), attribute_value(machine)));
    changed(domain.text, change.into_iter().collect())
}

/// A value that stands between quotes of either kind.
fn attribute_value(text: &str) -> String {
    escaped(text).replace('"', "&quot;")
}

fn changed(text: &str, mut changes: Vec<Change>) -> String {
    changes.sort_by_key(|(span, _)| (span.start, span.end));
    let changes = changes.iter().map(|(span, words)| (span.clone(), &**words));
    with_words(text, changes)
}

/// How an element is written that has nothing in it.
const EMPTY_END: &str = "/>";

impl Interface {
    /// Which of several counts is for libvirt to say.
    fn has_several_roms(&self) -> bool {
        let is_rom = |(name, _): &&(String, Range<usize>)| name == "rom";
        self.children.iter().filter(is_rom).count() > 1
    }

    /// The element after which `<rom>` stands: libvirt writes `<address>` last.
    fn before_rom(&self) -> Option<&Range<usize>> {
        let is_other = |(name, _): &&(String, Range<usize>)| name != "rom";
        let mut others = self.children.iter().filter(is_other);
        let last = others.next_back();
        match last {
            Some((name, _)) if name == "address" => others.next_back().or(last),
            last => last,
        }
        .map(|(_, span)| span)
    }
}

/// White space (XML 1.0, section 2.3).
const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// The white space before a place.
fn space_before(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let rest = before.trim_end_matches(is_space).len();
    before.get(rest..).unwrap_or_default()
}

fn pin_change(text: &str, interface: &Interface, path: &str) -> Option<Change> {
    if interface.has_several_roms() {
        return None;
    }
    let file = format!("file='{}'", escaped(path));
    if let Some(rom) = &interface.rom {
        if rom.file.is_some() || rom.attributes == 0 {
            return None;
        }
        let at = rom.span.start.checked_add("<rom".len())?;
        return Some((at..at, format!(" {file}")));
    }
    let element = format!("<rom {file}/>");
    if let Some(span) = interface.before_rom() {
        let space = space_before(text, span.start);
        return Some((span.end..span.end, format!("{space}{element}")));
    }
    let tag = &interface.tag;
    if text.get(tag.clone())?.ends_with(EMPTY_END) {
        let end = tag.end.checked_sub(EMPTY_END.len())?..tag.end;
        let name = "interface";
        return Some((end, format!(">{element}</{name}>")));
    }
    Some((tag.end..tag.end, format!("\n{element}")))
}

/// The reverse of [`pin_change`].
fn unpin_changes(text: &str, interface: &Interface) -> Option<Vec<Change>> {
    if interface.has_several_roms() {
        return None;
    }
    let rom = interface.rom.as_ref()?;
    let file = rom.file.as_ref()?;
    if rom.attributes > 1 {
        // From the space before the name to the quote after the value; the space
        // stays where the next attribute follows without one of its own.
        let before = text.get(..file.span.start)?;
        let name = before.rfind("file")?;
        let end = file.span.end.checked_add(1)?;
        let is_apart = text
            .get(end..)?
            .starts_with(|c: char| is_space(c) || matches!(c, '/' | '>'));
        let start = match is_apart {
            true => name.checked_sub(space_before(text, name).len())?,
            false => name,
        };
        return Some(vec![(start..end, String::new())]);
    }
    if let Some(span) = interface.before_rom() {
        let space = space_before(text, rom.span.start);
        let is_same = space == space_before(text, span.start) && span.end < rom.span.end;
        let start = match is_same {
            true => rom.span.start.checked_sub(space.len())?,
            false => rom.span.start,
        };
        return Some(vec![(start..rom.span.end, String::new())]);
    }
    let tag = &interface.tag;
    let between = text.get(tag.end..rom.span.start)?;
    let after = text.get(rom.span.end..interface.span.end)?;
    if between.is_empty() && after == "</interface>" {
        let tag_end = tag.end.checked_sub(1)?;
        return Some(vec![(tag_end..interface.span.end, EMPTY_END.to_owned())]);
    }
    // The line break is the one that `pin` added.
    let start = match between {
        "\n" => tag.end,
        _ => rom.span.start,
    };
    Some(vec![(start..rom.span.end, String::new())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATH: &str = "/usr/share/qemu/compat-256k-efi-virtio.rom";

    fn domain(interface: &str) -> String {
        format!(
            "<domain type='kvm'>\n  <os><type arch='x86_64' machine=\"pc-q35-7.2\">hvm</type></os>\n  <devices>\n    {interface}\n  </devices>\n</domain>\n"
        )
    }

    fn pinned(text: &str) -> String {
        let domain = Domain::parse(text.as_bytes()).unwrap();
        pin(&domain, &[(0, PATH.to_owned())])
    }

    fn unpinned(text: &str) -> String {
        unpin(&Domain::parse(text.as_bytes()).unwrap(), &[0])
    }

    #[test]
    fn a_rom_stands_before_the_address_on_a_line_of_its_own() {
        let text = domain(
            "<interface type='network'>\n      <model type='virtio'/>\n      <address type='pci' bus='0x01'/>\n    </interface>",
        );
        let wanted = text.replace(
            "<model type='virtio'/>\n",
            &format!("<model type='virtio'/>\n      <rom file='{PATH}'/>\n"),
        );
        assert_eq!(pinned(&text), wanted);
        assert_eq!(unpinned(&wanted), text);
    }

    #[test]
    fn every_form_of_an_interface_can_be_pinned_and_unpinned() {
        for interface in [
            "<interface type='user'/>",
            "<interface type='user' />",
            "<interface type='user'></interface>",
            "<interface type='user'>\n</interface>",
            "<interface type='user'><!-- why --></interface>",
            "<interface type='user'><model type='virtio'/></interface>",
            "<interface type='user'>\n\t<model type='virtio'/>\n</interface>",
            "<interface type='user'>\n  <address type='pci' bus='0' slot='3'/>\n</interface>",
            "<interface type='user'>\n  <mac address='x'/> <model type='virtio'/>\n <!-- c --><address/></interface>",
            "<interface type='user'>\r\n  <rom bar='on'/>\r\n  <model type='e1000'/></interface>",
            "<interface type='user'><rom  bar=\"on\"></rom></interface>",
        ] {
            let text = domain(interface);
            let new = pinned(&text);
            let read = Domain::parse(new.as_bytes()).unwrap();
            let rom = read.interfaces[0].rom.as_ref().unwrap();
            assert_eq!(rom.file.as_ref().unwrap().value, PATH, "{new}");
            assert_eq!(unpinned(&new), text);
        }
    }

    #[test]
    fn a_rom_of_the_guests_own_stays() {
        for interface in [
            "<interface type='user'><rom file='/my.rom'/></interface>",
            "<interface type='user'><rom/></interface>",
            "<interface type='user'><rom bar='on'/><rom bar='off'/></interface>",
        ] {
            let text = domain(interface);
            assert_eq!(pinned(&text), text);
        }
    }

    #[test]
    fn the_attribute_beside_a_file_that_is_taken_away_stays_one() {
        for (rom, rest) in [
            ("<rom file='/a'bar='on'/>", "<rom bar='on'/>"),
            ("<rom bar='on'file='/a'/>", "<rom bar='on'/>"),
            ("<rom file='/a'\u{c}bar='on'/>", "<rom \u{c}bar='on'/>"),
            ("<rom bar='on' file='/a'></rom>", "<rom bar='on'></rom>"),
        ] {
            let of = |rom| domain(&format!("<interface type='user'>{rom}</interface>"));
            assert_eq!(unpinned(&of(rom)), of(rest));
        }
    }

    #[test]
    fn a_path_is_written_so_that_it_reads_the_same() {
        let text = domain("<interface type='user'/>");
        let read = Domain::parse(text.as_bytes()).unwrap();
        let path = "/a&b<c>'d\"e";
        let new = pin(&read, &[(0, path.to_owned())]);
        let rom = Domain::parse(new.as_bytes())
            .unwrap()
            .interfaces
            .remove(0)
            .rom;
        assert_eq!(rom.unwrap().file.unwrap().value, path);
    }

    #[test]
    fn the_machine_type_is_the_only_thing_that_changes() {
        let text = domain("");
        let read = Domain::parse(text.as_bytes()).unwrap();
        assert_eq!(
            set_machine(&read, "pc-q35-10.0"),
            text.replace("pc-q35-7.2", "pc-q35-10.0")
        );
    }

    proptest! {
        #[test]
        fn what_is_pinned_can_be_unpinned(
            space in "[ \n\t]{0,4}",
            children in proptest::collection::vec(
                prop_oneof![
                    Just("<model type='virtio'/>"),
                    Just("<mac address='52:54:00:00:00:01'></mac>"),
                    Just("<address type='pci' bus='0x00' slot='0x03'/>"),
                    Just("<!-- <rom file='x'/> -->"),
                    Just("<rom bar='on'/>"),
                    Just("<rom enabled='yes' bar=\"on\" />"),
                    Just("<driver name=\"a>b\"><x/></driver>"),
                ],
                0..5,
            ),
        ) {
            let inner: String = children.iter().map(|child| format!("{space}{child}")).collect();
            let text = domain(&format!("<interface type='user'>{inner}{space}</interface>"));
            prop_assert_eq!(unpinned(&pinned(&text)), text);
        }
    }
}
