//! A leader and its helpers, who work in rounds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::handoff::{Handoff, MOST_ITEMS};
use super::pool::Pool;

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
    pub fn for_each<I: Send>(&mut self, items: impl Iterator<Item = I>, work: impl Fn(I) + Sync) {
        self.for_each_unless(&mut || false, items, work);
    }

    /// The same, but gives up when `interrupted`, which the calling thread asks after each of its
    /// items, says so. Returns whether all items are done.
    pub fn for_each_unless<I: Send>(
        &mut self,
        interrupted: &mut dyn FnMut() -> bool,
        items: impl Iterator<Item = I>,
        work: impl Fn(I) + Sync,
    ) -> bool {
        self.for_each_that_asks(interrupted, items, |item, _| work(item))
    }

    /// The same of items that take long: `work` gets a function that it asks now and then whether to give up.
    pub fn for_each_that_asks<I: Send>(
        &mut self,
        interrupted: &mut dyn FnMut() -> bool,
        items: impl Iterator<Item = I>,
        work: impl Fn(I, &mut dyn FnMut() -> bool) + Sync,
    ) -> bool {
        let stop = AtomicBool::new(false);
        let stops = || stop.load(Ordering::Relaxed);
        // What the calling thread asks; the others look at what it has been told.
        let mut ask = || {
            if !stops() && interrupted() {
                stop.store(true, Ordering::Relaxed);
            }
            stops()
        };
        match self.handoff {
            Some(handoff) if items.size_hint().1 != Some(1) => {
                let items: Vec<_> = items.map(|item| Mutex::new(Some(item))).collect();
                for round in items.chunks(MOST_ITEMS) {
                    let one = |index: usize, ask: &mut dyn FnMut() -> bool| {
                        let item = round[index].lock().unwrap_or_else(PoisonError::into_inner).take();
                        if let Some(item) = item.filter(|_| !stops()) {
                            work(item, ask);
                        }
                    };
                    handoff.lead(round.len(), &|index| one(index, &mut || stops()), &mut |item| {
                        if let Some(index) = item {
                            one(index, &mut ask);
                        }
                        ask();
                    });
                }
            }
            _ => {
                for item in items {
                    work(item, &mut ask);
                    if ask() {
                        break;
                    }
                }
            }
        }
        !stops()
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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;

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

    /// Whichever thread does the long one: the calling thread asks while it works, and while it waits.
    #[test]
    fn an_interruption_ends_long_items() {
        for threads in [1, 2, 3] {
            Team::with(threads, |team| {
                for long in 0..2usize {
                    let mut asked = 0;
                    let mut interrupted = || {
                        asked += 1;
                        asked > 20
                    };
                    let all = team.for_each_that_asks(&mut interrupted, 0..2usize, |item, stop| {
                        while item == long && !stop() {
                            std::thread::sleep(std::time::Duration::from_micros(200));
                        }
                    });
                    assert!(!all && asked == 21);
                    assert!(team.for_each_that_asks(&mut || false, 0..2usize, |_, stop| assert!(!stop())));
                }
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
}
