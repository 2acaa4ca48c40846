//! Parameters in the form that the passes read: panels, aligned, in one flat vector.

use super::kind::MatrixShape;
use super::spec::Layer;
use crate::error::Result;
use crate::kernel::{Scalar, Terms, is_single_output, panel_vectors, panels, transpose, weight_vectors};
use crate::memory::Aligned;

/// Where a matrix of a layer lies in the flat vectors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackedMatrix {
    pub inputs: usize,
    pub outputs: usize,
    pub bias: bool,
    /// Where its panels start: vectors of weights and one of biases each.
    pub start: usize,
    /// Vectors of weights in a panel: one for each input, or fewer if they are transposed (see [`is_single_output`]).
    pub weight_vectors: usize,
    pub panels: usize,
    /// Where the panels of the transposed weights start. The first layer has none unless asked for: nothing is
    /// propagated back to the inputs. Nor have those whose weights are stored transposed already.
    pub transposed_start: usize,
    pub transposed_panels: usize,
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

    /// Numbers in a panel of the transposed weights.
    pub fn transposed_stride<T: Scalar>(&self) -> usize {
        panel_vectors(self.outputs) * T::LANES
    }

    pub fn transposed_len<T: Scalar>(&self) -> usize {
        self.transposed_panels * self.transposed_stride::<T>()
    }

    /// Gives the matrix transposed weights at `start`, unless they are stored so.
    fn place_transposed<T: Scalar>(&mut self, start: usize) {
        self.transposed_start = start;
        self.transposed_panels = if is_single_output(self.outputs) { 0 } else { panels::<T>(self.inputs) };
    }

    /// The transposed weights in panels, and from one of these to the next, given all parameters and all
    /// transposed weights.
    pub fn transposed<'a, T: Scalar>(&self, weights: &'a [T], transposed: &'a [T]) -> (&'a [T], usize) {
        if is_single_output(self.outputs) {
            (&weights[self.start..], T::LANES)
        } else {
            (&transposed[self.transposed_start..], self.transposed_stride::<T>())
        }
    }
}

/// Gives the first matrix transposed weights too, behind all others: for derivatives with respect to the inputs, and for the
/// forward pass with rows along the lanes.
pub(crate) fn place_first_transposed<T: Scalar>(matrices: &mut [PackedMatrix]) {
    let others = matrices.iter().map(PackedMatrix::transposed_len::<T>).sum();
    matrices[0].place_transposed::<T>(others);
}

/// The parameters of a network in panels. Numbers that fill up a vector, and the biases of a layer
/// without any, are 0; their gradients are 0 too, so no optimizer moves them.
#[derive(Debug)]
pub(crate) struct Packed<T> {
    /// The matrices of all layers, in order.
    pub matrices: Vec<PackedMatrix>,
    pub weights: Aligned<T>,
}

impl<T: Scalar> Packed<T> {
    pub fn new(layers: &[Layer], parameters: &[T]) -> Result<Self> {
        let matrices = place::<T>(layers);
        let len = matrices.iter().map(PackedMatrix::len::<T>).sum();
        let mut packed = Self { matrices, weights: Aligned::zeros(len)? };
        packed.fill(parameters);
        Ok(packed)
    }

    /// Copies parameters in the network's order into the panels.
    fn fill(&mut self, parameters: &[T]) {
        pack(&self.matrices, parameters, &mut self.weights);
    }

    /// A matrix's panels.
    pub fn matrix(&self, matrix: usize) -> &[T] {
        let place = &self.matrices[matrix];
        &self.weights[place.start..place.start + place.len::<T>()]
    }

    /// A matrix of inputs x outputs as the left side of a product.
    pub fn matrix_terms(&self, matrix: usize) -> Terms<'_, T> {
        let (place, numbers) = (&self.matrices[matrix], self.matrix(matrix));
        if is_single_output(place.outputs) {
            Terms { numbers, row: 1, panel: 0 }
        } else {
            Terms::in_panels(numbers, place.stride::<T>())
        }
    }
}

/// The parameters as a pass reads them: in panels, and the transposed weights that go with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters<'a, T> {
    pub packed: &'a Packed<T>,
    /// Empty for predictions, which need none.
    pub transposed: &'a [T],
}

fn place<T: Scalar>(layers: &[Layer]) -> Vec<PackedMatrix> {
    let (mut start, mut transposed_start) = (0, 0);
    let shapes = layers
        .iter()
        .enumerate()
        .flat_map(|(layer, of)| of.matrices().into_iter().map(move |shape| (layer, shape)));
    shapes
        .map(|(layer, MatrixShape { inputs, outputs, bias, of_layer_inputs })| {
            let mut matrix = PackedMatrix {
                inputs,
                outputs,
                bias,
                start,
                weight_vectors: weight_vectors::<T>(inputs, outputs),
                panels: panels::<T>(outputs),
                transposed_start,
                transposed_panels: 0,
            };
            if layer > 0 || !of_layer_inputs {
                matrix.place_transposed::<T>(transposed_start);
            }
            start += matrix.len::<T>();
            transposed_start += matrix.transposed_len::<T>();
            matrix
        })
        .collect()
}

/// From the network's order into panels.
pub(crate) fn pack<T: Scalar>(matrices: &[PackedMatrix], numbers: &[T], packed: &mut [T]) {
    visit::<T>(matrices, |flat, at, count| {
        packed[at..at + count].copy_from_slice(&numbers[flat..flat + count]);
    });
}

/// From panels into the network's order.
pub(crate) fn unpack<T: Scalar>(matrices: &[PackedMatrix], packed: &[T], numbers: &mut [T]) {
    visit::<T>(matrices, |flat, at, count| {
        numbers[flat..flat + count].copy_from_slice(&packed[at..at + count]);
    });
}

/// Calls `copy(place in the network's order, place in panels, count)` for each piece that is
/// contiguous in both.
fn visit<T: Scalar>(matrices: &[PackedMatrix], mut copy: impl FnMut(usize, usize, usize)) {
    let mut flat = 0;
    for matrix in matrices {
        if is_single_output(matrix.outputs) {
            copy(flat, matrix.start, matrix.inputs);
            flat += matrix.inputs;
            if matrix.bias {
                copy(flat, matrix.start + matrix.weight_vectors * T::LANES, 1);
                flat += 1;
            }
            continue;
        }
        for vector in 0..matrix.inputs + usize::from(matrix.bias) {
            for panel in 0..matrix.panels {
                let count = T::LANES.min(matrix.outputs - panel * T::LANES);
                copy(flat, matrix.start + panel * matrix.stride::<T>() + vector * T::LANES, count);
                flat += count;
            }
        }
    }
}

/// Panels of a matrix's transposed weights, from number `first` on.
pub(crate) fn transpose_matrix<T: Scalar>(matrix: &PackedMatrix, weights: &[T], to: &mut [T], first: usize) {
    let weights = &weights[matrix.start..matrix.start + matrix.len::<T>()];
    transpose(weights, matrix.inputs, matrix.outputs, to, first);
}
