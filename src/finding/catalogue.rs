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
        #[non_exhaustive]
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
        remedy: "Set the length to 0x18 for revision 0 or 0x1c for revision 3 and run `fix`.";
    ImageLengthZero = 107, "image-length-zero", Error,
        what: "An image says that it is 0 bytes long.",
        why: "A reader that trusts it never reaches the next image; several tools loop for ever on it.",
        remedy: "Build the ROM again; the length stands in the PCI Data Structure at offset 0x10, in units of 512 bytes.";
    ImageLengthBeyondFile = 108, "image-length-beyond-file", Error,
        what: "An image is longer than what is left of the file.",
        why: "The ROM was cut or its length is wrong; QEMU serves zeros for the rest and the checksum fails.",
        remedy: "Fetch or build the ROM again and compare its size with the origin; if it was read from a device, write 1 to `rom` in the device's folder below /sys/bus/pci/devices and read all of that file again.";
    LastImageMissing = 109, "last-image-missing", Error,
        what: "An image says that another follows, and none does.",
        why: "Firmware that follows the chain runs into padding or out of the ROM.",
        remedy: "Set the last-image bit (0x80 of the indicator) on the last image, or append the image that is missing; if the ROM was read from a device, read all of it again.";
    DataAfterLastImage = 110, "data-after-last-image", Warning,
        what: "Something other than padding follows the last image.",
        why: "Firmware never reads it, yet it takes room in the BAR and padding would be appended after it.",
        remedy: "Look at it with `inspect -v`; cut it off if nothing needs it.";
    ImageChecksum = 111, "image-checksum", Error,
        what: "The bytes of an x86 image do not sum to 0.",
        why: "SeaBIOS and other legacy firmware refuse such an image; network boot is gone.",
        remedy: "Compare the ROM with its origin; after a deliberate edit, `romcompat fix` sets the sum right.";
    InitLength = 112, "init-length", Warning,
        what: "An x86 image's initialization size differs from its image length.",
        why: "Legacy firmware sums and copies by the first, the chain is walked by the second.",
        remedy: "Set byte 2 of the header to the image length in units of 512 bytes, and then the checksum right by `romcompat fix`.";
    TooManyImages = 113, "too-many-images", Error,
        what: "The ROM has more images than any firmware expects.",
        why: "No known ROM has more than a handful; the file is damaged or made to exhaust its reader.",
        remedy: "Check where the file comes from.";
    SizeNotInUnits = 115, "size-not-in-units", Warning,
        what: "The file's size is not a multiple of 512 bytes.",
        why: "Option ROMs are counted in units of 512 bytes; the rest was cut off or appended.",
        remedy: "Compare the size with the origin; `pad` brings a good ROM to its BAR size.";
    PcirUnaligned = 116, "pcir-unaligned", Warning,
        what: "The PCI Data Structure does not stand at a multiple of 4 bytes.",
        why: "The PCI Firmware Specification wants it there; firmware that reads it word by word may skip the image.",
        remedy: "Build the ROM again with an aligned PCI Data Structure.";
    PcirRevision = 117, "pcir-revision", Warning,
        what: "The PCI Data Structure has a revision that no specification has.",
        why: "Readers guess at the fields past the first 24 bytes; the revision is 0 or 3.",
        remedy: "Build the ROM again, or look whether another byte of the structure is damaged.";
    UnknownCodeType = 118, "unknown-code-type", Warning,
        what: "An image has a reserved code type.",
        why: "Firmware starts x86, Open Firmware, PA-RISC or EFI images and skips every other.",
        remedy: "Set the code type (offset 0x14 of the PCI Data Structure) to that of the image, or drop the image.";
    RuntimeLength = 119, "runtime-length", Warning,
        what: "An image's maximum run-time image length is above its image length.",
        why: "Legacy firmware reserves that much upper memory for the image, and there is little of it.",
        remedy: "Build the ROM again; the length stands at offset 0x16 of a PCI Data Structure of revision 3.";
    EfiSignature = 120, "efi-signature", Error,
        what: "An EFI image has no EFI signature.",
        why: "UEFI firmware skips the image; the card has no network boot there.",
        remedy: "Build the ROM again; the signature 0x0ef1 stands at offset 4 of the image.";
    EfiInitLength = 121, "efi-init-length", Warning,
        what: "An EFI image's initialization size differs from its image length.",
        why: "Firmware loads by the first, the chain is walked by the second.",
        remedy: "Set the word at offset 2 of the image to the image length in units of 512 bytes.";
    PnpOutOfBounds = 122, "pnp-out-of-bounds", Error,
        what: "A Plug and Play expansion header does not fit into its image.",
        why: "Legacy firmware finds the boot entry there; it reads past the image.",
        remedy: "Build the ROM again; if it was cut, fetch it again.";
    PnpLength = 123, "pnp-length", Warning,
        what: "A Plug and Play expansion header says that it is shorter than its fields.",
        why: "Firmware that sums the header by its length ignores it, or reads fields that are not there.",
        remedy: "Set byte 5 of the header to 2 (units of 16 bytes) and run `fix`.";
    PnpChecksum = 124, "pnp-checksum", Warning,
        what: "The bytes of a Plug and Play expansion header do not sum to 0.",
        why: "A Plug and Play BIOS ignores the header, so the ROM offers no boot entry. SeaBIOS does not look at the sum, and QEMU ships linuxboot and multiboot ROMs with a wrong one.",
        remedy: "Run `fix`, unless the ROM is only for firmware that does not look.";
    PnpEndless = 125, "pnp-endless", Warning,
        what: "The pointers from Plug and Play header to header form a loop.",
        why: "Firmware that follows them hangs.",
        remedy: "Set the pointer (offset 6) of the last header to 0 and run `fix`.";
    UndiOutOfBounds = 126, "undi-out-of-bounds", Error,
        what: "The UNDI ROM ID structure does not fit into its image.",
        why: "A boot loader that uses the card through UNDI reads past the image.",
        remedy: "Build the ROM again; if it was cut, fetch it again.";
    UndiLength = 127, "undi-length", Warning,
        what: "The UNDI ROM ID structure says that it is shorter than its fields.",
        why: "A loader that sums it by its length does not find the UNDI driver.",
        remedy: "Set byte 4 of the structure to 0x16 and run `fix`.";
    UndiChecksum = 128, "undi-checksum", Warning,
        what: "The bytes of the UNDI ROM ID structure do not sum to 0.",
        why: "Boot loaders do not find the UNDI driver of the card.",
        remedy: "Run `fix`, after a look at what changed the structure.";
    IpxeOutOfBounds = 129, "ipxe-out-of-bounds", Warning,
        what: "iPXE's header does not fit into its image.",
        why: "iPXE finds its own build by it; the image was cut or damaged.",
        remedy: "Fetch or build the ROM again.";
    IpxeLength = 130, "ipxe-length", Warning,
        what: "iPXE's header says that it is shorter than its fields.",
        why: "Tools that sum it by its length find it damaged.",
        remedy: "Set byte 4 of the header to 0x0c and run `fix`.";
    IpxeChecksum = 131, "ipxe-checksum", Warning,
        what: "The bytes of iPXE's header do not sum to 0.",
        why: "Something other than iPXE's tools changed the image.",
        remedy: "Run `fix`, after a look at what changed the header.";
    DeviceListOutOfBounds = 132, "device-list-out-of-bounds", Error,
        what: "The pointer to the device list leads outside of the image.",
        why: "Firmware that looks for further devices reads past the image.",
        remedy: "Build the ROM again, or set the pointer (offset 8 of the PCI Data Structure) to 0.";
    DeviceListUnterminated = 133, "device-list-unterminated", Error,
        what: "No word of 0 ends the device list.",
        why: "Firmware takes what follows the list for device ids, and reads past the image.",
        remedy: "Build the ROM again with a word of 0 after the last device id.";
    IdsOfNoDevice = 134, "ids-of-no-device", Warning,
        what: "An image is for a vendor id that no PCI device has.",
        why: "Firmware matches ids and skips the image. QEMU patches the ids of a default ROM, but not those of a ROM that is named by `romfile`.",
        remedy: "Set the ids of the device with `retarget`.";
    IdsDiffer = 135, "ids-differ", Warning,
        what: "The images of the ROM are for different devices.",
        why: "Firmware skips an image that is not for the device: one kind of firmware has no network boot.",
        remedy: "Give all images the same ids with `retarget`, unless each is meant for another device.";
    UnexpectedIds = 136, "unexpected-ids", Warning,
        what: "An image is for another device than the one that loads this ROM.",
        why: "Firmware matches ids and skips the image.",
        remedy: "Set the ids of the device with `retarget`, or check that the file has the right name.";
    EfiExecutableOutOfBounds = 137, "efi-executable-out-of-bounds", Error,
        what: "The executable of an EFI image starts outside of the image.",
        why: "UEFI firmware cannot load it; the card has no network boot there.",
        remedy: "Build the ROM again; the offset stands at 0x16 of the image.";
    UnknownCompression = 138, "unknown-compression", Error,
        what: "An EFI image has a reserved compression type.",
        why: "UEFI firmware cannot load it; there is none (0) and the UEFI compression algorithm (1).",
        remedy: "Build the ROM again; the type stands at offset 0x0c of the image.";
    DecompressionFailed = 139, "decompression-failed", Error,
        what: "The executable of an EFI image cannot be decompressed.",
        why: "UEFI firmware cannot load it; no checksum guards an EFI image, so nothing else shows the damage.",
        remedy: "Fetch or build the ROM again and compare its sha256 with the origin.";
    PeUnreadable = 140, "pe-unreadable", Error,
        what: "The executable of an EFI image is no PE, or a damaged one.",
        why: "UEFI firmware cannot load it; no checksum guards an EFI image, so nothing else shows the damage.",
        remedy: "Fetch or build the ROM again and compare its sha256 with the origin.";
    EfiMachineMismatch = 141, "efi-machine-mismatch", Error,
        what: "An EFI image's header names another machine than its executable.",
        why: "Firmware selects by the header and loads by the executable: no machine starts this image.",
        remedy: "Build the ROM again from an executable of the right architecture.";
    EfiSubsystemMismatch = 142, "efi-subsystem-mismatch", Warning,
        what: "An EFI image's header names another subsystem than its executable.",
        why: "Firmware selects by the header, and reserves memory and starts by the executable.",
        remedy: "Build the ROM again; both should say boot service driver (0x0b) or runtime driver (0x0c).";
    EfiNotADriver = 143, "efi-not-a-driver", Warning,
        what: "An EFI image is neither a boot service driver nor a runtime driver.",
        why: "Firmware starts no application from an option ROM.",
        remedy: "Build the executable as a driver.";
    NoX86Image = 144, "no-x86-image", Note,
        what: "The ROM has no x86 image.",
        why: "A guest with legacy BIOS firmware cannot boot from this card.",
        remedy: "Nothing, unless such guests are meant to; then build the ROM with an x86 image.";
    NoEfiImage = 145, "no-efi-image", Note,
        what: "The ROM has no EFI image.",
        why: "A guest with UEFI firmware cannot boot from this card, unless the firmware has a driver of its own.",
        remedy: "Nothing, unless such guests are meant to; then build the ROM with an EFI image.";
    X86ImageTooLarge = 146, "x86-image-too-large", Warning,
        what: "An x86 image is longer than 127.5 KiB.",
        why: "Its initialization size is one byte that counts 512 bytes, so legacy firmware loads and sums only a part.",
        remedy: "Leave drivers or features out of the build until the image fits.";
    UnusualPadding = 147, "unusual-padding", Note,
        what: "The padding after the last image is not all 0xFF.",
        why: "Firmware reads nothing there, but erased flash memory and the ROMs of distributions have 0xFF, so a comparison shows a difference.",
        remedy: "Nothing; `pad` fills with 0xFF.";
    LittleRoom = 148, "little-room", Warning,
        what: "The ROM leaves less room in its BAR than was asked for.",
        why: "The next release may outgrow the BAR, and then no guest with this device can migrate.",
        remedy: "Leave features out of the build, or plan a larger fixed size for new machine types.";
    PcirOutsideImage = 149, "pcir-outside-image", Error,
        what: "An image's PCI Data Structure stands outside of the image.",
        why: "It is that of another image or no structure at all: readers that check bounds skip the image, others mix up two.",
        remedy: "Build the ROM again; the pointer stands at offset 0x18 of the image, its length in the structure.";
    PnpSignature = 150, "pnp-signature", Warning,
        what: "There is no Plug and Play expansion header where an x86 image points.",
        why: "Firmware takes the image for one without a Plug and Play boot entry, so that a network card offers no network boot.",
        remedy: "Build the ROM again; if it should have no such header, set the pointer (offset 0x1a of the image) to 0 and run `fix`.";
    UndiSignature = 151, "undi-signature", Warning,
        what: "There is no UNDI ROM ID structure where an x86 image points.",
        why: "A boot loader that uses the card through UNDI does not find its driver.",
        remedy: "Build the ROM again; if it should have no such structure, set the pointer (offset 0x16 of the image) to 0 and run `fix`.";
    PcirBeyondImage = 152, "pcir-beyond-image", Error,
        what: "A PCI Data Structure says that it goes on after the end of its image.",
        why: "Its last fields are bytes of the next image, or there are none: readers disagree about them.",
        remedy: "Set the length (offset 0x0a of the structure) to 0x18 for revision 0 or 0x1c for revision 3 and mend the checksum.";
    ConfigurationUtilityOutOfBounds = 153, "configuration-utility-out-of-bounds", Error,
        what: "The pointer to the configuration utility code header leads outside of the image.",
        why: "Firmware that offers the utility starts what does not belong to the image.",
        remedy: "Build the ROM again, or set the pointer (offset 0x18 of the PCI Data Structure) to 0 and mend the checksum.";
    ClpEntryOutOfBounds = 154, "clp-entry-out-of-bounds", Error,
        what: "The pointer to the DMTF CLP entry point leads outside of the image.",
        why: "Firmware that hands commands to it calls what does not belong to the image.",
        remedy: "Build the ROM again, or set the pointer (offset 0x1a of the PCI Data Structure) to 0 and mend the checksum.";
    PcirInHeader = 155, "pcir-in-header", Warning,
        what: "The PCI Data Structure overlaps the expansion ROM header.",
        why: "The same bytes are fields of both, so that a pointer is read as an id or a length.",
        remedy: "Build the ROM again with the structure behind the header, at 0x1c or later.";
    FcodeOutOfBounds = 156, "fcode-out-of-bounds", Error,
        what: "The FCode program of an Open Firmware image does not lie in the image.",
        why: "Open Firmware evaluates what it finds there, or skips the card.",
        remedy: "Build the ROM again; the pointer stands at offset 2 of the image.";
    RomRepeats = 157, "rom-repeats", Warning,
        what: "The file has the ROM again and again.",
        why: "A dump has the size of the device's BAR, and a chip that is smaller shows its content once more. Firmware reads the first copy, and a device of QEMU that is given the file has a BAR as large as all of them.",
        remedy: "Keep the images alone: `join FILE --out NEW`.";
    RomTooLarge = 201, "rom-too-large", Error,
        what: "A file of the input starts as an option ROM and has more than 16 MiB.",
        why: "No PCI device has a larger ROM BAR; the file was not read, so nothing is known about guests that use it.",
        remedy: "If it is a dump of a whole flash chip, cut the ROM out of it; if it is none, take it out of the input.";
    RomNameOnly = 202, "rom-name-only", Error,
        what: "A file of the input is named as an option ROM and is not one.",
        why: "QEMU gives the file to a card all the same, and firmware finds no ROM in it; what guests had from it is not judged.",
        remedy: "Unpack the file if it is compressed, cut off what stands before 55 AA, fetch it again, or take it out of the input.";
    RomLinkDangling = 203, "rom-link-dangling", Error,
        what: "A link of the input has the name of an option ROM and leads to a file that is not in it.",
        why: "The ROM is part of another package or lies elsewhere; it was not read, so guests that use it are not judged.",
        remedy: "Unpack the package with the file and this one into one folder, and give the folder.";
    RomNameNotText = 204, "rom-name-not-text", Warning,
        what: "The name of an option ROM is not UTF-8.",
        why: "Definitions of guests and JSON cannot hold such a name, so no mapping can name it as it is; it is shown with escapes.",
        remedy: "Rename the file.";
    ArchiveBehindArchive = 205, "archive-behind-archive", Error,
        what: "Another tar archive stands behind the end of the first.",
        why: "GNU tar does not read it without `--ignore-zeros`, so ROMs in it are left out.",
        remedy: "Give each archive by itself, or join them with `tar --concatenate`.";
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
    NetworkBootLost = 308, "network-boot-lost", Warning,
        what: "A compat ROM has no x86 image with the ids that a device has.",
        why: "QEMU adapts the ids in a ROM only when it loads it by default, and legacy BIOS firmware skips an image for another device: such a guest migrates, and after a cold start with the compat ROM it does not boot from the network.",
        remedy: "Name the compat ROM only for the guests that migrate, and start those that boot from the network anew with the host's own ROM; or name for them, by `<rom file=…/>`, a copy to which `retarget` gave the ids.";
    NoDeviceKnown = 309, "no-device-known", Warning,
        what: "A mapping is asked for, and no device is known that loads the ROM.",
        why: "The compat ROM is shipped, and no guest is told to load it. A guest that names the old ROM itself (`romfile=`) needs the compat name in its place.",
        remedy: "Nothing where no guest names it, as with alternatives such as pxe-virtio.rom; else name the device in romcompat.toml under [devices].";

    ProofDisagrees = 401, "proof-disagrees", Error,
        what: "QEMU did something else than the plan says.",
        why: "A guest that the plan calls safe would be refused, or the other way round.",
        remedy: "Look at the command lines and what QEMU said (`--keep FOLDER`); a QEMU of your own may do something else with ROMs.";
    RefusedForAnotherReason = 402, "refused-for-another-reason", Error,
        what: "QEMU refused a guest, and not for its ROM.",
        why: "These two releases of QEMU cannot exchange this guest, whatever its ROM; so nothing is proved about the ROM.",
        remedy: "Try an older machine type, or leave the device out with `--device`; what QEMU said names the part of the guest.";
    ProofCouldNotRun = 403, "proof-could-not-run", Error,
        what: "A proof has no verdict: QEMU did not start, did not answer or did not do what it was asked.",
        why: "Nothing is known about this device and machine.",
        remedy: "Run the command line (`--keep FOLDER`) by hand. A device may be missing in this QEMU, a module not be installed, or the disk be full.";
    NetworkBootDiffers = 404, "network-boot-differs", Error,
        what: "A machine with the compat ROM reached network boot and the plan says that it does not, or the other way round.",
        why: "A guest that is started anew would not behave as the package promises.",
        remedy: "Look at the console (`--keep FOLDER`) and at the ids of the ROM (`inspect`).";

    StateNotResumed = 501, "state-not-resumed", Error,
        what: "A saved guest needs a ROM of another size than the host gives it.",
        why: "QEMU refuses to load the state, and the guest stays suspended until a host gives it the size.",
        remedy: "Build the compat package of the ROMs that the guest was started with (`build`), or take them out of the state (`state --extract-roms`), and name them as `state --emit` prints.";
    StateRomMissing = 502, "state-rom-missing", Error,
        what: "A saved guest needs a ROM that is not among those of the host.",
        why: "Where the host really lacks it, QEMU does not start the guest; where only a part of its ROMs was given, nothing is known.",
        remedy: "Give every folder in which the host's QEMU looks for ROMs, or every package with ROMs, by a `--roms` of its own.";
    StateRomUnknown = 503, "state-rom-unknown", Error,
        what: "Whether a host gives a saved guest a ROM of its size depends on what its state does not say.",
        why: "Machine types of PCs up to 2.3 do not name themselves in a state, and those up to 1.4 load other ROMs by default.",
        remedy: "Say the guest's machine type (`--machine`), or name a ROM file of the size for the card (`state --emit`).";
    StateDeviceUnknown = 504, "state-device-unknown", Error,
        what: "A saved guest has a ROM of which it is not known what loads it.",
        why: "Whether a host gives the guest a ROM of that size cannot be said, and no mapping can name the device.",
        remedy: "Give the device a ROM file of the size by its own property `romfile`. If you know that the host has it, `--allow state-device-unknown`.";
    StateCardApart = 505, "state-card-apart", Warning,
        what: "Cards of one kind in saved guests need ROMs of different sizes.",
        why: "What a mapping tells a kind of device (`-global`, `-readconfig`, a compat array) reaches all its cards, and some need another size.",
        remedy: "Name the ROM for the card alone: `romfile=` in its `-device` option, or `<rom file=…/>` in its <interface>.";
    SaveCompressionDiffers = 506, "save-compression-differs", Error,
        what: "A save file of libvirt is compressed in another way than its header says.",
        why: "The program that libvirt runs, by what the header says, cannot unpack the data, and the restore fails.",
        remedy: "Pack the data behind the definition again in the way that the header says, or mend the header.";
    SaveNotReadToEnd = 507, "save-not-read-to-end", Note,
        what: "A compressed save file is longer than what is read of it.",
        why: "The sums that would show a damaged file stand at its end, and only as much is unpacked as tells the sizes and 256 MiB more.",
        remedy: "If the file may be damaged, test it with its own program: `tail -c +OFFSET FILE | xz -t`, with the offset of the data counted from 1.";
    GuestWouldBreak = 531, "guest-would-break", Error,
        what: "A guest has a network or video card whose ROM the new host lacks, or has in another size.",
        why: "Its live migration to that host, or its resume there, fails with the line that is named. And if it is started there, its card has the new size, and the way back fails.",
        remedy: "Install the compat package on the new host and pin the guest's network cards before it is started there (`guests --pin`); for guests that come in running, install the hook (`build --libvirt-hook`). libvirt cannot name the ROM of a video card: keep its size (`pad`), or tell QEMU by a compat array or `-global` (`emit`).";
    GuestRomElsewhere = 532, "guest-rom-elsewhere", Note,
        what: "A guest names a ROM file that is in none of the sets of ROMs.",
        why: "The new host must have the same file, or QEMU does not start; nothing more can be said.",
        remedy: "Make sure that the file is on every host that the guest goes to.";
    GuestCardUnknown = 533, "guest-card-unknown", Warning,
        what: "A guest has a card whose model is not given or not known.",
        why: "Which ROM it loads, and of which size, cannot be said.",
        remedy: "If the card loads a ROM, name it in the guest's definition by `<rom file=…/>` on all hosts.";
    GuestMachineUnknown = 534, "guest-machine-unknown", Warning,
        what: "No version is known of a guest's machine type, or the QEMU that was asked does not have it.",
        why: "Which ROM a card loads depends on the machine type's version; that of new machine types is assumed. A QEMU without the machine type cannot run the guest.",
        remedy: "Give the host's QEMU, as by `--qemu qemu-system-x86_64`, so that aliases can be resolved, or upgrade the machine type (`--upgrade-machine`).";
    GuestTwice = 535, "guest-twice", Warning,
        what: "Two definitions have one name.",
        why: "Only one of them can be the guest of that name, and which one is not known.",
        remedy: "Rename or remove one of the definitions.";
    GuestWithoutCard = 536, "guest-without-card", Note,
        what: "A guest has no network card.",
        why: "It has no ROM of a card, so its migration does not depend on one.",
        remedy: "Nothing needs to be done.";
    GuestUnreadable = 537, "guest-unreadable", Error,
        what: "A definition cannot be read.",
        why: "Nothing can be said about the guest, so it may be one that breaks.",
        remedy: "Look at the place that is named; `virt-xml-validate FILE` says what libvirt thinks of it.";
    GuestRomNotGiven = 538, "guest-rom-not-given", Warning,
        what: "The size of a ROM that a guest's card loads by default is not known, on the old host or on both.",
        why: "Nothing can be said about the card, so the guest may be one that breaks.",
        remedy: "Give the ROMs that the guest was started with by `--old` and those of the new host by `--new`, each with those of the card; with `--mapping`, its machine type must have a version that is known.";
    GuestNotUpgraded = 539, "guest-not-upgraded", Error,
        what: "A guest cannot be given the machine type that was asked for.",
        why: "Another architecture or family is another machine, an older version takes hardware away, and a QEMU without the machine type does not start the guest.",
        remedy: "Leave the guest out, or give it a newer machine type of its own family that its QEMU has.";
    GuestVanished = 540, "guest-vanished", Warning,
        what: "A guest that libvirt had listed was gone when its definition was asked for.",
        why: "Nothing is said about it; it may have moved to another host.",
        remedy: "If that was not meant to be, ask again.";
    HostIncomplete = 541, "host-incomplete", Error,
        what: "The inventory of a host is missing, cut short, or made by another release of romcompat.",
        why: "The host is left out, so nothing is said about guests that come from it or go to it.",
        remedy: "Collect it again, with the same release of romcompat on every host.";
    GuestCannotGo = 542, "guest-cannot-go", Error,
        what: "Guests of some hosts cannot be migrated to others.",
        why: "The ROMs of the hosts have other sizes than those that the guests were started with.",
        remedy: "Install the compat package with its hook on the hosts that refuse them, or pin the guests (`guests --pin`).";
    GuestWayNotKnown = 543, "guest-way-not-known", Error,
        what: "Whether guests of some hosts can be migrated to others is not known.",
        why: "A definition cannot be read, a card's model is not known, or a ROM file stands outside the folders that were inspected, so the migration may fail.",
        remedy: "Mend what the findings about the guest name, and inspect the folders with the files that guests name on every host.";
    GuestDisplaysNotCompared = 544, "guest-displays-not-compared", Note,
        what: "Guests have video cards, and none of the ROMs that were given is for one.",
        why: "Guests are judged by their network cards alone then. A ROM of a video card that has another size on the new host breaks them, too.",
        remedy: "Give the packages with the `vgabios-*.bin` files of both hosts as well, such as Debian's seabios, by `--old` and `--new`.";
}

impl Code {
    /// Whether findings of this code are about what may be a ROM and was not
    /// read, so that no answer about all ROMs can be given.
    #[must_use]
    pub const fn is_of_what_was_not_read(self) -> bool {
        matches!(
            self,
            Self::RomTooLarge
                | Self::RomNameOnly
                | Self::RomLinkDangling
                | Self::ArchiveBehindArchive
        )
    }
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
