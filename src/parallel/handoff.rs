//! Handing borrowed work to threads that are already running.
//!
//! A fork and join of the thread pool costs tens of microseconds once its threads have gone to
//! sleep; a training step may be shorter than that. Here helpers enter once, wait by spinning, then
//! yielding, then parking, and are handed one round of work after the other.
//!
//! A round is a function and a number of items. A free thread claims the next item, so a helper
//! that is late, or that never came, delays nobody: the leader does what is left. Which thread does
//! an item therefore says nothing about the result, and nothing may depend on it.

#![allow(unsafe_code)]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::PoisonError;
use std::time::Duration;

use super::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Condvar, Mutex, Ordering, PATIENCE, SPINS, UnsafeCell, YIELDS, cores,
    sleep, spin_loop, yield_now,
};
use crate::kernel::Mode;

type Work<'a> = dyn Fn(usize) + Sync + 'a;

/// How long a leader sleeps at a time that waits for long items.
const NAP: Duration = Duration::from_millis(1);

/// Where a leader puts work and helpers fetch it.
pub struct Handoff {
    /// How long to spin: not at all with more threads than cores, because spinning would keep the
    /// others from working.
    spins: u32,
    /// The round in the upper 32 bits, then 16 bits of items in it, then 16 bits of items claimed.
    claims: AtomicU64,
    done: AtomicUsize,
    work: UnsafeCell<Option<&'static Work<'static>>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    closed: AtomicBool,
    sleepers: Mutex<usize>,
    bell: Condvar,
}

// Safety: `work` is written by the leader only while no item of a round is claimed and not done,
// and read only by a thread that holds a claimed item.
unsafe impl Sync for Handoff {}

/// The most items in a round.
pub const MOST_ITEMS: usize = u16::MAX as usize;

impl Handoff {
    /// For a leader and helpers, `threads` in all.
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            spins: if threads <= cores() { SPINS } else { 0 },
            claims: AtomicU64::new(0),
            done: AtomicUsize::new(0),
            work: UnsafeCell::new(None),
            panic: Mutex::new(None),
            closed: AtomicBool::new(false),
            sleepers: Mutex::new(0),
            bell: Condvar::new(),
        }
    }

    /// Does items 0, ..., `items - 1`, each once, on this thread and the helpers, and returns when all are done. Helpers
    /// call `work`, this thread `own` with the items that it does, and with none now and then while it waits for long ones. There is
    /// one leader at a time, which `&mut self` in [`super::Team`] sees to.
    ///
    /// # Panics
    /// With the panic of `work` or `own`, once all items are done. With more than [`MOST_ITEMS`] items.
    pub(crate) fn lead(&self, items: usize, work: &Work<'_>, own: &mut dyn FnMut(Option<usize>)) {
        assert!(items <= MOST_ITEMS);
        // Safety: this extends a borrow beyond what the compiler can see. It is called only with a
        // claimed item, and this function does not return, nor unwind, before every claimed item
        // of the round is done.
        let work: &'static Work<'static> = unsafe { std::mem::transmute(work) };
        self.done.store(0, Ordering::Relaxed);
        // Safety: no item is claimed between rounds.
        self.work.with_mut(|cell| unsafe { *cell = Some(work) });
        let round = (self.claims.load(Ordering::Relaxed) >> 32).wrapping_add(1) & 0xffff_ffff;
        self.claims.store(round << 32 | (items as u64) << 16, Ordering::SeqCst);
        if *self.sleepers.lock().unwrap_or_else(PoisonError::into_inner) > 0 {
            self.bell.notify_all();
        }
        while let Some(item) = self.claim() {
            self.catch(|| own(Some(item)));
            self.done.fetch_add(1, Ordering::Release);
        }
        let mut waited = 0;
        while self.done.load(Ordering::Acquire) < items {
            if waited < self.spins + PATIENCE {
                self.pause(&mut waited);
            } else {
                // What takes so long is no part of a step, and this thread would keep others from working.
                sleep(NAP);
                self.catch(|| own(None));
            }
        }
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Helps with one round after the other until [`Handoff::close`].
    pub(crate) fn serve(&self) {
        let _mode = Mode::core();
        let mut seen = self.claims.load(Ordering::Acquire) >> 32;
        self.work_off();
        let mut waited = 0;
        while !self.closed.load(Ordering::Acquire) {
            let round = self.claims.load(Ordering::Acquire) >> 32;
            if round != seen {
                seen = round;
                waited = 0;
                self.work_off();
            } else if waited < self.spins + YIELDS {
                self.pause(&mut waited);
            } else {
                self.sleep(seen);
                waited = 0;
            }
        }
    }

    /// Sends the helpers home.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let _sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        self.bell.notify_all();
    }

    /// Does items of the current round until none is left.
    fn work_off(&self) {
        while let Some(item) = self.claim() {
            // Safety: this thread holds an item that is not done, so the leader waits.
            let work = self.work.with(|cell| unsafe { *cell });
            if let Some(work) = work {
                self.catch(|| work(item));
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }

    /// Claims an item of the current round, which this thread has to count in `done`; `None` if none is left.
    fn claim(&self) -> Option<usize> {
        loop {
            let seen = self.claims.load(Ordering::Acquire);
            if seen & 0xffff >= seen >> 16 & 0xffff {
                return None;
            }
            if self.claims.compare_exchange_weak(seen, seen + 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            {
                return Some((seen & 0xffff) as usize);
            }
        }
    }

    /// Keeps the first panic of a round for its end.
    fn catch(&self, action: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(action)) {
            let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            if first.is_none() {
                *first = Some(panic);
            } else {
                // To drop it could panic again, here where nobody may.
                std::mem::forget(panic);
            }
        }
    }

    fn sleep(&self, seen: u64) {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        *sleepers += 1;
        while self.claims.load(Ordering::SeqCst) >> 32 == seen && !self.closed.load(Ordering::SeqCst) {
            sleepers = self.bell.wait(sleepers).unwrap_or_else(PoisonError::into_inner);
        }
        *sleepers -= 1;
    }

    fn pause(&self, waited: &mut u32) {
        if *waited < self.spins {
            spin_loop();
        } else {
            yield_now();
        }
        *waited = waited.saturating_add(1);
    }
}
