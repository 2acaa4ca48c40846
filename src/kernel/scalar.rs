//! A number type with its vectors on each instruction set and its elementary functions.

use super::math;
use super::portable::Portable;
use super::simd::Simd;
use crate::number::Number;

/// `f32` or `f64`: what weights, inputs and outputs are made of.
///
/// Every method is exact by IEEE 754 or one of this crate's own functions, so that a result has
/// the same bits on every machine.
pub trait Scalar: Number {
    /// Vectors of this type on any machine.
    type Portable: Simd<Self>;
    /// The AVX-512 vectors of this type.
    #[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
    type Avx512: Simd<Self>;
    /// The AVX2 vectors of this type.
    #[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
    type Avx2: Simd<Self>;

    /// e^x
    #[must_use]
    fn exp(self) -> Self;
    /// e^x - 1
    #[must_use]
    fn exp_m1(self) -> Self;
    /// Natural logarithm.
    #[must_use]
    fn log(self) -> Self;
    /// log(1 + x)
    #[must_use]
    fn log_1p(self) -> Self;
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
}

macro_rules! scalar {
    ($t:ident, $vectors:ident,
     $exp:ident, $expm1:ident, $log:ident, $log1p:ident, $softplus:ident, $logistic:ident, $tanh:ident,
     $arctan:ident, $normal:ident) => {
        impl Scalar for $t {
            type Portable = Portable;
            #[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
            type Avx512 = super::avx512::$vectors;
            #[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
            type Avx2 = super::avx2::$vectors;

            #[inline(always)]
            fn exp(self) -> Self {
                math::$exp(self)
            }
            #[inline(always)]
            fn exp_m1(self) -> Self {
                math::$expm1(self)
            }
            #[inline(always)]
            fn log(self) -> Self {
                math::$log(self)
            }
            #[inline(always)]
            fn log_1p(self) -> Self {
                math::$log1p(self)
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
        }
    };
}

scalar!(
    f32,
    F32,
    exp_f32,
    expm1_f32,
    log_f32,
    log1p_f32,
    softplus_f32,
    logistic_f32,
    tanh_f32,
    arctan_f32,
    normal_f32
);
scalar!(
    f64,
    F64,
    exp_f64,
    expm1_f64,
    log_f64,
    log1p_f64,
    softplus_f64,
    logistic_f64,
    tanh_f64,
    arctan_f64,
    normal_f64
);
