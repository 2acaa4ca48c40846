//! What layers that recur have in common: their arrays and matrices, and the products with them.
//!
//! # Arrays
//! `weights`, fan in x (gates x units), `recurrent_weights`, units x (gates x units), `biases` of all gates, and
//! `recurrent_biases` of the last gate, if it has some of its own. In panels each gate begins one.
//!
//! # Groups
//! A block keeps the net inputs of a step in groups of panels, one for each gate; those of a gate whose share from
//! the step before has a place of its own (the candidate of a GRU) are two, and that share comes first.

use super::init::{Init, RecurrentInit};
use super::kind::{Flow, LayerKind, ParameterArray, Passage, Recurrence};
use super::packed::{LayerParameters, MatrixShape, PackedMatrix, PanelShape, Way};
use super::spec::Layer;
use crate::error::Result;
use crate::kernel::{Product, Scalar, Start, dispatch, panel_vectors, panels, transpose};
use crate::memory::try_zeros;
use crate::random::Random;

/// A kind of layer that recurs; its file says how.
pub(super) trait Recurrent {
    const NAME: &'static str;
    const FORM: Recurrence;
}

impl<K: Recurrent> LayerKind for K {
    const NAME: &'static str = <K as Recurrent>::NAME;
    const FLOW: Flow = Flow::Sequences;
    const RECURRENCE: Option<Recurrence> = Some(K::FORM);

    fn arrays(layer: &Layer) -> Vec<ParameterArray> {
        arrays(K::FORM, layer)
    }

    fn n_parameters(layer: &Layer) -> Option<usize> {
        let Recurrence { gates, own_biases, .. } = K::FORM;
        let biases = if layer.bias { gates + usize::from(own_biases) } else { 0 };
        let of_unit = layer.fan_in.checked_add(layer.fan_out)?.checked_mul(gates)?.checked_add(biases)?;
        of_unit.checked_mul(layer.fan_out)
    }

    fn sizes(weights: &[usize]) -> Option<(usize, usize)> {
        match weights {
            &[fan_in, columns] if columns.is_multiple_of(K::FORM.gates) => {
                Some((fan_in, columns / K::FORM.gates))
            }
            _ => None,
        }
    }

    fn matrices(layer: &Layer) -> Vec<MatrixShape> {
        matrices(K::FORM, layer)
    }

    fn draw<T: Scalar>(
        layer: &Layer,
        init: Init,
        recurrent: RecurrentInit,
        random: &mut Random,
        parameters: &mut [T],
    ) -> Result<()> {
        draw(K::FORM, layer, init, recurrent, random, parameters)
    }

    /// Transposed, for the way back to the inputs and to the step before.
    fn copy_shape<T: Scalar>(layer: &Layer, way: Way) -> PanelShape {
        let vectors = panel_vectors(columns::<T>(layer, K::FORM.gates));
        match way {
            Way::Forward => PanelShape::NONE,
            Way::Backward => PanelShape { panels: panels::<T>(layer.fan_in), vectors },
            Way::Time => PanelShape { panels: panels::<T>(layer.fan_out), vectors },
        }
    }

    fn fill_copy<T: Scalar>(
        layer: &Layer,
        way: Way,
        matrices: &[PackedMatrix],
        weights: &[T],
        first: usize,
        to: &mut [T],
    ) {
        let vectors = panel_vectors(columns::<T>(layer, K::FORM.gates));
        let of_way = if way == Way::Time { &matrices[1..] } else { &matrices[..1] };
        for (index, panel) in to.chunks_exact_mut(vectors * T::LANES).enumerate() {
            let mut at = 0;
            // The gate whose share has a place of its own comes first.
            for matrix in of_way.iter().rev() {
                let to = &mut panel[at..][..panel_vectors(matrix.outputs) * T::LANES];
                transpose(matrix.of(weights), matrix.inputs, matrix.outputs, to, first + index);
                at += matrix.outputs * T::LANES;
            }
        }
    }

    fn forward<T: Scalar>(layer: &Layer, parameters: LayerParameters<'_, T>, passage: Passage<'_, T>) {
        product(layer.fan_in, &parameters.matrices()[0], parameters.weights(), Start::Columns, passage);
    }

    fn rectifies(_: &Layer) -> bool {
        false
    }

    fn backward<T: Scalar>(layer: &Layer, parameters: LayerParameters<'_, T>, passage: Passage<'_, T>) {
        let depth = columns::<T>(layer, K::FORM.gates);
        product_back(depth, layer.fan_in, parameters.backward(), Start::Zero, passage);
    }

    fn recur<T: Scalar>(layer: &Layer, parameters: LayerParameters<'_, T>, passage: Passage<'_, T>) {
        let (matrices, weights) = (parameters.matrices(), parameters.weights());
        let Passage { layout, rows, input, mut output, output_stride, then } = passage;
        if let Some(apart) = matrices.get(2) {
            let own;
            (own, output) = output.split_at_mut(apart.panels * output_stride);
            let passage = Passage { layout, rows, input, output: own, output_stride, then };
            product(layer.fan_out, apart, weights, Start::Columns, passage);
        }
        let passage = Passage { layout, rows, input, output, output_stride, then };
        product(layer.fan_out, &matrices[1], weights, Start::There, passage);
    }

