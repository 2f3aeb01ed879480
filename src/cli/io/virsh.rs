//! Guests of a running libvirt, by its own client.

use crate::cli::exit::Failure;
use std::process::{Command, Stdio};

/// A libvirt that virsh connects to.
#[derive(Debug)]
pub struct Virsh<'a> {
    /// The address, such as `qemu:///system`.
    pub uri: &'a str,
}

impl Virsh<'_> {
    /// Names of all guests; without those that are gone once they stop, where
    /// definitions are to be changed.
    ///
    /// # Errors
    /// A [`Failure`] with what virsh says.
    pub fn guests(&self, only_persistent: bool) -> Result<Vec<String>, Failure> {
        let mut arguments = vec!["list", "--all", "--name"];
        if only_persistent {
            arguments.push("--persistent");
        }
        self.names(&arguments)
    }

    /// Names of the guests that run.
    ///
    /// # Errors
    /// A [`Failure`] with what virsh says.
    pub fn running(&self) -> Result<Vec<String>, Failure> {
        self.names(&["list", "--name"])
    }

    fn names(&self, arguments: &[&str]) -> Result<Vec<String>, Failure> {
        let listed = self.run(arguments)?;
        let names = listed.lines().map(str::trim);
        Ok(names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect())
    }

    /// What the host has, as XML (`formatcaps.html`).
    ///
    /// # Errors
    /// A [`Failure`] with what virsh says.
    pub fn capabilities(&self) -> Result<String, Failure> {
        self.run(&["capabilities"])
    }

    /// The definition with which a guest starts the next time. It has secrets
    /// such as passwords only where asked for.
    ///
    /// # Errors
    /// A [`Failure`] with what virsh says.
    pub fn definition(&self, guest: &str, secrets: bool) -> Result<String, Failure> {
        let mut arguments = vec!["dumpxml", "--inactive"];
        if secrets {
            arguments.push("--security-info");
        }
        arguments.extend(["--domain", guest]);
        self.run(&arguments)
    }

    /// Puts a definition from a file in the place of the guest's.
    ///
    /// # Errors
    /// A [`Failure`] with what virsh says.
    pub fn define(&self, file: &str) -> Result<(), Failure> {
        self.run(&["define", "--validate", "--file", file])
            .map(drop)
    }

    fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        let fail = |why: String| {
            let start = ["virsh", "-c", self.uri];
            let command = start.iter().chain(arguments);
            Failure::file(shell_words::join(command), why)
        };
        let output = Command::new("virsh")
            .args(["--quiet", "--connect", self.uri])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| fail(error.to_string()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(fail(said.trim().to_owned()));
        }
        String::from_utf8(output.stdout).map_err(|_| fail("it prints no UTF-8".to_owned()))
    }
}
