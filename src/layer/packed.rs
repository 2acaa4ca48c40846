//! Parameters in the form that the passes read: panels, aligned, in one flat vector.

use std::ops::Range;

use super::spec::Layer;
use crate::check::all_finite;
use crate::error::Result;
use crate::kernel::{Scalar, Terms, copy_piece, is_single_output, panels, weight_vectors};
use crate::memory::Aligned;
use crate::parallel::Team;

/// A matrix that products read: `inputs x outputs` weights, and biases if there are any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatrixShape {
    pub inputs: usize,
    pub outputs: usize,
    /// How many times so many outputs there are, for layers that recur: each group of them begins a panel, and fills up
    /// its last one.
    pub groups: Option<usize>,
    /// Where its first number is among the layer's parameters, from there to the next one, and from the weights of
    /// one input to those of the next.
    pub offset: usize,
    pub step: usize,
    pub row: usize,
    /// Where its first bias is.
    pub bias: Option<usize>,
}

impl MatrixShape {
    /// All weights of a layer, with the biases behind them, or every `step`th number of these from `offset` on.
    pub fn dense(layer: &Layer, offset: usize, step: usize) -> Self {
        let Layer { fan_in: inputs, fan_out: outputs, .. } = *layer;
        let row = outputs * step;
        let bias = layer.bias.then_some(offset + inputs * row);
        Self { inputs, outputs, groups: None, offset, step, row, bias }
    }
}

/// A number of panels, of so many vectors each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PanelShape {
    pub panels: usize,
    pub vectors: usize,
}

impl PanelShape {
    pub const NONE: Self = Self { panels: 0, vectors: 0 };

    /// The numbers in it.
    pub fn len<T: Scalar>(self) -> usize {
        self.panels.saturating_mul(self.vectors).saturating_mul(T::LANES)
    }
}

/// The way of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    Backward,
    /// Back to the step of time before, within a layer.
    Time,
}

/// Where a matrix of a layer lies in the flat vectors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackedMatrix {
    pub inputs: usize,
    /// Outputs, with those that fill up the last panel of a group.
    pub outputs: usize,
    pub bias: bool,
    /// Where its first number is in the network's order, from there to the next one, and to the next input's.
    flat: usize,
    step: usize,
    row: usize,
    /// Where its first bias is in that order, if it has any.
    first_bias: usize,
    /// Groups of outputs, and outputs of a group.
    groups: usize,
    width: usize,
    /// Where its panels start: vectors of weights and one of biases each.
    pub start: usize,
    /// Vectors of weights in a panel: one for each input, or fewer if they are transposed (see [`is_single_output`]).
    pub weight_vectors: usize,
    pub panels: usize,
}

impl PackedMatrix {
    /// Numbers in a panel.
    pub fn stride<T: Scalar>(&self) -> usize {
        (self.weight_vectors + 1) * T::LANES
    }

    /// Numbers in all its panels.
    pub fn len<T: Scalar>(&self) -> usize {
        self.panels * self.stride::<T>()
    }

    /// Its panels, given all parameters.
    pub fn of<'a, T: Scalar>(&self, weights: &'a [T]) -> &'a [T] {
        &weights[self.start..self.start + self.len::<T>()]
    }

    /// The same as the left side of a product, inputs x outputs.
    pub fn terms<'a, T: Scalar>(&self, weights: &'a [T]) -> Terms<'a, T> {
        let numbers = self.of(weights);
        if is_single_output(self.outputs) {
            Terms { numbers, row: 1, panel: 0 }
        } else {
            Terms::in_panels(numbers, self.stride::<T>())
        }
    }
}

/// The parameters of a network in panels. Numbers that fill up a vector, and the biases of a layer
/// without any, are 0; their gradients are 0 too, so no optimizer moves them.
#[derive(Debug)]
pub(crate) struct Packed<T> {
    /// The matrices of all layers, in order.
    pub matrices: Vec<PackedMatrix>,
    /// Which of them each layer has.
    layers: Vec<Range<usize>>,
    pub weights: Aligned<T>,
    /// What the way forward reads instead, if it does.
    forward: Copies<T>,
}

