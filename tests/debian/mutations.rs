//! Definitions of guests with odd structure: elements that are missing, doubled,
//! moved or foreign, in every way of writing that XML allows. The same number
//! gives the same definition.

/// A sequence of numbers that look like chance (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

#[derive(Clone)]
enum Node {
    Element(Element),
    Text(String),
    /// A comment, an instruction or the like, as it is written.
    Raw(String),
}

#[derive(Clone)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

fn element(name: &str, attributes: &[(&str, &str)], children: Vec<Node>) -> Node {
    let attributes = attributes.iter();
    Node::Element(Element {
        name: name.to_owned(),
        attributes: attributes
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        children,
    })
}

fn text(words: &str) -> Vec<Node> {
    vec![Node::Text(words.to_owned())]
}

const MODELS: [&str; 6] = ["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "made-up"];
const NAMES: [&str; 8] = [
    "rom",
    "interface",
    "model",
    "address",
    "devices",
    "os",
    "x:rom",
    "mac",
];
const ATTRIBUTES: [&str; 6] = ["type", "file", "bar", "enabled", "machine", "x:file"];
const VALUES: [&str; 9] = [
    "",
    "on",
    "off",
    "virtio",
    "pci",
    "network",
    "/a'b\"&<>.rom",
    "pc-q35-7.2",
    " é ",
];
const RAW: [&str; 5] = [
    "<!-- <interface><rom/></interface> -->",
    "<?instruction <rom/>?>",
    "<![CDATA[<rom file='/a'/>]]>",
    "\r\n\t",
    "&#32;",
];

fn interface(numbers: &mut Numbers) -> Node {
    let mut children = Vec::new();
    if numbers.below(8) > 0 {
        children.push(element(
            "model",
            &[("type", numbers.one_of(&MODELS))],
            Vec::new(),
        ));
    }
    match numbers.below(6) {
        0 => children.push(element(
            "rom",
            &[("bar", numbers.one_of(&["on", "off"]))],
            Vec::new(),
        )),
        1 => children.push(element(
            "rom",
            &[("file", numbers.one_of(&["/own.rom", "/a&b.rom"]))],
            Vec::new(),
        )),
        2 => children.push(element("boot", &[("order", "1")], Vec::new())),
        3 => children.push(element("rom", &[], Vec::new())),
        _ => {}
    }
    if numbers.below(2) == 0 {
        let slot = format!("0x{:02x}", numbers.below(30) + 1);
        let address = [
            ("type", "pci"),
            ("domain", "0x0000"),
            ("bus", "0x00"),
            ("slot", &slot),
            ("function", "0x0"),
        ];
        children.push(element("address", &address, Vec::new()));
    }
    if numbers.below(8) == 0 {
        children.clear();
    }
    element("interface", &[("type", "user")], children)
}

fn domain(name: &str, numbers: &mut Numbers) -> Node {
    let machine = numbers.one_of(&["pc-q35-7.2", "pc-i440fx-7.2", "pc-q35-2.6", "q35"]);
    let mut devices = vec![
        element("emulator", &[], text("/no/such/emulator")),
        element(
            "controller",
            &[("type", "pci"), ("index", "0"), ("model", "pcie-root")],
            Vec::new(),
        ),
    ];
    for _ in 0..=numbers.below(3) {
        devices.push(interface(numbers));
    }
    let os = [("arch", "x86_64"), ("machine", machine)];
    let children = vec![
        element("name", &[], text(name)),
        element(
            "metadata",
            &[],
            vec![element(
                "y:interface",
                &[("xmlns:y", "urn:y")],
                vec![element("rom", &[], Vec::new())],
            )],
        ),
        element("memory", &[("unit", "MiB")], text("32")),
        element("os", &[], vec![element("type", &os, text("hvm"))]),
        element("devices", &[], devices),
    ];
    element(
        "domain",
        &[("type", "test"), ("xmlns:x", "urn:x")],
        children,
    )
}

/// Every element, by the way to it.
fn ways(node: &Node, way: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    if let Node::Element(element) = node {
        all.push(way.clone());
        for (index, child) in element.children.iter().enumerate() {
            way.push(index);
            ways(child, way, all);
            way.pop();
        }
    }
}

fn at<'a>(node: &'a mut Node, way: &[usize]) -> &'a mut Element {
    let Node::Element(element) = node else {
        panic!("a way leads to an element")
    };
    match way.split_first() {
        Some((first, rest)) => at(&mut element.children[*first], rest),
        None => element,
    }
}

