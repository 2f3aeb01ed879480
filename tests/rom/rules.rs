//! Every rule about ROMs: one input that fires it, and one that does not.

use crate::images::{
    DEVICES, EXECUTABLE, FCODE, GOOD_EFI, IPXE, PCIR, PNP, UNDI, balanced, driver, efi, good, isa,
    open_firmware, put, rom, stored, with, x86,
};
use romcompat::finding::{Code, Severity};
use romcompat::rom::{LintContext, PciIds, Rom, RomFault, Tail, lint};

pub fn codes(bytes: &[u8], context: &LintContext<'_>) -> Vec<Code> {
    let faults = lint(&Rom::parse(bytes).unwrap(), context);
    faults.iter().map(RomFault::code).collect()
}

/// The good ROM with bytes put into its x86 image, which sums to 0 again.
pub fn x86_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    rom(&[balanced(&x86(2), at, bytes), efi(&stored(&driver()), 1)])
}

/// The good ROM with bytes put into its EFI image.
fn efi_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    with(&good(), GOOD_EFI + at, bytes)
}

/// The good ROM with other bytes as its executable.
fn executable(bytes: &[u8]) -> Vec<u8> {
    rom(&[x86(2), efi(bytes, 0)])
}

/// What a BAR shows as often as the ROM's chip fits into it.
pub fn dump(rom: &[u8], copies: usize) -> Vec<u8> {
    let mut chip = rom.to_vec();
    chip.resize(rom.len().next_power_of_two(), 0xff);
    chip.repeat(copies)
}

pub fn padded(fill: &[u8]) -> Vec<u8> {
    [&good(), fill].concat()
}

/// An input that fires each rule.
fn fires(code: Code) -> Option<Vec<u8>> {
    let input = match code {
        Code::HeaderOutOfBounds => good()[..0x10].to_vec(),
        Code::NoPcir => isa(2),
        Code::PcirOutOfBounds => with(&good(), 0x18, &[0xff, 0xff]),
        Code::PcirSignature => with(&good(), PCIR, b"PCIX"),
        Code::PcirLength => x86_with(PCIR + 0x0a, &[0x18]),
        Code::ImageLengthZero => x86_with(PCIR + 0x10, &[0]),
        Code::ImageLengthBeyondFile => good()[..0x600].to_vec(),
        Code::LastImageMissing => x86(2),
        Code::DataAfterLastImage => padded(&[1; 512]),
        Code::RomRepeats => dump(&good(), 4),
        Code::ImageChecksum => with(&good(), 0x3f0, &[1]),
        Code::InitLength => x86_with(2, &[1]),
        Code::TooManyImages => rom(&vec![x86(1); 65]),
        Code::SizeNotInUnits => padded(&[0xff; 100]),
        Code::PcirOutsideImage => {
            let mut image = x86(4);
            image.copy_within(PCIR..PCIR + 0x1c, 0x500);
            let image = balanced(&image, 0x510, &[2]);
            let first = balanced(&image[..0x400], 0x18, &[0, 5]);
            rom(&[
                [&first, &image[0x400..]].concat(),
                efi(&stored(&driver()), 1),
            ])
        }
        Code::PcirUnaligned => {
            let mut image = x86(2);
            image.copy_within(PCIR..PCIR + 0x1c, PCIR + 2);
            rom(&[
                balanced(&image, 0x18, &[PCIR as u8 + 2]),
                efi(&stored(&driver()), 1),
            ])
        }
        Code::PcirInHeader => open_firmware_with_pcir(0x10),
        Code::PcirBeyondImage => x86_with(PCIR + 0x0a, &(0x400 - PCIR as u16 + 1).to_le_bytes()),
        Code::ConfigurationUtilityOutOfBounds => x86_with(PCIR + 0x18, &[0, 4]),
        Code::ClpEntryOutOfBounds => x86_with(PCIR + 0x1a, &[0, 4]),
        Code::PcirRevision => x86_with(PCIR + 0x0c, &[4]),
        Code::UnknownCodeType => efi_with(PCIR + 0x14, &[4]),
        Code::RuntimeLength => x86_with(PCIR + 0x16, &[3]),
        Code::FcodeOutOfBounds => {
            let image = with(&open_firmware(), 2, &[0xf9, 0x01]);
            [image, good()].concat()
        }
        Code::EfiSignature => efi_with(4, &[0]),
        Code::EfiInitLength => efi_with(2, &[1]),
        Code::PnpOutOfBounds => x86_with(0x3f0, b"$PnP\x01\x02").tap_pointer(0x1a, 0x3f0),
        Code::PnpLength => x86_with(PNP + 5, &[1]),
        Code::PnpChecksum => x86_with(PNP + 9, &[0]),
        Code::PnpSignature => x86_with(PNP, b"$PnX"),
        Code::UndiSignature => x86_with(UNDI, b"UNDX"),
        Code::PnpEndless => x86_with(PNP + 6, &[PNP as u8]),
        Code::UndiOutOfBounds => x86_with(0x3f0, b"UNDI\x16").tap_pointer(0x16, 0x3f0),
        Code::UndiLength => x86_with(UNDI + 4, &[0x15]),
        Code::UndiChecksum => x86_with(UNDI + 5, &[0]),
        Code::IpxeOutOfBounds => x86_with(0x3f8, b"iPXE\x0c").tap_pointer(0x10, 0x3f8),
        Code::IpxeLength => x86_with(IPXE + 4, &[0x0b]),
        Code::IpxeChecksum => x86_with(IPXE + 5, &[0]),
        Code::DeviceListOutOfBounds => x86_with(PCIR + 8, &[0xff, 0xff]),
        Code::DeviceListUnterminated => x86_with(DEVICES, &[1; 0x400 - DEVICES]),
        Code::IdsOfNoDevice => x86_with(PCIR + 4, &[0xff, 0xff]),
        Code::IdsDiffer => efi_with(PCIR + 6, &[0x00]),
        Code::UnexpectedIds => good(),
        Code::EfiExecutableOutOfBounds => efi_with(0x16, &[0xff, 0xff]),
        Code::UnknownCompression => efi_with(0x0c, &[2]),
        Code::DecompressionFailed => efi_with(EXECUTABLE + 4, &[0xff; 4]),
        Code::PeUnreadable => executable(b"no executable"),
        Code::EfiMachineMismatch => executable(&with(&driver(), 0x44, &[0x64, 0xaa])),
        Code::EfiSubsystemMismatch => executable(&with(&driver(), 0x58 + 0x44, &[0x0c])),
        Code::EfiNotADriver => efi_with(8, &[0x0a]),
        Code::NoX86Image => rom(&[efi(&driver(), 0)]),
        Code::NoEfiImage => rom(&[x86(2)]),
        Code::X86ImageTooLarge => {
            let mut image = x86(2);
            image.resize(256 * 512, 0);
            rom(&[balanced(&image, PCIR + 0x10, &[0, 1]), efi(&driver(), 0)])
        }
        Code::UnusualPadding => padded(&[0; 512]),
        Code::LittleRoom => good(),
        _ => return None,
    };
    Some(input)
}

