//! AVX-512: a line is one register.

#[allow(clippy::wildcard_imports)] // the intrinsics are many and keep their C names
use std::arch::x86_64::*;

use super::dispatch::{Task, avx512};
use super::simd::Simd;

/// Proof that the machine has AVX-512, for `f32`.
#[derive(Clone, Copy, Debug)]
pub struct F32(());
/// Proof that the machine has AVX-512, for `f64`.
#[derive(Clone, Copy, Debug)]
pub struct F64(());

/// The features that [`super::dispatch`] asks for before it uses this module.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && super::avx2::available()
}

macro_rules! vectors {
    ($token:ident, $t:ident, $v:ident, $splat:ident, $load:ident, $store:ident, $fused:ident, $add:ident, $sub:ident) => {
        // Safety, for the whole block: the token says that the instructions exist; load and store
        // pass on what their callers promise.
        impl Simd<$t> for $token {
            type V = $v;
            // 8 x 3 accumulators, 3 lines of the panel and a broadcast fit in 32 registers.
            const ROWS: usize = 8;
            const PANELS: usize = 3;
            const GRADIENT_ROWS: usize = 8;

            #[inline(always)]
            unsafe fn assume() -> Self {
                Self(())
            }
            #[inline(always)]
            fn apart<K: Task<$t>>(self, task: K) -> K::Output {
                unsafe { avx512(task) }
            }
            #[inline(always)]
            fn splat(self, x: $t) -> Self::V {
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(self, from: *const $t) -> Self::V {
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t, line: Self::V) {
                unsafe { $store(to, line) }
            }
            #[inline(always)]
            fn fused(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                unsafe { $fused(a, b, c) }
            }
            #[inline(always)]
            fn add(self, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            fn sub(self, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $sub(a, b) }
            }
        }
    };
}

vectors!(
    F32,
    f32,
    __m512,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps,
    _mm512_sub_ps
);
vectors!(
    F64,
    f64,
    __m512d,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_fmadd_pd,
    _mm512_add_pd,
    _mm512_sub_pd
);
