//! Symbolic links, followed inside of an input.

use std::collections::HashMap;

/// A longer chain of links is a loop, as it is for Linux.
pub(super) const MAX_LINKS: usize = 40;
/// All links of an input may take this many bytes of paths to follow.
pub(super) const MAX_STEPS: usize = 128 << 20;

/// The links of an input by their paths, and what following them may cost.
pub(super) struct Links<'a> {
    targets: &'a HashMap<String, String>,
    steps_left: usize,
}

/// More steps than all links of an input may take.
pub(super) struct TooManySteps;

impl<'a> Links<'a> {
    pub(super) const fn new(targets: &'a HashMap<String, String>) -> Self {
        Self {
            targets,
            steps_left: MAX_STEPS,
        }
    }

    /// The path that a path leads to, with the links in it followed; `None`
    /// where that is outside of the input or in circles.
    pub(super) fn end(&mut self, path: &'a str) -> Result<Option<String>, TooManySteps> {
        let mut parts: Vec<&str> = path.split('/').rev().collect();
        let mut end = String::new();
        let mut followed = 0_usize;
        while let Some(part) = parts.pop() {
            match part {
                "" | "." => continue,
                ".." if end.is_empty() => return Ok(None),
                ".." => {
                    end.truncate(end.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let folder = end.len();
            if !end.is_empty() {
                end.push('/');
            }
            end.push_str(part);
            let step = end.len().saturating_add(32);
            self.steps_left = self.steps_left.checked_sub(step).ok_or(TooManySteps)?;
            let Some(target) = self.targets.get(&end) else {
                continue;
            };
            followed = followed.saturating_add(1);
            if followed > MAX_LINKS {
                return Ok(None);
            }
            end.truncate(if target.starts_with('/') { 0 } else { folder });
            parts.extend(target.split('/').rev());
        }
        Ok(Some(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(links: &[(&str, &str)], path: &str) -> Option<String> {
        let targets = links
            .iter()
            .map(|(path, target)| ((*path).to_owned(), (*target).to_owned()));
        let targets = targets.collect();
        Links::new(&targets).end(path).ok().unwrap()
    }

    #[test]
    fn links_are_followed_in_folders_too() {
        let links = [
            ("lib", "usr/lib"),
            ("usr/lib/a.rom", "../share/b.rom"),
            ("x", "/lib/a.rom"),
        ];
        assert_eq!(ends(&links, "x").unwrap(), "usr/share/b.rom");
        assert_eq!(ends(&links, "lib/a.rom").unwrap(), "usr/share/b.rom");
        assert_eq!(ends(&links, "usr/./y/../lib//c").unwrap(), "usr/lib/c");
    }

    #[test]
    fn links_that_lead_out_or_in_circles_end_nowhere() {
        assert_eq!(ends(&[("a/b", "../../c")], "a/b"), None);
        assert_eq!(ends(&[("a/b", "../c")], "a/b").unwrap(), "c");
        assert_eq!(ends(&[("a", "b"), ("b", "a")], "a"), None);
        assert_eq!(ends(&[("a", "a/b")], "a"), None);
    }

    #[test]
    fn a_chain_of_forty_links_is_followed_and_one_of_more_is_not() {
        let chain = |length: usize| {
            let link = |n: usize| (n.to_string(), (n + 1).to_string());
            let targets: HashMap<String, String> = (0..length).map(link).collect();
            Links::new(&targets).end("0").ok().unwrap()
        };
        assert_eq!(chain(MAX_LINKS).unwrap(), "40");
        assert_eq!(chain(MAX_LINKS + 1), None);
    }

    #[test]
    fn all_links_together_have_a_budget() {
        let targets = HashMap::from([("a".to_owned(), "b".to_owned())]);
        let mut links = Links::new(&targets);
        links.steps_left = 66;
        assert!(links.end("a").is_ok());
        assert_eq!(links.steps_left, 0);
        assert!(links.end("b").is_err());
    }
}
