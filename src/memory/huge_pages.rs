//! Large buffers in large pages: fewer faults when they are new, fewer misses of the table of pages
//! when they are read across.

#![allow(unsafe_code)]

/// Buffers of at least this many bytes are worth it: two pages on x86-64.
const WORTH_IT: usize = 4 << 20;

/// Asks the system to back an allocation with large pages, before it is written to. Where that is not
/// possible nothing happens; nor does anything else depend on it.
pub fn prefer_huge_pages<T>(storage: &Vec<T>) {
    let bytes = storage.capacity() * size_of::<T>();
    if bytes < WORTH_IT {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        // Linux has small pages of 4 to 64 KiB: whole ones of any size.
        const STEP: usize = 1 << 16;
        let start = (storage.as_ptr() as usize).next_multiple_of(STEP);
        let end = (storage.as_ptr() as usize + bytes) / STEP * STEP;
        // Safety: it is advice on pages that lie within an allocation, and changes no byte of them.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
    }
}
