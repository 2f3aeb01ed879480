//! Every code that a finding can have: number, name, severity, explanation.
//!
//! `RC1xx` is about a ROM, `RC2xx` a package or archive, `RC3xx` a plan,
//! `RC4xx` a proof, `RC5xx` a guest or a saved state. A number is never
//! given to another meaning.

use super::Severity;
use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// What a code means, why it matters and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What was found.
    pub what: &'static str,
    /// What it does to a guest, a firmware or a package.
    pub why: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

macro_rules! codes {
    ($($variant:ident = $number:literal, $name:literal, $severity:ident,
        what: $what:literal, why: $why:literal, remedy: $remedy:literal;)*) => {
        /// A stable code such as `RC104`, also known by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $what] $variant = $number,)*
        }

        impl Code {
            /// All codes, by number.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kebab-case name, such as `pcir-out-of-bounds`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The severity of the code where nobody has set another.
            #[must_use]
            pub const fn default_severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// The code's explanation for people.
            #[must_use]
            pub const fn explanation(self) -> Explanation {
                match self {
                    $(Self::$variant => Explanation { what: $what, why: $why, remedy: $remedy },)*
                }
            }
        }
    };
}

codes! {
    HeaderOutOfBounds = 101, "header-out-of-bounds", Error,
        what: "An expansion ROM header does not fit into the file.",
        why: "The header is 26 bytes; a file that ends inside it was cut, and firmware skips it.",
        remedy: "Fetch or build the ROM again and compare its size and sha256 with the origin.";
    NoPcir = 103, "no-pcir", Note,
        what: "The ROM has no PCI Data Structure and is a plain ISA option ROM.",
        why: "Such ROMs (linuxboot, kvmvapic, sgabios) are right for fw_cfg and ISA; a PCI device needs a PCI Data Structure.",
        remedy: "Nothing, unless the ROM is meant for a PCI device.";
    PcirOutOfBounds = 104, "pcir-out-of-bounds", Error,
        what: "The pointer to the PCI Data Structure leads outside the file.",
        why: "Firmware finds ids, length and code type there; without them it skips the image.",
        remedy: "Build the ROM again; if it was cut, fetch it again.";
    PcirSignature = 105, "pcir-signature", Error,
        what: "There is no PCI Data Structure where the header points.",
        why: "Firmware checks for the four letters PCIR and skips an image without them.",
        remedy: "Build the ROM again; the pointer stands at offset 0x18 of the image.";
    PcirLength = 106, "pcir-length", Error,
        what: "The PCI Data Structure says it is shorter than its revision allows.",
        why: "Revision 0 has 24 bytes and revision 3 has 28; readers disagree about the fields past a shorter length.",
        remedy: "Set the length to 0x18 for revision 0 or 0x1c for revision 3 and mend the checksum.";
    ImageLengthZero = 107, "image-length-zero", Error,
        what: "An image says that it is 0 bytes long.",
        why: "A reader that trusts it never reaches the next image; several tools loop for ever on it.",
        remedy: "Build the ROM again; the length stands in the PCI Data Structure at offset 0x10, in units of 512 bytes.";
    ImageLengthBeyondFile = 108, "image-length-beyond-file", Error,
        what: "An image is longer than what is left of the file.",
        why: "The ROM was cut or its length is wrong; QEMU serves zeros for the rest and the checksum fails.",
        remedy: "Fetch or build the ROM again and compare its size with the origin.";
    LastImageMissing = 109, "last-image-missing", Error,
        what: "An image says that another follows, and none does.",
        why: "Firmware that follows the chain runs into padding or out of the ROM.",
        remedy: "Set the last-image bit (0x80 of the indicator) on the last image, or append the image that is missing.";
    DataAfterLastImage = 110, "data-after-last-image", Warning,
        what: "Something other than padding follows the last image.",
        why: "Firmware never reads it, yet it takes room in the BAR and padding would be appended after it.",
        remedy: "Look at it with `inspect -v`; cut it off if nothing needs it.";
    ImageChecksum = 111, "image-checksum", Error,
        what: "The bytes of an x86 image do not sum to 0.",
        why: "SeaBIOS and other legacy firmware refuse such an image; network boot is gone.",
        remedy: "Compare the ROM with its origin; a deliberate edit must balance the sum, by custom in byte 6.";
    InitLength = 112, "init-length", Warning,
        what: "An x86 image's initialization size differs from its image length.",
        why: "Legacy firmware sums and copies by the first, the chain is walked by the second.",
        remedy: "Set byte 2 of the header to the image length in units of 512 bytes and mend the checksum.";
    TooManyImages = 113, "too-many-images", Error,
        what: "The ROM has more images than any firmware expects.",
        why: "No known ROM has more than a handful; the file is damaged or made to exhaust its reader.",
        remedy: "Check where the file comes from.";
    SizeNotInUnits = 115, "size-not-in-units", Warning,
        what: "The file's size is not a multiple of 512 bytes.",
        why: "Option ROMs are counted in units of 512 bytes; the rest was cut off or appended.",
        remedy: "Compare the size with the origin; `pad` brings a good ROM to its BAR size.";
    WouldBreak = 301, "would-break", Error,
        what: "A device's ROM BAR changes size between the two releases.",
        why: "The ROM's size is part of the guest's hardware: every migration and every resume of a saved guest with this device fails.",
        remedy: "Ship the old ROM under a compat name (`build`), or pad the new ROM to the old size if it fits (`pad`).";
    RomDisappears = 302, "rom-disappears", Error,
        what: "A ROM of the old release is not in the new one.",
        why: "QEMU does not start a device whose ROM file is missing, so no guest with it can arrive.",
        remedy: "Ship the old ROM under a compat name (`build`).";
    LittleHeadroom = 303, "little-headroom", Warning,
        what: "A ROM is about to leave its size class.",
        why: "The next release that grows past the power of two breaks every migration.",
        remedy: "Plan a larger fixed size for new machine types now, with a compat ROM for the old ones.";
    X86ImageMissing = 304, "x86-image-missing", Warning,
        what: "The new ROM has lost the x86 image that the old one has.",
        why: "Guests with legacy BIOS firmware lose network boot on their next start.",
        remedy: "Build the new ROM with the x86 image, or tell users of BIOS guests.";
    EfiImageMissing = 305, "efi-image-missing", Warning,
        what: "The new ROM has lost the EFI image that the old one has.",
        why: "Guests with UEFI firmware lose network boot with this card on their next start.",
        remedy: "Build the new ROM with the EFI image, or tell users of UEFI guests.";
    EfiMachineDiffers = 306, "efi-machine-differs", Warning,
        what: "The EFI image of the new ROM is for another machine type than the old one.",
        why: "UEFI firmware of the former architecture skips the image.",
        remedy: "Build the new ROM for the same architecture, or ship an image for each.";
    NotInBaseline = 307, "not-in-baseline", Warning,
        what: "A ROM is not listed in the baseline.",
        why: "Its size is not guarded, so a later change of it would go unseen.",
        remedy: "Write the baseline again with `check --write-baseline` once the new ROM is meant to ship.";
}

/// A text that is neither the number nor the name of a code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no code of romcompat; a code is a number such as RC104 or a name such as pcir-out-of-bounds"
)]
pub struct UnknownCode(String);

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|code| code.name() == text || code.to_string().eq_ignore_ascii_case(text))
            .copied()
            .ok_or_else(|| UnknownCode(text.to_owned()))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RC{}", *self as u16)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_names_are_kebab_case_and_unique() {
        for pair in Code::ALL.windows(2) {
            assert!((pair[0] as u16) < pair[1] as u16, "{:?}", pair[1]);
        }
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        for name in &names {
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(name.chars().all(kebab), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_code_is_read_by_number_in_any_case_and_by_name() {
        assert_eq!("rc104".parse(), Ok(Code::PcirOutOfBounds));
        assert_eq!("pcir-out-of-bounds".parse(), Ok(Code::PcirOutOfBounds));
        assert!("RC999".parse::<Code>().is_err());
    }
}
