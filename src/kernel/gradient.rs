//! `input^T * delta` over many rows: the gradient of a layer's weights and biases.
//!
//! Each element is one chain of fused multiply-adds through the rows in ascending order, from 0,
//! and is [added](super::add_up) to what is there already, if anything. The rows may come in several
//! blocks; where one ends and the next begins does not show in the result. (With rows along the lanes it is a
//! chain for each lane, and all blocks but the last have to be whole vectors: see [`Layout`].)

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use super::add_up::{Finish, Sink};
use super::panels::{Layout, Repeated, Rows, extent, is_single_output, panels, weight_vectors};
use super::product::{ends_in_half, even_share};
use super::rows_in_lanes::RowsInLanesGradient;
use super::scalar::Scalar;
use super::simd::{MOST_LANES, Simd, Task};
use super::single_output::SingleOutputGradient;

/// A range of vectors of one layer's gradient. The layer's panels have `fan_in + 1` vectors each: the
/// weights from each input, then the biases; those of a layer with one output are
/// stored transposed (see [`is_single_output`]).
#[derive(Debug)]
pub struct Gradient<'a, T, I> {
    /// The layer's inputs.
    pub fan_in: usize,
    /// The layer's outputs.
    pub fan_out: usize,
    /// First vector of the range, counted through the layer's panels.
    pub from: usize,
    /// The vectors.
    pub vectors: &'a mut [T],
    /// What lies along the lanes of inputs and deltas.
    pub layout: Layout,
    /// Whether the layer has biases; without them their vector becomes 0.
    pub bias: bool,
    /// If the sums are to be added to what is there: what rounding took from that, vector by vector.
    pub lost: Option<&'a mut [T]>,
    /// How the sums become a gradient, once all rows are in.
    pub finish: Option<Finish<'a, T>>,
    /// The blocks of rows, in order.
    pub blocks: I,
}

impl<'a, T> Gradient<'a, T, ()> {
    /// The same over these blocks.
    pub fn over<I>(self, blocks: I) -> Gradient<'a, T, I> {
        let Self { fan_in, fan_out, from, vectors, layout, bias, lost, finish, blocks: () } = self;
        Gradient { fan_in, fan_out, from, vectors, layout, bias, lost, finish, blocks }
    }
}

impl<'a, T, I> Task<T> for Gradient<'_, T, I>
where
    T: Scalar,
    I: Iterator<Item = Rows<'a, T>> + Clone,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let lanes = T::LANES;
        let panel_vectors = weight_vectors::<T>(self.fan_in, self.fan_out) + 1;
        let to = self.from + self.vectors.len() / lanes;
        if to == self.from {
            return;
        }
        let last_panel = (to - 1) / panel_vectors;
        let last_vector = (self.fan_in - 1) / lanes;
        for block in self.blocks.clone() {
            let ((last_input, inputs), (last_delta, deltas)) = match self.layout {
                Layout::UnitsInLanes => ((last_vector, block.rows), (last_panel, block.rows)),
                Layout::RowsInLanes => {
                    let last = panels::<T>(block.rows).saturating_sub(1);
                    ((last, self.fan_in), (last, self.fan_out))
                }
            };
            let Repeated { times, input_step, delta_step } = block.repeated;
            let more = times.saturating_sub(1);
            assert!(more == 0 || self.layout == Layout::UnitsInLanes && !is_single_output(self.fan_out));
            let input = [(more, input_step), (last_input, block.input_stride), (inputs, lanes)];
            let delta = [(more, delta_step), (last_delta, block.delta_stride), (deltas, lanes)];
            assert!(block.input.len() >= extent(input) && block.delta.len() >= extent(delta));
        }
        assert!(last_panel < panels::<T>(self.fan_out));
        assert!(self.lost.as_ref().is_none_or(|lost| lost.len() == self.vectors.len()));
        assert!(self.finish.is_none_or(|finish| finish.weights.len() == self.vectors.len()));
        let sink = Sink {
            vectors: self.vectors.as_mut_ptr(),
            lost: self.lost.map(<[T]>::as_mut_ptr),
            finish: self.finish,
        };
        let Self { fan_in, fan_out, from, bias, blocks, .. } = self;
        if self.layout == Layout::RowsInLanes {
            let narrow = RowsInLanesGradient { simd, fan_in, fan_out, from, to, sink, bias, blocks };
            // Safety: as below.
            return unsafe { narrow.run() };
        }
        if is_single_output(fan_out) {
            // Safety: the assertions cover the blocks, and the vectors written lie in the range.
            return unsafe { SingleOutputGradient { simd, fan_in, from, to, sink, bias, blocks }.run() };
        }
        // Safety: the assertions cover the blocks, and the vectors written lie in the range.
        unsafe {
            let several = blocks.clone().nth(1).is_some();
            let tiles = Tiles { simd, fan_in, fan_out, from, to, sink, bias, blocks };
            if several {
                simd.outlined(SeveralBlocks(tiles));
            } else {
                tiles.run::<1>();
            }
        }
    }
}

