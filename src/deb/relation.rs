//! Relationships between packages (Debian Policy 7.1), as dpkg reads them.

use super::names::{ControlError, check_package_name, check_version, is_dpkg_name};
use std::fmt;
use thiserror::Error;

/// One package of a relationship, with the versions that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Name of the package.
    pub package: String,
    /// The architecture behind a colon, if one is there.
    pub architecture: Option<String>,
    /// The comparison, such as `>=`, and the version.
    pub version: Option<(&'static str, String)>,
}

/// Why a value names no packages.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RelationError {
    /// A package is missing, or has a name that dpkg does not take.
    #[error("`{0}` stands where the name of a package is expected")]
    Name(String),
    /// A version that does not end, or is none.
    #[error("`{0}` stands where a version in parentheses is expected")]
    Version(String),
    /// Text behind a package.
    #[error("`{0}` stands behind a package; packages are separated by commas")]
    Behind(String),
    /// More than [`MAX_RELATIONS`].
    #[error("it names more than {MAX_RELATIONS} packages, the limit")]
    TooMany,
    /// Alternatives where there can be none.
    #[error("it gives alternatives (`|`), which this field must not have")]
    Alternatives,
}

/// More packages in one field than this are refused.
pub const MAX_RELATIONS: usize = 16_384;

/// All packages that a field names, alternatives one after the other.
///
/// # Errors
/// [`RelationError`] for what dpkg refuses.
pub fn relations(value: &str, alternatives: bool) -> Result<Vec<Relation>, RelationError> {
    let mut relations = Vec::new();
    if value.is_empty() {
        return Ok(relations);
    }
    let mut rest = value;
    loop {
        if relations.len() >= MAX_RELATIONS {
            return Err(RelationError::TooMany);
        }
        let (relation, behind) = one(rest)?;
        relations.push(relation);
        let separator = behind.chars().next();
        rest = match separator {
            None => return Ok(relations),
            Some(',') => behind.get(1..).unwrap_or_default().trim_start(),
            Some('|') if alternatives => behind.get(1..).unwrap_or_default().trim_start(),
            Some('|') => return Err(RelationError::Alternatives),
            Some(_) => return Err(RelationError::Behind(start_of(behind))),
        };
    }
}

/// The first package of a text, and what stands behind it.
fn one(text: &str) -> Result<(Relation, &str), RelationError> {
    let end_of = |text: &str, ends: &str| {
        let is_end = |c: char| c.is_ascii_whitespace() || ends.contains(c);
        text.find(is_end).unwrap_or(text.len())
    };
    let (package, mut rest) = text.split_at(end_of(text, ":(,|"));
    if !is_dpkg_name(package) {
        return Err(RelationError::Name(start_of(text)));
    }
    let mut architecture = None;
    if let Some(qualified) = rest.strip_prefix(':') {
        let (name, behind) = qualified.split_at(end_of(qualified, "(,|"));
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(is_allowed) {
            return Err(RelationError::Behind(start_of(rest)));
        }
        architecture = Some(name.to_owned());
        rest = behind;
    }
    rest = rest.trim_start();
    let mut version = None;
    if let Some(inside) = rest.strip_prefix('(') {
        let error = || RelationError::Version(start_of(rest));
        let (inside, behind) = inside.split_once(')').ok_or_else(error)?;
        let inside = inside.trim();
        // dpkg takes the obsolete `<` and `>` for `<=` and `>=`, and a version
        // alone for an exact one.
        const COMPARISONS: [(&str, &str); 7] = [
            ("<<", "<<"),
            ("<=", "<="),
            (">>", ">>"),
            (">=", ">="),
            ("<", "<="),
            (">", ">="),
            ("=", "="),
        ];
        let known = COMPARISONS.iter().find_map(|(written, meant)| {
            Some((*meant, inside.strip_prefix(written)?.trim_start()))
        });
        let (comparison, number) = known.unwrap_or(("=", inside));
        check_version(number).map_err(|_| error())?;
        version = Some((comparison, number.to_owned()));
        rest = behind.trim_start();
    }
    let relation = Relation {
        package: package.to_owned(),
        architecture,
        version,
    };
    Ok((relation, rest))
}

