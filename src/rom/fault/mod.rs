//! Faults of a ROM as data, and the words for them.

mod code;
mod place;
mod words;

use super::{
    CodeType, CompressionError, EfiMachine, EfiSubsystem, ImageLength, PciIds, PeError, Structure,
};
use crate::bytes::OutOfBounds;
use crate::finding::Finding;

/// One fault or noteworthy fact of a ROM. Offsets are in bytes from the start
/// of the file; images are numbered from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RomFault {
    /// The file ends inside an expansion ROM header.
    HeaderOutOfBounds {
        /// The image.
        number: usize,
        /// Where, and by how much.
        bounds: OutOfBounds,
    },
    /// No PCI Data Structure, in a ROM that is right for ISA.
    NoPcir {
        /// What stands where the pointer would be.
        pointer: u16,
    },
    /// The PCI Data Structure does not fit into the file.
    PcirOutOfBounds {
        /// The image.
        number: usize,
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// Where, and by how much.
        bounds: OutOfBounds,
    },
    /// Another signature than PCIR where the pointer leads.
    PcirSignature {
        /// The image.
        number: usize,
        /// Where the structure should stand.
        offset: usize,
        /// What stands there.
        found: [u8; 4],
    },
    /// A PCI Data Structure that is shorter than its revision.
    PcirLength {
        /// The image.
        number: usize,
        /// Offset of the length field.
        offset: usize,
        /// The length it says, in bytes.
        length: u16,
        /// The revision it says.
        revision: u8,
        /// The length that this revision has, in bytes.
        required: usize,
    },
    /// An image of 0 bytes.
    ImageLengthZero {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
    },
    /// An image that is longer than the rest of the file.
    ImageLengthBeyondFile {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
        /// Its length.
        length: ImageLength,
        /// Bytes from its offset to the end of the file.
        available: usize,
    },
    /// No image where the one before says that another follows.
    LastImageMissing {
        /// The image that says so.
        number: usize,
        /// Where the next should start.
        offset: usize,
        /// What stands there; nothing at the end of the file.
        found: Option<[u8; 2]>,
    },
    /// Something other than padding after the last image.
    DataAfterLastImage {
        /// Where it starts.
        offset: usize,
        /// Its length, in bytes.
        length: usize,
    },
    /// A ROM that starts again behind its last image, up to the end of the file.
    RomRepeats {
        /// Where the second copy starts.
        offset: usize,
        /// Bytes from there to the end of the file.
        length: usize,
    },
    /// An x86 image that does not sum to 0.
    ImageChecksum {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
        /// The bytes that were summed.
        length: usize,
        /// Their sum.
        sum: u8,
    },
    /// An x86 image whose initialization size is not its image length.
    InitLength {
        /// The image.
        number: usize,
        /// Offset of the initialization size.
        offset: usize,
        /// The initialization size.
        initialization: ImageLength,
        /// The image length.
        length: ImageLength,
    },
    /// More than [`MAX_IMAGES`](super::MAX_IMAGES) images.
    TooManyImages {
        /// Where the next would start.
        offset: usize,
    },
    /// A file size that is not a multiple of 512 bytes.
    SizeNotInUnits {
        /// The size, in bytes.
        size: usize,
    },
    /// A PCI Data Structure that stands in the file, but not in its image.
    PcirOutsideImage {
        /// The image.
        number: usize,
        /// Where the structure stands.
        offset: usize,
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// The image length.
        length: ImageLength,
    },
    /// A PCI Data Structure that is not aligned to 4 bytes.
    PcirUnaligned {
        /// The image.
        number: usize,
        /// Where the structure stands.
        offset: usize,
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
    },
    /// A PCI Data Structure that overlaps the expansion ROM header.
    PcirInHeader {
        /// The image.
        number: usize,
        /// Where the structure stands.
        offset: usize,
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
    },
    /// A PCI Data Structure that starts in its image and says it ends after it.
    PcirBeyondImage {
        /// The image.
        number: usize,
        /// Offset of the length field.
        offset: usize,
        /// The length it says, in bytes.
        length: u16,
        /// Bytes from the structure to the end of the image.
        available: usize,
    },
    /// A configuration utility code header outside of its image.
    ConfigurationUtilityOutOfBounds {
        /// The image.
        number: usize,
        /// Offset of the pointer.
        offset: usize,
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// The image length.
        length: ImageLength,
    },
    /// A DMTF CLP entry point outside of its image.
    ClpEntryOutOfBounds {
        /// The image.
        number: usize,
        /// Offset of the pointer.
        offset: usize,
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// The image length.
        length: ImageLength,
    },
    /// A PCI Data Structure of a revision that the specification does not have.
    PcirRevision {
        /// The image.
        number: usize,
        /// Offset of the revision.
        offset: usize,
        /// The revision.
        revision: u8,
    },
    /// A code type that is reserved.
    UnknownCodeType {
        /// The image.
        number: usize,
        /// Offset of the code type.
        offset: usize,
        /// The code type.
        code_type: CodeType,
    },
    /// An image with more run-time than image.
    RuntimeLength {
        /// The image.
        number: usize,
        /// Offset of the maximum run-time image length.
        offset: usize,
        /// The maximum run-time image length.
        runtime: ImageLength,
        /// The image length.
        length: ImageLength,
    },
    /// An FCode program whose header does not fit into its image.
    FcodeOutOfBounds {
        /// The image.
        number: usize,
        /// Offset of the pointer.
        offset: usize,
        /// Where from the start of the image, and by how much.
        bounds: OutOfBounds,
    },
    /// An EFI image without the EFI signature.
    EfiSignature {
        /// The image.
        number: usize,
        /// Offset of the EFI signature.
        offset: usize,
        /// What stands there.
        found: u32,
    },
    /// An EFI image whose initialization size is not its image length.
    EfiInitLength {
        /// The image.
        number: usize,
        /// Offset of the initialization size.
        offset: usize,
        /// The initialization size.
        initialization: ImageLength,
        /// The image length.
        length: ImageLength,
    },
    /// A structure that does not fit into its image.
    StructureOutOfBounds {
        /// The image.
        number: usize,
        /// The structure.
        structure: Structure,
        /// Where, and by how much.
        bounds: OutOfBounds,
    },
    /// A structure that says it is shorter than its fields.
    StructureLength {
        /// The image.
        number: usize,
        /// The structure.
        structure: Structure,
        /// Where it stands.
        offset: usize,
        /// The length it says, in bytes.
        length: usize,
        /// The length of its fields, in bytes.
        required: usize,
    },
    /// A structure that does not sum to 0.
    StructureChecksum {
        /// The image.
        number: usize,
        /// The structure.
        structure: Structure,
        /// Where it stands.
        offset: usize,
        /// The bytes that were summed.
        length: usize,
        /// Their sum.
        sum: u8,
    },
    /// No Plug and Play header where the image points.
    PnpSignature {
        /// The image.
        number: usize,
        /// Offset of the pointer.
        offset: usize,
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// What stands there; nothing outside of the image.
        found: Option<[u8; 4]>,
    },
    /// No UNDI ROM ID structure where the image points.
    UndiSignature {
        /// The image.
        number: usize,
        /// Offset of the pointer.
        offset: usize,
        /// The pointer, in bytes from the start of the image.
        pointer: u16,
        /// What stands there; nothing outside of the image.
        found: Option<[u8; 4]>,
    },
    /// Plug and Play headers whose pointers form a loop.
    PnpEndless {
        /// The image.
        number: usize,
        /// Where the header stands that is one too many.
        offset: usize,
    },
    /// A device list outside of its image.
    DeviceListOutOfBounds {
        /// The image.
        number: usize,
        /// Offset of the pointer.
        offset: usize,
        /// The pointer, in bytes from the PCI Data Structure.
        pointer: u16,
    },
    /// A device list that no word of 0 ends.
    DeviceListUnterminated {
        /// The image.
        number: usize,
        /// Where the list starts.
        offset: usize,
    },
    /// A vendor id that no device has.
    IdsOfNoDevice {
        /// The image.
        number: usize,
        /// Offset of the ids.
        offset: usize,
        /// The ids.
        ids: PciIds,
    },
    /// Images that are for different devices.
    IdsDiffer {
        /// The image.
        number: usize,
        /// Offset of its ids.
        offset: usize,
        /// Its ids.
        ids: PciIds,
        /// The ids of the first image.
        first: PciIds,
    },
    /// An image that is for none of the devices that the ROM is for.
    UnexpectedIds {
        /// The image.
        number: usize,
        /// Offset of its ids.
        offset: usize,
        /// Its ids.
        ids: PciIds,
        /// The ids that were expected.
        expected: Vec<PciIds>,
    },
    /// An EFI executable that starts outside of its image.
    EfiExecutableOutOfBounds {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
        /// Where from the start of the image, and by how much.
        bounds: OutOfBounds,
    },
    /// A compression type that is reserved.
    UnknownCompression {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
        /// The compression type.
        compression: u16,
    },
    /// An EFI executable that cannot be decompressed.
    DecompressionFailed {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
        /// Why.
        error: CompressionError,
    },
    /// An EFI executable that is no PE, or a damaged one.
    PeUnreadable {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
        /// Why.
        error: PeError,
    },
    /// An EFI header that names another machine than its executable.
    EfiMachineMismatch {
        /// The image.
        number: usize,
        /// Offset of the machine type.
        offset: usize,
        /// Machine in the EFI header.
        header: EfiMachine,
        /// Machine in the PE.
        executable: EfiMachine,
    },
    /// An EFI header that names another subsystem than its executable.
    EfiSubsystemMismatch {
        /// The image.
        number: usize,
        /// Offset of the subsystem.
        offset: usize,
        /// Subsystem in the EFI header.
        header: EfiSubsystem,
        /// Subsystem in the PE.
        executable: EfiSubsystem,
    },
    /// An EFI image that is no driver.
    EfiNotADriver {
        /// The image.
        number: usize,
        /// Offset of the subsystem.
        offset: usize,
        /// The subsystem.
        subsystem: EfiSubsystem,
    },
    /// No x86 image in a ROM for a PCI device.
    NoX86Image,
    /// No EFI image in a ROM for a PCI device.
    NoEfiImage,
    /// An x86 image that its initialization size cannot tell.
    X86ImageTooLarge {
        /// The image.
        number: usize,
        /// Its offset.
        offset: usize,
        /// Its length.
        length: ImageLength,
    },
    /// Padding of zeros, or of zeros and 0xFF.
    UnusualPadding {
        /// Where it starts.
        offset: usize,
        /// Its length, in bytes.
        length: usize,
        /// Whether it is all zeros.
        zeros: bool,
    },
    /// Less room in the BAR than was asked for.
    LittleRoom {
        /// Bytes that the ROM needs, padding not counted.
        used: u64,
        /// Bytes of the BAR that are free.
        room: u64,
        /// Bytes that should be free.
        minimum: u64,
    },
}

impl RomFault {
    /// Whether nothing tells where the next image starts, or whether the ROM
    /// has one: what follows cannot be judged.
    #[must_use]
    pub const fn breaks_chain(&self) -> bool {
        matches!(
            self,
            Self::HeaderOutOfBounds { .. }
                | Self::PcirOutOfBounds { .. }
                | Self::PcirSignature { .. }
                | Self::ImageLengthZero { .. }
                | Self::ImageLengthBeyondFile { .. }
                | Self::LastImageMissing { .. }
                | Self::TooManyImages { .. }
        )
    }

    /// The finding about the ROM named `subject`: the only place for its words.
    #[must_use]
    pub fn finding(&self, subject: &str) -> Finding {
        let (found, required) = self.words();
        Finding::new(self.code(), subject, found, required).at(self.place())
    }
}
