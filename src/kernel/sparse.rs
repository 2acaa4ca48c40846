//! The sums of a layer whose inputs are mostly 0, from lists of the others.
//!
//! A sum does not change when a product with 0 is added. So these sums, which leave such products out and keep the order of
//! the others, have the bits of those over whole rows; only a sum that is 0 may have the other sign.

#![allow(unsafe_code)]

use super::add_up::Sink;
use super::entries::Entries;
use super::gradient::Gradient;
use super::panels::{Layout, is_single_output, panels, weight_vectors};
use super::product::even_share;
use super::scalar::Scalar;
use super::simd::{MOST_LANES, Simd, Task, halving_sum};

/// `rows * weights + biases`: the net inputs of a layer, units along the lanes.
#[derive(Debug)]
pub struct SparseProduct<'a, T> {
    /// The rows: from `first` on, as many as the output has.
    pub entries: &'a Entries<T>,
    /// The first of them.
    pub first: usize,
    /// How many.
    pub rows: usize,
    /// Columns of the rows.
    pub depth: usize,
    /// The weights in panels, biases in the vector behind them.
    pub weights: &'a [T],
    /// From one panel of the weights to the next.
    pub weights_stride: usize,
    /// The output in panels.
    pub output: &'a mut [T],
    /// From one panel of the output to the next.
    pub output_stride: usize,
    /// Columns of the output.
    pub columns: usize,
}

impl<T: Scalar> Task<T> for SparseProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let mut panel = 0;
        while panel < panels::<T>(self.columns) {
            let width = even_share(panels::<T>(self.columns) - panel, MOST_PANELS);
            match width {
                4 => self.panels::<S, 4>(simd, panel),
                3 => self.panels::<S, 3>(simd, panel),
                2 => self.panels::<S, 2>(simd, panel),
                _ => self.panels::<S, 1>(simd, panel),
            }
            panel += width;
        }
    }
}

/// Panels whose sums are in registers at a time.
const MOST_PANELS: usize = 4;

impl<T: Scalar> SparseProduct<'_, T> {
    #[inline(always)]
    fn panels<S: Simd<T>, const Q: usize>(&mut self, simd: S, panel: usize) {
        let lanes = T::LANES;
        let weights: [&[T]; Q] = std::array::from_fn(|q| {
            &self.weights[(panel + q) * self.weights_stride..][..(self.depth + 1) * lanes]
        });
        for row in 0..self.rows {
            let mut sums: [S::V; Q] = std::array::from_fn(|q| simd.read(&weights[q][self.depth * lanes..]));
            let (places, numbers) = self.entries.list(self.first + row);
            for (&place, &x) in places.iter().zip(numbers) {
                let (at, x) = (place as usize * lanes, simd.splat(x));
                for q in 0..Q {
                    sums[q] = simd.mul_add(x, simd.read(&weights[q][at..]), sums[q]);
                }
            }
            for q in 0..Q {
                simd.write(&mut self.output[(panel + q) * self.output_stride + row * lanes..], sums[q]);
            }
        }
    }
}

/// The same of a layer with one output, see [`SingleOutputProduct`](super::SingleOutputProduct).
#[derive(Debug)]
pub struct SparseSingleOutput<'a, T> {
    /// The rows: from `first` on.
    pub entries: &'a Entries<T>,
    /// The first of them.
    pub first: usize,
    /// How many.
    pub rows: usize,
    /// Columns of the rows.
    pub depth: usize,
    /// The weights, zeros up to the end of a vector, and a vector that starts with the bias.
    pub weights: &'a [T],
    /// The output: a panel, whose other lanes become 0.
    pub output: &'a mut [T],
}

impl<T: Scalar> Task<T> for SparseSingleOutput<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let lanes = T::LANES;
        let bias = self.weights[panels::<T>(self.depth) * lanes];
        for (row, output) in self.output.chunks_exact_mut(lanes).take(self.rows).enumerate() {
            let mut sums = [T::ZERO; MOST_LANES];
            let (places, numbers) = self.entries.list(self.first + row);
            for (&place, &x) in places.iter().zip(numbers) {
                let sum = &mut sums[place as usize % lanes];
                *sum = x.mul_add(self.weights[place as usize], *sum);
            }
            output.fill(T::ZERO);
            output[0] = halving_sum(sums) + bias;
        }
    }
}

/// A block of sparse rows, by column, and the deltas of the outputs.
#[derive(Clone, Copy, Debug)]
pub struct SparseBlock<'a, T> {
    /// How many rows.
    pub rows: usize,
    /// For each input the rows in which it is not 0.
    pub columns: &'a Entries<T>,
    /// The deltas, as of [`Rows`](super::Rows).
    pub delta: &'a [T],
    /// From one panel of the deltas to the next.
    pub delta_stride: usize,
}