/// The most panels of outputs of a gradient that are worth summing together.
pub const GRADIENT_PANELS: usize = 4;

/// The first of the parts of at most `most` panels that a gradient's `count` are summed in. Deltas of four leave little room in the
/// first-level cache, so four come together only where that spares a pair, with which more numbers are read for each multiply-add; eight are
/// faster as three, three and two than as four and four.
#[inline(always)]
#[must_use]
pub fn gradient_share(count: usize, most: usize) -> usize {
    if most >= GRADIENT_PANELS && matches!(count, 4 | 7) { 4 } else { even_share(count, most.min(3)) }
}

/// The smaller of two; `usize::min` for constants.
const fn less(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

/// Panels of inputs that a block goes through before the next one comes, if there are several: the fewer, the more often the deltas of
/// a block have to be fetched from the second-level cache; and the sums of so many have to stay there.
const PANELS_TOGETHER: usize = 8;

struct Tiles<'b, T, S, I> {
    simd: S,
    fan_in: usize,
    fan_out: usize,
    /// Vectors of the range, counted through the layer's.
    from: usize,
    to: usize,
    sink: Sink<'b, T>,
    bias: bool,
    blocks: I,
}

/// The tiles of several blocks. They are a task of their own, run [outlined](Simd::outlined), because their sums take many pages of the
/// stack, which a small gradient would have to look at too.
struct SeveralBlocks<'b, T, S, I>(Tiles<'b, T, S, I>);

impl<'a, T: Scalar, S: Simd<T>, I: Iterator<Item = Rows<'a, T>> + Clone> Task<T>
    for SeveralBlocks<'_, T, S, I>
{
    type Output = ();

    #[inline(always)]
    fn run<SameS: Simd<T>>(self, _: SameS) {
        // Safety: only [`Gradient::run`] makes one.
        unsafe { self.0.run::<PANELS_TOGETHER>() }
    }
}

