//! The only door to threads.
//!
//! A [`Team`] is a leader (the calling thread) and helpers from a thread pool of our own. Work is
//! handed over in rounds of items; which thread does an item is left open, so no result can depend
//! on the number of threads.
//!
//! Nobody ever waits for a helper that has not begun an item: not for one that has yet to wake up,
//! nor for one that the system refused, nor for those that a forked child lacks. So teams can be
//! nested, and a child that was forked in the middle of a training can even finish it.
//!
//! Pools are kept for the next caller, never shared between two at a time, and belong to the
//! process that made them: a forked child leaves its parent's alone and makes its own.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::kernel::{Handoff, MOST_ITEMS, cpus_by_affinity};

/// The number of threads for a request: as asked, or else as many as the CPU affinity and
/// `OMP_NUM_THREADS` leave; in either case no more than the limit that is set for the process.
#[must_use]
pub fn threads(requested: Option<usize>) -> usize {
    let most = match LIMIT.load(Ordering::Relaxed) {
        0 => MOST_ITEMS,
        limit => limit.min(MOST_ITEMS),
    };
    requested.unwrap_or_else(automatic).clamp(1, most)
}

fn automatic() -> usize {
    let cores = cores();
    let limit = std::env::var("OMP_NUM_THREADS")
        .ok()
        // OpenMP allows a list, one number a nesting level.
        .and_then(|value| value.split(',').next()?.trim().parse().ok())
        .unwrap_or(cores);
    cores.min(limit)
}

/// The CPUs that there are by affinity, which is asked for each time, and by the quota of a control group,
/// which is asked for once: that takes 20 microseconds, for files are read.
fn cores() -> usize {
    static QUOTA: AtomicUsize = AtomicUsize::new(usize::MAX);
    // So many CPUs were there when it was asked for: with fewer it cannot be told from no quota.
    static ASKED_WITH: AtomicUsize = AtomicUsize::new(0);
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    let Some(cpus) = cpus_by_affinity() else { return available() };
    if cpus > ASKED_WITH.load(Ordering::Acquire) {
        let available = available();
        if available < cpus {
            QUOTA.store(available, Ordering::Relaxed);
        }
        ASKED_WITH.store(cpus, Ordering::Release);
    }
    cpus.min(QUOTA.load(Ordering::Relaxed))
}

/// The most threads of any team in this process; 0 for no limit.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// What [`set_thread_limit`] was told.
#[cfg(feature = "python")]
pub(crate) fn thread_limit() -> Option<usize> {
    Some(LIMIT.load(Ordering::Relaxed)).filter(|limit| *limit > 0)
}

/// Sets the most threads that teams formed from now on may have, or lifts the limit.
#[cfg(feature = "python")]
pub(crate) fn set_thread_limit(limit: Option<usize>) {
    LIMIT.store(limit.unwrap_or(0), Ordering::Relaxed);
}

/// Threads that work in rounds.
pub struct Team<'a> {
    handoff: Option<&'a Handoff>,
    threads: usize,
    process: u32,
}

