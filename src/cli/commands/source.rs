//! `romcompat source`: the source package of the main job's package.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::io::input;
use crate::cli::io::output::Outputs;
use crate::cli::options::plan::PlanInputs;
use crate::cli::session::terminal::Terminal;
use crate::cli::steps::making::Making;
use crate::cli::steps::releases::Releases;
use crate::deb::is_native;
use crate::package::{IpxeSource, assemble_source};
use crate::report::SourceReport;
use clap::Args;
use std::path::{Path, PathBuf};

/// Write the Debian source package of the same
#[derive(Debug, Args)]
#[command(after_help = exit::TABLE)]
#[command(override_usage = "\
romcompat source [OPTIONS] --out <FOLDER> OLD [NEW]
       romcompat source [OPTIONS] --out <FOLDER> --generation <VERSION=INPUT>... [NEW]
       romcompat source [OPTIONS] --out <FOLDER> --from-state <FILE> [NEW]")]
pub struct Source {
    /// What the package is planned of.
    #[command(flatten)]
    pub plan: PlanInputs,
    /// Build the ROMs from this archive of iPXE's source, of the version that
    /// the package has, instead of carrying them
    #[arg(long, value_name = "TARBALL")]
    pub from_ipxe: Option<PathBuf>,
    /// Have it build a second package, NAME-libvirt, with a hook that gives the
    /// ROMs to guests as they come to a host
    #[arg(long)]
    pub libvirt_hook: bool,
}

/// Plans, makes the source package and writes it.
pub fn run(command: &Source, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = terminal.settings(&command.plan.settings);
    let archive = match &command.from_ipxe {
        Some(path) => Some((path, input::read_bytes(path, terminal.inputs())?)),
        None => None,
    };
    let ipxe = match &archive {
        Some((path, bytes)) => Some(ipxe_source(path, bytes)?),
        None => None,
    };
    let releases = Releases::read(&command.plan, terminal.inputs())?;
    let Some((plan, findings)) = releases.plan(&settings, command.plan.all, terminal)? else {
        return Ok(Exit::No);
    };
    let mut report = SourceReport::new(findings);
    let folder = &command.plan.out;
    if !plan.roms.is_empty() {
        let making = Making::settle(&command.plan, &settings, &plan, terminal.inputs())?;
        if ipxe.is_some() && is_native(&making.details.version) {
            return Err(Failure::usage(format!(
                "version {} has no revision, and a package that is built of iPXE's source has one; give `--package-version {0}-1`",
                making.details.version
            )));
        }
        let files = assemble_source(
            &plan,
            &making.details,
            making.previous.as_ref(),
            &making.templates,
            ipxe,
            command.libvirt_hook,
        )
        .map_err(|error| making.failure(folder, error))?;
        let mut outputs = Outputs::new(terminal.inputs(), command.plan.force);
        outputs.folder(folder)?;
        for (name, bytes) in &files {
            outputs.add(folder.join(name), bytes)?;
        }
        outputs.finish()?;
        report.source = Some(making.details.package);
        report.version = Some(making.details.version);
        report.files = files.into_iter().map(|(name, _)| name).collect();
    }
    let folder = folder.display().to_string();
    terminal.answer(&report, |_| report.text(&folder))?;
    Ok(Exit::Clean)
}

/// An archive as dpkg-source takes it for upstream's (dpkg-source(1)).
fn ipxe_source<'a>(path: &Path, bytes: &'a [u8]) -> Result<IpxeSource<'a>, Failure> {
    let extension = match bytes {
        [0x1f, 0x8b, ..] => "tar.gz",
        [b'B', b'Z', b'h', ..] => "tar.bz2",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "tar.xz",
        _ => {
            return Err(Failure::file(
                path.display(),
                "it begins like no archive in gzip, bzip2 or xz; give iPXE's source as a .tar.gz, .tar.bz2 or .tar.xz",
            ));
        }
    };
    Ok(IpxeSource { extension, bytes })
}
