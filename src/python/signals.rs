//! Ctrl-C while the interpreter is not running.

use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::call::attach;

/// How often Python is asked whether somebody pressed Ctrl-C: seldom enough to cost nothing, often
/// enough to seem immediate.
const INTERVAL: Duration = Duration::from_millis(40);

/// Asks Python for signals now and then. What a handler raises is kept in `raised`, with what else
/// was raised in the course of a call.
pub(super) struct Signals<'a> {
    raised: &'a Mutex<Option<PyErr>>,
    asked: Instant,
    thread: ThreadId,
}

impl<'a> Signals<'a> {
    pub fn new(raised: &'a Mutex<Option<PyErr>>) -> Self {
        Self { raised, asked: Instant::now(), thread: std::thread::current().id() }
    }

    /// Whether the call shall end. To be asked as often as one likes; on another thread than the one that made it Python
    /// has no signals.
    pub fn interrupted(&mut self) -> bool {
        if self.asked.elapsed() < INTERVAL {
            return false;
        }
        #[allow(clippy::redundant_closure_for_method_calls)] // the method is not general enough
        if std::thread::current().id() == self.thread
            && let Err(error) = attach(|py| py.check_signals())
        {
            keep(self.raised, error);
        }
        self.asked = Instant::now();
        has_raised(self.raised)
    }
}

/// Keeps the first exception of a call for its end.
pub(super) fn keep(raised: &Mutex<Option<PyErr>>, error: PyErr) {
    raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

pub(super) fn has_raised(raised: &Mutex<Option<PyErr>>) -> bool {
    raised.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}
