//! Functions of a complex number that are no functions of its parts: value and derivatives, over panels of real parts and of
//! imaginary ones.
//!
//! With a + ib = f(x + iy), backward goes from (dE/da, dE/db) to
//! `(da/dx dE/da + db/dx dE/db, da/dy dE/da + db/dy dE/db)`. The four derivatives of each output are kept: panels of da/dx,
//! then of db/dy, da/dy and db/dx.

use crate::kernel::math::magnitude;
use crate::kernel::{Scalar, Simd, Task};

/// A function of a complex number.
pub(super) trait Pair<T>: Copy {
    /// (a, b) and [da/dx, db/dy, da/dy, db/dx] at x + iy.
    fn value_and_derivatives(self, x: T, y: T) -> ((T, T), [T; 4]);
}

/// The absolute value of x + iy, and x and y over it; at 0 all are 0.
#[inline(always)]
pub(super) fn polar<T: Scalar>(x: T, y: T) -> (T, T, T) {
    let r = magnitude(x, y);
    let divisor = if r == T::ZERO { T::ONE } else { r };
    (r, x / divisor, y / divisor)
}

/// The derivatives of g(r) (x + iy), from g, dg/dr r and the direction (u, v).
#[inline(always)]
pub(super) fn radial<T: Scalar>(g: T, steepness: T, (u, v): (T, T)) -> [T; 4] {
    let (along, across) = (steepness * u, steepness * v);
    [along.mul_add(u, g), across.mul_add(v, g), along * v, along * v]
}

/// From net inputs to outputs.
pub(super) struct Apply<'a, T, F> {
    pub function: F,
    pub numbers: &'a mut [T],
    pub stride: usize,
    pub rows: usize,
}

impl<T: Scalar, F: Pair<T>> Task<T> for Apply<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let (count, stride) = (self.rows * T::LANES, self.stride);
        let (re, im) = self.numbers.split_at_mut(self.numbers.len() / 2);
        for (re, im) in re.chunks_exact_mut(stride).zip(im.chunks_exact_mut(stride)) {
            for (x, y) in re[..count].iter_mut().zip(&mut im[..count]) {
                ((*x, *y), _) = self.function.value_and_derivatives(*x, *y);
            }
        }
    }
}

/// The same, with the derivatives.
pub(super) struct ApplyWithSlopes<'a, T, F> {
    pub function: F,
    pub numbers: &'a mut [T],
    pub slopes: &'a mut [T],
    pub stride: usize,
    pub rows: usize,
}

impl<T: Scalar, F: Pair<T>> Task<T> for ApplyWithSlopes<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let (count, stride, half) = (self.rows * T::LANES, self.stride, self.numbers.len() / 2);
        let (re, im) = self.numbers.split_at_mut(half);
        let (own, mixed) = self.slopes.split_at_mut(2 * half);
        let ((ax, by), (ay, bx)) = (own.split_at_mut(half), mixed.split_at_mut(half));
        for start in (0..half).step_by(stride) {
            let panel = start..start + count;
            let (re, im) = (&mut re[panel.clone()], &mut im[panel.clone()]);
            let (ax, by) = (&mut ax[panel.clone()], &mut by[panel.clone()]);
            let (ay, bx) = (&mut ay[panel.clone()], &mut bx[panel]);
            for at in 0..count {
                let derivatives;
                ((re[at], im[at]), derivatives) = self.function.value_and_derivatives(re[at], im[at]);
                [ax[at], by[at], ay[at], bx[at]] = derivatives;
            }
        }
    }
}

/// Deltas of outputs to deltas of net inputs.
pub(super) struct Back<'a, T> {
    pub deltas: &'a mut [T],
    pub slopes: &'a [T],
    pub stride: usize,
    pub rows: usize,
}

impl<T: Scalar> Task<T> for Back<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let (count, stride, half) = (self.rows * T::LANES, self.stride, self.deltas.len() / 2);
        let (re, im) = self.deltas.split_at_mut(half);
        let (own, mixed) = self.slopes.split_at(2 * half);
        let ((ax, by), (ay, bx)) = (own.split_at(half), mixed.split_at(half));
        for start in (0..half).step_by(stride) {
            let panel = start..start + count;
            let (re, im) = (&mut re[panel.clone()], &mut im[panel.clone()]);
            let (ax, by) = (&ax[panel.clone()], &by[panel.clone()]);
            let (ay, bx) = (&ay[panel.clone()], &bx[panel]);
            for at in 0..count {
                let (a, b) = (re[at], im[at]);
                re[at] = ax[at].mul_add(a, bx[at] * b);
                im[at] = ay[at].mul_add(a, by[at] * b);
            }
        }
    }
}