/// Changes one thing.
fn mutate(root: &mut Node, numbers: &mut Numbers) {
    let mut all = Vec::new();
    ways(root, &mut Vec::new(), &mut all);
    let way = all[numbers.below(all.len())].clone();
    let target = at(root, &way);
    let place = numbers.below(target.children.len() + 1);
    let value = numbers.one_of(&VALUES).to_owned();
    match numbers.below(9) {
        0 if place < target.children.len() => drop(target.children.remove(place)),
        1 if place < target.children.len() => {
            let twin = target.children[place].clone();
            target.children.insert(place, twin);
        }
        2 if place > 1 => target.children.swap(place - 1, place - 2),
        3 => target
            .children
            .insert(place, Node::Raw(numbers.one_of(&RAW).to_owned())),
        4 => target.children.insert(place, interface(numbers)),
        5 => {
            let name = numbers.one_of(&ATTRIBUTES);
            target.attributes.retain(|(other, _)| other != name);
            target.attributes.push((name.to_owned(), value));
        }
        6 if !target.attributes.is_empty() => drop(target.attributes.pop()),
        7 => {
            let name = numbers.one_of(&NAMES);
            let rom = [(numbers.one_of(&ATTRIBUTES), &*value)];
            target
                .children
                .insert(place, element(name, &rom, Vec::new()));
        }
        _ if !target.attributes.is_empty() => {
            let number = numbers.below(target.attributes.len());
            target.attributes[number].1 = value;
        }
        _ => {}
    }
}

fn write(node: &Node, numbers: &mut Numbers, out: &mut String) {
    let element = match node {
        Node::Raw(raw) => return out.push_str(raw),
        Node::Text(words) => {
            return out.push_str(&words.replace('&', "&amp;").replace('<', "&lt;"));
        }
        Node::Element(element) => element,
    };
    let space = numbers.one_of(&["\n  ", "\n", " ", "", "\r\n\t"]);
    out.push_str(space);
    out.push('<');
    out.push_str(&element.name);
    for (name, value) in &element.attributes {
        let quote = numbers.one_of(&["'", "\""]);
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        let value = value.replace('\'', "&apos;").replace('"', "&#x22;");
        let (before, around) = (
            numbers.one_of(&[" ", "  ", "\n"]),
            numbers.one_of(&["", "", " "]),
        );
        out.push_str(&format!(
            "{before}{name}{around}={around}{quote}{value}{quote}"
        ));
    }
    if element.children.is_empty() && numbers.below(3) > 0 {
        return out.push_str(numbers.one_of(&["/>", " />"]));
    }
    out.push('>');
    for child in &element.children {
        write(child, numbers, out);
    }
    if numbers.below(2) == 0 && !matches!(element.children.as_slice(), [Node::Text(_)]) {
        out.push_str(space);
    }
    out.push_str(&format!(
        "</{}{}>",
        element.name,
        numbers.one_of(&["", "", " "])
    ));
}

/// The definition of this number: a guest called by it, with up to four changes.
pub fn definition(number: usize) -> String {
    let mut numbers = Numbers(number as u64);
    let mut root = domain(&format!("mutant{number}"), &mut numbers);
    for _ in 0..numbers.below(5) {
        mutate(&mut root, &mut numbers);
    }
    let mut out = numbers
        .one_of(&["", "<?xml version='1.0'?>", "<!-- first -->"])
        .to_owned();
    write(&root, &mut numbers, &mut out);
    out.trim_start().to_owned()
}
