//! AVX2 with FMA: a vector is two registers.

#![allow(unsafe_code)]

#[allow(clippy::wildcard_imports)] // the intrinsics are many and keep their C names
use std::arch::x86_64::*;

use super::simd::{Simd, Task};
use crate::number::Number;

/// Proof that the machine has AVX2 and FMA, for `f32`.
#[derive(Clone, Copy, Debug)]
pub struct F32(());
/// Proof that the machine has AVX2 and FMA, for `f64`.
#[derive(Clone, Copy, Debug)]
pub struct F64(());
/// The first halves of vectors, for `f32`.
#[derive(Clone, Copy, Debug)]
pub struct HalfF32(());
/// The first halves of vectors, for `f64`.
#[derive(Clone, Copy, Debug)]
pub struct HalfF64(());

/// Whether this machine has the features that [`enter`] switches on.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

/// Asks for one line of memory; its address need not be one.
#[inline(always)]
pub(super) fn prefetch_line<T>(at: *const T) {
    // Safety: every x86-64 machine has the instruction, and it reads nothing.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
}

/// Runs a task in a function that has the instructions switched on; never inlined, because of
/// [`Simd::outlined`].
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
#[inline(never)]
pub(super) fn enter<T: Number, S: Simd<T>, K: Task<T>>(simd: S, task: K) -> K::Output {
    task.run(simd)
}

