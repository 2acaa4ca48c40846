//! Rows times panels: the product of a forward pass, and of the deltas in a backward pass.
//!
//! # Panels
//! Inside the passes a matrix of `rows x columns` is a row of *panels*: each panel holds one vector's
//! worth of columns (16 `f32` or 8 `f64`), row after row, the last one filled up (with zeros, but for
//! [`Layout::RowsInLanes`](super::Layout)). The same form serves as either side of a product and as its result, so that nothing is packed
//! between layers.
//!
//! # Order of the sums
//! Each element of the result is one chain of fused multiply-adds: it starts from a bias (or 0)
//! and goes through the terms in ascending order. Vectors run across elements, never along a
//! sum, so the tile shape, the blocking and the instruction set cannot change a bit. (Layers with one
//! output are apart: see [`is_single_output`](super::is_single_output()).)

#![allow(unsafe_code)]

use super::panels::{extent, panels};
use super::scalar::Scalar;
use super::simd::{Simd, Task};

/// Terms that are summed before a tile goes back to memory: a panel of this depth and the rows of
/// a tile fit in the first two cache levels. A multiple of the vector.
const DEPTH_BLOCK: usize = 512;

/// A matrix whose rows are summed over: where its numbers lie.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a, T> {
    /// The numbers.
    pub numbers: &'a [T],
    /// From one row to the next.
    pub row: usize,
    /// From one vector's worth of columns to the next.
    pub panel: usize,
}

impl<'a, T: Scalar> Terms<'a, T> {
    /// A matrix in panels that are `stride` apart.
    #[must_use]
    pub fn in_panels(numbers: &'a [T], stride: usize) -> Self {
        Self { numbers, row: T::LANES, panel: stride }
    }

    /// A matrix whose rows of `columns` numbers lie one after the other.
    #[must_use]
    pub fn in_rows(numbers: &'a [T], columns: usize) -> Self {
        Self { numbers, row: columns, panel: T::LANES }
    }
}

/// The start values of a product's sums.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a, T> {
    /// 0.
    Zero,
    /// A number for each column: in the vector behind the last one of each panel of the right side.
    Columns,
    /// A number for each row: a vector's worth of them, and so on, that many numbers apart.
    Rows(&'a [T], usize),
    /// What the output holds.
    There,
}

/// The last operation on the sums of a tile, before they are stored for good.
#[derive(Clone, Copy, Debug)]
pub enum Then<'a, T> {
    /// Nothing.
    Stay,
    /// Numbers below 0 become 0.
    Rectify,
    /// They are multiplied by a derivative at these outputs, which lie as the result does.
    Scale(Derivative<T>, &'a [T]),
}

/// Derivatives of activations as functions of their output `a`; the same operations as in
/// `crate::activation`, vector by vector.
#[derive(Clone, Copy, Debug)]
pub enum Derivative<T> {
    /// 1 where `a` > 0, else 0.
    Relu,
    /// `slope a (1 - a)`
    Logistic {
        /// The slope.
        slope: T,
    },
    /// `(1 - a) (1 + a)`
    Tanh,
}

/// `output = start + input * panels` for a block of rows.
#[derive(Debug)]
pub struct Product<'a, T> {
    /// Rows of the input and the output.
    pub rows: usize,
    /// Terms of each sum: the input's columns.
    pub depth: usize,
    /// The input: in panels, or row by row.
    pub input: Terms<'a, T>,
    /// The right side in panels of `depth` vectors, and one more if the sums start from it.
    pub right: &'a [T],
    /// From one panel of the right side to the next.
    pub right_stride: usize,
    /// Start values of the sums: the biases, in a forward pass.
    pub start: Start<'a, T>,
    /// The output in panels.
    pub output: &'a mut [T],
    /// From one panel of the output to the next.
    pub output_stride: usize,
    /// What becomes of the sums.
    pub then: Then<'a, T>,
    /// Columns of the right side and of the output; lanes behind the last one become what columns in their place would, or 0.
    pub columns: usize,
}