impl<T: Scalar> Packed<T> {
    pub fn new(layers: &[Layer], parameters: &[T]) -> Result<Self> {
        let (mut matrices, mut ranges) = (Vec::new(), Vec::with_capacity(layers.len()));
        let (mut flat, mut start) = (0, 0);
        for layer in layers {
            let first = matrices.len();
            for MatrixShape { inputs, outputs: width, groups, offset, step, row, bias } in layer.matrices() {
                let outputs = groups.map_or(width, |groups| groups * panels::<T>(width) * T::LANES);
                let matrix = PackedMatrix {
                    inputs,
                    outputs,
                    bias: bias.is_some(),
                    flat: flat + offset,
                    step,
                    row,
                    first_bias: flat + bias.unwrap_or_default(),
                    groups: groups.unwrap_or(1),
                    width,
                    start,
                    weight_vectors: weight_vectors::<T>(inputs, outputs),
                    panels: panels::<T>(outputs),
                };
                start += matrix.len::<T>();
                matrices.push(matrix);
            }
            flat += layer.n_parameters();
            ranges.push(first..matrices.len());
        }
        let forward = Copies::new(Way::Forward, layers, 0)?;
        let mut packed = Self { matrices, layers: ranges, weights: Aligned::zeros(start)?, forward };
        pack(&packed.matrices, parameters, &mut packed.weights);
        packed.changed(layers, &mut Team::alone());
        Ok(packed)
    }

    /// Brings the copies up to date.
    pub fn changed(&mut self, layers: &[Layer], team: &mut Team<'_>) {
        let Self { matrices, layers: ranges, weights, forward } = self;
        forward.fill(layers, |layer| &matrices[ranges[layer].clone()], weights, team);
    }

    /// The matrices of a layer.
    pub fn matrices_of(&self, layer: usize) -> &[PackedMatrix] {
        &self.matrices[self.layers[layer].clone()]
    }

    /// Whether what fills up the panels is 0 still, or a divergence has taken place. Else it would count in norms and penalties.
    pub fn is_filled_with_zeros(&self) -> bool {
        let others = |numbers: &[T]| numbers.iter().filter(|number| **number != T::ZERO).count();
        let mut own = 0;
        visit::<T>(&self.matrices, |_, _, at, count| own += others(&self.weights[at..at + count]));
        own == others(&self.weights) || !all_finite(&self.weights)
    }
}

/// Parameters once more, in another form that passes of one way read, layer by layer.
#[derive(Debug)]
pub(crate) struct Copies<T> {
    way: Way,
    /// Where each layer's start, and how many they are.
    places: Vec<(usize, PanelShape)>,
    numbers: Aligned<T>,
}

impl<T: Scalar> Copies<T> {
    /// Copies of all layers from this one on, not yet filled.
    pub fn new(way: Way, layers: &[Layer], first: usize) -> Result<Self> {
        let mut len = 0usize;
        let place = |(index, layer): (usize, &Layer)| {
            let shape = if index < first { PanelShape::NONE } else { layer.copy_shape::<T>(way) };
            let start = len;
            len = len.saturating_add(shape.len::<T>());
            (start, shape)
        };
        let places = layers.iter().enumerate().map(place).collect();
        Ok(Self { way, places, numbers: Aligned::zeros(len)? })
    }

    /// Brings them up to date.
    pub fn fill<'a>(
        &mut self,
        layers: &[Layer],
        matrices_of: impl Fn(usize) -> &'a [PackedMatrix] + Sync,
        weights: &[T],
        team: &mut Team<'_>,
    ) {
        if self.numbers.is_empty() {
            return;
        }
        let Self { way, places, numbers } = self;
        let (way, threads) = (*way, team.threads());
        if threads == 1 {
            // Without a list of parts, which takes a small network as long as its copies.
            for (index, &(start, shape)) in places.iter().enumerate() {
                let part = &mut numbers[start..start + shape.len::<T>()];
                layers[index].fill_copy(way, matrices_of(index), weights, 0, part);
            }
            return;
        }
        let mut rest = &mut numbers[..];
        let parts = places.iter().enumerate().flat_map(|(index, &(_, shape))| {
            let share = shape.panels.div_ceil(threads).max(1);
            (0..shape.panels)
                .step_by(share)
                .map(move |first| (index, first, share.min(shape.panels - first) * shape.vectors))
        });
        let parts = parts.map(|(index, first, vectors)| {
            (index, first, rest.split_off_mut(..vectors * T::LANES).unwrap_or_default())
        });
        team.for_each(parts, |(index, first, part)| {
            layers[index].fill_copy(way, matrices_of(index), weights, first, part);
        });
    }

    /// A layer's, and from one panel to the next.
    #[inline]
    fn of(&self, layer: usize) -> (&[T], usize) {
        if self.numbers.is_empty() {
            return (&[], 0);
        }
        let (start, shape) = self.places[layer];
        (&self.numbers[start..start + shape.len::<T>()], shape.vectors * T::LANES)
    }
}

