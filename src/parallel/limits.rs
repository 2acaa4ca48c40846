//! How many threads there may be.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::affinity::cpus_by_affinity;
use super::handoff::MOST_ITEMS;

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

/// The number of CPUs by affinity, read on each call, and by the quota of a control group, read once because that
/// reads files and takes 20 microseconds.
fn cores() -> usize {
    static QUOTA: AtomicUsize = AtomicUsize::new(usize::MAX);
    // Size of the affinity mask when the quota was read. Under a smaller mask, a quota would have been
    // indistinguishable from none.
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

#[cfg(test)]
mod tests {
    use super::*;

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
