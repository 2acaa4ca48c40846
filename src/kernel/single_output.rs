//! Layers with one output. Their weights are stored *transposed*: the only column of the matrix lies along the lanes of vectors, one
//! vector for each of the input's panels, and one more for the bias, in its first lane. In panels of their own they would
//! fill one lane of each vector.
//!
//! # Order of the sums
//! An output is a chain of fused multiply-adds for each lane, from 0 through the input's panels; then the second half of
//! the lanes is added to the first, and so on until one is left, and last the bias. The gradient is summed as that of
//! other layers.

#![allow(unsafe_code)]

use super::add_up::Sink;
use super::panels::{Rows, extent, panels};
use super::product::Terms;
use super::scalar::Scalar;
use super::simd::{MOST_LANES, Simd, Task, halving_sum, sum_of_vectors};

/// The only output of a layer for a block of rows: `input * weights + bias`.
#[derive(Debug)]
pub struct SingleOutputProduct<'a, T> {
    /// Rows of the input and the output.
    pub rows: usize,
    /// The input's columns.
    pub depth: usize,
    /// The input: in panels, or row by row.
    pub input: Terms<'a, T>,
    /// The weights, zeros up to the end of a vector, and a vector that starts with the bias.
    pub weights: &'a [T],
    /// The output: a panel, whose other lanes become 0.
    pub output: &'a mut [T],
}

impl<T: Scalar> Task<T> for SingleOutputProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        if self.rows == 0 || self.depth == 0 {
            return;
        }
        let lanes = T::LANES;
        let last = panels::<T>(self.depth) - 1;
        let used = self.depth - last * lanes;
        let Terms { numbers, row: step, panel } = self.input;
        let last_row = (self.rows - 1, step);
        assert!(numbers.len() >= extent([(last, panel), last_row, (used, 1)]));
        assert!(last == 0 || numbers.len() >= extent([(last - 1, panel), last_row, (lanes, 1)]));
        assert!(self.weights.len() >= (last + 2) * lanes);
        let bias = self.weights[(last + 1) * lanes];
        for (row, output) in self.output[..self.rows * lanes].chunks_exact_mut(lanes).enumerate() {
            let mut sum = simd.splat(T::ZERO);
            // Safety: the assertions cover all vectors, and of the input's last one what is used.
            unsafe {
                let (input, weights) = (numbers.as_ptr().add(row * step), self.weights.as_ptr());
                for vector in 0..last {
                    let x = simd.load(input.add(vector * panel));
                    sum = simd.mul_add(x, simd.load(weights.add(vector * lanes)), sum);
                }
                // What fills up the input's vectors may be anything, even infinite.
                let x = simd.load_first(input.add(last * panel), used);
                sum = simd.mul_add(x, simd.load(weights.add(last * lanes)), sum);
            }
            let mut sums = [T::ZERO; MOST_LANES];
            simd.write(&mut sums, sum);
            output.fill(T::ZERO);
            output[0] = halving_sum(sums) + bias;
        }
    }
}

/// The same where rows lie along the lanes (see [`Layout`](super::Layout)): the same sums in the same order, vectors instead of lanes.
#[derive(Debug)]
pub struct SingleOutputInLanes<'a, T> {
    /// Rows of the input and the output.
    pub rows: usize,
    /// The input's columns.
    pub depth: usize,
    /// The input: a vector for each column.
    pub input: &'a [T],
    /// From one panel of the input to the next.
    pub input_stride: usize,
    /// As for [`SingleOutputProduct`].
    pub weights: &'a [T],
    /// The output: a vector.
    pub output: &'a mut [T],
    /// From one panel of the output to the next.
    pub output_stride: usize,
}

impl<T: Scalar> Task<T> for SingleOutputInLanes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { rows, depth, input, input_stride, weights, output, output_stride } = self;
        let lanes = T::LANES;
        let vectors = panels::<T>(depth);
        let zero = simd.splat(T::ZERO);
        for panel in 0..panels::<T>(rows) {
            let mut sums = [zero; MOST_LANES];
            let input = &input[panel * input_stride..][..depth * lanes];
            for first in (0..depth).step_by(lanes) {
                // A fixed number of turns, so that the sums are in registers.
                for lane in 0..lanes {
                    let column = first + lane;
                    if column < depth {
                        let x = simd.read(&input[column * lanes..]);
                        sums[lane] = simd.mul_add(x, simd.splat(weights[column]), sums[lane]);
                    } else {
                        // As by a product of zeros: to be seen in the sign of a 0.
                        sums[lane] = simd.add(sums[lane], zero);
                    }
                }
            }
            let sum = sum_of_vectors(simd, &mut sums[..lanes]);
            let bias = simd.splat(weights[vectors * lanes]);
            simd.write(&mut output[panel * output_stride..], simd.add(sum, bias));
        }
    }
}

/// Vectors of the gradient that are summed together.
const MOST_LINES: usize = 4;

/// The gradient of a single-output layer, which [`Gradient`](super::Gradient) leaves to this one.
pub(super) struct SingleOutputGradient<'b, T, S, I> {
    pub simd: S,
    pub fan_in: usize,
    /// Vectors of the range, counted through the layer's.
    pub from: usize,
    pub to: usize,
    pub sink: Sink<'b, T>,
    pub bias: bool,
    pub blocks: I,
}

