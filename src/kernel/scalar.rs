//! The two number types of a network.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use super::dispatch::{Task, portable};
use super::math;
use super::portable::Portable;
use super::simd::Simd;

/// Numbers in a line of the narrower type: room for a line of either.
pub const MOST_LANES: usize = 16;

/// The sum of a line: its second half is added to the first, and so on until one number is left.
#[inline(always)]
#[must_use]
pub fn halving_sum<T: Scalar>(line: [T; MOST_LANES]) -> T {
    halve_on(line, T::LANES / 2)
}

/// The rest of a [`halving_sum`], of a line with twice `half` numbers.
#[inline(always)]
pub(super) fn halve_on<T: Scalar>(mut line: [T; MOST_LANES], mut half: usize) -> T {
    while half > 0 {
        for lane in 0..half {
            line[lane] += line[half + lane];
        }
        half /= 2;
    }
    line[0]
}

/// `f32` or `f64`: what weights, inputs and outputs are made of.
///
/// Every method is exact by IEEE 754 or one of this crate's own functions, so that a result has
/// the same bits on every machine.
pub trait Scalar:
    Copy
    + Debug
    + Default
    + Display
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + SubAssign
    + Mul<Output = Self>
    + MulAssign
    + Div<Output = Self>
    + Neg<Output = Self>
    + ndarray::LinalgScalar
    + private::Sealed
    + 'static
{
    /// NumPy's name of the type, `"float32"` or `"float64"`.
    const NAME: &'static str;
    /// Numbers in a line of 64 bytes: 16 or 8.
    const LANES: usize;
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// The lowest finite number.
    const LOWEST: Self;

    /// Vectors of this type on any machine.
    type Portable: Simd<Self>;
    /// The AVX-512 vectors of this type.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Simd<Self>;
    /// The AVX2 vectors of this type.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Simd<Self>;

    /// The nearest number to `x`.
    fn from_f64(x: f64) -> Self;
    /// The same number in double precision.
    fn to_f64(self) -> f64;
    /// `self * a + b`, rounded once.
    #[must_use]
    fn fused(self, a: Self, b: Self) -> Self;
    /// `self * a` for what may be a denormal, with 0 for -0: fused with an addition of 0, for which
    /// processors are not slower then, as they are for a product (Zen 4: by 16 cycles a line).
    #[inline(always)]
    #[must_use]
    fn times(self, a: Self) -> Self {
        self.fused(a, Self::ZERO)
    }
    /// The square root, correctly rounded.
    #[must_use]
    fn root(self) -> Self;
    /// The absolute value.
    #[must_use]
    fn magnitude(self) -> Self;
    /// Neither infinite nor NaN.
    fn finite(self) -> bool;
    /// e^x
    #[must_use]
    fn exp(self) -> Self;
    /// e^x - 1
    #[must_use]
    fn exp_minus_one(self) -> Self;
    /// Natural logarithm.
    #[must_use]
    fn log(self) -> Self;
    /// log(1 + e^x)
    #[must_use]
    fn softplus(self) -> Self;
    /// 1 / (1 + e^-x)
    #[must_use]
    fn logistic(self) -> Self;
    /// Hyperbolic tangent.
    #[must_use]
    fn tanh(self) -> Self;
    /// Inverse tangent.
    #[must_use]
    fn arctan(self) -> Self;
    /// Cumulative function and density of the standard normal distribution.
    #[must_use]
    fn normal(self) -> (Self, Self);
    /// Little-endian bytes of all numbers, in order.
    fn to_bytes(numbers: &[Self]) -> Vec<u8>;
    /// The numbers of a little-endian byte string; a last incomplete one is left out.
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
    /// Numbers of either type as one type.
    fn numbers(numbers: &[Self]) -> Numbers<'_>;
}

/// Numbers of either type.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// `f32`
    Single(&'a [f32]),
    /// `f64`
    Double(&'a [f64]),
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

macro_rules! scalar {
    ($t:ident, $name:literal, $lanes:literal, $avx512:ident, $avx2:ident,
     $exp:ident, $expm1:ident, $log:ident, $softplus:ident, $logistic:ident, $tanh:ident, $arctan:ident,
     $normal:ident, $variant:ident) => {
        impl Scalar for $t {
            const NAME: &'static str = $name;
            const LANES: usize = $lanes;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LOWEST: Self = $t::MIN;
            type Portable = Portable;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = super::avx512::$avx512;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = super::avx2::$avx2;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn fused(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }
            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn magnitude(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn finite(self) -> bool {
                self.is_finite()
            }
            #[inline(always)]
            fn exp(self) -> Self {
                math::$exp(self)
            }
            #[inline(always)]
            fn exp_minus_one(self) -> Self {
                math::$expm1(self)
            }
            #[inline(always)]
            fn log(self) -> Self {
                math::$log(self)
            }
            #[inline(always)]
            fn softplus(self) -> Self {
                math::$softplus(self)
            }
            #[inline(always)]
            fn logistic(self) -> Self {
                math::$logistic(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                math::$tanh(self)
            }
            #[inline(always)]
            fn arctan(self) -> Self {
                math::$arctan(self)
            }
            #[inline(always)]
            fn normal(self) -> (Self, Self) {
                math::$normal(self)
            }
            fn to_bytes(numbers: &[Self]) -> Vec<u8> {
                numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
            }
            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                let (numbers, _) = bytes.as_chunks();
                numbers.iter().map(|b| Self::from_le_bytes(*b)).collect()
            }
            fn numbers(numbers: &[Self]) -> Numbers<'_> {
                Numbers::$variant(numbers)
            }
        }

        impl Simd<$t> for Portable {
            type V = [$t; $lanes];
            // Halves are not worth code of their own here.
            type Half = Self;
            const ROWS: usize = 4;
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
            fn apart<K: Task<$t>>(self, task: K) -> K::Output {
                portable(task)
            }
            #[inline(always)]
            fn splat(self, x: $t) -> Self::V {
                [x; $lanes]
            }
            #[inline(always)]
            unsafe fn load(self, from: *const $t) -> Self::V {
                // Safety: the caller promises a readable line.
                unsafe { from.cast::<Self::V>().read_unaligned() }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t, line: Self::V) {
                // Safety: the caller promises a writable line.
                unsafe { to.cast::<Self::V>().write_unaligned(line) }
            }
            #[inline(always)]
            fn fused(self, a: Self::V, b: Self::V, mut c: Self::V) -> Self::V {
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
            fn max(self, a: Self::V, mut b: Self::V) -> Self::V {
                for i in 0..$lanes {
                    b[i] = if a[i] > b[i] { a[i] } else { b[i] };
                }
                b
            }
            #[inline(always)]
            fn step(self, mut a: Self::V) -> Self::V {
                for x in &mut a {
                    *x = if *x > 0.0 { 1.0 } else { 0.0 };
                }
                a
            }
        }
    };
}

scalar!(
    f32,
    "float32",
    16,
    F32,
    F32,
    exp_f32,
    expm1_f32,
    log_f32,
    softplus_f32,
    logistic_f32,
    tanh_f32,
    arctan_f32,
    normal_f32,
    Single
);
scalar!(
    f64,
    "float64",
    8,
    F64,
    F64,
    exp_f64,
    expm1_f64,
    log_f64,
    softplus_f64,
    logistic_f64,
    tanh_f64,
    arctan_f64,
    normal_f64,
    Double
);