/// [`Start`] for a part of the terms.
#[derive(Clone, Copy)]
enum Origin<T> {
    Zero,
    Columns,
    Rows(*const T, usize),
    /// From what the terms before have come to.
    Before,
}

impl<T: Scalar> Task<T> for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        if self.rows == 0 || self.depth == 0 || self.columns == 0 {
            return;
        }
        let lanes = T::LANES;
        let last = panels::<T>(self.columns) - 1;
        let whole = last + usize::from(!ends_in_half::<T>(self.columns));
        let Terms { numbers, row, panel } = self.input;
        let last_term = self.depth - 1;
        let columns_start = matches!(self.start, Start::Columns);
        let vectors = self.depth.saturating_add(usize::from(columns_start));
        assert!(
            numbers.len()
                > extent([(last_term / lanes, panel), (self.rows - 1, row), (last_term % lanes, 1)])
        );
        assert!(
            last_term < lanes
                || numbers.len()
                    >= extent([(last_term / lanes - 1, panel), (self.rows - 1, row), (lanes, 1)])
        );
        assert!(self.right.len() >= extent([(last, self.right_stride), (vectors, lanes)]));
        assert!(self.output.len() >= extent([(last, self.output_stride), (self.rows, lanes)]));
        if let Start::Rows(numbers, step) = self.start {
            let last_row = self.rows - 1;
            assert!(numbers.len() > extent([(last_row / lanes, step), (last_row % lanes, 1)]));
            assert!(last_row < lanes || numbers.len() >= extent([(last_row / lanes - 1, step), (lanes, 1)]));
        }
        let (scaling, outputs) = match self.then {
            Then::Stay => (Scaling::None, self.output.as_ptr()),
            Then::Rectify => (Scaling::Rectify, self.output.as_ptr()),
            Then::Scale(derivative, outputs) => {
                assert!(outputs.len() >= self.output.len());
                (Scaling::By(derivative), outputs.as_ptr())
            }
        };
        let tiles = Tiles {
            scaling,
            outputs,
            rows: self.rows,
            depth: self.depth,
            input: numbers.as_ptr(),
            input_row: row,
            input_panel: panel,
            right: self.right.as_ptr(),
            right_stride: self.right_stride,
            output: self.output.as_mut_ptr(),
            output_stride: self.output_stride,
        };
        let mut from = 0;
        while from < self.depth {
            let to = self.depth.min(from + DEPTH_BLOCK);
            let start = match self.start {
                _ if from > 0 => Origin::Before,
                Start::Zero => Origin::Zero,
                Start::Columns => Origin::Columns,
                Start::Rows(numbers, step) => Origin::Rows(numbers.as_ptr(), step),
                Start::There => Origin::Before,
            };
            let mut panel = 0;
            while panel < whole {
                let width = even_share(whole - panel, S::PANELS);
                // Widths that an instruction set has no use for are not compiled for it.
                if const { S::PANELS >= 4 } && width == 4 {
                    simd.outlined(Panels::<_, 4, false> { tiles, panel, from, to, start });
                } else if const { S::PANELS >= 3 } && width == 3 {
                    simd.outlined(Panels::<_, 3, false> { tiles, panel, from, to, start });
                } else if const { S::PANELS >= 2 } && width == 2 {
                    simd.outlined(Panels::<_, 2, false> { tiles, panel, from, to, start });
                } else {
                    simd.outlined(Panels::<_, 1, false> { tiles, panel, from, to, start });
                }
                panel += width;
            }
            if panel == last {
                simd.outlined(Panels::<_, 1, true> { tiles, panel, from, to, start });
            }
            from = to;
        }
    }
}

/// Whether the last panel has numbers in the first half of its vectors only.
#[inline(always)]
#[must_use]
pub fn ends_in_half<T: Scalar>(columns: usize) -> bool {
    (1..=T::LANES / 2).contains(&(columns % T::LANES))
}