/// The same as [`Gradient`] for sparse rows, units along the lanes: it takes its fields from one.
#[derive(Debug)]
pub struct SparseGradient<'a, T, I>(pub Gradient<'a, T, I>);

impl<'a, T, I> Task<T> for SparseGradient<'_, T, I>
where
    T: Scalar,
    I: Iterator<Item = SparseBlock<'a, T>> + Clone,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Gradient { fan_in, fan_out, from, vectors, layout, bias, lost, finish, blocks } = self.0;
        let to = from + vectors.len() / T::LANES;
        assert!(layout == Layout::UnitsInLanes);
        assert!(to <= panels::<T>(fan_out) * (weight_vectors::<T>(fan_in, fan_out) + 1));
        assert!(lost.as_ref().is_none_or(|lost| lost.len() == vectors.len()));
        assert!(finish.is_none_or(|finish| finish.weights.len() == vectors.len()));
        let sink = Sink { vectors: vectors.as_mut_ptr(), lost: lost.map(<[T]>::as_mut_ptr), finish };
        let sums = Sums { simd, fan_in, from, to, sink, bias, blocks };
        // Safety: the vectors written lie in the range, which the sink has room for.
        unsafe {
            if is_single_output(fan_out) {
                sums.single_output();
            } else {
                sums.all();
            }
        }
    }
}

struct Sums<'b, T, S, I> {
    simd: S,
    fan_in: usize,
    /// Vectors of the range, counted through the layer's panels.
    from: usize,
    to: usize,
    sink: Sink<'b, T>,
    bias: bool,
    blocks: I,
}

