//! Narrow networks, whose layers would leave most lanes of a vector empty. In their passes the *rows* lie along the lanes: a
//! matrix is kept as its transpose, in panels (see [`super::product`]) with a vector for each column, one panel for each
//! vector's worth of rows. Products take such a matrix as their right side, with the weights on the left.
//!
//! # Order of the sums
//! Elements of a product are summed as with units along the lanes. An element of a gradient is a chain of fused
//! multiply-adds for each lane, from 0 through the panels of a micro-batch's rows; then the second half of the lanes is added
//! to the first, and so on until one is left. What lies in lanes behind the last row may be anything, even infinite.

#![allow(unsafe_code)]

use super::add_up::Sink;
use super::panels::{Rows, is_single_output, weight_vectors};
use super::product::even_share;
use super::scalar::Scalar;
use super::simd::{MOST_LANES, Simd, Task};

/// A range of vectors of a gradient, of matrices with rows along the lanes; [`Gradient`](super::Gradient) leaves them to
/// this one. The gradient itself has the same form either way.
pub(super) struct RowsInLanesGradient<'b, T, S, I> {
    pub simd: S,
    pub fan_in: usize,
    pub fan_out: usize,
    /// Vectors of the range, counted through the layer's.
    pub from: usize,
    pub to: usize,
    pub sink: Sink<'b, T>,
    pub bias: bool,
    pub blocks: I,
}

