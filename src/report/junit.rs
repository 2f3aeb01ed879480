//! Outcomes as JUnit XML, as code hosts read it.

use anstream::adapter::strip_str;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::io;

/// One thing that was tried.
pub(super) struct Case<'a> {
    /// Its name.
    pub(super) name: String,
    /// What it belongs to.
    pub(super) class: &'a str,
    /// How it went.
    pub(super) outcome: Outcome<'a>,
    /// What was said meanwhile.
    pub(super) said: &'a str,
}

/// How a case went, and why.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    /// As expected.
    Passed,
    /// Not as expected.
    Failure(&'a str),
    /// It could not be tried.
    Error(&'a str),
}

/// A document with these suites of cases.
pub(super) fn document(name: &str, suites: &[(&str, Vec<Case<'_>>)]) -> String {
    let mut bytes = Vec::new();
    match write(&mut bytes, name, suites) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        // Memory takes whatever is written.
        Err(_) => String::new(),
    }
}

fn write(bytes: &mut Vec<u8>, name: &str, suites: &[(&str, Vec<Case<'_>>)]) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(bytes, b' ', 4);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = suites.iter().flat_map(|(_, cases)| cases);
    xml.write_event(Event::Start(counted("testsuites", name, all)))?;
    for (name, cases) in suites {
        let suite = counted("testsuite", name, cases);
        if cases.is_empty() {
            xml.write_event(Event::Empty(suite))?;
            continue;
        }
        xml.write_event(Event::Start(suite))?;
        for case in cases {
            write_case(&mut xml, case)?;
        }
        xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    xml.write_indent()
}

fn write_case(xml: &mut Writer<&mut Vec<u8>>, case: &Case<'_>) -> io::Result<()> {
    let attributes = [("name", &*case.name), ("classname", case.class)];
    let element = xml.create_element("testcase").with_attributes(attributes);
    if case.outcome == Outcome::Passed && case.said.is_empty() {
        return element.write_empty().map(drop);
    }
    element.write_inner_content(|xml| {
        if let Some((kind, why)) = case.outcome.problem() {
            let problem = xml.create_element(kind);
            problem
                .with_attribute(("message", &*text(why)))
                .write_empty()?;
        }
        if !case.said.is_empty() {
            let said = text(case.said);
            let element = xml.create_element("system-err");
            element.write_text_content(BytesText::new(&said))?;
        }
        Ok(())
    })?;
    Ok(())
}

impl<'a> Outcome<'a> {
    const fn problem(self) -> Option<(&'static str, &'a str)> {
        match self {
            Self::Passed => None,
            Self::Failure(why) => Some(("failure", why)),
            Self::Error(why) => Some(("error", why)),
        }
    }
}

/// An element that says how many cases there are, and how many of each kind.
fn counted<'a>(
    element: &'static str,
    name: &str,
    cases: impl IntoIterator<Item = &'a Case<'a>>,
) -> BytesStart<'static> {
    let (mut tests, mut failures, mut errors) = (0_usize, 0_usize, 0_usize);
    for case in cases {
        tests = tests.saturating_add(1);
        let count = match case.outcome {
            Outcome::Passed => continue,
            Outcome::Failure(_) => &mut failures,
            Outcome::Error(_) => &mut errors,
        };
        *count = count.saturating_add(1);
    }
    let mut start = BytesStart::new(element);
    start.push_attribute(("name", name));
    let counts = [
        ("tests", tests),
        ("skipped", 0),
        ("failures", failures),
        ("errors", errors),
    ];
    for (name, count) in counts {
        start.push_attribute((name, &*count.to_string()));
    }
    start
}

/// A text without what XML 1.0 cannot hold (section 2.2), and without the
/// colours of a terminal.
fn text(said: &str) -> String {
    let is_of_xml = |c: &char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    strip_str(said)
        .to_string()
        .chars()
        .filter(is_of_xml)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_counts_its_cases_and_says_why_some_did_not_pass() {
        let case = |name: &str, outcome, said| Case {
            name: name.to_owned(),
            class: "e1000",
            outcome,
            said,
        };
        let migrations = vec![
            case("old to old", Outcome::Passed, ""),
            case(
                "old to new",
                Outcome::Failure("0x40000 != 0x80000 & <more>"),
                "",
            ),
            case(
                "warm",
                Outcome::Error("a\u{0}b"),
                "\u{1b}[31mred\u{1b}[0m\nline",
            ),
        ];
        let suites = [("migrations", migrations), ("cold starts", Vec::new())];
        let wanted = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="romcompat prove" tests="3" skipped="0" failures="1" errors="1">
    <testsuite name="migrations" tests="3" skipped="0" failures="1" errors="1">
        <testcase name="old to old" classname="e1000"/>
        <testcase name="old to new" classname="e1000">
            <failure message="0x40000 != 0x80000 &amp; &lt;more&gt;"/>
        </testcase>
        <testcase name="warm" classname="e1000">
            <error message="ab"/>
            <system-err>red
line</system-err>
        </testcase>
    </testsuite>
    <testsuite name="cold starts" tests="0" skipped="0" failures="0" errors="0"/>
</testsuites>
"#;
        assert_eq!(document("romcompat prove", &suites), wanted);
    }
}
