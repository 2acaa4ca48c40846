//! AVX-512: a vector is one register.

#![allow(unsafe_code)]

#[allow(clippy::wildcard_imports)] // the intrinsics are many and keep their C names
use std::arch::x86_64::*;

use super::avx2::{HalfF32, HalfF64, prefetch_line, sum_halves_pd, sum_halves_ps};
use super::simd::{Simd, Task};
use crate::number::Number;

/// Proof that the machine has AVX-512, for `f32`.
#[derive(Clone, Copy, Debug)]
pub struct F32(());
/// Proof that the machine has AVX-512, for `f64`.
#[derive(Clone, Copy, Debug)]
pub struct F64(());

/// Whether this machine has the features that [`enter`] switches on.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && super::avx2::available()
}

/// Runs a task in a function that has the instructions switched on; never inlined, because of
/// [`Simd::outlined`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2")]
#[inline(never)]
pub(super) fn enter<T: Number, S: Simd<T>, K: Task<T>>(simd: S, task: K) -> K::Output {
    task.run(simd)
}

macro_rules! vectors {
    ($token:ident, $t:ident, $v:ident, $half:ident, $half_v:ident, $half_lanes:literal, $splat:ident, $load:ident, $load_first:ident, $mask:ident, $store:ident, $fused:ident, $add:ident, $sub:ident, $mul:ident, $max:ident, $above:ident, $choose:ident, $add_half:ident, $first_half:ident, $second_half:ident, $sum_halves:ident, $transpose:ident) => {
        impl Simd<$t> for $token {
            type V = $v;
            type Half = $half;
            // 24 sums, 4 vectors of the panels and a broadcast fit in 32 registers.
            const SUMS: usize = 24;
            const PANELS: usize = 4;
            const GRADIENT_ROWS: usize = 8;

            #[inline(always)]
            unsafe fn assume() -> Self {
                Self(())
            }
            #[inline(always)]
            fn half(self) -> $half {
                // Safety: where there is AVX-512, there is AVX2.
                unsafe { $half::assume() }
            }
            #[inline(always)]
            fn outlined<K: Task<$t>>(self, task: K) -> K::Output {
                // Safety: the token proves that the machine has the instructions.
                unsafe { enter(self, task) }
            }
            #[inline(always)]
            fn splat(self, x: $t) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(self, from: *const $t) -> Self::V {
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn load_first(self, from: *const $t, count: usize) -> Self::V {
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe { $load_first(((1_u32 << count) - 1) as $mask, from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t, vector: Self::V) {
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe { $store(to, vector) }
            }
            #[inline(always)]
            fn prefetch(self, at: *const $t) {
                prefetch_line(at);
            }
            #[inline(always)]
            fn prefetch_second_level(self, at: *const $t) {
                // Safety: every x86-64 machine has the instruction, and it reads nothing.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) };
            }
            #[inline(always)]
            fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $fused(a, b, c) }
            }
            #[inline(always)]
            fn add(self, a: Self::V, b: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            fn sub(self, a: Self::V, b: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            fn mul(self, a: Self::V, b: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $mul(a, b) }
            }
            #[inline(always)]
            fn max(self, a: Self::V, b: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $max(a, b) }
            }
            #[inline(always)]
            fn heaviside(self, a: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $choose($above::<_CMP_GT_OQ>(a, $splat(0.0)), $splat(1.0)) }
            }
            #[inline(always)]
            fn add_halves(self, vector: Self::V) -> $half_v {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $add_half($first_half(vector), $second_half::<1>(vector)) }
            }
            #[inline(always)]
            fn sum_halves(self, halves: &[$half_v], sums: &mut [$t]) {
                for (halves, sums) in halves.chunks($half_lanes).zip(sums.chunks_mut($half_lanes)) {
                    let mut group = [self.half().splat(0.0); $half_lanes];
                    for (to, half) in group.iter_mut().zip(halves) {
                        *to = *half;
                    }
                    // Safety: the token proves that the machine has the instructions.
                    sums.copy_from_slice(&unsafe { $sum_halves(group) }[..sums.len()]);
                }
            }
            #[inline(always)]
            unsafe fn transpose(self, from: *const $t, to: *mut $t) {
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe { $transpose(from, to) }
            }
        }
    };
}

