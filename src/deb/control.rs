//! The control paragraph of a binary package, and what Debian Policy allows
//! in its fields.

use super::names::is_dpkg_name;
pub use super::names::{
    ControlError, check_package_name, check_version, upstream_version, without_epoch,
};
use super::paragraph::{self, Field};
use super::person::Maintainer;
use super::relation::{ExactSource, relations};

/// The control paragraph of a binary package (deb-control(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    package: String,
    version: String,
    fields: Vec<Field>,
}

/// Fields whose values go into packages and messages; whether each may have
/// more than one line.
const SHOWN: [(&str, bool); 8] = [
    ("Package", false),
    ("Version", false),
    ("Source", false),
    ("Maintainer", false),
    ("Section", false),
    ("Homepage", false),
    ("Built-Using", true),
    ("Static-Built-Using", true),
];

/// Fields that dpkg reads as relationships; whether each may have alternatives.
const RELATIONSHIPS: [(&str, bool); 11] = [
    ("Pre-Depends", true),
    ("Depends", true),
    ("Recommends", true),
    ("Suggests", true),
    ("Enhances", true),
    ("Breaks", false),
    ("Conflicts", false),
    ("Replaces", false),
    ("Provides", false),
    ("Recommended", true),
    ("Optional", true),
];

/// Fields that stand in dpkg's own database alone.
const OF_THE_DATABASE: [&str; 4] = [
    "Status",
    "Config-Version",
    "Triggers-Pending",
    "Triggers-Awaited",
];

/// Fields with one of a few values, which dpkg checks.
const CHOICES: [(&str, &[&str]); 3] = [
    ("Essential", &["yes", "no"]),
    ("Protected", &["yes", "no"]),
    ("Multi-Arch", &["same", "foreign", "allowed", "no"]),
];

impl Control {
    /// Reads a control file. What dpkg refuses is refused, and a value that
    /// would go into packages and messages must be plain text.
    ///
    /// # Errors
    /// [`ControlError`] with the line or the field.
    pub fn parse(text: &[u8]) -> Result<Self, ControlError> {
        let fields = paragraph::fields(text)?;
        for (name, may_be_folded) in SHOWN {
            if let Some(value) = raw(&fields, name) {
                check_text(name, value, may_be_folded)?;
            }
        }
        let required = |field| -> Result<String, ControlError> {
            let value = text_of(&fields, field).filter(|value| !value.is_empty());
            Ok(value.ok_or(ControlError::Missing(field))?.to_owned())
        };
        let control = Self {
            package: required("Package")?,
            version: required("Version")?,
            fields,
        };
        if !is_dpkg_name(&control.package) {
            return Err(ControlError::PackageName(control.package));
        }
        check_version(&control.version)?;
        control.check_as_dpkg()?;
        Ok(control)
    }

    fn check_as_dpkg(&self) -> Result<(), ControlError> {
        let error = |field, why: String| ControlError::Field { field, why };
        for (field, alternatives) in RELATIONSHIPS {
            let Some(value) = raw(&self.fields, field) else {
                continue;
            };
            let value = std::str::from_utf8(value)
                .map_err(|_| error(field, "it is no UTF-8 text".to_owned()))?;
            relations(value, alternatives).map_err(|why| error(field, why.to_string()))?;
        }
        for field in OF_THE_DATABASE {
            if raw(&self.fields, field).is_some() {
                let why = "it stands in dpkg's own database alone".to_owned();
                return Err(error(field, why));
            }
        }
        for (field, choices) in CHOICES {
            let value = self.field(field).unwrap_or_default();
            let is_choice = |choice: &&str| value.eq_ignore_ascii_case(choice);
            if !value.is_empty() && !choices.iter().any(is_choice) {
                let why = format!("it must be one of {}", choices.join(", "));
                return Err(error(field, why));
            }
        }
        let is = |field, wanted| {
            self.field(field)
                .is_some_and(|value| value.eq_ignore_ascii_case(wanted))
        };
        if is("Multi-Arch", "same") && matches!(self.field("Architecture"), None | Some("" | "all"))
        {
            let why = "`same` is for packages of one architecture".to_owned();
            return Err(error("Multi-Arch", why));
        }
        Ok(())
    }