/// The first of the nearly equal parts of at most `most` that `count` splits into.
#[inline(always)]
#[must_use]
pub fn even_share(count: usize, most: usize) -> usize {
    // Divisions take as long as a small tile, and mostly there is no need of them.
    if count <= most {
        count
    } else if count > most * (most - 1) {
        most
    } else {
        count.div_ceil(count.div_ceil(most))
    }
}

/// Rows of the largest register tile, when there is room for the sums of `fit`.
const fn tile_rows(fit: usize) -> usize {
    match fit {
        12.. => 12,
        8.. => 8,
        6.. => 6,
        _ => 4,
    }
}

/// [`Then`] without its matrix.
#[derive(Clone, Copy)]
enum Scaling<T> {
    None,
    Rectify,
    By(Derivative<T>),
}

/// Only [`Product::run`] makes one: every row, panel and term of the loops below lies inside the
/// three matrices.
#[derive(Clone, Copy)]
struct Tiles<T> {
    scaling: Scaling<T>,
    /// The outputs to scale by; as long as `output`.
    outputs: *const T,
    rows: usize,
    depth: usize,
    input: *const T,
    input_row: usize,
    input_panel: usize,
    right: *const T,
    right_stride: usize,
    output: *mut T,
    output_stride: usize,
}

/// Terms `from..to` of all rows of `Q` panels. It is a task of its own, run [outlined](Simd::outlined):
/// among other loops there would not be enough registers for its pointers.
struct Panels<T, const Q: usize, const HALF: bool> {
    tiles: Tiles<T>,
    panel: usize,
    from: usize,
    to: usize,
    start: Origin<T>,
}

impl<T: Scalar, const Q: usize, const HALF: bool> Task<T> for Panels<T, Q, HALF> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Safety: see [`Tiles`].
        unsafe {
            if HALF {
                self.rows(simd.half());
            } else {
                self.rows(simd);
            }
        }
    }
}

impl<T: Scalar, const Q: usize, const HALF: bool> Panels<T, Q, HALF> {
    /// # Safety
    /// See [`Tiles`].
    #[inline(always)]
    unsafe fn rows<S: Simd<T>>(&self, simd: S) {
        let rows = self.tiles.rows;
        let mut row = 0;
        // Safety: as promised to this function.
        unsafe {
            let most = const { tile_rows(S::SUMS / Q) };
            while row + most <= rows {
                match most {
                    12 => self.tile::<S, 12>(simd, row),
                    8 => self.tile::<S, 8>(simd, row),
                    6 => self.tile::<S, 6>(simd, row),
                    _ => self.tile::<S, 4>(simd, row),
                }
                row += most;
            }
            if most == 12 && row + 6 <= rows {
                self.tile::<S, 6>(simd, row);
                row += 6;
            }
            if row + 4 <= rows {
                self.tile::<S, 4>(simd, row);
                row += 4;
            }
            match rows - row {
                0 => {}
                1 => self.tile::<S, 1>(simd, row),
                2 => self.tile::<S, 2>(simd, row),
                _ => self.tile::<S, 3>(simd, row),
            }
        }
    }

    /// Asks for a part of the next panels of the right side, which come from far away when it is large: of each panel one of
    /// the vectors, as many as there are lanes, that follow the place `vector` has in this one; tile by tile another.
    #[inline(always)]
    fn prefetch_next<S: Simd<T>>(&self, simd: S, vector: *const T, tile: usize) {
        let stride = self.tiles.right_stride;
        let at = vector.wrapping_add(Q * stride + tile % T::LANES * T::LANES);
        for q in 0..Q {
            simd.prefetch_second_level(at.wrapping_add(q * stride));
        }
    }

