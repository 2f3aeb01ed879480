//! A cold start: does the firmware reach network boot with the compat ROM?

use super::process::{NoLine, Process, Reading, deadline};
use super::{CompatRoms, Emulator, Hosts, Launcher, LeftOut, NotTried, SLOT, words};
use crate::parallel;
use crate::plan::x86_ids;
use crate::qemu::{Device, Family, MachineType};
use crate::rom::{Image, Rom};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a card is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Into the machine itself.
    RootBus,
    /// Behind a PCI Express port.
    BehindPort,
}

/// What starts the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Firmware {
    /// `SeaBIOS`, as QEMU starts it by default.
    SeaBios,
    /// OVMF, from this file of code.
    Ovmf(PathBuf),
}

impl Firmware {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SeaBios => "SeaBIOS",
            Self::Ovmf(_) => "OVMF",
        }
    }
}

/// A machine to start.
#[derive(Debug, Clone)]
pub struct Boot<'a> {
    /// The QEMU that runs it.
    pub emulator: &'a Emulator,
    /// Its machine type.
    pub machine: MachineType,
    /// Its card.
    pub device: &'static Device,
    /// Where the card is.
    pub place: Place,
    /// What starts it.
    pub firmware: Firmware,
    /// The compat ROM that the card is told.
    pub romfile: String,
    /// Whether the plan says that network boot is reached.
    pub expected: bool,
}

/// How a start went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "kebab-case")]
pub enum BootOutcome {
    /// As the plan says.
    Passed,
    /// Not as the plan says.
    Failed(String),
    /// There is no verdict: why.
    CouldNotRun(String),
}

impl fmt::Display for BootOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("as expected"),
            Self::Failed(why) => write!(f, "not as expected: {why}"),
            Self::CouldNotRun(why) => write!(f, "no verdict: {why}"),
        }
    }
}

/// A machine that was started.
#[derive(Debug, Clone)]
pub struct BootProof<'a> {
    /// What was started.
    pub boot: Boot<'a>,
    /// How it went.
    pub outcome: BootOutcome,
    /// The command line.
    pub command: String,
    /// What the console showed.
    pub console: String,
}

/// Where OVMF's code stands in Debian's package ovmf, newest layout first.
pub const OVMF_CODE: &[&str] = &[
    "/usr/share/OVMF/OVMF_CODE_4M.fd",
    "/usr/share/OVMF/OVMF_CODE.fd",
];

/// How much of a console is kept, in bytes.
const KEPT_OF_CONSOLE: usize = 1 << 20;

/// No words that are looked for are longer, in bytes.
const LONGEST_WORDS: usize = 64;

impl<'a> Boot<'a> {
    /// Every start of a device with its compat ROM, and what is left out: under
    /// `SeaBIOS` in each place of each machine, and under OVMF, if it is there,
    /// where the ROM has a driver that OVMF lacks.
    #[must_use]
    pub fn of_device(
        compat: &CompatRoms,
        emulator: &'a Emulator,
        machine: MachineType,
        device: &'static Device,
        ovmf: Option<&Path>,
    ) -> (Vec<Self>, Option<LeftOut>) {
        let left_out = |what, why: &str| {
            Some(LeftOut {
                what,
                device: device.name.to_owned(),
                machine: Some(machine),
                why: why.to_owned(),
            })
        };
        let none = |why| (Vec::new(), left_out(NotTried::NetworkBoot, why));
        if !matches!(machine.family, Family::I440fx | Family::Q35) {
            return none("only PCs are started");
        }
        if device.is_display() {
            return none("it is a display");
        }
        let Some((told, bytes)) = compat.of_device(device, machine) else {
            return none("it is told no compat ROM");
        };
        let Ok(rom) = Rom::parse(bytes) else {
            return none("its compat ROM is no option ROM");
        };
        let boot_ids: Vec<_> = x86_ids(&rom).collect();
        let boot = |place, firmware, expected| Boot {
            emulator,
            machine,
            device,
            place,
            firmware,
            romfile: told.romfile.name.clone(),
            expected,
        };
        let root = boot_ids.contains(&device.ids);
        let mut boots = vec![boot(Place::RootBus, Firmware::SeaBios, root)];
        if machine.family.is_express() && device.ids != device.ids_behind_port {
            let behind = boot_ids.contains(&device.ids_behind_port);
            boots.push(boot(Place::BehindPort, Firmware::SeaBios, behind));
        }
        let efi = rom.images().iter().filter_map(Image::efi);
        let machines: Vec<_> = efi.map(|efi| efi.machine().to_string()).collect();
        let why = match ovmf {
            _ if machines.is_empty() => "its compat ROM has no EFI image",
            _ if !machines.iter().any(|name| name == "X64") => {
                "its compat ROM has no EFI image for X64"
            }
            _ if device.name.starts_with("virtio") => "OVMF has a driver of its own for it",
            None => "there is no OVMF (Debian's package ovmf)",
            Some(code) => {
                boots.push(boot(Place::RootBus, Firmware::Ovmf(code.to_owned()), true));
                return (boots, None);
            }
        };
        (boots, left_out(NotTried::NetworkBootUnderOvmf, why))
    }