    fn recur_back<T: Scalar>(
        layer: &Layer,
        parameters: LayerParameters<'_, T>,
        start: Start<'_, T>,
        passage: Passage<'_, T>,
    ) {
        let depth = columns::<T>(layer, K::FORM.gates);
        product_back(depth, layer.fan_out, parameters.time(), start, passage);
    }
}

fn arrays(form: Recurrence, layer: &Layer) -> Vec<ParameterArray> {
    let Layer { fan_in, fan_out, bias, .. } = *layer;
    let columns = form.gates.saturating_mul(fan_out);
    let mut arrays = vec![
        ParameterArray { name: "weights", shape: vec![fan_in, columns] },
        ParameterArray { name: "recurrent_weights", shape: vec![fan_out, columns] },
    ];
    if bias {
        arrays.push(ParameterArray { name: "biases", shape: vec![columns] });
        if form.own_biases {
            arrays.push(ParameterArray { name: "recurrent_biases", shape: vec![fan_out] });
        }
    }
    arrays
}

/// The matrix of the inputs, and those of the step before: that of the gates whose shares are added up, and that of the gate
/// whose share has its own place, if there is one.
fn matrices(form: Recurrence, layer: &Layer) -> Vec<MatrixShape> {
    let Layer { fan_in, fan_out, bias, .. } = *layer;
    let row = form.gates * fan_out;
    let (recurrent, biases) = (fan_in * row, (fan_in + fan_out) * row);
    let matrix = |inputs, groups, offset, bias| MatrixShape {
        inputs,
        outputs: fan_out,
        groups: Some(groups),
        offset,
        step: 1,
        row,
        bias,
    };
    let apart = usize::from(form.own_biases);
    let added = form.gates - apart;
    let mut matrices =
        vec![matrix(fan_in, form.gates, 0, bias.then_some(biases)), matrix(fan_out, added, recurrent, None)];
    if apart > 0 {
        matrices.push(matrix(fan_out, apart, recurrent + added * fan_out, bias.then_some(biases + row)));
    }
    matrices
}

/// Draws the weights gate by gate, then the recurrent ones; biases are 0, those of the gate that forgets 1. All are uniform
/// where the weights are so by name.
fn draw<T: Scalar>(
    form: Recurrence,
    layer: &Layer,
    init: Init,
    recurrent: RecurrentInit,
    random: &mut Random,
    parameters: &mut [T],
) -> Result<()> {
    let units = layer.fan_out;
    let row = form.gates * units;
    let (weights, rest) = parameters.split_at_mut(layer.fan_in * row);
    let (recurrent_weights, biases) = rest.split_at_mut(units * row);
    let mut gate = try_zeros(layer.fan_in.max(units) * units)?;
    for index in 0..form.gates {
        let own = &mut gate[..layer.fan_in * units];
        init.draw_gate(layer, random, own)?;
        place(own, units, &mut weights[index * units..], row);
    }
    for index in 0..form.gates {
        let own = &mut gate[..units * units];
        recurrent.draw(layer, random, own)?;
        place(own, units, &mut recurrent_weights[index * units..], row);
    }
    if let Init::Uniform { range } = init {
        biases.fill_with(|| random.uniform(range));
    } else {
        biases.fill(T::ZERO);
        if let Some(forget) = form.forget.filter(|_| layer.bias) {
            biases[forget * units..(forget + 1) * units].fill(T::ONE);
        }
    }
    Ok(())
}

/// Copies the rows of a matrix to the fronts of longer rows.
fn place<T: Scalar>(from: &[T], columns: usize, to: &mut [T], row: usize) {
    for (from, to) in from.chunks_exact(columns).zip(to.chunks_mut(row)) {
        to[..columns].copy_from_slice(from);
    }
}

/// Columns of the groups that matrices of this many gates lead to, filled up.
fn columns<T: Scalar>(layer: &Layer, gates: usize) -> usize {
    gates * panels::<T>(layer.fan_out) * T::LANES
}

fn product<T: Scalar>(
    depth: usize,
    matrix: &PackedMatrix,
    weights: &[T],
    start: Start<'_, T>,
    passage: Passage<'_, T>,
) {
    dispatch(Product {
        rows: passage.rows,
        depth,
        input: passage.input,
        right: matrix.of(weights),
        right_stride: matrix.stride::<T>(),
        start,
        output: passage.output,
        output_stride: passage.output_stride,
        then: passage.then,
        columns: matrix.outputs,
    });
}

fn product_back<T: Scalar>(
    depth: usize,
    columns: usize,
    (right, right_stride): (&[T], usize),
    start: Start<'_, T>,
    passage: Passage<'_, T>,
) {
    let Passage { rows, input, output, output_stride, then, .. } = passage;
    dispatch(Product {
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
    });
}
