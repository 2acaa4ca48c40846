//! What lies along the lanes in the passes of a network: units, or rows if the network is narrow.

use crate::activation::Activation;
use crate::kernel::{Layout, Scalar, is_single_output, panels};
use crate::layer::Layer;
use crate::loss::Loss;

/// The widest layer, inputs included, of a network that may be narrow: a gradient goes through all rows of a block for each
/// of its tiles, so that they should stay in the caches next to the core.
const MOST_UNITS: usize = 64;

/// What each unit of a vector costs beside the products, and what the losses of a row cost where they have to be turned round
/// (see [`crate::loss`]); in multiply-adds of a vector, as all costs here.
const ACTIVATION: usize = 4;
const LOSS: usize = 8;

/// What it costs to add up the lanes of one element of the gradient.
const HALVING: usize = 10;

/// The layout for micro-batches of this many rows: rows in lanes where that is clearly faster (by a tenth, because it gains less
/// than the costs say with AVX2). It follows from the network and the batch alone: the gradient
/// is summed in another order where rows lie along the lanes, and its bits must not depend on the machine.
///
/// Complex layers, those that recur, stochastic units, dropout, losses of the caller's own (`None`), and losses of the outputs of a softmax are made for units only.
pub(super) fn layout<T: Scalar>(
    layers: &[Layer],
    micro_batch_rows: usize,
    loss: Option<Loss>,
    dropout: &[f64],
) -> Layout {
    let softmax = layers.last().is_some_and(|layer| layer.activation == Activation::Softmax);
    let real = layers.iter().all(|layer| layer.parts() == 1 && !layer.kind.recurs());
    let drawn = layers.iter().any(|layer| layer.activation.units().is_some());
    let possible = real
        && !drawn
        && loss.is_some_and(|loss| loss.takes_net_inputs() || !softmax)
        && dropout.iter().all(|rate| *rate == 0.0);
    let narrow = layers.iter().all(|layer| layer.fan_in.max(layer.fan_out) <= MOST_UNITS);
    if possible
        && narrow
        && 10 * cost_of_rows::<T>(layers, micro_batch_rows) < 9 * cost_of_units::<T>(layers, micro_batch_rows)
    {
        Layout::RowsInLanes
    } else {
        Layout::UnitsInLanes
    }
}

/// Forward and gradient, and for all layers but the first backward: products that a step takes.
fn products(index: usize) -> usize {
    if index == 0 { 2 } else { 3 }
}

fn cost_of_units<T: Scalar>(layers: &[Layer], rows: usize) -> usize {
    let of_layer = |(index, layer): (usize, &Layer)| {
        let (inputs, outputs) = (panels::<T>(layer.fan_in), panels::<T>(layer.fan_out));
        let products = if is_single_output(layer.fan_out) {
            products(index) * inputs
        } else {
            2 * layer.fan_in * outputs + (products(index) - 2) * layer.fan_out * inputs
        };
        products + ACTIVATION * outputs
    };
    rows * (layers.iter().enumerate().map(of_layer).sum::<usize>() + LOSS)
}

fn cost_of_rows<T: Scalar>(layers: &[Layer], rows: usize) -> usize {
    let vectors = panels::<T>(rows);
    let of_layer = |(index, layer): (usize, &Layer)| {
        layer.fan_in * layer.fan_out * (products(index) * vectors + HALVING)
            + ACTIVATION * layer.fan_out * vectors
    };
    layers.iter().enumerate().map(of_layer).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Init, Network};

    fn of(
        sizes: &[usize],
        rows: usize,
        output: Activation,
        loss: Option<Loss>,
        dropout: &[f64],
    ) -> [Layout; 2] {
        let (hidden, bias) = (vec![Activation::Tanh; sizes.len() - 2], vec![true; sizes.len() - 1]);
        let network = Network::<f32>::new(sizes, &hidden, output, &bias, Init::Glorot, 0).unwrap();
        let layers = network.layers();
        [layout::<f32>(layers, rows, loss, dropout), layout::<f64>(layers, rows, loss, dropout)]
    }

    #[test]
    fn narrow_networks_have_rows_along_the_lanes() {
        let squared = Some(Loss::SquaredError);
        for (sizes, rows) in [
            (&[4, 10, 3][..], 150),
            (&[2, 2, 1], 64),
            (&[8, 4, 2, 2], 192),
            (&[9, 4, 6], 107),
            // Those of the tests of same bits.
            (&[5, 9, 3], 57),
            (&[60, 17, 18, 2], 168),
            (&[60, 17, 18, 2], 248),
            (&[4, 3], 150),
        ] {
            assert_eq!(
                of(sizes, rows, Activation::Identity, squared, &[]),
                [Layout::RowsInLanes; 2],
                "{sizes:?}"
            );
        }
    }

    #[test]
    fn others_have_units_along_the_lanes() {
        let squared = Some(Loss::SquaredError);
        for (sizes, rows) in [
            (&[20, 64, 64, 1][..], 128),
            (&[64, 100, 10], 200),
            (&[16, 16, 16], 256),
            (&[4, 10, 3], 1),
            (&[2, 100, 2], 256),
            (&[784, 2], 256),
        ] {
            assert_eq!(
                of(sizes, rows, Activation::Identity, squared, &[]),
                [Layout::UnitsInLanes; 2],
                "{sizes:?}"
            );
        }
    }

    #[test]
    fn what_knows_units_only_gets_them() {
        let iris = |output, loss, dropout| of(&[4, 10, 3], 150, output, loss, dropout);
        let (softmax, squared) = (Activation::Softmax, Some(Loss::SquaredError));
        assert_eq!(iris(softmax, Some(Loss::LOG_LOSS), &[]), [Layout::RowsInLanes; 2]);
        assert_eq!(iris(softmax, squared, &[]), [Layout::UnitsInLanes; 2]);
        assert_eq!(iris(softmax, None, &[]), [Layout::UnitsInLanes; 2]);
        assert_eq!(iris(Activation::Identity, squared, &[0.0]), [Layout::RowsInLanes; 2]);
        assert_eq!(iris(Activation::Identity, squared, &[0.5]), [Layout::UnitsInLanes; 2]);
    }
}
