//! A dense layer: `outputs = activation(inputs * weights + biases)`.

use super::init::Init;
use super::kind::{LayerKind, MatrixShape, ParameterArray};
use super::packed::Parameters;
use super::spec::Layer;
use crate::activation::Activation;
use crate::kernel::{
    Layout, Product, Scalar, SingleOutputInLanes, SingleOutputProduct, Start, Terms, Then, dispatch,
    is_single_output,
};
use crate::random::Random;

pub(super) struct Dense;

impl LayerKind for Dense {
    const NAME: &'static str = "dense";

    fn arrays(layer: &Layer) -> Vec<ParameterArray> {
        let weights = ParameterArray { name: "weights", shape: vec![layer.fan_in, layer.fan_out] };
        let biases = layer.bias.then(|| ParameterArray { name: "biases", shape: vec![layer.fan_out] });
        std::iter::once(weights).chain(biases).collect()
    }

    fn sizes(weights: &[usize]) -> Option<(usize, usize)> {
        if let &[fan_in, fan_out] = weights { Some((fan_in, fan_out)) } else { None }
    }

    fn matrices(layer: &Layer) -> Vec<MatrixShape> {
        vec![MatrixShape {
            inputs: layer.fan_in,
            outputs: layer.fan_out,
            bias: layer.bias,
            of_layer_inputs: true,
        }]
    }

    fn draw<T: Scalar>(layer: &Layer, init: Init, random: &mut Random, parameters: &mut [T]) {
        let bound = init.bound(layer.fan_in, layer.fan_out, layer.activation);
        parameters.fill_with(|| random.uniform(bound));
    }
}

/// The net inputs of a block of rows, in panels `output_stride` apart. `then` is ignored by single-output
/// matrices (see [`rectifies`]).
#[allow(clippy::too_many_arguments)] // a product has as many sides
pub(crate) fn forward<T: Scalar>(
    layout: Layout,
    rows: usize,
    input: Terms<'_, T>,
    parameters: Parameters<'_, T>,
    matrix: usize,
    output: &mut [T],
    output_stride: usize,
    then: Then<'_, T>,
) {
    let Parameters { packed, transposed } = parameters;
    let place = &packed.matrices[matrix];
    let weights = packed.matrix(matrix);
    let (depth, columns) = (place.inputs, place.outputs);
    match layout {
        Layout::UnitsInLanes if is_single_output(columns) => {
            dispatch(SingleOutputProduct { rows, depth, input, weights, output });
        }
        Layout::UnitsInLanes => dispatch(Product {
            rows,
            depth,
            input,
            right: weights,
            right_stride: place.stride::<T>(),
            start: Start::Columns,
            output,
            output_stride,
            then,
            columns,
        }),
        Layout::RowsInLanes if is_single_output(columns) => dispatch(SingleOutputInLanes {
            rows,
            depth,
            input: input.numbers,
            input_stride: input.panel,
            weights,
            output,
            output_stride,
        }),
        Layout::RowsInLanes => {
            let (left, left_stride) = place.transposed(&packed.weights, transposed);
            let biases = &weights[place.weight_vectors * T::LANES..];
            dispatch(Product {
                rows: columns,
                depth,
                input: Terms::in_panels(left, left_stride),
                right: input.numbers,
                right_stride: input.panel,
                start: Start::Rows(biases, place.stride::<T>()),
                output,
                output_stride,
                then,
                columns: rows,
            });
        }
    }
}

/// Whether the product of a layer can rectify its sums on their way to memory.
pub(crate) fn rectifies(layer: &Layer) -> bool {
    !is_single_output(layer.fan_out) && layer.activation == Activation::Relu
}

/// From the deltas of a layer's net inputs, in panels, to the derivatives with respect to its inputs.
#[allow(clippy::too_many_arguments)] // a product has as many sides
pub(crate) fn backward<T: Scalar>(
    layout: Layout,
    rows: usize,
    deltas: Terms<'_, T>,
    parameters: Parameters<'_, T>,
    matrix: usize,
    output: &mut [T],
    output_stride: usize,
    then: Then<'_, T>,
) {
    let Parameters { packed, transposed } = parameters;
    let place = &packed.matrices[matrix];
    let (product_rows, columns, input, right, right_stride) = match layout {
        Layout::UnitsInLanes => {
            let (right, right_stride) = place.transposed(&packed.weights, transposed);
            (rows, place.inputs, deltas, right, right_stride)
        }
        Layout::RowsInLanes => {
            (place.inputs, rows, packed.matrix_terms(matrix), deltas.numbers, deltas.panel)
        }
    };
    dispatch(Product {
        rows: product_rows,
        depth: place.outputs,
        input,
        right,
        right_stride,
        start: Start::Zero,
        output,
        output_stride,
        then,
        columns,
    });
}
