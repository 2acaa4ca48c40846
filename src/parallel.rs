//! The only door to threads.
//!
//! A [`Team`] is a leader (the calling thread) and helpers from a thread pool of our own. Work is
//! handed over in rounds of items; which thread does an item is left open, so no result can depend
//! on the number of threads.
//!
//! Pools are kept for the next caller, never shared between two at a time, and belong to the
//! process that made them: a forked child leaves its parent's alone and makes its own.

use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::kernel::{Handoff, MOST_ITEMS};

/// The number of threads for a request: as asked, or else as many as the CPU affinity and
/// `OMP_NUM_THREADS` leave.
#[must_use]
pub fn threads(requested: Option<usize>) -> usize {
    let most = MOST_ITEMS;
    if let Some(threads) = requested {
        return threads.clamp(1, most);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let limit = std::env::var("OMP_NUM_THREADS")
        .ok()
        // OpenMP allows a list, one number a nesting level.
        .and_then(|value| value.split(',').next()?.trim().parse().ok())
        .unwrap_or(cores);
    cores.min(limit).clamp(1, most)
}

/// Threads that work in rounds.
pub struct Team<'a> {
    handoff: Option<&'a Handoff>,
    threads: usize,
}

impl Team<'_> {
    /// The calling thread alone.
    #[must_use]
    pub fn alone() -> Self {
        Self { handoff: None, threads: 1 }
    }

    /// Calls `body` with a team of this many threads; with 1 no pool is touched. When the system
    /// refuses more threads, the calling thread works alone.
    pub fn with<R>(threads: usize, body: impl FnOnce(&mut Team<'_>) -> R) -> R {
        if threads == 1 {
            return body(&mut Team::alone());
        }
        let Some(pool) = Pool::take(threads - 1) else {
            return body(&mut Team::alone());
        };
        let handoff = Handoff::new(threads);
        let result = pool.threads.in_place_scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|_| handoff.serve());
            }
            // Closed on every way out, or the scope would wait for the helpers for ever.
            let _close = Close(&handoff);
            body(&mut Team { handoff: Some(&handoff), threads })
        });
        pool.put_back();
        result
    }

    /// How many threads there are, this one included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work` with each item, on whichever thread is free, and returns when all are done.
    pub fn for_each<I: Send>(&mut self, items: impl ExactSizeIterator<Item = I>, work: impl Fn(I) + Sync) {
        match self.handoff {
            Some(handoff) if items.len() > 1 => {
                let items: Vec<_> = items.map(|item| Mutex::new(Some(item))).collect();
                for round in items.chunks(MOST_ITEMS) {
                    handoff.lead(round.len(), &|index| {
                        let item = round[index].lock().unwrap_or_else(PoisonError::into_inner).take();
                        if let Some(item) = item {
                            work(item);
                        }
                    });
                }
            }
            _ => items.for_each(work),
        }
    }
}

struct Close<'a>(&'a Handoff);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A thread pool and the process it belongs to.
struct Pool {
    threads: ThreadPool,
    process: u32,
}

static IDLE: Mutex<Vec<Pool>> = Mutex::new(Vec::new());

impl Pool {
    /// An idle pool of this size, or a new one.
    fn take(threads: usize) -> Option<Self> {
        let process = std::process::id();
        // In a child that was forked while another thread held the lock it stays locked for good:
        // never wait for it.
        if let Ok(mut idle) = IDLE.try_lock() {
            let (own, foreign) =
                std::mem::take(&mut *idle).into_iter().partition(|pool| pool.process == process);
            *idle = own;
            // The threads of these exist in the parent only; to drop them would wait for those.
            let foreign: Vec<Self> = foreign;
            std::mem::forget(foreign);
            if let Some(at) = idle.iter().position(|pool| pool.threads.current_num_threads() == threads) {
                return Some(idle.swap_remove(at));
            }
        }
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("ferroprop-{index}"))
            .build()
            .ok()
            .map(|threads| Self { threads, process })
    }

    fn put_back(self) {
        if self.process != std::process::id() {
            std::mem::forget(self);
        } else if let Ok(mut idle) = IDLE.try_lock() {
            idle.push(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

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
        Team::with(2, |outer| {
            outer.for_each(0..2usize, |_| {
                Team::with(2, |inner| inner.for_each(0..4usize, |_| {}));
            });
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
    fn a_request_is_honoured() {
        assert_eq!(threads(Some(3)), 3);
        assert!(threads(None) >= 1);
    }
}