impl Team<'_> {
    /// The calling thread alone.
    #[must_use]
    pub fn alone() -> Self {
        Self { handoff: None, threads: 1, process: 0 }
    }

    /// Calls `body` with a team of this many threads; with 1 no pool is touched. When the system
    /// refuses more threads, the calling thread works with those that there are, or alone.
    pub fn with<R>(threads: usize, body: impl FnOnce(&mut Team<'_>) -> R) -> R {
        if threads == 1 {
            return body(&mut Team::alone());
        }
        let process = std::process::id();
        let Some(pool) = Pool::take(threads - 1) else {
            return body(&mut Team { handoff: None, threads, process });
        };
        let lead = Lead { handoff: Arc::new(Handoff::new(threads)), pool: Some(pool) };
        lead.call_helpers(threads - 1);
        body(&mut Team { handoff: Some(&lead.handoff), threads, process })
    }

    /// How many threads there should be, this one included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// To be called after code that may fork: in the child there are no helpers, and what they held
    /// when they vanished stays locked, so the leader goes on alone.
    pub fn after_foreign_code(&mut self) {
        if self.handoff.is_some() && self.process != std::process::id() {
            self.handoff = None;
        }
    }

    /// Calls `work` with each item, on whichever thread is free, and returns when all are done.
    pub fn for_each<I: Send>(&mut self, items: impl ExactSizeIterator<Item = I>, work: impl Fn(I) + Sync) {
        self.for_each_unless(&mut || false, items, work);
    }

    /// The same, but gives up when `interrupted`, which the calling thread asks after each of its
    /// items, says so. Returns whether all items are done.
    pub fn for_each_unless<I: Send>(
        &mut self,
        interrupted: &mut dyn FnMut() -> bool,
        items: impl ExactSizeIterator<Item = I>,
        work: impl Fn(I) + Sync,
    ) -> bool {
        match self.handoff {
            Some(handoff) if items.len() > 1 => {
                let stop = AtomicBool::new(false);
                let items: Vec<_> = items.map(|item| Mutex::new(Some(item))).collect();
                for round in items.chunks(MOST_ITEMS) {
                    let work = |index: usize| {
                        let item = round[index].lock().unwrap_or_else(PoisonError::into_inner).take();
                        if let Some(item) = item.filter(|_| !stop.load(Ordering::Relaxed)) {
                            work(item);
                        }
                    };
                    handoff.lead(round.len(), &work, &mut || {
                        if !stop.load(Ordering::Relaxed) && interrupted() {
                            stop.store(true, Ordering::Relaxed);
                        }
                    });
                }
                !stop.into_inner()
            }
            _ => {
                for item in items {
                    work(item);
                    if interrupted() {
                        return false;
                    }
                }
                true
            }
        }
    }
}

/// A leader's hold on its helpers, given up on every way out.
struct Lead {
    /// Shared with the helpers: they leave in their own time.
    handoff: Arc<Handoff>,
    pool: Option<Pool>,
}

impl Lead {
    fn call_helpers(&self, wanted: usize) {
        let Some(Pool { threads, .. }) = &self.pool else { return };
        for _ in 0..wanted.min(threads.current_num_threads()) {
            let handoff = Arc::clone(&self.handoff);
            threads.spawn(move || handoff.serve());
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let Some(pool) = self.pool.take() else { return };
        if pool.process == std::process::id() {
            self.handoff.close();
            pool.put_back();
        } else {
            // In a child that was forked meanwhile nobody is there to be sent home.
            std::mem::forget(pool);
        }
    }
}

/// A thread pool and the process it belongs to.
struct Pool {
    threads: ThreadPool,
    process: u32,
}

static IDLE: Mutex<Vec<Pool>> = Mutex::new(Vec::new());

/// The process that last had the lock: in it, whoever holds the lock will give it back.
static HOME: AtomicU32 = AtomicU32::new(0);

/// The idle pools. In a child that was forked while another thread held the lock it stays locked
/// for good: there, never wait for long. Elsewhere do, or pools would be made anew that are there.
fn idle(process: u32) -> Option<MutexGuard<'static, Vec<Pool>>> {
    if HOME.load(Ordering::Relaxed) == process {
        return Some(IDLE.lock().unwrap_or_else(PoisonError::into_inner));
    }
    for _ in 0..1_000 {
        if let Ok(idle) = IDLE.try_lock() {
            HOME.store(process, Ordering::Relaxed);
            return Some(idle);
        }
        std::hint::spin_loop();
    }
    None
}