vectors!(
    F32,
    f32,
    __m512,
    HalfF32,
    __m256,
    8,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_maskz_loadu_ps,
    __mmask16,
    _mm512_storeu_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_max_ps,
    _mm512_cmp_ps_mask,
    _mm512_maskz_mov_ps,
    _mm256_add_ps,
    _mm512_castps512_ps256,
    _mm512_extractf32x8_ps,
    sum_halves_ps,
    transpose_ps
);
vectors!(
    F64,
    f64,
    __m512d,
    HalfF64,
    __m256d,
    4,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_maskz_loadu_pd,
    __mmask8,
    _mm512_storeu_pd,
    _mm512_fmadd_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_max_pd,
    _mm512_cmp_pd_mask,
    _mm512_maskz_mov_pd,
    _mm256_add_pd,
    _mm512_castpd512_pd256,
    _mm512_extractf64x4_pd,
    sum_halves_pd,
    transpose_pd
);

/// Quarters of vectors `(a0, a2, b0, b2)`.
const EVEN: i32 = 0b10_00_10_00;
/// Quarters of vectors `(a1, a3, b1, b3)`.
const ODD: i32 = 0b11_01_11_01;

/// Transposes 16 vectors of 16: within quarters of vectors by unpacking, then whole quarters.
///
/// # Safety
/// The machine has AVX-512; `from` points to a readable square, `to` to a writable one.
#[inline(always)]
unsafe fn transpose_ps(from: *const f32, to: *mut f32) {
    // Safety: as promised to this function.
    unsafe {
        // Quarter k of `fours[4 i + j]` holds column 4 k + j of rows 4 i to 4 i + 3.
        let mut fours = [_mm512_setzero_pd(); 16];
        for i in 0..4 {
            let rows: [__m512; 4] = std::array::from_fn(|row| _mm512_loadu_ps(from.add((4 * i + row) * 16)));
            let low01 = _mm512_castps_pd(_mm512_unpacklo_ps(rows[0], rows[1]));
            let high01 = _mm512_castps_pd(_mm512_unpackhi_ps(rows[0], rows[1]));
            let low23 = _mm512_castps_pd(_mm512_unpacklo_ps(rows[2], rows[3]));
            let high23 = _mm512_castps_pd(_mm512_unpackhi_ps(rows[2], rows[3]));
            fours[4 * i] = _mm512_unpacklo_pd(low01, low23);
            fours[4 * i + 1] = _mm512_unpackhi_pd(low01, low23);
            fours[4 * i + 2] = _mm512_unpacklo_pd(high01, high23);
            fours[4 * i + 3] = _mm512_unpackhi_pd(high01, high23);
        }
        for j in 0..4 {
            let [a, b, c, d] = [fours[j], fours[4 + j], fours[8 + j], fours[12 + j]];
            store_quarters(to.add(j * 16).cast(), 32, [a, b, c, d]);
        }
    }
}

/// Transposes 8 vectors of 8.
///
/// # Safety
/// As for [`transpose_ps`].
#[inline(always)]
unsafe fn transpose_pd(from: *const f64, to: *mut f64) {
    // Safety: as promised to this function.
    unsafe {
        // Quarter k of `twos[2 i + j]` holds column 2 k + j of rows 2 i and 2 i + 1.
        let mut twos = [_mm512_setzero_pd(); 8];
        for i in 0..4 {
            let (even, odd) = (_mm512_loadu_pd(from.add(16 * i)), _mm512_loadu_pd(from.add(16 * i + 8)));
            twos[2 * i] = _mm512_unpacklo_pd(even, odd);
            twos[2 * i + 1] = _mm512_unpackhi_pd(even, odd);
        }
        for j in 0..2 {
            store_quarters(to.add(j * 8), 16, [twos[j], twos[2 + j], twos[4 + j], twos[6 + j]]);
        }
    }
}

/// Writes four vectors, `step` numbers apart: quarter k of the four inputs to vector k.
///
/// # Safety
/// The machine has AVX-512; the vectors are writable.
#[inline(always)]
unsafe fn store_quarters(to: *mut f64, step: usize, [a, b, c, d]: [__m512d; 4]) {
    // Safety: as promised to this function.
    unsafe {
        let (even_ab, odd_ab) = (_mm512_shuffle_f64x2::<EVEN>(a, b), _mm512_shuffle_f64x2::<ODD>(a, b));
        let (even_cd, odd_cd) = (_mm512_shuffle_f64x2::<EVEN>(c, d), _mm512_shuffle_f64x2::<ODD>(c, d));
        _mm512_storeu_pd(to, _mm512_shuffle_f64x2::<EVEN>(even_ab, even_cd));
        _mm512_storeu_pd(to.add(step), _mm512_shuffle_f64x2::<EVEN>(odd_ab, odd_cd));
        _mm512_storeu_pd(to.add(2 * step), _mm512_shuffle_f64x2::<ODD>(even_ab, even_cd));
        _mm512_storeu_pd(to.add(3 * step), _mm512_shuffle_f64x2::<ODD>(odd_ab, odd_cd));
    }
}