/// The good ROM behind an Open Firmware image whose PCI Data Structure stands
/// at `at`.
pub fn open_firmware_with_pcir(at: usize) -> Vec<u8> {
    let mut image = open_firmware();
    image.copy_within(PCIR..PCIR + 0x18, at);
    put(&mut image, 2, &[FCODE as u8 + 8, 0, 0]);
    [with(&image, 0x18, &[at as u8, 0]), good()].concat()
}

trait Pointer {
    /// Sets a pointer of the first image of two units, which sums to 0 again.
    fn tap_pointer(self, at: usize, pointer: u16) -> Vec<u8>;
}

impl Pointer for Vec<u8> {
    fn tap_pointer(mut self, at: usize, pointer: u16) -> Vec<u8> {
        let first = balanced(&self[..0x400], at, &pointer.to_le_bytes());
        self[..0x400].copy_from_slice(&first);
        self
    }
}

const OWN_IDS: [PciIds; 2] = [ids(0x1af4, 0x9999), ids(0x1af4, 0x1041)];
const OTHER_IDS: [PciIds; 1] = [ids(0x8086, 0x1041)];

const fn ids(vendor: u16, device: u16) -> PciIds {
    PciIds { vendor, device }
}

/// What is known of the device when a rule should fire, and when not.
fn contexts(code: Code) -> [LintContext<'static>; 2] {
    let mut fires = LintContext::default();
    let mut silent = LintContext {
        expected_ids: &OWN_IDS,
        minimum_room: 512,
    };
    match code {
        Code::UnexpectedIds => fires.expected_ids = &OTHER_IDS,
        Code::LittleRoom => fires.minimum_room = 1 << 20,
        _ => silent.minimum_room = 0,
    }
    [fires, silent]
}

#[test]
fn every_rule_about_roms_fires_and_stays_silent() {
    let mut rules = 0;
    for code in Code::ALL
        .iter()
        .copied()
        .filter(|code| (*code as u16) < 200)
    {
        let input = fires(code).unwrap_or_else(|| panic!("{code} has no input that fires it"));
        let [fires, silent] = contexts(code);
        let found = codes(&input, &fires);
        assert!(found.contains(&code), "{code} does not fire: {found:?}");
        assert_eq!(codes(&good(), &silent), [], "{code}");
        rules += 1;
    }
    assert!(rules >= 25, "{rules}");
}

