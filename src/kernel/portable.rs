//! Any machine: arrays that the compiler turns into whatever vectors the target has (NEON on aarch64).

#![allow(unsafe_code)]

use super::simd::{Simd, Task};
use crate::number::Number;

/// Vectors are plain arrays.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

/// Runs a task; never inlined, because of [`Simd::outlined`].
#[inline(never)]
pub(super) fn enter<T: Number, S: Simd<T>, K: Task<T>>(simd: S, task: K) -> K::Output {
    task.run(simd)
}

macro_rules! vectors {
    ($t:ident, $lanes:literal) => {
        impl Simd<$t> for Portable {
            type V = [$t; $lanes];
            // Halves are not worth code of their own here.
            type Half = Self;
            const SUMS: usize = 4;
            const PANELS: usize = 1;
            const GRADIENT_ROWS: usize = 4;

            #[inline(always)]
            unsafe fn assume() -> Self {
                Portable
            }
            #[inline(always)]
            fn half(self) -> Self {
                self
            }
            #[inline(always)]
            fn outlined<K: Task<$t>>(self, task: K) -> K::Output {
                enter(self, task)
            }
            #[inline(always)]
            fn splat(self, x: $t) -> Self::V {
                [x; $lanes]
            }
            #[inline(always)]
            unsafe fn load(self, from: *const $t) -> Self::V {
                // Safety: the caller promises a readable vector.
                unsafe { from.cast::<Self::V>().read_unaligned() }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t, vector: Self::V) {
                // Safety: the caller promises a writable vector.
                unsafe { to.cast::<Self::V>().write_unaligned(vector) }
            }
            // Where each lane is a call of the C library, the calls are in one place rather than in every kernel.
            #[cfg_attr(all(target_arch = "x86_64", not(target_feature = "fma")), inline(never))]
            #[cfg_attr(not(all(target_arch = "x86_64", not(target_feature = "fma"))), inline(always))]
            fn mul_add(self, a: Self::V, b: Self::V, mut c: Self::V) -> Self::V {
                for i in 0..$lanes {
                    c[i] = a[i].mul_add(b[i], c[i]);
                }
                c
            }
            #[inline(always)]
            fn add(self, a: Self::V, mut b: Self::V) -> Self::V {
                for i in 0..$lanes {
                    b[i] += a[i];
                }
                b
            }
            #[inline(always)]
            fn sub(self, mut a: Self::V, b: Self::V) -> Self::V {
                for i in 0..$lanes {
                    a[i] -= b[i];
                }
                a
            }
            #[inline(always)]
            fn mul(self, mut a: Self::V, b: Self::V) -> Self::V {
                for i in 0..$lanes {
                    a[i] *= b[i];
                }
                a
            }
            #[inline(always)]
            fn max(self, a: Self::V, mut b: Self::V) -> Self::V {
                for i in 0..$lanes {
                    b[i] = if a[i] > b[i] { a[i] } else { b[i] };
                }
                b
            }
            #[inline(always)]
            fn heaviside(self, mut a: Self::V) -> Self::V {
                for x in &mut a {
                    *x = if *x > 0.0 { 1.0 } else { 0.0 };
                }
                a
            }
        }
    };
}

vectors!(f32, 16);
vectors!(f64, 8);