    /// `R` rows, all sums in registers.
    ///
    /// # Safety
    /// See [`Tiles`]; the rows exist.
    #[inline(always)]
    unsafe fn tile<S: Simd<T>, const R: usize>(&self, simd: S, row: usize) {
        let lanes = T::LANES;
        let tiles = self.tiles;
        // Safety: as promised to this function.
        unsafe {
            let right = tiles.right.add(self.panel * tiles.right_stride);
            let first = self.panel * tiles.output_stride + row * lanes;
            let output = |q: usize| tiles.output.add(first + q * tiles.output_stride);
            let zero = simd.splat(T::ZERO);
            let mut sums = [[zero; Q]; R];
            match self.start {
                Origin::Zero => {}
                Origin::Rows(numbers, step) => {
                    for (r, sum) in sums.iter_mut().enumerate() {
                        let number = *numbers.add((row + r) / lanes * step + (row + r) % lanes);
                        *sum = [simd.splat(number); Q];
                    }
                }
                Origin::Columns => {
                    for q in 0..Q {
                        let bias = simd.load(right.add(q * tiles.right_stride + tiles.depth * lanes));
                        for sum in &mut sums {
                            sum[q] = bias;
                        }
                    }
                }
                Origin::Before => {
                    for r in 0..R {
                        for q in 0..Q {
                            sums[r][q] = simd.load(output(q).add(r * lanes));
                        }
                    }
                }
            }
            let mut term = self.from;
            let mut vector = right.add(term * lanes);
            while term < self.to {
                let input = tiles.input.add(term / lanes * tiles.input_panel + row * tiles.input_row);
                self.prefetch_next(simd, vector, row / R);
                for k in 0..lanes.min(self.to - term) {
                    let mut vectors = [zero; Q];
                    for q in 0..Q {
                        vectors[q] = simd.load(vector.add(q * tiles.right_stride));
                    }
                    for r in 0..R {
                        let x = simd.splat(*input.add(r * tiles.input_row + k));
                        for q in 0..Q {
                            sums[r][q] = simd.mul_add(x, vectors[q], sums[r][q]);
                        }
                    }
                    vector = vector.add(lanes);
                }
                term += lanes;
            }
            let scaling = if self.to == tiles.depth { tiles.scaling } else { Scaling::None };
            // Decided for a tile, not for a vector: every branch keeps the sums in registers.
            match scaling {
                Scaling::None => {}
                Scaling::Rectify => {
                    for r in 0..R {
                        for q in 0..Q {
                            sums[r][q] = simd.max(zero, sums[r][q]);
                        }
                    }
                }
                Scaling::By(derivative) => {
                    let outputs = (tiles.outputs.add(first), tiles.output_stride);
                    let one = simd.splat(T::ONE);
                    match derivative {
                        Derivative::Relu => scale(simd, &mut sums, outputs, |a| simd.heaviside(a)),
                        Derivative::Logistic { slope } => {
                            let slope = simd.splat(slope);
                            scale(simd, &mut sums, outputs, |a| {
                                simd.mul(simd.mul(slope, a), simd.sub(one, a))
                            });
                        }
                        Derivative::Tanh => {
                            scale(simd, &mut sums, outputs, |a| simd.mul(simd.sub(one, a), simd.add(one, a)));
                        }
                    }
                }
            }
            for r in 0..R {
                for q in 0..Q {
                    simd.store(output(q).add(r * lanes), sums[r][q]);
                }
            }
        }
    }
}