impl<'a, T: Scalar, S: Simd<T>, I: Iterator<Item = Rows<'a, T>> + Clone> Tiles<'_, T, S, I> {
    /// All vectors, `P` panels of inputs at a time.
    ///
    /// # Safety
    /// The sink has room for the range; the blocks hold all their rows.
    #[inline(always)]
    unsafe fn run<const P: usize>(&self) {
        let (panels, panel_vectors) = (panels::<T>(self.fan_out), self.fan_in + 1);
        // The panel of which only the first half is in use; behind the last one if there is none.
        let half_panel = if ends_in_half::<T>(self.fan_out) { panels - 1 } else { panels };
        // The range is the end of a panel, whole panels, and the beginning of a panel.
        let mut vector = self.from;
        while vector < self.to {
            let panel = vector / panel_vectors;
            let first = vector % panel_vectors;
            let left = self.to - vector;
            let whole = if first == 0 { (left / panel_vectors).min(half_panel - panel) } else { 0 };
            let (width, end) = if whole == 0 {
                (1, panel_vectors.min(first + left))
            } else {
                (gradient_share(whole, S::PANELS), panel_vectors)
            };
            // Safety: as promised to this function.
            unsafe {
                // Widths that an instruction set has no use for are not compiled for it.
                if const { S::PANELS >= 4 } && width == 4 {
                    self.vectors::<4, false, P>(panel, first, end);
                } else if const { S::PANELS >= 3 } && width == 3 {
                    self.vectors::<3, false, P>(panel, first, end);
                } else if const { S::PANELS >= 2 } && width == 2 {
                    self.vectors::<2, false, P>(panel, first, end);
                } else if panel == half_panel {
                    self.vectors::<1, true, P>(panel, first, end);
                } else {
                    self.vectors::<1, false, P>(panel, first, end);
                }
            }
            vector += (width - 1) * panel_vectors + end - first;
        }
    }

    /// Vectors `from..to` of `Q` panels.
    ///
    /// # Safety
    /// They lie in the range; the blocks hold all their rows.
    #[inline(always)]
    unsafe fn vectors<const Q: usize, const HALF: bool, const P: usize>(
        &self,
        panel: usize,
        from: usize,
        to: usize,
    ) {
        let mut vector = from;
        let weights = to.min(self.fan_in);
        loop {
            let count = (P * T::LANES - vector % T::LANES).min(weights - vector);
            // Safety: as promised to this function.
            unsafe { self.inputs::<Q, HALF, P>(panel, vector, count, to) };
            vector += count;
            // With biases alone there was nothing to count.
            if vector >= weights {
                return;
            }
        }
    }

    /// Gradients of the weights from `count` inputs to `Q` panels of outputs, and of the biases if their
    /// vector is the next and before `to`. Block by block, so that a block's deltas are in the first-level
    /// cache for all of its tiles but the first.
    ///
    /// # Safety
    /// As for [`Tiles::vectors`]; the inputs lie in `P` panels.
    #[inline(always)]
    unsafe fn inputs<const Q: usize, const HALF: bool, const P: usize>(
        &self,
        panel: usize,
        vector: usize,
        count: usize,
        to: usize,
    ) {
        let ends = vector + count == self.fan_in && to > self.fan_in;
        let mut sums = Sums::<T, Q, P> {
            weights: MaybeUninit::uninit(),
            biases: [[T::ZERO; MOST_LANES]; Q],
            fresh: true,
        };
        // Safety: as promised to this function; the first block writes all sums that are read.
        unsafe {
            for block in self.blocks.clone() {
                let mut at = 0;
                loop {
                    let room = (count - at).min(T::LANES - (vector + at) % T::LANES);
                    let rows = match room {
                        8.. if Self::most_rows(Q, HALF) == 8 => 8,
                        6.. if Self::most_rows(Q, HALF) == 6 => 6,
                        4.. => 4,
                        2.. => 2,
                        rows => rows,
                    };
                    let biases = ends && at + rows == count && self.bias && block.bias;
                    self.tile::<Q, HALF, P>(block, panel, vector, (at, rows), biases, &mut sums);
                    at += rows;
                    if at >= count {
                        break;
                    }
                }
                sums.fresh = false;
            }
            let fresh = sums.fresh;
            self.simd.outlined(PutSums {
                sink: self.sink,
                panel_vectors: self.fan_in + 1,
                first: panel * (self.fan_in + 1) + vector - self.from,
                inputs: count,
                panels: Q,
                weights: (!fresh).then(|| sums.weight(0, 0).cast_const()),
                biases: ends.then_some(sums.biases.as_flattened()),
            });
        }
    }

    /// Inputs of the largest tile with `q` panels of outputs.
    const fn most_rows(q: usize, half: bool) -> usize {
        if half { 8 } else { less(S::GRADIENT_ROWS, S::SUMS / q) }
    }

    /// Adds what a block gives to the sums of `rows` inputs, from the one at `vector + at` on, which start from it if they are
    /// fresh, and to those of the biases if these go with them.
    ///
    /// # Safety
    /// As for [`Tiles::inputs`].
    #[inline(always)]
    unsafe fn tile<const Q: usize, const HALF: bool, const P: usize>(
        &self,
        block: Rows<'a, T>,
        panel: usize,
        vector: usize,
        (at, rows): (usize, usize),
        biases: bool,
        sums: &mut Sums<T, Q, P>,
    ) {
        let lanes = T::LANES;
        let vector = vector + at;
        // With no inputs, the place of the first is not looked at, but has to exist.
        let input = if rows == 0 { 0 } else { vector / lanes * block.input_stride + vector % lanes };
        let (mut delta, first) = ([block.delta.as_ptr(); Q], block.input.as_ptr());
        // Safety: as promised to this function.
        let from = unsafe {
            for q in 0..Q {
                delta[q] = delta[q].add((panel + q) * block.delta_stride);
            }
            first.add(input)
        };
        let part = BlockSums::<T, Q> {
            rows: block.rows,
            repeated: block.repeated,
            input: from,
            next: first.wrapping_add(input + block.input_stride),
            delta,
            fresh: sums.fresh,
            weights: sums.weight(at, 0).cast(),
            biases: &mut sums.biases,
        };
        if const { Self::most_rows(Q, HALF) == 8 } && rows == 8 {
            self.outlined::<8, Q, HALF>(part, biases);
        } else if const { Self::most_rows(Q, HALF) == 6 } && rows == 6 {
            self.outlined::<6, Q, HALF>(part, biases);
        } else {
            match rows {
                4 => self.outlined::<4, Q, HALF>(part, biases),
                2 => self.outlined::<2, Q, HALF>(part, biases),
                1 => self.outlined::<1, Q, HALF>(part, biases),
                _ if biases => self.simd.outlined(Tile::<_, 0, Q, HALF, true>(part)),
                rows => debug_assert_eq!(rows, 0),
            }
        }
    }

    /// A tile with the sums of `R` inputs, which [`Tiles::tile`] has seen to be there.
    #[inline(always)]
    fn outlined<const R: usize, const Q: usize, const HALF: bool>(
        &self,
        part: BlockSums<'_, T, Q>,
        biases: bool,
    ) {
        if biases {
            self.simd.outlined(Tile::<_, R, Q, HALF, true>(part));
        } else {
            self.simd.outlined(Tile::<_, R, Q, HALF, false>(part));
        }
    }
}