#[test]
fn most_inputs_fire_their_own_rule_alone() {
    use Code::*;
    let with_others = [
        // A broken chain or structure has more than one sign.
        HeaderOutOfBounds,
        PcirOutsideImage,
        ImageLengthZero,
        ImageLengthBeyondFile,
        UnknownCodeType,
        EfiSignature,
        LastImageMissing,
        TooManyImages,
        IdsOfNoDevice,
        PcirRevision,
        EfiNotADriver,
        X86ImageTooLarge,
        PnpEndless,
        PnpLength,
        UndiLength,
        IpxeLength,
        InitLength,
        DataAfterLastImage,
        SizeNotInUnits,
    ];
    for code in Code::ALL
        .iter()
        .copied()
        .filter(|code| (*code as u16) < 200)
    {
        if !with_others.contains(&code) {
            let found = codes(&fires(code).unwrap(), &contexts(code)[0]);
            assert!(
                found.iter().all(|found| *found == code),
                "{code}: {found:?}"
            );
        }
    }
}

#[test]
fn every_code_is_explained_in_sentences() {
    for code in Code::ALL {
        let explanation = code.explanation();
        for text in [explanation.what, explanation.why, explanation.remedy] {
            assert!(text.ends_with('.'), "{code}: {text}");
            let first = text.trim_start_matches('i').chars().next().unwrap();
            assert!(first.is_uppercase() || first == '`', "{code}: {text}");
        }
    }
}

#[test]
fn every_finding_says_where_what_and_what_is_required() {
    for code in Code::ALL
        .iter()
        .copied()
        .filter(|code| (*code as u16) < 200)
    {
        let input = fires(code).unwrap();
        let faults = lint(&Rom::parse(&input).unwrap(), &contexts(code)[0]);
        for finding in faults.iter().map(|fault| fault.finding("a.rom")) {
            assert!(!finding.found.is_empty() && !finding.required.is_empty());
            let end = input.len() as u64 + u64::from(u16::MAX);
            assert!(finding.place.offset.is_none_or(|at| at <= end), "{finding}");
        }
    }
}

#[test]
fn a_finding_reads_like_a_sentence() {
    let words = |code| {
        let input = fires(code).unwrap();
        let faults = lint(&Rom::parse(&input).unwrap(), &contexts(code)[0]);
        let fault = faults.iter().find(|fault| fault.code() == code).unwrap();
        fault.finding("a.rom").to_string()
    };
    assert_eq!(
        words(Code::UndiChecksum),
        "warning[RC128]: a.rom, image 1, at 0x80: the 22 bytes of the UNDI ROM ID structure sum to 0x87; they must sum to 0x00"
    );
    assert_eq!(
        words(Code::UnexpectedIds),
        "warning[RC136]: a.rom, image 1, at 0x20: the image is for 1af4:1041; the device is 8086:1041"
    );
    assert_eq!(
        words(Code::EfiMachineMismatch),
        "error[RC141]: a.rom, image 2, at 0x40a: the EFI header says X64; the executable is for AA64"
    );
    assert_eq!(
        words(Code::NoEfiImage),
        "note[RC145]: a.rom: the ROM has no EFI image; UEFI firmware such as OVMF starts no other"
    );
}

#[test]
fn an_isa_rom_is_not_asked_for_what_only_pci_roms_have() {
    assert_eq!(codes(&isa(2), &contexts(Code::NoPcir)[1]), [Code::NoPcir]);
    assert_eq!(Code::NoPcir.default_severity(), Severity::Note);
}

#[test]
fn a_dump_with_copies_of_the_rom_is_told_from_other_data() {
    let found = |bytes: &[u8]| {
        let rom = Rom::parse(bytes).unwrap();
        (rom.tail(), codes(bytes, &LintContext::default()))
    };
    let dump = dump(&good(), 4);
    let copies = (Tail::Copies, vec![Code::RomRepeats]);
    assert_eq!(found(&dump), copies);
    assert_eq!(found(&dump[..dump.len() - 512]), copies);
    // A chip that the images fill.
    assert_eq!(
        found(&rom(&[x86(2), efi(&[], 0), x86(1)]).repeat(2)).0,
        Tail::Copies
    );
    let zeros = [good(), vec![0; 4096 - good().len()]].concat().repeat(2);
    assert_eq!(found(&zeros), copies);

    let data = |bytes: &[u8]| {
        let found = found(bytes);
        assert_eq!(found, (Tail::Data, vec![Code::DataAfterLastImage]));
    };
    data(&with(&dump, dump.len() - 1, &[0]));
    data(&with(&dump, good().len(), &[0]));
    data(&[&good()[..], &good()].concat());
}

#[test]
fn a_dump_that_was_cut_says_how_to_read_it_again() {
    let bytes = &good()[..GOOD_EFI + 0x200];
    let rom = Rom::parse(bytes).unwrap();
    let finding = rom.faults()[0].finding("rom");
    assert_eq!(finding.code, Code::ImageLengthBeyondFile);
    assert!(finding.next_step.contains("/sys/bus/pci/devices"));
}

#[test]
fn padding_of_zeros_and_ones_is_told_from_data() {
    let found = |fill: &[u8]| codes(&padded(fill), &LintContext::default());
    assert_eq!(found(&[0xff; 512]), []);
    let mixed = [[0; 256], [0xff; 256]].concat();
    assert!(found(&mixed).contains(&Code::UnusualPadding));
    assert!(!found(&[1; 512]).contains(&Code::UnusualPadding));
}
