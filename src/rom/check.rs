//! What can be said of one image without decompressing it.

use super::{
    CodeType, EFI_SIGNATURE, EfiFault, EfiHeader, ExpansionRomHeader, Image, ImageFault,
    ImageLength, IpxeHeader, PciDataStructure, PcirFault, PnpFault, PnpHeader, RomFault, Structure,
    UndiRomId,
};
use crate::bytes::OutOfBounds;

/// Appends the faults of an image; `is_whole` where the file has all of it.
pub(super) fn check_image(image: &Image<'_>, is_whole: bool, faults: &mut Vec<RomFault>) {
    let mut check = Check { image, faults };
    if let Some(pcir) = image.pcir() {
        check.pcir(pcir);
        if is_whole {
            check.pcir_in_image(pcir);
            check.device_list(pcir);
        }
    }
    match image.code_type() {
        CodeType::X86 => check.x86(is_whole),
        CodeType::Efi => check.efi(is_whole),
        CodeType::OpenFirmware if is_whole => check.fcode(),
        CodeType::OpenFirmware | CodeType::PaRisc | CodeType::Other(_) => {}
    }
}

struct Check<'c, 'a> {
    image: &'c Image<'a>,
    faults: &'c mut Vec<RomFault>,
}

impl Check<'_, '_> {
    /// An offset in the image as an offset in the file.
    const fn at(&self, offset: usize) -> usize {
        self.image.offset().saturating_add(offset)
    }

    fn pcir(&mut self, pcir: PciDataStructure<'_>) {
        let number = self.image.number();
        let position = self.image.pcir_position();
        let pointer = self.image.header().pcir_offset();
        let field = |offset| position.saturating_add(offset);
        let revision = pcir.revision();
        let required = match revision {
            0..=2 => PciDataStructure::SIZE,
            _ => PciDataStructure::SIZE_REVISION_3,
        };
        if usize::from(pcir.length()) < required {
            self.faults.push(RomFault::in_image(
                number,
                field(0x0a),
                PcirFault::Length {
                    length: pcir.length(),
                    revision,
                    required,
                },
            ));
        }
        if usize::from(pointer) < ExpansionRomHeader::SIZE {
            self.faults.push(RomFault::in_image(
                number,
                position,
                PcirFault::InHeader { pointer },
            ));
        }
        if !pointer.is_multiple_of(4) {
            self.faults.push(RomFault::in_image(
                number,
                position,
                PcirFault::Unaligned { pointer },
            ));
        }
        if !matches!(revision, 0 | 3) {
            self.faults.push(RomFault::in_image(
                number,
                field(0x0c),
                PcirFault::Revision { revision },
            ));
        }
        if let code_type @ CodeType::Other(_) = pcir.code_type() {
            self.faults.push(RomFault::in_image(
                number,
                field(0x14),
                PcirFault::UnknownCodeType { code_type },
            ));
        }
        let length = pcir.image_length();
        if let Some(runtime) = pcir.maximum_runtime_length().filter(|size| *size > length) {
            self.faults.push(RomFault::in_image(
                number,
                field(0x16),
                PcirFault::RuntimeLength { runtime, length },
            ));
        }
    }

    fn pcir_in_image(&mut self, pcir: PciDataStructure<'_>) {
        let position = self.image.pcir_position();
        let length = pcir.image_length();
        let end = position.saturating_add(PciDataStructure::SIZE);
        if length.units() == 0 {
            return;
        }
        let number = self.image.number();
        if end > self.image.end() {
            self.faults.push(RomFault::in_image(
                number,
                position,
                PcirFault::OutsideImage {
                    pointer: self.image.header().pcir_offset(),
                    length,
                },
            ));
            return;
        }
        let available = self.image.end().saturating_sub(position);
        if usize::from(pcir.length()) > available {
            self.faults.push(RomFault::in_image(
                number,
                position.saturating_add(0x0a),
                PcirFault::BeyondImage {
                    length: pcir.length(),
                    available,
                },
            ));
        }
        let outside = |pointer: &u16| usize::from(*pointer) >= length.bytes();
        if let Some(pointer) = pcir.configuration_utility_offset().filter(outside) {
            self.faults.push(RomFault::in_image(
                number,
                position.saturating_add(0x18),
                PcirFault::ConfigurationUtilityOutOfBounds { pointer, length },
            ));
        }
        if let Some(pointer) = pcir.clp_entry_offset().filter(outside) {
            self.faults.push(RomFault::in_image(
                number,
                position.saturating_add(0x1a),
                PcirFault::ClpEntryOutOfBounds { pointer, length },
            ));
        }
    }

    /// Pointers of an x86 image for PCI that lead to another signature. In an
    /// ISA ROM, code or data may stand in their place.
    fn signatures(&mut self) {
        let image = self.image;
        let number = image.number();
        let found = |pointer: u16| {
            let rest = image.bytes().get(usize::from(pointer)..)?;
            rest.first_chunk().copied()
        };
        let pointer = image.pnp_offset();
        if pointer != 0 && image.pnp_headers().next().is_none() {
            self.faults.push(RomFault::in_image(
                number,
                self.at(ExpansionRomHeader::SIZE),
                ImageFault::PnpSignature {
                    pointer,
                    found: found(pointer),
                },
            ));
        }
        let pointer = image.undi_offset();
        if pointer != 0 && image.find_undi().is_none() {
            self.faults.push(RomFault::in_image(
                number,
                self.at(0x16),
                ImageFault::UndiSignature {
                    pointer,
                    found: found(pointer),
                },
            ));
        }
    }