    /// The value of a field, if it is there and UTF-8 text.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        text_of(&self.fields, name)
    }

    /// Name of the package.
    #[must_use]
    pub fn package(&self) -> &str {
        &self.package
    }

    /// Version of the package.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Maintainer of the package, if it names one.
    ///
    /// # Errors
    /// [`ControlError::Field`] for another form than Policy's.
    pub fn maintainer(&self) -> Result<Option<Maintainer>, ControlError> {
        let value = self.field("Maintainer").filter(|value| !value.is_empty());
        let read = value.map(|value| {
            let maintainer = value.parse::<Maintainer>();
            maintainer.map_err(|why| ControlError::Field {
                field: "Maintainer",
                why: why.to_string(),
            })
        });
        read.transpose()
    }

    /// The source package with its version: those of the package itself where
    /// the field `Source` does not say others (Debian Policy 5.6.1).
    ///
    /// # Errors
    /// [`ControlError::Field`] for another form than Policy's.
    pub fn source(&self) -> Result<ExactSource, ControlError> {
        let source = self.field("Source").unwrap_or(&self.package);
        let error = |why: String| ControlError::Field {
            field: "Source",
            why,
        };
        let (name, version) = match source.split_once('(') {
            None => (source, &*self.version),
            Some((name, version)) => {
                let version = version.strip_suffix(')').ok_or_else(|| {
                    error(format!(
                        "`{source}` must be written `name` or `name (version)` (Debian Policy 5.6.1)"
                    ))
                })?;
                (name.trim_end(), version.trim())
            }
        };
        check_package_name(name)
            .and_then(|()| check_version(version))
            .map_err(|why| error(why.to_string()))?;
        Ok(ExactSource {
            name: name.to_owned(),
            version: version.to_owned(),
        })
    }

    /// The sources of a field of the form of `Built-Using`.
    ///
    /// # Errors
    /// [`ControlError::Field`] for another form than Policy's.
    pub fn sources_of(&self, field: &'static str) -> Result<Vec<ExactSource>, ControlError> {
        ExactSource::all(field, self.field(field).unwrap_or_default())
    }

    /// Names of the packages that this one depends on or recommends, each once.
    #[must_use]
    pub fn requires(&self) -> Vec<String> {
        let fields = ["Pre-Depends", "Depends", "Recommends"];
        let values = fields.iter().filter_map(|field| self.field(field));
        let packages = values.flat_map(|value| relations(value, true).unwrap_or_default());
        let mut names: Vec<String> = packages.map(|relation| relation.package).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Section of the archive.
    #[must_use]
    pub fn section(&self) -> Option<&str> {
        self.field("Section")
    }

    /// Homepage of what is packaged.
    #[must_use]
    pub fn homepage(&self) -> Option<&str> {
        self.field("Homepage")
    }
}

fn raw<'a>(fields: &'a [Field], name: &str) -> Option<&'a [u8]> {
    let field = fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(name));
    field.map(|field| &*field.value)
}

fn text_of<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    std::str::from_utf8(raw(fields, name)?).ok()
}