impl<'a, T: Scalar, S: Simd<T>, I: Iterator<Item = Rows<'a, T>> + Clone> SingleOutputGradient<'_, T, S, I> {
    /// # Safety
    /// The sink has room for the range; the blocks hold all their rows.
    #[inline(always)]
    pub unsafe fn run(&self) {
        let weights = panels::<T>(self.fan_in).min(self.to);
        let mut vector = self.from;
        // Safety: as promised to this function.
        unsafe {
            while vector < weights {
                vector += match weights - vector {
                    1 => self.vectors::<1>(vector),
                    2 => self.vectors::<2>(vector),
                    3 => self.vectors::<3>(vector),
                    _ => self.vectors::<MOST_LINES>(vector),
                };
            }
            if vector < self.to {
                self.vectors::<0>(vector);
            }
        }
    }

    /// `Q` vectors of weights, or with none the vector of the bias; returns `Q`.
    ///
    /// # Safety
    /// As for [`SingleOutputGradient::run`]; the vectors lie in the range.
    #[inline(always)]
    unsafe fn vectors<const Q: usize>(&self, vector: usize) -> usize {
        let simd = self.simd;
        let mut weights = [simd.splat(T::ZERO); Q];
        let mut bias = T::ZERO;
        // Safety: as promised to this function.
        unsafe {
            for block in self.blocks.clone() {
                let input: [*const T; Q] =
                    std::array::from_fn(|q| block.input.as_ptr().add((vector + q) * block.input_stride));
                for row in 0..block.rows {
                    let delta = *block.delta.as_ptr().add(row * T::LANES);
                    if Q == 0 && block.bias {
                        bias += delta;
                    }
                    for q in 0..Q {
                        let x = simd.load(input[q].add(row * T::LANES));
                        weights[q] = simd.mul_add(simd.splat(delta), x, weights[q]);
                    }
                }
            }
            for q in 0..Q {
                let used = T::LANES.min(self.fan_in - (vector + q) * T::LANES);
                let mut sums = [T::ZERO; MOST_LANES];
                simd.write(&mut sums, weights[q]);
                // Weights that are not there have to stay 0, whatever fills up the input's vectors.
                let sum = simd.load_first(sums.as_ptr(), used);
                self.sink.put(simd, vector + q - self.from, sum, true);
            }
            if Q == 0 {
                let mut sums = [T::ZERO; MOST_LANES];
                sums[0] = if self.bias { bias } else { T::ZERO };
                self.sink.put(simd, vector - self.from, simd.read(&sums), false);
            }
        }
        Q
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::panels::panel_vectors;
    use super::super::{InstructionSet, dispatch_on, numbers};
    use super::*;

    /// Every instruction set gives the sums that plain loops give, from panels that are filled up with
    /// anything and from rows.
    fn agrees<T: Scalar>(rows: usize, depth: usize, seed: u64) {
        let lanes = T::LANES;
        let stride = panel_vectors(rows) * lanes;
        let mut in_panels = vec![T::from_f64(f64::INFINITY); panels::<T>(depth) * stride];
        let in_rows = numbers::<T>(rows * depth, seed);
        for (index, &x) in in_rows.iter().enumerate() {
            let (row, column) = (index / depth, index % depth);
            in_panels[column / lanes * stride + row * lanes + column % lanes] = x;
        }
        let mut weights = numbers::<T>(depth, seed + 1);
        weights.resize(panels::<T>(depth) * lanes, T::ZERO);
        weights.extend_from_slice(&numbers::<T>(lanes, seed + 2));
        let bias = weights[weights.len() - lanes];
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            for input in [Terms::in_panels(&in_panels, stride), Terms::in_rows(&in_rows, depth)] {
                let mut output = vec![T::ONE; stride];
                dispatch_on(
                    set,
                    SingleOutputProduct { rows, depth, input, weights: &weights, output: &mut output },
                );
                for row in 0..rows {
                    let mut sums = vec![T::ZERO; lanes];
                    for column in 0..depth {
                        let sum = &mut sums[column % lanes];
                        *sum = in_rows[row * depth + column].mul_add(weights[column], *sum);
                    }
                    while sums.len() > 1 {
                        let rest = sums.split_off(sums.len() / 2);
                        sums.iter_mut().zip(rest).for_each(|(sum, other)| *sum += other);
                    }
                    let vector = &output[row * lanes..][..lanes];
                    assert!(vector[0] == sums[0] + bias, "{} at row {row}", set.name());
                    assert!(vector[1..].iter().all(|&x| x == T::ZERO));
                }
                along_lanes(set, &in_rows, &weights, depth, &output);
            }
        }
    }

    /// The transpose gives what was given by the rows.
    fn along_lanes<T: Scalar>(
        set: InstructionSet,
        in_rows: &[T],
        weights: &[T],
        depth: usize,
        expected: &[T],
    ) {
        let (lanes, rows) = (T::LANES, in_rows.len() / depth);
        let input_stride = panel_vectors(depth) * lanes;
        let mut input = vec![T::from_f64(f64::INFINITY); panels::<T>(rows) * input_stride];
        for (index, &x) in in_rows.iter().enumerate() {
            let (row, column) = (index / depth, index % depth);
            input[row / lanes * input_stride + column * lanes + row % lanes] = x;
        }
        let mut output = vec![T::ZERO; panels::<T>(rows) * lanes];
        let (input, output_stride) = (&input[..], lanes);
        let to = &mut output;
        dispatch_on(
            set,
            SingleOutputInLanes { rows, depth, input, input_stride, weights, output: to, output_stride },
        );
        for row in 0..rows {
            assert!(output[row] == expected[row * lanes], "{} at row {row}", set.name());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn is_the_sum_in_halves(rows in 1..40usize, depth in 1..70usize, seed in 0..1000u64) {
            agrees::<f32>(rows, depth, seed);
            agrees::<f64>(rows, depth, seed);
        }
    }
}