impl<'a, T: Scalar, S: Simd<T>, I: Iterator<Item = SparseBlock<'a, T>> + Clone> Sums<'_, T, S, I> {
    /// # Safety
    /// The sink has room for the range.
    #[inline(always)]
    unsafe fn all(&self) {
        let panel_vectors = self.fan_in + 1;
        let mut vector = self.from;
        while vector < self.to {
            let (panel, first) = (vector / panel_vectors, vector % panel_vectors);
            let whole = if first == 0 { (self.to - vector) / panel_vectors } else { 0 };
            // Safety: the vectors lie in the range.
            unsafe {
                if whole == 0 {
                    let end = panel_vectors.min(first + self.to - vector);
                    self.vectors::<1>(panel, first, end);
                    vector += end - first;
                } else {
                    let width = even_share(whole, MOST_PANELS);
                    match width {
                        4 => self.vectors::<4>(panel, 0, panel_vectors),
                        3 => self.vectors::<3>(panel, 0, panel_vectors),
                        2 => self.vectors::<2>(panel, 0, panel_vectors),
                        _ => self.vectors::<1>(panel, 0, panel_vectors),
                    }
                    vector += width * panel_vectors;
                }
            }
        }
    }

    /// Vectors `from..to` of `Q` panels.
    ///
    /// # Safety
    /// They lie in the range.
    #[inline(always)]
    unsafe fn vectors<const Q: usize>(&self, panel: usize, from: usize, to: usize) {
        let (simd, lanes) = (self.simd, T::LANES);
        let zero = simd.splat(T::ZERO);
        let deltas = |block: SparseBlock<'a, T>| -> [&'a [T]; Q] {
            std::array::from_fn(|q| &block.delta[(panel + q) * block.delta_stride..][..block.rows * lanes])
        };
        for vector in from..to.min(self.fan_in) {
            let mut sums = [zero; Q];
            for block in self.blocks.clone() {
                let (rows, numbers) = block.columns.list(vector);
                if rows.is_empty() {
                    continue;
                }
                let deltas = deltas(block);
                for (&row, &x) in rows.iter().zip(numbers) {
                    let (at, x) = (row as usize * lanes, simd.splat(x));
                    for q in 0..Q {
                        sums[q] = simd.mul_add(x, simd.read(&deltas[q][at..]), sums[q]);
                    }
                }
            }
            // Safety: as promised to this function.
            unsafe { self.put(panel, vector, sums) };
        }
        if to > self.fan_in {
            let mut sums = [zero; Q];
            for block in self.blocks.clone().filter(|_| self.bias) {
                let deltas = deltas(block);
                for at in (0..block.rows * lanes).step_by(lanes) {
                    for q in 0..Q {
                        sums[q] = simd.add(sums[q], simd.read(&deltas[q][at..]));
                    }
                }
            }
            // Safety: as promised to this function.
            unsafe { self.put(panel, self.fan_in, sums) };
        }
    }

    /// # Safety
    /// The vector lies in the range, in each of the panels.
    #[inline(always)]
    unsafe fn put<const Q: usize>(&self, panel: usize, vector: usize, sums: [S::V; Q]) {
        for (q, sum) in sums.into_iter().enumerate() {
            let index = (panel + q) * (self.fan_in + 1) + vector - self.from;
            // Safety: as promised to this function.
            unsafe { self.sink.put(self.simd, index, sum, vector < self.fan_in) };
        }
    }

    /// The gradient of a layer with one output, whose vectors run down the inputs.
    ///
    /// # Safety
    /// The sink has room for the range.
    #[inline(always)]
    unsafe fn single_output(&self) {
        let lanes = T::LANES;
        let weights = panels::<T>(self.fan_in);
        for vector in self.from..self.to {
            let mut sums = [T::ZERO; MOST_LANES];
            for block in self.blocks.clone() {
                if vector == weights {
                    if self.bias {
                        sums[0] = (0..block.rows).fold(sums[0], |sum, row| sum + block.delta[row * lanes]);
                    }
                    continue;
                }
                for (sum, column) in
                    sums.iter_mut().zip(vector * lanes..self.fan_in.min((vector + 1) * lanes))
                {
                    let (rows, numbers) = block.columns.list(column);
                    for (&row, &x) in rows.iter().zip(numbers) {
                        *sum = x.mul_add(block.delta[row as usize * lanes], *sum);
                    }
                }
            }
            // Safety: the vector lies in the range.
            unsafe {
                self.sink.put(self.simd, vector - self.from, self.simd.read(&sums), vector < weights);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::panels::{Repeated, Rows, panel_vectors};
    use super::super::{
        Finish, InstructionSet, Product, SingleOutputProduct, Start, Terms, Then, dispatch_on, numbers,
    };
    use super::*;

    /// A matrix of which about one element in `one_in` is not 0, in panels and as lists.
    fn matrix<T: Scalar>(rows: usize, columns: usize, one_in: u64, seed: u64) -> (Vec<T>, usize, Entries<T>) {
        let lanes = T::LANES;
        let stride = panel_vectors(rows) * lanes;
        let all = numbers::<T>(rows * columns, seed);
        let mut in_panels = vec![T::ZERO; panels::<T>(columns) * stride];
        let mut entries = Entries::with_room(rows, rows * columns).unwrap();
        let mut state = seed | 1;
        for row in 0..rows {
            let (mut places, mut own) = (Vec::new(), Vec::new());
            for column in 0..columns {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if (state >> 33).is_multiple_of(one_in) {
                    let x = all[row * columns + column];
                    in_panels[column / lanes * stride + row * lanes + column % lanes] = x;
                    places.push(column as u32);
                    own.push(x);
                }
            }
            entries.push(&places, &own);
        }
        (in_panels, stride, entries)
    }

    /// A block of rows: how many, their numbers in panels, from panel to panel, in lists by row and by column, and deltas.
    struct Block<T> {
        rows: usize,
        input: Vec<T>,
        stride: usize,
        entries: Entries<T>,
        columns: Entries<T>,
        delta: Vec<T>,
    }

    impl<T: Scalar> Block<T> {
        fn new(rows: usize, fan_in: usize, fan_out: usize, one_in: u64, seed: u64) -> Self {
            let (input, stride, entries) = matrix::<T>(rows, fan_in, one_in, seed + rows as u64);
            let mut columns = Entries::with_room(fan_in, 0).unwrap();
            entries.transpose(fan_in, &mut columns);
            let mut delta = numbers::<T>(panels::<T>(fan_out) * stride, seed + 3);
            for (index, x) in delta.iter_mut().enumerate() {
                if index / stride * T::LANES + index % T::LANES >= fan_out {
                    *x = T::ZERO;
                }
            }
            Self { rows, input, stride, entries, columns, delta }
        }

        fn whole(&self) -> Rows<'_, T> {
            Rows {
                rows: self.rows,
                input: &self.input,
                input_stride: self.stride,
                delta: &self.delta,
                delta_stride: self.stride,
                bias: true,
                repeated: Repeated::ONCE,
            }
        }

        fn sparse(&self) -> SparseBlock<'_, T> {
            let Self { rows, ref columns, ref delta, stride: delta_stride, .. } = *self;
            SparseBlock { rows, columns, delta, delta_stride }
        }
    }

    /// Products have the bits of those with whole rows.
    fn products_agree<T: Scalar>(
        set: InstructionSet,
        block: &Block<T>,
        fan_in: usize,
        fan_out: usize,
        weights: &[T],
    ) {
        let lanes = T::LANES;
        let Block { rows, stride: output_stride, ref entries, .. } = *block;
        let (depth, columns) = (fan_in, fan_out);
        let weights_stride = (weight_vectors::<T>(fan_in, fan_out) + 1) * lanes;
        let [mut expected, mut got] = [(); 2].map(|()| vec![T::ONE; panels::<T>(fan_out) * output_stride]);
        let input = Terms::in_panels(&block.input, output_stride);
        if is_single_output(fan_out) {
            dispatch_on(set, SingleOutputProduct { rows, depth, input, weights, output: &mut expected });
            let output = &mut got;
            dispatch_on(set, SparseSingleOutput { entries, first: 0, rows, depth, weights, output });
        } else {
            let (start, then, output) = (Start::Columns, Then::Stay, &mut expected);
            let (right, right_stride) = (weights, weights_stride);
            dispatch_on(
                set,
                Product {
                    rows,
                    depth,
                    input,
                    right,
                    right_stride,
                    start,
                    output,
                    output_stride,
                    then,
                    columns,
                },
            );
            let (first, output) = (0, &mut got);
            dispatch_on(
                set,
                SparseProduct {
                    entries,
                    first,
                    rows,
                    depth,
                    weights,
                    weights_stride,
                    output,
                    output_stride,
                    columns,
                },
            );
        }
        for panel in 0..panels::<T>(fan_out) {
            let own = panel * output_stride..panel * output_stride + rows * lanes;
            assert_eq!(got[own.clone()], expected[own], "{}", set.name());
        }
    }

    /// Products and gradients have the bits of those over whole rows, on every instruction set.
    fn agrees<T: Scalar>(
        rows: [usize; 2],
        fan_in: usize,
        fan_out: usize,
        one_in: u64,
        cut: usize,
        seed: u64,
    ) {
        let lanes = T::LANES;
        let total = panels::<T>(fan_out) * (weight_vectors::<T>(fan_in, fan_out) + 1);
        let mut weights = numbers::<T>(total * lanes, seed + 7);
        // What fills up the panels is 0.
        if is_single_output(fan_out) {
            weights[fan_in..panels::<T>(fan_in) * lanes].fill(T::ZERO);
            weights[panels::<T>(fan_in) * lanes + 1..].fill(T::ZERO);
        } else {
            let stride = (fan_in + 1) * lanes;
            for (index, weight) in weights.iter_mut().enumerate() {
                if index / stride * lanes + index % lanes >= fan_out {
                    *weight = T::ZERO;
                }
            }
        }
        let blocks = rows.map(|rows| Block::<T>::new(rows, fan_in, fan_out, one_in, seed));
        let cut = cut % (total + 1);
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            for block in &blocks {
                products_agree(set, block, fan_in, fan_out, &weights);
            }
            let gradient = |sparse: bool, add: bool| {
                let mut vectors = numbers::<T>(total * lanes, seed + 5);
                let mut lost = numbers::<T>(total * lanes, seed + 6);
                for (from, to) in [(0, cut), (cut, total)] {
                    let own = from * lanes..to * lanes;
                    let finish = Finish {
                        alpha: T::from_f64(0.125),
                        scale: T::from_f64(0.3),
                        weights: &weights[own.clone()],
                    };
                    let (vectors, lost) =
                        (&mut vectors[own.clone()], if add { Some(&mut lost[own]) } else { None });
                    let (layout, bias, finish) = (Layout::UnitsInLanes, true, Some(finish));
                    if sparse {
                        let blocks = blocks.iter().map(Block::sparse);
                        let whole =
                            Gradient { fan_in, fan_out, from, vectors, layout, bias, lost, finish, blocks };
                        dispatch_on(set, SparseGradient(whole));
                    } else {
                        let blocks = blocks.iter().map(Block::whole);
                        let whole =
                            Gradient { fan_in, fan_out, from, vectors, layout, bias, lost, finish, blocks };
                        dispatch_on(set, whole);
                    }
                }
                (vectors, lost)
            };
            for add in [false, true] {
                assert_eq!(gradient(true, add), gradient(false, add), "{}", set.name());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn sums_of_entries_are_those_of_whole_rows(
            rows in [1usize..20, 1..20],
            fan_in in 1usize..70,
            fan_out in 1usize..100,
            one_in in 1u64..9,
            cut in 0usize..1000,
            seed in 0u64..1000,
        ) {
            agrees::<f32>(rows, fan_in, fan_out, one_in, cut, seed);
            agrees::<f64>(rows, fan_in, fan_out, one_in, cut, seed);
        }
    }
}
