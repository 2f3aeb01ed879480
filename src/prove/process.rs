//! A child process whose standard output is read with a time limit.

use super::{CannotRun, Launcher};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The longest line that is taken from a process, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// What is kept of a process's standard error, in bytes.
const KEPT_OF_STDERR: u64 = 64 << 10;

/// How long the last words of a killed process may take: it is gone, and only
/// a stranger to its process group could hold its standard error open.
const AFTER_DEATH: Duration = Duration::from_secs(1);

/// A running process; it dies with this value, and so does what it started.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Its process group, until it is killed.
    group: Option<Pid>,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    said: Receiver<String>,
}

/// Why no line came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoLine {
    /// The process closed its standard output.
    Closed,
    /// The time limit is over.
    TimeOver,
}

/// How a process ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// What it and what it started wrote to standard error.
    pub(super) said: String,
    /// Its exit status; none where it did not end by itself.
    pub(super) status: Option<ExitStatus>,
}

impl Ended {
    /// The first line that was said and is no warning.
    fn line(&self) -> Option<&str> {
        let mut lines = self.said.lines().filter(|line| !line.trim().is_empty());
        lines.find(|line| !line.contains(": warning: ") && !line.starts_with("warning: "))
    }

    /// The line with which QEMU ended by itself, as it does where it cannot
    /// do what it was asked: with status 1, and saying why.
    pub(super) fn refusal(&self) -> Option<&str> {
        let code = self.status.and_then(|status| status.code());
        self.line().filter(|_| code == Some(1))
    }

    /// Why there is no verdict: what was seen, how the process ended, and what
    /// it said.
    pub(super) fn without_verdict(&self, what: &str) -> CannotRun {
        let signal = self.status.and_then(|status| status.signal());
        let code = self.status.and_then(|status| status.code());
        let how = match (signal, code) {
            (Some(signal), _) => format!(", killed by signal {signal}"),
            (None, Some(code @ 2..)) => format!(", with exit status {code}"),
            _ => String::new(),
        };
        let line = self.line().map(|line| format!(": {line}"));
        CannotRun(format!("{what}{how}{}", line.unwrap_or_default()))
    }
}

impl Process {
    /// Starts `command` in `folder`; its standard output is read this way.
    pub(super) fn start(
        launcher: &Launcher,
        command: &[OsString],
        folder: &Path,
        reading: Reading,
    ) -> io::Result<Self> {
        let mut whole = launcher.0.iter().chain(command);
        let program = whole
            .next()
            .ok_or_else(|| io::Error::other("the command line is empty"))?;
        let mut child = Command::new(program)
            .args(whole)
            .current_dir(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let lines = output_of(child.stdout.take(), reading);
        let said = text_of(child.stderr.take());
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Self {
            child,
            group,
            input,
            lines,
            said,
        })
    }

    /// Writes one line to standard input.
    pub(super) fn send(&mut self, line: &str) -> io::Result<()> {
        match &mut self.input {
            Some(input) => input.write_all(format!("{line}\n").as_bytes()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The next line of standard output, as long as there is one in time.
    pub(super) fn line(&self, deadline: Instant) -> Result<String, NoLine> {
        self.lines
            .recv_timeout(left(deadline))
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => NoLine::TimeOver,
                RecvTimeoutError::Disconnected => NoLine::Closed,
            })
    }

    /// Waits until the process and what it started have ended; at the deadline
    /// they are killed.
    pub(super) fn wait(mut self, deadline: Instant) -> Ended {
        self.input = None;
        match self.said.recv_timeout(left(deadline)) {
            Ok(said) => {
                let ends = self.ends_by(deadline);
                let status = self.kill().filter(|_| ends);
                Ended { said, status }
            }
            Err(_) => self.end(),
        }
    }

    /// Kills the process and what it started.
    pub(super) fn end(mut self) -> Ended {
        self.kill();
        let said = self.said.recv_timeout(AFTER_DEATH).unwrap_or_default();
        Ended { said, status: None }
    }

    /// Whether the process ends by itself in time. It is left to be reaped, so
    /// that its process group stays its own.
    fn ends_by(&self, deadline: Instant) -> bool {
        let Some(pid) = self.group else { return false };
        let (sender, ended) = sync_channel(1);
        thread::spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let _ = sender.send(retry_on_intr(|| waitid(WaitId::Pid(pid), options)).is_ok());
        });
        ended.recv_timeout(left(deadline)).unwrap_or(false)
    }

    fn kill(&mut self) -> Option<ExitStatus> {
        if let Some(group) = self.group.take() {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = self.child.kill();
        }
        self.child.wait().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How standard output is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Line by line.
    Lines,
    /// As it comes: a prompt has no end of line.
    Pieces,
}

/// A process's standard output. A full channel holds the reader back, so that
/// a process which never stops talking takes no more memory than this.
fn output_of(output: Option<ChildStdout>, reading: Reading) -> Receiver<String> {
    let (sender, lines) = sync_channel(16);
    thread::spawn(move || {
        let Some(mut output) = output.map(BufReader::new) else {
            return;
        };
        loop {
            let mut bytes = Vec::new();
            let read = match reading {
                Reading::Lines => {
                    let mut limited = output.by_ref().take(LONGEST_LINE);
                    limited.read_until(b'\n', &mut bytes)
                }
                Reading::Pieces => output.fill_buf().map(|piece| {
                    bytes.extend_from_slice(piece);
                    piece.len()
                }),
            };
            if reading == Reading::Pieces {
                output.consume(bytes.len());
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if !matches!(read, Ok(1..)) || sender.send(text).is_err() {
                return;
            }
        }
    });
    lines
}

/// What a process writes to standard error, once it and all that it started
/// have closed it.
fn text_of(stderr: Option<ChildStderr>) -> Receiver<String> {
    let (sender, said) = sync_channel(1);
    thread::spawn(move || {
        let Some(mut stderr) = stderr else { return };
        let mut text = Vec::new();
        let _ = stderr.by_ref().take(KEPT_OF_STDERR).read_to_end(&mut text);
        let _ = io::copy(&mut stderr, &mut io::sink());
        let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
    });
    said
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// The moment until which an answer is waited for.
pub(super) fn deadline(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or(now)
}