/// Sums on their way from block to block: the inputs of `P` panels, `Q` panels of outputs.
#[repr(align(64))]
struct Sums<T, const Q: usize, const P: usize> {
    /// The first block starts them.
    weights: MaybeUninit<[[[[T; MOST_LANES]; Q]; MOST_LANES]; P]>,
    biases: [[T; MOST_LANES]; Q],
    /// Whether the first block is still to come.
    fresh: bool,
}

impl<T, const Q: usize, const P: usize> Sums<T, Q, P> {
    /// Where the sums of an input and a panel of outputs begin: a vector, in room for the longest.
    #[inline(always)]
    fn weight(&mut self, input: usize, panel: usize) -> *mut T {
        debug_assert!(input < P * MOST_LANES && panel < Q);
        self.weights.as_mut_ptr().cast::<T>().wrapping_add((input * Q + panel) * MOST_LANES)
    }
}

/// Sums of all blocks on their way to the sink. They are a task of their own, compiled once for all sizes.
struct PutSums<'a, T> {
    sink: Sink<'a, T>,
    /// From one panel of the gradient to the next.
    panel_vectors: usize,
    /// The place of the first sums in the sink.
    first: usize,
    inputs: usize,
    panels: usize,
    /// For each input one vector per panel, in room for the longest; without blocks there are none.
    weights: Option<*const T>,
    /// Those of the biases, likewise, if they come after the last input.
    biases: Option<&'a [T]>,
}

impl<T: Scalar> Task<T> for PutSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Safety: only [`Tiles::inputs`] makes one, with as many sums, of vectors that lie in the range.
        unsafe {
            for panel in 0..self.panels {
                let first = self.first + panel * self.panel_vectors;
                for input in 0..self.inputs {
                    let sum = match self.weights {
                        Some(sums) => simd.load(sums.add((input * self.panels + panel) * MOST_LANES)),
                        None => simd.splat(T::ZERO),
                    };
                    self.sink.put(simd, first + input, sum, true);
                }
                if let Some(sums) = self.biases {
                    self.sink.put(simd, first + self.inputs, simd.read(&sums[panel * MOST_LANES..]), false);
                }
            }
        }
    }
}

/// What one block adds to the sums of a tile.
struct BlockSums<'a, T, const Q: usize> {
    rows: usize,
    repeated: Repeated,
    input: *const T,
    /// The input's next panel, which is prefetched: its rows are too far away for the hardware's own
    /// prefetcher.
    next: *const T,
    delta: [*const T; Q],
    /// Whether the sums of weights start from this block, and there are none to add to.
    fresh: bool,
    weights: *mut [[T; MOST_LANES]; Q],
    biases: &'a mut [[T; MOST_LANES]; Q],
}

/// The tile of `R` inputs, with the biases or without. It is a task of its own, run [outlined](Simd::outlined):
/// inlined into the loops around it, its sums would not stay in registers.
struct Tile<'a, T, const R: usize, const Q: usize, const HALF: bool, const BIASES: bool>(BlockSums<'a, T, Q>);

impl<T: Scalar, const R: usize, const Q: usize, const HALF: bool, const BIASES: bool> Task<T>
    for Tile<'_, T, R, Q, HALF, BIASES>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Safety: only [`Tiles::tile`] has one made, with pointers to all the block's rows, and to the sums of `R` inputs.
        unsafe {
            if HALF {
                self.0.add::<S::Half, R, BIASES>(simd.half());
            } else {
                self.0.add::<S, R, BIASES>(simd);
            }
        }
    }
}

