//! Gated recurrent units. Groups u, r, z, n; u is what the candidate n has from the step before.

use super::groups;
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
    /// What the gates gave; they become deltas.
    pub gates: &'a mut [T],
    pub before: &'a [T],
    /// Derivatives with respect to h.
    pub above: &'a [T],
    /// Receives derivatives with respect to h'.
    pub carry: &'a mut [T],
    pub stride_of_carry: usize,
}

impl<T: Scalar> Task<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { rows, stride, stride_before, gates, before, above, carry, .. } = self;
        let (len, count) = (above.len(), rows * T::LANES);
        let [u, r, z, n] = groups(gates, len);
        for panel in 0..len / stride {
            let at = panel * stride;
            let (u, r) = (&mut u[at..at + count], &mut r[at..at + count]);
            let (z, n) = (&mut z[at..at + count], &mut n[at..at + count]);
            let above = &above[at..at + count];
            let before = &before[panel * stride_before..][..count];
            let carry = &mut carry[panel * self.stride_of_carry..][..count];
            for k in 0..count {
                let (dh, u_k, r_k, z_k, n_k) = (above[k], u[k], r[k], z[k], n[k]);
                let d = dh * (T::ONE - z_k) * ((T::ONE - n_k) * (T::ONE + n_k));
                n[k] = d;
                z[k] = dh * (before[k] - n_k) * (z_k * (T::ONE - z_k));
                r[k] = d * u_k * (r_k * (T::ONE - r_k));
                u[k] = d * r_k;
                carry[k] = dh * z_k;
            }
        }
    }
}
