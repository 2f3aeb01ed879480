//! The mapping of a package in files: those for `-readconfig` are in it, and all
//! of them go beside it.

use crate::emit;
use crate::plan::Manifest;

/// A mapping in one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFile {
    /// Its file name.
    pub name: String,
    /// Its content.
    pub text: String,
    /// Whether it is for `-readconfig`.
    pub is_readconfig: bool,
}

/// The files of a mapping; none where no device is told anything.
pub(super) fn mapping_files(manifest: &Manifest) -> Vec<MappingFile> {
    let mut files = Vec::new();
    let mappings = manifest.mappings();
    for mapping in &mappings {
        let Some(readconfig) = mapping.readconfig() else {
            continue;
        };
        let globals = match &mapping.range {
            Some(range) => format!("globals-up-to-{}.txt", range.up_to),
            None => "globals.txt".to_owned(),
        };
        files.push(MappingFile {
            name: readconfig.to_owned(),
            text: emit::readconfig(mapping),
            is_readconfig: true,
        });
        files.push(MappingFile {
            name: globals,
            text: emit::globals(mapping),
            is_readconfig: false,
        });
    }
    let arrays = emit::CompatArray::of_ranges(&mappings);
    if !arrays.is_empty() {
        files.push(MappingFile {
            name: "compat-arrays.txt".to_owned(),
            text: emit::compat_array(&arrays, emit::ArrayForm::Array),
            is_readconfig: false,
        });
    }
    files
}
