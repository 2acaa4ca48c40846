//! The hand-off between a leader and its helpers under a model checker: loom runs every order in which its atomics, locks and
//! waits can happen, and every older value that an atomic may still show, up to a bound on preemptions where three threads
//! take part. It fails if work is read while it is written, an item is done twice or never, or a thread waits for ever.
//!
//! The file of the hand-off is compiled here a second time, with loom's parts in the place of `src/parallel/sync.rs`. That
//! the model notices what it should is shown by faults that are put into those parts. Loom knows no order that all threads
//! agree on: where the hand-off says `SeqCst`, it is run with acquire and release, which is less.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::env::{current_exe, var};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Command;
use std::sync::Arc;

#[path = "../src/parallel/handoff.rs"]
mod handoff;

use handoff::Handoff;

/// The floating-point mode is no matter here.
mod kernel {
    pub struct Mode;

    impl Mode {
        pub fn core() -> Self {
            Self
        }
    }
}

/// What is put wrong on purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// A new round or an item done no longer makes visible what was written before.
    RelaxedStores,
    /// An item is claimed by a read and a write that is not tied to it.
    ClaimsInTwoSteps,
    /// The bell does not ring.
    SilentBell,
}

thread_local! {
    // Loom runs the threads of a model on one thread of the system.
    static FAULT: Cell<Fault> = const { Cell::new(Fault::None) };
}

fn has(fault: Fault) -> bool {
    FAULT.get() == fault
}

/// What `src/parallel/sync.rs` has, by loom.
mod sync {
    use std::sync::LockResult;
    use std::time::Duration;

    pub use loom::cell::UnsafeCell;
    pub use loom::hint::spin_loop;
    pub use loom::sync::atomic::{AtomicBool, Ordering};
    pub use loom::sync::{Mutex, MutexGuard};
    pub use loom::thread::yield_now;

    use super::{Fault, has};

    // One turn of yielding is enough: what follows it can follow any number. Spinning would be the same again.
    pub const SPINS: u32 = 0;
    pub const YIELDS: u32 = 1;
    pub const PATIENCE: u32 = 1;

    pub fn cores() -> usize {
        1
    }

    pub fn sleep(_: Duration) {
        yield_now();
    }

    fn released(order: Ordering) -> Ordering {
        if has(Fault::RelaxedStores) { Ordering::Relaxed } else { order }
    }

    pub struct AtomicU64(loom::sync::atomic::AtomicU64);

    impl AtomicU64 {
        pub fn new(value: u64) -> Self {
            Self(loom::sync::atomic::AtomicU64::new(value))
        }

        pub fn load(&self, order: Ordering) -> u64 {
            self.0.load(order)
        }

        pub fn store(&self, value: u64, order: Ordering) {
            self.0.store(value, released(order));
        }

        pub fn compare_exchange_weak(
            &self,
            current: u64,
            new: u64,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u64, u64> {
            if has(Fault::ClaimsInTwoSteps) {
                let seen = self.0.load(Ordering::Acquire);
                if seen != current {
                    return Err(seen);
                }
                self.0.store(new, Ordering::Release);
                return Ok(seen);
            }
            self.0.compare_exchange_weak(current, new, success, failure)
        }
    }

    pub struct AtomicUsize(loom::sync::atomic::AtomicUsize);

    impl AtomicUsize {
        pub fn new(value: usize) -> Self {
            Self(loom::sync::atomic::AtomicUsize::new(value))
        }

        pub fn load(&self, order: Ordering) -> usize {
            self.0.load(order)
        }

        pub fn store(&self, value: usize, order: Ordering) {
            self.0.store(value, order);
        }

        pub fn fetch_add(&self, value: usize, order: Ordering) -> usize {
            self.0.fetch_add(value, released(order))
        }
    }

    pub struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
            self.0.wait(guard)
        }

        pub fn notify_all(&self) {
            if !has(Fault::SilentBell) {
                self.0.notify_all();
            }
        }
    }
}

/// Runs a leader and so many helpers through rounds of so many items, in every order; `preemptions` bounds how often a thread
/// may be stopped where it would not stop by itself. Returns the number of orders.
fn explore(fault: Fault, helpers: usize, rounds: &'static [usize], preemptions: Option<usize>) -> usize {
    FAULT.set(fault);
    let orders = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&orders);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    model.check(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let handoff = loom::sync::Arc::new(Handoff::new(helpers + 1));
        let threads: Vec<_> = (0..helpers)
            .map(|_| {
                let handoff = loom::sync::Arc::clone(&handoff);
                loom::thread::spawn(move || handoff.serve())
            })
            .collect();
        for items in rounds {
            // Never freed: an item that is done too late must be found by the model, not by chance.
            let done: &'static Counters = Box::leak(Box::new(Counters::new(*items)));
            let work: &'static _ = Box::leak(Box::new(|item: usize| done.count(item)));
            handoff.lead(*items, work, &mut |item| {
                if let Some(item) = item {
                    work(item);
                }
            });
            assert!(done.are_all_one());
        }
        handoff.close();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    orders.load(std::sync::atomic::Ordering::Relaxed)
}

