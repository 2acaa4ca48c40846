//! What lies along the lanes in the passes of a network: units, or rows if the network is narrow.

use crate::activation::Activation;
use crate::kernel::{Layout, Scalar};
use crate::layer::Layer;
use crate::loss::Loss;

/// What the losses of a row cost where they have to be transposed (see [`crate::loss`]); in multiply-adds of a vector, as
/// all costs here.
const LOSS: usize = 8;

/// The layout for micro-batches of this many rows: rows in lanes where that is clearly faster (by a tenth, because it gains less
/// than the costs say with AVX2). It follows from the network and the batch alone: the gradient
/// is summed in another order where rows lie along the lanes, and its bits must not depend on the machine.
///
/// Layers say whether they can have rows there. Stochastic units, dropout, losses of the caller's own (`None`), and
/// losses of the outputs of a softmax are made for units only.
pub(super) fn layout<T: Scalar>(
    layers: &[Layer],
    micro_batch_rows: usize,
    loss: Option<Loss>,
    dropout: &[f64],
) -> Layout {
    let softmax = layers.last().is_some_and(|layer| layer.activation == Activation::Softmax);
    let drawn = layers.iter().any(|layer| layer.activation.units().is_some());
    let possible = !drawn
        && loss.is_some_and(|loss| loss.takes_net_inputs() || !softmax)
        && dropout.iter().all(|rate| *rate == 0.0);
    let cost = |of_layer: fn(&Layer, usize, bool) -> Option<usize>| {
        let costs =
            layers.iter().enumerate().map(|(index, layer)| of_layer(layer, micro_batch_rows, index == 0));
        costs.sum::<Option<usize>>()
    };
    let rows_are_faster = || {
        let rows = cost(Layer::cost_of_rows::<T>)?;
        let units = cost(Layer::cost_of_units::<T>)? + micro_batch_rows * LOSS;
        Some(10 * rows < 9 * units)
    };
    if possible && rows_are_faster() == Some(true) { Layout::RowsInLanes } else { Layout::UnitsInLanes }
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
