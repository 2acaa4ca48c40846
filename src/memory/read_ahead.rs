//! Numbers in a file that is mapped into memory are asked for before they are read.

#![allow(unsafe_code)]

/// Asks the system to bring numbers into memory that are read soon, in long runs. Nothing else depends on it: it does nothing
/// for numbers that are there already, or where it is not possible.
pub fn read_ahead<T>(numbers: &[T]) {
    #[cfg(target_os = "linux")]
    {
        // Safety: it reads a constant of the system.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let Ok(page) = usize::try_from(page) else { return };
        let start = numbers.as_ptr() as usize / page * page;
        let end = numbers.as_ptr() as usize + size_of_val(numbers);
        // Safety: it is advice on the pages that the slice lies on, and changes no byte of them.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_WILLNEED) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = numbers;
}
