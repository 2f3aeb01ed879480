//! One image of a ROM, and what can be read in it.

use super::{
    CodeType, DeviceList, EfiExecutable, EfiHeader, ExecutableError, ExpansionRomHeader,
    FcodeHeader, IpxeHeader, PciDataStructure, PciIds, PnpHeaders, UndiRomId,
};
use crate::bytes::{OutOfBounds, array_at, le16};

/// One image of a ROM: a header, mostly a PCI Data Structure, and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image<'a> {
    pub(super) number: usize,
    pub(super) offset: usize,
    pub(super) bytes: &'a [u8],
    pub(super) header: ExpansionRomHeader<'a>,
    pub(super) pcir: Option<PciDataStructure<'a>>,
    pub(super) efi: Option<EfiHeader<'a>>,
    pub(super) sum: u8,
}

impl<'a> Image<'a> {
    /// Number of the image, counted from 1.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.number
    }

    /// Offset in bytes from the start of the ROM.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The image's bytes, by its image length, as far as the file has them.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Offset in bytes where the image ends.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.offset.saturating_add(self.bytes.len())
    }

    /// The expansion ROM header.
    #[must_use]
    pub const fn header(&self) -> ExpansionRomHeader<'a> {
        self.header
    }

    /// The PCI Data Structure; an ISA ROM has none.
    #[must_use]
    pub const fn pcir(&self) -> Option<PciDataStructure<'a>> {
        self.pcir
    }

    /// The EFI header of an EFI image with the EFI signature.
    #[must_use]
    pub const fn efi(&self) -> Option<EfiHeader<'a>> {
        self.efi
    }

    /// Offset of the PCI Data Structure from the start of the ROM, in bytes.
    pub(super) fn pcir_position(&self) -> usize {
        let pointer = usize::from(self.header.pcir_offset());
        self.offset.saturating_add(pointer)
    }

    /// The list of further devices, in the vendor's order; `None` where the
    /// image has none or the pointer leads outside of it.
    #[must_use]
    pub fn device_list(&self) -> Option<DeviceList<'a>> {
        let pcir = self.pcir.filter(|pcir| pcir.has_device_list())?;
        let pcir_offset = usize::from(self.header.pcir_offset());
        let at = pcir_offset.saturating_add(usize::from(pcir.device_list_offset()));
        DeviceList::find(self.bytes, at)
    }

    /// Whether the image is for a device with these ids: its own, or in its
    /// device list.
    #[must_use]
    pub fn is_for(&self, ids: PciIds) -> bool {
        self.ids().is_some_and(|own| {
            let mut listed = self.device_list().into_iter().flat_map(DeviceList::ids);
            own.vendor == ids.vendor
                && (own.device == ids.device || listed.any(|device| device == ids.device))
        })
    }

    /// The Plug and Play headers of an x86 image.
    #[must_use]
    pub fn pnp_headers(&self) -> PnpHeaders<'a> {
        PnpHeaders::new(self.bytes, self.pnp_offset())
    }

    /// Offset of the first Plug and Play header of an x86 image, 0 for none.
    #[must_use]
    pub fn pnp_offset(&self) -> u16 {
        // The pointer stands right after the 26 bytes of the header.
        let at = ExpansionRomHeader::SIZE;
        let pointer = array_at::<2>(self.bytes, at, "PnP pointer");
        self.legacy_pointer(at, pointer.map_or(0, le16::<0, _>))
    }

    /// The UNDI ROM ID structure of an x86 image.
    #[must_use]
    pub fn undi(&self) -> Option<UndiRomId<'a>> {
        self.find_undi()?.ok()
    }

    pub(super) fn find_undi(&self) -> Option<Result<UndiRomId<'a>, OutOfBounds>> {
        UndiRomId::find(self.bytes, self.undi_offset())
    }

    /// Offset of the UNDI ROM ID structure of an x86 image, 0 for none.
    #[must_use]
    pub fn undi_offset(&self) -> u16 {
        self.legacy_pointer(0x16, self.header.undi_offset())
    }

    /// iPXE's header of an x86 image.
    #[must_use]
    pub fn ipxe(&self) -> Option<IpxeHeader<'a>> {
        self.find_ipxe()?.ok()
    }

    pub(super) fn find_ipxe(&self) -> Option<Result<IpxeHeader<'a>, OutOfBounds>> {
        let pointer = self.legacy_pointer(0x10, self.header.ipxe_offset());
        IpxeHeader::find(self.bytes, pointer)
    }

    /// A pointer at `at` of an x86 image. Other images use those bytes
    /// otherwise, and so does a PCI Data Structure that stands there.
    fn legacy_pointer(&self, at: usize, pointer: u16) -> u16 {
        let pcir = usize::from(self.header.pcir_offset());
        let pcir_end = pcir.saturating_add(PciDataStructure::SIZE);
        let is_taken = self.pcir.is_some() && pcir < at.saturating_add(2) && at < pcir_end;
        match self.code_type() {
            CodeType::X86 if !is_taken => pointer,
            _ => 0,
        }
    }

    /// The header of an Open Firmware image's program.
    #[must_use]
    pub fn fcode(&self) -> Option<FcodeHeader<'a>> {
        self.find_fcode()?.ok()
    }

    pub(super) fn find_fcode(&self) -> Option<Result<FcodeHeader<'a>, OutOfBounds>> {
        (self.code_type() == CodeType::OpenFirmware)
            .then(|| FcodeHeader::at(self.bytes, self.header.fcode_offset()))
    }

    /// The executable of an EFI image; `None` for other images. It is read
    /// anew, and decompressed, at every call.
    ///
    /// # Errors
    /// [`ExecutableError`] when it is out of bounds or cannot be decompressed.
    #[must_use]
    pub fn efi_executable(&self) -> Option<Result<EfiExecutable<'a>, ExecutableError>> {
        Some(EfiExecutable::of_image(self.bytes, self.efi?))
    }

    /// The ids that the image is for; an ISA ROM has none.
    #[must_use]
    pub fn ids(&self) -> Option<PciIds> {
        self.pcir.map(PciDataStructure::ids)
    }

    /// The code type; an ISA ROM is x86 code.
    #[must_use]
    pub fn code_type(&self) -> CodeType {
        self.pcir.map_or(CodeType::X86, PciDataStructure::code_type)
    }

    /// The sum of an x86 image's bytes, which must be 0. Other images have no
    /// checksum.
    #[must_use]
    pub fn checksum(&self) -> Option<u8> {
        (self.code_type() == CodeType::X86).then_some(self.sum)
    }

    /// A short name for people: `x86`, `EFI X64`, `ISA`.
    #[must_use]
    pub fn kind(&self) -> String {
        match (self.pcir, self.efi) {
            (None, _) => "ISA".to_owned(),
            (Some(_), Some(efi)) => format!("EFI {}", efi.machine()),
            (Some(pcir), None) => pcir.code_type().to_string(),
        }
    }
}
