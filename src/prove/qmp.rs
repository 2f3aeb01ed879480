//! QEMU's monitor protocol over the standard input and output of a process.
//!
//! <https://www.qemu.org/docs/master/interop/qmp-spec.html>

use super::process::{NoLine, Process, deadline};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Why a monitor gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum QmpError {
    /// The process ended, or closed its monitor.
    #[error("QEMU closed its monitor at `{0}`")]
    Closed(String),
    /// No answer in time.
    #[error("QEMU gave no answer to `{0}` within {1} s")]
    TimeOver(String, u64),
    /// An error as an answer.
    #[error("QEMU answered `{command}` with: {description}")]
    Refused {
        /// The command.
        command: String,
        /// What QEMU says.
        description: String,
    },
    /// No message of this protocol.
    #[error("QEMU's monitor said `{0}`, which is no message of QMP")]
    NoMessage(String),
}

/// A QEMU that is spoken to.
#[derive(Debug)]
pub(super) struct Monitor {
    process: Process,
    limit: Duration,
}

impl Monitor {
    /// The monitor of a process that was started with `-qmp stdio`; each answer
    /// is waited for up to `limit`.
    pub(super) const fn new(process: Process, limit: Duration) -> Self {
        Self { process, limit }
    }

    /// Takes the greeting, and asks for events of migrations.
    pub(super) fn greet(&mut self) -> Result<(), QmpError> {
        self.message("start", deadline(self.limit))?;
        self.execute("qmp_capabilities", json!({}))?;
        let events = json!([{"capability": "events", "state": true}]);
        self.execute("migrate-set-capabilities", json!({"capabilities": events}))?;
        Ok(())
    }

    fn message(&mut self, command: &str, deadline: Instant) -> Result<Value, QmpError> {
        let line = self.process.line(deadline).map_err(|error| match error {
            NoLine::Closed => QmpError::Closed(command.to_owned()),
            NoLine::TimeOver => QmpError::TimeOver(command.to_owned(), self.limit.as_secs()),
        })?;
        serde_json::from_str(&line).map_err(|_| QmpError::NoMessage(shortened(&line)))
    }

    /// Executes a command and waits for its answer.
    pub(super) fn execute(&mut self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        self.send(command, arguments)?;
        let deadline = deadline(self.limit);
        loop {
            let mut message = self.message(command, deadline)?;
            if let Some(description) = message.pointer("/error/desc") {
                return Err(QmpError::Refused {
                    command: command.to_owned(),
                    description: description.as_str().unwrap_or_default().to_owned(),
                });
            }
            if let Some(answer) = message.get_mut("return") {
                return Ok(answer.take());
            }
        }
    }

    /// Sends a command without waiting for its answer.
    pub(super) fn send(&mut self, command: &str, arguments: Value) -> Result<(), QmpError> {
        let message = json!({"execute": command, "arguments": arguments});
        self.process
            .send(&message.to_string())
            .map_err(|_| QmpError::Closed(command.to_owned()))
    }

    /// Waits until a migration has ended: whether it completed.
    pub(super) fn migration_end(&mut self, command: &str) -> Result<bool, QmpError> {
        let deadline = deadline(self.limit);
        loop {
            let message = self.message(command, deadline)?;
            if let Some(description) = message.pointer("/error/desc") {
                return Err(QmpError::Refused {
                    command: command.to_owned(),
                    description: description.as_str().unwrap_or_default().to_owned(),
                });
            }
            if message.get("event").and_then(Value::as_str) != Some("MIGRATION") {
                continue;
            }
            match message.pointer("/data/status").and_then(Value::as_str) {
                Some("completed") => return Ok(true),
                Some("failed") => return Ok(false),
                _ => {}
            }
        }
    }

    /// The process, once nothing more is to be said.
    pub(super) fn into_process(self) -> Process {
        self.process
    }
}

fn shortened(line: &str) -> String {
    line.trim_end().chars().take(120).collect()
}
