//! The processor's floating-point mode.
//!
//! The core rounds to nearest and knows no denormal numbers: as an operand they count as 0, as a result they
//! become 0, with their sign. So no operation takes longer than another (on Intel processors one with a denormal
//! costs some 150 cycles). Other libraries leave other modes behind on their thread, and threads that it starts
//! inherit that. So the mode is set on the way in and set back on the way out, and while code of the caller's runs.
//!
//! `docs/architecture.md` ("Denormal numbers") has the whole contract. Processors other than x86-64 and aarch64
//! keep the mode they have.

#![allow(unsafe_code)]

use std::cell::Cell;

thread_local! {
    /// The mode of the code around ours while ours is at work.
    static CALLERS: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A mode of this thread for as long as the value lives; then what was there before.
#[derive(Debug)]
pub struct Mode {
    before: u64,
    callers: Option<u64>,
}

impl Mode {
    /// The core's: round to nearest, no denormals.
    #[must_use]
    #[inline]
    pub fn core() -> Self {
        Self::ours(CORE)
    }

    /// What a process starts with, denormals included: for what NumPy computes around the core, and for
    /// conversions, which keep the caller's numbers.
    #[must_use]
    pub fn gradual() -> Self {
        Self::ours(GRADUAL)
    }

    /// What was there before code of ours was called.
    #[must_use]
    #[inline]
    pub fn callers() -> Self {
        let callers = CALLERS.replace(None);
        let before = control();
        set_control(callers.unwrap_or(before));
        Self { before, callers }
    }

    #[inline]
    fn ours(mode: u64) -> Self {
        let before = control();
        let callers = CALLERS.get();
        CALLERS.set(callers.or(Some(before)));
        set_control(mode);
        Self { before, callers }
    }
}

/// Runs code of the caller's, in the caller's mode.
#[inline]
pub fn outside<R>(code: impl FnOnce() -> R) -> R {
    let _callers = Mode::callers();
    code()
}

impl Drop for Mode {
    #[inline]
    fn drop(&mut self) {
        CALLERS.set(self.callers);
        set_control(self.before);
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
use x86_64::{CORE, GRADUAL, control, set_control};

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86_64 {
    use std::arch::asm;

    /// All exceptions masked, everything else 0: what a process starts with.
    pub const GRADUAL: u64 = MASKS;
    /// Besides: flush to zero, denormals are zero.
    pub const CORE: u64 = MASKS | 1 << 15 | 1 << 6;
    const MASKS: u64 = 0x1f80;

    /// The whole register: what has happened so far belongs to the caller too.
    #[inline]
    pub fn control() -> u64 {
        let mut mxcsr = 0u32;
        // Safety: writes 4 bytes to a place of our own.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags)) };
        u64::from(mxcsr)
    }

    #[inline]
    pub fn set_control(control: u64) {
        let mxcsr = control as u32;
        // Safety: the value comes from the register itself or is one of the two above, so no
        // reserved bit is set: every x86-64 processor knows both ways to treat denormals.
        // Not `readonly`, or else what follows may be computed before.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack, preserves_flags)) };
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
use aarch64::{CORE, GRADUAL, control, set_control};

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod aarch64 {
    use std::arch::asm;

    /// Round to nearest, no flush-to-zero, default-NaN off, no traps.
    pub const GRADUAL: u64 = 0;
    /// FZ alone: operands and results.
    pub const CORE: u64 = 1 << 24;

    #[inline]
    pub fn control() -> u64 {
        let fpcr: u64;
        // Safety: reads a register.
        unsafe { asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack, preserves_flags)) };
        fpcr
    }

    #[inline]
    pub fn set_control(control: u64) {
        // Safety: the value comes from the register itself or is one of the two above.
        // Not `nomem`, or else what follows may be computed before.
        unsafe { asm!("msr fpcr, {}", in(reg) control, options(nostack, preserves_flags)) };
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
use other::{CORE, GRADUAL, control, set_control};

/// Elsewhere, and under Miri, which knows no instructions by name, the mode is left as it is.
#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod other {
    pub const GRADUAL: u64 = 0;
    pub const CORE: u64 = 0;

    pub fn control() -> u64 {
        CORE
    }

    pub fn set_control(_: u64) {}
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    /// The smallest denormal times 1: itself, or 0 in the core's mode.
    fn denormals() -> bool {
        black_box(f32::from_bits(1)) * black_box(1.0) > 0.0
            && black_box(f64::from_bits(1)) * black_box(1.0) > 0.0
    }

    #[test]
    fn the_core_has_no_denormals_and_the_caller_keeps_them() {
        assert!(denormals());
        let core = Mode::core();
        assert!(!denormals());
        assert_eq!(black_box(f32::MIN_POSITIVE) * black_box(0.5), 0.0);
        assert_eq!(black_box(-f64::MIN_POSITIVE) * black_box(0.5), 0.0);
        outside(|| {
            assert!(denormals());
            let _again = Mode::core();
            assert!(!denormals());
            assert!(outside(denormals));
            assert!(!denormals());
        });
        assert!(!denormals());
        drop(core);
        assert!(denormals());
    }

    /// The caller is who called first.
    #[test]
    fn modes_within_each_other() {
        let outer = Mode::core();
        let inner = Mode::core();
        assert!(outside(denormals));
        drop(inner);
        assert!(!denormals());
        assert!(outside(denormals));
        drop(outer);
        assert!(denormals());
    }

    /// (1 + e)(1 - e) times the smallest normal number is below it and rounds up to it. x86-64 looks whether a
    /// result is denormal after rounding, aarch64 before.
    #[test]
    fn a_result_that_rounds_up_to_a_normal_number() {
        let _core = Mode::core();
        let before_rounding = cfg!(target_arch = "aarch64");
        let (root, e) = (2_f32.powi(-63), f32::EPSILON);
        let product = black_box((1.0 + e) * root) * black_box((1.0 - e) * root);
        assert_eq!(product, if before_rounding { 0.0 } else { f32::MIN_POSITIVE });
        let (root, e) = (2_f64.powi(-511), f64::EPSILON);
        let product = black_box((1.0 + e) * root).mul_add(black_box((1.0 - e) * root), black_box(0.0));
        assert_eq!(product, if before_rounding { 0.0 } else { f64::MIN_POSITIVE });
    }

    #[test]
    fn after_a_panic_the_mode_is_the_callers() {
        let panicked = std::panic::catch_unwind(|| {
            let _core = Mode::core();
            outside(|| panic!("on purpose"));
        });
        assert!(panicked.is_err() && denormals() && outside(denormals));
    }
}
