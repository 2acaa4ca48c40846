//! One instantiation per instruction set, chosen at run time.
//!
//! A kernel is a [`Task`]: a value whose `run` is compiled once for each instruction set, because
//! it is inlined into a function that has the instructions switched on. Tasks are written in plain
//! Rust; the compiler vectorises their loops for the set at hand.

#![allow(unsafe_code)]

use std::sync::OnceLock;

use super::portable;
use super::scalar::Scalar;
use super::simd::{Simd, Task};
#[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
use super::{avx2, avx512};

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// 512-bit vectors (x86-64-v4).
    Avx512,
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    Avx2,
    /// What the build target has; NEON on aarch64.
    Portable,
}

/// The environment variable that pins the instruction set: `avx512`, `avx2` or `portable`.
pub const VARIABLE: &str = "FERROPROP_ISA";

impl InstructionSet {
    /// All of them, fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The name that the environment variable takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn available(self) -> bool {
        match self {
            #[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
            Self::Avx512 => avx512::available(),
            #[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
            Self::Avx2 => avx2::available(),
            #[cfg(any(not(target_arch = "x86_64"), ferroprop_portable))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Portable => true,
        }
    }

    fn best() -> Self {
        Self::ALL.into_iter().find(|set| set.available()).unwrap_or(Self::Portable)
    }

    /// The set that the environment asks for, or else the best of this machine.
    ///
    /// # Errors
    /// A sentence, when the variable names a set that does not exist or that the machine lacks.
    pub fn from_environment() -> Result<Self, String> {
        let Ok(name) = std::env::var(VARIABLE) else {
            return Ok(Self::best());
        };
        let names = Self::ALL.map(Self::name).join(", ");
        let set = Self::ALL
            .into_iter()
            .find(|set| set.name() == name)
            .ok_or_else(|| format!("{VARIABLE}={name:?} is not one of {names}"))?;
        if set.available() {
            Ok(set)
        } else {
            Err(format!("{VARIABLE}={name}: this machine lacks these instructions"))
        }
    }

    /// The set that kernels use in this process: read from the environment once. A request that
    /// cannot be met falls back to the best set; the Python module refuses to load on one.
    #[must_use]
    pub fn active() -> Self {
        static ACTIVE: OnceLock<InstructionSet> = OnceLock::new();
        *ACTIVE.get_or_init(|| Self::from_environment().unwrap_or_else(|_| Self::best()))
    }
}

/// Runs a task on the active instruction set.
#[inline]
pub fn dispatch<T: Scalar, K: Task<T>>(task: K) -> K::Output {
    // Safety: `active` gives a set that this machine has.
    unsafe { run_on(InstructionSet::active(), task) }
}

/// Runs a task on a given instruction set, so that tests and benches can compare them.
///
/// # Panics
/// When the machine lacks the set: ask [`InstructionSet::available`] first.
pub fn dispatch_on<T: Scalar, K: Task<T>>(set: InstructionSet, task: K) -> K::Output {
    assert!(set.available(), "this machine lacks {}", set.name());
    // Safety: just checked.
    unsafe { run_on(set, task) }
}

/// # Safety
/// The machine has the instruction set.
#[inline]
unsafe fn run_on<T: Scalar, K: Task<T>>(set: InstructionSet, task: K) -> K::Output {
    match set {
        #[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
        // Safety: as promised to this function.
        InstructionSet::Avx512 => unsafe { avx512::enter(T::Avx512::assume(), task) },
        #[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
        // Safety: as promised to this function.
        InstructionSet::Avx2 => unsafe { avx2::enter(T::Avx2::assume(), task) },
        // Every machine has this one.
        // Safety: as promised to this function; every machine has the portable one.
        _ => portable::enter(unsafe { T::Portable::assume() }, task),
    }
}
