//! Gated recurrent units. Groups u, r, z, n; u is what the candidate n has from the step before.

use super::{groups, groups_of};
use crate::kernel::{Scalar, Simd, Task};

/// `n = tanh(n + r u)`, `h = (1 - z) n + z h'`, with h' the outputs of the step before.
pub(in crate::pass) struct Forward<'a, T> {
    pub rows: usize,
    /// From panel to panel of the step, and of the step before.
    pub stride: usize,
    pub stride_before: usize,
    /// Net inputs, of which r, z and n become outputs.
    pub gates: &'a mut [T],
    pub before: &'a [T],
    pub outputs: &'a mut [T],
}

impl<T: Scalar> Task<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { rows, stride, stride_before, gates, before, outputs } = self;
        let (len, count) = (outputs.len(), rows * T::LANES);
        let [u, r, z, n] = groups(gates, len);
        for panel in 0..len / stride {
            let at = panel * stride;
            let (u, r) = (&u[at..at + count], &mut r[at..at + count]);
            let (z, n) = (&mut z[at..at + count], &mut n[at..at + count]);
            let h = &mut outputs[at..at + count];
            let before = &before[panel * stride_before..][..count];
            for x in &mut *r {
                *x = x.logistic();
            }
            for x in &mut *z {
                *x = x.logistic();
            }
            for k in 0..count {
                n[k] = r[k].mul_add(u[k], n[k]).tanh();
                h[k] = z[k].mul_add(before[k], (T::ONE - z[k]) * n[k]);
            }
        }
    }
}

/// From derivatives with respect to h to deltas, and to what of those with respect to h' comes by z.
pub(in crate::pass) struct Backward<'a, T> {
    pub rows: usize,
    pub stride: usize,
    pub stride_before: usize,
    pub gates: &'a [T],
    pub before: &'a [T],
    /// Derivatives with respect to h.
    pub above: &'a [T],
    /// Receives deltas.
    pub deltas: &'a mut [T],
    /// Receives derivatives with respect to h'.
    pub carry: &'a mut [T],
    pub stride_of_carry: usize,
}

impl<T: Scalar> Task<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { rows, stride, stride_before, gates, before, above, deltas, carry, .. } = self;
        let (len, count) = (above.len(), rows * T::LANES);
        let [u, r, z, n] = groups_of(gates, len);
        let [d_u, d_r, d_z, d_n] = groups(deltas, len);
        for panel in 0..len / stride {
            let at = panel * stride;
            let (u, r, z, n) =
                (&u[at..at + count], &r[at..at + count], &z[at..at + count], &n[at..at + count]);
            let (d_u, d_r) = (&mut d_u[at..at + count], &mut d_r[at..at + count]);
            let (d_z, d_n) = (&mut d_z[at..at + count], &mut d_n[at..at + count]);
            let above = &above[at..at + count];
            let before = &before[panel * stride_before..][..count];
            let carry = &mut carry[panel * self.stride_of_carry..][..count];
            for k in 0..count {
                let dh = above[k];
                let d = dh * (T::ONE - z[k]) * ((T::ONE - n[k]) * (T::ONE + n[k]));
                d_n[k] = d;
                d_z[k] = dh * (before[k] - n[k]) * (z[k] * (T::ONE - z[k]));
                d_r[k] = d * u[k] * (r[k] * (T::ONE - r[k]));
                d_u[k] = d * r[k];
                carry[k] = dh * z[k];
            }
        }
    }
}
