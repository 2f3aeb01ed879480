//! Signals that would end the program while it has files without their names.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::{flag, low_level};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// What ends the program from outside.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Whether a signal ends the program at once.
static AT_ONCE: AtomicBool = AtomicBool::new(true);
/// The signal that came since then, or 0.
static CAME: AtomicUsize = AtomicUsize::new(0);
/// How many hold signals back.
static HOLDERS: Mutex<usize> = Mutex::new(0);

/// While there is one of these, signals wait; then they do what they would have
/// done.
#[derive(Debug)]
pub struct HeldBack(());

impl HeldBack {
    /// Holds back what comes from now on. Signals that the program was started
    /// to ignore, as by nohup, stay ignored.
    pub fn new() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(watch);
        let mut holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        *holders = holders.saturating_add(1);
        AT_ONCE.store(false, Ordering::SeqCst);
        Self(())
    }

    /// Whether one came.
    pub fn one_came(&self) -> bool {
        CAME.load(Ordering::SeqCst) != 0
    }
}

impl Drop for HeldBack {
    fn drop(&mut self) {
        let mut holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        *holders = holders.saturating_sub(1);
        if *holders > 0 {
            return;
        }
        AT_ONCE.store(true, Ordering::SeqCst);
        // What comes from here on ends the program by itself.
        if let Ok(signal @ 1..) = i32::try_from(CAME.load(Ordering::SeqCst)) {
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}

/// Takes note of signals. Where that cannot be, they do what they always did.
fn watch() {
    let ignored = ignored_signals();
    let is_ignored = |signal: i32| {
        let bit = u32::try_from(signal.saturating_sub(1)).unwrap_or(0);
        ignored.checked_shr(bit).is_some_and(|mask| mask & 1 == 1)
    };
    for signal in ENDING {
        if let (false, Ok(value)) = (is_ignored(signal), usize::try_from(signal)) {
            // In this order: what is held back ends nothing.
            let _ = flag::register_conditional_default(signal, &AT_ONCE);
            let _ = flag::register_usize(signal, &CAME, value);
        }
    }
    // A file that may not grow is an error where it is written, not the end.
    static TOO_LARGE: AtomicBool = AtomicBool::new(false);
    if !is_ignored(SIGXFSZ) {
        let _ = flag::register(SIGXFSZ, &TOO_LARGE);
    }
}

/// The mask of ignored signals (`SigIgn`, proc(5)).
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
