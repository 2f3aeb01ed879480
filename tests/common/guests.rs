//! What the tests of guests share.

use crate::common::romcompat;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// A guest with one card behind a port.
pub fn guest(name: &str, machine: &str, model: &str) -> String {
    format!(
        "\
<domain type='kvm'>
  <name>{name}</name>
  <uuid>{name}</uuid>
  <os><type arch='x86_64' machine='{machine}'>hvm</type></os>
  <devices>
    <emulator>/no/such/emulator</emulator>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <model type='{model}'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
  </devices>
</domain>
"
    )
}

/// A folder with these files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs `guests`.
pub fn guests(input: &Path, more: &[&dyn AsRef<OsStr>]) -> Output {
    let mut command = romcompat();
    command.arg("guests").arg(input);
    command.args(more.iter().map(|argument| argument.as_ref()));
    command.output().unwrap()
}

/// The codes of a report's findings.
pub fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|one| one["code"].as_str().unwrap()).collect()
}