impl<'a, T: Scalar, S: Simd<T>, I: Iterator<Item = Rows<'a, T>> + Clone> RowsInLanesGradient<'_, T, S, I> {
    /// Outputs of the largest register tile, which has four inputs: 16 sums where there are 32 registers, else 12.
    const MOST_OUTPUTS: usize = if S::SUMS >= 16 { 4 } else { 3 };

    /// # Safety
    /// The sink has room for the range; the blocks hold all their rows.
    #[inline(always)]
    pub unsafe fn run(&self) {
        let weight_vectors = weight_vectors::<T>(self.fan_in, self.fan_out);
        let mut vectors = [[T::ZERO; MOST_LANES]; 4];
        let mut vector = self.from;
        // Safety: as promised to this function.
        unsafe {
            while vector < self.to {
                let (panel, first) = (vector / (weight_vectors + 1), vector % (weight_vectors + 1));
                let room = weight_vectors.min(first + self.to - vector).saturating_sub(first);
                let count = if room == 0 {
                    self.biases(panel, &mut vectors[0])
                } else if is_single_output(self.fan_out) {
                    self.single_output_vector(vector, &mut vectors[0])
                } else if room >= 4 {
                    self.vectors::<4>(panel, first, &mut vectors)
                } else if room >= 2 {
                    self.vectors::<2>(panel, first, &mut vectors)
                } else {
                    self.vectors::<1>(panel, first, &mut vectors)
                };
                // One place for all of these: each of its own would be compiled, too.
                for sums in &vectors[..count] {
                    self.sink.put(self.simd, vector - self.from, self.simd.read(sums), room > 0);
                    vector += 1;
                }
            }
        }
    }

    /// The weights from `R` inputs to the outputs of a panel; returns `R`.
    ///
    /// # Safety
    /// As for [`RowsInLanesGradient::run`]; the vectors lie in the range.
    #[inline(always)]
    unsafe fn vectors<const R: usize>(
        &self,
        panel: usize,
        input: usize,
        vectors: &mut [[T; MOST_LANES]],
    ) -> usize {
        vectors[..R].fill([T::ZERO; MOST_LANES]);
        let first = panel * T::LANES;
        let outputs = T::LANES.min(self.fan_out - first);
        let mut at = 0;
        // Safety: as promised to this function.
        unsafe {
            while at < outputs {
                at += match even_share(outputs - at, Self::MOST_OUTPUTS) {
                    4 if Self::MOST_OUTPUTS == 4 => self.tile::<R, 4>(input, first, at, vectors),
                    3 => self.tile::<R, 3>(input, first, at, vectors),
                    2 => self.tile::<R, 2>(input, first, at, vectors),
                    _ => self.tile::<R, 1>(input, first, at, vectors),
                };
            }
        }
        R
    }

    /// A part of the outputs of [`RowsInLanesGradient::vectors`], `Q` of them; returns `Q`.
    ///
    /// # Safety
    /// As for these.
    #[inline(always)]
    unsafe fn tile<const R: usize, const Q: usize>(
        &self,
        input: usize,
        first: usize,
        at: usize,
        vectors: &mut [[T; MOST_LANES]],
    ) -> usize {
        // Safety: as promised to this function.
        let sums = unsafe { self.sums::<R, Q, false>(input, first + at) };
        for r in 0..R {
            vectors[r][at..at + Q].copy_from_slice(&sums[r]);
        }
        Q
    }

    /// A vector of weights to the only output; returns 1.
    ///
    /// # Safety
    /// As for [`RowsInLanesGradient::vectors`].
    #[inline(always)]
    unsafe fn single_output_vector(&self, vector: usize, sums: &mut [T; MOST_LANES]) -> usize {
        sums.fill(T::ZERO);
        let first = vector * T::LANES;
        let inputs = T::LANES.min(self.fan_in - first);
        let mut at = 0;
        // Safety: as promised to this function.
        unsafe {
            while at < inputs {
                let sums = &mut sums[at..];
                at += match inputs - at {
                    8.. => place(sums, self.sums::<8, 1, false>(first + at, 0)),
                    4..8 => place(sums, self.sums::<4, 1, false>(first + at, 0)),
                    2..4 => place(sums, self.sums::<2, 1, false>(first + at, 0)),
                    _ => place(sums, self.sums::<1, 1, false>(first + at, 0)),
                };
            }
        }
        1
    }

    /// The biases of a panel of outputs; returns 1.
    ///
    /// # Safety
    /// As for [`RowsInLanesGradient::vectors`].
    #[inline(always)]
    unsafe fn biases(&self, panel: usize, sums: &mut [T; MOST_LANES]) -> usize {
        sums.fill(T::ZERO);
        let first = panel * T::LANES;
        let outputs = if self.bias { T::LANES.min(self.fan_out - first) } else { 0 };
        let mut at = 0;
        // Safety: as promised to this function.
        unsafe {
            while at < outputs {
                let sums = &mut sums[at..];
                at += match outputs - at {
                    8.. => place(sums, self.sums::<1, 8, true>(0, first + at)),
                    4..8 => place(sums, self.sums::<1, 4, true>(0, first + at)),
                    2..4 => place(sums, self.sums::<1, 2, true>(0, first + at)),
                    _ => place(sums, self.sums::<1, 1, true>(0, first + at)),
                };
            }
        }
        1
    }

    /// The sums of a tile.
    ///
    /// # Safety
    /// The blocks have these inputs and outputs.
    #[inline(always)]
    unsafe fn sums<const R: usize, const Q: usize, const BIASES: bool>(
        &self,
        input: usize,
        output: usize,
    ) -> [[T; Q]; R] {
        self.simd.outlined(Tile::<I, R, Q, BIASES> { blocks: self.blocks.clone(), input, output })
    }
}

/// Writes numbers to the beginning of `to`; returns how many.
#[inline(always)]
fn place<T: Scalar, const R: usize, const Q: usize>(to: &mut [T], numbers: [[T; Q]; R]) -> usize {
    to[..R * Q].copy_from_slice(numbers.as_flattened());
    R * Q
}

/// The products of `R` inputs, or of 1 for `BIASES`, with the deltas of `Q` outputs, summed over all rows. It is a task of
/// its own, run [outlined](Simd::outlined), as the tiles of other layouts are.
struct Tile<I, const R: usize, const Q: usize, const BIASES: bool> {
    blocks: I,
    /// The first input.
    input: usize,
    /// The first output.
    output: usize,
}

