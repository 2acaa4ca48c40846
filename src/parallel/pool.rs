//! Thread pools that are kept for the next caller, and survive a fork.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// A thread pool and the process it belongs to.
pub(super) struct Pool {
    pub threads: ThreadPool,
    pub process: u32,
}

static IDLE: Mutex<Vec<Pool>> = Mutex::new(Vec::new());

/// The process that last acquired the lock. Only there is it certain that the holder will release it; after a
/// fork the lock may be held for ever.
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
    pub fn take(threads: usize) -> Option<Self> {
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

    pub fn put_back(self) {
        if let Some(mut idle) = idle(self.process) {
            idle.push(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pools would accumulate on a busy machine otherwise, because the lock's holder may lose its core.
    #[test]
    fn pools_that_are_there_are_waited_for() {
        let process = std::process::id();
        Pool::take(1).unwrap().put_back();
        let held = idle(process).unwrap();
        let other = std::thread::spawn(move || idle(process).is_some());
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(held);
        assert!(other.join().unwrap());
    }
}