/// Refuses what is no plain text: control characters, and line ends where a
/// field is one line.
fn check_text(field: &'static str, value: &[u8], may_be_folded: bool) -> Result<(), ControlError> {
    let error = |why: String| ControlError::Field { field, why };
    let text = std::str::from_utf8(value).map_err(|invalid| {
        error(format!(
            "it is no UTF-8 text: byte {} is {:#04x}",
            invalid.valid_up_to().saturating_add(1),
            value.get(invalid.valid_up_to()).copied().unwrap_or(0)
        ))
    })?;
    if !may_be_folded && text.contains('\n') {
        return Err(error("it has more than one line".to_owned()));
    }
    let is_wrong = |c: char| {
        let is_folding = may_be_folded && matches!(c, '\n' | '\t');
        (c.is_control() && !is_folding) || matches!(c, '\u{2028}' | '\u{2029}')
    };
    match text.chars().find(|c| is_wrong(*c)) {
        Some(found) => Err(error(format!(
            "it has the control character U+{:04X}, which no field may have",
            u32::from(found)
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str =
        "Package: ipxe-qemu\nVersion: 1.0-5.1\nMaintainer: A B <a@b.c>\nDescription: x\n y\n";

    fn with(more: &str) -> Result<Control, ControlError> {
        Control::parse(format!("{TEXT}{more}").as_bytes())
    }

    fn error(more: &str) -> String {
        with(more).unwrap_err().to_string()
    }

    #[test]
    fn fields_are_read_from_a_paragraph() {
        let control = with("section: admin\n").unwrap();
        assert_eq!(control.package(), "ipxe-qemu");
        assert_eq!(control.version(), "1.0-5.1");
        assert_eq!(control.section(), Some("admin"));
        assert_eq!(control.homepage(), None);
        let maintainer = control.maintainer().unwrap().unwrap();
        assert_eq!(maintainer.to_string(), "A B <a@b.c>");
        // dpkg asks for no more than name and version.
        let least = Control::parse(b"Package: a\nVersion: 1\n").unwrap();
        assert_eq!(least.maintainer(), Ok(None));
    }

    #[test]
    fn what_a_package_requires_is_named_once() {
        let fields = "Depends: seabios (>= 1) | bios, aa\nRecommends: seabios\nSuggests: x\n";
        assert_eq!(with(fields).unwrap().requires(), ["aa", "bios", "seabios"]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let error = |text: &str| Control::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error("Package: aa\n"), ControlError::Missing("Version"));
        assert_eq!(error("Version: 1\n"), ControlError::Missing("Package"));
        assert_eq!(
            error("Package:\nVersion: 1\n"),
            ControlError::Missing("Package")
        );
        assert!(matches!(error("no colon\n"), ControlError::Syntax(_)));
        for name in ["_a", "a b", "a/b", "-a"] {
            let text = format!("Package: {name}\nVersion: 1\n");
            assert_eq!(error(&text), ControlError::PackageName(name.to_owned()));
        }
        let text = "Package: aa\nVersion: 1 2\n";
        assert_eq!(error(text), ControlError::Version("1 2".to_owned()));
    }

    #[test]
    fn what_dpkg_refuses_in_a_field_is_refused_by_name() {
        for (more, field) in [
            ("Depends: b (\n", "Depends"),
            ("Breaks: a | b\n", "Breaks"),
            ("Optional: b,\n", "Optional"),
            ("Status: install ok installed\n", "Status"),
            ("Essential: maybe\n", "Essential"),
            ("Protected: 1\n", "Protected"),
            ("Multi-Arch: some\n", "Multi-Arch"),
            ("Multi-Arch: same\nArchitecture: all\n", "Multi-Arch"),
            ("Multi-Arch: same\n", "Multi-Arch"),
        ] {
            let said = format!("the field {field} of the control file: ");
            assert!(error(more).starts_with(&said), "{}", error(more));
        }
        for more in [
            "Depends: a | b (>= 1), c:any\n",
            "Essential: YES\nProtected: no\nMulti-Arch: foreign\n",
            "Multi-Arch: same\nArchitecture: amd64\n",
            "Multi-Arch: foreign\nArchitecture: all\n",
            "Essential:\nXx: y\n",
        ] {
            assert!(with(more).is_ok(), "{more}");
        }
    }

    #[test]
    fn a_value_that_is_shown_or_copied_is_plain_text() {
        for field in [
            "Source",
            "Section",
            "Homepage",
            "Built-Using",
            "Static-Built-Using",
        ] {
            for (value, why) in [
                ("a\x1b[2J", "it has the control character U+001B"),
                ("a\x7fb", "it has the control character U+007F"),
                ("a\rb", "it has the control character U+000D"),
                ("a\u{85}b", "it has the control character U+0085"),
                ("a\u{2028}b", "it has the control character U+2028"),
                ("a\0b", "it has the control character U+0000"),
            ] {
                let said = format!("the field {field} of the control file: {why}");
                let found = error(&format!("{field}: {value}\n"));
                assert!(found.starts_with(&said), "{found:?}");
            }
            let mut text = format!("{TEXT}{field}: ").into_bytes();
            text.extend(b"ab\xff\n");
            assert_eq!(
                Control::parse(&text).unwrap_err().to_string(),
                format!(
                    "the field {field} of the control file: it is no UTF-8 text: byte 3 is 0xff"
                )
            );
        }
        assert!(error("Section: a\n b\n").contains("Section of the control file: it has more"));
        assert!(error("Source: a\tb\n").contains("U+0009"));
        assert!(with("Built-Using: aa (= 1),\n\tbb (= 2)\n").is_ok());
        // Nothing of it is used.
        assert!(with("Tag: \x1b\n").is_ok());
    }

    #[test]
    fn the_source_is_the_package_itself_unless_a_field_says_another() {
        let source = |more: &str| with(more).and_then(|control| control.source());
        let found = |more: &str| source(more).unwrap().to_string();
        assert_eq!(found(""), "ipxe-qemu (= 1.0-5.1)");
        assert_eq!(found("Source: ipxe\n"), "ipxe (= 1.0-5.1)");
        assert_eq!(found("Source: ipxe (1:2-3)\n"), "ipxe (= 1:2-3)");
        assert_eq!(found("Source: ipxe(2)\n"), "ipxe (= 2)");
        for value in [
            "ipxe (",
            "ipxe (1",
            "ipxe ()",
            "ipxe (1) x",
            "Ipxe",
            "a b",
            "x, y (1)",
        ] {
            let error = source(&format!("Source: {value}\n")).unwrap_err();
            let said = "the field Source of the control file: ";
            assert!(error.to_string().starts_with(said), "{value}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,200}|([A-Z]{1,3}:? ?[a-z\n #]{0,5}\n?){0,8}") {
            let _ = Control::parse(text.as_bytes());
            let _ = check_version(&text);
            let _ = text.parse::<Maintainer>();
        }
    }
}