impl<'a, T, I, const R: usize, const Q: usize, const BIASES: bool> Task<T> for Tile<I, R, Q, BIASES>
where
    T: Scalar,
    I: Iterator<Item = Rows<'a, T>> + Clone,
{
    type Output = [[T; Q]; R];

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        let half = simd.half();
        let halves: [[<S::Half as Simd<T>>::V; Q]; R] = if S::TWO_REGISTERS {
            // Safety: only [`RowsInLanesGradient`] makes a tile, of inputs and outputs that the blocks have.
            let (mut first, second) =
                unsafe { (self.sums(half, 0, T::LANES / 2), self.sums(half, T::LANES / 2, T::LANES / 2)) };
            for r in 0..R {
                for q in 0..Q {
                    first[r][q] = half.add(first[r][q], second[r][q]);
                }
            }
            first
        } else {
            // Safety: likewise.
            let sums = unsafe { self.sums(simd, 0, T::LANES) };
            let mut halves = [[half.splat(T::ZERO); Q]; R];
            for r in 0..R {
                for q in 0..Q {
                    halves[r][q] = simd.add_halves(sums[r][q]);
                }
            }
            halves
        };
        let mut totals = [[T::ZERO; Q]; R];
        simd.sum_halves(halves.as_flattened(), totals.as_flattened_mut());
        totals
    }
}

impl<'a, T, I, const R: usize, const Q: usize, const BIASES: bool> Tile<I, R, Q, BIASES>
where
    T: Scalar,
    I: Iterator<Item = Rows<'a, T>> + Clone,
{
    /// The sums for each of `count` lanes, from number `from` on.
    ///
    /// # Safety
    /// The blocks have these inputs and outputs.
    #[inline(always)]
    unsafe fn sums<S: Simd<T>>(&self, simd: S, from: usize, count: usize) -> [[S::V; Q]; R] {
        let lanes = T::LANES;
        let mut sums = [[simd.splat(T::ZERO); Q]; R];
        for block in self.blocks.clone() {
            if BIASES && !block.bias {
                continue;
            }
            let mut input = block.input.as_ptr().wrapping_add(self.input * lanes + from);
            let mut delta = block.delta.as_ptr().wrapping_add(self.output * lanes + from);
            // Safety: as promised to this function; the last panel's lanes are there even if they are no rows.
            unsafe {
                for _ in 0..block.rows / lanes {
                    add_products::<_, _, R, Q, BIASES>(simd, &mut sums, input, delta, |x| simd.load(x));
                    input = input.wrapping_add(block.input_stride);
                    delta = delta.wrapping_add(block.delta_stride);
                }
                let rest = (block.rows % lanes).saturating_sub(from).min(count);
                if rest > 0 {
                    let load = |x| simd.load_first(x, rest);
                    add_products::<_, _, R, Q, BIASES>(simd, &mut sums, input, delta, load);
                }
            }
        }
        sums
    }
}