    fn device_list(&mut self, pcir: PciDataStructure<'_>) {
        if !pcir.has_device_list() {
            return;
        }
        let number = self.image.number();
        match self.image.device_list() {
            None => self.faults.push(RomFault::in_image(
                number,
                self.image.pcir_position().saturating_add(8),
                PcirFault::DeviceListOutOfBounds {
                    pointer: pcir.device_list_offset(),
                },
            )),
            Some(list) if !list.is_terminated() => {
                self.faults.push(RomFault::in_image(
                    number,
                    self.at(list.offset()),
                    PcirFault::DeviceListUnterminated,
                ));
            }
            Some(_) => {}
        }
    }

    fn x86(&mut self, is_whole: bool) {
        let image = self.image;
        let number = image.number();
        if let Some(pcir) = image.pcir() {
            let initialization = image.header().initialization_size();
            if initialization != pcir.image_length() {
                self.faults.push(RomFault::in_image(
                    number,
                    self.at(2),
                    ImageFault::InitLength {
                        initialization,
                        length: pcir.image_length(),
                    },
                ));
            }
            if let Some(sum) = image.checksum().filter(|sum| is_whole && *sum != 0) {
                self.faults.push(RomFault::in_image(
                    number,
                    image.offset(),
                    ImageFault::Checksum {
                        length: image.bytes().len(),
                        sum,
                    },
                ));
            }
        }
        if is_whole {
            self.structures();
        }
        if is_whole && image.pcir().is_some() {
            self.signatures();
        }
    }

    fn structures(&mut self) {
        let image = self.image;
        for header in image.pnp_headers() {
            match header {
                Ok(header) => self.structure(
                    Structure::Pnp,
                    header.offset(),
                    header.length(),
                    PnpHeader::SIZE,
                    header.sum(),
                ),
                Err(PnpFault::OutOfBounds(bounds)) => self.out_of_bounds(Structure::Pnp, bounds),
                Err(PnpFault::Endless { at }) => self.faults.push(RomFault::in_image(
                    image.number(),
                    self.at(at),
                    ImageFault::PnpEndless,
                )),
            }
        }
        match image.find_undi() {
            Some(Ok(undi)) => self.structure(
                Structure::Undi,
                undi.offset(),
                usize::from(undi.length()),
                UndiRomId::SIZE,
                undi.sum(),
            ),
            Some(Err(bounds)) => self.out_of_bounds(Structure::Undi, bounds),
            None => {}
        }
        match image.find_ipxe() {
            Some(Ok(header)) => self.structure(
                Structure::Ipxe,
                header.offset(),
                usize::from(header.length()),
                IpxeHeader::SIZE,
                header.sum(),
            ),
            Some(Err(bounds)) => self.out_of_bounds(Structure::Ipxe, bounds),
            None => {}
        }
    }

    /// A structure at `at` of the image that says it has `length` bytes.
    fn structure(
        &mut self,
        structure: Structure,
        at: usize,
        length: usize,
        required: usize,
        sum: u8,
    ) {
        let (number, offset) = (self.image.number(), self.at(at));
        if length < required {
            self.faults.push(RomFault::in_image(
                number,
                offset,
                ImageFault::StructureLength {
                    structure,
                    length,
                    required,
                },
            ));
        } else if sum != 0 {
            self.faults.push(RomFault::in_image(
                number,
                offset,
                ImageFault::StructureChecksum {
                    structure,
                    length,
                    sum,
                },
            ));
        }
    }

    fn out_of_bounds(&mut self, structure: Structure, bounds: OutOfBounds) {
        let bounds = OutOfBounds {
            at: self.at(bounds.at),
            ..bounds
        };
        self.faults.push(RomFault::in_image(
            self.image.number(),
            bounds.at,
            ImageFault::StructureOutOfBounds { structure, bounds },
        ));
    }

    fn fcode(&mut self) {
        if let Some(Err(bounds)) = self.image.find_fcode() {
            self.faults.push(RomFault::in_image(
                self.image.number(),
                self.at(2),
                ImageFault::FcodeOutOfBounds { bounds },
            ));
        }
    }

    fn efi(&mut self, is_whole: bool) {
        let number = self.image.number();
        let Ok(header) = EfiHeader::of_image(self.image.bytes()) else {
            return;
        };
        if header.efi_signature() != EFI_SIGNATURE {
            self.faults.push(RomFault::in_image(
                number,
                self.at(4),
                EfiFault::Signature {
                    found: header.efi_signature(),
                },
            ));
            return;
        }
        let initialization = ImageLength::from_units(header.initialization_size());
        let length = self.image.pcir().map(PciDataStructure::image_length);
        if let Some(length) = length.filter(|length| is_whole && *length != initialization) {
            self.faults.push(RomFault::in_image(
                number,
                self.at(2),
                EfiFault::InitLength {
                    initialization,
                    length,
                },
            ));
        }
    }
}
