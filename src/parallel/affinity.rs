//! The CPUs that the calling thread may use.

#![allow(unsafe_code)]

/// How many there are by its affinity, where the system tells.
#[must_use]
pub fn cpus_by_affinity() -> Option<usize> {
    #[cfg(target_os = "linux")]
    {
        // Safety: a set of zeros is a set, and the call writes no more than its size.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            let failed = libc::sched_getaffinity(0, size_of_val(&set), &raw mut set);
            (failed == 0).then(|| libc::CPU_COUNT(&set).unsigned_abs() as usize)
        }
    }
    #[cfg(not(target_os = "linux"))]
    None
}
