//! The arguments as they are typed.

use super::advise::Advise;
use super::emit::Emit;
use super::exit;
use super::generations::GenerationInput;
use super::guests::Guests;
use super::hook::Hook;
use super::prove::Prove;
use super::qemu_version::QemuVersions;
use super::source::Source;
use super::state::State;
use super::templates::Templates;
use crate::finding::Code;
use crate::plan::{BootIds, NamePattern};
use crate::rom::BarSize;
use crate::rom::edit::PadSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// When the option ROMs on a host change: which virtual machines can still be
/// migrated or resumed there, and what makes the rest work.
///
/// An INPUT, OLD or NEW is a ROM file, a directory, a .deb, an .rpm or a tar
/// archive (plain or in xz, zstd, bzip2 or gzip), recognised by content;
/// `-` is standard input.
#[derive(Debug, Parser)]
#[command(name = "romcompat", version, after_help = exit::TABLE, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    /// Form of the answer on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print neither text nor warnings; errors stay, and so does JSON
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print every detail, and notes
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Read settings from this file [default: romcompat.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Make findings of this code (RC104 or its name) errors
    #[arg(long, global = true, value_name = "CODE")]
    pub deny: Vec<Code>,
    /// Make findings of this code warnings
    #[arg(long, global = true, value_name = "CODE")]
    pub warn: Vec<Code>,
    /// Leave out findings of this code
    #[arg(long, global = true, value_name = "CODE")]
    pub allow: Vec<Code>,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines
    Json,
    /// For code hosts; of `lint` only
    Sarif,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is in ROMs: images, ids, sizes, checksums
    #[command(after_help = exit::TABLE)]
    Inspect(Inspect),
    /// Check ROMs against every rule
    #[command(after_help = exit::TABLE)]
    Lint(Lint),
    /// Say what codes mean, why they matter and what to do
    #[command(after_help = exit::TABLE)]
    Explain(Explain),
    /// Say whether migrations between two sets of ROMs would break
    #[command(after_help = exit::TABLE)]
    Check(Check),
    /// Pad ROMs to a BAR size
    #[command(after_help = exit::TABLE)]
    Pad(Pad),
    /// Set checksums right: of images, and of PnP, UNDI and iPXE structures
    #[command(after_help = exit::TABLE)]
    Fix(Fix),
    /// Give ROMs other PCI ids
    #[command(after_help = exit::TABLE)]
    Retarget(Retarget),
    /// Write each image of a ROM to a file
    #[command(after_help = exit::TABLE)]
    Split(Split),
    /// Join ROMs and EFI executables into one ROM
    #[command(after_help = exit::TABLE)]
    Join(Join),
    /// Build the Debian package of compat ROMs, and the mapping to it
    #[command(after_help = exit::TABLE)]
    Build(Box<Build>),
    /// Write the Debian source package of the same
    #[command(after_help = exit::TABLE)]
    Source(Box<Source>),
    /// The texts that go into packages
    #[command(after_help = exit::TABLE)]
    Templates(Templates),
    /// Show how ROMs grow over releases, and the size that the coming ones
    /// will fit into
    #[command(after_help = exit::TABLE)]
    Advise(Advise),
    /// Print the mapping from devices to compat ROMs for one's own QEMU or
    /// libvirt
    #[command(after_help = exit::TABLE)]
    Emit(Box<Emit>),
    /// Say which ROM sizes saved guests need, and what makes them resume
    #[command(after_help = exit::TABLE)]
    State(State),
    /// Prove with real QEMU that guests are refused without the package and
    /// taken with it
    #[command(after_help = exit::TABLE)]
    Prove(Box<Prove>),
    /// Say which guests of libvirt a new host refuses, and pin them to their
    /// ROMs
    #[command(after_help = exit::TABLE)]
    Guests(Box<Guests>),
    /// Filter the definition of a guest that comes to this host, as a hook of
    /// libvirt
    #[command(after_help = super::hook::HELP)]
    Hook(Hook),
}

/// `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// What to look into
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Say what changed from the first of two inputs to the second; the exit
    /// status is 1 where something did
    #[arg(long)]
    pub diff: bool,
}

