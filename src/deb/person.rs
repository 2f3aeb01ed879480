//! Who makes a package.

use super::names::ControlError;
use std::fmt;
use std::str::FromStr;

/// Name and address of a person or a team (Debian Policy 5.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintainer {
    name: String,
    email: String,
}

impl Maintainer {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address, without angle brackets.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }
}

impl FromStr for Maintainer {
    type Err = ControlError;

    /// Reads `Name <address@domain>`.
    fn from_str(text: &str) -> Result<Self, ControlError> {
        let parts = text
            .strip_suffix('>')
            .and_then(|rest| rest.split_once(" <"))
            .filter(|(name, email)| is_name(name) && is_address(email));
        let (name, email) = parts.ok_or_else(|| ControlError::Maintainer(text.to_owned()))?;
        Ok(Self {
            name: name.trim().to_owned(),
            email: email.to_owned(),
        })
    }
}

impl fmt::Display for Maintainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

fn is_name(name: &str) -> bool {
    let breaks_a_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    !name.trim().is_empty() && !name.contains(breaks_a_line) && !name.contains(['<', '>'])
}

fn is_address(address: &str) -> bool {
    let is_allowed = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()@,;".contains(c);
    let is_part = |part: &str| !part.is_empty() && part.chars().all(is_allowed);
    let parts = address.split_once('@');
    parts.is_some_and(|(local, domain)| is_part(local) && is_part(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maintainer_has_a_name_and_an_address() {
        let read = |text: &str| text.parse::<Maintainer>();
        let maintainer = read("Miao Wang  <a.b@c.d>").unwrap();
        assert_eq!(
            (maintainer.name(), maintainer.email()),
            ("Miao Wang", "a.b@c.d")
        );
        assert_eq!(maintainer.to_string(), "Miao Wang <a.b@c.d>");
        assert!(read("Zo\u{eb} (team), \"x\" <a@b>").is_ok());
        for wrong in [
            "",
            "A B",
            "<a@b>",
            " <a@b>",
            "A <a>",
            "A <@b>",
            "A <a@>",
            "A <a@b@c>",
            "A <a@b> x",
            "A <a b@c>",
            "A <a@b",
            "A a@b>",
            "A <a@b>>",
            "A <x> <a@b>",
            "A\n B <a@b>",
            "A\x1b[2J <a@b>",
            "A\u{2028}B <a@b>",
            "A <a\x07@b>",
            "A <a@b>, B <c@d>",
        ] {
            assert_eq!(
                read(wrong),
                Err(ControlError::Maintainer(wrong.to_owned())),
                "{wrong}"
            );
        }
    }
}
