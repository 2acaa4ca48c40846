//! |x + iy|, scaled by the larger part so that no square overflows or vanishes: m sqrt(1 + (n / m)^2).
//!
//! Below 2.5 ULP: half a unit from the last product, and, where the result is next to a power of two from below, up to one
//! from the square root, half of one from the sum below it and half of one from the quotient.

use crate::number::Number;

/// The absolute value of a complex number.
#[inline(always)]
pub fn magnitude<T: Number>(x: T, y: T) -> T {
    let (x, y) = (x.abs(), y.abs());
    // NaN goes into the quotient, wherever it is.
    let (larger, smaller) = if x > y { (x, y) } else { (y, x) };
    let quotient = if larger > T::ZERO { smaller / larger } else { smaller };
    larger * quotient.mul_add(quotient, T::ONE).sqrt()
}

#[cfg(test)]
mod tests {
    use super::magnitude;

    #[test]
    fn is_near_the_true_value_at_any_scale() {
        let mut worst = 0.0_f64;
        for index in 0_u32..20_000 {
            let [a, b] = [index.wrapping_mul(2_654_435_761), index.wrapping_mul(40_503) ^ 0x5bd1_e995];
            let scale = [1e-30_f32, 1.0, 1e30][index as usize % 3];
            let [x, y] = [a, b].map(|n| (n as f32 / 2_147_483_648.0 - 1.0) * scale);
            let exact = f64::from(x).hypot(f64::from(y));
            let unit = f64::from(f32::EPSILON) * 2f64.powi(exact.log2().floor() as i32);
            worst = worst.max((f64::from(magnitude(x, y)) - exact).abs() / unit);
        }
        assert!(worst > 1.5 && worst < 2.5, "{worst}");
        assert_eq!(magnitude(0.0, -0.0), 0.0);
        assert_eq!(magnitude(-3.0_f64, 4.0), 5.0);
        assert!(magnitude(f32::NAN, 0.0).is_nan() && magnitude(0.0, f32::NAN).is_nan());
    }
}
