//! The crate's own elementary functions: e^x, e^x - 1, ln, ln(1 + x), tanh, logistic, softplus, arctan and
//! the normal distribution.
//!
//! They are scalar Rust without a branch or a call: a loop over them, inlined into a task of
//! [`super::dispatch()`], becomes vector code of that instruction set. Outside such a task the bits are
//! the same and the speed is not: `mul_add` is then a call.
//!
//! Only operations that IEEE 754 defines to the last bit are used (sums, products, quotients, fused
//! multiply-adds) and integer arithmetic on the bits of a number, so that a result is the same on every
//! machine. Every error is the largest one that was measured, for f32 over all arguments; NaN gives NaN.
//! `cargo test --release kernel::math -- --ignored` measures those again, a few minutes a function.
//!
//! - `exp.rs`: e^x and e^x - 1, and the reduction and polynomials for all functions built on it
//! - `log.rs`, `tanh.rs`, `logistic.rs`, `arctan.rs`, `normal.rs`: the functions they are named after;
//!   softplus is with logistic
//! - `cos_pi.rs`: half a wave of the cosine, for schedules; f64, one number at a time
//! - `magnitude.rs`: the absolute value of a complex number
//! - `coefficients.py`: computes every constant, and checks those in the files
//! - `ulp.rs`, `reference.rs`: for the tests, the distance from the true value, and true values for f64
//!
//! Two habits keep the loops in vector registers. Comparisons are written so that the compiler finds
//! the minimum and maximum instructions, which pass NaN in their second operand, or a plain select;
//! and integers come from the bits of a float to which a large constant was added, because AVX2 cannot
//! convert 64-bit integers.

mod arctan;
mod cos_pi;
mod exp;
mod log;
mod logistic;
mod magnitude;
mod normal;
#[cfg(test)]
mod reference;
mod tanh;
#[cfg(test)]
mod ulp;

pub use arctan::{arctan_f32, arctan_f64};
pub use cos_pi::cos_pi;
pub use exp::{exp_f32, exp_f64, expm1_f32, expm1_f64};
pub use log::{log_f32, log_f64, log1p_f32, log1p_f64};
pub use logistic::{logistic_f32, logistic_f64, softplus_f32, softplus_f64};
pub use magnitude::magnitude;
pub use normal::{normal_f32, normal_f64};
pub use tanh::{tanh_f32, tanh_f64};

#[cfg(test)]
mod tests {
    use super::super::{InstructionSet, Mode, Scalar, Simd, Task, dispatch_on};
    use super::*;

    struct Map<'a, T, F>(F, &'a [T]);

    impl<T: Scalar, F: Fn(T) -> T> Task<T> for Map<'_, T, F> {
        type Output = Vec<T>;

        #[inline(always)]
        fn run<S: Simd<T>>(self, _: S) -> Vec<T> {
            let mut values = self.1.to_vec();
            for x in &mut values {
                *x = (self.0)(*x);
            }
            values
        }
    }

    /// The bits on every instruction set that this machine has; a NaN is a NaN, whatever its bits.
    fn agree<T: Scalar>(f: impl Fn(T) -> T + Copy, arguments: &[T]) {
        let _core = Mode::core();
        let bits = |set| -> Vec<Vec<u8>> {
            let values = dispatch_on(set, Map(f, arguments));
            let nan = |y: &T| y.partial_cmp(y).is_none();
            values.iter().map(|y| if nan(y) { vec![] } else { T::to_bytes(&[*y]) }).collect()
        };
        let portable = bits(InstructionSet::Portable);
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            assert!(bits(set) == portable, "{} differs", set.name());
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let single: Vec<f32> = (0..=u32::MAX).step_by(100_003).map(f32::from_bits).collect();
        agree(exp_f32, &single);
        agree(log_f32, &single);
        agree(log1p_f32, &single);
        agree(tanh_f32, &single);
        agree(logistic_f32, &single);
        agree(softplus_f32, &single);
        agree(expm1_f32, &single);
        agree(arctan_f32, &single);
        agree(|x| normal_f32(x).0, &single);
        agree(|x| normal_f32(x).1, &single);
        let double: Vec<f64> = (0..=u64::MAX).step_by(0x0001_8675_309f_1235).map(f64::from_bits).collect();
        agree(exp_f64, &double);
        agree(log_f64, &double);
        agree(log1p_f64, &double);
        agree(tanh_f64, &double);
        agree(logistic_f64, &double);
        agree(softplus_f64, &double);
        agree(expm1_f64, &double);
        agree(arctan_f64, &double);
        agree(|x| normal_f64(x).0, &double);
        agree(|x| normal_f64(x).1, &double);
    }

    /// A denormal argument counts as 0, with its sign.
    #[test]
    fn denormals_are_zero() {
        fn alike<T: Scalar>(f: fn(T) -> T, tiny: [T; 4], zeros: [T; 4]) {
            for (x, zero) in tiny.into_iter().zip(zeros) {
                let [y, at_zero] = [x, zero].map(|x| T::to_bytes(&[ulp::in_core_mode(f, x)]));
                assert_eq!(y, at_zero, "{x}");
            }
        }
        let single = [1, 0x007f_ffff, 0x8000_0001, 0x807f_ffff].map(f32::from_bits);
        for f in [exp_f32, log_f32, log1p_f32, tanh_f32, logistic_f32, softplus_f32, arctan_f32] {
            alike(f, single, [0.0, 0.0, -0.0, -0.0]);
        }
        let double = [1, (1 << 52) - 1, 1 << 63 | 1, 1 << 63 | ((1 << 52) - 1)].map(f64::from_bits);
        for f in [exp_f64, log_f64, log1p_f64, tanh_f64, logistic_f64, softplus_f64, arctan_f64] {
            alike(f, double, [0.0, 0.0, -0.0, -0.0]);
        }
    }
}
