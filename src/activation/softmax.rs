//! `f(z)_j = e^(z_j) / sum_k e^(z_k)`, where each output depends on all net inputs.
//!
//! Backward, from g = dE/df: `dE/dz_j = f_j (g_j - sum_k g_k f_k)`.

use crate::catalogue::About;
use crate::kernel::{MOST_LANES, Scalar, Simd, Task, dispatch, scratch, transpose_vectors};

pub(super) const ABOUT: About = About {
    name: "softmax",
    summary: "Probabilities of several classes. For the output layer only.",
    value: "exp(z[j])/total(exp(z[i]), i)",
    source: r#"J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs",
        Neurocomputing, 1990."#,
    ..About::NOTHING
};

/// Turns net inputs into class probabilities, in place.
pub(crate) fn forward<T: Scalar>(numbers: &mut [T], columns: usize, stride: usize, rows: usize) {
    dispatch(Probabilities { numbers, columns, stride, rows });
}

struct Probabilities<'a, T> {
    numbers: &'a mut [T],
    columns: usize,
    stride: usize,
    rows: usize,
}

impl<T: Scalar> Task<T> for Probabilities<'_, T> {
    type Output = ();

    /// A vector's worth of rows at a time; the remaining rows one by one, with the same operations.
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { numbers, columns, stride, rows } = self;
        let lanes = T::LANES;
        let square = lanes * lanes;
        let panels = columns.div_ceil(lanes);
        let mut transposed = scratch::<T>();
        let mut first = 0;
        while first + lanes <= rows {
            let place =
                |panel: usize| panel * stride + first * lanes..panel * stride + first * lanes + square;
            let used = |panel: usize| lanes.min(columns - panel * lanes) * lanes;
            let mut max = simd.splat(T::from_f64(f64::NEG_INFINITY));
            for panel in 0..panels {
                transpose_vectors(simd, &numbers[place(panel)], &mut transposed[..square]);
                for z in transposed[..used(panel)].chunks_exact(lanes) {
                    max = simd.max(simd.read(z), max);
                }
            }
            let mut sums = simd.splat(T::ZERO);
            for panel in 0..panels {
                if panels > 1 {
                    transpose_vectors(simd, &numbers[place(panel)], &mut transposed[..square]);
                }
                let (used, unused) = transposed[..square].split_at_mut(used(panel));
                for z in used.chunks_exact_mut(lanes) {
                    simd.write(z, simd.sub(simd.read(z), max));
                }
                for e in &mut *used {
                    *e = e.exp();
                }
                for e in used.chunks_exact(lanes) {
                    sums = simd.add(sums, simd.read(e));
                }
                unused.fill(T::ZERO);
                if panels > 1 {
                    transpose_vectors(simd, &transposed[..square], &mut numbers[place(panel)]);
                }
            }
            let mut inverses = [T::ONE; MOST_LANES];
            simd.write(&mut inverses, sums);
            for inverse in &mut inverses {
                *inverse = T::ONE / *inverse;
            }
            if panels == 1 {
                let inverses = simd.read(&inverses);
                for e in transposed[..used(0)].chunks_exact_mut(lanes) {
                    simd.write(e, simd.mul(simd.read(e), inverses));
                }
                transpose_vectors(simd, &transposed[..square], &mut numbers[place(0)]);
            } else {
                for panel in 0..panels {
                    for (e, &inverse) in numbers[place(panel)].chunks_exact_mut(lanes).zip(&inverses) {
                        simd.write(e, simd.mul(simd.read(e), simd.splat(inverse)));
                    }
                }
            }
            first += lanes;
        }
        for row in first..rows {
            let sum = softmax_row(numbers, columns, stride, row);
            let inverse = T::ONE / sum;
            for panel in numbers.chunks_exact_mut(stride) {
                for a in &mut panel[row * lanes..(row + 1) * lanes] {
                    *a *= inverse;
                }
            }
        }
    }
}

/// Turns a row's net inputs z into e^(z - max), followed by zeros in the padding; returns their sum.
#[inline(always)]
fn softmax_row<T: Scalar>(numbers: &mut [T], columns: usize, stride: usize, row: usize) -> T {
    let lanes = T::LANES;
    let panels = columns.div_ceil(lanes);
    let mut max = numbers[row * lanes];
    for panel in 0..panels {
        let at = panel * stride + row * lanes;
        for &z in &numbers[at..at + lanes.min(columns - panel * lanes)] {
            max = if z > max { z } else { max };
        }
    }
    let mut sum = T::ZERO;
    for panel in 0..panels {
        let at = panel * stride + row * lanes;
        let used = lanes.min(columns - panel * lanes);
        let vector = &mut numbers[at..at + lanes];
        for (lane, x) in vector.iter_mut().enumerate() {
            *x = if lane < used { (*x - max).exp() } else { T::ZERO };
        }
        for &e in &vector[..used] {
            sum += e;
        }
    }
    sum
}

/// Turns derivatives with respect to the outputs into those with respect to the net inputs.
pub(crate) fn back_through<T: Scalar>(
    deltas: &mut [T],
    outputs: &[T],
    columns: usize,
    stride: usize,
    rows: usize,
) {
    dispatch(Back { deltas, outputs, columns, stride, rows });
}

struct Back<'a, T> {
    deltas: &'a mut [T],
    outputs: &'a [T],
    columns: usize,
    stride: usize,
    rows: usize,
}

impl<T: Scalar> Task<T> for Back<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { deltas, outputs, columns, stride, rows } = self;
        let at = |row: usize, column: usize| column / T::LANES * stride + row * T::LANES + column % T::LANES;
        for row in 0..rows {
            let mut mean = T::ZERO;
            for column in 0..columns {
                let at = at(row, column);
                mean += deltas[at] * outputs[at];
            }
            for column in 0..columns {
                let at = at(row, column);
                deltas[at] = outputs[at] * (deltas[at] - mean);
            }
        }
    }
}