/// The parameters as a pass reads them: in panels, and the copies that go with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters<'a, T> {
    pub packed: &'a Packed<T>,
    /// For the way back, from layer to layer and from step to step of time; none for predictions.
    pub backward: Option<&'a Copies<T>>,
    pub time: Option<&'a Copies<T>>,
    /// The layer that counts as the first one.
    pub first: usize,
}

/// The same of one layer. A product asks for what it reads: looking up all takes as long as a product of a small layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerParameters<'a, T> {
    network: Parameters<'a, T>,
    layer: usize,
}

impl<'a, T: Scalar> LayerParameters<'a, T> {
    #[inline]
    pub fn matrices(self) -> &'a [PackedMatrix] {
        self.network.packed.matrices_of(self.layer)
    }

    /// Those of all layers.
    #[inline]
    pub fn weights(self) -> &'a [T] {
        &self.network.packed.weights
    }

    /// Copies for the way forward, and from one of their panels to the next.
    #[inline]
    pub fn forward(self) -> (&'a [T], usize) {
        self.network.packed.forward.of(self.layer)
    }

    /// Copies for the way back, and from one of their panels to the next.
    #[inline]
    pub fn backward(self) -> (&'a [T], usize) {
        self.network.backward.map_or((&[], 0), |copies| copies.of(self.layer))
    }

    /// The same for the way back to the step before.
    #[inline]
    pub fn time(self) -> (&'a [T], usize) {
        self.network.time.map_or((&[], 0), |copies| copies.of(self.layer))
    }
}

impl<'a, T: Scalar> Parameters<'a, T> {
    /// Those of predictions.
    #[inline]
    pub fn forward(packed: &'a Packed<T>) -> Self {
        Self { packed, backward: None, time: None, first: 0 }
    }

    #[inline]
    pub fn of(self, layer: usize) -> LayerParameters<'a, T> {
        LayerParameters { network: self, layer: self.first + layer }
    }
}

/// From the network's order into panels.
pub(crate) fn pack<T: Scalar>(matrices: &[PackedMatrix], numbers: &[T], packed: &mut [T]) {
    visit::<T>(matrices, |flat, step, at, count| {
        let to = &mut packed[at..at + count];
        if step == 1 {
            copy_piece(&numbers[flat..flat + count], to);
        } else {
            to.iter_mut().zip(numbers[flat..].iter().step_by(step)).for_each(|(to, number)| *to = *number);
        }
    });
}

/// From panels into the network's order.
pub(crate) fn unpack<T: Scalar>(matrices: &[PackedMatrix], packed: &[T], numbers: &mut [T]) {
    visit::<T>(matrices, |flat, step, at, count| {
        let from = &packed[at..at + count];
        if step == 1 {
            copy_piece(from, &mut numbers[flat..flat + count]);
        } else {
            numbers[flat..].iter_mut().step_by(step).zip(from).for_each(|(to, number)| *to = *number);
        }
    });
}

/// Calls `copy(place in the network's order, step there, place in panels, count)` for each piece that is
/// contiguous in panels.
fn visit<T: Scalar>(matrices: &[PackedMatrix], mut copy: impl FnMut(usize, usize, usize, usize)) {
    for matrix in matrices {
        let (step, width) = (matrix.step, matrix.width);
        if is_single_output(matrix.outputs) {
            copy(matrix.flat, step, matrix.start, matrix.inputs);
            if matrix.bias {
                copy(matrix.first_bias, step, matrix.start + matrix.weight_vectors * T::LANES, 1);
            }
            continue;
        }
        let mut panel = matrix.start;
        for group in 0..matrix.groups {
            for column in (0..width).step_by(T::LANES) {
                let (mut to, count) = (panel, T::LANES.min(width - column));
                let offset = (group * width + column) * step;
                let mut row = matrix.flat + offset;
                for _ in 0..matrix.inputs {
                    copy(row, step, to, count);
                    (row, to) = (row + matrix.row, to + T::LANES);
                }
                if matrix.bias {
                    copy(matrix.first_bias + offset, step, to, count);
                }
                panel += matrix.stride::<T>();
            }
        }
    }
}