/// `lint`.
#[derive(Debug, Args)]
pub struct Lint {
    /// What to check
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Warn where a ROM leaves less of its BAR free
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub room: Option<u64>,
    /// A device of QEMU that loads the ROMs; without any, their names and
    /// romcompat.toml say which
    #[arg(long, value_name = "NAME")]
    pub device: Vec<String>,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// Codes such as RC104, or their names; without any, all are listed
    #[arg(value_name = "CODE")]
    pub codes: Vec<Code>,
}

/// `check`.
#[derive(Debug, Args)]
#[command(override_usage = "\
romcompat check [OPTIONS] OLD NEW
       romcompat check [OPTIONS] --baseline FILE NEW
       romcompat check [OPTIONS] --write-baseline FILE OLD
       romcompat check [OPTIONS] --inventory FOLDER")]
pub struct Check {
    /// OLD and NEW, or the one that goes with a baseline
    #[arg(required_unless_present = "inventory", num_args = 1..=2, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Say which guests of many hosts can go where: of each host the answers of
    /// `inspect` and `guests` in HOST/roms.json and HOST/guests.json
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["inputs", "baseline", "write_baseline"])]
    pub inventory: Option<PathBuf>,
    /// Compare NEW with the sizes in this file
    #[arg(long, value_name = "FILE", conflicts_with = "write_baseline")]
    pub baseline: Option<PathBuf>,
    /// Write the sizes of OLD to this file
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// Warn where less than this share of a BAR is free
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub headroom: Option<u8>,
    /// Overwrite the file of --write-baseline
    #[arg(long, requires = "write_baseline")]
    pub force: bool,
    /// The QEMU that the next step is for.
    #[command(flatten)]
    pub qemu: QemuVersions,
}

/// Where edited ROMs go.
#[derive(Debug, Args)]
pub struct Placement {
    /// Edit and write only ROMs whose names match
    #[arg(long, value_name = "GLOB")]
    pub select: Vec<glob::Pattern>,
    /// A file for one ROM, or a folder
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

/// `pad`.
#[derive(Debug, Args)]
pub struct Pad {
    /// The ROM or set of ROMs
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// The size to reach: a power of two such as 256K, or `next` for the BAR
    /// that each ROM has already
    #[arg(long, value_name = "SIZE", value_parser = pad_size)]
    pub size: PadSize,
    /// Where the padding goes
    #[arg(long, value_enum, default_value_t = PadMode::Tail)]
    pub mode: PadMode,
    /// The byte to pad with
    #[arg(long, value_name = "BYTE", default_value = "0xff", value_parser = fill_byte)]
    pub fill: u8,
    /// Where the result goes.
    #[command(flatten)]
    pub placement: Placement,
}

/// Where padding goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PadMode {
    /// After the last image, which stays as it is
    Tail,
    /// Into the last image, whose lengths and checksum follow
    Image,
}

/// `fix`.
#[derive(Debug, Args)]
pub struct Fix {
    /// The ROM or set of ROMs
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// Where the result goes.
    #[command(flatten)]
    pub placement: Placement,
}

/// `retarget`.
#[derive(Debug, Args)]
pub struct Retarget {
    /// The ROM or set of ROMs
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// Change only the image with this number, counted from 1
    #[arg(long, value_name = "N")]
    pub image: Option<usize>,
    /// Vendor id to set, in hex
    #[arg(long, value_name = "ID", value_parser = pci_id)]
    pub vendor: u16,
    /// Device id to set, in hex
    #[arg(long, value_name = "ID", value_parser = pci_id)]
    pub device: u16,
    /// Ids of further devices, in hex, in place of those in the device list
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = pci_id)]
    pub device_list: Vec<u16>,
    /// Where the result goes.
    #[command(flatten)]
    pub placement: Placement,
}

