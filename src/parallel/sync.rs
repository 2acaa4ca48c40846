//! What the hand-off takes from the system: atomics, locks and ways to wait. `tests/handoff_model.rs` puts a model checker's
//! in the place of these.

pub(super) use std::hint::spin_loop;
pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Condvar, Mutex};
pub(super) use std::thread::{sleep, yield_now};

/// Rounds of pure spinning, some 20 to 50 microseconds: longer than the serial work between the
/// phases of a small step.
pub(super) const SPINS: u32 = 2_000;
/// Rounds of yielding before a helper parks.
pub(super) const YIELDS: u32 = 200;
/// Rounds of yielding, some milliseconds, before a leader that waits for long items sleeps.
pub(super) const PATIENCE: u32 = 10_000;

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A cell whose users see to it that nobody else reads while one writes; a model checker looks whether they do.
pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(super) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `read` with a pointer that it may read from.
    pub(super) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Calls `write` with a pointer that it may write to.
    pub(super) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
