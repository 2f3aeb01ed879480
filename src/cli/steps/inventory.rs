//! `romcompat check --inventory`: what was collected from many hosts.

use crate::cli::exit::{Exit, Failure};
use crate::cli::io::opened::Inputs;
use crate::cli::session::terminal::Terminal;
use crate::finding::has_errors;
use crate::fleet::{Fleet, HostRecord, fleet_findings, host_incomplete};
use crate::host::RecordError;
use crate::parallel;
use crate::report::{InventoryReport, SCHEMA_VERSION};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A longer document is none: 256 MiB.
const LONGEST: u64 = 256 << 20;

/// Why a host is left out.
#[derive(Debug, Error)]
enum Incomplete {
    #[error("{}: {source}", path.display())]
    Unread { path: PathBuf, source: io::Error },
    #[error("{}: it is no document that romcompat wrote", .0.display())]
    NotADocument(PathBuf),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Says which guests can go to which hosts.
pub fn run(folder: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let folders = host_folders(folder)?;
    let read = parallel::each(&folders, |(name, path)| host(name, path, terminal.inputs()));
    let (mut hosts, mut findings) = (Vec::new(), Vec::new());
    for (host, (name, _)) in read.into_iter().zip(&folders) {
        match host {
            Ok(host) => hosts.push(host),
            Err(why) => findings.push(host_incomplete(name, why.to_string())),
        }
    }
    let fleet = Fleet::of(&hosts);
    findings.extend(fleet_findings(&hosts, &fleet));
    let report = InventoryReport::new(fleet, terminal.judge(findings));
    terminal.answer(&report, |colour| report.text(colour))?;
    terminal.findings(&report.findings);
    Ok(if has_errors(&report.findings) {
        Exit::No
    } else {
        Exit::Clean
    })
}

/// Each host's name, and the folder with its documents.
fn host_folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let fail = |error: std::io::Error| Failure::file(folder.display(), error);
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path();
        if path.is_dir() {
            folders.push((entry.file_name().to_string_lossy().into_owned(), path));
        }
    }
    if folders.is_empty() {
        return Err(Failure::file(
            folder.display(),
            "it has no folder for a host; an inventory is HOST/roms.json and HOST/guests.json",
        ));
    }
    folders.sort();
    Ok(folders)
}

fn host(name: &str, folder: &Path, inputs: &Inputs) -> Result<HostRecord, Incomplete> {
    let read = |file: &str| {
        let path = folder.join(file);
        let unread = |source| Incomplete::Unread {
            path: path.clone(),
            source,
        };
        let metadata = fs::metadata(&path).map_err(unread)?;
        if !metadata.is_file() || metadata.len() > LONGEST {
            return Err(Incomplete::NotADocument(path));
        }
        inputs.read(&path).map_err(unread)
    };
    let (roms, guests) = (read("roms.json")?, read("guests.json")?);
    Ok(HostRecord::read(name, SCHEMA_VERSION, &roms, &guests)?)
}
