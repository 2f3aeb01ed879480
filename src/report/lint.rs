//! What is wrong with ROMs: text, JSON, and SARIF for code hosts.

use super::{Colour, SCHEMA_VERSION, Text, findings_text};
use crate::finding::{Code, Finding, Severity, counted};
use serde::Serialize;
use serde_json::{Value, json};

/// The answer of `lint`.
#[derive(Debug, Serialize)]
pub struct LintReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// How many ROMs were checked.
    pub roms: usize,
    /// Everything that was found.
    pub findings: Vec<Finding>,
}

impl LintReport {
    /// A report of this many ROMs and all their findings.
    #[must_use]
    pub const fn new(roms: usize, findings: Vec<Finding>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            roms,
            findings,
        }
    }

    /// The findings, and how many there are of each severity.
    #[must_use]
    pub fn text(&self, colour: Colour) -> Text {
        let of = |severity| {
            let findings = self.findings.iter();
            findings
                .filter(|finding| finding.severity == severity)
                .count()
        };
        let mut text = findings_text(&self.findings, colour);
        text.line(format_args!(
            "{} checked: {}, {}, {}",
            counted(self.roms, "ROM"),
            counted(of(Severity::Error), "error"),
            counted(of(Severity::Warning), "warning"),
            counted(of(Severity::Note), "note"),
        ));
        text
    }

    /// The findings as a SARIF 2.1.0 log (OASIS), with every rule explained.
    #[must_use]
    pub fn sarif(&self) -> Value {
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "romcompat",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
                }},
                "results": self.findings.iter().map(result).collect::<Vec<_>>(),
            }],
        })
    }
}

fn rule(code: Code) -> Value {
    let explanation = code.explanation();
    json!({
        "id": code.to_string(),
        "name": code.name(),
        "shortDescription": {"text": explanation.what},
        "fullDescription": {"text": explanation.why},
        "help": {"text": explanation.remedy},
        "defaultConfiguration": {"level": code.default_severity()},
    })
}

fn result(finding: &Finding) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(&finding.subject)}});
    if let (Some(offset), Some(location)) = (finding.place.offset, location.as_object_mut()) {
        location.insert("region".to_owned(), json!({"byteOffset": offset}));
    }
    json!({
        "ruleId": finding.code.to_string(),
        "level": finding.severity,
        "message": {"text": format!("{}; {}", finding.found, finding.required)},
        "locations": [{"physicalLocation": location}],
    })
}

/// A path as a URI reference (RFC 3986): what may not stand there is encoded.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/+".contains(&byte);
    path.bytes()
        .map(|byte| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rom::{ChainFault, RomFault};

    fn report() -> LintReport {
        let fault = RomFault::in_image(2, 0x200, ChainFault::ImageLengthZero);
        LintReport::new(3, vec![fault.finding("roms/a b.rom")])
    }

    #[test]
    fn text_ends_with_a_count_of_each_severity() {
        let text = report().text(Colour::Never);
        assert!(
            text.starts_with("error[RC107]: roms/a b.rom, image 2, at 0x200: "),
            "{text}"
        );
        assert!(
            text.ends_with("\n3 ROMs checked: 1 error, 0 warnings, 0 notes\n"),
            "{text}"
        );
    }

    #[test]
    fn sarif_names_rule_level_file_and_offset() {
        let sarif = report().sarif();
        let result = &sarif["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "RC107");
        assert_eq!(result["level"], "error");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "roms/a%20b.rom");
        assert_eq!(place["region"]["byteOffset"], 0x200);
        let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
        assert_eq!(rules.as_array().unwrap().len(), Code::ALL.len());
    }
}
