//! r = |z|, the absolute value of a complex number, from which outputs that are real numbers are computed.
//!
//! Backward, from g = dE/dr: dE/d(Re z) = g Re z / r and dE/d(Im z) = g Im z / r; both are 0 at z = 0.

use crate::kernel::math::magnitude;
use crate::kernel::{Scalar, Simd, Task, dispatch};

/// From net inputs, real parts first, to their absolute values.
pub(crate) fn forward<T: Scalar>(net: &[T], magnitudes: &mut [T], stride: usize, rows: usize) {
    let (re, im) = net.split_at(net.len() / 2);
    dispatch(Forward { re, im, magnitudes, stride, rows });
}

/// From derivatives with respect to the absolute values to those with respect to the net inputs, real parts first.
pub(crate) fn back_through<T: Scalar>(
    gradients: &[T],
    net: &[T],
    deltas: &mut [T],
    stride: usize,
    rows: usize,
) {
    let (re, im) = net.split_at(net.len() / 2);
    let (re_deltas, im_deltas) = deltas.split_at_mut(net.len() / 2);
    dispatch(Back { gradients, net: [re, im], deltas: [re_deltas, im_deltas], stride, rows });
}

struct Forward<'a, T> {
    re: &'a [T],
    im: &'a [T],
    magnitudes: &'a mut [T],
    stride: usize,
    rows: usize,
}

impl<T: Scalar> Task<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let count = self.rows * T::LANES;
        let panels = self.re.chunks_exact(self.stride).zip(self.im.chunks_exact(self.stride));
        for ((re, im), to) in panels.zip(self.magnitudes.chunks_exact_mut(self.stride)) {
            for ((re, im), to) in re[..count].iter().zip(&im[..count]).zip(&mut to[..count]) {
                *to = magnitude(*re, *im);
            }
        }
    }
}

struct Back<'a, T> {
    gradients: &'a [T],
    net: [&'a [T]; 2],
    deltas: [&'a mut [T]; 2],
    stride: usize,
    rows: usize,
}

impl<T: Scalar> Task<T> for Back<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let (count, stride) = (self.rows * T::LANES, self.stride);
        let ([re, im], [re_deltas, im_deltas]) = (self.net, self.deltas);
        let net = re.chunks_exact(stride).zip(im.chunks_exact(stride));
        let deltas = re_deltas.chunks_exact_mut(stride).zip(im_deltas.chunks_exact_mut(stride));
        for ((gradients, (re, im)), (re_deltas, im_deltas)) in
            self.gradients.chunks_exact(stride).zip(net).zip(deltas)
        {
            for at in 0..count {
                let r = magnitude(re[at], im[at]);
                let factor = if r == T::ZERO { T::ZERO } else { gradients[at] / r };
                re_deltas[at] = factor * re[at];
                im_deltas[at] = factor * im[at];
            }
        }
    }
}
