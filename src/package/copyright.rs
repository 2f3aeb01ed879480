//! Terms of distribution: those that old releases came with, and how a source
//! package repeats them.

use crate::plan::CompatPlan;
use crate::romset::RomSet;
use deb822_fast::Paragraph;

/// The terms of the old release, and below them those of earlier ones that
/// differ.
pub(super) fn of_plan(plan: &CompatPlan<'_>) -> Option<Vec<u8>> {
    let of = |set: &RomSet| set.package.as_ref()?.copyright.clone();
    let mut text = of(plan.old)?;
    let mut had = vec![text.clone()];
    for set in &plan.earlier {
        if let Some(other) = of(set).filter(|other| !had.contains(other)) {
            let heading = format!("\n\nThe copyright file of {}:\n\n", set.release());
            text.extend(heading.as_bytes());
            text.extend(&other);
            had.push(other);
        }
    }
    Some(text)
}

/// The machine-readable form (<https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>).
const FORMAT: &str = "www.debian.org/doc/packaging-manuals/copyright-format/1.0";

/// The stanzas for files and licences of a machine-readable copyright file,
/// word for word, without those for the packaging of the old package; none
/// where the file is no such file, or an incomplete one.
pub(super) fn stanzas(text: &str) -> Option<Vec<&str>> {
    let mut stanzas = paragraphs(text).into_iter();
    let header: Paragraph = stanzas.next()?.parse().ok()?;
    if !header.get("Format")?.contains(FORMAT) {
        return None;
    }
    let mut kept = Vec::new();
    for stanza in stanzas {
        let fields: Paragraph = stanza.parse().ok()?;
        let has = |field| fields.get(field).is_some_and(|value| !value.is_empty());
        let files = fields.get("Files").map(str::trim);
        if !has("License") || (files.is_some() && !has("Copyright")) {
            return None;
        }
        if files != Some("debian/*") {
            kept.push(stanza);
        }
    }
    (!kept.is_empty()).then_some(kept)
}

/// Whether one of these stanzas has the text of the licence of this name.
pub(super) fn has_licence(stanzas: &[&str], name: &str) -> bool {
    let is_text = |stanza: &&str| {
        let fields: Option<Paragraph> = stanza.parse().ok();
        let licence = fields.as_ref().and_then(|fields| fields.get("License"));
        licence.is_some_and(|text| {
            text.split_once('\n')
                .is_some_and(|(first, _)| first.trim() == name)
        })
    };
    stanzas.iter().any(is_text)
}

/// Paragraphs between blank lines.
fn paragraphs(text: &str) -> Vec<&str> {
    let mut paragraphs = Vec::new();
    let (mut start, mut at) = (0_usize, 0_usize);
    for line in text.split_inclusive('\n') {
        let end = at.saturating_add(line.len());
        if line.trim().is_empty() {
            paragraphs.extend(text.get(start..at));
            start = end;
        }
        at = end;
    }
    paragraphs.extend(text.get(start..));
    paragraphs.retain(|paragraph| !paragraph.trim().is_empty());
    paragraphs
}

/// What lintian says of terms that refer to the text of a licence by a name
/// without its version, a symbolic link (its check `debian/copyright`).
pub(super) fn versionless_reference(text: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(text).to_lowercase();
    let mut references = text.split("usr/share/common-licenses/").skip(1);
    references.find(|rest| {
        let mut links = ["gpl", "lgpl", "gfdl"].iter();
        let after = links.find_map(|link| rest.strip_prefix(link));
        let next = after.and_then(|after| after.chars().next());
        next.is_some_and(|c| c != '-' && c != '_' && !c.is_alphanumeric())
    })?;
    let is_or_later = |line: &str| line.starts_with("license:") && line.contains('+');
    let later = ["any later", "or later", "as perl itself"];
    if later.iter().any(|words| text.contains(words)) || text.lines().any(is_or_later) {
        return Some("copyright-refers-to-symlink-license");
    }
    Some("copyright-refers-to-versionless-license-file")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Comment: words

Files: *
Copyright: A
License: GPL-2+

Files: debian/*
Copyright: B
License: GPL-2+
\x20
License: GPL-2+
 text
 .
 more
";

    #[test]
    fn the_stanzas_of_a_machine_readable_file_are_kept_without_its_packaging() {
        assert_eq!(
            stanzas(OLD).unwrap(),
            [
                "Files: *\nCopyright: A\nLicense: GPL-2+\n",
                "License: GPL-2+\n text\n .\n more\n"
            ]
        );
        let kept = stanzas(OLD).unwrap();
        assert!(has_licence(&kept, "GPL-2+"));
        assert!(!has_licence(&kept, "Expat"));
    }

    #[test]
    fn free_text_and_incomplete_stanzas_are_none() {
        for text in [
            "",
            "free text\n\nand more\n",
            "Format: http://dep.debian.net/deps/dep5\n\nFiles: *\nCopyright: A\nLicense: x\n",
            &OLD.replace("Copyright: A\n", ""),
            &OLD.replace("License: GPL-2+\n text", "Licence: GPL-2+\n text"),
            &format!("{OLD}\n\nThe copyright file of aa 1:\n\nmore\n"),
        ] {
            assert_eq!(stanzas(text), None, "{text}");
        }
    }

    #[test]
    fn a_licence_by_a_name_without_a_version_is_a_symbolic_link() {
        let symlink = Some("copyright-refers-to-symlink-license");
        let versionless = Some("copyright-refers-to-versionless-license-file");
        for (text, tag) in [
            (
                "version 2 or later: /usr/share/common-licenses/GPL.",
                symlink,
            ),
            ("License: GPL-2+\n /usr/share/common-licenses/GPL.", symlink),
            (
                "version 2: see /usr/share/common-licenses/GPL.",
                versionless,
            ),
            ("or later: see /usr/share/common-licenses/GPL-2.", None),
            (
                "/usr/share/common-licenses/GPL-2, /usr/share/common-licenses/LGPL\n",
                versionless,
            ),
            ("/usr/share/common-licenses/Apache-2.0\n", None),
            ("GPL", None),
        ] {
            assert_eq!(versionless_reference(text.as_bytes()), tag, "{text}");
        }
    }
}
