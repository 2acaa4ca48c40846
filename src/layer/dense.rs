//! A dense layer: `outputs = activation(inputs * weights + biases)`.

use super::init::{Init, RecurrentInit};
use super::kind::{Flow, LayerKind, ParameterArray, Passage, SparsePassage};
use super::packed::{LayerParameters, MatrixShape, PackedMatrix, PanelShape, Way};
use super::spec::Layer;
use crate::activation::Activation;
use crate::error::Result;
use crate::kernel::{
    Layout, Product, Scalar, SingleOutputInLanes, SingleOutputProduct, SparseProduct, SparseSingleOutput,
    Start, Terms, dispatch, is_single_output, panel_vectors, panels, transpose,
};
use crate::random::Random;

pub(super) struct Dense;

impl LayerKind for Dense {
    const NAME: &'static str = "dense";
    const FLOW: Flow = Flow::Rows;
    const TAKES_SPARSE_ROWS: bool = true;

    fn arrays(layer: &Layer) -> Vec<ParameterArray> {
        let weights = ParameterArray { name: "weights", shape: vec![layer.fan_in, layer.fan_out] };
        let biases = layer.bias.then(|| ParameterArray { name: "biases", shape: vec![layer.fan_out] });
        std::iter::once(weights).chain(biases).collect()
    }

    fn n_parameters(layer: &Layer) -> Option<usize> {
        let inputs = layer.fan_in.checked_add(usize::from(layer.bias))?;
        inputs.checked_mul(layer.fan_out)
    }

    fn sizes(weights: &[usize]) -> Option<(usize, usize)> {
        if let &[fan_in, fan_out] = weights { Some((fan_in, fan_out)) } else { None }
    }

    fn matrices(layer: &Layer) -> Vec<MatrixShape> {
        vec![MatrixShape::dense(layer, 0, 1)]
    }

    fn draw<T: Scalar>(
        layer: &Layer,
        init: Init,
        _: RecurrentInit,
        random: &mut Random,
        parameters: &mut [T],
    ) -> Result<()> {
        init.draw(layer, random, parameters)
    }

    /// For the way back, its weights transposed, unless they are stored so. Rows along the lanes read them on the
    /// way forward too.
    fn copy_shape<T: Scalar>(layer: &Layer, way: Way) -> PanelShape {
        if way != Way::Backward || is_single_output(layer.fan_out) {
            PanelShape::NONE
        } else {
            PanelShape { panels: panels::<T>(layer.fan_in), vectors: panel_vectors(layer.fan_out) }
        }
    }

    fn fill_copy<T: Scalar>(
        layer: &Layer,
        _: Way,
        matrices: &[PackedMatrix],
        weights: &[T],
        first: usize,
        to: &mut [T],
    ) {
        transpose(matrices[0].of(weights), layer.fan_in, layer.fan_out, to, first);
    }

    fn forward<T: Scalar>(layer: &Layer, parameters: LayerParameters<'_, T>, passage: Passage<'_, T>) {
        let Passage { layout, rows, input, output, output_stride, then } = passage;
        let place = &parameters.matrices()[0];
        let weights = place.of(parameters.weights());
        let (depth, columns) = (layer.fan_in, layer.fan_out);
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
                let (left, left_stride) = parameters.backward();
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

    fn forward_sparse<T: Scalar>(
        layer: &Layer,
        parameters: LayerParameters<'_, T>,
        passage: SparsePassage<'_, T>,
    ) {
        let SparsePassage { entries, first, rows, output, output_stride } = passage;
        let place = &parameters.matrices()[0];
        let (depth, weights) = (layer.fan_in, place.of(parameters.weights()));
        if is_single_output(layer.fan_out) {
            dispatch(SparseSingleOutput { entries, first, rows, depth, weights, output });
        } else {
            dispatch(SparseProduct {
                entries,
                first,
                rows,
                depth,
                weights,
                weights_stride: place.stride::<T>(),
                output,
                output_stride,
                columns: layer.fan_out,
            });
        }
    }

    fn rectifies(layer: &Layer) -> bool {
        !is_single_output(layer.fan_out) && layer.activation == Activation::Relu
    }

    fn backward<T: Scalar>(layer: &Layer, parameters: LayerParameters<'_, T>, passage: Passage<'_, T>) {
        let Passage { layout, rows, input: deltas, output, output_stride, then } = passage;
        let place = &parameters.matrices()[0];
        let (product_rows, columns, input, right, right_stride) = match layout {
            Layout::UnitsInLanes => {
                let (right, right_stride) = if is_single_output(layer.fan_out) {
                    (place.of(parameters.weights()), T::LANES)
                } else {
                    parameters.backward()
                };
                (rows, layer.fan_in, deltas, right, right_stride)
            }
            Layout::RowsInLanes => {
                (layer.fan_in, rows, place.terms(parameters.weights()), deltas.numbers, deltas.panel)
            }
        };
        dispatch(Product {
            rows: product_rows,
            depth: layer.fan_out,
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
}
