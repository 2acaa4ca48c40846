//! Random numbers of a pass: what dropout leaves out, and what stochastic units draw. They follow from the seed, the
//! step, the layer, the row and the unit alone.

use super::selection::Selection;
use crate::activation::{Draw, Units};
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::layer::Layer;
use crate::random::{Purpose, Words};

/// The noise of a block in one step of a training, or in one sample of a prediction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise<'a> {
    /// For each hidden layer the chance of an output to be left out; empty without dropout.
    pub rates: &'a [f64],
    pub seed: u64,
    pub occasion: Occasion<'a>,
}

/// What the noise is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Occasion<'a> {
    /// A step of a training, in which each row is there so many times, one copy after the other.
    Step {
        step: u64,
        /// The place of the block's first row in the batch, copies counted.
        first: usize,
        /// Which rows of the data set the block has.
        rows: Selection<'a>,
        copies: usize,
    },
    /// A sample of a prediction, with the same random numbers for every row, so that a prediction does not depend on
    /// the other rows.
    Sample(u32),
}

/// Added to a layer's number for predictions, whose random numbers are others than those of a training.
const PREDICTION: u32 = 1 << 23;

impl Noise<'_> {
    /// The random numbers for a layer, and where among them those of a row are.
    pub(super) fn numbers(
        self,
        purpose: Purpose,
        layer: usize,
        frozen: bool,
    ) -> (Words, impl Fn(usize) -> u32 + Copy) {
        let words = match self.occasion {
            Occasion::Step { step, .. } => {
                Words::new(self.seed, purpose, layer as u32, if frozen { 0 } else { step as u32 })
            }
            Occasion::Sample(_) => Words::new(self.seed, purpose, layer as u32 | PREDICTION, 0),
        };
        let row_of = move |row: usize| match self.occasion {
            Occasion::Step { first, rows, copies, .. } if frozen => {
                (rows.row(row) * copies + (first + row) % copies) as u32
            }
            Occasion::Step { first, .. } => (first + row) as u32,
            Occasion::Sample(sample) => sample,
        };
        (words, row_of)
    }

    /// What stochastic units of a layer draw from. In predictions outputs are 0 or 1.
    pub(super) fn draw(self, layer: usize, units: Units) -> Draw<impl Fn(usize) -> u32 + Copy> {
        let (words, row) = self.numbers(Purpose::Units, layer, units.frozen);
        Draw { words, row, hard: matches!(self.occasion, Occasion::Sample(_)) }
    }

    /// How often each row is there.
    pub(super) fn copies(self) -> usize {
        match self.occasion {
            Occasion::Step { copies, .. } => copies,
            Occasion::Sample(_) => 1,
        }
    }
}

/// What the score function multiplies the derivatives of log-probabilities by: the loss of each row less the mean of
/// its other copies, times the row's weight.
pub(super) fn signals<T: Scalar>(losses: &[T], weights: Option<&[T]>, copies: usize, signals: &mut [T]) {
    for (place, (losses, signals)) in
        losses.chunks_exact(copies).zip(signals.chunks_exact_mut(copies)).enumerate()
    {
        for (index, signal) in signals.iter_mut().enumerate() {
            let mut others = T::ZERO;
            for (other, loss) in losses.iter().enumerate() {
                others += if other == index { T::ZERO } else { *loss };
            }
            let mean = if copies > 1 { others / T::from_f64((copies - 1) as f64) } else { T::ZERO };
            let weight = weights.map_or(T::ONE, |weights| weights[place * copies + index]);
            *signal = (losses[index] - mean) * weight;
        }
    }
}

/// Checks that dropout leaves stochastic units alone.
pub(crate) fn check_dropout(layers: &[Layer], drops: impl Iterator<Item = bool>) -> Result<()> {
    for (index, (layer, drops)) in layers.iter().zip(drops).enumerate() {
        if drops && layer.activation.units().is_some() {
            let expected = format!("0 for hidden layer {index}, whose units are stochastic");
            return Err(Error::argument("dropout", expected, "another rate"));
        }
    }
    Ok(())
}