macro_rules! vectors {
    ($token:ident, $half:ident, $t:ident, $lanes:literal, $v:ident, $splat:ident, $load:ident, $masks:ident, $maskload:ident, $store:ident, $fused:ident, $add:ident, $sub:ident, $mul:ident, $max:ident, $compare:ident, $and:ident, $sum_halves:ident, $transpose:ident) => {
        impl Simd<$t> for $token {
            type V = ($v, $v);
            type Half = $half;
            // 6 x 2 accumulators, 2 halves of the panel and a broadcast fit in 16 registers.
            const SUMS: usize = 6;
            const PANELS: usize = 1;
            // Likewise, but for 8 numbers two tiles of 4 are faster than 6 and 2.
            const GRADIENT_ROWS: usize = if $lanes == 16 { 6 } else { 4 };
            const TWO_REGISTERS: bool = true;

            #[inline(always)]
            unsafe fn assume() -> Self {
                Self(())
            }
            #[inline(always)]
            fn half(self) -> $half {
                $half(())
            }
            #[inline(always)]
            fn outlined<K: Task<$t>>(self, task: K) -> K::Output {
                // Safety: the token proves that the machine has the instructions.
                unsafe { enter(self, task) }
            }
            #[inline(always)]
            fn splat(self, x: $t) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                let half = unsafe { $splat(x) };
                (half, half)
            }
            #[inline(always)]
            unsafe fn load(self, from: *const $t) -> Self::V {
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe { ($load(from), $load(from.add($lanes / 2))) }
            }
            #[inline(always)]
            unsafe fn load_first(self, from: *const $t, count: usize) -> Self::V {
                let (half, most) = (self.half(), $lanes / 2);
                // The address of a half of which nothing is read need not be one.
                let second = from.wrapping_add(most);
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe {
                    let first = half.load_first(from, count.min(most));
                    (first, half.load_first(second, count.saturating_sub(most)))
                }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t, vector: Self::V) {
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe {
                    $store(to, vector.0);
                    $store(to.add($lanes / 2), vector.1);
                }
            }
            #[inline(always)]
            fn prefetch(self, at: *const $t) {
                prefetch_line(at);
            }
            #[inline(always)]
            fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { ($fused(a.0, b.0, c.0), $fused(a.1, b.1, c.1)) }
            }
            #[inline(always)]
            fn add(self, a: Self::V, b: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { ($add(a.0, b.0), $add(a.1, b.1)) }
            }
            #[inline(always)]
            fn sub(self, a: Self::V, b: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { ($sub(a.0, b.0), $sub(a.1, b.1)) }
            }
            #[inline(always)]
            fn mul(self, a: Self::V, b: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { ($mul(a.0, b.0), $mul(a.1, b.1)) }
            }
            #[inline(always)]
            fn max(self, a: Self::V, b: Self::V) -> Self::V {
                // Safety: the token proves that the machine has the instructions.
                unsafe { ($max(a.0, b.0), $max(a.1, b.1)) }
            }
            #[inline(always)]
            fn heaviside(self, a: Self::V) -> Self::V {
                (self.half().heaviside(a.0), self.half().heaviside(a.1))
            }
            #[inline(always)]
            fn add_halves(self, vector: Self::V) -> $v {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $add(vector.0, vector.1) }
            }
            #[inline(always)]
            fn sum_halves(self, halves: &[$v], sums: &mut [$t]) {
                for (halves, sums) in halves.chunks($lanes / 2).zip(sums.chunks_mut($lanes / 2)) {
                    let mut group = [self.half().splat(0.0); $lanes / 2];
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

        // Safety: likewise.
        impl Simd<$t> for $half {
            type V = $v;
            type Half = Self;
            const SUMS: usize = 8;
            const PANELS: usize = 1;
            const GRADIENT_ROWS: usize = 8;

            #[inline(always)]
            unsafe fn assume() -> Self {
                Self(())
            }
            #[inline(always)]
            fn half(self) -> Self {
                self
            }
            #[inline(always)]
            fn outlined<K: Task<$t>>(self, task: K) -> K::Output {
                task.run(self)
            }
            #[inline(always)]
            fn splat(self, x: $t) -> $v {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(self, from: *const $t) -> $v {
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn load_first(self, from: *const $t, count: usize) -> $v {
                let mask = &$masks[$lanes / 2 - count..][..$lanes / 2];
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe { $maskload(from, _mm256_loadu_si256(mask.as_ptr().cast())) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t, half: $v) {
                // Safety: the token proves the instructions, the caller promises the memory.
                unsafe {
                    $store(to, half);
                    $store(to.add($lanes / 2), $splat(0.0));
                }
            }
            #[inline(always)]
            fn prefetch(self, at: *const $t) {
                prefetch_line(at);
            }
            #[inline(always)]
            fn mul_add(self, a: $v, b: $v, c: $v) -> $v {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $fused(a, b, c) }
            }
            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            fn sub(self, a: $v, b: $v) -> $v {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            fn mul(self, a: $v, b: $v) -> $v {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $mul(a, b) }
            }
            #[inline(always)]
            fn max(self, a: $v, b: $v) -> $v {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $max(a, b) }
            }
            #[inline(always)]
            fn heaviside(self, a: $v) -> $v {
                // Safety: the token proves that the machine has the instructions.
                unsafe { $and($compare::<_CMP_GT_OQ>(a, $splat(0.0)), $splat(1.0)) }
            }
        }
    };
}

vectors!(
    F32,
    HalfF32,
    f32,
    16,
    __m256,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    MASKS_PS,
    _mm256_maskload_ps,
    _mm256_storeu_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_max_ps,
    _mm256_cmp_ps,
    _mm256_and_ps,
    sum_halves_ps,
    transpose_ps
);
vectors!(
    F64,
    HalfF64,
    f64,
    8,
    __m256d,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    MASKS_PD,
    _mm256_maskload_pd,
    _mm256_storeu_pd,
    _mm256_fmadd_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_max_pd,
    _mm256_cmp_pd,
    _mm256_and_pd,
    sum_halves_pd,
    transpose_pd
);

/// From number `8 - count` on, a mask for the first `count` numbers of a half vector.
static MASKS_PS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
/// The same for `f64`, from `4 - count` on.
static MASKS_PD: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

/// Transposes 16 vectors of 16: eight rows of four columns at a time, in quarters of vectors.
///
/// # Safety
/// The machine has AVX2; `from` points to a readable square, `to` to a writable one.
#[inline(always)]
unsafe fn transpose_ps(from: *const f32, to: *mut f32) {
    // Safety: as promised to this function.
    unsafe {
        for (row, column) in (0..16).step_by(8).flat_map(|row| [0, 4, 8, 12].map(|column| (row, column))) {
            // Rows `row + i` and `row + i + 4`, a quarter of each.
            let pairs: [__m256; 4] = std::array::from_fn(|i| {
                let at = from.add((row + i) * 16 + column);
                _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(_mm_loadu_ps(at)), _mm_loadu_ps(at.add(64)))
            });
            let low01 = _mm256_castps_pd(_mm256_unpacklo_ps(pairs[0], pairs[1]));
            let high01 = _mm256_castps_pd(_mm256_unpackhi_ps(pairs[0], pairs[1]));
            let low23 = _mm256_castps_pd(_mm256_unpacklo_ps(pairs[2], pairs[3]));
            let high23 = _mm256_castps_pd(_mm256_unpackhi_ps(pairs[2], pairs[3]));
            let columns = [
                _mm256_unpacklo_pd(low01, low23),
                _mm256_unpackhi_pd(low01, low23),
                _mm256_unpacklo_pd(high01, high23),
                _mm256_unpackhi_pd(high01, high23),
            ];
            for (j, numbers) in columns.into_iter().enumerate() {
                _mm256_storeu_ps(to.add((column + j) * 16 + row), _mm256_castpd_ps(numbers));
            }
        }
    }
}

