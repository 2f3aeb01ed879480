//! A child process whose standard output is read with a time limit.

use super::kept::Kept;
use super::{CannotRun, Launcher};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The longest line that is taken from a process, in bytes.
const LONGEST_LINE: usize = 1 << 20;

/// What is read of a pipe at once, in bytes.
const PIECE: usize = 64 << 10;

/// How often it is looked whether a process that has closed its standard error
/// has ended.
const PAUSE: Duration = Duration::from_millis(2);

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
    /// Standard output and standard error, until they are closed. Both are read
    /// by the thread that waits: no other may be had.
    output: Option<ChildStdout>,
    errors: Option<ChildStderr>,
    reading: Reading,
    /// What was read of standard output and not handed on.
    unread: Vec<u8>,
    /// How much of it has no end of line.
    searched: usize,
    said: Kept,
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
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Self {
            input: child.stdin.take(),
            output: child.stdout.take(),
            errors: child.stderr.take(),
            child,
            group,
            reading,
            unread: Vec::new(),
            searched: 0,
            said: Kept::default(),
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
    pub(super) fn line(&mut self, deadline: Instant) -> Result<String, NoLine> {
        loop {
            if let Some(bytes) = self.next_part() {
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
            if self.output.is_none() {
                return Err(NoLine::Closed);
            }
            if !self.read(deadline) {
                return Err(NoLine::TimeOver);
            }
        }
    }

    /// What of standard output can be handed on: a line, or as much as a line
    /// may have, or the rest.
    fn next_part(&mut self) -> Option<Vec<u8>> {
        let new = self.unread.get(self.searched..).unwrap_or_default();
        let end = new.iter().position(|byte| *byte == b'\n');
        let end = end.map(|at| self.searched.saturating_add(at).saturating_add(1));
        let whole = self.unread.len();
        self.searched = whole;
        let end = match (self.reading, end) {
            (Reading::Lines, Some(end)) => end.min(LONGEST_LINE),
            (Reading::Lines, None) if whole >= LONGEST_LINE => LONGEST_LINE,
            (Reading::Lines, None) if self.output.is_some() => return None,
            _ => whole,
        };
        self.searched = 0;
        let part: Vec<u8> = self.unread.drain(..end).collect();
        (!part.is_empty()).then_some(part)
    }

    /// Waits until something can be read, and reads it; false when the time is
    /// over.
    fn read(&mut self, deadline: Instant) -> bool {
        let left = left(deadline);
        if left.is_zero() {
            return false;
        }
        let mut pipes = Vec::with_capacity(2);
        let output = self.output.as_ref();
        pipes.extend(output.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let errors = self.errors.as_ref();
        pipes.extend(errors.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        if poll(&mut pipes, Timespec::try_from(left).ok().as_ref()).is_err() {
            // A signal came between.
            return true;
        }
        let ready: Vec<bool> = pipes
            .iter()
            .map(|pipe| !pipe.revents().is_empty())
            .collect();
        let mut ready = ready.into_iter();
        if self.output.is_some() && ready.next() == Some(true) {
            self.unread.extend(piece(&mut self.output));
        }
        if self.errors.is_some() && ready.next() == Some(true) {
            self.said.push(&piece(&mut self.errors));
        }
        true
    }

    /// Waits until the process and what it started have ended; at the deadline
    /// they are killed.
    pub(super) fn wait(mut self, deadline: Instant) -> Ended {
        self.input = None;
        while self.errors.is_some() {
            if !self.read(deadline) {
                return self.end();
            }
            self.unread.clear();
        }
        let ends = self.ends_by(deadline);
        let status = self.kill().filter(|_| ends);
        self.ended(status)
    }

    /// Kills the process and what it started.
    pub(super) fn end(mut self) -> Ended {
        self.kill();
        let deadline = deadline(AFTER_DEATH);
        while self.errors.is_some() && self.read(deadline) {
            self.unread.clear();
        }
        self.ended(None)
    }

    fn ended(mut self, status: Option<ExitStatus>) -> Ended {
        let said = std::mem::take(&mut self.said).text();
        Ended { said, status }
    }

    /// Whether the process ends by itself in time. It is left to be reaped, so
    /// that its process group stays its own.
    fn ends_by(&mut self, deadline: Instant) -> bool {
        let Some(pid) = self.group else { return false };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        loop {
            match waitid(WaitId::Pid(pid), options) {
                Ok(Some(_)) => return true,
                Ok(None) | Err(Errno::INTR) if !left(deadline).is_zero() => {}
                _ => return false,
            }
            // A full pipe would hold it back.
            let soon = Instant::now().checked_add(PAUSE).unwrap_or(deadline);
            self.read(soon.min(deadline));
            self.unread.clear();
        }
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

/// What can be read of a pipe, which is not empty; nothing where it is closed.
fn piece(pipe: &mut Option<impl Read>) -> Vec<u8> {
    let mut bytes = vec![0; PIECE];
    let read = pipe.as_mut().map_or(Ok(0), |pipe| pipe.read(&mut bytes));
    match read {
        Ok(0) => *pipe = None,
        Err(ref error) if error.kind() != io::ErrorKind::Interrupted => *pipe = None,
        _ => {}
    }
    bytes.truncate(read.unwrap_or(0));
    bytes
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// The moment until which an answer is waited for.
pub(super) fn deadline(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or(now)
}
