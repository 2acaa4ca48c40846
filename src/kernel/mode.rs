//! The processor's floating-point mode.
//!
//! Other libraries switch on flush-to-zero, or another rounding, for their thread, and threads that
//! it starts inherit that. The bits of our results must not depend on it.

#![allow(unsafe_code)]

/// Standard floating-point arithmetic (round to nearest, gradual underflow) on this thread for as
/// long as the value lives; then what was there before.
#[derive(Debug)]
pub struct StandardMode {
    before: u64,
}

impl StandardMode {
    /// Switches to standard arithmetic.
    #[must_use]
    #[inline]
    pub fn enter() -> Self {
        let before = control();
        if before != STANDARD {
            set_control(STANDARD);
        }
        Self { before }
    }
}

impl Drop for StandardMode {
    #[inline]
    fn drop(&mut self) {
        if self.before != STANDARD {
            set_control(self.before);
        }
    }
}

#[cfg(target_arch = "x86_64")]
use x86_64::{STANDARD, control, set_control};

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::asm;

    /// All exceptions masked, everything else 0: what a process starts with.
    pub const STANDARD: u64 = 0x1f80;
    /// The bits that say what has happened, as opposed to what shall happen.
    const FLAGS: u32 = 0x3f;

    #[inline]
    pub fn control() -> u64 {
        let mut mxcsr = 0u32;
        // Safety: writes 4 bytes to a place of our own.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags)) };
        u64::from(mxcsr & !FLAGS)
    }

    #[inline]
    pub fn set_control(control: u64) {
        let mxcsr = control as u32;
        // Safety: the value comes from the register itself or is the standard one, so no reserved
        // bit is set.
        unsafe {
            asm!("ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack, preserves_flags, readonly));
        }
    }
}

#[cfg(target_arch = "aarch64")]
use aarch64::{STANDARD, control, set_control};

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::asm;

    /// Round to nearest, no flush-to-zero, default-NaN off, no traps.
    pub const STANDARD: u64 = 0;

    #[inline]
    pub fn control() -> u64 {
        let fpcr: u64;
        // Safety: reads a register.
        unsafe { asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack, preserves_flags)) };
        fpcr
    }

    #[inline]
    pub fn set_control(control: u64) {
        // Safety: the value comes from the register itself or is the standard one.
        unsafe { asm!("msr fpcr, {}", in(reg) control, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use other::{STANDARD, control, set_control};

/// Elsewhere the mode is left as it is.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod other {
    pub const STANDARD: u64 = 0;

    pub fn control() -> u64 {
        STANDARD
    }

    pub fn set_control(_: u64) {}
}