/// `split`.
#[derive(Debug, Args)]
pub struct Split {
    /// The ROM
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// Write the executables of the EFI images, decompressed
    #[arg(long)]
    pub efi: bool,
    /// The folder to write to
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

/// `join`.
#[derive(Debug, Args)]
pub struct Join {
    /// ROMs and EFI executables, in the order that they shall have
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Vendor id, in hex, for images made of executables [default: that of
    /// the first ROM]
    #[arg(long, value_name = "ID", value_parser = pci_id, requires = "device")]
    pub vendor: Option<u16>,
    /// Device id, in hex, for images made of executables
    #[arg(long, value_name = "ID", value_parser = pci_id, requires = "vendor")]
    pub device: Option<u16>,
    /// Class code, in hex, for images made of executables, such as 020000 for
    /// an Ethernet controller [default: that of the first ROM, else 000000]
    #[arg(long, value_name = "CLASS", value_parser = class_code)]
    pub class: Option<ClassCode>,
    /// Pad the ROM to this size
    #[arg(long, value_name = "SIZE")]
    pub size: Option<BarSize>,
    /// The byte to pad with
    #[arg(long, value_name = "BYTE", default_value = "0xff", value_parser = fill_byte)]
    pub fill: u8,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

/// What a compat package is planned of.
#[derive(Debug, Args)]
pub struct PlanInputs {
    /// OLD, the ROMs that guests were started with, and NEW, those of the hosts
    /// that they go to; without NEW, all of OLD is shipped
    #[arg(num_args = 0..=2, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// In place of OLD: the ROMs that machine types up to this version used,
    /// such as 2.11=bionic.deb; several from the oldest to the newest
    #[arg(long, value_name = "VERSION=INPUT")]
    pub generation: Vec<GenerationInput>,
    /// In place of OLD: a saved guest, which has the ROMs in it, or several.
    /// It needs --package-version, --maintainer, --copyright and
    /// SOURCE_DATE_EPOCH, for a state names none of them
    #[arg(long, value_name = "FILE", conflicts_with = "generation")]
    pub from_state: Vec<PathBuf>,
    /// Of a state that is a qcow2 image, only the snapshot of this name or id
    #[arg(long, value_name = "NAME", requires = "from_state")]
    pub snapshot: Option<String>,
    /// Where the stream of QEMU starts in the state's file, in bytes
    #[arg(long, value_name = "BYTES", requires = "from_state", value_parser = super::state::offset)]
    pub offset: Option<u64>,
    /// Ship the ROMs that do not break, too
    #[arg(long)]
    pub all: bool,
    /// The compat package that this one takes the place of: its changelog goes
    /// on, and news say what changes
    #[arg(long, value_name = "DEB")]
    pub previous: Option<PathBuf>,
    /// The folder to write to
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
    /// Settings that the file may have, too.
    #[command(flatten)]
    pub settings: BuildSettings,
}

/// `build`.
#[derive(Debug, Args)]
#[command(override_usage = "\
romcompat build [OPTIONS] --out <FOLDER> OLD [NEW]
       romcompat build [OPTIONS] --out <FOLDER> --generation <VERSION=INPUT>... [NEW]
       romcompat build [OPTIONS] --out <FOLDER> --from-state <FILE> [NEW]")]
pub struct Build {
    /// What the package is planned of.
    #[command(flatten)]
    pub plan: PlanInputs,
    /// Build a second package, NAME-libvirt, with a hook that gives the ROMs to
    /// guests as they come to a host
    #[arg(long)]
    pub libvirt_hook: bool,
    /// Write the .changes and .buildinfo that an archive takes, too
    #[arg(long)]
    pub changes: bool,
    /// Sign both with this key of gpg
    #[arg(long, value_name = "KEY", requires = "changes")]
    pub sign: Option<String>,
}

/// Settings of `build` and `source` that `romcompat.toml` may have, too.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings, also in romcompat.toml")]
pub struct BuildSettings {
    /// Name of the package [default: made of OLD's]
    #[arg(long, value_name = "NAME")]
    pub package: Option<String>,
    /// Version of the package [default: made of OLD's]
    #[arg(long, value_name = "VERSION")]
    pub package_version: Option<String>,
    /// `Name <address>` [default: OLD's, else DEBFULLNAME and DEBEMAIL, whose
    /// the changelog's entry is in any case]
    #[arg(long, value_name = "MAINTAINER")]
    pub maintainer: Option<String>,
    /// Section of the archive [default: OLD's, else admin]
    #[arg(long, value_name = "SECTION")]
    pub section: Option<String>,
    /// Distribution in the changelog [default: unstable]
    #[arg(long, value_name = "NAME")]
    pub distribution: Option<String>,
    /// First line of the description
    #[arg(long, value_name = "LINE")]
    pub synopsis: Option<String>,
    /// The rest of the description
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Copyright file of the package [default: OLD's]
    #[arg(long, value_name = "FILE")]
    pub copyright: Option<PathBuf>,
    /// Ship only ROMs whose names match
    #[arg(long, value_name = "GLOB")]
    pub select: Vec<glob::Pattern>,
    /// Refuse ROMs whose BAR is not this
    #[arg(long, value_name = "SIZE")]
    pub size: Option<BarSize>,
    /// How compat names are made [default: compat-{size}-{name}]
    #[arg(long, value_name = "PATTERN")]
    pub name_pattern: Option<NamePattern>,
    /// Where the package puts the ROMs [default: /usr/share/qemu]
    #[arg(long, value_name = "FOLDER")]
    pub install_dir: Option<String>,
    /// Give ROMs the x86 images that legacy BIOS firmware looks for, as far as
    /// they fit (auto), or keep them byte for byte (keep) [default: auto]
    #[arg(long, value_name = "MODE", value_parser = boot_ids)]
    pub boot_ids: Option<BootIds>,
    /// Use the templates in this folder in place of those of the same name
    #[arg(long, value_name = "FOLDER")]
    pub templates: Option<PathBuf>,
    /// Homepage of what is packaged [default: OLD's]
    #[arg(long, value_name = "ADDRESS")]
    pub homepage: Option<String>,
    /// Where the source package is kept: the address for git; it stands in
    /// source packages alone
    #[arg(long, value_name = "ADDRESS")]
    pub vcs_git: Option<String>,
    /// Where the source package can be looked at: the address for browsers; it
    /// stands in source packages alone
    #[arg(long, value_name = "ADDRESS")]
    pub vcs_browser: Option<String>,
}

fn boot_ids(text: &str) -> Result<BootIds, String> {
    match text {
        "auto" => Ok(BootIds::Auto),
        "keep" => Ok(BootIds::Keep),
        _ => Err("write auto or keep".to_owned()),
    }
}

fn percent(text: &str) -> Result<u8, String> {
    text.trim_end_matches('%')
        .parse()
        .ok()
        .filter(|percent| *percent <= 100)
        .ok_or_else(|| "write a whole number from 0 to 100, such as 10%".to_owned())
}

fn pad_size(text: &str) -> Result<PadSize, String> {
    if text == "next" {
        return Ok(PadSize::Next);
    }
    text.parse()
        .map(PadSize::Exactly)
        .map_err(|error: crate::rom::BarSizeError| error.to_string())
}

fn bytes(text: &str) -> Result<u64, String> {
    crate::rom::parse_bytes(text).map_err(|error| error.to_string())
}

fn pci_id(text: &str) -> Result<u16, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u16::from_str_radix(digits, 16)
        .map_err(|_| "write an id as hex digits, such as 1af4".to_owned())
}

/// Base class, sub-class and programming interface of a PCI device.
pub type ClassCode = [u8; 3];

fn class_code(text: &str) -> Result<ClassCode, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let class = match digits.len() {
        6 => u32::from_str_radix(digits, 16).ok(),
        _ => None,
    };
    let [_, class @ ..] = class
        .ok_or_else(|| "write a class code as six hex digits, such as 020000".to_owned())?
        .to_be_bytes();
    Ok(class)
}

fn fill_byte(text: &str) -> Result<u8, String> {
    match text.strip_prefix("0x") {
        Some(hex) => u8::from_str_radix(hex, 16),
        None => text.parse(),
    }
    .map_err(|_| "write a byte, such as 0xff or 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn values_are_read_in_the_forms_that_people_write() {
        assert_eq!(percent("10%"), Ok(10));
        assert_eq!(percent("10"), Ok(10));
        assert!(percent("101").is_err());
        assert_eq!(fill_byte("0xff"), Ok(255));
        assert_eq!(fill_byte("0"), Ok(0));
        assert!(fill_byte("256").is_err());
        assert_eq!(pci_id("0x1af4"), Ok(0x1af4));
        assert_eq!(pci_id("1000"), Ok(0x1000));
        assert!(pci_id("10000").is_err());
        assert_eq!(class_code("010802"), Ok([1, 8, 2]));
        assert!(class_code("2").is_err());
        assert!(matches!(pad_size("next"), Ok(PadSize::Next)));
        assert!(pad_size("300000").is_err());
    }
}