/// Multiplies the sums of a tile by a derivative at the outputs in their place.
///
/// # Safety
/// From the pointer on, and from each of the `Q` places so far apart, there are `R` readable vectors.
#[inline(always)]
unsafe fn scale<T: Scalar, S: Simd<T>, const R: usize, const Q: usize>(
    simd: S,
    sums: &mut [[S::V; Q]; R],
    (outputs, stride): (*const T, usize),
    derivative: impl Fn(S::V) -> S::V,
) {
    for r in 0..R {
        for q in 0..Q {
            // Safety: as promised to this function.
            let a = unsafe { simd.load(outputs.add(q * stride + r * T::LANES)) };
            sums[r][q] = simd.mul(sums[r][q], derivative(a));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::panels::panel_vectors;
    use super::super::{InstructionSet, dispatch_on, numbers};
    use super::*;

    /// Every instruction set gives exactly the chains of multiply-adds that plain loops give.
    fn agrees<T: Scalar>([rows, depth, columns]: [usize; 3], start: usize, seed: u64) {
        let lanes = T::LANES;
        let stride = panel_vectors(rows) * lanes;
        let right_stride = (depth + 1) * lanes;
        let input = numbers::<T>(panels::<T>(depth) * stride, seed);
        let right = numbers::<T>(panels::<T>(columns) * right_stride, seed + 1);
        let of_rows = numbers::<T>(panels::<T>(rows) * (lanes + 3), seed + 2);
        let start = [Start::Zero, Start::Columns, Start::Rows(&of_rows, lanes + 3), Start::There][start];
        let at =
            |row: usize, column: usize, stride: usize| column / lanes * stride + row * lanes + column % lanes;
        let in_rows: Vec<T> =
            (0..rows * depth).map(|index| input[at(index / depth, index % depth, stride)]).collect();
        let forms = [Terms::in_panels(&input, stride), Terms::in_rows(&in_rows, depth)];
        let sets = InstructionSet::ALL.into_iter().filter(|set| set.available());
        for (set, terms) in sets.flat_map(|set| forms.map(|terms| (set, terms))) {
            let mut output = vec![T::ONE; panels::<T>(columns) * stride];
            dispatch_on(
                set,
                Product {
                    rows,
                    depth,
                    input: terms,
                    right: &right,
                    right_stride,
                    start,
                    output: &mut output,
                    output_stride: stride,
                    then: Then::Stay,
                    columns,
                },
            );
            for row in 0..rows {
                for column in 0..columns {
                    let mut sum = match start {
                        Start::Zero => T::ZERO,
                        Start::Columns => right[at(depth, column, right_stride)],
                        Start::Rows(numbers, step) => numbers[row / lanes * step + row % lanes],
                        Start::There => T::ONE,
                    };
                    for term in 0..depth {
                        sum =
                            input[at(row, term, stride)].mul_add(right[at(term, column, right_stride)], sum);
                    }
                    assert!(output[at(row, column, stride)] == sum, "{} at {row}, {column}", set.name());
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn is_the_plain_chain(rows in 1..40usize, depth in 1..70usize, columns in 1..120usize, start in 0..4usize, seed: u64) {
            agrees::<f32>([rows, depth, columns], start, seed >> 1);
            agrees::<f64>([rows, depth, columns], start, seed >> 1);
        }
    }

    /// In plain arithmetic its length would be 15, which `numbers` has.
    #[test]
    #[should_panic(expected = "assertion failed")]
    fn strides_that_wrap_round_are_refused() {
        let (numbers, right) = ([0.0_f64; 64], [0.0_f64; 64]);
        dispatch_on(
            InstructionSet::Portable,
            Product {
                rows: 3,
                depth: 8,
                input: Terms { numbers: &numbers, row: usize::MAX / 2 + 1, panel: 0 },
                right: &right,
                right_stride: 64,
                start: Start::Zero,
                output: &mut [0.0; 64],
                output_stride: 64,
                then: Then::Stay,
                columns: 8,
            },
        );
    }

    #[test]
    fn shares_are_nearly_equal() {
        for (count, most) in (1..200).flat_map(|count| (1..9).map(move |most| (count, most))) {
            assert_eq!(even_share(count, most), count.div_ceil(count.div_ceil(most)));
        }
    }

    #[test]
    fn depth_blocks_do_not_show() {
        for depth in [DEPTH_BLOCK - 1, DEPTH_BLOCK, DEPTH_BLOCK + 1, 2 * DEPTH_BLOCK + 17] {
            agrees::<f32>([9, depth, 35], 1, 5);
            agrees::<f64>([9, depth, 35], 2, 6);
        }
    }
}
