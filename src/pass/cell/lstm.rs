//! Long short-term memory: gates i, f, g, o.

use super::{groups, groups_of};
use crate::kernel::{Scalar, Simd, Task};

/// `c = f c' + i g`, `h = o tanh(c)`, with c' the cells of the step before.
pub(in crate::pass) struct Forward<'a, T> {
    pub rows: usize,
    /// From panel to panel of the step, and of the step before.
    pub stride: usize,
    pub stride_before: usize,
    /// Net inputs of the gates, which become their outputs.
    pub gates: &'a mut [T],
    /// Receives c, then tanh(c).
    pub cells: &'a mut [T],
    pub before: &'a [T],
    pub outputs: &'a mut [T],
}

impl<T: Scalar> Task<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { rows, stride, stride_before, gates, cells, before, outputs } = self;
        let (len, count) = (outputs.len(), rows * T::LANES);
        let [i, f, g, o] = groups(gates, len);
        let [c, tanh_c] = groups(cells, len);
        for panel in 0..len / stride {
            let at = panel * stride;
            let (i, f) = (&mut i[at..at + count], &mut f[at..at + count]);
            let (g, o) = (&mut g[at..at + count], &mut o[at..at + count]);
            let (c, tanh_c) = (&mut c[at..at + count], &mut tanh_c[at..at + count]);
            let h = &mut outputs[at..at + count];
            let before = &before[panel * stride_before..][..count];
            for x in &mut *i {
                *x = x.logistic();
            }
            for x in &mut *f {
                *x = x.logistic();
            }
            for x in &mut *g {
                *x = x.tanh();
            }
            for x in &mut *o {
                *x = x.logistic();
            }
            for k in 0..count {
                c[k] = f[k].mul_add(before[k], i[k] * g[k]);
            }
            for k in 0..count {
                tanh_c[k] = c[k].tanh();
                h[k] = o[k] * tanh_c[k];
            }
        }
    }
}

/// From derivatives with respect to h, and to c from the step behind, to deltas and those with respect to c'.
pub(in crate::pass) struct Backward<'a, T> {
    pub rows: usize,
    pub stride: usize,
    pub stride_before: usize,
    /// What the gates gave; they become deltas.
    pub gates: &'a mut [T],
    /// c, then tanh(c).
    pub cells: &'a [T],
    pub before: &'a [T],
    /// Derivatives with respect to h.
    pub above: &'a [T],
    /// Derivatives with respect to c that come from the step behind; they become those for the step before.
    pub carry: &'a mut [T],
    pub stride_of_carry: usize,
}

impl<T: Scalar> Task<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { rows, stride, stride_before, gates, cells, before, above, carry, .. } = self;
        let (len, count) = (above.len(), rows * T::LANES);
        let [i, f, g, o] = groups(gates, len);
        let [_, tanh_c] = groups_of(cells, len);
        for panel in 0..len / stride {
            let at = panel * stride;
            let (i, f) = (&mut i[at..at + count], &mut f[at..at + count]);
            let (g, o) = (&mut g[at..at + count], &mut o[at..at + count]);
            let (tanh_c, above) = (&tanh_c[at..at + count], &above[at..at + count]);
            let before = &before[panel * stride_before..][..count];
            let carry = &mut carry[panel * self.stride_of_carry..][..count];
            for k in 0..count {
                let (dh, t) = (above[k], tanh_c[k]);
                let (i_k, f_k, g_k, o_k) = (i[k], f[k], g[k], o[k]);
                let dc = (dh * o_k).mul_add((T::ONE - t) * (T::ONE + t), carry[k]);
                o[k] = dh * t * (o_k * (T::ONE - o_k));
                i[k] = dc * g_k * (i_k * (T::ONE - i_k));
                f[k] = dc * before[k] * (f_k * (T::ONE - f_k));
                g[k] = dc * i_k * ((T::ONE - g_k) * (T::ONE + g_k));
                carry[k] = dc * f_k;
            }
        }
    }
}
