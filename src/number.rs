//! The two number types, `f32` and `f64`: their constants, their exact arithmetic and their bytes.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// What both number types have without a vector or a function: every operation is exact by IEEE 754.
pub trait Number:
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
    + Into<f64>
    + ndarray::LinalgScalar
    + private::Sealed
    + 'static
{
    /// NumPy's name of the type, `"float32"` or `"float64"`.
    const NAME: &'static str;
    /// Numbers in a vector of 64 bytes: 16 or 8.
    const LANES: usize;
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// The lowest finite number.
    const LOWEST: Self;
    /// The smallest normal number: the core reads what lies between it and 0 as 0, and makes it 0.
    const SMALLEST: Self;
    /// From 1 to the next number.
    const EPSILON: Self;

    /// The nearest number to `x`.
    fn from_f64(x: f64) -> Self;
    /// The same number in double precision.
    fn to_f64(self) -> f64;
    /// `self * a + b`, rounded once.
    #[must_use]
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// The square root, correctly rounded.
    #[must_use]
    fn sqrt(self) -> Self;
    /// The absolute value.
    #[must_use]
    fn abs(self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
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

/// The same number in double precision, whatever mode the thread computes in: a denormal one is normal there, and stays what it
/// is.
pub(crate) fn widened(x: f32) -> f64 {
    const STEP: f64 = 1.401_298_464_324_817e-45; // 2^-149, from one denormal number to the next
    if x.to_bits() & 0x7f80_0000 == 0 {
        let size = f64::from(x.to_bits() & 0x7f_ffff) * STEP;
        if x.is_sign_negative() { -size } else { size }
    } else {
        f64::from(x)
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

macro_rules! number {
    ($t:ident, $name:literal, $lanes:literal, $variant:ident) => {
        impl Number for $t {
            const NAME: &'static str = $name;
            const LANES: usize = $lanes;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LOWEST: Self = $t::MIN;
            const SMALLEST: Self = $t::MIN_POSITIVE;
            const EPSILON: Self = $t::EPSILON;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                self.is_finite()
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
    };
}

number!(f32, "float32", 16, Single);
number!(f64, "float64", 8, Double);

#[cfg(test)]
mod tests {
    use super::widened;
    use crate::kernel::Mode;

    #[test]
    fn widened_numbers_are_the_same_in_either_mode() {
        let numbers =
            [0.0, -0.0, f32::from_bits(1), -f32::from_bits(0x7f_ffff), f32::MIN_POSITIVE, -1.5, f32::MAX];
        let expected = numbers.map(|x| f64::from(x).to_bits());
        assert_eq!(f64::from_bits(expected[2]), 2f64.powi(-149));
        let mode = Mode::core();
        assert_eq!(numbers.map(|x| widened(x).to_bits()), expected);
        drop(mode);
        assert!(widened(f32::NAN).is_nan() && widened(f32::INFINITY) == f64::INFINITY);
    }
}