    /// A name for its record, unlike that of any other.
    #[must_use]
    pub fn name(&self) -> String {
        let place = match self.place {
            Place::RootBus => "root-bus",
            Place::BehindPort => "behind-port",
        };
        let firmware = self.firmware.name().to_lowercase();
        format!(
            "boot-{}-{}-{place}-{firmware}.txt",
            self.device.name, self.machine
        )
    }

    fn command(&self) -> Vec<OsString> {
        let mut command = self.emulator.command.clone();
        let mut add = |words: &[&str]| command.extend(words.iter().map(OsString::from));
        // Without graphics, SeaBIOS talks to the serial port.
        add(&[
            "-machine",
            &format!("{},accel=tcg,graphics=off", self.machine),
        ]);
        add(&["-nodefaults", "-display", "none", "-serial", "stdio"]);
        match &self.firmware {
            Firmware::SeaBios => add(&["-m", "64"]),
            Firmware::Ovmf(code) => {
                let drive = format!("if=pflash,format=raw,readonly=on,file={}", code.display());
                add(&["-m", "256", "-drive", &drive]);
            }
        }
        let name = self.device.name;
        let bus = match self.place {
            Place::RootBus => self.machine.family.root_bus(),
            Place::BehindPort => {
                add(&["-device", "pcie-root-port,id=rp,bus=pcie.0,addr=0x5"]);
                "rp"
            }
        };
        let slot = match self.place {
            Place::RootBus => SLOT,
            Place::BehindPort => 0,
        };
        add(&["-global", &format!("{name}.romfile={}", self.romfile)]);
        add(&["-netdev", "user,id=net,restrict=on"]);
        add(&[
            "-device",
            &format!("{name},netdev=net,bus={bus},addr={slot:#x},bootindex=0"),
        ]);
        command
    }

    /// Words on the console that end the wait, with what they say.
    const fn words(&self) -> &'static [(&'static str, bool)] {
        match self.firmware {
            Firmware::SeaBios => &[("Booting from ROM", true), ("No bootable device", false)],
            Firmware::Ovmf(_) => &[
                (">>Start PXE over IPv", true),
                ("iPXE initialising devices", true),
                ("UEFI Interactive Shell", false),
                ("No bootable option", false),
            ],
        }
    }

    fn run(self, launcher: &Launcher, folder: &Path, limit: Duration) -> BootProof<'a> {
        let command = self.command();
        let mut console = String::new();
        let outcome = match Process::start(launcher, &command, folder, Reading::Pieces) {
            Ok(process) => self.watch(process, &mut console, limit),
            Err(error) => BootOutcome::CouldNotRun(format!("QEMU does not start: {error}")),
        };
        BootProof {
            boot: self,
            outcome,
            command: words(&command),
            console,
        }
    }

    fn watch(&self, mut process: Process, console: &mut String, limit: Duration) -> BootOutcome {
        let deadline = deadline(limit);
        let mut searched = 0_usize;
        loop {
            let from = console.floor_char_boundary(searched.saturating_sub(LONGEST_WORDS));
            let new = console.get(from..).unwrap_or_default();
            let found = self.words().iter().find(|(words, _)| new.contains(words));
            searched = console.len();
            match found {
                Some((_, reached)) if *reached == self.expected => return BootOutcome::Passed,
                Some((words, _)) => {
                    return BootOutcome::Failed(format!("the console shows `{words}`"));
                }
                None if console.len() > KEPT_OF_CONSOLE => {
                    return BootOutcome::CouldNotRun(
                        "the console does not stop talking".to_owned(),
                    );
                }
                None => {}
            }
            match process.line(deadline) {
                Ok(text) => console.push_str(&text),
                Err(NoLine::TimeOver) => {
                    return BootOutcome::CouldNotRun(format!(
                        "the console showed neither network boot nor its failure within {} s",
                        limit.as_secs()
                    ));
                }
                Err(NoLine::Closed) => {
                    let ended = process.wait(deadline);
                    return BootOutcome::CouldNotRun(ended.without_verdict("QEMU ended").0);
                }
            }
        }
    }
}

/// Starts every machine, `jobs` at a time, and calls `done` after each; where
/// no threads can be had, one at a time.
pub fn boot<'a>(
    boots: &[Boot<'a>],
    hosts: &Hosts<'_>,
    launcher: &Launcher,
    jobs: usize,
    limit: Duration,
    done: &(dyn Fn() + Sync),
) -> Vec<BootProof<'a>> {
    let folder = hosts.new_folder();
    parallel::each_of(jobs, boots, |boot| {
        let proof = boot.clone().run(launcher, &folder, limit);
        done();
        proof
    })
}