impl Pool {
    /// The smallest idle pool that is large enough, or a new one in the place of one that is too
    /// small: so there are never more pools than there were callers at a time.
    fn take(threads: usize) -> Option<Self> {
        let process = std::process::id();
        let mut too_small = None;
        if let Some(mut idle) = idle(process) {
            let (own, foreign) =
                std::mem::take(&mut *idle).into_iter().partition(|pool| pool.process == process);
            *idle = own;
            // The threads of these exist in the parent only; to drop them would wait for those.
            let foreign: Vec<Self> = foreign;
            std::mem::forget(foreign);
            let large_enough = (0..idle.len()).filter(|at| idle[*at].size() >= threads);
            if let Some(at) = large_enough.min_by_key(|at| idle[*at].size()) {
                return Some(idle.swap_remove(at));
            }
            too_small = idle.pop();
        }
        let new = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("ferroprop-{index}"))
            .build();
        new.ok().map(|threads| Self { threads, process }).or(too_small)
    }

    fn size(&self) -> usize {
        self.threads.current_num_threads()
    }

    fn put_back(self) {
        if let Some(mut idle) = idle(self.process) {
            idle.push(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn every_item_is_done_once_in_every_round() {
        for threads in [1, 2, 3, 8] {
            let counts: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
            Team::with(threads, |team| {
                for round in 1..=500 {
                    team.for_each(counts.iter(), |count| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == round));
                }
            });
        }
    }

    #[test]
    fn helpers_that_sleep_are_woken() {
        Team::with(2, |team| {
            for _ in 0..3 {
                std::thread::sleep(std::time::Duration::from_millis(20));
                let done = AtomicUsize::new(0);
                team.for_each(0..8usize, |_| {
                    done.fetch_add(1, Ordering::Relaxed);
                });
                assert_eq!(done.into_inner(), 8);
            }
        });
    }

    #[test]
    fn a_panic_comes_back_and_the_team_goes_on() {
        Team::with(3, |team| {
            for bad in 0..5usize {
                let result = catch_unwind(AssertUnwindSafe(|| {
                    team.for_each(0..5usize, |item| assert_ne!(item, bad, "on purpose"));
                }));
                assert!(result.is_err());
            }
            let sum = AtomicUsize::new(0);
            team.for_each(0..5usize, |item| {
                sum.fetch_add(item, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 10);
        });
    }

    #[test]
    fn teams_do_not_wait_for_each_other() {
        for threads in [2, 3, 5] {
            let done = AtomicUsize::new(0);
            Team::with(threads, |outer| {
                outer.for_each(0..2 * threads, |_| {
                    Team::with(threads, |inner| {
                        inner.for_each(0..4usize, |_| {
                            Team::with(2, |innermost| {
                                innermost.for_each(0..2usize, |_| {
                                    done.fetch_add(1, Ordering::Relaxed);
                                });
                            });
                        });
                    });
                });
            });
            assert_eq!(done.into_inner(), 2 * threads * 4 * 2);
        }
    }

    /// Else they would accumulate on a busy machine, where whoever holds the lock may have to wait.
    #[test]
    fn pools_that_are_there_are_waited_for() {
        let process = std::process::id();
        Team::with(2, |_| {});
        let held = idle(process).unwrap();
        let other = std::thread::spawn(move || idle(process).is_some());
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(held);
        assert!(other.join().unwrap());
    }

    #[test]
    fn an_interruption_leaves_items_undone() {
        for threads in [1, 2, 3] {
            Team::with(threads, |team| {
                let (mut asked, done) = (0, AtomicUsize::new(0));
                let mut interrupted = || {
                    asked += 1;
                    asked == 3
                };
                let all = team.for_each_unless(&mut interrupted, 0..10_000usize, |_| {
                    std::thread::sleep(std::time::Duration::from_micros(200));
                    done.fetch_add(1, Ordering::Relaxed);
                });
                assert!(!all);
                assert!(done.into_inner() < 5_000);
                assert!(team.for_each_unless(&mut || false, 0..10usize, |_| {}));
            });
        }
    }

    #[test]
    fn a_question_that_panics_ends_the_round_first() {
        Team::with(2, |team| {
            let result = catch_unwind(AssertUnwindSafe(|| {
                team.for_each_unless(&mut || panic!("on purpose"), 0..100usize, |_| {});
            }));
            assert!(result.is_err());
            let sum = AtomicUsize::new(0);
            team.for_each(0..5usize, |item| {
                sum.fetch_add(item, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 10);
        });
    }

    #[test]
    fn there_may_be_more_items_than_fit_in_a_round() {
        let done = AtomicUsize::new(0);
        Team::with(2, |team| {
            team.for_each(0..MOST_ITEMS + 5, |_| {
                done.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(done.into_inner(), MOST_ITEMS + 5);
    }

    #[test]
    fn the_cores_are_those_that_the_standard_library_finds() {
        for _ in 0..2 {
            assert_eq!(Some(cores()), std::thread::available_parallelism().ok().map(usize::from));
        }
    }

    #[test]
    fn a_request_is_honoured() {
        assert_eq!(threads(Some(3)), 3);
        assert!(threads(None) >= 1);
    }
}