/// Transposes 8 vectors of 8: four rows of two columns at a time.
///
/// # Safety
/// As for [`transpose_ps`].
#[inline(always)]
unsafe fn transpose_pd(from: *const f64, to: *mut f64) {
    // Safety: as promised to this function.
    unsafe {
        for (row, column) in [0, 4].into_iter().flat_map(|row| [0, 2, 4, 6].map(|column| (row, column))) {
            // Rows `row + i` and `row + i + 2`, a quarter of each.
            let pairs: [__m256d; 2] = std::array::from_fn(|i| {
                let at = from.add((row + i) * 8 + column);
                _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(_mm_loadu_pd(at)), _mm_loadu_pd(at.add(16)))
            });
            _mm256_storeu_pd(to.add(column * 8 + row), _mm256_unpacklo_pd(pairs[0], pairs[1]));
            _mm256_storeu_pd(to.add((column + 1) * 8 + row), _mm256_unpackhi_pd(pairs[0], pairs[1]));
        }
    }
}

/// The sum of each half vector, as [`halving_sum`](super::halving_sum) goes on with it: quarters first.
///
/// # Safety
/// The machine has AVX2.
#[inline(always)]
pub(super) unsafe fn sum_halves_ps(halves: [__m256; 8]) -> [f32; 8] {
    // Safety: as promised to this function.
    unsafe {
        // Number i's four sums, and behind them those of number i + 4; then two, and two of i + 1.
        let fours: [__m256; 4] = std::array::from_fn(|i| {
            let (a, b) = (halves[i], halves[i + 4]);
            _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b))
        });
        let twos: [__m256; 2] = std::array::from_fn(|i| {
            let (a, b) = (fours[2 * i], fours[2 * i + 1]);
            _mm256_add_ps(_mm256_shuffle_ps::<0b01_00_01_00>(a, b), _mm256_shuffle_ps::<0b11_10_11_10>(a, b))
        });
        let [a, b] = twos;
        let even = _mm256_shuffle_ps::<0b10_00_10_00>(a, b);
        let odd = _mm256_shuffle_ps::<0b11_01_11_01>(a, b);
        let mut sums = [0.0; 8];
        _mm256_storeu_ps(sums.as_mut_ptr(), _mm256_add_ps(even, odd));
        sums
    }
}

/// The same for `f64`.
///
/// # Safety
/// As for [`sum_halves_ps`].
#[inline(always)]
pub(super) unsafe fn sum_halves_pd(halves: [__m256d; 4]) -> [f64; 4] {
    // Safety: as promised to this function.
    unsafe {
        let twos: [__m256d; 2] = std::array::from_fn(|i| {
            let (a, b) = (halves[i], halves[i + 2]);
            _mm256_add_pd(_mm256_permute2f128_pd::<0x20>(a, b), _mm256_permute2f128_pd::<0x31>(a, b))
        });
        let [a, b] = twos;
        let mut sums = [0.0; 4];
        _mm256_storeu_pd(
            sums.as_mut_ptr(),
            _mm256_add_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)),
        );
        sums
    }
}