fn start_of(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A source package of one version, as `Built-Using` names it: it is written
/// `name (= version)` (Debian Policy 7.8).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExactSource {
    /// Name of the source package.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl ExactSource {
    /// The sources of a `Built-Using` or `Static-Built-Using`.
    ///
    /// # Errors
    /// [`ControlError::Field`] where one has no exact version, or a name that
    /// Policy forbids.
    pub fn all(field: &'static str, value: &str) -> Result<Vec<Self>, ControlError> {
        let error = |why: String| ControlError::Field { field, why };
        let relations = relations(value, false).map_err(|why| error(why.to_string()))?;
        let exact = relations.into_iter().map(|relation| {
            check_package_name(&relation.package).map_err(|why| error(why.to_string()))?;
            match relation.version {
                Some(("=", version)) if relation.architecture.is_none() => Ok(Self {
                    name: relation.package,
                    version,
                }),
                _ => Err(error(format!(
                    "`{}` must be written `{0} (= VERSION)` (Debian Policy 7.8)",
                    relation.package
                ))),
            }
        });
        exact.collect()
    }
}

impl fmt::Display for ExactSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (= {})", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(value: &str) -> Result<Vec<String>, RelationError> {
        let found = relations(value, true)?;
        Ok(found.into_iter().map(|relation| relation.package).collect())
    }

    #[test]
    fn packages_come_with_their_architectures_and_versions() {
        assert_eq!(names("").unwrap(), Vec::<String>::new());
        assert_eq!(
            names("aa (>= 1),\n b|c:any ,  d ( <<2 )").unwrap(),
            ["aa", "b", "c", "d"]
        );
        let one = |value: &str| relations(value, false).unwrap().remove(0);
        assert_eq!(one("c:any").architecture.as_deref(), Some("any"));
        for (written, meant) in [
            ("<< 1", "<<"),
            ("<=1", "<="),
            ("= 1", "="),
            (">= 1", ">="),
            (">> 1", ">>"),
            ("< 1", "<="),
            ("> 1", ">="),
            ("1", "="),
        ] {
            let version = one(&format!("a ({written})")).version;
            assert_eq!(version, Some((meant, "1".to_owned())), "{written}");
        }
    }

    #[test]
    fn what_dpkg_refuses_is_refused() {
        use RelationError as E;
        for value in ["a,", ",a", "a | ", "_a", "a, (1)", "\u{e9}"] {
            assert!(matches!(names(value), Err(E::Name(_))), "{value}");
        }
        for value in ["a (", "a (>= 1", "a (>= )", "a (<> 1)", "a (1 2)"] {
            assert!(matches!(names(value), Err(E::Version(_))), "{value}");
        }
        for value in ["a b", "a [amd64]", "a (= 1) b", "a:", "a:x_y"] {
            assert!(matches!(names(value), Err(E::Behind(_))), "{value}");
        }
        assert_eq!(relations("a | b", false), Err(E::Alternatives));
    }

    #[test]
    fn as_many_packages_as_the_limit_are_read_and_no_more() {
        let list = |count: usize| vec!["a"; count].join(",");
        assert_eq!(names(&list(MAX_RELATIONS)).unwrap().len(), MAX_RELATIONS);
        assert_eq!(names(&list(MAX_RELATIONS + 1)), Err(RelationError::TooMany));
    }

    #[test]
    fn a_source_is_of_exactly_one_version() {
        let all = |value: &str| ExactSource::all("Built-Using", value);
        let found = all("gcc-12 (= 12.2-1),\n  edk2(=1:2)").unwrap();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["gcc-12 (= 12.2-1)", "edk2 (= 1:2)"]);
        for value in [
            "gcc",
            "gcc (>= 1)",
            "gcc:any (= 1)",
            "Gcc (= 1)",
            "aa | bb",
            "a b",
        ] {
            let error = all(value).unwrap_err().to_string();
            assert!(
                error.starts_with("the field Built-Using of the control file: "),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read_without_a_panic(value in "\\PC{0,80}|[a-c:(<>=1), |]{0,24}") {
            let _ = relations(&value, true);
        }
    }
}