/// Adds the products of a panel's vectors, as `load` reads them.
///
/// # Safety
/// `input` and `delta` point to at least this many vectors.
#[inline(always)]
unsafe fn add_products<T: Scalar, S: Simd<T>, const R: usize, const Q: usize, const BIASES: bool>(
    simd: S,
    sums: &mut [[S::V; Q]; R],
    input: *const T,
    delta: *const T,
    load: impl Fn(*const T) -> S::V,
) {
    let mut d = [simd.splat(T::ZERO); Q];
    for q in 0..Q {
        d[q] = load(delta.wrapping_add(q * T::LANES));
    }
    for r in 0..R {
        let x = if BIASES { simd.splat(T::ONE) } else { load(input.wrapping_add(r * T::LANES)) };
        for q in 0..Q {
            sums[r][q] = simd.mul_add(x, d[q], sums[r][q]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::panels::{Layout, Repeated, panel_vectors, panels};
    use super::super::{Gradient, InstructionSet, dispatch_on, halving_sum, numbers};
    use super::*;

    struct Block<T> {
        rows: usize,
        input: Vec<T>,
        delta: Vec<T>,
    }

    /// Two blocks of rows, the first of whole vectors; any cut into ranges of vectors gives, on every instruction set, the sums
    /// that plain loops give.
    fn agrees<T: Scalar>(
        vectors: usize,
        rows: usize,
        [fan_in, fan_out]: [usize; 2],
        bias: bool,
        cut: usize,
        seed: u64,
    ) {
        let lanes = T::LANES;
        let [in_stride, out_stride] = [fan_in, fan_out].map(|width| panel_vectors(width) * lanes);
        let blocks = [vectors * lanes, rows].map(|rows| {
            let count = panels::<T>(rows);
            // Behind the last row there may be anything.
            let matrix = |stride: usize, seed| {
                let mut numbers = numbers::<T>(count * stride, seed);
                for (index, x) in numbers.iter_mut().enumerate() {
                    if index / stride * lanes + index % lanes >= rows {
                        *x = T::from_f64(f64::NAN);
                    }
                }
                numbers
            };
            Block { rows, input: matrix(in_stride, seed), delta: matrix(out_stride, seed + rows as u64) }
        });
        let views = || {
            blocks.iter().map(|block| Rows {
                rows: block.rows,
                input: &block.input,
                input_stride: in_stride,
                delta: &block.delta,
                delta_stride: out_stride,
                bias: true,
                repeated: Repeated::ONCE,
            })
        };
        let sum = |input: Option<usize>, output: usize| {
            let mut sums = [T::ZERO; MOST_LANES];
            for view in views() {
                for row in 0..view.rows {
                    let (panel, lane) = (row / lanes, row % lanes);
                    let d = view.delta[panel * out_stride + output * lanes + lane];
                    let at = |input: usize| view.input[panel * in_stride + input * lanes + lane];
                    sums[lane] = input.map_or(T::ONE, at).mul_add(d, sums[lane]);
                }
            }
            halving_sum(sums)
        };
        let panel_vectors = weight_vectors::<T>(fan_in, fan_out) + 1;
        let total = panels::<T>(fan_out) * panel_vectors;
        let mut expected = vec![T::ZERO; total * lanes];
        for output in 0..fan_out {
            let (panel, lane) = (output / lanes * panel_vectors, output % lanes);
            for input in 0..fan_in {
                let at = if is_single_output(fan_out) { input } else { (panel + input) * lanes + lane };
                expected[at] = sum(Some(input), output);
            }
            if bias {
                expected[(panel + panel_vectors - 1) * lanes + lane] = sum(None, output);
            }
        }
        let cut = cut % (total + 1);
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            let mut vectors = vec![T::ONE; total * lanes];
            let (first, second) = vectors.split_at_mut(cut * lanes);
            for (from, vectors) in [(0, first), (cut, second)] {
                dispatch_on(
                    set,
                    Gradient {
                        fan_in,
                        fan_out,
                        from,
                        vectors,
                        layout: Layout::RowsInLanes,
                        bias,
                        lost: None,
                        finish: None,
                        blocks: views(),
                    },
                );
            }
            assert!(vectors == expected, "{}", set.name());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn is_the_plain_sum(
            vectors in 1..3usize,
            rows in 1..40usize,
            fan_in in 1..40usize,
            fan_out in prop_oneof![Just(1), 1..40usize],
            bias: bool,
            cut: usize,
            seed in 0..1000u64,
        ) {
            agrees::<f32>(vectors, rows, [fan_in, fan_out], bias, cut, seed);
            agrees::<f64>(vectors, rows, [fan_in, fan_out], bias, cut, seed);
        }
    }
}