impl<T: Scalar, const Q: usize> BlockSums<'_, T, Q> {
    /// # Safety
    /// The pointers are to all the block's rows, and to the sums of `R` inputs.
    #[inline(always)]
    unsafe fn add<S: Simd<T>, const R: usize, const BIASES: bool>(self, simd: S) {
        let lanes = T::LANES;
        // Safety: as promised to this function.
        unsafe {
            let zero = simd.splat(T::ZERO);
            let sum = |r: usize, q: usize| self.weights.add(r).cast::<T>().add(q * MOST_LANES);
            let (mut weights, mut biases) = ([[zero; Q]; R], [zero; Q]);
            for q in 0..Q {
                if !self.fresh {
                    for r in 0..R {
                        weights[r][q] = simd.load(sum(r, q));
                    }
                }
                biases[q] = simd.load(self.biases[q].as_ptr());
            }
            let Repeated { times, input_step, delta_step } = self.repeated;
            for time in 0..times {
                let input = self.input.add(time * input_step);
                let next = self.next.wrapping_add(time * input_step);
                for row in 0..self.rows {
                    simd.prefetch(next.wrapping_add(row * lanes));
                    let mut d = [zero; Q];
                    for q in 0..Q {
                        d[q] = simd.load(self.delta[q].add(time * delta_step + row * lanes));
                    }
                    for r in 0..R {
                        let x = simd.splat(*input.add(row * lanes + r));
                        for q in 0..Q {
                            weights[r][q] = simd.mul_add(x, d[q], weights[r][q]);
                        }
                    }
                    if BIASES {
                        for q in 0..Q {
                            biases[q] = simd.add(biases[q], d[q]);
                        }
                    }
                }
            }
            for q in 0..Q {
                for r in 0..R {
                    simd.store(sum(r, q), weights[r][q]);
                }
                simd.store(self.biases[q].as_mut_ptr(), biases[q]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::panels::panel_vectors;
    use super::super::{InstructionSet, dispatch_on, numbers};
    use super::*;
    use crate::number::Number;

    struct Block<T> {
        rows: usize,
        input: Vec<T>,
        delta: Vec<T>,
    }

    /// Any cut into blocks and ranges of vectors gives, on every instruction set, the sums that plain
    /// loops give.
    fn agrees<T: Scalar>(rows: &[usize], fan_in: usize, fan_out: usize, cut: usize, seed: u64) {
        let lanes = T::LANES;
        let of_rows = |&rows: &usize| {
            let stride = panel_vectors(rows) * lanes;
            let mut delta = numbers(panels::<T>(fan_out) * stride, seed + rows as u64);
            let last_panel = (panels::<T>(fan_out) - 1) * stride;
            for (index, x) in delta[last_panel..].iter_mut().enumerate() {
                if last_panel / stride * lanes + index % lanes >= fan_out {
                    *x = T::ZERO;
                }
            }
            Block { rows, input: numbers(panels::<T>(fan_in) * stride, seed), delta }
        };
        let blocks: Vec<_> = rows.iter().map(of_rows).collect();
        let views = || {
            blocks.iter().enumerate().map(|(index, block)| {
                let stride = panel_vectors(block.rows) * lanes;
                Rows {
                    rows: block.rows,
                    input: &block.input,
                    input_stride: stride,
                    delta: &block.delta,
                    delta_stride: stride,
                    bias: index == 0 || seed.is_multiple_of(2),
                    repeated: Repeated::ONCE,
                }
            })
        };
        let panel_vectors = weight_vectors::<T>(fan_in, fan_out) + 1;
        let total = panels::<T>(fan_out) * panel_vectors;
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
                        layout: Layout::UnitsInLanes,
                        bias: true,
                        lost: None,
                        finish: None,
                        blocks: views(),
                    },
                );
            }
            for (at, &got) in vectors.iter().enumerate() {
                let (panel, vector, lane) =
                    (at / lanes / panel_vectors, at / lanes % panel_vectors, at % lanes);
                // A lane without a weight counts as one of an output that is not there, and is 0.
                let (input, output) = if !is_single_output(fan_out) {
                    (vector, panel * lanes + lane)
                } else if vector + 1 < panel_vectors {
                    (vector * lanes + lane, usize::from(vector * lanes + lane >= fan_in))
                } else {
                    (fan_in, lane)
                };
                let mut sum = T::ZERO;
                for view in views().filter(|_| output < fan_out) {
                    for row in 0..view.rows {
                        let d = view.delta[output / lanes * view.delta_stride + row * lanes + output % lanes];
                        let at = input / lanes * view.input_stride + row * lanes + input % lanes;
                        sum = if input < fan_in {
                            view.input[at].mul_add(d, sum)
                        } else if view.bias {
                            sum + d
                        } else {
                            sum
                        };
                    }
                }
                assert!(got == sum, "{} at vector {vector} of panel {panel}, lane {lane}", set.name());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn is_the_plain_chain(
            rows in prop::collection::vec(0..30usize, 0..4),
            fan_in in 1..200usize,
            fan_out in prop_oneof![Just(1), 1..120usize],
            cut: usize,
            seed in 0..1000u64,
        ) {
            agrees::<f32>(&rows, fan_in, fan_out, cut, seed);
            agrees::<f64>(&rows, fan_in, fan_out, cut, seed);
        }
    }

    /// Blocks that follow each other are one after the other, whether they are told of one by one or together.
    #[test]
    fn blocks_follow_each_other() {
        fn agree<T: Scalar>(fan_in: usize, fan_out: usize) {
            let (rows, times, lanes) = (5, 4, T::LANES);
            let stride = panel_vectors(rows) * lanes;
            let (input_step, delta_step) = (panels::<T>(fan_in) * stride, panels::<T>(fan_out) * stride);
            let input = numbers::<T>(times * input_step, 3);
            let mut delta = numbers::<T>(times * delta_step, 4);
            for (index, x) in delta.iter_mut().enumerate() {
                if index % delta_step / stride * lanes + index % lanes >= fan_out {
                    *x = T::ZERO;
                }
            }
            let all = Rows {
                rows,
                input: &input,
                input_stride: stride,
                delta: &delta,
                delta_stride: stride,
                bias: true,
                repeated: Repeated { times, input_step, delta_step },
            };
            let one = |time: usize| Rows {
                input: &input[time * input_step..],
                delta: &delta[time * delta_step..],
                repeated: Repeated::ONCE,
                ..all
            };
            let len = panels::<T>(fan_out) * (weight_vectors::<T>(fan_in, fan_out) + 1) * lanes;
            for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
                let summed = |blocks: &[Rows<'_, T>]| {
                    let mut vectors = vec![T::ONE; len];
                    let blocks = blocks.iter().copied();
                    let (layout, bias, lost, finish) = (Layout::UnitsInLanes, true, None, None);
                    let to = &mut vectors;
                    dispatch_on(
                        set,
                        Gradient {
                            fan_in,
                            fan_out,
                            from: 0,
                            vectors: to,
                            layout,
                            bias,
                            lost,
                            finish,
                            blocks,
                        },
                    );
                    vectors
                };
                assert!(summed(&[all]) == summed(&[0, 1, 2, 3].map(one)), "{}", set.name());
            }
        }
        for (fan_in, fan_out) in [(1, 2), (7, 64), (33, 24)] {
            agree::<f32>(fan_in, fan_out);
            agree::<f64>(fan_in, fan_out);
        }
    }

    /// A hundred thousand equal terms, micro-batch by micro-batch: the compensated sum is as good as one micro-batch.
    #[test]
    fn chunks_add_up_without_loss() {
        let (rows, chunks) = (100, 1_000);
        let input = vec![0.1_f32; panel_vectors(rows) * f32::LANES];
        let delta = vec![1.0_f32; panel_vectors(rows) * f32::LANES];
        let stride = input.len();
        let block = Rows {
            rows,
            input: &input,
            input_stride: stride,
            delta: &delta,
            delta_stride: stride,
            bias: true,
            repeated: Repeated::ONCE,
        };
        let mut vectors = [0.0_f32; 2 * f32::LANES];
        let mut lost = [0.0_f32; 2 * f32::LANES];
        let mut one = 0.0;
        for chunk in 0..chunks {
            let lost = (chunk > 0).then_some(&mut lost[..]);
            let blocks = std::iter::once(block);
            let vectors = &mut vectors;
            super::super::dispatch(Gradient {
                fan_in: 1,
                fan_out: 16,
                from: 0,
                vectors,
                layout: Layout::UnitsInLanes,
                bias: true,
                lost,
                finish: None,
                blocks,
            });
            if chunk == 0 {
                one = f64::from(vectors[0]);
            }
        }
        assert!((f64::from(vectors[0]) / (one * f64::from(chunks)) - 1.0).abs() < 1.2e-7);
        assert_eq!(vectors[f32::LANES], 100_000.0);
    }
}