/// A counter for each item, written without a lock as the caller's work writes: loom fails if two write to one at a time, or the
/// leader reads one that may not be written yet.
struct Counters(Vec<loom::cell::UnsafeCell<u32>>);

// Safety: that no two threads have one at a time is what loom checks.
unsafe impl Sync for Counters {}

impl Counters {
    fn new(items: usize) -> Self {
        Self((0..items).map(|_| loom::cell::UnsafeCell::new(0)).collect())
    }

    fn count(&self, item: usize) {
        // Safety: as above.
        self.0[item].with_mut(|count| unsafe { *count += 1 });
    }

    fn are_all_one(&self) -> bool {
        // Safety: as above.
        self.0.iter().all(|count| count.with(|count| unsafe { *count == 1 }))
    }
}

/// Work of two items, one of which panics.
fn explore_a_panic(bad: usize) -> usize {
    let outcomes = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&outcomes);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let handoff = loom::sync::Arc::new(Handoff::new(2));
        let helper = loom::sync::Arc::clone(&handoff);
        let helper = loom::thread::spawn(move || helper.serve());
        let done: &'static Counters = Box::leak(Box::new(Counters::new(2)));
        let work: &'static _ = Box::leak(Box::new(move |item: usize| {
            done.count(item);
            if item == bad {
                // Without the report of a panic.
                resume_unwind(Box::new("on purpose"));
            }
        }));
        let lead = || handoff.lead(2, work, &mut |item| item.into_iter().for_each(work));
        let panic = catch_unwind(AssertUnwindSafe(lead)).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
        assert!(done.are_all_one());
        handoff.close();
        helper.join().unwrap();
    });
    outcomes.load(std::sync::atomic::Ordering::Relaxed)
}

#[test]
fn a_helper_and_one_item_in_every_order() {
    assert!(explore(Fault::None, 1, &[1], None) > 1_000);
}

#[test]
fn a_helper_and_two_rounds() {
    assert!(explore(Fault::None, 1, &[2, 1], Some(3)) > 10_000);
}

#[test]
fn two_helpers() {
    assert!(explore(Fault::None, 2, &[2], Some(1)) > 10_000);
}

#[test]
fn helpers_who_get_no_work_go_home() {
    assert!(explore(Fault::None, 2, &[], Some(3)) > 100);
}

#[test]
fn a_panic_reaches_the_leader_after_all_items() {
    assert!(explore_a_panic(0) > 100);
    assert!(explore_a_panic(1) > 100);
}

/// Minutes.
#[test]
#[ignore = "takes minutes"]
fn further_orders() {
    println!("a helper, two items: {} orders, all that there are", explore(Fault::None, 1, &[2], None));
    println!("a helper, two rounds: {} orders", explore(Fault::None, 1, &[2, 1], Some(5)));
    println!("two helpers: {} orders", explore(Fault::None, 2, &[2], Some(2)));
    println!("two helpers, two rounds: {} orders", explore(Fault::None, 2, &[1, 1], Some(1)));
}

/// Each in a process of its own, because a model that fails may end its process.
#[test]
fn the_model_notices_faults() {
    for (fault, words) in [
        (Fault::None, "test result: ok"),
        (Fault::RelaxedStores, "Causality violation: Concurrent read and write accesses"),
        (Fault::ClaimsInTwoSteps, "Causality violation: Concurrent write accesses"),
        (Fault::SilentBell, "deadlock"),
    ] {
        let output = Command::new(current_exe().unwrap())
            .args(["--exact", "a_fault_that_the_environment_names", "--nocapture"])
            .env(NAME, (fault as u8).to_string())
            .output()
            .unwrap();
        let told = [output.stdout, output.stderr].concat();
        assert_eq!(output.status.success(), fault == Fault::None);
        assert!(String::from_utf8_lossy(&told).contains(words), "{words}");
    }
}

const NAME: &str = "FERROPROP_HANDOFF_FAULT";

#[test]
fn a_fault_that_the_environment_names() {
    let Ok(name) = var(NAME) else { return };
    let all = [Fault::None, Fault::RelaxedStores, Fault::ClaimsInTwoSteps, Fault::SilentBell];
    let fault = all.into_iter().find(|fault| (*fault as u8).to_string() == name).unwrap();
    assert!(explore(fault, 1, &[1], Some(2)) > 100);
}
